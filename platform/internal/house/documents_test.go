package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
)

// upload is a form with one file, as programs send it.
func upload(name string, body []byte) string {
	return "--edge-of-a-form\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" + name + "\"\r\nContent-Type: application/octet-stream\r\n\r\n" + string(body) + "\r\n--edge-of-a-form--\r\n"
}

// paper is a PDF to look at: n bytes that are not twice the same.
func paper(n int, seed uint64) []byte {
	b := make([]byte, n)
	dice := rand.NewChaCha8([32]byte{byte(seed), 7})
	_, _ = dice.Read(b)
	copy(b, "%PDF-1.7\nMarkedContent\n")
	return b
}

// keep adds a document and gives its id.
func (w *world) keep(at, name string, body []byte) string {
	w.t.Helper()
	return w.must("POST", at+"/documents", upload(name, body))["id"].(string)
}

// fetched is an answer with its headers.
type fetched struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) fetch(who *person, method, path string, header ...string) fetched {
	w.t.Helper()
	w.tick()
	r, err := http.NewRequest(method, w.server.URL+"/api/v1"+path, http.NoBody)
	check(w.t, err)
	r.Host = "acme.test"
	r.Header.Set("X-Forwarded-For", who.address)
	r.Header.Set("Authorization", "Bearer "+who.key.Reveal())
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := w.server.Client().Do(r)
	check(w.t, err)
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	check(w.t, err)
	return fetched{res.StatusCode, res.Header, body}
}

// each of the three subjects, with something that is there.
func (w *world) shelves() map[string]string {
	return map[string]string{"loan": w.fill("/loans/{loan}", w.boss), "borrower": w.fill("/borrowers/{borrower}", w.boss), "application": w.fill("/applications/{application}", w.boss)}
}

// count asks the tables of documents.
func (w *world) rows(query string, args ...any) (n int64) {
	w.t.Helper()
	check(w.t, w.tenant.DB.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error { return tx.One(ctx, query, args, &n) }))
	return n
}

func onBoth(t *testing.T, fn func(t *testing.T, w *world)) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) { fn(t, walkable(t, engine)) })
	}
}

