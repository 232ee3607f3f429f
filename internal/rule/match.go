package rule

import (
	"slices"
	"strings"
)

// Value is one stored value of a row: Text for Text, List for TextList, Int for
// all other kinds (0 or 1, minor units, a day number; for DaysSince the date).
type Value struct {
	Int  int64
	Text string
	List []string
}

// Row holds the stored values of one row, each at its field's Index.
type Row []Value

// test is a compiled condition; today is a day number.
type test func(r Row, today int64) bool

func (v *Vocabulary) compile(n *node) test {
	switch n.op {
	case opAnd, opOr:
		kids := make([]test, len(n.kids))
		for i, kid := range n.kids {
			kids[i] = v.compile(kid)
		}
		if n.op == opAnd {
			return all(kids)
		}
		return some(kids)
	case opNot:
		kid := v.compile(n.kids[0])
		return func(r Row, today int64) bool { return !kid(r, today) }
	case opToday:
		x := n.ints[0]
		return pick(n.rel, func(_ Row, today int64) (int64, int64) { return today, x })
	case opField:
		i := n.field
		return pick(n.rel, func(r Row, today int64) (int64, int64) { return r[i].Int, today })
	case opCompare:
		return v.compareTest(n)
	case opIn:
		return v.inTest(n)
	case opPrefix:
		i, s := n.field, n.texts[0]
		return func(r Row, _ int64) bool { return strings.HasPrefix(r[i].Text, s) }
	case opOverlap:
		return overlapTest(n.field, n.texts)
	}
	yes := n.yes
	return func(Row, int64) bool { return yes }
}

func all(kids []test) test {
	if len(kids) == 2 {
		a, b := kids[0], kids[1]
		return func(r Row, today int64) bool { return a(r, today) && b(r, today) }
	}
	return func(r Row, today int64) bool {
		for _, kid := range kids {
			if !kid(r, today) {
				return false
			}
		}
		return true
	}
}

func some(kids []test) test {
	if len(kids) == 2 {
		a, b := kids[0], kids[1]
		return func(r Row, today int64) bool { return a(r, today) || b(r, today) }
	}
	return func(r Row, today int64) bool {
		for _, kid := range kids {
			if kid(r, today) {
				return true
			}
		}
		return false
	}
}

// pick compares the two numbers that pair gives.
func pick(c rel, pair func(Row, int64) (int64, int64)) test {
	switch c {
	case eq:
		return func(r Row, t int64) bool { a, b := pair(r, t); return a == b }
	case ne:
		return func(r Row, t int64) bool { a, b := pair(r, t); return a != b }
	case lt:
		return func(r Row, t int64) bool { a, b := pair(r, t); return a < b }
	case le:
		return func(r Row, t int64) bool { a, b := pair(r, t); return a <= b }
	case gt:
		return func(r Row, t int64) bool { a, b := pair(r, t); return a > b }
	}
	return func(r Row, t int64) bool { a, b := pair(r, t); return a >= b }
}

// since is the number of whole days from a stored date to today.
func since(stored, today int64) int64 {
	if stored < 1 || stored > today {
		return 0
	}
	return today - stored
}

func (v *Vocabulary) compareTest(n *node) test {
	i := n.field
	switch f := &v.fields[i]; {
	case f.Kind == Text:
		return textTest(n.rel, i, n.texts[0])
	case f.DaysSince:
		x := n.ints[0]
		return pick(n.rel, func(r Row, today int64) (int64, int64) { return since(r[i].Int, today), x })
	}
	x := n.ints[0]
	switch n.rel {
	case eq:
		return func(r Row, _ int64) bool { return r[i].Int == x }
	case ne:
		return func(r Row, _ int64) bool { return r[i].Int != x }
	case lt:
		return func(r Row, _ int64) bool { return r[i].Int < x }
	case le:
		return func(r Row, _ int64) bool { return r[i].Int <= x }
	case gt:
		return func(r Row, _ int64) bool { return r[i].Int > x }
	}
	return func(r Row, _ int64) bool { return r[i].Int >= x }
}

func textTest(c rel, i int, s string) test {
	switch c {
	case eq:
		return func(r Row, _ int64) bool { return r[i].Text == s }
	case ne:
		return func(r Row, _ int64) bool { return r[i].Text != s }
	case lt:
		return func(r Row, _ int64) bool { return r[i].Text < s }
	case le:
		return func(r Row, _ int64) bool { return r[i].Text <= s }
	case gt:
		return func(r Row, _ int64) bool { return r[i].Text > s }
	}
	return func(r Row, _ int64) bool { return r[i].Text >= s }
}

// few is the length up to which walking a list beats searching it.
const few = 8

func (v *Vocabulary) inTest(n *node) test {
	i, f := n.field, &v.fields[n.field]
	if f.Kind == Text {
		has := among(n.texts)
		return func(r Row, _ int64) bool { return has(r[i].Text) }
	}
	ints := n.ints // sorted
	if f.DaysSince {
		return func(r Row, today int64) bool {
			_, found := slices.BinarySearch(ints, since(r[i].Int, today))
			return found
		}
	}
	return func(r Row, _ int64) bool {
		_, found := slices.BinarySearch(ints, r[i].Int)
		return found
	}
}

func among(texts []string) func(string) bool {
	if len(texts) <= few {
		return func(s string) bool { return slices.Contains(texts, s) }
	}
	set := make(map[string]struct{}, len(texts))
	for _, s := range texts {
		set[s] = struct{}{}
	}
	return func(s string) bool { _, ok := set[s]; return ok }
}

func overlapTest(i int, texts []string) test {
	has := among(texts)
	return func(r Row, _ int64) bool {
		for _, s := range r[i].List {
			if has(s) {
				return true
			}
		}
		return false
	}
}
