package db_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// tree is a condition over (a, b) beside the same condition in Go.
type tree struct {
	cond db.Cond
	meet func(a int64, b string) bool
	text string
}

func trees(depth int) *rapid.Generator[tree] {
	leaf := rapid.Custom(func(t *rapid.T) tree {
		n := rapid.Int64Range(0, 3).Draw(t, "n")
		s := rapid.SampledFrom([]string{"x", "X", "y?", "'"}).Draw(t, "s")
		switch rapid.IntRange(0, 6).Draw(t, "leaf") {
		case 0:
			return tree{db.True(), func(int64, string) bool { return true }, "true"}
		case 1:
			return tree{db.False(), func(int64, string) bool { return false }, "false"}
		case 2:
			var zero db.Cond
			return tree{zero, func(int64, string) bool { return false }, "zero"}
		case 3:
			return tree{db.Where("a = ? OR b = ?", n, s), func(a int64, b string) bool { return a == n || b == s }, "a or b"}
		case 4:
			return tree{db.Where("b <> '?' AND b > ?", s), func(a int64, b string) bool { return b > s }, "b >"}
		case 5:
			list := rapid.SliceOfN(rapid.Int64Range(0, 3), 0, 5).Draw(t, "list")
			return tree{db.In("a", list), func(a int64, b string) bool { return slices.Contains(list, a) }, "a in"}
		}
		list := rapid.SliceOfN(rapid.SampledFrom([]string{"x", "X", "y?"}), 0, 3).Draw(t, "list")
		return tree{db.In("b", list), func(a int64, b string) bool { return slices.Contains(list, b) }, "b in"}
	})
	if depth == 0 {
		return leaf
	}
	return rapid.Custom(func(t *rapid.T) tree {
		kind := rapid.IntRange(0, 3).Draw(t, "kind")
		if kind == 0 {
			return leaf.Draw(t, "leaf")
		}
		parts := rapid.SliceOfN(trees(depth-1), 0, 3).Draw(t, "parts")
		var conds []db.Cond
		var texts []string
		for _, p := range parts {
			conds = append(conds, p.cond)
			texts = append(texts, p.text)
		}
		inner := strings.Join(texts, ", ")
		switch kind {
		case 1:
			return tree{db.And(conds...), func(a int64, b string) bool {
				return !slices.ContainsFunc(parts, func(p tree) bool { return !p.meet(a, b) })
			}, "and(" + inner + ")"}
		case 2:
			return tree{db.Or(conds...), func(a int64, b string) bool {
				return slices.ContainsFunc(parts, func(p tree) bool { return p.meet(a, b) })
			}, "or(" + inner + ")"}
		}
		one := trees(depth-1).Draw(t, "one")
		return tree{db.Not(one.cond), func(a int64, b string) bool { return !one.meet(a, b) }, "not(" + one.text + ")"}
	})
}

func TestCondMeansWhatItSays(t *testing.T) {
	ddl := "-- +goose Up\nCREATE TABLE pair (a BIGINT NOT NULL, b TEXT NOT NULL);\n"
	m := fstest.MapFS{"sqlite/00001_pair.sql": {Data: []byte(ddl)}, "postgres/00001_pair.sql": {Data: []byte(ddl)}}
	dbtest.Each(t, m, func(t *testing.T, d *db.DB) {
		var pairs [][]any
		for a := range int64(4) {
			for _, b := range []string{"x", "X", "y?", "'", "?"} {
				pairs = append(pairs, []any{a, b})
			}
		}
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			return tx.Bulk(ctx, "INSERT INTO pair (a, b) VALUES (?, ?)", pairs)
		})
		if err != nil {
			t.Fatal(err)
		}
		rapid.Check(t, func(rt *rapid.T) {
			tr := trees(3).Draw(rt, "tree")
			met := map[string]bool{}
			err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := db.All(ctx, tx, func(r *db.Rows) (n int, err error) {
					var a int64
					var b string
					err = r.Scan(&a, &b)
					met[fmt.Sprint(a, b)] = true
					return 0, err
				}, "SELECT a, b FROM pair WHERE "+tr.cond.SQL(), tr.cond.Args()...)
				return err
			})
			if err != nil {
				rt.Fatalf("%s: %s: %v", tr.text, tr.cond.SQL(), err)
			}
			all, none := true, true
			for _, p := range pairs {
				a, b := p[0].(int64), p[1].(string)
				expect := tr.meet(a, b)
				all, none = all && expect, none && !expect
				// b <> '?' is not in the Go closure: that row is left to it
				if b != "?" && met[fmt.Sprint(a, b)] != expect {
					rt.Fatalf("%s: (%d, %q) should be %v: %s", tr.text, a, b, expect, tr.cond.SQL())
				}
			}
			if tr.cond.IsTrue() && !all || tr.cond.IsFalse() && !none {
				rt.Fatalf("%s: not constant", tr.text)
			}
		})
	})
}

