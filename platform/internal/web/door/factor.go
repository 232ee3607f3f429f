package door

import (
	"context"
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// newFactorPath is where a second factor is set up.
const newFactorPath = visit.FactorPath + "/new"

func (r *Room) factorRoutes(m *visit.Mux) {
	show := func(path string, s func(v *visit.Visit) visit.Screen) {
		m.Get(path, func(v *visit.Visit) { v.Show(s(v)) })
	}
	show(visit.FactorPath, r.factor)
	m.Post(visit.FactorPath, r.give)
	m.Post(visit.FactorPath+"/ask", r.ask("give"))
	show(newFactorPath, r.newFactor)
	m.Post(newFactorPath+"/app", r.beginCode)
	m.Post(newFactorPath+"/code", r.confirmCode)
	m.Post(newFactorPath+"/passkey", r.addPasskey)
	m.Post(newFactorPath+"/passkey/ask", r.ask("enrol"))
	m.Get(visit.StepUpPath, func(v *visit.Visit) { v.Show(r.stepUp(v, visit.Held{Back: next(v)})) })
	m.Post(visit.StepUpPath, r.prove)
	m.Post(visit.StepUpPath+"/password", r.provePassword)
	m.Confirms(r.stepUp)
	show(visit.PasswordPath, r.password)
	m.Post(visit.PasswordPath, r.changePassword)
}

// next is where the person wants to go: from the form that was sent, else from
// the address.
func next(v *visit.Visit) string {
	to := v.R.URL.Query().Get("next")
	if f := v.Form(); f != nil {
		to = f.Get(nextName)
	}
	if pan.Contains(to) {
		return "/"
	}
	return visit.Local(to)
}

// ask tells the browser what its passkeys are asked for.
func (r *Room) ask(purpose string) func(v *visit.Visit) {
	return func(v *visit.Visit) {
		visit.Tell(v, r.desk.Ask, func(out *signin.AskOut, err error) any {
			if err != nil {
				return nil
			}
			return json.RawMessage(out.Options.Reveal())
		}, func(_ url.Values, in *signin.AskIn) error { in.Purpose = purpose; return nil })
	}
}

// factor asks for the second factor; whoever has none makes one.
func (r *Room) factor(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		m, err := gate.Look(ctx, p, r.desk.Mine, &signin.Nothing{})
		switch {
		case err != nil:
			return visit.View{}, err
		case !m.Asked || m.Given:
			return visit.View{To: next(v)}, nil
		case !m.HasCode && !m.HasPasskey:
			return visit.View{To: visit.Mending(newFactorPath, next(v))}, nil
		}
		return visit.View{Alone: factorPage(v, proof{mine: m, action: visit.FactorPath, recovery: recovery(v), held: visit.Held{Back: next(v)}})}, nil
	}
}

// recovery reports that the person wants to give a recovery code.
func recovery(v *visit.Visit) bool {
	return v.R.URL.Query().Get("with") == "recovery" || v.Form() != nil && v.Form().Has("recovery")
}

func (r *Room) give(v *visit.Visit) {
	visit.Act(v, r.desk.Give, func(out *signin.Given) visit.Answer {
		if left := codesLeft(out); left != "" {
			return visit.Told(next(v), parts.Toast{Meaning: parts.Warn, Text: left, Link: &parts.Link{Text: "Make new ones", Href: minePath}})
		}
		return visit.Go(next(v), "")
	}, r.factor(v))
}

// newFactor is the page on which a factor is set up.
func (r *Room) newFactor(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		m, err := gate.Look(ctx, p, r.desk.Mine, &signin.Nothing{})
		if err != nil {
			return visit.View{}, err
		}
		if m.Asked && !m.Given && (m.HasCode || m.HasPasskey) {
			return visit.View{To: visit.Mending(visit.FactorPath, next(v))}, nil
		}
		return visit.View{Alone: newFactorPage(v, m, next(v))}, nil
	}
}

func (r *Room) beginCode(v *visit.Visit) {
	visit.Act(v, r.desk.BeginCode, func(*signin.Done) visit.Answer {
		return visit.Go(visit.Mending(newFactorPath, next(v)), "")
	}, r.newFactor(v))
}

