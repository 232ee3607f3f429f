package roles_test

import (
	"context"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/platform/internal/admin"
	desk "github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// go test ./platform/internal/web/roles -run TestLook -look DIR leaves pictures
// of the room behind, light and dark, to be looked at.
var lookAt = flag.String("look", "", "leave pictures of the screens in this directory")

const origin = "https://acme.test"

func TestLook(t *testing.T) {
	if *lookAt == "" {
		t.Skip("-look names no directory")
	}
	p := open(t)
	for range 12 {
		if _, err := gatetest.Do(p.House, p.loans.LoanList, p.Key(policy.Agent), servicing.LoanListIn{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := gatetest.Do(p.House, p.desk.Duplicate, p.Key(policy.Admin), desk.DuplicateIn{ID: p.Roles[policy.Agent], Name: "Third-party servicer"}); err != nil {
		t.Fatal(err)
	}
	if _, err := gatetest.Do(p.House, p.desk.List, p.Key(policy.Admin), admin.Nothing{}); err != nil {
		t.Fatal(err)
	}
	agent := "/settings/roles/" + string(p.Roles[policy.Agent])
	untick := func(value string) chromedp.Action[chromedp.Void] {
		return chromedp.Click(`input[name=api][value="` + value + `"]`)
	}
	ctx := p.chrome(t)
	for _, s := range []struct {
		name, path string
		then       []chromedp.Action[chromedp.Void]
	}{
		{"list", "/settings/roles", nil},
		{"general", agent, nil},
		{"screens", agent + "#step-screens", nil},
		{"api", agent + "#step-api", []chromedp.Action[chromedp.Void]{chromedp.Click(`#tree-api [data-perms-fold=open]`), untick("loan.list"), untick("loan.view"), chromedp.Sleep(1500 * time.Millisecond)}},
		{"effect", agent + "#step-api", []chromedp.Action[chromedp.Void]{chromedp.Click(`#tree-api [data-perms-fold=open]`), untick("loan.list"), untick("loan.view"), chromedp.Click(`[formaction$="/effect"]`), chromedp.WaitVisible("#calls")}},
		{"own", "/settings/roles/" + string(p.Roles[policy.Admin]), nil},
		{"compare", "/settings/roles/compare?a=" + string(p.Roles[policy.Agent]) + "&b=" + string(p.Roles[policy.Manager]), nil},
		{"new", "/settings/roles/new", nil},
		{"file", "/settings/policy-file", nil},
		{"difference", "/settings/policy-file", []chromedp.Action[chromedp.Void]{chromedp.SendKeys("textarea", "roles:\n  - name: Servicer\n    ui: [loan.list]\n    api: []\n"), chromedp.Click(".form-end button"), chromedp.WaitVisible("#changes")}},
	} {
		for _, scheme := range []string{"light", "dark"} {
			p.Advance(time.Second)
			if err := p.take(ctx, s.name+"-"+scheme, s.path, scheme, s.then); err != nil {
				t.Errorf("%s: %v", s.name, err)
			}
		}
	}
}

// chrome is one browser for all pictures.
func (p *place) chrome(t *testing.T) context.Context {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.IgnoreCertErrors, chromedp.NoSandbox,
		chromedp.Flag("host-resolver-rules", "MAP acme.test:443 "+p.server.Listener.Addr().String()))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	return ctx
}

func (p *place) take(ctx context.Context, name, path, scheme string, then []chromedp.Action[chromedp.Void]) error {
	steps := []chromedp.Action[chromedp.Void]{
		chromedp.EmulateViewport(1280, 900),
		chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
			yes := true
			_, err2 := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: visit.SessionCookie, Value: p.People[policy.Admin].Session.Reveal(), URL: origin, Path: "/", Secure: &yes, HTTPOnly: &yes})
			return errors.Join(err, err2)
		}),
		chromedp.Navigate(origin + path), chromedp.WaitReady("main"),
	}
	if err := chromedp.Do(ctx, append(append(steps, then...), chromedp.Sleep(700*time.Millisecond))...); err != nil {
		return err
	}
	picture, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(*lookAt, name+".png"), picture, 0o600)
}
