package inquiry

import (
	"context"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// question is what the explain page asks, and the answer if there is one.
type question struct {
	in     inquiry.ExplainIn
	people []parts.Option
	list   []parts.Option
	out    *inquiry.ExplainOut
	trace  *parts.Trace
	acts   []parts.Button
	then   []parts.Fact
}

// explain asks by GET, so that an answer can be linked to.
func (r *Room) explain(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		q := question{list: r.operations(), people: []parts.Option{{Value: "", Label: "Choose a person"}}}
		staff, err := r.staff(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		for _, u := range staff {
			q.people = append(q.people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
		}
		asked := v.R.URL.Query()
		if asked.Get("user") == "" && asked.Get("operation") == "" && asked.Get("decision") == "" {
			if !p.Can(r.Inquiry.Explain.Name, "") {
				_, err = visit.Look(ctx, v, p, r.Inquiry.Explain)
			}
			return view(p, v, "Explain", explainPage(v, q)), err
		}
		out, err := visit.Look(ctx, v, p, r.Inquiry.Explain, func(in *inquiry.ExplainIn) { in.At = utc(v, in.At); q.in = *in })
		switch {
		case fault.Is(err, fault.Invalid), fault.Is(err, fault.NotFound), fault.Is(err, fault.Conflict):
			v.Back("explain", err)
		case err != nil:
			return visit.View{}, err
		default:
			q.answered(v, p, out)
		}
		return view(p, v, "Explain", explainPage(v, q)), nil
	}
}

// utc reads a time as people type it, in the tenant's zone; anything else stays.
func utc(v *visit.Visit, text string) string {
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04"} {
		if t, err := time.ParseInLocation(layout, strings.TrimSpace(text), v.Zone()); err == nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return text
}

// answered puts an answer into the page, and the call into its form.
func (q *question) answered(v *visit.Visit, p *gate.Page, out *inquiry.ExplainOut) {
	q.out, q.trace = out, trace(v, out, strings.TrimSpace(q.in.Object))
	if out.Recorded != nil {
		q.in = inquiry.ExplainIn{User: out.User, Operation: out.Operation, Object: out.Object, Address: out.Address, Key: out.Key, Channel: out.Channel}
		if out.Channel == "ui" {
			q.in.Channel = ""
		}
		q.then = then(v, p, out.Recorded)
	}
	if len(out.Steps) > 0 {
		for i, s := range out.Steps {
			if s.Change == nil || s.Change.By != inquiry.ByPerson && !p.Can(s.Change.Operation, "") {
				continue
			}
			if s.Change.By == inquiry.ByPerson && out.User == p.Who().User {
				q.acts = append(q.acts, parts.Button{Label: s.Change.Title, Href: s.Change.Screen})
				continue
			}
			if at := placeOf(s.Change); at != "" {
				b := parts.Button{Label: "Go to “" + s.Change.Title + "”", Href: at}
				if i == 0 {
					b.Kind = parts.Primary
				}
				q.acts = append(q.acts, b)
			}
		}
	}
}

// trace prints the layers, of what was named as it was typed; those that were not reached say what would hold.
func trace(v *visit.Visit, out *inquiry.ExplainOut, typed string) *parts.Trace {
	t := &parts.Trace{Question: out.Name + " → " + out.Title, Allowed: out.Allowed, Would: out.WouldAllow}
	switch noun, _, _ := strings.Cut(out.Object, "/"); {
	case out.Object == "":
	case typed != "" && !strings.Contains(typed, "/"):
		t.Question += " → " + noun + " " + typed // by its number
	default:
		t.Question += " → " + strings.Replace(out.Object, "/", " ", 1)
	}
	if out.Address != "" {
		t.Question += ", from " + out.Address
	}
	if out.Channel == "api" {
		t.Question += ", in the API"
	} else {
		t.Question += ", in the screens"
	}
	if at, err := time.Parse(time.RFC3339, out.At); err == nil {
		t.Question += ", " + at.In(v.Zone()).Format("15:04")
	}
	if out.Recorded != nil {
		t.DecisionID = string(out.Recorded.Decision)
	}
	for _, l := range out.Layers {
		layer := parts.Layer{Name: layerName(l.Layer), Says: l.Why, Rule: l.Rule}
		switch {
		case l.Reached && l.Passed:
			layer.Passing = parts.Passed
		case l.Reached && l.Layer != "grant":
			layer.Passing = parts.Refused
		}
		t.Layers = append(t.Layers, layer)
	}
	return t
}

// then is what was recorded when the call was made.
func then(v *visit.Visit, p *gate.Page, r *inquiry.Recorded) []parts.Fact {
	out := []parts.Fact{{Term: "Outcome", Value: parts.Status(parts.Badge{Meaning: parts.Danger, Word: "Denied"})},
		{Term: "Layer", Value: parts.Words(layerName(r.Layer))}, {Term: "Reason", Value: parts.Words(strings.ReplaceAll(r.Reason, "_", " "))}}
	if at, err := time.Parse(time.RFC3339, r.At); err == nil {
		out = append([]parts.Fact{{Term: "When", Value: parts.Time(parts.At(at.UnixMicro(), v.Zone()))}}, out...)
	}
	if r.Rule != "" {
		out = append(out, parts.Fact{Term: "Rule", Value: parts.Words(r.Rule)})
	}
	if r.ViewAs != "" {
		out = append(out, parts.Fact{Term: "Looked as", Value: parts.Words(r.ViewAs)})
	}
	if p.Can("audit.view", "") {
		out = append(out, parts.Fact{Term: "Audit entry", Value: parts.Anchor(parts.Link{Text: string(r.Entry), Href: "/audit/" + string(r.Entry)})})
	}
	return out
}

func recordedNote(same, allowed bool) string {
	switch {
	case allowed:
		return "The same call is allowed now."
	case same:
		return "The same call is denied for the same reason now."
	}
	return "The same call is denied for another reason now."
}

// typedTime shows an instant as people type it.
func typedTime(v *visit.Visit, text string) string {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(v.Zone()).Format("2006-01-02 15:04")
	}
	return text
}
