package visit

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

type address struct {
	City    string `json:"city" minLength:"1"`
	Country string `json:"country" enum:"US,CA"`
}

type line struct {
	Rule string `json:"rule" minLength:"1"`
	On   bool   `json:"on"`
}

type shared struct {
	Note string `json:"note,omitempty" maxLength:"10"`
}

type input struct {
	ID       id.Loan `path:"id" json:"-"`
	Hidden   string  `json:"-"`
	Amount   money.Amount
	Sum      money.Amount     `json:"sum"`
	Due      civil.Date       `json:"due"`
	Term     int              `json:"term" minimum:"1" maximum:"600"`
	Late     *money.Amount    `json:"late,omitempty"`
	Name     *string          `json:"name,omitempty" minLength:"1"`
	Active   *bool            `json:"active,omitempty"`
	Groups   *[]string        `json:"groups,omitempty"`
	Tags     []string         `json:"tags,omitempty" maxItems:"3"`
	Lines    []line           `json:"lines,omitempty"`
	Where    address          `json:"where"`
	Password secret.Text      `json:"password,omitempty"`
	Company  id.SourceCompany `json:"company,omitempty"`
	shared
	Shared shared `json:"shared,omitempty"`
}

func full() url.Values {
	return url.Values{"sum": {" 1,250.50 "}, "due": {"2026-11-22"}, "term": {"24"}, "where.city": {"Newark"}, "where.country": {"US"}}
}

func TestAFormBecomesAnInput(t *testing.T) {
	form := full()
	form["tags"] = []string{"one\r\ntwo\r\n\r\n", "three"}
	form["lines[1].rule"], form["lines[1].on"] = []string{"tor"}, []string{"on"}
	form["lines.0.rule"] = []string{"proxy"}
	form["_boxes"], form["_form"] = []string{"active", "groups"}, []string{"loan"}
	form["name"], form["late"], form["shared.note"] = []string{"Ann"}, []string{" "}, []string{"a\r\nb"}
	form["password"] = []string{"secret"}
	var in input
	if err := Decode(form, &in); err != nil {
		t.Fatal(err)
	}
	if in.Sum != money.Must("1250.50") || in.Due != civil.Must(2026, 11, 22) || in.Term != 24 || in.Where != (address{"Newark", "US"}) {
		t.Errorf("%+v", in)
	}
	if in.Late != nil || *in.Name != "Ann" || *in.Active || *in.Groups == nil || len(*in.Groups) != 0 || in.Shared.Note != "a\nb" || !in.Password.Equal(secret.NewText("secret")) {
		t.Errorf("%+v", in)
	}
	if diff := cmp.Diff([]line{{"proxy", false}, {"tor", true}}, in.Lines); diff != "" || strings.Join(in.Tags, ",") != "one,two,three" {
		t.Error(diff, in.Tags)
	}
	var bare input
	if err := Decode(full(), &bare); err != nil || bare.Name != nil || bare.Active != nil || bare.Groups != nil {
		t.Errorf("what the form does not hold was set: %+v, %v", bare, err)
	}
}

