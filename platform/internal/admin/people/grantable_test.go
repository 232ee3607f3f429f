package people_test

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// promote makes people of the house administrators.
func (o *office) promote(roles ...string) {
	o.t.Helper()
	o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
		for _, role := range roles {
			s, err := identity.StaffByID(ctx, tx, o.People[role].ID)
			if err != nil {
				return err
			}
			s.Role = o.Roles[policy.Admin]
			if err := identity.UpdateStaff(ctx, tx, s); err != nil {
				return err
			}
		}
		return policy.Bump(ctx, tx)
	}))
}

// What a person may give away is as good as a right, so a tenant can ask for a
// second person. Whoever approves sees each operation that comes or goes, must be
// able to give it away too, and is not the person whom it is about.
func TestASecondPersonApprovesWhatSomebodyMayGiveAway(t *testing.T) {
	each(t, func(o *office) {
		o.promote(policy.Manager, policy.Agent, policy.Investor)
		agent := o.People[policy.Agent].ID
		set := func(who id.User, names ...string) error {
			_, err := gatetest.Do(o.House, o.people.Grantable, o.Screen(policy.Admin), people.GrantableIn{ID: who, Operations: &names})
			return err
		}
		o.must(set(agent, "user.list", "team.list"))
		o.must(set(o.People[policy.Manager].ID, "user.list"))
		_, err := gatetest.Do(o.House, o.inbox.Demand, o.Screen(policy.Admin), approval.PairIn{Operations: []string{"user.grantable"}})
		o.must(err)

		asked := fault.As(set(agent, "user.list", "user.view"))
		if asked.Kind != fault.Proposed || asked.Proposal == "" {
			o.t.Fatalf("not proposed but %v", asked)
		}
		p := id.Proposal(asked.Proposal)
		shown, err := gatetest.Do(o.House, o.inbox.View, o.Screen(policy.Investor), approval.Ref{ID: p})
		o.must(err)
		want := []approval.Change{{Field: "may_give_away.user.view", After: "yes"}, {Field: "may_give_away.team.list", Before: "yes"}}
		if diff := cmp.Diff(want, shown.Changes); diff != "" {
			o.t.Errorf("what is shown to whoever approves: -want +got\n%s", diff)
		}
		approve := func(role string) error {
			_, err := gatetest.Do(o.House, o.inbox.Approve, o.Screen(role), approval.DecideIn{ID: p})
			return err
		}
		o.refused(approve(policy.Admin), "own_proposal")
		o.refused(approve(policy.Agent), "own_access")
		o.refused(approve(policy.Manager), "not_grantable")
		held, err := gatetest.Do(o.House, o.people.GiveAway, o.Screen(policy.Investor), people.UserRef{ID: agent})
		o.must(err)
		if diff := cmp.Diff([]string{"team.list", "user.list"}, held.Operations); diff != "" {
			o.t.Errorf("a proposal has changed something:\n%s", diff)
		}
		o.must(approve(policy.Investor))
		held, err = gatetest.Do(o.House, o.people.GiveAway, o.Screen(policy.Investor), people.UserRef{ID: agent})
		o.must(err)
		if diff := cmp.Diff([]string{"user.list", "user.view"}, held.Operations); diff != "" {
			o.t.Errorf("what was approved:\n%s", diff)
		}
		e := o.Trail(o.t, audit.Filter{Operation: "user.grantable", Limit: 1})[0]
		if e.For != "user/"+string(o.People[policy.Admin].ID) || e.Actor != "user/"+string(o.People[policy.Investor].ID) || len(e.Changes) != 2 {
			o.t.Errorf("the entry does not name both and what changed: %+v", e)
		}
	})
}

// The short form says how a set is given, whatever it holds.
func TestTheTrailSaysInShortWhatSomebodyMayGiveAway(t *testing.T) {
	each(t, func(o *office) {
		agent := o.People[policy.Agent].ID
		for _, step := range []struct {
			names         *[]string
			before, after string
		}{
			{&[]string{}, "what the role says", "nothing"},
			{&[]string{"user.list"}, "nothing", "1 operation"},
			{&[]string{"user.list", "*"}, "1 operation", "every operation"},
			{&[]string{"user.list", "user.view"}, "every operation", "2 operations"},
			{nil, "2 operations", "what the role says"},
		} {
			o.Advance(1000)
			_, err := gatetest.Do(o.House, o.people.Grantable, o.Screen(policy.Admin), people.GrantableIn{ID: agent, Operations: step.names})
			o.must(err)
			e := o.Trail(o.t, audit.Filter{Operation: "user.grantable", Limit: 1})[0]
			if len(e.Changes) == 0 || e.Changes[0].Before != step.before || e.Changes[0].After != step.after {
				o.t.Errorf("%v: the entry says %+v", step.names, e.Changes)
			}
		}
	})
}
