package outline

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
)

func cond(field string, c Comparison, values ...string) Part {
	return Part{Field: field, Compare: c, Values: values}
}

func group(j Join, parts ...Part) Part { return Part{Join: j, Parts: parts} }

func not(p Part) Part { p.Not = true; return p }

func TestAnOutlineComesBackFromItsJSON(t *testing.T) {
	for want, p := range map[string]Part{
		`{"all":[]}`: group(All),
		`{"any":[]}`: group(Any),
		`{"field":"loan.status","compare":"one_of","values":["a","\u003cb\u003e"]}`:                                    cond("loan.status", OneOf, "a", "<b>"),
		`{"all":[{"any":[{"field":"custom.vip","compare":"is","values":["true"]}],"not":true},{"all":[],"not":true}]}`: group(All, not(group(Any, cond("custom.vip", Is, "true"))), not(group(All))),
		`{"field":"loan.status","compare":"none_of","values":[]}`:                                                      cond("loan.status", NoneOf),
	} {
		got, err := json.Marshal(p)
		if err != nil || string(got) != want {
			t.Errorf("%s, want %s: %v", got, want, err)
		}
		var back Part
		if err := json.Unmarshal(got, &back); err != nil || !reflect.DeepEqual(back, p) {
			t.Errorf("%s came back as %+v: %v", got, back, err)
		}
	}
}

// Anything that is not exactly an outline is refused without repeating it.
func TestOtherJSONIsRefused(t *testing.T) {
	const condition = `{"field":"secret","compare":"is","values":["1"]}`
	for why, text := range map[string]string{
		"nothing":             ``,
		"no object":           `[]`,
		"null":                `null`,
		"an empty object":     `{}`,
		"both joins":          `{"all":[],"any":[]}`,
		"a join and a field":  `{"all":[],"field":"secret"}`,
		"no values":           `{"field":"secret","compare":"is"}`,
		"a turned condition":  `{"field":"secret","compare":"is","values":["1"],"not":true}`,
		"not alone":           `{"not":true}`,
		"null values":         `{"field":"secret","compare":"is","values":null}`,
		"a number as a value": `{"field":"secret","compare":"is","values":[1]}`,
		"a field of a list":   `{"field":["secret"],"compare":"is","values":["1"]}`,
		"not as a word":       `{"all":[],"not":"true"}`,
		"a key twice":         `{"all":[],"all":[]}`,
		"another key":         `{"all":[],"secret":1}`,
		"other case":          `{"All":[]}`,
		"a second value":      `{"all":[]} {"all":[]}`,
		"something after":     `{"all":[]}x`,
		"left open":           `{"all":[` + condition,
		"a bare list":         `{"all":` + condition + `}`,
		"invalid UTF-8":       "{\"field\":\"\xff\",\"compare\":\"is\",\"values\":[]}",
		"too long":            `{"all":[` + strings.Repeat(" ", MaxBytes) + `]}`,
		"too deep":            strings.Repeat(`{"any":[`, MaxDepth+2) + strings.Repeat(`]}`, MaxDepth+2),
		"too many parts":      `{"all":[` + strings.Repeat(`{"all":[]},`, MaxParts) + condition + `]}`,
		"too many values":     `{"field":"secret","compare":"is","values":[` + strings.Repeat(`"1",`, MaxValues) + `"1"]}`,
	} {
		_, err := Decode([]byte(text))
		if !fault.Is(err, fault.Malformed) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", why, err)
		}
	}
	if _, err := Decode([]byte(strings.Repeat(`{"any":[`, MaxDepth+1) + strings.Repeat(`]}`, MaxDepth+1))); err != nil {
		t.Errorf("the deepest: %v", err)
	}
}

func TestTheSentenceReadsAsPeopleSpeak(t *testing.T) {
	fields := []Field{
		{Name: "loan.portfolios", Label: "Portfolio", Kind: List, Values: []Choice{{"Acme", "Acme"}}, Closed: true},
		{Name: "loan.status", Label: "Status", Kind: Text, Values: []Choice{{"charged_off", "Charged off"}, {"active", "Active"}}},
		{Name: "loan.number", Label: "Number", Kind: Text},
		{Name: "loan.balance", Label: "Balance", Kind: Money},
		{Name: "loan.days_past_due", Label: "Days past due", Kind: Whole},
		{Name: "loan.opened_on", Label: "Opening date", Kind: Date, Today: true},
		{Name: "custom.vip", Label: "VIP", Kind: YesNo},
	}
	for want, p := range map[string]Part{
		"Loans in portfolio Acme or Beta, and not in status Charged off": group(All, cond("loan.portfolios", OneOf, "Acme", "Beta"), cond("loan.status", NoneOf, "charged_off")),
		"All loans": group(All),
		"No loans":  group(Any),
		"Loans in status Active, or (with balance of at least 5,000.00, and not marked VIP)": group(Any, cond("loan.status", Is, "active"), group(All, cond("loan.balance", AtLeast, "5000.00"), cond("custom.vip", Is, "false"))),
		"Loans not (with days past due over 30, and with number beginning with LN-)":         not(group(All, cond("loan.days_past_due", Over, "30"), cond("loan.number", BeginsWith, "LN-"))),
		"Loans with opening date on or before today, and with opening date other than 2026-01-31": group(All,
			cond("loan.opened_on", AtMost, "today"), cond("loan.opened_on", IsNot, "2026-01-31")),
		"Loans with number “”, “a, b”, c, d, e, f or 2 more": cond("loan.number", OneOf, "", "a, b", "c", "d", "e", "f", "g", "h"),
		"Loans in portfolio of an empty list":                cond("loan.portfolios", OneOf),
		"Loans with days past due 30, and of any sort":       group(All, cond("loan.days_past_due", Is, "30"), group(All)),
		"Loans with custom.gone other than x":                cond("custom.gone", IsNot, "x"),
		"Loans with balance under -1,000.50":                 cond("loan.balance", Under, "-1000.50"),
		"Loans marked VIP":                                   cond("custom.vip", IsNot, "false"),
	} {
		if got := p.Sentence("Loans", fields); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestNamesBecomeIDsAndIDsNames(t *testing.T) {
	ids := map[string]string{"Acme": "pf_1", "Beta": "pf_2"}
	p := group(Any, not(group(All, cond("loan.portfolios", OneOf, "Acme", "Beta"), cond("loan.number", Is, "Acme"))), cond("loan.portfolios", NoneOf))
	got := p.Translate(func(field, value string) string { return pick(field == "loan.portfolios", ids[value], value) })
	want := group(Any, not(group(All, cond("loan.portfolios", OneOf, "pf_1", "pf_2"), cond("loan.number", Is, "Acme"))), cond("loan.portfolios", NoneOf))
	if !reflect.DeepEqual(got, want) || p.Parts[0].Parts[0].Values[0] != "Acme" {
		t.Errorf("%+v, and the outline itself %+v", got, p)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(`{"all":[{"any":[{"field":"a.b","compare":"one_of","values":["x","\u0007"]}],"not":true}]}`)
	f.Add(`{"field":"loan.balance","compare":"under","values":["-1000.00"]}`)
	fields := []Field{{Name: "loan.balance", Label: "Balance", Kind: Money}, {Name: "a.b", Kind: YesNo}}
	f.Fuzz(func(t *testing.T, text string) {
		p, err := Decode([]byte(text))
		if err != nil {
			return
		}
		p.Sentence("Loans", fields)
		b, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode(b); len(b) <= MaxBytes && (err != nil || !reflect.DeepEqual(back, p)) {
			t.Fatalf("%s: %v", b, err)
		}
	})
}
