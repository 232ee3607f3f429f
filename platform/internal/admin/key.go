package admin

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Key is an API key as it is listed: its secret is never shown again.
type Key struct {
	ID          id.APIKey `json:"id" class:"public"`
	User        id.User   `json:"user" class:"public"`
	Label       string    `json:"label" class:"public"`
	Begins      string    `json:"begins" class:"public" doc:"the first characters, to recognise it by"`
	Server      bool      `json:"server" class:"public" doc:"hands in applications for applicants"`
	CreatedAt   string    `json:"created_at" class:"public"`
	ExpiresAt   string    `json:"expires_at,omitempty" class:"public"`
	RevokedAt   string    `json:"revoked_at,omitempty" class:"public"`
	UsedAt      string    `json:"last_used_at,omitempty" class:"public"`
	UsedAddress string    `json:"last_used_address,omitempty" class:"public"`
}

// KeyListOut is a user's keys, newest first.
type KeyListOut struct {
	Items []Key  `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

// KeyCreateIn asks for a key.
type KeyCreateIn struct {
	ID        id.User `path:"id" json:"-"`
	Label     string  `json:"label" minLength:"1" maxLength:"100" example:"nightly export"`
	Server    bool    `json:"server,omitempty" doc:"a server key hands in applications for applicants and must name their address"`
	ExpiresAt string  `json:"expires_at,omitempty" format:"date-time" doc:"empty: never"`
}

// KeyCreateOut shows the key once.
type KeyCreateOut struct {
	Key
	Secret string `json:"key" class:"public" doc:"shown this once"`
}

// KeyRef names a key in a path.
type KeyRef struct {
	ID id.APIKey `path:"id"`
}

func (d *Desk) keyList() *gate.Op[UserRef, KeyListOut] {
	o := look("api_key.list", "List API keys", "Users/API keys", "/users/{id}/api-keys", func(ctx context.Context, c *gate.Call, in *UserRef) (*KeyListOut, error) {
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		list, err := identity.KeysOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &KeyListOut{Items: make([]Key, 0, len(list)), Total: len(list)}
		for _, k := range list {
			out.Items = append(out.Items, shownKey(k))
		}
		return out, nil
	})
	o.Object = object
	return o
}

func shownKey(k identity.Key) Key {
	return Key{ID: k.ID, User: k.User, Label: k.Label, Begins: "lk_" + k.Locator[:4] + "…", Server: k.Server, CreatedAt: instant(k.CreatedAt),
		ExpiresAt: instant(k.ExpiresAt), RevokedAt: instant(k.RevokedAt), UsedAt: instant(k.UsedAt), UsedAddress: k.UsedAddress}
}

func (d *Desk) keyCreate() *gate.Op[KeyCreateIn, KeyCreateOut] {
	o := edit("api_key.create", "Make API key", "Users/API keys", "POST", "/users/{id}/api-keys", func(ctx context.Context, c *gate.Call, in *KeyCreateIn) (*KeyCreateOut, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if !s.Active {
			return nil, fault.New(fault.Conflict, "user_inactive", "This user is switched off; switch the user on first.")
		}
		expires, err := expiry(in.ExpiresAt, c.At)
		if err != nil {
			return nil, err
		}
		if !personName(in.Label) {
			return nil, fault.Bad("label", "Give it a label, without control characters.")
		}
		text, locator, hash := identity.NewKey()
		k := identity.Key{ID: id.New[id.APIKey](c.At), User: in.ID, Locator: locator, Label: in.Label, Server: in.Server,
			CreatedAt: c.At, CreatedBy: c.Who.String(), ExpiresAt: expires}
		if err := identity.InsertKey(ctx, c.Tx, k, hash); err != nil {
			return nil, err
		}
		c.Change("api_key", "", string(k.ID)+" "+in.Label)
		return &KeyCreateOut{Key: shownKey(k), Secret: text.Reveal()}, nil
	})
	o.Status, o.Object = 201, func(in *KeyCreateIn) string { return "user/" + string(in.ID) }
	return o
}

func expiry(text string, at int64) (int64, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil || t.UnixMicro() <= at {
		return 0, fault.Bad("expires_at", "Give an instant in the future such as 2027-01-31T00:00:00Z.")
	}
	return t.UnixMicro(), nil
}

func (d *Desk) keyRevoke() *gate.Op[KeyRef, Key] {
	o := edit("api_key.revoke", "Revoke API key", "Users/API keys", "DELETE", "/api-keys/{id}", func(ctx context.Context, c *gate.Call, in *KeyRef) (*Key, error) {
		k, err := identity.KeyByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if k.RevokedAt == 0 {
			if err := identity.RevokeKey(ctx, c.Tx, in.ID); err != nil {
				return nil, err
			}
			k.RevokedAt = c.At
			c.Change("revoked_at", "", instant(c.At))
		}
		out := shownKey(k)
		return &out, nil
	})
	o.Object = func(in *KeyRef) string { return "api_key/" + string(in.ID) }
	return o
}
