package recovery

import (
	"context"
	"net/mail"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/pii"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// ask opens a recovery. Somebody who is no user yet becomes one who is switched off
// until it comes into force.
func (d *Desk) ask(ctx context.Context, c *gate.Call, in *AskIn) (*Recovery, error) {
	if waits, err := waiting(ctx, c.Tx); err != nil {
		return nil, err
	} else if waits != nil {
		return nil, fault.New(fault.Conflict, "recovery_waits", "A recovery waits already and comes into force at "+instant(waits.effectiveAt)+"; whoever may change access can refuse it.")
	}
	admin, err := administrators(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	s, err := d.person(ctx, c, in, admin)
	if err != nil {
		return nil, err
	}
	r := &row{id: id.New[id.Recovery](c.At), user: s.ID, reason: pii.Mask(in.Reason), askedAt: c.At, effectiveAt: c.At + Delay.Microseconds(), state: Waiting}
	if err := insert(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	c.Object(object(r.id))
	c.Given(in.Reason)
	c.Change("administrator", "", string(s.ID))
	c.Change("effective_at", "", instant(r.effectiveAt))
	if _, err := job.Enqueue(ctx, c.Tx, Job, string(r.id), payload{r.id}, r.effectiveAt); err != nil {
		return nil, err
	}
	if err := d.announce(ctx, c, r); err != nil {
		return nil, err
	}
	return d.asStored(ctx, c.Tx, r)
}

func (d *Desk) person(ctx context.Context, c *gate.Call, in *AskIn, admin id.Role) (identity.Staff, error) {
	s, err := identity.StaffByEmail(ctx, c.Tx, in.Email)
	if err == nil && s.Machine {
		return s, fault.Bad("email", "This user is a program and never signs in: name a person.")
	}
	if err == nil || !fault.Is(err, fault.NotFound) {
		return s, err
	}
	var f fault.Collector
	address, err := mail.ParseAddress(in.Email)
	f.Check(err == nil && address.Address == strings.TrimSpace(in.Email), "email", "Give an e-mail address such as ann@example.com.")
	f.Check(identity.PersonName(in.Name), "name", "No user has this address: give the person's name too, without control characters.")
	if err := f.Err(); err != nil {
		return s, err
	}
	s = identity.Staff{ID: id.New[id.User](c.At), Email: in.Email, Name: strings.TrimSpace(in.Name), Role: admin, CreatedAt: c.At}
	return s, identity.InsertStaff(ctx, c.Tx, s)
}

// refuse stops a recovery that waits. Whoever it is for may refuse it too.
func (d *Desk) refuse(ctx context.Context, c *gate.Call, in *RefuseIn) (*Recovery, error) {
	r, err := byID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	c.Given(in.Reason)
	c.Change("state", r.state, Refused)
	r.state, r.decidedBy, r.remark = Refused, c.Who.User, pii.Mask(in.Reason)
	if err := decide(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	if err := d.announce(ctx, c, r); err != nil {
		return nil, err
	}
	return d.asStored(ctx, c.Tx, r)
}

// settle brings a recovery into force, once and not before its instant: a job may run
// twice, and may find that somebody has refused.
func (d *Desk) settle(ctx context.Context, c *gate.Call, in *Ref) (*Recovery, error) {
	r, err := byID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if r.state != Waiting || c.At < r.effectiveAt {
		return d.asStored(ctx, c.Tx, r)
	}
	if err := d.appoint(ctx, c, r.user); err != nil {
		return nil, err
	}
	c.Change("state", r.state, Done)
	r.state = Done
	if err := decide(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	if err := d.announce(ctx, c, r); err != nil {
		return nil, err
	}
	return d.asStored(ctx, c.Tx, r)
}

// appoint makes a person the administrator that this tenant lacks. Who had a password
// keeps it, and asks for a new one at /reset if it is forgotten.
func (d *Desk) appoint(ctx context.Context, c *gate.Call, u id.User) error {
	s, err := identity.StaffByID(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	before := s
	if s.Role, err = administrators(ctx, c.Tx); err != nil {
		return err
	}
	s.Active, s.RoleUntil, s.RoleAfter = true, 0, ""
	c.Change("administrator", string(before.Role), string(u))
	for _, do := range []func() error{
		func() error { return identity.UpdateStaff(ctx, c.Tx, s) },
		func() error { return identity.SetFailures(ctx, c.Tx, u, 0, 0) },
		func() error { return identity.DeleteFactors(ctx, c.Tx, u) },
		func() error { return identity.EndSessions(ctx, c.Tx, u) },
		func() error { return policy.Assign(ctx, c.Tx, u, nil) },
		func() error { return policy.JoinTeams(ctx, c.Tx, u, nil) },
	} {
		if err := do(); err != nil {
			return err
		}
	}
	if d.config.Built != nil {
		c.After(func() { d.config.Built(c) })
	}
	if s.PasswordHash == "" {
		return d.config.Invite(ctx, c, u)
	}
	return nil
}

func (d *Desk) list(ctx context.Context, c *gate.Call, _ *Nothing) (*ListOut, error) {
	rows, err := newest(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &ListOut{Items: []Recovery{}, Total: len(rows)}
	for _, r := range rows {
		shown, err := d.asStored(ctx, c.Tx, r)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, *shown)
	}
	return out, nil
}
