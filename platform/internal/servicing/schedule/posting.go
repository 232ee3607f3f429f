package schedule

import (
	"cmp"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
)

// Kind is the kind of a ledger entry.
type Kind string

// The kinds. Nothing is ever edited: what was wrong is reversed.
const (
	Payment    Kind = "payment"    // money received: to fees, then interest, then principal
	Fee        Kind = "fee"        // a charge, due on its effective date
	Adjustment Kind = "adjustment" // changes the principal: above zero raises, below lowers it
	WriteOff   Kind = "write_off"  // gives up what is owed, in the order of a payment, without money
	Reversal   Kind = "reversal"   // undoes one earlier posting as if it had never been
)

// Posting is one entry of a loan's ledger. Postings take effect in the order of
// effective date, then posted instant, then id.
type Posting struct {
	ID        id.Entry
	Kind      Kind
	Amount    money.Amount // above zero; an adjustment's is any but zero; a reversal's is that of what it reverses, sign included
	Effective civil.Date   // the day on which it counts
	Posted    int64        // when it was entered, unix microseconds
	Reverses  id.Entry     // for a reversal only
}

// Refused is the cause inside a fault about one posting, for errors.As: after a
// backdated posting it may be a later one that no longer fits.
type Refused struct{ Entry id.Entry }

// Error names the entry.
func (r *Refused) Error() string { return "posting " + string(r.Entry) }

func refuse(p Posting, field, mend string) error {
	f := fault.Bad(field, mend)
	f.Cause = &Refused{Entry: p.ID}
	return f
}

// validate checks a posting by itself.
func (p Posting) validate(t Terms) error {
	amount := p.Amount
	switch p.Kind {
	case Payment, Fee, WriteOff:
	case Adjustment, Reversal:
		amount = max(amount, -amount)
	default:
		return refuse(p, "kind", "Choose payment, fee, adjustment, write_off or reversal.")
	}
	if p.ID == "" {
		return refuse(p, "id", "Give the entry an id.")
	}
	if amount <= 0 || amount > money.Max {
		return refuse(p, "amount", "Give an amount above 0.00 (an adjustment may be below it) and up to 1,000,000,000,000.00.")
	}
	if !inRange(p.Effective) || p.Effective < t.Contract {
		return refuse(p, "effective", "Give a date on or after the contract date.")
	}
	if (p.Kind == Reversal) != (p.Reverses != "") {
		return refuse(p, "reverses", "Name the entry to undo in a reversal, and only there.")
	}
	return nil
}

// standing gives the postings that count on a day, in the order in which they
// count: reversed ones and reversals are gone, and so is what comes later.
func standing(t Terms, postings []Posting, asOf civil.Date) ([]Posting, error) {
	known := make(map[id.Entry]int, len(postings))
	reversals := false
	for i, p := range postings {
		if err := p.validate(t); err != nil {
			return nil, err
		}
		if _, twice := known[p.ID]; twice {
			return nil, refuse(p, "id", "Give every entry an id of its own.")
		}
		known[p.ID] = i
		reversals = reversals || p.Kind == Reversal
	}
	var undone map[id.Entry]bool
	if reversals {
		var err error
		if undone, err = reversed(postings, known, asOf); err != nil {
			return nil, err
		}
	}
	out := make([]Posting, 0, len(postings))
	for _, p := range postings {
		if p.Kind != Reversal && p.Effective <= asOf && !undone[p.ID] {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, func(a, b Posting) int {
		return cmp.Or(cmp.Compare(a.Effective, b.Effective), cmp.Compare(a.Posted, b.Posted), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

// reversed checks all reversals and gives what those effective by asOf undo.
func reversed(postings []Posting, known map[id.Entry]int, asOf civil.Date) (map[id.Entry]bool, error) {
	seen := make(map[id.Entry]bool)
	undone := make(map[id.Entry]bool)
	for _, p := range postings {
		if p.Kind != Reversal {
			continue
		}
		i, ok := known[p.Reverses]
		switch {
		case !ok:
			return nil, refuse(p, "reverses", "Name an entry of this loan.")
		case postings[i].Kind == Reversal:
			return nil, refuse(p, "reverses", "A reversal cannot be undone; post the original entry anew.")
		case seen[p.Reverses]:
			return nil, refuse(p, "reverses", "This entry has been reversed already.")
		case p.Posted < postings[i].Posted:
			return nil, refuse(p, "reverses", "Only an entry posted earlier can be reversed.")
		case p.Effective < postings[i].Effective:
			return nil, refuse(p, "effective", "Give a date on or after the effective date of the entry to undo.")
		case p.Amount != postings[i].Amount:
			return nil, refuse(p, "amount", "A reversal is of the whole amount of the entry it undoes.")
		}
		seen[p.Reverses] = true
		if p.Effective <= asOf {
			undone[p.Reverses] = true
		}
	}
	return undone, nil
}
