package apikeys_test

import (
	"context"
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

type desks struct {
	*apikeys.Desk
	rules  *addresses.Desk
	people *people.Desk
}

// each tells a story on both engines. Everybody calls from 198.51.100.7.
func each(t *testing.T, story func(t *testing.T, h *gatetest.House, d desks)) {
	t.Helper()
	var d desks
	gatetest.Each(t, func() gatetest.Config {
		var list []gate.Entry
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		d = desks{apikeys.New(apikeys.Config{Catalogue: catalogue}), addresses.New(), people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}})}
		list = slices.Concat(d.Operations(), d.rules.Operations(), d.people.Operations())
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) { story(t, h, d) })
}

func ptr[T any](v T) *T { return &v }

func reason(err error) string {
	if err == nil {
		return ""
	}
	return fault.As(err).Reason
}

// with is a call with a key that was just made.
func with(h *gatetest.House, key string) *gate.Request {
	r := h.Key(policy.Admin)
	r.Key = secret.NewText(key)
	return r
}

func create(t *testing.T, h *gatetest.House, d desks, in apikeys.CreateIn) *apikeys.Made {
	t.Helper()
	if in.ID == "" {
		in.ID = h.People[policy.Admin].ID
	}
	if in.Label == "" {
		in.Label = "nightly export"
	}
	k, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), in)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// own is a call that everybody may make about themselves; users needs a role.
func own(h *gatetest.House, d desks, key string) error {
	_, err := gatetest.Do(h, d.Own, with(h, key), admin.Nothing{})
	return err
}

func users(h *gatetest.House, d desks, key string) error {
	_, err := gatetest.Do(h, d.people.UserList, with(h, key), people.Nothing{})
	return err
}

func TestAScopeNarrowsAndIsChanged(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		k := create(t, h, d, apikeys.CreateIn{Scope: []string{"user.list", "user.list"}})
		if !slices.Equal(k.Scope, []string{"user.list"}) || k.State != "active" || !strings.HasPrefix(k.Secret, "lk_") {
			t.Fatalf("%+v", k.Key)
		}
		if err := users(h, d, k.Secret); err != nil {
			t.Fatalf("what the scope holds: %v", err)
		}
		if err := own(h, d, k.Secret); reason(err) != "key_scope_lacks_operation" {
			t.Fatalf("what the scope lacks: %v", err)
		}
		if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), apikeys.UpdateIn{ID: k.ID, Scope: &[]string{"me.api_key.list"}}); err != nil {
			t.Fatal(err)
		}
		if own(h, d, k.Secret) != nil || users(h, d, k.Secret) == nil {
			t.Error("the changed scope does not count at the next call")
		}
		out, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), apikeys.UpdateIn{ID: k.ID, Unscoped: true, Label: ptr("hourly export")})
		if err != nil || out.Scope != nil || out.Label != "hourly export" || own(h, d, k.Secret) != nil || users(h, d, k.Secret) != nil {
			t.Errorf("without a scope: %+v, %v", out, err)
		}
		trail := h.Trail(t, audit.Filter{Operation: "api_key.update", Outcome: "allowed"})
		if len(trail) != 2 || !slices.ContainsFunc(trail[1].Changes, func(c audit.Change) bool {
			return c.Field == "scope" && c.Before == "user.list" && c.After == "me.api_key.list"
		}) {
			t.Errorf("the trail says %+v", trail)
		}
	})
}

