package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// A small desk, with one of everything that the front has to carry.
type (
	LoanViewIn struct {
		ID id.Loan `path:"id"`
	}
	LoanViewOut struct {
		ID      id.Loan                  `json:"id" class:"public"`
		Balance money.Amount             `json:"balance" class:"public"`
		Due     civil.Date               `json:"due" class:"public"`
		SSN     secret.Field[secret.SSN] `json:"ssn"`
		Notes   []string                 `json:"notes" class:"public"`
	}
	Paging struct {
		Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
		Cursor string `query:"cursor" maxLength:"300"`
	}
	LoanListIn struct {
		Paging
		Status []string   `query:"status" enum:"active,paid_off"`
		From   civil.Date `query:"from"`
		Open   *bool      `query:"open"`
		Q      string     `query:"q" maxLength:"20"`
	}
	LoanListOut struct {
		Items  []LoanViewOut `json:"items"`
		Total  int           `json:"total" class:"public"`
		Limit  int           `json:"limit" class:"public"`
		Status []string      `json:"status" class:"public"`
		From   civil.Date    `json:"from" class:"public"`
		Q      string        `json:"q" class:"public"`
	}
	PaymentIn struct {
		Loan    id.Loan           `path:"id" json:"-"`
		Amount  money.Amount      `json:"amount" doc:"What was paid." example:"250.00"`
		On      civil.Date        `json:"on"`
		Method  string            `json:"method" enum:"ach,check,cash"`
		Memo    string            `json:"memo,omitempty" maxLength:"40"`
		Terms   int               `json:"terms,omitempty" minimum:"1" maximum:"600"`
		Ratio   float64           `json:"ratio,omitempty"`
		Flag    *bool             `json:"flag,omitempty"`
		Small   int8              `json:"small,omitempty"`
		Split   []PaymentSplit    `json:"split,omitempty" maxItems:"3"`
		Tags    []string          `json:"tags,omitempty" maxItems:"3" uniqueItems:"true"`
		Custom  map[string]string `json:"custom,omitempty"`
		Contact string            `json:"contact,omitempty" format:"email"`
		Payer   *Payer            `json:"payer,omitempty"`
	}
	PaymentSplit struct {
		To     string       `json:"to" minLength:"1" maxLength:"20"`
		Amount money.Amount `json:"amount"`
	}
	Payer struct {
		Name string `json:"name" minLength:"2" pattern:"^[A-Z].*$" patternDescription:"a name with a capital letter"`
		By   *Payer `json:"by,omitempty"`
	}
	PaymentOut struct {
		ID     id.Entry     `json:"id" class:"public"`
		Amount money.Amount `json:"amount" class:"public"`
		Memo   string       `json:"memo" class:"public"`
	}
	ApplyIn struct {
		Name string      `json:"name" minLength:"1"`
		Word secret.Text `json:"word,omitempty"`
	}
	ApplyOut struct {
		ID      id.Application `json:"id" class:"public"`
		Address string         `json:"address" class:"public"`
	}
	TroubleIn struct {
		Sort string `path:"sort"`
	}
	Nothing struct{}
)

const leak = "a cause that nobody may see"

