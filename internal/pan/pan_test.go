package pan

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// The networks' published test numbers.
var known = []string{
	"4111111111111111", "4012888888881881", "4242424242424242", "4222222222222", "4000000000000000006",
	"5555555555554444", "5105105105105100", "2223003122003222", "2720992593319364",
	"378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "6500000000000002",
	"30569309025904", "38520000023237", "36227206271667", "3530111333300000", "3566002020360505",
	"6200000000000005", "6250941006528599", "6759649826438453", "6304000000000000", "2200000000000004",
}

func TestPublishedNumbersAreFound(t *testing.T) {
	for _, n := range known {
		for _, text := range []string{n, "card " + n + ".", "<" + n + ">", "x" + n + "y", `{"note":"` + n + `"}`, "a=" + n + "&b=1", "(" + n + ")", "№" + n} {
			if got := Find(text); len(got) != 1 || text[got[0].Start:got[0].End] != n {
				t.Errorf("%q: %v", text, got)
			}
		}
		wrong := n[:len(n)-1] + string('0'+(n[len(n)-1]-'0'+1)%10)
		if Contains(wrong) {
			t.Errorf("%q has a wrong check digit and is found", wrong)
		}
	}
}

// separators between the groups of a number that people, spreadsheets and
// evaders write.
var separators = []string{
	" ", "-", ".", "/", "_", ",", ":", "|", "*", "\\", "\t", "\n", "\r\n", "  ", " - ", " \n ", "+", "%20", "%2D", "%C2%A0", "&nbsp;",
	"\u00a0", "\u2009", "\u202f", "\u3000", "\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u2010", "\u2011", "\u2012", "\u2013",
	"\u2014", "\u2212", "\u00b7", "\u2022", "\u2044", "\u2028", "\u20e3", "\ufe0f\u20e3", "\u202e", `","`, "', '",
}

// cut cuts a number into groups of these sizes; the last one takes the rest.
func cut(n string, sizes ...int) []string {
	var out []string
	for i := 0; len(n) > 0; i++ {
		size := min(sizes[min(i, len(sizes)-1)], len(n))
		out, n = append(out, n[:size]), n[size:]
	}
	return out
}

func groupings(n string) [][]string {
	all := [][]string{cut(n, 4), cut(n, 1), cut(n, 2), cut(n, 8)}
	if len(n) == 15 {
		all = append(all, cut(n, 4, 6, 5))
	}
	if len(n) == 14 {
		all = append(all, cut(n, 4, 6, 4))
	}
	return all
}

func TestEverySeparatorIsSeenThrough(t *testing.T) {
	for _, n := range known {
		for _, sep := range separators {
			for _, g := range groupings(n) {
				text := "pay with " + strings.Join(g, sep) + " please"
				if !Contains(text) {
					t.Errorf("missed %q", text)
				}
			}
		}
	}
}

func TestOtherDigitsAreDigits(t *testing.T) {
	for _, zero := range []rune{'０', '٠', '۰', '०', '𝟎', '𝟘', '𝟶', '₀'} {
		var b strings.Builder
		for _, d := range "4111111111111111" {
			b.WriteRune(zero + d - '0')
		}
		text := "no. " + b.String() + " ok"
		got := Find(text)
		if len(got) != 1 || text[got[0].Start:got[0].End] != b.String() {
			t.Errorf("%s: %v", text, got)
		}
		if m := Mask(text); !strings.HasPrefix(m, "no. ************") || utf8.RuneCountInString(m) != 4+16+3 {
			t.Errorf("masked %q", m)
		}
	}
	for _, text := range []string{"⁴¹¹¹¹¹¹¹¹¹¹¹¹¹¹¹", "④①①①①①①①①①①①①①①①", "4️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣1️⃣"} {
		if !Contains(text) {
			t.Errorf("missed %s", text)
		}
	}
}

func TestTrackDataAndDumps(t *testing.T) {
	for _, text := range []string{
		"%B4111111111111111^DOE/JANE^25121010000000000?",
		";4111111111111111=25121010000000000000?",
		"4111111111111111D25121010000000000000",
		"41111111111111111228", "41111111111111111228123", "3782822463100051228123", // with expiry and code
		"4111 1111 1111 1111 12/28 123", "4111-1111-1111-1111 12/28", "4111 1111\n1111 1111 12/28",
		"7,Doe,4111111111111111,1228,123", "4111111111111111,12/28", "4111111111111111,12,2028", "1,4111111111111111", "4111111111111111.0",
		"order 12345 4111111111111111", "acct 99 4111 1111 1111 1111 paid 250.00", "visa4111111111111111exp1225cvc123",
		"tel +49 30 1234567 card 5555 5555 5555 4444", "https://x.example/p?c=4111111111111111&d=1", `["4111","1111","1111","1111"]`,
	} {
		if !Contains(text) {
			t.Errorf("missed %q", text)
		}
	}
}

