// Package privacy is the room of what a lender owes people about their data: legal
// holds, erasures, exports, how long records are kept; and the tab of it that
// borrowers and applications share.
//
// Invariants: personal data leaves it in the exported file alone, which the browser
// saves and never shows; what the person may not do, or what something stands
// against today, is not offered. Whose page stands around the tab is its caller's.
package privacy

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
	"github.com/lendkeep/lendkeep/platform/internal/web/ways"
)

// Room is the page of the settings.
type Room struct{ desk *privacy.Desk }

// New makes the room.
func New(d *privacy.Desk) *Room { return &Room{d} }

const home = "/settings/privacy"

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.all(v)) })
	m.Post(home, func(v *visit.Visit) {
		visit.Act(v, r.desk.SettingUpdate, func(*privacy.Setting) visit.Answer { return visit.Go(home, "Saved.") }, r.all(v))
	})
	m.Post(home+"/holds", func(v *visit.Visit) {
		visit.Act(v, r.desk.HoldPlace, func(*privacy.Hold) visit.Answer { return visit.Go(home, "The hold is in force.") }, r.all(v))
	})
	m.Post(home+"/holds/{id}/release", func(v *visit.Visit) {
		visit.Act(v, r.desk.HoldRelease, func(*privacy.Hold) visit.Answer { return visit.Go(home, "The hold is released.") }, r.all(v))
	})
	for _, path := range []string{"/holds", "/holds/{id}/release"} {
		m.Get(home+path, again(func(*visit.Visit) string { return home }))
	}
}

// again leads whoever loads the address of a form that came back to its page.
func again(page func(*visit.Visit) string) func(*visit.Visit) {
	return func(v *visit.Visit) {
		v.Show(func(context.Context, *gate.Page) (visit.View, error) { return visit.View{To: page(v)}, nil })
	}
}

// everything is what the page of the settings shows; a list that the person may
// not see is nil.
type everything struct {
	v                      *visit.Visit
	setting                *privacy.Setting
	holds                  *privacy.HoldListOut
	erasures               *privacy.ErasureListOut
	exports                *privacy.ExportListOut
	place, release, change bool
}

func (r *Room) all(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		may := func(name string) bool { return p.Can(name, "") }
		e := &everything{v: v, place: may(r.desk.HoldPlace.Name), release: may(r.desk.HoldRelease.Name), change: may(r.desk.SettingUpdate.Name)}
		var err error
		if e.setting, err = visit.Look(ctx, v, p, r.desk.SettingView); err != nil {
			return visit.View{}, err
		}
		if may(r.desk.HoldList.Name) {
			e.holds, err = gate.Look(ctx, p, r.desk.HoldList, &privacy.HoldListIn{})
		}
		if err == nil && may(r.desk.ErasureList.Name) {
			e.erasures, err = gate.Look(ctx, p, r.desk.ErasureList, &privacy.Nothing{})
		}
		if err == nil && may(r.desk.ExportList.Name) {
			e.exports, err = gate.Look(ctx, p, r.desk.ExportList, &privacy.Nothing{})
		}
		if err != nil {
			return visit.View{}, err
		}
		page := parts.Page{Title: "Privacy", Crumbs: []parts.Link{{Text: "Settings", Href: "/settings"}}, Tabs: ways.Tabs(p.Can, v.R.URL.Path)}
		if e.place {
			page.Actions = append(page.Actions, parts.Button{Label: "Place hold…", Kind: parts.Primary, Opens: placing})
		}
		if e.change {
			page.Actions = append(page.Actions, parts.Button{Label: "Change how long loans are kept…", Opens: keeping})
		}
		return visit.View{Page: page, Body: allPage(e)}, nil
	}
}

// releasable reports a hold with a button that ends it.
func (e *everything) releasable(h privacy.Hold) bool { return e.release && h.InForce }

// moment reads an instant of an answer; zero for none.
func moment(v *visit.Visit, text string) parts.Moment {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return parts.At(t.UnixMicro(), v.Zone())
}
