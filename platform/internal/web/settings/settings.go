// Package settings is the room of whoever administers access: the way to all of
// its pages, and users.
//
// Invariants. Every page is made of reads that the person may call; what may
// not be done has no button. Whatever takes something away is asked about first,
// naming the object and the effect.
package settings

import (
	"context"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	roledesk "github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the settings of access.
type Room struct {
	staff  *people.Desk
	roles  *roledesk.Desk
	limits *restrictions.Desk
}

// New makes the room.
func New(staff *people.Desk, roles *roledesk.Desk, limits *restrictions.Desk) *Room {
	return &Room{staff, roles, limits}
}

// The pages.
const (
	home    = "/settings"
	users   = "/settings/users"
	limited = "/settings/search-restrictions"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	show := func(path string, s func(v *visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	show(home, r.home)
	show(users, r.userList)
	show(users+"/new", r.userNew)
	show(users+"/{id}", r.userPage)
	m.Post(users, r.userAdd)
	m.Post(users+"/{id}", r.userChange)
}

func (r *Room) home(*visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		return visit.View{Page: parts.Page{Title: "Settings"}, Body: homePage(visit.Settings(p.Can))}, nil
	}
}

// view makes a page of the settings: a list under the tabs.
func view(p *gate.Page, v *visit.Visit, title string, body templ.Component, actions ...parts.Button) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: home}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path), Actions: actions}, Body: body}
}

// under makes a page of one thing: no tabs, the way back above the title.
func under(place parts.Link, title string, body templ.Component) visit.View {
	return visit.View{Page: parts.Page{Title: title, Crumbs: []parts.Link{{Text: "Settings", Href: home}, place}}, Body: body}
}

// button gives an action to whoever may call the operation.
func button(p *gate.Page, operation string, b parts.Button) []parts.Button {
	if !p.Can(operation, "") {
		return nil
	}
	return []parts.Button{b}
}

// choices are what the forms of this room choose from, as far as the person may
// read it.
type choices struct {
	roles  []roledesk.Role
	limits []restrictions.Restriction
}

func (r *Room) choices(ctx context.Context, p *gate.Page) (choices, error) {
	var c choices
	if p.Can(r.roles.List.Name, "") {
		out, err := gate.Look(ctx, p, r.roles.List, &admin.Nothing{})
		if err != nil {
			return c, err
		}
		c.roles = out.Items
	}
	if p.Can(r.limits.List.Name, "") {
		out, err := gate.Look(ctx, p, r.limits.List, &restrictions.Nothing{})
		if err != nil {
			return c, err
		}
		c.limits = out.Items
	}
	return c, nil
}

// roleOptions are the roles; held is kept even where the list may not be read.
func (c choices) roleOptions(held string) []parts.Option {
	var out []parts.Option
	if held == "" {
		out = append(out, parts.Option{Value: "", Label: "Choose a role"})
	}
	for _, r := range c.roles {
		out = append(out, parts.Option{Value: r.Name, Label: r.Name})
	}
	if held != "" && !slices.ContainsFunc(out, func(o parts.Option) bool { return o.Value == held }) {
		out = append(out, parts.Option{Value: held, Label: held})
	}
	return out
}

func (c choices) restriction(rid id.Restriction) string {
	for _, r := range c.limits {
		if r.ID == rid {
			return r.Name
		}
	}
	return string(rid)
}

func state(on bool) parts.Badge {
	if on {
		return parts.Badge{Meaning: parts.OK, Word: "Active"}
	}
	return parts.Badge{Word: "Off"}
}

// short cuts a long text for a cell.
func short(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}
