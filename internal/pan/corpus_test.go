package pan

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
)

// The corpus is made without looking at the detector: positives as a careless
// clerk, an angry customer, a spreadsheet, a dump and an evader would write them;
// negatives as a lender's house is full of them.

// dice makes both, always the same from one seed.
type dice struct{ *rand.Rand }

func throw(seed uint64) dice { return dice{rand.New(rand.NewPCG(seed, 4))} }

func (r dice) one(of ...string) string { return of[r.IntN(len(of))] }

func (r dice) from(alphabet string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteByte(alphabet[r.IntN(len(alphabet))])
	}
	return b.String()
}

func (r dice) digits(n int) string { return r.from("0123456789", n) }
func (r dice) hex(n int) string    { return r.from("0123456789abcdef", n) }

// whole is a number without a leading zero.
func (r dice) whole(n int) string { return r.from("123456789", 1) + r.digits(n-1) }

// brand says how often a network is met, what its numbers begin with (from..to,
// as texts of one length) and how long they are.
type brand struct {
	name     string
	weight   int
	from, to int
	sizes    []int
}

// brands are ranges as the networks publish them, by what a lender meets.
func brands() []brand {
	return []brand{
		{"visa", 380, 4, 4, []int{16}},
		{"visa old", 3, 4, 4, []int{13}},
		{"visa long", 6, 4, 4, []int{19}},
		{"mastercard", 200, 51, 55, []int{16}},
		{"mastercard 2", 60, 222100, 272099, []int{16}},
		{"amex", 90, 34, 34, []int{15}},
		{"amex", 90, 37, 37, []int{15}},
		{"discover", 40, 6011, 6011, []int{16}},
		{"discover", 30, 644, 649, []int{16}},
		{"discover", 20, 65, 65, []int{16}},
		{"diners", 15, 36, 36, []int{14}},
		{"diners", 6, 300, 305, []int{14}},
		{"diners", 6, 38, 39, []int{14}},
		{"jcb", 20, 3528, 3589, []int{16}},
		{"unionpay", 30, 62, 62, []int{16, 16, 16, 17, 18, 19}},
		{"maestro", 6, 6759, 6759, []int{16, 18, 19}},
		{"maestro", 6, 6761, 6763, []int{16, 18, 19}},
		{"maestro", 4, 5018, 5018, []int{13, 15, 16, 18, 19}},
		{"rupay", 6, 60698500, 60798499, []int{16}},
		{"rupay", 6, 508500, 508999, []int{16}},
		{"mir", 4, 2200, 2204, []int{16}},
		{"troy", 3, 9792, 9792, []int{16}},
		{"elo", 3, 509000, 509089, []int{16}},
		{"elo", 3, 636368, 636368, []int{16}},
		{"verve", 2, 506099, 506198, []int{16, 19}},
		{"dankort", 2, 5019, 5019, []int{16}},
	}
}

// card draws a number that a network could have issued, or a published test one.
func (r dice) card() string {
	if r.IntN(10) == 0 {
		return r.one(known...)
	}
	all, sum := brands(), 0
	for _, b := range all {
		sum += b.weight
	}
	at := r.IntN(sum)
	for _, b := range all {
		if at -= b.weight; at < 0 {
			head := fmt.Sprint(b.from + r.IntN(b.to-b.from+1))
			size := b.sizes[r.IntN(len(b.sizes))]
			return checked(head + r.digits(size-1-len(head)))
		}
	}
	panic("no brand")
}

// checked appends the check digit, computed apart from the detector's own way.
func checked(v string) string {
	sum := 0
	for i := len(v) - 1; i >= 0; i-- {
		d := int(v[i] - '0')
		if (len(v)-i)%2 == 1 {
			d = []int{0, 2, 4, 6, 8, 1, 3, 5, 7, 9}[d]
		}
		sum += d
	}
	return v + fmt.Sprint((10-sum%10)%10)
}

// printedGroups are the groups of a card's face.
func printedGroups(n string) []string {
	switch len(n) {
	case 15:
		return cut(n, 4, 6, 5)
	case 14:
		return cut(n, 4, 6, 4)
	}
	return cut(n, 4)
}

// anyGroups cuts a number as nobody would print it.
func (r dice) anyGroups(n string) (out []string) {
	for n != "" {
		size := min(1+r.IntN(8), len(n))
		out, n = append(out, n[:size]), n[size:]
	}
	return out
}

func (r dice) groups(n string) []string {
	switch r.IntN(10) {
	case 0:
		return cut(n, 1)
	case 1:
		return cut(n, 2)
	case 2:
		return cut(n, 8)
	case 3:
		return cut(n, 6)
	case 4:
		return cut(n, 5)
	}
	return printedGroups(n)
}

