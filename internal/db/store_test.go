package db_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// schema is the small lending database that these tests use.
func schema() fs.FS {
	ddl := `-- +goose Up
CREATE TABLE borrower (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE loan (
	id TEXT PRIMARY KEY, number TEXT NOT NULL UNIQUE,
	borrower TEXT NOT NULL REFERENCES borrower (id) %s,
	balance BIGINT NOT NULL DEFAULT 0, active BIGINT NOT NULL DEFAULT 1, note %s, rate %s);
`
	return fstest.MapFS{
		"sqlite/00001_loan.sql":   {Data: fmt.Appendf(nil, ddl, "DEFERRABLE INITIALLY IMMEDIATE", "BLOB", "REAL")},
		"postgres/00001_loan.sql": {Data: fmt.Appendf(nil, ddl, "DEFERRABLE INITIALLY IMMEDIATE", "BYTEA", "DOUBLE PRECISION")},
	}
}

const (
	insertBorrower = "INSERT INTO borrower (id, name) VALUES (?, ?)"
	insertLoan     = "INSERT INTO loan (id, number, borrower, balance) VALUES (?, ?, ?, ?)"
)

var ctx = context.Background()

func addBorrower(t testing.TB, d *db.DB, ids ...string) {
	t.Helper()
	err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for _, id := range ids {
			if _, err := tx.Exec(ctx, insertBorrower, id, "Name of "+id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("add borrowers: %v", err)
	}
}

func borrowers(t testing.TB, d *db.DB) []string {
	t.Helper()
	var list []string
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		list, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, "SELECT id FROM borrower ORDER BY id")
		return err
	})
	if err != nil {
		t.Fatalf("list borrowers: %v", err)
	}
	return list
}

func want(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestStoreCommitsAllOrNothing(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann", "bob")
		mishap := errors.New("mishap")
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			n, err := tx.Exec(ctx, "UPDATE borrower SET name = ?", "Nobody")
			want(t, "rows changed", n, int64(2))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := tx.Exec(ctx, insertBorrower, "carl", "Carl"); err != nil {
				t.Fatal(err)
			}
			return mishap
		})
		if err != mishap {
			t.Fatalf("the function's own error must come back, got %v", err)
		}
		want(t, "borrowers", borrowers(t, d), []string{"ann", "bob"})
		err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var name string
			err := tx.One(ctx, "SELECT name FROM borrower WHERE id = ?", []any{"ann"}, &name)
			want(t, "name", name, "Name of ann")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestStoreHasOneInstant(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			var clock dbtest.Clock
			c := dbtest.Config(t, e)
			c.Now = clock.Now
			d := dbtest.OpenConfig(t, c, schema())
			see := func(name string, run func(context.Context, int64, func(context.Context, *db.Tx) error) error, at, expected int64) {
				err := run(ctx, at, func(ctx context.Context, tx *db.Tx) error {
					clock.Advance(time.Second)
					want(t, name, tx.At, expected)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			see("the call's instant in a read", d.Read, 77, 77)
			see("the call's instant in a write", d.Write, 78, 78)
			see("the call's instant in an exclusive write", d.WriteExclusive, 79, 79)
			see("the clock's instant", d.Write, 0, dbtest.Start().Add(3*time.Second).UnixMicro())
			want(t, "the clock", d.Now(), dbtest.Start().Add(4*time.Second).UnixMicro())
		})
	}
}

func TestStoreReadsOneSnapshot(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		count := func(ctx context.Context, tx *db.Tx) (n int) {
			if err := tx.One(ctx, "SELECT count(*) FROM borrower", nil, &n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			want(t, "before", count(ctx, tx), 1)
			addBorrower(t, d, "bob") // somebody else's write, committed
			want(t, "in the same snapshot", count(ctx, tx), 1)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "afterwards", borrowers(t, d), []string{"ann", "bob"})
	})
}

func TestStoreReadCannotWrite(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, insertBorrower, "eve", "Eve")
			return err
		})
		if err == nil {
			t.Error("a write inside a read was let through")
		}
		want(t, "borrowers", len(borrowers(t, d)), 0)
	})
}

