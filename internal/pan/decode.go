package pan

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// entities are the named characters of HTML that may part a number. Nobody
// writes to it.
var entities = map[string]rune{
	"nbsp": 0xa0, "ensp": 0x2002, "emsp": 0x2003, "thinsp": 0x2009, "shy": 0xad, "zwnj": 0x200c, "zwj": 0x200d, "lrm": 0x200e, "rlm": 0x200f, "ndash": 0x2013, "mdash": 0x2014,
	"minus": 0x2212, "middot": 0xb7, "bull": 0x2022, "hyphen": 0x2010, "sol": '/', "comma": ',', "period": '.', "colon": ':', "Tab": '\t', "NewLine": '\n', "lt": '<', "gt": '>',
	"quot": '"', "apos": '\'', "amp": '&', "num": '#', "lowbar": '_',
}

// unescape gives the character that an escape at the beginning of s stands for:
// of addresses (%34, a byte of it), of HTML (&#52; &#x34; &nbsp;), of JSON and
// programs (\u0034 \x34 \n). The size is 0 if there is none.
func unescape(s string) (r rune, size int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch s[0] {
	case '%':
		r, size = hexAt(s, 1, 2)
	case '\\':
		switch s[1] {
		case 'n', 'r', 't', 'f', 'v', 'b':
			return '\n', 2
		case 'u':
			r, size = hexAt(s, 2, 4)
		case 'x':
			r, size = hexAt(s, 2, 2)
		}
	case '&':
		return entity(s)
	}
	return r, size
}