// What was put with a loan, a borrower or an application comes back byte for
// byte, to be saved and not shown; in the database lies nothing that can be read,
// not even the name; and the trail tells who did what to which document.
func TestADocumentComesBackAsItWasAndLiesSealed(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		for noun, at := range w.shelves() {
			for i, c := range []struct {
				name, kind, disposition string
				body                    []byte
			}{
				{"pay slip.pdf", "application/pdf", `attachment; filename="pay-slip.pdf"; filename*=UTF-8''pay%20slip.pdf`, paper(9<<20+17, 1)},
				{"Müller.PNG", "image/png", `attachment; filename="M-ller.PNG"; filename*=UTF-8''M%C3%BCller.PNG`, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR then MarkedContent")},
				{"id.jpeg", "image/jpeg", `attachment; filename="id.jpeg"`, []byte("\xff\xd8\xff\xe0 MarkedContent")},
				{"statement.csv", "text/csv; charset=utf-8", `attachment; filename="statement.csv"`, []byte("\ufeffday,amount\r\n2026-11-01,-250.00\r\nMarkedContent,=1\r\n")},
				{"note.txt", "text/plain; charset=utf-8", `attachment; filename="note.txt"`, []byte("MarkedContent: a < b, Grüße\n")},
			} {
				if i == 0 && noun != "loan" {
					c.body = c.body[:1<<20]
				}
				id := w.keep(at, c.name, c.body)
				entry := w.trail(audit.Filter{From: w.now.Load(), Limit: 1})[0]
				if entry.Object != at[1:len(noun)+1]+at[len(noun)+2:] || entry.Operation != noun+".document.add" || entry.Detail["document"] != id || strings.Contains(fmt.Sprint(entry), c.name) {
					t.Errorf("%s: the entry of adding: %+v", c.name, entry)
				}
				got := w.fetch(w.boss, "GET", at+"/documents/"+id)
				if got.status != 200 || !bytes.Equal(got.body, c.body) {
					t.Errorf("%s: %d, %d bytes came back of %d", c.name, got.status, len(got.body), len(c.body))
				}
				for name, want := range map[string]string{"Content-Type": c.kind, "Content-Disposition": c.disposition, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Content-Security-Policy": "default-src 'none'; sandbox"} {
					if got.header.Get(name) != want {
						t.Errorf("%s: %s is %q, want %q", c.name, name, got.header.Get(name), want)
					}
				}
				if head := w.fetch(w.boss, "HEAD", at+"/documents/"+id); head.status != 200 || len(head.body) != 0 || head.header.Get("Content-Type") != c.kind {
					t.Errorf("%s: HEAD answers %d with %d bytes", c.name, head.status, len(head.body))
				}
				if part := w.fetch(w.boss, "GET", at+"/documents/"+id, "Range", "bytes=0-3"); part.status != 200 || len(part.body) != len(c.body) {
					t.Errorf("%s: a part of it was handed out: %d, %d bytes", c.name, part.status, len(part.body))
				}
			}
			list := w.must("GET", at+"/documents", "")
			first := list["items"].([]any)[0].(map[string]any)
			if list["total"] != 5.0 || first["name"] != "note.txt" || first["size"] != 30.0 || first["type"] != "text/plain" || len(first["sha256"].(string)) != 64 {
				t.Errorf("the list: %v", list)
			}
		}
		for _, column := range []string{"head", "reason"} {
			if n := w.rows(`SELECT COUNT(*) FROM document WHERE ` + bytesHold(w, column, "pay slip") + ` OR ` + bytesHold(w, column, "Marked")); n != 0 {
				t.Errorf("%d rows of document.%s can be read", n, column)
			}
		}
		if n := w.rows(`SELECT COUNT(*) FROM document_part WHERE ` + bytesHold(w, "content", "MarkedContent")); n != 0 {
			t.Errorf("%d parts can be read", n)
		}
		if n := w.rows(`SELECT COUNT(*) FROM document_part`); n != 10+1+1+3*4 {
			t.Errorf("%d parts", n)
		}
	})
}

// bytesHold is a condition: a column of bytes holds a text.
func bytesHold(w *world, column, text string) string {
	if w.tenant.DB.Engine() == db.PostgreSQL {
		return `position('` + text + `'::bytea in ` + column + `) > 0`
	}
	return `instr(` + column + `, CAST('` + text + `' AS BLOB)) > 0`
}

