package rule

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// round sends a text through the form: it gives the expression that comes back.
func round(t failer, v *Vocabulary, e *Expr) *Expr {
	t.Helper()
	o := e.Outline()
	sent, err := json.Marshal(o)
	if err != nil {
		t.Fatalf("%s: %v", e.Text(), err)
	}
	received, err := outline.Decode(sent)
	if err != nil {
		t.Fatalf("%s: %s: %v", e.Text(), sent, err)
	}
	if !reflect.DeepEqual(o, received) { // cmp is slow where things nest deeply
		t.Fatalf("%s: the JSON loses something: %s", e.Text(), sent)
	}
	text, err := v.Print(received)
	if err != nil {
		t.Fatalf("%s: %s: %v", e.Text(), sent, err)
	}
	back, err := v.Compile(text)
	if err != nil {
		t.Fatalf("%s, printed %s: %v", e.Text(), text, err)
	}
	if !reflect.DeepEqual(o, back.Outline()) {
		t.Fatalf("%s, printed %s: another outline: %+v, was %s", e.Text(), text, back.Outline(), sent)
	}
	if again, err := v.Print(back.Outline()); err != nil || again != text {
		t.Fatalf("%s, printed %s and then %s: %v", e.Text(), text, again, err)
	}
	return back
}

// Whatever can be written comes back from the form with the same meaning, on
// every row, for the closure and on both engines.
func TestAnExpressionComesBackFromTheFormWithTheSameMeaning(t *testing.T) {
	dbtest.Each(t, fstest.MapFS{"sqlite/00001_loan.sql": {Data: []byte(schema)}, "postgres/00001_loan.sql": {Data: []byte(schema)}}, func(t *testing.T, d *db.DB) {
		v := lending(t)
		judged := 0
		rapid.Check(t, func(rt *rapid.T) {
			m := maker{rt}
			today, _ := civil.Parse(pickOne(m, []string{"2026-01-31", "2026-02-01", "1900-01-01"}, "today"))
			loans := make([]loan, rapid.IntRange(1, 8).Draw(rt, "loans"))
			for i := range loans {
				loans[i] = m.loan(v, i, today)
			}
			if err := d.Write(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error { return store(ctx, tx, loans, v) }); err != nil {
				rt.Fatal(err)
			}
			for range 10 {
				e := compile(t, v, m.expression(v, 4))
				back := round(rt, v, e)
				var want, closure, found []string
				for _, l := range loans {
					if e.Match(l.row, today) {
						want = append(want, l.id)
					}
					if back.Match(l.row, today) {
						closure = append(closure, l.id)
					}
				}
				err := d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) (err error) {
					found, err = seen(ctx, tx, back.SQL(today))
					return err
				})
				if err != nil || !slices.Equal(want, closure) || !slices.Equal(want, found) {
					rt.Fatalf("%s, printed %s: %v, closure %v, SQL %v: %v", e.Text(), back.Text(), want, closure, found, err)
				}
				judged += len(loans)
			}
		})
		t.Logf("%d judgements", judged)
	})
}

