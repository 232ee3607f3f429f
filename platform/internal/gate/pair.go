package gate

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate/hands"
	"github.com/lendkeep/lendkeep/platform/internal/gate/pending"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

var errRehearsed = errors.New("rehearsed: nothing is kept")

// paired answers a call that was decided before four eyes were asked for.
func paired() error {
	return fault.New(fault.Conflict, "four_eyes_needed", "A second person must approve this by now; send it again to propose it.")
}

// propose turns a call that needs four eyes into a proposal. The operation is
// rehearsed in a transaction that is given up, which proves that it could be
// done and tells what it would change. A call that was made before under its
// Idempotency-Key is answered as it was then.
func (g *Gate) propose(ctx context.Context, c *Call, w *work) (any, error) {
	c.pending = false
	out, difference, err := g.rehearse(ctx, c, w)
	if err != nil {
		return nil, err
	}
	if difference == nil {
		return w.answer(c, out)
	}
	p := &policy.Proposal{ID: id.New[id.Proposal](c.At), Operation: w.meta.Name, Object: c.Request.object, Reason: c.entry.Given, State: policy.ProposalOpen,
		ProposedBy: c.Who.User, ProposedAt: c.At, EndsAt: c.At + policy.ProposalLife}
	if err := pending.Seal(c.Tenant.Ring, p, w.in, difference); err != nil {
		return nil, err
	}
	var now identity.Credential
	entry, q := *c.entry, c.Request.query()
	entry.Object, entry.Changes = c.Request.object, nil // nothing was changed or made
	err = c.Tenant.DB.WriteFirst(ctx, c.At, false, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		now, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) (err error) {
		*c.entry, c.Tx = entry, tx
		if !now.Found || now.Version != c.Policy.Version {
			return paired() // somebody changed access meanwhile: look again
		}
		var found bool
		if out, found, err = g.repeated(ctx, c, w); err != nil || found {
			return err
		}
		if err := policy.InsertProposal(ctx, tx, p); err != nil {
			return err
		}
		if err := g.keep(ctx, c, w, proposalNoun+string(p.ID), nil); err != nil {
			return err
		}
		out = awaits(c, p.ID)
		return c.Tenant.Trail.Record(ctx, tx, c.entry)
	})
	c.Tx = nil
	if err != nil {
		return nil, err
	}
	return w.answer(c, out)
}

// awaits is the answer, and makes the entry, of a call that waits for a second
// person as a proposal.
func awaits(c *Call, p id.Proposal) *proposed {
	f := fault.New(fault.Proposed, access.FourEyesNeeded.String(), "A second person must approve this; until then nothing is changed.")
	f.Proposal, f.DecisionID = string(p), string(newDecision(c.At))
	e := c.entry
	e.Outcome, e.Layer, e.Reason, e.DecisionID = operation.Denied, access.FourEyes.String(), f.Reason, id.Decision(f.DecisionID)
	c.Detail("proposal", f.Proposal)
	return &proposed{f}
}

// proposed carries the answer of a call that became a proposal; its entry has
// been written.
type proposed struct{ fault *fault.Error }

func (p *proposed) Error() string { return p.fault.Error() }
func (p *proposed) Unwrap() error { return p.fault }

// rehearse runs the operation in a transaction that is given up, and gives what
// it would have changed; nil, and the answer, of a call that was made before.
func (g *Gate) rehearse(ctx context.Context, c *Call, w *work) (out any, difference *pending.Effect, err error) {
	entry, found := *c.entry, false
	difference = new(pending.Effect)
	var now identity.Credential
	q := c.Request.query()
	err = c.Tenant.DB.WriteFirst(ctx, c.At, w.meta.Bumps, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		now, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) (err error) {
		*c.entry = entry
		c.Tx, c.Outside = tx, nil // neither is there when it is carried out
		if err := g.know(ctx, tx, c, now); err != nil {
			return err
		}
		if err := g.admit(c, w.meta, c.entry.Object); err != nil {
			return err
		}
		c.setScope()
		if err := g.limit(ctx, c, w.meta); err != nil {
			return err
		}
		if out, found, err = g.repeated(ctx, c, w); err != nil || found {
			return err
		}
		if difference.Revision, err = pending.Revision(ctx, c.Tx, c.entry.Object); err != nil {
			return err
		}
		if _, err = w.run(ctx, c); err != nil {
			return err
		}
		difference.Changes = c.entry.Changes
		return errRehearsed
	})
	c.Tx, c.after, c.refused, c.pending = nil, nil, nil, false
	if errors.Is(err, errRehearsed) {
		return nil, difference, nil
	}
	return out, nil, err
}

