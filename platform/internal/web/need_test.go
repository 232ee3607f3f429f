package web_test

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Nobody fills in a form that they may not send: its page is the denial that
// sending it would meet, recorded as that, and leads to asking for the right.
func TestAFormThatMayNotBeSentIsNotShown(t *testing.T) {
	forms := map[string]string{"/settings/users/new": "user.create", "/settings/teams/new": "team.create", "/settings/search-restrictions/new": "search_restriction.create",
		"/settings/address-rules/new": "ip_rule.create", "/settings/portfolios/new": "portfolio.create", "/settings/source-companies/new": "source_company.create",
		"/settings/custom-fields/new": "custom_field.create", "/loans/new": "loan.create", "/borrowers/new": "borrower.create"}
	eachBook(t, func(t *testing.T, l *library) {
		investor, admin := l.as(t, policy.Investor), l.as(t, policy.Admin)
		for path, name := range forms {
			page := investor.get(path).want(403, "does not hold", "Request access").without(`name="_form"`)
			e := l.Trail(t, audit.Filter{Operation: name, Limit: 1})
			if len(e) != 1 || e[0].Outcome != operation.Denied || e[0].Reason != "role_lacks_operation" || string(e[0].DecisionID) == "" {
				t.Errorf("%s: the trail says %+v", path, e)
			}
			investor.get(page.first("/access/request?")).want(200, "in the screens")
			admin.get(path).want(200)
		}
		if made := l.Trail(t, audit.Filter{Operation: "portfolio.create", Outcome: "allowed"}); len(made) != 0 {
			t.Error("something was made by looking at its form")
		}
		admin.post("/view-as", "_form", "role", "role", string(l.Roles[policy.Manager])).to("/")
		admin.get("/settings/portfolios/new").want(403, "You are viewing as").without("Request access", `name="_form"`)
	})
}
