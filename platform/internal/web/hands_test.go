package web_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// As long as two people are asked for anywhere, and one alone can make a second
// person, the settings say so, and one button asks for two there as well.
func TestTheSettingsWarnOfAMadeSecondPerson(t *testing.T) {
	const warning, demand = "One person alone can still come to act as a second one", "/settings/four-eyes/demand"
	eachBook(t, func(t *testing.T, l *library) {
		l.promote(t, policy.Manager)
		b := l.as(t, policy.Admin)
		b.get("/settings/four-eyes").want(200, "Add user").without(warning)
		b.post(demand, "_form", "demand-loan.write_off", "operations", "loan.write_off").to("/settings/four-eyes")
		page := b.get("/settings/four-eyes").want(200, warning, "“Add user”, “Change user”, “Grant an exception from second factors”, “Invite again”, “Reset second factors”")
		asked := append([]string{"_form", "demand-alone", "reason", ""}, page.asks("demand-alone")...)
		if !slices.Contains(asked, "user.create") || !slices.Contains(asked, "user.factors.reset") {
			t.Fatalf("the button asks for %v", asked)
		}
		b.post(demand, asked...).to("/settings/four-eyes")
		const around = "One person alone can still bring about what two are asked for: by “Adjust principal”, “Reverse entry”."
		page = b.get("/settings/four-eyes").want(200, "Cease to ask", around).without(warning)
		b.post(demand, append([]string{"_form", "demand-around"}, page.asks("demand-around")...)...).to("/settings/four-eyes")
		b.get("/settings/four-eyes").want(200, "Cease to ask").without(warning, "One person alone")
		proposal := b.post("/settings/users", "_form", "user", "name", "Second Person", "email", "second@acme.test", "role", "Admin").want(303).head.Get("Location")
		if !strings.HasPrefix(proposal, "/approvals/") {
			t.Fatalf("adding a user led to %s", proposal)
		}
		b.get(proposal).want(200, "You proposed this.", "second@acme.test")
		b.get("/settings/users").want(200).without("Second Person")
	})
}

// asks gives the operations for which a dialog of the page asks for two people.
func (p *page) asks(dialog string) (form []string) {
	for n := range p.doc.Descendants() {
		if n.Data != "dialog" || attr(n, "id") != dialog {
			continue
		}
		for i := range n.Descendants() {
			if attr(i, "name") == "operations" {
				form = append(form, "operations", attr(i, "value"))
			}
		}
	}
	return form
}

// To whom a loan is lent stands in the address of the form, so that what waits for a
// second person, and what is refused, names them.
func TestALendingThatWaitsNamesThePerson(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		l.promote(t, policy.Manager)
		if _, err := gatetest.Do(l.House, l.inbox.Demand, l.Screen(policy.Admin), approval.PairIn{Operations: []string{"lent_loan.grant", "lent_loan.end"}}); err != nil {
			t.Fatal(err)
		}
		loan, agent := l.lend(t), string(l.People[policy.Agent].ID)
		b, second := l.as(t, policy.Admin), l.as(t, policy.Manager)
		b.get("/access/lent-loans?loan=LN-000001").want(200, "Choose the loan").without("What for?")
		b.get("/access/lent-loans?loan=LN-000001&user="+agent).want(200, "Lend a loan to Agent Person", "What for?")
		at := "/access/lent-loans/" + agent
		waits := func(path string, form ...string) string {
			t.Helper()
			proposal := b.post(path, form...).want(303).head.Get("Location")
			b.get(proposal).want(200, "You proposed this.", "user "+agent)
			second.post(proposal+"/approve", "_form", "approve").to(proposal)
			return proposal
		}
		waits(at, "_form", "lend", "loan", "LN-000001", "until", "2026-12-01", "reason", "month-end")
		b.get("/access/lent-loans").want(200, "Agent Person", "LN-000001", "Take back")
		waits(at + "/" + string(loan) + "/end")
		b.get("/access/lent-loans").want(200, "No loan is lent")
		l.as(t, policy.Investor).post(at, "_form", "lend", "loan", "LN-000001", "until", "2026-12-01", "reason", "month-end").want(403)
		for _, e := range l.Trail(t, audit.Filter{Operation: "lent_loan.grant"}) {
			if e.Object != "user/"+agent {
				t.Errorf("%s, %s: the trail says %q", e.Outcome, e.Reason, e.Object)
			}
		}
	})
}

// What waits is written for people: the fields by their names, amounts as amounts,
// operations by their titles, and no id of what the rehearsal made and gave up.
func TestAProposalIsReadable(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		l.promote(t, policy.Manager)
		loan := string(l.lend(t))
		if _, err := gatetest.Do(l.House, l.inbox.Demand, l.Screen(policy.Admin), approval.PairIn{Operations: []string{"loan.write_off", "role.update"}}); err != nil {
			t.Fatal(err)
		}
		_, err := gatetest.Do(l.House, l.servicing.WriteOff, l.Screen(policy.Manager), servicing.WriteOffIn{ID: loan, Reason: "cannot pay"})
		off := fault.As(err).Proposal
		for _, page := range []string{"/approvals", "/approvals/" + off} {
			l.as(t, policy.Admin).get(page).want(200, "Principal balance", "1,200.00 USD", "charged off").without("principal balance", "le_")
		}
		r, err := gatetest.Do(l.House, l.positions.View, l.Screen(policy.Admin), roles.Ref{ID: l.Roles[policy.Investor]})
		if err != nil {
			t.Fatal(err)
		}
		seen := r.Visibility
		seen.SSN = "full"
		_, err = gatetest.Do(l.House, l.positions.Update, l.Screen(policy.Admin), roles.UpdateIn{ID: r.ID, Content: roles.Content{Name: r.Name, UI: append(r.UI, "loan.write_off"), API: append(r.API, "loan.write_off"), Visibility: &seen}})
		l.as(t, policy.Admin).get("/approvals/"+fault.As(err).Proposal).want(200, "API: Write off", "Screens: Write off", "Visibility of the social security number").without("api loan", "visibility.")
	})
}
