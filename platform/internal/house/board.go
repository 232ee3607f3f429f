package house

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// board hands an approved application to servicing, in the same transaction:
// the one door from origination to the loans.
func (h *House) board(ctx context.Context, c *gate.Call, in origination.BoardIn) (id.Loan, error) {
	return h.Servicing.Board(ctx, c, servicing.BoardIn(in))
}
