package pan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// digit is one digit of a chain: its value, and where it stands in the text.
type digit struct {
	at    int32
	size  uint8
	value byte
}

// group is a run of digits without separators: indexes into chain.digits. sep
// is the separator in front of it, "" for the first.
type group struct {
	from, to int
	sep      string
}

func (g group) size() int { return g.to - g.from }

// chain is a run of digits and separators in a text.
type chain struct {
	text   string
	digits []digit
	groups []group
}

// Classes of bytes. A byte without a class ends a number.
const (
	isDigit     = 1 << iota // an ASCII digit
	isSeparator             // an ASCII separator
	isWide                  // a piece of another character, or an escape: look closer
	isForeign               // a piece of another character
	opens       = isDigit | isForeign
)

// class holds the classes of each byte. Nobody writes to it.
var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = isDigit
		case b >= utf8.RuneSelf:
			t[c] = isWide | isForeign
		case b == '%' || b == '&':
			t[c] = isWide
		case 'a' <= b|0x20 && b|0x20 <= 'z' || strings.IndexByte(breaks, b) >= 0:
		default:
			t[c] = isSeparator
		}
	}
	return t
}()

const (
	maxVisible   = 4  // visible separator characters between two digits
	maxInvisible = 16 // zero-width characters between two digits
)

// digitAt gives the value of the digit at i, or the width of what is there.
func digitAt(text string, i int) (value byte, size int, ok bool) {
	if c := text[i]; c < utf8.RuneSelf {
		return c - '0', 1, c >= '0' && c <= '9'
	}
	r, size := utf8.DecodeRuneInString(text[i:])
	if r < 0xb2 || (r < 0x660 && r > 0xb9) {
		return 0, size, false
	}
	v, ok := foreign(r)
	return v, size, ok
}

// foreign gives the value of a digit that is not ASCII: decimal digits of all
// scripts, and the superscript, subscript and circled ones.
func foreign(r rune) (byte, bool) {
	switch {
	case r == 0xb2 || r == 0xb3:
		return byte(r - 0xb0), true
	case r == 0xb9:
		return 1, true
	case r == 0x2070 || (r >= 0x2074 && r <= 0x2079):
		return byte(r - 0x2070), true
	case r >= 0x2080 && r <= 0x2089:
		return byte(r - 0x2080), true
	case r >= 0x2460 && r <= 0x2468:
		return byte(r - 0x2460 + 1), true
	case r == 0x24ea:
		return 0, true
	case !unicode.Is(unicode.Nd, r):
		return 0, false
	}
	for _, t := range unicode.Nd.R16 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	for _, t := range unicode.Nd.R32 {
		if rune(t.Lo) <= r && r <= rune(t.Hi) {
			return byte((r - rune(t.Lo)) % 10), true
		}
	}
	return 0, false
}

// breaks are the ASCII characters that end a number, beside letters: those
// that part fields, as in track data and query strings.
const breaks = "=^<>{}@!?$&"

// separator gives the width of the separator character at i, 0 if it is none.
func separator(text string, i int) (size int, visible bool) {
	c := text[i]
	switch {
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return 0, false
		}
		return size, !unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me)
	case c == '%':
		return escape(text[i:]), true
	case c == '&':
		if strings.HasPrefix(text[i:], "&nbsp;") {
			return 6, true
		}
		return 0, false
	case 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(breaks, c) >= 0:
		return 0, false
	}
	return 1, true
}

// escape gives 3 for an escaped separator of an address ("%20", "%C2"), else 0.
func escape(s string) int {
	if len(s) < 3 {
		return 0
	}
	hi, lo := nibble(s[1]), nibble(s[2])
	if hi < 0 || lo < 0 {
		return 0
	}
	c := byte(hi<<4 | lo)
	if c < utf8.RuneSelf && (c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || strings.IndexByte(breaks, c) >= 0) {
		return 0
	}
	return 3
}

func nibble(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// gap walks over separators from i: next is where the next digit stands.
func gap(text string, i, limit int) (next int, ok bool) {
	visible, hidden := 0, 0
	for i < limit {
		if _, _, isDigit := digitAt(text, i); isDigit {
			return i, true
		}
		size, seen := separator(text, i)
		if size == 0 {
			return i, false
		}
		if seen {
			visible++
		} else {
			hidden++
		}
		if visible > maxVisible || hidden > maxInvisible {
			return i, false
		}
		i += size
	}
	return i, false
}

// measure gives the end of the chain that begins with the digit at i, and the
// number of its digits, and stores nothing: most chains are too short.
func measure(text string, i int) (end, digits int) {
	for end = i; i < len(text); {
		c := class[text[i]]
		if c == isDigit {
			digits++
			i++
			end = i
			continue
		}
		if c == isSeparator && i+1 < len(text) && class[text[i+1]] == isDigit { // by far the most frequent
			i++
			continue
		}
		if c == 0 {
			return end, digits
		}
		if _, size, ok := digitAt(text, i); ok {
			digits++
			i += size
			end = i
			continue
		}
		next, more := gap(text, i, len(text))
		if !more {
			return end, digits
		}
		i = next
	}
	return end, digits
}

// collect stores digits and groups of text[from:to] and gives where it ended.
// Separators in front of the first and behind the last digit are passed over.
func (c *chain) collect(from, to int) int {
	i, behind := from, from
	for i < to {
		next, ok := gap(c.text, i, to)
		if !ok {
			return next
		}
		sep := c.text[behind:next]
		if len(c.groups) == 0 {
			sep = ""
		}
		g := group{from: len(c.digits), sep: sep}
		for i = next; i < to; {
			v, size, ok := digitAt(c.text, i)
			if !ok {
				break
			}
			c.digits = append(c.digits, digit{at: int32(i), size: uint8(size), value: v})
			i += size
		}
		g.to, behind = len(c.digits), i
		c.groups = append(c.groups, g)
	}
	return i
}

// values gives the digits from..to as numbers 0 to 9.
func (c *chain) values(from, to int) []byte {
	out := make([]byte, 0, longest)
	for _, d := range c.digits[from:to] {
		out = append(out, d.value)
	}
	return out
}
