// Package trail is the room of the audit trail: looking through it, and at one
// entry with what was changed and why it was decided so.
//
// Invariants. The address of the list holds the whole filter, so it can be
// kept and shared. Sealed values stay sealed; what the desk does not give is
// not guessed. The room writes nothing; that somebody looked is itself an
// entry, made by the gate.
package trail

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const (
	home   = "/audit"
	atName = "_at" // how many entries stand before this page
)

// Person is somebody who may be chosen in the filter: Actor is "user/us_…".
type Person struct{ Actor, Name string }

// People gives who may be chosen, as far as the person may know them.
type People func(ctx context.Context, p *gate.Page) ([]Person, error)

// Tabs are those of an object's pages, with its history open.
type Tabs func(p *gate.Page, object string) []parts.Tab

// Room is the audit trail.
type Room struct {
	desk      *records.Desk
	keeps     *retention.Desk
	people    People
	catalogue func() []*gate.Meta
	pages     map[string]Tabs
}

// New makes the room. people may be nil; catalogue gives the gate's list; pages gives
// the tabs of objects that have more pages than one and their history, by noun.
func New(d *records.Desk, keeps *retention.Desk, people People, catalogue func() []*gate.Meta, pages map[string]Tabs) *Room {
	return &Room{d, keeps, people, catalogue, pages}
}

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.list(v)) })
	m.Get(proofPage, func(v *visit.Visit) { v.Show(r.proof(v)) })
	m.Get(witnessPath+"/new", func(v *visit.Visit) { v.Show(r.blank(v)) })
	m.Get(retentionPage, func(v *visit.Visit) { v.Show(r.keeping(v)) })
	m.Post(retentionPage+"/{category}", r.keep)
	m.Post(witnessPath, r.add)
	m.Post(witnessPath+"/{id}/end", r.finish)
	m.Get(exportFile, func(v *visit.Visit) { visit.Stream(v, r.desk.AuditExport) })
	m.Get(historyPath+"{noun}/{object}", func(v *visit.Visit) { v.Show(r.history(v)) })
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.entry(v)) })
}

// look is one page of the list as it is asked for and found.
type look struct {
	v      *visit.Visit
	now    int64
	q      url.Values // as it stands in the address
	at     int
	out    *records.AuditListOut
	people []Person
	titles map[string]string
	names  []string // operations, sorted
	wrong  []parts.Problem
}

func (r *Room) list(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		l := &look{v: v, now: p.Call().At, q: v.R.URL.Query(), out: &records.AuditListOut{}}
		l.titles, l.names = r.operations()
		out, err := visit.Look(ctx, v, p, r.desk.AuditList, func(in *records.AuditListIn) {
			if in.To = wholeDay(in.To); in.Cursor == "" {
				in.Numbers = "yes"
			}
		})
		switch {
		case fault.Is(err, fault.Invalid):
			l.wrong = parts.Problems(err)
			for i := range l.wrong {
				l.wrong[i].Field = "" // the filters of a list have no ids of their own
			}
		case err != nil:
			return visit.View{}, err
		default:
			l.out = out
		}
		if n, err := strconv.Atoi(l.q.Get(atName)); err == nil && n > 0 && l.q.Get("cursor") != "" {
			l.at = n
		}
		if r.people != nil {
			if l.people, err = r.people(ctx, p); err != nil {
				return visit.View{}, err
			}
		}
		return visit.View{Page: parts.Page{Title: "Audit", Actions: r.exports(p, l), More: r.otherForms(p, l)}, Body: listPage(l)}, nil
	}
}

// wholeDay lets a last day count whole: the desk's end is exclusive.
func wholeDay(to string) string {
	d, err := civil.Parse(to)
	if err != nil {
		return to
	}
	return d.AddDays(1).String()
}

