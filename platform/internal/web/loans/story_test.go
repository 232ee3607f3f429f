package loans

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// What each role finds on a loan's summary: tabs, buttons, acts. Nothing more.
func TestEachRoleSeesItsOwnButtons(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.stock(t)
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"))
		agent := []string{"/borrower", "/fees/new", "/notes", "/payments", "/payments/new", "/payoff", "/schedule"}
		manager := append([]string{"/adjustments/new", "/custom-fields", "/portfolios", "/status", "/write-off"}, agent...)
		for role, want := range map[string][]string{
			"admin": append([]string{"/history"}, manager...), "manager": manager, "agent": agent,
			"underwriter": {"/borrower"}, "investor": {"/borrower", "/payments", "/schedule"},
		} {
			var found []string
			for href := range o.opened(t, role, home).links() {
				if path, ok := strings.CutPrefix(href, home); ok && path != "" {
					found = append(found, path)
				}
			}
			slices.Sort(found)
			slices.Sort(want)
			if diff := cmp.Diff(want, found); diff != "" {
				t.Errorf("%s: %s", role, diff)
			}
			// The address of an act that the role lacks is refused, not only unlinked.
			for _, path := range manager {
				code := o.get(t, role, home+path).code
				if may := slices.Contains(want, path); may != (code == 200) || (!may && code != 403) {
					t.Errorf("%s of %s answers %d", path, role, code)
				}
			}
		}
	})
}

func TestALoanOutsideTheRestrictionIsNotThere(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.stock(t)
		ann, bob := o.borrower(t, "Ann", "Lee"), o.borrower(t, "Bob", "Hidden")
		seen, hidden := o.lend(t, ann, in("Acme")), o.lend(t, bob, in("Beta"))
		o.Restrict(t, "investor", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		o.Restrict(t, "agent", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		o.opened(t, "investor", "/loans/"+seen)
		for _, path := range []string{"/loans/" + hidden, "/loans/" + hidden + "/schedule", "/loans/" + hidden + "/payments", "/loans/" + hidden + "/borrower", "/borrowers/" + string(bob), "/loans/nonsense"} {
			s := o.get(t, "investor", path)
			if s.code != 404 {
				t.Errorf("%s answers %d", path, s.code)
			}
			s.silent("Hidden")
		}
		for _, path := range []string{"/loans", "/loans?q=Hidden", "/loans?sort=-borrower", "/loans?portfolio=Beta", "/loans?total=exact"} {
			s := o.opened(t, "investor", path)
			s.silent("Bob", hidden)
		}
		o.opened(t, "investor", "/loans").says("1–1 of 1")
		for path, form := range map[string]url.Values{"/payments/new": {"amount": {"1.00"}}, "/fees/new": {"amount": {"1.00"}, "memo": {"x"}}, "/notes": {"body": {"x"}}} {
			if code := o.post(t, "agent", "/loans/"+hidden+path, form).code; code != 404 {
				t.Errorf("%s of a hidden loan answers %d", path, code)
			}
		}
	})
}

