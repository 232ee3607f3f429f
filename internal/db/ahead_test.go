package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// guess is a read whose statements were guessed; it tells how often its
// function ran.
func guess(t *testing.T, d *db.DB, list []db.Statement, fn func(context.Context, *db.Tx) error) (runs int, err error) {
	t.Helper()
	var name string
	err = d.ReadAhead(ctx, 0, list, func(scan func(...any) error) error { return scan(&name) }, func(ctx context.Context, tx *db.Tx) error {
		runs++
		if name != "Ann" {
			t.Fatalf("the first row says %q", name)
		}
		return fn(ctx, tx)
	})
	return runs, err
}

const nameOf = "SELECT name FROM borrower WHERE id = " + "?"

func TestAReadAheadGivesWhatIsAskedForAndNothingElse(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		for id, name := range map[string]string{"a": "Ann", "b": "Bo", "c": "Carla"} {
			id, name := id, name
			if err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, insertBorrower, id, name)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		of := func(id string) db.Statement { return db.Statement{Query: nameOf, Args: []any{id}} }
		want := func(id, name string) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				var got string
				if err := tx.One(ctx, nameOf, []any{id}, &got); err != nil {
					return err
				}
				if got != name {
					t.Errorf("%s is %q, want %q", id, got, name)
				}
				return nil
			}
		}
		both := func(x, y func(context.Context, *db.Tx) error) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error { return errors.Join(x(ctx, tx), y(ctx, tx)) }
		}
		again := 1
		if d.Engine() == db.PostgreSQL {
			again = 2
		}
		refused := errors.New("not for you")
		for name, c := range map[string]struct {
			list []db.Statement
			fn   func(context.Context, *db.Tx) error
			runs int
			err  error
		}{
			"as foreseen":             {[]db.Statement{of("a"), of("b"), of("c")}, both(want("b", "Bo"), want("c", "Carla")), 1, nil},
			"one is not asked for":    {[]db.Statement{of("a"), of("b"), of("c")}, want("c", "Carla"), 1, nil},
			"nothing is asked for":    {[]db.Statement{of("a"), of("b")}, func(context.Context, *db.Tx) error { return nil }, 1, nil},
			"others are asked for":    {[]db.Statement{of("a"), of("b")}, want("c", "Carla"), again, nil},
			"more are asked for":      {[]db.Statement{of("a"), of("b")}, both(want("b", "Bo"), want("c", "Carla")), again, nil},
			"in another order":        {[]db.Statement{of("a"), of("b"), of("c")}, both(want("c", "Carla"), want("b", "Bo")), again, nil},
			"a statement is no SQL":   {[]db.Statement{of("a"), {Query: "SELEKT"}}, want("b", "Bo"), again - 1 + again%2, nil},
			"the function has had it": {[]db.Statement{of("a"), of("b")}, func(context.Context, *db.Tx) error { return refused }, 1, refused},
		} {
			t.Run(name, func(t *testing.T) {
				runs, err := guess(t, d, c.list, c.fn)
				if !errors.Is(err, c.err) || runs != c.runs {
					t.Errorf("%d runs, %v; want %d, %v", runs, err, c.runs, c.err)
				}
			})
		}
	})
}

// A read ahead cannot write, whatever its function tries.
func TestAReadAheadWritesNothing(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "a")
		list := []db.Statement{{Query: nameOf, Args: []any{"a"}}, {Query: nameOf, Args: []any{"a"}}}
		err := d.ReadAhead(ctx, 0, list, func(scan func(...any) error) error { var s string; return scan(&s) }, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, insertBorrower, "b", "Bo")
			return err
		})
		if err == nil {
			t.Error("a read wrote")
		}
	})
}

// All statements of a read ahead run in one snapshot, as in a Read.
func TestAReadAheadIsOneSnapshot(t *testing.T) {
	d := dbtest.Open(t, db.PostgreSQL, schema())
	addBorrower(t, d, "a")
	const where = "SELECT current_setting('transaction_isolation') || ' ' || current_setting('transaction_read_only') || ' ' || virtualxid FROM pg_locks WHERE locktype = 'virtualxid' AND pid = pg_backend_pid()"
	var first, second string
	err := d.ReadAhead(ctx, 0, []db.Statement{{Query: where}, {Query: "SELECT 1, pg_sleep(0)"}, {Query: where}}, func(scan func(...any) error) error { return scan(&first) },
		func(ctx context.Context, tx *db.Tx) error { return tx.One(ctx, where, nil, &second) })
	if err != nil {
		t.Fatal(err)
	}
	if first != second || len(first) < len("repeatable read on 1/1") || first[:18] != "repeatable read on" {
		t.Errorf("the statements ran in %q and %q", first, second)
	}
}
