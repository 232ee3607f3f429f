// Package apikeys is the room of keys with which programs call: API keys of
// users, people's own keys, and the site keys of hosted forms.
//
// Invariants. A key is shown once, in the answer that made it. Whatever ends a
// key is asked about first, naming the key, when it was last used and from where.
// What may not be done has no button. The room knows the desks of keys and of
// address rules and no other.
package apikeys

import (
	"context"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of keys.
type Room struct {
	desk      *apikeys.Desk
	rules     *addresses.Desk
	catalogue func() []*gate.Meta
}

// New makes the room; catalogue gives the gate's list, for the tree of a scope.
func New(d *apikeys.Desk, rules *addresses.Desk, catalogue func() []*gate.Meta) *Room {
	return &Room{d, rules, catalogue}
}

// The pages.
const (
	settings = "/settings"
	users    = "/settings/users"
	all      = "/settings/api-keys"
	sites    = "/settings/site-keys"
	own      = "/me/api-keys"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	show := func(path string, s func(v *visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	show(all, r.everybody)
	show(all+"/{id}", r.one)
	m.Post(all+"/{id}", r.change)
	m.Post(all+"/{id}/rotate", r.rotate)
	m.Post(all+"/{id}/revoke", r.revoke)
	show(users+"/{id}/keys", r.ofUser)
	show(users+"/{id}/keys/new", r.blank)
	m.Post(users+"/{id}/keys", r.add)
	show(own, r.mine)
	m.Post(own+"/{id}/revoke", r.revokeMine)
	show(sites, r.siteList)
	show(sites+"/new", r.siteBlank)
	show(sites+"/{id}", r.siteOne)
	m.Post(sites, r.siteAdd)
	m.Post(sites+"/{id}", r.siteChange)
}

func keysOf(u id.User) string { return users + "/" + string(u) + "/keys" }

// crumbs lead back from a page below the settings.
func crumbs(more ...parts.Link) []parts.Link {
	return append([]parts.Link{{Text: "Settings", Href: settings}}, more...)
}

func (r *Room) everybody(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.ListAll)
		if err != nil {
			return visit.View{}, err
		}
		f := filterOf(v, out)
		return visit.View{Page: parts.Page{Title: "API keys", Crumbs: crumbs(), Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}, Body: everybodyPage(v, f, p.Call().At)}, nil
	}
}

func (r *Room) ofUser(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		o := out.Owner
		may := o.Active && p.Can(r.desk.Create.Name, "user/"+string(o.ID))
		page := parts.Page{Title: "API keys of " + o.Name, Crumbs: crumbs(parts.Link{Text: "Users", Href: users}, parts.Link{Text: o.Name, Href: users + "/" + string(o.ID)})}
		if may {
			page.Actions = []parts.Button{{Label: "Make API key", Kind: parts.Primary, Href: keysOf(o.ID) + "/new"}}
		}
		return visit.View{Page: page, Body: userPage(v, out, may, p.Call().At)}, nil
	}
}

// facts is everything that the page of a key, or of a new one, shows.
type facts struct {
	key                     *apikeys.Key // nil: a new one
	owner                   *apikeys.Owner
	rules                   []addresses.Rule
	change, rotate, revoke  bool
	at                      int64
	catalogue               []*gate.Meta
	successorAt, replacesAt string // pages of the keys before and after
}

func (r *Room) ruleChoices(ctx context.Context, p *gate.Page, f *facts) error {
	f.catalogue, f.at = r.catalogue(), p.Call().At
	if !p.Can(r.rules.List.Name, "") {
		return nil
	}
	out, err := gate.Look(ctx, p, r.rules.List, &admin.Nothing{})
	if err == nil {
		f.rules = out.Items
	}
	return err
}

func (r *Room) blank(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.List)
		if err != nil {
			return visit.View{}, err
		}
		if denied, lacks := visit.Need(v, p, r.desk.Create, "user/"+string(out.Owner.ID)); lacks {
			return denied, nil
		}
		f := &facts{owner: out.Owner, change: true}
		if err := r.ruleChoices(ctx, p, f); err != nil {
			return visit.View{}, err
		}
		o := out.Owner
		return visit.View{Page: parts.Page{Title: "Make an API key for " + o.Name, Crumbs: crumbs(parts.Link{Text: "Users", Href: users}, parts.Link{Text: o.Name, Href: users + "/" + string(o.ID)}, parts.Link{Text: "API keys", Href: keysOf(o.ID)})},
			Body: keyPage(v, f)}, nil
	}
}

