package servicing

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
)

// LoanListIn asks for a list of loans.
type LoanListIn struct {
	Status        string `query:"status" enum:"active,on_hold,bankruptcy,paid_off,charged_off,closed" required:"false" doc:"Only loans of this status."`
	Portfolio     string `query:"portfolio" maxLength:"100" required:"false" doc:"Only loans in this portfolio: its name or id."`
	SourceCompany string `query:"source_company" maxLength:"100" required:"false" doc:"Only loans of this source company: its name or id."`
	Borrower      string `query:"borrower" maxLength:"40" required:"false" doc:"Only loans of this borrower: the id."`
	Q             string `query:"q" maxLength:"200" required:"false" doc:"Beginning of a loan number or a borrower's name, or a whole e-mail address or telephone number."`
	Sort          string `query:"sort" required:"false" example:"-days_past_due" doc:"number, borrower, principal_balance, days_past_due, opened_on or status; a leading - turns the order around."`
	Paging
}

// BorrowerName is a borrower as lists of loans show one.
type BorrowerName struct {
	ID   id.Borrower `json:"id" class:"public"`
	Name string      `json:"name" class:"public"`
	// Withheld says that a limit hides who it is; then everything else is empty.
	Withheld bool `json:"withheld,omitempty" class:"public"`
}

// LoanItem is a loan as lists show it.
type LoanItem struct {
	ID               id.Loan      `json:"id" class:"public"`
	Number           string       `json:"number" class:"public"`
	Status           string       `json:"status" class:"public"`
	Portfolios       []string     `json:"portfolios" class:"public"`
	SourceCompany    string       `json:"source_company" class:"public"`
	Borrower         BorrowerName `json:"borrower"`
	PrincipalBalance money.Amount `json:"principal_balance" class:"public"`
	NextDue          civil.Date   `json:"next_due" class:"public" doc:"When the next payment is due; null for none."`
	DaysPastDue      int          `json:"days_past_due" class:"public"`
	State            string       `json:"state" class:"public" doc:"The borrower's state or region."`
}

