// Package schedule is the exact money of one loan: its plan of instalments, and
// its ledger replayed to any day.
//
// Everything here is a pure function of terms, segments, postings and a date:
// no I/O, no clock, no stored figure. What the loan row holds is a cache of
// these results. The package must not know borrowers, roles or databases.
//
// # How interest is counted
//
// Both conventions count days on a scale of their own and divide by a year's
// worth of them, so interest is an exact fraction: balance × rate × days over
// 360 (or 365). The fraction is kept as a 128-bit integer numerator over one
// constant denominator: nothing is rounded until it is posted, and then half
// up, to the cent.
//
//   - 30/360: a month from one due date to the next is 30 days, whatever its
//     length, so its interest is balance × rate / 12. That interest is posted,
//     and so rounded, on each due date (paid or not), and when a payment posts
//     within the month. Inside a month days are counted 30E/360; a due date
//     that was moved to the last day of a shorter month counts as its own day.
//   - actual/365: calendar days; the fraction is carried until a payment or a
//     write-off posts.
//
// Unpaid interest bears no interest.
//
// # What is past due
//
// An instalment is covered when the money paid to interest and principal since
// the beginning is at least the sum of all planned instalments up to it; money
// that went to fees covers nothing, nor do adjustments and write-offs. The last
// instalment is whatever clears the loan: it is covered when neither principal
// nor interest is left, and then so are all. Days past due are the days from
// the oldest uncovered due date to the day of the question, 0 on the due date
// itself; there are no days of grace.
//
// # Invariants (held by property tests against a slow oracle)
//
// The principal of a plan sums to the loan's; no balance is negative; the order
// in which postings are given does not matter; a reversed posting leaves no
// trace; the parts of all payments sum to the payments; a payment of the payoff
// amount brings everything to zero.
package schedule

import (
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
)

// Convention says how days are counted when interest accrues.
type Convention string

// The two conventions.
const (
	Thirty360 Convention = "30/360"
	Actual365 Convention = "actual/365"
)

// MaxMonths is the longest term: fifty years.
const MaxMonths = 600

// Terms is what the contract says of a loan's money. The loan is taken to be
// paid out in full on the contract date.
type Terms struct {
	Principal money.Amount // more than zero
	Rate      Rate         // a year, 0 to 100 %
	Months    int          // number of monthly instalments, 1 to MaxMonths
	Contract  civil.Date   // the first period begins here
	// FirstDue is the due date of the first instalment; none means one month
	// after the contract date. Where it falls on the contract's day of the month
	// (or on the last day of a month that lacks it) later due dates keep the
	// contract's day, otherwise they keep the day of FirstDue.
	FirstDue   civil.Date
	Convention Convention
}

// Segment changes the terms from a day on. Interest accrues at Rate from the
// day From; instalments due after From are of Payment. A Payment of zero means
// the level payment that clears the planned balance over the instalments left.
type Segment struct {
	From    civil.Date
	Rate    Rate
	Payment money.Amount
}

// Validate gives an Invalid fault that names every field at fault.
func (t Terms) Validate() error {
	var c fault.Collector
	c.Check(t.Principal > 0 && t.Principal <= money.Max, "principal", "Give an amount above 0.00 and up to 1,000,000,000,000.00.")
	c.Check(t.Rate >= 0 && t.Rate <= MaxRate, "rate", "Give a yearly rate between 0 and 100 per cent.")
	c.Check(t.Months >= 1 && t.Months <= MaxMonths, "months", "Give a number of months between 1 and 600.")
	c.Check(t.Convention == Thirty360 || t.Convention == Actual365, "convention", `Choose "30/360" or "actual/365".`)
	if !inRange(t.Contract) {
		c.Add("contract", "Give the date of the contract, between 1900-01-01 and 2299-12-31.")
		return c.Err()
	}
	first := t.FirstDue
	switch {
	case first.IsZero():
		first = t.Contract.AddMonths(1)
	case first <= t.Contract || first > t.Contract.AddMonths(12):
		c.Add("first_due", "Give a date after the contract date and at most one year later.")
		return c.Err()
	}
	if t.Months >= 1 && t.Months <= MaxMonths && !inRange(first.AddMonths(t.Months)) {
		c.Add("months", "Give a term that ends before the year 2300.")
	}
	return c.Err()
}

func validateSegments(t Terms, segs []Segment) error {
	var c fault.Collector
	for i, s := range segs {
		c.Check(inRange(s.From) && s.From > t.Contract, "segments.from", "Give a date after the contract date.")
		c.Check(s.Rate >= 0 && s.Rate <= MaxRate, "segments.rate", "Give a yearly rate between 0 and 100 per cent.")
		c.Check(s.Payment >= 0 && s.Payment <= money.Max, "segments.payment", "Give a payment of up to 1,000,000,000,000.00, or none for a level one.")
		c.Check(i == 0 || segs[i-1].From != s.From, "segments.from", "Let only one change of terms begin on a day.")
	}
	return c.Err()
}

func inRange(d civil.Date) bool {
	y, _, _ := d.YMD()
	return !d.IsZero() && y >= civil.MinYear && y <= civil.MaxYear
}

// calendar gives the due dates of a loan. Instalments are numbered from 1; the
// calendar goes on past the last one, because 30/360 interest keeps posting.
type calendar struct {
	anchor civil.Date // due dates are the anchor plus whole months
	shift  int        // months from the anchor to the due date "0"
	day    int        // the day of the month that due dates keep
}

func newCalendar(t Terms) calendar {
	c := calendar{anchor: t.Contract}
	if !t.FirstDue.IsZero() {
		cy, cm, _ := t.Contract.YMD()
		fy, fm, _ := t.FirstDue.YMD()
		n := (fy-cy)*12 + int(fm) - int(cm)
		if n > 0 && t.Contract.AddMonths(n) == t.FirstDue {
			c.shift = n - 1
		} else {
			c.anchor, c.shift = t.FirstDue, -1
		}
	}
	_, _, c.day = c.anchor.YMD()
	return c
}

// due gives the date of the instalment with that number.
func (c calendar) due(number int) civil.Date { return c.anchor.AddMonths(number + c.shift) }
