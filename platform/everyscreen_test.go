package main_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// files are answers to keep, not pages.
var files = []string{"/audit/export", "/loans/export", "/settings/policy-file/download", "/applications/{id}/evidence",
	"/loans/{id}/documents/{document}", "/borrowers/{id}/documents/{document}", "/applications/{id}/documents/{document}"}

// reloads are where a form is answered in place; who loads that again is led back
// to the page of the form.
var reloads = []string{"/borrowers/{id}/reveal", "/applications/{id}/approve", "/applications/{id}/reject", "/applications/{id}/reprocess", "/applications/{id}/documents",
	"/applications/{id}/reveal", "/applications/{id}/erase", "/applications/{id}/data-export", "/applications/{id}/hold", "/borrowers/{id}/erase", "/borrowers/{id}/data-export", "/borrowers/{id}/hold",
	"/borrowers/find/ssn", "/borrowers/find/contact", "/settings/privacy/holds", "/settings/decision-engine/preview",
	"/settings/decision-engine/applicant", "/settings/decision-engine/network", "/settings/ipstack/test", "/apply/{site}/loan", "/apply/{site}/send", "/apply/{site}/change"}

// elsewhere are pages of a moment that other stories come to and hold to the
// same: a second factor is due, a proof is due, a change locked its editor out, a
// document could not be removed, a hold not released, a recovery not refused.
var elsewhere = []string{"/factor", "/step-up", "/apply/{site}/received", "/settings/recovery/{id}/refuse",
	"/settings/privacy/holds/{id}/release", "/loans/{id}/documents/{document}/remove", "/borrowers/{id}/documents/{document}/remove", "/applications/{id}/documents/{document}/remove"}

// pages lists what the screens show, by the house's own list.
func pages(t *testing.T) (mux *http.ServeMux, list []string) {
	t.Helper()
	dir := t.TempDir()
	post, err := folder.New(filepath.Join(dir, "mail"), "no-reply@acme.test", func() int64 { return time.Now().UnixMicro() })
	if err != nil {
		t.Fatal(err)
	}
	h, err := house.Open(context.Background(), house.Config{Data: filepath.Join(dir, "data"), Engine: db.SQLite, Mail: post, URL: "https://acme.test", Version: "test", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	mux = http.NewServeMux()
	for _, route := range h.Screens() {
		if path, get := strings.CutPrefix(route, "GET "); get {
			mux.HandleFunc(path, func(http.ResponseWriter, *http.Request) {})
			list = append(list, path)
		}
	}
	return mux, list
}

// tour goes through pages by their links, each once.
type tour struct {
	mux  *http.ServeMux
	b    *browser
	seen map[string]string // by pattern: where it was seen
}

func (v *tour) pattern(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	_, pattern := v.mux.Handler(&http.Request{Method: "GET", URL: &url.URL{Path: u.Path}, Host: u.Host})
	return pattern
}

// from looks at a page and then at all that it and those after it lead to.
func (v *tour) from(t *testing.T, start ...string) {
	t.Helper()
	for next := start; len(next) > 0; {
		address := next[0]
		next = next[1:]
		pattern := v.pattern(address)
		if pattern == "" || slices.Contains(files, pattern) || v.seen[pattern] != "" {
			continue
		}
		v.seen[pattern] = address
		next = append(next, v.look(t, pattern, address)...)
	}
}

// back loads the addresses of answered forms again.
func (v *tour) back(t *testing.T) {
	for _, path := range reloads {
		end := strings.LastIndexByte(path, '/')
		page, _, _ := strings.Cut(v.seen[path[:end]], "?")
		if page == "" {
			t.Errorf("the page of %s was not seen", path)
		} else if status := v.b.open(page + path[end:]); status != 200 {
			t.Errorf("%s loaded again: %d", path, status)
		}
		v.seen[path] = page
	}
}

// look holds one page to what everybody needs of it, on a desk and on a phone,
// in both schemes, and gives the addresses that it links to.
func (v *tour) look(t *testing.T, pattern, address string) (links []string) {
	t.Run("GET "+pattern, func(t *testing.T) {
		b := &browser{t: t, ctx: v.b.ctx, base: v.b.base}
		if status := b.open(address); status >= 400 {
			t.Errorf("%s answers %d", address, status)
		}
		name := strings.NewReplacer("/", "-", "{", "", "}", "", "$", "home").Replace(strings.TrimPrefix(pattern, "/"))
		text, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`JSON.stringify([...document.querySelectorAll("a[href]:not([download])")].filter((a) => a.origin === location.origin).map((a) => a.pathname + a.search))`))
		if err = errors.Join(err, json.Unmarshal([]byte(text), &links)); err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for _, window := range []struct {
			width  int64
			scheme string
		}{{1280, "light"}, {1280, "dark"}, {390, "light"}} {
			err := errors.Join(chromedp.Do(b.ctx, chromedp.EmulateViewport(window.width, 900)), webtest.Scheme(b.ctx, window.scheme))
			if err != nil {
				t.Fatal(err)
			}
			b.shot(name + "-" + window.scheme + map[bool]string{true: "-phone"}[window.width < 500])
			faults, err := webtest.Faults(b.ctx)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range faults {
				if !told[f] {
					t.Errorf("%s, %d px, %s: %s", address, window.width, window.scheme, f)
				}
				told[f] = true
			}
		}
		if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
			t.Fatal(err)
		}
		missed, err := webtest.Keys(b.ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range missed {
			t.Errorf("%s: %s", address, m)
		}
	})
	return links
}

