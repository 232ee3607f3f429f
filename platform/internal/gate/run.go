package gate

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// work is one call with its types erased.
type work struct {
	meta    *Meta
	in      any
	path    func() error
	body    func() error
	object  func() string
	prepare func(ctx context.Context, c *Call) (any, error)
	outside func(ctx context.Context, prepared any) (any, error)
	do      func(ctx context.Context, c *Call) (any, error)
	decode  func(stored []byte) (any, error) // an idempotent answer, read back
	ahead   func(c *Call) []db.Statement     // what a read will ask for
	pathErr error
	bound   bool  // the input has been read
	badErr  error // what was wrong with it
}

// Run calls an operation for a front: path binds the path parameters and must
// not read the body; body reads and decodes the rest. Either may be nil.
func Run[In, Out any](ctx context.Context, g *Gate, o *Op[In, Out], r *Request, path, body func(*In) error) (*Out, error) {
	in := new(In)
	w := newWork(o, in)
	if path != nil {
		w.path = func() error { return path(in) }
	}
	if body != nil {
		w.body = func() error { return body(in) }
	}
	out, err := g.run(ctx, r, w)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

func newWork[In, Out any](o *Op[In, Out], in *In) *work {
	w := &work{meta: o.meta, in: in, do: func(ctx context.Context, c *Call) (any, error) { return o.Do(ctx, c, in) }, decode: decodeAs[Out]}
	if o.Object != nil {
		w.object = func() string { return o.Object(in) }
	}
	if o.Prepare != nil {
		w.prepare = func(ctx context.Context, c *Call) (any, error) { return o.Prepare(ctx, c, in) }
	}
	if o.Ahead != nil {
		w.ahead = func(c *Call) []db.Statement { return o.Ahead(c, in) }
	}
	if o.Outside != nil {
		w.outside = func(ctx context.Context, prepared any) (any, error) { return o.Outside(ctx, in, prepared) }
	}
	return w
}

func (g *Gate) run(ctx context.Context, r *Request, w *work) (any, error) {
	if w.meta == nil {
		return nil, errors.New("gate: the operation is not in the list")
	}
	c := g.newCall(r, w.meta)
	if r.Tenant == nil {
		return nil, g.refuse(ctx, c, &refusal{fault: unknownCaller(r)})
	}
	if f := g.throttleAddress(r); f != nil {
		return nil, g.refuse(ctx, c, &refusal{fault: f})
	}
	if w.path != nil {
		w.pathErr = w.path()
	}
	if w.object != nil && w.pathErr == nil {
		c.entry.Object = w.object()
	}
	r.object = c.entry.Object
	var out any
	var err error
	if w.meta.Kind == operation.Read && w.outside == nil {
		out, err = g.read(ctx, c, w)
	} else {
		out, err = g.write(ctx, c, w)
	}
	return g.finish(ctx, c, out, err)
}

// run calls the operation. A panic of it is a defect of ours: it ends as a
// failure like any other, with its entry, and its words go to the log alone.
func (w *work) run(ctx context.Context, c *Call) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			out, err = nil, fmt.Errorf("operation %s panicked: %v\n%s", w.meta.Name, p, debug.Stack())
		}
	}()
	return w.do(ctx, c)
}

// input decodes and checks, once, what the permission has already been granted
// for.
func (w *work) input() error {
	if !w.bound {
		w.bound, w.badErr = true, w.read()
	}
	return w.badErr
}

func (w *work) read() error {
	if w.pathErr != nil {
		return w.pathErr
	}
	if w.body != nil {
		if err := w.body(); err != nil {
			return err
		}
	}
	return w.meta.texts.Check(w.in)
}

