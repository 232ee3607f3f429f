package api

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

const planted = "PLANTED VALUE !"

func good(more string) string {
	return `{"amount":"250.00","on":"2026-11-22","method":"ach"` + more + `}`
}

func TestGoodBodies(t *testing.T) {
	f := newFront(t)
	for _, body := range []string{
		good(``), good(`,"memo":"caf\u00e9 \ud83d\ude00","terms":600,"ratio":1e-3,"flag":false,"small":-128`),
		good(`,"split":[{"to":"fees","amount":"1"}],"tags":["a","b"],"custom":{"color":"red"},"payer":{"name":"Ann","by":{"name":"Bob"}}`),
		good(`,"memo":null,"payer":null,"tags":null,"flag":null`), " \n" + good(``) + "\t\n", good(`,"contact":"a@example.com"`),
	} {
		if w := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body); w.Code != 201 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

// badBodies: each is refused, with the field named and nothing of its value.
var badBodies = []struct {
	name, body string
	status     int
	field      string // the only or first field named; "" for none
	mend       string // a piece of the message
}{
	{"nothing", ``, 400, "", ""},
	{"not JSON", `amount=1`, 400, "body", "not valid JSON"},
	{"cut off", `{"amount":"250.00"`, 400, "body", "not valid JSON"},
	{"cut off in a list", `{"tags":["a"`, 400, "tags[1]", "not valid JSON"},
	{"a comma too many", `{"amount":"250.00",}`, 400, "body", ""},
	{"a comment", `{"amount":"250.00"/* ` + planted + ` */}`, 400, "", ""},
	{"trailing data", good(``) + `{}`, 400, "", ""},
	{"trailing text", good(``) + planted, 400, "", ""},
	{"two objects", good(``) + good(``), 400, "", ""},
	{"a byte order mark", "\ufeff" + good(``), 400, "", ""},
	{"a list", `[` + good(``) + `]`, 422, "body", "Send an object."},
	{"a text", `"` + planted + `"`, 422, "body", "Send an object."},
	{"null", `null`, 422, "body", "Send an object."},
	{"an empty object", `{}`, 422, "amount", "required"},
	{"a required null", `{"amount":null,"on":"2026-11-22","method":"ach"}`, 422, "amount", "required"},
	{"an unknown field", good(`,"surname":"` + planted + `"`), 422, "surname", "no such field"},
	{"an unknown field that is no name", good(`,"` + planted + `":1`), 422, "an unknown field", "Name 4 of the object is a field that this operation does not know"},
	{"a card number for a name", good(`,"4111111111111111":1`), 422, "an unknown field", "Name 4 of the object is a field that this operation does not know."},
	{"a card number in a name", good(`,"memo":"x","card-4111111111111111":1`), 422, "an unknown field", "Name 5 of the object"},
	{"a card number after letters", good(`,"memo4111111111111111":1`), 422, "an unknown field", `the nearest that it knows is "memo"`},
	{"a telephone number for a name", good(`,"phone_2125550123":1`), 422, "an unknown field", "does not know"},
	{"a social security number with underscores", good(`,"ssn_123_45_6789":1`), 422, "an unknown field", "does not know"},
	{"a birth date in a name", good(`,"born-1990-04-01":1`), 422, "an unknown field", "does not know"},
	{"a name of 41 letters", good(`,"` + strings.Repeat("a", 41) + `":1`), 422, "an unknown field", "does not know"},
	{"a name of 40 letters", good(`,"` + strings.Repeat("a", 40) + `":1`), 422, strings.Repeat("a", 40), "no such field"},
	{"a host for a name", good(`,"ann.example.com":1`), 422, "an unknown field", "does not know"},
	{"a name with dashes for underscores", good(`,"terms-":12`), 422, "an unknown field", `"terms"`},
	{"a line of an address", good(`,"line_2":1`), 422, "line_2", "no such field"},
	{"a social security number for a name", good(`,"123-45-6789":1`), 422, "an unknown field", "does not know"},
	{"another case", `{"Amount":"250.00","on":"2026-11-22","method":"ach"}`, 422, "amount", "required"},
	{"another case beside the right one", good(`,"AMOUNT":"999.00"`), 422, "AMOUNT", `"amount"`},
	{"the Greek long s", good(`,"tagſ":[]`), 422, "an unknown field", `"tags"`},
	{"the path parameter in the body", good(`,"id":"ln_2"`), 422, "id", "no such field"},
	{"the Go name of the path parameter", good(`,"Loan":"ln_2"`), 422, "Loan", "no such field"},
	{"a name twice", good(`,"amount":"` + planted + `"`), 400, "amount", "once"},
	{"a name twice by escapes", good(`,"am\u006funt":"1.00"`), 400, "amount", "once"},
	{"a name twice below", good(`,"payer":{"name":"Ann","name":"Bob"}`), 400, "payer.name", "once"},
	{"a name twice in a map", good(`,"custom":{"color":"a","color":"b"}`), 400, "custom.color", "once"},
	{"a number for money", `{"amount":250,"on":"2026-11-22","method":"ach"}`, 422, "amount", "as text"},
	{"money that is none", `{"amount":"` + planted + `","on":"2026-11-22","method":"ach"}`, 422, "amount", "as text"},
	{"money with three places", `{"amount":"1.001","on":"2026-11-22","method":"ach"}`, 422, "amount", "as text"},
	{"money with an exponent", `{"amount":"1e9","on":"2026-11-22","method":"ach"}`, 422, "amount", "as text"},
	{"money beyond the limit", `{"amount":"9999999999999.99","on":"2026-11-22","method":"ach"}`, 422, "amount", "does not fit"},
	{"money that overflows", `{"amount":"99999999999999999999999","on":"2026-11-22","method":"ach"}`, 422, "amount", ""},
	{"a day that is none", `{"amount":"1","on":"2026-02-29","method":"ach"}`, 422, "on", "date"},
	{"a year out of range", `{"amount":"1","on":"9999-01-01","method":"ach"}`, 422, "on", "date"},
	{"an empty date", `{"amount":"1","on":"","method":"ach"}`, 422, "on", "date"},
	{"not one of the words", `{"amount":"1","on":"2026-11-22","method":"` + planted + `"}`, 422, "method", "ach, check, cash"},
	{"too long a text", good(`,"memo":"` + strings.Repeat("x", 41) + `"`), 422, "memo", "at most 40"},
	{"a null character", good(`,"memo":"a\u0000b"`), 422, "memo", "null"},
	{"a card number", good(`,"memo":"4111 1111 1111 1111"`), 422, "memo", "card number"},
	{"a number for a text", good(`,"memo":41111`), 422, "memo", "text"},
	{"too small", good(`,"terms":0`), 422, "terms", "at least 1"},
	{"too large", good(`,"terms":601`), 422, "terms", "at most 600"},
	{"a fraction", good(`,"terms":1.5`), 422, "terms", "whole"},
	{"a fraction of none", good(`,"terms":1.0`), 422, "terms", "whole"},
	{"an exponent", good(`,"terms":1e2`), 422, "terms", "whole"},
	{"a text for a number", good(`,"terms":"12"`), 422, "terms", "whole"},
	{"a number beyond int64", good(`,"terms":9223372036854775808`), 422, "terms", "not as large"},
	{"a number beyond float64", good(`,"ratio":1e400`), 422, "ratio", "not as large"},
	{"a number of a thousand digits", good(`,"ratio":` + strings.Repeat("9", 1000)), 422, "ratio", "not as large"},
	{"a number beyond int8", good(`,"small":128`), 422, "small", "does not fit"},
	{"NaN", good(`,"ratio":NaN`), 400, "ratio", "not valid JSON"},
	{"Infinity", good(`,"ratio":-Infinity`), 400, "ratio", "not valid JSON"},
	{"a leading zero", good(`,"terms":012`), 400, "", ""},
	{"a leading plus", good(`,"terms":+12`), 400, "terms", "not valid JSON"},
	{"hexadecimal", good(`,"terms":0x12`), 400, "", ""},
	{"a lone surrogate", good(`,"memo":"\ud800"`), 400, "memo", "not valid JSON"},
	{"surrogates the wrong way round", good(`,"memo":"\ude00\ud83d"`), 400, "memo", ""},
	{"half a character", good(`,"memo":"` + "\xc3" + `"`), 400, "", ""},
	{"an overlong character", good(`,"memo":"` + "\xc0\xaf" + `"`), 400, "", ""},
	{"a raw line break", good(`,"memo":"a` + "\n" + `b"`), 400, "memo", "not valid JSON"},
	{"a text for a boolean", good(`,"flag":"true"`), 422, "flag", "true or false"},
	{"too many in a list", good(`,"tags":["a","b","c","d"]`), 422, "tags", "at most 3"},
	{"twice in a list", good(`,"tags":["a","a"]`), 422, "tags[1]", "once"},
	{"an object for a list", good(`,"tags":{}`), 422, "tags", "list"},
	{"null in a list", good(`,"tags":[null]`), 422, "tags[0]", "text"},
	{"a list for an object", good(`,"payer":[]`), 422, "payer", "object"},
	{"wrong below a list", good(`,"split":[{"to":"a","amount":"1"},{"to":"","amount":"1"}]`), 422, "split[1].to", "empty"},
	{"missing below a list", good(`,"split":[{"to":"a"}]`), 422, "split[0].amount", "required"},
	{"wrong in a map", good(`,"custom":{"` + planted + `":7}`), 422, "custom.an unknown field", "text"},
	{"no e-mail address", good(`,"contact":"` + planted + `"`), 422, "contact", "e-mail"},
	{"an e-mail address with a name", good(`,"contact":"Ann <a@example.com>"`), 422, "contact", "e-mail"},
	{"against a pattern, below itself", good(`,"payer":{"name":"Ann","by":{"name":"` + strings.ToLower(planted) + `"}}`), 422, "payer.by.name", "capital"},
	{"nested too deeply", good(`,"payer":` + strings.Repeat(`{"by":`, 40) + `null` + strings.Repeat(`}`, 40)), 400, "", "at most 32"},
	{"nested 20,000 deep", strings.Repeat(`[`, 20000) + strings.Repeat(`]`, 20000), 400, "", "at most 32"},
	{"nested objects 20,000 deep", strings.Repeat(`{"a":`, 20000) + `1` + strings.Repeat(`}`, 20000), 400, "", "at most 32"},
	{"a hundred thousand unknown names", good(`,` + unknownNames(50000)), 422, "a0", "no such field"},
	{"too large", good(`,"memo":"` + strings.Repeat("x", maxBody) + `"`), 413, "", ""},
}

func unknownNames(n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(`"a` + strings.Repeat("0", 1) + json.Number(itoa(i)).String() + `":1`)
	}
	return strings.Replace(b.String(), `"a00"`, `"a0"`, 1)
}

