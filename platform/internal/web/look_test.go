package web_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// go test ./platform/internal/web -run TestLook -look DIR leaves pictures of
// every screen behind, light and dark, to be looked at.
var lookAt = flag.String("look", "", "leave pictures of the screens in this directory")

type shot struct {
	name, path string
	wide       int64
	dark       bool
	open       string // id of a dialog to open
	stranger   bool
	role       string // "": admin
}

func TestLook(t *testing.T) {
	if *lookAt == "" {
		t.Skip("-look names no directory")
	}
	p := open(t)
	furnish(t, p)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.IgnoreCertErrors, chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP acme.test:443 "+p.server.Listener.Addr().String()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	for _, s := range shots(t, p) {
		p.Advance(time.Second)
		if err := take(ctx, p, s); err != nil {
			t.Errorf("%s: %v", s.name, err)
		}
	}
}

// furnish puts something into the house to look at.
func furnish(t *testing.T, p *place) {
	b := p.as(t, "admin")
	b.post("/settings/search-restrictions", "_form", "restriction", "name", "Acme portfolio only", "visible", `loan.status == "Active" || loan.status == "Bankruptcy"`)
	r := strings.TrimPrefix(b.get("/settings/search-restrictions").first("/settings/search-restrictions/sr_"), "/settings/search-restrictions/")
	for _, name := range []string{"Nia Okafor", "Li Wei", "Maximiliane von Habsburg-Lothringen zu Schwarzenberg"} {
		b.post("/settings/users", "_form", "user", "name", name, "email", strings.ToLower(strings.ReplaceAll(name, " ", "."))+"@acme.test", "role", "Agent", "search_restrictions", r)
	}
	b.post("/settings/address-rules", "_form", "address", "name", "Denver office", "mode", "allow", "entries", "203.0.113.0/24\n2001:db8::/32", "active", "on", "_holders", "role/"+string(p.Roles["investor"]))
	b.post("/settings/site-keys", "_form", "site", "label", "Application form on our website", "origins", "https://apply.example.com")
	b.post("/settings/users/"+string(p.People["agent"].ID)+"/keys", "_form", "key", "label", "nightly export", "expires_at", "2027-12-31", "_narrow", "yes", "scope", "me.api_key.list", "scope", "user.list")
	for range 6 {
		p.Advance(time.Minute)
		p.as(t, "agent").get("/settings/users")
		p.browser(t).signIn("nobody@acme.test", "wrong")
		b.get("/settings/roles")
	}
}

