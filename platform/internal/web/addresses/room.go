// Package addresses is the room of address rules: from which addresses people
// and programs may call, and the way back from a rule that shut out whoever made
// it.
//
// Invariants. What would shut its own editor out is asked twice, and what was
// typed stays. The page after such a change, and the page of the way back, ask
// the gate for nothing but the way back itself, so they work where every other
// page is refused. The token of a way back never stands in an address.
package addresses

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of address rules.
type Room struct{ desk *addresses.Desk }

// New makes the room.
func New(d *addresses.Desk) *Room { return &Room{d} }

// The pages.
const (
	settings = "/settings"
	home     = "/settings/address-rules"
	wayBack  = "/way-back"
)

// The front's own fields: whom a rule binds as "role/ro_…", one more user, and
// the answer to the second question.
const (
	holdersName    = "_holders"
	anotherName    = "_another"
	understoodName = "_understood"
	askedName      = "_asked"
)

// sheet names the form of a rule.
const sheet = "address"

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.list(v)) })
	m.Get(home+"/new", func(v *visit.Visit) { v.Show(r.blank(v)) })
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.one(v)) })
	m.Post(home, r.add)
	m.Post(home+"/mine", r.mine)
	m.Post(home+"/{id}", r.change)
	m.Post(home+"/{id}/mine", r.mine)
	m.Post(home+"/{id}/delete", r.remove)
	m.Get(wayBack, func(v *visit.Visit) { v.Print(200, wayBackPage(v)) })
	m.Post(wayBack, r.takeBack)
}

func (r *Room) list(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		may := p.Can(r.desk.Create.Name, "")
		page := parts.Page{Title: "Address rules", Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
		if may {
			page.Actions = []parts.Button{{Label: "Add address rule", Kind: parts.Primary, Href: home + "/new"}}
		}
		return visit.View{Page: page, Body: listPage(out, may)}, nil
	}
}

// facts is everything that the page of a rule shows.
type facts struct {
	rule           addresses.Rule // without an id: a new one
	change, remove bool
	choices        []addresses.Holder
	mine           addresses.MineOut
	mineIn         bool // the person's address is in the rule as it is stored
}

// common reads what every page of a rule needs.
func (r *Room) common(ctx context.Context, p *gate.Page, f *facts) error {
	if p.Can(r.desk.Mine.Name, "") {
		out, err := gate.Look(ctx, p, r.desk.Mine, &admin.Nothing{})
		if err != nil {
			return err
		}
		f.mine = *out
	}
	if f.change && p.Can(r.desk.Holders.Name, "") {
		out, err := gate.Look(ctx, p, r.desk.Holders, &admin.Nothing{})
		if err != nil {
			return err
		}
		f.choices = out.Items
	}
	return nil
}

func (r *Room) blank(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.Create, ""); lacks {
			return denied, nil
		}
		f := &facts{rule: addresses.Rule{Mode: "allow", Active: true}, change: true}
		if err := r.common(ctx, p, f); err != nil {
			return visit.View{}, err
		}
		return under("Add address rule", rulePage(v, f)), nil
	}
}

func under(title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: settings}, {Text: "Address rules", Href: home}}}, Body: body}
}

func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.stored(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		return r.page(v, f), nil
	}
}

func (r *Room) stored(ctx context.Context, v *visit.Visit, p *gate.Page) (*facts, error) {
	out, err := visit.Look(ctx, v, p, r.desk.View)
	if err != nil {
		return nil, err
	}
	ref := "ip_rule/" + string(out.ID)
	f := &facts{rule: *out, change: p.Can(r.desk.Update.Name, ref), remove: p.Can(r.desk.Delete.Name, ref)}
	return f, r.common(ctx, p, f)
}

func (r *Room) page(v *visit.Visit, f *facts) visit.View {
	out := under(f.rule.Name, rulePage(v, f))
	badge := state(f.rule.Active)
	out.Page.State = &badge
	if f.remove && len(f.rule.Holders) == 0 {
		out.Page.Actions = []parts.Button{{Label: "Delete…", Opens: "delete"}}
	}
	return out
}

func (r *Room) add(v *visit.Visit) {
	visit.Act(v, r.desk.Create, func(out *addresses.Rule) visit.Answer {
		return done(v, out, "Address rule added.")
	}, r.blank(v), func(form url.Values, in *addresses.CreateIn) error { return fill(form, in) })
}

