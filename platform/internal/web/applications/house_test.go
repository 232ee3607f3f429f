package applications_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	"github.com/lendkeep/lendkeep/platform/internal/web/applications"
	"github.com/lendkeep/lendkeep/platform/internal/web/apply"
	"github.com/lendkeep/lendkeep/platform/internal/web/engine"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const (
	origin    = "https://acme.test"
	accessKey = "standinkey0123456789"
)

// office is a house with the rooms of origination and a stand-in for ipstack,
// called over TLS.
type office struct {
	*gatetest.House
	desk     *origination.Desk
	server   *httptest.Server
	finished chan job.Job
	runner   *job.Runner
	site     string
	ipstack  string
}

func open(t *testing.T) *office {
	t.Helper()
	o := &office{finished: make(chan job.Job, 200), site: identity.NewSiteKey()}
	demo, err := ipset.Parse("203.0.113.0/24", "2001:db8::/32")
	must(t, err)
	o.desk = origination.New(origination.Config{
		Board: func(_ context.Context, c *gate.Call, _ origination.BoardIn) (id.Loan, error) {
			return id.New[id.Loan](c.At), nil
		},
		Kick:      func(*gate.Call) { o.runner.Kick() },
		Gazetteer: gazetteer.Small(),
		Provider: provider.Config{Outbound: outbound.New(outbound.Config{AllowLoopback: true, MaxBody: 1 << 18}), AlsoPublic: demo, PlainLoopback: true, QuotaPerAddress: true,
			Now: func() time.Time { return o.Now() }},
	})
	o.House = gatetest.New(t, db.SQLite, gatetest.Config{Operations: slices.Concat(o.desk.Operations(), visit.Operations(), apply.Operations()), Vocabulary: book.Vocabulary})
	standin := ipstacktest.New(accessKey)
	served := httptest.NewServer(standin)
	t.Cleanup(func() { standin.Close(); served.CloseClientConnections(); served.Close() })
	o.ipstack = served.URL
	must(t, o.Write(func(ctx context.Context, tx *db.Tx) error {
		return identity.InsertSite(ctx, tx, identity.Site{ID: id.New[id.SiteKey](tx.At), Public: o.site, Label: "form", Origins: []string{origin}, Active: true, CreatedAt: tx.At})
	}))
	yes := true
	_, err = gatetest.Do(o.House, o.desk.ConnectionSet, o.Key("admin"), provider.ConnectionIn{BaseURL: o.ipstack, AccessKey: secret.NewText(accessKey), TimeoutMS: 3000, UseConfirmed: &yes})
	must(t, err)
	o.work(t)
	companies := func(context.Context, *gate.Page) ([]applications.Company, error) {
		return []applications.Company{{ID: "sc_1", Name: "Northside"}}, nil
	}
	owed, err := privacy.New(privacy.Config{}) // not among this house's operations
	must(t, err)
	h, err := web.New(web.Config{Gate: o.Gate, Directory: o.Directory, Log: slog.New(slog.DiscardHandler), Rooms: []visit.Room{applications.New(o.desk, companies, documents.New(documents.Config{}), owed), engine.New(o.desk),
		apply.New(apply.Config{Gate: o.Gate, Desk: o.desk, Log: slog.New(slog.DiscardHandler), Demo: true})}})
	must(t, err)
	o.server = httptest.NewTLSServer(h)
	t.Cleanup(o.server.Close)
	return o
}

// work lets a real job runner work until the test ends.
func (o *office) work(t *testing.T) {
	o.runner = &job.Runner{DB: o.Tenant.DB, Handlers: map[string]job.Handler{}}
	for kind, h := range o.desk.Handlers(o.Gate, o.Tenant) {
		o.runner.Handlers[kind] = func(ctx context.Context, j job.Job) error {
			err := h(ctx, j)
			if err == nil {
				o.finished <- j
			}
			return err
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- o.runner.Run(ctx) }()
	t.Cleanup(func() { stop(); must(t, <-ended) })
}

func (o *office) checked(t *testing.T) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		select {
		case j := <-o.finished:
			if j.Kind == origination.CheckJob {
				return
			}
		case <-limit:
			t.Fatal("no check was done")
		}
	}
}

// applicant is the whole form of somebody in New York.
func applicant(more ...string) url.Values {
	f := url.Values{"applicant.first_name": {"Ada"}, "applicant.last_name": {"Example"}, "applicant.email": {"ada@example.com"}, "applicant.phone": {"+1 212 555 0123"},
		"applicant.date_of_birth": {"1990-04-01"}, "applicant.ssn": {"123-45-6789"}, "applicant.address.line1": {"5 Example Street"}, "applicant.address.city": {"New York"},
		"applicant.address.region": {"ny"}, "applicant.address.postal_code": {"10001"}, "applicant.address.country": {"US"}, "requested.amount": {"$5,000"}, "requested.term_months": {"24"}}
	for i := 0; i+1 < len(more); i += 2 {
		f.Set(more[i], more[i+1])
	}
	return f
}