func (r *Room) operations() (map[string]string, []string) {
	titles := map[string]string{"page": "Page"}
	var names []string
	for _, m := range r.catalogue() {
		titles[m.Name] = m.Title
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return titles, names
}

// filters are the query's names that narrow the list, in the order of the
// sentence above it.
func filters() []string {
	return []string{"actor", "operation", "object", "outcome", "channel", "address", "from", "to"}
}

// with is this list's address with some parameters changed: name, value, …;
// an empty value takes one away. Paging begins anew.
func (l *look) with(change ...string) string {
	q := url.Values{}
	for _, name := range filters() {
		if l.q.Get(name) != "" {
			q.Set(name, l.q.Get(name))
		}
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
		if change[i+1] == "" {
			q.Del(change[i])
		}
	}
	if len(q) == 0 {
		return home
	}
	return home + "?" + q.Encode()
}

func (l *look) bar() parts.FilterBar {
	anyOf := func(list ...string) []parts.Option {
		out := []parts.Option{{Value: "", Label: "any"}}
		for i := 0; i+1 < len(list); i += 2 {
			out = append(out, parts.Option{Value: list[i], Label: list[i+1]})
		}
		return out
	}
	people := anyOf()
	for _, p := range l.people {
		people = append(people, parts.Option{Value: p.Actor, Label: p.Name})
	}
	if who := l.q.Get("actor"); who != "" && !slices.ContainsFunc(people, func(o parts.Option) bool { return o.Value == who }) {
		people = append(people, parts.Option{Value: who, Label: who})
	}
	operations := anyOf()
	for _, n := range l.names {
		operations = append(operations, parts.Option{Value: n, Label: l.title(n) + " (" + n + ")"})
	}
	bar := parts.FilterBar{Action: home,
		Search: &parts.Field{Name: "object", Label: "Object, for example loan/ln_…", Value: l.q.Get("object")},
		Filters: []parts.Filter{
			{Name: "actor", Label: "Person", Value: l.q.Get("actor"), Options: people},
			{Name: "operation", Label: "Operation", Value: l.q.Get("operation"), Options: operations},
			{Name: "outcome", Label: "Outcome", Value: l.q.Get("outcome"), Options: anyOf("allowed", "Allowed", "denied", "Denied", "failed", "Failed")},
			{Name: "channel", Label: "Channel", Value: l.q.Get("channel"), Options: anyOf("ui", "Screens", "api", "API", "portal", "Borrower’s pages", "job", "Job", "console", "Console")},
		},
		Dates: []parts.Field{{Name: "address", Label: "Address", Value: l.q.Get("address"), Hint: "203.0.113.9", MaxLength: 45}, {Name: "from", Label: "From", Value: l.q.Get("from"), MaxLength: 30}, {Name: "to", Label: "To", Value: l.q.Get("to"), MaxLength: 30}}}
	return bar
}

// chips read as a sentence: entries by Ann, denied, from 203.0.113.9.
func (l *look) chips() parts.Chips {
	c := parts.Chips{Lead: "Entries", Clear: home}
	say := map[string]func(string) string{
		"actor":     func(s string) string { return "by " + l.person(s) },
		"operation": func(s string) string { return "of " + l.title(s) },
		"object":    func(s string) string { return "about " + s },
		"outcome":   func(s string) string { return s },
		"channel":   func(s string) string { return "through " + channel(s) },
		"address":   func(s string) string { return "from address " + s },
		"from":      func(s string) string { return "from " + l.instantWords(s) + " on" },
		"to":        func(s string) string { return "up to " + l.instantWords(s) },
	}
	for _, name := range filters() {
		if value := l.q.Get(name); value != "" {
			c.List = append(c.List, parts.Chip{Text: say[name](value), Remove: l.with(name, "")})
		}
	}
	return c
}

func (l *look) person(actor string) string {
	for _, p := range l.people {
		if p.Actor == actor {
			return p.Name
		}
	}
	if actor == "anonymous" {
		return "Nobody known"
	}
	return actor
}

func (l *look) title(name string) string {
	if t := l.titles[name]; t != "" {
		return t
	}
	return name
}

func (l *look) pager() parts.Pager {
	n := len(l.out.Items)
	p := parts.Pager{From: l.at + 1, To: l.at + n, Total: int(l.out.Total), AtLeast: l.out.TotalIs == "at_least"}
	if n == 0 {
		return parts.Pager{} // the empty list itself says how to go on
	}
	if l.out.Next != "" {
		p.Next = l.with("cursor", l.out.Next, atName, strconv.Itoa(l.at+n))
	}
	if l.at > 0 {
		p.Previous = l.with()
	}
	return p
}

func (r *Room) entry(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		e, err := visit.Look(ctx, v, p, r.desk.AuditView)
		if err != nil {
			return visit.View{}, err
		}
		titles, _ := r.operations()
		title := titles[e.Operation]
		if title == "" {
			title = e.Operation
		}
		if e.Disposal != "" {
			title = "Entry that was disposed of"
		}
		badge := outcome(e.Outcome)
		page := parts.Page{Title: title, State: &badge, Subtitle: parts.At(e.At, v.Zone()).Full, Crumbs: []parts.Link{{Text: "Audit", Href: home}}}
		if e.Object != "" {
			page.Actions = []parts.Button{{Label: "All about this object", Href: home + "?object=" + url.QueryEscape(e.Object)}}
		}
		if e.Sequence != nil && p.Can(r.desk.AuditExport.Name, "") {
			page.Actions = append(page.Actions, parts.Button{Label: "Export this entry", Href: exportFile + "?entry=" + string(e.ID)})
		}
		return visit.View{Page: page, Body: entryPage(v, e, titles, why(p, e))}, nil
	}
}