// What is not what it says, or says what it must not, is refused in words that
// repeat nothing of it, and nothing of it is kept.
func TestAFileThatIsNotWhatItSaysIsRefused(t *testing.T) {
	w := walkable(t, db.SQLite)
	at := w.shelves()["loan"] + "/documents"
	before := w.rows(`SELECT COUNT(*) FROM document`)
	pdf := paper(100, 1)
	for what, c := range map[string]struct {
		sent         string
		status       int
		reason, says string
	}{
		"a picture that is called PDF":   {upload("a.pdf", []byte("\xff\xd8\xff\xe0")), 422, "invalid", "not what its name says"},
		"a PDF that is called text":      {upload("a.txt", pdf), 422, "invalid", "UTF-8"},
		"a PDF of letters called text":   {upload("a.txt", []byte("%PDF-1.7 all letters")), 422, "invalid", "not what its name says"},
		"a PDF behind something else":    {upload("a.pdf", append([]byte("GIF89a"), pdf...)), 422, "invalid", "not what its name says"},
		"a page that is called text":     {upload("a.txt", []byte("  \r\n<!DOCTYPE html><script>alert(1)</script>")), 422, "invalid", "begins as something else"},
		"a script behind a mark":         {upload("a.csv", []byte("\ufeff<script>alert(1)</script>")), 422, "invalid", "begins as something else"},
		"SVG":                            {upload("a.svg", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")), 422, "invalid", "are taken"},
		"SVG that is called text":        {upload("a.txt", []byte("<svg xmlns='http://www.w3.org/2000/svg'/>")), 422, "invalid", "begins as something else"},
		"SVG that is called PNG":         {upload("a.png", []byte("<svg/>")), 422, "invalid", "not what its name says"},
		"a program":                      {upload("a.exe", []byte("MZ\x90\x00")), 422, "invalid", "are taken"},
		"two endings":                    {upload("a.pdf.exe", pdf), 422, "invalid", "are taken"},
		"no ending":                      {upload("letter", pdf), 422, "invalid", "are taken"},
		"no name but an ending":          {upload(".pdf", pdf), 422, "invalid", "are taken"},
		"text with a null":               {upload("a.txt", []byte("a\x00b")), 422, "invalid", "control characters"},
		"UTF-16":                         {upload("a.txt", []byte("\xff\xfea\x00b\x00")), 422, "invalid", "UTF-8"},
		"text that turns around":         {upload("a.txt", []byte("safe \u202etxt.exe")), 422, "invalid", "control characters"},
		"a name that turns around":       {upload("a\u202efdp.txt", []byte("hello")), 422, "invalid", "direction"},
		"a name with a line end":         {"--e\r\nContent-Disposition: form-data; name=\"file\"; filename*=UTF-8''a%0Ab.txt\r\n\r\nhello\r\n--e--\r\n", 422, "invalid", "control characters"},
		"a name without end":             {upload(strings.Repeat("n", 201)+".txt", []byte("hello")), 422, "invalid", "200 bytes"},
		"nothing in it":                  {upload("a.txt", nil), 422, "invalid", "empty"},
		"no file":                        {"--e\r\n\r\n--e--\r\n", 400, "malformed_form", "cannot be read"},
		"two files":                      {upload("a.txt", []byte("a"))[:len(upload("a.txt", []byte("a")))-len("--edge-of-a-form--\r\n")] + upload("b.txt", []byte("b")), 400, "malformed_form", "one file at a time"},
		"JSON":                           {`{"file":"a.txt"}`, 415, "unsupported_media_type", "multipart/form-data"},
		"a form that is cut off":         {upload("a.txt", []byte("hello"))[:130], 400, "unreadable_body", "whole"},
		"a card number":                  {upload("a.txt", []byte("first line\npaid with 5105 1051 0510 5100\n")), 422, "card_number", "Line 2 holds a card number"},
		"a card number over cells":       {upload("a.csv", []byte("a,b\n5105 1051,0510 5100\n")), 422, "card_number", "Line 2 holds a card number"},
		"a card number as a file's name": {upload("5105105105105100.txt", []byte("hello")), 422, "card_number", "card number"},
		"20 MB and a byte":               {upload("a.pdf", paper(20<<20+1, 2)), 413, "file_too_large", "20 MB"},
	} {
		w.tick()
		got := w.send("POST", at, c.sent, w.boss.key, w.boss.address)
		var said problem
		_ = json.Unmarshal(got.body, &said)
		if got.status != c.status || said.Reason != c.reason || !strings.Contains(string(got.body), c.says) || holdsCard(string(got.body)) {
			t.Errorf("%s: %d %s, want %d %s: %s", what, got.status, got.body, c.status, c.reason, c.says)
		}
		if strings.HasPrefix(c.reason, "card") {
			e := w.trail(audit.Filter{From: w.now.Load(), Limit: 1})[0]
			if e.Outcome != operation.Failed || !strings.HasPrefix(e.Detail["card_number"], "****") || !strings.HasPrefix(e.Detail["card_number_in"], "file") {
				t.Errorf("%s: the trail says %+v", what, e)
			}
		}
	}
	for name, cleaned := range map[string]string{`../../etc/passwd.txt`: "passwd.txt", `C:\\Users\\ann\\..\\pay.txt`: "pay.txt", " . .hidden.txt ": "hidden.txt", "a;b%00'\u00e4.txt": "a;b%00'\u00e4.txt"} {
		if got := w.must("POST", at, upload(name, []byte("hello")))["name"]; got != cleaned {
			t.Errorf("%q is called %q", name, got)
		}
	}
	if n := w.rows(`SELECT COUNT(*) FROM document`) - before; n != 4 {
		t.Errorf("%d documents were kept, 4 were taken", n)
	}
	if id := w.keep(w.shelves()["loan"], "full.pdf", paper(20<<20, 3)); len(w.fetch(w.boss, "GET", at+"/"+id).body) != 20<<20 {
		t.Error("a file of exactly 20 MB does not come back whole")
	}
}

// restrictedTo makes somebody who sees loans on hold alone, with a limit of their own.
func (w *world) restrictedTo(limits string) *person {
	w.t.Helper()
	who := w.newcomer(policy.Manager)
	w.count++
	r := w.must("POST", "/search-restrictions", fmt.Sprintf(`{"name":"Kept apart %d","visible":"loan.status == \"on_hold\"","applications":"application.amount >= money(\"1.00\")","limits":[%s]}`, w.count, limits))
	w.must("PUT", "/search-restrictions/"+r["id"].(string)+"/holders", `{"users":["`+string(who.id)+`"],"teams":[]}`)
	return who
}

// A document is where its subject is: of what is hidden nothing is there, in the
// words in which nothing is there at all.
func TestDocumentsOfWhatIsHiddenAreMissing(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		who := w.restrictedTo("")
		hidden, shown := makeLoan(w, w.boss), makeLoan(w, w.boss)
		w.must("PUT", "/loans/"+shown+"/status", `{"status":"on_hold","reason":"a letter"}`)
		at, there := "/loans/"+hidden, "/loans/"+shown
		doc, ours := w.keep(at, "a.txt", []byte("a")), w.keep(there, "b.txt", []byte("b"))
		if got := w.fetch(who, "GET", there+"/documents/"+ours); got.status != 200 || string(got.body) != "b" {
			t.Errorf("what is shown: %d %s", got.status, got.body)
		}
		nothing := "/loans/ln_0000000000000000000000000a"
		for _, try := range []struct{ what, method, path, like, body string }{
			{"list", "GET", at + "/documents", nothing + "/documents", ""},
			{"download", "GET", at + "/documents/" + doc, nothing + "/documents/" + doc, ""},
			{"add", "POST", at + "/documents", nothing + "/documents", upload("c.txt", []byte("c"))},
			{"remove", "POST", at + "/documents/" + doc + "/remove", nothing + "/documents/" + doc + "/remove", `{"reason":"x"}`},
		} {
			a, b := w.send(try.method, try.path, try.body, who.key, who.address), w.send(try.method, try.like, try.body, who.key, who.address)
			var said, alike map[string]any
			check(t, json.Unmarshal(a.body, &said))
			check(t, json.Unmarshal(b.body, &alike))
			delete(said, "decision_id")
			delete(alike, "decision_id")
			if a.status != 404 || fmt.Sprint(said) != fmt.Sprint(alike) {
				t.Errorf("%s of what is hidden: %d %v, of what is not there: %d %v", try.what, a.status, said, b.status, alike)
			}
		}
		// One document under the address of another subject, also one of another kind.
		for _, path := range []string{there + "/documents/" + doc, w.shelves()["borrower"] + "/documents/" + ours, w.shelves()["application"] + "/documents/" + doc} {
			if got := w.fetch(w.boss, "GET", path); got.status != 404 {
				t.Errorf("%s: %d", path, got.status)
			}
		}
	})
}