func TestWhatDoesNotFitIsNamedWithItsMend(t *testing.T) {
	for _, c := range []struct{ field, value, at, says string }{
		{"sum", "1,25", "sum", "Enter an amount"}, {"sum", "12,34,567.00", "sum", "Enter an amount"}, {"sum", "", "sum", "Fill this in."},
		{"sum", "9999999999999999", "sum", "beyond"}, {"sum", "1e3", "sum", "Enter an amount"}, {"sum", "1.005", "sum", "Enter an amount"},
		{"due", "2026-02-31", "due", "does not exist"}, {"due", "22/11/2026", "due", "YYYY-MM-DD"}, {"due", "", "due", "Fill this in."},
		{"term", "0", "term", "1 or more"}, {"term", "601", "term", "600 or less"}, {"term", "2.5", "term", "whole number"}, {"term", "99999999999999999999", "term", "whole number"},
		{"where.country", "XX", "where.country", "listed"}, {"where.city", "", "where.city", "Fill this in."},
		{"name", "", "name", "Fill this in."}, {"late", "x", "late", "Enter an amount"}, {"active", "maybe", "active", "yes or no"},
		{"tags", "1\n2\n3\n4", "tags", "at most 3"}, {"lines[0].on", "on", "lines[0].rule", "Fill this in."}, {"shared.note", "longer than ten", "shared.note", "at most 10"},
	} {
		form := full()
		form.Set(c.field, c.value)
		var in input
		f := fault.As(Decode(form, &in))
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != c.at || !strings.Contains(f.Fields[0].Mend, c.says) {
			t.Errorf("%s=%q: %v", c.field, c.value, f)
		}
		if f != nil && len(c.value) > 2 && strings.Contains(f.Error(), c.value) {
			t.Errorf("%s: the rejected value is repeated", c.field)
		}
	}
	twice := full()
	twice.Add("sum", "1.00")
	if f := fault.As(Decode(twice, new(input))); f == nil || f.Fields[0].Mend != "Send this field once." {
		t.Errorf("%v", f)
	}
	for _, name := range []string{"id", "Hidden", "hidden", "Amount", "note2", "where.street", "lines[0].colour", "where"} {
		form := full()
		form.Set(name, "1")
		if strings.HasPrefix(name, "lines") {
			form.Set("lines[0].rule", "proxy")
		}
		var in input
		if f := fault.As(Decode(form, &in)); f == nil || f.Reason != "unknown_field" || in.ID != "" || in.Hidden != "" {
			t.Errorf("%s: %v, %+v", name, f, in.ID)
		}
	}
}

func TestASheetKeepsWhatWasTypedAndOnlyIts(t *testing.T) {
	v := &Visit{err: &fault.Error{Kind: fault.Invalid, Fields: []fault.Field{{Path: "amount", Mend: "Enter an amount."}, {Path: "entries[2]", Mend: "Not an address."}, {Path: "gone", Mend: "Missing."}}},
		typed: url.Values{"_form": {"payment"}, "_once": {"k-1"}, "amount": {"x"}, "entries": {"a\nb"}, "days": {"mon"}}}
	s := v.Sheet("payment")
	f := s.Field(parts.Field{Name: "amount", Value: "5.00"})
	if f.Value != "x" || f.Error != "Enter an amount." || f.ID != "f-payment-amount" || s.Error("entries") != "Not an address." || !s.Open() {
		t.Errorf("%+v", f)
	}
	want := []parts.Problem{{Field: "payment-amount", Text: "Enter an amount."}, {Field: "payment-entries", Text: "Not an address."}, {Text: "Missing."}}
	if diff := cmp.Diff(want, s.Problems()); diff != "" {
		t.Error(diff)
	}
	if !s.Box(parts.Field{Name: "days", Value: "mon"}).Checked || s.Box(parts.Field{Name: "days", Value: "tue", Checked: true}).Checked {
		t.Error("the boxes are not as they were ticked")
	}
	if h := s.Hidden(); h[1].Value != "k-1" {
		t.Error("a form that came back must carry the same key")
	}
	o := v.Sheet("other")
	if o.Open() || o.Field(parts.Field{Name: "amount", Value: "5.00"}).Value != "5.00" || len(o.Problems()) != 0 || o.Hidden()[1].Value == v.Sheet("third").Hidden()[1].Value {
		t.Error("another form of the page took it")
	}
}

func TestThePathGoesWhereTheTagSays(t *testing.T) {
	r := httptest.NewRequest("GET", "/loans/ln_1?sum=5&due=never&nonsense=1", nil)
	r.SetPathValue("id", "ln_1")
	v := &Visit{R: r}
	var in input
	f := fault.As(v.bind(&in))
	if in.ID != "ln_1" || in.Sum != money.Must("5.00") || f == nil || len(f.Fields) != 1 || f.Fields[0].Path != "due" {
		t.Errorf("%+v, %v", in, f)
	}
}

