package schedule

import (
	"math/big"
	"math/bits"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
)

// unit is how many units of Rate make 1 (that is, 100 %).
const unit = 100_000_000

// fraction is an exact amount of interest: a 128-bit count of cents divided by
// the meter's denominator. With balances up to money.Max, rates up to 100 % and
// four centuries of days it stays below 2^91, so neither the sum nor the
// quotient can overflow.
type fraction struct{ hi, lo uint64 }

// add adds balance × rateDays.
func (f *fraction) add(balance money.Amount, rateDays int64) {
	hi, lo := bits.Mul64(uint64(balance), uint64(rateDays))
	var carry uint64
	f.lo, carry = bits.Add64(f.lo, lo, 0)
	f.hi, _ = bits.Add64(f.hi, hi, carry)
}

// cents rounds half up to whole cents.
func (f fraction) cents(denominator uint64) money.Amount {
	lo, carry := bits.Add64(f.lo, denominator/2, 0)
	q, _ := bits.Div64(f.hi+carry, lo, denominator)
	return money.Amount(q)
}

// rateFrom is a rate in force from a day on, until the next one.
type rateFrom struct {
	from civil.Date
	rate Rate
}

// meter measures time as interest sees it: rate × days under a convention, with
// the rates in force. Interest is balance × rateDays / denominator.
type meter struct {
	thirty      bool
	day         int // the day of the month that due dates keep
	rates       []rateFrom
	denominator uint64 // even for 30/360; 365e8 is even as well, so halves are exact
}

func newMeter(t Terms, cal calendar, segs []Segment) meter {
	m := meter{thirty: t.Convention == Thirty360, day: cal.day, denominator: 365 * unit}
	if m.thirty {
		m.denominator = 360 * unit
	}
	m.rates = make([]rateFrom, 1, 1+len(segs))
	m.rates[0] = rateFrom{t.Contract, t.Rate}
	for _, s := range segs {
		m.rates = append(m.rates, rateFrom{s.From, s.Rate})
	}
	return m
}

// position places a date on the convention's scale of days. The difference of
// two positions is the number of days between them, so spans always add up.
func (m *meter) position(d civil.Date) int64 {
	if !m.thirty {
		return int64(d)
	}
	y, month, day := d.YMD()
	if day < m.day && day >= 28 && day == civil.DaysIn(y, month) {
		day = m.day // a due date moved to the end of a shorter month
	}
	return int64(y)*360 + int64(month)*30 + int64(min(day, 30))
}

// rateDays gives Σ rate × days from one day to a later one.
func (m *meter) rateDays(from, to civil.Date) int64 {
	if to <= from {
		return 0
	}
	var sum int64
	for i := len(m.rates) - 1; i >= 0; i-- {
		r := m.rates[i]
		if r.from >= to {
			continue
		}
		start := max(from, r.from)
		sum += int64(r.rate) * (m.position(to) - m.position(start))
		if r.from <= from {
			break
		}
		to = r.from
	}
	return sum
}

// level gives P·i / (1 − (1+i)^−n) rounded half up, i = rate / 12, computed in
// whole numbers: with i = a/b it is P·a·(a+b)^n / (b·((a+b)^n − b^n)).
func level(principal money.Amount, rate Rate, n int) money.Amount {
	if rate == 0 {
		return (2*principal + money.Amount(n)) / (2 * money.Amount(n))
	}
	a, b := int64(rate), int64(12*unit)
	g := gcd(a, b)
	a, b = a/g, b/g
	months := big.NewInt(int64(n))
	grown := new(big.Int).Exp(big.NewInt(a+b), months, nil)
	still := new(big.Int).Exp(big.NewInt(b), months, nil)
	den := still.Sub(grown, still)
	den.Mul(den, big.NewInt(b))
	num := grown.Mul(grown, big.NewInt(a))
	num.Mul(num, big.NewInt(int64(principal)))
	num.Lsh(num, 1).Add(num, den)
	return money.Amount(num.Quo(num, den.Lsh(den, 1)).Int64())
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// inOrder gives the segments by date without touching the caller's slice.
func inOrder(segs []Segment) []Segment {
	if len(segs) < 2 {
		return segs
	}
	out := slices.Clone(segs)
	slices.SortFunc(out, func(a, b Segment) int { return int(a.From) - int(b.From) })
	return out
}
