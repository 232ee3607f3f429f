package web_test

import (
	"context"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// hidden lists the lines of links that do not show all that is in them: a reader
// would have to push them sideways.
const hidden = `[...document.querySelectorAll(".tabs, .rail-below, .contents")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className).join(" ")`

// Whoever holds everything finds the settings in order at every width, light and
// dark: no page and no line of tabs is wider than the window, all is reached with
// the keyboard, and everything has a name.
func TestTheSettingsHoldAtEveryWidth(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		if !strings.HasSuffix(t.Name(), "/sqlite") {
			t.Skip("pages are the same on both engines")
		}
		l.portfolio(t, "Acme", "Maximiliane von Habsburg-Lothringen zu Schwarzenberg, Series 2026-B (subordinated)")
		l.lend(t, "Acme")
		l.as(t, policy.Manager).post("/settings/custom-fields", "_form", "field", "name", "employer", "kind", "text", "class", "personal").to("/settings/custom-fields")
		w := l.window(t)
		w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			yes := true
			_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: visit.SessionCookie, Value: l.People[policy.Admin].Session.Reveal(), URL: origin, Path: "/", Secure: &yes, HTTPOnly: &yes})
			return err
		}))
		for _, wide := range []int64{1280, 1024, 390} {
			w.do(chromedp.EmulateViewport(wide, 860))
			for _, path := range []string{"/settings", "/settings/users", "/settings/roles", "/settings/explain", "/settings/portfolios", "/settings/portfolios/new", "/settings/source-companies", "/settings/custom-fields", "/settings/custom-fields/new", "/loans"} {
				w.open(path)
				schemes := []string{"light", "dark"}
				if wide != 1280 {
					schemes = schemes[:1] // colours are the same at every width
				}
				for _, scheme := range schemes {
					if err := webtest.Scheme(w.ctx, scheme); err != nil {
						t.Fatal(err)
					}
					faults, err := webtest.Faults(w.ctx)
					if err != nil {
						t.Fatal(err)
					}
					for _, f := range faults {
						t.Errorf("%s, %d px, %s: %s", path, wide, scheme, f)
					}
				}
				if lines, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](hidden)); err != nil || lines != "" {
					t.Errorf("%s, %d px: not all is seen of %s, %v", path, wide, lines, err)
				}
				if missed, err := webtest.Keys(w.ctx); err != nil || len(missed) > 0 {
					t.Errorf("%s, %d px: the keyboard misses %v, %v", path, wide, missed, err)
				}
			}
		}
	})
}

// A person with a long name without a blank does not push the editor of restrictions
// sideways on a telephone; its limits say where they hold, and show nothing.
func TestTheRestrictionEditorHoldsOnATelephone(t *testing.T) {
	eachBook(t, func(t *testing.T, l *library) {
		if !strings.HasSuffix(t.Name(), "/sqlite") {
			t.Skip("pages are the same on both engines")
		}
		r := l.Restrict(t, policy.Investor, policy.Restriction{Name: "Nothing", Visible: "false"})
		if err := l.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE staff SET name = ? WHERE id = ?`, strings.Repeat("Habsburg", 12), l.People[policy.Agent].ID); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		w := l.window(t)
		w.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			yes := true
			_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: visit.SessionCookie, Value: l.People[policy.Admin].Session.Reveal(), URL: origin, Path: "/", Secure: &yes, HTTPOnly: &yes})
			return err
		}))
		w.do(chromedp.EmulateViewport(390, 860))
		w.open("/settings/search-restrictions/" + string(r))
		if wide, err := chromedp.Run(w.ctx, chromedp.Evaluate[int](`document.documentElement.scrollWidth`)); err != nil || wide > 390 {
			t.Errorf("the page is %d px wide, %v", wide, err)
		}
		leads, err := chromedp.Run(w.ctx, chromedp.Evaluate[string](`[...document.querySelectorAll("[data-builder]")].map((b) => b.dataset.lead).join("|")`))
		if err != nil || leads != "Show loans where|Show borrowers where|Show applications where|Where|Where" {
			t.Errorf("the builders say %q, %v", leads, err)
		}
	})
}
