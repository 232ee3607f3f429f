package addresses_test

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// desks are address rules, with what their holders need.
type desks struct {
	*addresses.Desk
	keys   *apikeys.Desk
	people *people.Desk
}

// each tells a story on both engines. Everybody calls from 198.51.100.7.
func each(t *testing.T, story func(t *testing.T, h *gatetest.House, d desks)) {
	t.Helper()
	var d desks
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		d = desks{addresses.New(), apikeys.New(apikeys.Config{Catalogue: catalogue}), people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}})}
		list = slices.Concat(d.Operations(), d.keys.Operations(), d.people.Operations())
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) { story(t, h, d) })
}

const (
	here      = "198.51.100.0/24" // holds everybody's address
	elsewhere = "203.0.113.0/24"
)

func holder(kind, hid string) policy.Holder { return policy.Holder{Kind: kind, ID: hid} }

func rule(name, mode string, entries []string, holders ...policy.Holder) addresses.CreateIn {
	return addresses.CreateIn{Content: addresses.Content{Name: name, Mode: mode, Entries: entries, Active: true, Holders: holders}}
}

func create(t *testing.T, h *gatetest.House, d desks, in addresses.CreateIn) *addresses.Rule {
	t.Helper()
	r, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), in)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// calls asks for the caller's own address: any call would do.
func calls(h *gatetest.House, d desks, r *gate.Request) error {
	_, err := gatetest.Do(h, d.Mine, r, admin.Nothing{})
	return err
}

func reason(err error) string {
	if err == nil {
		return ""
	}
	return fault.As(err).Reason
}

func TestARuleIsMadeSeenChangedAndDeletedOnceItBindsNobody(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		agent := holder("user", string(h.People[policy.Agent].ID))
		r := create(t, h, d, rule(" Denver office ", "allow", []string{elsewhere, "203.0.113.0/24", "2001:DB8::/64"}, agent, agent))
		if r.Name != "Denver office" || !slices.Equal(r.Entries, []string{elsewhere, "2001:db8::/64"}) || r.Covers != (addresses.Covers{IPv4: "256", IPv6: "18446744073709551616"}) ||
			len(r.Holders) != 1 || r.Holders[0].Name != "Agent Person" || r.WayBack != nil {
			t.Fatalf("%+v", r)
		}
		other := create(t, h, d, rule("Whole network", "deny", []string{"203.0.112.0/22"}))
		if len(other.Overlaps) != 1 || other.Overlaps[0].Name != "Denver office" || other.Overlaps[0].Mode != "allow" {
			t.Errorf("overlaps %+v", other.Overlaps)
		}
		if _, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), rule("Denver office", "allow", []string{here})); !fault.Is(err, fault.Conflict) {
			t.Errorf("a name twice: %v", err)
		}
		_, err := gatetest.Do(h, d.Delete, h.Screen(policy.Admin), addresses.Ref{ID: r.ID})
		if reason(err) != "in_use" || !strings.Contains(fault.As(err).Message, "Agent Person") {
			t.Fatalf("deleting what binds somebody: %v", err)
		}
		free := addresses.UpdateIn{ID: r.ID, CreateIn: rule("Denver office", "allow", []string{elsewhere})}
		if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), free); err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.Delete, h.Screen(policy.Admin), addresses.Ref{ID: r.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.View, h.Screen(policy.Admin), addresses.Ref{ID: r.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("it is still there: %v", err)
		}
		list, err := gatetest.Do(h, d.List, h.Key(policy.Admin), admin.Nothing{})
		if err != nil || list.Total != 1 || list.Items[0].ID != other.ID {
			t.Errorf("%+v, %v", list, err)
		}
		made := h.Trail(t, audit.Filter{Operation: "ip_rule.create", Outcome: "allowed"})
		if len(made) != 2 || !slices.ContainsFunc(made[1].Changes, func(c audit.Change) bool {
			return c.Field == "holders" && c.Before == "" && c.After == "user/"+agent.ID
		}) {
			t.Errorf("the trail says %+v", made)
		}
	})
}