func itoa(i int) string { b, _ := json.Marshal(i); return string(b) }

func TestBadBodies(t *testing.T) {
	f := newFront(t)
	for _, c := range badBodies {
		t.Run(c.name, func(t *testing.T) {
			w := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", c.body, header("Content-Type", "application/json"), func(r *http.Request) {
				r.Header["Content-Type"] = r.Header["Content-Type"][:1]
			})
			p := problem(t, w, c.status, "")
			if strings.Contains(strings.ToLower(w.Body.String()), strings.ToLower(planted)) || strings.Contains(w.Body.String(), "4111") || strings.Contains(w.Body.String(), "6789") {
				t.Errorf("the answer repeats the value: %s", w.Body)
			}
			if w.Body.Len() > 10000 {
				t.Errorf("an answer of %d bytes", w.Body.Len())
			}
			if c.field == "" && c.mend == "" {
				return
			}
			if len(p.Errors) == 0 || (c.field != "" && p.Errors[0].Field != c.field) || !strings.Contains(p.Errors[0].Message, c.mend) {
				t.Errorf("errors %+v, want %s: %s", p.Errors, c.field, c.mend)
			}
		})
	}
	for _, e := range f.entries(t, "loan.payment.log") {
		if e.Outcome.String() != "failed" {
			t.Fatalf("a bad body left an entry %+v", e)
		}
	}
}

