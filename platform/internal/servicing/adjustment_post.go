package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// AdjustmentPostIn changes the principal: above zero raises it, below lowers it.
type AdjustmentPostIn struct {
	ID            string       `path:"id" json:"-" doc:"The loan's id."`
	Amount        money.Amount `json:"amount" example:"-25.00"`
	EffectiveDate civil.Date   `json:"effective_date,omitempty" format:"date" doc:"Today unless told; not in the future."`
	Reason        string       `json:"reason" minLength:"1" maxLength:"200"`
}

func (d *Desk) adjustmentPost(ctx context.Context, c *gate.Call, in *AdjustmentPostIn) (*PostedOut, error) {
	var bad fault.Collector
	reason := text(&bad, "reason", in.Reason, 1, 200)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	c.Given(reason)
	return d.post(ctx, c, posting{loan: in.ID, kind: schedule.Adjustment, amount: in.Amount, effective: in.EffectiveDate, memo: reason})
}
