// Package webtest looks at pages in a real Chromium as people with other needs
// meet them: with the keyboard alone, through a screen reader, on a phone. It is
// for tests alone and knows no page of ours: what it is handed is a browser's
// context that shows one.
package webtest

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// Axe is the environment variable that names a file of axe-core. Without it the
// pages are held to our own rules only.
const Axe = "LENDKEEP_TEST_AXE"

//go:embed sense.js
var sense string

//go:embed walk.js
var walk string

// Steady takes a step again that lost its node because the page was drawn anew
// under it. Such a step has done nothing: the browser refuses it before it sends
// a click or a key.
func Steady(step func() error) (err error) {
	for range 20 {
		if err = step(); err == nil || !lost(err) {
			return err
		}
		time.Sleep(50 * time.Millisecond) // the new page is on its way, and nothing tells when it has come
	}
	return err
}

func lost(err error) bool {
	for _, words := range []string{"No node with given id", "Could not find node with given id", "Cannot find context with specified id", "Execution context was destroyed"} {
		if strings.Contains(err.Error(), words) {
			return true
		}
	}
	return false
}

// Scheme shows the page "light" or "dark", and waits until its colours rest.
func Scheme(ctx context.Context, scheme string) error {
	return chromedp.Do(ctx, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}), chromedp.Evaluate[chromedp.Void](`Promise.allSettled(document.getAnimations().map((a) => a.finished)).then(() => undefined)`, chromedp.EvalAwaitPromise))
}

// Fair is Faults and Keys together.
func Fair(ctx context.Context) ([]string, error) {
	faults, err := Faults(ctx)
	if err != nil {
		return nil, err
	}
	missed, err := Keys(ctx)
	return append(faults, missed...), err
}

// Faults says what is wrong with the page for those who hear it: a control
// without a name, a name for two, a heading out of order, a reference to
// nothing, a page wider than its window; and what axe finds beside that, where
// there is an axe.
func Faults(ctx context.Context) ([]string, error) {
	faults, err := listed(ctx, sense)
	if err != nil {
		return nil, err
	}
	more, err := axe(ctx)
	return append(faults, more...), err
}

func listed(ctx context.Context, script string) (out []string, err error) {
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script))
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal([]byte(text), &out)
}

// axe runs axe-core over the page.
func axe(ctx context.Context) ([]string, error) {
	path := os.Getenv(Axe)
	if path == "" {
		return nil, nil
	}
	engine, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](string(engine)+"; undefined")); err != nil {
		return nil, fmt.Errorf("loading axe: %w", err)
	}
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`axe.run(document, { resultTypes: ["violations"] }).then((r) => JSON.stringify(r.violations.flatMap((v) => v.nodes.map((n) => "axe " + v.id + ": " + n.target.join(" ") + " " + (n.any[0]?.message ?? "")))))`, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, fmt.Errorf("running axe: %w", err)
	}
	var out []string
	return out, json.Unmarshal([]byte(text), &out)
}

// tabs bounds the presses of one walk.
const tabs = 400

// Keys goes through the page with the Tab key alone and says what it did not
// come to, and where one would not see that one is there.
func Keys(ctx context.Context) ([]string, error) {
	count, err := chromedp.Run(ctx, chromedp.Evaluate[int](walk+".begin()"))
	if err != nil {
		return nil, err
	}
	if err := chromedp.Do(ctx, chromedp.KeyEvent(strings.Repeat(kb.Tab, min(count+2, tabs)))); err != nil {
		return nil, err
	}
	return listed(ctx, "lendkeepWalk.end("+fmt.Sprint(count+2 > tabs)+")")
}
