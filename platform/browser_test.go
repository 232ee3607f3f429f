package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// browser is a real Chromium, with an empty profile, that trusts the demo's
// certificate authority by its key alone.
type browser struct {
	t    *testing.T
	ctx  context.Context
	base string
}

// chromium is where the browser is: make test sets it.
func chromium(t *testing.T) string {
	t.Helper()
	path := os.Getenv("LENDKEEP_TEST_CHROMIUM")
	if path == "" {
		t.Skip("LENDKEEP_TEST_CHROMIUM names no browser")
	}
	return path
}

func openBrowser(t *testing.T, r *running, width, height int) *browser {
	t.Helper()
	opts := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(chromium(t)), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("ignore-certificate-errors", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.WindowSize(width, height))
	alloc, stop := chromedp.NewExecAllocator(context.Background(), opts...)
	t.Cleanup(stop)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	ctx, end := context.WithTimeout(ctx, 12*time.Minute)
	t.Cleanup(end)
	return &browser{t: t, ctx: ctx, base: r.facts.URL}
}

// open goes to a page and gives its status.
func (b *browser) open(path string) int64 {
	b.t.Helper()
	resp, err := chromedp.RunResponse(b.ctx, chromedp.Navigate(b.base+path))
	if err != nil {
		b.t.Fatalf("opening %s: %v", path, err)
	}
	return resp.Status
}

// fill types into the field of a name.
func (b *browser) fill(name, value string) {
	b.t.Helper()
	if err := webtest.Steady(func() error {
		return chromedp.Do(b.ctx, chromedp.SetValue(chromedp.CSS(fmt.Sprintf("[name=%q]", name)), value))
	}); err != nil {
		b.t.Fatalf("filling %s: %v", name, err)
	}
}

// press presses the button or link with a text and waits for the page that
// comes of it.
func (b *browser) press(text string) {
	b.t.Helper()
	path := fmt.Sprintf(`//main//*[self::button or self::a][normalize-space()=%q] | //form//button[normalize-space()=%q] | //header//a[normalize-space()=%q] | //nav//a[normalize-space()=%q]`, text, text, text, text)
	if err := b.leave(path); err != nil {
		b.t.Fatalf("pressing %q: %v\n%s", text, err, b.text())
	}
}

// leave clicks what leads to another page and waits for that page.
func (b *browser) leave(path string) error {
	return webtest.Steady(func() error {
		_, err := chromedp.RunResponse(b.ctx, chromedp.Click(path))
		return err
	})
}

// pressFrom is press for what only begins with a text: a row of a table, a button
// that names its object.
func (b *browser) pressFrom(beginning string) {
	b.t.Helper()
	path := fmt.Sprintf(`(//main//*[self::button or self::a][starts-with(normalize-space(), %q)])[1]`, beginning)
	if err := b.leave(path); err != nil {
		b.t.Fatalf("pressing %q: %v\n%s", beginning, err, b.text())
	}
}

// text is what the page says.
func (b *browser) text() string {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		b.t.Fatal(err)
	}
	return s
}

// says waits until the page says a text.
func (b *browser) says(want string) {
	b.t.Helper()
	for range 100 {
		if strings.Contains(b.text(), want) {
			return
		}
		time.Sleep(50 * time.Millisecond) // a page may still be drawing
	}
	b.t.Fatalf("the page does not say %q:\n%s", want, b.text())
}

// fair holds the page to what those need who use the keyboard or hear it.
func (b *browser) fair() {
	b.t.Helper()
	faults, err := webtest.Fair(b.ctx)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range faults {
		b.t.Errorf("%s: %s", b.address().Path, f)
	}
}

// shot keeps a picture of the page where LENDKEEP_TEST_SHOTS names a folder.
func (b *browser) shot(name string) {
	b.t.Helper()
	dir := os.Getenv("LENDKEEP_TEST_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}

func (b *browser) signIn(u user) {
	b.t.Helper()
	b.open("/signin")
	b.fill("email", u.Email)
	b.fill("password", u.Password)
	b.press("Sign in")
}

// The main job, as its people see it: a borrower applies on a phone, an
// underwriter sees why, an agent does what the role allows and no more, and an
// administrator finds every step in the trail.
func TestTheMainJobInABrowser(t *testing.T) {
	chromium(t)
	r := startDemo(t)

	phone := openBrowser(t, r, 390, 844)
	phone.open("/apply/" + r.facts.SiteKey)
	phone.shot("apply-1")
	phone.fair()
	for name, value := range map[string]string{"applicant.first_name": "Bea", "applicant.last_name": "Winter", "applicant.email": "bea@example.com", "applicant.phone": "+12125550199",
		"applicant.date_of_birth": "1988-02-29", "applicant.ssn": "219-09-9998", "applicant.address.line1": "9 Oak Avenue", "applicant.address.city": "New York",
		"applicant.address.region": "NY", "applicant.address.postal_code": "10001"} {
		phone.fill(name, value)
	}
	phone.press("Continue")
	phone.fill("requested.amount", "4200.00")
	phone.fill("_network", "203.0.113.20")
	phone.shot("apply-2")
	phone.fair()
	phone.press("Send application")
	phone.says("We have your application")
	phone.shot("apply-3")
	phone.fair()
	if text := strings.ToLower(phone.text()); strings.Contains(text, "proxy") || strings.Contains(text, "reject") {
		t.Errorf("the applicant is told of the rules:\n%s", text)
	}

	desk := openBrowser(t, r, 1280, 900)
	desk.signIn(r.facts.Users["underwriter"])
	_, list := r.call(t, "GET", "/applications?q=Winter", r.as("underwriter"), nil)
	id := list["items"].([]any)[0].(map[string]any)["id"].(string)
	r.decided(t, id)
	desk.open("/applications/" + id + "?tab=risk")
	desk.says("Bea Winter")
	desk.says("1 of 3 rules met")
	desk.shot("underwriting")

	agent := openBrowser(t, r, 1280, 900)
	agent.signIn(r.facts.Users["agent"])
	agent.says("Loans")
	agent.shot("loans")
	_, loans := r.call(t, "GET", "/loans?status=active", r.as("agent"), nil)
	loan := loans["items"].([]any)[0].(map[string]any)["id"].(string)
	if status := agent.open("/loans/" + loan); status != 200 {
		t.Errorf("the loan: %d", status)
	}
	agent.shot("loan")
	if status := agent.open("/settings/users"); status != 403 {
		t.Errorf("the agent opens the users: %d", status)
	}
	agent.shot("denied")
	_, trail := r.call(t, "GET", "/audit?outcome=denied&channel=ui&actor=user/"+r.facts.Users["agent"].ID, r.as("admin"), nil)
	if items := trail["items"].([]any); len(items) == 0 || items[0].(map[string]any)["operation"] != "user.list" {
		t.Errorf("the denial is not in the trail: %v", items)
	}

	admin := openBrowser(t, r, 1280, 900)
	admin.signIn(r.facts.Users["admin"])
	admin.open("/audit?object=application/" + id)
	admin.says("application.submit")
	admin.shot("audit")
}