func TestWhatIsWrongWithAKeyIsTold(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		in := apikeys.CreateIn{ID: h.People[policy.Admin].ID, Label: "\x01", ExpiresAt: "2020-01-01T00:00:00Z", Scope: []string{"user.list", "usr.list", "session.begin"}, IPRules: []id.IPRule{"ip_none"}}
		_, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), in)
		got := map[string]string{}
		for _, f := range fault.As(err).Fields {
			got[f.Path] = f.Mend
		}
		if len(got) != 5 || !strings.Contains(got["scope[1]"], "the nearest is user.list") || got["scope[2]"] == "" || got["label"] == "" || got["expires_at"] == "" || got["ip_rules[0]"] == "" {
			t.Errorf("%v", got)
		}
		for name, in := range map[string]apikeys.UpdateIn{"an empty scope": {Scope: &[]string{}}, "both": {Scope: &[]string{"user.list"}, Unscoped: true}, "no label": {Label: ptr(" ")}} {
			in.ID = h.People[policy.Agent].KeyID
			if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), in); !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
		// What the role does not permit may stand in a scope, and is told.
		k := create(t, h, d, apikeys.CreateIn{ID: h.People[policy.Agent].ID, Scope: []string{"user.list", "me.api_key.list"}})
		if !slices.Equal(k.BeyondRole, []string{"user.list"}) || reason(users(h, d, k.Secret)) != "role_lacks_operation" || own(h, d, k.Secret) != nil {
			t.Errorf("%+v", k.Key)
		}
		if _, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), apikeys.CreateIn{ID: "us_none", Label: "x"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("nobody's key: %v", err)
		}
	})
}

func TestAKeyGivesNoMoreThanItHas(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		self := h.People[policy.Admin].ID
		narrow := create(t, h, d, apikeys.CreateIn{Scope: []string{"api_key.create", "api_key.update", "api_key.rotate", "user.list"}})
		wide := create(t, h, d, apikeys.CreateIn{Label: "wide"})
		mine := func(in apikeys.CreateIn) error {
			in.ID, in.Label = self, "child"
			_, err := gatetest.Do(h, d.Create, with(h, narrow.Secret), in)
			return err
		}
		if err := mine(apikeys.CreateIn{}); reason(err) != "wider_than_key" {
			t.Errorf("a key without scope: %v", err)
		}
		if err := mine(apikeys.CreateIn{Scope: []string{"user.list", "user.update"}}); reason(err) != "wider_than_key" {
			t.Errorf("a wider key: %v", err)
		}
		if err := mine(apikeys.CreateIn{Scope: []string{"user.list"}}); err != nil {
			t.Errorf("a narrower key: %v", err)
		}
		if _, err := gatetest.Do(h, d.Rotate, with(h, narrow.Secret), apikeys.RotateIn{ID: wide.ID}); reason(err) != "wider_than_key" {
			t.Errorf("the secret of a wider key: %v", err)
		}
		if _, err := gatetest.Do(h, d.Update, with(h, narrow.Secret), apikeys.UpdateIn{ID: narrow.ID, Unscoped: true}); reason(err) != "own_key" {
			t.Errorf("its own scope: %v", err)
		}
		if _, err := gatetest.Do(h, d.Update, with(h, narrow.Secret), apikeys.UpdateIn{ID: wide.ID, Label: ptr("renamed")}); reason(err) != "wider_than_key" {
			t.Errorf("a wider key: %v", err)
		}
		if _, err := gatetest.Do(h, d.Update, with(h, wide.Secret), apikeys.UpdateIn{ID: narrow.ID, Scope: &[]string{"user.list", "user.update"}}); err != nil {
			t.Errorf("a key without scope widens another: %v", err)
		}
	})
}

// A key that ends gives no key a later end: not when it makes one, nor when it
// lengthens one, nor when it reads the secret of one that it rotates, its own even.
func TestAKeyGivesNoKeyALaterEnd(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		const end, sooner, later = "2026-12-22T12:00:00Z", "2026-12-01T00:00:00Z", "2027-06-01T00:00:00Z"
		ending, lasting := create(t, h, d, apikeys.CreateIn{ExpiresAt: end}), create(t, h, d, apikeys.CreateIn{Label: "lasting"})
		for _, x := range []struct{ by, end, want string }{
			{ending.Secret, "", "wider_than_key"}, {ending.Secret, later, "wider_than_key"}, {ending.Secret, end, ""}, {ending.Secret, sooner, ""}, {lasting.Secret, "", ""}, {lasting.Secret, later, ""},
		} {
			_, err := gatetest.Do(h, d.Create, with(h, x.by), apikeys.CreateIn{ID: h.People[policy.Admin].ID, Label: "child", ExpiresAt: x.end})
			if reason(err) != x.want {
				t.Errorf("a child that ends at %q: %v", x.end, err)
			}
		}
		child := create(t, h, d, apikeys.CreateIn{Label: "child", ExpiresAt: sooner})
		for until, want := range map[string]string{"": "wider_than_key", later: "wider_than_key", end: ""} {
			if _, err := gatetest.Do(h, d.Update, with(h, ending.Secret), apikeys.UpdateIn{ID: child.ID, ExpiresAt: &until}); reason(err) != want {
				t.Errorf("lengthened to %q: %v", until, err)
			}
		}
		if _, err := gatetest.Do(h, d.Update, with(h, ending.Secret), apikeys.UpdateIn{ID: lasting.ID, Label: ptr("still lasting")}); err != nil {
			t.Errorf("a longer key is given another label: %v", err)
		}
		for _, k := range []*apikeys.Made{lasting, ending} {
			h.Advance(time.Hour)
			next, err := gatetest.Do(h, d.Rotate, with(h, ending.Secret), apikeys.RotateIn{ID: k.ID, OverlapHours: 1})
			if err != nil || next.ExpiresAt != end {
				t.Errorf("rotated by a key that ends, %s ends at %q: %v", k.Label, next.ExpiresAt, err)
			}
		}
	})
}

