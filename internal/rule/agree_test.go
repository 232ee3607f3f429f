package rule

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"cel.dev/cel-go/cel"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/money"
)

// The tables that the vocabulary of these tests speaks of, for both engines.
const schema = `-- +goose Up
CREATE TABLE borrower (id TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE loan (id TEXT PRIMARY KEY, number TEXT NOT NULL, status TEXT NOT NULL, company TEXT NOT NULL, balance BIGINT NOT NULL,
	term BIGINT NOT NULL, unpaid_since BIGINT NOT NULL, opened_on BIGINT NOT NULL, vip BIGINT NOT NULL, borrower_id TEXT NOT NULL);
CREATE TABLE loan_portfolio (loan_id TEXT NOT NULL, portfolio_id TEXT NOT NULL, PRIMARY KEY (loan_id, portfolio_id));
`

// Values that expressions and rows are both made of, so that they often meet:
// letters in both cases, LIKE's wildcards, accents, neighbours of each other.
var (
	someTexts = []string{"", "a", "A", "ab", "aB", "a%", "a_", "a%b", `a\`, "á", "ä", "日本", "日", "😀", "active", "Active", "NY", "ny", "'", `"`, "ﬀ", "a ", " a"}
	someInts  = []int64{-9223372036854775808, -1, 0, 1, 2, 29, 30, 31, 9223372036854775807}
	someCents = []string{"-0.01", "0", "0.01", "249.99", "250.00", "250.01", "1000000000000.00"}
	someDays  = []string{"1900-01-01", "2025-12-31", "2026-01-01", "2026-01-30", "2026-01-31", "2026-02-01", "2299-12-31"}
	someNames = slices.Sorted(maps.Keys(portfolios))
)

// maker draws expressions of the whole allowed language.
type maker struct{ t *rapid.T }

func pickOne[T any](m maker, from []T, label string) T {
	return rapid.SampledFrom(from).Draw(m.t, label)
}

func quote(s string) string {
	q := `"`
	if strings.Contains(s, q) {
		q = "'"
	}
	return q + strings.ReplaceAll(s, `\`, `\\`) + q
}

func (m maker) literal(k Kind, name string) string {
	switch k {
	case Int:
		return fmt.Sprint(pickOne(m, someInts, "int"))
	case Money:
		return `money("` + pickOne(m, someCents, "cents") + `")`
	case Date:
		return `date("` + pickOne(m, someDays, "day") + `")`
	case Bool:
		return pickOne(m, []string{"true", "false"}, "bool")
	}
	if name == "loan.source_company" || name == "loan.portfolios" {
		return quote(pickOne(m, someNames, "name"))
	}
	return quote(pickOne(m, someTexts, "text"))
}

func (m maker) list(k Kind, name string) string {
	items := make([]string, rapid.IntRange(0, 12).Draw(m.t, "n")&pickOne(m, []int{3, 15}, "short"))
	for i := range items {
		items[i] = m.literal(k, name)
	}
	return "[" + strings.Join(items, ", ") + "]"
}

func (m maker) leaf(v *Vocabulary) string {
	f := pickOne(m, v.fields, "field")
	compare := pickOne(m, []string{"==", "!=", "<", "<=", ">", ">="}, "op")
	if f.Kind == Bool || f.Value != nil {
		compare = compare[:1] + "="
		if compare != "!=" {
			compare = "=="
		}
	}
	form := rapid.IntRange(0, 5).Draw(m.t, "form")
	switch {
	case f.Kind == TextList && form < 3:
		return m.literal(f.Kind, f.Name) + " in " + f.Name
	case f.Kind == TextList:
		return f.Name + ".overlaps(" + m.list(f.Kind, f.Name) + ")"
	case form == 0:
		return f.Name + " in " + m.list(f.Kind, f.Name)
	case form == 1:
		return m.literal(f.Kind, f.Name) + " " + flipped[compare] + " " + f.Name
	case form == 2 && f.Kind == Bool:
		return f.Name
	case form == 2 && f.Kind == Date:
		return f.Name + " " + compare + " today"
	case form == 3 && f.Kind == Date:
		return "today " + compare + " " + m.literal(Date, "")
	case form <= 3 && f.Kind == Text && f.Value == nil:
		return f.Name + ".startsWith(" + m.literal(Text, f.Name) + ")"
	}
	return f.Name + " " + compare + " " + m.literal(f.Kind, f.Name)
}

var flipped = map[string]string{"==": "==", "!=": "!=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (m maker) expression(v *Vocabulary, depth int) string {
	switch form := rapid.IntRange(0, 9).Draw(m.t, "node"); {
	case depth == 0 || form < 3:
		return m.leaf(v)
	case form == 3:
		return "!(" + m.expression(v, depth-1) + ")"
	case form == 4:
		return pickOne(m, []string{"true", "false"}, "const")
	case form < 7:
		return "(" + m.expression(v, depth-1) + " || " + m.expression(v, depth-1) + ")"
	}
	return m.expression(v, depth-1) + " && " + m.expression(v, depth-1)
}

// loan is one random row in the three shapes that the three judges take.
type loan struct {
	id     string
	row    Row
	params map[string]any // as cel-go sees it: names, not ids
}

func (m maker) loan(v *Vocabulary, n int, today civil.Date) loan {
	l := loan{id: fmt.Sprintf("ln_%03d", n), row: make(Row, v.Len()), params: map[string]any{Today: int64(today)}}
	for i, f := range v.fields {
		switch x := &l.row[i]; {
		case f.Name == "loan.id":
			x.Text, l.params[f.Name] = l.id, l.id
		case f.Name == "loan.portfolios":
			names := rapid.SliceOfNDistinct(rapid.SampledFrom(someNames), 0, 3, rapid.ID).Draw(m.t, f.Name)
			for _, name := range names {
				x.List = append(x.List, string(portfolios[name]))
			}
			l.params[f.Name] = names
		case f.Value != nil:
			name := pickOne(m, someNames, f.Name)
			x.Text, l.params[f.Name] = string(portfolios[name]), name
		case f.Kind == Text:
			x.Text = pickOne(m, someTexts, f.Name)
			l.params[f.Name] = x.Text
		case f.DaysSince:
			x.Int = int64(today) + pickOne(m, []int64{-40000, -32, -31, -30, -29, -2, -1, 0, 1, 5}, f.Name)
			x.Int *= pickOne(m, []int64{0, 1, 1, 1}, "unpaid")
			l.params[f.Name] = max(0, int64(today)-x.Int)
			if x.Int == 0 {
				l.params[f.Name] = int64(0)
			}
		case f.Kind == Money:
			x.Int = int64(money.Must(pickOne(m, someCents, f.Name)))
			l.params[f.Name] = x.Int
		case f.Kind == Date:
			d, _ := civil.Parse(pickOne(m, append(someDays, ""), f.Name))
			x.Int, l.params[f.Name] = int64(d), int64(d)
		case f.Kind == Bool:
			x.Int = pickOne(m, []int64{0, 1}, f.Name)
			l.params[f.Name] = x.Int == 1
		default:
			x.Int = pickOne(m, someInts, f.Name)
			l.params[f.Name] = x.Int
		}
	}
	return l
}

// store replaces the loans of the case before.
func store(ctx context.Context, tx *db.Tx, loans []loan, v *Vocabulary) error {
	for _, name := range []string{"loan", "loan_portfolio", "borrower"} {
		if _, err := tx.Exec(ctx, "DELETE FROM "+name); err != nil {
			return err
		}
	}
	var borrowers, rows, memberships [][]any
	for _, l := range loans {
		at := func(name string) Value { return l.row[v.Index(name)] }
		borrowers = append(borrowers, []any{"b" + l.id, at("borrower.state").Text})
		rows = append(rows, []any{l.id, at("loan.number").Text, at("loan.status").Text, at("loan.source_company").Text, at("loan.balance").Int,
			at("loan.term").Int, at("loan.days_past_due").Int, at("loan.opened_on").Int, at("custom.vip").Int, "b" + l.id})
		for _, p := range at("loan.portfolios").List {
			memberships = append(memberships, []any{l.id, p})
		}
	}
	if err := tx.Bulk(ctx, "INSERT INTO borrower (id, state) VALUES (?, ?)", borrowers); err != nil {
		return err
	}
	if err := tx.Bulk(ctx, "INSERT INTO loan (id, number, status, company, balance, term, unpaid_since, opened_on, vip, borrower_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows); err != nil {
		return err
	}
	return tx.Bulk(ctx, "INSERT INTO loan_portfolio (loan_id, portfolio_id) VALUES (?, ?)", memberships)
}

// seen lists the loans that a predicate shows.
func seen(ctx context.Context, tx *db.Tx, c db.Cond) ([]string, error) {
	return db.All(ctx, tx, func(r *db.Rows) (loanID string, err error) { return loanID, r.Scan(&loanID) },
		"SELECT l.id FROM loan l WHERE "+c.SQL()+" ORDER BY l.id", c.Args()...)
}

// agree holds SQL, closure and cel-go's own evaluation equal, for every
// expression that can be drawn and every row.
func agree(t *testing.T, d *db.DB) {
	v := lending(t)
	judged, shown := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		m := maker{rt}
		today, _ := civil.Parse(pickOne(m, []string{"2026-01-31", "2026-02-01", "1900-01-01"}, "today"))
		loans := make([]loan, rapid.IntRange(1, 12).Draw(rt, "loans"))
		for i := range loans {
			loans[i] = m.loan(v, i, today)
		}
		ctx := t.Context()
		if err := d.Write(ctx, 1, func(ctx context.Context, tx *db.Tx) error { return store(ctx, tx, loans, v) }); err != nil {
			rt.Fatal(err)
		}
		for range 20 {
			text := m.expression(v, 3)
			e, err := v.Compile(text)
			if err != nil {
				rt.Fatalf("%s: %v", text, err)
			}
			want := referee(rt, v, text, loans)
			var closure []string
			for _, l := range loans {
				if e.Match(l.row, today) {
					closure = append(closure, l.id)
				}
			}
			var found []string
			err = d.Read(ctx, 1, func(ctx context.Context, tx *db.Tx) error {
				found, err = seen(ctx, tx, e.SQL(today))
				return err
			})
			if err != nil {
				rt.Fatalf("%s: %s: %v", text, e.SQL(today).SQL(), err)
			}
			if !slices.Equal(want, closure) || !slices.Equal(want, found) {
				rt.Fatalf("%s on %s\nSQL %s %v\ncel-go  %v\nclosure %v\nSQL     %v", text, today, e.SQL(today).SQL(), e.SQL(today).Args(), want, closure, found)
			}
			driven(rt, v, e, loans, want)
			judged, shown = judged+len(loans), shown+len(want)
		}
	})
	if judged == 0 || shown*20 < judged || shown*20 > judged*19 {
		t.Errorf("%d of %d judgements were yes: the cases prove too little", shown, judged)
	}
	t.Logf("%d judgements, %d yes", judged, shown)
}

// referee asks cel-go itself.
func referee(t *rapid.T, v *Vocabulary, text string, loans []loan) (ids []string) {
	tree, issues := v.env.Compile(text)
	if issues.Err() != nil {
		t.Fatalf("%s: %v", text, issues.Err())
	}
	program, err := v.env.Program(tree)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range loans {
		out, _, err := program.Eval(l.params)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if out.Value() == true {
			ids = append(ids, l.id)
		}
	}
	return ids
}

// driven checks that the values of Drive imply the rule, and without a rest are
// the rule.
func driven(t *rapid.T, v *Vocabulary, e *Expr, loans []loan, want []string) {
	field, values, rest, ok := e.Drive()
	if !ok {
		return
	}
	for _, l := range loans {
		held := slices.ContainsFunc(l.row[v.Index(field)].List, func(s string) bool { return slices.Contains(values, any(s)) })
		if shown := slices.Contains(want, l.id); shown && !held || held && !shown && !rest {
			t.Fatalf("%s: driven by %v, rest %v: held %v, shown %v", e.Text(), values, rest, held, shown)
		}
	}
}

func TestSQLClosureAndCELAgree(t *testing.T) {
	dbtest.Each(t, fstest.MapFS{"sqlite/00001_loan.sql": {Data: []byte(schema)}, "postgres/00001_loan.sql": {Data: []byte(schema)}}, agree)
}

// Every comparison of days with every stored date around every edge.
func TestDaysSinceAtEveryEdge(t *testing.T) {
	v := lending(t)
	at := v.Index("loan.days_past_due")
	literals := []int64{-9223372036854775808, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 9223372036854775807}
	dbtest.Each(t, fstest.MapFS{"sqlite/00001_loan.sql": {Data: []byte(schema)}, "postgres/00001_loan.sql": {Data: []byte(schema)}}, func(t *testing.T, d *db.DB) {
		var loans []loan
		for stored := range int64(9) {
			l := loan{id: fmt.Sprint("ln_", stored), row: make(Row, v.Len())}
			l.row[at].Int = stored
			loans = append(loans, l)
		}
		if err := d.Write(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error { return store(ctx, tx, loans, v) }); err != nil {
			t.Fatal(err)
		}
		err := d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
			for today := range int64(7) {
				for _, x := range literals {
					for sign, holds := range map[string]func(days int64) bool{
						"== %d": func(days int64) bool { return days == x }, "!= %d": func(days int64) bool { return days != x },
						"< %d": func(days int64) bool { return days < x }, "<= %d": func(days int64) bool { return days <= x },
						"> %d": func(days int64) bool { return days > x }, ">= %d": func(days int64) bool { return days >= x },
						"in [2, %d, 77]": func(days int64) bool { return days == 2 || days == x || days == 77 },
					} {
						e := compile(t, v, "loan.days_past_due "+fmt.Sprintf(sign, x))
						var want, closure []string
						for stored, l := range loans {
							days := today - int64(stored)
							if stored == 0 || days < 0 {
								days = 0
							}
							if holds(days) {
								want = append(want, l.id)
							}
							if e.Match(l.row, civil.Date(today)) {
								closure = append(closure, l.id)
							}
						}
						found, err := seen(ctx, tx, e.SQL(civil.Date(today)))
						if err != nil {
							return err
						}
						if !slices.Equal(want, closure) || !slices.Equal(want, found) {
							t.Errorf("%s, today %d: want %v, closure %v, SQL %v", e.Text(), today, want, closure, found)
						}
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// The widest rule that compiles runs on both engines as it is.
func TestTheWidestRuleRuns(t *testing.T) {
	v := lending(t)
	texts := []string{
		strings.Repeat("custom.vip||", MaxConditions-1) + "custom.vip",
		strings.Repeat("custom.vip&&!custom.vip||", MaxConditions/2-1) + "custom.vip",
		"loan.term in [" + strings.Repeat("1,", 1000) + "2]",
		strings.Repeat("!(", MaxDepth) + "custom.vip" + strings.Repeat(")", MaxDepth),
		`loan.number.startsWith("` + strings.Repeat("a", 4000) + `")`,
	}
	wide := &strings.Builder{}
	for i := range 1000 {
		fmt.Fprintf(wide, "%d,", i)
	}
	texts = append(texts, "loan.days_past_due in ["+wide.String()+"1000]", "loan.term in ["+wide.String()+"1000]")
	dbtest.Each(t, fstest.MapFS{"sqlite/00001_loan.sql": {Data: []byte(schema)}, "postgres/00001_loan.sql": {Data: []byte(schema)}}, func(t *testing.T, d *db.DB) {
		for i, text := range texts {
			c := compile(t, v, text).SQL(civil.Must(2026, 3, 2))
			err := d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error { _, err := seen(ctx, tx, c); return err })
			if err != nil {
				t.Errorf("%d: %v", i, err)
			}
		}
	})
}

var conditions20 = strings.Repeat(`loan.status == "closed" || `, 10) + strings.Repeat(`loan.balance > money("900.00") || `, 9) + `loan.days_past_due > 30`

// BenchmarkMatch judges one row: our closure, and cel-go's evaluator beside it.
func BenchmarkMatch(b *testing.B) {
	v := lending(b)
	today := civil.Must(2026, 3, 2)
	row := make(Row, v.Len())
	row[v.Index("loan.status")].Text = "active"
	row[v.Index("loan.days_past_due")].Int = int64(today.AddDays(-40))
	params := map[string]any{Today: int64(today), "loan.status": "active", "loan.balance": int64(0), "loan.days_past_due": int64(40)}
	for _, c := range []struct{ name, text string }{{"1", `loan.status == "active"`}, {"20", conditions20}} {
		e := compile(b, v, c.text)
		b.Run("closure/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !e.Match(row, today) {
					b.Fatal("no match")
				}
			}
		})
		tree, _ := v.env.Compile(c.text)
		program, err := v.env.Program(tree, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			b.Fatal(err)
		}
		b.Run("cel-go/"+c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if out, _, err := program.Eval(params); err != nil || out.Value() != true {
					b.Fatal("no match")
				}
			}
		})
	}
}

// BenchmarkCompile is the cost of a changed restriction.
func BenchmarkCompile(b *testing.B) {
	v := lending(b)
	for b.Loop() {
		compile(b, v, `loan.status in ["active","late"] && loan.portfolios.overlaps(["Acme"]) && loan.days_past_due > 30`)
	}
}