func shots(t *testing.T, p *place) []shot {
	agent := string(p.People["agent"].ID)
	both := func(name, path string) []shot {
		return []shot{{name: name, path: path, wide: 1280}, {name: name + "-dark", path: path, wide: 1280, dark: true}}
	}
	var out []shot
	for _, s := range [][2]string{{"settings", "/settings"}, {"users", "/settings/users"}, {"user-new", "/settings/users/new"}, {"user", "/settings/users/" + agent},
		{"roles", "/settings/roles"}, {"role", "/settings/roles/" + string(p.Roles["agent"])}, {"restrictions", "/settings/search-restrictions"}, {"restriction-new", "/settings/search-restrictions/new"},
		{"addresses", "/settings/address-rules"}, {"address-new", "/settings/address-rules/new"}, {"sites", "/settings/site-keys"}, {"explain", "/settings/explain?user=" + agent + "&operation=user.create"},
		{"audit", "/audit"}, {"audit-denied", "/audit?outcome=denied&channel=ui"}, {"me", "/my-access"}, {"lent-loans", "/access/lent-loans?user=" + agent + "&until=2026-11-30"}, {"requests", "/access/requests"},
		{"simulate", "/settings/simulate?of=restriction&visible=" + url.QueryEscape(`loan.status == "Active"`) + "&user=" + agent + "&object=loan/ln_x"}, {"not-found", "/nothing/here"}} {
		out = append(out, both(s[0], s[1])...)
	}
	for _, s := range [][2]string{{"signin", "/signin"}, {"reset", "/reset"}, {"reset-new", "/reset/new?token=abc"}, {"reset-sent", "/reset/sent"}} {
		out = append(out, shot{name: s[0], path: s[1], wide: 1280, stranger: true}, shot{name: s[0] + "-phone", path: s[1], wide: 390, stranger: true}, shot{name: s[0] + "-dark", path: s[1], wide: 390, dark: true, stranger: true})
	}
	denied := p.Trail(t, audit.Filter{Operation: "user.list", Outcome: "denied"})[0]
	changed := p.Trail(t, audit.Filter{Operation: "ip_rule.create"})[0]
	out = append(out, both("entry-denied", "/audit/"+string(denied.ID))...)
	out = append(out, both("entry-changed", "/audit/"+string(changed.ID))...)
	out = append(out, both("history-user", "/audit/of/user/"+agent)...)
	for _, s := range [][2]string{{"audit-denied", "/audit?outcome=denied"}, {"entry-denied", "/audit/" + string(denied.ID)}, {"history-user", "/audit/of/user/" + agent}} {
		out = append(out, shot{name: s[0] + "-phone", path: s[1], wide: 390})
	}
	out = append(out, shot{name: "denied", path: "/settings/users", wide: 1280, role: "agent"}, shot{name: "denied-dark", path: "/settings/users", wide: 1280, role: "agent", dark: true})
	return append(out, shot{name: "user-key", path: "/settings/users/" + agent, wide: 1280, open: "make-key"})
}

func take(ctx context.Context, p *place, s shot) error {
	scheme := "light"
	if s.dark {
		scheme = "dark"
	}
	call := func(err error, more ...error) error { return errors.Join(append(more, err)...) }
	steps := []chromedp.Action[chromedp.Void]{
		chromedp.EmulateViewport(s.wide, 800),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			_, err2 := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
			if s.stranger {
				return call(err, err2)
			}
			yes := true
			_, err3 := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: visit.SessionCookie, Value: p.People[cmp.Or(s.role, "admin")].Session.Reveal(), URL: origin, Path: "/", Secure: &yes, HTTPOnly: &yes})
			return call(err, err2, err3)
		}),
		chromedp.Navigate(origin + s.path), chromedp.WaitReady("main"),
	}
	if s.open != "" {
		steps = append(steps, chromedp.Click(`[data-opens="`+s.open+`"]`), chromedp.WaitVisible("#"+s.open))
	}
	if err := chromedp.Do(ctx, steps...); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*lookAt, s.name+".png"), picture, 0o600)
}

// A browser signs in through the form: scripts, cookie prefix and form
// protection agree. It runs where the pictures are taken.
func TestABrowserSignsIn(t *testing.T) {
	if *lookAt == "" {
		t.Skip("-look names no directory")
	}
	p := open(t)
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.IgnoreCertErrors, chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP acme.test:443 "+p.server.Listener.Addr().String()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	defer stop()
	ctx, stop = chromedp.NewContext(ctx)
	defer stop()
	err := chromedp.Do(ctx, chromedp.Navigate(origin+"/settings/users"), chromedp.WaitVisible(`input[name="email"]`),
		chromedp.SendKeys(`input[name="email"]`, "admin@acme.test"), chromedp.SendKeys(`input[name="password"]`, gatetest.Password+"\r"), chromedp.WaitVisible("table"))
	if err != nil {
		t.Fatal(err)
	}
	title, err := chromedp.Run(ctx, chromedp.Text("h1"))
	if err != nil || title != "Users" {
		t.Errorf("title %q: %v", title, err)
	}
	address, err := chromedp.Run(ctx, chromedp.Location())
	if err != nil || address != origin+"/settings/users" {
		t.Errorf("address %q: %v", address, err)
	}
}
