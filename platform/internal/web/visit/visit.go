package visit

import (
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// SessionCookie holds the token of a session, and nothing else.
const SessionCookie = "__Host-lendkeep"

// saidCookie carries one toast over a redirect, sealed.
const (
	saidCookie  = "__Host-lendkeep-said"
	saidPurpose = "toast after a redirect"
	saidMicros  = 60 * 1_000_000
)

const maxUserAgent = 400

// Visit is one request for a page, or one form sent.
type Visit struct {
	W      http.ResponseWriter
	R      *http.Request
	Tenant *tenant.Tenant // nil: nobody's host

	mux     *Mux
	typed   url.Values // the form as it came, once it has been read
	err     error      // why the form came back
	once    string     // key of the forms of this page
	frame   parts.Page // the page's surroundings
	framed  bool
	access  bool   // may ask why something is denied
	looking bool   // through somebody else's eyes
	asked   wanted // what was asked of the gate last

	parcel *parcel.File // the file of a form that may have one; nil: forms have none

	resumed *resumed // a form that was held until the person had proved who they are
}

// wanted is an operation that was asked for, for the words of a denial.
type wanted struct{ name, title string }

func (m *Mux) visit(w http.ResponseWriter, r *http.Request) *Visit {
	v := &Visit{W: w, R: r, Tenant: m.config.Directory.ByHost(r.Host), mux: m}
	if held, ok := w.(*resumed); ok {
		v.W, v.resumed = held.ResponseWriter, held
	}
	return v
}

// Context is the request's context.
func (v *Visit) Context() context.Context { return v.R.Context() }

// Zone is the tenant's time zone.
func (v *Visit) Zone() *time.Location {
	if v.Tenant == nil {
		return time.UTC
	}
	return v.Tenant.Zone
}

// Request is a call by the person whose session the cookie names.
func (v *Visit) Request() *gate.Request {
	r := v.Stranger()
	if c, err := v.R.Cookie(SessionCookie); err == nil && c.Value != "" && len(c.Value) <= 200 {
		r.Session = secret.NewText(c.Value)
	}
	return r
}

// Stranger is a call by nobody: signing in.
func (v *Visit) Stranger() *gate.Request {
	peer, _ := netip.ParseAddrPort(v.R.RemoteAddr) // the zero address is nobody's: no rule allows it
	agent := strings.ToValidUTF8(v.R.UserAgent(), "?")
	if len(agent) > maxUserAgent {
		agent = strings.ToValidUTF8(agent[:maxUserAgent], "")
	}
	return &gate.Request{Tenant: v.Tenant, Channel: operation.UI, Address: v.mux.config.Proxies.Client(peer, v.R.Header),
		UserAgent: agent, Route: v.R.Pattern}
}

// Portal is a call by an applicant on a form that this house itself shows, with
// the public key of that form.
func (v *Visit) Portal(site string) *gate.Request {
	r := v.Stranger()
	r.Channel, r.Site, r.Origin = operation.Portal, site, "https://"+v.R.Host
	return r
}

// Enter gives the browser a new session.
func (v *Visit) Enter(token secret.Text) { v.cookie(SessionCookie, token.Reveal(), 0) }

// Leave takes the session out of the browser.
func (v *Visit) Leave() { v.cookie(SessionCookie, "", -1) }

// challengeCookie holds the browser's half of what a passkey was asked for,
// before anybody is signed in.
const (
	challengeCookie  = "__Host-lendkeep-asked"
	challengeSeconds = 5 * 60
)

// Ask binds what a passkey is asked for to this browser.
func (v *Visit) Ask(token secret.Text) { v.cookie(challengeCookie, token.Reveal(), challengeSeconds) }

// Asked gives it back, once.
func (v *Visit) Asked() secret.Text {
	c, err := v.R.Cookie(challengeCookie)
	if err != nil {
		return secret.Text{}
	}
	v.cookie(challengeCookie, "", -1)
	return secret.NewText(c.Value)
}

func (v *Visit) cookie(name, value string, age int) {
	http.SetCookie(v.W, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// said is a toast on its way over a redirect.
type said struct {
	Until   int64         `json:"u"`
	Meaning parts.Meaning `json:"m"`
	Text    string        `json:"t"`
	Link    *parts.Link   `json:"l,omitempty"`
}

// say keeps a toast for the next page.
func (v *Visit) say(at int64, t parts.Toast) {
	if t.Text == "" || v.Tenant == nil {
		return
	}
	b, err := json.Marshal(said{Until: at + saidMicros, Meaning: t.Meaning, Text: t.Text, Link: t.Link})
	if err != nil {
		return // a struct of texts always marshals
	}
	v.cookie(saidCookie, v.Tenant.Ring.SealToken(saidPurpose, b), int(saidMicros/1_000_000))
}

// hear takes the toast that the act before has left, if it is fresh.
func (v *Visit) hear(at int64) []parts.Toast {
	c, err := v.R.Cookie(saidCookie)
	if err != nil || c.Value == "" || v.Tenant == nil {
		return nil
	}
	v.cookie(saidCookie, "", -1)
	var s said
	b, err := v.Tenant.Ring.OpenToken(saidPurpose, c.Value)
	if err != nil || json.Unmarshal(b, &s) != nil || at > s.Until {
		return nil
	}
	return []parts.Toast{{Meaning: s.Meaning, Text: s.Text, Link: s.Link}}
}

// Toasts takes what the act before has left, for pages printed by Print; the
// age of the cookie ends it.
func (v *Visit) Toasts() []parts.Toast { return v.hear(0) }

// TenantName is the lender's name; empty at nobody's host.
func (v *Visit) TenantName() string {
	if v.Tenant == nil {
		return ""
	}
	return v.Tenant.Name
}

// Local gives the path if it leads to a page of this house, else "/": what
// stands in an address bar must not send people elsewhere.
func Local(path string) string {
	u, err := url.Parse(path)
	bad := err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		!strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || len(path) > 2000 ||
		strings.HasPrefix(u.Path, "//") || strings.ContainsFunc(path, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) ||
		strings.ContainsAny(u.Path, "\\\t\r\n")
	if bad {
		return "/"
	}
	return path
}