// Every holder's rules count: the user's, a team's, the role's, the key's and
// the tenant's, on the screens and in the API, at the very next call.
func TestEveryHolderIsBoundAtTheNextCall(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		agent := h.People[policy.Manager]
		team := id.New[id.Team](h.Now().UnixMicro())
		mustWrite(t, h, &policy.Team{ID: team, Name: "Denver", Members: []id.User{agent.ID}})
		// The manager may not read address rules: refused by role, unless by address before.
		refused := func(r *gate.Request) bool { return reason(calls(h, d, r)) == "address_not_allowed" }
		for _, c := range []struct {
			holder  policy.Holder
			screens bool
		}{
			{holder("user", string(agent.ID)), true}, {holder("team", string(team)), true}, {holder("role", string(h.Roles[policy.Manager])), true}, {holder("key", string(agent.KeyID)), false},
		} {
			r := create(t, h, d, rule("of "+c.holder.Kind, "allow", []string{elsewhere}, c.holder))
			if refused(h.Screen(policy.Manager)) != c.screens || !refused(h.Key(policy.Manager)) {
				t.Errorf("a rule of a %s does not bind as it should", c.holder.Kind)
			}
			from := h.Key(policy.Manager)
			from.Address.Chosen = netip.MustParseAddr("203.0.113.9")
			if refused(from) {
				t.Errorf("the %s may not call from the allowed address", c.holder.Kind)
			}
			off := addresses.UpdateIn{ID: r.ID, CreateIn: rule("of "+c.holder.Kind, "allow", []string{elsewhere}, c.holder)}
			off.Active = false
			if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), off); err != nil {
				t.Fatal(err)
			}
			if refused(h.Screen(policy.Manager)) || refused(h.Key(policy.Manager)) {
				t.Errorf("a rule of a %s binds although it is off", c.holder.Kind)
			}
		}
	})
}

func TestNotationsAreRefusedAtTheirPlaceWithTheRightOne(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		bad := rule("", "perhaps", []string{"10.0.0.1/8", here, "::ffff:10.0.0.0/104", "0x7f.0.0.1"}, holder("nobody", "x"), holder("user", ""), holder("tenant", "all"))
		_, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), bad)
		got := map[string]string{}
		for _, f := range fault.As(err).Fields {
			got[f.Path] = f.Mend
		}
		for path, part := range map[string]string{"name": "Give it a name", "mode": "Say allow or deny", "entries[0]": "Write 10.0.0.0/8.", "entries[2]": "Write 10.0.0.0/8.", "entries[3]": "Write 127.0.0.1.",
			"holders[0]": "Say tenant", "holders[1]": "Say tenant", "holders[2]": "Say tenant"} {
			if !strings.Contains(got[path], part) {
				t.Errorf("%s: %q", path, got[path])
			}
		}
		if len(got) != 8 {
			t.Errorf("%d fields: %v", len(got), got)
		}
		gone := rule("gone", "allow", []string{here}, holder("user", "us_gone"), holder("key", "ak_gone"), holder("team", "te_gone"), holder("role", "ro_gone"), holder("tenant", ""))
		_, err = gatetest.Do(h, d.Create, h.Screen(policy.Admin), gone)
		if f := fault.As(err); f.Kind != fault.Invalid || len(f.Fields) != 4 || !strings.Contains(f.Fields[1].Mend, "no such API key") {
			t.Errorf("holders that are not there: %v", err)
		}
	})
}

