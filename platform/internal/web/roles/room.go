// Package roles is the room of roles: the list, the editor in three steps over
// the trees of operations, what a change would do before it is saved, and two
// roles beside each other.
//
// Invariants. Every page is made of reads that the person may call; what may not
// be done has no button. Both trees are made from the list of operations, and
// every operation that a role can give stands in the tree of each of its
// channels once. What is typed survives looking at its effect. The room knows
// the desks of roles and of policy files and no other.
package roles

import (
	"context"
	"net/url"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/policyfile"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/trail"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of roles.
type Room struct {
	desk      *roles.Desk
	file      *policyfile.Desk
	catalogue func() []*gate.Meta
}

// New makes the room; catalogue gives the gate's list, for the trees.
func New(d *roles.Desk, f *policyfile.Desk, catalogue func() []*gate.Meta) *Room {
	return &Room{d, f, catalogue}
}

// The pages. Each role's own is home/{id}.
const (
	settings = "/settings"
	home     = "/settings/roles"
	fresh    = home + "/new"
	compare  = home + "/compare"
	viewAs   = "/view-as" // of the room that begins a view through other eyes
	file     = "/settings/policy-file"
)

// Operations of other desks that pages of this room lead to.
const (
	beginView = "view_as.begin"
	listTrail = "audit.list"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.list(v)) })
	m.Get(fresh, func(v *visit.Visit) { v.Show(r.new(v, nil)) })
	m.Get(compare, func(v *visit.Visit) { v.Show(r.compare(v)) })
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.one(v, nil)) })
	m.Get(home+"/{id}/compare", func(v *visit.Visit) { v.Show(r.compare(v)) })
	m.Get(file, func(v *visit.Visit) { v.Show(r.filePage(v)) })
	m.Get(file+"/download", func(v *visit.Visit) { v.Show(r.download(v)) })
	m.Post(file, r.take)
	m.Post(home, r.add)
	m.Post(home+"/{id}", r.change)
	m.Post(home+"/{id}/impact", r.impact)
	m.Post(home+"/{id}/effect", r.effect)
	m.Post(home+"/{id}/edit", r.edit)
	m.Post(home+"/{id}/duplicate", r.duplicate)
	m.Post(home+"/{id}/restore", r.restore)
	m.Post(home+"/{id}/delete", r.remove)
}

// under makes a page of one thing, with the way back above the title.
func under(title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}, {Text: "Roles", Href: home}}}, Body: body}
}

func (r *Room) list(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		page := parts.Page{Title: "Roles", Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
		if p.Can(r.desk.Create.Name, "") {
			page.Actions = append(page.Actions, parts.Button{Label: "Add role", Kind: parts.Primary, Href: fresh})
		}
		if p.Can(r.desk.Compare.Name, "") {
			page.Actions = append(page.Actions, parts.Button{Label: "Compare roles", Href: compare})
		}
		if p.Can(r.file.Export.Name, "") {
			page.Actions = append(page.Actions, parts.Button{Label: "Export and import", Href: file})
		}
		return visit.View{Page: page, Body: listPage(v, out)}, nil
	}
}

// facts is what the page of one role shows.
type facts struct {
	held    roles.Role // zero: a new one
	draft   roles.Content
	screens []parts.Permission
	api     []parts.Permission
	own     bool       // the person holds it, or what they are lent stands on it
	kept    url.Values // a form that another page has held
	change  bool
	impact  bool
	copies  bool // it can be duplicated
	remove  bool
	restore bool
	compare bool
	viewAs  bool
	trail   bool
	export  bool
}

func (f *facts) path() string { return home + "/" + string(f.held.ID) }

// new is the page of a role that is not there yet; form is what was typed.
func (r *Room) new(v *visit.Visit, form url.Values) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.Create, ""); lacks {
			return denied, nil
		}
		f := facts{change: true, draft: roles.Content{Visibility: &roles.Visibility{SSN: "last4", BankAccount: "hidden", DateOfBirth: "hidden"}}}
		r.plant(v, p, &f, form)
		return under("Add role", rolePage(v, &f)), nil
	}
}

