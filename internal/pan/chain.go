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
	sums   [2][]int32 // of the digits before each, doubled at even or at odd places
}

// Classes of bytes. A byte without a class ends a number.
const (
	isDigit     = 1 << iota // an ASCII digit
	isSeparator             // an ASCII separator
	isWide                  // a piece of another character, or an escape: look closer
	isForeign               // may begin a character that is a digit
	opens       = isDigit | isForeign
)

// class holds the classes of each byte. Nobody writes to it.
var class = func() (t [256]uint8) {
	for c := range t {
		switch b := byte(c); {
		case b >= '0' && b <= '9':
			t[c] = isDigit
		case b == 0xc2 || b >= 0xd9 && b <= 0xdf || b >= 0xe0 && b <= 0xe2 || b == 0xea || b == 0xef || b == 0xf0:
			t[c] = isWide | isForeign // the first bytes of all foreign digits, of which few letters are
		case b >= utf8.RuneSelf || b == '%' || b == '&' || b == '\\':
			t[c] = isWide
		case 'a' <= b|0x20 && b|0x20 <= 'z':
		default:
			t[c] = isSeparator
		}
	}
	return t
}()

const (
	maxVisible   = 16 // visible separator characters between two digits
	maxInvisible = 64 // zero-width characters between two digits
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

// fancy are digits in rings, in brackets, with a point, as exponents and as
// indexes: from..to, and what the first of them is worth.
var fancy = [...]struct {
	from, to rune
	first    byte
}{
	{0xb2, 0xb3, 2}, {0xb9, 0xb9, 1}, {0x2070, 0x2070, 0}, {0x2074, 0x2079, 4}, {0x2080, 0x2089, 0}, {0x2460, 0x2468, 1}, {0x2474, 0x247c, 1}, {0x2488, 0x2490, 1},
	{0x24ea, 0x24ea, 0}, {0x24f5, 0x24fd, 1}, {0x24ff, 0x24ff, 0}, {0x2776, 0x277e, 1}, {0x2780, 0x2788, 1}, {0x278a, 0x2792, 1}, {0x1f100, 0x1f100, 0},
	{0x1f101, 0x1f10a, 0}, {0x1f10b, 0x1f10b, 0}, {0x1f10c, 0x1f10c, 0},
}

// foreign gives the value of a digit that is not ASCII: decimal digits of all
// scripts, and the fancy ones.
func foreign(r rune) (byte, bool) {
	if r < 0x660 || r >= 0x2070 && r <= 0x2792 || r >= 0x1f100 && r <= 0x1f10c {
		for _, f := range fancy {
			if f.from <= r && r <= f.to {
				return f.first + byte(r-f.from), true
			}
		}
		return 0, false
	}
	if !unicode.Is(unicode.Nd, r) {
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

// separator gives the width of the separator character at i, 0 if it is none.
func separator(text string, i int) (size int, visible bool) {
	c := text[i]
	switch {
	case c >= utf8.RuneSelf:
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == 0x115f || r == 0x1160 || r == 0x3164 || r == 0xffa0 {
			return size, false // letters that nobody sees
		}
		if unicode.IsLetter(r) || unicode.IsNumber(r) {
			return 0, false
		}
		return size, !unicode.In(r, unicode.Cf, unicode.Mn, unicode.Me)
	case c == '%' || c == '&' || c == '\\':
		r, size := unescape(text[i:])
		if size == 0 {
			return 1, true
		}
		if r < utf8.RuneSelf && class[r]&isSeparator == 0 && class[r]&isWide == 0 {
			return 0, false
		}
		return size, true
	}
	if class[c]&isSeparator == 0 {
		return 0, false
	}
	return 1, true
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
// number of its digits, and stores nothing: most chains are too short. last is
// where the last unbroken run of digits begins.
func measure(text string, i int) (end, digits, last int) {
	last = i
	for end = i; i < len(text); {
		c := class[text[i]]
		if c == isDigit {
			digits++
			i++
			end = i
			continue
		}
		if c == isSeparator { // by far the most frequent: few of them, before a digit or a letter
			for next := i + 1; next < len(text) && next-i <= maxVisible; next++ {
				if c = class[text[next]]; c != isSeparator {
					if c == isDigit {
						i, last = next, next
					}
					break
				}
			}
			if c == isDigit {
				continue
			}
		}
		if c == 0 {
			return end, digits, last
		}
		if _, size, ok := digitAt(text, i); ok {
			digits++
			i += size
			end = i
			continue
		}
		next, more := gap(text, i, len(text))
		if !more {
			return end, digits, last
		}
		i, last = next, next
	}
	return end, digits, last
}

// collect stores digits and groups of text[from:to].
func (c *chain) collect(from, to int) {
	i, behind := from, from
	for i < to {
		next, ok := gap(c.text, i, to)
		if !ok {
			break
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
	c.sum()
}

// sum prepares luhn: sums of all digits before each, every second one doubled.
func (c *chain) sum() {
	room := make([]int32, 2*(len(c.digits)+1))
	c.sums = [2][]int32{room[:len(c.digits)+1], room[len(c.digits)+1:]}
	for i, d := range c.digits {
		for odd := range c.sums {
			v := int32(d.value)
			if i%2 == odd {
				if v *= 2; v > 9 {
					v -= 9
				}
			}
			c.sums[odd][i+1] = c.sums[odd][i] + v
		}
	}
}

// luhn reports whether the last of the digits from..to checks (ISO/IEC 7812-1,
// annex B).
func (c *chain) luhn(from, to int) bool {
	s := c.sums[to%2]
	return (s[to]-s[from])%10 == 0
}

// card reports whether the digits from..to are a number that a network issues.
func (c *chain) card(from, to int) bool {
	n := to - from
	if n < shortest || n > longest || !c.luhn(from, to) {
		return false
	}
	head := 0
	for _, d := range c.digits[from : from+6] {
		head = head*10 + int(d.value)
	}
	return issued(head, n)
}

// places gives where the digits from..to begin and end in the text.
func (c *chain) places(from, to int) (start, end int) {
	d := c.digits[to-1]
	return int(c.digits[from].at), int(d.at) + int(d.size)
}

// number gives the digits from..to as a number; -1 if they are too many.
func (c *chain) number(g group) int {
	if g.size() > 9 {
		return -1
	}
	n := 0
	for _, d := range c.digits[g.from:g.to] {
		n = n*10 + int(d.value)
	}
	return n
}

// pair reads two digits as the hexadecimal code of a digit or a space: see coded.
func (c *chain) pair(i int) (byte, bool) {
	a, b := c.digits[i].value, c.digits[i+1].value
	switch {
	case a == 3:
		return b, true
	case a == 2 && b == 0:
		return ' ', true
	}
	return 0, false
}

func isPoint(sep string) bool { return sep == "." || sep == "," }

func anyOf(sep string, of string) bool { return len(sep) == 1 && strings.Contains(of, sep) }