func TestMyAddressIsTheNetworkOfAnIPv6Line(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		for from, want := range map[string]addresses.MineOut{
			"198.51.100.7":         {Address: "198.51.100.7", Entry: "198.51.100.7"},
			"::ffff:198.51.100.7":  {Address: "198.51.100.7", Entry: "198.51.100.7"},
			"2001:db8:1:2:3:4:5:6": {Address: "2001:db8:1:2:3:4:5:6", Entry: "2001:db8:1:2::/64"},
		} {
			r := h.Screen(policy.Admin)
			r.Address.Chosen = netip.MustParseAddr(from)
			if got, err := gatetest.Do(h, d.Mine, r, admin.Nothing{}); err != nil || *got != want {
				t.Errorf("from %s: %+v, %v", from, got, err)
			}
		}
	})
}

func TestAPreviewTellsWhatSavingWouldMean(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		create(t, h, d, rule("Office", "allow", []string{here}, holder("role", string(h.Roles[policy.Admin]))))
		in := addresses.PreviewIn{Content: rule("x", "deny", []string{"198.51.100.0-198.51.100.9"}, holder("tenant", "")).Content}
		out, err := gatetest.Do(h, d.Preview, h.Key(policy.Admin), in)
		if err != nil || !out.LocksYouOut || out.Covers.IPv4 != "10" || len(out.Overlaps) != 1 || out.Holders[0].Name != "Everybody" {
			t.Errorf("%+v, %v", out, err)
		}
		if err := calls(h, d, h.Screen(policy.Admin)); err != nil {
			t.Errorf("a preview binds: %v", err)
		}
		all, err := gatetest.Do(h, d.Holders, h.Screen(policy.Admin), admin.Nothing{})
		kinds := map[string]int{}
		for _, o := range all.Items {
			kinds[o.Kind]++
		}
		if err != nil || kinds["tenant"] != 1 || kinds["role"] != 6 || kinds["user"] != 6 || kinds["key"] != 6 {
			t.Errorf("%v, %v", kinds, err)
		}
	})
}

// An editor shuts themselves out by way of each holder, is asked twice, and
// comes back by the one thing that still opens.
func TestAnEditorLocksThemselvesOutAndComesBack(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		me := h.People[policy.Admin]
		team := id.New[id.Team](h.Now().UnixMicro())
		mustWrite(t, h, &policy.Team{ID: team, Name: "Administrators", Members: []id.User{me.ID}})
		for _, c := range []struct {
			name, mode, entry string
			holder            policy.Holder
			key               bool
		}{
			{"by the tenant", "allow", elsewhere, holder("tenant", ""), false},
			{"by the role", "allow", elsewhere, holder("role", string(h.Roles[policy.Admin])), false},
			{"by a team", "deny", here, holder("team", string(team)), false},
			{"by oneself", "deny", "198.51.100.7", holder("user", string(me.ID)), false},
			{"by the key", "allow", elsewhere, holder("key", string(me.KeyID)), true},
		} {
			call := func() *gate.Request {
				if c.key {
					return h.Key(policy.Admin)
				}
				return h.Screen(policy.Admin)
			}
			in := rule(c.name, c.mode, []string{c.entry}, c.holder)
			if _, err := gatetest.Do(h, d.Create, call(), in); reason(err) != "locks_you_out" || !strings.Contains(fault.As(err).Message, "198.51.100.7") {
				t.Fatalf("%s: %v", c.name, err)
			}
			in.Confirm = "yes"
			if _, err := gatetest.Do(h, d.Create, call(), in); !fault.Is(err, fault.Invalid) {
				t.Fatalf("%s, another word: %v", c.name, err)
			}
			in.Confirm = addresses.LocksYouOut
			r, err := gatetest.Do(h, d.Create, call(), in)
			if err != nil || r.WayBack == nil {
				t.Fatalf("%s: %+v, %v", c.name, r, err)
			}
			if err := calls(h, d, call()); !fault.Is(err, fault.Denied) {
				t.Fatalf("%s: not shut out: %v", c.name, err)
			}
			for _, token := range []string{"", "wrong", r.WayBack.Token + "x"} {
				if _, err := back(h, d, token); reason(err) != "way_back_closed" {
					t.Fatalf("%s: token %q: %v", c.name, token, err)
				}
			}
			if out, err := back(h, d, r.WayBack.Token); err != nil || out.Name != c.name {
				t.Fatalf("%s: the way back: %+v, %v", c.name, out, err)
			}
			if err := calls(h, d, call()); err != nil {
				t.Fatalf("%s: still shut out: %v", c.name, err)
			}
			if _, err := back(h, d, r.WayBack.Token); reason(err) != "way_back_closed" {
				t.Fatalf("%s: the way back twice: %v", c.name, err)
			}
		}
		list, err := gatetest.Do(h, d.List, h.Screen(policy.Admin), admin.Nothing{})
		if err != nil || list.Total != 0 {
			t.Errorf("rules that were not there before stay: %+v, %v", list, err)
		}
		trail := h.Trail(t, audit.Filter{Operation: "ip_rule.way_back", Outcome: "allowed"})
		if len(trail) != 5 || trail[0].Detail["way_back_of"] != "user/"+string(me.ID) || len(trail[0].Changes) != 5 || trail[0].Actor != "anonymous" {
			t.Errorf("the trail says %+v", trail)
		}
		if wrong := h.Trail(t, audit.Filter{Operation: "ip_rule.way_back", Outcome: "failed"}); len(wrong) == 0 || wrong[0].Reason != "way_back_closed" {
			t.Errorf("wrong tokens leave no trace: %+v", wrong)
		}
	})
}