// expiry is the date and perhaps the security code beside a number.
func (r dice) expiry() string {
	mm, yy := fmt.Sprintf("%02d", 1+r.IntN(12)), fmt.Sprint(26+r.IntN(8))
	return r.one(mm+"/"+yy, mm+yy, mm+"/20"+yy, "exp "+mm+"/"+yy, mm+"-"+yy+" "+r.digits(3), mm+"/"+yy+" cvv "+r.digits(3), mm+" "+yy)
}

// around sets a number into what a person or a program writes around it.
func (r dice) around(n string) string {
	switch r.IntN(24) {
	case 0, 1:
		return n
	case 2:
		return "Card: " + n
	case 3:
		return "please charge " + n + " " + r.expiry() + ", thank you"
	case 4:
		return "cust. called " + r.date() + ", new card is " + n + "; old one lost"
	case 5:
		return "acct " + r.digits(2) + " " + n + " paid " + r.amount()
	case 6:
		return r.digits(1) + ",Doe," + n + "," + r.amount() + "," + r.zip()
	case 7:
		return `{"id":` + r.digits(5) + `,"pan":"` + n + `","exp":"12/28"}`
	case 8:
		return "tel " + r.phone() + " card " + n
	case 9:
		return "order " + r.digits(5) + ": " + n
	case 10:
		return "<p>" + n + "</p>"
	case 11:
		return n + " " + r.expiry()
	case 12:
		return "pan=" + n + "&cvv=" + r.digits(3)
	case 13:
		return "1. " + n + "\n2. done"
	case 14:
		return "INSERT INTO t VALUES ('" + n + "', " + r.digits(3) + ")"
	case 15:
		return "Karte für Frau Müller: " + n + " — bitte löschen"
	case 16:
		return "(" + n + ")"
	case 17:
		return "| Doe | " + n + " | 12/28 |"
	case 18:
		return "card_" + n + "_front.png"
	case 19:
		return "x" + n + "y"
	case 20:
		return r.stamp() + " INFO charge card=" + n + " amount=" + r.amount()
	case 21:
		return "/v1/cards/" + n + "/charge"
	case 22:
		return "card:\n  number: '" + n + "'\n  holder: Jane\n"
	}
	return "ссылка " + n + " и ещё"
}