func TestBodiesAreJSONAndPlain(t *testing.T) {
	f := newFront(t)
	kind := func(values ...string) func(*http.Request) {
		return func(r *http.Request) { r.Header["Content-Type"] = values }
	}
	for _, v := range [][]string{nil, {""}, {"text/plain"}, {"application/x-www-form-urlencoded"}, {"multipart/form-data; boundary=x"}, {"application/json; charset=latin1"},
		{"application/json; version=2"}, {"application/jsonp"}, {"application/json", "text/plain"}, {"application/json;;"}} {
		w := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", good(``), kind(v...))
		problem(t, w, 415, unsupportedMedia)
	}
	for _, v := range []string{"application/json", "application/json; charset=utf-8", "Application/JSON;charset=UTF-8"} {
		if w := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", good(``), kind(v)); w.Code != 201 {
			t.Errorf("%s: %d %s", v, w.Code, w.Body)
		}
	}
	for _, v := range []string{"gzip", "br", "identity, gzip"} {
		problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", good(``), header("Content-Encoding", v)), 415, unsupportedMedia)
	}
	chunked := func(body io.Reader) func(*http.Request) {
		return func(r *http.Request) {
			r.Body, r.ContentLength, r.TransferEncoding = io.NopCloser(body), -1, []string{"chunked"}
		}
	}
	if w := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", "x", chunked(strings.NewReader(good(``)))); w.Code != 201 {
		t.Errorf("chunked: %d %s", w.Code, w.Body)
	}
	endless := io.MultiReader(strings.NewReader(`{"memo":"`), endless{})
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", "x", chunked(endless)), 413, "body_too_large")
	broken := io.MultiReader(strings.NewReader(`{"memo":"`), brokenPipe{})
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", "x", chunked(broken)), 400, "unreadable_body")
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

