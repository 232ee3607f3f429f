package shelf

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

func (d *Desk) placeOperations() {
	d.PortfolioSet = &gate.Op[PortfolioSetIn, PortfolioSetOut]{
		Name: "loan.portfolio.set", Title: "Set portfolios", Area: "Loans", Screen: "Loan/Summary", Method: "PUT", Path: "/loans/{id}/portfolios",
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Part: "summary", Object: func(in *PortfolioSetIn) string { return "loan/" + in.ID }, Do: d.portfolioSet,
	}
	d.PortfolioMove = &gate.Op[PortfolioMoveIn, PortfolioMoveOut]{
		Name: "loan.portfolio.move", Title: "Move loans between portfolios", Area: "Loans", Screen: "Loans", Method: "POST", Path: "/loans/portfolios",
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Do: d.portfolioMove,
	}
}

// LoanFilter is which loans are meant, as a list is filtered.
type LoanFilter struct {
	Status        string `json:"status,omitempty" enum:"active,on_hold,bankruptcy,paid_off,charged_off,closed"`
	Portfolio     string `json:"portfolio,omitempty" maxLength:"100"`
	SourceCompany string `json:"source_company,omitempty" maxLength:"100"`
	Borrower      string `json:"borrower,omitempty" maxLength:"40"`
	Q             string `json:"q,omitempty" maxLength:"200"`
}

// PortfolioMoveIn puts loans into portfolios and takes them out of others: the
// loans that are named, or all that a filter shows, a chunk at a time.
type PortfolioMoveIn struct {
	Loans  []string    `json:"loans,omitempty" maxItems:"200" doc:"ids or numbers"`
	Filter *LoanFilter `json:"filter,omitempty" doc:"instead: all loans that such a list shows, 200 a call"`
	Cursor string      `json:"cursor,omitempty" maxLength:"2000" doc:"the next of the call before, with the same filter"`
	Add    []string    `json:"add,omitempty" maxItems:"20" doc:"names or ids of portfolios"`
	Remove []string    `json:"remove,omitempty" maxItems:"20" doc:"names or ids of portfolios"`
}

// PortfolioMoveOut is what came of one call.
type PortfolioMoveOut struct {
	Looked int    `json:"looked_at" class:"public"`
	Moved  int    `json:"moved" class:"public" doc:"loans that are elsewhere now"`
	Next   string `json:"next,omitempty" class:"public" doc:"there are more: call again with this cursor"`
}

// portfolioMove moves one chunk of loans. Each call is an access change of its
// own, so that nobody waits long for the version lock.
func (d *Desk) portfolioMove(ctx context.Context, c *gate.Call, in *PortfolioMoveIn) (*PortfolioMoveOut, error) {
	add, remove, err := moveTo(ctx, c, in)
	if err != nil {
		return nil, err
	}
	out := &PortfolioMoveOut{}
	var loans []*placed
	if in.Filter != nil {
		loans, out.Next, err = d.filtered(ctx, c, in)
	} else {
		loans, err = namedLoans(ctx, c, in.Loans)
	}
	if err != nil {
		return nil, err
	}
	for _, l := range loans {
		if err := d.mayPlace(ctx, c, l.ID); err != nil {
			return nil, err
		}
	}
	moved, err := relocate(ctx, c.Tx, loans, add, remove)
	if err != nil {
		return nil, err
	}
	out.Looked, out.Moved = len(loans), len(moved)
	for _, l := range loans {
		c.Change("loan/"+string(l.ID), strings.Join(l.Before, ", "), strings.Join(l.After, ", "))
	}
	c.Detail("add", strings.Join(in.Add, ", "))
	c.Detail("remove", strings.Join(in.Remove, ", "))
	return out, d.config.Keep(ctx, c, moved...)
}

// moveTo checks where loans shall go.
func moveTo(ctx context.Context, c *gate.Call, in *PortfolioMoveIn) (add, remove []id.Portfolio, err error) {
	var bad fault.Collector
	resolve := func(field string, given []string) []id.Portfolio {
		list, err := book.ResolvePortfolios(ctx, c.Tx, given)
		if err != nil && fault.Is(err, fault.Invalid) {
			bad.Add(field, "Name portfolios that exist.")
		}
		return list
	}
	add, remove = resolve("add", in.Add), resolve("remove", in.Remove)
	bad.Check(len(in.Add)+len(in.Remove) > 0, "add", "Name at least one portfolio to put loans into or to take them out of.")
	bad.Check(!slices.ContainsFunc(add, func(p id.Portfolio) bool { return slices.Contains(remove, p) }), "remove", "Name no portfolio in both lists.")
	bad.Check((in.Filter == nil) != (len(in.Loans) == 0), "loans", "Name loans, or give a filter, and not both.")
	return add, remove, bad.Err()
}

// namedLoans finds loans by id or number; one that may not be seen is missing.
func namedLoans(ctx context.Context, c *gate.Call, given []string) ([]*placed, error) {
	found, err := find(ctx, c.Tx, c.Scope, given)
	if err != nil {
		return nil, err
	}
	var bad fault.Collector
	var out []*placed
	for i, g := range given {
		l := found[g]
		if l == nil {
			bad.Add("loans["+strconv.Itoa(i)+"]", "Give the id or number of a loan that exists.")
		} else if !slices.Contains(out, l) {
			out = append(out, l)
		}
	}
	return out, bad.Err()
}

// filtered finds the next loans that the filter shows, by number: what a move puts
// out of the filter lies behind the cursor already.
func (d *Desk) filtered(ctx context.Context, c *gate.Call, in *PortfolioMoveIn) ([]*placed, string, error) {
	after, err := opened(c, *in.Filter, in.Cursor)
	if err != nil {
		return nil, "", err
	}
	page, err := d.config.List(ctx, c, *in.Filter, after, chunk)
	if err != nil {
		return nil, "", below("filter", err)
	}
	out := make([]*placed, len(page.Rows))
	for i, r := range page.Rows {
		out[i] = &placed{ID: r.ID, Number: r.Number}
	}
	return out, sealed(c, *in.Filter, page.Next), nil
}

// below puts what is wrong with a list's input under a field.
func below(field string, err error) error {
	if !fault.Is(err, fault.Invalid) {
		return err
	}
	var bad fault.Collector
	bad.Merge(field, err)
	return bad.Err()
}

// mayPlace holds the limits of the caller over one loan, as the operation for a
// single loan would.
func (d *Desk) mayPlace(ctx context.Context, c *gate.Call, l id.Loan) error {
	if c.Subject() == nil || len(c.Subject().Limits(policy.Summary)) == 0 {
		return nil
	}
	limit, err := c.LimitOf(ctx, c.Subject(), c.Scope, d.PortfolioSet.Meta(), "loan/"+string(l))
	if err != nil || limit == nil {
		return err
	}
	f := fault.New(fault.Denied, "limit_too_low", "A limit of your search restriction keeps some of these loans as they are.")
	if limit.Message != "" {
		f.Message = limit.Message
	}
	return f
}
