// Package recovery is the page on which whoever may change access sees that the
// operator of the machine has asked for a new administrator, and stops it. Nothing is
// asked for here: that takes the machine itself.
package recovery

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/admin/recovery"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
	"github.com/lendkeep/lendkeep/platform/internal/web/ways"
)

// Room is the page.
type Room struct{ desk *recovery.Desk }

// New makes the room.
func New(d *recovery.Desk) *Room { return &Room{d} }

const home = recovery.Page

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.all(v)) })
	m.Post(home+"/{id}/refuse", func(v *visit.Visit) {
		visit.Act(v, r.desk.Refuse, func(*recovery.Recovery) visit.Answer {
			return visit.Go(home, "Refused: nobody becomes an administrator by it.")
		}, r.all(v))
	})
	m.Get(home+"/{id}/refuse", func(v *visit.Visit) {
		v.Show(func(context.Context, *gate.Page) (visit.View, error) { return visit.View{To: home}, nil })
	})
}

// every is what the page shows.
type every struct {
	v      *visit.Visit
	items  []recovery.Recovery
	refuse bool
}

func (r *Room) all(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := gate.Look(ctx, p, r.desk.List, &recovery.Nothing{})
		if err != nil {
			return visit.View{}, err
		}
		e := &every{v, out.Items, p.Can(r.desk.Refuse.Name, "")}
		page := parts.Page{Title: "Recovery", Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}}, Tabs: ways.Tabs(p.Can, v.R.URL.Path)}
		return visit.View{Page: page, Body: everyPage(e)}, nil
	}
}

// refusable reports a recovery with a button that stops it.
func (e *every) refusable(r recovery.Recovery) bool { return e.refuse && r.State == recovery.Waiting }

func (e *every) table() parts.Table {
	t := parts.Table{ID: "recoveries", Caption: "Recoveries of administration", Columns: []parts.Column{{Head: "Who"}, {Head: "State"}, {Head: "Reason"}, {Head: "Asked", Narrow: true}, {Head: "In force", Narrow: true}, {Head: "Act", Narrow: true}},
		Empty: parts.Empty{Title: "No recoveries", Text: "When nobody can administer access any more, the operator of the machine names a new administrator (lendkeep recover-admin). It stands here for a day before it comes into force."}}
	for _, r := range e.items {
		t.Rows = append(t.Rows, parts.Row{Quiet: r.State != recovery.Waiting, Label: r.Name, Cells: []templ.Component{parts.TwoOf(parts.Words(r.Name), r.Email), parts.Status(stateOf(r)), parts.TwoOf(parts.Words(r.Reason), remark(r)),
			parts.Time(moment(e.v, r.AskedAt)), parts.Time(moment(e.v, r.EffectiveAt)), e.act(r)}})
	}
	if n := len(e.items); n > 0 {
		t.Pager = parts.Pager{From: 1, To: n, Total: n}
	}
	return t
}

func stateOf(r recovery.Recovery) parts.Badge {
	switch r.State {
	case recovery.Done:
		return parts.Badge{Meaning: parts.OK, Word: "In force"}
	case recovery.Refused:
		return parts.Badge{Meaning: parts.Danger, Word: "Refused"}
	}
	return parts.Badge{Meaning: parts.Warn, Word: "Waiting"}
}

// remark is who refused it, and why.
func remark(r recovery.Recovery) string {
	if r.State != recovery.Refused {
		return ""
	}
	return r.DecidedBy + ": " + r.Remark
}

// moment reads an instant of an answer; zero for none.
func moment(v *visit.Visit, text string) parts.Moment {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return parts.At(t.UnixMicro(), v.Zone())
}
