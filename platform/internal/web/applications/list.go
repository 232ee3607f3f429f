package applications

import (
	"cmp"
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// filterNames are what the address holds of the list.
var filterNames = [...]string{"status", "outcome", "source_company", "from", "to", "q", "sort"}

// queue is the list as it is shown.
type queue struct {
	filters url.Values // what narrows and sorts, and nothing else
	cursor  string
	tab     string
	out     *origination.ListOut
	all     []Company
	chosen  string
	now     int64
	// What the person is told of each: its network check, its decision.
	mayCheck, mayDecision bool
	v                     *visit.Visit
}

// look reads the list that the address asks for.
func (r *Room) look(ctx context.Context, v *visit.Visit, p *gate.Page) (*queue, error) {
	q := &queue{filters: url.Values{}, now: p.Call().At, v: v, chosen: v.R.PathValue("id")}
	asked := v.R.URL.Query()
	for _, name := range filterNames {
		if text := asked.Get(name); text != "" {
			q.filters.Set(name, text)
		}
	}
	q.cursor, q.tab = asked.Get("cursor"), asked.Get("tab")
	q.mayCheck, q.mayDecision = p.Can(r.desk.CheckView.Name, ""), p.Can(r.desk.DecisionView.Name, "")
	var err error
	if q.out, err = visit.Look(ctx, v, p, r.desk.List); err != nil {
		return nil, err
	}
	if r.companies != nil {
		q.all, err = r.companies(ctx, p)
	}
	return q, err
}

func (r *Room) list(v *visit.Visit) {
	v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
		q, err := r.look(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		page := parts.Page{Title: "Underwriting"}
		if p.Can("application.submit", "") {
			page.Actions = []parts.Button{{Label: "Enter application", Href: home + "/new"}}
		}
		return visit.View{Page: page, Body: listPage(q)}, nil
	})
}

// with gives the list's address with one filter set, or taken away.
func (q *queue) with(name, value string) string {
	f := url.Values{}
	for k, v := range q.filters {
		f[k] = v
	}
	if f.Del(name); value != "" {
		f.Set(name, value)
	}
	return address(home, f)
}

// to gives an application's address with the list's state kept.
func (q *queue) to(id, more string) string {
	f := url.Values{}
	for k, v := range q.filters {
		f[k] = v
	}
	if q.cursor != "" {
		f.Set("cursor", q.cursor)
	}
	if more != "" {
		f.Set("tab", more)
	}
	return address(home+"/"+id, f)
}

// act gives the address of an act on an application.
func (q *queue) act(id, verb string) string {
	path, query, cut := strings.Cut(q.to(id, q.tab), "?")
	if cut {
		query = "?" + query
	}
	return path + "/" + verb + query
}

func address(path string, f url.Values) string {
	if len(f) == 0 {
		return path
	}
	return path + "?" + f.Encode()
}

func statuses() []parts.Option {
	return []parts.Option{option("", "any"), option("waiting_for_approval", "waiting for approval"), option("manual_review", "manual review"), option("approved", "approved"), option("rejected", "rejected")}
}

func outcomes() []parts.Option {
	return []parts.Option{option("", "any"), option("proceed", "proceed"), option("manual_review", "review"), option("reject", "reject")}
}

func (q *queue) companyOptions() []parts.Option {
	out := []parts.Option{option("", "any")}
	known := q.filters.Get("source_company") == ""
	for _, c := range q.all {
		out = append(out, option(c.ID, c.Name))
		known = known || c.ID == q.filters.Get("source_company")
	}
	if !known {
		out = append(out, option(q.filters.Get("source_company"), q.filters.Get("source_company")))
	}
	return out
}

func (q *queue) bar() parts.FilterBar {
	f := q.filters
	b := parts.FilterBar{Action: home, Search: &parts.Field{Name: "q", Label: "Name, A-number, e-mail, phone", Value: f.Get("q"), ID: "application-search"},
		Filters: []parts.Filter{{Name: "status", Label: "Status", Value: f.Get("status"), Options: statuses()}},
		Dates:   []parts.Field{{Name: "from", Label: "From", Value: f.Get("from")}, {Name: "to", Label: "To", Value: f.Get("to")}}}
	if q.mayDecision {
		b.Filters = append(b.Filters, parts.Filter{Name: "outcome", Label: "Outcome", Value: f.Get("outcome"), Options: outcomes()})
	}
	if len(q.all) > 0 || f.Get("source_company") != "" {
		b.Filters = append(b.Filters, parts.Filter{Name: "source_company", Label: "Source", Value: f.Get("source_company"), Options: q.companyOptions()})
	}
	if s := f.Get("sort"); s != "" {
		b.Hidden = []parts.Hidden{{Name: "sort", Value: s}}
	}
	return b
}

// chips are the filters as one sentence.
func (q *queue) chips() parts.Chips {
	c := parts.Chips{Lead: "Applications"}
	add := func(name, words string) {
		c.List = append(c.List, parts.Chip{Text: words, Remove: q.with(name, "")})
	}
	for _, name := range filterNames[:6] {
		text := q.filters.Get(name)
		if text == "" {
			continue
		}
		switch name {
		case "status":
			add(name, label(statuses(), text))
		case "outcome":
			add(name, "decided “"+label(outcomes(), text)+"”")
		case "source_company":
			add(name, "from "+label(q.companyOptions(), text))
		case "from":
			add(name, "since "+text)
		case "to":
			add(name, "until "+text)
		case "q":
			add(name, "matching “"+text+"”")
		}
	}
	if len(c.List) > 0 {
		c.Clear = home
	}
	return c
}

