package loans

import (
	"context"
	"net/url"
	"slices"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/papers"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/sealed"
	"github.com/lendkeep/lendkeep/platform/internal/web/trail"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// fromLoan is the form's field for the loan on whose page a reveal was asked.
const fromLoan = "_loan"

// person is a borrower on the way to a page, with what may be done.
type person struct {
	*servicing.BorrowerOut
	home    string
	fields  sealed.Person
	mayEdit bool
	mayLend bool
	loans   []servicing.LoanItem
	more    string // address of the list that has more of them
}

// person completes a borrower with what the person in front of the page may do;
// loan is the loan on whose page it stands, if any.
func personOf(p *gate.Page, b *servicing.BorrowerOut, shown *servicing.RevealOut, loan string) *person {
	ref := "borrower/" + string(b.ID)
	w := &person{BorrowerOut: b, home: "/borrowers/" + string(b.ID), mayEdit: p.Can("borrower.update", ref), mayLend: p.Can("loan.create", "")}
	w.fields = sealed.Person{Name: b.Name, Action: w.home + "/reveal", Hidden: []parts.Hidden{{Name: fromLoan, Value: loan}}, Lines: []sealed.Line{
		{Field: "email", Label: "E-mail", Masked: b.Email.String()}, {Field: "phone", Label: "Phone", Masked: b.Phone.String()}, {Field: "date_of_birth", Label: "Date of birth", Masked: b.DateOfBirth.String()},
		{Field: "ssn", Label: "Social security number", Masked: b.SSN.String()}, {Field: "address.line1", Label: "Street", Masked: b.Address.Line1.String()},
	}}
	if shown != nil {
		w.fields.Shown = sealed.Shown(*shown)
	}
	w.fields.May(p, "borrower.reveal", ref)
	return w
}

// facts are the borrower, personal fields masked but for the one just asked for.
func (w *person) facts() []parts.Fact {
	out := []parts.Fact{{Term: "Name", Value: parts.Words(w.Name)}, {Term: "Reference", Value: words(w.Reference)}}
	out = append(out, w.fields.Facts()...)
	return append(out, parts.Fact{Term: "Town", Value: words(w.Address.City)}, parts.Fact{Term: "State", Value: words(w.Address.Region)},
		parts.Fact{Term: "Postal code", Value: words(w.Address.PostalCode)}, parts.Fact{Term: "Country", Value: words(w.Address.Country)})
}

// loanBorrower is the borrower's tab of a loan.
func (r *Room) loanBorrower(v *visit.Visit) visit.Screen {
	return r.borrowerOnLoan(v, v.R.PathValue("id"), nil)
}

func (r *Room) borrowerOnLoan(v *visit.Visit, loan string, shown *servicing.RevealOut) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folderOf(ctx, v, p, loan)
		if err != nil {
			return visit.View{}, err
		}
		if f.BorrowerWithheld != "" {
			return view(f.page("Borrower"), parts.Denied(parts.Denial{Title: "A search restriction keeps this from you", Missing: f.BorrowerWithheld}))
		}
		out, err := visit.Look(ctx, v, p, r.desk.BorrowerView, func(in *servicing.BorrowerRef) { in.ID = string(f.Borrower.ID) })
		if err != nil {
			return f.kept(v, "Borrower", err)
		}
		w := personOf(p, out, shown, string(f.ID))
		return view(f.page("Borrower"), loanBorrowerPage(v, f, w))
	}
}

// borrower is a borrower's own page, with the loans that the person may see.
func (r *Room) borrower(v *visit.Visit) visit.Screen { return r.borrowerPage(v, nil) }

func (r *Room) borrowerPage(v *visit.Visit, shown *servicing.RevealOut) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.BorrowerView)
		if err != nil {
			return visit.View{}, err
		}
		w := personOf(p, out, shown, "")
		if p.Can("loan.list", "") {
			if err := r.loansOf(ctx, p, w); err != nil {
				return visit.View{}, err
			}
		}
		page := parts.Page{Title: out.Name, Subtitle: out.Reference, Tabs: r.borrowerTabs(p, string(out.ID), "Borrower"), Crumbs: crumbs(p)}
		if w.mayLend {
			page.Actions = append(page.Actions, parts.Button{Label: "New loan", Kind: parts.Primary, Href: "/loans/new?borrower=" + url.QueryEscape(string(out.ID))})
		}
		if w.mayEdit {
			page.Actions = append(page.Actions, parts.Button{Label: "Edit borrower", Href: w.home + "/edit"})
		}
		return view(page, borrowerPage(v, w))
	}
}