func TestOnlyFormsOfOurOwnOrigin(t *testing.T) {
	m := &Mux{foreign: http.NewCrossOriginProtection()}
	for _, c := range []struct {
		site, origin string
		want         bool
	}{
		{"same-origin", "https://acme.test", true}, {"same-origin", "", true}, {"", "https://acme.test", true},
		{"", "", false}, {"none", "", false}, {"none", "https://acme.test", false}, {"cross-site", "https://acme.test", false},
		{"same-site", "https://www.acme.test", false}, {"", "https://evil.test", false}, {"", "null", false},
		{"", "http://acme.test", false}, {"", "https://acme.test:8443", false}, {"", "https://acme.test.evil.test", false}, {"", "HTTPS://ACME.test", true},
	} {
		r := httptest.NewRequest("POST", "https://acme.test/x", nil)
		for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
			if value != "" {
				r.Header.Set(name, value)
			}
		}
		if got := m.own(r); got != c.want {
			t.Errorf("site %q, origin %q: %t", c.site, c.origin, got)
		}
	}
}

// Whatever stands in next, a browser stays here: no scheme, no other host.
func FuzzLocal(f *testing.F) {
	for _, s := range []string{"/", "/loans?q=a%20b", "//evil.test", "/\\evil.test", "https://evil.test", "/%5cevil", "/\t/evil", "javascript:x", "/a\r\nb", "/%2f%2fevil", "/..//evil.test", ""} {
		f.Add(s)
	}
	base, _ := url.Parse("https://acme.test/signin")
	f.Fuzz(func(t *testing.T, s string) {
		got := Local(s)
		u, err := base.Parse(got)
		if err != nil || u.Host != "acme.test" || u.Scheme != "https" || !strings.HasPrefix(got, "/") || strings.HasPrefix(got, "//") || strings.ContainsAny(got, "\\\r\n\t ") {
			t.Errorf("%q leads to %q", s, got)
		}
	})
}

// No form, however odd, breaks the decoder or sets what no form may set.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{full().Encode(), "lines[0].rule=a&lines[9999].rule=b", "lines[-1].rule=a", "lines[].rule=a", "lines.x.rule=1", "tags=a&tags=b", "where=1", "_boxes=active", "id=ln_x&Hidden=1", "name=&late=&active="} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		form, err := url.ParseQuery(s)
		if err != nil {
			return
		}
		var in input
		err = Decode(form, &in)
		if in.ID != "" || in.Hidden != "" || in.Amount != 0 {
			t.Errorf("a form set %+v", in)
		}
		if k := fault.As(err); k != nil && k.Kind != fault.Invalid && k.Kind != fault.Malformed {
			t.Errorf("%v", err)
		}
	})
}

func TestACardNumberDoesNotComeBackOnThePage(t *testing.T) {
	card := "4111 1111 1111 1111"
	v := &Visit{typed: url.Values{"_form": {"payment"}, "memo": {"paid by " + card}, "amount": {"5.00"}, "lines": {"a", "4111111111111111"},
		"joined": {"4111"}, "4111111111111111": {"x"}}}
	v.back(&fault.Error{Kind: fault.Invalid, Reason: "card_number", Fields: []fault.Field{{Path: "memo", Mend: "Leave it out."}, {Path: "joined", Mend: "Leave it out."}}})
	s := v.Sheet("payment")
	if got := s.Value("memo", "held") + s.Value("lines", "held") + s.Value("joined", "held"); got != "" {
		t.Errorf("what was refused comes back: %d bytes", len(got))
	}
	if s.Value("amount", "") != "5.00" || s.Error("memo") == "" || !s.Open() {
		t.Error("the rest of the form, or what is wrong with it, is gone")
	}
	if v.typed.Has("4111111111111111") {
		t.Error("a name that is a card number is kept")
	}
}

func TestTheSearchBoxForgetsACardNumber(t *testing.T) {
	for query, want := range map[string]string{"Adams": "Adams", "4111111111111111": "", "pay+4111+1111+1111+1111": ""} {
		v := &Visit{R: httptest.NewRequest("GET", "/loans?q="+query, nil)}
		if got := v.asksFor(); got != want {
			t.Errorf("%q is shown as %q", query, got)
		}
	}
	if got := (&Visit{R: httptest.NewRequest("GET", "/settings/users?q=Adams", nil)}).asksFor(); got != "" {
		t.Errorf("a search among users stands in the box for loans: %q", got)
	}
}
