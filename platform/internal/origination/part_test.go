package origination_test

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Whoever may view applications but neither their network check nor their
// decision is told neither, in no channel: what has a permission of its own is
// not a part of something else.
func TestACheckAndADecisionAreToldToWhoeverMayViewThem(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		a := b.checked(t, "203.0.113.20")
		if a.NetworkCheck == nil || a.Decision == nil {
			t.Fatal("the shipped underwriter is not told")
		}
		holds := func(names ...string) {
			must(t, b.Write(func(ctx context.Context, tx *db.Tx) error {
				roles, err := policy.Roles(ctx, tx)
				if err != nil {
					return err
				}
				for _, r := range roles {
					if r.Shipped == policy.Underwriter {
						r.UI, r.API, r.Customized = names, names, true
						if err := policy.UpdateRole(ctx, tx, r); err != nil {
							return err
						}
					}
				}
				return policy.Bump(ctx, tx)
			}))
		}
		for _, x := range []struct {
			holds           []string
			check, decision bool
		}{
			{[]string{"application.view"}, false, false},
			{[]string{"application.view", "application.network_check.view"}, true, false},
			{[]string{"application.view", "application.decision.view"}, false, true},
		} {
			holds(x.holds...)
			for channel, r := range map[string]*gate.Request{"api": b.Key(policy.Underwriter), "screens": b.Screen(policy.Underwriter)} {
				out, err := gatetest.Do(b.House, b.desk.View, r, origination.Ref{ID: a.ID})
				must(t, err)
				if (out.NetworkCheck != nil) != x.check || (out.Decision != nil) != x.decision {
					t.Errorf("%s, with %v: check %v, decision %v", channel, x.holds, out.NetworkCheck != nil, out.Decision != nil)
				}
			}
		}
	})
}
