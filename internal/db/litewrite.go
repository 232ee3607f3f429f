package db

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"

	"github.com/lendkeep/lendkeep/internal/db/sqlite"
)

// A batch is committed when nobody waits any more, or at these bounds.
const (
	batchSize    = 64
	batchAge     = 20 * time.Millisecond
	batchChanges = 5000
)

// writer lets callers take turns on the one connection that writes. Whoever
// has the turn runs its function inside the batch's transaction, behind a
// savepoint, in its own goroutine; then it hands the turn on, and waits until
// the last one of the batch has committed for all.
//
//	idle ──BEGIN IMMEDIATE──▶ first function ──▶ SAVEPOINT, next function ──▶ … ──COMMIT──▶ idle
type writer struct {
	l    *lite
	conn *sqlite.Conn // for whoever has the turn; nil after it broke
	b    *batch       // the same; nil = no transaction is open

	mu     sync.Mutex
	taken  bool            // guarded by mu: somebody has the turn
	queue  []chan struct{} // guarded by mu: who waits for it
	closed bool            // guarded by mu
}

// batch is some functions that share one commit.
type batch struct {
	done    chan struct{} // closed when the outcome is known
	err     error         // the outcome; read after done
	n       int           // functions that succeeded
	begun   time.Time
	changes int64 // TotalChanges at the beginning
}

func (l *lite) write(ctx context.Context, at int64, _ bool, f *firstRow, fn func(context.Context, *Tx) error) error {
	if f == nil {
		return l.w.run(ctx, at, fn)
	}
	return l.w.run(ctx, at, func(ctx context.Context, t *Tx) error {
		err := f.take(func(dest ...any) error { return t.One(ctx, f.query, f.args, dest...) })
		if err != nil {
			return err
		}
		return fn(ctx, t)
	})
}

// run takes a turn, runs fn, hands the turn on and waits for the outcome.
func (w *writer) run(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	if err := w.take(ctx); err != nil {
		return err
	}
	b, err := w.begin(ctx)
	if err != nil {
		w.hand()
		return err
	}
	t := &Tx{At: at, d: w.l.d, lite: w.conn}
	returned := false
	defer func() {
		if !returned { // fn panicked or ended its goroutine: nobody else must feel it
			t.end()
			w.undo(b)
			w.hand()
		}
	}()
	err = fn(ctx, t)
	returned = true
	t.end()
	if err == nil {
		err = w.accept(ctx, t)
	}
	if err != nil {
		w.undo(b)
		alone := b.n == 0
		w.hand()
		if !alone { // fn may have failed because of what it saw of the others: then their fate is its fate
			<-b.done
			if b.err != nil {
				return b.err
			}
		}
		return err
	}
	b.n++
	w.hand()
	<-b.done
	return b.err
}

