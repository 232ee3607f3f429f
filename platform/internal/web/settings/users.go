package settings

import (
	"context"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) userList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.staff.UserList)
		if err != nil {
			return visit.View{}, err
		}
		q := v.R.URL.Query()
		l := userFilter{q: q.Get("q"), role: q.Get("role"), state: q.Get("state")}
		for _, u := range out.Items {
			l.noteRole(u.Role)
			if l.fits(u) {
				l.found = append(l.found, u)
			}
		}
		return view(p, v, "Users", userTable(v, &l), button(p, r.staff.UserCreate.Name, parts.Button{Label: "Add user", Kind: parts.Primary, Href: users + "/new"})...), nil
	}
}

// userFilter is what the address of the list of users asks for. The desk gives
// all users, so the room narrows them.
type userFilter struct {
	q, role, state string
	roles          []string
	found          []people.User
}

func (l *userFilter) noteRole(name string) {
	for _, r := range l.roles {
		if r == name {
			return
		}
	}
	l.roles = append(l.roles, name)
}

func (l *userFilter) fits(u people.User) bool {
	q := strings.ToLower(strings.TrimSpace(l.q))
	return (q == "" || strings.Contains(strings.ToLower(u.Name), q) || strings.Contains(strings.ToLower(u.Email), q)) &&
		(l.role == "" || l.role == u.Role) && (l.state == "" || (l.state == "active") == u.Active)
}

func (l *userFilter) bar() parts.FilterBar {
	byRole := []parts.Option{{Value: "", Label: "any"}}
	for _, r := range l.roles {
		byRole = append(byRole, parts.Option{Value: r, Label: r})
	}
	return parts.FilterBar{Action: users, Search: &parts.Field{Name: "q", Label: "Name or e-mail", Value: l.q}, Filters: []parts.Filter{
		{Name: "role", Label: "Role", Value: l.role, Options: byRole},
		{Name: "state", Label: "State", Value: l.state, Options: []parts.Option{{Value: "", Label: "any"}, {Value: "active", Label: "Active"}, {Value: "off", Label: "Off"}}},
	}}
}

func (r *Room) userNew(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		c, err := r.choices(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		return under(parts.Link{Text: "Users", Href: users}, "Add user", userForm(v, c)), nil
	}
}

func (r *Room) userAdd(v *visit.Visit) {
	visit.Act(v, r.staff.UserCreate, func(out *people.User) visit.Answer {
		return visit.Go(users+"/"+string(out.ID), "User added.")
	}, r.userNew(v))
}

// userFacts is everything that a user's page shows.
type userFacts struct {
	user    *people.User
	choices choices
	self    bool
	change  bool
}

func (r *Room) userPage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		u, err := visit.Look(ctx, v, p, r.staff.UserView)
		if err != nil {
			return visit.View{}, err
		}
		ref := "user/" + string(u.ID)
		f := userFacts{user: u, self: u.ID == p.Who().User, change: p.Can(r.staff.UserUpdate.Name, ref)}
		if f.choices, err = r.choices(ctx, p); err != nil {
			return visit.View{}, err
		}
		out := under(parts.Link{Text: "Users", Href: users}, u.Name, userPage(v, f))
		badge := state(u.Active)
		out.Page.State = &badge
		out.Page.Actions = button(p, "api_key.list", parts.Button{Label: "API keys", Href: users + "/" + string(u.ID) + "/keys"})
		return out, nil
	}
}

func (r *Room) userChange(v *visit.Visit) {
	visit.Act(v, r.staff.UserUpdate, func(out *people.User) visit.Answer {
		return visit.Go(users+"/"+string(out.ID), "User changed.")
	}, r.userPage(v))
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
