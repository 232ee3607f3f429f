package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// WriteOffIn gives up what is owed, or a part of it.
type WriteOffIn struct {
	ID            string        `path:"id" json:"-" doc:"The loan's id."`
	Amount        *money.Amount `json:"amount,omitempty" doc:"All that is owed on the day unless told."`
	EffectiveDate civil.Date    `json:"effective_date,omitempty" format:"date" doc:"Today unless told; not in the future."`
	Reason        string        `json:"reason" minLength:"1" maxLength:"200"`
}

func (d *Desk) writeOff(ctx context.Context, c *gate.Call, in *WriteOffIn) (*PostedOut, error) {
	var bad fault.Collector
	reason := text(&bad, "reason", in.Reason, 1, 200)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	c.Given(reason)
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	p := posting{kind: schedule.WriteOff, effective: in.EffectiveDate, memo: reason}
	if in.Amount != nil {
		p.amount = *in.Amount
		return d.postOn(ctx, c, l, p)
	}
	on := in.EffectiveDate
	if on.IsZero() {
		on = c.Today
	}
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return nil, err
	}
	if on >= l.Terms.Contract && on <= c.Today {
		s, err := g.Replay(l, on)
		if err != nil {
			return nil, err
		}
		if s.Payoff == 0 {
			return nil, fault.New(fault.Conflict, "nothing_owed", "Nothing is owed on this loan on that day.")
		}
		p.amount = s.Payoff
	} else {
		p.amount = 1 // the date is refused before the amount counts
	}
	return d.postOn(ctx, c, l, p)
}
