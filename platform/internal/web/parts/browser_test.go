package parts

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/lendkeep/lendkeep/platform/internal/web/static"
)

// LENDKEEP_TEST_CHROMIUM=… go test ./platform/internal/web/parts -run TakePictures -shots DIR
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
	mux.HandleFunc("POST /step-up/passkey", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
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
	ctx, end := context.WithTimeout(ctx, 2*time.Minute)
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
	got := ""
	for range 40 { // what a browser measures it tells a moment later
		var err error
		if got, err = chromedp.Run(b.ctx, chromedp.Evaluate[string]("String("+expression+")")); err != nil {
			b.t.Fatalf("%s: %v", expression, err)
		}
		if got == want {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.t.Errorf("%s is %q, want %q", expression, got, want)
}

// press clicks the element.
func (b *tab) press(selector string) {
	b.t.Helper()
	b.do(chromedp.Click(selector))
}

// send clicks the element and waits for the page that comes of it.
func (b *tab) send(selector string) {
	b.t.Helper()
	if _, err := chromedp.RunResponse(b.ctx, chromedp.Click(selector)); err != nil {
		b.t.Fatal(err)
	}
}

// One browser shows all stories of the parts, one after the other; the one that
// takes its script away is the last.
func TestInABrowser(t *testing.T) {
	b := browse(t)
	for _, s := range []struct {
		says string
		run  func(*testing.T, *tab)
	}{
		{"moves through a permission tree by keys alone", movesThroughAPermissionTreeByKeysAlone},
		{"searches a permission tree", searchesAPermissionTree},
		{"ticks two columns apart", ticksTwoColumnsApart},
		{"keeps the step in the address", keepsTheStepInTheAddress},
		{"says what is lacking and what is left", saysWhatIsLackingAndWhatIsLeft},
		{"copies a secret and excuses a passkey", copiesASecretAndExcusesAPasskey},
		{"without script shows all steps and plain boxes", withoutScriptShowsAllStepsAndPlainBoxes},
	} {
		t.Run(s.says, func(t *testing.T) {
			b.t = t
			s.run(t, b)
		})
	}
}

func movesThroughAPermissionTreeByKeysAlone(t *testing.T, b *tab) {
	b.open("role-editor#step-general")
	b.press("[data-step-tab][href='#step-screens']")
	const tree = "document.querySelector('#story-ui [data-perms-tree]')"
	at := func(want string) {
		t.Helper()
		b.has("document.activeElement.querySelector('[data-perms-name]').textContent", want)
	}
	b.has(tree+".getAttribute('role') + ' ' + "+tree+".querySelectorAll('[tabindex=\"0\"]').length", "tree 1")
	b.do(chromedp.Focus("#story-ui-search"))
	b.keys(kb.ArrowDown)
	at("Loans")
	b.has("getComputedStyle(document.activeElement.querySelector('.perm')).outlineStyle", "solid")
	b.has("document.activeElement.getAttribute('aria-checked') + document.activeElement.ariaExpanded + document.activeElement.ariaLevel", "mixedtrue1")
	b.keys(kb.ArrowDown, kb.ArrowRight, kb.ArrowRight)
	at("List loans")
	b.has("document.activeElement.ariaLevel", "3")
	b.keys(kb.ArrowLeft)
	at("Loan manager")
	b.keys(kb.ArrowLeft, kb.ArrowDown)
	at("Loan")
	b.keys("r", "e", "v", "e", "a")
	at("Reveal government id")
	b.keys(kb.End)
	at("Settings")
	b.keys(kb.Home, "l", "o", "g")
	at("Log payment")

	b.has("document.activeElement.querySelector('[data-perms-change]').textContent", "+ added")
	b.keys(" ")
	b.has("document.activeElement.querySelector('[data-perms-change]').textContent + document.activeElement.ariaChecked", "false")
	b.has("document.querySelector('#story-ui [data-perms-sum]').textContent", "Gains 0, loses 1")
	b.keys(kb.ArrowLeft, " ")
	at("Loan")
	b.has("document.activeElement.querySelector('[data-perms-count]').textContent + document.activeElement.ariaChecked", "5 of 5true")
	b.has("document.querySelector('#story-ui [data-perms-sum]').textContent", "Gains 3, loses 0")
	b.keys(" ")
	b.has("document.querySelector('#story-ui [data-perms-count]').textContent", "1 of 7")
	b.has("document.querySelector('#story-ui [data-perms-sum]').textContent", "Gains 0, loses 2")
}

func searchesAPermissionTree(t *testing.T, b *tab) {
	b.open("role-editor#step-general")
	b.press("[data-step-tab][href='#step-api']")
	search := func(text, says string) {
		t.Helper()
		b.has("document.querySelector('#story-api-search').value = ''", "")
		b.do(chromedp.SendKeys("#story-api-search", text))
		b.has("document.querySelector('#story-api [data-perms-found]').textContent", says)
	}
	visible := "[...document.querySelectorAll('#story-api div.perm')].filter((r) => r.checkVisibility()).length"
	search("POST payments", "2 matches")
	b.has(visible, "2")
	search("loan.export", "1 match")
	b.has(visible, "1")
	b.keys(kb.Enter)
	b.has("document.activeElement.querySelector('[data-perms-name]').textContent", "Export loans")
	// A branch that is ticked now takes along only what is seen.
	b.keys(kb.ArrowLeft, " ")
	b.has("document.querySelector('#story-api [data-perms-sum]').textContent", "Gains 1, loses 1")
	search("settings", "2 matches")
	search("no such thing", "0 matches")
	b.do(chromedp.Focus("#story-api-search"))
	b.keys(kb.Escape)
	b.has("document.querySelector('#story-api [data-perms-found]').textContent", "")
	b.has(visible, "5") // folded as it was
	b.press("#story-api [data-perms-fold='open']")
	b.has(visible, "9")
	b.press("#story-api [data-perms-fold='']")
	b.has(visible, "0")
	b.has("document.querySelectorAll('#story-api [tabindex=\"0\"]').length", "1")
}

func ticksTwoColumnsApart(t *testing.T, b *tab) {
	b.open("storybook")
	b.do(chromedp.Focus("#story-both-search"))
	b.keys(kb.ArrowDown, "l", "o", "g", kb.ArrowRight, kb.ArrowRight)
	b.has("document.activeElement.name", "both_api")
	b.keys(" ")
	b.has("document.activeElement.checked", "true")
	b.has("document.querySelector('#story-both [data-perms-sum]').textContent", "Gains 1, loses 1")
	b.keys(kb.ArrowLeft)
	b.has("document.activeElement.name", "both_ui")
	b.keys(kb.ArrowDown)
	b.has("document.activeElement.querySelector('[data-perms-name]').textContent", "Reverse payment")
}

func keepsTheStepInTheAddress(t *testing.T, b *tab) {
	shown := "[...document.querySelectorAll('[data-step]')].filter((p) => p.checkVisibility()).map((p) => p.id).join()"
	b.open("role-editor")
	b.has(shown, "step-general")
	b.press("#step-general [data-step-move]")
	b.has(shown+" + location.hash", "step-screens#step-screens")
	b.has("document.activeElement.textContent.trim().replace(/\\s+/g, ' ')", "2 Screens")
	b.keys(kb.ArrowRight)
	b.has(shown, "step-api")
	b.press(".error-summary a")
	b.has(shown+" + document.activeElement.name", "step-generalname")
	b.do(chromedp.NavigateBack())
	b.has(shown, "step-api")
	// What must be mended is shown before what the address asks for.
	b.do(chromedp.Reload())
	b.has(shown, "step-general")
	b.press("[data-step-tab][href='#step-api']")
	b.send(".page-actions button")
	form := <-b.posted
	if want := []string{"loan.list", "loan.view"}; !slices.Equal(form["api"], want) {
		t.Errorf("posted %v, want %v", form["api"], want)
	}
	if want := []string{"loan.list", "loan.view", "loan.payment.log", "role.edit", "role.view"}; !slices.Equal(form["ui"], want) {
		t.Errorf("posted %v, want %v: a locked box keeps what it holds", form["ui"], want)
	}
	b.has("location.hash", "#step-api")
}

func withoutScriptShowsAllStepsAndPlainBoxes(t *testing.T, b *tab) {
	b.do(chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return err
	}))
	b.open("role-editor")
	// Nothing in the page can wait for it, so it is asked as it stands.
	for selector, want := range map[string]string{"#step-general": "true", "#step-screens": "true", "#step-api": "true", ".banners time": "true", "#story-ui-search": "false", ".perm-over input": "false"} {
		b.has("document.querySelector('"+selector+"').checkVisibility()", want)
	}
	b.has("document.querySelector('#step-screens input[value=\"borrower.reveal\"]').click() ?? document.querySelector('.page-actions button').click()", "undefined")
	if form := <-b.posted; !slices.Contains(form["ui"], "borrower.reveal") {
		t.Errorf("posted %v", form["ui"])
	}
}