func operations() []gate.Entry {
	return append(Operations(),
		&gate.Op[LoanViewIn, LoanViewOut]{Name: "loan.view", Title: "View loan", Area: "Loans", Method: "GET", Path: "/loans/{id}",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
			Object: func(in *LoanViewIn) string { return "loan/" + string(in.ID) },
			Do: func(_ context.Context, _ *gate.Call, in *LoanViewIn) (*LoanViewOut, error) {
				if in.ID == "ln_none" {
					return nil, fault.Missing("loan")
				}
				return &LoanViewOut{ID: in.ID, Balance: money.Must("1250.5"), SSN: secret.Seal[secret.SSN]("123-45-6789")}, nil
			}},
		&gate.Op[LoanListIn, LoanListOut]{Name: "loan.list", Title: "List loans", Area: "Loans", Method: "GET", Path: "/loans",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
			Do: func(_ context.Context, _ *gate.Call, in *LoanListIn) (*LoanListOut, error) {
				return &LoanListOut{Total: 0, Limit: in.Limit, Status: in.Status, From: in.From, Q: in.Q}, nil
			}},
		&gate.Op[PaymentIn, PaymentOut]{Name: "loan.payment.log", Title: "Log payment", Area: "Loans", Method: "POST", Path: "/loans/{id}/payments", Status: 201,
			Kind: operation.Write, Audit: operation.Moved, Permit: gate.ByRole, Roles: "manager", Idempotent: true, Sensitivity: operation.Money,
			Object: func(in *PaymentIn) string { return "loan/" + string(in.Loan) },
			Do: func(_ context.Context, c *gate.Call, in *PaymentIn) (*PaymentOut, error) {
				return &PaymentOut{ID: id.New[id.Entry](c.At), Amount: in.Amount, Memo: in.Memo}, nil
			}},
		&gate.Op[ApplyIn, ApplyOut]{Name: "application.submit", Title: "Submit application", Area: "Applications", Method: "POST", Path: "/applications", Status: 201,
			Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Roles: "intake", Sites: true,
			Do: func(_ context.Context, c *gate.Call, _ *ApplyIn) (*ApplyOut, error) {
				return &ApplyOut{ID: id.New[id.Application](c.At), Address: c.Request.Address.Chosen.String()}, nil
			}},
		&gate.Op[LoanViewIn, gate.File]{Name: "loan.evidence", Title: "Evidence", Area: "Loans", Method: "GET", Path: "/loans/{id}/evidence",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager",
			Do: func(context.Context, *gate.Call, *LoanViewIn) (*gate.File, error) {
				return &gate.File{Name: `evi"dence.pdf`, ContentType: "application/pdf", Body: []byte("%PDF")}, nil
			}},
		&gate.Op[TroubleIn, Nothing]{Name: "trouble.make", Title: "Make trouble", Area: "Loans", Method: "DELETE", Path: "/trouble/{sort}", Status: 204,
			Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Do: makeTrouble},
		&gate.Op[ApplyIn, ApplyOut]{Name: "applicant.search", Title: "Search applicants", Area: "Applications", Method: "POST", Path: "/applications/search",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "underwriter",
			Do: func(_ context.Context, _ *gate.Call, in *ApplyIn) (*ApplyOut, error) {
				return &ApplyOut{Address: in.Name}, nil
			}},
		&gate.Op[ApplyIn, ApplyOut]{Name: "night.sweep", Title: "Sweep", Area: "House",
			Kind: operation.Write, Audit: operation.Changed, Permit: gate.House,
			Do: func(_ context.Context, c *gate.Call, in *ApplyIn) (*ApplyOut, error) {
				return &ApplyOut{Address: c.Who.String() + " " + in.Name}, nil
			}},
	)
}

func makeTrouble(_ context.Context, _ *gate.Call, in *TroubleIn) (*Nothing, error) {
	switch in.Sort {
	case "defect":
		return nil, errors.New(leak)
	case "typed":
		return nil, fault.Wrap(fault.Internal, "leaky", leak, errors.New(leak))
	case "panic":
		panic(leak)
	case "away":
		f := fault.Wrap(fault.Unavailable, "database_away", "The database cannot be reached.", errors.New(leak))
		f.RetryAfter = 4500 * time.Millisecond
		return nil, f
	case "conflict":
		return nil, fault.New(fault.Conflict, "already_paid", "The loan is paid off.")
	}
	return &Nothing{}, nil
}

// front is the API over a real house on SQLite.
type front struct {
	*gatetest.House
	api  *API
	log  *bytes.Buffer
	site string
}

