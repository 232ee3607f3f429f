package origination_test

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// holds narrows the underwriter to some operations, in both channels.
func (b *bench) holds(t *testing.T, names ...string) {
	t.Helper()
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
		for _, x := range []struct {
			holds           []string
			check, decision bool
		}{
			{[]string{"application.view"}, false, false},
			{[]string{"application.view", "application.network_check.view"}, true, false},
			{[]string{"application.view", "application.decision.view"}, false, true},
		} {
			b.holds(t, x.holds...)
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

// The list, related applications, the history, what an act answers and the
// evidence tell no more of a check and a decision than an application itself
// does; a filter by what is withheld would tell it too, and so is refused.
func TestNoListAnswerOrFileTellsACheckOrADecisionBesideTheirPermissions(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		a, other := b.checked(t, "203.0.113.20"), b.checked(t, "203.0.113.20")
		always := []string{"application.view", "application.list", "application.related.list", "application.history", "application.evidence", "application.reprocess"}
		for _, x := range []struct {
			also            []string
			check, decision bool
		}{
			{nil, false, false},
			{[]string{"application.network_check.view"}, true, false},
			{[]string{"application.decision.view"}, false, true},
			{[]string{"application.network_check.view", "application.decision.view"}, true, true},
		} {
			b.holds(t, append(x.also, always...)...)
			for channel, r := range map[string]*gate.Request{"api": b.Key(policy.Underwriter), "screens": b.Screen(policy.Underwriter)} {
				tells := func(where string, i origination.Item) {
					t.Helper()
					if (i.CheckState != "") != x.check || (i.Outcome != "") != x.decision || (len(i.Reasons) > 0) != x.decision || i.Reasons == nil {
						t.Errorf("%s, with %v: %s tells check %q, outcome %q, reasons %q", channel, x.also, where, i.CheckState, i.Outcome, i.Reasons)
					}
				}
				list, err := gatetest.Do(b.House, b.desk.List, r, origination.ListIn{})
				must(t, err)
				tells("the list", list.Items[0])
				kin, err := gatetest.Do(b.House, b.desk.RelatedList, r, origination.Ref{ID: a.ID})
				must(t, err)
				tells("a related application", kin.Items[0].Item)
				past, err := gatetest.Do(b.House, b.desk.History, r, origination.Ref{ID: a.ID})
				must(t, err)
				if (len(past.Decisions) > 0) != x.decision || len(past.Transitions) == 0 {
					t.Errorf("%s, with %v: the history tells %d decisions", channel, x.also, len(past.Decisions))
				}
				done, err := gatetest.Do(b.House, b.desk.Reprocess, r, origination.ReprocessIn{ID: other.ID, Reason: "Again."})
				must(t, err)
				if (len(done.Reasons) > 0) != x.decision || done.Status != "rejected" {
					t.Errorf("%s, with %v: an act answers %s, %q", channel, x.also, done.Status, done.Reasons)
				}
				_, err = gatetest.Do(b.House, b.desk.List, r, origination.ListIn{Outcome: "reject"})
				if x.decision {
					must(t, err)
				} else if fault.As(err).Reason != "withheld" {
					t.Errorf("%s, with %v: the filter by outcome: %v", channel, x.also, err)
				}
				_, err = gatetest.Do(b.House, b.desk.Evidence, r, origination.EvidenceIn{ID: a.ID})
				if x.check && x.decision {
					must(t, err)
				} else if fault.As(err).Reason != "withheld" {
					t.Errorf("%s, with %v: the evidence: %v", channel, x.also, err)
				}
			}
		}
	})
}