// positives are the disguises. Each gives a text that holds a card number.
func positives() map[string]func(r dice) string {
	ascii := []string{" ", "-", ".", "/", "_", ",", ":", "|", "*", "\\", "\t", "+", "~", "#", ";", "  ", " - ", " / ", "--", "...", "=", "@", "!", "?", "'", `","`, "', '", "     "}
	wide := []string{"\u00a0", "\u2009", "\u202f", "\u3000", "\u2010", "\u2011", "\u2013", "\u2014", "\u2212", "\u00b7", "\u2022", "\u2044", "\u30fb", "\u2192", "\uff0d", "\uff0e", "★"}
	unseen := []string{"\u200b", "\u200c", "\u200d", "\u2060", "\u00ad", "\u200e", "\u200f", "\u034f", "\u180e", "\ufe0f", "\u061c"}
	lines := []string{"\n", "\r\n", "\n\n", " \n", "\r", "\u2028", "\u0085", "\v", "\f", "\n    ", "\n> "}
	join := func(seps []string) func(r dice) string {
		return func(r dice) string { return r.around(strings.Join(r.groups(r.card()), r.one(seps...))) }
	}
	return map[string]func(r dice) string{
		"plain":            func(r dice) string { return r.around(r.card()) },
		"printed":          func(r dice) string { return r.around(strings.Join(printedGroups(r.card()), r.one(" ", "-"))) },
		"separated":        join(ascii),
		"wide separators":  join(wide),
		"unseen marks":     join(unseen),
		"unseen, each":     func(r dice) string { return r.around(strings.Join(cut(r.card(), 1), r.one(unseen...))) },
		"broken lines":     join(lines),
		"mixed separators": func(r dice) string { return r.around(r.mixed(printedGroups(r.card()), ascii[:14])) },
		"uneven groups":    func(r dice) string { return r.sentence(strings.Join(r.anyGroups(r.card()), r.one(" ", "-", ".", "/"))) },
		"uneven and mixed": func(r dice) string { return r.sentence(r.mixed(r.anyGroups(r.card()), []string{" ", "-", "\n", "/"})) },
		"wrapped": func(r dice) string {
			n := r.card()
			i := 1 + r.IntN(len(n)-1)
			return r.around(n[:i] + r.one("\n", "\r\n", "=\r\n") + n[i:])
		},
		"words between": func(r dice) string {
			return r.around(strings.Join(printedGroups(r.card()), r.one("x", " and ", " then ", "<br>", "</td><td>", " dash ", ", then ")))
		},
		"foreign digits": func(r dice) string { return r.around(r.foreign(r.card())) },
		"mixed scripts":  func(r dice) string { return r.around(r.scripts(r.card())) },
		"foreign, grouped": func(r dice) string {
			return r.around(r.foreign(strings.Join(printedGroups(r.card()), r.one(" ", "-", "\u00a0"))))
		},
		"keycaps": func(r dice) string { return r.around(strings.Join(cut(r.card(), 1), "\ufe0f\u20e3") + "\ufe0f\u20e3") },
		"circled": func(r dice) string { return r.around(r.circled(r.card())) },
		"track 1": func(r dice) string {
			return "%B" + r.card() + "^DOE/JANE A^" + r.from("23", 1) + r.digits(1) + "12101" + r.digits(13) + "?"
		},
		"track 1, spaced": func(r dice) string {
			return "%B" + strings.Join(printedGroups(r.card()), " ") + "^DOE/JANE^2812101" + r.digits(8) + "?"
		},
		"track 2": func(r dice) string {
			return ";" + r.card() + r.one("=", "D") + "28" + fmt.Sprintf("%02d", 1+r.IntN(12)) + "101" + r.digits(10) + "?"
		},
		"both tracks": func(r dice) string { n := r.card(); return "%B" + n + "^DOE/J^28121010000?;" + n + "=28121010000000?" },
		"dump": func(r dice) string {
			return r.card() + "|" + fmt.Sprintf("%02d", 1+r.IntN(12)) + "|20" + fmt.Sprint(26+r.IntN(8)) + "|" + r.digits(3)
		},
		"glued expiry": func(r dice) string {
			return "pay " + r.sixteen() + fmt.Sprintf("%02d%d", 1+r.IntN(12), 26+r.IntN(8)) + r.one("", r.digits(3))
		},
		"with cents": func(r dice) string { return r.around(r.card() + r.one(".0", ".00")) },
		"percent":    func(r dice) string { return "https://x.example/p?c=" + r.percent(r.card()) + "&d=1" },
		"address": func(r dice) string {
			return "c=" + url.QueryEscape(strings.Join(printedGroups(r.card()), r.one(" ", "-", "/", "\u00a0"))) + "&d=1"
		},
		"entities": func(r dice) string { return r.around(r.entities(r.card())) },
		"entity between": func(r dice) string {
			return r.around(strings.Join(printedGroups(r.card()), r.one("&nbsp;", "&#160;", "&#xa0;", "&ensp;", "&thinsp;", "&shy;", "&zwnj;", "&#8203;", "&ndash;")))
		},
		"json escapes":     func(r dice) string { return `{"note":"` + each(r.card(), `\u%04x`) + `"}` },
		"quoted-printable": func(r dice) string { return "=" + strings.TrimPrefix(each(r.card(), "=%02X"), "=") },
		"hex":              func(r dice) string { return "blob " + hex.EncodeToString([]byte(r.one("", "pan:", "card ")+r.card())) },
		"hex, spaced":      func(r dice) string { return strings.TrimSpace(each(r.card(), "%02x ")) },
		"base64":           func(r dice) string { return "data: " + r.base64(base64.StdEncoding, r.card()) },
		"base64, url":      func(r dice) string { return "t=" + r.base64(base64.RawURLEncoding, r.card()) + "&x=1" },
		"base64, printed": func(r dice) string {
			return r.base64(base64.StdEncoding, strings.Join(printedGroups(r.card()), r.one(" ", "-")))
		},
		"base64 of prose": func(r dice) string {
			return base64.StdEncoding.EncodeToString([]byte("Dear team, " + r.around(r.card()) + " — yours"))
		},
		"thousands": func(r dice) string {
			n := r.sixteen()
			return "total " + strings.Join([]string{n[:1], n[1:4], n[4:7], n[7:10], n[10:13], n[13:]}, ",")
		},
		"long gap": func(r dice) string {
			return r.around(strings.Join(printedGroups(r.card()), r.one("          ", " . . . ", "-----", " --- ", "\t\t\t", "________")))
		},
		"mailed":      func(r dice) string { return r.card() + "@example.com" },
		"zero padded": func(r dice) string { return "PAN " + strings.Repeat("0", 3) + r.sixteen() },
		"buried": func(r dice) string {
			return strings.Repeat(clerk+" ", 1+r.IntN(20)) + r.around(r.card()) + strings.Repeat(" "+clerk, r.IntN(20))
		},
	}
}

const clerk = "Spoke to the borrower about loan LN-2026-000123 on 2026-11-22, 250.00 due; will call again."

func (r dice) sentence(n string) string {
	return r.one("", "card ", "my number is ", "new: ") + n + r.one("", " thanks", ".", " ok?")
}

