package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/listing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/shelf"
)

// What portfolios, source companies and custom fields are called with, in this
// desk's own words.
type (
	NamedListIn         = shelf.NamedListIn
	NamedListOut        = shelf.NamedListOut
	NamedOut            = shelf.NamedOut
	NamedCreateIn       = shelf.NamedCreateIn
	CustomFieldListOut  = shelf.CustomFieldListOut
	CustomFieldOut      = shelf.CustomFieldOut
	CustomFieldCreateIn = shelf.CustomFieldCreateIn
	PortfolioSetIn      = shelf.PortfolioSetIn
	PortfolioSetOut     = shelf.PortfolioSetOut
	PortfolioMoveIn     = shelf.PortfolioMoveIn
	PortfolioMoveOut    = shelf.PortfolioMoveOut
	LoanFilter          = shelf.LoanFilter
)

// filtered gives the loans that a filter shows to the caller, by number.
func (d *Desk) filtered(ctx context.Context, c *gate.Call, f LoanFilter, after *listing.Mark, limit int) (*listing.Page, error) {
	q, err := loanQuery(ctx, c, &LoanListIn{Status: f.Status, Portfolio: f.Portfolio, SourceCompany: f.SourceCompany, Borrower: f.Borrower, Q: f.Q})
	if err != nil {
		return nil, err
	}
	q.Limit, q.Few, q.Unnamed, q.After = limit, d.few, unnamed(c), after
	return listing.Loans(ctx, c.Tx, c.Tenant.Ring, c.Scope, q)
}
