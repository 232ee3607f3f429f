package roles_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	desk "github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	"github.com/lendkeep/lendkeep/platform/internal/web/roles"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// place is a house with the room of roles, the operations of servicing to give,
// and its real pages.
type place struct {
	*gatetest.House
	t      *testing.T
	desk   *desk.Desk
	loans  *servicing.Desk
	server *httptest.Server
}

func open(t *testing.T) *place {
	t.Helper()
	p := &place{t: t}
	var list []gate.Entry
	catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
	p.desk, p.loans = desk.New(desk.Config{Catalogue: catalogue}), servicing.New(servicing.Config{})
	limits, sets := restrictions.New(restrictions.Config{}), addresses.New()
	file := policyfile.New(policyfile.Config{Roles: p.desk, Restrictions: limits, Addresses: sets, Catalogue: catalogue})
	for _, operations := range [][]gate.Entry{p.desk.Operations(), file.Operations(), limits.Operations(), sets.Operations(), p.loans.Operations(), records.New(records.Config{}).Operations(), visit.Operations()} {
		list = append(list, operations...)
	}
	p.House = gatetest.New(t, db.SQLite, gatetest.Config{Operations: list, Vocabulary: p.loans.Vocabulary})
	h, err := web.New(web.Config{Gate: p.Gate, Directory: p.Directory, Log: slog.New(slog.DiscardHandler), Rooms: []visit.Room{roles.New(p.desk, file, catalogue)}})
	if err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewTLSServer(h)
	t.Cleanup(p.server.Close)
	return p
}

type page struct {
	t      *testing.T
	status int
	head   http.Header
	text   string
	doc    *html.Node
}

func (p *place) send(role, method, path string, form url.Values) *page {
	p.t.Helper()
	p.Advance(time.Millisecond)
	r, err := http.NewRequest(method, p.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		p.t.Fatal(err)
	}
	r.Host = "acme.test"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: visit.SessionCookie, Value: p.People[role].Session.Reveal()})
	client := p.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		p.t.Fatal(err)
	}
	return &page{p.t, res.StatusCode, res.Header, string(raw), doc}
}

func (p *place) get(role, path string) *page { p.t.Helper(); return p.send(role, "GET", path, nil) }

func (p *place) post(role, path string, form url.Values) *page {
	p.t.Helper()
	return p.send(role, "POST", path, form)
}

// want checks the status and that the page says these words.
func (p *page) want(status int, words ...string) *page {
	p.t.Helper()
	said := visible(p.doc)
	if p.status != status {
		p.t.Errorf("answered %d, want %d: %.400s", p.status, status, said)
	}
	for _, w := range words {
		if !strings.Contains(said, w) && !strings.Contains(p.text, w) {
			p.t.Errorf("the page does not say %q: %.1500s", w, said)
		}
	}
	return p
}

func (p *page) without(words ...string) *page {
	p.t.Helper()
	for _, w := range words {
		if strings.Contains(visible(p.doc), w) || strings.Contains(p.text, w) {
			p.t.Errorf("the page says %q", w)
		}
	}
	return p
}

func visible(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "script" && c.Parent.Data != "style" {
			b.WriteString(c.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// ticked gives the values of the boxes of a field that are ticked, in order.
func (p *page) ticked(name string) []string {
	var out []string
	for n := range p.doc.Descendants() {
		if n.Data == "input" && attr(n, "type") == "checkbox" && attr(n, "name") == name && slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == "checked" }) {
			out = append(out, attr(n, "value"))
		}
	}
	slices.Sort(out)
	return out
}

// all gives the values of all boxes of a field, in the order of the page.
func (p *page) all(name string) []string {
	var out []string
	for n := range p.doc.Descendants() {
		if n.Data == "input" && attr(n, "type") == "checkbox" && attr(n, "name") == name {
			out = append(out, attr(n, "value"))
		}
	}
	return out
}