// one is the page of a role; form is what was typed, nil for what is saved.
func (r *Room) one(v *visit.Visit, form url.Values) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		ref := "role/" + string(out.ID)
		f := facts{held: *out, draft: roles.Content{Name: out.Name, Description: out.Description, UI: out.UI, API: out.API, Visibility: &out.Visibility},
			own: holds(p, out.ID), impact: p.Can(r.desk.Impact.Name, ref), copies: p.Can(r.desk.Duplicate.Name, ref), compare: p.Can(r.desk.Compare.Name, ""),
			viewAs: p.Can(beginView, ref), trail: p.Can(listTrail, ""), export: p.Can(r.file.Export.Name, "")}
		f.kept, f.change = form, p.Can(r.desk.Update.Name, ref) && !f.own && out.LentFrom == ""
		f.remove = p.Can(r.desk.Delete.Name, ref) && !out.Shipped && out.Holders == 0
		f.restore = p.Can(r.desk.Restore.Name, ref) && out.Customized && !f.own
		r.plant(v, p, &f, form)
		view := under(out.Name, rolePage(v, &f))
		view.Page.Tabs = trail.HistoryTab(p, ref, "Role")
		view.Page.Subtitle, view.Page.State, view.Page.Actions = out.Description, origin(out), f.actions()
		if f.viewAs {
			view.Page.More = parts.Do(parts.Act{Verb: "View as this role", Action: viewAs, Hidden: []parts.Hidden{{Name: "role", Value: string(out.ID)}}})
		}
		return view, nil
	}
}

// holds reports whether a role is the person's own: the one that they hold, or that
// comes back when the one that they are lent ends.
func holds(p *gate.Page, role id.Role) bool {
	if s := p.Call().Subject(); s != nil && s.Role.From == role {
		return true
	}
	return p.Who().Role == role
}

func (f *facts) actions() []parts.Button {
	var out []parts.Button
	if f.change {
		out = append(out, parts.Button{Label: "Save role", Kind: parts.Primary, Form: "role"})
	}
	if f.compare {
		out = append(out, parts.Button{Label: "Compare", Href: f.path() + "/compare"})
	}
	if f.copies {
		out = append(out, parts.Button{Label: "Duplicate…", Opens: "duplicate"})
	}
	if f.restore {
		out = append(out, parts.Button{Label: "Give back as shipped…", Opens: "restore"})
	}
	if f.remove {
		out = append(out, parts.Button{Label: "Delete…", Opens: "delete"})
	}
	return out
}

func origin(r *roles.Role) *parts.Badge {
	switch {
	case r.LentFrom != "":
		return &parts.Badge{Meaning: parts.Warn, Word: "Lent", Title: "It holds what another role holds, and more, until its end"}
	case r.Customized:
		return &parts.Badge{Meaning: parts.Warn, Word: "Shipped, customized", Title: "Its content was changed here and does not follow the product"}
	case r.Shipped:
		return &parts.Badge{Word: "Shipped", Title: "It follows what the product ships"}
	}
	return &parts.Badge{Word: "Own", Title: "Made here"}
}

// moment shows an instant of the desk; empty for never.
func moment(v *visit.Visit, text string) parts.Moment {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return parts.At(t.UnixMicro(), v.Zone())
}

func (r *Room) add(v *visit.Visit) {
	visit.Act(v, r.desk.Create, func(out *roles.Role) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Role added.")
	}, r.new(v, nil))
}

func (r *Room) change(v *visit.Visit) {
	visit.Act(v, r.desk.Update, func(out *roles.Role) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Role saved; it holds from the next call on.")
	}, r.one(v, nil), func(form url.Values, in *roles.UpdateIn) error {
		in.Version = meanwhile.Version(form)
		return visit.Decode(form, in)
	})
}

func (r *Room) duplicate(v *visit.Visit) {
	visit.Act(v, r.desk.Duplicate, func(out *roles.Role) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Role duplicated.")
	}, r.one(v, nil))
}

func (r *Room) restore(v *visit.Visit) {
	visit.Act(v, r.desk.Restore, func(out *roles.Role) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "The role is as shipped again.")
	}, r.one(v, nil))
}

func (r *Room) remove(v *visit.Visit) {
	visit.Act(v, r.desk.Delete, func(*admin.Done) visit.Answer {
		return visit.Go(home, "Role deleted.")
	}, r.one(v, nil))
}