// read runs a read in one snapshot whose first statement finds the caller. The
// rest of it may run twice: see db.ReadAhead.
func (g *Gate) read(ctx context.Context, c *Call, w *work) (any, error) {
	var cred identity.Credential
	var out any
	q, entry := c.Request.query(), *c.entry
	list := append([]db.Statement{{Query: q.SQL, Args: q.Args}}, g.foresee(c, w, q)...)
	err := c.Tenant.DB.ReadAhead(ctx, c.At, list, func(scan func(...any) error) (err error) {
		cred, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) (err error) {
		*c.entry, c.after, c.refused, c.Tx = entry, nil, nil, tx
		if err := g.know(ctx, tx, c, cred); err != nil {
			return err
		}
		if err := g.admit(c, w.meta, c.entry.Object); err != nil {
			return err
		}
		if err := w.input(); err != nil {
			return err
		}
		c.setScope()
		if err := g.limit(ctx, c, w.meta); err != nil {
			return err
		}
		out, err = w.run(ctx, c)
		return err
	})
	c.Tx = nil
	if err == nil {
		g.remember(c, w, q, cred)
		w.meta.seal.Apply(out, c.Visibility())
		c.touched = c.toTouch(cred)
	}
	return out, err
}

// write decides in a snapshot, reads the input outside any transaction, and
// runs the operation in one transaction that reads credential and version
// again, and decides again if either moved.
func (g *Gate) write(ctx context.Context, c *Call, w *work) (any, error) {
	cred, err := g.snapshot(ctx, c, w, nil)
	if err != nil {
		return nil, err
	}
	if err := w.input(); err != nil {
		return nil, err
	}
	if w.prepare != nil {
		if err := g.callOut(ctx, c, w); err != nil {
			return nil, err
		}
	} else if w.outside != nil {
		if c.Outside, err = w.outside(ctx, nil); err != nil {
			return nil, err
		}
	}
	touch := c.toTouch(cred)
	if w.meta.Kind == operation.Read {
		c.touched = touch
		var out any
		_, err := g.snapshot(ctx, c, w, func(ctx context.Context) (err error) { out, err = w.run(ctx, c); return err })
		return out, err
	}
	if c.pending {
		return g.propose(ctx, c, w)
	}
	return g.commit(ctx, c, w, cred, touch)
}

// snapshot reads who calls and decides; then, if given, does more in the same
// snapshot.
func (g *Gate) snapshot(ctx context.Context, c *Call, w *work, more func(context.Context) error) (identity.Credential, error) {
	var cred identity.Credential
	q := c.Request.query()
	err := c.Tenant.DB.ReadFirst(ctx, c.At, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		cred, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) error {
		c.Tx = tx
		if err := g.know(ctx, tx, c, cred); err != nil {
			return err
		}
		if err := g.admit(c, w.meta, c.entry.Object); err != nil {
			return err
		}
		c.setScope()
		if more == nil {
			return nil
		}
		if err := g.limit(ctx, c, w.meta); err != nil {
			return err
		}
		return more(ctx)
	})
	c.Tx = nil
	return cred, err
}

// callOut prepares in a snapshot and then works with no transaction open.
func (g *Gate) callOut(ctx context.Context, c *Call, w *work) error {
	var prepared any
	_, err := g.snapshot(ctx, c, w, func(ctx context.Context) (err error) {
		prepared, err = w.prepare(ctx, c)
		return err
	})
	if err != nil || w.outside == nil {
		c.Outside = prepared
		return err
	}
	c.Outside, err = w.outside(ctx, prepared)
	return err
}

// commit is the one transaction of a write: effect and entry, or neither.
func (g *Gate) commit(ctx context.Context, c *Call, w *work, before identity.Credential, touch []func(context.Context, *db.Tx) error) (any, error) {
	var out any
	var now identity.Credential
	entry, q := *c.entry, c.Request.query()
	err := c.Tenant.DB.WriteFirst(ctx, c.At, w.meta.Bumps, q.SQL, q.Args, func(scan func(...any) error) (err error) {
		now, err = q.Scan(scan)
		return err
	}, func(ctx context.Context, tx *db.Tx) error {
		*c.entry = entry // a retried transaction begins with a clean entry
		c.Tx, c.after, c.refused = tx, nil, nil
		if err := g.again(ctx, tx, c, w.meta, before, now); err != nil {
			return err
		}
		if c.pending {
			return paired() // four eyes were switched on meanwhile
		}
		c.setScope()
		err := g.limit(ctx, c, w.meta)
		if err != nil {
			return err
		}
		for _, f := range touch {
			if err := f(ctx, tx); err != nil {
				return err
			}
		}
		var found bool
		if out, found, err = g.repeated(ctx, c, w); err != nil || found {
			return err
		}
		if out, err = w.run(ctx, c); err != nil {
			return err
		}
		return g.seal(ctx, c, w, out)
	})
	c.Tx = nil
	if err != nil {
		return nil, err
	}
	return w.answer(c, out)
}