// take waits for the turn.
func (w *writer) take(ctx context.Context) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return errClosed()
	}
	if !w.taken {
		w.taken = true
		w.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	w.queue = append(w.queue, turn)
	w.mu.Unlock()
	select {
	case <-turn:
		if err := ctx.Err(); err != nil {
			w.hand()
			return err
		}
		return nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	for i, q := range w.queue {
		if q == turn {
			w.queue = append(w.queue[:i], w.queue[i+1:]...)
			w.mu.Unlock()
			return ctx.Err()
		}
	}
	w.mu.Unlock()
	w.hand() // the turn came at the same moment
	return ctx.Err()
}

// hand gives the turn to the next in the queue. It commits before that if the
// batch is big or old enough, or if nobody waits.
func (w *writer) hand() {
	if w.full() {
		w.commit()
	}
	for {
		w.mu.Lock()
		if len(w.queue) > 0 {
			turn := w.queue[0]
			w.queue = w.queue[1:]
			w.mu.Unlock()
			close(turn)
			return
		}
		if w.b == nil {
			w.taken = false
			w.mu.Unlock()
			return
		}
		w.mu.Unlock()
		w.commit()
	}
}

func (w *writer) full() bool {
	return w.b != nil && (w.b.n >= batchSize || w.l.d.c.Now().Sub(w.b.begun) >= batchAge ||
		w.conn.Changed()-w.b.changes >= batchChanges)
}

// begin opens the batch's transaction, or a savepoint in it.
func (w *writer) begin(ctx context.Context) (*batch, error) {
	if w.b != nil {
		b := w.b
		if err := w.conn.Control("SAVEPOINT turn"); err != nil {
			w.lose(w.l.d.mend(ctx, "SAVEPOINT", err, false))
			return nil, b.err
		}
		return b, nil
	}
	if w.conn == nil {
		c, err := w.l.connect(ctx, w.l.readers.File(), false)
		if err != nil {
			return nil, err
		}
		w.conn = c
	}
	if err := w.conn.Control("BEGIN IMMEDIATE"); err != nil {
		return nil, w.l.d.mend(ctx, "BEGIN", err, false)
	}
	w.b = &batch{done: make(chan struct{}), begun: w.l.d.c.Now(), changes: w.conn.Changed()}
	return w.b, nil
}

// accept makes a function's writes part of the batch, if they may be.
func (w *writer) accept(ctx context.Context, t *Tx) error {
	if t.failed != nil {
		return t.failed
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !w.conn.Open() {
		return w.l.d.mend(ctx, "COMMIT", errLost, false)
	}
	// A deferred reference that is still broken would fail the commit of all.
	broken, err := w.conn.Broken()
	if err != nil {
		return err
	}
	if broken {
		return w.l.d.mend(ctx, "COMMIT", sqlite3.CONSTRAINT_FOREIGNKEY, false)
	}
	if w.b.n == 0 {
		return nil
	}
	return w.l.d.mend(ctx, "RELEASE", w.conn.Control("RELEASE SAVEPOINT turn"), false)
}

// undo takes back what a function wrote, and nothing else.
func (w *writer) undo(b *batch) {
	if w.b != b || w.conn == nil {
		return
	}
	if !w.conn.Open() { // the engine has rolled everything back by itself
		w.lose(errLostBatch())
		return
	}
	if b.n == 0 {
		err := w.conn.Control("ROLLBACK")
		w.b = nil
		if err != nil && w.conn.Open() {
			w.drop()
		}
		return
	}
	err := w.conn.Control("ROLLBACK TO SAVEPOINT turn")
	if err == nil {
		err = w.conn.Control("RELEASE SAVEPOINT turn")
	}
	if err != nil {
		w.lose(errors.Join(errLostBatch(), err))
	}
}

// commit ends the batch and tells its functions the outcome.
func (w *writer) commit() {
	b := w.b
	if b == nil {
		return
	}
	err := errLost
	if w.conn.Open() {
		err = w.conn.Control("COMMIT")
	}
	if err != nil {
		w.lose(w.l.d.mend(context.Background(), "COMMIT", err, false))
		return
	}
	w.b = nil
	close(b.done)
}

// lose gives a batch up: none of its functions is acknowledged.
func (w *writer) lose(err error) {
	b := w.b
	w.b = nil
	if w.conn.Open() && w.conn.Control("ROLLBACK") != nil {
		w.drop()
	}
	b.err = err
	close(b.done)
}

// drop gives a connection up that cannot even roll back.
func (w *writer) drop() {
	_ = w.conn.Close()
	w.conn = nil
}

// shut waits for the writers that came before, and lets nobody in after. It
// reports whether it was the first to be called.
func (w *writer) shut() bool {
	if w.take(context.Background()) != nil {
		return false
	}
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.hand()
	// Whoever was in the queue still gets its turn; take it once more after them.
	w.mu.Lock()
	for w.taken {
		turn := make(chan struct{})
		w.queue = append(w.queue, turn)
		w.mu.Unlock()
		<-turn
		w.hand()
		w.mu.Lock()
	}
	w.mu.Unlock()
	return true
}