// applied hands an application in from a network and waits for its check.
func (o *office) applied(t *testing.T, network string, more ...string) string {
	t.Helper()
	p := o.browser(t).send("/apply/"+o.site+"/send", applicant(append(more, "_network", network)...))
	if p.status != http.StatusSeeOther {
		t.Fatalf("applying: %d %s", p.status, p.seen())
	}
	u, err := url.Parse(p.head.Get("Location"))
	must(t, err)
	o.checked(t)
	return u.Query().Get("reference")
}

type browser struct {
	t *testing.T
	*http.Client
}

func (o *office) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	must(t, err)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, o.server.Listener.Addr().String())
	}
	return &browser{t, &http.Client{Jar: jar, Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

func (o *office) as(t *testing.T, role string) *browser {
	b := o.browser(t)
	u, _ := url.Parse(origin)
	b.Jar.SetCookies(u, []*http.Cookie{{Name: visit.SessionCookie, Value: o.People[role].Session.Reveal(), Secure: true, Path: "/"}})
	return b
}

type page struct {
	t      *testing.T
	status int
	head   http.Header
	text   string
	doc    *html.Node
}

func (b *browser) do(r *http.Request) *page {
	b.t.Helper()
	res, err := b.Do(r)
	must(b.t, err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	must(b.t, err)
	doc, err := html.Parse(bytes.NewReader(raw))
	must(b.t, err)
	p := &page{b.t, res.StatusCode, res.Header, string(raw), doc}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/html") && len(raw) > 0 {
		p.clean(r.URL.Path)
	}
	return p
}

func (b *browser) get(path string) *page {
	b.t.Helper()
	r, err := http.NewRequest("GET", origin+path, nil)
	must(b.t, err)
	return b.do(r)
}

// send sends a form as a browser does from a page of the house.
func (b *browser) send(path string, form url.Values) *page {
	b.t.Helper()
	r, err := http.NewRequest("POST", origin+path, strings.NewReader(form.Encode()))
	must(b.t, err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

func (p *page) want(status int, texts ...string) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Errorf("answered %d, want %d: %s", p.status, status, p.seen())
	}
	for _, text := range texts {
		if !strings.Contains(p.seen(), text) {
			p.t.Errorf("the page does not say %q: %s", text, p.seen())
		}
	}
	return p
}

func (p *page) without(texts ...string) *page {
	p.t.Helper()
	for _, text := range texts {
		if strings.Contains(p.text, text) {
			p.t.Errorf("the page holds %q", text)
		}
	}
	return p
}

func (p *page) seen() string { return seen(p.doc) }

func seen(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "script" && c.Parent.Data != "title" {
			b.WriteString(c.Data + " ")
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

func has(n *html.Node, name string) bool {
	return slices.ContainsFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
}

// form gives what a form with that action would send as it stands.
func (p *page) form(action string) url.Values {
	p.t.Helper()
	out := url.Values{}
	for n := range p.doc.Descendants() {
		if n.Data != "form" || !strings.HasPrefix(attr(n, "action"), action) {
			continue
		}
		for c := range n.Descendants() {
			if attr(c, "name") == "" || within(c, "template") {
				continue
			}
			switch c.Data {
			case "input":
				if attr(c, "type") == "checkbox" && !has(c, "checked") {
					continue
				}
				out.Add(attr(c, "name"), attr(c, "value"))
			case "textarea":
				out.Add(attr(c, "name"), seen(c))
			case "select":
				first := ""
				for o := range c.Descendants() {
					if o.Data == "option" && (first == "" || has(o, "selected")) {
						if first = attr(o, "value"); has(o, "selected") {
							break
						}
					}
				}
				out.Add(attr(c, "name"), first)
			}
		}
		return out
	}
	p.t.Fatalf("no form goes to %q: %s", action, p.seen())
	return nil
}

func within(n *html.Node, tag string) bool {
	for a := range n.Ancestors() {
		if a.Data == tag {
			return true
		}
	}
	return false
}

// clean checks what every page must keep.
func (p *page) clean(path string) {
	p.t.Helper()
	if csp := p.head.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") {
		p.t.Errorf("%s: content policy %q", path, csp)
	}
	ids := map[string]bool{}
	for n := range p.doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") || strings.Contains(a.Val, "about:invalid") {
				p.t.Errorf("%s: the attribute %s=%q", path, a.Key, a.Val)
			}
		}
		if n.Data == "style" || n.Data == "script" && attr(n, "src") == "" {
			p.t.Errorf("%s: an inline %s", path, n.Data)
		}
		if i := attr(n, "id"); i != "" && n.Type == html.ElementNode {
			if ids[i] {
				p.t.Errorf("%s: the id %q stands twice", path, i)
			}
			ids[i] = true
		}
	}
	for n := range p.doc.Descendants() {
		if h := attr(n, "href"); n.Data == "a" && strings.HasPrefix(h, "#") && !ids[h[1:]] {
			p.t.Errorf("%s: %s leads nowhere", path, h)
		}
		if c := attr(n, "commandfor"); c != "" && !ids[c] {
			p.t.Errorf("%s: nothing has the id %q", path, c)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