func (r *Room) change(v *visit.Visit) {
	visit.Act(v, r.desk.Update, func(out *addresses.Rule) visit.Answer {
		return done(v, out, "Address rule changed.")
	}, r.one(v), func(form url.Values, in *addresses.UpdateIn) error {
		in.Version = meanwhile.Version(form)
		return fill(form, &in.CreateIn)
	})
}

func (r *Room) remove(v *visit.Visit) {
	visit.Act(v, r.desk.Delete, func(*admin.Done) visit.Answer {
		return visit.Go(home, "Address rule deleted.")
	}, r.one(v))
}

// fill takes the form, and the second answer where the question was asked twice.
func fill(form url.Values, in *addresses.CreateIn) error {
	err := visit.Decode(form, in)
	in.Holders, in.Confirm = holders(form), ""
	if form.Get(understoodName) == "yes" {
		in.Confirm = addresses.LocksYouOut
	}
	return err
}

// done follows a change: on to the rule, or, where the change has shut its
// maker out, to the page of the way back.
func done(v *visit.Visit, out *addresses.Rule, said string) visit.Answer {
	if out.WayBack != nil {
		return visit.Printed(shutOutPage(v, out))
	}
	return visit.Go(home+"/"+string(out.ID), said)
}

// mine puts the person's own address into the form, beside what was typed.
func (r *Room) mine(v *visit.Visit) {
	var typed addresses.CreateIn
	visit.Act(v, r.desk.Mine, func(out *addresses.MineOut) visit.Answer {
		if !slices.Contains(typed.Entries, out.Entry) {
			typed.Entries = append(typed.Entries, out.Entry)
		}
		return visit.Render(r.again(v, &typed))
	}, nil, func(form url.Values, _ *admin.Nothing) error {
		visit.Forget(form)
		return fill(form, &typed)
	})
}

// again is the page of a rule with a content that is not stored.
func (r *Room) again(v *visit.Visit, in *addresses.CreateIn) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f := &facts{change: true}
		if v.R.PathValue("id") != "" {
			var err error
			if f, err = r.stored(ctx, v, p); err != nil {
				return visit.View{}, err
			}
		} else if err := r.common(ctx, p, f); err != nil {
			return visit.View{}, err
		}
		known := append(slices.Clone(f.choices), f.rule.Holders...)
		f.rule.Mode, f.rule.Entries, f.rule.Active, f.rule.Holders = in.Mode, in.Entries, in.Active, nil
		for _, h := range in.Holders {
			at := slices.IndexFunc(known, func(k addresses.Holder) bool { return k.Kind == h.Kind && k.ID == h.ID })
			if at >= 0 {
				f.rule.Holders = append(f.rule.Holders, known[at])
			}
		}
		if f.rule.ID == "" {
			f.rule.Name = in.Name
			return under("Add address rule", rulePage(v, f)), nil
		}
		f.remove = false
		out := r.page(v, f)
		f.rule.Name = in.Name
		return out, nil
	}
}

func (r *Room) takeBack(v *visit.Visit) {
	visit.ActOpen(v, v.Stranger(), r.desk.WayBack, func(out *addresses.WayBackOut) visit.Answer {
		return visit.Printed(backPage(v, out))
	}, func() templ.Component { return wayBackPage(v) })
}

// holders reads whom the rule binds; what is no holder is left to the desk to
// refuse.
func holders(form url.Values) []policy.Holder {
	out := []policy.Holder{}
	add := func(text string) {
		kind, hid, _ := strings.Cut(text, "/")
		if h := (policy.Holder{Kind: kind, ID: hid}); text != "" && !slices.Contains(out, h) {
			out = append(out, h)
		}
	}
	for _, text := range form[holdersName] {
		add(text)
	}
	add(form.Get(anotherName))
	return out
}

// locked reports that the form came back because the change would shut its
// maker out.
func locked(v *visit.Visit) bool {
	f := v.Fault()
	return f != nil && fault.As(f).Reason == addresses.LocksYouOut && v.Sheet(sheet).Open()
}

// typed is the form as it came, to travel through the second question.
func typed(v *visit.Visit) []parts.Hidden {
	var out []parts.Hidden
	for name, values := range v.Form() {
		if name == understoodName || name == askedName {
			continue
		}
		for _, value := range values {
			out = append(out, parts.Hidden{Name: name, Value: value})
		}
	}
	slices.SortFunc(out, func(a, b parts.Hidden) int { return strings.Compare(a.Name+a.Value, b.Name+b.Value) })
	return append(out, parts.Hidden{Name: askedName, Value: "yes"})
}
