package db_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/db/sqlite"
)

// The bare statement is what a one-row Read is measured against: on SQLite it
// must reach three quarters of its speed.
func BenchmarkOneRow(b *testing.B) {
	c := dbtest.Config(b, db.SQLite)
	d := dbtest.OpenConfig(b, c, schema())
	err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for i := range 10_000 {
			if _, err := tx.Exec(ctx, insertBorrower, fmt.Sprintf("bo_%026d", i), "Somebody"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	const query = "SELECT id, name FROM borrower WHERE id = ?"
	b.Run("sqlite/bare", func(b *testing.B) {
		key, _ := c.Key()
		f, err := sqlite.Open(sqlite.Config{Path: c.Path, Key: key, Fit: func(a any) (any, error) { return a, nil }, Admit: func(string) error { return nil }})
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		conn, err := f.Connect(ctx, true)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close()
		var id, name string
		for i := 0; b.Loop(); i++ {
			st, err := conn.Start(query, []any{fmt.Sprintf("bo_%026d", i%10_000)})
			if err != nil {
				b.Fatal(err)
			}
			if ok, err := st.Step(ctx); !ok {
				b.Fatal(err)
			}
			if err := st.Scan([]any{&id, &name}); err != nil {
				b.Fatal(err)
			}
			st.Release()
		}
	})
	read := func(b *testing.B, d *db.DB) {
		var id, name string
		for i := 0; b.Loop(); i++ {
			err := d.Read(ctx, 1, func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, query, []any{fmt.Sprintf("bo_%026d", i%10_000)}, &id, &name)
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("sqlite/read", func(b *testing.B) { read(b, d) })
}

// On PostgreSQL a bare statement is one round trip; ReadFirst alone must be
// one too, and with one more statement two.
func BenchmarkOneRowPostgres(b *testing.B) {
	c := dbtest.Config(b, db.PostgreSQL)
	d := dbtest.OpenConfig(b, c, schema())
	addBorrower(b, d, "ann")
	const query = "SELECT id, name FROM borrower WHERE id = "
	var id, name string
	b.Run("bare", func(b *testing.B) {
		conn, err := pgx.Connect(ctx, c.DSN)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(ctx)
		for b.Loop() {
			if err := conn.QueryRow(ctx, query+"$1", "ann").Scan(&id, &name); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, fn := range map[string]func(context.Context, *db.Tx) error{
		"first":     func(context.Context, *db.Tx) error { return nil },
		"first+one": func(ctx context.Context, tx *db.Tx) error { return tx.One(ctx, query+"?", []any{"ann"}, &id, &name) },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				err := d.ReadFirst(ctx, 1, query+"?", []any{"ann"}, func(scan func(...any) error) error { return scan(&id, &name) }, fn)
				if err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkWrite(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, writers := range []int{1, 16} {
			b.Run(fmt.Sprintf("%v/%d", e, writers), func(b *testing.B) {
				d := dbtest.Open(b, e, schema())
				b.SetParallelism(writers)
				run := func(next func() bool) {
					for next() {
						err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
							_, err := tx.Exec(ctx, "INSERT INTO borrower (id, name) VALUES ("+"?, ?) ON CONFLICT DO NOTHING", fmt.Sprint(d.Now()), "x")
							return err
						})
						if err != nil {
							b.Error(err)
							return
						}
					}
				}
				if writers == 1 {
					i := 0
					run(func() bool { i++; return i <= b.N })
					return
				}
				b.RunParallel(func(pb *testing.PB) { run(pb.Next) })
			})
		}
	}
}
