package schedule

import (
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
)

// Instalment is one planned payment. Payment = Interest + Principal; Balance is
// the principal left after it.
type Instalment struct {
	Number    int
	Due       civil.Date
	Payment   money.Amount
	Interest  money.Amount
	Principal money.Amount
	Balance   money.Amount
}

// Plan is the schedule that the contract promises: exactly Months instalments,
// of which the last clears the balance. Payment is the level payment.
type Plan struct {
	Payment       money.Amount
	Instalments   []Instalment
	TotalInterest money.Amount
	TotalPayments money.Amount
}

// Plan gives the schedule of the terms as signed. See PlanWith.
func (t Terms) Plan() (Plan, error) { return t.PlanWith(nil) }

// PlanWith gives the schedule under the terms and their later segments.
//
// An instalment pays the interest posted so far, then principal; interest that
// it does not reach is carried, without interest, to the next one. A balance
// that clears early (tiny principals, rounding up) leaves instalments of 0.00.
// Where rounding alone would leave a last payment of more than twice the level
// one, the level payment is one or two cents higher than the formula's; terms
// under which the principal would still not go down before the last instalment
// are refused as an Invalid fault on months.
func (t Terms) PlanWith(segs []Segment) (Plan, error) {
	if err := t.Validate(); err != nil {
		return Plan{}, err
	}
	segs = inOrder(segs)
	if err := validateSegments(t, segs); err != nil {
		return Plan{}, err
	}
	return t.plan(newCalendar(t), segs)
}

// plan expects valid terms and valid segments in order.
func (t Terms) plan(cal calendar, segs []Segment) (Plan, error) {
	m := newMeter(t, cal, nil)
	rows := t.rows(cal)
	payment := level(t.Principal, t.Rate, t.Months)
	signed := t.amortise(&m, rows, nil, payment)
	for extra := money.Amount(1); extra <= 2 && balloons(signed); extra++ {
		again := t.amortise(&m, t.rows(cal), nil, payment+extra)
		if !balloons(again) {
			signed = again
		}
	}
	if n := t.Months; n > 1 && signed.Instalments[n-2].Balance >= t.Principal {
		return Plan{}, fault.Bad("months", "The level payment would not bring the principal down at this rate; shorten the term, lower the rate or bring the first due date forward.")
	}
	if len(segs) == 0 {
		return signed, nil
	}
	m = newMeter(t, cal, segs)
	return t.amortise(&m, rows, segs, signed.Payment), nil
}

// balloons reports whether the last instalment is more than twice the level one.
func balloons(p Plan) bool {
	n := len(p.Instalments)
	return n > 1 && p.Instalments[n-1].Payment > 2*p.Payment
}

func (t Terms) rows(cal calendar) []Instalment {
	rows := make([]Instalment, t.Months)
	for i := range rows {
		rows[i].Number, rows[i].Due = i+1, cal.due(i+1)
	}
	return rows
}

// amortise fills the money of rows that have their due dates.
func (t Terms) amortise(m *meter, rows []Instalment, segs []Segment, payment money.Amount) Plan {
	p := Plan{Payment: payment, Instalments: rows}
	balance, unpaid := t.Principal, money.Amount(0)
	from := t.Contract
	regular := int64(0) // rate × days of every period after the first, if all alike
	if m.thirty && len(segs) == 0 {
		regular = 30 * int64(t.Rate)
	}
	for i := range rows {
		row := &rows[i]
		for len(segs) > 0 && segs[0].From < row.Due {
			if payment = segs[0].Payment; payment == 0 {
				payment = level(balance, segs[0].Rate, len(rows)-i)
			}
			segs = segs[1:]
		}
		days := regular
		if i == 0 || days == 0 {
			days = m.rateDays(from, row.Due)
		}
		var f fraction
		f.add(balance, days)
		unpaid += f.cents(m.denominator)
		row.Payment = min(payment, unpaid+balance)
		if i == len(rows)-1 {
			row.Payment = unpaid + balance
		}
		row.Interest = min(row.Payment, unpaid)
		row.Principal = row.Payment - row.Interest
		unpaid -= row.Interest
		balance -= row.Principal
		row.Balance = balance
		p.TotalInterest += row.Interest
		p.TotalPayments += row.Payment
		from = row.Due
	}
	return p
}