func (r *Room) confirmCode(v *visit.Visit) {
	visit.Act(v, r.desk.ConfirmCode, r.enrolled(v), r.newFactor(v))
}

func (r *Room) addPasskey(v *visit.Visit) {
	visit.Act(v, r.desk.AddPasskey, r.enrolled(v), r.newFactor(v))
}

// enrolled goes on, by way of the recovery codes that the first factor brings.
func (r *Room) enrolled(v *visit.Visit) func(*signin.EnrolledOut) visit.Answer {
	return func(out *signin.EnrolledOut) visit.Answer {
		to := next(v)
		if len(out.Codes) == 0 {
			return visit.Go(to, "Second factor added.")
		}
		return visit.Render(func(context.Context, *gate.Page) (visit.View, error) {
			return visit.View{Alone: codesPage(v, out.Codes, to)}, nil
		})
	}
}

// proof is what a page needs that asks who somebody is.
type proof struct {
	mine     *signin.MineOut
	action   string
	recovery bool
	held     visit.Held
}

// stepUp asks for a fresh proof, in the place of whatever needs it.
func (r *Room) stepUp(v *visit.Visit, h visit.Held) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		m, err := gate.Look(ctx, p, r.desk.Mine, &signin.Nothing{})
		switch {
		case err != nil:
			return visit.View{}, err
		case m.Asked && !m.Given && (m.HasCode || m.HasPasskey):
			return visit.View{To: visit.Mending(visit.FactorPath, h.Back)}, nil
		case m.Fresh && h.Path == "" && v.Fault() == nil:
			return visit.View{To: visit.Local(h.Back)}, nil
		}
		return visit.View{Alone: stepUpPage(v, proof{mine: m, action: visit.StepUpPath, recovery: recovery(v) && h.Path == "", held: h})}, nil
	}
}

func (r *Room) prove(v *visit.Visit) {
	visit.Act(v, r.desk.Give, func(out *signin.Given) visit.Answer { return visit.Return(visit.HeldOf(v.Form()), codesLeft(out)) }, r.asked(v))
}

// codesLeft warns whoever has used a recovery code how many are left; empty after
// any other factor.
func codesLeft(out *signin.Given) string {
	switch {
	case !out.Recovery:
		return ""
	case out.CodesLeft == 0:
		return "That was your last recovery code. Make new ones now."
	case out.CodesLeft == 1:
		return "This recovery code is used up; one is left. Make new ones soon."
	}
	return "This recovery code is used up; " + strconv.Itoa(out.CodesLeft) + " are left."
}

func (r *Room) provePassword(v *visit.Visit) {
	visit.Act(v, r.desk.Prove, func(*signin.Done) visit.Answer { return visit.Return(visit.HeldOf(v.Form()), "") }, r.asked(v))
}

// asked shows the question again, with the form that waits behind it.
func (r *Room) asked(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		return r.stepUp(v, visit.HeldOf(v.Form()))(ctx, p)
	}
}

// password is the page on which one's password is changed.
func (r *Room) password(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		m, err := gate.Look(ctx, p, r.desk.Mine, &signin.Nothing{})
		if err != nil {
			return visit.View{}, err
		}
		if m.Asked && !m.Given && (m.HasCode || m.HasPasskey) {
			return visit.View{To: visit.Mending(visit.FactorPath, visit.Mending(visit.PasswordPath, next(v)))}, nil
		}
		return visit.View{Alone: passwordPage(v, m, next(v))}, nil
	}
}

func (r *Room) changePassword(v *visit.Visit) {
	visit.Act(v, r.desk.ChangePassword, func(*signin.Done) visit.Answer {
		return visit.Go(next(v), "Your password is changed. Your other sessions have ended.")
	}, r.password(v), func(form url.Values, in *signin.PasswordIn) error {
		if err := visit.Decode(form, in); err != nil {
			return err
		}
		return twice(form)
	})
}

// twice refuses a new password that was not typed alike twice.
func twice(form url.Values) error {
	if form.Get(againName) != form.Get("password") {
		return fault.Bad(againName, "Type the same password twice.")
	}
	return nil
}