func newFront(t testing.TB) *front {
	t.Helper()
	f := &front{House: gatetest.New(t, db.SQLite, gatetest.Config{Operations: operations()}), log: new(bytes.Buffer), site: identity.NewSiteKey()}
	trusted, err := ipset.Parse("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	f.api, err = New(Config{Gate: f.Gate, Directory: f.Directory, Proxies: httpserve.Proxies{Trusted: trusted},
		Log: slog.New(slog.NewTextHandler(f.log, nil)), Now: f.Now, Version: "1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	err = f.Write(func(ctx context.Context, tx *db.Tx) error {
		return identity.InsertSite(ctx, tx, identity.Site{ID: id.New[id.SiteKey](tx.At), Public: f.site, Label: "form", Origins: []string{"https://www.acme.test"}, Active: true})
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// ask sends a request with the key of the person of a role ("": nobody).
func (f *front) ask(method, target, role, body string, more ...func(*http.Request)) *httptest.ResponseRecorder {
	var in io.Reader
	if body != "" {
		in = strings.NewReader(body)
	}
	r := httptest.NewRequest(method, "https://acme.test"+target, in)
	r.RemoteAddr = "198.51.100.7:40000"
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if role != "" {
		r.Header.Set("Authorization", "Bearer "+f.People[role].Key.Reveal())
	}
	for _, m := range more {
		m(r)
	}
	f.Advance(time.Second)
	w := httptest.NewRecorder()
	f.api.Handler().ServeHTTP(w, r)
	return w
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Add(name, value) }
}

// problem reads a problem document and holds the answer to what all have.
func problem(t *testing.T, w *httptest.ResponseRecorder, status int, reason string) Problem {
	t.Helper()
	var p Problem
	if w.Code != status {
		t.Fatalf("status %d, want %d: %s", w.Code, status, w.Body)
	}
	if got := w.Header().Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control %q", got)
	}
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if p.Status != status || (reason != "" && p.Reason != reason) || p.Detail == "" || p.Title == "" {
		t.Errorf("problem %+v, want reason %s", p, reason)
	}
	return p
}

// entries gives what the trail holds of one operation, newest first.
func (f *front) entries(t *testing.T, name string) []audit.Entry {
	t.Helper()
	return f.Trail(t, audit.Filter{Operation: name})
}

func TestAnAgentReadsALoan(t *testing.T) {
	f := newFront(t)
	w := f.ask("GET", "/api/v1/loans/ln_1", "agent", "")
	if w.Code != 200 || w.Header().Get("Content-Type") != "application/json; charset=utf-8" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	want := `{"id":"ln_1","balance":"1250.50","due":null,"ssn":"•••-••-6789","notes":[]}`
	if got := w.Body.String(); got != want {
		t.Errorf("body %s\nwant %s", got, want)
	}
	e := f.entries(t, "loan.view")
	if len(e) != 1 || e[0].Object != "loan/ln_1" || e[0].Channel != operation.API || e[0].Outcome != operation.Allowed {
		t.Errorf("entries %+v", e)
	}
	if w := f.ask("HEAD", "/api/v1/loans/ln_1", "agent", ""); w.Code != 200 {
		t.Errorf("HEAD: %d", w.Code)
	}
}

func TestQueryIsBoundAndHeldToItsSchema(t *testing.T) {
	f := newFront(t)
	w := f.ask("GET", "/api/v1/loans?status=active,paid_off&from=2026-01-31&q=Mill%C3%A9r&open=&cursor=", "agent", "")
	want := `{"items":[],"total":0,"limit":50,"status":["active","paid_off"],"from":"2026-01-31","q":"Millér"}`
	if w.Code != 200 || w.Body.String() != want {
		t.Fatalf("%d %s\nwant %s", w.Code, w.Body, want)
	}
	for _, c := range []struct{ query, field, mend string }{
		{"limit=0", "limit", "Send at least 1."},
		{"limit=201", "limit", "Send at most 200."},
		{"limit=1e2", "limit", "Send a whole number."},
		{"limit=99999999999999999999", "limit", "Send a whole number."},
		{"limit=5&limit=6", "limit", "Send this parameter once."},
		{"from=2026-02-30", "from", `Send a date from 1900 to 2299 as "2026-11-22".`},
		{"open=TRUE", "open", "Send true or false."},
		{"status=active,nonsense", "status[1]", "Send one of: active, paid_off."},
		{"status=active,", "status", "Send a list."},
		{"q=abcdefghijklmnopqrstu", "q", "Send at most 20 characters."},
		{"q=%ff", "q", "Send valid UTF-8 text."},
		{"surname=x", "surname", "There is no such parameter."},
		{"4111111111111111=x", "an unknown parameter", "There is no such parameter."},
		{"%3Cscript%3E=x", "an unknown parameter", "There is no such parameter."},
	} {
		w := f.ask("GET", "/api/v1/loans?"+c.query, "agent", "")
		p := problem(t, w, 422, "invalid")
		if len(p.Errors) != 1 || p.Errors[0].Field != c.field || p.Errors[0].Message != c.mend {
			t.Errorf("%s: %+v", c.query, p.Errors)
		}
	}
	problem(t, f.ask("GET", "/api/v1/loans?q=%zz", "agent", ""), 400, "malformed_query")
	problem(t, f.ask("GET", "/api/v1/loans", "agent", `{}`), 400, "unexpected_body")
}