// LoanListOut is a page of loans.
type LoanListOut struct {
	Items   []LoanItem `json:"items"`
	Total   int64      `json:"total" class:"public"`
	TotalIs string     `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string     `json:"next,omitempty" class:"public"`
}

func (d *Desk) loanOperations() {
	d.LoanList = &gate.Op[LoanListIn, LoanListOut]{
		Name: "loan.list", Title: "List loans", Area: "Loans", Screen: "Loans", Method: "GET", Path: "/loans",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent underwriter investor",
		Do: d.loanList,
	}
	d.LoanView = &gate.Op[LoanRef, LoanOut]{
		Name: "loan.view", Title: "View loan", Area: "Loans", Screen: "Loan/Summary", Method: "GET", Path: "/loans/{id}",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent underwriter investor",
		Part: "summary", Object: (*LoanRef).object, Do: d.loanView,
		Ahead: func(c *gate.Call, in *LoanRef) []db.Statement { return book.ViewAhead(c.Scope, in.ID) },
	}
	d.LoanCreate = &gate.Op[LoanCreateIn, LoanMade]{
		Name: "loan.create", Title: "New loan", Area: "Loans", Screen: "Loans/New", Method: "POST", Path: "/loans", Status: 201,
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager", Idempotent: true,
		Do: d.loanCreate,
	}
	d.ScheduleView = &gate.Op[LoanRef, ScheduleOut]{
		Name: "loan.schedule.view", Title: "View schedule", Area: "Loans", Screen: "Loan/Schedule", Method: "GET", Path: "/loans/{id}/schedule",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent investor",
		Part: "schedule", Object: (*LoanRef).object, Do: d.scheduleView,
	}
	d.PayoffView = &gate.Op[PayoffIn, PayoffOut]{
		Name: "loan.payoff.view", Title: "View payoff", Area: "Loans", Screen: "Loan/Payoff", Method: "GET", Path: "/loans/{id}/payoff",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
		Part: "payments", Object: func(in *PayoffIn) string { return "loan/" + in.ID }, Do: d.payoffView,
	}
}

func (d *Desk) loanList(ctx context.Context, c *gate.Call, in *LoanListIn) (*LoanListOut, error) {
	q, err := loanQuery(ctx, c, in)
	if err != nil {
		return nil, err
	}
	q.Few = d.few
	if q.Unnamed = unnamed(c); q.Unnamed != nil && q.Sort == "borrower" {
		return nil, borrowerLimit(c)
	}
	filter := *in
	filter.Paging = Paging{}
	var mark listing.Mark
	ok, err := openCursor(c, "loan.list", filter, in.Cursor, &mark)
	if err != nil {
		return nil, err
	}
	if ok {
		q.After = &mark
	}
	c.Detail("status", in.Status)
	c.Detail("portfolio", in.Portfolio)
	c.Detail("source_company", in.SourceCompany)
	c.Detail("borrower", in.Borrower)
	c.Detail("sort", in.Sort)
	c.SealedDetail("q", in.Q)
	page, err := listing.Loans(ctx, c.Tx, c.Tenant.Ring, c.Scope, q)
	if err != nil {
		return nil, err
	}
	if page.Slow {
		d.accessChanged(c) // a new day may have begun, or a build been given up
	}
	out := &LoanListOut{Items: make([]LoanItem, len(page.Rows)), Total: page.Total, TotalIs: totalIs(page.Exact)}
	for i, r := range page.Rows {
		out.Items[i] = LoanItem{ID: r.ID, Number: r.Number, Status: r.Status, Portfolios: listed(r.Portfolios), SourceCompany: r.Company,
			Borrower: BorrowerName{r.Borrower, r.BorrowerName, r.Unnamed}, PrincipalBalance: r.Balance, NextDue: r.NextDue, DaysPastDue: pastDue(r.OldestUnpaid, c.Today), State: r.Region}
	}
	if page.Next != nil {
		out.Next = sealCursor(c, "loan.list", filter, page.Next)
	}
	return out, nil
}

// loanQuery checks the input of a list.
func loanQuery(ctx context.Context, c *gate.Call, in *LoanListIn) (q listing.Query, err error) {
	var bad fault.Collector
	q.Limit, err = in.limit()
	bad.Merge("", err)
	q.Exact, err = in.exact()
	bad.Merge("", err)
	sort, desc := strings.CutPrefix(in.Sort, "-")
	bad.Check(sort == "" && !desc || slices.Contains(listing.Sorts(), sort), "sort", "Sort by number, borrower, principal_balance, days_past_due, opened_on or status; a leading - turns the order around.")
	bad.Check(in.Status == "" || slices.Contains(book.Statuses(), in.Status), "status", "Choose active, on_hold, bankruptcy, paid_off, charged_off or closed.")
	q.Status, q.Sort, q.Desc = in.Status, sort, desc
	if in.Borrower != "" {
		_, err = id.Parse[id.Borrower](in.Borrower)
		bad.Check(err == nil, "borrower", "Give the id of a borrower.")
		q.Borrower = id.Borrower(in.Borrower)
	}
	q.Text = text(&bad, "q", in.Q, 0, 200)
	portfolio := []string{in.Portfolio}
	if in.Portfolio == "" {
		portfolio = nil
	}
	found, err := book.ResolvePortfolios(ctx, c.Tx, portfolio)
	switch {
	case err != nil && fault.Is(err, fault.Invalid):
		// A restricted person must not learn which names exist beyond the rows.
		bad.Check(!c.Scope.Everything(), "portfolio", "Name a portfolio that exists.")
		q.Portfolio = "none"
	case err != nil:
		return q, err
	case len(found) == 1:
		q.Portfolio = found[0]
	}
	if q.Company, err = book.ResolveCompany(ctx, c.Tx, in.SourceCompany); err != nil {
		if !fault.Is(err, fault.Invalid) {
			return q, err
		}
		bad.Check(!c.Scope.Everything(), "source_company", "Name a source company that exists.")
		q.Company = "none"
	}
	return q, bad.Err()
}

func pastDue(oldest, today civil.Date) int {
	if oldest.IsZero() || oldest > today {
		return 0
	}
	return today.Sub(oldest)
}

// listed makes an absent list an empty one.
func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}
