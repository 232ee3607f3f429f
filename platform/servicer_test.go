package main_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/lendkeep/lendkeep/platform/internal/web/webtest"
)

// tick presses the box that a label names within the form of a path.
func (b *browser) tick(label string) {
	b.t.Helper()
	path := fmt.Sprintf(`//main//label[normalize-space(.)=%q or starts-with(normalize-space(.), %q)]`, label, label+" ")
	if err := webtest.Steady(func() error { return chromedp.Do(b.ctx, chromedp.Click(path)) }); err != nil {
		b.t.Fatalf("ticking %q: %v\n%s", label, err, b.text())
	}
}

// choose takes the option of a list that says a text.
func (b *browser) choose(name, says string) {
	b.t.Helper()
	got, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool](fmt.Sprintf(`(() => {
		const list = document.querySelector("select[name='%s']"), one = [...list.options].find((o) => o.text.startsWith(%q));
		if (one) list.value = one.value;
		return !!one })()`, name, says)))
	if err != nil || !got {
		b.t.Fatalf("choosing %q of %s: %v\n%s", says, name, err, b.text())
	}
}

// address gives where the browser is.
func (b *browser) address() *url.URL {
	b.t.Helper()
	s, err := chromedp.Run(b.ctx, chromedp.Evaluate[string](`location.href`))
	if err != nil {
		b.t.Fatal(err)
	}
	u, err := url.Parse(s)
	if err != nil {
		b.t.Fatal(err)
	}
	return u
}

// As the README's guide says: an administrator lets a third-party servicer in,
// who sees one portfolio and only looks at payments, and looks through their eyes
// before they come.
func TestAThirdPartyServicerIsLetIn(t *testing.T) {
	chromium(t)
	r := startDemo(t)
	b := openBrowser(t, r, 1280, 900)
	b.signIn(r.facts.Users["admin"])

	b.open("/settings/roles")
	b.pressFrom("Agent")
	b.shot("guide-role")
	b.send("duplicate")
	b.says("Copy of Agent")

	b.open("/settings/search-restrictions/new")
	b.fill("name", "Acme, payments to look at")
	b.fill("visible", `loan.portfolios.overlaps(["Acme"])`)
	b.choose("limits[0].area", "Payments")
	b.choose("limits[0].level", "View only")
	b.fill("limits[0].message", "Payments on these loans are taken by the lender.")
	b.shot("guide-restriction")
	b.press("Add search restriction")
	restriction := b.address().Path

	b.open("/settings/teams/new")
	b.fill("name", "Northwind Servicing")
	b.press("Add team")
	b.open(restriction)
	b.tick("Northwind Servicing")
	b.press("Assign")
	b.shot("guide-assigned")

	b.open("/settings/users/new")
	b.fill("name", "Nora West")
	b.fill("email", "nora@northwind.example")
	b.choose("role", "Copy of Agent")
	b.tick("Northwind Servicing")
	b.press("Add user")
	b.says("Nora West")
	b.shot("guide-user")
	person := b.address().Path[strings.LastIndexByte(b.address().Path, '/')+1:]
	if b.open("/demo/mail"); !strings.Contains(b.text(), "nora@northwind.example") {
		t.Errorf("no invitation in the post box:\n%s", b.text())
	}

	seen(t, r, b, person)
}

// seen looks at the loans with the servicer's eyes, and asks why a payment may
// not be logged.
func seen(t *testing.T, r *running, b *browser, person string) {
	_, all := r.call(t, "GET", "/loans?portfolio=Acme&total=exact", r.as("admin"), nil)
	b.open("/settings/view-as")
	b.choose("user", "Nora West")
	b.press("View as this person")
	b.open("/loans")
	b.says("Nora West")
	b.shot("guide-view-as")
	if got := regexp.MustCompile(`of ([0-9,]+)`).FindStringSubmatch(b.text()); got == nil || got[1] != fmt.Sprint(all["total"]) {
		t.Errorf("the servicer would see %v loans, portfolio Acme holds %v", got, all["total"])
	}
	loan := all["items"].([]any)[0].(map[string]any)["id"].(string)
	if status := b.open("/loans/" + loan + "/payments"); status != 200 {
		t.Errorf("payments to look at: %d", status)
	}
	status, why := r.call(t, "POST", "/access/explain", r.as("admin"), map[string]any{"user": person, "operation": "loan.payment.log", "object": "loan/" + loan})
	if status != 200 || why["allowed"] != false || !strings.Contains(fmt.Sprint(why["layers"]), "Payments on these loans are taken by the lender.") {
		t.Errorf("why not: %d %v", status, why)
	}
}
