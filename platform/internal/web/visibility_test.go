package web_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// What would hide everything is asked about once more, and what was typed travels
// through the question. Without the tick it is asked again; with it, it is saved.
func TestWhatHidesEverythingIsAskedTwice(t *testing.T) {
	const home = "/settings/search-restrictions"
	eachBook(t, func(t *testing.T, l *library) {
		l.lend(t)
		b := l.as(t, policy.Admin)
		form := []string{"_form", "restriction", "name", "Closed books", "visible", `loan.status == "closed"`, "borrowers", "", "applications", "",
			"limits[0].area", "payments", "limits[0].level", "view", "limits[0].when", "", "limits[0].message", "Payments are with the head office."}
		asked := b.post(home, form...).want(409, "This hides everything", "I understand that whoever holds it sees nothing now.", "Save all the same")
		again := asked.fields(home)
		for _, typed := range []string{"Closed books", `loan.status == "closed"`, "Payments are with the head office."} {
			if !slices.Contains(again, typed) {
				t.Errorf("%q does not travel through the second question", typed)
			}
		}
		b.post(home, again...).want(409, "This hides everything")
		if saved := l.Trail(t, audit.Filter{Operation: "search_restriction.create", Outcome: "allowed"}); len(saved) != 0 {
			t.Fatal("it was saved without the answer")
		}
		where := b.post(home, append(again, "_understood", "yes")...).want(303).head.Get("Location")
		if saved := b.get(where).want(200, "Closed books", "Search restriction added.", "Payments: view only"); saved.held("limits[0].message") != "Payments are with the head office." {
			t.Error("the limit’s message is lost")
		}

		// What shows something is not asked about, also when it is a change.
		change := []string{"_form", "restriction", "name", "Closed books", "visible", `loan.status == "active"`}
		b.post(where, change...).to(where)
		b.post(where, "_form", "restriction", "name", "Closed books", "visible", `loan.number == "none"`).want(409, "This hides everything")
	})
}

// The move panel stands under the list of loans: those that are ticked, or all
// that the list shows, go into a portfolio or out of it, and who finds them changes
// with the next call.
func TestLoansAreMovedBetweenPortfoliosFromTheList(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		b, agent := l.as(t, policy.Manager), l.as(t, policy.Agent)
		first, second := string(l.lend(t)), string(l.lend(t))
		none := b.get("/loans").want(200, "There is no portfolio yet to move loans into.", "New portfolio").without("Put into portfolio")
		b.get(none.first("/settings/portfolios/new")).want(200, "Make portfolio")
		agent.get("/loans").want(200).without("New portfolio", "Move between portfolios")

		l.portfolio(t, "Acme", "Beta")
		l.lend(t, "Beta")
		l.Restrict(t, policy.Agent, policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		agent.get("/loans").want(200, "No loans yet")
		panel := b.get("/loans").want(200, "Put into portfolio", "Take out of portfolio", "New portfolio", "All that this list shows: 3 loans").fields("/loans/portfolios")
		move := func(way, portfolio string, more ...string) *page {
			fields := append(slices.Clone(panel), "_way", way)
			for i := 0; i < len(fields); i += 2 {
				if fields[i] == "_portfolio" {
					fields[i+1] = portfolio
				}
			}
			return b.post("/loans/portfolios", append(fields, more...)...)
		}
		move("into", "", "loans", first).want(422, "Choose a portfolio.")
		move("into", "Acme").want(422, "Tick the loans to move, or all that this list shows.")
		move("into", "Acme", "loans", first, "loans", second).to("/loans")
		b.get("/loans").want(200, "2 loans moved. Who may see them has changed with them.")
		agent.get("/loans").want(200, "LN-000001", "LN-000002", "1–2 of 2")
		move("out of", "Acme", "loans", second).to("/loans")
		agent.get("/loans").want(200, "1–1 of 1").without("LN-000002")
		agent.get("/loans/" + second).want(404)

		// All that a narrowed list shows, and nothing beside it.
		panel = b.get("/loans?portfolio=Beta").want(200, "All that this list shows: 1 loan").fields("/loans/portfolios")
		move("into", "Acme", "_all", "on").to("/loans?portfolio=Beta")
		b.get("/loans?portfolio=Beta").want(200, "1 loan moved.")
		agent.get("/loans").want(200, "LN-000001", "LN-000003", "1–2 of 2").without("LN-000002")
		if moved := l.Trail(t, audit.Filter{Operation: "loan.portfolio.move", Outcome: "allowed"}); len(moved) != 3 || moved[0].Detail["add"] != "Acme" {
			t.Errorf("the trail says %+v", moved)
		}
		agent.post("/loans/portfolios", "_form", "move", "_way", "into", "_portfolio", "Acme", "loans", second).want(403)
	})
}

