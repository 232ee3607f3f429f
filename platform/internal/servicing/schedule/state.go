package schedule

import (
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
)

// state reads the figures off a ledger that has accrued up to asOf.
func (l *ledger) state(p Plan, asOf civil.Date) State {
	s := State{
		AsOf: asOf, Principal: l.principal, AccruedInterest: l.owedInterest(), FeesDue: l.fees,
		PaidPrincipal: l.paid.Principal, PaidInterest: l.paid.Interest, PaidFees: l.paid.Fees,
		WrittenOff: l.gone, Allocations: l.trail,
	}
	owed := s.Principal + s.AccruedInterest
	s.Payoff = owed + s.FeesDue
	s.PaidOff = s.Payoff == 0
	if owed == 0 {
		return s
	}
	left := s.PaidPrincipal + s.PaidInterest // money not yet matched to an instalment
	for i, row := range p.Instalments {
		last := i == len(p.Instalments)-1
		covering := min(left, row.Payment)
		left -= covering
		short := row.Payment - covering
		if short == 0 && !last {
			continue
		}
		if s.OldestUnpaidDue.IsZero() {
			s.OldestUnpaidDue = row.Due
		}
		if row.Due < asOf {
			s.PastDue = min(s.PastDue+short, owed)
			if last {
				s.PastDue = owed
			}
			continue
		}
		s.NextDue = row.Due
		s.NextAmount = l.owedOn(row.Due) - s.PastDue
		if !last {
			s.NextAmount = min(s.NextAmount, short)
		}
		break
	}
	s.DaysPastDue = max(0, asOf.Sub(s.OldestUnpaidDue))
	return s
}

// owedOn foresees principal and interest on a later day without postings.
func (l *ledger) owedOn(day civil.Date) money.Amount {
	ahead := *l
	ahead.accrue(day)
	return ahead.principal + ahead.owedInterest()
}

// Progress says where an instalment stands on a day.
type Progress string

// The four ways an instalment can stand.
const (
	Paid     Progress = "paid"     // covered
	Late     Progress = "late"     // not covered and due before the day
	Due      Progress = "due"      // the next one to pay, due on the day or later
	Upcoming Progress = "upcoming" // after that
)

// Line is one planned instalment and where it stands. Covered is the part of
// its payment that money has reached.
type Line struct {
	Instalment
	Progress Progress
	Covered  money.Amount
}

// View gives the plan line by line as it stands on a day, and the state.
func View(t Terms, segs []Segment, postings []Posting, asOf civil.Date) ([]Line, State, error) {
	l, p, err := open(t, segs, postings, asOf)
	if err != nil {
		return nil, State{}, err
	}
	s := l.state(p, asOf)
	lines := make([]Line, len(p.Instalments))
	left := s.PaidPrincipal + s.PaidInterest
	for i, row := range p.Instalments {
		line := Line{Instalment: row, Covered: min(left, row.Payment), Progress: Upcoming}
		left -= line.Covered
		last := i == len(lines)-1
		switch {
		case s.OldestUnpaidDue.IsZero() || (line.Covered == row.Payment && !last):
			line.Progress = Paid
		case row.Due < asOf:
			line.Progress = Late
		case row.Due == s.NextDue:
			line.Progress = Due
		}
		lines[i] = line
	}
	return lines, s, nil
}

// Cached is what the loan row keeps of a state, so that lists need no replay.
// All but Interest stay true until the next posting or change of terms, NextDue
// and NextAmount until NextDue has passed. Interest is right on AsOf only.
type Cached struct {
	AsOf             civil.Date
	PrincipalBalance money.Amount
	Interest         money.Amount // accrued and unpaid on AsOf, to the cent
	FeesDue          money.Amount
	OldestUnpaidDue  civil.Date // none if no principal or interest is owed; may lie ahead
	NextDue          civil.Date
	NextAmount       money.Amount
	PaidOff          bool
}

// Stored gives the figures to keep on the loan row.
func Stored(s State) Cached {
	return Cached{
		AsOf: s.AsOf, PrincipalBalance: s.Principal, Interest: s.AccruedInterest, FeesDue: s.FeesDue,
		OldestUnpaidDue: s.OldestUnpaidDue, NextDue: s.NextDue, NextAmount: s.NextAmount, PaidOff: s.PaidOff,
	}
}

// DaysPastDue gives the days past due on any later day from the stored date.
func (c Cached) DaysPastDue(today civil.Date) int {
	if c.OldestUnpaidDue.IsZero() {
		return 0
	}
	return max(0, today.Sub(c.OldestUnpaidDue))
}
