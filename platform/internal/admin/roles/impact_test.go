package roles_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

const day = 24 * 60 * 60 * 1_000_000

func TestImpactTellsTheCallsThatWouldBeDenied(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		for range 12 {
			if err := s.call(h, "loan.payment.log", h.Screen(policy.Agent)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.call(h, "loan.write_off", h.Key(policy.Agent)); reason(err) != "role_lacks_operation" {
			t.Fatal(err)
		}
		err := h.Gate.Page(context.Background(), h.Screen(policy.Agent), func(ctx context.Context, p *gate.Page) error {
			for _, name := range []string{"loan.list", "loan.view"} {
				if _, err := gate.Look(ctx, p, s.day[name], &admin.Nothing{}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := gatetest.Do(h, s.Impact, h.Key(policy.Admin), roles.ImpactIn{ID: h.Roles[policy.Agent], UI: []string{"loan.list"}, API: []string{"loan.list", "loan.view", "loan.payment.log", "loan.write_off"}})
		if err != nil {
			t.Fatal(err)
		}
		if out.Replay.Denied != 13 || out.Replay.Allowed != 1 || out.Replay.Decisions != 15 || out.PeopleLose != 1 || out.PeopleGain != 1 {
			t.Errorf("%+v", out)
		}
		if !slices.Equal(out.UI.Loses, []string{"loan.payment.log", "loan.view"}) || !slices.Equal(out.API.Gains, []string{"loan.write_off"}) {
			t.Errorf("%+v, %+v", out.UI, out.API)
		}
		first := out.Replay.Lines[0]
		if first.Operation != "loan.payment.log" || first.Calls != 12 || first.Channel != "ui" || first.Name != "Agent Person" || first.Verdict != "denied" || first.Already || first.Entry == "" {
			t.Errorf("%+v", first)
		}
		if e := out.People[0]; e.Denied != 13 || e.Allowed != 1 || e.ScreensLose != 2 || e.APIGain != 1 {
			t.Errorf("%+v", e)
		}
	})
}

// The impact names what the newest call was about to whoever may see that, and counts
// the call for everybody.
func TestImpactNamesNoLoanThatTheAskerDoesNotSee(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			return h.Tenant.Trail.Record(ctx, tx, &audit.Entry{At: h.Now().UnixMicro(), Actor: "user/" + string(h.People[policy.Agent].ID), ActorName: "Agent Person", Channel: operation.UI, Credential: "se_x",
				Operation: "loan.view", Outcome: operation.Allowed, Object: "loan/x"})
		}); err != nil {
			t.Fatal(err)
		}
		told := func() string {
			out, err := gatetest.Do(h, s.Impact, h.Key(policy.Admin), roles.ImpactIn{ID: h.Roles[policy.Agent], UI: []string{}, API: []string{}})
			if err != nil || out.Replay.Denied != 1 || len(out.Replay.Lines) != 1 {
				t.Fatalf("%+v, %v", out, err)
			}
			return out.Replay.Lines[0].Object
		}
		if object := told(); object != "loan/x" {
			t.Errorf("who sees everything is told of %q", object)
		}
		h.Restrict(t, policy.Admin, policy.Restriction{Name: "None of them", Visible: "false"})
		if object := told(); object != "" {
			t.Errorf("who does not see the loan is told of %q", object)
		}
	})
}

