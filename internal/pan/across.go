package pan

import "strings"

// Field is one text of a form, by the name that the form gives it.
type Field struct{ Name, Text string }

// Across finds a card number that is split over neighbouring fields of one form:
// from and to are the first and the last of them. A field takes part with the
// digits at its end, the next one with those at its beginning, and those between
// with digits and nothing else. A field that holds what its name says, a
// telephone number or a postal code, takes no part.
func Across(fields []Field) (from, to int, ok bool) {
	for i := range fields {
		for _, sum := range fragments(fields[i], true) {
			for j := i + 1; j < len(fields); j++ {
				next, whole := fragments(fields[j], false), false
				for _, f := range next {
					if both, fits := sum.and(f); fits && both.card() {
						return i, j, true
					}
					whole = whole || f.pure
				}
				if !whole {
					break
				}
				var fits bool
				if sum, fits = sum.and(next[0]); !fits {
					break
				}
			}
		}
	}
	return 0, 0, false
}

// fits are the words of names, and how many digits such a field has by nature.
var fits = [...]struct {
	words    string
	from, to int
}{
	{"phone mobile fax", 7, 15}, {"postal zip", 3, 9}, {"ssn tax ein routing", 9, 9},
	{"amount principal rate balance fee income payment price limit", 1, 9}, {"term months minutes hours days year years port count size number_of version", 1, 4},
}

// natural reports a field that holds what it is there for.
func natural(f Field) bool {
	name, digits := f.Name[strings.LastIndexByte(f.Name, '.')+1:], 0
	for i := range len(f.Text) {
		switch c := f.Text[i]; {
		case c >= '0' && c <= '9':
			digits++
		case c >= 'A':
			return false
		}
	}
	for _, k := range fits {
		if digits < k.from || digits > k.to {
			continue
		}
		for word := range strings.FieldsSeq(k.words) {
			if at := strings.Index(name, word); at >= 0 && (at == 0 || name[at-1] == '_') {
				return true
			}
		}
	}
	return false
}

// fragment is a piece of a number. A pure one is all that stands in its field;
// of another only groups of the sizes of a card's face are believed.
type fragment struct {
	digits [longest]byte
	groups [longest]byte // sizes of the groups
	n, m   int           // digits, groups
	pure   bool
}

// and joins two pieces, if they are not too long together.
func (f fragment) and(g fragment) (fragment, bool) {
	if f.n+g.n > longest || f.m+g.m > longest {
		return f, false
	}
	copy(f.digits[f.n:], g.digits[:g.n])
	copy(f.groups[f.m:], g.groups[:g.m])
	f.n, f.m, f.pure = f.n+g.n, f.m+g.m, f.pure && g.pure
	return f, true
}

func (f fragment) card() bool {
	if f.n < shortest {
		return false
	}
	c := chain{}
	for i, d := range f.digits[:f.n] {
		c.digits = append(c.digits, digit{at: int32(i), size: 1, value: d})
	}
	c.sum()
	if !c.card(0, f.n) {
		return false
	}
	at := 0
	for _, size := range f.groups[:f.m] {
		c.groups = append(c.groups, group{from: at, to: at + int(size)})
		at += int(size)
	}
	return f.pure || c.printed(0, f.m-1)
}

// edge is how much of a long field is looked at.
const edge = 100

// fragments gives the pieces that a number could continue with: those at the end
// of a field or at its beginning, the whole first.
func fragments(f Field, atEnd bool) (out []fragment) {
	field := f.Text
	if field == "" || natural(f) {
		return nil
	}
	if len(field) > 2*edge {
		if atEnd {
			field = field[len(field)-edge:]
		} else {
			field = field[:edge]
		}
	}
	c, pure := lastChain(field, atEnd)
	if len(c.digits) == 0 || len(c.digits) > 2*longest || c.explained(0, len(c.groups)-1) {
		return nil
	}
	take := func(a, b int, pure bool) {
		f := fragment{pure: pure}
		if c.groups[b].to-c.groups[a].from >= longest {
			return
		}
		for _, g := range c.groups[a : b+1] {
			f.groups[f.m] = byte(g.size())
			f.m++
		}
		for _, d := range c.digits[c.groups[a].from:c.groups[b].to] {
			f.digits[f.n] = d.value
			f.n++
		}
		if pure || f.n >= 4 {
			out = append(out, f)
		}
	}
	if pure {
		take(0, len(c.groups)-1, true)
	}
	for k := range c.groups {
		if atEnd && (k > 0 || !pure) {
			take(k, len(c.groups)-1, false)
		} else if !atEnd && (k < len(c.groups)-1 || !pure) {
			take(0, k, false)
		}
	}
	return out
}

// lastChain gives the chain at the end of a field, or at its beginning; pure
// means that nothing but separators stands beside it.
func lastChain(field string, atEnd bool) (c chain, pure bool) {
	for i, first := 0, true; i < len(field); first = false {
		start, clear := gap(field, i, len(field))
		if !clear {
			if !atEnd || start >= len(field) {
				return c, false
			}
			_, size, _ := digitAt(field, start)
			i = start + max(size, 1)
			continue
		}
		end, _, _ := measure(field, start)
		after, _ := gap(field, end, len(field))
		if end == len(field) {
			after = end
		}
		if atEnd && after < len(field) {
			i = after + 1
			continue
		}
		c.text = field
		c.collect(start, end)
		return c, first && after >= len(field)
	}
	return c, false
}