// What binds a key to addresses binds every key that it makes or reads.
func TestAKeyGivesNoOtherAddresses(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		rule := func(name, entry string) id.IPRule {
			r, err := gatetest.Do(h, d.rules.Create, h.Screen(policy.Admin), addresses.CreateIn{Content: addresses.Content{Name: name, Mode: "allow", Entries: []string{entry}, Active: true}})
			if err != nil {
				t.Fatal(err)
			}
			return r.ID
		}
		here, wide := rule("here", "198.51.100.7"), rule("wide", "0.0.0.0/0")
		bound, free := create(t, h, d, apikeys.CreateIn{IPRules: []id.IPRule{here}}), create(t, h, d, apikeys.CreateIn{Label: "free"})
		for name, c := range map[string]struct {
			rules []id.IPRule
			want  string
		}{"none": {nil, "wider_than_key"}, "one more": {[]id.IPRule{here, wide}, "wider_than_key"}, "the same": {[]id.IPRule{here}, ""}} {
			_, err := gatetest.Do(h, d.Create, with(h, bound.Secret), apikeys.CreateIn{ID: h.People[policy.Admin].ID, Label: "child", IPRules: c.rules})
			if reason(err) != c.want {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := gatetest.Do(h, d.Rotate, with(h, bound.Secret), apikeys.RotateIn{ID: free.ID}); reason(err) != "wider_than_key" {
			t.Errorf("the secret of a key that is not bound: %v", err)
		}
		if _, err := gatetest.Do(h, d.Rotate, with(h, bound.Secret), apikeys.RotateIn{ID: bound.ID}); err != nil {
			t.Errorf("itself: %v", err)
		}
	})
}

// A rule that a key was bound to or let go from is another version: an editor who
// read it before does not take that back unseen.
func TestABoundRuleIsAnotherVersion(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		content := addresses.Content{Name: "here", Mode: "allow", Entries: []string{"198.51.100.7"}, Active: true}
		read, err := gatetest.Do(h, d.rules.Create, h.Screen(policy.Admin), addresses.CreateIn{Content: content})
		if err != nil {
			t.Fatal(err)
		}
		edit := func(version int64) error {
			_, err := gatetest.Do(h, d.rules.Update, h.Screen(policy.Admin), addresses.UpdateIn{ID: read.ID, CreateIn: addresses.CreateIn{Content: content}, Version: &version})
			return err
		}
		now := func() int64 {
			t.Helper()
			out, err := gatetest.Do(h, d.rules.View, h.Screen(policy.Admin), addresses.Ref{ID: read.ID})
			if err != nil {
				t.Fatal(err)
			}
			return out.Version
		}
		k := create(t, h, d, apikeys.CreateIn{IPRules: []id.IPRule{read.ID}})
		if err := edit(read.Version); reason(err) != admin.ChangedMeanwhile {
			t.Errorf("the key would be let go: %v", err)
		}
		bound := now()
		if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), apikeys.UpdateIn{ID: k.ID, Label: ptr("other"), IPRules: ptr([]id.IPRule{read.ID})}); err != nil || now() != bound {
			t.Errorf("the same rules are a change: %v", err)
		}
		if _, err := gatetest.Do(h, d.Update, h.Screen(policy.Admin), apikeys.UpdateIn{ID: k.ID, IPRules: &[]id.IPRule{}}); err != nil || now() == bound {
			t.Errorf("let go: %v", err)
		}
		if err := edit(now()); err != nil {
			t.Errorf("on top of it: %v", err)
		}
	})
}