func TestTheListHoldsItsFilterInTheAddress(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.stock(t)
		ann, li := o.borrower(t, "Ann", "Lee"), o.borrower(t, "Li", "Wei")
		o.lend(t, ann, in("Acme"), func(l *servicing.LoanCreateIn) { l.SourceCompany = "First Source" })
		o.lend(t, li, in("Beta"), func(l *servicing.LoanCreateIn) { l.Principal = money.Must("2400") })
		s := o.opened(t, "manager", "/loans?status=active&portfolio=Acme&source_company=First+Source&q=lee&sort=-principal_balance")
		s.says("Loans", "with status “Active” ✕ and in portfolio “Acme” ✕ and from “First Source” ✕ and that match “lee”", "1–1 of 1")
		if to := s.link("Remove: in portfolio “Acme”"); to != "/loans?q=lee&sort=-principal_balance&source_company=First+Source&status=active" {
			t.Errorf("taking the portfolio away leads to %s", to)
		}
		if to := s.link("Clear all"); to != "/loans?sort=-principal_balance" {
			t.Errorf("clearing leads to %s", to)
		}
		form := s.form("/loans")
		for name, want := range map[string]string{"status": "active", "portfolio": "Acme", "source_company": "First Source", "sort": "-principal_balance"} {
			if form.Get(name) != want {
				t.Errorf("the filter form holds %s %q", name, form.Get(name))
			}
		}
		// Sorting: the first press on the balance puts the greatest first, the next one turns it around.
		s = o.opened(t, "manager", "/loans?q=l")
		to := s.link("Balance USD")
		if to != "/loans?q=l&sort=-principal_balance" {
			t.Fatalf("sorting leads to %s", to)
		}
		s = o.opened(t, "manager", to)
		if diff := cmp.Diff([]string{"2,400.00", "1,200.00"}, s.column(9)); diff != "" {
			t.Error(diff)
		}
		s = o.opened(t, "manager", s.link("Balance USD ↓"))
		if diff := cmp.Diff([]string{"1,200.00", "2,400.00"}, s.column(9)); diff != "" {
			t.Error(diff)
		}
		o.opened(t, "manager", "/loans?status=closed").says("No loan fits", "Clear all")
		if code := o.get(t, "manager", "/loans?status=melted").code; code != 422 {
			t.Errorf("a status that does not exist answers %d", code)
		}
		// Whoever may not list portfolios gets no such filter, and the address still counts.
		s = o.opened(t, "investor", "/loans?portfolio=Acme")
		s.says("in portfolio “Acme”", "1–1 of 1")
		s.silent("<span>Portfolio</span>")
	})
}

func TestPagesLeadForwardAndBack(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		b := o.borrower(t, "Ann", "Lee")
		for range 7 {
			o.lend(t, b)
		}
		first := o.opened(t, "agent", "/loans?limit=3")
		first.says("1–3 of 7")
		second := o.opened(t, "agent", first.link("Next page"))
		second.says("4–6 of 7")
		third := o.opened(t, "agent", second.link("Next page"))
		third.says("7–7 of 7", number(7))
		back := o.opened(t, "agent", third.link("Previous page"))
		back.says("4–6 of 7", number(4), number(6))
		again := o.opened(t, "agent", back.link("Previous page"))
		again.says("1–3 of 7", number(1))
		if diff := cmp.Diff(first.column(0), again.column(0)); diff != "" {
			t.Error(diff)
		}
		// Somebody else's link, and a link with other filters, begin at the first page.
		for role, path := range map[string]string{"manager": first.link("Next page"), "agent": first.link("Next page") + "&status=active"} {
			s := o.get(t, role, path)
			if s.code != 303 || strings.Contains(s.to, "cursor") {
				t.Errorf("%s with a foreign cursor answers %d to %s", role, s.code, s.to)
			}
		}
	})
}

func TestAnEmptyBookOffersTheFirstStep(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		s := o.opened(t, "manager", "/loans")
		s.says("No loans yet")
		if s.links()["/loans/new"] == "" {
			t.Error("no first step")
		}
		agent := o.opened(t, "agent", "/loans")
		if agent.links()["/loans/new"] != "" {
			t.Error("an agent is offered to make a loan")
		}
		o.opened(t, "manager", "/borrowers").says("No borrowers yet")
		o.opened(t, "manager", "/loans/new").says("New borrower")
	})
}

