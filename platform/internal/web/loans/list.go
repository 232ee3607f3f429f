package loans

import (
	"context"
	"net/url"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

type named = servicing.NamedOut

// shelf is the loan manager as it is looked at.
type shelf struct {
	at         *url.URL
	out        *servicing.LoanListOut
	portfolios []parts.Option // nil: the person may not list them
	companies  []parts.Option
	mayCreate  bool
	mayMove    bool // loans into portfolios and out of them
	mayShelve  bool // make one more portfolio
	visit      *visit.Visit
}

// list is the loan manager.
func (r *Room) list(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		s := &shelf{at: v.R.URL, mayCreate: p.Can("loan.create", ""), visit: v}
		out, err := visit.Look(ctx, v, p, r.desk.LoanList)
		if to, stale := fresh(v.R.URL, err); stale {
			return visit.View{To: to}, nil
		}
		if err != nil {
			return visit.View{}, err
		}
		s.out = out
		portfolios, companies, err := r.shelves(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		q := v.R.URL.Query()
		if portfolios != nil {
			s.portfolios = options(portfolios.Items, q.Get("portfolio"))
			s.mayMove, s.mayShelve = p.Can("loan.portfolio.move", ""), p.Can("portfolio.create", "")
			// Without a portfolio there is nowhere to move to, only one to make.
			s.mayMove = s.mayMove && (len(portfolios.Items) > 0 || s.mayShelve)
		}
		if companies != nil {
			s.companies = options(companies.Items, q.Get("source_company"))
		}
		page := parts.Page{Title: "Loans", Tabs: both(p, "/loans")}
		if p.Can("loan.export", "") {
			page.Actions = append(page.Actions, parts.Button{Label: "Export as CSV", Href: exportOf(v.R.URL)})
		}
		if s.mayCreate {
			page.Actions = append(page.Actions, parts.Button{Label: "New loan", Kind: parts.Primary, Href: "/loans/new"})
		}
		return view(page, loanList(s))
	}
}

// exportOf gives the address of the export of what the list shows.
func exportOf(u *url.URL) string {
	q := u.Query()
	q.Del("cursor")
	q.Del("limit")
	q.Del("total")
	if len(q) == 0 {
		return "/loans/export"
	}
	return "/loans/export?" + q.Encode()
}

// fresh gives the address of the first page where a cursor no longer fits: it
// was made for other filters, or for somebody else who sent the link.
func fresh(u *url.URL, err error) (string, bool) {
	if u.Query().Get("cursor") == "" || !fault.Is(err, fault.Invalid) || parts.ErrorAt(err, "cursor") == "" {
		return "", false
	}
	return with(u), true
}

// shelves lists portfolios and source companies for those who may list them.
func (r *Room) shelves(ctx context.Context, p *gate.Page) (portfolios, companies *servicing.NamedListOut, err error) {
	if p.Can("portfolio.list", "") {
		if portfolios, err = gate.Look(ctx, p, r.desk.PortfolioList, &servicing.NamedListIn{}); err != nil {
			return nil, nil, err
		}
	}
	if p.Can("source_company.list", "") {
		if companies, err = gate.Look(ctx, p, r.desk.CompanyList, &servicing.NamedListIn{}); err != nil {
			return nil, nil, err
		}
	}
	return portfolios, companies, nil
}

func (s *shelf) get(name string) string { return s.at.Query().Get(name) }

func (s *shelf) bar() parts.FilterBar {
	statuses := append([]parts.Option{{Value: "", Label: "any"}}, statusOptions("active", "on_hold", "bankruptcy", "paid_off", "charged_off", "closed")...)
	bar := parts.FilterBar{Action: "/loans", Hidden: kept(s.at, "sort", "limit", "borrower"),
		Search:  &parts.Field{Name: "q", Label: "Number, name, e-mail, phone", Value: s.get("q")},
		Filters: []parts.Filter{{Name: "status", Label: "Status", Value: s.get("status"), Options: statuses}}}
	if s.portfolios != nil {
		bar.Filters = append(bar.Filters, parts.Filter{Name: "portfolio", Label: "Portfolio", Value: s.get("portfolio"), Options: s.portfolios})
	} else {
		bar.Hidden = append(bar.Hidden, kept(s.at, "portfolio")...)
	}
	if s.companies != nil {
		bar.Filters = append(bar.Filters, parts.Filter{Name: "source_company", Label: "Source", Value: s.get("source_company"), Options: s.companies})
	} else {
		bar.Hidden = append(bar.Hidden, kept(s.at, "source_company")...)
	}
	return bar
}

// chips says in a sentence what is looked at.
func (s *shelf) chips() parts.Chips {
	c := parts.Chips{Lead: "Loans", Clear: with(s.at, "status", "", "portfolio", "", "source_company", "", "borrower", "", "q", "")}
	add := func(name, words string) {
		if s.get(name) != "" {
			c.List = append(c.List, parts.Chip{Text: words, Remove: with(s.at, name, "")})
		}
	}
	add("status", "with status “"+status(s.get("status")).Word+"”")
	add("portfolio", "in portfolio “"+label(s.portfolios, s.get("portfolio"))+"”")
	add("source_company", "from “"+label(s.companies, s.get("source_company"))+"”")
	who := "one borrower"
	if len(s.out.Items) > 0 {
		who = s.out.Items[0].Borrower.Name
	}
	add("borrower", "of "+who)
	add("q", "that match “"+s.get("q")+"”")
	return c
}

func (s *shelf) table() parts.Table {
	col := func(c parts.Column, name string, down bool) parts.Column {
		return sorted(s.at, c, name, "number", down)
	}
	t := parts.Table{ID: "loans", Caption: "Loans", Chips: s.chips(), Columns: []parts.Column{
		col(parts.Column{Head: "Loan", Narrow: true}, "number", false),
		col(parts.Column{Head: "Borrower"}, "borrower", false),
		col(parts.Column{Head: "Status", Narrow: true}, "status", false),
		{Head: "Portfolios"}, {Head: "Source"}, {Head: "State", Narrow: true},
		{Head: "Next due", Narrow: true},
		col(parts.Column{Head: "Past due", Unit: "days", Align: parts.Right}, "days_past_due", true),
		col(parts.Column{Head: "Balance", Unit: currency, Align: parts.Right}, "principal_balance", true),
	}}
	for _, l := range s.out.Items {
		t.Rows = append(t.Rows, parts.Row{Href: "/loans/" + string(l.ID), Value: string(l.ID), Label: "loan " + l.Number, Cells: []templ.Component{
			parts.Words(l.Number), who(l.Borrower.Name), parts.Status(status(l.Status)), names(l.Portfolios),
			words(l.SourceCompany), words(l.State), parts.DateText(l.NextDue.String()), pastDue(l.DaysPastDue), parts.Figures(l.PrincipalBalance.Grouped()),
		}})
	}
	if s.mayMove && s.shelved() && len(t.Rows) > 0 {
		t.Form, t.Name = moveForm, "loans"
	}
	t.Pager = pager(s.at, listed{len(s.out.Items), s.out.Total, s.out.TotalIs == "exact", s.out.Next})
	t.Empty = parts.Empty{Title: "No loans yet", Text: "Loans appear here when they are made from an approved application, entered or imported."}
	switch {
	case len(t.Chips.List) > 0:
		t.Empty = parts.Empty{Title: "No loan fits", Text: "No loan that you may see meets all of these conditions.", Step: &parts.Button{Label: "Clear all", Href: t.Chips.Clear}}
	case s.mayCreate:
		t.Empty.Step = &parts.Button{Label: "New loan", Href: "/loans/new"}
	}
	return t
}
