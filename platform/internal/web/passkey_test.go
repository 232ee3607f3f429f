package web_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// window is a Chromium with a virtual authenticator: a device that holds keys
// and asks who uses it.
type window struct {
	t   *testing.T
	ctx context.Context
}

func (p *place) window(t *testing.T) *window {
	path := os.Getenv("LENDKEEP_TEST_CHROMIUM")
	if path == "" {
		t.Skip("LENDKEEP_TEST_CHROMIUM names no browser")
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.IgnoreCertErrors, chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.WindowSize(1280, 900), chromedp.Flag("host-resolver-rules", "MAP acme.test:443 "+p.server.Listener.Addr().String()))
	ctx, stop := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	w := &window{t, ctx}
	w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		if _, err := cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return err
		}
		_, err := cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
			Protocol: webauthn.AuthenticatorProtocolCtap2, Ctap2version: webauthn.Ctap2versionCtap21, Transport: webauthn.AuthenticatorTransportInternal,
			HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
		return err
	}))
	return w
}

func (w *window) do(steps ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
	defer cancel()
	if w.ctx != nil && chromedp.FromContext(w.ctx).Target == nil {
		ctx = w.ctx // the first call opens the browser, which must outlive it
	}
	if err := webtest.Steady(func() error { return chromedp.Do(ctx, steps...) }); err != nil {
		w.t.Fatalf("%v\n%s", err, w.text())
	}
}

func (w *window) open(path string) { w.t.Helper(); w.do(chromedp.Navigate(origin + path)) }

func (w *window) fill(name, value string) {
	w.t.Helper()
	w.do(chromedp.SetValue(chromedp.CSS(fmt.Sprintf("[name=%q]", name)), value))
}

// press presses a button or a link by its words.
func (w *window) press(words string) {
	w.t.Helper()
	w.do(chromedp.Click(fmt.Sprintf(`//main//*[self::button or self::a][normalize-space()=%q]`, words)))
}

