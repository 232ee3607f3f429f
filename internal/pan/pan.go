// Package pan finds payment card numbers (primary account numbers, PAN) in
// text, so that they can be refused or masked before they are stored or logged
// anywhere.
//
// A card number is 13 to 19 digits in the range of a known issuer, of a length
// that is issued there, whose last digit is right by Luhn (ISO/IEC 7812-1).
// People write it in groups and with any separator, in the digits of any script
// and over the ends of lines; programs hide it in track data, escapes of
// addresses, of HTML and of JSON, in hexadecimal codes and in base64. One long
// number in ten passes Luhn by chance, so grouping and surroundings decide as
// well: ids, hashes, IBANs, amounts, dates, coordinates and telephone numbers
// stay unnoticed. What has the form of a card number in every respect is
// reported: about one in forty of random 16-digit numbers that nothing is said of.
//
// It does not find numbers in words ("four one one one"), with letters in the
// place of digits, in cipher, in compressed data or in pictures.
//
// The package holds no card number longer than a call, has no state and does
// no I/O. Its answers never contain digits: offsets and booleans only.
package pan

import (
	"math/bits"
	"slices"
	"strings"
)

// Span is a place in the text: byte offsets, end exclusive. A coded one is not
// written in digits but in escapes or base64.
type Span struct {
	Start, End int
	Coded      bool
}

// depth is how many codes may lie one in another.
const depth = 2

// Contains reports whether the text holds a card number.
func Contains(text string) bool { return look(text, depth, nil) }

// Find gives the places of all card numbers, in order, without overlap. A span
// runs from the first digit to the last and includes separators.
func Find(text string) []Span {
	var found []Span
	look(text, depth, func(s Span) { found = append(found, s) })
	if len(found) < 2 {
		return found
	}
	slices.SortStableFunc(found, func(a, b Span) int { return a.Start - b.Start })
	out := found[:1]
	for _, s := range found[1:] {
		if s.Start >= out[len(out)-1].End {
			out = append(out, s)
		}
	}
	return out
}

// Mask replaces every digit of each card number but the last four with "*", and
// a coded number as a whole. The result holds no card number.
func Mask(text string) string {
	for range 4 {
		found := Find(text)
		if len(found) == 0 {
			return text
		}
		text = cover(text, found, 4)
	}
	for found := Find(text); len(found) > 0; found = Find(text) {
		text = cover(text, found, 0) // what is left joined with its neighbours
	}
	return text
}

// Hidden stands for a number of which nothing may be shown.
const Hidden = "****"

// Sign gives the first card number of a text as it may be recorded: its last
// four digits, or nothing of it if it is coded; "" if there is none.
func Sign(text string) string {
	found := Find(text)
	if len(found) == 0 {
		return ""
	}
	if found[0].Coded {
		return Hidden
	}
	var last [4]byte
	for s := text[found[0].Start:found[0].End]; s != ""; {
		v, size, ok := digitAt(s, 0)
		if s = s[size:]; ok {
			last = [4]byte{last[1], last[2], last[3], '0' + v}
		}
	}
	return Hidden + " " + string(last[:])
}

// cover writes stars over the digits of the spans but the last keep of each.
func cover(text string, spans []Span, keep int) string {
	var b strings.Builder
	b.Grow(len(text))
	at := 0
	for _, s := range spans {
		b.WriteString(text[at:s.Start])
		at = s.End
		if s.Coded {
			b.WriteString(Hidden)
			continue
		}
		hide := -keep
		for i := s.Start; i < s.End; {
			_, size, ok := digitAt(text, i)
			if ok {
				hide++
			}
			i += size
		}
		for i := s.Start; i < s.End; {
			_, size, ok := digitAt(text, i)
			if ok && hide > 0 {
				b.WriteByte('*')
				hide--
			} else {
				b.WriteString(text[i : i+size])
			}
			i += size
		}
	}
	b.WriteString(text[at:])
	return b.String()
}

// look calls each for every card number, or returns true at the first when each
// is nil. Spans may come out of order and overlap.
func look(text string, depth int, each func(Span)) bool {
	if len(text) < shortest {
		return false
	}
	found := scan(text, each)
	if found && each == nil || depth == 0 {
		return found
	}
	if plain, at, ok := decode(text); ok {
		var mapped func(Span)
		if each != nil {
			mapped = func(s Span) { each(Span{int(at[s.Start]), int(at[s.End]), true}) }
		}
		if look(plain, depth-1, mapped) {
			if found = true; each == nil {
				return true
			}
		}
	}
	return unpacked(text, depth, each) || found
}

// scan looks for numbers that are written in digits.
func scan(text string, each func(Span)) bool {
	found := false
	for i := 0; ; {
		if i = next(text, i); i < 0 || i+shortest > len(text) {
			return found
		}
		if _, size, ok := digitAt(text, i); !ok {
			i += size
			continue
		}
		end, digits, last := measure(text, i)
		if digits >= shortest && judge(text, i, end, digits, each) {
			if found = true; each == nil {
				return true
			}
		}
		if i = end; end-last == 4 && end < len(text) {
			if stop, ok := repeated(text, last, end); ok {
				if found = true; each == nil {
					return true
				}
				each(Span{last, stop, false})
				i = stop
			}
		}
	}
}

// next gives the place of the next byte that may begin a digit, -1 if there is
// none. It looks at eight bytes at once.
func next(text string, i int) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(text); i += 8 {
		s := text[i : i+8]
		x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		low := x &^ tops
		// A byte below 128 is a digit if adding 0x50 carries into the top bit and
		// adding 0x46 does not. Above, 0xc2 and what begins at 0xd9 may open a
		// digit: the letters of most alphabets are passed over eight at once.
		digits := (low + 0x50*ones) &^ (low + 0x46*ones) &^ x
		others := ((low + 0x27*ones) | (tops - (low ^ 0x42*ones))) & x
		for may := (digits | others) & tops; may != 0; may &= may - 1 {
			if k := i + bits.TrailingZeros64(may)/8; class[text[k]]&opens != 0 {
				return k
			}
		}
	}
	for ; i < len(text); i++ {
		if class[text[i]]&opens != 0 {
			return i
		}
	}
	return -1
}