// hexAt reads n hexadecimal digits that begin at from.
func hexAt(s string, from, n int) (r rune, size int) {
	if len(s) < from+n {
		return 0, 0
	}
	for i := from; i < from+n; i++ {
		v := nibble(s[i])
		if v < 0 {
			return 0, 0
		}
		r = r<<4 | rune(v)
	}
	return r, from + n
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

// entity reads a character of HTML. Browsers need no semicolon behind a number.
func entity(s string) (r rune, size int) {
	if s[1] != '#' {
		end := strings.IndexByte(s[:min(len(s), 10)], ';')
		if end < 0 {
			return 0, 0
		}
		if r, ok := entities[s[1:end]]; ok {
			return r, end + 1
		}
		return 0, 0
	}
	i, base := 2, rune(10)
	if i < len(s) && s[i]|0x20 == 'x' {
		i, base = 3, 16
	}
	first := i
	for ; i < len(s) && i-first < 8; i++ {
		v := rune(nibble(s[i]))
		if v < 0 || v >= base {
			break
		}
		r = min(r*base+v, utf8.MaxRune)
	}
	if i == first {
		return 0, 0
	}
	if i < len(s) && s[i] == ';' {
		i++
	}
	return r, i
}

// hides reports whether an escape at i stands for a digit, or may be a piece of
// one: only then is the text worth being decoded.
func hides(text string, i int) bool {
	r, size := unescape(text[i:])
	if size == 0 {
		return false
	}
	if r < utf8.RuneSelf {
		return r >= '0' && r <= '9' || r == '&'
	}
	if text[i] == '%' {
		return r >= 0xc2 && class[r]&isForeign != 0
	}
	_, ok := foreign(r)
	return ok
}

// printable is the size of a run of digits in quoted-printable (RFC 2045), 0 if
// there are less than four: "=34" alone also stands in many an address.
func printable(s string) int {
	n := 0
	for len(s) >= n+3 && s[n] == '=' && s[n+1] == '3' && s[n+2] >= '0' && s[n+2] <= '9' {
		n += 3
	}
	if n < 12 {
		return 0
	}
	return n
}

// decode replaces escapes by what they stand for, if any of them hides a digit;
// at gives the place in the text of each byte, and of the end.
func decode(text string) (plain string, at []int32, ok bool) {
	if !escaped(text) {
		return "", nil, false
	}
	out := make([]byte, 0, len(text))
	at = make([]int32, 0, len(text)+1)
	put := func(from, size int, bytes ...byte) {
		for range bytes {
			at = append(at, int32(from))
		}
		out = append(out, bytes...)
	}
	for i := 0; i < len(text); {
		c := text[i]
		if class[c] == isWide && c < utf8.RuneSelf {
			if r, size := unescape(text[i:]); size > 0 {
				if c == '%' {
					put(i, size, byte(r))
				} else {
					put(i, size, utf8.AppendRune(nil, r)...)
				}
				i += size
				continue
			}
		}
		if n := printable(text[i:]); c == '=' && n > 0 {
			for end := i + n; i < end; i += 3 {
				put(i, 3, text[i+2])
			}
			continue
		}
		put(i, 1, c)
		i++
	}
	return string(out), append(at, int32(len(text))), true
}

func escaped(text string) bool {
	for _, c := range [...]byte{'%', '&', '\\', '='} {
		for i := strings.IndexByte(text, c); i >= 0; {
			if c == '=' && printable(text[i:]) > 0 || c != '=' && hides(text, i) {
				return true
			}
			n := strings.IndexByte(text[i+1:], c)
			if n < 0 {
				break
			}
			i += 1 + n
		}
	}
	return false
}

// sixtyFour gives the value of a character of base64 in both alphabets, 64 if it
// is none. Nobody writes to it.
var sixtyFour = func() (t [256]byte) {
	for i := range t {
		t[i] = 64
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/") {
		t[c] = byte(i)
	}
	t['-'], t['_'] = 62, 63
	return t
}()

const (
	shortWord = 18   // characters of 13 digits in base64
	piece     = 1024 // characters that are decoded at once
	overlap   = 256
)

// words visits the words that are long enough to hold a number in base64. It
// looks at one character in sixteen of what is in words of a common length.
func words(text string, visit func(from, to int) bool) bool {
	done := 0
	for p := 15; p < len(text); p += 16 {
		if sixtyFour[text[p]] == 64 {
			continue
		}
		from, to := p, p+1
		for from > done && sixtyFour[text[from-1]] != 64 {
			from--
		}
		for to < len(text) && sixtyFour[text[to]] != 64 {
			to++
		}
		if to-from >= shortWord && visit(from, to) {
			return true
		}
		done, p = to, max(p, to-15)
	}
	return false
}

// unpacked looks for numbers in base64 words, which may begin at any of four
// places: a word can have something else in front.
func unpacked(text string, depth int, each func(Span)) bool {
	found := false
	words(text, func(from, to int) bool {
		for begin := from; begin < to; begin += piece - overlap {
			end := min(to, begin+piece)
			for shift := range 4 {
				if unpack(text[begin:min(end, len(text))], begin, shift, depth, each) {
					found = true
					if each == nil {
						return true
					}
					break
				}
			}
			if end == to {
				break
			}
		}
		return false
	})
	return found
}

// unpack decodes one piece and looks into it. The span is that of the whole
// characters which hold the number.
func unpack(word string, begin, shift, depth int, each func(Span)) bool {
	var room [piece]byte
	out, digits := room[:0], 0
	for i := shift; i < len(word); i += 4 {
		var v uint32
		n := min(4, len(word)-i)
		for k := range n {
			v |= uint32(sixtyFour[word[i+k]]) << (18 - 6*k)
		}
		for k := range n - 1 {
			b := byte(v >> (16 - 8*k))
			if b >= '0' && b <= '9' || b >= 0xc2 {
				digits++
			}
			out = append(out, b)
		}
	}
	if digits < shortest {
		return false
	}
	plain, found := string(out), false
	look(plain, depth-1, func(s Span) {
		if readable(plain[s.Start:s.End]) {
			found = true
			if each != nil {
				end := begin + shift + (s.End+2)/3*4
				each(Span{begin + shift + s.Start/3*4, min(end, begin+len(word)), true})
			}
		}
	})
	return found
}

// readable reports text as people write it: bytes by chance hold other things.
func readable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) && r != '\n' && r != '\r' && r != '\t' })
}
