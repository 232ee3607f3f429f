package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/lendkeep/lendkeep/internal/db/sqlite"
)

var (
	errNested = errors.New("db: a Write inside a Write of the same database would wait for itself")
	errEnded  = errors.New("db: the transaction has ended")
	errOpen   = errors.New("db: close the rows before the next statement")
	errLost   = errors.New("db: the engine gave the transaction up")
)

// Tx is one transaction. At is its one instant, in unix microseconds. A Tx is
// for one goroutine, and ends with the function that received it.
type Tx struct {
	At int64

	d      *DB
	lite   *sqlite.Conn // one of lite and pg is set
	pg     *pgx.Conn
	ahead  *foreseen // statements on their way; nil in a transaction of its own
	last   []last    // travel with COMMIT
	rows   *Rows     // not closed yet
	failed error     // the first error of the engine: nothing can be committed any more
	ended  bool
}

// Engine says which engine runs the transaction.
func (t *Tx) Engine() Engine { return t.d.c.Engine }

// ready says whether a statement may run.
func (t *Tx) ready(ctx context.Context) error {
	switch {
	case t.ended:
		return errEnded
	case t.rows != nil:
		return errOpen
	case t.ahead != nil && t.ahead.missed:
		return errUnforeseen
	case t.failed != nil:
		return fmt.Errorf("db: a statement before this one failed: %w", t.failed)
	}
	return ctx.Err()
}

// alone says whether a statement may run that nobody foresees: writes and
// savepoints.
func (t *Tx) alone(ctx context.Context) error {
	if t.ahead != nil {
		t.ahead.missed = true
	}
	return t.ready(ctx)
}

// fail notes what the engine said and makes it an error for callers.
func (t *Tx) fail(ctx context.Context, query string, err error) error {
	if err == nil || errors.Is(err, sql.ErrNoRows) || errors.Is(err, errUnforeseen) {
		return err
	}
	err = t.d.mend(ctx, query, err, t.pg != nil && t.pg.IsClosed())
	if t.failed == nil {
		t.failed = err
	}
	return err
}

// end closes what fn left open.
func (t *Tx) end() {
	if t.rows != nil {
		t.rows.Close()
	}
	t.ended = true
}

// Exec runs a statement and gives the number of rows that it inserted,
// updated or deleted.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	if err := t.alone(ctx); err != nil {
		return 0, err
	}
	if t.lite != nil {
		n, err := t.lite.Run(ctx, query, args)
		return n, t.fail(ctx, query, err)
	}
	q, err := t.pgQuery(query, args)
	if err != nil {
		return 0, err
	}
	tag, err := t.pg.Exec(ctx, q.text, q.args...)
	if err != nil {
		return 0, t.fail(ctx, query, err)
	}
	if tag.Insert() || tag.Update() || tag.Delete() {
		return tag.RowsAffected(), nil
	}
	return 0, nil
}

// Query runs a statement that gives rows. Close the rows before the next
// statement; reading them to the end closes them too.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	if err := t.ready(ctx); err != nil {
		return nil, err
	}
	r := &Rows{t: t, ctx: ctx, query: query}
	if t.lite != nil {
		st, err := t.lite.Start(query, args)
		if err != nil {
			return nil, t.fail(ctx, query, err)
		}
		r.st = st
	} else {
		q, err := t.pgQuery(query, args)
		if err != nil {
			return nil, err
		}
		rows, err := t.send(ctx, q)
		if err != nil {
			return nil, t.fail(ctx, query, err)
		}
		r.pg = rows
	}
	t.rows = r
	return r, nil
}

// One scans the first row of a query; sql.ErrNoRows when there is none.
func (t *Tx) One(ctx context.Context, query string, args []any, dest ...any) error {
	if err := t.ready(ctx); err != nil {
		return err
	}
	if t.lite != nil {
		return t.liteOne(ctx, query, args, dest)
	}
	q, err := t.pgQuery(query, args)
	if err != nil {
		return err
	}
	rows, err := t.send(ctx, q)
	if err != nil {
		return t.fail(ctx, query, err)
	}
	return t.pgOne(ctx, query, rows, dest)
}

// Bulk runs the same statement once for each of rows, in order: on SQLite
// prepared once, on PostgreSQL without waiting between rows.
func (t *Tx) Bulk(ctx context.Context, query string, rows [][]any) error {
	if err := t.alone(ctx); err != nil {
		return err
	}
	if t.lite == nil {
		return t.pgBulk(ctx, query, rows)
	}
	for _, args := range rows {
		if err := ctx.Err(); err != nil {
			return err
		}
		if _, err := t.lite.Run(ctx, query, args); err != nil {
			return t.fail(ctx, query, err)
		}
	}
	return nil
}

// Attempt runs fn behind a savepoint: if fn fails, what it wrote is undone and
// the transaction goes on as if fn had not been. fn's error is returned.
func (t *Tx) Attempt(ctx context.Context, fn func(context.Context) error) error {
	if err := t.alone(ctx); err != nil {
		return err
	}
	if err := t.control(ctx, "SAVEPOINT attempt"); err != nil {
		return t.fail(ctx, "SAVEPOINT", err)
	}
	err := fn(ctx)
	if t.rows != nil {
		t.rows.Close()
	}
	if err == nil && t.failed == nil {
		return t.fail(ctx, "RELEASE", t.control(ctx, "RELEASE SAVEPOINT attempt"))
	}
	if err == nil {
		err = t.failed
	}
	back := t.control(ctx, "ROLLBACK TO SAVEPOINT attempt")
	if back == nil {
		back = t.control(ctx, "RELEASE SAVEPOINT attempt")
	}
	if back != nil {
		t.failed = t.d.mend(ctx, "ROLLBACK TO", back, t.pg != nil && t.pg.IsClosed())
		return errors.Join(err, t.failed)
	}
	t.failed = nil
	return err
}

// control runs a statement of transaction control, which callers may not.
func (t *Tx) control(ctx context.Context, query string) error {
	if t.lite != nil {
		return t.lite.Control(query)
	}
	return t.pg.PgConn().Exec(ctx, query).Close()
}

// Rows are the rows of a query.
type Rows struct {
	t     *Tx
	ctx   context.Context
	query string
	st    *sqlite.Stmt
	pg    pgx.Rows
	err   error
}

// Next goes to the next row; false at the end or after an error.
func (r *Rows) Next() bool {
	if r.t.rows != r {
		return false
	}
	var err error
	if r.pg != nil {
		if r.pg.Next() {
			return true
		}
		err = r.pg.Err()
	} else {
		var more bool
		if more, err = r.st.Step(r.ctx); more {
			return true
		}
	}
	r.release()
	r.err = r.t.fail(r.ctx, r.query, err)
	return false
}

// Scan copies the row's columns into dest.
func (r *Rows) Scan(dest ...any) error {
	if r.t.rows != r {
		return errors.New("db: Scan without a row")
	}
	if r.pg != nil {
		return r.pg.Scan(pgDest(dest)...)
	}
	return r.st.Scan(dest)
}

// Err gives the error that ended the rows, if any.
func (r *Rows) Err() error { return r.err }

// Close releases the rows. It may be called again.
func (r *Rows) Close() error {
	if r.t.rows == r {
		r.release()
	}
	return nil
}

func (r *Rows) release() {
	r.t.rows = nil
	if r.pg != nil {
		r.pg.Close()
	} else {
		r.st.Release()
	}
}

// All maps every row of a query through scan.
func All[T any](ctx context.Context, t *Tx, scan func(*Rows) (T, error), query string, args ...any) ([]T, error) {
	rows, err := t.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		v, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, nil
}
