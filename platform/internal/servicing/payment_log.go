package servicing

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// PaymentLogIn is money received for a loan.
type PaymentLogIn struct {
	ID            string       `path:"id" json:"-" doc:"The loan's id."`
	Amount        money.Amount `json:"amount" example:"250.00"`
	EffectiveDate civil.Date   `json:"effective_date,omitempty" format:"date" doc:"The day on which it counts, today unless told; not in the future."`
	Method        string       `json:"method,omitempty" enum:"ach,cash,check,money_order,wire,other"`
	Memo          string       `json:"memo,omitempty" maxLength:"200"`
}

func (d *Desk) paymentLog(ctx context.Context, c *gate.Call, in *PaymentLogIn) (*PostedOut, error) {
	var bad fault.Collector
	memo := text(&bad, "memo", in.Memo, 0, 200)
	bad.Check(in.Method == "" || slices.Contains([]string{"ach", "cash", "check", "money_order", "wire", "other"}, in.Method), "method", "Choose ach, cash, check, money_order, wire or other.")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	return d.post(ctx, c, posting{loan: in.ID, kind: schedule.Payment, amount: in.Amount, effective: in.EffectiveDate, memo: memo, method: in.Method})
}
