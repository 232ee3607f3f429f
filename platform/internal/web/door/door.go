// Package door is the room at the entrance: signing in and out, asking for a
// reset link, setting a new password, and "My access".
//
// Invariants. What is answered to a wrong password, an unknown address, a
// locked account and a barred address is one and the same page. A session's
// token is made anew at every sign-in and stands in the cookie only. After
// signing in people are sent to pages of this house only. Nothing here says
// whether an e-mail address is known.
package door

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// ResetPath is where a reset link leads, with the token in the query: the job
// that mails the link appends "?token=…".
const ResetPath = "/reset/new"

// nextName is the form's field for where to go after signing in.
const nextName = "_next"

// againName is the field for the new password's repetition.
const againName = "_again"

// Room is the entrance.
type Room struct {
	desk      *signin.Desk
	catalogue func() []*gate.Meta
}

// New makes the room; catalogue gives the gate's list, for "My access".
func New(d *signin.Desk, catalogue func() []*gate.Meta) *Room { return &Room{d, catalogue} }

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get("/signin", func(v *visit.Visit) { v.Print(200, r.signIn(v, v.R.URL.Query().Get("next"))) })
	m.Post("/signin", r.enter)
	m.Post("/signout", r.leave)
	m.Get("/reset", func(v *visit.Visit) { v.Print(200, resetPage(v)) })
	m.Post("/reset", r.askReset)
	m.Get("/reset/sent", func(v *visit.Visit) { v.Print(200, resetSent(v)) })
	m.Get(ResetPath, func(v *visit.Visit) { v.Print(200, newPassword(v, v.R.URL.Query().Get("token"))) })
	m.Post(ResetPath, r.reset)
	m.Get("/me", r.me)
}

func (r *Room) signIn(v *visit.Visit, next string) templ.Component {
	if pan.Contains(next) {
		next = "/"
	}
	return signInPage(v, visit.Local(next))
}

func (r *Room) enter(v *visit.Visit) {
	next := "/"
	visit.ActOpen(v, v.Stranger(), r.desk.Enter, func(out *signin.EnterOut) visit.Answer {
		v.Enter(out.Token)
		return visit.Go(next, "")
	}, func() templ.Component {
		return r.signIn(v, next)
	}, func(form url.Values, in *signin.EnterIn) error {
		next = visit.Local(form.Get(nextName))
		return visit.Decode(form, in)
	})
}

func (r *Room) leave(v *visit.Visit) {
	visit.Act(v, r.desk.Leave, func(*signin.Done) visit.Answer {
		v.Leave()
		return visit.Go("/signin", "You are signed out.")
	}, nil)
}

func (r *Room) askReset(v *visit.Visit) {
	visit.ActOpen(v, v.Stranger(), r.desk.RequestReset, func(*signin.Done) visit.Answer {
		return visit.Go("/reset/sent", "")
	}, func() templ.Component { return resetPage(v) })
}

func (r *Room) reset(v *visit.Visit) {
	token := ""
	visit.ActOpen(v, v.Stranger(), r.desk.Reset, func(*signin.Done) visit.Answer {
		v.Leave()
		return visit.Go("/signin", "Your new password is set. Sign in with it.")
	}, func() templ.Component { return newPassword(v, token) }, func(form url.Values, in *signin.ResetIn) error {
		token = form.Get("token")
		if err := visit.Decode(form, in); err != nil {
			return err
		}
		if form.Get(againName) != form.Get("password") {
			return fault.Bad(againName, "Type the same password twice.")
		}
		return nil
	})
}

func (r *Room) me(v *visit.Visit) {
	v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Me)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{Page: parts.Page{Title: "My access", Subtitle: "What your role lets you do in the screens"}, Body: myAccess(out, r.held(out.Operations))}, nil
	})
}

// held groups operations by area, in the catalogue's words.
func (r *Room) held(names []string) []parts.Node {
	var areas []parts.Node
	for _, m := range r.catalogue() {
		if !slices.Contains(names, m.Name) || m.Permit != gate.ByRole {
			continue
		}
		at := slices.IndexFunc(areas, func(n parts.Node) bool { return n.Label == m.Area })
		if at < 0 {
			at = len(areas)
			areas = append(areas, parts.Node{Label: m.Area, Passing: parts.Passed, Open: true})
		}
		areas[at].Children = append(areas[at].Children, parts.Node{Label: m.Title, Detail: m.Name, Passing: parts.Passed})
	}
	slices.SortFunc(areas, func(a, b parts.Node) int { return strings.Compare(a.Label, b.Label) })
	return areas
}
