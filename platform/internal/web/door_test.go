package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (b *browser) signIn(email, password string, more ...string) *page {
	b.t.Helper()
	return b.post("/signin", append([]string{"_form", "signin", "email", email, "password", password}, more...)...)
}

func TestSignInAndOut(t *testing.T) {
	p := open(t)
	b := p.browser(t)
	b.get("/settings/users?role=Admin").to("/signin?next=%2Fsettings%2Fusers%3Frole%3DAdmin")
	in := b.get("/signin?next=%2Fsettings%2Fusers%3Frole%3DAdmin").want(200, "Sign in", "Acme Lending")
	b.signIn("admin@acme.test", gatetest.Password, "_next", in.held("_next")).to("/settings/users?role=Admin")
	b.get("/settings/users").want(200, "Admin Person", "agent@acme.test")
	out := b.post("/signout").to("/signin")
	cleared := false
	for _, c := range (&http.Response{Header: out.head}).Cookies() {
		cleared = cleared || c.Name == visit.SessionCookie && c.MaxAge < 0
	}
	if !cleared {
		t.Error("signing out leaves the cookie")
	}
	b.get("/settings/users").to("/signin?next=%2Fsettings%2Fusers")
	b.get("/signin").want(200, "You are signed out.")
	b.get("/signin").without("You are signed out.") // said once
}

func TestTheCookieIsBoundToTheHostAndUnreadable(t *testing.T) {
	p := open(t)
	in := p.browser(t).signIn("agent@acme.test", gatetest.Password)
	cookies := (&http.Response{Header: in.head}).Cookies()
	if len(cookies) != 1 {
		t.Fatalf("%d cookies", len(cookies))
	}
	c := cookies[0]
	if c.Name != "__Host-lendkeep" || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" || len(c.Value) < 32 {
		t.Errorf("cookie %s Secure %t HttpOnly %t SameSite %v Path %s Domain %q", c.Name, c.Secure, c.HttpOnly, c.SameSite, c.Path, c.Domain)
	}
	if strings.Contains(in.text, c.Value) || strings.Contains(in.head.Get("Location"), c.Value) {
		t.Error("the token stands elsewhere than in the cookie")
	}
}

func TestASessionCannotBeFixed(t *testing.T) {
	p := open(t)
	planted := p.People["investor"].Session.Reveal()
	b := p.as(t, "investor")
	in := b.signIn("admin@acme.test", gatetest.Password)
	got := (&http.Response{Header: in.head}).Cookies()[0].Value
	if got == planted || got == "" {
		t.Error("the token that was there before signing in is the session now")
	}
	b.get("/settings/users").want(200, "Admin Person")
	p.as(t, "investor").get("/settings/users").want(403) // what was planted is still what it was
}

func TestTenWrongPasswordsLock(t *testing.T) {
	p := open(t)
	b := p.browser(t)
	for range 10 {
		b.signIn("manager@acme.test", "not the password").want(401, "The e-mail address or the password is not right.")
	}
	locked := b.signIn("manager@acme.test", gatetest.Password).want(401)
	unknown := b.signIn("nobody@acme.test", gatetest.Password).want(401)
	same := func(s string, email string) string { return strings.ReplaceAll(s, email, "") }
	if a, b := same(visible(locked.doc), "manager@acme.test"), same(visible(unknown.doc), "nobody@acme.test"); a != b {
		t.Errorf("a locked account can be told from an unknown one:\n%s\n%s", a, b)
	}
	if locked.held("email") != "manager@acme.test" || locked.held("password") != "" {
		t.Error("what was typed is lost, or the password is not")
	}
	p.as(t, "admin").get("/settings/users").want(200, "Locked")
	p.Advance(31 * time.Minute)
	b.signIn("manager@acme.test", gatetest.Password).to("/")
}