func TestCredentials(t *testing.T) {
	f := newFront(t)
	problem(t, f.ask("GET", "/api/v1/loans", "", ""), 401, "unknown_key")
	w := f.ask("GET", "/api/v1/loans", "", "", header("Authorization", "Bearer lk_wrong_wrong"))
	p := problem(t, w, 401, "unknown_key")
	if w.Header().Get("WWW-Authenticate") != "Bearer" || p.DecisionID == "" {
		t.Errorf("%v %+v", w.Header(), p)
	}
	key := f.People["agent"].Key.Reveal()
	for name, h := range map[string]string{"basic": "Basic " + key, "bare": key, "two in one": "Bearer " + key + ", Bearer " + key, "padded": "Bearer  " + key} {
		if w := f.ask("GET", "/api/v1/loans", "", "", header("Authorization", h)); w.Code != 401 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
	if w := f.ask("GET", "/api/v1/loans", "", "", header("Authorization", "bearer "+key)); w.Code != 200 {
		t.Errorf("the scheme has no case: %d", w.Code)
	}
	session := header("Cookie", "__Host-lendkeep="+f.People["admin"].Session.Reveal())
	problem(t, f.ask("GET", "/api/v1/loans", "", "", session), 401, "unknown_key")
	problem(t, f.ask("GET", "/api/v1/loans", "agent", "", header("Authorization", "Bearer "+key)), 400, "duplicate_header")
	problem(t, f.ask("GET", "/api/v1/loans", "agent", "", header(siteKeyHeader, f.site)), 400, "two_credentials")
	if e := f.entries(t, unclearRequest); len(e) == 0 || e[0].Outcome != operation.Failed {
		t.Errorf("an unclear request is not in the trail: %+v", e)
	}
	elsewhere := func(r *http.Request) { r.Host = "other.test" }
	a, b := problem(t, f.ask("GET", "/api/v1/loans", "agent", "", elsewhere), 401, "unknown_key"), problem(t, f.ask("GET", "/api/v1/loans", "", ""), 401, "unknown_key")
	if a.Detail != b.Detail {
		t.Error("an unknown tenant must look like a bad key")
	}
	if w := f.ask("GET", "/api/v1/loans", "agent", "", elsewhere, header("X-Forwarded-Host", "acme.test"), header("Forwarded", "host=acme.test")); w.Code != 401 {
		t.Errorf("a forwarded host was believed: %d", w.Code)
	}
}

func TestDeniedComesBeforeInvalid(t *testing.T) {
	f := newFront(t)
	p := problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "agent", `{"nonsense`), 403, "role_lacks_operation")
	if p.DecisionID == "" || len(p.Errors) != 0 {
		t.Errorf("%+v", p)
	}
	e := f.entries(t, "loan.payment.log")
	if len(e) != 1 || e[0].Outcome != operation.Denied || string(e[0].DecisionID) != p.DecisionID || e[0].Object != "loan/ln_1" {
		t.Errorf("entries %+v", e)
	}
}

