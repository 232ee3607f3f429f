package visit

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/ways"
)

// View is what a page shows. Page needs its title and what belongs to the page
// itself; rail, tenant, person and toasts are filled in.
type View struct {
	Page parts.Page
	Body templ.Component
	To   string // instead of a page: go there
	// Alone is instead of a page in the frame: a whole page that stands by itself.
	Alone templ.Component
	File  *File // instead of a page: send this

	instead func() // instead of a page: Need's denial
}

// File is something to save. The browser never shows it in place.
type File struct {
	Name, Kind string // "evidence.pdf", "application/pdf"
	Body       []byte
}

// Screen reads what a page shows, in one snapshot. It renders nothing: what
// the person may do is asked here and handed to the template.
type Screen func(ctx context.Context, p *gate.Page) (View, error)

// Show answers with a page for the signed-in person.
func (v *Visit) Show(s Screen) { v.show(http.StatusOK, s) }

func (v *Visit) show(status int, s Screen) {
	var view View
	err := v.mux.config.Gate.Page(v.Context(), v.Request(), func(ctx context.Context, p *gate.Page) (err error) {
		if err := v.furnish(ctx, p); err != nil {
			return err
		}
		view, err = s(ctx, p)
		return err
	})
	switch {
	case err != nil:
		v.Refuse(err)
	case view.instead != nil:
		view.instead()
	case view.To != "":
		http.Redirect(v.W, v.R, view.To, http.StatusSeeOther)
	case view.File != nil:
		v.send(view.File)
	case view.Alone != nil:
		v.Print(status, view.Alone)
	default:
		v.page(status, view)
	}
}

// Look calls a read with what the address says: path and query tags (or, for
// operations that take a body, json tags) of the input. fix may set more. A
// person without the right is told so before anything that is wrong in the
// address.
func Look[In, Out any](ctx context.Context, v *Visit, p *gate.Page, o *gate.Op[In, Out], fix ...func(in *In)) (*Out, error) {
	in := new(In)
	err := v.bind(in)
	for _, f := range fix {
		f(in)
	}
	object := ""
	if o.Object != nil {
		object = o.Object(in)
	}
	v.asked = wanted{name: o.Name, title: o.Title}
	if err != nil && p.Can(o.Name, object) {
		return nil, err
	}
	return gate.Look(ctx, p, o, in)
}

// furnish fills what stands around every page, while the policy is at hand.
func (v *Visit) furnish(ctx context.Context, p *gate.Page) error {
	c, who := p.Call(), p.Who()
	v.framed = true
	v.access = p.Can("access.explain", "")
	v.frame = parts.Page{Tenant: c.Tenant.Name, Home: "/", Rail: ways.Rail(p.Can, v.R.URL.Path), Access: myAccess,
		Person: parts.Person{Name: who.Name, Role: who.RoleName, SignOut: "/signout", Menu: []parts.Link{{Text: "My access", Href: myAccess}, {Text: "My sign-in", Href: "/me/sign-in"}}},
		Toasts: v.hear(c.At)}
	if p.Can("loan.list", "") {
		v.frame.Search = parts.Search{Action: loans, Name: "q", Query: v.asksFor(), Label: "Search loans"}
	}
	if err := v.viewing(ctx, c); err != nil {
		return err
	}
	if s := c.Tenant.Trail.Alarm.State(); s.Rings() && p.Can("audit.list", "") {
		v.frame.Banners = append(v.frame.Banners, parts.Unwritten(parts.At(s.Since, v.Zone())))
	}
	if v.mux.config.Waiting == nil || !p.Can("proposal.list", "") {
		return nil
	}
	n, err := v.mux.config.Waiting(ctx, c)
	v.frame.Approvals = &parts.Inbox{Href: "/approvals", Count: n}
	return err
}

// SettingsTabs are the tabs of a page of the settings at a path, or under it.
func SettingsTabs(can ways.Can, path string) []parts.Tab { return ways.Tabs(can, path) }

// Pages of the room of inquiry that every page leads to.
const (
	myAccess = "/my-access"
	endView  = "/view-as/end"
)

// viewing puts the banner of a view through other eyes on the page.
func (v *Visit) viewing(ctx context.Context, c *gate.Call) (err error) {
	name, role := c.Who.ViewAs, ""
	if name == "" {
		return nil
	}
	if v.mux.config.Viewing != nil {
		name, role, err = v.mux.config.Viewing(ctx, c)
	}
	v.looking = true
	v.frame.Banners = []parts.Banner{parts.ViewingAs(name, role, endView)}
	return err
}

// page prints a view within the frame.
func (v *Visit) page(status int, view View) {
	p, f := view.Page, v.frame
	p.Tenant, p.Home, p.Rail, p.Access, p.Person, p.Approvals = f.Tenant, f.Home, f.Rail, f.Access, f.Person, f.Approvals
	p.Toasts = append(p.Toasts, f.Toasts...)
	p.Banners = append(f.Banners, p.Banners...)
	if v.err == (proved{}) {
		p.Toasts = append(p.Toasts, parts.Toast{Meaning: v.resumed.also.Meaning, Text: sayAgain + v.resumed.also.Text})
	}
	if p.Search.Action == "" {
		p.Search = f.Search
	}
	body := view.Body
	if body == nil {
		body = templ.NopComponent
	}
	v.Print(status, templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return parts.Frame(p).Render(templ.WithChildren(ctx, body), w)
	}))
}

// Print answers with a whole page that stands by itself: sign-in, the
// borrower's pages. It is rendered before the first byte is sent.
func (v *Visit) Print(status int, c templ.Component) {
	var b bytes.Buffer
	if err := c.Render(v.Context(), &b); err != nil {
		v.mux.config.Log.Error("a page could not be rendered", "route", v.R.Pattern, "error", err)
		b.Reset()
		b.WriteString("Something went wrong on our side.")
		status = http.StatusInternalServerError
		v.W.Header().Set("Content-Type", "text/plain; charset=utf-8")
	} else {
		v.W.Header().Set("Content-Type", "text/html; charset=utf-8")
	}
	v.protect()
	v.W.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	v.W.WriteHeader(status)
	v.W.Write(b.Bytes())
}

// contentPolicy names everything that a page may load: our own files.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"

// loans is the list that the search box of every page searches.
const loans = "/loans"

// asksFor is what the address searches for, as the search box may show it: a
// card number was refused and does not come back, and what other lists are searched
// for is not looked for among loans.
func (v *Visit) asksFor() string {
	q := v.R.URL.Query().Get("q")
	if v.R.URL.Path != loans || pan.Contains(q) {
		return ""
	}
	return q
}

func (v *Visit) protect() {
	h := v.W.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
}

func (v *Visit) send(f *File) {
	v.W.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
	v.begin(f)
	v.W.Write(f.Body)
}

// begin sends the head of a file, which the browser never shows in place.
func (v *Visit) begin(f *File) {
	v.protect()
	h := v.W.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Content-Type", f.Kind)
	h.Set("Content-Disposition", parcel.Attachment(f.Name))
}

// bind takes path and query into an input; json tags serve where a form is
// sent by GET.
func (v *Visit) bind(in any) error {
	var c fault.Collector
	c.Merge("", bindPath(v.R, in))
	d := decoder{form: v.R.URL.Query(), lax: true}
	d.run(in)
	c.Merge("", d.faults.Err())
	return c.Err()
}
