// Package applications is the Underwriting workplace: the list of applications,
// one application with what was found and decided about it, and what an
// underwriter does to it.
//
// Invariants. The address holds filters, page and tab, and every link keeps
// them. Only buttons that the person may press are shown, and only while the
// application stands so that they can do something. What is not known is grey
// and says so, never green. Looking asks no provider. The room decides nothing:
// what a rule found and did comes from the desk in its own words.
package applications

import (
	"context"
	"net/url"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/records/documents"
	"github.com/lendkeep/lendkeep/platform/internal/web/papers"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	privacyroom "github.com/lendkeep/lendkeep/platform/internal/web/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const home = "/applications"

// Company is a source company that the list can be narrowed to.
type Company struct{ ID, Name string }

// Companies gives the source companies that the person may list; it is wired at
// the roof, because they belong to another desk. It may give none.
type Companies func(ctx context.Context, p *gate.Page) ([]Company, error)

// Room is the workplace.
type Room struct {
	desk      *origination.Desk
	companies Companies
	papers    *papers.Shelf
	owed      *privacyroom.Tab
}

// New makes the room; kept are the documents of applications, owed is the desk of
// what is owed to applicants about their data.
func New(d *origination.Desk, c Companies, kept *documents.Desk, owed *privacy.Desk) *Room {
	return &Room{d, c, papers.New(kept.Applications, "application", home, tabDocuments), privacyroom.Applicants(owed, tabPrivacy)}
}

// Routes are the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, r.list)
	m.Get(home+"/new", func(v *visit.Visit) { v.Show(r.blank(v)) })
	m.Post(home+"/new", r.enter)
	m.Get(home+"/{id}", func(v *visit.Visit) { v.Show(r.one(v)) })
	m.Get(home+"/{id}/evidence", r.evidence)
	r.papers.Routes(m, r.one)
	r.owed.Routes(m, r.one)
	m.Post(home+"/{id}/reveal", r.reveal)
	m.Get(home+"/{id}/reveal", func(v *visit.Visit) { // whoever loads it again finds the applicant, masked
		v.Show(func(context.Context, *gate.Page) (visit.View, error) {
			return visit.View{To: address(home+"/"+v.R.PathValue("id"), url.Values{"tab": {tabCustomer}})}, nil
		})
	})
	for _, a := range []struct {
		path string
		post func(*visit.Visit)
	}{{"/approve", r.approve}, {"/reject", r.reject}, {"/reprocess", r.reprocess}} {
		m.Post(home+"/{id}"+a.path, a.post)
		m.Get(home+"/{id}"+a.path, func(v *visit.Visit) { v.Show(r.one(v)) }) // its address, opened anew
	}
}

// currency of all amounts.
const currency = "USD"

func option(value, label string) parts.Option { return parts.Option{Value: value, Label: label} }
