package door

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// minePath is the page on which people see how they sign in, and where they are.
const minePath = "/me/sign-in"

func (r *Room) mineRoutes(m *visit.Mux) {
	m.Get(minePath, func(v *visit.Visit) { v.Show(r.mine(v)) })
	m.Post(minePath+"/factors/{id}/remove", func(v *visit.Visit) {
		visit.Act(v, r.desk.RemoveFactor, said[signin.Done](minePath, "Second factor taken away."), r.mine(v))
	})
	m.Post(minePath+"/codes", r.renewCodes)
	m.Post("/me/sessions/{id}/end", func(v *visit.Visit) {
		visit.Act(v, r.desk.EndOne, said[signin.Done](minePath, "The session has ended."), nil)
	})
	m.Post("/me/sessions/end-others", func(v *visit.Visit) {
		visit.Act(v, r.desk.EndTheOther, said[signin.Done](minePath, "All your other sessions have ended."), nil)
	})
	m.Post("/me/sessions/end", func(v *visit.Visit) {
		visit.Act(v, r.desk.EndEvery, func(*signin.Done) visit.Answer {
			v.Leave()
			return visit.Go("/signin", "You are signed out everywhere.")
		}, nil)
	})
}

func said[Out any](to, words string) func(*Out) visit.Answer {
	return func(*Out) visit.Answer { return visit.Go(to, words) }
}

func (r *Room) mine(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		sessions, err := gate.Look(ctx, p, r.desk.Sessions, &signin.Nothing{}) // needs a session that is whole
		if err != nil {
			return visit.View{}, err
		}
		m, err := gate.Look(ctx, p, r.desk.Mine, &signin.Nothing{})
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{Page: parts.Page{Title: "My sign-in", Subtitle: "How you prove who you are, and where you are signed in"},
			Body: minePage(v, m, sessions, p.Call().At)}, nil
	}
}

func (r *Room) renewCodes(v *visit.Visit) {
	visit.Act(v, r.desk.RenewCodes, func(out *signin.EnrolledOut) visit.Answer {
		return visit.Render(func(context.Context, *gate.Page) (visit.View, error) {
			return visit.View{Alone: codesPage(v, out.Codes, minePath)}, nil
		})
	}, r.mine(v))
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

// letters shows the demo's post box.
func (r *Room) letters(v *visit.Visit) {
	list, err := r.mail()
	if err != nil {
		v.Refuse(err)
		return
	}
	v.Print(200, lettersPage(v, list))
}
