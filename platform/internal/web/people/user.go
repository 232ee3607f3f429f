package people

import (
	"context"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/trail"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) userList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.UserList)
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
		return view(p, v, "Users", userTable(&l), button(p, r.desk.UserCreate.Name, "", parts.Button{Label: "Add user", Kind: parts.Primary, Href: users + "/new"})...), nil
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
		if denied, lacks := visit.Need(v, p, r.desk.UserCreate, ""); lacks {
			return denied, nil
		}
		c, err := r.choices(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		return under(parts.Link{Text: "Users", Href: users}, "Add user", userForm(v, c)), nil
	}
}

func (r *Room) userAdd(v *visit.Visit) {
	visit.Act(v, r.desk.UserCreate, func(out *people.User) visit.Answer {
		words := "User added. The invitation is on its way."
		if out.Machine {
			words = "User added."
		}
		return visit.Go(users+"/"+string(out.ID), words)
	}, r.userNew(v))
}

// userFacts is everything that a user's page shows.
type userFacts struct {
	user     *people.User
	choices  choices
	factors  *people.FactorsOut     // nil: may not be read
	sessions *people.SessionListOut // likewise
	gives    *people.GrantableOut
	at       int64
	self     bool
	can      map[string]bool // by operation
}

// asked are the operations that decide about buttons on a user's page.
func (r *Room) asked() []string {
	d := r.desk
	return []string{d.UserUpdate.Name, d.Invite.Name, d.Unlock.Name, d.SignOut.Name, d.ResetFactors.Name, d.Except.Name, d.EndExcept.Name, d.Grantable.Name}
}

func (r *Room) userPage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		u, err := visit.Look(ctx, v, p, r.desk.UserView)
		if err != nil {
			return visit.View{}, err
		}
		ref := "user/" + string(u.ID)
		f := userFacts{user: u, self: u.ID == p.Who().User, at: p.Call().At, can: map[string]bool{}}
		for _, name := range r.asked() {
			f.can[name] = p.Can(name, ref)
		}
		if f.choices, err = r.choices(ctx, p); err != nil {
			return visit.View{}, err
		}
		if err := r.userMore(ctx, p, ref, &f); err != nil {
			return visit.View{}, err
		}
		out := under(parts.Link{Text: "Users", Href: users}, u.Name, userPage(v, f))
		badge := state(*u)
		out.Page.State = &badge
		out.Page.Tabs = trail.HistoryTab(p, ref, "User")
		out.Page.Actions = button(p, "api_key.list", ref, parts.Button{Label: "API keys", Href: users + "/" + string(u.ID) + "/keys"})
		return out, nil
	}
}

// userMore reads what else may be read about a user.
func (r *Room) userMore(ctx context.Context, p *gate.Page, ref string, f *userFacts) (err error) {
	in := people.UserRef{ID: f.user.ID}
	if p.Can(r.desk.GiveAway.Name, ref) {
		if f.gives, err = gate.Look(ctx, p, r.desk.GiveAway, &in); err != nil {
			return err
		}
	}
	if f.user.Machine {
		return nil
	}
	if p.Can(r.desk.Factors.Name, ref) {
		if f.factors, err = gate.Look(ctx, p, r.desk.Factors, &in); err != nil {
			return err
		}
	}
	if p.Can(r.desk.Sessions.Name, ref) {
		f.sessions, err = gate.Look(ctx, p, r.desk.Sessions, &in)
	}
	return err
}

// back is the page of the user that an act was about.
func back(v *visit.Visit) string { return users + "/" + v.R.PathValue("id") }

func (r *Room) userChange(v *visit.Visit) {
	visit.Act(v, r.desk.UserUpdate, func(*people.User) visit.Answer { return visit.Go(back(v), "User changed.") }, r.userPage(v),
		func(form url.Values, in *people.UserUpdateIn) error {
			in.Version = meanwhile.Version(form)
			return visit.Decode(form, in)
		})
}

func (r *Room) invite(v *visit.Visit) {
	visit.Act(v, r.desk.Invite, func(*people.User) visit.Answer { return visit.Go(back(v), "A new invitation is on its way.") }, r.userPage(v))
}

func (r *Room) unlock(v *visit.Visit) {
	visit.Act(v, r.desk.Unlock, func(*people.User) visit.Answer { return visit.Go(back(v), "The lock has ended.") }, r.userPage(v))
}

func (r *Room) signOut(v *visit.Visit) {
	visit.Act(v, r.desk.SignOut, func(*people.Done) visit.Answer { return visit.Go(back(v), "All sessions have ended.") }, r.userPage(v))
}

func (r *Room) resetFactors(v *visit.Visit) {
	visit.Act(v, r.desk.ResetFactors, func(*people.Done) visit.Answer {
		return visit.Go(back(v), "Second factors reset: new ones are set up at the next sign-in.")
	}, r.userPage(v))
}

func (r *Room) except(v *visit.Visit) {
	visit.Act(v, r.desk.Except, func(*people.Exception) visit.Answer { return visit.Go(back(v), "The exception is recorded.") }, r.userPage(v),
		func(form url.Values, in *people.ExceptIn) error {
			form.Set("until", endOf(form.Get("until"), v.Zone()))
			return visit.Decode(form, in)
		})
}

func (r *Room) endExcept(v *visit.Visit) {
	visit.Act(v, r.desk.EndExcept, func(*people.Done) visit.Answer { return visit.Go(back(v), "The exception has ended.") }, r.userPage(v))
}
