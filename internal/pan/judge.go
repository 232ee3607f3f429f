package pan

import "strings"

// judge looks through one chain for card numbers. They begin and end with a
// group; the longest at each place wins, so that a mask covers all of it.
func judge(text string, start, end, digits int, each func(Span)) bool {
	c := chain{text: text, digits: make([]digit, 0, digits)}
	c.collect(start, end)
	if digits >= 2*shortest {
		if from, to, ok := c.coded(); ok {
			if each == nil {
				return true
			}
			s, e := c.places(from, to)
			each(Span{s, e, true})
			return true
		}
	}
	found := false
	for i := 0; i < len(c.groups); i++ {
		if heads[c.head(c.groups[i].from)] == 0 && c.groups[i].size() < longest {
			continue
		}
		if last, from, to, ok := c.longestFrom(i); ok {
			found = true
			if each == nil {
				return true
			}
			s, e := c.places(from, to)
			each(Span{s, e, false})
			i = last
		}
	}
	return found
}

// head gives the two digits from i, 0 at the end.
func (c *chain) head(i int) int {
	if i+1 >= len(c.digits) {
		return 0
	}
	return int(c.digits[i].value)*10 + int(c.digits[i+1].value)
}

// longestFrom gives the longest card number that begins with group i: its last
// group and its digits from..to.
func (c *chain) longestFrom(i int) (last, from, to int, ok bool) {
	first := c.groups[i]
	if first.size() >= longest {
		if from, to = c.glued(first); to > 0 {
			return i, from, to, true
		}
	}
	for j := i; j < len(c.groups); j++ {
		g := c.groups[j]
		if g.to-first.from > longest {
			break
		}
		if c.card(first.from, g.to) && c.credible(i, j) {
			last, from, to, ok = j, first.from, g.to, true
		}
	}
	return last, from, to, ok
}

// glued finds a card number in a longer run: with noughts in front of it, as in
// a field of fixed width, or with its expiry date (MMYY) and perhaps its
// security code stuck to it, as in a dump without separators.
func (c *chain) glued(g group) (from, to int) {
	from = g.from
	for from < g.to && c.digits[from].value == 0 {
		from++
	}
	if n := g.to - from; from >= g.from+2 && (n == 15 || n == 16) && c.card(from, g.to) {
		return from, g.to
	}
	for _, n := range [...]int{16, 15} {
		rest := g.size() - n
		if rest != 4 && rest != 7 && rest != 8 {
			continue
		}
		if c.expires(g.from+n) && c.card(g.from, g.from+n) {
			return g.from, g.from + n
		}
	}
	return 0, 0
}

// expires reports whether the four digits from i are an expiry date, MMYY.
func (c *chain) expires(i int) bool {
	if i+4 > len(c.digits) {
		return false
	}
	month, year := c.head(i), c.head(i+2)
	return month >= 1 && month <= 12 && year >= 20 && year <= 49
}

// coded finds a card number written as the hexadecimal codes of its characters
// (3x for a digit, 20 for a space), in one run or by twos.
func (c *chain) coded() (from, to int, ok bool) {
	for start := range 2 {
		var n chain
		for i := start; i+1 < len(c.digits); i += 2 {
			v, pair := c.pair(i)
			switch {
			case pair && v <= 9:
				n.digits = append(n.digits, digit{at: int32(i), size: 2, value: v})
			case !pair || len(n.digits) == 0:
				if from, to, ok = n.somewhere(); ok {
					return from, to, true
				}
				n.digits = n.digits[:0]
			}
		}
		if from, to, ok = n.somewhere(); ok {
			return from, to, true
		}
	}
	return 0, 0, false
}

// somewhere finds a card number at any place of digits that are two wide.
func (c *chain) somewhere() (from, to int, ok bool) {
	if len(c.digits) < shortest {
		return 0, 0, false
	}
	c.sum()
	for i := 0; i+shortest <= len(c.digits); i++ {
		for n := longest; n >= shortest; n-- {
			if i+n <= len(c.digits) && c.card(i, i+n) {
				a, b := c.places(i, i+n)
				return a, b, true
			}
		}
	}
	return 0, 0, false
}

// credible weighs grouping and surroundings of the groups i..j.
func (c *chain) credible(i, j int) bool {
	if c.quiet(i, j) {
		return false
	}
	switch {
	case i == j:
		return true
	case c.printed(i, j):
		return !c.table(i, j)
	case c.uniform(i, j) && c.regular(i, j) && c.groups[i].size() != 3:
		return !c.beside(i, j, c.groups[i].size()) && (j > i+1 || c.groups[i].size() == c.groups[j].size() || !c.glue(i, j))
	}
	if amount, _ := c.triples(i, j); amount {
		return true // more than an amount can be, or it were quiet
	}
	return c.alone(i, j) && !c.glue(i, j) && !c.explained(i, j)
}