func TestAPaymentIsLoggedOnceAndStandsInTheLedger(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"))
		path := home + "/payments/new"
		form := filled(o.opened(t, "agent", path).form(path), "amount", "1,050.00", "method", "ach", "memo", "first <b>one</b>")
		for range 3 {
			if s := o.post(t, "agent", path, form); s.code != 303 || s.to != home+"/payments" {
				t.Fatalf("answers %d to %s: %s", s.code, s.to, s.main())
			}
		}
		s := o.opened(t, "agent", home+"/payments")
		s.says("Payment ACH · first <b>one</b>", "1,050.00", "1–1 of 1")
		if diff := cmp.Diff([]string{"150.00"}, s.column(6)); diff != "" {
			t.Error(diff)
		}
		o.opened(t, "agent", home).says("Payment 1,050.00 USD", "150.00 USD")
		o.opened(t, "agent", home+"/schedule").says("Paid", "Due", "Upcoming")
		moved := 0
		for _, e := range o.Trail(t, audit.Filter{Operation: "loan.payment.log", Outcome: "allowed"}) {
			if len(e.Changes) > 0 {
				moved++
			}
		}
		if moved != 1 {
			t.Errorf("%d entries move money for one payment", moved)
		}
	})
}

func TestAFormKeepsWhatWasTyped(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"))
		path := home + "/payments/new"
		form := o.opened(t, "agent", path).form(path)
		for name, c := range map[string]struct{ amount, date, memo, says string }{
			"words":              {"a lot", "2026-11-22", "m1", "Enter an amount"},
			"a day that is none": {"10.00", "2026-02-31", "m2", "This day does not exist."},
			"tomorrow":           {"10.00", "2026-11-23", "m3", "Give a date that is not in the future."},
			"too much":           {"1200.01", "2026-11-22", "m4", "more than the payoff amount"},
			"nothing":            {"", "2026-11-22", "m5", "Fill this in."},
		} {
			s := o.post(t, "agent", path, filled(form, "amount", c.amount, "effective_date", c.date, "memo", c.memo))
			if s.code != 422 {
				t.Errorf("%s answers %d", name, s.code)
			}
			again := s.form(path)
			if again.Get("amount") != c.amount || again.Get("effective_date") != c.date || again.Get("memo") != c.memo || again.Get("_once") != form.Get("_once") {
				t.Errorf("%s: the form came back as %v", name, again)
			}
			if !strings.Contains(strings.ToLower(s.main()), strings.ToLower(c.says)) {
				t.Errorf("%s: the page does not say how to mend it: %s", name, s.main())
			}
			if !strings.Contains(s.text, `aria-invalid="true"`) {
				t.Errorf("%s: no field is marked", name)
			}
		}
		s := o.post(t, "agent", path, filled(form, "amount", "10.00", "effective_date", "2026-11-22", "memo", "card 4111 1111 1111 1111"))
		if s.code != 422 {
			t.Errorf("a card number in the memo answers %d", s.code)
		}
		if n := len(o.Trail(t, audit.Filter{Operation: "loan.payment.log", Outcome: "allowed"})); n != 0 {
			t.Errorf("%d payments went through", n)
		}
	})
}

// Fee, adjustment, write-off and reversal: each names its object, each lands in
// the ledger, and a reversal takes the entry's effect back.
func TestTheOtherPostings(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"))
		o.sent(t, "agent", home+"/fees/new", "amount", "15", "memo", "late fee")
		o.sent(t, "manager", home+"/adjustments/new", "amount", "-100.00", "reason", "goodwill")
		o.opened(t, "manager", home+"/write-off").says("Write off loan LN-000001", "owes 1,115.00 USD today", "Ann Lee")
		o.sent(t, "manager", home+"/write-off", "amount", "", "reason", "uncollectable")
		s := o.opened(t, "manager", home+"/payments")
		s.says("Charged off", "1,115.00", "late fee", "goodwill", "uncollectable")
		var reverse string
		for href := range s.links() {
			if strings.HasSuffix(href, "/reverse") && strings.Contains(o.opened(t, "manager", href).main(), "The write-off of 1,115.00 USD") {
				reverse = href
			}
		}
		o.opened(t, "manager", reverse).says("Reverse 1,115.00 USD")
		o.sent(t, "manager", reverse, "reason", "wrong loan")
		s = o.opened(t, "manager", home+"/payments")
		s.says("Reversed", "Reversal", "Active")
		again := o.opened(t, "manager", reverse)
		if code := o.post(t, "manager", reverse, filled(again.form(reverse), "reason", "once more")).code; code != 409 {
			t.Errorf("a second reversal answers %d", code)
		}
		o.opened(t, "manager", home+"/payments?kind=fee").says("of the kind “Fee”", "1–1 of 1")
		if code := o.get(t, "manager", home+"/entries/le_nonsense/reverse").code; code != 404 {
			t.Errorf("an entry that is not there answers %d", code)
		}
	})
}

