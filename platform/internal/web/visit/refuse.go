package visit

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// Refuse answers with the page of a fault.
func (v *Visit) Refuse(err error) {
	f := fault.As(err)
	if f.Kind == fault.Unauthenticated {
		v.toSignIn()
		return
	}
	if page := mends(f); page != "" {
		v.toMend(page)
		return
	}
	code := httpserve.StatusOf(f.Kind)
	if code == http.StatusInternalServerError {
		v.mux.config.Log.Error("a page failed", "route", v.R.Pattern, "error", err)
	}
	if code == http.StatusTooManyRequests || code == http.StatusServiceUnavailable {
		seconds := max(1, int(f.RetryAfter.Seconds()))
		v.W.Header().Set("Retry-After", strconv.Itoa(seconds))
		v.bare(code, f)
		return
	}
	if !v.furnished() {
		v.bare(code, f)
		return
	}
	title, body := v.trouble(f)
	v.page(code, View{Page: parts.Page{Title: title}, Body: body})
}

// toSignIn sends a stranger to the door, to come back to this page.
func (v *Visit) toSignIn() {
	next := v.R.URL.RequestURI()
	if v.R.Method == http.MethodPost {
		next = v.cameFrom()
	}
	to := "/signin"
	if next = Local(next); next != "/" && !pan.Contains(next) {
		to += "?next=" + url.QueryEscape(next)
	}
	v.protect()
	http.Redirect(v.W, v.R, to, http.StatusSeeOther)
}

// cameFrom is the page of ours that a form was sent from.
func (v *Visit) cameFrom() string {
	u, err := url.Parse(v.R.Referer())
	if err != nil || u.Host != v.R.Host {
		return "/"
	}
	return Local(u.RequestURI())
}

func (v *Visit) trouble(f *fault.Error) (string, templ.Component) {
	switch f.Kind {
	case fault.Denied:
		return "No access", parts.Denied(v.denial(f))
	case fault.NotFound:
		d := v.denial(f)
		d.Title, d.Reason = "Nothing is here", ""
		return "Not found", parts.Denied(d)
	}
	return troubleTitle(f.Kind), parts.ErrorSummary(parts.Problems(plain(f)))
}

// plain leaves out where on the form a problem is: there is no form here.
func plain(f *fault.Error) error {
	if len(f.Fields) == 0 {
		return f
	}
	out := *f
	lines := make([]string, len(f.Fields))
	for i, l := range f.Fields {
		lines[i] = l.Path + ": " + l.Mend
	}
	out.Fields, out.Message = nil, strings.Join(lines, " ")
	return &out
}

func troubleTitle(k fault.Kind) string {
	switch k {
	case fault.Invalid, fault.Malformed, fault.TooLarge:
		return "This could not be read"
	case fault.Conflict:
		return "This cannot be done now"
	case fault.TooMany:
		return "Too many calls"
	case fault.Unavailable:
		return "Not available at the moment"
	}
	return "Something went wrong on our side"
}

// denial says what is missing, and leads whoever may ask to the explanation.
func (v *Visit) denial(f *fault.Error) parts.Denial {
	d := parts.Denial{Missing: f.Message, Reason: f.Reason, DecisionID: f.DecisionID, Back: &parts.Link{Text: "Back to the start", Href: "/"}}
	if v.R.Method == http.MethodPost {
		d.Back = &parts.Link{Text: "Back", Href: v.cameFrom()}
	}
	if v.asked.title != "" && f.Reason == "role_lacks_operation" {
		d.Missing = "The role “" + v.frame.Person.Role + "” does not hold “" + v.asked.title + "” in the screens."
	}
	if v.asked.name == "" || f.DecisionID == "" {
		return d
	}
	if v.access {
		d.Why = parts.WhyHref(f.DecisionID)
	}
	if v.requestable(f.Reason) {
		d.Request = parts.RequestHref(f.DecisionID)
	}
	return d
}

// requestable reports whether somebody could grant what was refused: not a proof
// that the person must give themselves, and nothing while looking through other
// eyes. Of what is not there as of what is hidden.
func (v *Visit) requestable(reason string) bool {
	return !v.looking && slices.Contains([]string{"role_lacks_operation", "grant_expired", "address_denied", "address_not_allowed", "limit_too_low", "not_found"}, reason)
}

// bare prints a fault without a frame: nobody is known, or nothing can be read.
func (v *Visit) bare(code int, f *fault.Error) {
	body := parts.ErrorSummary(parts.Problems(plain(f)))
	v.Print(code, templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return parts.SignedOut(parts.SignedOutPage{Title: troubleTitle(f.Kind), Tenant: v.TenantName()}).Render(templ.WithChildren(ctx, body), w)
	}))
}

// The front's own operations.
const (
	unknownPage = "page.unknown"
	foreignForm = "form.foreign"
)

// PageIn is a page that no room has.
type PageIn struct {
	Method string
	Path   string // left empty where it does not look like one of ours
}

// PageOut is never given: both operations always answer with a fault.
type PageOut struct{}

// Operations are what the front adds to the gate's list: the answers to an
// unknown page and to a form from elsewhere, so that both are audited.
func Operations() []gate.Entry {
	return []gate.Entry{
		&gate.Op[PageIn, PageOut]{
			Name: unknownPage, Title: "Open an unknown page", Area: "Sign-in",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn,
			Do: func(_ context.Context, c *gate.Call, in *PageIn) (*PageOut, error) {
				c.Detail("method", in.Method)
				c.Detail("path", in.Path)
				return nil, fault.Missing("page")
			},
		},
		&gate.Op[PageIn, PageOut]{
			Name: foreignForm, Title: "Send a form from elsewhere", Area: "Sign-in",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.Public, Sensitivity: operation.Security,
			Do: func(_ context.Context, c *gate.Call, in *PageIn) (*PageOut, error) {
				c.Detail("path", in.Path)
				return nil, fault.New(fault.Denied, "foreign_form", "This form did not come from a page of ours. Open the page and send it from there.")
			},
		},
	}
}

func (v *Visit) pageIn() PageIn {
	in := PageIn{Method: "other", Path: v.R.URL.Path}
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, v.R.Method) {
		in.Method = v.R.Method
	}
	odd := func(r rune) bool {
		return !(r == '/' || r == '-' || r == '_' || r == '.' || (r >= '0' && r <= '9') || (r >= 'a' && r <= 'z') || (r >= 'A' && r <= 'Z'))
	}
	if len(in.Path) > 200 || strings.ContainsFunc(in.Path, odd) || pan.Contains(in.Path) {
		in.Path = ""
	}
	return in
}

// unknown is a call of its own, not a page: so its entry holds the path.
func (v *Visit) unknown() {
	e := v.mux.config.Gate.ByName(unknownPage).(*gate.Op[PageIn, PageOut])
	in := v.pageIn()
	_, err := gate.Run(v.Context(), v.mux.config.Gate, e, v.Request(), func(to *PageIn) error { *to = in; return nil }, nil)
	v.Refuse(err)
}

func (v *Visit) refuseForeign() {
	e := v.mux.config.Gate.ByName(foreignForm).(*gate.Op[PageIn, PageOut])
	in := v.pageIn()
	_, err := gate.Run(v.Context(), v.mux.config.Gate, e, v.Stranger(), func(to *PageIn) error { *to = in; return nil }, nil)
	v.bare(httpserve.StatusOf(fault.As(err).Kind), fault.As(err))
}
