package db

import (
	"bytes"
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
)

// Statement is a query with its arguments.
type Statement struct {
	Query string
	Args  []any
}

var errUnforeseen = errors.New("db: a statement that was not foreseen")

// ReadAhead is ReadFirst for a Read whose statements are probably known: list
// begins with the one whose row first receives. On PostgreSQL all of them travel
// in one round trip and see one snapshot; fn then makes its statements as ever,
// and those that are the same, in the same order, find their rows there already.
// If fn makes any other, everything is done again in a transaction of its own:
// first and fn must be fit to run twice.
//
// What fn reads is what it asked for and nothing else, so that a wrong guess
// costs time and never shows anybody anything.
func (d *DB) ReadAhead(ctx context.Context, at int64, list []Statement, first func(scan func(dest ...any) error) error, fn func(context.Context, *Tx) error) error {
	if p, ok := d.back.(*postgres); ok && len(list) > 1 && ctx.Err() == nil {
		if at == 0 {
			at = d.Now()
		}
		if done, err := p.readAhead(ctx, at, list, first, fn); done {
			return err
		}
	}
	return d.ReadFirst(ctx, at, list[0].Query, list[0].Args, first, fn)
}

// foreseen are statements on their way, in order. They run in the implicit
// transaction that a pipeline is, which the pool has made repeatable read.
type foreseen struct {
	results pgx.BatchResults
	list    []pgText
	next    int
	missed  bool
}

// rows gives the rows of a statement if it is on its way; those before it that
// nobody asked for are dropped.
func (f *foreseen) rows(q pgText) (pgx.Rows, error) {
	for f.next < len(f.list) {
		s := &f.list[f.next]
		f.next++
		rows, err := f.results.Query()
		if s.same(q) || err != nil {
			return rows, err
		}
		rows.Close()
	}
	f.missed = true
	return nil, errUnforeseen
}

func (s *pgText) same(q pgText) bool {
	if s.text != q.text || len(s.args) != len(q.args) {
		return false
	}
	for i, a := range s.args {
		switch a := a.(type) {
		case []byte:
			b, ok := q.args[i].([]byte)
			if !ok || !bytes.Equal(a, b) {
				return false
			}
		default: // nil, texts and numbers
			if a != q.args[i] {
				return false
			}
		}
	}
	return true
}

// readAhead reports done=false when everything is to be done again in a
// transaction: a statement was not foreseen, or the engine refused one.
func (p *postgres) readAhead(ctx context.Context, at int64, list []Statement, first func(scan func(dest ...any) error) error, fn func(context.Context, *Tx) error) (done bool, err error) {
	f := &foreseen{list: make([]pgText, len(list))}
	b := &pgx.Batch{}
	for i, s := range list {
		n, args, err := p.statement(s.Query, s.Args)
		if err != nil {
			return false, nil
		}
		f.list[i] = pgText{text: n.Text, args: args}
		b.Queue(n.Text, args...)
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return true, p.d.mend(ctx, "begin", err, ctx.Err() == nil)
	}
	f.results = conn.SendBatch(ctx, b)
	t := &Tx{At: at, d: p.d, pg: conn.Conn(), ahead: f}
	defer func() { // also when fn panics
		t.end()
		f.results.Close()
		conn.Release()
	}()
	err = first(func(dest ...any) error { return t.One(ctx, list[0].Query, list[0].Args, dest...) })
	if err == nil {
		err = fn(ctx, t)
	}
	if f.missed || (t.failed != nil && ctx.Err() == nil) {
		return false, nil
	}
	if err == nil {
		err = t.failed
	}
	return true, err
}

// send runs a statement, or finds it among those that are on their way.
func (t *Tx) send(ctx context.Context, q pgText) (pgx.Rows, error) {
	if t.ahead != nil {
		return t.ahead.rows(q)
	}
	return t.pg.Query(ctx, q.text, q.args...)
}
