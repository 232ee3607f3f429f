package people

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// InvitationMailKind is the job that sends an invitation. Its payload is that of
// a reset link; the token is sealed under this purpose.
const InvitationMailKind = "invitation.mail"

// invitationMicros is how long an invitation can be followed.
const invitationMicros = day * 7

// day is a day in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// invitation is the payload of the job.
type invitation struct {
	User   string `json:"user"`
	Sealed string `json:"sealed"`
}

// SendInvitation is for another desk that makes a person come in.
func (d *Desk) SendInvitation(ctx context.Context, c *gate.Call, u id.User) error {
	return d.sendInvitation(ctx, c, u)
}

// sendInvitation makes a link by which a person chooses a first password, and
// has it mailed. Earlier links are good for nothing from then on.
func (d *Desk) sendInvitation(ctx context.Context, c *gate.Call, u id.User) error {
	if err := identity.EndInvitations(ctx, c.Tx, u); err != nil {
		return err
	}
	token, hash := identity.NewToken()
	if err := identity.InsertReset(ctx, c.Tx, hash, u, c.At+invitationMicros, true); err != nil {
		return err
	}
	c.Change("invited_until", "", instant(c.At+invitationMicros))
	mail := invitation{User: string(u), Sealed: c.Tenant.Ring.SealToken(InvitationMailKind, []byte(token.Reveal()))}
	if _, err := job.Enqueue(ctx, c.Tx, InvitationMailKind, "", mail, c.At); err != nil {
		return err
	}
	if d.config.Kick != nil {
		c.After(func() { d.config.Kick(c) })
	}
	return nil
}

func (d *Desk) invite() *gate.Op[UserRef, User] {
	o := edit("user.invite", "Invite again", "Users", "POST", "/users/{id}/invitation", func(ctx context.Context, c *gate.Call, in *UserRef) (*User, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		switch {
		case s.Machine:
			return nil, fault.New(fault.Conflict, "machine_user", "A program has keys and never signs in; make a key for it.")
		case !s.Active:
			return nil, fault.New(fault.Conflict, "user_inactive", "This user is switched off; switch the user on first.")
		case s.PasswordHash != "":
			return nil, fault.New(fault.Conflict, "password_set", "This person has a password already, and can ask for a new one on the sign-in page.")
		}
		if err := d.sendInvitation(ctx, c, s.ID); err != nil {
			return nil, err
		}
		return d.asStored(ctx, c, s.ID)
	})
	o.Object, o.Pairing, o.Hands = object, gate.MayPair, "invited_until"
	return o
}

func (d *Desk) unlock() *gate.Op[UserRef, User] {
	o := edit("user.unlock", "End a lock", "Users", "POST", "/users/{id}/unlock", func(ctx context.Context, c *gate.Call, in *UserRef) (*User, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
		if s.LockedUntil <= c.At {
			return nil, fault.New(fault.Conflict, "not_locked", "This account is not locked.")
		}
		c.Change("locked_until", instant(s.LockedUntil), "")
		if err := identity.SetFailures(ctx, c.Tx, s.ID, 0, 0); err != nil {
			return nil, err
		}
		return d.asStored(ctx, c, s.ID)
	})
	o.Object = object
	return o
}
