package web_test

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
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/rehearsal"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web"
	addressroom "github.com/lendkeep/lendkeep/platform/internal/web/addresses"
	keyroom "github.com/lendkeep/lendkeep/platform/internal/web/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/web/door"
	askroom "github.com/lendkeep/lendkeep/platform/internal/web/inquiry"
	peopleroom "github.com/lendkeep/lendkeep/platform/internal/web/people"
	limitroom "github.com/lendkeep/lendkeep/platform/internal/web/restrictions"
	roleroom "github.com/lendkeep/lendkeep/platform/internal/web/roles"
	"github.com/lendkeep/lendkeep/platform/internal/web/settings"
	"github.com/lendkeep/lendkeep/platform/internal/web/trail"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// place is a house with its screens, called over TLS.
type place struct {
	*gatetest.House
	server *httptest.Server
	kicked int
	log    bytes.Buffer
}

const origin = "https://acme.test"

func words(context.Context, *db.Tx) (policy.Vocabulary, error) {
	loans, err := rule.NewVocabulary(rule.Field{Name: "loan.status", Kind: rule.Text, Column: "l.status"})
	if err != nil {
		return policy.Vocabulary{}, err
	}
	none, err := rule.NewVocabulary()
	return policy.Vocabulary{Loans: loans, Borrowers: none, Applications: none}, err
}

func open(t testing.TB) *place {
	t.Helper()
	p := &place{}
	var list []gate.Entry
	catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
	entrance := signin.New(signin.Config{Passwords: identity.NewPasswords(), Kick: func(*gate.Call) { p.kicked++ }, Origin: func(*tenant.Tenant) string { return origin }})
	desk := admin.New(admin.Config{Catalogue: catalogue})
	rules, keys := addresses.New(), apikeys.New(apikeys.Config{Catalogue: catalogue})
	staff := people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) { p.kicked++ }})
	positions := roles.New(roles.Config{Catalogue: catalogue})
	limits := restrictions.New(restrictions.Config{})
	books := records.New(records.Config{})
	keeping := retention.New(retention.Config{Catalogue: catalogue})
	questions := inquiry.New(inquiry.Config{Catalogue: catalogue})
	wishes, views := requests.New(requests.Config{Inquiry: questions}), vantage.New(vantage.Config{Catalogue: catalogue})
	trials := rehearsal.New(rehearsal.Config{Catalogue: catalogue})
	list = append(list, trials.Operations()...)
	list = append(append(append(list, questions.Operations()...), wishes.Operations()...), views.Operations()...)
	list = append(list, entrance.Operations()...)
	list = append(list, desk.Operations()...)
	list = append(list, rules.Operations()...)
	list = append(list, keys.Operations()...)
	list = append(list, staff.Operations()...)
	file := policyfile.New(policyfile.Config{Roles: positions, Restrictions: limits, Addresses: rules, Catalogue: catalogue})
	list = append(list, positions.Operations()...)
	list = append(list, file.Operations()...)
	list = append(list, limits.Operations()...)
	list = append(list, books.Operations()...)
	list = append(list, keeping.Operations()...)
	list = append(list, visit.Operations()...)
	p.House = gatetest.New(t, db.SQLite, gatetest.Config{Operations: list, Vocabulary: words})
	everybody := func(ctx context.Context, page *gate.Page) ([]trail.Person, error) {
		if !page.Can(staff.UserList.Name, "") {
			return nil, nil
		}
		out, err := gate.Look(ctx, page, staff.UserList, &people.Nothing{})
		if err != nil {
			return nil, err
		}
		var all []trail.Person
		for _, u := range out.Items {
			all = append(all, trail.Person{Actor: "user/" + string(u.ID), Name: u.Name})
		}
		return all, nil
	}
	h, err := web.New(web.Config{Gate: p.Gate, Directory: p.Directory, Viewing: vantage.Seen, Log: slog.New(slog.NewTextHandler(&p.log, nil)), Rooms: []visit.Room{
		door.New(entrance, nil), addressroom.New(rules), keyroom.New(keys, rules, catalogue), settings.New(), peopleroom.New(staff, positions, limits, catalogue), roleroom.New(positions, file, catalogue), limitroom.New(limits, holders(staff)),
		askroom.New(askroom.Config{Inquiry: questions, Requests: wishes, Vantage: views, Rehearsal: trials, People: staff, Roles: positions, Catalogue: catalogue}), trail.New(books, keeping, everybody, catalogue, nil)}})
	if err != nil {
		t.Fatal(err)
	}
	p.server = httptest.NewTLSServer(h)
	t.Cleanup(p.server.Close)
	return p
}

// holders gives all users to whom a restriction can be assigned.
func holders(staff *people.Desk) limitroom.Everybody {
	return func(ctx context.Context, p *gate.Page) (users, teams []restrictions.Holder, err error) {
		out, err := gate.Look(ctx, p, staff.UserList, &people.Nothing{})
		if err != nil {
			return nil, nil, err
		}
		for _, u := range out.Items {
			users = append(users, restrictions.Holder{ID: string(u.ID), Name: u.Name})
		}
		return users, nil, nil
	}
}

