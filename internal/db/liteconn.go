package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// keptStatements is how many compiled statements a connection keeps.
const keptStatements = 200

// liteConn is one connection with its compiled statements. One goroutine at a
// time uses it.
type liteConn struct {
	c     *sqlite3.Conn
	kept  map[string]*liteStmt
	ctl   map[string]*sqlite3.Stmt // BEGIN and its like
	clock uint64                   // counts uses, to know which statement is the oldest
}

// liteStmt is a compiled statement.
type liteStmt struct {
	conn     *liteConn
	s        *sqlite3.Stmt
	params   int
	readOnly bool
	used     uint64
}

func newLiteConn(c *sqlite3.Conn) (*liteConn, error) {
	return &liteConn{c: c, kept: map[string]*liteStmt{}, ctl: map[string]*sqlite3.Stmt{}}, nil
}

func (c *liteConn) close() error {
	for _, st := range c.kept {
		st.s.Close()
	}
	for _, s := range c.ctl {
		s.Close()
	}
	return c.c.Close()
}

// control runs a statement of transaction control. It is never interrupted.
func (c *liteConn) control(query string) error {
	c.c.SetInterrupt(context.Background())
	s := c.ctl[query]
	if s == nil {
		var err error
		if s, _, err = c.c.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT); err != nil {
			return err
		}
		c.ctl[query] = s
	}
	return s.Exec()
}

// prepare gives the compiled statement for a query's text.
func (c *liteConn) prepare(query string) (*liteStmt, error) {
	c.clock++
	if st := c.kept[query]; st != nil {
		st.used = c.clock
		return st, nil
	}
	if err := refuseControl(query); err != nil {
		return nil, err
	}
	c.c.SetInterrupt(context.Background())
	s, tail, err := c.c.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	if s == nil || strings.Trim(tail, " \t\r\n;") != "" {
		s.Close()
		return nil, errors.New("db: give one statement at a time")
	}
	if len(c.kept) >= keptStatements {
		c.dropOldest()
	}
	st := &liteStmt{conn: c, s: s, params: s.BindCount(), readOnly: s.ReadOnly(), used: c.clock}
	c.kept[query] = st
	return st, nil
}

func (c *liteConn) dropOldest() {
	var oldest string
	least := c.clock + 1
	for q, st := range c.kept {
		if st.used < least {
			oldest, least = q, st.used
		}
	}
	c.kept[oldest].s.Close()
	delete(c.kept, oldest)
}

// start prepares a statement and binds its arguments.
func (c *liteConn) start(query string, args []any) (*liteStmt, error) {
	st, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if len(args) != st.params {
		return nil, fmt.Errorf("db: the statement has %d marks and %d arguments", st.params, len(args))
	}
	for i, a := range args {
		if err := bind(st.s, i+1, a); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// run executes a statement to its end and gives the rows that it changed.
func (c *liteConn) run(ctx context.Context, query string, args []any) (int64, error) {
	st, err := c.start(query, args)
	if err != nil {
		return 0, err
	}
	before := c.c.TotalChanges()
	for {
		more, err := st.step(ctx)
		if err != nil {
			st.release()
			return 0, err
		}
		if !more {
			break
		}
	}
	st.release()
	if c.c.TotalChanges() == before { // Changes is stale if this statement cannot change rows
		return 0, nil
	}
	return c.c.Changes(), nil
}

// step goes to the next row. A statement that writes is never interrupted:
// SQLite would roll the whole transaction back, and with it the writes of
// others that wait for the same commit.
func (st *liteStmt) step(ctx context.Context) (bool, error) {
	if !st.readOnly {
		ctx = context.Background()
	}
	st.conn.c.SetInterrupt(ctx)
	if st.s.Step() {
		return true, nil
	}
	return false, st.s.Err()
}

func (st *liteStmt) scan(dest []any) error {
	if n := st.s.ColumnCount(); n != len(dest) {
		return fmt.Errorf("db: %d columns for %d destinations", n, len(dest))
	}
	for i, d := range dest {
		if err := scanColumn(st.s, i, d); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// release makes the statement ready for its next use. The error of Reset is
// the one that Step gave already.
func (st *liteStmt) release() {
	_ = st.s.Reset()
	_ = st.s.ClearBindings() // no personal data waits in a kept statement
}

// liteOne is One on SQLite.
func (t *Tx) liteOne(ctx context.Context, query string, args, dest []any) error {
	st, err := t.lite.start(query, args)
	if err != nil {
		return t.fail(ctx, query, err)
	}
	defer st.release()
	more, err := st.step(ctx)
	if err != nil {
		return t.fail(ctx, query, err)
	}
	if !more {
		return sql.ErrNoRows
	}
	if err := st.scan(dest); err != nil {
		return err
	}
	for more && !st.readOnly { // INSERT … RETURNING checks its references at the end
		if more, err = st.step(ctx); err != nil {
			return t.fail(ctx, query, err)
		}
	}
	return nil
}
