package rehearsal

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// trial is a change that is tried on people.
type trial struct {
	c          *gate.Call
	in         *SimulateIn
	after      *policy.Compiled
	operations []*gate.Meta
}

// ended reports whether a key has ended.
func ended(k *identity.Key, at int64) bool {
	return k.RevokedAt != 0 || k.ExpiresAt != 0 && k.ExpiresAt <= at
}

// subject gives whom it is tried on under a policy; a key that has ended lets nothing
// through.
func (t *trial) subject(ctx context.Context, p *policy.Compiled, w whom) (*policy.Subject, error) {
	if w.key == nil {
		return p.Subject(ctx, t.c.Tx, w.user, "")
	}
	found, err := p.Subject(ctx, t.c.Tx, w.user, w.key.ID)
	if err != nil {
		return nil, err
	}
	s := *found
	s.KeyExpired = ended(w.key, t.c.At)
	return &s, nil
}

// effect tells what the change means to one person, or to a program with a key.
func (t *trial) effect(ctx context.Context, w whom) (*Effect, error) {
	is, err := t.subject(ctx, t.c.Policy, w)
	if err != nil {
		return nil, err
	}
	as, err := t.subject(ctx, t.after, w)
	if err != nil {
		return nil, err
	}
	e := &Effect{User: w.user, Name: is.Name, Decisions: []Decided{}, Objects: []Seen{}, LockedOut: []string{}}
	if w.key != nil {
		e.Key, e.KeyLabel = w.key.ID, w.key.Label
	}
	addresses, err := lately(ctx, t.c, w)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if t.passes(t.c.Policy, is, a) && !t.passes(t.after, as, a) {
			e.LockedOut = append(e.LockedOut, a.String())
		}
	}
	if t.in.IPRule == nil || len(t.in.Operations) > 0 {
		t.decide(e, w, is, as, addresses)
	}
	was, would := gate.ScopeFor(t.c, is), gate.ScopeFor(t.c, as)
	if e.LoansBefore, err = t.loans(ctx, was); err != nil {
		return nil, err
	}
	if e.LoansAfter, err = t.loans(ctx, would); err != nil {
		return nil, err
	}
	return e, t.look(ctx, e, side{is, was}, side{as, would})
}

// decide asks about each operation, from where the person called last: in both
// channels, with a key in its own alone.
func (t *trial) decide(e *Effect, w whom, is, as *policy.Subject, addresses []netip.Addr) {
	q := access.Query{Address: t.c.Request.Address.Chosen, At: t.c.At, FactorAt: t.c.At, ProvedAt: t.c.At}
	if len(addresses) > 0 {
		q.Address = addresses[0]
	}
	channels := []operation.Channel{operation.UI, operation.API}
	if w.key != nil {
		channels = channels[1:]
	}
	for _, m := range t.operations {
		for _, ch := range channels {
			q.Op, q.Channel, q.Mends, q.StepUp = m.Number, ch, m.Mends || m.Leaves, m.StepUp
			before, after := access.Decide(t.c.Policy.Access, &is.Subject, &q), access.Decide(t.after.Access, &as.Subject, &q)
			if len(t.in.Operations) > 0 || before.Allowed != after.Allowed {
				e.Decisions = append(e.Decisions, Decided{m.Name, ch.String(), said(before), said(after)})
			}
		}
	}
}

func said(d access.Decision) string {
	if d.Allowed {
		return access.OK.String()
	}
	return d.Reason.String()
}

// passes reports whether the address rules let a person call from an address.
func (t *trial) passes(p *policy.Compiled, s *policy.Subject, a netip.Addr) bool {
	d := access.Decide(p.Access, &s.Subject, &access.Query{Channel: operation.API, Address: a, At: t.c.At})
	return d.Allowed || d.Layer != access.Address
}

// lately gives the addresses of a person's open sessions and live keys; of a key, its
// own.
func lately(ctx context.Context, c *gate.Call, w whom) (out []netip.Addr, err error) {
	add := func(text string) {
		if a, err := netip.ParseAddr(text); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	if w.key != nil {
		add(w.key.UsedAddress)
		return out, nil
	}
	sessions, err := identity.SessionsOf(ctx, c.Tx, w.user)
	if err != nil {
		return nil, err
	}
	for _, s := range sessions {
		add(s.Address)
	}
	keys, err := identity.KeysOf(ctx, c.Tx, w.user)
	for _, k := range keys {
		if !ended(&k, c.At) {
			add(k.UsedAddress)
		}
	}
	return out, err
}

// loans counts what a scope shows of what the asker sees.
func (t *trial) loans(ctx context.Context, sc gate.Scope) (n int64, err error) {
	rows := db.And(t.c.Scope.Loans(), sc.Loans())
	return n, t.c.Tx.One(ctx, `SELECT COUNT(*) FROM loan l WHERE `+rows.SQL()+` AND `+gate.Landed, rows.Args(), &n)
}

// side is one of the two answers: as it is, or as it would be.
type side struct {
	subject *policy.Subject
	scope   gate.Scope
}

// look asks for each object that the asker sees whether the person does, and how
// much of it.
func (t *trial) look(ctx context.Context, e *Effect, was, would side) error {
	for _, object := range t.in.Objects {
		mine, err := t.c.Shows(ctx, t.c.Scope, object, db.True())
		if err != nil {
			return err
		}
		s := Seen{Object: object, Areas: []Area{}}
		if mine {
			if s.Before, err = t.c.Shows(ctx, was.scope, object, db.True()); err != nil {
				return err
			}
			if s.After, err = t.c.Shows(ctx, would.scope, object, db.True()); err != nil {
				return err
			}
		}
		if s.Before || s.After {
			if err := t.areas(ctx, &s, was, would); err != nil {
				return err
			}
		}
		e.Objects = append(e.Objects, s)
	}
	return nil
}

// areas tells how much of each area of an object limits leave, before and after.
func (t *trial) areas(ctx context.Context, s *Seen, was, would side) error {
	for _, area := range policy.Areas() {
		if (area == "application") != strings.HasPrefix(s.Object, "application/") {
			continue
		}
		before, err := t.level(ctx, was, s.Object, area, s.Before)
		if err != nil {
			return err
		}
		after, err := t.level(ctx, would, s.Object, area, s.After)
		if err != nil {
			return err
		}
		s.Areas = append(s.Areas, Area{area, before, after})
	}
	return nil
}

// level is the lowest level of the limits that hold for an object; nothing of what
// is not seen.
func (t *trial) level(ctx context.Context, on side, object, area string, seen bool) (string, error) {
	if !seen {
		return "none", nil
	}
	lowest := policy.Full
	for _, l := range on.subject.Limits(area) {
		if l.Allows() >= lowest {
			continue
		}
		holds := l.Rule == nil // a restriction that no longer compiles hides everything
		if !holds {
			var err error
			if holds, err = t.c.Shows(ctx, on.scope, object, l.Rule.SQL(t.c.Today)); err != nil {
				return "", err
			}
		}
		if holds {
			lowest = l.Allows()
		}
	}
	if area == policy.Summary {
		lowest = max(lowest, policy.View) // what is seen in spite of such a limit is lent
	}
	return []string{"none", "view", "full"}[lowest], nil
}
