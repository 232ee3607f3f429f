package signin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// ResetMailKind is the job that sends a reset link.
const ResetMailKind = "password_reset.mail"

// ResetMail is the job's payload; the token is sealed under the tenant's ring
// for the purpose ResetMailKind. User is empty where nobody has the address:
// the job then does nothing, and asking cost the same.
type ResetMail struct {
	User   string `json:"user"`
	Sealed string `json:"sealed"`
}

// RequestResetIn is the log-in name whose password is forgotten.
type RequestResetIn struct {
	Email string `json:"email" maxLength:"320"`
}

func (d *Desk) requestReset() *gate.Op[RequestResetIn, Done] {
	return &gate.Op[RequestResetIn, Done]{
		Name: "password_reset.request", Title: "Ask for a reset link", Area: "Sign-in",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *RequestResetIn) (*Done, error) {
			c.SealedDetail("attempted", identity.NormalEmail(in.Email))
			mail := ResetMail{}
			s, err := identity.StaffByEmail(ctx, c.Tx, in.Email)
			if err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			token, hash := identity.NewToken()
			if err == nil && s.Active && !s.Machine {
				if err := d.linkFor(ctx, c, s.ID, hash, &mail); err != nil {
					return nil, err
				}
			}
			mail.Sealed = c.Tenant.Ring.SealToken(ResetMailKind, []byte(token.Reveal()))
			if _, err := job.Enqueue(ctx, c.Tx, ResetMailKind, "", mail, c.At); err != nil {
				return nil, err
			}
			c.After(func() { d.config.Kick(c) })
			return &Done{Done: true}, nil
		},
	}
}

// linkFor makes the reset link of somebody whom we know. Whoever has maxLinks
// unused ones gets no further mail until they end: a stranger who asks again and
// again must not fill a colleague's mailbox. The answer stays the same.
func (d *Desk) linkFor(ctx context.Context, c *gate.Call, u id.User, hash []byte, mail *ResetMail) error {
	c.Object("user/" + string(u))
	n, err := identity.LiveResets(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	if n >= maxLinks {
		c.Detail("mail", "not sent: earlier links are still good")
		return nil
	}
	mail.User = string(u)
	return identity.InsertReset(ctx, c.Tx, hash, u, c.At+resetMicros)
}

// ResetIn is a reset link's token and the new password.
type ResetIn struct {
	Token    secret.Text `json:"token"`
	Password secret.Text `json:"password"`
}

func (d *Desk) reset() *gate.Op[ResetIn, Done] {
	return &gate.Op[ResetIn, Done]{
		Name: "password.reset", Title: "Set a new password", Area: "Sign-in",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Outside: func(ctx context.Context, in *ResetIn, _ any) (any, error) {
			if err := identity.CheckPolicy(in.Password); err != nil {
				return nil, err
			}
			return d.config.Passwords.Hash(ctx, in.Password)
		},
		Do: func(ctx context.Context, c *gate.Call, in *ResetIn) (*Done, error) {
			r, err := identity.FindReset(ctx, c.Tx, identity.TokenHash(in.Token))
			if err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			if err != nil || r.UsedAt != 0 || c.At >= r.EndsAt {
				return nil, fault.New(fault.Invalid, "reset_link", "This link has been used or is too old; ask for a new one.")
			}
			c.Object("user/" + string(r.User))
			if err := identity.UseReset(ctx, c.Tx, r.User); err != nil {
				return nil, err
			}
			return &Done{Done: true}, identity.SetPassword(ctx, c.Tx, r.User, c.Outside.(string))
		},
	}
}
