package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// An application that became nothing is erased by itself. The erasure is broken off
// after every step, and whoever finds it next goes on; one that a hold has
// overtaken stops before anything is lost.
func TestAnApplicantIsErasedAloneAndABrokenErasureGoesOn(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			l := settleIn(t, engine)
			l.later(3 * years)
			path := "/applications/" + l.rejected
			if got := l.send("POST", "/applications/"+l.application+"/erase", `{"reason":"a letter"}`, l.boss.key, l.boss.address); got.status != 409 || !strings.Contains(string(got.body), "has become a loan") {
				t.Errorf("erasing the application of a loan: %d %s", got.status, got.body)
			}
			for _, subject := range []string{"borrower/" + l.borrower, "audit", "audit/looks"} { // the borrower is the applicant
				h := l.must("POST", "/legal-holds", `{"subject":"`+subject+`","reason":"a lawsuit"}`)["id"].(string)
				l.tick()
				if got := l.send("POST", path+"/erase", `{"reason":"a letter"}`, l.boss.key, l.boss.address); got.status != 409 || !strings.Contains(string(got.body), "A legal hold is in force on "+subject) {
					t.Errorf("under a hold on %s: %d %s", subject, got.status, got.body)
				}
				if stands := l.must("GET", path+"/privacy", ""); len(stands["holds"].([]any)) == 0 || stands["possible_from"] != nil {
					t.Errorf("under a hold on %s the applicant stands so: %v", subject, stands)
				}
				l.must("POST", "/legal-holds/"+h+"/release", `{"reason":"settled"}`)
			}
			approve := func() id.Erasure {
				p := l.must("POST", path+"/erase", `{"reason":"a letter"}`)["proposal"].(string)
				if got := l.send("POST", "/proposals/"+p+"/approve", `{}`, l.boss.key, l.boss.address); got.status/100 != 4 {
					t.Errorf("approving one's own: %d %s", got.status, got.body)
				}
				l.mustAs(l.second, "POST", "/proposals/"+p+"/approve", `{}`)
				return id.Erasure(l.must("GET", "/erasures", "")["items"].([]any)[0].(map[string]any)["id"].(string))
			}
			step := func(e id.Erasure) bool {
				l.tick()
				more, err := l.house.Privacy.Step(t.Context(), l.house.Gate, l.tenant, e)
				check(t, err)
				return more
			}
			stands := func(e id.Erasure) map[string]any { return l.must("GET", "/erasures/"+string(e), "") }
			e := approve()
			h := l.must("POST", "/legal-holds", `{"subject":"application/`+l.rejected+`","reason":"a lawsuit"}`)["id"].(string)
			step(e)
			if s := stands(e); s["state"] != "stopped" || !strings.Contains(s["trouble"].(string), "legal hold") {
				t.Fatalf("a hold came in between: %v", s)
			}
			if a := l.must("GET", path, ""); a["applicant"].(map[string]any)["last_name"] != "Quartermain" || a["erased_at"] != nil {
				t.Errorf("a stopped erasure has erased: %v", a)
			}
			if told := l.must("GET", "/audit?limit=1&operation=privacy.erasure.advance", "")["items"].([]any); len(told) != 1 || told[0].(map[string]any)["outcome"] != "denied" || told[0].(map[string]any)["reason"] != "erasure_stopped" {
				t.Errorf("a witness would tell a restore that a stopped erasure has erased: %v", told)
			}
			l.must("POST", "/legal-holds/"+h+"/release", `{"reason":"settled"}`)
			e = approve()
			for more := true; more; {
				check(t, l.house.Privacy.Resume(t.Context(), l.tenant)) // a new start of the server
				more = step(e)
			}
			check(t, l.house.Privacy.Resume(t.Context(), l.tenant))
			if s := stands(e); s["state"] != "done" || s["object"] != "application/"+l.rejected {
				t.Fatalf("the erasure: %v", s)
			}
			if a := l.must("GET", path, ""); a["applicant"].(map[string]any)["last_name"] != "[erased]" {
				t.Errorf("the applicant: %v", a["applicant"])
			}
			if b := l.must("GET", "/borrowers/"+l.borrower, ""); b["name"] != "Zebulon Quartermain" {
				t.Errorf("somebody else's record went: %v", b)
			}
			check(t, l.tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return l.tenant.Trail.Verify(ctx, tx) }))
		})
	}
}