// A limit on documents holds: to look, and not to add; or nothing at all. What a
// limit keeps as a whole, it keeps with its documents.
func TestLimitsHoldOnDocuments(t *testing.T) {
	w := walkable(t, db.SQLite)
	loan := makeLoan(w, w.boss)
	w.must("PUT", "/loans/"+loan+"/status", `{"status":"on_hold","reason":"a letter"}`)
	borrower := w.must("GET", "/loans/"+loan, "")["borrower"].(map[string]any)["id"].(string)
	application := w.fill("{application}", w.boss)
	shelves := []string{"/loans/" + loan, "/borrowers/" + borrower, "/applications/" + application}
	docs := map[string]string{}
	for _, at := range shelves {
		docs[at] = w.keep(at, "a.txt", []byte("a"))
	}
	try := func(who *person, at string) (list, add, view, remove int) {
		return w.fetch(who, "GET", at+"/documents").status, w.send("POST", at+"/documents", upload("b.txt", []byte("b")), who.key, who.address).status,
			w.fetch(who, "GET", at+"/documents/"+docs[at]).status, w.send("POST", at+"/documents/"+docs[at]+"/remove", `{"reason":"x"}`, who.key, who.address).status
	}
	const look, none = `{"area":"documents","when":"loan.status == \"on_hold\"","level":"view","message":"The lender keeps the file."}`, `{"area":"documents","when":"true","level":"none","message":"No papers."}`
	for i, at := range shelves[:2] {
		if l, a, v, r := try(w.restrictedTo(look), at); l != 200 || a != 403 || v != 200 || r != 403 {
			t.Errorf("%s, to look at: %d %d %d %d", at, l, a, v, r)
		}
		if l, a, v, r := try(w.restrictedTo(none), at); l != 403 || a != 403 || v != 403 || r != 403 {
			t.Errorf("%s, not at all: %d %d %d %d", at, l, a, v, r)
		}
		keeps := []string{"", `{"area":"borrower","when":"true","level":"none","message":"No names."}`}[i]
		if l, a, v, r := try(w.restrictedTo(keeps), at); i == 1 && (l != 403 || a != 403 || v != 403 || r != 403) {
			t.Errorf("%s, whose page is kept: %d %d %d %d", at, l, a, v, r)
		}
	}
	if got := w.fetch(w.restrictedTo(none), "GET", shelves[0]+"/documents"); !strings.Contains(string(got.body), "No papers.") {
		t.Errorf("the limit's own words are missing: %s", got.body)
	}
	if l, a, v, r := try(w.restrictedTo(`{"area":"application","when":"true","level":"none","message":"No applications."}`), shelves[2]); l != 403 || a != 403 || v != 403 || r != 403 {
		t.Errorf("%s, whose page is kept: %d %d %d %d", shelves[2], l, a, v, r)
	}
	if got := w.fetch(w.person(policy.Investor), "GET", shelves[0]+"/documents"); got.status != 403 {
		t.Errorf("an investor lists documents: %d", got.status)
	}
}