func TestQuietCorpus(t *testing.T) {
	for _, text := range []string{
		"", "4111", "411111******1111", "ends in 1111", "4111 1111 1111 1112", "4111-1111-1111-111a",
		"550e8400-e29b-41d4-a716-446655440000", "ln_06b1z2m4n8k6c9w3e5t7r9p1q3", "LN-2026-000123", "loan 2026000123",
		"1763790000", "1763790000123", "1763790000123456", "1763790000123456789", "2026-11-22T05:39:28.123456Z", "20261122053928123",
		"+1 (212) 555-0100", "+49 151 12345678", "+4411111111111", "(512) 555-0100 / (512) 555-0199", "512-555-0100 512-555-0199",
		"DE89 3704 0044 0532 0130 00", "GB29NWBK60161331926819", "GB29 NWBK 6016 1331 9268 19", "FR14 2004 1010 0505 0001 3M02 606", "NL91ABNA0417164300",
		"250.00", "1,234,567,890,123.45", "4,111,111,111,111.00", "41111111111111.11", "0.4111111111111111", "12.4111111111111111", "0,4111111111111111",
		"40.7127753,-74.0059728", "40.712775, -74.005972", "192.0.2.1 198.51.100.7 203.0.113.9", "2001:db8:4111:1111:1111:1111::1",
		"123-45-6789", "10001-1234", "00:1b:44:11:3a:b7", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
		"Schedule: 01 347.55 02 347.55 03 347.55 04 347.55 05 347.55", "2024 2025 2026 2027 2028", "page 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
		"000000000000000000", "0000 0000 0000 0000", "1111 1111 1111 1111", "9999999999999999", "411111111111111141111111111111114111",
	} {
		if got := Find(text); len(got) > 0 {
			t.Errorf("false alarm in %q at %v", text, got)
		}
	}
}

// A corpus of what the house really writes, made at random: at most one alarm in
// two thousand lines.
func TestFalseAlarmsAreRare(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	hex := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789abcdef"[r.IntN(16)])
		}
		return b.String()
	}
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte('0' + byte(r.IntN(10)))
		}
		return b.String()
	}
	base32 := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte("0123456789abcdefghjkmnpqrstvwxyz"[r.IntN(32)])
		}
		return b.String()
	}
	const lines = 40000
	kinds := map[string]func() string{
		"uuid": func() string {
			return hex(8) + "-" + hex(4) + "-4" + hex(3) + "-" + "89ab"[r.IntN(4):][:1] + hex(3) + "-" + hex(12)
		},
		"sha256":   func() string { return hex(64) },
		"id":       func() string { return "ln_" + base32(26) },
		"fraction": func() string { return fmt.Sprintf("rate %v balance %.2f", r.Float64(), r.Float64()*1e9) },
		"position": func() string { return fmt.Sprintf("%.7f,%.7f", r.Float64()*180-90, r.Float64()*360-180) },
		"micros":   func() string { return fmt.Sprint(1763790000000000 + r.Int64N(1e14)) },
		"phones":   func() string { return "(" + digits(3) + ") " + digits(3) + "-" + digits(4) + ", +1" + digits(10) },
		"people": func() string {
			return digits(3) + "-" + digits(2) + "-" + digits(4) + " 19" + digits(2) + "-01-02 " + digits(5)
		},
		"loan": func() string {
			return "loan " + digits(10) + " payment " + digits(3) + "." + digits(2) + " on 2026-11-22"
		},
		"addresses": func() string {
			return fmt.Sprintf("%d.%d.%d.%d:%d", r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(256), r.IntN(65536))
		},
		"telephones": func() string {
			return "+" + digits(12) + " 00" + digits(12) + " " + digits(3) + "." + digits(3) + "." + digits(4) + " ext " + digits(4)
		},
		"account": func() string { return "routing " + digits(9) + " account " + digits(12) },
		"columns": func() string {
			return digits(4) + "." + digits(2) + "," + digits(3) + "." + digits(2) + "," + digits(4) + "." + digits(2) + "," + digits(4)
		},
		"timestamps": func() string {
			return fmt.Sprintf("2026-11-%02d %02d:%02d:%02d.%s", r.IntN(30), r.IntN(24), r.IntN(60), r.IntN(60), digits(6))
		},
	}
	for name, line := range kinds {
		alarms := 0
		example := ""
		for range lines {
			if s := line(); Contains(s) {
				alarms, example = alarms+1, s
			}
		}
		if alarms > lines/2000 {
			t.Errorf("%s: %d alarms in %d lines, such as %q", name, alarms, lines, example)
		}
	}
}

