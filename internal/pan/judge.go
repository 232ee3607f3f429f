package pan

import (
	"net/netip"
	"strings"
)

// judge looks through one chain for card numbers. They begin and end with a
// group; the longest at each place wins, so that a mask covers all of it.
func judge(text string, start, end, digits int, each func(Span)) bool {
	c := chain{text: text, digits: make([]digit, 0, digits)}
	c.collect(start, end)
	found := false
	for i := 0; i < len(c.groups); i++ {
		if last, cut, ok := c.longestFrom(i); ok {
			found = true
			if each == nil {
				return true
			}
			d := c.digits[cut-1]
			each(Span{int(c.digits[c.groups[i].from].at), int(d.at) + int(d.size)})
			i = last
		}
	}
	return found
}

// longestFrom gives the last group of the longest card number that begins with
// group i, and the index behind its last digit.
func (c *chain) longestFrom(i int) (last, cut int, ok bool) {
	var room [longest]byte
	v := room[:0]
	first := c.groups[i]
	if n := first.size(); n > longest {
		if n = c.glued(first); n > 0 {
			return i, first.from + n, true
		}
		return 0, 0, false
	}
	for j := i; j < len(c.groups); j++ {
		g := c.groups[j]
		if len(v)+g.size() > longest {
			break
		}
		for _, d := range c.digits[g.from:g.to] {
			v = append(v, d.value)
		}
		if len(v) >= shortest && issued(v) && luhn(v) && c.credible(i, j, len(v)) {
			last, cut, ok = j, g.to, true
		}
	}
	return last, cut, ok
}

// glued finds a card number with its expiry date (MMYY) and perhaps its
// security code stuck to it, as in a dump without separators.
func (c *chain) glued(g group) int {
	for _, n := range [...]int{16, 15} {
		rest := g.size() - n
		if rest != 4 && rest != 7 && rest != 8 {
			continue
		}
		v := c.values(g.from, g.from+n+4)
		month, year := v[n]*10+v[n+1], v[n+2]*10+v[n+3]
		if month >= 1 && month <= 12 && year >= 20 && year <= 49 && issued(v[:n]) && luhn(v[:n]) {
			return n
		}
	}
	return 0
}

// credible weighs grouping and surroundings of the groups i..j.
func (c *chain) credible(i, j, n int) bool {
	from := int(c.digits[c.groups[i].from].at)
	d := c.digits[c.groups[j].to-1]
	to := int(d.at) + int(d.size)
	if c.quiet(i, j, from, to, n) {
		return false
	}
	if i == j {
		return true
	}
	if c.printed(i, j) {
		return true
	}
	if !c.homogeneous(i, j) {
		return false
	}
	left := i > 0 && c.groups[i].sep == c.groups[j].sep
	right := j+1 < len(c.groups) && c.groups[j+1].sep == c.groups[j].sep
	if g := c.groups[i].size(); c.regular(i, j) {
		table := (left && c.groups[i-1].size() == g) || (right && c.groups[j+1].size() == g)
		return g == 4 || !table
	}
	inner := len(c.groups[j].sep) // a neighbour must stand further off than the groups do
	return (i == 0 || inner < len(c.groups[i].sep)) && (j+1 == len(c.groups) || inner < len(c.groups[j+1].sep))
}

// homogeneous reports whether all separators inside the groups are the same.
func (c *chain) homogeneous(i, j int) bool {
	for k := i + 2; k <= j; k++ {
		if c.groups[k].sep != c.groups[i+1].sep {
			return false
		}
	}
	return true
}

// printed reports a grouping as it stands on cards: 4-4-4-4 (and up to three
// more), 4-6-5, 4-6-4, 4-3-3-3, 6-13.
func (c *chain) printed(i, j int) bool {
	var b [8]byte
	p := b[:0]
	for _, g := range c.groups[i : j+1] {
		if len(p) == len(b) || g.size() > 13 {
			return false
		}
		p = append(p, 'a'+byte(g.size()))
	}
	switch string(p) {
	case "eeee", "eeeeb", "eeeec", "eeeed", "egf", "ege", "eddd", "gn":
		return true
	}
	return false
}

// regular reports groups of one size, where the last may be shorter.
func (c *chain) regular(i, j int) bool {
	size := c.groups[i].size()
	for _, g := range c.groups[i:j] {
		if g.size() != size {
			return false
		}
	}
	return c.groups[j].size() <= size
}

