// Package group lets callers that wait at the same time share one commit: sixteen
// readers pay for one entry's.
//
// It must not know what is written; whoever makes a Group says how.
package group

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// Group lets callers that wait at the same time share one transaction. There is
// no goroutine behind it: the first caller writes for all who came while the
// one before was writing, then hands the lead to the next.
//
//	idle ─ join → leading ─ batch written, queue empty → idle
//	                 └──── batch written, queue waits → its first caller leads
type Group[T any] struct {
	Write func(context.Context, []T) error // in one transaction, all or nothing
	Limit int                              // callers that may wait at once

	mu    sync.Mutex // guards queue, busy and every waiter's lead
	queue []*waiter[T]
	busy  bool
}

type waiter[T any] struct {
	row  T
	lead bool          // this caller was asked to lead
	said chan struct{} // closed when lead is set or err is final
	err  error
}

// batchRows bounds one shared transaction.
const batchRows = 256

// writeTime bounds one shared transaction; callers who leave cannot stop it.
const writeTime = 10 * time.Second

// Join returns after the commit of row, or with an error that means: not written.
func (g *Group[T]) Join(ctx context.Context, row T) error {
	w := &waiter[T]{row: row, said: make(chan struct{})}
	g.mu.Lock()
	if len(g.queue) >= g.Limit {
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
func (g *Group[T]) withdraw(w *waiter[T]) bool {
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
func (g *Group[T]) leads(ctx context.Context, w *waiter[T]) error {
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
func (g *Group[T]) handOn(batch []*waiter[T]) {
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

func (g *Group[T]) writeAll(ctx context.Context, batch []*waiter[T]) {
	rows := make([]T, len(batch))
	for i, w := range batch {
		w.err = unwritten() // stays if write panics
		rows[i] = w.row
	}
	err := g.Write(ctx, rows)
	var own *Alone
	one := errors.As(err, &own) && len(batch) > 1
	for _, w := range batch {
		w.err = err
		if one {
			w.err = g.Write(ctx, []T{w.row}) // nothing was committed: each tries alone
		}
	}
}

// Alone is the error of a Write that one of its rows brought about. It undid the
// transaction, so that nothing of the batch is written: each row is tried by itself.
type Alone struct{ Cause error }

func (a *Alone) Error() string { return a.Cause.Error() }

// Unwrap gives the cause.
func (a *Alone) Unwrap() error { return a.Cause }

// unwritten is a new fault each time: whoever answers writes into it.
func unwritten() error {
	return fault.New(fault.Unavailable, "audit_unavailable", "The audit trail cannot be written, so nothing was done. Try again in a moment.")
}
