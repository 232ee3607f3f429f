package visit

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

// places are the pages of the settings, in the order of their tabs.
func places() []Place {
	return []Place{
		{"Users", "/settings/users", "user.list", "Who works here, with which role and which second factors"},
		{"Teams", "/settings/teams", "team.list", "People who share search restrictions and address rules"},
		{"Roles", "/settings/roles", "role.list", "What each role permits, in the screens and in the API"},
		{"Policy file", "/settings/policy-file", "policy_file.export", "Roles, search restrictions and IP sets as one file, to export and to import"},
		{"Search restrictions", "/settings/search-restrictions", "search_restriction.list", "Which loans, borrowers and applications a person may find"},
		{"Address rules", "/settings/address-rules", "ip_rule.list", "From which addresses people and programs may call"},
		{"API keys", "/settings/api-keys", "api_key.list_all", "With which keys programs call, what each may do and when it was last used"},
		{"Site keys", "/settings/site-keys", "site_key.list", "Which web pages may hand in applications"},
		{"Sign-in", "/settings/access", "access_setting.view", "Second factors, the life of passwords, and when an account locks"},
		{"Four eyes", "/settings/four-eyes", "four_eyes.list", "Which operations wait for a second person"},
		{"Lent rights", "/settings/lent-rights", "grant.list", "Who may do what to one object for a short time"},
		{"Decision engine", "/settings/decision-engine", "decision_engine.view", "By which rules an application is rejected or reviewed"},
		{"ipstack", "/settings/ipstack", "ipstack.view", "Where facts about an applicant's address come from"},
		{"Explain", "/settings/explain", "access.explain", "Why somebody may or may not do something"},
		{"Simulate", "/settings/simulate", "access.simulate", "What a change would do before it is saved"},
		{"View as", "/settings/view-as", "view_as.begin", "What somebody else sees, before and after a change"},
		{"Access requests", "/access/requests", "access_request.grant", "Who asks for what they may not do yet"},
	}
}

// Settings lists the pages of the settings that a person may open.
func Settings(can Can) []Place {
	return slices.DeleteFunc(places(), func(p Place) bool { return !can(p.By, "") })
}

// SettingsTabs are their tabs; path is the page that is open, or lies under it.
func SettingsTabs(can Can, path string) []parts.Tab {
	var out []parts.Tab
	for _, p := range Settings(can) {
		out = append(out, parts.Tab{Label: p.Label, Href: p.Href, Current: under(path, p.Href)})
	}
	return out
}

// Rail lists the workplaces that a person may open; path says which one is.
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
	if len(Settings(can)) > 0 {
		out = append(out, parts.RailEntry{Label: "Settings", Href: "/settings", Current: under(path, "/settings")})
	}
	return out
}

func under(path, place string) bool { return path == place || strings.HasPrefix(path, place+"/") }