// BorrowerHistory are the tabs of a borrower's pages, with the history open.
func (r *Room) BorrowerHistory(p *gate.Page, ref string) []parts.Tab {
	return r.borrowerTabs(p, ref, "History")
}

// borrowerTabs are those that the person may open; none for whoever may open one.
func (r *Room) borrowerTabs(p *gate.Page, ref, current string) []parts.Tab {
	tabs := trail.HistoryTab(p, "borrower/"+ref, "Borrower")
	if p.Can(r.borrowers.List(), "") {
		if len(tabs) == 0 {
			tabs = []parts.Tab{{Label: "Borrower", Href: "/borrowers/" + ref}}
		}
		tabs = slices.Insert(tabs, 1, parts.Tab{Label: "Documents", Href: "/borrowers/" + ref + "/documents"})
	}
	if p.Can(r.owed.View(), "borrower/"+ref) {
		if len(tabs) == 0 {
			tabs = []parts.Tab{{Label: "Borrower", Href: "/borrowers/" + ref}}
		}
		tabs = append(tabs, parts.Tab{Label: "Privacy", Href: "/borrowers/" + ref + "/privacy"})
	}
	for i := range tabs {
		tabs[i].Current = tabs[i].Label == current
	}
	return tabs
}

func crumbs(p *gate.Page) []parts.Link {
	if !p.Can("borrower.list", "") {
		return nil
	}
	return []parts.Link{{Text: "Borrowers", Href: "/borrowers"}}
}

// borrowerDocuments is the tab of what was kept about a borrower.
func (r *Room) borrowerDocuments(v *visit.Visit) visit.Screen {
	return r.borrowerTab(v, "Documents", func(ctx context.Context, p *gate.Page, ref string) (templ.Component, error) {
		tab, err := r.borrowers.Look(ctx, v, p, ref)
		if err != nil {
			return nil, err
		}
		return papers.Body(tab), nil
	})
}

// borrowerPrivacy is the tab of what is owed to a borrower about their data.
func (r *Room) borrowerPrivacy(v *visit.Visit) visit.Screen {
	return r.borrowerTab(v, "Privacy", func(ctx context.Context, p *gate.Page, ref string) (templ.Component, error) {
		return r.owed.Look(ctx, v, p, ref)
	})
}

// borrowerTab is a tab that another room fills: below the borrower's name, for
// whoever may see it.
func (r *Room) borrowerTab(v *visit.Visit, tab string, body func(ctx context.Context, p *gate.Page, ref string) (templ.Component, error)) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		ref := v.R.PathValue("id")
		page := parts.Page{Title: "Borrower", Tabs: r.borrowerTabs(p, ref, tab), Crumbs: crumbs(p)}
		if p.Can(r.desk.BorrowerView.Name, "borrower/"+ref) {
			out, err := gate.Look(ctx, p, r.desk.BorrowerView, &servicing.BorrowerRef{ID: ref})
			if err != nil {
				return visit.View{}, err
			}
			page.Title, page.Subtitle = out.Name, out.Reference
		}
		shown, err := body(ctx, p, ref)
		if withheld, kept := v.Withheld(err); kept {
			return view(page, withheld)
		}
		if err != nil {
			return visit.View{}, err
		}
		return view(page, shown)
	}
}

// loansOf lists a borrower's loans, as far as the person may see them.
func (r *Room) loansOf(ctx context.Context, p *gate.Page, w *person) error {
	in := servicing.LoanListIn{Borrower: string(w.ID), Paging: servicing.Paging{Limit: 50}}
	out, err := gate.Look(ctx, p, r.desk.LoanList, &in)
	if err != nil {
		return err
	}
	if w.loans = out.Items; out.Next != "" {
		w.more = "/loans?borrower=" + url.QueryEscape(string(w.ID))
	}
	return nil
}

func (w *person) table() parts.Table {
	t := parts.Table{ID: "borrower-loans", Caption: "Loans of " + w.Name, Columns: []parts.Column{
		{Head: "Loan", Narrow: true}, {Head: "Status"}, {Head: "Portfolios"}, {Head: "Past due", Unit: "days", Align: parts.Right},
		{Head: "Principal balance", Unit: currency, Align: parts.Right},
	}, Empty: parts.Empty{Title: "No loans", Text: "This borrower has no loan that you may see."}}
	for _, l := range w.loans {
		t.Rows = append(t.Rows, parts.Row{Href: "/loans/" + string(l.ID), Cells: []templ.Component{
			parts.Words(l.Number), parts.Status(status(l.Status)), names(l.Portfolios), pastDue(l.DaysPastDue), parts.Figures(l.PrincipalBalance.Grouped())}})
	}
	if w.mayLend {
		t.Empty.Step = &parts.Button{Label: "New loan", Href: "/loans/new?borrower=" + url.QueryEscape(string(w.ID))}
	}
	return t
}

