package audit

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// group lets callers that wait at the same time share one transaction. There is
// no goroutine behind it: the first caller writes for all who came while the
// one before was writing, then hands the lead to the next.
//
//	idle ─ join → leading ─ batch written, queue empty → idle
//	                 └──── batch written, queue waits → its first caller leads
type group struct {
	write func(context.Context, []*row) error
	limit int

	mu    sync.Mutex // guards queue, busy and every waiter's lead
	queue []*waiter
	busy  bool
}

type waiter struct {
	row  *row
	lead bool          // this caller was asked to lead
	said chan struct{} // closed when lead is set or err is final
	err  error
}

// batchRows bounds one shared transaction.
const batchRows = 256

// writeTime bounds one shared transaction; callers who leave cannot stop it.
const writeTime = 10 * time.Second

// join returns after the commit of r, or with an error that means: not written.
func (g *group) join(ctx context.Context, r *row) error {
	w := &waiter{row: r, said: make(chan struct{})}
	g.mu.Lock()
	if len(g.queue) >= g.limit {
		g.mu.Unlock()
		f := fault.New(fault.Unavailable, "audit_busy", "Too many calls wait for the audit trail. Try again in a moment.")
		f.RetryAfter = time.Second
		return f
	}
	g.queue = append(g.queue, w)
	if !g.busy {
		g.busy, w.lead = true, true
		close(w.said)
	}
	g.mu.Unlock()

	select {
	case <-w.said:
	case <-ctx.Done():
		if g.withdraw(w) {
			return ctx.Err()
		}
		<-w.said // already in a batch, or asked to lead: both end soon
	}
	if !w.lead {
		return w.err
	}
	return g.leads(ctx, w)
}

// withdraw takes a caller who leaves out of the queue, unless it is too late.
func (g *group) withdraw(w *waiter) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.queue, w)
	if i < 0 || w.lead {
		return false
	}
	g.queue = slices.Delete(g.queue, i, i+1)
	return true
}

// leads writes one batch, in which w itself is the first, answers the others
// and hands the lead on.
func (g *group) leads(ctx context.Context, w *waiter) error {
	g.mu.Lock()
	n := min(len(g.queue), batchRows)
	batch := slices.Clone(g.queue[:n])
	g.queue = slices.Delete(g.queue, 0, n)
	g.mu.Unlock()

	defer g.handOn(batch)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writeTime)
	defer cancel()
	g.writeAll(ctx, batch)
	return w.err
}

// handOn answers a batch, even if writing it panicked, and finds the next leader.
func (g *group) handOn(batch []*waiter) {
	for _, w := range batch {
		if !w.lead {
			close(w.said)
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.queue) == 0 {
		g.busy = false
		return
	}
	next := g.queue[0]
	next.lead = true
	close(next.said)
}

func (g *group) writeAll(ctx context.Context, batch []*waiter) {
	rows := make([]*row, len(batch))
	for i, w := range batch {
		w.err = unwritten() // stays if write panics
		rows[i] = w.row
	}
	err := g.write(ctx, rows)
	var own *ownUpdate
	one := errors.As(err, &own) && len(batch) > 1
	for _, w := range batch {
		w.err = err
		if one {
			w.err = g.write(ctx, []*row{w.row}) // nothing was committed: each tries alone
		}
	}
}

// ownUpdate is the error of an update that a caller brought along. It undid the
// transaction, so nothing of the batch is written.
type ownUpdate struct{ cause error }

func (o *ownUpdate) Error() string { return o.cause.Error() }
func (o *ownUpdate) Unwrap() error { return o.cause }

// unwritten is a new fault each time: whoever answers writes into it.
func unwritten() error {
	return fault.New(fault.Unavailable, "audit_unavailable", "The audit trail cannot be written, so nothing was done. Try again in a moment.")
}

// writeBatch commits rows in one transaction of the tenant's database.
func (t *Trail) writeBatch(ctx context.Context, rows []*row) error {
	list := make([]db.Statement, 0, len(rows))
	keyed := slices.Clone(rows)
	// Two nodes must touch the rows of bursts in the same order.
	slices.SortStableFunc(keyed, func(a, b *row) int { return strings.Compare(a.burst, b.burst) })
	brings := false
	for _, r := range keyed {
		s := db.Statement{Query: insertPending, Args: r.args()}
		if r.burst != "" {
			s.Query = insertBurst
		}
		list = append(list, s)
		brings = brings || r.also != nil
	}
	if !brings {
		return t.c.DB.WriteAll(ctx, t.c.DB.Now(), list)
	}
	return t.c.DB.Write(ctx, t.c.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		for _, r := range rows {
			if r.also != nil {
				if err := r.also(ctx, tx); err != nil {
					return &ownUpdate{err}
				}
			}
		}
		for _, s := range list {
			if err := tx.Last(ctx, func(err error) error { return err }, s.Query, s.Args...); err != nil {
				return err
			}
		}
		return nil
	})
}
