package approval_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// office is a house with one operation that may need a second person: renaming
// a team, which managers and administrators hold.
type office struct {
	*gatetest.House
	*approval.Desk
	rename *gate.Op[renameIn, approval.Done]
	found  *gate.Op[approval.Nothing, approval.Done]
	team   id.Team
}

type renameIn struct {
	ID   id.Team `path:"id" json:"-"`
	Name string  `json:"name"`
}

func renaming() *gate.Op[renameIn, approval.Done] {
	return &gate.Op[renameIn, approval.Done]{Name: "team.rename", Title: "Rename team", Area: "Test", Screen: "Teams", Method: "PUT", Path: "/teams/{id}",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager", Pairing: gate.MayPair,
		Object: func(in *renameIn) string { return "team/" + string(in.ID) },
		Do: func(ctx context.Context, c *gate.Call, in *renameIn) (*approval.Done, error) {
			t, err := policy.TeamByID(ctx, c.Tx, in.ID)
			if err != nil {
				return nil, err
			}
			if in.Name == "" {
				return nil, fault.Bad("name", "Give the team a name.")
			}
			c.Change("name", t.Name, in.Name)
			t.Name = in.Name
			return &approval.Done{Done: true}, policy.SaveTeam(ctx, c.Tx, t, false)
		}}
}

// founding makes a team, so that it has no object before.
func founding() *gate.Op[approval.Nothing, approval.Done] {
	return &gate.Op[approval.Nothing, approval.Done]{Name: "team.found", Title: "Found team", Area: "Test", Screen: "Teams", Method: "POST", Path: "/teams",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "manager", Pairing: gate.AlwaysPair,
		Do: func(ctx context.Context, c *gate.Call, _ *approval.Nothing) (*approval.Done, error) {
			t := &policy.Team{ID: id.New[id.Team](c.At), Name: "Founded"}
			c.Object("team/" + string(t.ID))
			c.Change("name", "", t.Name)
			return &approval.Done{Done: true}, policy.SaveTeam(ctx, c.Tx, t, true)
		}}
}

func each(t *testing.T, fn func(t *testing.T, o *office)) {
	var o *office
	gatetest.Each(t, func() gatetest.Config {
		o = &office{rename: renaming(), found: founding()}
		o.Desk = approval.New(approval.Config{Gate: func() *gate.Gate { return o.Gate }})
		return gatetest.Config{Operations: append(o.Operations(), o.rename, o.found)}
	}, func(t *testing.T, h *gatetest.House) {
		o.House = h
		o.write(t, func(ctx context.Context, tx *db.Tx) error {
			o.team = id.New[id.Team](tx.At)
			return policy.SaveTeam(ctx, tx, &policy.Team{ID: o.team, Name: "Collections"}, true)
		})
		fn(t, o)
	})
}

func (o *office) write(t *testing.T, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := o.Write(fn); err != nil {
		t.Fatal(err)
	}
}

// paired switches four eyes on for renaming.
func (o *office) paired(t *testing.T) {
	t.Helper()
	if _, err := gatetest.Do(o.House, o.Demand, o.Screen(policy.Admin), approval.PairIn{Operations: []string{"team.rename"}}); err != nil {
		t.Fatal(err)
	}
}

// proposes has somebody ask for a new name and gives the proposal.
func (o *office) proposes(t *testing.T, r *gate.Request, name string) id.Proposal {
	t.Helper()
	_, err := gatetest.Do(o.House, o.rename, r, renameIn{ID: o.team, Name: name})
	f := fault.As(err)
	if f == nil || f.Kind != fault.Proposed || f.Proposal == "" || f.DecisionID == "" {
		t.Fatalf("not proposed but %v", err)
	}
	return id.Proposal(f.Proposal)
}

