// Package restrictions is the room of search restrictions: the list with what
// each shows, the editor with its builder, limits, live count and sample, to
// whom a restriction is assigned, and what one person ends up with.
//
// Invariants. Every page is made of reads that the person may call; what may not
// be done has no button. A restriction that would hide everything is saved only
// after a second question. Counts and samples are what the person who looks may
// see themselves. The room knows the desk of restrictions; people and teams are
// handed in by the roof.
package restrictions

import (
	"context"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Everybody gives the users and the teams that a restriction can be assigned
// to, as far as the person who looks may list them.
type Everybody func(ctx context.Context, p *gate.Page) (users, teams []restrictions.Holder, err error)

// Room is the pages of search restrictions.
type Room struct {
	desk      *restrictions.Desk
	everybody Everybody
}

// New makes the room.
func New(d *restrictions.Desk, everybody Everybody) *Room { return &Room{d, everybody} }

// The pages. Each restriction's own is home/{id}.
const (
	settings = "/settings"
	home     = "/settings/search-restrictions"
	fresh    = home + "/new"
	exchange = home + "/exchange"
	counting = home + "/count"
	persons  = home + "/person"
	people   = "/settings/users"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.list(v)) })
	m.Get(fresh, func(v *visit.Visit) { v.Show(r.new(v)) })
	m.Get(persons, func(v *visit.Visit) { v.Show(r.person(v)) })
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.one(v)) })
	m.Post(home, r.add)
	m.Post(home+"/{id}", r.change)
	m.Post(home+"/{id}/holders", r.assign)
	m.Post(home+"/{id}/delete", r.remove)
	m.Post(home+"/{id}/count", r.countStored)
	m.Post(exchange, r.exchange)
	m.Post(counting, r.count)
}

// under makes a page of one thing, with the way back above the title.
func under(title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}, {Text: "Search restrictions", Href: home}}}, Body: body}
}

func (r *Room) list(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		page := parts.Page{Title: "Search restrictions", Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
		may := p.Can(r.desk.Create.Name, "")
		if may {
			page.Actions = []parts.Button{{Label: "Add search restriction", Kind: parts.Primary, Href: fresh}}
		}
		return visit.View{Page: page, Body: listPage(out, may, p.Can(r.desk.Preview.Name, ""))}, nil
	}
}

// facts is what the page of one restriction shows.
type facts struct {
	held                   restrictions.Restriction // zero: a new one
	words                  *restrictions.VocabularyOut
	change, remove, assign bool
	mayCount               bool                  // what it shows may be asked
	users, teams           []restrictions.Holder // whom it can be assigned to
	limits                 []limitRow
	counted                *parts.Counted
	hides                  bool              // what was sent would hide everything
	said                   map[string]string // sentences of expressions, by field
}

// hides reports that the form came back because it would hide everything.
func hides(v *visit.Visit) bool {
	return v.Fault() != nil && fault.As(v.Fault()).Reason == restrictions.HidesEverything
}

func (f *facts) path() string { return home + "/" + string(f.held.ID) }

func (r *Room) new(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.Create, ""); lacks {
			return denied, nil
		}
		f := facts{change: true, limits: limitRows(v, nil), hides: hides(v)}
		if err := r.furnish(ctx, p, &f); err != nil {
			return visit.View{}, err
		}
		return under("Add search restriction", onePage(v, &f)), nil
	}
}

func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		ref := "search_restriction/" + string(out.ID)
		f := facts{held: *out, change: p.Can(r.desk.Update.Name, ref), assign: p.Can(r.desk.Assign.Name, ref), limits: limitRows(v, out.Limits), hides: hides(v)}
		// The desk refuses to delete what somebody holds.
		f.remove = p.Can(r.desk.Delete.Name, ref) && len(out.Users)+len(out.Teams) == 0
		if err := r.furnish(ctx, p, &f); err != nil {
			return visit.View{}, err
		}
		page := under(out.Name, onePage(v, &f))
		if f.remove {
			page.Page.Actions = []parts.Button{{Label: "Delete…", Opens: "delete"}}
		}
		return page, nil
	}
}

// furnish reads what the editor needs beside the restriction: words, sentences,
// people and teams, and the count of what is stored.
func (r *Room) furnish(ctx context.Context, p *gate.Page, f *facts) (err error) {
	if p.Can(r.desk.Vocabulary.Name, "") {
		if f.words, err = gate.Look(ctx, p, r.desk.Vocabulary, &restrictions.Nothing{}); err != nil {
			return err
		}
	}
	if f.users, f.teams, err = r.everybody(ctx, p); err != nil {
		return err
	}
	f.said = map[string]string{"visible": f.held.Sentence}
	for name, text := range f.written() {
		out, err := gate.Look(ctx, p, r.desk.Translate, &restrictions.TranslateIn{Of: subject(name), Text: text})
		if err == nil {
			f.said[name] = out.Sentence
		}
	}
	if f.mayCount = p.Can(r.desk.Preview.Name, ""); f.held.ID == "" || !f.mayCount {
		return nil
	}
	out, err := gate.Look(ctx, p, r.desk.Preview, &restrictions.PreviewIn{Restriction: f.held.ID, Stored: true})
	counted := counted(out, err)
	f.counted = &counted
	return nil
}

// written are the stored expressions that a sentence is wanted for, by field.
func (f *facts) written() map[string]string {
	out := map[string]string{}
	if f.held.Borrowers != "" {
		out["borrowers"] = f.held.Borrowers
	}
	if f.held.Applications != "" {
		out["applications"] = f.held.Applications
	}
	for _, l := range f.limits {
		if l.when != "" {
			out[l.name("when")] = l.when
		}
	}
	return out
}

func (r *Room) person(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Preview)
		if err != nil {
			return visit.View{}, err
		}
		return under("What "+out.User.Name+" finds", personPage(out.User)), nil
	}
}
