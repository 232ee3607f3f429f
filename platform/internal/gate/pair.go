package gate

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate/hands"
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
// done and tells what it would change.
func (g *Gate) propose(ctx context.Context, c *Call, w *work) error {
	c.pending = false
	difference, err := g.rehearse(ctx, c, w)
	if err != nil {
		return err
	}
	input, err := shape.Pack(w.in)
	if err != nil {
		return err
	}
	changes, err := json.Marshal(difference)
	if err != nil {
		return err
	}
	p := &policy.Proposal{ID: id.New[id.Proposal](c.At), Operation: w.meta.Name, Object: c.Request.object, Reason: c.entry.Given, State: policy.ProposalOpen,
		ProposedBy: c.Who.User, ProposedAt: c.At, EndsAt: c.At + policy.ProposalLife}
	if p.Input, err = c.Tenant.Ring.Seal("proposal", string(p.ID), "input", input); err != nil {
		return err
	}
	if p.Difference, err = c.Tenant.Ring.Seal("proposal", string(p.ID), "difference", changes); err != nil {
		return err
	}
	f := fault.New(fault.Proposed, access.FourEyesNeeded.String(), "A second person must approve this; until then nothing is changed.")
	f.Proposal, f.DecisionID = string(p.ID), string(newDecision(c.At))
	e := c.entry
	e.Outcome, e.Layer, e.Reason, e.DecisionID = operation.Denied, access.FourEyes.String(), f.Reason, id.Decision(f.DecisionID)
	e.Changes = nil
	c.Detail("proposal", string(p.ID))
	var now identity.Credential
	q := c.Request.query()
	err = c.Tenant.DB.WriteFirst(ctx, c.At, false, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		now, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) error {
		if !now.Found || now.Version != c.Policy.Version {
			return paired() // somebody changed access meanwhile: look again
		}
		if err := policy.InsertProposal(ctx, tx, p); err != nil {
			return err
		}
		return c.Tenant.Trail.Record(ctx, tx, e)
	})
	if err != nil {
		return err
	}
	return &proposed{f}
}

// proposed carries the answer of a call that became a proposal; its entry has
// been written.
type proposed struct{ fault *fault.Error }

func (p *proposed) Error() string { return p.fault.Error() }
func (p *proposed) Unwrap() error { return p.fault }

// rehearse runs the operation in a transaction that is given up, and gives what
// it would have changed.
func (g *Gate) rehearse(ctx context.Context, c *Call, w *work) (*effect, error) {
	entry := *c.entry
	difference := new(effect)
	var now identity.Credential
	q := c.Request.query()
	err := c.Tenant.DB.WriteFirst(ctx, c.At, w.meta.Bumps, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		now, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) error {
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
		var err error
		if difference.Revision, err = c.revision(ctx, c.entry.Object); err != nil {
			return err
		}
		if _, err = w.run(ctx, c); err != nil {
			return err
		}
		difference.Changes = c.entry.Changes
		return errRehearsed
	})
	c.Tx, c.after, c.refused, c.pending = nil, nil, nil, false
	if !errors.Is(err, errRehearsed) {
		return nil, err
	}
	return difference, nil
}

// effect is what a proposal would change, and on which version of the object.
type effect struct {
	Revision int64 // of a loan; 0 for what the changes alone tell
	Changes  []audit.Change
}

// Difference opens what a proposal would change.
func (c *Call) Difference(p *policy.Proposal) ([]audit.Change, error) {
	e, err := c.effectOf(p)
	return e.Changes, err
}

func (c *Call) effectOf(p *policy.Proposal) (e effect, err error) {
	b, err := c.Tenant.Ring.Unseal("proposal", string(p.ID), "difference", p.Difference)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(b, &e)
}

// revision is the number that moves with every change of a loan.
func (c *Call) revision(ctx context.Context, object string) (n int64, err error) {
	loan, isLoan := strings.CutPrefix(object, "loan/")
	if !isLoan {
		return 0, nil
	}
	err = c.Tx.One(ctx, `SELECT revision FROM loan WHERE id = ?`, []any{loan}, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // the operation says that it is not there
	}
	return n, err
}

// Carry does what a proposal asked for, within the call that approves it. The
// gate is asked again about both persons, on the same version of the object: if
// it would change something else by now, the answer is a conflict. The entry of
// the operation itself is written beside that of the approval.
func (g *Gate) Carry(ctx context.Context, c *Call, p *policy.Proposal) (any, error) {
	e := g.byName[p.Operation]
	if e == nil {
		return nil, fault.New(fault.Conflict, "operation_gone", "This operation does not exist any more; reject the proposal.")
	}
	m := e.Meta()
	if err := hands.Apart(ctx, c.Tx, c.Tenant.Trail, g.acts, p, c.Who.User, c.Who.APIKey); err != nil {
		return nil, err
	}
	if err := g.stillMay(ctx, c, m, p); err != nil {
		return nil, err
	}
	want, err := c.effectOf(p)
	if err != nil {
		return nil, err
	}
	now, err := c.revision(ctx, p.Object)
	if err != nil {
		return nil, err
	}
	input, err := c.Tenant.Ring.Unseal("proposal", string(p.ID), "input", p.Input)
	if err != nil {
		return nil, err
	}
	do := *c
	do.meta, do.entry, do.after = m, newEntry(c.Request, m), nil
	do.entry.Actor, do.entry.ActorName, do.entry.Credential, do.entry.PolicyVersion = c.entry.Actor, c.entry.ActorName, c.entry.Credential, c.entry.PolicyVersion
	do.entry.Object, do.entry.For = p.Object, "user/"+string(p.ProposedBy)
	do.Detail("proposal", string(p.ID))
	if err := g.limit(ctx, &do, m); err != nil {
		return nil, err
	}
	out, err := e.carry(ctx, &do, input)
	if err != nil {
		return nil, err
	}
	if do.refused != nil {
		return nil, do.refused
	}
	if now != want.Revision || !sameVersion(want.Changes, do.entry.Changes) {
		return nil, fault.New(fault.Conflict, "object_moved", "The object has changed since this was proposed; have it proposed again.")
	}
	c.after = append(c.after, do.after...)
	do.entry.Outcome = operation.Allowed
	return out, c.Tenant.Trail.Record(ctx, c.Tx, do.entry)
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
		if noun := nounOf(p.Object); noun == "loan" || noun == "borrower" || noun == "application" {
			seen, err := c.Shows(ctx, sc, p.Object, db.True())
			if err != nil {
				return err
			}
			if !seen {
				return fault.Missing("proposal")
			}
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

// sameVersion reports whether a change would still meet what it was proposed on:
// the same fields with the same values before.
func sameVersion(want, got []audit.Change) bool {
	return slices.EqualFunc(want, got, func(a, b audit.Change) bool { return a.Field == b.Field && a.Before == b.Before })
}

func (o *Op[In, Out]) carry(ctx context.Context, c *Call, packed []byte) (any, error) {
	in := new(In)
	if err := shape.Unpack(packed, in); err != nil {
		return nil, err
	}
	return o.Do(ctx, c, in)
}
