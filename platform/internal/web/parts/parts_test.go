package parts

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/a-h/templ"
	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/fault"
)

func text(t *testing.T, c templ.Component) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// tokens reads "--name: light-dark(#light, #dark)" from the stylesheet.
func tokens(t *testing.T) (light, dark map[string]colour) {
	t.Helper()
	css, err := os.ReadFile("../static/css/1-tokens.css")
	if err != nil {
		t.Fatal(err)
	}
	light, dark = map[string]colour{}, map[string]colour{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)`).FindAllSubmatch(css, -1) {
		l, err1 := parseColour(string(m[2]))
		d, err2 := parseColour(string(m[3]))
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		light[string(m[1])], dark[string(m[1])] = l, d
	}
	if len(light) < 20 {
		t.Fatalf("only %d tokens were read", len(light))
	}
	return light, dark
}

func TestEveryPairOfTokensCanBeReadInLightAndDark(t *testing.T) {
	light, dark := tokens(t)
	text := map[string]string{ // what is written → on which grounds
		"text":    "ground raised hover chosen unknown-ground ok-ground warn-ground danger-ground sunk",
		"quiet":   "ground raised hover chosen unknown-ground",
		"accent":  "ground raised hover chosen",
		"on-fill": "fill fill-hover danger-fill",
		"ok":      "raised ground hover chosen ok-ground",
		"warn":    "raised ground hover chosen warn-ground",
		"danger":  "raised ground hover chosen danger-ground",
		"unknown": "raised ground hover chosen unknown-ground",
	}
	check := func(theme string, tokens map[string]colour, ink, ground string, least float64) {
		a, okA := tokens[ink]
		b, okB := tokens[ground]
		if !okA || !okB {
			t.Fatalf("no token %s or %s", ink, ground)
		}
		if c := contrast(a, b); c < least {
			t.Errorf("%s: %s on %s has %.2f, needs %.1f", theme, ink, ground, c, least)
		}
	}
	for theme, tokens := range map[string]map[string]colour{"light": light, "dark": dark} {
		for ink, grounds := range text {
			for g := range strings.FieldsSeq(grounds) {
				check(theme, tokens, ink, g, minContrast)
			}
		}
		// Edges of fields and what shows focus or progress need 3:1.
		for _, pair := range [][2]string{{"edge", "raised"}, {"edge", "ground"}, {"accent", "ground"}, {"fill", "ground"}, {"fill", "raised"}, {"fill", "unknown-ground"}} {
			check(theme, tokens, pair[0], pair[1], 3)
		}
	}
}

func TestALendersColoursAreTakenOnlyWhenTheyCanBeRead(t *testing.T) {
	css, err := BrandCSS(Brand{Accent: "#7a1f5c", Ground: "#fffaf5", Text: "#2b1d16"})
	if err != nil || !strings.Contains(css, "--fill: #7a1f5c") || !strings.Contains(css, "color-scheme: light") || !strings.Contains(css, "--on-fill: #ffffff") {
		t.Errorf("a readable brand gave %q, %v", css, err)
	}
	if css, err := BrandCSS(Brand{"#ffd166", "#101418", "#f2f2f2"}); err != nil || !strings.Contains(css, "color-scheme: dark") || !strings.Contains(css, "--on-fill: #000000") {
		t.Errorf("a dark brand gave %q, %v", css, err)
	}
	if _, err := BrandCSS(Brand{"#ffd166", "#ffffff", "#222222"}); !errors.Is(err, ErrContrast) {
		t.Errorf("yellow links on white: %v", err)
	}
	if _, err := BrandCSS(Brand{"#000000", "#9fb3c8", "#000000"}); !errors.Is(err, ErrGround) {
		t.Errorf("a ground on which red cannot be read: %v", err)
	}
	for _, bad := range []string{"", "red", "#fff", "#12345g", "#+1234f", "#000000;}body{display:none"} {
		if _, err := BrandCSS(Brand{bad, "#ffffff", "#000000"}); !errors.Is(err, ErrColour) {
			t.Errorf("%q as a colour: %v", bad, err)
		}
	}
}

func TestTheTileCountsAndKeepsUnknownGrey(t *testing.T) {
	tile := storyRiskTile()
	got := text(t, Risk(tile))
	for _, want := range []string{"1 of 3 rules met · 1 unknown", "rules v3", "(not used)", `class="is-unknown"`, "Declared", "07102"} {
		if !strings.Contains(got, want) {
			t.Errorf("the tile does not say %q", want)
		}
	}
	if n := strings.Count(got, "(not used)"); n != 2 {
		t.Errorf("%d rows say that their rule is not used, want 2", n)
	}
	tile.Met, tile.Unknown = 0, 3
	if tile.verdict() != Unknown {
		t.Error("no hit, but nothing known either: that is not green")
	}
	tile.Unknown = 0
	if tile.verdict() != OK || tile.words() != "0 of 3 rules met" {
		t.Errorf("all known, none met: %v, %q", tile.verdict(), tile.words())
	}
	tile.Used = 1
	if tile.words() != "0 of 1 rule met" {
		t.Errorf("one rule: %q", tile.words())
	}
}

func TestTypedTextIsKeptAndSecretsAreNot(t *testing.T) {
	kept := text(t, Input(Field{Name: "date", Label: "Date", Kind: Date, Value: `31 "Feb" <b>`, Error: "no such day"}))
	if !strings.Contains(kept, "31 &#34;Feb&#34; &lt;b&gt;") || !strings.Contains(kept, `aria-invalid="true"`) ||
		!strings.Contains(kept, `aria-describedby="f-date-hint f-date-error"`) {
		t.Errorf("the date field: %s", kept)
	}
	for _, kind := range []Kind{Password, Secret} {
		if got := text(t, Input(Field{Name: "p", Label: "P", Kind: kind, Value: "hunter2"})); strings.Contains(got, "hunter2") {
			t.Errorf("a secret was printed again: %s", got)
		}
	}
}

func TestACodeMayBreakAtItsJointsAndNowhereElse(t *testing.T) {
	for in, want := range map[string]string{
		"":                "",
		"loan.view/<b>_.": "loan.<wbr>view/<wbr>&lt;b&gt;_<wbr>.",
		"203.0.113.9":     "203.0.113.9",
		"Ångström@x.y":    "Ångström@<wbr>x.<wbr>y",
	} {
		if got := text(t, Code(in)); got != "<code>"+want+"</code>" {
			t.Errorf("%q reads %s", in, got)
		}
	}
}

func TestNoAddressRunsScript(t *testing.T) {
	for _, c := range []templ.Component{
		Press(Button{Label: "x", Href: "javascript:alert(1)"}), Press(Button{Label: "x", Action: "javascript:alert(1)"}),
		Anchor(Link{"x", "javascript:alert(1)"}), Fields(Form{Action: "javascript:alert(1)"}),
		Tabs("t", []Tab{{Label: "x", Href: "JavaScript:alert(1)"}}),
	} {
		if got := text(t, c); strings.Contains(strings.ToLower(got), "javascript:") {
			t.Errorf("a script address came through: %s", got)
		}
	}
}

func TestNumbersAndTimesReadAsTheTradeWritesThem(t *testing.T) {
	for n, want := range map[int]string{0: "0", 7: "7", 999: "999", 1000: "1,000", 3214: "3,214", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := Count(n); got != want {
			t.Errorf("Count(%d) = %q, want %q", n, got, want)
		}
	}
	pages := map[string]Pager{
		"1–50 of 3,214":          {From: 1, To: 50, Total: 3214},
		"1–50 of at least 1,000": {From: 1, To: 50, Total: 1000, AtLeast: true},
		"0 of 0":                 {Next: "x"},
	}
	for want, p := range pages {
		if got := p.words(); got != want {
			t.Errorf("%+v reads %q, want %q", p, got, want)
		}
	}
	denver, err := time.LoadLocation("America/Denver")
	if err != nil {
		t.Skip("no time zones on this machine")
	}
	want := Moment{"2026-11-22T14:02:11Z", "2026-11-22 07:02", "2026-11-22 07:02:11 MST"}
	if d := cmp.Diff(want, At(storyNow, denver)); d != "" {
		t.Error(d)
	}
	for seconds, want := range map[int64]string{-5: "just now", 59: "just now", 60: "1 min", 3599: "59 min", 7200: "2 h", 86400 * 29: "29 d", 86400 * 30: "2026-10-23"} {
		if got := Ago(storyNow-seconds*1_000_000, storyNow, time.UTC).Text; got != want {
			t.Errorf("%d s ago reads %q, want %q", seconds, got, want)
		}
	}
}

func TestFaultsBecomeTheLinesOfAForm(t *testing.T) {
	err := fault.Bad("amount", "Enter the amount as digits")
	if d := cmp.Diff([]Problem{{"amount", "Enter the amount as digits"}}, Problems(err)); d != "" {
		t.Error(d)
	}
	if ErrorAt(err, "amount") == "" || ErrorAt(err, "date") != "" || ErrorAt(nil, "amount") != "" || Problems(nil) != nil {
		t.Error("errors stand at the wrong fields")
	}
	if got := Problems(errors.New("dial tcp 10.0.0.3: secret")); len(got) != 1 || strings.Contains(got[0].Text, "10.0.0.3") {
		t.Errorf("an internal error reached the page: %v", got)
	}
}
