package pan

import (
	"regexp"
	"strings"
	"testing"
	"time"
)

const prose = "The borrower called about the payment that was due last Friday and asked for a new schedule; we agreed on a plan. "

// clean are texts without a card number, of one size.
func clean() map[string]string {
	fill := func(s string) string { return strings.Repeat(s, 1<<16/len(s)+1)[:1<<16] }
	return map[string]string{
		"prose":   fill(prose),
		"house":   fill(prose + "Loan LN-2026-000123 paid 250.00 on 2026-11-22. " + prose + prose + "Call +1 (212) 555-0100 before five. " + prose + prose),
		"ledger":  fill("loan LN-2026-000123 paid 250.00 on 2026-11-22, balance 12,345.67; next due 2026-12-22. "),
		"german":  fill("Der Kreditnehmer möchte die fällige Rate später überweisen und bittet um Rückruf. "),
		"russian": fill("Заёмщик позвонил и попросил перенести платёж на следующую неделю; договорились. "),
	}
}

// shaped is the scan that is written everywhere: a regular expression, and Luhn
// over what it finds.
var shaped = regexp.MustCompile(`\b(?:\d[ -]?){12,18}\d\b`)

func byExpression(text string) bool {
	for _, hit := range shaped.FindAllString(text, -1) {
		var v []byte
		for _, c := range []byte(hit) {
			if c >= '0' && c <= '9' {
				v = append(v, c-'0')
			}
		}
		if luhn(v) {
			return true
		}
	}
	return false
}

// BenchmarkScan holds the guard beside a regular expression with Luhn, over the
// same texts in the same run.
func BenchmarkScan(b *testing.B) {
	for _, name := range []string{"prose", "house", "ledger", "german", "russian"} {
		text := clean()[name]
		for _, by := range []struct {
			name string
			scan func(string) bool
		}{{"guard", Contains}, {"expression", byExpression}} {
			b.Run(name+"/"+by.name, func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				b.ReportAllocs()
				for b.Loop() {
					if by.scan(text) {
						b.Fatal("false alarm")
					}
				}
			})
		}
	}
}

// hostile are texts that are made to keep a scanner busy.
func hostile(size int) map[string]string {
	fill := func(s string) string { return strings.Repeat(s, size/len(s)+1)[:size] }
	return map[string]string{
		"digits": fill("4"), "groups": fill("4111 2222 3333 4445 "), "numbers": fill("4111 1111 1111 1111 "), "pairs": fill("41 "), "ones": fill("4 1 1 1 "), "points": fill("4.1,"),
		"colons": fill("4a:1:"), "letters": fill("4a1b"), "runs": fill("4111111111111111a1b"), "countries": fill("DE44 4111 "), "one country": "DE44" + fill("4111111111111111 "), "plus": fill("+411111111111111 "),
		"percent": fill("%34"), "broken percent": fill("%3"), "entities": fill("&#52;"), "open entities": fill("&#"), "endless entity": "&#" + fill("0000000052"), "ampersands": fill("&&amp;"),
		"backslashes": fill(`\`), "escapes": fill(`\u0034`), "equal signs": fill("=34"), "unseen": fill("4\u200b\u200b"), "only unseen": "4" + fill("\u200b") + "1", "gaps": fill("4" + strings.Repeat("-", 16)),
		"base64": fill("NDExMTExMTExMTExMTExMQ"), "base64 in base64": fill("TkRFeE1URXhNVEV4TVRFeE1URXhNUT09"), "hex": fill("34313131"), "words": fill("4111 and "), "foreign": fill("４"), "lines": fill("41111111\n"),
		"broken bytes": fill("\xf0\x9d4"), "times": fill("2026-11-30 05:39:28.123456 "), "not quite": fill("4111 and 1111 and 1111 und "), "expiry": fill("41111111111111111228"),
	}
}

// TestHostileTextTakesBoundedTime holds a text against one of ten times its size:
// the time may not grow with the square.
func TestHostileTextTakesBoundedTime(t *testing.T) {
	best := func(text string, f func(string)) time.Duration {
		least := time.Hour
		for range 3 {
			start := time.Now()
			f(text)
			least = min(least, time.Since(start))
		}
		return least
	}
	for what, f := range map[string]func(string){"Find": func(s string) { Find(s) }, "Mask": func(s string) { Mask(s) }, "Across": func(s string) { Across(boxes(s, s, s)) }} {
		small, large := hostile(20_000), hostile(200_000)
		for name := range small {
			a, b := best(small[name], f), best(large[name], f)
			if b > 40*a && b > 100*time.Millisecond {
				t.Errorf("%s of %s: %v, and %v for ten times as much", what, name, a, b)
			}
			if b > 2*time.Second {
				t.Errorf("%s of %s: %v for 200 KB", what, name, b)
			}
			if testing.Verbose() && b > 30*time.Millisecond {
				t.Logf("%s of %s: %v, then %v", what, name, a, b)
			}
		}
	}
}

// TestWhatIsMaskedIsGone holds that nothing is found in what was masked, in no
// disguise, and that masking again changes nothing.
func TestWhatIsMaskedIsGone(t *testing.T) {
	for kind, text := range positives() {
		r := throw(corpusSeed + 1)
		for range 300 {
			s := text(r)
			m := Mask(s)
			if Contains(m) || len(Find(m)) > 0 {
				t.Fatalf("%s: %q masked to %q, in which there is a number", kind, s, m)
			}
			if again := Mask(m); again != m {
				t.Fatalf("%s: %q masked to %q and then to %q", kind, s, m, again)
			}
		}
	}
	for name, text := range hostile(5000) {
		if m := Mask(text); Contains(m) {
			t.Errorf("%s: a number is left", name)
		}
	}
}
