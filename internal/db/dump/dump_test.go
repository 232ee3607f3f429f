package dump_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/db/dump"
)

// ddl has what schemas of the house have: references in both directions of the
// alphabet, an index over part of a table, a counter, rows that a migration puts in.
func ddl() fstest.MapFS {
	out := fstest.MapFS{}
	for engine, words := range map[string][2]string{"sqlite": {"INTEGER PRIMARY KEY", "BLOB"}, "postgres": {"BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "BYTEA"}} {
		out[engine+"/0001_first.sql"] = &fstest.MapFile{Data: []byte(`-- +goose Up
CREATE TABLE zebra (id TEXT PRIMARY KEY, note TEXT, big ` + words[1] + `);
CREATE TABLE account (id TEXT PRIMARY KEY, zebra_id TEXT NOT NULL REFERENCES zebra (id), cents BIGINT NOT NULL, face INTEGER NOT NULL, seal ` + words[1] + ` NOT NULL);
CREATE UNIQUE INDEX account_seal ON account (seal) WHERE length(seal) > 0;
CREATE INDEX account_cents ON account (cents, id);
CREATE TABLE queue (n ` + words[0] + `, word TEXT NOT NULL);
CREATE TABLE tally (id BIGINT PRIMARY KEY, accounts BIGINT NOT NULL);
INSERT INTO tally (id, accounts) VALUES (1, 0);
-- +goose Down
DROP TABLE tally; DROP TABLE queue; DROP TABLE account; DROP TABLE zebra;
`)}
		out[engine+"/0002_second.sql"] = &fstest.MapFile{Data: []byte(`-- +goose Up
ALTER TABLE tally ADD COLUMN later BIGINT NOT NULL DEFAULT 7;
-- +goose Down
ALTER TABLE tally DROP COLUMN later;
`)}
	}
	return out
}

func first() fstest.MapFS {
	out := ddl()
	delete(out, "sqlite/0002_second.sql")
	delete(out, "postgres/0002_second.sql")
	return out
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// each runs with a database of one engine, and a place for one of the other or the same.
func each(t *testing.T, fn func(t *testing.T, from *db.DB, to db.Config)) {
	engines := []db.Engine{db.SQLite, db.PostgreSQL}
	for _, a := range engines {
		for _, b := range engines {
			t.Run(a.String()+" to "+b.String(), func(t *testing.T) {
				fn(t, dbtest.Open(t, a, first()), dbtest.Config(t, b))
			})
		}
	}
}

// values are of every kind, and awkward.
func values() [][]any {
	return [][]any{{"a", nil, int64(-9223372036854775808), []byte{}}, {"ä\n\t\\N\"'", "", int64(0), []byte{0, 255}}, {"c", "\\.", int64(9223372036854775807), []byte{3}}}
}

func fill(t *testing.T, d *db.DB) {
	t.Helper()
	must(t, d.Write(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		for _, v := range values() {
			if _, err := tx.Exec(ctx, `INSERT INTO zebra (id, note, big) VALUES (?, ?, ?)`, v[0], v[1], bytes.Repeat([]byte{0, 1, 254}, 100_000)); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, `INSERT INTO account (id, zebra_id, cents, face, seal) VALUES (?, ?, ?, 5, ?)`, v[0], v[0], v[2], v[3]); err != nil {
				return err
			}
		}
		for range 3 {
			if _, err := tx.Exec(ctx, `INSERT INTO queue (word) VALUES ('w')`); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `UPDATE tally SET accounts = 3`)
		return err
	}))
}

func dumped(t *testing.T, d *db.DB) []byte {
	t.Helper()
	var b bytes.Buffer
	must(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return dump.Write(ctx, tx, &b, nil) }))
	return b.Bytes()
}

// shape is the schema in the engine's own words.
func shape(t *testing.T, d *db.DB) (out []string) {
	t.Helper()
	query := `SELECT type || ' ' || COALESCE(sql, name) FROM sqlite_schema ORDER BY 1`
	if d.Engine() == db.PostgreSQL {
		query = `SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' UNION ALL
			SELECT conrelid::regclass::text || ' ' || conname || ' ' || pg_get_constraintdef(oid) || convalidated::text FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1`
	}
	must(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, query)
		return err
	}))
	return out
}