func label(list []parts.Option, value string) string {
	for _, o := range list {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

// sorted completes a column that can be sorted by.
func (q *queue) sorted(c parts.Column, name string, downFirst bool) parts.Column {
	now := q.filters.Get("sort")
	if now == "" {
		now = "-created_at"
	}
	up, down := name, "-"+name
	switch now {
	case up:
		c.Sorted, c.Sort = "ascending", q.with("sort", down)
	case down:
		c.Sorted, c.Sort = "descending", q.with("sort", up)
	default:
		if c.Sort = q.with("sort", up); downFirst {
			c.Sort = q.with("sort", down)
		}
	}
	return c
}

func (q *queue) pager() parts.Pager {
	n := len(q.out.Items)
	p := parts.Pager{From: 1, To: n, Total: int(q.out.Total), AtLeast: q.out.TotalIs != "exact"}
	if q.cursor != "" {
		// Cursors know no place: the page is one of many, the first is a link away.
		p.Previous = address(home, q.filters)
		if at, err := strconv.Atoi(q.v.R.URL.Query().Get("after")); err == nil && at > 0 && at < 1_000_000 {
			p.From, p.To = at+1, at+n
		}
	}
	if n == 0 {
		p.From, p.To = 0, 0
	}
	if p.AtLeast {
		p.Exact = q.with("total", "exact")
	}
	if q.out.Next != "" {
		f := url.Values{"cursor": {q.out.Next}, "after": {strconv.Itoa(p.To)}}
		for k, v := range q.filters {
			f[k] = v
		}
		p.Next = address(home, f)
	}
	return p
}

// table is the list: wide while nothing is chosen, narrow beside what is.
func (q *queue) table() parts.Table {
	t := parts.Table{ID: "applications", Caption: "Applications", Chips: q.chips(), Pager: q.pager(), Empty: q.empty()}
	narrow := q.chosen != ""
	t.Columns = []parts.Column{q.sorted(parts.Column{Head: "Application"}, "name", false)}
	if narrow {
		t.Columns = append(t.Columns, parts.Column{Head: "Status", Narrow: true})
	} else {
		t.Columns = append(t.Columns, q.sorted(parts.Column{Head: "Asked", Unit: currency, Align: parts.Right, Narrow: true}, "amount", true), parts.Column{Head: "Term", Align: parts.Right, Narrow: true})
		if head := q.made(); head != "" {
			t.Columns = append(t.Columns, parts.Column{Head: head})
		}
		t.Columns = append(t.Columns, parts.Column{Head: "Status", Narrow: true}, parts.Column{Head: "Source", Narrow: true}, q.sorted(parts.Column{Head: "Notice", Narrow: true}, "notice_due", false),
			q.sorted(parts.Column{Head: "Age", Align: parts.Right, Narrow: true}, "created_at", true))
	}
	for i := range q.out.Items {
		t.Rows = append(t.Rows, q.row(&q.out.Items[i], narrow))
	}
	return t
}

// made is the head of the column of what was found and decided, as far as the
// person is told it; empty: it has no column.
func (q *queue) made() string {
	switch {
	case q.mayDecision:
		return "Outcome"
	case q.mayCheck:
		return "Network check"
	}
	return ""
}

func (q *queue) row(i *origination.Item, narrow bool) parts.Row {
	age := parts.Moment{}
	if at, ok := micros(i.CreatedAt); ok {
		age = parts.Ago(at, q.now, q.v.Zone())
	}
	row := parts.Row{Href: q.to(string(i.ID), q.tab), Current: string(i.ID) == q.chosen, Label: i.Number}
	if name := i.Number + "  " + i.Name; narrow {
		second := []string{i.Amount.Grouped() + " " + currency + " / " + strconv.Itoa(i.TermMonths) + " m", age.Text, found(i)}
		if dueMeaning(i.DaysLeft) != parts.Neutral {
			second = append(second, dueWord(i.DaysLeft))
		}
		row.Cells = []templ.Component{parts.Two(name, dots(second...)), parts.Status(shortBadge(i.Status))}
	} else {
		row.Cells = []templ.Component{parts.Two(name, join(i.City, i.State)), parts.Figures(i.Amount.Grouped()), parts.Figures(strconv.Itoa(i.TermMonths) + " m")}
		switch {
		case q.mayDecision:
			row.Cells = append(row.Cells, outcomeCell(i))
		case q.mayCheck:
			row.Cells = append(row.Cells, parts.Words(cmp.Or(checkWord(i.CheckState), "done")))
		}
		row.Cells = append(row.Cells, parts.Status(statusBadge(i.Status)), parts.Two(i.SourceCompany, channelWord(i.Channel)), due(i.DaysLeft), parts.Time(age))
	}
	return row
}

// found says in a few words why an application stands where it does: what the
// rules found, that there was no check, or who decided.
func found(i *origination.Item) string {
	if word := checkWord(i.CheckState); word != "" {
		return word
	}
	if len(i.Reasons) == 0 && i.DecidedBy != "" {
		return "by " + i.DecidedBy
	}
	return strings.Join(i.Reasons, ", ")
}

func due(left *int) templ.Component {
	if left == nil {
		return parts.Dash()
	}
	text := strings.TrimPrefix(strings.TrimPrefix(dueWord(left), "notice "), "due ")
	if m := dueMeaning(left); m != parts.Neutral {
		return parts.Verdict(parts.Badge{Meaning: m, Word: text})
	}
	return parts.Words(text)
}

func dots(list ...string) string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, " · ")
}

func (q *queue) empty() parts.Empty {
	if len(q.chips().List) > 0 {
		return parts.Empty{Title: "No application matches", Text: "Take a filter away to see more.", Step: &parts.Button{Label: "Show all", Href: home}}
	}
	return parts.Empty{Title: "No applications yet", Text: "Applications from the web form, from a lender’s server and those entered by hand stand here, the newest first."}
}
