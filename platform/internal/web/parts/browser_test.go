package parts

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/lendkeep/lendkeep/platform/internal/web/static"
)

// LENDKEEP_TEST_CHROMIUM=… go test ./platform/internal/web/parts -run Browser -shots DIR
// leaves pictures of the storybook behind, light and dark.
var shots = flag.String("shots", "", "leave pictures of the storybook in this directory")

// tab is a page of the storybook in a real browser, under the content policy
// that the house sends.
type tab struct {
	t      *testing.T
	ctx    context.Context
	base   string
	posted chan map[string][]string
}

const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"

func browse(t *testing.T) *tab {
	t.Helper()
	path := os.Getenv("LENDKEEP_TEST_CHROMIUM")
	if path == "" {
		t.Skip("LENDKEEP_TEST_CHROMIUM names no browser")
	}
	b := &tab{t: t, posted: make(chan map[string][]string, 4)}
	mux := http.NewServeMux()
	mux.Handle("GET /static/", static.Handler())
	for _, s := range Stories() {
		mux.HandleFunc("GET /story/"+s.Name, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", contentPolicy)
			w.Write(render(t, s))
		})
	}
	mux.HandleFunc("POST /", func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		b.posted <- r.PostForm
		w.Header().Set("Content-Type", "text/html")
		w.Write([]byte("<!DOCTYPE html><title>posted</title><p>posted"))
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.base = server.URL
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, end := context.WithTimeout(ctx, time.Minute)
	t.Cleanup(end)
	b.ctx = ctx
	return b
}

func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

func (b *tab) open(story string) {
	b.t.Helper()
	b.do(chromedp.Navigate(b.base+"/story/"+story), chromedp.WaitReady("body"))
}

func (b *tab) keys(list ...string) {
	b.t.Helper()
	for _, k := range list {
		b.do(chromedp.KeyEvent(k))
	}
}

// has evaluates an expression to text and compares.
func (b *tab) has(expression, want string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")"))
	if err != nil {
		b.t.Fatalf("%s: %v", expression, err)
	}
	if got != want {
		b.t.Errorf("%s is %q, want %q", expression, got, want)
	}
}

// press clicks the element.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

func TestBrowserTakesPicturesOfTheStorybook(t *testing.T) {
	if *shots == "" {
		t.Skip("-shots names no directory")
	}
	b := browse(t)
	for _, scheme := range []string{"light", "dark"} {
		b.do(media(scheme))
		for _, story := range []string{"storybook", "role-editor", "role-editor#step-screens", "role-editor#step-api", "viewing-as", "step-up", "step-up-dialog"} {
			b.open(story)
			if story == "step-up-dialog" {
				b.press("[data-opens='step-up']")
			}
			if story == "role-editor#step-api" {
				b.keys(kb.Tab)
			}
			picture, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(90))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(*shots, story+"-"+scheme+".png"), picture, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func media(scheme string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}