func (r dice) sixteen() string {
	head := r.one("4", "51", "55")
	return checked(head + r.digits(15-len(head)))
}

func (r dice) mixed(groups []string, seps []string) string {
	var b strings.Builder
	for i, g := range groups {
		if i > 0 {
			b.WriteString(r.one(seps...))
		}
		b.WriteString(g)
	}
	return b.String()
}

// zeros are the noughts of other scripts' digits.
const zeros = "０٠۰०০੦૦௦๐០၀᠐𝟎𝟘𝟬𝟶߀𑁦"

func (r dice) foreign(n string) string {
	all := []rune(zeros)
	zero := all[r.IntN(len(all))]
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return zero + c - '0'
		}
		return c
	}, n)
}

func (r dice) scripts(n string) string {
	var b strings.Builder
	for _, d := range n {
		if r.IntN(2) == 0 {
			b.WriteRune(d)
		} else {
			b.WriteString(r.foreign(string(d)))
		}
	}
	return b.String()
}

// circled writes digits in rings, brackets, as exponents and as indexes.
func (r dice) circled(n string) string {
	sets := []string{"⓪①②③④⑤⑥⑦⑧⑨", "⓿❶❷❸❹❺❻❼❽❾", "⁰¹²³⁴⁵⁶⁷⁸⁹", "₀₁₂₃₄₅₆₇₈₉", "🄋➀➁➂➃➄➅➆➇➈", "0⑴⑵⑶⑷⑸⑹⑺⑻⑼", "0⒈⒉⒊⒋⒌⒍⒎⒏⒐"}
	set := []rune(r.one(sets...))
	return strings.Map(func(c rune) rune { return set[c-'0'] }, n)
}

func each(n, format string) string {
	var b strings.Builder
	for _, d := range []byte(n) {
		fmt.Fprintf(&b, format, d)
	}
	return b.String()
}

func (r dice) percent(n string) string {
	if r.IntN(2) == 0 {
		return each(n, "%%%02x")
	}
	var b strings.Builder
	for _, d := range []byte(n) {
		if r.IntN(2) == 0 {
			b.WriteByte(d)
		} else {
			fmt.Fprintf(&b, "%%%02X", d)
		}
	}
	return b.String()
}

func (r dice) entities(n string) string { return each(n, r.one("&#%d;", "&#x%x;", "&#X%X;", "&#0%d;")) }

func (r dice) base64(e *base64.Encoding, n string) string {
	return e.EncodeToString([]byte(r.one("", "a", "pn", "pan=", `{"card":"`) + n + r.one("", "}", `"}`, " 12/28")))
}

// forms are positives over neighbouring fields: names and texts in their order.
func forms() map[string]func(r dice) [][2]string {
	split := func(r dice, n string, names ...string) (out [][2]string) {
		for i, name := range names {
			size := len(n)
			if i < len(names)-1 {
				size = min(1+r.IntN(len(n)-(len(names)-1-i)), len(n)-(len(names)-1-i))
			}
			out, n = append(out, [2]string{name, n[:size]}), n[size:]
		}
		return out
	}
	return map[string]func(r dice) [][2]string{
		"four boxes": func(r dice) (out [][2]string) {
			for i, g := range printedGroups(r.card()) {
				out = append(out, [2]string{fmt.Sprint("box", i), g})
			}
			return out
		},
		"two names":   func(r dice) [][2]string { return split(r, r.card(), "first_name", "last_name") },
		"three texts": func(r dice) [][2]string { return split(r, r.card(), "employer", "position", "remark") },
		"halves": func(r dice) [][2]string {
			n := r.card()
			return [][2]string{{"email", "j@example.com"}, {"employer", n[:8]}, {"remark", n[8:]}, {"city", "Town"}}
		},
		"grouped halves": func(r dice) [][2]string {
			g := printedGroups(r.card())
			return [][2]string{{"line1", strings.Join(g[:2], " ")}, {"line2", strings.Join(g[2:], " ")}}
		},
		"with words": func(r dice) [][2]string {
			g := printedGroups(r.card())
			return [][2]string{{"reason", "card " + strings.Join(g[:2], " ")}, {"remark", strings.Join(g[2:], " ") + " please"}}
		},
		"list": func(r dice) (out [][2]string) {
			for i, g := range cut(r.card(), 4) {
				out = append(out, [2]string{fmt.Sprintf("entries[%d]", i), g})
			}
			return out
		},
		"one by one": func(r dice) (out [][2]string) {
			for i, g := range cut(r.card(), 1) {
				out = append(out, [2]string{fmt.Sprintf("entries[%d]", i), g})
			}
			return out
		},
	}
}