// What was removed is out of sight, and nobody can have it; that it was there, who
// took it away and why stays; and so does its content, sealed.
func TestARemovedDocumentIsOutOfSightAndStillInTheRecords(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		at := w.shelves()["loan"]
		doc, other := w.keep(at, "wrong.txt", []byte("of somebody else")), w.keep(at, "right.txt", []byte("ours"))
		w.must("POST", at+"/documents/"+doc+"/remove", `{"reason":"it belongs to another person"}`)
		e := w.trail(audit.Filter{From: w.now.Load(), Limit: 1})[0]
		if e.Operation != "loan.document.remove" || e.Detail["document"] != doc || e.Given != "it belongs to another person" {
			t.Errorf("the entry: %+v", e)
		}
		if got := w.fetch(w.boss, "GET", at+"/documents/"+doc); got.status != 404 {
			t.Errorf("it is still handed out: %d", got.status)
		}
		if got := w.send("POST", at+"/documents/"+doc+"/remove", `{"reason":"again"}`, w.boss.key, w.boss.address); got.status != 404 {
			t.Errorf("it is removed twice: %d %s", got.status, got.body)
		}
		list := w.must("GET", at+"/documents", "")
		if list["total"] != 1.0 || list["removed"] != 1.0 || list["items"].([]any)[0].(map[string]any)["id"] != other {
			t.Errorf("the list: %v", list)
		}
		gone := w.must("GET", at+"/documents?removed=also", "")["items"].([]any)[1].(map[string]any)
		if gone["name"] != "wrong.txt" || gone["reason"] != "it belongs to another person" || gone["removed_by"] == "" || gone["removed_at"] == "" {
			t.Errorf("what is told of it: %v", gone)
		}
		if n := w.rows(`SELECT COUNT(*) FROM document_part WHERE document_id = ?`, doc); n != 1 {
			t.Errorf("%d parts are left", n)
		}
	})
}