// waiting is the number that stands at the top of a page.
func (o *office) waiting(t *testing.T, role string) (n int) {
	t.Helper()
	err := o.Gate.Page(context.Background(), o.Screen(role), func(ctx context.Context, p *gate.Page) (err error) {
		n, err = o.Waiting(ctx, p.Call())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (o *office) name(t *testing.T) (name string) {
	t.Helper()
	o.write(t, func(ctx context.Context, tx *db.Tx) error {
		team, err := policy.TeamByID(ctx, tx, o.team)
		name = team.Name
		return err
	})
	return name
}

// refused holds an error to its reason.
func refused(t *testing.T, story string, err error, reason string) {
	t.Helper()
	if f := fault.As(err); f == nil || f.Reason != reason {
		t.Errorf("%s: %v, want %s", story, err, reason)
	}
}

func TestASecondPersonApproves(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		if _, err := gatetest.Do(o.House, o.rename, o.Screen(policy.Manager), renameIn{ID: o.team, Name: "Recovery"}); err != nil {
			t.Fatalf("nobody asks for a second person yet: %v", err)
		}
		o.paired(t)
		p := o.proposes(t, o.Screen(policy.Manager), "Workout")
		if o.name(t) != "Recovery" {
			t.Fatal("a proposal has changed something")
		}
		e := o.Trail(t, audit.Filter{Operation: "team.rename", Limit: 1})[0]
		if e.Outcome != operation.Denied || e.Layer != "four_eyes" || e.Detail["proposal"] != string(p) || len(e.Changes) > 0 {
			t.Errorf("the entry of the proposal: %+v", e)
		}
		list, err := gatetest.Do(o.House, o.List, o.Screen(policy.Admin), approval.ListIn{})
		if err != nil || list.Total != 1 || list.Waiting != 1 || list.Items[0].Mine || !list.Items[0].MayDecide || list.Items[0].ProposerName == "" ||
			len(list.Items[0].Changes) != 1 || list.Items[0].Changes[0] != (approval.Change{Field: "name", Before: "Recovery", After: "Workout"}) {
			t.Fatalf("the administrator's inbox: %+v, %v", list, err)
		}
		for role, want := range map[string]int{policy.Admin: 1, policy.Manager: 0, policy.Agent: 0} {
			if n := o.waiting(t, role); n != want {
				t.Errorf("%d wait for the %s at the top of a page, want %d", n, role, want)
			}
		}
		_, err = gatetest.Do(o.House, o.Approve, o.Screen(policy.Manager), approval.DecideIn{ID: p})
		refused(t, "the proposer approves", err, "own_proposal")
		if _, err := gatetest.Do(o.House, o.Approve, o.Screen(policy.Admin), approval.DecideIn{ID: p, Reason: "as agreed"}); err != nil {
			t.Fatal(err)
		}
		if o.name(t) != "Workout" {
			t.Error("an approved proposal has changed nothing")
		}
		if n := o.waiting(t, policy.Admin); n != 0 {
			t.Errorf("%d wait after the decision", n)
		}
		e = o.Trail(t, audit.Filter{Operation: "team.rename", Limit: 1})[0]
		if e.Outcome != operation.Allowed || e.For != "user/"+string(o.People[policy.Manager].ID) || e.Actor != "user/"+string(o.People[policy.Admin].ID) || len(e.Changes) != 1 {
			t.Errorf("the entry of the operation: %+v", e)
		}
		if e := o.Trail(t, audit.Filter{Operation: "proposal.approve", Outcome: "allowed", Limit: 1}); len(e) != 1 || e[0].Given != "as agreed" {
			t.Errorf("the entry of the approval: %+v", e)
		}
		_, err = gatetest.Do(o.House, o.Approve, o.Screen(policy.Admin), approval.DecideIn{ID: p})
		refused(t, "approved again", err, "proposal_closed")
	})
}

// Administrators are no exception, and neither is the API, the house itself or
// an input that is wrong.
func TestThereIsNoWayAroundTheSecondPerson(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.paired(t)
		mine := o.proposes(t, o.Key(policy.Admin), "Workout")
		_, err := gatetest.Do(o.House, o.Approve, o.Key(policy.Admin), approval.DecideIn{ID: mine})
		refused(t, "an administrator approves their own", err, "own_proposal")
		_, err = gatetest.Do(o.House, o.rename, o.System(), renameIn{ID: o.team, Name: "Workout"})
		refused(t, "the house itself", err, "four_eyes_needed")
		_, err = gatetest.Do(o.House, o.rename, o.Screen(policy.Manager), renameIn{ID: o.team})
		refused(t, "a proposal that could not be done", err, "invalid")
		_, err = gatetest.Do(o.House, o.rename, o.Screen(policy.Agent), renameIn{ID: o.team, Name: "Workout"})
		refused(t, "somebody who does not hold the operation", err, "role_lacks_operation")
		for _, op := range []*gate.Op[approval.DecideIn, approval.Decided]{o.Approve, o.Reject, o.Withdraw} {
			_, err := gatetest.Do(o.House, op, o.Screen(policy.Agent), approval.DecideIn{ID: mine, Reason: "no"})
			refused(t, "an agent decides by "+op.Name, err, "not_found")
		}
		if _, err := gatetest.Do(o.House, o.View, o.Screen(policy.Agent), approval.Ref{ID: mine}); !fault.Is(err, fault.NotFound) {
			t.Errorf("an agent looks: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.Approve, o.Screen(policy.Manager), approval.DecideIn{ID: mine}); err != nil || o.name(t) != "Workout" {
			t.Errorf("the manager approves the administrator's: %v", err)
		}
		_, err = gatetest.Do(o.House, o.Waive, o.Screen(policy.Admin), approval.PairIn{Operations: []string{"team.rename"}})
		refused(t, "ceasing to ask, alone", err, "four_eyes_needed")
		waiver := id.Proposal(fault.As(err).Proposal)
		_, err = gatetest.Do(o.House, o.Approve, o.Screen(policy.Manager), approval.DecideIn{ID: waiver})
		refused(t, "ceasing to ask, by one who may not", err, "not_found")
		_, err = gatetest.Do(o.House, o.Demand, o.Screen(policy.Admin), approval.PairIn{Operations: []string{"proposal.view"}})
		refused(t, "an operation that cannot wait", err, "invalid")
	})
}