// The longest, deepest and widest texts that compile have an outline that can
// be printed too, if not prettily.
func TestEveryTextThatCompilesCanBePrinted(t *testing.T) {
	v := lending(t)
	deep := "custom.vip"
	for range MaxDepth - 1 {
		deep = "(" + deep + "||loan.term<1)&&loan.term>2||loan.term>3"
	}
	rep := strings.Repeat
	for name, text := range map[string]string{
		"names in a list":   rep(`"Acme"in loan.portfolios||`, 156) + "true",
		"amounts":           "loan.balance in[" + rep(`money("1"),`, 300) + `money("2")]`,
		"other amounts":     "loan.balance!=" + `money("1")` + rep(`&&loan.balance!=money("1.5")`, 138),
		"numbers":           "loan.term in[" + rep("1,", 1000) + "2]",
		"a thousand terms":  "loan.term in[" + strings.Trim(strings.ReplaceAll(fmt.Sprint(seq(1000)), " ", ","), "[]") + "]",
		"double quotes":     "loan.number=='" + rep(`"`, 4000) + "'",
		"single quotes":     `loan.number=="` + rep(`'`, 4000) + `"`,
		"both quotes":       `loan.number=="` + rep(`'`, 1000) + rep(`\"`, 1400) + `"`,
		"backslashes":       `loan.number=="` + rep(`\\`, 2000) + `"`,
		"alternating depth": deep,
		"negations":         rep("!(", MaxDepth-1) + "loan.term in[1]" + rep(")", MaxDepth-1),
		"notted lists":      rep("!", 7) + `loan.portfolios.overlaps(["Acme","Beta"])` + rep(`&&!loan.portfolios.overlaps(["Acme","Beta"])`, 90),
		"not begins":        rep(`!loan.number.startsWith("")&&`, 130) + "true",
		"256 conditions":    rep("custom.vip&&!custom.vip||", 127) + "custom.vip",
		"constants":         rep("true&&", 680) + "true",
		"days":              rep("today<loan.opened_on||", 180) + "true",
	} {
		e, err := v.Compile(text)
		if err != nil {
			t.Errorf("%s: is no fair case: %v", name, err)
			continue
		}
		if back := round(t, v, e); len(back.Text()) > MaxLength {
			t.Errorf("%s: printed with %d bytes", name, len(back.Text()))
		}
	}
}

func seq(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i + 1
	}
	return out
}

func TestTextIsPrintedForPeople(t *testing.T) {
	v := lending(t)
	for text, want := range map[string]string{
		`true`:                        `true`,
		`!true`:                       `false`,
		`!(!custom.vip)&&loan.term>3`: `custom.vip && loan.term > 3`,
		`custom.vip in [false]`:       `!custom.vip`,
		`custom.vip in [true, false] || custom.vip != true`: `true || !custom.vip`,
		`3<=loan.term&&loan.term<=5||custom.vip==true`:      `(loan.term >= 3 && loan.term <= 5) || custom.vip`,
		`!(loan.term<3)`: `loan.term >= 3`,
		`!(loan.balance in [money("5"),money("5.00")])`:                    `!(loan.balance in [money("5.00")])`,
		`loan.portfolios.overlaps(['Beta'])&&!('Acme' in loan.portfolios)`: `"Beta" in loan.portfolios && !("Acme" in loan.portfolios)`,
		`!loan.portfolios.overlaps(['Beta',"Acme"])`:                       `!loan.portfolios.overlaps(["Acme", "Beta"])`,
		`!(today>=loan.opened_on)||date("2026-01-02")>today`:               `loan.opened_on > today || today < date("2026-01-02")`,
		`!(custom.vip&&(loan.term==1||loan.term==2))`:                      `!(custom.vip && (loan.term == 1 || loan.term == 2))`,
		`loan.number.startsWith("LN-")&&!loan.number.startsWith('a"b')`:    `loan.number.startsWith("LN-") && !loan.number.startsWith('a"b')`,
		`loan.status in []`: `loan.status in []`,
		`loan.status=="a long status that fills the line"&&loan.number!="another text that fills the line"&&custom.vip`: "loan.status == \"a long status that fills the line\" && loan.number != \"another text that fills the line\" &&\ncustom.vip",
	} {
		if got := round(t, v, compile(t, v, text)).Text(); got != want {
			t.Errorf("%s\nprints %s\nwant   %s", text, got, want)
		}
	}
}

