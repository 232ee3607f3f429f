// Package ways says where the rail, the tabs and the index of the settings lead.
//
// Invariants: a way is offered to whoever may call the operation that opens it,
// and to nobody else; every page of the settings stands in one group, whose pages
// are the tabs of one another and fit beside each other on a narrow screen. It
// knows operations by their names alone, and no room.
package ways

import (
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Can reports whether the person could call an operation on an object:
// gate.Page.Can.
type Can func(name, object string) bool

// Place is a page that the rail or the tabs of the settings lead to; By is the
// operation that opens it.
type Place struct {
	Label, Href, By, Words string
}

// Group is pages of the settings that belong together: the tabs of one another.
type Group struct {
	Label  string
	Places []Place
}

// groups are the pages of the settings, in the order of the index and the rail.
func groups() []Group {
	return []Group{
		{"People", []Place{
			{"Users", "/settings/users", "user.list", "Who works here, with which role and which second factors"},
			{"Teams", "/settings/teams", "team.list", "People who share search restrictions and address rules"},
			{"Access requests", "/access/requests", "access_request.grant", "Who asks for what they may not do yet"},
			{"Lent rights", "/settings/lent-rights", "grant.list", "Who may do what to one object for a short time"},
		}},
		{"Access", []Place{
			{"Roles", "/settings/roles", "role.list", "What each role permits, in the screens and in the API"},
			{"Search restrictions", "/settings/search-restrictions", "search_restriction.list", "Which loans, borrowers and applications a person may find"},
			{"Address rules", "/settings/address-rules", "ip_rule.list", "From which addresses people and programs may call"},
			{"Policy file", "/settings/policy-file", "policy_file.export", "Roles, search restrictions and IP sets as one file, to export and to import"},
		}},
		{"Look into access", []Place{
			{"Explain", "/settings/explain", "access.explain", "Why somebody may or may not do something"},
			{"Simulate", "/settings/simulate", "access.simulate", "What a change would do before it is saved"},
			{"View as", "/settings/view-as", "view_as.begin", "What somebody else sees, before and after a change"},
		}},
		{"Safeguards", []Place{
			{"Sign-in", "/settings/access", "access_setting.view", "Second factors, the life of passwords, and when an account locks"},
			{"Four eyes", "/settings/four-eyes", "four_eyes.list", "Which operations wait for a second person"},
			{"Recovery", "/settings/recovery", "admin_recovery.list", "Who is to become an administrator because nobody can administer access any more"},
			{"Privacy", "/settings/privacy", "privacy.setting.view", "Legal holds, erasures, exports of personal data, and how long records are kept"},
		}},
		{"Keys", []Place{
			{"API keys", "/settings/api-keys", "api_key.list_all", "With which keys programs call, what each may do and when it was last used"},
			{"Site keys", "/settings/site-keys", "site_key.list", "Which web pages may hand in applications"},
			{"Encryption keys", "/settings/encryption-keys", "key.inventory", "What each key seals, how old it is, and when it is replaced"},
		}},
		{"Loan book", []Place{
			{"Portfolios", "/settings/portfolios", "portfolio.list", "Groups of loans, which search restrictions can name"},
			{"Source companies", "/settings/source-companies", "source_company.list", "Where loans and applications come from"},
			{"Custom fields", "/settings/custom-fields", "custom_field.list", "Facts of your own that every loan has"},
		}},
		{"Applications", []Place{
			{"Decision engine", "/settings/decision-engine", "decision_engine.view", "By which rules an application is rejected or reviewed"},
			{"ipstack", "/settings/ipstack", "ipstack.view", "Where facts about an applicant's address come from"},
		}},
	}
}

// Settings lists the pages of the settings that a person may open; a group of
// which nothing is left is left out.
func Settings(can Can) []Group {
	var out []Group
	for _, g := range groups() {
		g.Places = slices.DeleteFunc(g.Places, func(p Place) bool { return !can(p.By, "") })
		if len(g.Places) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// Tabs are the pages of the settings beside the one at path, or above it: those
// of its group. A page that is alone has no tabs.
func Tabs(can Can, path string) []parts.Tab {
	for _, g := range Settings(can) {
		if !g.holds(path) || len(g.Places) == 1 {
			continue
		}
		var out []parts.Tab
		for _, p := range g.Places {
			out = append(out, parts.Tab{Label: p.Label, Href: p.Href, Current: under(path, p.Href)})
		}
		return out
	}
	return nil
}

func (g Group) holds(path string) bool {
	return slices.ContainsFunc(g.Places, func(p Place) bool { return under(path, p.Href) })
}

// Rail lists the workplaces that a person may open; path says which one is.
// Within the settings their groups stand below.
func Rail(can Can, path string) []parts.RailEntry {
	var out []parts.RailEntry
	for _, p := range []Place{
		{Label: "Loans", Href: "/loans", By: "loan.list"},
		{Label: "Applications", Href: "/applications", By: "application.list"},
		{Label: "Audit", Href: "/audit", By: "audit.list"},
	} {
		if can(p.By, "") {
			current := under(path, p.Href) || p.Href == "/loans" && under(path, "/borrowers")
			out = append(out, parts.RailEntry{Label: p.Label, Href: p.Href, Current: current})
		}
	}
	if list := Settings(can); len(list) > 0 {
		out = append(out, settingsRail(list, path))
	}
	return out
}

// settingsRail leads to the settings and, once one is in them, to the first page
// of each group.
func settingsRail(list []Group, path string) parts.RailEntry {
	e := parts.RailEntry{Label: "Settings", Href: "/settings"}
	e.Current = under(path, e.Href) || slices.ContainsFunc(list, func(g Group) bool { return g.holds(path) })
	if !e.Current {
		return e
	}
	for _, g := range list {
		e.Below = append(e.Below, parts.RailEntry{Label: g.Label, Href: g.Places[0].Href, Current: g.holds(path)})
	}
	return e
}

func under(path, place string) bool { return path == place || strings.HasPrefix(path, place+"/") }
