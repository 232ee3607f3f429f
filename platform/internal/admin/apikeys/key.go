package apikeys

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Key is an API key as it is listed: its secret is never shown again.
type Key struct {
	ID          id.APIKey `json:"id" class:"public"`
	User        id.User   `json:"user" class:"public"`
	UserName    string    `json:"user_name" class:"public"`
	Label       string    `json:"label" class:"public"`
	Begins      string    `json:"begins" class:"public" doc:"the first characters, to recognise it by"`
	Server      bool      `json:"server" class:"public" doc:"hands in applications for applicants"`
	State       string    `json:"state" class:"public" enum:"active,replaced,stopped,expired,revoked" doc:"replaced: rotated, and still good during the overlap; stopped: its user is switched off"`
	Scope       []string  `json:"scope,omitempty" class:"public" doc:"operations that it is narrowed to; left out: what its user may do"`
	BeyondRole  []string  `json:"beyond_role,omitempty" class:"public" doc:"operations of the scope that the role does not permit at present, so neither does the key"`
	IPRules     []Bound   `json:"ip_rules" doc:"address rules of the key itself"`
	CreatedAt   string    `json:"created_at" class:"public"`
	ExpiresAt   string    `json:"expires_at,omitempty" class:"public"`
	RevokedAt   string    `json:"revoked_at,omitempty" class:"public"`
	UsedAt      string    `json:"last_used_at,omitempty" class:"public"`
	UsedAddress string    `json:"last_used_address,omitempty" class:"public"`
	Successor   id.APIKey `json:"successor,omitempty" class:"public" doc:"the key that it was rotated into"`
	Replaces    id.APIKey `json:"replaces,omitempty" class:"public" doc:"the key that was rotated into this one"`
}

// Bound is an address rule by name.
type Bound struct {
	ID   id.IPRule `json:"id" class:"public"`
	Name string    `json:"name" class:"public"`
}

// Made shows a new key once.
type Made struct {
	Key
	Secret string `json:"key" class:"public" doc:"shown this once"`
}