// What a form sends wrong is named by its place in the outline.
func TestAWrongOutlineIsNamedByItsPlace(t *testing.T) {
	v := lending(t)
	for _, c := range []struct{ json, path, mend string }{
		{`{"all":[{"any":[{"field":"loan.stauts","compare":"is","values":["x"]}]}]}`, "all.0.any.0.field", "loan.stauts is not a field; did you mean loan.status?"},
		{`{"all":[{"field":"<b>","compare":"is","values":["x"]}]}`, "all.0.field", "choose a field"},
		{`{"field":"loan.term","compare":"begins_with","values":["1"]}`, "compare", "choose a comparison that loan.term can be asked"},
		{`{"any":[{"field":"today","compare":"one_of","values":["2026-01-01"]}]}`, "any.0.compare", "choose a comparison that today can be asked"},
		{`{"any":[{"field":"loan.term","compare":"is","values":[]}]}`, "any.0.values", "give one value"},
		{`{"any":[{"field":"loan.term","compare":"is","values":["1","2"]}]}`, "any.0.values", "give one value"},
		{`{"any":[{"field":"loan.term","compare":"one_of","values":["1","4x"]}]}`, "any.0.values.1", "enter a whole number such as 30"},
		{`{"any":[{"field":"loan.balance","compare":"over","values":["1,000"]}]}`, "any.0.values.0", "enter an amount such as 250.00, without commas"},
		{`{"any":[{"field":"loan.opened_on","compare":"over","values":["31 Feb"]}]}`, "any.0.values.0", "enter a day as YYYY-MM-DD"},
		{`{"any":[{"field":"loan.opened_on","compare":"one_of","values":["today"]}]}`, "any.0.values.0", "enter a day as YYYY-MM-DD"},
		{`{"any":[{"field":"today","compare":"is","values":["today"]}]}`, "any.0.values.0", "enter a day as YYYY-MM-DD"},
		{`{"any":[{"field":"custom.vip","compare":"is","values":["1"]}]}`, "any.0.values.0", "choose yes or no"},
		{`{"any":[{"field":"loan.portfolios","compare":"one_of","values":["Zeta"]}]}`, "any.0.values.0", "nothing of this name is known for loan.portfolios"},
		{`{"any":[{"field":"loan.number","compare":"is","values":["a\u0007"]}]}`, "any.0.values.0", "a text cannot hold control characters"},
		{`{"all":[` + strings.Repeat(`{"field":"custom.vip","compare":"is","values":["true"]},`, 299) + `{"all":[]}]}`, "", "use in [...] for many values of one field"},
	} {
		o, err := outline.Decode([]byte(c.json))
		if err != nil {
			t.Errorf("%s: %v", c.json, err)
			continue
		}
		_, err = v.Print(o)
		if f := fault.As(err); f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != c.path || !strings.HasSuffix(f.Fields[0].Mend, c.mend) {
			t.Errorf("%s: %v", c.json, err)
		}
	}
	both := outline.Part{Join: outline.All, Parts: []outline.Part{{Field: "loan.term", Compare: outline.Is}, {Field: "loan.status", Compare: "like", Values: []string{"x"}}}}
	if _, err := v.Print(both); err == nil || len(fault.As(err).Fields) != 2 {
		t.Errorf("two mistakes: %v", err)
	}
}

func TestAPlaceIsReadBackFromItsMend(t *testing.T) {
	v := lending(t)
	_, err := v.Compile("custom.vip &&\n  loan.stauts == 'x'")
	line, column, meaning := Place(fault.As(err).Fields[0].Mend)
	if line != 2 || column != 3 || meaning != "loan.stauts is not a field; did you mean loan.status?" {
		t.Errorf("%d, %d, %q", line, column, meaning)
	}
	if line, column, meaning = Place("the expression is empty: write one"); line != 0 || column != 0 || meaning != "the expression is empty: write one" {
		t.Errorf("%d, %d, %q", line, column, meaning)
	}
}

