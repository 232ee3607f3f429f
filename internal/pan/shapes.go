package pan

// explained reports that dates, times, amounts, addresses and telephone numbers
// account for the groups i..j: that the groups are these and nothing else, or
// that one of them reaches over the edge. Only what is written in no card's way
// is asked.
func (c *chain) explained(i, j int) bool {
	covered, digits := 0, c.groups[j].to-c.groups[i].from
	for k := max(0, i-5); k <= j; {
		n := c.shape(k)
		if n == 0 {
			k++
			continue
		}
		if k >= i && c.international(k) == n {
			return true // nobody writes a plus sign into a card number
		}
		switch end := k + n - 1; {
		case end < i:
		case k < i || end > j:
			return true
		case c.local(k) != n && !c.uniform(i, j):
			return true
		default:
			covered += c.groups[end].to - c.groups[k].from
		}
		k += n
	}
	return covered == digits || !c.uniform(i, j) && covered*4 >= 3*digits
}

// shape gives how many groups from k are one date, time, amount, address or
// telephone number; 0 if they are none.
func (c *chain) shape(k int) int {
	for _, is := range [...]func(*chain, int) int{(*chain).international, (*chain).quad, (*chain).date, (*chain).clock, (*chain).grand, (*chain).pointed, (*chain).local} {
		if n := is(c, k); n > 0 {
			return n
		}
	}
	return 0
}

// like reports groups from k of these sizes with one of these separators between.
func (c *chain) like(k int, seps string, sizes ...int) bool {
	if k+len(sizes) > len(c.groups) {
		return false
	}
	for x, size := range sizes {
		g := c.groups[k+x]
		if g.size() != size || x > 0 && (!anyOf(g.sep, seps) || x > 1 && g.sep != c.groups[k+1].sep) {
			return false
		}
	}
	return true
}

// international is a telephone number behind a plus sign: up to 15 digits.
func (c *chain) international(k int) int {
	at := int(c.digits[c.groups[k].from].at)
	if at == 0 || c.text[at-1] != '+' {
		return 0
	}
	if n := c.groups[k].size(); n > 3 {
		if n >= 8 && n <= 15 {
			return 1
		}
		return 0
	}
	n, digits := 1, c.groups[k].size()
	for k+n < len(c.groups) && digits+c.groups[k+n].size() <= 15 && len(c.groups[k+n].sep) <= 2 {
		digits += c.groups[k+n].size()
		n++
	}
	if digits < 8 {
		return 0
	}
	return n
}

// quad is an address of the Internet, perhaps with a port.
func (c *chain) quad(k int) int {
	if k+4 > len(c.groups) {
		return 0
	}
	for x := range 4 {
		if g := c.groups[k+x]; g.size() > 3 || c.number(g) > 255 || x > 0 && g.sep != "." {
			return 0
		}
	}
	if k+4 < len(c.groups) && anyOf(c.groups[k+4].sep, ":/") {
		return 5
	}
	return 4
}

// date is a year, a month and a day in one of the orders.
func (c *chain) date(k int) int {
	if k+3 > len(c.groups) {
		return 0
	}
	a, b, d := c.groups[k], c.groups[k+1], c.groups[k+2]
	if !anyOf(b.sep, "-/.") || d.sep != b.sep || a.size() > 4 || b.size() > 2 || d.size() > 4 {
		return 0
	}
	x, y, z := c.number(a), c.number(b), c.number(d)
	year := func(g group, n int) bool { return g.size() == 4 && n >= 1900 && n < 2100 || g.size() == 2 }
	day := func(m, d int) bool { return m >= 1 && m <= 12 && d >= 1 && d <= 31 }
	switch {
	case a.size() == 4 && year(a, x) && day(y, z), a.size() <= 2 && year(d, z) && (day(x, y) || day(y, x)):
		return 3
	}
	return 0
}

// clock is a time of day, perhaps with a fraction of the second.
func (c *chain) clock(k int) int {
	n := 1
	for n < 3 && k+n < len(c.groups) && c.groups[k+n].size() == 2 && anyOf(c.groups[k+n].sep, ":.-") && c.number(c.groups[k+n]) < 60 && c.groups[k+n].sep == c.groups[k+1].sep {
		n++
	}
	if n == 1 || c.groups[k].size() > 2 || c.number(c.groups[k]) > 23 || n == 2 && c.groups[k+1].sep != ":" {
		return 0
	}
	if n == 3 && k+3 < len(c.groups) && c.groups[k+3].sep == "." {
		n++
	}
	return n
}

// grand is an amount in groups of three, perhaps with cents.
func (c *chain) grand(k int) int {
	n := 1
	for k+n < len(c.groups) && c.groups[k+n].size() == 3 && anyOf(c.groups[k+n].sep, ",.'") && c.groups[k+n].sep == c.groups[k+1].sep {
		n++
	}
	if n == 1 || c.groups[k].size() > 3 {
		return 0
	}
	if k+n < len(c.groups) && c.groups[k+n].size() == 2 && isPoint(c.groups[k+n].sep) && c.groups[k+n].sep != c.groups[k+1].sep {
		n++
	}
	return n
}

// pointed is an amount with cents, or a fraction.
func (c *chain) pointed(k int) int {
	if k+1 >= len(c.groups) || !isPoint(c.groups[k+1].sep) {
		return 0
	}
	w, p := c.groups[k], c.groups[k+1]
	if k > 0 && w.sep == p.sep || k+2 < len(c.groups) && c.groups[k+2].sep == p.sep {
		return 0
	}
	if p.size() == 2 && w.size() <= 9 || p.sep == "." && w.size() <= 3 && p.size() > 3 {
		return 2
	}
	return 0
}

// local is a telephone number, a social security number, an employer's number or
// a long postal code of the United States.
func (c *chain) local(k int) int {
	at := int(c.digits[c.groups[k].from].at)
	switch {
	case at > 0 && c.text[at-1] == '(' && k+2 < len(c.groups) && c.groups[k].size() == 3 && c.groups[k+1].size() == 3 && c.groups[k+2].size() == 4:
		return 3
	case c.like(k, "-. ", 1, 3, 3, 4):
		return 4
	case c.like(k, "-. ", 3, 3, 4), c.like(k, "-", 3, 2, 4):
		return 3
	case c.like(k, "-", 5, 4), c.like(k, "-", 2, 7):
		return 2
	}
	return 0
}