// Whoever makes a key for somebody can call as them, so that two names are not yet
// two people: not where the key approves, not where it proposes, and not where a key
// has made the key.
func TestAKeyOfAnothersMakingIsNoSecondPerson(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.paired(t)
		admin, manager := o.People[policy.Admin], o.People[policy.Manager]
		made := func(key id.APIKey, by string) {
			o.write(t, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE api_key SET created_by = ? WHERE id = ?`, by, key)
				return err
			})
		}
		for _, story := range []struct {
			name, by           string
			proposes, approves *gate.Request
		}{
			{"it approves", "user/" + string(admin.ID), o.Screen(policy.Admin), o.Key(policy.Manager)},
			{"it proposes", "user/" + string(admin.ID), o.Key(policy.Manager), o.Screen(policy.Admin)},
			{"a key has made it", identity.MadeByKey + string(admin.KeyID), o.Screen(policy.Admin), o.Key(policy.Manager)},
		} {
			made(manager.KeyID, story.by)
			p := o.proposes(t, story.proposes, "Workout")
			_, err := gatetest.Do(o.House, o.Approve, story.approves, approval.DecideIn{ID: p})
			refused(t, story.name, err, "own_proposal")
		}
		made(manager.KeyID, "user/"+string(manager.ID))
		p := o.proposes(t, o.Screen(policy.Admin), "Workout")
		if _, err := gatetest.Do(o.House, o.Approve, o.Key(policy.Manager), approval.DecideIn{ID: p}); err != nil || o.name(t) != "Workout" {
			t.Errorf("a key of one's own making: %v", err)
		}
	})
}

func TestARejectionIsAnEvent(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.paired(t)
		p := o.proposes(t, o.Screen(policy.Manager), "Workout")
		_, err := gatetest.Do(o.House, o.Reject, o.Screen(policy.Manager), approval.DecideIn{ID: p, Reason: "no"})
		refused(t, "the proposer rejects", err, "own_proposal")
		_, err = gatetest.Do(o.House, o.Reject, o.Screen(policy.Admin), approval.DecideIn{ID: p})
		refused(t, "without a reason", err, "invalid")
		if _, err := gatetest.Do(o.House, o.Reject, o.Screen(policy.Admin), approval.DecideIn{ID: p, Reason: "not now"}); err != nil {
			t.Fatal(err)
		}
		all, err := gatetest.Do(o.House, o.List, o.Screen(policy.Manager), approval.ListIn{State: "all"})
		if err != nil || all.Total != 1 || all.Items[0].State != policy.ProposalRejected || all.Items[0].Remark != "not now" || all.Items[0].DeciderName == "" {
			t.Errorf("what is kept of it: %+v, %v", all, err)
		}
		again := o.proposes(t, o.Screen(policy.Manager), "Workout")
		_, err = gatetest.Do(o.House, o.Withdraw, o.Screen(policy.Admin), approval.DecideIn{ID: again})
		refused(t, "somebody else withdraws", err, "not_found")
		if _, err := gatetest.Do(o.House, o.Withdraw, o.Screen(policy.Manager), approval.DecideIn{ID: again}); err != nil {
			t.Error(err)
		}
		_, err = gatetest.Do(o.House, o.Approve, o.Screen(policy.Admin), approval.DecideIn{ID: again})
		refused(t, "what was withdrawn", err, "proposal_closed")
	})
}

// The gate is asked again about both persons, on the same version of the object.
func TestAnApprovalFindsTheWorldAsItWas(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.paired(t)
		p := o.proposes(t, o.Screen(policy.Manager), "Workout")
		o.write(t, func(ctx context.Context, tx *db.Tx) error {
			return policy.SaveTeam(ctx, tx, &policy.Team{ID: o.team, Name: "Somebody renamed it"}, false)
		})
		_, err := gatetest.Do(o.House, o.Approve, o.Screen(policy.Admin), approval.DecideIn{ID: p})
		refused(t, "the object has changed", err, "object_moved")
		if v, err := gatetest.Do(o.House, o.View, o.Screen(policy.Admin), approval.Ref{ID: p}); err != nil || v.State != policy.ProposalOpen || o.name(t) != "Somebody renamed it" {
			t.Errorf("what is left: %+v, %v", v, err)
		}
		p = o.proposes(t, o.Screen(policy.Manager), "Workout")
		o.write(t, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE staff SET role_id = ? WHERE id = ?`, o.Roles[policy.Agent], o.People[policy.Manager].ID)
			if err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		})
		_, err = gatetest.Do(o.House, o.Approve, o.Screen(policy.Admin), approval.DecideIn{ID: p})
		refused(t, "the proposer has another role by now", err, "proposer_may_not")
		p = o.proposes(t, o.Key(policy.Admin), "Workout")
		o.Advance(8 * 24 * time.Hour)
		if v, err := gatetest.Do(o.House, o.View, o.Key(policy.Admin), approval.Ref{ID: p}); err != nil || v.State != policy.ProposalExpired {
			t.Errorf("after eight days: %+v, %v", v, err)
		}
	})
}

