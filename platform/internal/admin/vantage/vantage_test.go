package vantage_test

import (
	"context"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// room is the desk beside the desks of roles and restrictions, whose reads and
// writes an administrator holds and an agent does not.
type room struct {
	*gatetest.House
	*vantage.Desk
	roles  *roles.Desk
	limits *restrictions.Desk
}

func each(t *testing.T, fn func(t *testing.T, o *room)) {
	t.Helper()
	var o *room
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		o = &room{Desk: vantage.New(vantage.Config{Catalogue: catalogue}), roles: roles.New(roles.Config{Catalogue: catalogue}), limits: restrictions.New(restrictions.Config{})}
		list = append(append(append(list, o.Operations()...), o.roles.Operations()...), o.limits.Operations()...)
		return gatetest.Config{Operations: list, Vocabulary: book.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) { o.House = h; fn(t, o) })
}

func (o *room) begin(t *testing.T, in vantage.BeginIn) *vantage.View {
	t.Helper()
	out, err := gatetest.Do(o.House, o.Begin, o.Screen(policy.Admin), in)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (o *room) lists() error {
	_, err := gatetest.Do(o.House, o.limits.List, o.Screen(policy.Admin), restrictions.Nothing{})
	return err
}

func reason(err error) string {
	if err == nil {
		return "done"
	}
	return fault.As(err).Reason
}

func TestAViewShowsWhatTheOtherSeesAndChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *room) {
		agent := o.People[policy.Agent].ID
		o.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
		if v := o.begin(t, vantage.BeginIn{User: agent}); v.As != "user/"+string(agent) || v.Role != "Agent" {
			t.Fatalf("%+v", v)
		}
		if err := o.lists(); reason(err) != "role_lacks_operation" {
			t.Errorf("an agent lists no restrictions: %v", err)
		}
		me, err := gatetest.Do(o.House, o.Mine, o.Screen(policy.Admin), vantage.Nothing{})
		if err != nil || len(me.Restrictions) != 1 || me.Restrictions[0].Sentence == "" {
			t.Errorf("through the agent's eyes: %+v, %v", me, err)
		}
		if _, err := gatetest.Do(o.House, o.Begin, o.Screen(policy.Admin), vantage.BeginIn{Role: o.Roles[policy.Manager]}); reason(err) != "view_only" {
			t.Errorf("a view within a view: %v", err)
		}
		e := o.Trail(t, audit.Filter{Operation: "search_restriction.list", Limit: 1})[0]
		if e.For != "user/"+string(agent) || e.Outcome != operation.Denied {
			t.Errorf("the entry tells not through whose eyes: %+v", e)
		}
		if _, err := gatetest.Do(o.House, o.limits.List, o.Key(policy.Admin), restrictions.Nothing{}); err != nil {
			t.Errorf("the view binds the session alone: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.End, o.Screen(policy.Admin), vantage.Nothing{}); err != nil {
			t.Fatal(err)
		}
		if err := o.lists(); err != nil {
			t.Errorf("with one's own eyes again: %v", err)
		}
	})
}

func TestARoleIsLookedThroughBeforeAndAfterItIsSaved(t *testing.T) {
	each(t, func(t *testing.T, o *room) {
		o.begin(t, vantage.BeginIn{Draft: `{"name":"Limiter","ui":["search_restriction.list","search_restriction.create"],"api":[],"visibility":{"ssn":"last4","bank_account":"hidden","date_of_birth":"hidden"}}`})
		if err := o.lists(); err != nil {
			t.Errorf("the draft permits it: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.limits.Create, o.Screen(policy.Admin), restrictions.RestrictionIn{Name: "X", Visible: "true"}); reason(err) != "view_only" {
			t.Errorf("a write: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.roles.List, o.Screen(policy.Admin), admin.Nothing{}); reason(err) != "role_lacks_operation" {
			t.Errorf("the draft does not permit it: %v", err)
		}
		end := func() {
			if _, err := gatetest.Do(o.House, o.End, o.Screen(policy.Admin), vantage.Nothing{}); err != nil {
				t.Fatal(err)
			}
		}
		end()
		if v := o.begin(t, vantage.BeginIn{Role: o.Roles[policy.Manager]}); v.Name != "Loan Servicing Manager" {
			t.Errorf("%+v", v)
		}
		end()
		for name, in := range map[string]vantage.BeginIn{"nothing": {}, "two": {Role: o.Roles[policy.Agent], Draft: "{}"}, "oneself": {User: o.People[policy.Admin].ID}, "no JSON": {Draft: "x"},
			"an unknown name": {Draft: `{"name":"X","ui":["search_restriction.lst"],"api":[]}`}} {
			if _, err := gatetest.Do(o.House, o.Begin, o.Screen(policy.Admin), in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := gatetest.Do(o.House, o.Begin, o.Screen(policy.Admin), vantage.BeginIn{User: id.New[id.User](1)}); !fault.Is(err, fault.NotFound) {
			t.Errorf("nobody: %v", err)
		}
		if _, err := gatetest.Do(o.House, o.Begin, o.Screen(policy.Agent), vantage.BeginIn{Role: o.Roles[policy.Investor]}); !fault.Is(err, fault.Denied) {
			t.Errorf("an agent views as: %v", err)
		}
	})
}

func TestMyAccessTellsEverythingThatBindsMe(t *testing.T) {
	each(t, func(t *testing.T, o *room) {
		agent := o.People[policy.Agent]
		o.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`, Limits: []policy.Limit{{Area: "payments", When: `loan.status == "bankruptcy"`, Level: "view", Message: "Ask."}}})
		if err := o.Write(func(ctx context.Context, tx *db.Tx) error {
			r := &policy.IPRule{ID: id.New[id.IPRule](tx.At), Name: "Denver office", Entries: []string{"198.51.100.0/24"}, Active: true, Holders: []policy.Holder{{Kind: "role", ID: string(o.Roles[policy.Agent])}}}
			if err := policy.SaveIPRule(ctx, tx, r, true); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE staff SET role_until = ?, role_after = ? WHERE id = ?`, tx.At+1_000_000_000_000, o.Roles[policy.Investor], agent.ID); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		me, err := gatetest.Do(o.House, o.Mine, o.Screen(policy.Agent), vantage.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		if me.Role.Name != "Agent" || me.Role.Until == "" || me.Role.After != "Investor" || me.Sessions != 1 || len(me.Keys) != 1 || me.Factors.ExceptUntil == "" || !me.Factors.Needed {
			t.Errorf("%+v", me)
		}
		if len(me.Restrictions) != 1 || !strings.Contains(me.Restrictions[0].Sentence, "NY") || len(me.Limits) != 1 || me.Limits[0].Message != "Ask." || !strings.Contains(strings.ToLower(me.Limits[0].Sentence), "bankruptcy") {
			t.Errorf("%+v %+v", me.Restrictions, me.Limits)
		}
		if len(me.AddressRules) != 1 || !me.AddressRules[0].Passes || me.AddressRules[0].Through != "role" {
			t.Errorf("%+v", me.AddressRules)
		}
		boss, err := gatetest.Do(o.House, o.Mine, o.Screen(policy.Admin), vantage.Nothing{})
		if err != nil || len(boss.Areas) != 1 || boss.Areas[0].Area != "Access" || len(boss.Areas[0].Operations) < 10 || len(boss.Restrictions) != 0 {
			t.Errorf("%+v, %v", boss, err)
		}
	})
}