type brokenPipe struct{}

func (brokenPipe) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// paymentPlan is the plan of the operation with the richest body.
func paymentPlan(t testing.TB) (*plan, *book) {
	t.Helper()
	g, err := gate.New(gate.Config{Now: clock, Log: quietLog()}, operations()...)
	if err != nil {
		t.Fatal(err)
	}
	b, err := newBook(g.Catalogue())
	if err != nil {
		t.Fatal(err)
	}
	return b.plans["loan.payment.log"], b
}

// FuzzBody: whatever is sent, the answer is a fault of the caller's and never
// one of ours, and repeats no value; what is taken meets the published schema,
// as an independent validator reads it.
func FuzzBody(f *testing.F) {
	f.Add([]byte(good(``)))
	for _, c := range badBodies {
		if len(c.body) < 2000 {
			f.Add([]byte(c.body))
		}
	}
	p, b := paymentPlan(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		in := new(PaymentIn)
		in.Loan = "ln_1"
		err := p.bindBody(in, raw)
		if in.Loan != "ln_1" {
			t.Fatal("the body reached the path parameter")
		}
		if err != nil {
			w := httptest.NewRecorder()
			c := &call{api: &API{config: Config{Log: quietLog()}}, w: w, r: httptest.NewRequest("POST", "/", nil), request: new(gate.Request)}
			c.fail(err)
			if w.Code < 400 || w.Code >= 500 {
				t.Fatalf("status %d for %q: %v", w.Code, raw, err)
			}
			if strings.Contains(w.Body.String(), planted) {
				t.Fatalf("%s repeats %q", w.Body, raw)
			}
			return
		}
		if len(raw) == 0 {
			t.Fatal("no body taken")
		}
		if in.Amount > money.Max || in.Amount < -money.Max {
			t.Fatalf("amount %d", in.Amount)
		}
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("taken, and encoding/json refuses: %v", err)
		}
		var res huma.ValidateResult
		huma.Validate(b.registry, p.bodySchema, huma.NewPathBuffer(nil, 0), huma.ModeWriteToServer, v, &res)
		if len(res.Errors) > 0 {
			t.Fatalf("taken, and against the schema: %v", res.Errors)
		}
	})
}

// FuzzQuery: a query is taken or refused as the caller's fault.
func FuzzQuery(f *testing.F) {
	for _, q := range []string{"", "limit=5", "limit=x&limit=y", "from=2026-02-30", "status=active,,", "q=%ff", "%zz", "a;b", "open=true&q=" + planted} {
		f.Add(q)
	}
	_, b := paymentPlan(f)
	p := b.plans["loan.list"]
	f.Fuzz(func(t *testing.T, raw string) {
		in := new(LoanListIn)
		if err := p.readQuery(in, raw); err != nil {
			if k := fault.As(err).Kind; k != fault.Invalid && k != fault.Malformed {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		if in.Limit < 1 || in.Limit > 200 || len(in.Status) > 100 {
			t.Fatalf("%q bound %+v", raw, in)
		}
	})
}

// BenchmarkFront is what the front itself costs a call: the body bound and an
// answer encoded, without the gate and the database.
func BenchmarkFront(b *testing.B) {
	p, _ := paymentPlan(b)
	raw := []byte(good(`,"memo":"by mail","split":[{"to":"fees","amount":"1.00"}]`))
	b.Run("bind", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.bindBody(new(PaymentIn), raw); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		out := &LoanViewOut{ID: "ln_1", Balance: 125050, Notes: []string{"a"}}
		for b.Loop() {
			if _, err := encode(out); err != nil {
				b.Fatal(err)
			}
		}
	})
}
