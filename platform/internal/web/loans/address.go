package loans

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// pageOf is how many rows a page of a list has unless the address says another.
const pageOf = 50

// backKept bounds the cursors of earlier pages that an address carries.
const backKept = 12

// with gives the address with some values changed ("" takes one away) and the
// list from its first page on.
func with(u *url.URL, pairs ...string) string {
	q := u.Query()
	for _, name := range []string{"cursor", "at", "back"} {
		q.Del(name)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			q.Del(pairs[i])
		} else {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return address(u.Path, q)
}

func address(path string, q url.Values) string {
	for name, values := range q {
		if len(values) == 0 || values[0] == "" {
			q.Del(name)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// listed is what a list's answer says of its pages.
type listed struct {
	shown int
	total int64
	exact bool
	next  string
}

// pager makes "1–50 of 3,214" and its links. Cursors lead forward only, so the
// address carries those of the pages before, in the field "back", and the
// number of the first row in "at". Both are the reader's own: whoever changes
// them by hand misnumbers only their own page.
func pager(u *url.URL, l listed) parts.Pager {
	q := u.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 {
		limit = pageOf
	}
	cursor, back, from := q.Get("cursor"), q["back"], 1
	if at, err := strconv.Atoi(q.Get("at")); err == nil && at > 1 && at < 1<<40 && cursor != "" {
		from = at
	}
	p := parts.Pager{From: from, To: from + l.shown - 1, Total: int(l.total), AtLeast: !l.exact}
	if p.AtLeast {
		p.Total = max(p.Total, p.To)
		p.Exact = address(u.Path, set(q, "total", "exact"))
	}
	if l.shown == 0 {
		p.From, p.To = 0, 0
	}
	if l.next != "" {
		to := set(q, "cursor", l.next, "at", strconv.Itoa(from+l.shown))
		if cursor != "" {
			to["back"] = append(append([]string{}, back...), cursor)
		}
		if n := len(to["back"]); n > backKept {
			to["back"] = to["back"][n-backKept:]
		}
		p.Next = address(u.Path, to)
	}
	switch n := len(back); {
	case cursor == "":
	case n > 0:
		to := set(q, "cursor", back[n-1], "at", strconv.Itoa(max(1, from-limit)))
		to["back"] = back[:n-1]
		p.Previous = address(u.Path, to)
	default:
		p.Previous = with(u)
	}
	return p
}

// set gives a copy of a query with some values changed.
func set(q url.Values, pairs ...string) url.Values {
	out := url.Values{}
	for name, values := range q {
		out[name] = values
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		out[pairs[i]] = []string{pairs[i+1]}
	}
	return out
}

// sorted makes a column sortable: the first press sorts it, upwards unless down
// says that its greatest values matter first; the next one turns it around.
func sorted(u *url.URL, c parts.Column, name, held string, down bool) parts.Column {
	now := u.Query().Get("sort")
	if now == "" {
		now = held
	}
	field, descending := strings.CutPrefix(now, "-")
	to := name
	if down {
		to = "-" + name
	}
	if field == name {
		c.Sorted, to = "ascending", "-"+name
		if descending {
			c.Sorted, to = "descending", name
		}
	}
	c.Sort = with(u, "sort", to)
	return c
}

// kept are values of the address that the filter form sends along.
func kept(u *url.URL, names ...string) []parts.Hidden {
	var out []parts.Hidden
	for _, n := range names {
		if value := u.Query().Get(n); value != "" {
			out = append(out, parts.Hidden{Name: n, Value: value})
		}
	}
	return out
}

// options are the choices of a filter; a value that is not among them (its
// list may not be seen, or it is an id) stays chosen under its own name.
func options(names []named, value string) []parts.Option {
	out := []parts.Option{{Value: "", Label: "any"}}
	known := value == ""
	for _, n := range names {
		o := parts.Option{Value: n.Name, Label: n.Name}
		if value == n.ID {
			o.Value = n.ID
		}
		known = known || value == o.Value
		out = append(out, o)
	}
	if !known {
		out = append(out, parts.Option{Value: value, Label: value})
	}
	return out
}

// label is the word for a filter's value.
func label(list []parts.Option, value string) string {
	for _, o := range list {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}
