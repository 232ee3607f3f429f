package privacy

import (
	"context"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Tab is what is owed to the people of one sort: a tab of each one's page.
type Tab struct {
	desk   *privacy.Desk
	stand  *gate.Op[privacy.Ref, privacy.Standing]
	erase  *gate.Op[privacy.EraseIn, privacy.Erasure]
	export *gate.Op[privacy.ExportIn, gate.File]
	noun   string // "borrower", as objects and addresses have it
	word   string // "borrower", "applicant"
	query  string // of a page whose tabs stand in its query: their name there
}

// Borrowers makes the tab of borrowers, a page of its own.
func Borrowers(d *privacy.Desk) *Tab {
	return &Tab{d, d.BorrowerStand, d.BorrowerErase, d.BorrowerExport, "borrower", "borrower", ""}
}

// Applicants makes the tab of applications; tab names it in the query of their page.
func Applicants(d *privacy.Desk, tab string) *Tab {
	return &Tab{d, d.ApplicationStand, d.ApplicationErase, d.ApplicationExport, "application", "applicant", tab}
}

// View is the name of the operation that the tab is shown for.
func (t *Tab) View() string { return t.stand.Name }

func (t *Tab) at() string { return "/" + t.noun + "s/{id}" }

// address is a path of one person's, on the tab.
func (t *Tab) address(ref, path string) string {
	out := "/" + t.noun + "s/" + ref + path
	if t.query != "" {
		out += "?" + url.Values{"tab": {t.query}}.Encode()
	}
	return out
}

// home is where the tab of a person stands.
func (t *Tab) home(v *visit.Visit) string {
	path := "/privacy"
	if t.query != "" {
		path = ""
	}
	return t.address(v.R.PathValue("id"), path)
}

// Routes registers what the tab leads to; page shows the tab.
func (t *Tab) Routes(m *visit.Mux, page func(*visit.Visit) visit.Screen) {
	m.Post(t.at()+"/erase", func(v *visit.Visit) {
		visit.Act(v, t.erase, func(*privacy.Erasure) visit.Answer { return visit.Go(t.home(v), "The erasure has begun.") }, page(v))
	})
	m.Post(t.at()+"/data-export", func(v *visit.Visit) {
		visit.Act(v, t.export, func(f *gate.File) visit.Answer {
			return visit.Render(func(context.Context, *gate.Page) (visit.View, error) {
				return visit.View{File: &visit.File{Name: f.Name, Kind: f.ContentType, Body: f.Body}}, nil
			})
		}, page(v))
	})
	m.Post(t.at()+"/hold", func(v *visit.Visit) {
		visit.Act(v, t.desk.HoldPlace, func(*privacy.Hold) visit.Answer { return visit.Go(t.home(v), "The hold is in force.") }, page(v),
			func(form url.Values, in *privacy.HoldPlaceIn) error {
				form.Set("subject", t.noun+"/"+v.R.PathValue("id"))
				return visit.Decode(form, in)
			})
	})
	for _, act := range []string{"/erase", "/data-export", "/hold"} {
		m.Get(t.at()+act, again(t.home))
	}
}

// whole is what the tab shows of one person.
type whole struct {
	*Tab
	*privacy.Standing
	v                       *visit.Visit
	ref                     string
	mayErase, mayTake, hold bool
	partly                  bool // may export, and the role hides some of it
	settings                bool // may open the page of the settings
}

// Look reads how a person's data stand.
func (t *Tab) Look(ctx context.Context, v *visit.Visit, p *gate.Page, ref string) (templ.Component, error) {
	out, err := gate.Look(ctx, p, t.stand, &privacy.Ref{ID: ref})
	if err != nil {
		return nil, err
	}
	may := func(name string) bool { return out.ErasedAt == "" && p.Can(name, out.Object) }
	take, hides := may(t.export.Name), len(privacy.Hidden(p.Call().Visibility())) > 0
	return personBody(&whole{Tab: t, Standing: out, v: v, ref: ref, mayErase: len(out.Obstacles) == 0 && may(t.erase.Name), mayTake: take && !hides, partly: take && hides,
		hold: may(t.desk.HoldPlace.Name), settings: p.Can(t.desk.SettingView.Name, "")}), nil
}

// taken says what an erasure takes along.
func (w *whole) taken() string {
	var with []string
	for _, c := range []struct {
		n    int
		noun string
	}{{w.Loans, "loan"}, {w.Applications, "application"}} {
		if c.n > 0 && !(w.noun == "application" && c.noun == "application" && c.n == 1) {
			with = append(with, parts.Things(c.n, c.noun))
		}
	}
	out := "A second person must approve it. Then everything that tells who the " + w.word + " is goes for good"
	if len(with) > 0 {
		out += ", in " + strings.Join(with, " and ") + " too"
	}
	return out + ". Amounts, dates and the audit trail stay."
}

// from says when an erasure becomes possible.
func (w *whole) from() string {
	if w.PossibleFrom.IsZero() {
		return "No date ends all of this: what is open has to be settled first."
	}
	return "From " + w.PossibleFrom.String() + " nothing that is known today stands against it."
}
