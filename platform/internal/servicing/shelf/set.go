package shelf

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// PortfolioSetIn says in which portfolios a loan is. It decides who may see the
// loan, so it is an access change.
type PortfolioSetIn struct {
	ID         string   `path:"id" json:"-" doc:"The loan's id."`
	Portfolios []string `json:"portfolios" maxItems:"100" doc:"Names or ids; none takes the loan out of all."`
}

// PortfolioSetOut is where a loan is afterwards.
type PortfolioSetOut struct {
	Portfolios []string `json:"portfolios" class:"public"`
}

func (d *Desk) portfolioSet(ctx context.Context, c *gate.Call, in *PortfolioSetIn) (*PortfolioSetOut, error) {
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	places, err := book.ResolvePortfolios(ctx, c.Tx, in.Portfolios)
	if err != nil {
		return nil, err
	}
	before, after, err := book.Place(ctx, c.Tx, l, places)
	if err != nil {
		return nil, err
	}
	c.Change("portfolios", strings.Join(before, ", "), strings.Join(after, ", "))
	if err := d.config.Keep(ctx, c, l.ID); err != nil {
		return nil, err
	}
	return &PortfolioSetOut{append([]string{}, after...)}, nil
}