func saysWhatIsLackingAndWhatIsLeft(t *testing.T, b *tab) {
	b.open("viewing-as")
	b.has("document.querySelector('.barred .popover-body').checkVisibility()", "false")
	b.do(chromedp.Focus(".barred button"))
	b.has("document.querySelector('.barred .popover-body').checkVisibility()", "true")
	b.keys(kb.Tab)
	b.has("document.activeElement.getAttribute('href')", RequestHref("7F3K"))
	b.has("/^· 1 h (30|29) min left$/.test(document.querySelector('[data-seconds]').textContent)", "true")
	b.has("getComputedStyle(document.querySelector('.bar')).top === document.querySelector('.banners').offsetHeight + 'px'", "true")
	b.has("(scrollTo(0, 400), document.querySelector('.banners').getBoundingClientRect().top)", "0")
}

func copiesASecretAndExcusesAPasskey(t *testing.T, b *tab) {
	b.open("storybook")
	b.press("[data-copy='story-codes']")
	says := "document.querySelector('[data-copy=story-codes]').parentElement.querySelector('[role=status]').textContent"
	b.do(chromedp.WaitVisible("//*[@data-copied][string-length() > 0]"))
	if got, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string](says)); got != "✓ Copied" && got != "Press Ctrl+C to copy" {
		t.Errorf("after copying: %q", got)
	}
	b.open("step-up")
	b.press("[data-passkey]")
	b.do(chromedp.WaitVisible("//*[@data-passkey-says][string-length() > 0]"))
	b.has("document.querySelector('[data-passkey-says]').textContent", "The passkey could not be used. Try again, or use another way.")
}

func TestTakePicturesOfTheStorybook(t *testing.T) {
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
			take := chromedp.FullScreenshot(100)
			if story == "storybook" {
				take = chromedp.Screenshot("#story-access")
			}
			picture, err := chromedp.Run(b.ctx, take)
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