func TestAddressRules(t *testing.T) {
	f := newFront(t)
	err := f.Write(func(ctx context.Context, tx *db.Tx) error {
		r := &policy.IPRule{ID: id.New[id.IPRule](tx.At), Name: "not from there", Deny: true, Entries: []string{"198.51.100.66"}, Active: true, Holders: []policy.Holder{{Kind: "tenant"}}}
		if err := policy.SaveIPRule(ctx, tx, r, true); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	bad := from("198.51.100.66:1")
	if w := f.ask("GET", "/api/v1/loans", "agent", ""); w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	mapped := problem(t, f.ask("GET", "/api/v1/loans", "agent", "", bad), 403, "")
	unknown := problem(t, f.ask("GET", "/api/v1/nothing", "agent", "", bad), 403, "")
	if mapped.Reason != unknown.Reason {
		t.Errorf("a denied address learns from an unmapped route: %s, %s", mapped.Reason, unknown.Reason)
	}
	if w := f.ask("GET", "/api/v1/loans", "agent", "", from("192.0.2.1:1"), header("X-Forwarded-For", "198.51.100.66")); w.Code != 403 {
		t.Errorf("behind a trusted proxy: %d", w.Code)
	}
	if w := f.ask("GET", "/api/v1/loans", "agent", "", bad, header("X-Forwarded-For", "198.51.100.7")); w.Code != 403 {
		t.Errorf("a forwarded address from nobody's proxy was believed: %d", w.Code)
	}
}

func TestUnmappedRoutes(t *testing.T) {
	f := newFront(t)
	problem(t, f.ask("GET", "/api/v1/nothing", "", ""), 401, "unknown_key")
	for _, target := range []string{"/api/v1/nothing", "/api/v1", "/api/v1/", "/api/v1/loans/", "/api/v1//loans", "/api/v1/loans/ln_1/../ln_2", "/api/v1/LOANS", "/api/v1/loans/ln_1/payments/7"} {
		p := problem(t, f.ask("GET", target, "agent", ""), 404, "not_found")
		if p.DecisionID == "" && p.Detail == "" {
			t.Errorf("%s: %+v", target, p)
		}
	}
	w := f.ask("DELETE", "/api/v1/loans/ln_1", "agent", "")
	problem(t, w, 405, "method_not_allowed")
	if got := w.Header().Get("Allow"); got != "GET, HEAD" {
		t.Errorf("Allow %q", got)
	}
	w = f.ask("DELETE", "/api/v1/loans/ln_1", "", "")
	if problem(t, w, 401, ""); w.Header().Get("Allow") != "" {
		t.Error("a stranger learns of routes")
	}
	if w := f.ask("TRACE", "/api/v1/loans", "agent", ""); w.Code != 405 {
		t.Errorf("TRACE: %d", w.Code)
	}
	e := f.entries(t, unknownRoute)
	if len(e) < 10 {
		t.Fatalf("%d entries", len(e))
	}
	found := false
	for _, e := range e {
		found = found || e.Detail["method"] == "DELETE" && e.Detail["path"] == "/api/v1/loans/ln_1" && e.Outcome == operation.Failed
	}
	if !found {
		t.Errorf("the trail does not say which route: %+v", e[:3])
	}
	f.ask("GET", "/api/v1/cards/4111111111111111", "agent", "")
	for _, e := range f.entries(t, unknownRoute) {
		if strings.Contains(e.Detail["path"], "4111") {
			t.Error("a card number stands in the trail")
		}
	}
}

func TestPathsAreBoundPlainly(t *testing.T) {
	f := newFront(t)
	for _, bad := range []string{"4111111111111111", "4111-1111-1111-1111", "a%2Fb", "%00", "%ff", "a%20b", "%3Cb%3E", "Jos%C3%A9", strings.Repeat("x", 101)} {
		p := problem(t, f.ask("GET", "/api/v1/loans/"+bad, "agent", ""), 404, "not_found")
		if strings.Contains(p.Detail, bad) || !strings.Contains(p.Detail, "no such loan") {
			t.Errorf("%s: %s", bad, p.Detail)
		}
	}
	for _, e := range f.entries(t, "loan.view") {
		if e.Object != "" {
			t.Errorf("object %q", e.Object)
		}
	}
	a := problem(t, f.ask("GET", "/api/v1/loans/ln_none", "agent", ""), 404, "")
	b := problem(t, f.ask("GET", "/api/v1/loans/a%2Fb", "agent", ""), 404, "")
	if a.Detail != b.Detail {
		t.Errorf("a malformed id differs from a missing one: %q, %q", a.Detail, b.Detail)
	}
}

func TestTroubleIsWithheld(t *testing.T) {
	f := newFront(t)
	for _, c := range []struct {
		sort   string
		status int
		reason string
	}{{"defect", 500, "internal"}, {"typed", 500, "internal"}, {"panic", 500, "internal"}, {"away", 503, "database_away"}, {"conflict", 409, "already_paid"}} {
		w := f.ask("DELETE", "/api/v1/trouble/"+c.sort, "admin", "")
		p := problem(t, w, c.status, c.reason)
		if strings.Contains(w.Body.String(), leak) {
			t.Errorf("%s tells: %s", c.sort, w.Body)
		}
		if c.status >= 500 && (p.RequestID == "" || !strings.Contains(f.log.String(), p.RequestID)) {
			t.Errorf("%s: the log does not know request %q", c.sort, p.RequestID)
		}
		if c.status == 503 && w.Header().Get("Retry-After") != "5" {
			t.Errorf("Retry-After %q", w.Header().Get("Retry-After"))
		}
	}
	if w := f.ask("DELETE", "/api/v1/trouble/none", "admin", ""); w.Code != 204 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := f.ask("DELETE", "/api/v1/trouble/none", "admin", `{}`); w.Code != 204 {
		t.Errorf("an empty object for no body: %d %s", w.Code, w.Body)
	}
	problem(t, f.ask("DELETE", "/api/v1/trouble/none", "admin", `{"sort":"panic"}`), 422, "invalid")
}

func TestDocumentsAreAttachments(t *testing.T) {
	f := newFront(t)
	w := f.ask("GET", "/api/v1/loans/ln_1/evidence", "manager", "")
	h := w.Header()
	if w.Code != 200 || w.Body.String() != "%PDF" || h.Get("Content-Type") != "application/pdf" || h.Get("X-Content-Type-Options") != "nosniff" ||
		h.Get("Content-Disposition") != `attachment; filename="evi-dence.pdf"; filename*=UTF-8''evi%22dence.pdf` {
		t.Errorf("%d %v %s", w.Code, h, w.Body)
	}
}

func TestIdempotencyKey(t *testing.T) {
	f := newFront(t)
	body := `{"amount":"10.00","on":"2026-11-22","method":"cash"}`
	one := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", "k-1"))
	two := f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", "k-1"))
	if one.Code != 201 || two.Code != 201 || one.Body.String() != two.Body.String() {
		t.Errorf("%d %s, %d %s", one.Code, one.Body, two.Code, two.Body)
	}
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", `{"amount":"11.00","on":"2026-11-22","method":"cash"}`, header("Idempotency-Key", "k-1")), 409, "idempotency_key_reused")
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", "k-1"), header("Idempotency-Key", "k-2")), 400, "duplicate_header")
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", strings.Repeat("k", 201))), 400, "malformed_idempotency_key")
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", "a b")), 400, "malformed_idempotency_key")
	problem(t, f.ask("POST", "/api/v1/loans/ln_1/payments", "manager", body, header("Idempotency-Key", "4111111111111111")), 400, "card_number")
}

func TestSiteKeysAndOrigins(t *testing.T) {
	f := newFront(t)
	site, home := header(siteKeyHeader, f.site), header("Origin", "https://www.acme.test")
	w := f.ask("OPTIONS", "/api/v1/applications", "", "", home, header("Access-Control-Request-Method", "POST"))
	if w.Code != 204 || w.Header().Get("Access-Control-Allow-Origin") != "https://www.acme.test" || w.Header().Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", w.Code, w.Header())
	}
	for _, target := range []string{"/api/v1/loans", "/api/v1/applications/ap_1"} {
		if w := f.ask("OPTIONS", target, "", "", home, header("Access-Control-Request-Method", "POST")); w.Code != 401 || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("preflight of %s: %d %v", target, w.Code, w.Header())
		}
	}
	w = f.ask("POST", "/api/v1/applications", "", `{"name":"Ann"}`, site, home)
	if w.Code != 201 || w.Header().Get("Access-Control-Allow-Origin") != "https://www.acme.test" || w.Header().Get("Vary") != "Origin" {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	if e := f.entries(t, "application.submit"); len(e) != 1 || e[0].Channel != operation.Portal {
		t.Errorf("%+v", e)
	}
	w = f.ask("POST", "/api/v1/applications", "", `{"name":""}`, site, home)
	if problem(t, w, 422, "invalid"); w.Header().Get("Access-Control-Allow-Origin") == "" {
		t.Error("the form cannot read what to mend")
	}
	w = f.ask("POST", "/api/v1/applications", "", `{"name":"Ann"}`, site, header("Origin", "https://evil.test"))
	if problem(t, w, 401, "unknown_site"); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Error("a strange origin may read the answer")
	}
	problem(t, f.ask("POST", "/api/v1/applications", "", `{"name":"Ann"}`, site), 401, "unknown_site")
	problem(t, f.ask("GET", "/api/v1/loans", "", "", site, home), 403, "")
	w = f.ask("POST", "/api/v1/applications", "intake", `{"name":"Ann"}`, home)
	if w.Code != 201 || w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("a server key is not for browsers: %d %v", w.Code, w.Header())
	}
}