// back asks for the way back as a stranger does, from anywhere.
func back(h *gatetest.House, d desks, token string) (*addresses.WayBackOut, error) {
	r := h.Stranger(operation.UI)
	r.Address.Chosen = netip.MustParseAddr("192.0.2.99")
	return gatetest.Do(h, d.WayBack, r, addresses.WayBackIn{Token: secret.NewText(token)})
}

// What a change does is judged by all rules together: taking one's own address
// out of a set, putting a set into force, giving it to one's role.
func TestEveryKindOfChangeIsAskedTwice(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		role := holder("role", string(h.Roles[policy.Admin]))
		r := create(t, h, d, rule("Office", "allow", []string{here, elsewhere}, role))
		second := create(t, h, d, rule("Second office", "allow", []string{elsewhere}, role)) // one of two is enough
		base := addresses.UpdateIn{ID: r.ID, CreateIn: rule("Office", "allow", []string{here, elsewhere}, role)}
		for name, change := range map[string]func(*addresses.UpdateIn){
			"an entry taken out":   func(in *addresses.UpdateIn) { in.Entries = in.Entries[1:] },
			"allow becomes deny":   func(in *addresses.UpdateIn) { in.Mode = "deny" },
			"taken from one's own": func(in *addresses.UpdateIn) { in.Holders = nil },
			"put out of force":     func(in *addresses.UpdateIn) { in.Active = false },
		} {
			in := base
			in.Entries = slices.Clone(base.Entries)
			change(&in)
			if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), in); reason(err) != "locks_you_out" {
				t.Errorf("%s: %v", name, err)
			}
		}
		base.Name = "Head office"
		if out, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), base); err != nil || out.WayBack != nil {
			t.Errorf("a harmless change: %+v, %v", out, err)
		}
		base.Entries, base.Confirm = []string{elsewhere}, addresses.LocksYouOut
		out, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), base)
		if err != nil || out.WayBack == nil {
			t.Fatal(err)
		}
		if _, err := back(h, d, out.WayBack.Token); err != nil {
			t.Fatal(err)
		}
		now, err := gatetest.Do(h, d.View, h.Screen(policy.Admin), addresses.Ref{ID: r.ID})
		if err != nil || now.Name != "Head office" || !slices.Equal(now.Entries, []string{here, elsewhere}) || len(now.Holders) != 1 || !now.Active {
			t.Errorf("not as it was: %+v, %v", now, err)
		}
		if s, err := gatetest.Do(h, d.View, h.Screen(policy.Admin), addresses.Ref{ID: second.ID}); err != nil || len(s.Holders) != 1 {
			t.Errorf("the other rule has changed: %+v, %v", s, err)
		}
	})
}

