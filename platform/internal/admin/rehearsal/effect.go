package rehearsal

import (
	"context"
	"net/netip"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
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

// effect tells what the change means to one person.
func (t *trial) effect(ctx context.Context, u id.User) (*Effect, error) {
	is, err := t.c.Policy.Subject(ctx, t.c.Tx, u, "")
	if err != nil {
		return nil, err
	}
	as, err := t.after.Subject(ctx, t.c.Tx, u, "")
	if err != nil {
		return nil, err
	}
	e := &Effect{User: u, Name: is.Name, Decisions: []Decided{}, Objects: []Seen{}, LockedOut: []string{}}
	addresses, err := lately(ctx, t.c, u)
	if err != nil {
		return nil, err
	}
	for _, a := range addresses {
		if t.passes(t.c.Policy, is, a) && !t.passes(t.after, as, a) {
			e.LockedOut = append(e.LockedOut, a.String())
		}
	}
	if t.in.IPRule == nil || len(t.in.Operations) > 0 {
		t.decide(e, is, as, addresses)
	}
	was, would := gate.ScopeFor(t.c, is), gate.ScopeFor(t.c, as)
	if e.LoansBefore, err = t.loans(ctx, was); err != nil {
		return nil, err
	}
	if e.LoansAfter, err = t.loans(ctx, would); err != nil {
		return nil, err
	}
	return e, t.look(ctx, e, was, would)
}

// decide asks about each operation, from where the person called last.
func (t *trial) decide(e *Effect, is, as *policy.Subject, addresses []netip.Addr) {
	q := access.Query{Address: t.c.Request.Address.Chosen, At: t.c.At, FactorAt: t.c.At, ProvedAt: t.c.At}
	if len(addresses) > 0 {
		q.Address = addresses[0]
	}
	for _, m := range t.operations {
		for _, ch := range []operation.Channel{operation.UI, operation.API} {
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

// lately gives the addresses of a person's open sessions and live keys.
func lately(ctx context.Context, c *gate.Call, u id.User) (out []netip.Addr, err error) {
	sessions, err := identity.SessionsOf(ctx, c.Tx, u)
	if err != nil {
		return nil, err
	}
	keys, err := identity.KeysOf(ctx, c.Tx, u)
	add := func(text string) {
		if a, err := netip.ParseAddr(text); err == nil && !slices.Contains(out, a) {
			out = append(out, a)
		}
	}
	for _, s := range sessions {
		add(s.Address)
	}
	for _, k := range keys {
		if k.RevokedAt == 0 && (k.ExpiresAt == 0 || k.ExpiresAt > c.At) {
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

// look asks for each object that the asker sees whether the person does.
func (t *trial) look(ctx context.Context, e *Effect, was, would gate.Scope) error {
	for _, object := range t.in.Objects {
		mine, err := t.c.Shows(ctx, t.c.Scope, object, db.True())
		if err != nil {
			return err
		}
		s := Seen{Object: object}
		if mine {
			if s.Before, err = t.c.Shows(ctx, was, object, db.True()); err != nil {
				return err
			}
			if s.After, err = t.c.Shows(ctx, would, object, db.True()); err != nil {
				return err
			}
		}
		e.Objects = append(e.Objects, s)
	}
	return nil
}