// With a person's key everything about their documents goes: content, names and
// the reasons of removals; the trail still verifies.
func TestAnErasedPersonsDocumentsAreUnreadable(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		loan := makeLoan(w, w.boss)
		at := "/loans/" + loan
		borrower := w.must("GET", at, "")["borrower"].(map[string]any)["id"].(string)
		doc, gone := w.keep(at, "a.txt", []byte("a")), w.keep(at, "b.txt", []byte("b"))
		w.must("POST", at+"/documents/"+gone+"/remove", `{"reason":"x"}`)
		check(t, w.tenant.Persons.Destroy(t.Context(), borrower))
		list := w.must("GET", at+"/documents?removed=also", "")["items"].([]any)
		for _, i := range list {
			if d := i.(map[string]any); d["name"] != "" || d["erased"] != true || d["sha256"] != "" || d["reason"] != nil {
				t.Errorf("it still tells %v", d)
			}
		}
		if len(list) != 2 {
			t.Errorf("%d documents are told", len(list))
		}
		if got := w.fetch(w.boss, "GET", at+"/documents/"+doc); got.status != 404 {
			t.Errorf("an erased document: %d %s", got.status, got.body)
		}
		for _, try := range []struct{ path, body string }{{at + "/documents", upload("c.txt", []byte("c"))}, {at + "/documents/" + doc + "/remove", `{"reason":"x"}`}} {
			if got := w.send("POST", try.path, try.body, w.boss.key, w.boss.address); got.status != 409 || !strings.Contains(string(got.body), `"erased"`) {
				t.Errorf("%s about an erased person: %d %s", try.path, got.status, got.body)
			}
		}
		w.sequence()
		check(t, w.tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return w.tenant.Trail.Verify(ctx, tx) }))
	})
}

// sequence places what is pending in the trail.
func (w *world) sequence() {
	w.t.Helper()
	_, err := w.tenant.Trail.Sequence(context.Background())
	check(w.t, err)
}

// Whoever can write to the database can put no document with somebody else, swap
// or cut no content, and hand out no other file under a name: what is not in its
// place is refused, whole.
func TestContentThatWasMovedIsNotHandedOut(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		one, two := makeLoan(w, w.boss), makeLoan(w, w.boss) // of one borrower, under one key
		first, second := paper(2<<20+5, 1), paper(2<<20+5, 2)
		for what, alter := range map[string]func(a, b string) []string{
			"parts of two documents swapped": func(a, b string) []string {
				return []string{`UPDATE document_part SET content = (SELECT p.content FROM document_part p WHERE p.document_id = '` + b + `' AND p.n = 1) WHERE document_id = '` + a + `' AND n = 1`}
			},
			"parts in another order": func(a, _ string) []string {
				return []string{`UPDATE document_part SET n = 10 WHERE document_id = '` + a + `' AND n = 0`, `UPDATE document_part SET n = 0 WHERE document_id = '` + a + `' AND n = 1`, `UPDATE document_part SET n = 1 WHERE document_id = '` + a + `' AND n = 10`}
			},
			"the end cut off": func(a, _ string) []string {
				return []string{`DELETE FROM document_part WHERE document_id = '` + a + `' AND n = 2`}
			},
			"put with another loan": func(a, _ string) []string {
				return []string{`UPDATE document SET subject = 'loan/` + two + `' WHERE id = '` + a + `'`}
			},
			"another document's head": func(a, b string) []string {
				return []string{`UPDATE document SET head = (SELECT d.head FROM document d WHERE d.id = '` + b + `') WHERE id = '` + a + `'`}
			},
		} {
			at := "/loans/" + one
			a, b := w.keep(at, "one.pdf", first), w.keep(at, "two.pdf", second)
			w.write(func(ctx context.Context, tx *db.Tx) error {
				for _, statement := range alter(a, b) {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
				return nil
			})
			for _, loan := range []string{one, two} {
				if got := w.fetch(w.boss, "GET", "/loans/"+loan+"/documents/"+a); got.status/100 == 2 || len(got.body) > 2000 {
					t.Errorf("%s: handed out, %d, %d bytes", what, got.status, len(got.body))
				}
			}
			w.write(func(ctx context.Context, tx *db.Tx) error {
				for _, statement := range []string{`DELETE FROM document_part`, `DELETE FROM document`} {
					if _, err := tx.Exec(ctx, statement); err != nil {
						return err
					}
				}
				return nil
			})
		}
	})
}

