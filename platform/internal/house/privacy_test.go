package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// columnsOf lists every column of a database, "table.column", with whether it
// holds bytes.
func columnsOf(t *testing.T, d *db.DB) map[string]bool {
	t.Helper()
	query := `SELECT m.name || '.' || c.name, c.type LIKE '%BLOB%' FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%' AND m.name <> 'goose_db_version'`
	if d.Engine() == db.PostgreSQL {
		query = `SELECT table_name || '.' || column_name, CASE WHEN data_type = 'bytea' THEN 1 ELSE 0 END FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'goose_db_version'`
	}
	out := map[string]bool{}
	check(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
			var name string
			var isBytes int64
			err := r.Scan(&name, &isBytes)
			out[name] = isBytes != 0
			return struct{}{}, err
		}, query)
		return err
	}))
	return out
}

// Whoever adds a column says in the register what it may tell of a person, or this
// fails: an erasure and an export would not know of it.
func TestWhatIsHeldAboutEverybodyHasAClass(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine)
			known := map[string]string{}
			for _, table := range house.Persons() {
				for column, lists := range table.Columns() {
					known[table.Name+"."+column] = strings.Join(lists, " ")
				}
			}
			columns := columnsOf(t, w.tenant.DB)
			for c, isBytes := range columns {
				class := known[c]
				if class == "" {
					t.Errorf("%s: say in the house's register of persons what it may tell of a borrower or an applicant", c)
				}
				if isBytes && slices.Contains([]string{"words", "blank", "lists", "copies", "kept"}, class) || !isBytes && slices.Contains([]string{"sealed", "files", "tenant", "index"}, class) {
					t.Errorf("%s is classed as %s, which does not fit its type", c, class)
				}
			}
			for c := range known {
				if _, there := columns[c]; !there {
					t.Errorf("%s is in the register, but there is no such column", c)
				}
			}
			// What lies under the key of a person must be emptied with the person.
			for _, r := range house.Register().Sealed {
				for _, c := range r.Columns {
					if class := known[r.Table+"."+c]; r.Under == keys.Persons && r.Table != "person_key" && class != "sealed" && class != "files" {
						t.Errorf("%s.%s lies under a person's key, and the register of persons calls it %q", r.Table, c, class)
					}
				}
			}
			for _, b := range house.Register().Indexed {
				if known[b.Table+"."+b.Column] != "index" {
					t.Errorf("%s.%s is a blind index, and an erasure does not empty it", b.Table, b.Column)
				}
			}
		})
	}
}

// telltales is what tells who the person of these stories is, as it is typed and as
// it could be stored.
func telltales() []string {
	return []string{"Zebulon", "zebulon", "Quartermain", "quartermain", "Xanthippe", "xanthippe", "517654329", "517-65-4329", "zebulon.quartermain@planted.example", "2125557391", "212 555 7391", "1971-03-29", "Marlinspike", "90909", "quarterm", "Quarterm"}
}

const plantedPerson = `"first_name":"Zebulon","last_name":"Quartermain","email":"zebulon.quartermain@planted.example","phone":"+1 212 555 7391","date_of_birth":"1971-03-29","ssn":"517-65-4329",
	"address":{"line1":"77 Marlinspike Lane","city":"Xanthippe Falls","region":"NY","postal_code":"90909","country":"US"}`

// leaver is a person with everything that a lender can hold: an application that
// became a loan, one that was rejected, a ledger, notes, fields, searches, changes.
type leaver struct {
	*safe
	second                                *person // who approves
	borrower, loan, application, rejected string
}

