package settings

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// question is what the explain page asks, and the answer if there is one.
type question struct {
	in     admin.ExplainIn
	people []parts.Option
	list   []parts.Option
	trace  *parts.Trace
}

// explain asks by GET, so that an answer can be linked to.
func (r *Room) explain(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		q := question{list: r.operations()}
		c, err := r.choices(ctx, p, true)
		if err != nil {
			return visit.View{}, err
		}
		q.people = []parts.Option{{Value: "", Label: "Choose a person"}}
		for _, u := range c.people {
			q.people = append(q.people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
		}
		asked := v.R.URL.Query()
		if asked.Get("user") == "" && asked.Get("operation") == "" {
			if !p.Can(r.desk.Explain.Name, "") {
				_, err = visit.Look(ctx, v, p, r.desk.Explain)
			}
			return view(p, v, "Explain", explainPage(v, q)), err
		}
		out, err := visit.Look(ctx, v, p, r.desk.Explain, func(in *admin.ExplainIn) { q.in = *in })
		switch {
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound):
			v.Back("explain", err)
		case err != nil:
			return visit.View{}, err
		default:
			q.trace = r.trace(q, c, out)
		}
		return view(p, v, "Explain", explainPage(v, q)), nil
	}
}

// operations are what can be asked about.
func (r *Room) operations() []parts.Option {
	out := []parts.Option{}
	for _, m := range r.catalogue() {
		if m.Permit == gate.ByRole {
			out = append(out, parts.Option{Value: m.Name, Label: m.Area + ": " + m.Title + " (" + m.Name + ")"})
		}
	}
	slices.SortFunc(out, func(a, b parts.Option) int { return strings.Compare(a.Label, b.Label) })
	return append([]parts.Option{{Value: "", Label: "Choose an operation"}}, out...)
}

func (r *Room) trace(q question, c choices, out *admin.ExplainOut) *parts.Trace {
	title := q.in.Operation
	for _, m := range r.catalogue() {
		if m.Name == q.in.Operation {
			title = m.Title
		}
	}
	t := &parts.Trace{Question: c.person(string(q.in.User)) + " → " + title, Allowed: out.Allowed, Would: out.WouldAllow}
	if q.in.Object != "" {
		t.Question += " → " + q.in.Object
	}
	if q.in.Address != "" {
		t.Question += ", from " + q.in.Address
	}
	if q.in.Channel == "api" {
		t.Question += ", in the API"
	} else {
		t.Question += ", in the screens"
	}
	for _, l := range out.Layers {
		layer := parts.Layer{Says: layerName(l.Layer) + ": " + l.Why}
		switch {
		case l.Reached && l.Passed:
			layer.Passing = parts.Passed
		case l.Reached:
			layer.Passing = parts.Refused
		}
		t.Layers = append(t.Layers, layer)
	}
	return t
}

func layerName(word string) string {
	word = strings.ReplaceAll(word, "_", " ")
	if word == "" {
		return "Layer"
	}
	return strings.ToUpper(word[:1]) + word[1:]
}
