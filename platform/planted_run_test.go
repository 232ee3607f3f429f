package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// soil is a demo into which words are planted: a real program, its folder, its
// log at its most talkative, and a folder of its own for temporary files.
type soil struct {
	*running
	t       *testing.T
	dir     string
	data    string
	words   []word
	people  []planting
	cards   []string
	program *exec.Cmd
	env     []string
	args    []string // before the command's own
}

// planting is what is known about one invented person.
type planting struct{ ssn, birth, email, phone string }

// sown starts the program and makes up n words of each kind.
func sown(t *testing.T, n int, seed uint64, more ...string) *soil {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	s := &soil{t: t, dir: t.TempDir(), args: more}
	s.data = filepath.Join(s.dir, "data")
	s.invent(n, rand.New(rand.NewPCG(seed, 20261122)))
	s.must(os.MkdirAll(filepath.Join(s.dir, "tmp"), 0o700))
	s.env = append(os.Environ(), "TMPDIR="+filepath.Join(s.dir, "tmp"), "LENDKEEP_DATA="+s.data)
	log, err := os.Create(filepath.Join(s.dir, "program.log"))
	s.must(err)
	s.program = exec.Command(path, append([]string{"demo", "--listen", "127.0.0.1:0", "--json", "--loans", "20", "--log-level", "debug"}, more...)...)
	s.program.Env, s.program.Stderr = s.env, log
	out, err := s.program.StdoutPipe()
	s.must(err)
	s.must(s.program.Start())
	t.Cleanup(s.kill)
	line, err := bufio.NewReader(out).ReadBytes('\n')
	s.must(err)
	r := &running{}
	s.must(json.Unmarshal(line, &r.facts))
	ca, err := os.ReadFile(r.facts.CA)
	s.must(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	r.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 60 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	s.running = r
	return s
}

func (s *soil) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// kill ends the program as a crash does: its log of writes and its temporary
// files stay as they are.
func (s *soil) kill() {
	if s.program.ProcessState == nil {
		_ = s.program.Process.Kill()
		_ = s.program.Wait()
	}
}

// invent makes up people and cards, no two alike.
func (s *soil) invent(n int, r *rand.Rand) {
	seen := map[string]bool{}
	fresh := func(kind string, make func() string) string {
		for {
			if text := make(); !seen[text] {
				seen[text] = true
				s.words = append(s.words, word{kind, text})
				return text
			}
		}
	}
	for range n {
		s.people = append(s.people, planting{
			ssn: fresh("ssn", func() string { return fmt.Sprintf("%03d-%02d-%04d", 100+r.IntN(500), 10+r.IntN(89), 1000+r.IntN(8999)) }),
			birth: fresh("birth", func() string {
				return time.Date(1935, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, r.IntN(25000)).Format(time.DateOnly)
			}),
			email: fresh("email", func() string { return fmt.Sprintf("p%08x.q%06x@planted-mail.example", r.Uint32(), r.IntN(1<<24)) }),
			phone: fresh("phone", func() string { return fmt.Sprintf("+1%03d%03d%04d", 201+r.IntN(700), 201+r.IntN(700), r.IntN(10000)) }),
		})
		s.cards = append(s.cards, fresh("card", func() string { return checked(fmt.Sprintf("4%014d", r.Int64N(1e14))) }))
	}
}

// checked puts the check digit behind fifteen digits.
func checked(digits string) string {
	sum := 0
	for i, c := range digits {
		d := int(c - '0')
		if i%2 == 0 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return digits + fmt.Sprint((10-sum%10)%10)
}

// live does everything with the words that the product allows, and what it does
// not. Answers do not matter here, but for those that the story needs.
func (s *soil) live() {
	s.apply()
	s.keepBook()
	s.importBorrowers()
	s.knock()
	s.tryCards()
	s.lookBack()
}

// send makes one call and gives its status and answer; 429 is waited for.
func (s *soil) send(method, path string, header map[string]string, body any) (int, map[string]any) {
	s.t.Helper()
	for {
		status, a := s.call(s.t, method, path, header, body)
		if status != http.StatusTooManyRequests {
			return status, a
		}
		time.Sleep(200 * time.Millisecond) // the limit's own time must pass
	}
}

// done is a call that the story needs.
func (s *soil) done(method, path string, header map[string]string, body any) map[string]any {
	s.t.Helper()
	status, a := s.send(method, path, header, body)
	if status/100 != 2 {
		s.t.Fatalf("%s %s: %d %v", method, path, status, a)
	}
	return a
}

// apply has a third of the people apply: on the public form's key, through the
// lender's server, and with an officer.
func (s *soil) apply() {
	for i := 0; i < len(s.people); i += 3 {
		p := s.people[i]
		a := application("")
		for name, value := range map[string]any{"email": p.email, "phone": p.phone, "date_of_birth": p.birth, "ssn": p.ssn} {
			a["applicant"].(map[string]any)[name] = value
		}
		header := s.as("underwriter")
		switch i % 4 {
		case 0:
			header = map[string]string{"Lendkeep-Site-Key": s.facts.SiteKey, "Origin": s.facts.SiteOrigin, "X-Forwarded-For": fmt.Sprintf("203.0.113.10, 198.51.100.%d", i%250)}
		case 1:
			header = map[string]string{"Authorization": "Bearer " + s.facts.ServerKey}
			a["client"] = map[string]any{"address": "203.0.113.10", "user_agent": "Mozilla/5.0 " + p.email}
		}
		a["requested"].(map[string]any)["purpose"] = "Consolidation for " + p.email
		made := s.done("POST", "/applications", header, a)
		id := fmt.Sprint(made["id"])
		s.decided(s.t, id)
		for _, part := range []string{"", "/history", "/related", "/network-check", "/decision"} {
			s.send("GET", "/applications/"+id+part, s.as("underwriter"), nil)
		}
		s.raw("GET", "/api/v1/applications/"+id+"/evidence", s.as("underwriter"), "")
		reason := map[string]any{"reason": "Spoke with " + p.phone + ", born " + p.birth}
		s.send("POST", "/applications/"+id+[]string{"/approve", "/reject", "/reprocess"}[i/3%3], s.as("underwriter"), reason)
	}
}

// keepBook has a third of them entered by an officer, edited, searched, revealed
// and written about.
func (s *soil) keepBook() {
	for i := 1; i < len(s.people); i += 3 {
		p := s.people[i]
		b := s.done("POST", "/borrowers", s.as("manager"), map[string]any{"first_name": "Planted", "last_name": fmt.Sprintf("Person %d", i), "email": "first@example.com",
			"phone": "+12125550100", "date_of_birth": "1970-01-02", "ssn": "219-09-9999"})
		id := fmt.Sprint(b["id"])
		s.done("PATCH", "/borrowers/"+id, s.as("manager"), map[string]any{"email": p.email, "phone": p.phone, "date_of_birth": p.birth, "ssn": p.ssn})
		for _, q := range []string{p.email, p.phone, p.ssn, p.birth} {
			s.send("GET", "/borrowers?q="+url.QueryEscape(q), s.as("manager"), nil)
			s.send("GET", "/loans?q="+url.QueryEscape(q), s.as("manager"), nil)
			s.send("GET", "/applications?q="+url.QueryEscape(q), s.as("underwriter"), nil)
		}
		for _, field := range []string{"ssn", "email", "phone", "date_of_birth"} {
			_, a := s.send("POST", "/borrowers/"+id+"/reveal", s.as("manager"), map[string]any{"field": field, "reason": "The caller said " + p.ssn})
			if a["value"] != map[string]string{"ssn": strings.ReplaceAll(p.ssn, "-", ""), "email": p.email, "phone": p.phone, "date_of_birth": p.birth}[field] {
				s.t.Fatalf("%s is not what was entered: %v", field, a)
			}
		}
		loan := s.done("POST", "/loans", s.as("manager"), map[string]any{"borrower_id": id, "principal": "1200.00", "annual_rate": "7.5", "term_months": 12})
		at := "/loans/" + fmt.Sprint(loan["id"])
		s.send("POST", at+"/notes", s.as("manager"), map[string]any{"body": "Called " + p.phone + " and " + p.email + "; says SSN " + p.ssn + ", born " + p.birth})
		s.send("GET", at+"/notes", s.as("manager"), nil)
		s.send("GET", at, s.as("agent"), nil)
		s.owe(id, at, i, p)
	}
}

// owe has one of them looked for by whole values, keep papers with us, ask for what is
// held, be kept by a court, and be spoken of where reasons are given.
func (s *soil) owe(id, loan string, i int, p planting) {
	borrower, admin := "/borrowers/"+id, s.as("admin")
	for path, body := range map[string]map[string]any{"ssn": {"ssn": p.ssn}, "contact": {"email": p.email, "phone": p.phone}} {
		s.done("POST", "/borrowers/search/"+path, s.as("manager"), body)
	}
	told := "Ask " + p.phone + " or " + p.email + ", SSN " + p.ssn + ", born " + p.birth
	for _, at := range []string{borrower, loan} {
		var kept struct{ ID string }
		s.must(json.Unmarshal(s.upload(at, fmt.Sprintf("letter %d.txt", i), told), &kept))
		s.raw("GET", "/api/v1"+at+"/documents/"+kept.ID, s.as("manager"), "")
		s.upload(at, "of "+p.email+" "+p.ssn+".txt", "x")
		s.upload(at, "of "+p.email+".pdf", told) // which it is not
	}
	for _, format := range []string{"json", "pdf"} {
		file := []byte("too_many_calls")
		for ; bytes.Contains(file, []byte("too_many_calls")); time.Sleep(50 * time.Millisecond) {
			file = s.raw("POST", "/api/v1"+borrower+"/data-export", with(admin, map[string]string{"Content-Type": "application/json"}), `{"format":"`+format+`","reason":"a letter"}`)
		}
		if format == "json" && !bytes.Contains(file, []byte(p.email)) {
			s.t.Errorf("the export does not hold what is held: %.200s", file)
		}
	}
	for _, path := range []string{"/data-export", "/erase"} { // a reason that tells who it is
		if status, a := s.send("POST", borrower+path, admin, map[string]any{"reason": told}); status != http.StatusUnprocessableEntity && status != http.StatusForbidden {
			s.t.Errorf("%s for such a reason: %d %v", path, status, a)
		}
	}
	s.send("POST", "/legal-holds", admin, map[string]any{"subject": "borrower/" + id, "reason": told, "matter": p.ssn})
	s.send("POST", "/access-requests", s.as("agent"), map[string]any{"operation": "loan.write_off", "reason": told})
	s.send("POST", loan+"/write-off", s.as("manager"), map[string]any{"reason": told})
}

// upload hands a paper in as programs do, and gives the answer.
func (s *soil) upload(at, name, content string) []byte {
	form := "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: text/plain\r\n\r\n" + content + "\r\n--edge--\r\n"
	return s.raw("POST", "/api/v1"+at+"/documents", with(s.as("manager"), map[string]string{"Content-Type": "multipart/form-data; boundary=edge"}), form)
}

// importBorrowers has the last third come from a file.
func (s *soil) importBorrowers() {
	var b strings.Builder
	b.WriteString("reference,first_name,last_name,email,phone,date_of_birth,ssn\n")
	for i := 2; i < len(s.people); i += 3 {
		p := s.people[i]
		fmt.Fprintf(&b, "P-%d,Planted,Person %d,%s,%s,%s,%s\n", i, i, p.email, p.phone, p.birth, p.ssn)
	}
	file := filepath.Join(s.t.TempDir(), "borrowers.csv") // the lender's own file, not ours
	s.must(os.WriteFile(file, []byte(b.String()), 0o600))
	s.command("import", file, "--tenant", s.facts.Tenant)
	bad := strings.Replace(b.String(), "\nP-2,", "\n,", 1)
	s.must(os.WriteFile(file, []byte(strings.ReplaceAll(bad, "@", "@@")), 0o600))
	s.attempt("import", file, "--tenant", s.facts.Tenant)
}

// knock has strangers and slips bring the words where they do not belong.
func (s *soil) knock() {
	for i, p := range s.people {
		for _, text := range []string{p.ssn, p.birth, p.email, p.phone} {
			e := url.PathEscape(text)
			header := map[string]string{"User-Agent": "agent " + text, "X-Request-Id": text, "Referer": s.facts.URL + "/" + e, "X-Forwarded-For": text + ", 198.51.100.9", "Accept-Language": text}
			switch i % 5 {
			case 0:
				s.raw("GET", "/"+e+"/nowhere?q="+url.QueryEscape(text), header, "")
				s.raw("GET", "/api/v1/loans/"+e, with(header, s.as("agent")), "")
			case 1:
				s.raw("POST", "/signin", with(header, map[string]string{"Origin": s.facts.URL, "Content-Type": "application/x-www-form-urlencoded"}), url.Values{"email": {text}, "password": {text}}.Encode())
				s.raw("POST", "/reset", with(header, map[string]string{"Origin": s.facts.URL, "Content-Type": "application/x-www-form-urlencoded"}), url.Values{"email": {p.email}}.Encode())
			case 2:
				s.raw("POST", "/api/v1/borrowers", with(header, s.as("manager"), map[string]string{"Content-Type": "application/json", "Idempotency-Key": text}), `{"first_name": "`+text+`", "ssn": `+text+`, `)
				s.raw("POST", "/api/v1/borrowers", with(header, s.as("manager"), map[string]string{"Content-Type": "application/json"}), `{"`+text+`": 1, "ssn": "x`+text+`", "email": "`+text+`x"}`)
			case 3:
				s.raw("GET", "/api/v1/me", with(header, map[string]string{"Authorization": "Bearer lk_" + text}), "")
				s.raw(strings.ReplaceAll("G-"+text, "@", "-"), "/api/v1/me", header, "")
			default:
				s.raw("GET", "/api/v1/loans?sort="+url.QueryEscape(text)+"&cursor="+url.QueryEscape(text), with(header, s.as("agent")), "")
				s.raw("GET", "/api/v1/audit?actor="+url.QueryEscape(text)+"&object="+url.QueryEscape("borrower/"+text), with(header, s.as("admin")), "")
			}
		}
	}
}

// tryCards has every card number go where texts are taken; all are refused.
func (s *soil) tryCards() {
	taken := 0
	for i, card := range s.cards {
		spaced := card[:4] + " " + card[4:8] + " " + card[8:12] + " " + card[12:]
		a := application("203.0.113.10")
		var status int
		switch i % 8 {
		case 0:
			a["applicant"].(map[string]any)["first_name"] = spaced
			status, _ = s.send("POST", "/applications", map[string]string{"Authorization": "Bearer " + s.facts.ServerKey}, a)
		case 1:
			a["requested"].(map[string]any)["purpose"] = "card " + card
			status, _ = s.send("POST", "/applications", map[string]string{"Authorization": "Bearer " + s.facts.ServerKey}, a)
		case 2:
			status, _ = s.send("POST", "/borrowers", s.as("manager"), map[string]any{"first_name": "A", "last_name": "B", "reference": card})
		case 3:
			status, _ = s.send("POST", "/borrowers", s.as("manager"), map[string]any{"first_name": "A", "last_name": "B", "address": map[string]any{"line1": spaced}})
		case 4:
			status, _ = s.send("GET", "/borrowers?q="+url.QueryEscape(spaced), s.as("manager"), nil)
		case 5:
			status, _ = s.send("POST", "/portfolios", s.as("admin"), map[string]any{"name": "Portfolio " + card})
		case 6:
			status, _ = s.send("POST", "/access-requests", s.as("agent"), map[string]any{"operation": "loan.view", "reason": spaced})
		default:
			s.raw("GET", "/"+card+"/"+url.PathEscape(spaced)+"?card="+card, map[string]string{"User-Agent": card, "Referer": card, "X-Forwarded-For": card}, "")
			s.raw("POST", "/signin", map[string]string{"Origin": s.facts.URL, "Content-Type": "application/x-www-form-urlencoded"}, url.Values{"email": {card}, "password": {spaced}}.Encode())
			status = 404
		}
		if status/100 == 2 {
			taken++
		}
	}
	if taken > 0 {
		s.t.Errorf("%d of %d card numbers were taken", taken, len(s.cards))
	}
}

// lookBack has an officer look at the trail and take it away in every form.
func (s *soil) lookBack() {
	for range 3 {
		s.send("GET", "/audit?limit=200", s.as("admin"), nil)
	}
	for _, format := range []string{"csv", "ocsf", "bundle"} {
		kept := s.raw("GET", "/api/v1/audit/export?format="+format, s.as("admin"), "")
		s.must(os.WriteFile(filepath.Join(s.dir, "export-"+format), kept, 0o600))
	}
	s.command("audit", "verify", "--tenant", s.facts.Tenant)
	s.must(os.MkdirAll(filepath.Join(s.dir, "backups"), 0o700))
	s.command("backup", "--tenant", s.facts.Tenant, "--out", filepath.Join(s.dir, "backups", "data.lkb"), "--key-store", filepath.Join(s.dir, "backups", "keys.lkb"))
}

func with(headers ...map[string]string) map[string]string {
	out := map[string]string{}
	for _, h := range headers {
		for k, v := range h {
			out[k] = v
		}
	}
	return out
}

// raw makes a call that need not be a sensible one and gives the answer's body. It
// may never be a fault of the server's.
func (s *soil) raw(method, path string, header map[string]string, body string) []byte {
	s.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, s.facts.URL+path, strings.NewReader(body))
	if err != nil {
		return nil // no such request can be sent
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := s.http.Do(req)
	s.must(err)
	defer resp.Body.Close()
	if resp.StatusCode >= 500 {
		s.t.Errorf("%s %s: %d", method, path, resp.StatusCode)
	}
	b, err := io.ReadAll(resp.Body)
	s.must(err)
	return b
}

// command is the operator's command line beside the running program.
func (s *soil) command(args ...string) {
	s.t.Helper()
	if out, err := s.attempt(args...); err != nil {
		s.t.Fatalf("lendkeep %s: %v\n%s", args[0], err, out)
	}
}

// attempt keeps what a command said beside the program's log: operators keep both.
func (s *soil) attempt(args ...string) ([]byte, error) {
	cmd := exec.Command(s.program.Path, append(args, s.args...)...)
	cmd.Env = s.env
	out, err := cmd.CombinedOutput()
	f, e := os.OpenFile(filepath.Join(s.dir, "commands.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.must(e)
	_, e = f.Write(out)
	s.must(e)
	s.must(f.Close())
	return bytes.TrimSpace(out), err
}