func TestNextLeadsNowhereElse(t *testing.T) {
	p := open(t)
	for _, next := range []string{"https://evil.test/", "//evil.test", "/\\evil.test", "\\\\evil.test", "javascript:alert(1)", "/%5Cevil.test", "/%2F%2Fevil.test/..", "http:/evil", "/\tevil", "///evil.test", " /x", "https:evil.test", "/a\r\nSet-Cookie: x=1"} {
		in := p.browser(t).signIn("agent@acme.test", gatetest.Password, "_next", next)
		u, err := url.Parse(in.head.Get("Location"))
		if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(in.head.Get("Location"), "/") || strings.HasPrefix(u.Path, "//") || strings.Contains(u.Path, "\\") || in.status != 303 {
			t.Errorf("next %q leads to %q", next, in.head.Get("Location"))
		}
	}
	p.browser(t).signIn("agent@acme.test", gatetest.Password, "_next", "/loans?q=a%20b&sort=-balance").to("/loans?q=a%20b&sort=-balance")
}

func TestAFormFromElsewhereIsRefused(t *testing.T) {
	p := open(t)
	b := p.as(t, "admin")
	for name, set := range map[string]func(h http.Header){
		"another site":        func(h http.Header) { h.Set("Sec-Fetch-Site", "cross-site"); h.Set("Origin", "https://evil.test") },
		"a sibling":           func(h http.Header) { h.Set("Sec-Fetch-Site", "same-site"); h.Set("Origin", "https://www.acme.test") },
		"no page":             func(h http.Header) { h.Set("Sec-Fetch-Site", "none"); h.Del("Origin") },
		"neither header":      func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Del("Origin") },
		"foreign origin only": func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Set("Origin", "https://evil.test") },
		"the host unsealed":   func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Set("Origin", "http://acme.test") },
		"no origin at all":    func(h http.Header) { h.Del("Sec-Fetch-Site"); h.Set("Origin", "null") },
	} {
		r := b.form("/settings/users", "name", "Eve", "email", "eve@acme.test", "role", "Admin")
		set(r.Header)
		if got := b.send(r); got.status != 403 {
			t.Errorf("%s: answered %d", name, got.status)
		}
	}
	old := b.form("/settings/users", "name", "Ann", "email", "ann@acme.test", "role", "Agent")
	old.Header.Del("Sec-Fetch-Site") // an old browser sends the origin alone
	if got := b.send(old); got.status != 303 {
		t.Errorf("our own origin alone: answered %d: %s", got.status, visible(got.doc))
	}
	b.get("/settings/users").want(200, "Ann").without("Eve")
	if len(p.Trail(t, audit.Filter{Operation: "form.foreign"})) == 0 {
		t.Error("no entry tells of the forms from elsewhere")
	}
}

func TestAResetLinkIsAnsweredAlike(t *testing.T) {
	p := open(t)
	b := p.browser(t)
	b.get("/reset").want(200, "Send me a link")
	b.post("/reset", "_form", "reset", "email", "agent@acme.test").to("/reset/sent")
	b.post("/reset", "_form", "reset", "email", "nobody@acme.test").to("/reset/sent")
	if p.kicked != 2 {
		t.Errorf("%d jobs were woken, want 2", p.kicked)
	}
	b.get("/reset/sent").want(200, "Look into your mail")
	b.get("/reset/new").want(200, "This link no longer works")
	b.get("/reset/new?token=abc").want(200, "Set a new password")
	b.post("/reset/new", "_form", "new-password", "token", "abc", "password", "short", "_again", "short").want(422, "At least 12 characters")
	b.post("/reset/new", "_form", "new-password", "token", "abc", "password", "a few words in a row", "_again", "others").want(422, "Type the same password twice.")
	b.post("/reset/new", "_form", "new-password", "token", "abc", "password", "a few words in a row", "_again", "a few words in a row").want(422, "This link no longer works")
}

func TestMyAccess(t *testing.T) {
	p := open(t)
	p.as(t, "admin").get("/me").to("/my-access") // as the page was called before
	p.as(t, "admin").get("/my-access").want(200, "Admin Person", "Add user", "From where")
	p.as(t, "agent").get("/my-access").want(200, "Agent Person").without("Add user")
}

func TestAStrangersHostLooksLikeABadPassword(t *testing.T) {
	p := open(t)
	b := p.browser(t)
	r := b.form("/signin", "_form", "signin", "email", "admin@acme.test", "password", gatetest.Password)
	r.URL.Host, r.Host = "other.test", "other.test"
	r.Header.Set("Origin", "https://other.test")
	if got := b.send(r); got.status != 401 {
		t.Errorf("answered %d", got.status)
	}
}
