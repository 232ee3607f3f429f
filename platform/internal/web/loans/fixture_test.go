package loans

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// office is a house whose people work at the screens of the loan book.
type office struct {
	*gatetest.House
	desk  *servicing.Desk
	front http.Handler
}

func each(t *testing.T, fn func(t *testing.T, o *office)) {
	var d *servicing.Desk
	var trail *records.Desk
	gatetest.Each(t, func() gatetest.Config {
		d, trail = servicing.New(servicing.Config{}), records.New(records.Config{})
		list := append(d.Operations(), trail.Operations()...)
		return gatetest.Config{Operations: append(list, visit.Operations()...), Vocabulary: d.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) {
		owed, err := privacy.New(privacy.Config{}) // not among this house's operations
		if err != nil {
			t.Fatal(err)
		}
		front, err := web.New(web.Config{Gate: h.Gate, Directory: h.Directory, Proxies: httpserve.Proxies{}, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Rooms: []visit.Room{New(d, trail, documents.New(documents.Config{}), owed)}})
		if err != nil {
			t.Fatal(err)
		}
		fn(t, &office{h, d, front})
	})
}

func ok[T any](t testing.TB) func(*T, error) *T {
	return func(v *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// stock makes the portfolios Acme and Beta, a source company and a custom field.
func (o *office) stock(t testing.TB) {
	t.Helper()
	for _, name := range []string{"Acme", "Beta"} {
		ok[servicing.NamedOut](t)(gatetest.Do(o.House, o.desk.PortfolioCreate, o.Key("manager"), servicing.NamedCreateIn{Name: name}))
	}
	ok[servicing.NamedOut](t)(gatetest.Do(o.House, o.desk.CompanyCreate, o.Key("manager"), servicing.NamedCreateIn{Name: "First Source"}))
	for _, f := range []servicing.CustomFieldCreateIn{{Name: "collateral_type", Kind: "text", Class: "public"}, {Name: "employer", Kind: "text", Class: "personal"}} {
		ok[servicing.CustomFieldOut](t)(gatetest.Do(o.House, o.desk.CustomFieldMake, o.Key("manager"), f))
	}
}

// mailName makes a name fit for an e-mail address.
func mailName(name string) string {
	fit := func(r rune) rune {
		if r > ' ' && r < 0x7f {
			return r
		}
		return -1
	}
	return "a" + strings.TrimPrefix(strings.ToLower(strings.Map(fit, name)), "a")
}

func (o *office) borrower(t testing.TB, first, last string) id.Borrower {
	t.Helper()
	return ok[servicing.BorrowerMade](t)(gatetest.Do(o.House, o.desk.BorrowerCreate, o.Key("manager"), servicing.BorrowerCreateIn{FirstName: first, LastName: last,
		Email: mailName(first) + "@example.com", Phone: "+1 (212) 555-0123", DateOfBirth: civil.Must(1980, 5, 17), SSN: "078-05-1120",
		Address: servicing.AddressIn{Line1: "1 Main Street", City: "New York", Region: "NY", PostalCode: "10001", Country: "US"}})).ID
}

// lend makes a loan of 1,200.00 over 12 months at no interest: six instalments
// of 100.00 lie behind today, the first due on 22 June.
func (o *office) lend(t testing.TB, b id.Borrower, more ...func(*servicing.LoanCreateIn)) string {
	t.Helper()
	in := servicing.LoanCreateIn{BorrowerID: string(b), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12, ContractDate: civil.Must(2026, 5, 22)}
	for _, m := range more {
		m(&in)
	}
	return string(ok[servicing.LoanMade](t)(gatetest.Do(o.House, o.desk.LoanCreate, o.Key("manager"), in)).ID)
}

func in(portfolio string) func(*servicing.LoanCreateIn) {
	return func(l *servicing.LoanCreateIn) { l.Portfolios = []string{portfolio} }
}

// sheet is an answer: its status, where it leads, and its elements.
type sheet struct {
	t    testing.TB
	code int
	to   string
	text string
	root *html.Node
}

func (o *office) ask(t testing.TB, role string, r *http.Request) *sheet {
	t.Helper()
	o.Advance(1000)
	r.Host = "acme.test"
	r.RemoteAddr = "198.51.100.7:4711"
	r.AddCookie(&http.Cookie{Name: visit.SessionCookie, Value: o.People[role].Session.Reveal()})
	w := httptest.NewRecorder()
	o.front.ServeHTTP(w, r)
	body, _ := io.ReadAll(w.Result().Body)
	root, err := html.Parse(strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	return &sheet{t, w.Code, w.Header().Get("Location"), string(body), root}
}

func (o *office) get(t testing.TB, role, path string) *sheet {
	t.Helper()
	return o.ask(t, role, httptest.NewRequest("GET", path, nil))
}

func (o *office) post(t testing.TB, role, path string, form url.Values) *sheet {
	t.Helper()
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return o.ask(t, role, r)
}

// opened gives a page that must open.
func (o *office) opened(t testing.TB, role, path string) *sheet {
	t.Helper()
	s := o.get(t, role, path)
	if s.code != 200 {
		t.Fatalf("%s of %s answers %d to %s:\n%s", path, o.Now(), s.code, role, s.words())
	}
	return s
}

func (s *sheet) each(fn func(n *html.Node)) {
	for n := range s.root.Descendants() {
		if n.Type == html.ElementNode {
			fn(n)
		}
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data + " ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func (s *sheet) words() string { return textOf(s.root) }

// main is the page's own content, without the frame.
func (s *sheet) main() string {
	out := ""
	s.each(func(n *html.Node) {
		if n.Data == "main" {
			out = textOf(n)
		}
	})
	return out
}

// says fails unless all texts stand on the page.
func (s *sheet) says(texts ...string) {
	s.t.Helper()
	for _, x := range texts {
		if !strings.Contains(s.words(), x) {
			s.t.Errorf("the page does not say %q:\n%s", x, s.main())
		}
	}
}

// silent fails if one of the texts stands anywhere in the answer.
func (s *sheet) silent(texts ...string) {
	s.t.Helper()
	for _, x := range texts {
		if strings.Contains(s.text, x) {
			s.t.Errorf("the page says %q", x)
		}
	}
}

// links are the hrefs of the page's own content, each with its words.
func (s *sheet) links() map[string]string {
	out := map[string]string{}
	s.each(func(n *html.Node) {
		if n.Data == "a" && attr(n, "href") != "" {
			out[attr(n, "href")] = textOf(n)
		}
	})
	return out
}

// link gives the address behind the link with these words or this label.
func (s *sheet) link(words string) string {
	s.t.Helper()
	found := ""
	s.each(func(n *html.Node) {
		if n.Data == "a" && (textOf(n) == words || attr(n, "aria-label") == words) {
			found = attr(n, "href")
		}
	})
	if found == "" {
		s.t.Errorf("the page has no link %q", words)
	}
	return found
}

// column gives the texts of a table's column.
func (s *sheet) column(at int) []string {
	var out []string
	s.each(func(n *html.Node) {
		if n.Data != "tr" || n.Parent.Data != "tbody" {
			return
		}
		i := 0
		for c := range n.ChildNodes() {
			if c.Type == html.ElementNode && c.Data == "td" {
				if i == at {
					out = append(out, textOf(c))
				}
				i++
			}
		}
	})
	return out
}

// form gives the fields of the form with that action as they stand on the page;
// the last one, as the search box of the frame may lead to the same place.
func (s *sheet) form(action string) url.Values {
	s.t.Helper()
	var out url.Values
	s.each(func(n *html.Node) {
		if n.Data != "form" || attr(n, "action") != action {
			return
		}
		out = url.Values{}
		for c := range n.Descendants() {
			if c.Type == html.ElementNode {
				take(out, c)
			}
		}
	})
	if out == nil {
		s.t.Fatalf("the page has no form that goes to %s:\n%s", action, s.main())
	}
	return out
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

// take adds what a browser would send for a control.
func take(form url.Values, n *html.Node) {
	name := attr(n, "name")
	if name == "" {
		return
	}
	switch n.Data {
	case "input":
		if kind := attr(n, "type"); kind == "checkbox" || kind == "radio" {
			if !has(n, "checked") {
				return
			}
		}
		form.Add(name, attr(n, "value"))
	case "textarea":
		form.Add(name, textOf(n))
	case "select":
		for o := range n.Descendants() {
			if o.Data == "option" && has(o, "selected") {
				form.Add(name, attr(o, "value"))
			}
		}
		if !form.Has(name) {
			form.Add(name, "")
		}
	}
}

func filled(form url.Values, pairs ...string) url.Values {
	for i := 0; i+1 < len(pairs); i += 2 {
		form[pairs[i]] = []string{pairs[i+1]}
	}
	return form
}

// sent is a form that went through: the page that it leads to.
func (o *office) sent(t testing.TB, role, path string, pairs ...string) *sheet {
	t.Helper()
	s := o.post(t, role, path, filled(o.opened(t, role, path).form(path), pairs...))
	if s.code != 303 {
		t.Fatalf("%s answers %d: %s", path, s.code, s.main())
	}
	return s
}

func number(i int) string { return fmt.Sprintf("LN-%06d", i) }