func TestStoreReadFirst(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		for range 3 { // compiled, then kept
			var name string
			err := d.ReadFirst(ctx, 5, "SELECT name FROM borrower WHERE id = ?", []any{"ann"},
				func(scan func(...any) error) error { return scan(&name) },
				func(ctx context.Context, tx *db.Tx) error {
					want(t, "instant", tx.At, int64(5))
					addBorrower(t, d, string(id.New[id.Borrower](d.Now())))
					var n int64
					err := tx.One(ctx, "SELECT count(*) FROM borrower WHERE name = ?", []any{name}, &n)
					want(t, "rows of that name", n, int64(1))
					return err
				})
			if err != nil {
				t.Fatal(err)
			}
		}
		err := d.ReadFirst(ctx, 0, "SELECT name FROM borrower WHERE id = ?", []any{"nobody"},
			func(scan func(...any) error) error { var s string; return scan(&s) },
			func(context.Context, *db.Tx) error { t.Error("ran although the first statement failed"); return nil })
		if !errors.Is(err, sql.ErrNoRows) {
			t.Errorf("got %v, want sql.ErrNoRows", err)
		}
		ran := false
		err = d.ReadFirst(ctx, 0, "SELECT name FROM borrower WHERE id = ?", []any{"nobody"},
			func(func(...any) error) error { return nil },
			func(context.Context, *db.Tx) error { ran = true; return nil })
		if err != nil || !ran {
			t.Errorf("a first row that nobody reads: %v, ran %v", err, ran)
		}
		err = d.ReadFirst(ctx, 0, "SELECT no_such_column FROM borrower", nil,
			func(scan func(...any) error) error { var s string; return scan(&s) },
			func(context.Context, *db.Tx) error { return nil })
		if err == nil {
			t.Error("a wrong first statement was let through")
		}
		want(t, "it still works", len(borrowers(t, d)), 4)
	})
}

// together starts one Write a function so that all of them wait for a turn
// before the first goes on, and gives their errors.
func together(t *testing.T, d *db.DB, fns ...func(context.Context, *db.Tx) error) []error {
	t.Helper()
	errs := make([]error, len(fns))
	entered, gate := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	var started atomic.Int64
	for i, fn := range fns {
		wg.Go(func() {
			errs[i] = errors.New("panicked")
			defer func() {
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("panic: %v", p)
				}
			}()
			if i == 0 {
				errs[i] = d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
					close(entered)
					<-gate
					return fn(ctx, tx)
				})
				return
			}
			<-entered
			started.Add(1)
			errs[i] = d.Write(ctx, 0, fn)
		})
	}
	<-entered
	for started.Load() != int64(len(fns)-1) {
		time.Sleep(time.Millisecond) // there is no signal for "is waiting for a lock"
	}
	time.Sleep(20 * time.Millisecond)
	close(gate)
	wg.Wait()
	return errs
}

func TestStoreWritersDoNotHurtEachOther(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		mishap := errors.New("mishap")
		add := func(id string, then func() error) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, insertBorrower, id, id); err != nil {
					return err
				}
				return then()
			}
		}
		fine := func() error { return nil }
		errs := together(t, d,
			add("first", fine),
			add("fails", func() error { return mishap }),
			add("good1", fine),
			add("panics", func() error { panic("boom") }),
			add("good2", fine),
			func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, insertBorrower, "swallows", "x"); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, insertBorrower, "swallows", "x")
				if !db.IsDuplicate(err) {
					t.Errorf("got %v, want a duplicate", err)
				}
				return nil // the error is swallowed, the transaction is spoilt all the same
			},
			add("good3", fine),
			func(ctx context.Context, tx *db.Tx) error { // a reference that stays broken until the commit
				if tx.Engine() == db.PostgreSQL {
					if _, err := tx.Exec(ctx, "SELECT set_config('lendkeep.x', '', true)"); err != nil {
						return err
					}
				}
				_, err := tx.Exec(ctx, insertLoan, "ln1", "1", "nobody", 1)
				return err
			},
			add("good4", fine),
		)
		for i, e := range errs {
			switch i {
			case 1:
				if e != mishap {
					t.Errorf("the failing function got %v", e)
				}
			case 3:
				if e == nil || e.Error() != "panic: boom" {
					t.Errorf("the panicking function got %v", e)
				}
			case 5:
				if !db.IsDuplicate(e) {
					t.Errorf("the swallowing function got %v", e)
				}
			case 7:
				if !db.IsReference(e) {
					t.Errorf("the function with a broken reference got %v", e)
				}
			default:
				if e != nil {
					t.Errorf("good function %d got %v", i, e)
				}
			}
		}
		want(t, "borrowers", borrowers(t, d), []string{"first", "good1", "good2", "good3", "good4"})
	})
}