// A person is given everything that is held, in full, and the trail says so without
// saying what it was.
func TestAPersonIsGivenEverythingThatIsHeld(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			l := settleIn(t, engine)
			l.write(func(ctx context.Context, tx *db.Tx) error { // its terms were changed once
				_, err := tx.Exec(ctx, `INSERT INTO loan_term (loan_id, from_date, rate, payment, created_at) VALUES (?, 20000, 24990000, 0, ?)`, l.loan, tx.At)
				return err
			})
			_, err := l.tenant.Trail.Sequence(t.Context())
			check(t, err)
			l.tick()
			got := l.send("POST", "/borrowers/"+l.borrower+"/data-export", `{"format":"json","reason":"asked for by letter"}`, l.boss.key, l.boss.address)
			if got.status != 200 || !strings.HasPrefix(got.kind, "application/json") {
				t.Fatalf("the export: %d %s %.300s", got.status, got.kind, got.body)
			}
			var doc struct {
				Format, Class string
				Sections      []struct {
					Title string
					Rows  []map[string]string
				}
				Looks []struct{ Operation string } `json:"who_looked"`
			}
			check(t, json.Unmarshal(got.body, &doc))
			titles := map[string]int{}
			for _, s := range doc.Sections {
				titles[s.Title] = len(s.Rows)
			}
			for title, rows := range map[string]int{"Person": 1, "Loans": 1, "Ledger": 2, "Notes": 1, "Custom fields": 2, "Documents": 1, "Applications": 2, "Network checks": 2} {
				if titles[title] < rows && !(title == "Ledger" && titles[title] > 0) {
					t.Errorf("%d rows of %s, want %d: %v", titles[title], title, rows, titles)
				}
			}
			for _, told := range []string{`"ssn": "517654329"`, `"date_of_birth": "1971-03-29"`, "Zebulon moved to Xanthippe Falls", `"principal": "5000.00"`, `"annual_rate": "0.10%"`, `"rate": "24.99%"`, `"name": "quartermain.txt"`, `"type": "text/plain`, `"size": "26"`, "a boat for Zebulon", "borrower.reveal", "8.8.8.8"} {
				if !bytes.Contains(got.body, []byte(told)) {
					t.Errorf("the export does not tell %s", told)
				}
			}
			l.tick()
			if pdf := l.send("POST", "/borrowers/"+l.borrower+"/data-export", `{"format":"pdf","reason":"asked for by letter"}`, l.boss.key, l.boss.address); pdf.status != 200 || !bytes.HasPrefix(pdf.body, []byte("%PDF-")) || len(pdf.body) < 2000 {
				t.Errorf("the PDF: %d %.100s", pdf.status, pdf.body)
			}
			e := l.must("GET", "/audit?limit=1&operation=borrower.data.export", "")["items"].([]any)[0].(map[string]any)
			if said, _ := json.Marshal(e); e["given"] != "asked for by letter" || !strings.Contains(string(said), "Person") || bytes.Contains(said, []byte("Zebulon")) {
				t.Errorf("the entry of the export: %s", said)
			}
			if list := l.must("GET", "/data-exports", ""); list["total"] != 2.0 {
				t.Errorf("the exports: %v", list)
			}
			for _, silent := range []string{`"head"`, `\"name\"`, `"parts"`} {
				if bytes.Contains(got.body, []byte(silent)) {
					t.Errorf("the export tells %s, which nobody can read", silent)
				}
			}
			l.clerksExport(t, map[string]string{"ssn": "last4", "date_of_birth": "year_hidden"}, "ssn", "date_of_birth")
			l.clerksExport(t, map[string]string{"ssn": "full", "date_of_birth": "year_hidden"}, "date_of_birth")
			l.clerksExport(t, map[string]string{"ssn": "full", "date_of_birth": "full"})
			investor := l.newcomer(policy.Manager)
			l.tick()
			if got := l.send("POST", "/borrowers/"+l.borrower+"/data-export", `{"reason":"x"}`, investor.key, investor.address); got.status != 403 {
				t.Errorf("a manager exports: %d", got.status)
			}
		})
	}
}

// clerksExport has somebody export whose role shows so much: all of it, or it is refused
// with the fields that the role hides.
func (l *leaver) clerksExport(t *testing.T, shows map[string]string, hidden ...string) {
	t.Helper()
	shows["bank_account"] = "hidden"
	l.count++
	name := "Clerk " + strings.Repeat("I", l.count)
	role, err := json.Marshal(map[string]any{"name": name, "ui": []string{}, "api": []string{"borrower.data.export", "application.data.export"}, "visibility": shows})
	check(t, err)
	clerk := l.employ(l.must("POST", "/roles", string(role))["id"].(string), name, 2000+l.count)
	for _, path := range []string{"/borrowers/" + l.borrower, "/applications/" + l.rejected} {
		l.tick()
		got := l.send("POST", path+"/data-export", `{"reason":"asked for by letter"}`, clerk.key, clerk.address)
		if len(hidden) == 0 {
			if got.status != 200 || !bytes.Contains(got.body, []byte("517654329")) {
				t.Errorf("%s: a role that shows all: %d %.300s", path, got.status, got.body)
			}
			continue
		}
		var said struct {
			Reason     string
			DecisionID string `json:"decision_id"`
			Errors     []struct{ Field, Message string }
		}
		check(t, json.Unmarshal(got.body, &said))
		var fields []string
		for _, f := range said.Errors {
			fields = append(fields, f.Field)
		}
		if got.status != 403 || said.Reason != "role_hides_field" || said.DecisionID == "" || !slices.Equal(fields, hidden) || bytes.Contains(got.body, []byte("517654329")) {
			t.Errorf("%s: a role that hides %v: %d %.500s", path, hidden, got.status, got.body)
		}
	}
}
