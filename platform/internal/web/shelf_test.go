package web_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// A manager makes what loans and restrictions can name; each is a change of access.
func TestPortfoliosAndCompaniesAreMadeOnTheScreens(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		b := l.as(t, policy.Manager)
		for _, s := range []struct{ home, title, first, verb, taken, filter, operation string }{
			{"/settings/portfolios", "Portfolios", "No portfolio yet", "Make portfolio", "Another portfolio has this name. Give another name.", "/loans?portfolio=", "portfolio.create"},
			{"/settings/source-companies", "Source companies", "No source company yet", "Make source company", "Another source company has this name. Give another name.", "/loans?source_company=", "source_company.create"},
		} {
			b.get(s.home).want(200, s.title, s.first, "Make the first")
			b.get(s.home+"/new").want(200, "Name", s.verb, "Cancel")
			b.post(s.home, "_form", "name", "name", "  ").want(422, "One thing needs mending")
			b.post(s.home, "_form", "name", "name", "Acme & Söhne 2026").to(s.home)
			list := b.get(s.home).want(200, "Acme & Söhne 2026", "2026-11-22", "1–1 of 1").without(s.first)
			row := list.first(s.filter)
			b.get(row).want(200, "Loans", "Acme & Söhne 2026")
			again := b.post(s.home, "_form", "name", "name", "Acme & Söhne 2026").want(409, s.taken)
			if again.held("name") != "Acme & Söhne 2026" {
				t.Error("what was typed is lost")
			}
			e := l.Trail(t, audit.Filter{Operation: s.operation, Outcome: "allowed"})
			if len(e) != 1 || len(e[0].Changes) != 1 || e[0].Changes[0].After != "Acme & Söhne 2026" {
				t.Errorf("the trail says %+v", e)
			}
		}
	})
}

// A custom field says what it holds, who reads it and what loans have that were
// told nothing; what is wrong stands beside its field, and what was typed stays.
func TestCustomFieldsAreMadeOnTheScreens(t *testing.T) {
	const home = "/settings/custom-fields"
	eachBook(t, func(t *testing.T, l *library) {
		b := l.as(t, policy.Manager)
		b.get(home).want(200, "No custom fields", "Make the first")
		b.get(home+"/new").want(200, "Public: everybody reads it", "Personal: about a person", "Sensitive: in confidence", "What every loan has that was told nothing else")
		bad := b.post(home, "_form", "field", "name", "Collateral Type", "kind", "date", "class", "personal", "default", "31 Feb").want(422, "2 things need mending", "Use lower-case letters", "Give a date written as YYYY-MM-DD.")
		if bad.held("name") != "Collateral Type" || bad.held("kind") != "date" || bad.held("default") != "31 Feb" {
			t.Error("what was typed is lost")
		}
		b.post(home, "_form", "field", "name", "null", "kind", "text", "class", "public").want(422, "words of the expression language are taken")
		b.post(home, "_form", "field", "name", "insured", "kind", "bool", "class", "public", "default", "true").to(home)
		b.get(home).want(200, "Search restrictions can speak of it.")
		b.post(home, "_form", "field", "name", "employer", "kind", "text", "class", "personal").to(home)
		b.get(home).want(200, "1–2 of 2", "custom.insured", "Yes or no", "employer", "Personal", "empty", "no, it is sealed").without("custom.employer")
		b.post(home, "_form", "field", "name", "insured", "kind", "text", "class", "public").want(409, "Another custom field has this name. Give another name.")
		loan := string(l.lend(t))
		b.get("/loans/"+loan).want(200, "Insured")
	})
}

// Whoever may look and not make finds the names and no button; whoever may not
// look is told what is missing; who is restricted is told what the names mean to
// them and finds their own loans alone behind a name.
func TestWhoSeesTheShelves(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		l.portfolio(t, "Acme", "Beta")
		l.lend(t, "Acme")
		l.lend(t, "Beta")
		const note = "You see every name."
		l.as(t, policy.Manager).get("/settings/portfolios").want(200, "New portfolio").without(note)
		agent := l.as(t, policy.Agent)
		agent.get("/settings/portfolios").want(200, "Acme", "Beta").without("New portfolio", note)
		agent.get("/settings/portfolios/new").want(403, "does not hold “New portfolio”").without(`name="name"`)
		agent.post("/settings/portfolios", "_form", "name", "name", "Gamma").want(403, "does not hold “New portfolio”")
		agent.get("/settings/custom-fields/new").want(403)
		l.as(t, policy.Investor).get("/settings/portfolios").want(403, "does not hold “List portfolios”").without("Beta")

		l.Restrict(t, policy.Agent, policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		agent.get("/settings/portfolios").want(200, "Acme", "Beta", note)
		agent.get("/loans?portfolio=Acme").want(200, "1–1 of 1")
		agent.get("/loans?portfolio=Beta").want(200, "No loan fits").without("LN-000002")
	})
}

// The settings stand in groups: a page's tabs are those of its group, the rail
// leads to each group, and the index to every page that the person may open, and
// to no other.
func TestTheSettingsStandInGroups(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		b := l.as(t, policy.Admin)
		index := b.get("/settings").want(200, "People", "Access", "Look into access", "Loan book")
		seen := map[string]bool{}
		for _, w := range index.links("div", "contents") {
			if seen[w[0]] {
				t.Errorf("the index leads to %s twice", w[0])
			}
			seen[w[0]] = true
			page := b.get(w[0]).want(200)
			tabs, current := page.links("nav", "tabs"), 0
			for _, tab := range tabs {
				if tab[0] == w[0] {
					current++
				}
			}
			// The requests have tabs of their own.
			if w[0] != "/access/requests" && (len(tabs) > 4 || len(tabs) > 0 && current != 1) {
				t.Errorf("%s has the tabs %v", w[0], tabs)
			}
			if rail := page.links("ul", "rail-below"); len(rail) < 4 {
				t.Errorf("the rail at %s leads to %v", w[0], rail)
			}
		}
		if !seen["/settings/portfolios"] || !seen["/settings/custom-fields"] || len(seen) < 12 {
			t.Errorf("the index leads to %d pages: %v", len(seen), seen)
		}
		if rail := b.get("/loans").links("ul", "rail-below"); len(rail) != 0 {
			t.Errorf("the groups stand in the rail outside of the settings: %v", rail)
		}
		var agents []string
		for _, w := range l.as(t, policy.Agent).get("/settings").want(200).links("div", "contents") {
			agents = append(agents, w[0])
			l.as(t, policy.Agent).get(w[0]).want(200)
		}
		if diff := cmp.Diff([]string{"/settings/portfolios", "/settings/source-companies", "/settings/custom-fields"}, agents); diff != "" {
			t.Errorf("an agent’s index: -want +got\n%s", diff)
		}
	})
}
