package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Whoever edits search restrictions and may not ask what they show is offered no
// count that would be refused.
func TestTheEditorOfARestrictionCountsForWhoeverMayAsk(t *testing.T) {
	p := open(t)
	admin := p.as(t, "admin")
	admin.post("/settings/search-restrictions", "_form", "restriction", "name", "Active only", "visible", `loan.status == "Active"`, "borrowers", "", "applications", "").want(303)
	where := admin.get("/settings/search-restrictions").first("/settings/search-restrictions/sr_")
	const slot, beside = "data-live-count", `name="_as"`
	for _, counts := range []bool{true, false} {
		names := []string{"search_restriction.list", "search_restriction.view", "search_restriction.create", "search_restriction.update", "search_restriction.vocabulary", "user.list"}
		if counts {
			names = append(names, "search_restriction.preview")
		}
		err := p.Write(func(ctx context.Context, tx *db.Tx) error {
			roles, err := policy.Roles(ctx, tx)
			if err != nil {
				return err
			}
			for _, r := range roles {
				if r.Shipped == policy.Manager {
					r.UI, r.Customized = names, true
					if err := policy.UpdateRole(ctx, tx, r); err != nil {
						return err
					}
				}
			}
			return policy.Bump(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"/settings/search-restrictions", where, "/settings/search-restrictions/new"} {
			page := p.as(t, "manager").get(path).want(200)
			if counts {
				if !strings.Contains(page.text, slot) {
					t.Errorf("%s counts nothing", path)
				}
			} else {
				page.without(slot, beside)
			}
		}
	}
}