// Whoever makes a key for somebody reads it, so it opens only what they may give.
func TestNobodyMakesKeysWithWhatTheyMayNotGive(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			r := policy.Role{ID: id.New[id.Role](tx.At), Name: "Key keeper", UI: []string{"api_key.create"}, API: []string{"api_key.create"}}
			if err := policy.InsertRole(ctx, tx, r); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `UPDATE staff SET role_id = ? WHERE id = ?`, r.ID, h.People[policy.Manager].ID); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		keeper := h.Screen(policy.Manager)
		_, err = gatetest.Do(h, d.Create, keeper, apikeys.CreateIn{ID: h.People[policy.Admin].ID, Label: "for me"})
		if reason(err) != "not_grantable" {
			t.Errorf("an administrator's key: %v", err)
		}
		if _, err := gatetest.Do(h, d.Create, h.Screen(policy.Manager), apikeys.CreateIn{ID: h.People[policy.Manager].ID, Label: "mine"}); err != nil {
			t.Errorf("one's own: %v", err)
		}
		// Nor with rows that their restrictions hide from them.
		r := h.Restrict(t, policy.Admin, policy.Restriction{Visible: "false"})
		agent := h.People[policy.Agent]
		make := func() error {
			_, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), apikeys.CreateIn{ID: agent.ID, Label: "for me"})
			return err
		}
		_, err = gatetest.Do(h, d.Rotate, h.Screen(policy.Admin), apikeys.RotateIn{ID: agent.KeyID})
		if reason(make()) != "not_grantable" || reason(err) != "not_grantable" {
			t.Errorf("of somebody who sees more: %v, %v", make(), err)
		}
		err = h.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := policy.Assign(ctx, tx, agent.ID, []id.Restriction{r}); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		})
		if err != nil || make() != nil {
			t.Errorf("of somebody who sees as little: %v, %v", err, make())
		}
	})
}

func TestAKeyIsRotatedWithAnOverlap(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		r, err := gatetest.Do(h, d.rules.Create, h.Screen(policy.Admin), addresses.CreateIn{Content: addresses.Content{Name: "data centre", Mode: "allow", Entries: []string{"198.51.100.0/24"}, Active: true}})
		if err != nil {
			t.Fatal(err)
		}
		old := create(t, h, d, apikeys.CreateIn{Scope: []string{"me.api_key.list"}, IPRules: []id.IPRule{r.ID}, ExpiresAt: "2026-12-22T12:00:00Z"})
		if len(old.IPRules) != 1 || old.IPRules[0].Name != "data centre" {
			t.Errorf("the key's rules: %+v", old.IPRules)
		}
		if _, err := gatetest.Do(h, d.Rotate, h.Screen(policy.Admin), apikeys.RotateIn{ID: old.ID, OverlapHours: 721}); !fault.Is(err, fault.Invalid) {
			t.Errorf("too long an overlap: %v", err)
		}
		next, err := gatetest.Do(h, d.Rotate, h.Screen(policy.Admin), apikeys.RotateIn{ID: old.ID, OverlapHours: 24})
		if err != nil || next.Label != old.Label || !slices.Equal(next.Scope, old.Scope) || len(next.IPRules) != 1 || next.Replaces != old.ID || next.Secret == old.Secret ||
			!strings.HasPrefix(next.ExpiresAt, "2026-12-22T12:00:0") {
			t.Fatalf("%+v, %v", next, err)
		}
		was, err := gatetest.Do(h, d.View, h.Screen(policy.Admin), apikeys.Ref{ID: old.ID})
		if err != nil || was.State != "replaced" || was.Successor != next.ID || !strings.HasPrefix(was.ExpiresAt, "2026-11-23T12:00") {
			t.Fatalf("the old one: %+v, %v", was, err)
		}
		if own(h, d, old.Secret) != nil || own(h, d, next.Secret) != nil {
			t.Error("during the overlap one of them is refused")
		}
		if _, err := gatetest.Do(h, d.Rotate, h.Screen(policy.Admin), apikeys.RotateIn{ID: old.ID}); reason(err) != "already_rotated" {
			t.Errorf("rotated twice: %v", err)
		}
		h.Advance(24 * time.Hour)
		if err := own(h, d, old.Secret); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("after the overlap: %v", err)
		}
		if err := own(h, d, next.Secret); err != nil {
			t.Errorf("the new key: %v", err)
		}
		last, err := gatetest.Do(h, d.Rotate, h.Key(policy.Admin), apikeys.RotateIn{ID: next.ID})
		if err != nil || own(h, d, next.Secret) == nil || own(h, d, last.Secret) != nil {
			t.Errorf("without an overlap the old one ends at once: %v", err)
		}
		if _, err := gatetest.Do(h, d.Revoke, h.Key(policy.Admin), apikeys.Ref{ID: last.ID}); err != nil || own(h, d, last.Secret) == nil {
			t.Errorf("revoked: %v", err)
		}
		// A dead key keeps no address rule in use; the expired ones still do.
		rule, err := gatetest.Do(h, d.rules.View, h.Key(policy.Admin), addresses.Ref{ID: r.ID})
		if err != nil || len(rule.Holders) != 2 {
			t.Errorf("%+v, %v", rule, err)
		}
		for _, o := range []apikeys.UpdateIn{{ID: last.ID, Label: ptr("x")}, {ID: next.ID, ExpiresAt: ptr("")}} {
			if _, err := gatetest.Do(h, d.Update, h.Key(policy.Admin), o); !fault.Is(err, fault.Conflict) {
				t.Errorf("a key that has ended is changed: %v", err)
			}
		}
	})
}