// Every page of the house, in a real browser: an administrator comes to it by
// links, and it can be read by a screen reader, used with the keyboard alone and
// on a phone, in the light and in the dark. What no link leads to is named here
// with the way that does.
func TestEveryScreenIsReachedAndCanBeUsedByEverybody(t *testing.T) {
	chromium(t)
	r := startDemo(t)
	at := r.occupied(t)
	mux, all := pages(t)
	v := &tour{mux: mux, b: openBrowser(t, r, 1280, 900), seen: map[string]string{}}
	v.from(t, "/signin", "/reset", "/reset/sent", "/reset/new?token=0", "/invited?token=0", "/apply/"+r.facts.SiteKey)
	v.b.signIn(r.facts.Users["admin"])
	v.from(t, "/", "/me", "/me/sign-in", "/way-back", "/access/request?decision="+at["decision"])
	v.back(t)
	for _, path := range all {
		if v.seen[path] == "" && !slices.Contains(files, path) && !slices.Contains(elsewhere, path) {
			t.Errorf("no link leads to %s", path)
		}
	}
	t.Logf("%d pages", len(v.seen))
}

// occupied fills in what a fresh demo has none of, so that its pages show
// something: a proposal, a request for access, a team, a restriction with a
// limit, an address rule, a role of one's own, a key.
func (r *running) occupied(t *testing.T) map[string]string {
	t.Helper()
	made := func(method, path, who string, body map[string]any) map[string]any {
		status, out := r.call(t, method, path, r.as(who), body)
		if status >= 300 {
			t.Fatalf("%s %s: %d %v", method, path, status, out)
		}
		return out
	}
	r.demand(t, "loan.write_off")
	loan := activeLoan(t, r)["id"].(string)
	made("POST", "/loans/"+loan+"/write-off", "manager", map[string]any{"effective_date": "2026-11-22", "reason": "bankruptcy, chapter 7"})
	made("POST", "/access-requests", "agent", map[string]any{"operation": "loan.write_off", "object": "loan/" + loan, "channel": "ui", "reason": "a letter from the court", "until": "2026-12-20"})
	restriction := made("POST", "/search-restrictions", "admin", map[string]any{"name": "Acme, payments to look at", "visible": `loan.portfolios.overlaps(["Acme"])`,
		"limits": []any{map[string]any{"area": "payments", "when": "true", "level": "view", "message": "Payments on these loans are taken by the lender."}}})
	made("POST", "/teams", "admin", map[string]any{"name": "Northwind Servicing, the whole of the eastern region and its night shift", "members": []any{r.facts.Users["agent"].ID}, "search_restrictions": []any{restriction["id"]}})
	made("POST", "/ip-rules", "admin", map[string]any{"name": "Denver office", "mode": "allow", "entries": []any{"127.0.0.0/8", "::1/128", "203.0.113.0/24"}, "active": true, "holders": []any{map[string]any{"kind": "user", "id": r.facts.Users["underwriter"].ID}}})
	made("POST", "/users/"+r.facts.Users["agent"].ID+"/api-keys", "admin", map[string]any{"label": "nightly export"})
	made("POST", "/custom-fields", "admin", map[string]any{"name": "collection_agency", "kind": "text", "class": "public"})
	_, denied := r.call(t, "POST", "/loans/"+loan+"/write-off", r.as("agent"), map[string]any{"effective_date": "2026-11-22", "reason": "x"})
	decision, _ := denied["decision_id"].(string)
	return map[string]string{"loan": loan, "decision": decision}
}