func settleIn(t *testing.T, engine db.Engine) *leaver {
	t.Helper()
	l := &leaver{safe: &safe{world: walkable(t, engine)}}
	l.second = l.newcomer(policy.Admin)
	l.must("POST", "/custom-fields", `{"name":"nickname","kind":"text","class":"personal"}`)
	l.must("POST", "/custom-fields", `{"name":"handle","kind":"text","class":"public"}`)
	submit := func() string {
		return l.mustAs(l.site, "POST", "/applications", `{"applicant":{`+plantedPerson+`},"requested":{"amount":"5000.00","term_months":24,"purpose":"a boat for Zebulon"},"client":{"address":"8.8.8.8","user_agent":"Quartermain/1.0"}}`)["id"].(string)
	}
	l.application = submit()
	l.loan = l.must("POST", "/applications/"+l.application+"/approve", `{"annual_rate":"0.1","reason":"known to us"}`)["loan_id"].(string)
	l.borrower = l.must("GET", "/loans/"+l.loan, "")["borrower"].(map[string]any)["id"].(string)
	l.rejected = submit()
	l.must("POST", "/applications/"+l.rejected+"/reject", `{"reason":"enough boats","adverse_reasons":["Too many obligations."]}`)
	l.must("POST", "/loans/"+l.loan+"/notes", `{"body":"Zebulon moved to Xanthippe Falls"}`)
	l.must("POST", "/borrowers/"+l.borrower+"/documents", upload("quartermain.txt", []byte("Zebulon of Xanthippe Falls")))
	l.must("PUT", "/loans/"+l.loan+"/custom-fields", `{"fields":[{"name":"nickname","value":"Zebulon"},{"name":"handle","value":"quartermain"}]}`)
	l.must("POST", "/loans/"+l.loan+"/fees", `{"amount":"1.00","memo":"letter to Zebulon"}`)
	l.must("PATCH", "/borrowers/"+l.borrower, `{"reference":"QUARTERMAIN-1","phone":"+1 212 555 7391 x2"}`)
	l.must("POST", "/borrowers/"+l.borrower+"/reveal", `{"field":"email","reason":"a call"}`)
	for path, body := range map[string]string{"ssn": `{"ssn":"517654329"}`, "contact": `{"email":"Zebulon.Quartermain@planted.example"}`} {
		if out := l.must("POST", "/borrowers/search/"+path, body); out["total"] != 1.0 || out["items"].([]any)[0].(map[string]any)["id"] != l.borrower {
			t.Errorf("the exact search by %s finds %v", path, out)
		}
		e := l.must("GET", "/audit?limit=1&operation=borrower.search."+path, "")["items"].([]any)[0].(map[string]any)
		if said, _ := json.Marshal(e); bytes.Contains(said, []byte("517")) || bytes.Contains(said, []byte("planted")) || e["detail"].(map[string]any)["field"] == nil {
			t.Errorf("the entry of an exact search: %s", said)
		}
	}
	if got := l.must("POST", "/applications/"+l.rejected+"/reveal", `{"field":"ssn","reason":"a call"}`); got["value"] != "517654329" {
		t.Errorf("an applicant's field is revealed as %v", got)
	}
	for _, q := range []string{"/borrowers?q=Zebulon", "/applications?q=zebulon.quartermain%40planted.example", "/loans?q=quarterm", "/borrowers?q=%28212%29+555-7391", "/borrowers?q=Quartermain%20Zeb"} {
		l.must("GET", q, "")
	}
	l.must("PUT", "/loans/"+l.loan+"/status", `{"status":"closed","reason":"settled"}`)
	return l
}

