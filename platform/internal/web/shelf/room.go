// Package shelf is the room of the words that a lender brings along: portfolios,
// source companies and custom fields, each with its list and the form that makes
// one more.
//
// Invariants. Names are listed to whoever may list them; which loans stand behind
// a name is for the list of loans to say, within the person's restrictions, so
// this room counts none. What may not be made has no button. A name that is taken
// is told beside its field. The room knows the desk's shelf and nothing else of
// servicing.
package shelf

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/shelf"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of portfolios, source companies and custom fields.
type Room struct{ desk *shelf.Desk }

// New makes the room.
func New(d *shelf.Desk) *Room { return &Room{d} }

// The pages; the form of each is at its path and "/new".
const (
	settings   = "/settings"
	portfolios = "/settings/portfolios"
	companies  = "/settings/source-companies"
	fields     = "/settings/custom-fields"
	loans      = "/loans"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	for _, n := range []names{r.portfolios(), r.companies()} {
		m.Get(n.home, func(v *visit.Visit) { v.Show(n.all(v)) })
		m.Get(n.home+"/new", func(v *visit.Visit) { v.Show(n.blank(v)) })
		m.Post(n.home, n.add)
	}
	m.Get(fields, func(v *visit.Visit) { v.Show(r.fields(v)) })
	m.Get(fields+"/new", func(v *visit.Visit) { v.Show(r.blankField(v)) })
	m.Post(fields, r.addField)
}

// names is one of the two lists of names, which differ in words alone.
type names struct {
	title, one, home string
	filter           string // of the list of loans
	about, hint      string
	said             string
	next             *parts.Link // where one goes on, once there is one
	list             *gate.Op[shelf.NamedListIn, shelf.NamedListOut]
	create           *gate.Op[shelf.NamedCreateIn, shelf.NamedOut]
}

func (r *Room) portfolios() names {
	return names{title: "Portfolios", one: "portfolio", home: portfolios, filter: "portfolio",
		about: "A portfolio is a group of loans: those of one investor, or those that a servicer looks after. A loan can be in several. Search restrictions name portfolios, so putting a loan into one decides who finds it.",
		hint:  "For example: Acme Capital 2026. It holds no loan at first; restrictions can name it from the next call on.",
		said:  "Portfolio made. It holds no loan yet.", next: &parts.Link{Text: "Put loans into it", Href: loans},
		list: r.desk.PortfolioList, create: r.desk.PortfolioCreate}
}

func (r *Room) companies() names {
	return names{title: "Source companies", one: "source company", home: companies, filter: "source_company",
		about: "A source company is where a loan came from: a broker, a dealer, a website. A loan has one at most, from the day it is made. Search restrictions can name source companies.",
		hint:  "For example: First Street Motors. Loans name it when they are entered or imported.",
		said:  "Source company made. New loans can name it.",
		list:  r.desk.CompanyList, create: r.desk.CompanyCreate}
}

// listing is what the page of a list shows.
type listing struct {
	items      []shelf.NamedOut
	may, loans bool // make one; open the list of loans
	narrowed   bool // restrictions decide which loans the person finds
	when       func(text string) parts.Moment
	names
}

func (n names) all(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, n.list)
		if err != nil {
			return visit.View{}, err
		}
		l := listing{items: out.Items, may: p.Can(n.create.Name, ""), loans: p.Can("loan.list", ""), narrowed: !p.Call().Scope.Everything(), when: day(v), names: n}
		return over(v, p, n.title, namesPage(l), l.may, parts.Button{Label: "New " + n.one, Kind: parts.Primary, Href: n.home + "/new"}), nil
	}
}

// over makes the page of a list, with its action for whoever may.
func over(v *visit.Visit, p *gate.Page, title string, body templ.Component, may bool, act parts.Button) visit.View {
	page := parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
	if may {
		page.Actions = []parts.Button{act}
	}
	return visit.View{Page: page, Body: body}
}

// under makes the page of the form of an operation, for whoever may send it.
func under[In, Out any](v *visit.Visit, p *gate.Page, o *gate.Op[In, Out], back parts.Link, body templ.Component) (visit.View, error) {
	if denied, lacks := visit.Need(v, p, o, ""); lacks {
		return denied, nil
	}
	return visit.View{Page: parts.Page{Title: o.Title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}, back}}, Body: body}, nil
}

func (n names) blank(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		return under(v, p, n.create, parts.Link{Text: n.title, Href: n.home}, nameForm(v, n))
	}
}

func (n names) add(v *visit.Visit) {
	visit.Act(v, n.create, func(*shelf.NamedOut) visit.Answer {
		return visit.Told(n.home, parts.Toast{Meaning: parts.OK, Text: n.said, Link: n.next})
	}, n.blank(v))
}

// found is the list of loans behind a name.
func (n names) found(name string) string {
	return loans + "?" + url.Values{n.filter: {name}}.Encode()
}

// taken words a name that somebody else has given, to stand beside the field.
func taken(v *visit.Visit) string {
	if err := v.Fault(); err != nil && fault.As(err).Reason == "name_taken" {
		return fault.As(err).Message + " Give another name."
	}
	return ""
}

// day shows a moment as its date; the time comes on hover.
func day(v *visit.Visit) func(string) parts.Moment {
	return func(text string) parts.Moment {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return parts.Moment{}
		}
		m := parts.At(t.UnixMicro(), v.Zone())
		m.Text = m.Text[:len(time.DateOnly)]
		return m
	}
}