// Who has lost the right to change address rules takes nothing back by a token from
// before; with the right again, the token holds within its time.
func TestAWayBackIsOnlyForWhoMayStillChangeRules(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		r := create(t, h, d, rule("Office", "allow", []string{here, elsewhere}, holder("user", string(h.People[policy.Admin].ID))))
		in := addresses.UpdateIn{ID: r.ID, CreateIn: rule("Office", "allow", []string{elsewhere}, holder("user", string(h.People[policy.Admin].ID)))}
		in.Confirm = addresses.LocksYouOut
		shut, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), in)
		if err != nil || shut.WayBack == nil {
			t.Fatalf("%+v, %v", shut, err)
		}
		become := func(role string) {
			if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `UPDATE staff SET role_id = ? WHERE id = ?`, h.Roles[role], h.People[policy.Admin].ID); err != nil {
					return err
				}
				return policy.Bump(ctx, tx)
			}); err != nil {
				t.Fatal(err)
			}
		}
		become(policy.Investor)
		if _, err := back(h, d, shut.WayBack.Token); reason(err) != "way_back_closed" {
			t.Errorf("by an investor: %v", err)
		}
		become(policy.Admin)
		if _, err := back(h, d, shut.WayBack.Token); err != nil {
			t.Errorf("by an administrator again: %v", err)
		}
	})
}

func TestAWayBackEnds(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		shut := func(name string) *addresses.Rule {
			in := rule(name, "deny", []string{here}, holder("user", string(h.People[policy.Admin].ID)))
			in.Confirm = addresses.LocksYouOut
			return create(t, h, d, in)
		}
		// Somebody else changes the rule meanwhile: theirs stands.
		r := shut("changed since")
		theirs := addresses.UpdateIn{ID: r.ID, CreateIn: rule("changed since", "deny", []string{here, elsewhere}, holder("user", string(h.People[policy.Investor].ID)))}
		if _, err := gatetest.Do(h, d.Update, h.System(), theirs); err != nil {
			t.Fatal(err)
		}
		if _, err := back(h, d, r.WayBack.Token); reason(err) != "rule_changed" {
			t.Fatalf("over somebody else's change: %v", err)
		}
		// Ten minutes are over.
		r = shut("late")
		until, err := time.Parse(time.RFC3339, r.WayBack.Until)
		if err != nil || until.Sub(h.Now()) > 10*time.Minute || until.Sub(h.Now()) < 9*time.Minute {
			t.Fatalf("until %s: %v", r.WayBack.Until, err)
		}
		h.Advance(10 * time.Minute)
		if _, err := back(h, d, r.WayBack.Token); reason(err) != "way_back_closed" {
			t.Fatalf("after ten minutes: %v", err)
		}
		h.Advance(-10 * time.Minute)
		// The editor is switched off meanwhile, as somebody else can administer.
		off := false
		second, err := gatetest.Do(h, d.people.UserCreate, h.System(), people.UserCreateIn{Email: "second@acme.test", Name: "Second Admin", Role: "Admin"})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			return identity.SetPassword(ctx, tx, second.ID, "a hash", "")
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.people.UserUpdate, h.System(), people.UserUpdateIn{ID: h.People[policy.Admin].ID, Active: &off}); err != nil {
			t.Fatal(err)
		}
		if _, err := back(h, d, r.WayBack.Token); reason(err) != "way_back_closed" {
			t.Fatalf("of somebody who is switched off: %v", err)
		}
	})
}

func mustWrite(t *testing.T, h *gatetest.House, team *policy.Team) {
	t.Helper()
	if err := h.Write(saving(team)); err != nil {
		t.Fatal(err)
	}
}
