// Package door is the room at the entrance: signing in and out, by password and
// second factor or by a passkey; following an invitation or a reset link; proving
// once more who one is; how one signs in, and one's sessions.
//
// Invariants. What is answered to a wrong password, an unknown address, a
// locked account and a barred address is one and the same page. A session's
// token is made anew at every sign-in and stands in the cookie only. After
// signing in people are sent to pages of this house only. Nothing here says
// whether an e-mail address is known.
package door

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// ResetPath is where a reset link leads, with the token in the query: the job
// that mails the link appends "?token=…".
const ResetPath = "/reset/new"

// InvitedPath is where an invitation leads, likewise.
const InvitedPath = "/invited"

// nextName is the form's field for where to go after signing in.
const nextName = "_next"

// againName is the field for the new password's repetition.
const againName = "_again"

// Letter is a mail that the demo has kept instead of sending it.
type Letter struct {
	At                int64 // unix microseconds
	To, Subject, Text string
}

// Room is the entrance.
type Room struct {
	desk *signin.Desk
	mail func() ([]Letter, error) // the newest letters; nil outside of the demo
}

// New makes the room. mail
// gives the newest letters of a demo, which has a page for them; it is nil
// everywhere else.
func New(d *signin.Desk, mail func() ([]Letter, error)) *Room {
	return &Room{d, mail}
}

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get("/signin", func(v *visit.Visit) { v.Print(200, r.signIn(v, v.R.URL.Query().Get("next"))) })
	m.Post("/signin", r.enter)
	m.Post("/signin/passkey", r.enterByPasskey)
	m.Post("/signin/passkey/ask", r.askEntry)
	m.Post("/signout", r.leave)
	m.Get("/reset", func(v *visit.Visit) { v.Print(200, resetPage(v)) })
	m.Post("/reset", r.askReset)
	m.Get("/reset/sent", func(v *visit.Visit) { v.Print(200, resetSent(v)) })
	for _, path := range []string{ResetPath, InvitedPath} {
		m.Get(path, func(v *visit.Visit) { v.Print(200, newPassword(v, path, v.R.URL.Query().Get("token"))) })
		m.Post(path, func(v *visit.Visit) { r.reset(v, path) })
	}
	m.Get("/me", r.me)
	if r.mail != nil {
		m.Get("/demo/mail", r.letters)
	}
	r.factorRoutes(m)
	r.mineRoutes(m)
}

func (r *Room) signIn(v *visit.Visit, next string) templ.Component {
	if pan.Contains(next) {
		next = "/"
	}
	return signInPage(v, visit.Local(next), r.mail != nil)
}

func (r *Room) enter(v *visit.Visit) {
	next := "/"
	visit.ActOpen(v, v.Stranger(), r.desk.Enter, func(out *signin.EnterOut) visit.Answer {
		v.Enter(out.Token)
		if out.Asked {
			return visit.Go(visit.Mending(visit.FactorPath, next), "")
		}
		return visit.Go(next, "")
	}, func() templ.Component {
		return r.signIn(v, next)
	}, func(form url.Values, in *signin.EnterIn) error {
		next = visit.Local(form.Get(nextName))
		return visit.Decode(form, in)
	})
}

// askEntry tells the browser what its passkeys are asked for.
func (r *Room) askEntry(v *visit.Visit) {
	visit.Tell(v, r.desk.AskEntry, func(out *signin.AskOut, err error) any {
		if err != nil {
			return nil
		}
		v.Ask(out.Token)
		return json.RawMessage(out.Options.Reveal())
	})
}

func (r *Room) enterByPasskey(v *visit.Visit) {
	next := "/"
	visit.ActOpen(v, v.Stranger(), r.desk.EnterByPK, func(out *signin.EnterOut) visit.Answer {
		v.Enter(out.Token)
		return visit.Go(next, "")
	}, func() templ.Component {
		return r.signIn(v, next)
	}, func(form url.Values, in *signin.PasskeyEnterIn) error {
		next = visit.Local(form.Get(nextName))
		in.Token = v.Asked()
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

func (r *Room) reset(v *visit.Visit, path string) {
	token := ""
	visit.ActOpen(v, v.Stranger(), r.desk.Reset, func(*signin.Done) visit.Answer {
		v.Leave()
		return visit.Go("/signin", "Your new password is set. Sign in with it.")
	}, func() templ.Component { return newPassword(v, path, token) }, func(form url.Values, in *signin.ResetIn) error {
		token = form.Get("token")
		if err := visit.Decode(form, in); err != nil {
			return err
		}
		return twice(form)
	})
}

// me is an old name of the page "My access", which people have kept.
func (r *Room) me(v *visit.Visit) {
	v.Show(func(ctx context.Context, p *gate.Page) (visit.View, error) {
		_, err := visit.Look(ctx, v, p, r.desk.Me)
		return visit.View{To: "/my-access"}, err
	})
}
