package rehearsal

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// RoleDraft is a role as it would be; of a stored one, what is left out stays.
type RoleDraft struct {
	ID         id.Role           `json:"id,omitempty" maxLength:"60"`
	UI         *[]string         `json:"ui,omitempty"`
	API        *[]string         `json:"api,omitempty"`
	Visibility *roles.Visibility `json:"visibility,omitempty"`
}

// RestrictionDraft is a search restriction as it would be.
type RestrictionDraft struct {
	ID           id.Restriction  `json:"id,omitempty" maxLength:"60"`
	Visible      *string         `json:"visible,omitempty" maxLength:"4096"`
	Borrowers    *string         `json:"borrowers,omitempty" maxLength:"4096"`
	Applications *string         `json:"applications,omitempty" maxLength:"4096"`
	Limits       *[]policy.Limit `json:"limits,omitempty"`
}

// IPRuleDraft is an address rule as it would be.
type IPRuleDraft struct {
	ID      id.IPRule        `json:"id,omitempty" maxLength:"60"`
	Mode    *string          `json:"mode,omitempty" enum:"allow,deny"`
	Entries *[]string        `json:"entries,omitempty" maxItems:"10000"`
	Active  *bool            `json:"active,omitempty"`
	Holders *[]policy.Holder `json:"holders,omitempty" maxItems:"1000"`
}

// whom is somebody on whom a change is tried: a person, or a program with a key.
type whom struct {
	user id.User
	key  *identity.Key // nil: the person
}

// keyOf reads the key on which a change is tried, and makes its user the person; nil
// without one.
func keyOf(ctx context.Context, c *gate.Call, in *SimulateIn) (*whom, error) {
	if in.Key == "" {
		return nil, nil
	}
	k, err := identity.KeyByID(ctx, c.Tx, in.Key)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Bad("api_key", "Name an API key that exists.")
	}
	if err != nil {
		return nil, err
	}
	if len(in.Users) > 1 || len(in.Users) == 1 && in.Users[0] != k.User {
		return nil, fault.Bad("users", "Leave it out: the key says whose it is.")
	}
	in.Users = []id.User{k.User}
	return &whom{k.User, &k}, nil
}

// proposed makes the change that is not stored, and says whom it is tried on.
func (d *Desk) proposed(ctx context.Context, c *gate.Call, in *SimulateIn) (x *policy.Proposed, on []whom, err error) {
	var users []id.User
	var keys []identity.Key
	switch {
	case in.Role != nil:
		x, users, err = d.asRole(ctx, c, in)
	case in.Restriction != nil:
		x, users, err = asRestriction(ctx, c, in)
	default:
		x, users, keys, err = asIPRule(ctx, c, in)
	}
	for _, u := range users {
		on = append(on, whom{user: u})
	}
	for i := range keys {
		on = append(on, whom{keys[i].User, &keys[i]})
	}
	return x, on, err
}

func (d *Desk) asRole(ctx context.Context, c *gate.Call, in *SimulateIn) (*policy.Proposed, []id.User, error) {
	is := &policy.Role{ID: id.New[id.Role](c.At), Visibility: secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}}
	if in.Role.ID != "" {
		if is = c.Policy.Role(in.Role.ID); is == nil {
			return nil, nil, fault.Missing("role")
		}
	}
	content := roles.Content{Name: "as drafted", UI: is.UI, API: is.API, Visibility: in.Role.Visibility}
	if in.Role.UI != nil {
		content.UI = *in.Role.UI
	}
	if in.Role.API != nil {
		content.API = *in.Role.API
	}
	as, err := roles.Checked(d.config.Catalogue(), &content, *is)
	if err != nil {
		return nil, nil, err
	}
	as.Customized = as.Shipped != ""
	x, users := &policy.Proposed{Roles: []*policy.Role{&as}, RoleOf: map[id.User]id.Role{}}, in.Users
	for _, u := range users {
		x.RoleOf[u] = as.ID
	}
	if users == nil {
		users, err = bearers(ctx, c, as.ID)
	}
	return x, users, err
}

func bearers(ctx context.Context, c *gate.Call, r id.Role) (out []id.User, err error) {
	list, err := policy.Bearers(ctx, c.Tx, r)
	for _, b := range list {
		if b.Later { // unless the role that they are lent meanwhile adds to this one
			s, err := c.Policy.Subject(ctx, c.Tx, b.User, "")
			if err != nil {
				return nil, err
			}
			if s.Role.From != r {
				continue
			}
		}
		out = append(out, b.User)
	}
	return out, err
}