func (w *window) text() string {
	ctx, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	s, _ := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body ? location.pathname + "\n" + document.body.innerText : ""`))
	return s
}

// says waits until the page says a text.
func (w *window) says(want string) {
	w.t.Helper()
	for range 400 {
		if strings.Contains(w.text(), want) {
			return
		}
		time.Sleep(50 * time.Millisecond) // a page may still be drawing
	}
	w.t.Fatalf("the page does not say %q:\n%s", want, w.text())
}

// shot holds the page to what those need who use the keyboard or hear it, and
// leaves pictures, light and dark, where -look names a directory.
func (w *window) shot(name string) {
	w.t.Helper()
	faults, err := webtest.Fair(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range faults {
		w.t.Errorf("%s: %s", name, f)
	}
	if *lookAt == "" {
		return
	}
	for _, scheme := range []string{"light", "dark"} {
		w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			return err
		}))
		picture, err := chromedp.Run(w.ctx, chromedp.FullScreenshot(100))
		if err == nil {
			err = os.WriteFile(filepath.Join(*lookAt, name+"-"+scheme+".png"), picture, 0o600)
		}
		if err != nil {
			w.t.Error(err)
		}
	}
}

// A passkey is added, opens the house without a password, and proves once more
// who uses it; what was typed is shown again and sent by the person.
func TestAPasskeyIsAddedSignsInAndConfirms(t *testing.T) {
	p := open(t)
	w := p.window(t)
	w.open("/signin")
	w.shot("door-signin")
	w.fill("email", "admin@acme.test")
	w.fill("password", gatetest.Password)
	w.press("Sign in")
	w.says("/audit")
	w.open("/me/sign-in")
	w.says("No second factor")
	w.press("Add a second factor")
	w.says("Name of the passkey")
	w.press("Set up an app")
	w.says("Type this key")
	w.shot("door-new-factor")
	w.fill("label", "Work laptop")
	w.press("Add a passkey")
	w.says("Your ten codes")
	w.press("I have stored it")
	w.says("Work laptop")
	w.shot("door-mine")
	p.as(t, "admin").get("/me/sign-in").want(200, "Work laptop", "Recovery codes")

	w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.ClearBrowserCookies, cdp.Empty{})
		return err
	}))
	w.open("/signin?next=/settings/users/new")
	w.press("Sign in with a passkey")
	w.says("The log-in name")
	e := p.Trail(t, audit.Filter{Operation: "session.begin_passkey"})
	if len(e) != 1 || e[0].Detail["factor"] != "passkey" || e[0].Object != "user/"+string(p.People["admin"].ID) {
		t.Errorf("the trail tells of the passkey otherwise: %+v", e)
	}

	p.Advance(6 * time.Minute)
	w.fill("name", "Nia Okafor")
	w.fill("email", "nia@acme.test")
	w.fill("role", "Agent")
	w.press("Add user")
	w.says("Confirm that it is you")
	w.shot("door-step-up")
	if got := p.Trail(t, audit.Filter{Operation: "user.create", Outcome: "allowed"}); len(got) != 0 {
		t.Error("it was done without a proof")
	}
	w.press("Use a passkey")
	w.says("Check the form and send it once more")
	if got := p.Trail(t, audit.Filter{Operation: "user.create", Outcome: "allowed"}); len(got) != 0 {
		t.Error("the form was sent again by itself")
	}
	held, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`document.querySelector("[name=name]").value + "|" + document.querySelector("[name=role]").value`))
	if err != nil || held != "Nia Okafor|Agent" {
		t.Errorf("what was typed is lost: %q, %v", held, err)
	}
	w.press("Add user")
	w.says("Invited")
	w.shot("people-user")
	for name, path := range map[string]string{"list": "/settings/users", "agent": "/settings/users/" + string(p.People["agent"].ID), "give": "/settings/users/" + string(p.People["agent"].ID) + "/grantable",
		"teams": "/settings/teams", "team-new": "/settings/teams/new", "access": "/settings/access", "password": "/password"} {
		w.open(path)
		w.shot("people-" + name)
	}
}

// Without an exception a password alone opens nothing but the way to a factor.
func TestTheFirstSignInSetsUpAFactor(t *testing.T) {
	p := open(t)
	if err := p.Write(func(ctx context.Context, tx *db.Tx) error {
		list, err := identity.ExceptionsOf(ctx, tx, p.People["agent"].ID)
		if err != nil {
			return err
		}
		if err := identity.EndException(ctx, tx, p.People["agent"].ID, list[0].ID); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}); err != nil {
		t.Fatal(err)
	}
	b := p.browser(t)
	b.signIn("agent@acme.test", gatetest.Password).to("/factor")
	b.get("/me").to("/factor?next=%2Fme")
	b.get("/factor?next=%2Fme").to("/factor/new?next=%2Fme")
	b.get("/factor/new?next=%2Fme").want(200, "A password alone opens nothing here", "Authenticator app", "Passkey")
	b.post("/factor/new/app", "_form", "begin", "_next", "/me").to("/factor/new?next=%2Fme")
	b.get("/factor/new?next=%2Fme").want(200, "Type this key into the app", "Code that the app shows now")
	b.post("/factor/new/code", "_form", "confirm", "_next", "/me", "code", "000000").want(422, "This is not the code of this moment")
	b.post("/factor", "_form", "factor", "_next", "/me", "code", "123456").want(303)
	b.post("/signout").to("/signin")
}

// A form that asks for a fresh proof waits without its secrets.
func TestAFormWaitsForAProof(t *testing.T) {
	p := open(t)
	p.Advance(6 * time.Minute)
	b := p.as(t, "admin")
	asked := b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent", "password", "a secret that was typed").
		want(403, "Confirm that it is you", "“Add user” asks for a proof").without("a+secret+that", "a secret that was typed")
	wrong := b.post("/step-up/password", "_form", "prove", "password", "not the password", "_held_path", asked.held("_held_path"), "_held_form", asked.held("_held_form"),
		"_held_title", asked.held("_held_title"), "_next", asked.held("_next")).want(422, "This is not your password.")
	if wrong.held("_held_form") != asked.held("_held_form") || asked.held("_held_form") == "" {
		t.Error("a wrong password loses the form")
	}
	again := b.post("/step-up/password", "_form", "prove", "password", gatetest.Password, "_held_path", asked.held("_held_path"), "_held_form", asked.held("_held_form"),
		"_held_title", asked.held("_held_title"), "_next", asked.held("_next")).want(200, "Add user", "Check the form and send it once more")
	if again.held("name") != "Nia Okafor" || again.held("role") != "Agent" {
		t.Error("what was typed is lost")
	}
	b.get("/settings/users").want(200).without("nia@acme.test")
	b.post("/settings/users", "_form", "user", "name", "Nia Okafor", "email", "nia@acme.test", "role", "Agent").want(303)
	b.post("/step-up/password", "_form", "prove", "password", gatetest.Password, "_held_path", "//evil.test/x", "_held_form", "a=b", "_next", "//evil.test").to("/")
}