func TestCondFailsClosed(t *testing.T) {
	var zero db.Cond
	if !zero.IsFalse() || zero.SQL() != "(1=0)" || !db.And().IsTrue() || !db.Or().IsFalse() || !db.In[string]("id", nil).IsFalse() {
		t.Error("the constants are wrong")
	}
	if !db.And(db.Where("a = 1"), zero).IsFalse() || !db.Or(db.Where("a = 1"), db.True()).IsTrue() || !db.Not(zero).IsTrue() {
		t.Error("constants are not simplified")
	}
	many := make([]db.Cond, 3000)
	for i := range many {
		many[i] = db.Where("id <> ?", fmt.Sprint("x", i))
	}
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		addBorrower(t, d, "ann")
		count := func(c db.Cond) (n int, err error) {
			err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, "SELECT count(*) FROM borrower WHERE "+c.SQL(), c.Args(), &n)
			})
			return n, err
		}
		for _, broken := range []db.Cond{
			db.Where("id = ?"), db.Where(""), db.Where("id = 'x'", 1),
			db.Not(db.Where("")), db.Or(db.True(), db.Where("id = ?")), db.And(db.False(), db.Where("id = ?", 1, 2)),
		} {
			if broken.IsTrue() || broken.IsFalse() {
				t.Errorf("%s passes for a constant", broken.SQL())
			}
			if _, err := count(broken); err == nil {
				t.Errorf("%s was let through", broken.SQL())
			}
		}
		if n, err := count(db.And(many...)); n != 1 || err != nil {
			t.Errorf("3,000 conditions: %d, %v", n, err)
		}
		ids := make([]string, 10_000)
		for i := range ids {
			ids[i] = fmt.Sprint(i)
		}
		if n, err := count(db.In("id", append(ids, "ann"))); n != 1 || err != nil {
			t.Errorf("10,001 values: %d, %v", n, err)
		}
	})
}

// This gives the row of an id where that row may be seen, whoever lies beside it.
func TestThisIsThatRowOrNone(t *testing.T) {
	ddl := "-- +goose Up\nCREATE TABLE thing (id TEXT PRIMARY KEY, open BIGINT NOT NULL);\n"
	m := fstest.MapFS{"sqlite/00001_thing.sql": {Data: []byte(ddl)}, "postgres/00001_thing.sql": {Data: []byte(ddl)}}
	dbtest.Each(t, m, func(t *testing.T, d *db.DB) {
		get := func(id string, seen db.Cond) (found []string) {
			err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
				c := db.This("thing", "x", id, seen)
				found, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, "SELECT x.id FROM thing x WHERE "+c.SQL(), c.Args()...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		seen := db.Where("x.open = ?", 1)
		if got := get("b", seen); got != nil {
			t.Errorf("of an empty table: %v", got)
		}
		rows := [][]any{{"b", 1}, {"d", 0}, {"f", 1}}
		if err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			return tx.Bulk(ctx, "INSERT INTO thing (id, open) VALUES (?, ?)", rows)
		}); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"", "a", "b", "c", "d", "e", "f", "g"} {
			for _, c := range []struct {
				seen  db.Cond
				shows string
			}{{seen, "bf"}, {db.True(), "bdf"}, {db.False(), ""}} {
				want := []string(nil)
				if id != "" && strings.Contains(c.shows, id) {
					want = []string{id}
				}
				if got := get(id, c.seen); !slices.Equal(got, want) {
					t.Errorf("%q where %s: %v, want %v", id, c.seen.SQL(), got, want)
				}
			}
		}
	})
}
