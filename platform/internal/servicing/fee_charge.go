package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// FeeChargeIn is a fee, due on its effective date.
type FeeChargeIn struct {
	ID            string       `path:"id" json:"-" doc:"The loan's id."`
	Amount        money.Amount `json:"amount" example:"15.00"`
	EffectiveDate civil.Date   `json:"effective_date,omitempty" format:"date" doc:"Today unless told; not in the future."`
	Memo          string       `json:"memo" minLength:"1" maxLength:"200" doc:"What the fee is for."`
}

func (d *Desk) feeCharge(ctx context.Context, c *gate.Call, in *FeeChargeIn) (*PostedOut, error) {
	var bad fault.Collector
	memo := text(&bad, "memo", in.Memo, 1, 200)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	return d.post(ctx, c, posting{loan: in.ID, kind: schedule.Fee, amount: in.Amount, effective: in.EffectiveDate, memo: memo})
}