func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		k, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		f := &facts{key: k}
		if err := r.ruleChoices(ctx, p, f); err != nil {
			return visit.View{}, err
		}
		f.owner = &apikeys.Owner{ID: k.User, Name: k.UserName, Operations: k.Scope, Active: k.State != "stopped"}
		if p.Can(r.desk.List.Name, "user/"+string(k.User)) {
			of, err := gate.Look(ctx, p, r.desk.List, &apikeys.UserRef{ID: k.User})
			if err != nil {
				return visit.View{}, err
			}
			f.owner = of.Owner
		}
		ref, live := "api_key/"+string(k.ID), k.State != "revoked" && k.State != "expired"
		f.change, f.revoke = live && p.Can(r.desk.Update.Name, ref), k.State != "revoked" && p.Can(r.desk.Revoke.Name, ref)
		f.rotate = live && k.Successor == "" && f.owner.Active && p.Can(r.desk.Rotate.Name, ref)
		return r.page(v, f), nil
	}
}

func (r *Room) page(v *visit.Visit, f *facts) visit.View {
	k := f.key
	badge := state(*k)
	page := parts.Page{Title: k.Label, State: &badge, Crumbs: crumbs(parts.Link{Text: "API keys", Href: all}, parts.Link{Text: k.UserName, Href: keysOf(k.User)})}
	if f.rotate {
		page.Actions = append(page.Actions, parts.Button{Label: "Rotate…", Opens: "rotate"})
	}
	if f.revoke {
		page.Actions = append(page.Actions, parts.Button{Label: "Revoke…", Opens: "revoke"})
	}
	return visit.View{Page: page, Body: keyPage(v, f)}
}

func (r *Room) add(v *visit.Visit) {
	visit.Act(v, r.desk.Create, func(out *apikeys.Made) visit.Answer { return made(out, "API key made") }, r.blank(v), func(form url.Values, in *apikeys.CreateIn) error {
		form.Set("expires_at", endOf(form.Get("expires_at"), v.Zone()))
		err := visit.Decode(form, in)
		if form.Get(narrowName) != "yes" {
			in.Scope = nil
		} else if in.Scope == nil {
			in.Scope = []string{}
		}
		return err
	})
}

// made shows a new key once.
func made(out *apikeys.Made, title string) visit.Answer {
	return visit.Render(func(context.Context, *gate.Page) (visit.View, error) {
		return visit.View{Page: parts.Page{Title: title, Crumbs: crumbs(parts.Link{Text: "API keys", Href: all}, parts.Link{Text: out.UserName, Href: keysOf(out.User)})}, Body: madePage(out)}, nil
	})
}

func (r *Room) change(v *visit.Visit) {
	visit.Act(v, r.desk.Update, func(out *apikeys.Key) visit.Answer {
		return visit.Go(all+"/"+string(out.ID), "API key changed.")
	}, r.one(v), func(form url.Values, in *apikeys.UpdateIn) error {
		form.Set("expires_at", endOf(form.Get("expires_at"), v.Zone()))
		err := visit.Decode(form, in)
		label, ends, rules := form.Get("label"), form.Get("expires_at"), []id.IPRule{}
		for _, rid := range form["ip_rules"] {
			rules = append(rules, id.IPRule(rid))
		}
		in.Label, in.ExpiresAt, in.IPRules = &label, &ends, &rules
		scope := slices.Clone(form["scope"])
		in.Scope, in.Unscoped = &scope, false
		if form.Get(narrowName) != "yes" {
			in.Scope, in.Unscoped = nil, true
		}
		return err
	})
}

func (r *Room) rotate(v *visit.Visit) {
	visit.Act(v, r.desk.Rotate, func(out *apikeys.Made) visit.Answer { return made(out, "API key rotated") }, r.one(v))
}

func (r *Room) revoke(v *visit.Visit) {
	visit.Act(v, r.desk.Revoke, func(out *apikeys.Key) visit.Answer {
		return visit.Go(keysOf(out.User), "API key revoked.")
	}, nil)
}

func (r *Room) mine(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Own)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{Page: parts.Page{Title: "My API keys", Crumbs: []parts.Link{{Text: "My access", Href: "/my-access"}}}, Body: ownPage(v, out, p.Call().At)}, nil
	}
}

func (r *Room) revokeMine(v *visit.Visit) {
	visit.Act(v, r.desk.OwnRevoke, func(*apikeys.Key) visit.Answer { return visit.Go(own, "API key revoked.") }, nil)
}

// under makes a page of one site key.
func under(title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: crumbs(parts.Link{Text: "Site keys", Href: sites})}, Body: body}
}
