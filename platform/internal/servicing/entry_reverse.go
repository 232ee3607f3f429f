package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// EntryReverseIn undoes one entry as if it had never been.
type EntryReverseIn struct {
	ID            string     `path:"id" json:"-" doc:"The loan's id."`
	Entry         string     `path:"entry" json:"-" doc:"The entry's id."`
	EffectiveDate civil.Date `json:"effective_date,omitempty" format:"date" doc:"From when it is undone, today unless told; not before the entry."`
	Reason        string     `json:"reason" minLength:"1" maxLength:"200"`
}

func (d *Desk) entryReverse(ctx context.Context, c *gate.Call, in *EntryReverseIn) (*PostedOut, error) {
	var bad fault.Collector
	reason := text(&bad, "reason", in.Reason, 1, 200)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	c.Given(reason)
	entry, err := id.Parse[id.Entry](in.Entry)
	if err != nil {
		return nil, fault.Missing("entry")
	}
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return nil, err
	}
	for _, e := range g.Entries {
		if e.ID == entry {
			return d.postOn(ctx, c, l, posting{kind: schedule.Reversal, amount: e.Amount, effective: in.EffectiveDate, memo: reason, reverses: entry})
		}
	}
	return nil, fault.Missing("entry")
}