// Many add at the same time, and some of them go away in the middle: what stands
// in the list is there whole, and what is not whole is not there.
func TestDocumentsAreThereWholeOrNotAtAll(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		at := "/loans/" + makeLoan(w, w.boss)
		body := paper(3<<20, 4)
		var all sync.WaitGroup
		for i := range 12 {
			all.Go(func() {
				ctx, leave := context.WithCancel(context.Background())
				defer leave()
				r, err := http.NewRequestWithContext(ctx, "POST", w.server.URL+"/api/v1"+at+"/documents", strings.NewReader(upload(fmt.Sprintf("%d.pdf", i), body)))
				check(t, err)
				r.Host = "acme.test"
				r.Header.Set("X-Forwarded-For", w.boss.address)
				r.Header.Set("Authorization", "Bearer "+w.boss.key.Reveal())
				r.Header.Set("Content-Type", "multipart/form-data; boundary=edge-of-a-form")
				if i%2 == 1 {
					time.AfterFunc(time.Duration(20*i)*time.Millisecond, leave)
				}
				res, err := w.server.Client().Do(r)
				if err != nil && i%2 == 0 {
					t.Errorf("adding %d: %v", i, err)
				}
				if err == nil {
					if res.StatusCode != 201 {
						t.Errorf("adding %d: %d", i, res.StatusCode)
					}
					_ = res.Body.Close()
				}
			})
		}
		all.Wait()
		list := w.must("GET", at+"/documents", "")["items"].([]any)
		if len(list) < 6 {
			t.Errorf("%d documents, 6 were acknowledged", len(list))
		}
		for _, d := range list {
			if got := w.fetch(w.boss, "GET", at+"/documents/"+d.(map[string]any)["id"].(string)); !bytes.Equal(got.body, body) {
				t.Errorf("%v is not whole: %d bytes", d, len(got.body))
			}
		}
		if n := w.rows(`SELECT COUNT(*) FROM document_part p LEFT JOIN document d ON d.id = p.document_id WHERE d.id IS NULL`); n != 0 {
			t.Errorf("%d parts belong to nothing", n)
		}
	})
}

// A right that is taken away ends a download that is on its way, at its next piece.
func TestARevokedRightEndsADownload(t *testing.T) {
	w := walkable(t, db.SQLite)
	loan, who := makeLoan(w, w.boss), w.newcomer(policy.Agent)
	doc := w.keep("/loans/"+loan, "long.pdf", paper(6<<20, 5))
	a := netip.MustParseAddr(who.address)
	in := documents.ViewIn{ID: loan, Document: doc}
	piece := func() (*gate.Chunk, error) {
		r := &gate.Request{Tenant: w.tenant, Channel: operation.API, Key: who.key, UserAgent: "test", Address: httpserve.Address{Chosen: a, Peer: a, Reason: "peer"}}
		return gate.Run(t.Context(), w.house.Gate, w.house.Documents.Loans.View, r, func(to *documents.ViewIn) error { *to = in; return nil }, nil)
	}
	first, err := piece()
	check(t, err)
	if len(first.Body) != 4<<20 || first.Next == "" {
		t.Fatalf("the first piece has %d bytes", len(first.Body))
	}
	in.Continue(first.Next)
	if second, err := piece(); err != nil || len(second.Body) != 2<<20 || second.Next != "" {
		t.Fatalf("the second piece: %v", err)
	}
	w.must("PATCH", "/users/"+string(who.id), `{"active":false}`)
	if _, err := piece(); !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Denied) {
		t.Errorf("after the right has gone: %v", err)
	}
}