func TestStoreChecksDeferredReferencesForTheirOwnWriter(t *testing.T) {
	ddl := "-- +goose Up\nCREATE TABLE a (id TEXT PRIMARY KEY);\nCREATE TABLE b (a TEXT NOT NULL REFERENCES a (id) DEFERRABLE INITIALLY DEFERRED);\n"
	m := fstest.MapFS{"sqlite/00001_a.sql": {Data: []byte(ddl)}, "postgres/00001_a.sql": {Data: []byte(ddl)}}
	dbtest.Each(t, m, func(t *testing.T, d *db.DB) {
		exec := func(statements ...string) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				for _, s := range statements {
					if _, err := tx.Exec(ctx, s); err != nil {
						return err
					}
				}
				return nil
			}
		}
		errs := together(t, d, exec("INSERT INTO a VALUES ('1')"), exec("INSERT INTO b VALUES ('9')"), exec("INSERT INTO b VALUES ('2')", "INSERT INTO a VALUES ('2')"))
		if errs[0] != nil || !db.IsReference(errs[1]) || errs[2] != nil {
			t.Errorf("got %v", errs)
		}
	})
}

func TestStoreSkipsWhoGaveUpWaiting(t *testing.T) {
	d := dbtest.Open(t, db.SQLite, schema())
	entered, gate := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.Write(ctx, 0, func(context.Context, *db.Tx) error { close(entered); <-gate; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	impatient, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	err := d.Write(impatient, 0, func(context.Context, *db.Tx) error { t.Error("ran after its caller had left"); return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(gate)
	wg.Wait()
	addBorrower(t, d, "next")
}

func TestStoreContextEndsTheTransaction(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		never := func(context.Context, *db.Tx) error { t.Error("ran although its caller had gone"); return nil }
		for _, err := range []error{d.Write(gone, 0, never), d.Read(gone, 0, never), d.WriteExclusive(gone, 0, never)} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
		}
		leaving, cancel := context.WithCancel(ctx)
		err := d.Write(leaving, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, insertBorrower, "eve", "Eve")
			cancel()
			return err
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		long, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err = d.Read(long, 0, func(ctx context.Context, tx *db.Tx) error {
			var n int64
			return tx.One(ctx, "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 1000000000) SELECT max(n) FROM c", nil, &n)
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		want(t, "borrowers", len(borrowers(t, d)), 0)
		addBorrower(t, d, "next")
	})
}

func TestStorePanicAndGoexit(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		for name, run := range map[string]func(context.Context, int64, func(context.Context, *db.Tx) error) error{"read": d.Read, "write": d.Write, "exclusive": d.WriteExclusive} {
			func() {
				defer func() { want(t, name, recover(), any("boom")) }()
				_ = run(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
					if _, err := tx.Query(ctx, "SELECT id FROM borrower"); err != nil {
						t.Error(err)
					}
					panic("boom")
				})
			}()
			var wg sync.WaitGroup
			wg.Go(func() {
				_ = run(ctx, 0, func(context.Context, *db.Tx) error { goexit(); return nil })
			})
			wg.Wait()
		}
		addBorrower(t, d, "next")
		want(t, "borrowers", borrowers(t, d), []string{"next"})
	})
}

