package signin

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/factor"
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
	return identity.InsertReset(ctx, c.Tx, hash, u, c.At+resetMicros, false)
}

// ResetIn is a reset link's token and the new password.
type ResetIn struct {
	Token    secret.Text `json:"token"`
	Password secret.Text `json:"password"`
}

// newPassword is what is known about whose password is set, and what comes of
// the new one.
type newPassword struct {
	staff   identity.Staff
	recent  []string // hashes of passwords that may not come back
	phc     string
	session identity.Session
	armed   bool // the person has second factors
	right   bool // the present password was given
}

func (d *Desk) reset() *gate.Op[ResetIn, Done] {
	return &gate.Op[ResetIn, Done]{
		Name: "password.reset", Title: "Set a new password", Area: "Sign-in", Bumps: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Prepare: func(ctx context.Context, c *gate.Call, in *ResetIn) (any, error) {
			n := new(newPassword)
			r, err := identity.FindReset(ctx, c.Tx, identity.TokenHash(in.Token))
			if fault.Is(err, fault.NotFound) {
				return n, nil
			}
			if err != nil {
				return nil, err
			}
			return n, n.of(ctx, c, r.User)
		},
		Outside: func(ctx context.Context, in *ResetIn, prepared any) (any, error) {
			n := prepared.(*newPassword)
			return n, d.choose(ctx, n, in.Password)
		},
		Do: func(ctx context.Context, c *gate.Call, in *ResetIn) (*Done, error) {
			r, err := identity.FindReset(ctx, c.Tx, identity.TokenHash(in.Token))
			if err != nil && !fault.Is(err, fault.NotFound) {
				return nil, err
			}
			n := c.Outside.(*newPassword)
			if err != nil || r.UsedAt != 0 || c.At >= r.EndsAt || n.staff.ID != r.User {
				return nil, fault.New(fault.Invalid, "reset_link", "This link has been used or is too old; ask for a new one.")
			}
			c.Object("user/" + string(r.User))
			if err := identity.UseReset(ctx, c.Tx, r.User); err != nil {
				return nil, err
			}
			factors, err := identity.FactorsOf(ctx, c.Tx, r.User)
			if err != nil {
				return nil, err
			}
			if !slices.ContainsFunc(factors, func(f identity.Factor) bool { return f.Active }) { // the mailbox is all the proof there is
				if err := identity.SetFailures(ctx, c.Tx, r.User, 0, 0); err != nil {
					return nil, err
				}
			}
			return &Done{Done: true}, identity.SetPassword(ctx, c.Tx, r.User, n.phc, "")
		},
	}
}

// of reads what a new password of a person is held against.
func (n *newPassword) of(ctx context.Context, c *gate.Call, u id.User) (err error) {
	if n.staff, err = identity.StaffByID(ctx, c.Tx, u); err != nil {
		return err
	}
	n.recent, err = identity.RecentPasswords(ctx, c.Tx, u)
	return err
}

// choose holds a new password to the policy and hashes it; no transaction is
// open meanwhile.
func (d *Desk) choose(ctx context.Context, n *newPassword, password secret.Text) error {
	about := factor.About{Email: n.staff.Email, Name: n.staff.Name, House: []string{"lendkeep"}}
	if err := d.config.Passwords.Choose(password, about); err != nil {
		return err
	}
	used, err := d.config.Passwords.Used(ctx, password, n.recent)
	if err != nil {
		return err
	}
	if used {
		f := fault.Bad("password", "Choose another password: this one is among your last four.")
		f.Reason = "password_used"
		return f
	}
	n.phc, err = d.config.Passwords.Hash(ctx, password)
	return err
}