// quiet reports numbers that are something else for certain.
func (c *chain) quiet(i, j, from, to, n int) bool {
	switch {
	case n == 13 && from > 0 && c.text[from-1] == '+':
		return true // an international telephone number
	case c.decimal(i, j):
		return true
	case c.thousands(i, j, n):
		return true
	case i == j && token(c.text, from, to):
		return true
	case i < j && c.groups[j].sep == ":" && inIPv6(c.text, from, to):
		return true
	}
	return inIBAN(c.text, from, to)
}

// decimal reports a number with a point: an amount ("1234567890123.45", up to
// 15 digits in front: a card number that a spreadsheet made a number of has 16)
// or a fraction ("0.4111111111111111", "12.4…"; behind a comma only after 0,
// because a comma also parts the columns of a list).
func (c *chain) decimal(i, j int) bool {
	if j > i+1 || (j == i+1 && !point(c.groups[j].sep)) {
		return false
	}
	whole := i
	if i == j && i > 0 && point(c.groups[i].sep) {
		whole = i - 1
	}
	part := whole + 1
	if part >= len(c.groups) || !point(c.groups[part].sep) || (whole > 0 && point(c.groups[whole].sep)) ||
		(part+1 < len(c.groups) && point(c.groups[part+1].sep)) {
		return false
	}
	w, p := c.groups[whole], c.groups[part]
	if p.size() <= 2 {
		return w.size() <= 15 && whole == i
	}
	if p.sep == "," {
		return w.size() == 1 && c.digits[w.from].value == 0
	}
	return w.size() <= 3
}

func point(sep string) bool { return sep == "." || sep == "," }

// thousands reports an amount in groups of three: "4,111,111,111,111.00".
func (c *chain) thousands(i, j, n int) bool {
	if j-i < 3 || c.groups[i].size() > 3 {
		return false
	}
	sep := c.groups[i+1].sep
	if sep != "," && sep != "." && sep != "'" && sep != "_" {
		return false
	}
	for k := i + 1; k <= j; k++ {
		g := c.groups[k]
		cents := k == j && g.size() <= 2 && g.sep != sep
		if !cents && (g.size() != 3 || g.sep != sep) {
			return false
		}
	}
	return n != 16 || c.groups[i].size() == 1
}

// token reports a number inside a word where letters and digits take turns, as
// in a hash or a random id.
func token(text string, from, to int) bool {
	for from > 0 && wordly(text[from-1]) {
		from--
	}
	for to < len(text) && wordly(text[to]) {
		to++
	}
	turns := 0
	for i := from + 1; i < to; i++ {
		if (text[i] <= '9') != (text[i-1] <= '9') {
			turns++
		}
	}
	return turns >= 6
}

func wordly(c byte) bool { return c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// inIPv6 reports a place inside an IPv6 address.
func inIPv6(text string, from, to int) bool {
	part := func(c byte) bool { return c == ':' || c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
	for from > 0 && part(text[from-1]) {
		from--
	}
	for to < len(text) && part(text[to]) {
		to++
	}
	address := text[from:to]
	if _, err := netip.ParseAddr(address); err != nil {
		return false
	}
	return strings.Contains(address, "::") || strings.ContainsAny(address, "abcdefABCDEF")
}

// inIBAN reports whether the place lies in an international bank account
// number (ISO 13616) with a right check sum, written in one or in groups.
func inIBAN(text string, from, to int) bool {
	for p := from - 1; p >= 0 && p > from-60; p-- {
		c := text[p]
		if !wordly(c) && c != ' ' && c != '-' {
			return false
		}
		if c < 'A' || (p > 0 && wordly(text[p-1])) || p+4 > len(text) {
			continue
		}
		if text[p+1] >= 'A' && text[p+2] <= '9' && wordly(text[p+2]) && text[p+3] <= '9' && wordly(text[p+3]) && ibanAt(text[p:], to-p) {
			return true
		}
	}
	return false
}

// ibanAt reports an IBAN at the beginning of s that reaches at least to need.
func ibanAt(s string, need int) bool {
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() <= 34; i++ {
		if wordly(s[i]) {
			b.WriteByte(s[i])
		} else if s[i] != ' ' && s[i] != '-' {
			return false
		}
		if ends := i+1 == len(s) || !wordly(s[i+1]); ends && i+1 >= need && b.Len() >= 15 && b.Len() <= 34 && mod97(b.String()) == 1 {
			return true
		}
	}
	return false
}

// mod97 is the check sum of ISO 7064 over the rearranged text.
func mod97(s string) int {
	m := 0
	for _, c := range []byte(s[4:] + s[:4]) {
		if c <= '9' {
			m = (m*10 + int(c-'0')) % 97
		} else {
			m = (m*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	return m
}