// why leads whoever may ask to the explanation of an entry's decision, as it
// would be now.
func why(p *gate.Page, e *records.Entry) string {
	user, person := strings.CutPrefix(e.Actor, "user/")
	if !person || (e.Channel != "ui" && e.Channel != "api") || e.Operation == "page" || !p.Can("access.explain", "") {
		return ""
	}
	if e.DecisionID != "" {
		return parts.WhyHref(string(e.DecisionID)) // with the session or the key of the call
	}
	q := url.Values{"user": {user}, "operation": {e.Operation}}
	for name, value := range map[string]string{"object": e.Object, "address": e.Address} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if e.Channel == "api" {
		q.Set("channel", "api")
	}
	return "/settings/explain?" + q.Encode()
}

// pageOf is the page of an object, if it has one of its own.
func pageOf(ref string) string {
	noun, oid, _ := strings.Cut(ref, "/")
	pages := map[string]string{"loan": "/loans/", "borrower": "/borrowers/", "application": "/applications/", "user": "/settings/users/", "role": "/settings/roles/",
		"ip_rule": "/settings/address-rules/", "search_restriction": "/settings/search-restrictions/"}
	if pages[noun] == "" || oid == "" {
		return ""
	}
	return pages[noun] + url.PathEscape(oid)
}

func outcome(word string) parts.Badge {
	switch word {
	case "allowed":
		return parts.Badge{Meaning: parts.OK, Word: "Allowed"}
	case "denied":
		return parts.Badge{Meaning: parts.Danger, Word: "Denied"}
	case "failed":
		return parts.Badge{Meaning: parts.Warn, Word: "Failed"}
	case "":
		return parts.Badge{Meaning: parts.Neutral, Word: "Disposed of"}
	}
	return parts.Badge{Meaning: parts.Unknown, Word: word}
}

func channel(word string) string {
	switch word {
	case "ui":
		return "Screens"
	case "api":
		return "API"
	case "portal":
		return "Borrower’s pages"
	case "walkthrough":
		return "Walkthrough"
	case "job":
		return "Job"
	case "console":
		return "Console"
	}
	return word
}
