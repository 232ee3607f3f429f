package loans

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Where one borrower is looked for by a whole number or address. What is looked for
// is sent in a form's body, so that it stands in no address and in no history.
const findPage = "/borrowers/find"

// exact is one way to look for one borrower.
type exact struct {
	path, name string
	post       func(*visit.Visit)
}

func (r *Room) exactly() []exact {
	return []exact{
		{findPage + "/ssn", r.desk.SearchSSN.Name, func(v *visit.Visit) {
			visit.Act(v, r.desk.SearchSSN, func(out *servicing.BorrowerListOut) visit.Answer { return visit.Render(r.finding(v, out)) }, r.finding(v, nil))
		}},
		{findPage + "/contact", r.desk.SearchContact.Name, func(v *visit.Visit) {
			visit.Act(v, r.desk.SearchContact, func(out *servicing.BorrowerListOut) visit.Answer { return visit.Render(r.finding(v, out)) }, r.finding(v, nil))
		}},
	}
}

// mayFind reports whether the person may look in one of these ways.
func (r *Room) mayFind(p *gate.Page) bool {
	return p.Can(r.desk.SearchSSN.Name, "") || p.Can(r.desk.SearchContact.Name, "")
}

// finder is the page of the two forms, with what was found.
type finder struct {
	v               *visit.Visit
	byNumber, byWay bool
	out             *servicing.BorrowerListOut // nil until something was looked for
}

// find is the page before anything was looked for. Whoever may look in neither way is
// refused as for the first of them.
func (r *Room) find(v *visit.Visit) visit.Screen { return r.finding(v, nil) }

func (r *Room) finding(v *visit.Visit, out *servicing.BorrowerListOut) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		f := &finder{v: v, byNumber: p.Can(r.desk.SearchSSN.Name, ""), byWay: p.Can(r.desk.SearchContact.Name, ""), out: out}
		if !f.byNumber && !f.byWay {
			denied, _ := visit.Need(v, p, r.desk.SearchSSN, "")
			return denied, nil
		}
		return view(parts.Page{Title: "Find one borrower", Crumbs: crumbs(p)}, findBody(f))
	}
}

func (f *finder) table() parts.Table {
	t := parts.Table{ID: "found", Caption: "Found", Columns: append([]parts.Column{{Head: "Name"}}, borrowerColumns...), Empty: parts.Empty{Title: "Nobody found", Text: "No borrower whom you may see has exactly this."}}
	for _, b := range f.out.Items {
		t.Rows = append(t.Rows, parts.Row{Href: "/borrowers/" + string(b.ID), Cells: borrowerCells(b)})
	}
	if n := len(t.Rows); n > 0 {
		t.Pager = parts.Pager{From: 1, To: n, Total: n}
	}
	return t
}