// later moves the clock.
func (l *leaver) later(d time.Duration) {
	l.now.Add(d.Microseconds())
	check(l.t, l.tenant.Ring.Refresh(l.t.Context()))
	l.write(func(ctx context.Context, tx *db.Tx) error { // keys of people are good for as long as their exception
		if _, err := tx.Exec(ctx, `UPDATE factor_exception SET until = ?`, tx.At+365*24*3600*1_000_000); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
}

const years = 365 * 24 * time.Hour

// eraseNow asks, approves and does.
func (l *leaver) eraseNow(path string) {
	l.t.Helper()
	p := l.must("POST", path+"/erase", `{"reason":"asked for by letter"}`)["proposal"].(string)
	l.mustAs(l.second, "POST", "/proposals/"+p+"/approve", `{}`)
	l.goOn()
}

// goOn takes every step that is left.
func (l *leaver) goOn() {
	l.t.Helper()
	for _, e := range l.must("GET", "/erasures", "")["items"].([]any) {
		for more := true; more; {
			var err error
			l.tick()
			more, err = l.house.Privacy.Step(l.t.Context(), l.house.Gate, l.tenant, id.Erasure(e.(map[string]any)["id"].(string)))
			check(l.t, err)
		}
	}
}

// traces looks for what tells who the person is in every column of every table, and
// in everything sealed that still opens.
func (l *leaver) traces() (out []string) {
	l.t.Helper()
	look := func(where string, content []byte) {
		for _, p := range telltales() {
			if bytes.Contains(content, []byte(p)) {
				out = append(out, fmt.Sprintf("%s tells %q", where, p))
			}
		}
	}
	for _, d := range []*db.DB{l.tenant.DB, l.tenant.Persons.DB} {
		for name, isBytes := range columnsOf(l.t, d) {
			table, column, _ := strings.Cut(name, ".")
			expr := `CAST(` + column + ` AS TEXT)`
			if isBytes {
				expr = column
			}
			check(l.t, d.Read(l.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
					var b []byte
					var s string
					var err error
					if isBytes {
						err = r.Scan(&b)
					} else {
						err = r.Scan(&s)
						b = []byte(s)
					}
					look(name, b)
					return struct{}{}, err
				}, `SELECT `+expr+` FROM `+table+` WHERE `+column+` IS NOT NULL`)
				return err
			}))
		}
	}
	cells, _ := l.cells()
	for _, c := range cells {
		if plain, err := l.openedAt(c, c.place, c.row, c.column, c.person); err == nil {
			look(c.table+"."+c.column+" of "+c.row+", opened,", plain)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func TestAnErasedPersonIsFoundNowhere(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			l := settleIn(t, engine)
			l.refusedWhileKept()
			l.later(3 * years)
			if len(l.traces()) < 20 {
				t.Fatalf("before the erasure only this tells of the person, so the test says little: %q", l.traces())
			}
			copied, _ := l.cells()
			before := l.checkpoint()
			l.eraseNow("/borrowers/" + l.borrower)
			e := l.must("GET", "/erasures", "")["items"].([]any)[0].(map[string]any)
			if e["state"] != "done" || e["rows"].(float64) < 10 || e["object"] != "borrower/"+l.borrower {
				t.Fatalf("the erasure: %v", e)
			}
			if found := l.traces(); len(found) > 0 {
				t.Errorf("after the erasure:\n%s", strings.Join(found, "\n"))
			}
			l.oldCopy(copied)
			l.looksErased()
			l.proves()
			l.auditorAgrees(before)
		})
	}
}

// refusedWhileKept asks for the erasure too early, and under a hold.
func (l *leaver) refusedWhileKept() {
	refused := func(want ...string) {
		l.t.Helper()
		l.tick()
		got := l.send("POST", "/borrowers/"+l.borrower+"/erase", `{"reason":"asked for by letter"}`, l.boss.key, l.boss.address)
		for _, w := range append(want, "erasure_refused") {
			if got.status != 409 || !strings.Contains(string(got.body), w) {
				l.t.Errorf("too early: %d %s, want %s", got.status, got.body, w)
			}
		}
	}
	number := l.must("GET", "/loans/"+l.loan, "")["number"].(string)
	refused("Loan "+number+" is kept for 25 months", "until 2028-12-22", "Application A-1001 is kept", "Application A-1002 is kept", "can be erased from 2029-01-22")
	l.must("PUT", "/loans/"+l.loan+"/status", `{"status":"on_hold","reason":"a letter"}`)
	refused("Loan " + number + " is open")
	l.must("PUT", "/loans/"+l.loan+"/status", `{"status":"closed","reason":"settled"}`)
	for _, subject := range []string{"borrower/" + l.borrower, "loan/" + l.loan, "application/" + l.rejected, "audit", "audit/lending"} {
		h := l.must("POST", "/legal-holds", `{"subject":"`+subject+`","reason":"a lawsuit","matter":"M-7"}`)["id"].(string)
		refused("A legal hold is in force on " + subject)
		l.must("POST", "/legal-holds/"+h+"/release", `{"reason":"settled out of court"}`)
	}
	if stands := l.must("GET", "/borrowers/"+l.borrower+"/privacy", ""); stands["possible_from"] != "2029-01-22" || stands["applications"] != 2.0 || len(stands["obstacles"].([]any)) != 3 {
		l.t.Errorf("how the person stands: %v", stands)
	}
	for _, word := range []string{"Mr Quartermain asked", "call (212) 555-7391", "ssn 517 65 4329", "born 1971-03-29"} {
		l.tick()
		if got := l.send("POST", "/borrowers/"+l.borrower+"/erase", `{"reason":"`+word+`"}`, l.boss.key, l.boss.address); got.status != 422 || bytes.Contains(got.body, []byte(word)) {
			l.t.Errorf("a reason that tells who it is: %d %s", got.status, got.body)
		}
	}
}

