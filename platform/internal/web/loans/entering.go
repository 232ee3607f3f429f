package loans

import (
	"context"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// lending is the form for a new loan.
type lending struct {
	borrower   *servicing.BorrowerOut
	portfolios []named
	companies  []parts.Option
	today      string
}

// newLoan asks first for whom, then for the terms.
func (r *Room) newLoan(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.LoanCreate, ""); lacks {
			return denied, nil
		}
		page := parts.Page{Title: "New loan", Crumbs: []parts.Link{{Text: "Loans", Href: "/loans"}}}
		who := v.R.URL.Query().Get("borrower")
		if who == "" {
			out, err := visit.Look(ctx, v, p, r.desk.BorrowerList)
			if to, stale := fresh(v.R.URL, err); stale {
				return visit.View{To: to}, nil
			}
			if err != nil {
				return visit.View{}, err
			}
			page.Subtitle = "for whom?"
			if p.Can("borrower.create", "") {
				page.Actions = []parts.Button{{Label: "New borrower", Href: "/borrowers/new"}}
			}
			return view(page, chooseBorrower(&people{at: v.R.URL, out: out, action: "/loans/new", choose: true}))
		}
		l := &lending{today: p.Call().Today.String()}
		var err error
		if l.borrower, err = visit.Look(ctx, v, p, r.desk.BorrowerView, func(in *servicing.BorrowerRef) { in.ID = who }); err != nil {
			return visit.View{}, err
		}
		portfolios, companies, err := r.shelves(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		if portfolios != nil {
			l.portfolios = portfolios.Items
		}
		l.companies = []parts.Option{{Value: "", Label: "None"}}
		if companies != nil {
			for _, c := range companies.Items {
				l.companies = append(l.companies, parts.Option{Value: c.ID, Label: c.Name})
			}
		}
		page.Subtitle = "for " + l.borrower.Name
		return view(page, newLoanPage(v.Sheet("loan"), l))
	}
}

func (r *Room) createLoan(v *visit.Visit) {
	visit.Act(v, r.desk.LoanCreate, func(out *servicing.LoanMade) visit.Answer {
		return visit.Go("/loans/"+string(out.ID), "Loan made.")
	}, r.newLoan(v))
}

func (l *lending) address() string {
	return "/loans/new?borrower=" + url.QueryEscape(string(l.borrower.ID))
}

func (r *Room) newBorrower(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.BorrowerCreate, ""); lacks {
			return denied, nil
		}
		return view(parts.Page{Title: "New borrower", Crumbs: []parts.Link{{Text: "Borrowers", Href: "/borrowers"}}}, newBorrowerPage(v.Sheet("borrower")))
	}
}

func (r *Room) createBorrower(v *visit.Visit) {
	visit.Act(v, r.desk.BorrowerCreate, func(out *servicing.BorrowerMade) visit.Answer {
		return visit.Go("/borrowers/"+string(out.ID), "Borrower entered.")
	}, r.newBorrower(v))
}

func (r *Room) editBorrower(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.BorrowerView)
		if err != nil {
			return visit.View{}, err
		}
		w := personOf(p, out, nil, "")
		if denied, lacks := visit.Need(v, p, r.desk.BorrowerUpdate, "borrower/"+v.R.PathValue("id")); lacks {
			return denied, nil
		}
		page := parts.Page{Title: "Edit borrower", Subtitle: out.Name, Crumbs: []parts.Link{{Text: out.Name, Href: w.home}}}
		return view(page, editBorrowerPage(v.Sheet("borrower"), w))
	}
}

func (r *Room) updateBorrower(v *visit.Visit) {
	visit.Act(v, r.desk.BorrowerUpdate, func(out *servicing.BorrowerOut) visit.Answer {
		return visit.Go("/borrowers/"+string(out.ID), "Borrower changed.")
	}, r.editBorrower(v), keepMasked)
}

// keepMasked leaves personal fields out that nobody has typed anew: the page
// shows none of them, so an empty one means that it stays.
func keepMasked(form url.Values, in *servicing.BorrowerUpdateIn) error {
	form = set(form)
	for _, name := range []string{"email", "phone", "date_of_birth", "ssn", "address.line1"} {
		if strings.TrimSpace(form.Get(name)) == "" {
			form.Del(name)
		}
	}
	return visit.Decode(form, in)
}

// held is what the fields of a borrower's form hold at first; sealed ones are
// masked and stand in hints only.
type held struct {
	first, last, reference, city, region, postal, country string
	birth, ssn, email, phone, line1                       string
}

func heldBy(w *person) held {
	if w == nil {
		return held{country: "US"}
	}
	a := w.Address
	return held{w.FirstName, w.LastName, w.Reference, a.City, a.Region, a.PostalCode, a.Country,
		w.DateOfBirth.String(), w.SSN.String(), w.Email.String(), w.Phone.String(), a.Line1.String()}
}