func TestTheFormOffersWhatTheVocabularyKnows(t *testing.T) {
	v, err := NewVocabulary(
		Field{Name: "loan.days_past_due", Kind: Int, Column: "x", DaysSince: true},
		Field{Name: "loan.status", Kind: Text, Column: "x", Label: "State of the loan", Known: []outline.Choice{{Value: "active", Label: "Active"}}},
		Field{Name: "loan.portfolios", Kind: TextList, Column: "x %s", Value: portfolioID, Known: []outline.Choice{{Value: "Acme", Label: "Acme"}}},
		Field{Name: "opened", Kind: Date, Column: "x"},
	)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range v.Fields() {
		got = append(got, fmt.Sprintf("%s|%s|%s|%s|%d|%d|closed %v|today %v", f.Name, f.Group, f.Label, f.Kind, len(f.Compare), len(f.Values), f.Closed, f.Today))
	}
	want := []string{
		"loan.days_past_due|Loan|Days past due|whole|8|0|closed false|today false",
		"loan.status|Loan|State of the loan|text|10|1|closed false|today false",
		"loan.portfolios|Loan|Portfolios|list|2|1|closed true|today false",
		"opened||Opened|date|8|0|closed false|today true",
		"today|Calendar|Today’s date|date|6|0|closed false|today false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	// Every comparison that is offered can be printed and read back.
	for _, f := range v.Fields() {
		value := map[outline.Kind]string{outline.Whole: "30", outline.Date: "2026-01-31", outline.Text: "active", outline.List: "Acme"}[f.Kind]
		for _, c := range f.Compare {
			o := outline.Part{Join: outline.All, Parts: []outline.Part{{Field: f.Name, Compare: outline.Comparison(c.Value), Values: []string{value}}}}
			text, err := v.Print(o)
			if err != nil {
				t.Errorf("%s %s: %v", f.Name, c.Value, err)
				continue
			}
			if diff := cmp.Diff(o, compile(t, v, text).Outline()); diff != "" {
				t.Errorf("%s: %s", text, diff)
			}
		}
	}
}

// Reading, printing and turning round the most that fits costs little as well.
func TestOutlinesAreCheap(t *testing.T) {
	v := lending(t)
	rep := strings.Repeat
	cases := map[string]string{
		"256 conditions": `{"all":[` + rep(`{"field":"custom.vip","compare":"is","values":["true"]},`, 255) + `{"all":[]}]}`,
		"1,500 values":   `{"field":"loan.term","compare":"one_of","values":[` + rep(`"1",`, 1500) + `"2"]}`,
		"4,000 groups":   `{"all":[` + rep(`{"any":[]},`, 4000) + `{"all":[]}]}`,
		"deep groups":    rep(`{"all":[`, 50) + rep(`]}`, 50),
		"too deep":       rep(`{"all":[`, 8000),
		"long text":      `{"field":"loan.number","compare":"is","values":["` + rep("x", 60000) + `"]}`,
		"unknown field":  `{"all":[` + rep(`{"field":"loan.nmber","compare":"is","values":["x"]},`, 1000) + `{"all":[]}]}`,
		"a million":      rep(`[`, 1_000_000),
	}
	for name, text := range cases {
		least, bytes := time.Hour, uint64(1<<63)
		for range 5 {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			if o, err := outline.Decode([]byte(text)); err == nil {
				if text, err := v.Print(o); err == nil {
					round(t, v, compile(t, v, text))
				}
			}
			least = min(least, time.Since(start))
			runtime.ReadMemStats(&after)
			bytes = min(bytes, after.TotalAlloc-before.TotalAlloc)
		}
		t.Logf("%-16s %8s %6d KB", name, least.Round(time.Microsecond), bytes/1024)
		if least > 50*slowdown*time.Millisecond || bytes > slowdown*16<<20 {
			t.Errorf("%s: %s and %d KB", name, least, bytes/1024)
		}
	}
}

func FuzzOutline(f *testing.F) {
	for _, text := range hostile() {
		f.Add(text[:min(len(text), 5000)])
	}
	for _, text := range []string{`!(loan.status in ["a", 'b"']) && !custom.vip`, `loan.balance >= money("1.5")||true`, `!!(today < date("2026-01-01"))`,
		`!loan.number.startsWith("a") || "Acme" in loan.portfolios`, `{"all":[{"field":"loan.term","compare":"is","values":["3"]}]}`} {
		f.Add(text)
	}
	v := lending(f)
	f.Fuzz(func(t *testing.T, text string) {
		if e, err := v.Compile(text); err == nil {
			round(t, v, e)
		}
		o, err := outline.Decode([]byte(text))
		if err != nil {
			return
		}
		if printed, err := v.Print(o); err == nil {
			round(t, v, compile(t, v, printed))
		} else if k := fault.As(err).Kind; k != fault.Invalid {
			t.Fatalf("not a proper refusal: %v", err)
		}
	})
}