// ListOut is keys, newest first.
type ListOut struct {
	Items []Key  `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
	Owner *Owner `json:"owner,omitempty" doc:"whose keys they are, in the list of one user"`
}

// Owner is the user whose keys are listed.
type Owner struct {
	ID         id.User  `json:"id" class:"public"`
	Name       string   `json:"name" class:"public"`
	Role       string   `json:"role" class:"public"`
	Active     bool     `json:"active" class:"public" doc:"false: all keys are stopped"`
	Machine    bool     `json:"machine" class:"public"`
	Operations []string `json:"operations" class:"public" doc:"what the role permits in the API"`
}

// UserRef names a user in a path.
type UserRef struct {
	ID id.User `path:"id"`
}

// Ref names a key in a path.
type Ref struct {
	ID id.APIKey `path:"id"`
}

func (r *Ref) object() string { return object(r.ID) }

func object(k id.APIKey) string { return "api_key/" + string(k) }

// owner is the user of a key, as far as its listing needs it.
type owner struct {
	name            string
	active, machine bool
	role            *policy.Role
}

// owners reads the users by id; one when given, else all.
func owners(ctx context.Context, c *gate.Call, one id.User) (map[id.User]owner, error) {
	out := map[id.User]owner{}
	cond := db.True()
	if one != "" {
		cond = db.In("id", []string{string(one)})
	}
	_, err := db.All(ctx, c.Tx, func(r *db.Rows) (u id.User, err error) {
		var o owner
		var active, machine, until int64
		var role, after id.Role
		err = r.Scan(&u, &o.name, &active, &machine, &role, &until, &after)
		if until != 0 && c.At >= until {
			role = after
		}
		o.active, o.machine, o.role = active == 1, machine == 1, c.Policy.Role(role)
		out[u] = o
		return u, err
	}, `SELECT id, name, active, machine, role_id, role_until, role_after FROM staff WHERE `+cond.SQL(), cond.Args()...)
	if err == nil && one != "" && len(out) == 0 {
		err = fault.Missing("user")
	}
	return out, err
}

// shown is keys as they are listed.
func (d *Desk) shown(c *gate.Call, keys []identity.Key, of map[id.User]owner) *ListOut {
	out := &ListOut{Items: make([]Key, 0, len(keys)), Total: len(keys)}
	replaces := map[id.APIKey]id.APIKey{}
	for _, k := range keys {
		if k.Successor != "" {
			replaces[k.Successor] = k.ID
		}
	}
	bound := map[string][]Bound{}
	for _, r := range c.Policy.IPRules() {
		for _, h := range r.Holders {
			if h.Kind == "key" {
				bound[h.ID] = append(bound[h.ID], Bound{ID: r.ID, Name: r.Name})
			}
		}
	}
	for _, k := range keys {
		o := of[k.User]
		out.Items = append(out.Items, Key{ID: k.ID, User: k.User, UserName: o.name, Label: k.Label, Begins: "lk_" + k.Locator[:4] + "…", Server: k.Server,
			State: state(k, o.active, c.At), Scope: k.Scope, BeyondRole: d.beyond(k.Scope, o.role), IPRules: append([]Bound{}, bound[string(k.ID)]...),
			CreatedAt: instant(k.CreatedAt), ExpiresAt: instant(k.ExpiresAt), RevokedAt: instant(k.RevokedAt), UsedAt: instant(k.UsedAt),
			UsedAddress: k.UsedAddress, Successor: k.Successor, Replaces: replaces[k.ID]})
	}
	return out
}

// one is a single key as it is listed.
func (d *Desk) one(ctx context.Context, c *gate.Call, k identity.Key) (*Key, error) {
	of, err := owners(ctx, c, k.User)
	if err != nil {
		return nil, err
	}
	family, err := identity.KeysOf(ctx, c.Tx, k.User) // for what it replaces
	if err != nil {
		return nil, err
	}
	list := d.shown(c, family, of).Items
	at := slices.IndexFunc(list, func(x Key) bool { return x.ID == k.ID })
	return &list[at], nil
}

func state(k identity.Key, userActive bool, at int64) string {
	switch {
	case k.RevokedAt != 0:
		return "revoked"
	case k.ExpiresAt != 0 && at >= k.ExpiresAt:
		return "expired"
	case !userActive:
		return "stopped"
	case k.Successor != "":
		return "replaced"
	}
	return "active"
}

// live reports whether a key may still be changed or rotated.
func live(k identity.Key, at int64) error {
	switch state(k, true, at) {
	case "revoked":
		return fault.New(fault.Conflict, "key_revoked", "This key is revoked and stays so; make a new one.")
	case "expired":
		return fault.New(fault.Conflict, "key_expired", "This key has expired; make a new one.")
	}
	return nil
}

func (d *Desk) list(ctx context.Context, c *gate.Call, in *UserRef) (*ListOut, error) {
	of, err := owners(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	keys, err := identity.KeysOf(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	out, o := d.shown(c, keys, of), of[in.ID]
	out.Owner = &Owner{ID: in.ID, Name: o.name, Active: o.active, Machine: o.machine, Operations: []string{}}
	if o.role != nil {
		out.Owner.Role, out.Owner.Operations = o.role.Name, append(out.Owner.Operations, o.role.API...)
	}
	return out, nil
}

func (d *Desk) listAll(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*ListOut, error) {
	of, err := owners(ctx, c, "")
	if err != nil {
		return nil, err
	}
	keys, err := identity.Keys(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	return d.shown(c, keys, of), nil
}

func (d *Desk) view(ctx context.Context, c *gate.Call, in *Ref) (*Key, error) {
	k, err := identity.KeyByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	return d.one(ctx, c, k)
}

func (d *Desk) mine(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*ListOut, error) {
	if c.Who.User == "" {
		return &ListOut{Items: []Key{}}, nil
	}
	return d.list(ctx, c, &UserRef{ID: c.Who.User})
}
