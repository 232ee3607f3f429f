package loans

import (
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/audit"
)

func TestPersonalDataIsShownOneFieldAtATimeForAReason(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		b := o.borrower(t, "Ann", "Lee")
		loan := o.lend(t, b)
		home := "/borrowers/" + string(b)
		for _, path := range []string{home, "/loans/" + loan + "/borrower", "/borrowers", home + "/edit"} {
			o.opened(t, "manager", path).silent("078-05-1120", "1980-05-17", "ann@example.com", "1 Main Street", "555-0123")
		}
		s := o.opened(t, "manager", home)
		s.says("•••-••-1120", "a•••@example.com")
		form := reveal(s, "ssn")
		if refused := o.post(t, "manager", home+"/reveal", form); refused.code != 422 || strings.Contains(refused.text, "078-05-1120") || !strings.Contains(refused.text, "data-open-now") {
			t.Errorf("without a reason it answers %d", refused.code)
		}
		shown := o.post(t, "manager", home+"/reveal", filled(form, "reason", "asked by the borrower"))
		if shown.code != 200 {
			t.Fatalf("answers %d: %s", shown.code, shown.main())
		}
		shown.says("078-05-1120", "Shown in full")
		shown.silent("ann@example.com", "1 Main Street")
		trail := o.Trail(t, audit.Filter{Operation: "borrower.reveal", Outcome: "allowed"})
		if len(trail) != 1 || trail[0].Given != "asked by the borrower" || trail[0].Detail["field"] != "ssn" {
			t.Errorf("the trail holds %+v", trail)
		}
		o.opened(t, "manager", home).silent("078-05-1120")
		if s := o.get(t, "manager", home+"/reveal"); s.code != 303 || s.to != home {
			t.Errorf("going back to the reveal answers %d to %s", s.code, s.to)
		}
		// From the loan's page the answer stays on the loan's page.
		form = reveal(o.opened(t, "manager", "/loans/"+loan+"/borrower"), "email")
		o.post(t, "manager", home+"/reveal", filled(form, "reason", "mail")).says("ann@example.com", "Loan LN-000001")
	})
}

// reveal gives the form that asks for a field.
func reveal(s *sheet, field string) url.Values {
	out := url.Values{}
	s.each(func(n *html.Node) {
		if n.Data == "dialog" && attr(n, "id") == "reveal-"+field {
			for c := range n.Descendants() {
				if c.Data == "input" {
					take(out, c)
				}
			}
		}
	})
	if len(out) == 0 {
		s.t.Fatalf("the page does not offer to reveal %s", field)
	}
	return out
}

func TestTheCeilingOfTheRoleTakesTheButtonsAway(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		b := o.borrower(t, "Ann", "Lee")
		loan := o.lend(t, b)
		home := "/borrowers/" + string(b)
		agent := o.opened(t, "agent", home)
		reveal(agent, "email")
		agent.silent(`id="reveal-ssn"`, `id="reveal-date_of_birth"`)
		s := o.post(t, "agent", home+"/reveal", url.Values{"field": {"ssn"}, "reason": {"curious"}})
		if s.code != 403 {
			t.Errorf("an agent who asks for the whole number is answered %d", s.code)
		}
		s.silent("078-05")
		for _, role := range []string{"investor", "underwriter"} {
			o.opened(t, role, "/loans/"+loan+"/borrower").silent("Reveal", "/edit")
		}
		if code := o.get(t, "investor", home+"/edit").code; code != 403 {
			t.Errorf("an investor who edits is answered %d", code)
		}
	})
}

func TestABorrowerIsEnteredEditedAndLentTo(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.stock(t)
		path := "/borrowers/new"
		bad := o.post(t, "manager", path, filled(o.opened(t, "manager", path).form(path), "first_name", "Søren", "last_name", "", "email", "no address", "date_of_birth", "2026-02-31"))
		if bad.code != 422 || bad.form(path).Get("first_name") != "Søren" || bad.form(path).Get("date_of_birth") != "2026-02-31" {
			t.Fatalf("answers %d: %s", bad.code, bad.main())
		}
		made := o.sent(t, "manager", path, "first_name", "Søren", "last_name", "Ångström", "email", "soren@example.com", "ssn", "078-05-1120", "address.city", "Denver", "address.region", "CO")
		home := made.to
		s := o.opened(t, "manager", home)
		s.says("Søren Ångström", "s•••@example.com", "Denver", "This borrower has no loan that you may see.")

		edit := home + "/edit"
		o.sent(t, "agent", edit, "address.city", "Boulder")
		o.opened(t, "manager", home).says("Boulder", "s•••@example.com", "•••-••-1120")
		o.sent(t, "agent", edit, "email", "new@example.com")
		o.opened(t, "manager", home).says("n•••@example.com")

		o.opened(t, "manager", "/loans/new").says("Søren Ångström")
		lend := s.link("New loan")
		form := o.opened(t, "manager", lend).form(lend)
		bad = o.post(t, "manager", lend, filled(form, "principal", "5000", "annual_rate", "7.35", "term_months", "0"))
		if bad.code != 422 || bad.form(lend).Get("principal") != "5000" {
			t.Fatalf("a term of none answers %d: %s", bad.code, bad.main())
		}
		form = filled(bad.form(lend), "term_months", "24")
		first, second := o.post(t, "manager", lend, form), o.post(t, "manager", lend, form)
		if first.code != 303 || first.to != second.to {
			t.Fatalf("two presses: %d %s, %d %s: %s", first.code, first.to, second.code, second.to, first.main())
		}
		o.opened(t, "manager", first.to).says("Loan LN-000001", "5,000.00", "24 months", "7.35 %")
		o.opened(t, "manager", home).says("LN-000001", "5,000.00")
		o.opened(t, "manager", "/borrowers?q=ångs").says("Søren Ångström", "that match “ångs”")
		for _, p := range []string{"/loans/new", "/borrowers/new"} {
			if code := o.get(t, "agent", p).code; code != 403 {
				t.Errorf("%s answers %d to an agent", p, code)
			}
		}
	})
}