func TestStoreClassifiesErrors(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		try := func(query string, args ...any) error {
			return d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, query, args...)
				return err
			})
		}
		if err := try(insertLoan, "ln1", "1", "ann", 5); err != nil {
			t.Fatal(err)
		}
		for name, c := range map[string]struct {
			err                        error
			duplicate, reference, busy bool
		}{
			"primary key":       {try(insertBorrower, "ann", "x"), true, false, false},
			"unique number":     {try(insertLoan, "ln2", "1", "ann", 5), true, false, false},
			"unknown borrower":  {try(insertLoan, "ln3", "3", "bob", 5), false, true, false},
			"referred borrower": {try("DELETE FROM borrower WHERE id = ?", "ann"), false, true, false},
			"missing value":     {try(insertBorrower, "x", nil), false, false, false},
			"no such table":     {try("DELETE FROM nothing"), false, false, false},
			"too few arguments": {try(insertBorrower, "x"), false, false, false},
			"no statement":      {try("  "), false, false, false},
			"a moment":          {try(insertBorrower, "x", time.Now()), false, false, false},
			"zero byte":         {try(insertBorrower, "x", "a\x00b"), false, false, false},
			"no UTF-8":          {try(insertBorrower, "x", "a\xffb"), false, false, false},
			"own commit":        {try("COMMIT"), false, false, false},
			"hidden commit":     {try(" -- nothing\n/* x */ commit"), false, false, false},
		} {
			if c.err == nil || db.IsDuplicate(c.err) != c.duplicate || db.IsReference(c.err) != c.reference || db.IsBusyOrDown(c.err) != c.busy {
				t.Errorf("%s: %v", name, c.err)
			}
			if c.err != nil && strings.Contains(c.err.Error(), "a\xffb") {
				t.Errorf("%s: the error quotes the value", name)
			}
		}
		if err := try(insertBorrower, "x", "a\x00b"); !fault.Is(err, fault.Invalid) {
			t.Errorf("text that cannot be stored: %v", err)
		}
		if db.IsDuplicate(nil) || db.IsReference(nil) || db.IsBusyOrDown(nil) {
			t.Error("nil is no error")
		}
		want(t, "borrowers", borrowers(t, d), []string{"ann"})
	})
}

func TestStoreAttemptIsUndoneAlone(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, insertBorrower, "ann", "Ann"); err != nil {
				return err
			}
			err := tx.Attempt(ctx, func(ctx context.Context) error {
				if _, err := tx.Exec(ctx, insertBorrower, "bob", "Bob"); err != nil {
					return err
				}
				_, err := tx.Exec(ctx, insertBorrower, "ann", "Ann again")
				return err
			})
			if !db.IsDuplicate(err) {
				t.Errorf("got %v, want a duplicate", err)
			}
			if err := tx.Attempt(ctx, func(ctx context.Context) error { _, err := tx.Exec(ctx, insertBorrower, "cy", "Cy"); return err }); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, insertBorrower, "dee", "Dee")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		want(t, "borrowers", borrowers(t, d), []string{"ann", "cy", "dee"})
	})
}

func TestStoreComparesBytewise(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "b", "B", "a", "ä", "Z", "_", "a b", "ab", "é")
		want(t, "order", borrowers(t, d), []string{"B", "Z", "_", "a", "a b", "ab", "b", "ä", "é"})
		match := func(where string, arg string) (list []string) {
			err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
				list, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, "SELECT id FROM borrower WHERE "+where+" ORDER BY id", arg)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return list
		}
		want(t, "equality", match("id = ?", "B"), []string{"B"})
		want(t, "LIKE", match("id LIKE ?", "a%"), []string{"a", "a b", "ab"})
		want(t, "LIKE, escaped", match(`id LIKE ? ESCAPE '\'`, db.LikeEscape("_")), []string{"_"})
		want(t, "lower", match("lower(id) = ?", "b"), []string{"B", "b"})
		want(t, "greater", match("id > ?", "a b"), []string{"ab", "b", "ä", "é"})
		want(t, "marks in quotes", match("'?' = '?' AND /* ? */ id = ? -- ?\n", "B"), []string{"B"})
	})
}