// redecided decides every stored call again, one by one, by package access: as it
// was made, under the role as it would be.
func redecided(t *testing.T, h *gatetest.House, rid id.Role, as roles.ImpactIn) (denied, allowed map[string]int64) {
	t.Helper()
	denied, allowed = map[string]int64{}, map[string]int64{}
	err := h.Tenant.DB.Read(context.Background(), h.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) error {
		var version int64
		if err := tx.One(ctx, `SELECT version FROM policy_version`, nil, &version); err != nil {
			return err
		}
		p, err := h.Tenant.Policies.At(ctx, tx, version, true)
		if err != nil {
			return err
		}
		draft := *p.Role(rid)
		draft.Customized, draft.UI, draft.API = true, as.UI, as.API
		proposed, err := p.With(policy.Proposed{Roles: []*policy.Role{&draft}})
		if err != nil {
			return err
		}
		for cursor := (audit.Filter{Limit: 500}); ; {
			page, err := h.Tenant.Trail.List(ctx, tx, cursor)
			if err != nil {
				return err
			}
			for _, e := range page.Entries {
				cursor.BeforeAt, cursor.BeforeID = e.At, e.ID
				if err := decideAgain(ctx, tx, h, proposed, rid, &e, denied, allowed); err != nil {
					return err
				}
			}
			if !page.More {
				return nil
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return denied, allowed
}

func decideAgain(ctx context.Context, tx *db.Tx, h *gatetest.House, p *policy.Compiled, rid id.Role, e *audit.Entry, denied, allowed map[string]int64) error {
	var person gatetest.Person
	for _, who := range h.People {
		if e.Actor == "user/"+string(who.ID) {
			person = who
		}
	}
	if person.ID == "" || e.At < (h.Now().UnixMicro()/day-30)*day {
		return nil
	}
	key := id.APIKey("")
	if e.Channel == operation.API {
		key = id.APIKey(e.Credential)
	}
	s, err := p.Subject(ctx, tx, person.ID, key)
	if err != nil || s.Role.ID != rid {
		return err
	}
	was := e.Outcome != operation.Denied
	if e.For != "" {
		return nil // through other eyes it was another role that was asked
	}
	if !was && e.Layer != access.Permission.String() || was && e.Grant != "" {
		return nil // another layer refused, or a grant permitted: no role was asked
	}
	plain := s.Subject // address, password and factors were as they were
	plain.UserIP, plain.RoleIP, plain.KeyIP, plain.FactorNeeded, plain.PasswordEnds, plain.KeyExpired, plain.Active = nil, nil, nil, false, 0, false, true
	if was {
		plain.KeyScope = nil // so was the scope of the key; a refused call never came to it
	}
	for _, name := range append(slices.Clone(e.Operations), e.Operation)[:max(1, len(e.Operations))] {
		entry := h.Gate.ByName(name)
		if entry == nil || entry.Meta().Permit != gate.ByRole {
			continue
		}
		d := access.Decide(&access.Policy{TenantActive: true}, &plain, &access.Query{Op: entry.Meta().Number, Channel: e.Channel, At: e.At, ProvedAt: e.At})
		switch k := fmt.Sprint(name, " ", e.Channel, " ", person.ID); {
		case was && !d.Allowed:
			denied[k]++
		case !was && d.Allowed:
			allowed[k]++
		}
	}
	return nil
}

// scatter records calls of every shape over forty days.
func scatter(t *testing.T, h *gatetest.House, s shop, r *rand.Rand, n int) {
	t.Helper()
	names := slices.Sorted(maps.Keys(s.day))
	people := []string{policy.Agent, policy.Investor, policy.Manager, policy.Intake}
	pick := func(list []string) string { return list[r.IntN(len(list))] }
	now := h.Now().UnixMicro()
	err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		for range n {
			who := h.People[pick(people)]
			e := &audit.Entry{At: now - r.Int64N(40*day), Actor: "user/" + string(who.ID), ActorName: "Somebody", Channel: operation.UI, Credential: "se_x",
				Operation: pick(names), Outcome: operation.Allowed, UserAgent: `quoted "operations":["loan.view"] and "outcome":"denied","layer":"role"`, Object: "loan/x"}
			switch r.IntN(9) {
			case 0, 1:
				e.Channel, e.Credential = operation.API, string(who.KeyID)
			case 2:
				e.Operations = []string{e.Operation, pick(names), pick(names)}
			case 3:
				e.Outcome, e.Layer, e.Reason = operation.Denied, "role", "role_lacks_operation"
			case 4:
				e.Outcome, e.Layer, e.Reason, e.Channel, e.Credential = operation.Denied, "role", "role_lacks_operation", operation.API, string(who.KeyID)
			case 5:
				e.Outcome, e.Layer, e.Reason = operation.Denied, "address", "address_denied"
			case 6:
				e.Grant = "gr_1"
			case 7:
				e.Outcome, e.Operation = operation.Failed, "an.operation.that.is.gone"
			case 8:
				if e.For = "user/us_other"; r.IntN(2) == 0 {
					e.For, e.Outcome, e.Layer, e.Reason = "role/ro_other", operation.Denied, "role", "role_lacks_operation"
				}
			}
			if err := h.Tenant.Trail.Record(ctx, tx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestTheReplayEqualsDecidingEveryCallAgain(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		r := rand.New(rand.NewPCG(3, 22))
		agent := h.Roles[policy.Agent]
		hire(t, h, policy.Investor, agent)
		exec(t, h, `UPDATE api_key SET scope = '["loan.view","loan.write_off"]' WHERE id = ?`, h.People[policy.Agent].KeyID)
		scatter(t, h, s, r, 600)
		if _, err := h.Tenant.Trail.Sequence(context.Background()); err != nil {
			t.Fatal(err)
		}
		scatter(t, h, s, r, 300) // not yet sequenced
		for range 10 {
			in := roles.ImpactIn{ID: agent, UI: []string{}, API: []string{}}
			for name, o := range s.day {
				if o.Permit == gate.ByRole && o.Screen != "" && r.IntN(2) == 0 {
					in.UI = append(in.UI, name)
				}
				if o.Permit == gate.ByRole && o.Path != "" && r.IntN(2) == 0 {
					in.API = append(in.API, name)
				}
			}
			out, err := gatetest.Do(h, s.Impact, h.Key(policy.Admin), in)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string]map[string]int64{"denied": {}, "allowed": {}}
			for _, l := range out.Replay.Lines {
				got[l.Verdict][fmt.Sprint(l.Operation, " ", l.Channel, " ", l.User)] += l.Calls
			}
			denied, allowed := redecided(t, h, agent, in)
			if !maps.Equal(got["denied"], denied) || !maps.Equal(got["allowed"], allowed) {
				t.Fatalf("under %v and %v:\n denied %v\n   want %v\nallowed %v\n   want %v", in.UI, in.API, got["denied"], denied, got["allowed"], allowed)
			}
			if out.Replay.Denied != sum(denied) || out.Replay.Allowed != sum(allowed) || sum(denied) == 0 || sum(allowed) == 0 {
				t.Fatalf("%d and %d of %d", out.Replay.Denied, out.Replay.Allowed, out.Replay.Decisions)
			}
		}
	})
}

func sum(m map[string]int64) (n int64) {
	for _, v := range m {
		n += v
	}
	return n
}