// oldCopy tries to open what was copied before the erasure.
func (l *leaver) oldCopy(cells []cell) {
	l.t.Helper()
	tried := 0
	for _, c := range cells {
		if c.under != keys.Persons || c.table == "person_key" || !slices.Contains([]string{l.borrower, l.application, l.rejected}, c.person) {
			continue
		}
		tried++
		if plain, err := l.opened(c); err == nil {
			l.t.Errorf("%s.%s of an old copy opens to %q", c.table, c.column, plain)
		}
	}
	if tried < 15 {
		l.t.Errorf("only %d ciphertexts were copied", tried)
	}
}

// looksErased looks at what people and programs see.
func (l *leaver) looksErased() {
	l.t.Helper()
	see := func(path string, want ...string) {
		l.t.Helper()
		l.tick()
		got := l.send("GET", path, "", l.boss.key, l.boss.address)
		for _, w := range want {
			if got.status != 200 || !strings.Contains(string(got.body), w) {
				l.t.Errorf("%s: %d %.600s, want %s", path, got.status, got.body, w)
			}
		}
		for _, p := range telltales() {
			if strings.Contains(string(got.body), p) {
				l.t.Errorf("%s tells %q", path, p)
			}
		}
	}
	see("/borrowers/"+l.borrower, `"name":"[erased]"`, `"ssn":"[erased]"`, `"email":"[erased]"`, `"city":"[erased]"`, `"erased_at":"20`)
	see("/loans/"+l.loan, `"[erased]"`)
	see("/loans/"+l.loan+"/notes", `"total":1`)
	see("/loans/"+l.loan+"/payments", `"[erased]"`)
	for _, a := range []string{l.application, l.rejected} {
		see("/applications/"+a, `"first_name":"[erased]"`, `"ssn":"[erased]"`)
		see("/applications/"+a+"/history", "[erased]")
		see("/applications/" + a + "/evidence")
	}
	see("/loans?limit=50", `"[erased]"`)
	see("/borrowers/"+l.borrower+"/privacy", `"erased_at":"20`)
	for _, q := range []string{"zebulon", "quartermain", "Xanthippe", "zebulon.quartermain@planted.example", "2125557391"} {
		for _, exact := range [][2]string{{"ssn", `{"ssn":"517-65-4329"}`}, {"contact", `{"email":"zebulon.quartermain@planted.example"}`}, {"contact", `{"phone":"2125557391"}`}} {
			if out := l.must("POST", "/borrowers/search/"+exact[0], exact[1]); out["total"] != 0.0 {
				l.t.Errorf("the exact search %s finds %v", exact[1], out["total"])
			}
		}
		for _, list := range []string{"/borrowers", "/loans", "/applications"} {
			if out := l.must("GET", list+"?q="+url.QueryEscape(q), ""); out["total"] != 0.0 {
				l.t.Errorf("%s?q=%s finds %v", list, q, out["total"])
			}
		}
	}
	changed := l.must("GET", "/audit?operation=borrower.update&object="+url.QueryEscape("borrower/"+l.borrower), "")["items"].([]any)
	see("/audit/"+changed[len(changed)-1].(map[string]any)["id"].(string), `"phone":"[erased]"`)
	for path, body := range map[string]string{"/borrowers/" + l.borrower + "/reveal": `{"field":"ssn","reason":"a call"}`, "/borrowers/" + l.borrower + "/data-export": `{"reason":"a letter"}`} {
		if got := l.send("POST", path, body, l.boss.key, l.boss.address); got.status >= 500 || got.status == 200 && !bytes.Contains(got.body, []byte(`"value":""`)) {
			l.t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, call := range [][3]string{{"PATCH", "/borrowers/" + l.borrower, `{"first_name":"Back"}`}, {"POST", "/loans/" + l.loan + "/notes", `{"body":"again"}`}, {"POST", "/borrowers/" + l.borrower + "/erase", `{"reason":"again"}`},
		{"POST", "/applications/" + l.rejected + "/reprocess", `{"reason":"again","recheck":true}`}, {"POST", "/legal-holds", `{"subject":"loan/` + l.loan + `","reason":"late"}`}, {"PUT", "/loans/" + l.loan + "/custom-fields", `{"fields":[{"name":"nickname","value":"Back"}]}`}} {
		l.tick()
		if got := l.send(call[0], call[1], call[2], l.boss.key, l.boss.address); got.status != 409 {
			l.t.Errorf("%s %s about an erased person: %d %s", call[0], call[1], got.status, got.body)
		}
	}
}

// checkpoint gives the newest signed checkpoint, with everything in it.
func (l *leaver) checkpoint() string {
	l.t.Helper()
	_, err := l.tenant.Trail.Sequence(l.t.Context())
	check(l.t, err)
	return l.must("GET", "/audit/checkpoints", "")["items"].([]any)[0].(map[string]any)["note"].(string)
}

// auditorAgrees has the whole trail leave as a file after the erasure, and holds it, as
// bin/auditor does, against a checkpoint that was kept before.
func (l *leaver) auditorAgrees(before string) {
	l.t.Helper()
	after := l.checkpoint()
	file := l.send("GET", "/audit/export?extent=whole", "", l.boss.key, l.boss.address)
	if file.status != 200 {
		l.t.Fatalf("the export: %d %s", file.status, file.body)
	}
	for _, p := range telltales() {
		if bytes.Contains(file.body, []byte(p)) {
			l.t.Errorf("the exported trail tells %q", p)
		}
	}
	r, err := bundle.Check(bytes.NewReader(file.body), bundle.Against{Checkpoints: []string{before, after}})
	if err != nil || len(r.Compared) != 2 {
		l.t.Errorf("the auditor: %v, %+v", err, r)
	}
}

// proves holds the trail to itself after the erasure.
func (l *leaver) proves() {
	l.t.Helper()
	_, err := l.tenant.Trail.Sequence(l.t.Context())
	check(l.t, err)
	check(l.t, l.tenant.DB.Read(l.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return l.tenant.Trail.Verify(ctx, tx) }))
	var states []string
	for _, e := range slices.Backward(l.must("GET", "/audit?limit=100&operation=privacy.erasure.advance", "")["items"].([]any)) {
		said := e.(map[string]any)
		if said["object"] != "borrower/"+l.borrower {
			l.t.Errorf("a step is told of %v", said["object"])
		}
		states = append(states, said["after"].(map[string]any)["erasure"].(string))
	}
	if got := strings.Join(states, " "); got != "marked forgotten destroyed done" {
		l.t.Errorf("the trail tells %s", got)
	}
	if asked := l.must("GET", "/audit?limit=100&outcome=allowed&operation=borrower.erase", "")["items"].([]any); len(asked) != 1 || asked[0].(map[string]any)["for"] != "user/"+string(l.boss.id) || asked[0].(map[string]any)["actor"] != "user/"+string(l.second.id) {
		l.t.Errorf("the entry of the erasure: %v", asked)
	}
	body, err := json.Marshal(l.must("GET", "/audit?limit=200", ""))
	check(l.t, err)
	for _, p := range telltales() {
		if bytes.Contains(body, []byte(p)) {
			l.t.Errorf("the trail tells %q", p)
		}
	}
}