func asRestriction(ctx context.Context, c *gate.Call, in *SimulateIn) (*policy.Proposed, []id.User, error) {
	as, d := &policy.Restriction{ID: id.New[id.Restriction](c.At), Name: "as drafted"}, in.Restriction
	if d.ID != "" {
		var err error
		if as, err = policy.RestrictionByID(ctx, c.Tx, d.ID); err != nil {
			return nil, nil, err
		}
	}
	set(&as.Visible, d.Visible)
	set(&as.Borrowers, d.Borrowers)
	set(&as.Applications, d.Applications)
	set(&as.Limits, d.Limits)
	check := *as
	check.Limits = slices.Clone(as.Limits)
	if err := check.Compile(c.Policy.Vocabulary()); err != nil {
		return nil, nil, err
	}
	x := &policy.Proposed{Restrictions: []*policy.Restriction{as}, Held: map[id.User][]id.Restriction{}}
	for _, u := range in.Users {
		s, err := c.Policy.Subject(ctx, c.Tx, u, "")
		if err != nil {
			return nil, nil, err
		}
		held := []id.Restriction{as.ID}
		for _, r := range s.Restrictions {
			if r.ID != as.ID {
				held = append(held, r.ID)
			}
		}
		x.Held[u] = held
	}
	if in.Users != nil {
		return x, in.Users, nil
	}
	users, err := everybody(ctx, c, func(s *policy.Subject) bool {
		return slices.ContainsFunc(s.Restrictions, func(r *policy.Restriction) bool { return r.ID == as.ID })
	})
	return x, users, err
}

// asIPRule gives the people whom the rule binds or would bind, and the keys that
// hold it themselves.
func asIPRule(ctx context.Context, c *gate.Call, in *SimulateIn) (*policy.Proposed, []id.User, []identity.Key, error) {
	as, d := &policy.IPRule{ID: id.New[id.IPRule](c.At), Name: "as drafted", Active: true}, in.IPRule
	if d.ID != "" {
		i := slices.IndexFunc(c.Policy.IPRules(), func(r *policy.IPRule) bool { return r.ID == d.ID })
		if i < 0 {
			return nil, nil, nil, fault.Missing("address rule")
		}
		copied := *c.Policy.IPRules()[i]
		as = &copied
	}
	before := as.Holders
	set(&as.Entries, d.Entries)
	set(&as.Active, d.Active)
	set(&as.Holders, d.Holders)
	if d.Mode != nil {
		as.Deny = *d.Mode == "deny"
	}
	if err := as.Compile(); err != nil {
		return nil, nil, nil, err
	}
	x := &policy.Proposed{IPRules: []*policy.IPRule{as}}
	if in.Users != nil {
		return x, in.Users, nil, nil
	}
	held := append(slices.Clone(before), as.Holders...)
	keys, err := keysOf(ctx, c, held)
	if err != nil {
		return nil, nil, nil, err
	}
	users, err := everybody(ctx, c, func(s *policy.Subject) bool {
		return slices.ContainsFunc(held, func(h policy.Holder) bool {
			return h.Kind == "tenant" || h.Kind == "user" && h.ID == string(s.User) || h.Kind == "role" && (h.ID == string(s.Role.ID) || h.ID == string(s.Role.From)) ||
				h.Kind == "team" && slices.Contains(s.Teams, id.Team(h.ID))
		})
	})
	return x, users, keys, err
}

// keysOf reads the keys among the holders of a rule, each once.
func keysOf(ctx context.Context, c *gate.Call, held []policy.Holder) (keys []identity.Key, err error) {
	for _, h := range held {
		if h.Kind != "key" || slices.ContainsFunc(keys, func(k identity.Key) bool { return string(k.ID) == h.ID }) {
			continue
		}
		k, err := identity.KeyByID(ctx, c.Tx, id.APIKey(h.ID))
		if err != nil {
			return nil, err
		}
		keys = append(keys, k)
	}
	return keys, nil
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// mostUsers bounds whom a change is tried on.
const mostUsers = 200

// everybody gives the active users who meet a condition.
func everybody(ctx context.Context, c *gate.Call, who func(*policy.Subject) bool) ([]id.User, error) {
	staff, err := identity.AllStaff(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	var out []id.User
	for _, u := range staff {
		if !u.Active || len(out) == mostUsers {
			continue
		}
		s, err := c.Policy.Subject(ctx, c.Tx, u.ID, "")
		if err != nil {
			return nil, err
		}
		if who(s) {
			out = append(out, u.ID)
		}
	}
	return out, nil
}
