package signin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// PasswordIn is one's present password and a new one.
type PasswordIn struct {
	Current  secret.Text `json:"current"`
	Password secret.Text `json:"password"`
}

// wrongPassword is the answer to a wrong present password; a lock is not told.
func wrongPassword(field string) *fault.Error {
	f := fault.Bad(field, "This is not your password.")
	f.Reason = "wrong_password"
	return f
}

func (d *Desk) changePassword() *gate.Op[PasswordIn, Done] {
	return &gate.Op[PasswordIn, Done]{
		Name: "password.change", Title: "Change my password", Area: "Sign-in", Screen: "My password", Bumps: true, Mends: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Sensitivity: operation.Security,
		Prepare: func(ctx context.Context, c *gate.Call, _ *PasswordIn) (any, error) {
			n := new(newPassword)
			if err := n.here(ctx, c); err != nil {
				return nil, err
			}
			return n, n.of(ctx, c, c.Who.User)
		},
		Outside: func(ctx context.Context, in *PasswordIn, prepared any) (any, error) {
			n := prepared.(*newPassword)
			var err error
			if n.right, err = d.config.Passwords.Verify(ctx, in.Current, n.staff.PasswordHash); err != nil || !n.right {
				return n, err
			}
			return n, d.choose(ctx, n, in.Password)
		},
		Do: func(ctx context.Context, c *gate.Call, _ *PasswordIn) (*Done, error) {
			n := c.Outside.(*newPassword)
			c.Object("user/" + string(c.Who.User))
			done, err := d.settlePassword(ctx, c, n, "current")
			if done == nil || err != nil {
				return &Done{}, err
			}
			if err := identity.SetPassword(ctx, c.Tx, c.Who.User, n.phc, c.Who.Session); err != nil {
				return nil, err
			}
			return done, identity.GavePassword(ctx, c.Tx, c.Who.Session)
		},
	}
}

// here reads the session in which a password is given: who has factors must have
// given one in it, so that a stolen password cannot be changed.
func (n *newPassword) here(ctx context.Context, c *gate.Call) error {
	h, err := at(ctx, c)
	if err != nil {
		return err
	}
	n.session, n.armed = h.session, h.armed()
	if n.armed && h.asked && h.session.FactorAt == 0 {
		return stale()
	}
	return nil
}

// settlePassword counts a wrong password; done is nil where it was wrong.
func (d *Desk) settlePassword(ctx context.Context, c *gate.Call, n *newPassword, field string) (done *Done, err error) {
	s, err := identity.StaffByID(ctx, c.Tx, c.Who.User)
	if err != nil {
		return nil, err
	}
	if c.At < s.LockedUntil || s.PasswordHash != n.staff.PasswordHash {
		c.Refuse(wrongPassword(field))
		return nil, nil
	}
	if !n.right {
		return nil, missed(ctx, c, s, wrongPassword(field))
	}
	return &Done{Done: true}, nil
}

// missed counts a wrong password or code of somebody who is signed in. The one
// that locks the account ends the session, too.
func missed(ctx context.Context, c *gate.Call, s identity.Staff, f *fault.Error) error {
	locked, err := miss(ctx, c, s)
	if err != nil {
		return err
	}
	if locked {
		if err := identity.EndSession(ctx, c.Tx, c.Who.Session); err != nil {
			return err
		}
		f = fault.New(fault.Unauthenticated, "not_signed_in", "Sign in first.")
	}
	c.Refuse(f)
	return nil
}

// ProveIn is the password, given once more.
type ProveIn struct {
	Password secret.Text `json:"password"`
}

func (d *Desk) prove() *gate.Op[ProveIn, Done] {
	return &gate.Op[ProveIn, Done]{
		Name: "password.prove", Title: "Give the password again", Area: "Sign-in", Mends: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Sensitivity: operation.Security,
		Prepare: func(ctx context.Context, c *gate.Call, _ *ProveIn) (any, error) {
			h, err := at(ctx, c)
			if err != nil {
				return nil, err
			}
			if h.asked && h.armed() {
				return nil, fault.New(fault.Conflict, "factor_asked", "A password proves nothing where there are second factors; give one of them.")
			}
			n := new(newPassword)
			return n, n.of(ctx, c, c.Who.User)
		},
		Outside: func(ctx context.Context, in *ProveIn, prepared any) (any, error) {
			n := prepared.(*newPassword)
			var err error
			n.right, err = d.config.Passwords.Verify(ctx, in.Password, n.staff.PasswordHash)
			return n, err
		},
		Do: func(ctx context.Context, c *gate.Call, _ *ProveIn) (*Done, error) {
			done, err := d.settlePassword(ctx, c, c.Outside.(*newPassword), "password")
			if done == nil || err != nil {
				return &Done{}, err
			}
			return done, identity.GavePassword(ctx, c.Tx, c.Who.Session)
		},
	}
}