// A user who is switched off takes all keys along, and revokes none; an old
// password stops no key; a machine has keys and no sign-in.
func TestKeysAndTheirUser(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		agent := h.People[policy.Agent].ID
		k, revoked := create(t, h, d, apikeys.CreateIn{ID: agent}), create(t, h, d, apikeys.CreateIn{ID: agent, Label: "old"})
		if _, err := gatetest.Do(h, d.Revoke, h.Screen(policy.Admin), apikeys.Ref{ID: revoked.ID}); err != nil {
			t.Fatal(err)
		}
		err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE staff SET password_must_change = 1 WHERE id = ?`, agent); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.Own, h.Screen(policy.Agent), admin.Nothing{}); reason(err) != "password_expired" {
			t.Errorf("the screens: %v", err)
		}
		if err := own(h, d, k.Secret); err != nil {
			t.Errorf("an expired password stops a key: %v", err)
		}
		active := func(on bool) {
			if _, err := gatetest.Do(h, d.people.UserUpdate, h.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Active: &on}); err != nil {
				t.Fatal(err)
			}
		}
		active(false)
		if err := own(h, d, k.Secret); reason(err) != "user_inactive" {
			t.Errorf("the key of a user who is off: %v", err)
		}
		list, err := gatetest.Do(h, d.List, h.Screen(policy.Admin), apikeys.UserRef{ID: agent})
		states := map[string]string{}
		for _, o := range list.Items {
			states[o.Label] = o.State
		}
		if err != nil || list.Owner.Active || states["nightly export"] != "stopped" || states["old"] != "revoked" {
			t.Errorf("%v, %v", states, err)
		}
		for name, err := range map[string]error{
			"made": func() error {
				_, err := gatetest.Do(h, d.Create, h.Screen(policy.Admin), apikeys.CreateIn{ID: agent, Label: "x"})
				return err
			}(),
			"rotated": func() error {
				_, err := gatetest.Do(h, d.Rotate, h.Screen(policy.Admin), apikeys.RotateIn{ID: k.ID})
				return err
			}(),
		} {
			if reason(err) != "user_inactive" {
				t.Errorf("a key of a user who is off is %s: %v", name, err)
			}
		}
		active(true)
		if own(h, d, k.Secret) != nil || own(h, d, revoked.Secret) == nil {
			t.Error("after switching on, the living key works and the revoked one does not")
		}
		machine, err := gatetest.Do(h, d.people.UserCreate, h.Screen(policy.Admin), people.UserCreateIn{Email: "robot@acme.test", Name: "Robot", Role: "Agent", Machine: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := own(h, d, create(t, h, d, apikeys.CreateIn{ID: machine.ID}).Secret); err != nil {
			t.Errorf("a machine's key: %v", err)
		}
	})
}

func TestPeopleSeeAndRevokeTheirOwnKeys(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		agent := h.People[policy.Agent].ID
		k := create(t, h, d, apikeys.CreateIn{ID: agent})
		if err := own(h, d, k.Secret); err != nil {
			t.Fatal(err)
		}
		mine, err := gatetest.Do(h, d.Own, h.Screen(policy.Agent), admin.Nothing{})
		if err != nil || mine.Total != 2 || mine.Items[0].ID != k.ID || mine.Items[0].UsedAddress != "198.51.100.7" || mine.Items[0].UsedAt == "" {
			t.Fatalf("%+v, %v", mine, err)
		}
		if _, err := gatetest.Do(h, d.OwnRevoke, h.Screen(policy.Manager), apikeys.Ref{ID: k.ID}); !fault.Is(err, fault.NotFound) {
			t.Errorf("somebody else's key: %v", err)
		}
		if _, err := gatetest.Do(h, d.Revoke, h.Screen(policy.Agent), apikeys.Ref{ID: k.ID}); !fault.Is(err, fault.Denied) {
			t.Errorf("an agent administers keys: %v", err)
		}
		if out, err := gatetest.Do(h, d.OwnRevoke, h.Screen(policy.Agent), apikeys.Ref{ID: k.ID}); err != nil || out.State != "revoked" {
			t.Errorf("%+v, %v", out, err)
		}
		if err := own(h, d, k.Secret); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("the revoked key: %v", err)
		}
		all, err := gatetest.Do(h, d.ListAll, h.Screen(policy.Admin), admin.Nothing{})
		if err != nil || all.Total != 7 || all.Items[0].UserName != "Agent Person" {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestASiteKeyIsRevokedAndMoved(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		for _, bad := range [][]string{nil, {"https://apply.example.com/path"}, {"http://apply.example.com"}, {"https://a.example", "https://a.example"}} {
			if _, err := gatetest.Do(h, d.SiteCreate, h.Screen(policy.Admin), apikeys.SiteCreateIn{Label: "form", Origins: bad}); !fault.Is(err, fault.Invalid) {
				t.Errorf("%v: %v", bad, err)
			}
		}
		s, err := gatetest.Do(h, d.SiteCreate, h.Screen(policy.Admin), apikeys.SiteCreateIn{Label: "form", Origins: []string{"https://apply.example.com"}})
		if err != nil {
			t.Fatal(err)
		}
		found := func(origin string) bool {
			ok := false
			err := h.Tenant.DB.Read(context.Background(), h.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) error {
				q := identity.BySite(s.Key, origin)
				c, err := q.Scan(func(to ...any) error { return tx.One(ctx, q.SQL, q.Args, to...) })
				ok = c.Found
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		change := func(in apikeys.SiteUpdateIn) *apikeys.Site {
			in.ID = s.ID
			out, err := gatetest.Do(h, d.SiteUpdate, h.Screen(policy.Admin), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if !found("https://apply.example.com") {
			t.Error("a new key is not known")
		}
		change(apikeys.SiteUpdateIn{Origins: &[]string{"https://www.example.com"}})
		if found("https://apply.example.com") || !found("https://www.example.com") {
			t.Error("the origins have not moved")
		}
		if out := change(apikeys.SiteUpdateIn{Active: ptr(false)}); out.Active || out.Label != "form" || found("https://www.example.com") {
			t.Errorf("revoked: %+v", out)
		}
		if change(apikeys.SiteUpdateIn{Active: ptr(true), Label: ptr("our form")}); !found("https://www.example.com") {
			t.Error("not in force again")
		}
		if _, err := gatetest.Do(h, d.SiteUpdate, h.Screen(policy.Admin), apikeys.SiteUpdateIn{ID: "sk_none"}); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such key: %v", err)
		}
		if n := len(h.Trail(t, audit.Filter{Operation: "site_key.update", Outcome: operation.Allowed.String()})); n != 3 {
			t.Errorf("%d entries", n)
		}
	})
}
