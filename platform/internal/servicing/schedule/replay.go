package schedule

import (
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
)

// Allocation is where one posting went. For a payment or a write-off the parts
// sum to its amount; a fee is all Fees, an adjustment all Principal (with its
// sign). Balance is the principal after it.
type Allocation struct {
	Entry     id.Entry
	Kind      Kind
	Effective civil.Date
	Fees      money.Amount
	Interest  money.Amount
	Principal money.Amount
	Balance   money.Amount
}

// State is a loan on one day, after all postings effective by then.
type State struct {
	AsOf            civil.Date
	Principal       money.Amount // owed
	AccruedInterest money.Amount // owed, rounded to the cent as if posted on this day
	FeesDue         money.Amount // owed
	PaidPrincipal   money.Amount // by payments
	PaidInterest    money.Amount
	PaidFees        money.Amount
	WrittenOff      money.Amount // principal, interest and fees together
	// OldestUnpaidDue is the due date of the oldest uncovered instalment, which
	// may lie ahead; none if nothing of principal and interest is owed. Stored,
	// it stays true until the next posting.
	OldestUnpaidDue civil.Date
	DaysPastDue     int          // from OldestUnpaidDue to AsOf, never below 0
	PastDue         money.Amount // uncovered part of the instalments due before AsOf
	NextDue         civil.Date   // oldest uncovered due date on or after AsOf, none if there is none
	NextAmount      money.Amount // what it takes to cover that instalment, PastDue apart
	PaidOff         bool         // nothing at all is owed
	Payoff          money.Amount // Principal + AccruedInterest + FeesDue
	Allocations     []Allocation // in the order in which postings took effect
}

// Allocation gives where a posting went; false if it does not count on AsOf.
func (s State) Allocation(entry id.Entry) (Allocation, bool) {
	for _, a := range s.Allocations {
		if a.Entry == entry {
			return a, true
		}
	}
	return Allocation{}, false
}

// Replay gives the state of a loan on a day from its terms, its segments and
// its postings, in whatever order they are given. Postings effective after the
// day are checked by themselves and otherwise ignored.
//
// A posting that does not fit is refused with an Invalid fault whose cause is a
// *Refused: a payment or write-off beyond the payoff amount of its day, a
// credit beyond the principal, a balance beyond money.Max, a reversal of what
// cannot be reversed. Before storing a posting, replay to the latest effective
// date of the ledger, so that a backdated one is checked against what follows.
func Replay(t Terms, segs []Segment, postings []Posting, asOf civil.Date) (State, error) {
	l, p, err := open(t, segs, postings, asOf)
	if err != nil {
		return State{}, err
	}
	return l.state(p, asOf), nil
}

// Payoff gives the amount that pays the loan off on a day.
func Payoff(t Terms, segs []Segment, postings []Posting, on civil.Date) (money.Amount, error) {
	s, err := Replay(t, segs, postings, on)
	return s.Payoff, err
}

// ledger is a loan on its way through its postings.
type ledger struct {
	cal       calendar
	meter     meter
	at        civil.Date // interest is counted up to here
	next      int        // number of the next due date at which 30/360 interest posts
	nextDue   civil.Date
	principal money.Amount
	interest  money.Amount // posted and unpaid
	running   fraction     // accrued and not yet posted
	fees      money.Amount
	paid      Allocation // sums over payments
	gone      money.Amount
	trail     []Allocation
}

func open(t Terms, segs []Segment, postings []Posting, asOf civil.Date) (*ledger, Plan, error) {
	p, err := t.PlanWith(segs)
	if err != nil {
		return nil, Plan{}, err
	}
	if !inRange(asOf) || asOf < t.Contract {
		return nil, Plan{}, fault.Bad("as_of", "Give a date on or after the contract date.")
	}
	counting, err := standing(t, postings, asOf)
	if err != nil {
		return nil, Plan{}, err
	}
	cal := newCalendar(t)
	l := &ledger{cal: cal, meter: newMeter(t, cal, inOrder(segs)), at: t.Contract, next: 1, nextDue: cal.due(1), principal: t.Principal}
	l.trail = make([]Allocation, 0, len(counting))
	for _, posting := range counting {
		l.accrue(posting.Effective)
		if err := l.post(posting); err != nil {
			return nil, Plan{}, err
		}
	}
	l.accrue(asOf)
	return l, p, nil
}

// accrue counts interest up to a day, posting 30/360 interest on due dates.
func (l *ledger) accrue(to civil.Date) {
	if l.meter.thirty {
		for l.nextDue <= to {
			l.count(l.nextDue)
			l.settle()
			l.next++
			l.nextDue = l.cal.due(l.next)
		}
	}
	l.count(to)
}

func (l *ledger) count(to civil.Date) {
	if l.principal > 0 && to > l.at {
		l.running.add(l.principal, l.meter.rateDays(l.at, to))
	}
	l.at = to
}

// settle posts the running interest, rounded half up to the cent.
func (l *ledger) settle() {
	l.interest += l.running.cents(l.meter.denominator)
	l.running = fraction{}
}

// owedInterest is the unpaid interest as if it were posted now.
func (l *ledger) owedInterest() money.Amount {
	return l.interest + l.running.cents(l.meter.denominator)
}

func (l *ledger) post(p Posting) error {
	a := Allocation{Entry: p.ID, Kind: p.Kind, Effective: p.Effective}
	switch p.Kind {
	case Payment, WriteOff:
		if err := l.satisfy(p, &a); err != nil {
			return err
		}
	case Fee:
		if l.fees+p.Amount > money.Max {
			return refuse(p, "amount", "The fees due would be more than 1,000,000,000,000.00; give a smaller amount.")
		}
		l.fees += p.Amount
		a.Fees = p.Amount
	case Adjustment:
		switch after := l.principal + p.Amount; {
		case after < 0:
			return refuse(p, "amount", "The credit is more than the principal of "+l.principal.Grouped()+" on its effective date; give at most that.")
		case after > money.Max:
			return refuse(p, "amount", "The principal would be more than 1,000,000,000,000.00; give a smaller amount.")
		default:
			l.principal = after
		}
		a.Principal = p.Amount
	}
	a.Balance = l.principal
	l.trail = append(l.trail, a)
	return nil
}

// satisfy takes a payment or a write-off to fees, then interest, then principal.
func (l *ledger) satisfy(p Posting, a *Allocation) error {
	l.settle()
	if payoff := l.principal + l.interest + l.fees; p.Amount > payoff {
		return refuse(p, "amount", "The amount is more than the payoff amount of "+payoff.Grouped()+" on its effective date; give at most that.")
	}
	a.Fees = min(p.Amount, l.fees)
	a.Interest = min(p.Amount-a.Fees, l.interest)
	a.Principal = p.Amount - a.Fees - a.Interest
	l.fees -= a.Fees
	l.interest -= a.Interest
	l.principal -= a.Principal
	if p.Kind == WriteOff {
		l.gone += p.Amount
		return nil
	}
	l.paid.Fees += a.Fees
	l.paid.Interest += a.Interest
	l.paid.Principal += a.Principal
	return nil
}
