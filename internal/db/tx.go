package db

import (
	"context"
	"database/sql/driver"
	"fmt"
)

// Tx is one transaction. At is its one instant, in unix microseconds.
type Tx struct {
	At     int64
	engine Engine
}

// Engine says which engine runs the transaction.
func (t *Tx) Engine() Engine { return t.engine }

// Exec runs a statement and gives the number of rows that it changed.
func (t *Tx) Exec(ctx context.Context, query string, args ...any) (affected int64, err error) {
	return 0, errSkeleton
}

// Query runs a statement that gives rows. Close the rows.
func (t *Tx) Query(ctx context.Context, query string, args ...any) (*Rows, error) {
	return nil, errSkeleton
}

// One scans the one row of a query; sql.ErrNoRows when there is none.
func (t *Tx) One(ctx context.Context, query string, args []any, dest ...any) error {
	return errSkeleton
}

// Bulk runs the same statement once for each of rows.
func (t *Tx) Bulk(ctx context.Context, query string, rows [][]any) error { return errSkeleton }

// Rows are the rows of a query.
type Rows struct{}

// Next goes to the next row.
func (r *Rows) Next() bool { return false }

// Scan copies the row's columns.
func (r *Rows) Scan(dest ...any) error { return errSkeleton }

// Err gives the error that ended the rows, if any.
func (r *Rows) Err() error { return errSkeleton }

// Close releases the rows.
func (r *Rows) Close() error { return nil }

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

// Bool is a boolean stored as BIGINT 0 or 1 on both engines.
type Bool bool

// Scan reads 0 or 1.
func (b *Bool) Scan(src any) error {
	n, ok := src.(int64)
	if !ok || n != 0 && n != 1 {
		return fmt.Errorf("db: a boolean column holds something else than 0 or 1")
	}
	*b = n == 1
	return nil
}

// Value gives 0 or 1.
func (b Bool) Value() (driver.Value, error) {
	if b {
		return int64(1), nil
	}
	return int64(0), nil
}