// luhn is the check of ISO/IEC 7812-1 as its annex words it.
func luhn(v []byte) bool {
	sum, double := 0, false
	for i := len(v) - 1; i >= 0; i-- {
		d := int(v[i])
		if double {
			d = d*2/10 + d*2%10
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}

// number draws a valid card number.
func number(t *rapid.T) string {
	heads := []string{"4", "51", "53", "55", "2221", "2500", "2720", "34", "37", "6011", "65", "644", "36", "3528", "3589", "62", "6759"}
	head := rapid.SampledFrom(heads).Draw(t, "head")
	size := 16
	switch {
	case head == "34" || head == "37":
		size = 15
	case head == "36":
		size = 14
	case head == "4":
		size = rapid.SampledFrom([]int{16, 19}).Draw(t, "size") // of 13 digits, one in ten is a bar code: see the corpus
	}
	v := []byte(head)
	for len(v) < size-1 {
		v = append(v, '0'+byte(rapid.IntRange(0, 9).Draw(t, "digit")))
	}
	for d := byte('0'); ; d++ {
		n := make([]byte, 0, size)
		for _, c := range append(v[:size-1:size-1], d) {
			n = append(n, c-'0')
		}
		if luhn(n) {
			return string(append(v, d))
		}
	}
}

func TestPlantedNumbersAreFoundAndMasked(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := number(t)
		groups := rapid.SampledFrom(groupings(n)).Draw(t, "groups")
		sep := rapid.SampledFrom(append([]string{""}, separators...)).Draw(t, "separator")
		before := rapid.SampledFrom([]string{"", "Jane's card: ", "ß ", "[", "x", "2026-11-22: ", "loan 17, "}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", " thanks", "]", "y", "ü", "; exp", "!"}).Draw(t, "after")
		planted := strings.Join(groups, sep)
		text := before + planted + after
		got := Find(text)
		if len(got) == 0 {
			t.Fatalf("missed %q", text)
		}
		if !Contains(text) {
			t.Fatal("Find and Contains disagree")
		}
		masked := Mask(text)
		if Contains(masked) || strings.Contains(masked, planted) {
			t.Fatalf("%q masked to %q", text, masked)
		}
	})
}

func TestMaskKeepsTheLastFour(t *testing.T) {
	for text, want := range map[string]string{
		"card 4111 1111 1111 1111, paid 250.00":    "card **** **** **** 1111, paid 250.00",
		"378282246310005":                          "***********0005",
		"a 4111111111111111 b 5555-5555-5555-4444": "a ************1111 b ****-****-****-4444",
		"nothing 12": "nothing 12",
	} {
		if got := Mask(text); got != want {
			t.Errorf("Mask(%q) = %q, want %q", text, got, want)
		}
	}
}

// boxes are fields of one form that have no names of their own.
func boxes(texts ...string) (out []Field) {
	for i, text := range texts {
		out = append(out, Field{fmt.Sprintf("box%c", 'a'+i%26), text})
	}
	return out
}

func TestNumbersSplitOverFields(t *testing.T) {
	for _, parts := range [][]string{
		{"4111", "1111", "1111", "1111"}, {"Jane", "41111111", "11111111", "NY"}, {"4111 1111", "1111-1111"}, {"411111", "1111", "111111"}, {"4111111111", "111111"},
		{"41111", "11111111111"}, {"411111111", "1111111"}, {"card 4111 1111", "1111 1111 thanks"}, {"no. 2: 4111", "1111 1111 1111 12/28"}, {"3782", "822463", "10005"}, {"４１１１ １１１１", "1111 1111"},
	} {
		if _, _, ok := Across(boxes(parts...)); !ok {
			t.Errorf("missed %q", parts)
		}
	}
	for _, parts := range [][]string{
		nil, {""}, {"4111"}, {"4111", "x", "1111", "1111", "1111"}, {"4111 1111 1111", "city", "1111"}, {"4111", "1111", "1111", "1112"}, {"4111.11", "1111.11", "1111"},
		{"12 Main Street Apt 4", "1111 1111 1111 111"},
	} {
		if _, _, ok := Across(boxes(parts...)); ok {
			t.Errorf("false alarm in %q", parts)
		}
	}
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{"%34%31", "&#52;&nbsp;", `\u0034`, "=34=31", "3431313131313131", "NDExMTExMTExMTExMTExMQ==", "4111\n\n2. 1111", "(4", "+49 ", "DE00", "1.1.1.1"} {
		f.Add(s + "111111111111" + s)
	}
	for _, s := range append(separators, known...) {
		f.Add(s)
		f.Add("4111" + s + "1111" + s + "1111" + s + "1111")
	}
	f.Add("DE89370400440532013000 4,111,111,111,111,111 \xff\xfe %")
	f.Fuzz(func(t *testing.T, text string) {
		found := Find(text)
		if Contains(text) != (len(found) > 0) {
			t.Error("Find and Contains disagree")
		}
		at := 0
		for _, s := range found {
			if s.Start < at || s.End <= s.Start || s.End > len(text) {
				t.Fatalf("span %v after %d in %d bytes", s, at, len(text))
			}
			at = s.End
		}
		if m := Mask(text); Contains(m) {
			t.Errorf("%q masked to %q", text, m)
		}
		if Mask(Mask(text)) != Mask(text) {
			t.Errorf("%q is masked anew", Mask(text))
		}
		from, to, _ := Across(boxes(strings.Split(text, "\n")...))
		if from > to {
			t.Errorf("fields %d to %d", from, to)
		}
	})
}