func TestStoreValuesComeBack(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		text := "ann"
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			const insert = "INSERT INTO loan (id, number, borrower, balance, active, note, rate) VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING balance"
			var back int64
			if err := tx.One(ctx, insert, []any{id.Loan("ln_1"), "1", &text, int32(-7), db.Bool(true), []byte{0, 255}, 7.35}, &back); err != nil {
				return err
			}
			want(t, "RETURNING", back, int64(-7))
			return tx.One(ctx, insert, []any{id.Loan("ln_2"), "2", "ann", uint16(9), false, []byte{}, nil}, &back)
		})
		if err != nil {
			t.Fatal(err)
		}
		type loan struct {
			ID      id.Loan
			Balance int64
			Small   int16
			Active  bool
			Same    db.Bool
			Note    []byte
			Rate    *float64
			Name    sql.NullString
		}
		var got []loan
		err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			got, err = db.All(ctx, tx, func(r *db.Rows) (l loan, err error) {
				return l, r.Scan(&l.ID, &l.Balance, &l.Small, &l.Active, &l.Same, &l.Note, &l.Rate, &l.Name)
			}, "SELECT id, balance, balance, active, EXISTS (SELECT 1 FROM borrower), note, rate, CASE WHEN active = 1 THEN number END FROM loan ORDER BY id")
			if err != nil {
				return err
			}
			var sum, n int64
			var s string
			if err := tx.One(ctx, "SELECT sum(balance), count(*) FROM loan", nil, &sum, &n); err != nil {
				return err
			}
			want(t, "sum", sum, int64(2))
			for name, err := range map[string]error{
				"NULL into a string":   tx.One(ctx, "SELECT CASE WHEN balance > 1000 THEN id END FROM loan", nil, &s),
				"text into a number":   tx.One(ctx, "SELECT id FROM loan", nil, &n),
				"too many columns":     tx.One(ctx, "SELECT id, balance FROM loan", nil, &s),
				"no bool":              tx.One(ctx, "SELECT balance FROM loan WHERE id = 'ln_1'", nil, new(bool)),
				"no row":               tx.One(ctx, "SELECT id FROM loan WHERE id = 'none'", nil, &s),
				"negative into a uint": tx.One(ctx, "SELECT balance FROM loan WHERE id = 'ln_1'", nil, new(uint32)),
			} {
				if err == nil || (name == "no row") != errors.Is(err, sql.ErrNoRows) {
					t.Errorf("%s: %v", name, err)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		rate := 7.35
		want(t, "loans", got, []loan{
			{ID: "ln_1", Balance: -7, Small: -7, Active: true, Same: true, Note: []byte{0, 255}, Rate: &rate, Name: sql.NullString{String: "1", Valid: true}},
			{ID: "ln_2", Balance: 9, Small: 9, Same: true, Note: []byte{}},
		})
	})
}

func TestStoreRowsMustBeClosed(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann", "bob")
		err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			rows, err := tx.Query(ctx, "SELECT id FROM borrower")
			if err != nil {
				return err
			}
			if !rows.Next() {
				t.Error("no row")
			}
			var n int
			if err := tx.One(ctx, "SELECT count(*) FROM borrower", nil, &n); err == nil {
				t.Error("a second statement was let through while rows were open")
			}
			if err := rows.Close(); err != nil {
				return err
			}
			if rows.Next() || rows.Scan(new(string)) == nil {
				t.Error("closed rows go on")
			}
			return tx.One(ctx, "SELECT count(*) FROM borrower", nil, &n)
		})
		if err != nil {
			t.Fatal(err)
		}
		var kept *db.Tx
		if err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { kept = tx; return nil }); err != nil {
			t.Fatal(err)
		}
		if _, err := kept.Exec(ctx, insertBorrower, "late", "Late"); err == nil {
			t.Error("a transaction outlived its function")
		}
	})
}

func TestStoreRefusesWriteInsideWrite(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			return d.Write(ctx, 0, func(context.Context, *db.Tx) error { return nil })
		})
		if err == nil {
			t.Error("a write inside a write was let through")
		}
		addBorrower(t, d, "next")
	})
}

