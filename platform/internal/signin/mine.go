package signin

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// MineOut is how the caller signs in. Until a factor is given, whoever has one
// learns only which kinds can be given.
type MineOut struct {
	Asked       bool     `json:"asked" class:"public" doc:"a second factor is needed"`
	Given       bool     `json:"given" class:"public" doc:"this session has given one"`
	Fresh       bool     `json:"fresh" class:"public" doc:"what asks for a fresh proof would be done now"`
	HasCode     bool     `json:"has_code" class:"public"`
	HasPasskey  bool     `json:"has_passkey" class:"public"`
	ByPassword  bool     `json:"by_password" class:"public" doc:"the password counts as the fresh proof"`
	ExceptUntil string   `json:"exception_until,omitempty" class:"public"`
	Factors     []Factor `json:"factors"`
	CodesLeft   int      `json:"recovery_codes_left" class:"public"`
	PasswordAt  string   `json:"password_set_at,omitempty" class:"public"`
	PasswordEnd string   `json:"password_ends_at,omitempty" class:"public"`
	Stale       bool     `json:"password_stale" class:"public" doc:"it must be changed before anything else"`
	Pending     *Pending `json:"-"`
}

// Factor is one of the caller's second factors.
type Factor struct {
	ID     id.Factor `json:"id" class:"public"`
	Kind   string    `json:"kind" class:"public"`
	Label  string    `json:"label" class:"public"`
	Synced bool      `json:"synced" class:"public" doc:"a passkey that its maker copies to other devices"`
	MadeAt string    `json:"made_at" class:"public"`
	UsedAt string    `json:"used_at,omitempty" class:"public"`
}

// Pending is an authenticator that waits for its first code.
type Pending struct {
	Typed, URI, Path secret.Text
	Side             int
}

func (d *Desk) mine() *gate.Op[Nothing, MineOut] {
	return &gate.Op[Nothing, MineOut]{
		Name: "sign_in.view", Title: "See how I sign in", Area: "Sign-in", Screen: "My sign-in", Mends: true,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn,
		Do: func(ctx context.Context, c *gate.Call, _ *Nothing) (*MineOut, error) {
			h, err := at(ctx, c)
			if err != nil {
				return nil, err
			}
			out := &MineOut{Asked: h.asked, Given: h.session.FactorAt != 0, HasCode: h.has(identity.TOTP), HasPasskey: h.has(identity.Passkey),
				ByPassword: !h.asked || !h.armed(), Factors: []Factor{}, Fresh: h.fresh(c.At, access.StepUpWithin) == nil}
			s, err := c.Policy.Subject(ctx, c.Tx, c.Who.User, "")
			if err != nil {
				return nil, err
			}
			out.Stale = s.PasswordEnds != 0 && c.At >= s.PasswordEnds
			if h.armed() && h.asked && !out.Given {
				return out, nil
			}
			if s.PasswordEnds > 1 {
				out.PasswordEnd = instant(s.PasswordEnds)
			}
			if c.At < s.ExceptUntil {
				out.ExceptUntil = instant(s.ExceptUntil)
			}
			return out, out.list(ctx, c, h)
		},
	}
}

// list adds the factors, and the authenticator that is being set up.
func (out *MineOut) list(ctx context.Context, c *gate.Call, h *here) error {
	staff, err := identity.StaffByID(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	out.PasswordAt = instant(staff.PasswordAt)
	for _, f := range h.factors {
		item := Factor{ID: f.ID, Kind: f.Kind, Label: f.Label, MadeAt: instant(f.MadeAt), UsedAt: instant(f.UsedAt)}
		if f.Kind == identity.Passkey {
			k, err := passkeyOf(c, f)
			if err != nil {
				return err
			}
			item.Synced = k.Synced()
		}
		out.Factors = append(out.Factors, item)
	}
	codes, err := identity.RecoveryCodesOf(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	out.CodesLeft = len(codes)
	if h.pending == nil || c.At-h.pending.MadeAt > enrolMicros {
		return nil
	}
	plain, err := unsealed(c, *h.pending)
	if err != nil {
		return err
	}
	e, err := factor.ShowTOTP(secret.NewText(string(plain)), c.Tenant.Name, c.Who.Email)
	out.Pending = &Pending{Typed: e.Typed, URI: e.URI, Path: e.QR.Path, Side: e.QR.Side}
	return err
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
