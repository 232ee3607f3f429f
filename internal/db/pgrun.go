package db

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// also gives the statements that travel with BEGIN: f's, if there is one.
func (p *postgres) also(f *firstRow, before ...pgText) ([]pgText, error) {
	if f == nil {
		return before, nil
	}
	q, args, err := p.statement(f.query, f.args)
	return append(before, pgText{text: q.Text, args: args}), err
}

// first hands the row of the first statement to whoever wants it, and ends the
// round trip.
func (t *Tx) first(ctx context.Context, br pgx.BatchResults, f *firstRow) (err error) {
	defer func() {
		if closing := br.Close(); err == nil {
			err = t.fail(ctx, "BEGIN", closing)
		}
	}()
	if f == nil {
		return nil
	}
	return f.take(func(dest ...any) error {
		rows, err := br.Query()
		if err != nil {
			return t.fail(ctx, f.query, err)
		}
		return t.pgOne(ctx, f.query, rows, dest)
	})
}

func (p *postgres) read(ctx context.Context, at int64, f *firstRow, fn func(context.Context, *Tx) error) error {
	more, err := p.also(f)
	if err != nil {
		return err
	}
	conn, br, err := p.begin(ctx, beginRead, more...)
	if err != nil {
		return err
	}
	t := &Tx{At: at, d: p.d, pg: conn.Conn()}
	defer func() { // also when a function panics
		t.end()
		p.end(ctx, conn, "commit", false)
	}()
	if err := t.first(ctx, br, f); err != nil {
		return err
	}
	if err := fn(ctx, t); err != nil {
		return err
	}
	return t.failed
}

func (p *postgres) write(ctx context.Context, at int64, exclusive bool, f *firstRow, fn func(context.Context, *Tx) error) error {
	lock := lockShared
	if exclusive {
		lock = lockAlone
	}
	more, err := p.also(f, pgText{text: lock, args: []any{int64(versionLock)}})
	if err != nil {
		return err
	}
	conn, br, err := p.begin(ctx, beginWrite, more...)
	if err != nil {
		return err
	}
	t := &Tx{At: at, d: p.d, pg: conn.Conn()}
	how := "rollback"
	defer func() { // also when a function panics or ends its goroutine
		if how == "rollback" {
			t.end()
			p.end(ctx, conn, how, true)
		}
	}()
	if _, err = br.Exec(); err != nil {
		br.Close()
		return p.d.mend(ctx, lock, err, conn.Conn().IsClosed())
	}
	if err = t.first(ctx, br, f); err == nil {
		err = fn(ctx, t)
	}
	if err == nil {
		err = t.failed
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	how = "commit"
	t.end()
	if len(t.last) > 0 {
		return p.commitWith(ctx, conn, t.last)
	}
	return p.end(ctx, conn, how, true)
}

// last is a statement that travels with COMMIT.
type last struct {
	pgText
	word func(error) error // makes its error one for callers
}

// Last runs a statement as the last of the transaction: on PostgreSQL it takes
// no round trip of its own but travels with COMMIT, so that its rows cannot be
// seen by statements before. If it fails nothing is committed, and Write gives
// its error as worded by word.
func (t *Tx) Last(ctx context.Context, word func(error) error, query string, args ...any) error {
	if t.lite != nil {
		if _, err := t.Exec(ctx, query, args...); err != nil {
			return word(err)
		}
		return nil
	}
	if err := t.alone(ctx); err != nil {
		return word(err)
	}
	q, err := t.pgQuery(query, args)
	if err != nil {
		return word(err)
	}
	t.last = append(t.last, last{q, word})
	return nil
}

// commitWith runs the last statements and COMMIT in one round trip.
func (p *postgres) commitWith(ctx context.Context, conn *pgxpool.Conn, list []last) error {
	c := conn.Conn()
	if c.IsClosed() || c.PgConn().TxStatus() != 'T' {
		return p.end(ctx, conn, "commit", true) // which says what is wrong
	}
	b := &pgx.Batch{}
	for _, s := range list {
		b.Queue(s.text, s.args...)
	}
	b.Queue("commit")
	ends, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	br := conn.SendBatch(ends, b)
	for _, s := range list {
		if _, err := br.Exec(); err != nil {
			br.Close()
			err = p.d.mend(ctx, s.text, err, c.IsClosed())
			p.end(ctx, conn, "rollback", true)
			return s.word(err)
		}
	}
	return p.committed(ctx, conn, br)
}

// committed reads the answer to COMMIT, ends the round trip and gives the
// connection back.
func (p *postgres) committed(ctx context.Context, conn *pgxpool.Conn, br pgx.BatchResults) error {
	defer conn.Release() // it drops a connection that is still inside a transaction
	tag, err := br.Exec()
	if closing := br.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return p.d.mend(ctx, "commit", err, conn.Conn().IsClosed())
	}
	if tag.String() != "COMMIT" {
		return p.d.mend(ctx, "commit", errLost, false)
	}
	return nil
}

// WriteAll runs statements in one transaction, as Write would; on PostgreSQL in
// one round trip. When a connection turns out to be dead they are sent again
// on another, and may have run before: they must be such that a second run
// fails or does no harm.
func (d *DB) WriteAll(ctx context.Context, at int64, list []Statement) error {
	if p, ok := d.back.(*postgres); ok && ctx.Err() == nil && ctx.Value(writing{d}) == nil {
		if done, err := p.writeAll(ctx, list); done {
			return err
		}
	}
	return d.Write(ctx, at, func(ctx context.Context, tx *Tx) error {
		for _, s := range list {
			if _, err := tx.Exec(ctx, s.Query, s.Args...); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeAll reports done=false when nothing was heard of the transaction.
func (p *postgres) writeAll(ctx context.Context, list []Statement) (done bool, err error) {
	queries := make([]pgText, 0, len(list)+2)
	queries = append(queries, pgText{text: beginWrite}, pgText{text: lockShared, args: []any{int64(versionLock)}})
	for _, s := range list {
		n, args, err := p.statement(s.Query, s.Args)
		if err != nil {
			return true, err
		}
		queries = append(queries, pgText{text: n.Text, args: args})
	}
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return true, p.d.mend(ctx, "begin", err, ctx.Err() == nil)
	}
	b := &pgx.Batch{}
	for _, q := range queries {
		b.Queue(q.text, q.args...)
	}
	b.Queue("commit")
	ends, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	br := conn.SendBatch(ends, b)
	for i, q := range queries {
		if _, err := br.Exec(); err != nil {
			br.Close()
			lost := conn.Conn().IsClosed()
			if i > 0 || !lost {
				err = p.d.mend(ctx, q.text, err, lost)
			}
			p.end(ctx, conn, "rollback", true)
			return i > 0 || !lost, err
		}
	}
	return true, p.committed(ctx, conn, br)
}