func TestAReadMayHaveABody(t *testing.T) {
	f := newFront(t)
	w := f.ask("POST", "/api/v1/applications/search", "underwriter", `{"name":"Ann"}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"address":"Ann"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	problem(t, f.ask("POST", "/api/v1/applications/search", "agent", `{"nonsense`), 403, "role_lacks_operation")
	problem(t, f.ask("POST", "/api/v1/applications/search", "underwriter", `{"nonsense`), 400, "malformed_json")
}

// TestOverTheWire sends through a real server what a recorder cannot.
func TestOverTheWire(t *testing.T) {
	f := newFront(t)
	server := httptest.NewServer(f.api.Handler())
	defer server.Close()
	send := func(method, path string, body io.Reader) (*http.Response, string) {
		r, err := http.NewRequest(method, server.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = "acme.test"
		r.Header.Set("Authorization", "Bearer "+f.People["manager"].Key.Reveal())
		r.Header.Set("Content-Type", "application/json")
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return answer, string(text)
	}
	if a, text := send("POST", "/api/v1/loans/ln_1/payments", io.MultiReader(strings.NewReader(good(``)))); a.StatusCode != 201 {
		t.Errorf("chunked: %d %s", a.StatusCode, text)
	}
	if a, text := send("HEAD", "/api/v1/loans/ln_1", nil); a.StatusCode != 200 || text != "" || a.ContentLength <= 0 {
		t.Errorf("HEAD: %d %q %d", a.StatusCode, text, a.ContentLength)
	}
	if a, text := send("POST", "/api/v1/loans/ln_1/payments", io.MultiReader(strings.NewReader(`{"memo":"`), io.LimitReader(endless{}, 3<<20))); a.StatusCode != 413 {
		t.Errorf("an endless body: %d %s", a.StatusCode, text)
	}
	if a, _ := send("GET", "/api/v1//loans", nil); a.StatusCode != 404 {
		t.Errorf("a doubled slash: %d", a.StatusCode)
	}
	if a, text := send("DELETE", "/api/v1/trouble/panic", nil); a.StatusCode != 403 {
		t.Errorf("%d %s", a.StatusCode, text)
	}
}

func TestConsole(t *testing.T) {
	f := newFront(t)
	call := func(host, name, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/console/v1/call/"+name, strings.NewReader(body))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		f.Advance(time.Second)
		f.api.ConsoleHandler().ServeHTTP(w, r)
		return w
	}
	w := call("acme", "night.sweep", `{"body":{"name":"all"}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "house/console all") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if e := f.entries(t, "night.sweep"); len(e) != 1 || e[0].Channel != operation.Console || e[0].Actor != "house/console" {
		t.Errorf("%+v", e)
	}
	w = call("acme.test", "loan.list", `{"query":{"limit":"7"}}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"limit":7`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := call("acme", "loan.view", `{"path":{"id":"ln_1"}}`); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	problem(t, call("acme", "night.sweep", `{"body":{"NAME":"all"}}`), 422, "invalid")
	problem(t, call("acme", "nothing", `{}`), 404, "not_found")
	problem(t, call("nobody", "loan.list", `{}`), 404, "not_found")
	problem(t, call("acme", unclearRequest, `{}`), 404, "not_found")
	if w := f.ask("POST", "/console/v1/call/night.sweep", "admin", `{}`); w.Code != 404 {
		t.Errorf("the API's handler serves the console: %d", w.Code)
	}
}
