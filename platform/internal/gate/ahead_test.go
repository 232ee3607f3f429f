package gate_test

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// shelf is a drawer whose look names its statement ahead.
func shelf(runs *int) *drawer {
	d := newDrawer()
	const about = `SELECT description FROM role WHERE shipped = ?`
	d.look.Ahead = func(_ *gate.Call, in *drawerIn) []db.Statement {
		return []db.Statement{{Query: about, Args: []any{in.ID}}}
	}
	d.look.Do = func(ctx context.Context, c *gate.Call, in *drawerIn) (*drawerOut, error) {
		*runs++
		out := &drawerOut{}
		return out, c.Tx.One(ctx, about, []any{in.ID}, &out.Text)
	}
	return d
}

// A right that was taken away is gone with the next call, although the
// statements of the call were sent under the right of the call before.
func TestAForeseenReadIsNoRight(t *testing.T) {
	var d *drawer
	var runs int
	gatetest.Each(t, func() gatetest.Config {
		runs = 0
		d = shelf(&runs)
		return gatetest.Config{Operations: []gate.Entry{d.look, d.put, d.fire}}
	}, func(t *testing.T, h *gatetest.House) {
		look := func(r *gate.Request) (*drawerOut, error) {
			return gatetest.Do(h, d.look, r, drawerIn{ID: policy.Agent})
		}
		for range 3 {
			if _, err := look(h.Key(policy.Agent)); err != nil {
				t.Fatal(err)
			}
		}
		if runs != 3 {
			t.Errorf("three looks ran %d times", runs)
		}
		if _, err := gatetest.Do(h, d.put, h.Key(policy.Agent), drawerIn{ID: "1", Text: " and new"}); err != nil {
			t.Fatal(err)
		}
		out, err := look(h.Key(policy.Agent))
		if err != nil || out.Text != description(t, h) {
			t.Errorf("a foreseen read gives %+v, %v after a change", out, err)
		}
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			return identity.RevokeKey(ctx, tx, h.People[policy.Agent].KeyID)
		}); err != nil {
			t.Fatal(err)
		}
		before := runs
		_, err = look(h.Key(policy.Agent))
		kind(t, err, fault.Unauthenticated)
		for range 2 {
			if _, err := look(h.Screen(policy.Agent)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := gatetest.Do(h, d.fire, h.Key(policy.Admin), drawerIn{ID: string(h.People[policy.Agent].ID)}); err != nil {
			t.Fatal(err)
		}
		_, err = look(h.Screen(policy.Agent))
		f := kind(t, err, fault.Denied)
		if f.Reason != "user_inactive" || runs != before+2 {
			t.Errorf("reason %s after %d more runs", f.Reason, runs-before)
		}
		if e := h.Trail(t, audit.Filter{})[0]; e.Outcome != operation.Denied {
			t.Errorf("the last entry is %+v", e)
		}
	})
}
