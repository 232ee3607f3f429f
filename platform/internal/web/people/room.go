// Package people is the room of who works here: users, how they come in, what
// they may give away, teams, and the settings of sign-in.
//
// Invariants. Every page is made of reads that the person may call; what may not
// be done has no button. Whatever takes something away is asked about first,
// naming the object and the effect. The room shows that somebody has a second
// factor, and nothing of it.
package people

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the room of people.
type Room struct {
	desk      *people.Desk
	roles     *roles.Desk
	limits    *restrictions.Desk
	catalogue func() []*gate.Meta
}

// New makes the room; catalogue gives the gate's list, for what may be given away.
func New(d *people.Desk, r *roles.Desk, limits *restrictions.Desk, catalogue func() []*gate.Meta) *Room {
	return &Room{d, r, limits, catalogue}
}

// The pages.
const (
	home    = "/settings"
	users   = "/settings/users"
	teams   = "/settings/teams"
	access  = "/settings/access"
	limited = "/settings/search-restrictions"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	show := func(path string, s func(v *visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	show(users, r.userList)
	show(users+"/new", r.userNew)
	show(users+"/{id}", r.userPage)
	show(users+"/{id}/grantable", r.grantable)
	m.Post(users, r.userAdd)
	m.Post(users+"/{id}", r.userChange)
	m.Post(users+"/{id}/invite", r.invite)
	m.Post(users+"/{id}/unlock", r.unlock)
	m.Post(users+"/{id}/sign-out", r.signOut)
	m.Post(users+"/{id}/factors/reset", r.resetFactors)
	m.Post(users+"/{id}/exceptions", r.except)
	m.Post(users+"/{id}/exceptions/{exception}/end", r.endExcept)
	m.Post(users+"/{id}/grantable", r.setGrantable)
	show(teams, r.teamList)
	show(teams+"/new", r.teamNew)
	show(teams+"/{id}", r.teamPage)
	m.Post(teams, r.teamAdd)
	m.Post(teams+"/{id}", r.teamChange)
	m.Post(teams+"/{id}/delete", r.teamDelete)
	show(access, r.setting)
	m.Post(access, r.saveSetting)
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
func button(p *gate.Page, operation, object string, b parts.Button) []parts.Button {
	if !p.Can(operation, object) {
		return nil
	}
	return []parts.Button{b}
}

// choices are what the forms of this room choose from, as far as the person may
// read it.
type choices struct {
	roles  []roles.Role
	limits []restrictions.Restriction
	teams  []people.Team
	people []people.User
}

func (r *Room) choices(ctx context.Context, p *gate.Page) (c choices, err error) {
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
	if p.Can(r.desk.TeamList.Name, "") {
		out, err := gate.Look(ctx, p, r.desk.TeamList, &people.Nothing{})
		if err != nil {
			return c, err
		}
		c.teams = out.Items
	}
	return c, nil
}

// everybody adds the users, for the members of a team.
func (r *Room) everybody(ctx context.Context, p *gate.Page, c *choices) error {
	if !p.Can(r.desk.UserList.Name, "") {
		return nil
	}
	out, err := gate.Look(ctx, p, r.desk.UserList, &people.Nothing{})
	if err == nil {
		c.people = out.Items
	}
	return err
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

func (c choices) team(t id.Team) people.Team {
	for _, team := range c.teams {
		if team.ID == t {
			return team
		}
	}
	return people.Team{ID: t, Name: string(t)}
}

func (c choices) person(u id.User) string {
	for _, p := range c.people {
		if p.ID == u {
			return p.Name
		}
	}
	return string(u)
}

func state(u people.User) parts.Badge {
	switch {
	case !u.Active:
		return parts.Badge{Word: "Off"}
	case u.LockedUntil != "":
		return parts.Badge{Meaning: parts.Warn, Word: "Locked", Title: "Too many wrong passwords or codes"}
	case u.InvitedUntil != "":
		return parts.Badge{Word: "Invited"}
	case u.NoPassword:
		return parts.Badge{Meaning: parts.Warn, Word: "No password yet"}
	}
	return parts.Badge{Meaning: parts.OK, Word: "Active"}
}

// short cuts a long text for a cell.
func short(s string, n int) string {
	r := []rune(strings.Join(strings.Fields(s), " "))
	if len(r) <= n {
		return string(r)
	}
	return string(r[:n-1]) + "…"
}

// instant reads what the desk writes; 0 for never.
func instant(text string) int64 {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0
	}
	return t.UnixMicro()
}

func moment(v *visit.Visit, text string) parts.Moment {
	if text == "" {
		return parts.Moment{}
	}
	return parts.At(instant(text), v.Zone())
}

// day leaves the time of day to the hover.
func day(m parts.Moment) parts.Moment {
	if len(m.Text) > 10 {
		m.Text = m.Text[:10]
	}
	return m
}

// endOf turns a date into the instant at which it is over; anything else stays
// as it is, for the desk to refuse.
func endOf(text string, zone *time.Location) string {
	d, err := civil.Parse(strings.TrimSpace(text))
	if err != nil {
		return text
	}
	y, m, n := d.AddDays(1).YMD()
	return time.Date(y, m, n, 0, 0, 0, 0, zone).UTC().Format(time.RFC3339)
}
