package main_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// attach puts a file into the field of the form.
func (b *browser) attach(path string) {
	b.t.Helper()
	if err := webtest.Steady(func() error {
		return chromedp.Do(b.ctx, chromedp.SetUploadFiles(chromedp.CSS(`input[type="file"]`), []string{path}))
	}); err != nil {
		b.t.Fatalf("choosing %s: %v", path, err)
	}
}

// seen holds the page to what everybody needs of it, on a desk and on a phone, in
// the light and in the dark, and keeps pictures.
func (b *browser) seen(name string) {
	b.t.Helper()
	b.pictured(name)
	missed, err := webtest.Keys(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, m := range missed {
		b.t.Errorf("%s: %s", name, m)
	}
}

// pictured is seen for what keeps the keyboard to itself: a dialog.
func (b *browser) pictured(name string) {
	b.t.Helper()
	for _, window := range []struct {
		width        int64
		scheme, kept string
	}{{1280, "light", ""}, {1280, "dark", "-dark"}, {390, "light", "-phone"}} {
		if err := errors.Join(chromedp.Do(b.ctx, chromedp.EmulateViewport(window.width, 900)), webtest.Scheme(b.ctx, window.scheme)); err != nil {
			b.t.Fatal(err)
		}
		b.shot(name + window.kept)
		faults, err := webtest.Faults(b.ctx)
		if err != nil {
			b.t.Fatal(err)
		}
		for _, f := range faults {
			b.t.Errorf("%s, %d px, %s: %s", name, window.width, window.scheme, f)
		}
	}
	if err := chromedp.Do(b.ctx, chromedp.EmulateViewport(1280, 900)); err != nil {
		b.t.Fatal(err)
	}
}

// A manager puts papers with a loan, is told in words what cannot be taken, and
// takes one away again; an underwriter finds the applicant's.
func TestPapersAreKeptInABrowser(t *testing.T) {
	chromium(t)
	r, dir := startDemo(t), t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	b := openBrowser(t, r, 1280, 900)
	b.signIn(r.facts.Users["manager"])
	loan := activeLoan(t, r)
	at := "/loans/" + loan["id"].(string)
	b.open(at)
	b.press("Documents")
	b.says("No documents yet")
	b.seen("documents-empty")

	b.attach(write("pay slip October.pdf", "%PDF-1.7\nnot parsed by anybody\n"))
	b.press("Add document")
	b.says("Document added.")
	b.says("pay slip October.pdf")
	b.attach(write("Kontoauszüge 2026, die ganze Liste mit allen Buchungen des dritten Quartals und Anmerkungen.csv", "day,amount\n2026-11-01,-250.00\n"))
	b.press("Add document")
	b.says("CSV table")
	b.seen("documents")

	b.attach(write("page.txt", "<html><script>alert(1)</script>"))
	b.press("Add document")
	b.says("begins as something else than text")
	b.seen("documents-refused")
	b.attach(write("cards.txt", "paid with 5105 1051 0510 5100"))
	b.press("Add document")
	b.says("Line 1 holds a card number")
	if strings.Contains(b.text(), "5105") {
		t.Errorf("the page repeats it:\n%s", b.text())
	}
	b.press("Add document") // without choosing one
	b.says("Choose a file.")

	b.open(at + "/documents")
	if err := chromedp.Do(b.ctx, chromedp.Click(`(//main//button[normalize-space()="Remove…"])[1]`)); err != nil {
		t.Fatal(err)
	}
	b.pictured("documents-remove")
	if err := chromedp.Do(b.ctx, chromedp.SetValue(chromedp.CSS(`dialog[open] [name="reason"]`), "of another person")); err != nil {
		t.Fatal(err)
	}
	if err := b.leave(`//dialog[@open]//button[normalize-space()="Remove document"]`); err != nil {
		t.Fatal(err)
	}
	b.says("Document removed.")
	b.press("Show 1 removed")
	b.says("of another person")
	b.seen("documents-removed")

	borrower := loan["borrower"].(map[string]any)["id"].(string)
	b.open("/borrowers/" + borrower)
	b.press("Documents")
	b.attach(write("id.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"))
	b.press("Add document")
	b.says("PNG picture")
	b.seen("documents-borrower")

	_, list := r.call(t, "GET", "/applications", r.as("underwriter"), nil)
	application := list["items"].([]any)[0].(map[string]any)["id"].(string)
	u := openBrowser(t, r, 1280, 900)
	u.signIn(r.facts.Users["underwriter"])
	u.open("/applications/" + application)
	u.press("Documents")
	u.attach(write("proof of address.jpg", "\xff\xd8\xff\xe0 a picture"))
	u.press("Add document")
	u.says("JPEG picture")
	u.seen("documents-application")
}