// A grant is listed while it lives, ends at once, and never lends what governs
// access itself.
func TestLentRightsEnd(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		g := policy.Grant{ID: id.New[id.Grant](o.Now().UnixMicro()), User: o.People[policy.Agent].ID, Object: "team/" + string(o.team), Operations: []string{"team.rename"}, Source: "test"}
		lend := func(g policy.Grant) error {
			return o.Write(func(ctx context.Context, tx *db.Tx) error {
				if err := tx.One(ctx, `SELECT id FROM session WHERE user_id = ?`, []any{g.User}, &g.Session); err != nil {
					return err
				}
				var version int64
				if err := tx.One(ctx, `SELECT version FROM policy_version`, nil, &version); err != nil {
					return err
				}
				p, err := o.Tenant.Policies.At(ctx, tx, version, true)
				if err != nil {
					return err
				}
				g.Until = tx.At + int64(time.Hour/time.Microsecond)
				if err := p.Lend(ctx, tx, g); err != nil {
					return err
				}
				return policy.Bump(ctx, tx)
			})
		}
		rename := func(name string) error {
			_, err := gatetest.Do(o.House, o.rename, o.Screen(policy.Agent), renameIn{ID: o.team, Name: name})
			return err
		}
		refused(t, "before the grant", rename("A"), "role_lacks_operation")
		if err := lend(g); err != nil {
			t.Fatal(err)
		}
		if err := rename("A"); err != nil {
			t.Errorf("under the grant: %v", err)
		}
		never := g
		never.ID, never.Operations = id.New[id.Grant](o.Now().UnixMicro()+1000), []string{"four_eyes.demand"}
		refused(t, "an operation of four eyes", lend(never), "invalid")
		list, err := gatetest.Do(o.House, o.Grants, o.Screen(policy.Admin), approval.Nothing{})
		if err != nil || list.Total != 1 || list.Items[0].UserName == "" {
			t.Fatalf("%+v, %v", list, err)
		}
		onLoan := g
		onLoan.ID, onLoan.Object, onLoan.Operations = id.New[id.Grant](o.Now().UnixMicro()+2000), "loan/x", []string{"team.rename"}
		if err := lend(onLoan); err != nil {
			t.Fatal(err)
		}
		objects := func() (out []string) {
			list, err := gatetest.Do(o.House, o.Grants, o.Key(policy.Admin), approval.Nothing{})
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range list.Items {
				out = append(out, g.Object)
			}
			slices.Sort(out)
			return out
		}
		if got := objects(); !slices.Equal(got, []string{"loan/x", g.Object}) {
			t.Errorf("who sees everything is told of %q", got)
		}
		o.Restrict(t, policy.Admin, policy.Restriction{Name: "None of them", Visible: "false"})
		if got := objects(); !slices.Equal(got, []string{"", g.Object}) {
			t.Errorf("who does not see the loan is told of %q", got)
		}
		if _, err := gatetest.Do(o.House, o.EndGrant, o.Screen(policy.Admin), approval.GrantRef{ID: g.ID}); err != nil {
			t.Fatal(err)
		}
		refused(t, "after its end", rename("B"), "role_lacks_operation")
	})
}