// What somebody may give away waits for a second person, whose page names each
// operation that comes or goes.
func TestAProposalNamesWhatSomebodyMayGiveAway(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		l.promote(t, policy.Manager)
		b, second := l.as(t, policy.Admin), l.as(t, policy.Manager)
		b.get("/settings/four-eyes").want(200, "Change grantable set")
		if _, err := gatetest.Do(l.House, l.inbox.Demand, l.Screen(policy.Admin), approval.PairIn{Operations: []string{"user.grantable"}}); err != nil {
			t.Fatal(err)
		}
		set := "/settings/users/" + string(l.People[policy.Agent].ID) + "/grantable"
		proposal := b.post(set, "_form", "grantable", "_way", "names", "operations", "user.list", "operations", "loan.list").want(303).head.Get("Location")
		if !strings.HasPrefix(proposal, "/approvals/") {
			t.Fatalf("led to %s", proposal)
		}
		b.get(proposal).want(200, "Proposed. A second person must approve it; nothing has changed yet.", "You proposed this.", "What changes", "May give away: List users", "May give away: List loans", "what the role says", "2 operations")
		b.get(set).want(200, "What the role brings")
		second.get("/approvals").want(200, "Change grantable set")
		second.get(proposal).want(200, "Approve", "May give away: List users")
		second.post(proposal+"/approve", "_form", "approve").to(proposal)
		page := b.get(set).want(200)
		if got := page.fields(set); !slices.Contains(got, "user.list") || !slices.Contains(got, "loan.list") {
			t.Errorf("the approved set is not ticked: %v", got)
		}
	})
}

// A role is looked through before it is saved: the view has what the draft gives,
// lacks what it takes, changes nothing, and nobody else notices.
func TestARoleIsLookedThroughBeforeItIsSaved(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		l.portfolio(t, "Acme")
		l.lend(t, "Acme")
		b := l.as(t, policy.Admin)
		where := "/settings/roles/" + string(l.Roles[policy.Agent])
		draft := []string{"_form", "role", "name", "Agent", "description", "", "visibility.ssn", "last4", "visibility.bank_account", "hidden", "visibility.date_of_birth", "hidden",
			"ui", "loan.list", "ui", "role.list"} // no portfolio.list, and the roles instead
		effect := b.post(where+"/effect", draft...).want(200, "What the change would do", "View as this role", "List portfolios")
		hidden := effect.fields("/view-as")
		var content roles.Content
		if at := slices.Index(hidden, "draft"); at < 0 || json.Unmarshal([]byte(hidden[at+1]), &content) != nil || !slices.Equal(content.UI, []string{"loan.list", "role.list"}) {
			t.Fatalf("the draft does not travel: %v", hidden)
		}
		b.post("/view-as", hidden...).to("/")
		b.get("/loans").want(200, "LN-000001", "You are viewing as").without("New portfolio", "Put into portfolio")
		b.get("/settings/roles").want(200, "Agent")
		b.get("/settings/portfolios").want(403, "You are viewing as")
		b.get("/settings/users").want(403)
		if made := b.post("/settings/portfolios", "_form", "name", "name", "Beta"); made.status != 403 {
			t.Errorf("a portfolio was made through other eyes: %d", made.status)
		}
		l.as(t, policy.Agent).get("/settings/portfolios").want(200, "Acme").without("You are viewing as")
		l.as(t, policy.Agent).get("/settings/roles").want(403)
		b.post("/view-as/end").to("/settings/view-as")
		b.get("/settings/portfolios").want(200, "New portfolio").without("You are viewing as")
		held, err := gatetest.Do(l.House, l.positions.View, l.Key(policy.Admin), roles.Ref{ID: l.Roles[policy.Agent]})
		if err != nil || slices.Contains(held.UI, "role.list") || held.Customized {
			t.Errorf("the draft was saved: %+v, %v", held, err)
		}
		for _, e := range l.Trail(t, audit.Filter{Operation: "portfolio.list", Outcome: "denied"}) {
			if e.For == "" || e.Actor != "user/"+string(l.People[policy.Admin].ID) {
				t.Errorf("the trail does not say through whose eyes: %+v", e)
			}
		}
	})
}