// uniform reports whether all separators inside the groups are the same.
func (c *chain) uniform(i, j int) bool {
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

// table reports a row of four and four digits that goes on like that: the middle
// of a longer number, or columns. One group in front may be something else, and
// the expiry date may follow.
func (c *chain) table(i, j int) bool {
	if c.groups[i].size() != 4 || c.groups[i+1].size() != 4 || !c.uniform(i, j) {
		return false
	}
	sep := c.groups[j].sep
	left := i > 0 && c.groups[i].sep == sep && c.groups[i-1].size() == 4
	right := j+1 < len(c.groups) && c.groups[j+1].sep == sep && c.groups[j+1].size() <= 4
	switch {
	case left && right:
		return true
	case left:
		return i > 1 && c.groups[i-1].sep == sep
	case right && c.groups[j+1].size() == 4:
		return !c.expires(c.groups[j+1].from) || j+2 < len(c.groups) && c.groups[j+2].sep == sep && c.groups[j+2].size() == 4
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

// beside reports that a group of the same size stands beside the groups i..j with
// the same separator.
func (c *chain) beside(i, j, size int) bool {
	sep := c.groups[j].sep
	return i > 0 && c.groups[i].sep == sep && c.groups[i-1].size() == size ||
		j+1 < len(c.groups) && c.groups[j+1].sep == sep && c.groups[j+1].size() == size
}

// alone reports that what stands beside the groups i..j is parted from them by
// something else than what parts them.
func (c *chain) alone(i, j int) bool {
	left, right := i > 0, j+1 < len(c.groups) && !c.listed(j+1)
	for k := i + 1; k <= j; k++ {
		if left && c.groups[i].sep == c.groups[k].sep || right && c.groups[j+1].sep == c.groups[k].sep {
			return false
		}
	}
	return true
}

// listed reports the number of a line in a list: "2. " or "2) ".
func (c *chain) listed(k int) bool {
	_, end := c.places(c.groups[k].from, c.groups[k].to)
	return c.groups[k].size() <= 2 && strings.Contains(c.groups[k].sep, "\n") && end+1 < len(c.text) && (c.text[end] == '.' || c.text[end] == ')') && c.text[end+1] == ' '
}

// glue reports a word right before or behind the groups i..j, unless these are
// one run that was broken at the end of a line. One letter is no word.
func (c *chain) glue(i, j int) bool {
	if j == i+1 && strings.ContainsAny(c.groups[j].sep, "\r\n") {
		return false
	}
	start, end := c.places(c.groups[i].from, c.groups[j].to)
	return start > 1 && wordly(c.text[start-1]) && wordly(c.text[start-2]) || end+1 < len(c.text) && wordly(c.text[end]) && wordly(c.text[end+1])
}

// repeated finds a number in groups as they are printed, with the same words or
// marks between them each time: "4111 and 1111 and 1111 and 1111". The first
// group is text[from:to].
func repeated(text string, from, to int) (end int, ok bool) {
	next := to
	for next < len(text) && next-to <= maxWords && class[text[next]]&isDigit == 0 {
		next++
	}
	words := text[to:next]
	if len(words) == 0 || len(words) > maxWords || next-to > maxWords {
		return 0, false
	}
	var c chain
	c.text = text
	add := func(a, b int) {
		for i := a; i < b; i++ {
			c.digits = append(c.digits, digit{at: int32(i), size: 1, value: text[i] - '0'})
		}
		c.groups = append(c.groups, group{from: len(c.digits) - (b - a), to: len(c.digits), sep: words})
	}
	add(from, to)
	for len(c.groups) < 5 && len(text) > to+len(words) && text[to:to+len(words)] == words {
		at := to + len(words)
		for to = at; to < len(text) && class[text[to]] == isDigit && to-at < longest; {
			to++
		}
		if to == at {
			break
		}
		add(at, to)
	}
	c.sum()
	for j := len(c.groups) - 1; j > 1; j-- {
		if c.card(0, c.groups[j].to) && c.printed(0, j) && !c.quiet(0, j) {
			_, end = c.places(0, c.groups[j].to)
			return end, true
		}
	}
	return 0, false
}

const maxWords = 16 // bytes between the groups of a number, the same each time