// browser keeps cookies and follows no redirect by itself.
type browser struct {
	t *testing.T
	*http.Client
	jar   *cookiejar.Jar
	place *place
}

func (p *place) browser(t *testing.T) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, p.server.Listener.Addr().String())
	}
	return &browser{t, &http.Client{Jar: jar, Transport: &http.Transport{DialContext: dial, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}, jar, p}
}

// as is a browser in which the person of a shipped role is signed in.
func (p *place) as(t *testing.T, role string) *browser {
	b := p.browser(t)
	u, _ := url.Parse(origin)
	b.jar.SetCookies(u, []*http.Cookie{{Name: visit.SessionCookie, Value: p.People[role].Session.Reveal(), Secure: true, Path: "/"}})
	return b
}

// page is an answer, read whole.
type page struct {
	t      *testing.T
	status int
	head   http.Header
	text   string
	doc    *html.Node
}

func (b *browser) send(r *http.Request) *page {
	b.t.Helper()
	b.place.Advance(time.Millisecond) // so that entries sort
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	doc, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	return &page{b.t, res.StatusCode, res.Header, string(raw), doc}
}

func (b *browser) get(path string) *page {
	b.t.Helper()
	r, err := http.NewRequest("GET", origin+path, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	p := b.send(r)
	if strings.HasPrefix(p.head.Get("Content-Type"), "text/html") && p.status != http.StatusSeeOther {
		p.clean(path)
	}
	return p
}

// post sends a form as a browser does from a page of the house.
func (b *browser) post(path string, fields ...string) *page {
	b.t.Helper()
	p := b.send(b.form(path, fields...))
	if p.status != http.StatusSeeOther {
		p.clean(path)
	}
	return p
}

func (b *browser) form(path string, fields ...string) *http.Request {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r, err := http.NewRequest("POST", origin+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", origin)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return r
}

func (p *page) want(status int, texts ...string) *page {
	p.t.Helper()
	if p.status != status {
		p.t.Errorf("answered %d, want %d: %s", p.status, status, visible(p.doc))
	}
	for _, text := range texts {
		if !strings.Contains(visible(p.doc), text) {
			p.t.Errorf("the page does not say %q: %s", text, visible(p.doc))
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

// to checks a redirect.
func (p *page) to(path string) *page {
	p.t.Helper()
	if p.status != http.StatusSeeOther || p.head.Get("Location") != path {
		p.t.Errorf("answered %d to %q, want a redirect to %q: %s", p.status, p.head.Get("Location"), path, visible(p.doc))
	}
	return p
}

// visible is the text of a page.
func visible(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode && c.Parent.Data != "script" && c.Parent.Data != "title" {
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

// held is what a field of the page holds.
func (p *page) held(name string) string {
	for n := range p.doc.Descendants() {
		if attr(n, "name") != name {
			continue
		}
		switch n.Data {
		case "input":
			return attr(n, "value")
		case "textarea":
			return visible(n)
		case "select":
			for o := range n.Descendants() {
				for _, a := range o.Attr {
					if a.Key == "selected" {
						return attr(o, "value")
					}
				}
			}
		}
	}
	return ""
}

// clean checks what every page of the front must keep.
func (p *page) clean(path string) {
	p.t.Helper()
	if csp := p.head.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		p.t.Errorf("%s: content policy %q", path, csp)
	}
	if p.head.Get("Cache-Control") != "no-store" || p.head.Get("X-Content-Type-Options") != "nosniff" {
		p.t.Errorf("%s: headers %v", path, p.head)
	}
	ids, labels := map[string]bool{}, map[string]bool{}
	var refs, controls []string
	for n := range p.doc.Descendants() {
		for _, a := range n.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				p.t.Errorf("%s: the content policy forbids the attribute %s", path, a.Key)
			}
			if strings.Contains(a.Val, "about:invalid") {
				p.t.Errorf("%s: an address was refused", path)
			}
		}
		if id := attr(n, "id"); id != "" {
			if ids[id] {
				p.t.Errorf("%s: the id %q stands twice", path, id)
			}
			ids[id] = true
		}
		switch n.Data {
		case "style":
			p.t.Errorf("%s: an inline style", path)
		case "script":
			if attr(n, "src") == "" {
				p.t.Errorf("%s: an inline script", path)
			}
		case "label":
			labels[attr(n, "for")] = true
		case "a":
			if h := attr(n, "href"); strings.HasPrefix(h, "#") {
				refs = append(refs, h[1:])
			}
		case "button":
			if attr(n, "commandfor") != "" {
				refs = append(refs, attr(n, "commandfor"))
			}
		case "input", "select", "textarea":
			if attr(n, "type") != "hidden" && attr(n, "aria-label") == "" && n.Parent.Data != "label" && attr(n, "id") != "" {
				controls = append(controls, attr(n, "id"))
			}
		}
	}
	for _, id := range refs {
		if !ids[id] {
			p.t.Errorf("%s: nothing has the id %q", path, id)
		}
	}
	for _, id := range controls {
		if !labels[id] {
			p.t.Errorf("%s: the control %q has no label", path, id)
		}
	}
}