// Difference opens what a proposal would change.
func (c *Call) Difference(p *policy.Proposal) ([]audit.Change, error) {
	e, err := pending.Open(c.Tenant.Ring, p)
	return e.Changes, err
}

// Carry does what a proposal asked for, within the call that approves it. The
// gate is asked again about both persons, on the same version of the object: if
// it would change something else by now, the answer is a conflict. The entry of
// the operation itself is written beside that of the approval. It gives what was
// changed, or made.
func (g *Gate) Carry(ctx context.Context, c *Call, p *policy.Proposal) (object string, err error) {
	e := g.byName[p.Operation]
	if e == nil {
		return "", fault.New(fault.Conflict, "operation_gone", "This operation does not exist any more; reject the proposal.")
	}
	m := e.Meta()
	if err := hands.Apart(ctx, c.Tx, c.Tenant.Trail, g.acts, p, c.Who.User, c.Who.APIKey); err != nil {
		return "", err
	}
	if err := g.stillMay(ctx, c, m, p); err != nil {
		return "", err
	}
	want, err := pending.Open(c.Tenant.Ring, p)
	if err != nil {
		return "", err
	}
	now, err := pending.Revision(ctx, c.Tx, p.Object)
	if err != nil {
		return "", err
	}
	input, err := pending.Input(c.Tenant.Ring, p)
	if err != nil {
		return "", err
	}
	do := *c
	do.meta, do.entry, do.after = m, newEntry(c.Request, m), nil
	do.entry.Actor, do.entry.ActorName, do.entry.Credential, do.entry.PolicyVersion = c.entry.Actor, c.entry.ActorName, c.entry.Credential, c.entry.PolicyVersion
	do.entry.Object, do.entry.For = p.Object, "user/"+string(p.ProposedBy)
	do.Detail("proposal", string(p.ID))
	if err := g.limit(ctx, &do, m); err != nil {
		return "", err
	}
	if err := e.carry(ctx, &do, input); err != nil {
		return "", err
	}
	if do.refused != nil {
		return "", do.refused
	}
	if !want.Meets(pending.Effect{Revision: now, Changes: do.entry.Changes}) {
		return "", fault.New(fault.Conflict, "object_moved", "The object has changed since this was proposed; have it proposed again.")
	}
	c.after = append(c.after, do.after...)
	do.entry.Outcome = operation.Allowed
	return do.entry.Object, c.Tenant.Trail.Record(ctx, c.Tx, do.entry)
}

// stillMay asks about the approver, as for a call of their own, and about the
// proposer: whether they are still active, hold the operation and see the object.
func (g *Gate) stillMay(ctx context.Context, c *Call, m *Meta, p *policy.Proposal) error {
	if d := g.decide(c, m, p.Object); !d.Allowed {
		return &refusal{fault: g.denial(c, d), known: true}
	}
	s, err := c.Policy.Subject(ctx, c.Tx, p.ProposedBy, "")
	if err != nil {
		return err
	}
	lost := fault.New(fault.Conflict, "proposer_may_not", "Whoever proposed this may not do it any more; reject the proposal.")
	if !s.Active || !s.Role.Rights.UI.Has(m.Number) && !s.Role.Rights.API.Has(m.Number) {
		return lost
	}
	theirs := scopeOf(s, c.Today)
	for _, sc := range []Scope{c.Scope, theirs} {
		if seen, err := c.Sees(ctx, sc, p.Object); err != nil {
			return err
		} else if !seen {
			return fault.Missing("proposal")
		}
	}
	l, err := c.LimitOf(ctx, s, theirs, m, p.Object)
	if err != nil {
		return err
	}
	if l != nil {
		return lost
	}
	return nil
}

func (o *Op[In, Out]) carry(ctx context.Context, c *Call, packed []byte) error {
	in := new(In)
	if err := shape.Unpack(packed, in); err != nil {
		return err
	}
	_, err := o.Do(ctx, c, in)
	return err
}