// answer gives the output as far as the caller may see it, or the proposal as
// which the call waits.
func (w *work) answer(c *Call, out any) (any, error) {
	if waits, ok := out.(*proposed); ok {
		return nil, waits
	}
	w.meta.seal.Apply(out, c.Visibility())
	return out, nil
}

// again decides anew if credential or version, read in the write's own
// transaction, are not what they were.
func (g *Gate) again(ctx context.Context, tx *db.Tx, c *Call, m *Meta, before, now identity.Credential) error {
	if now.Version == before.Version && now.Found == before.Found && now.TenantActive == before.TenantActive && now.ViewAs == before.ViewAs {
		return nil
	}
	if err := g.know(ctx, tx, c, now); err != nil {
		return err
	}
	return g.admit(c, m, c.entry.Object)
}

// seal ends a write: the answer kept for an idempotent call, the version
// bumped by a change of access, and the entry.
func (g *Gate) seal(ctx context.Context, c *Call, w *work, out any) error {
	if c.refused == nil {
		if err := g.keep(ctx, c, w, c.entry.Object, out); err != nil {
			return err
		}
	}
	if w.meta.Bumps {
		if err := bump(ctx, c); err != nil {
			return err
		}
	}
	c.entry.Outcome = operation.Allowed
	if c.refused != nil {
		c.entry.Outcome, c.entry.Reason = operation.Denied, c.refused.Reason
		c.entry.DecisionID = newDecision(c.At)
		c.refused.DecisionID = string(c.entry.DecisionID)
	}
	return c.Tenant.Trail.Record(ctx, c.Tx, c.entry)
}

// finish writes the entry of whatever did not commit one itself, and answers.
func (g *Gate) finish(ctx context.Context, c *Call, out any, err error) (any, error) {
	var denied *refusal
	var waits *proposed
	switch {
	case errors.As(err, &waits):
		return nil, waits.fault
	case errors.As(err, &denied):
		return nil, g.refuse(ctx, c, denied)
	case err != nil:
		return nil, g.failed(ctx, c, err)
	case c.meta.Kind == operation.Read:
		c.entry.Outcome = operation.Allowed
		if err := c.Tenant.Trail.Join(ctx, c.entry, c.touched...); err != nil {
			return nil, fmt.Errorf("recording a read: %w", err)
		}
	}
	for _, f := range c.after {
		f()
	}
	if c.refused != nil {
		return nil, c.refused
	}
	return out, nil
}

// failed records a call that was permitted and came to nothing.
func (g *Gate) failed(ctx context.Context, c *Call, err error) error {
	f := fault.As(err)
	if f.Kind == fault.Internal && ctx.Err() == nil {
		g.log.Error("operation failed", "operation", c.meta.Name, "error", err)
	}
	if f.Kind == fault.Unavailable || ctx.Err() != nil {
		return c.Tenant.Trail.Lost(err) // there is nowhere to write to, or nobody to answer
	}
	c.entry.Outcome, c.entry.Reason, c.entry.Changes = operation.Failed, f.Reason, nil
	shape.Incident(f, c.Detail)
	if f.Kind == fault.NotFound || f.Kind == fault.Denied { // a desk's own refusal is explained like any other
		c.entry.DecisionID = newDecision(c.At)
		f.DecisionID = string(c.entry.DecisionID)
	}
	if c.entry.Actor == "" {
		c.entry.Actor = c.Who.String()
	}
	if e := g.join(ctx, c); e != nil {
		return fmt.Errorf("recording a failure: %w", e)
	}
	return f
}

// join writes the entry of a call that has no transaction of its own: known
// callers get an entry each, unknown ones share one a minute.
func (g *Gate) join(ctx context.Context, c *Call) error {
	if c.Who.Sort == Nobody {
		return c.Tenant.Trail.Unauthenticated(ctx, c.entry)
	}
	return c.Tenant.Trail.Join(ctx, c.entry)
}
