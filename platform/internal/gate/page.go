package gate

import (
	"context"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Page is a batch of reads for one screen: one snapshot, one audit entry that
// lists its operations. Denials inside it get entries of their own.
type Page struct {
	g       *Gate
	c       *Call
	entry   *audit.Entry
	denials []*audit.Entry
}

// Who is the signed-in person.
func (p *Page) Who() Principal { return p.c.Who }

// Call gives the page's call for what fronts need to know: instant, tenant, date.
func (p *Page) Call() *Call { return p.c }

// Can reports whether the person could call an operation on an object now.
func (p *Page) Can(name, object string) bool { return p.c.Can(name, object) }

// Page runs fn in one snapshot. fn calls Look for each read; it must write
// nothing and render nothing: render when Page has returned.
func (g *Gate) Page(ctx context.Context, r *Request, fn func(ctx context.Context, p *Page) error) error {
	c := g.newCall(r, &Meta{Name: "page", Kind: operation.Read})
	if r.Tenant == nil {
		return unknownCaller(r)
	}
	if f := g.throttleAddress(r); f != nil {
		return g.refuse(ctx, c, &refusal{fault: f})
	}
	p := &Page{g: g, c: c, entry: c.entry}
	var cred identity.Credential
	q := r.query()
	err := r.Tenant.DB.ReadFirst(ctx, c.At, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		cred, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) error {
		c.Tx = tx
		if err := g.know(ctx, tx, c, cred); err != nil {
			return err
		}
		if c.Who.Sort == Nobody {
			return unknownCaller(r) // the front sends them to the sign-in page; nothing was looked at
		}
		if f := g.throttle(c); f != nil {
			return &refusal{fault: f, known: true}
		}
		c.setScope()
		return fn(ctx, p)
	})
	c.Tx = nil
	return p.finish(ctx, cred, err)
}

func (p *Page) finish(ctx context.Context, cred identity.Credential, err error) error {
	for _, d := range p.denials {
		if e := p.c.Tenant.Trail.Join(ctx, d); e != nil {
			return fmt.Errorf("recording a denial: %w", e)
		}
	}
	var denied *refusal
	switch {
	case errors.As(err, &denied) && denied.fault.DecisionID == "":
		return p.g.refuse(ctx, p.c, denied)
	case errors.As(err, &denied):
		return denied.fault
	case err != nil:
		p.c.meta = &Meta{Name: p.entry.Operation}
		if p.c.Who.Sort == Nobody {
			return p.c.Tenant.Trail.Lost(err)
		}
		return p.g.failed(ctx, p.c, err)
	}
	if len(p.entry.Operations) > 0 {
		p.entry.Outcome = operation.Allowed
		if err := p.c.Tenant.Trail.Join(ctx, p.entry, p.c.toTouch(cred)...); err != nil {
			return fmt.Errorf("recording a page: %w", err)
		}
	}
	return nil
}

// Look calls a read within a page. A denial is an error of kind Denied with
// its decision id; a page may show the denied state and go on.
func Look[In, Out any](ctx context.Context, p *Page, o *Op[In, Out], in *In) (*Out, error) {
	w := newWork(o, in)
	if w.meta == nil || w.meta.Kind != operation.Read || w.outside != nil {
		return nil, errors.New("gate: a page may only call plain reads of the list")
	}
	// A copy per read: each one's object and details are its own.
	c := *p.c
	c.meta, c.entry = w.meta, newEntry(p.c.Request, w.meta)
	c.entry.Actor, c.entry.ActorName, c.entry.Credential, c.entry.PolicyVersion = p.entry.Actor, p.entry.ActorName, p.entry.Credential, p.entry.PolicyVersion
	c.entry.For = p.entry.For
	if w.object != nil {
		c.entry.Object = w.object()
	}
	d := p.g.decide(&c, w.meta, c.entry.Object)
	if !d.Allowed {
		return nil, p.refused(&c, &refusal{fault: p.g.denial(&c, d), known: true})
	}
	c.entry.Grant = c.lender(d, w.meta, c.entry.Object)
	p.note(&c)
	if err := w.meta.texts.Check(in); err != nil {
		return nil, err
	}
	if err := p.g.limit(ctx, &c, w.meta); err != nil {
		return nil, p.refused(&c, err)
	}
	out, err := o.Do(ctx, &c, in)
	p.absorb(&c) // also of a read that fails: its entry says what was tried
	if err != nil {
		return nil, err
	}
	w.meta.seal.Apply(out, c.Visibility())
	return out, nil
}

// refused keeps a denial within the page for its own entry; other errors pass.
func (p *Page) refused(c *Call, err error) error {
	var r *refusal
	if !errors.As(err, &r) {
		return err
	}
	c.entry.Outcome, c.entry.DecisionID = operation.Denied, newDecision(c.At)
	r.fault.DecisionID = string(c.entry.DecisionID)
	p.denials = append(p.denials, c.entry)
	return r
}

func (p *Page) note(c *Call) {
	if len(p.entry.Operations) == 0 {
		p.entry.Operation = c.meta.Name
	}
	p.entry.Operations = append(p.entry.Operations, c.meta.Name)
	if p.entry.Object == "" {
		p.entry.Object = c.entry.Object
	}
	if p.entry.Grant == "" {
		p.entry.Grant = c.entry.Grant
	}
}

// absorb carries what a read noted into the page's one entry.
func (p *Page) absorb(c *Call) {
	if p.entry.Object == "" {
		p.entry.Object = c.entry.Object
	}
	for k, v := range c.entry.Detail {
		if p.entry.Detail == nil {
			p.entry.Detail = map[string]string{}
		}
		p.entry.Detail[k] = v
	}
}
