package admin_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

type desks struct {
	*admin.Desk
	keys    *apikeys.Desk
	people  *people.Desk
	records *records.Desk
	signin  *signin.Desk
}

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d desks)) {
	var d desks
	var list []gate.Entry
	gatetest.Each(t, func() gatetest.Config {
		passwords := identity.NewPasswords()
		d = desks{admin.New(admin.Config{Catalogue: func() []*gate.Meta { return gate.Catalogue(list) }}), apikeys.New(apikeys.Config{Catalogue: func() []*gate.Meta { return gate.Catalogue(list) }}), people.New(people.Config{Passwords: passwords}), records.New(records.Config{}),
			signin.New(signin.Config{Passwords: passwords, Kick: func(*gate.Call) {}})}
		list = append(append(append(append(d.Operations(), d.keys.Operations()...), d.people.Operations()...), d.records.Operations()...), d.signin.Operations()...)
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d) })
}

func ptr[T any](v T) *T { return &v }

func TestAnAdministratorAddsAUserWhoSignsInAndIsStopped(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		u, err := gatetest.Do(h, d.people.UserCreate, h.Screen(policy.Admin), people.UserCreateIn{Email: "New@acme.test", Name: "New Person", Role: "Agent", Password: secret.NewText("a long enough password")})
		if err != nil || u.Role != "Agent" || u.Email != "new@acme.test" {
			t.Fatalf("%+v, %v", u, err)
		}
		k, err := gatetest.Do(h, d.keys.Create, h.Screen(policy.Admin), apikeys.CreateIn{ID: u.ID, Label: "nightly"})
		if err != nil {
			t.Fatal(err)
		}
		me := func() error {
			r := h.Key(policy.Agent)
			r.Key = secret.NewText(k.Secret)
			_, err := gatetest.Do(h, d.signin.Me, r, signin.Nothing{})
			return err
		}
		if err := me(); err != nil {
			t.Fatalf("the new key: %v", err)
		}
		list, err := gatetest.Do(h, d.keys.List, h.Screen(policy.Admin), apikeys.UserRef{ID: u.ID})
		if err != nil || len(list.Items) != 1 || strings.Contains(list.Items[0].Begins, k.Secret) || list.Items[0].UsedAddress != "198.51.100.7" {
			t.Fatalf("the key's listing: %+v, %v", list, err)
		}
		if _, err := gatetest.Do(h, d.people.UserUpdate, h.Screen(policy.Admin), people.UserUpdateIn{ID: u.ID, Active: ptr(false)}); err != nil {
			t.Fatal(err)
		}
		if err := me(); !fault.Is(err, fault.Denied) {
			t.Fatalf("the key of a user who is off: %v", err)
		}
		if _, err := gatetest.Do(h, d.people.UserUpdate, h.Screen(policy.Admin), people.UserUpdateIn{ID: u.ID, Active: ptr(true)}); err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.keys.Revoke, h.Screen(policy.Admin), apikeys.Ref{ID: k.ID}); err != nil {
			t.Fatal(err)
		}
		if err := me(); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("a revoked key: %v", err)
		}
	})
}

func TestNobodyChangesTheirOwnAccess(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		self := h.People[policy.Admin].ID
		for name, in := range map[string]people.UserUpdateIn{"role": {ID: self, Role: ptr("Agent")}, "active": {ID: self, Active: ptr(false)},
			"restrictions": {ID: self, SearchRestrictions: &[]id.Restriction{}}} {
			if _, err := gatetest.Do(h, d.people.UserUpdate, h.Screen(policy.Admin), in); !fault.Is(err, fault.Denied) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := gatetest.Do(h, d.people.UserUpdate, h.System(), people.UserUpdateIn{ID: self, Active: ptr(false)}); !fault.Is(err, fault.Conflict) {
			t.Errorf("the last administrator was switched off: %v", err)
		}
	})
}

func TestOthersMayNotAdminister(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		for _, role := range []string{policy.Manager, policy.Agent, policy.Underwriter, policy.Investor, policy.Intake} {
			for _, r := range []*gate.Request{h.Key(role), h.Screen(role)} {
				if _, err := gatetest.Do(h, d.people.UserList, r, people.Nothing{}); !fault.Is(err, fault.Denied) {
					t.Errorf("%s lists users: %v", role, err)
				}
			}
		}
	})
}

func TestTheTrailIsReadInPagesThatBelongToTheirReader(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d desks) {
		for range 5 {
			if _, err := gatetest.Do(h, d.signin.Me, h.Screen(policy.Agent), signin.Nothing{}); err != nil {
				t.Fatal(err)
			}
		}
		seen := map[id.Audit]bool{}
		in := records.AuditListIn{Narrow: records.Narrow{Operation: "me.view"}, Limit: 2}
		for range 3 {
			out, err := gatetest.Do(h, d.records.AuditList, h.Key(policy.Admin), in)
			if err != nil || out.Total != 5 {
				t.Fatalf("%+v, %v", out, err)
			}
			for _, e := range out.Items {
				if seen[e.ID] || e.Outcome != "allowed" || e.Actor != "user/"+string(h.People[policy.Agent].ID) {
					t.Fatalf("entry %+v", e)
				}
				seen[e.ID] = true
			}
			in.Cursor = out.Next
		}
		if len(seen) != 5 || in.Cursor != "" {
			t.Fatalf("%d entries, cursor %q", len(seen), in.Cursor)
		}
		out, err := gatetest.Do(h, d.records.AuditList, h.Key(policy.Admin), records.AuditListIn{Narrow: records.Narrow{Operation: "me.view"}, Limit: 2})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.records.AuditList, h.System(), records.AuditListIn{Cursor: out.Next}); !fault.Is(err, fault.Invalid) {
			t.Fatalf("another reader's cursor: %v", err)
		}
		if n := len(h.Trail(t, audit.Filter{Operation: "audit.list"})); n != 5 {
			t.Fatalf("%d entries of looking at the trail, want 5", n)
		}
	})
}