func TestWhatIsDumpedIsLoadedOnEitherEngine(t *testing.T) {
	each(t, func(t *testing.T, from *db.DB, to db.Config) {
		fill(t, from)
		rows := dumped(t, from)
		must(t, dump.Load(t.Context(), to, ddl(), 1, bytes.NewReader(rows), nil))
		got := dbtest.OpenConfig(t, to, nil)
		if again := dumped(t, got); !bytes.Equal(sorted(rows), sorted(again)) {
			t.Error("the loaded rows are others")
		}
		if want := shape(t, dbtest.Open(t, to.Engine, first())); !reflect.DeepEqual(want, shape(t, got)) {
			t.Errorf("the schema is another:\n%s\n%s", strings.Join(want, "\n"), strings.Join(shape(t, got), "\n"))
		}
		must(t, got.Migrate(t.Context(), ddl()))
		var next, later int64
		must(t, got.Write(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			if err := tx.One(ctx, `INSERT INTO queue (word) VALUES ('x') RETURNING n`, nil, &next); err != nil {
				return err
			}
			return tx.One(ctx, `SELECT later FROM tally WHERE accounts = 3`, nil, &later)
		}))
		if next != 4 || later != 7 {
			t.Errorf("the counter goes on with %d; the migration after the load gave %d", next, later)
		}
		err := got.Write(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO account (id, zebra_id, cents, face, seal) VALUES ('q', 'nobody', 0, 0, ?)`, []byte{})
			return err
		})
		if err == nil {
			t.Error("a reference to nothing is let in")
		}
	})
}

// sorted makes dumps comparable whose rows come in another order: of the same rows, the
// bytes are the same.
func sorted(b []byte) []byte {
	out := bytes.Clone(b)
	slices.Sort(out)
	return out
}

// The rows of all tables are of one moment, and nobody who writes waits for the dump.
func TestADumpIsOfOneMomentWhilePeopleWrite(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			d := dbtest.Open(t, e, first())
			fill(t, d)
			ctx, stop := context.WithCancel(t.Context())
			var writers sync.WaitGroup
			var slowest time.Duration
			wrote := 0
			writers.Go(func() {
				for ctx.Err() == nil {
					began := time.Now()
					err := d.Write(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
						id := fmt.Sprintf("n%d", wrote)
						if _, err := tx.Exec(ctx, `INSERT INTO zebra (id, note) VALUES (?, ?)`, id, strings.Repeat("x", 1000)); err != nil {
							return err
						}
						if _, err := tx.Exec(ctx, `INSERT INTO account (id, zebra_id, cents, face, seal) VALUES (?, ?, 1, 5, ?)`, id, id, []byte(id)); err != nil {
							return err
						}
						_, err := tx.Exec(ctx, `UPDATE tally SET accounts = accounts + 1`)
						return err
					})
					if err != nil {
						t.Error(err)
						return
					}
					wrote++
					slowest = max(slowest, time.Since(began))
				}
			})
			var b bytes.Buffer
			must(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				return dump.Write(ctx, tx, slow{&b}, nil)
			}))
			stop()
			writers.Wait()
			t.Logf("%d were written beside the dump, the slowest in %v", wrote, slowest)
			if wrote == 0 {
				t.Error("nobody could write beside the dump")
			}
			to := dbtest.Config(t, e)
			must(t, dump.Load(t.Context(), to, ddl(), 1, &b, nil))
			var tally, accounts int64
			got := dbtest.OpenConfig(t, to, nil)
			must(t, got.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, `SELECT accounts, (SELECT COUNT(*) FROM account) FROM tally`, nil, &tally, &accounts)
			}))
			if tally != accounts {
				t.Errorf("the tally says %d, and there are %d: the dump is of several moments", tally, accounts)
			}
		})
	}
}

// slow lets others write between the pieces of a dump.
type slow struct{ to io.Writer }

func (s slow) Write(p []byte) (int, error) {
	time.Sleep(30 * time.Millisecond)
	return s.to.Write(p)
}

func TestRowsThatAreNotWholeAreRefused(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			from := dbtest.Open(t, db.SQLite, first())
			must(t, from.Write(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO zebra (id, note) VALUES ('a', 'b')`)
				return err
			}))
			rows := dumped(t, from)
			orphan := bytes.Replace(rows, []byte(`"table":"zebra"`), []byte(`"table":"zebrb"`), 1)
			for story, bad := range map[string][]byte{"cut off": rows[:len(rows)-1], "cut in a row": rows[:len(rows)/2], "more behind the end": append(bytes.Clone(rows), 0), "a table that nobody knows": orphan, "nothing": nil} {
				to := dbtest.Config(t, e)
				if e == db.SQLite {
					to.Path = filepath.Join(t.TempDir(), "bad.db")
				}
				if err := dump.Load(t.Context(), to, ddl(), 1, bytes.NewReader(bad), nil); !errors.Is(err, dump.ErrForm) {
					t.Errorf("%s: %v", story, err)
				}
			}
			if err := dump.Load(t.Context(), dbtest.Config(t, e), ddl(), 3, bytes.NewReader(rows), nil); err == nil || !strings.Contains(err.Error(), "later version") {
				t.Errorf("a schema of tomorrow: %v", err)
			}
		})
	}
}

// A reference that leads nowhere is found on both engines, because neither checks it
// while rows are loaded.
func TestAReferenceToNothingIsFound(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			from := dbtest.Open(t, db.SQLite, first())
			fill(t, from)
			rows := dumped(t, from)
			at := bytes.LastIndex(rows, []byte("\x02\x01c")) // the id of a zebra
			rows[at+2] = 'd'
			if err := dump.Load(t.Context(), dbtest.Config(t, e), ddl(), 1, bytes.NewReader(rows), nil); err == nil {
				t.Error("it was loaded")
			}
		})
	}
}