func TestStoreBulk(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		const n = 100_000
		rows := make([][]any, n)
		for i := range rows {
			rows[i] = []any{fmt.Sprintf("bo%06d", i), "Somebody"}
		}
		start := time.Now()
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { return tx.Bulk(ctx, insertBorrower, rows) })
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d rows in %v", n, time.Since(start))
		want(t, "rows", len(borrowers(t, d)), n)
		err = d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			return tx.Bulk(ctx, insertBorrower, [][]any{{"new", "x"}, {"bo000001", "x"}, {"newer", "x"}})
		})
		if !db.IsDuplicate(err) {
			t.Errorf("got %v, want a duplicate", err)
		}
		want(t, "rows", len(borrowers(t, d)), n)
	})
}

func TestStoreStatementsOutliveTheSchema(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		for range 3 {
			want(t, "borrowers", borrowers(t, d), []string{"ann"})
		}
		next := fstest.MapFS{}
		for name, f := range schema().(fstest.MapFS) {
			next[name] = f
		}
		more := "-- +goose Up\nALTER TABLE borrower ADD COLUMN town TEXT NOT NULL DEFAULT 'Albany';\nCREATE INDEX borrower_town ON borrower (town);\n"
		next["sqlite/00002_town.sql"] = &fstest.MapFile{Data: []byte(more)}
		next["postgres/00002_town.sql"] = &fstest.MapFile{Data: []byte(more)}
		if err := d.Migrate(ctx, next); err != nil {
			t.Fatal(err)
		}
		if err := d.Migrate(ctx, next); err != nil {
			t.Fatalf("migrating twice: %v", err)
		}
		addBorrower(t, d, "bob")
		if err := d.Analyze(ctx); err != nil {
			t.Fatal(err)
		}
		want(t, "borrowers", borrowers(t, d), []string{"ann", "bob"})
		for i := range 500 { // more texts than a connection keeps
			err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				var n int
				err := tx.One(ctx, fmt.Sprintf("SELECT %d + count(*) FROM borrower WHERE town = ?", i), []any{"Albany"}, &n)
				want(t, "sum", n, i+2)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Migrate(ctx, schema()); err == nil {
			t.Error("an older program may migrate a newer database")
		}
	})
}

func TestStoreManyAtOnce(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, insertLoan, "ln", "1", "ann", 0)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for w := range 16 {
			wg.Go(func() {
				for range 25 {
					run := d.Write
					if w == 0 {
						run = d.WriteExclusive
					}
					err := run(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
						_, err := tx.Exec(ctx, "UPDATE loan SET balance = balance + 1")
						return err
					})
					if err != nil {
						t.Error(err)
					}
					err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
						var a, b int64
						if err := tx.One(ctx, "SELECT balance FROM loan", nil, &a); err != nil {
							return err
						}
						err := tx.One(ctx, "SELECT sum(balance) FROM loan", nil, &b)
						if a != b {
							t.Errorf("two snapshots in one read: %d, %d", a, b)
						}
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var n int64
			err := tx.One(ctx, "SELECT balance FROM loan", nil, &n)
			want(t, "balance", n, int64(400))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestStoreRevocationWaitsForWriters(t *testing.T) {
	d := dbtest.Open(t, db.PostgreSQL, schema())
	entered, gate := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error { close(entered); <-gate; return nil })
		if err != nil {
			t.Error(err)
		}
	})
	<-entered
	if err := d.Write(ctx, 0, func(context.Context, *db.Tx) error { return nil }); err != nil {
		t.Errorf("two writes beside each other: %v", err)
	}
	short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
	defer cancel()
	err := d.WriteExclusive(short, 0, func(context.Context, *db.Tx) error { t.Error("ran beside a write"); return nil })
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(gate)
	wg.Wait()
	if err := d.WriteExclusive(ctx, 0, func(context.Context, *db.Tx) error { return nil }); err != nil {
		t.Error(err)
	}
}
