package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ncruces/go-sqlite3"
)

// keptStatements is how many compiled statements a connection keeps.
const keptStatements = 200

// Conn is one connection with its compiled statements. One goroutine at a
// time uses it.
type Conn struct {
	f     *File
	c     *sqlite3.Conn
	kept  map[string]*Stmt
	ctl   map[string]*sqlite3.Stmt // BEGIN and its like
	clock uint64                   // counts uses, to know which statement is the oldest
}

// Stmt is a compiled statement.
type Stmt struct {
	conn     *Conn
	s        *sqlite3.Stmt
	params   int
	readOnly bool
	used     uint64
}

// Close closes the connection and its statements.
func (c *Conn) Close() error {
	for _, st := range c.kept {
		st.s.Close()
	}
	for _, s := range c.ctl {
		s.Close()
	}
	return c.c.Close()
}

// Control runs a statement of transaction control. It is never interrupted.
func (c *Conn) Control(query string) error {
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
func (c *Conn) prepare(query string) (*Stmt, error) {
	c.clock++
	if st := c.kept[query]; st != nil {
		st.used = c.clock
		return st, nil
	}
	if err := c.f.c.Admit(query); err != nil {
		return nil, err
	}
	c.c.SetInterrupt(context.Background())
	s, tail, err := c.c.PrepareFlags(query, sqlite3.PREPARE_PERSISTENT)
	if err != nil {
		return nil, err
	}
	if s == nil || strings.Trim(tail, " \t\r\n;") != "" {
		s.Close()
		return nil, errors.New("sqlite: give one statement at a time")
	}
	if len(c.kept) >= keptStatements {
		c.dropOldest()
	}
	st := &Stmt{conn: c, s: s, params: s.BindCount(), readOnly: s.ReadOnly(), used: c.clock}
	c.kept[query] = st
	return st, nil
}

func (c *Conn) dropOldest() {
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

// Start prepares a statement and binds its arguments.
func (c *Conn) Start(query string, args []any) (*Stmt, error) {
	st, err := c.prepare(query)
	if err != nil {
		return nil, err
	}
	if len(args) != st.params {
		return nil, fmt.Errorf("sqlite: the statement has %d marks and %d arguments", st.params, len(args))
	}
	for i, a := range args {
		v, err := c.f.c.Fit(a)
		if err != nil {
			return nil, err
		}
		if err := bind(st.s, i+1, v); err != nil {
			return nil, err
		}
	}
	return st, nil
}

// Run executes a statement to its end and gives the rows that it changed.
func (c *Conn) Run(ctx context.Context, query string, args []any) (int64, error) {
	st, err := c.Start(query, args)
	if err != nil {
		return 0, err
	}
	before := c.c.TotalChanges()
	for {
		more, err := st.Step(ctx)
		if err != nil {
			st.Release()
			return 0, err
		}
		if !more {
			break
		}
	}
	st.Release()
	if c.c.TotalChanges() == before { // Changes is stale if this statement cannot change rows
		return 0, nil
	}
	return c.c.Changes(), nil
}

// Step goes to the next row. A statement that writes is never interrupted:
// SQLite would roll the whole transaction back, and with it the writes of
// others that wait for the same commit.
func (st *Stmt) Step(ctx context.Context) (bool, error) {
	if !st.readOnly {
		ctx = context.Background()
	}
	st.conn.c.SetInterrupt(ctx)
	if st.s.Step() {
		return true, nil
	}
	return false, st.s.Err()
}

// Scan copies the row's columns into dest.
func (st *Stmt) Scan(dest []any) error {
	if n := st.s.ColumnCount(); n != len(dest) {
		return fmt.Errorf("sqlite: %d columns for %d destinations", n, len(dest))
	}
	for i, d := range dest {
		if err := scanColumn(st.s, i, d); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

// Release makes the statement ready for its next use. The error of Reset is
// the one that Step gave already.
func (st *Stmt) Release() {
	_ = st.s.Reset()
	_ = st.s.ClearBindings() // no personal data waits in a kept statement
}

// Finish runs a statement that writes to its end, where it checks references.
func (st *Stmt) Finish(ctx context.Context) error {
	for !st.readOnly {
		more, err := st.Step(ctx)
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// Open reports whether a transaction is open. SQLite ends one by itself after
// some errors.
func (c *Conn) Open() bool { return !c.c.GetAutocommit() }

// Changed counts the rows that the connection has changed so far.
func (c *Conn) Changed() int64 { return c.c.TotalChanges() }

// Broken reports whether the transaction holds a deferred reference to a row
// that is not there.
func (c *Conn) Broken() (bool, error) {
	n, _, err := c.c.Status(sqlite3.DBSTATUS_DEFERRED_FKS, false)
	return n != 0, err
}

// bind gives value i (from 1), which Fit has made, to a statement.
func bind(s *sqlite3.Stmt, i int, v any) error {
	switch v := v.(type) {
	case string:
		return s.BindText(i, v)
	case int64:
		return s.BindInt64(i, v)
	case []byte:
		return s.BindBlob(i, v)
	case float64:
		return s.BindFloat(i, v)
	case nil:
		return s.BindNull(i)
	}
	return fmt.Errorf("sqlite: cannot bind a %T", v)
}
