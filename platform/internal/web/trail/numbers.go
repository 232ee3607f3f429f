package trail

import (
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// span is one bar of the histogram as it was told.
type span struct {
	records.Bar
	from, to time.Time
}

func (s span) all() int { return int(s.Allowed + s.Denied + s.Failed) }

func (l *look) spans() (out []span) {
	if l.out.Numbers == nil {
		return nil
	}
	for _, b := range l.out.Numbers.Bars {
		s := span{Bar: b}
		s.from, _ = time.Parse(time.RFC3339, b.From) // the desk's own text
		s.to, _ = time.Parse(time.RFC3339, b.To)
		out = append(out, s)
	}
	return out
}

// words are the beginning of a span in the tenant's zone, as long as it needs.
func (l *look) words(s span) string {
	t := s.from.In(l.v.Zone())
	switch width := s.to.Sub(s.from); {
	case width >= 24*time.Hour:
		return t.Format(time.DateOnly)
	case width >= time.Minute:
		return t.Format("2006-01-02 15:04")
	}
	return t.Format(time.DateTime)
}

// histogram leads from each bar to its time.
func (l *look) histogram() parts.Histogram {
	list := l.spans()
	if len(list) < 2 {
		return parts.Histogram{} // there is nothing to narrow
	}
	h := parts.Histogram{Label: "Entries over time", First: l.words(list[0]), Last: l.words(list[len(list)-1])}
	for _, s := range list {
		label := l.words(s)
		if s.Denied+s.Failed > 0 {
			label += ", " + strconv.FormatInt(s.Denied, 10) + " denied, " + strconv.FormatInt(s.Failed, 10) + " failed"
		}
		h.Bars = append(h.Bars, parts.Bar{Label: label, Count: s.all(), Denied: int(s.Denied), Failed: int(s.Failed), Href: l.with("from", s.Bar.From, "to", s.Bar.To)})
	}
	return h
}

// overTime is the table behind the histogram.
func (l *look) overTime() parts.Table {
	number := func(head string) parts.Column { return parts.Column{Head: head, Align: parts.Right} }
	t := parts.Table{ID: "over-time", Caption: "Entries over time", Columns: []parts.Column{{Head: "From"}, number("Allowed"), number("Denied"), number("Failed"), number("All")}}
	count := func(n int64) templ.Component { return parts.Figures(parts.Count(int(n))) }
	for _, s := range l.spans() {
		t.Rows = append(t.Rows, parts.Row{Href: l.with("from", s.Bar.From, "to", s.Bar.To), Label: l.words(s), Cells: []templ.Component{parts.Words(l.words(s)), count(s.Allowed), count(s.Denied), count(s.Failed), count(int64(s.all()))}})
	}
	return t
}

// sure says how sure the numbers are.
func (l *look) sure() string {
	n := l.out.Numbers
	switch of := parts.Count(int(n.Of)); n.Are {
	case "about":
		return "What these entries are: about so many, told from a sample of " + of
	case "at_least":
		return "What the newest " + of + " of these entries are"
	default:
		if n.Of == 1 {
			return "What this entry is"
		}
		return "What these " + of + " entries are"
	}
}

// opened: whoever has narrowed nothing yet sees the list first.
func (l *look) opened() bool { return len(l.chips().List) > 0 }

// divisions are the facets with their numbers, each a filter to set or to take away.
func (l *look) divisions() (out []parts.Division) {
	says := map[string]struct {
		name  string
		words func(string) string
	}{
		"actor": {"Person", l.person}, "operation": {"Operation", l.title}, "object": {"Object", plain}, "outcome": {"Outcome", func(s string) string { return outcome(s).Word }},
		"channel": {"Channel", channel}, "address": {"Address", plain},
	}
	for _, f := range l.out.Numbers.Facets {
		d := parts.Division{Name: says[f.Name].name, Empty: "None"}
		for _, v := range f.Values {
			p := parts.Portion{Label: says[f.Name].words(v.Value), Count: parts.Count(int(v.Count)), Href: l.with(f.Name, v.Value), Current: l.q.Get(f.Name) == v.Value}
			if p.Current {
				p.Href = l.with(f.Name, "")
			}
			d.Values = append(d.Values, p)
		}
		out = append(out, d)
	}
	return out
}

func plain(s string) string { return s }

// instantWords say an instant or a date of the address in the tenant's zone.
func (l *look) instantWords(text string) string {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return t.In(l.v.Zone()).Format(time.DateTime)
}

// lookedBack says how far a look came that ran out of time.
func (l *look) lookedBack() string {
	if l.out.LookedBackTo == "" {
		return ""
	}
	return "Looked back to " + l.instantWords(l.out.LookedBackTo) + "; there may be older entries. Narrow the time, or look further."
}