// reveal shows one personal field in full, on the answer to the form that gave
// the reason: on no other page, and not when the page is opened again.
func (r *Room) reveal(v *visit.Visit) {
	loan := ""
	back := func(shown *servicing.RevealOut) visit.Screen {
		if loan != "" {
			return r.borrowerOnLoan(v, loan, shown)
		}
		return r.borrowerPage(v, shown)
	}
	visit.Act(v, r.desk.BorrowerReveal, func(out *servicing.RevealOut) visit.Answer {
		loan = v.Form().Get(fromLoan)
		return visit.Render(back(out))
	}, func(ctx context.Context, p *gate.Page) (visit.View, error) {
		loan = v.Form().Get(fromLoan)
		return back(nil)(ctx, p)
	})
}

// people is a page of the list of borrowers.
type people struct {
	at      *url.URL
	out     *servicing.BorrowerListOut
	action  string
	choose  bool // to lend to one of them
	mayMake bool
}

func (r *Room) borrowerList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.BorrowerList)
		if to, stale := fresh(v.R.URL, err); stale {
			return visit.View{To: to}, nil
		}
		if err != nil {
			return visit.View{}, err
		}
		l := &people{at: v.R.URL, out: out, action: "/borrowers", mayMake: p.Can("borrower.create", "")}
		page := parts.Page{Title: "Borrowers", Tabs: both(p, "/borrowers")}
		if r.mayFind(p) {
			page.Actions = append(page.Actions, parts.Button{Label: "Find one borrower", Href: findPage})
		}
		if l.mayMake {
			page.Actions = append(page.Actions, parts.Button{Label: "New borrower", Kind: parts.Primary, Href: "/borrowers/new"})
		}
		return view(page, borrowerList(l))
	}
}

func (l *people) bar() parts.FilterBar {
	q := l.at.Query()
	bar := parts.FilterBar{Action: l.action, Hidden: kept(l.at, "sort", "reference", "limit"), Search: &parts.Field{Name: "q", Label: "Name, e-mail or phone", Value: q.Get("q"), ID: "borrower-q"}}
	return bar
}

// borrowerColumns follow the name in lists of borrowers.
var borrowerColumns = []parts.Column{{Head: "Reference"}, {Head: "E-mail"}, {Head: "Phone"}, {Head: "Town"}, {Head: "State", Narrow: true}}

func borrowerCells(b servicing.BorrowerOut) []templ.Component {
	return []templ.Component{parts.Words(b.Name), words(b.Reference), parts.QuietWords(b.Email.String()), parts.QuietWords(b.Phone.String()), words(b.Address.City), words(b.Address.Region)}
}

func (l *people) table() parts.Table {
	q := l.at.Query()
	t := parts.Table{ID: "borrowers", Caption: "Borrowers", Columns: append([]parts.Column{sorted(l.at, parts.Column{Head: "Name"}, "name", "name", false)}, borrowerColumns...)}
	for _, b := range l.out.Items {
		to := "/borrowers/" + string(b.ID)
		if l.choose {
			to = "/loans/new?borrower=" + url.QueryEscape(string(b.ID))
		}
		t.Rows = append(t.Rows, parts.Row{Href: to, Cells: borrowerCells(b)})
	}
	t.Chips = parts.Chips{Lead: "Borrowers", Clear: with(l.at, "q", "", "reference", "")}
	if x := q.Get("q"); x != "" {
		t.Chips.List = append(t.Chips.List, parts.Chip{Text: "that match “" + x + "”", Remove: with(l.at, "q", "")})
	}
	if x := q.Get("reference"); x != "" {
		t.Chips.List = append(t.Chips.List, parts.Chip{Text: "with reference “" + x + "”", Remove: with(l.at, "reference", "")})
	}
	t.Pager = pager(l.at, listed{len(l.out.Items), l.out.Total, l.out.TotalIs == "exact", l.out.Next})
	t.Empty = parts.Empty{Title: "No borrowers yet", Text: "Borrowers appear here when an application is approved, or when they are entered or imported."}
	switch {
	case len(t.Chips.List) > 0:
		t.Empty = parts.Empty{Title: "No borrower fits", Text: "Search by the beginning of a name, or by a whole e-mail address or phone number.", Step: &parts.Button{Label: "Clear all", Href: t.Chips.Clear}}
	case l.mayMake:
		t.Empty.Step = &parts.Button{Label: "New borrower", Href: "/borrowers/new"}
	}
	return t
}