func TestStatusPortfoliosAndCustomFields(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.stock(t)
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"), in("Acme"))
		o.sent(t, "manager", home+"/status", "status", "on_hold", "reason", "asked for a pause")
		o.opened(t, "manager", home).says("On hold")
		if code := o.post(t, "manager", home+"/status", filled(o.opened(t, "manager", home+"/status").form(home+"/status"), "status", "active", "reason", "")).code; code != 422 {
			t.Errorf("a status without a reason answers %d", code)
		}
		s := o.opened(t, "manager", home+"/portfolios")
		s.says("This changes who may see loan LN-000001")
		form := s.form(home + "/portfolios")
		if len(form["portfolios"]) != 1 {
			t.Fatalf("ticked are %v", form["portfolios"])
		}
		form.Del("portfolios")
		if s := o.post(t, "manager", home+"/portfolios", form); s.code != 303 {
			t.Fatalf("taking it out of all portfolios answers %d: %s", s.code, s.main())
		}
		o.opened(t, "manager", home).says("In no portfolio.")

		path := home + "/custom-fields"
		form = o.opened(t, "manager", path).form(path)
		if form.Get("fields[0].name") != "collateral_type" || form.Get("fields[1].name") != "employer" {
			t.Fatalf("the form holds %v", form)
		}
		o.sent(t, "manager", path, "fields[0].value", "Truck", "fields[1].value", "Brick & Co")
		o.opened(t, "manager", home).says("Collateral type Truck", "Employer •••")
		o.sent(t, "manager", path, "fields[0].value", "Boat") // the sealed one is left empty and stays
		view := ok[servicing.LoanOut](t)(gatetest.Do(o.House, o.desk.LoanView, o.Key("manager"), servicing.LoanRef{ID: strings.TrimPrefix(home, "/loans/")}))
		if view.CustomFields[0].Value != "Boat" || view.CustomFields[1].Hidden.String() == "" {
			t.Errorf("custom fields %+v", view.CustomFields)
		}
	})
}

func TestNotesAndHistory(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"))
		o.opened(t, "agent", home+"/notes").says("No notes yet")
		o.sent(t, "agent", home+"/notes", "body", "Promised to pay on Friday")
		o.opened(t, "manager", home+"/notes").says("Promised to pay on Friday", "Agent Person")
		s := o.post(t, "agent", home+"/notes", filled(o.opened(t, "agent", home+"/notes").form(home+"/notes"), "body", " "))
		if s.code != 422 {
			t.Errorf("an empty note answers %d", s.code)
		}
		o.get(t, "investor", home+"/notes")
		h := o.opened(t, "admin", home+"/history")
		h.says("Add note", "Agent Person", "View loan", "List notes: denied", "Investor Person")
		h.silent("Friday")
		o.opened(t, "admin", home+"/history?operation=loan.note.add&outcome=allowed").silent("List notes: denied")
	})
}

func TestThePayoffOnADay(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		home := "/loans/" + o.lend(t, o.borrower(t, "Ann", "Lee"), func(l *servicing.LoanCreateIn) { l.AnnualRate = "12" })
		today, later := o.opened(t, "agent", home+"/payoff"), o.opened(t, "agent", home+"/payoff?on=2026-12-22")
		today.says("Payoff on 2026-11-22")
		later.says("Payoff on 2026-12-22")
		if today.main() == later.main() {
			t.Error("a month makes no difference")
		}
		bad := o.opened(t, "agent", home+"/payoff?on=2026-02-31")
		bad.says("This day does not exist")
		if bad.form(home+"/payoff").Get("on") != "2026-02-31" {
			t.Error("the day that was typed is gone")
		}
	})
}
