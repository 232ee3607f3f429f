package schedule

import (
	"math/big"
	"sort"
	"testing"

	"github.com/cockroachdb/apd/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
)

// The oracle knows the same conventions and none of the code: it walks day by
// day with rational numbers.

func rat(n int64) *big.Rat { return new(big.Rat).SetInt64(n) }

// halfUp rounds a non-negative rational to whole cents.
func halfUp(r *big.Rat) money.Amount {
	x := new(big.Rat).Add(r, big.NewRat(1, 2))
	return money.Amount(new(big.Int).Quo(x.Num(), x.Denom()).Int64())
}

func yearly(r Rate) *big.Rat { return big.NewRat(int64(r), 100_000_000) }

func oracleLevel(p money.Amount, r Rate, n int) money.Amount {
	if r == 0 {
		return halfUp(big.NewRat(int64(p), int64(n)))
	}
	i := new(big.Rat).Quo(yearly(r), rat(12))
	down := new(big.Rat).Inv(new(big.Rat).Add(rat(1), i))
	v := rat(1)
	for range n {
		v.Mul(v, down)
	}
	x := new(big.Rat).Mul(rat(int64(p)), i)
	return halfUp(x.Quo(x, new(big.Rat).Sub(rat(1), v)))
}

type oracle struct {
	t    Terms
	segs []Segment
	dues map[civil.Date]bool
	keep int // day of the month of the due dates
	list []civil.Date
}

func newOracle(t Terms, segs []Segment) *oracle {
	o := &oracle{t: t, segs: segs, dues: map[civil.Date]bool{}}
	base, first := t.Contract, 1
	if t.FirstDue != 0 {
		base, first = t.FirstDue, 0
		for k := 1; k <= 12; k++ {
			if t.Contract.AddMonths(k) == t.FirstDue {
				base, first = t.Contract, k
			}
		}
	}
	_, _, o.keep = base.YMD()
	for k := 0; k < t.Months+200; k++ {
		d := base.AddMonths(first + k)
		o.dues[d] = true
		if k < t.Months {
			o.list = append(o.list, d)
		}
	}
	return o
}

func (o *oracle) serial(d civil.Date) int64 {
	y, m, day := d.YMD()
	if o.dues[d] {
		day = o.keep
	}
	if day > 30 {
		day = 30
	}
	return int64(12*y+int(m))*30 + int64(day)
}

// oneDay is the share of a year's rate that the night from d to d+1 earns.
func (o *oracle) oneDay(d civil.Date) *big.Rat {
	rate := o.t.Rate
	var from civil.Date
	for _, s := range o.segs {
		if s.From <= d && s.From > from {
			rate, from = s.Rate, s.From
		}
	}
	if o.t.Convention == Actual365 {
		return new(big.Rat).Mul(yearly(rate), big.NewRat(1, 365))
	}
	return new(big.Rat).Mul(yearly(rate), big.NewRat(o.serial(d+1)-o.serial(d), 360))
}

// plan gives the rows for a level payment.
func (o *oracle) plan(level money.Amount) []Instalment {
	balance, unpaid := o.t.Principal, money.Amount(0)
	day := o.t.Contract
	var rows []Instalment
	for k, due := range o.list {
		var newest civil.Date
		for _, s := range o.segs {
			if s.From < due && s.From > newest && (k == 0 || s.From >= o.list[k-1]) {
				newest, level = s.From, s.Payment
				if s.Payment == 0 {
					level = oracleLevel(balance, s.Rate, len(o.list)-k)
				}
			}
		}
		earned := rat(0)
		for ; day < due; day++ {
			earned.Add(earned, new(big.Rat).Mul(rat(int64(balance)), o.oneDay(day)))
		}
		unpaid += halfUp(earned)
		pay := level
		if pay > unpaid+balance || k == len(o.list)-1 {
			pay = unpaid + balance
		}
		toInterest := pay
		if toInterest > unpaid {
			toInterest = unpaid
		}
		unpaid -= toInterest
		balance -= pay - toInterest
		rows = append(rows, Instalment{Number: k + 1, Due: due, Payment: pay, Interest: toInterest, Principal: pay - toInterest, Balance: balance})
	}
	return rows
}

type oracleState struct {
	Principal, Interest, Fees, PaidP, PaidI, PaidF, Gone money.Amount
	Oldest                                               civil.Date
	Past                                                 int
	PastDue                                              money.Amount
}

// replay is false if a posting does not fit.
func (o *oracle) replay(postings []Posting, asOf civil.Date, rows []Instalment) (oracleState, bool) {
	var live []Posting
	for _, p := range postings {
		gone := p.Kind == Reversal
		for _, q := range postings {
			gone = gone || (q.Reverses == p.ID && q.Effective <= asOf)
		}
		if !gone {
			live = append(live, p)
		}
	}
	sort.Slice(live, func(i, j int) bool {
		a, b := live[i], live[j]
		if a.Effective != b.Effective {
			return a.Effective < b.Effective
		}
		if a.Posted != b.Posted {
			return a.Posted < b.Posted
		}
		return a.ID < b.ID
	})
	s := oracleState{Principal: o.t.Principal}
	whole, running := money.Amount(0), rat(0)
	settle := func() { whole += halfUp(running); running = rat(0) }
	for day := o.t.Contract; ; day++ {
		if o.t.Convention == Thirty360 && o.dues[day] {
			settle()
		}
		for _, p := range live {
			if p.Effective != day {
				continue
			}
			switch p.Kind {
			case Fee:
				s.Fees += p.Amount
			case Adjustment:
				s.Principal += p.Amount
				if s.Principal < 0 {
					return s, false
				}
			default:
				settle()
				money := p.Amount
				f := min(money, s.Fees)
				i := min(money-f, whole)
				pr := money - f - i
				s.Fees, whole, s.Principal = s.Fees-f, whole-i, s.Principal-pr
				if s.Principal < 0 {
					return s, false
				}
				if p.Kind == WriteOff {
					s.Gone += money
				} else {
					s.PaidF, s.PaidI, s.PaidP = s.PaidF+f, s.PaidI+i, s.PaidP+pr
				}
			}
		}
		if day == asOf {
			break
		}
		running.Add(running, new(big.Rat).Mul(rat(int64(s.Principal)), o.oneDay(day)))
	}
	s.Interest = whole + halfUp(running)
	if s.Principal+s.Interest > 0 {
		sum := money.Amount(0)
		for k, row := range rows {
			sum += row.Payment
			if k == len(rows)-1 || sum > s.PaidP+s.PaidI {
				s.Oldest = row.Due
				break
			}
		}
		owed, behind := s.Principal+s.Interest, -s.PaidP-s.PaidI
		for _, row := range rows {
			if row.Due < asOf {
				behind += row.Payment
			}
		}
		if rows[len(rows)-1].Due < asOf {
			behind = owed
		}
		s.PastDue = min(owed, max(0, behind))
		if asOf > s.Oldest {
			s.Past = int(asOf - s.Oldest)
		}
	}
	return s, true
}

func drawTerms(t *rapid.T, maxMonths int) Terms {
	contract := civil.Must(2019, 1, 1).AddDays(rapid.IntRange(0, 1500).Draw(t, "contract"))
	terms := Terms{
		Principal:  money.Amount(rapid.OneOf(rapid.Int64Range(1, 2000), rapid.Int64Range(100_00, 900_000_00), rapid.Int64Range(1, int64(money.Max))).Draw(t, "principal")),
		Rate:       Rate(rapid.OneOf(rapid.Just(int64(0)), rapid.Int64Range(1_000_000, 36_000_000), rapid.Int64Range(0, int64(MaxRate))).Draw(t, "rate")),
		Months:     rapid.IntRange(1, maxMonths).Draw(t, "months"),
		Contract:   contract,
		Convention: rapid.SampledFrom([]Convention{Thirty360, Actual365}).Draw(t, "convention"),
	}
	if rapid.Bool().Draw(t, "odd first period") {
		terms.FirstDue = contract.AddDays(rapid.IntRange(1, 300).Draw(t, "first due"))
	}
	return terms
}

func drawSegments(t *rapid.T, terms Terms, level money.Amount) []Segment {
	var segs []Segment
	for i := range rapid.IntRange(0, 2).Draw(t, "segments") {
		s := Segment{From: terms.Contract.AddDays(1 + i*500 + rapid.IntRange(0, 400).Draw(t, "from")), Rate: Rate(rapid.Int64Range(0, 30_000_000).Draw(t, "new rate"))}
		if rapid.Bool().Draw(t, "own payment") {
			s.Payment = min(money.Max, max(1, level/2)+money.Amount(rapid.Int64Range(0, int64(level)).Draw(t, "payment")))
		}
		segs = append(segs, s)
	}
	return segs
}

func drawPostings(t *rapid.T, terms Terms, level money.Amount, days int) []Posting {
	var out []Posting
	for i := range rapid.IntRange(0, 12).Draw(t, "postings") {
		p := Posting{ID: id.Entry("le_" + string(rune('a'+i))), Posted: rapid.Int64Range(0, 5).Draw(t, "posted"), Effective: terms.Contract.AddDays(rapid.IntRange(0, days).Draw(t, "effective"))}
		p.Kind = rapid.SampledFrom([]Kind{Payment, Payment, Payment, Payment, Fee, Adjustment, WriteOff, Reversal}).Draw(t, "kind")
		p.Amount = 1 + money.Amount(rapid.Int64Range(0, int64(min(level+level/2, money.Max/20))).Draw(t, "amount"))
		switch p.Kind {
		case Fee:
			p.Amount = 1 + p.Amount%50_00
		case Adjustment:
			p.Amount = min(p.Amount, (money.Max-terms.Principal)/20)
			if p.Amount == 0 || rapid.Bool().Draw(t, "credit") {
				p.Amount = -1 - p.Amount/10
			}
		case Reversal:
			var open []Posting
			for _, q := range out {
				taken := q.Kind == Reversal
				for _, r := range out {
					taken = taken || r.Reverses == q.ID
				}
				if !taken {
					open = append(open, q)
				}
			}
			if len(open) == 0 {
				continue
			}
			q := rapid.SampledFrom(open).Draw(t, "reverses")
			p.Reverses, p.Amount, p.Posted = q.ID, q.Amount, q.Posted+1
			p.Effective = max(p.Effective, q.Effective)
		}
		out = append(out, p)
	}
	return out
}

func TestPlanAgreesWithTheOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := drawTerms(t, 80)
		signed, err := terms.Plan()
		formula := oracleLevel(terms.Principal, terms.Rate, terms.Months)
		if err != nil {
			rows := newOracle(terms, nil).plan(formula)
			if len(rows) < 2 || rows[len(rows)-2].Balance < terms.Principal {
				t.Fatalf("refused a plan that amortises: %v", err)
			}
			return
		}
		if signed.Payment < formula || signed.Payment > formula+2 {
			t.Fatalf("level payment %v, formula %v", signed.Payment, formula)
		}
		segs := drawSegments(t, terms, signed.Payment)
		got, err := terms.PlanWith(segs)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(newOracle(terms, segs).plan(signed.Payment), got.Instalments); diff != "" {
			t.Fatal(diff)
		}
		var principal, interest, payments money.Amount
		for _, row := range got.Instalments {
			if row.Balance < 0 || row.Principal < 0 || row.Interest < 0 || row.Payment != row.Principal+row.Interest {
				t.Fatalf("row %+v", row)
			}
			principal, interest, payments = principal+row.Principal, interest+row.Interest, payments+row.Payment
		}
		if principal != terms.Principal || interest != got.TotalInterest || payments != got.TotalPayments {
			t.Fatalf("sums %v %v %v of %+v", principal, interest, payments, got)
		}
	})
}

func TestReplayAgreesWithTheOracle(t *testing.T) {
	accepted, drawn := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		terms := drawTerms(t, 36)
		signed, err := terms.Plan()
		if err != nil {
			t.Skip("terms refused")
		}
		segs := drawSegments(t, terms, signed.Payment)
		postings := drawPostings(t, terms, signed.Payment, 1300)
		asOf := terms.Contract.AddDays(rapid.IntRange(0, 1500).Draw(t, "as of"))
		plan, err := terms.PlanWith(segs)
		if err != nil {
			t.Fatal(err)
		}
		drawn++
		want, fits := newOracle(terms, segs).replay(postings, asOf, plan.Instalments)
		got, err := Replay(terms, segs, postings, asOf)
		if (err == nil) != fits {
			t.Fatalf("oracle fits %v, replay %v", fits, err)
		}
		if err != nil {
			return
		}
		accepted++
		have := oracleState{got.Principal, got.AccruedInterest, got.FeesDue, got.PaidPrincipal, got.PaidInterest, got.PaidFees, got.WrittenOff, got.OldestUnpaidDue, got.DaysPastDue, got.PastDue}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Fatal(diff)
		}
		checkInvariants(t, terms, segs, postings, got)
	})
	if accepted*5 < drawn {
		t.Fatalf("only %d of %d ledgers were accepted: the generator proves too little", accepted, drawn)
	}
}

func checkInvariants(t *rapid.T, terms Terms, segs []Segment, postings []Posting, s State) {
	// The order in which postings are given does not matter.
	shuffled := rapid.Permutation(postings).Draw(t, "shuffled")
	again, err := Replay(terms, segs, shuffled, s.AsOf)
	if diff := cmp.Diff(s, again); err != nil || diff != "" {
		t.Fatalf("order matters: %v %s", err, diff)
	}
	// A reversed posting leaves no trace.
	gone := map[id.Entry]bool{}
	for _, p := range postings {
		if p.Kind == Reversal && p.Effective <= s.AsOf {
			gone[p.ID], gone[p.Reverses] = true, true
		}
	}
	var never []Posting
	var paid, owedFees money.Amount
	for _, p := range postings {
		if !gone[p.ID] {
			never = append(never, p)
			if p.Kind == Payment && p.Effective <= s.AsOf {
				paid += p.Amount
			}
			if p.Kind == Fee && p.Effective <= s.AsOf {
				owedFees += p.Amount
			}
		}
	}
	for i := len(never) - 1; i >= 0; i-- { // reversals that come later than the day
		if never[i].Kind == Reversal {
			never = append(never[:i], never[i+1:]...)
		}
	}
	again, err = Replay(terms, segs, never, s.AsOf)
	if diff := cmp.Diff(s, again); err != nil || diff != "" {
		t.Fatalf("a reversal left a trace: %v %s", err, diff)
	}
	// The parts of the payments sum to the payments.
	var parts money.Amount
	for _, a := range s.Allocations {
		if a.Kind == Payment {
			parts += a.Fees + a.Interest + a.Principal
		}
		if a.Balance < 0 {
			t.Fatalf("negative balance %+v", a)
		}
	}
	if parts != paid || s.PaidFees+s.PaidInterest+s.PaidPrincipal != paid || s.FeesDue > owedFees {
		t.Fatalf("payments of %v have parts of %v", paid, parts)
	}
	if s.Principal < 0 || s.AccruedInterest < 0 || s.FeesDue < 0 || s.PastDue < 0 || s.NextAmount < 0 || s.PastDue > s.Payoff {
		t.Fatalf("negative figure in %+v", s)
	}
	// The stored figures tell the same days past due on the day, with no replay.
	if Stored(s).DaysPastDue(s.AsOf) != s.DaysPastDue {
		t.Fatalf("stored %+v", Stored(s))
	}
	// A payment of the payoff amount brings everything to zero.
	if s.Payoff == 0 || s.Payoff > money.Max {
		return
	}
	var upToDay []Posting
	for _, p := range postings {
		if p.Effective <= s.AsOf {
			upToDay = append(upToDay, p)
		}
	}
	last := Posting{ID: "le_z", Kind: Payment, Amount: s.Payoff, Effective: s.AsOf, Posted: 1 << 40}
	end, err := Replay(terms, segs, append(upToDay, last), s.AsOf.AddDays(400))
	if err != nil || !end.PaidOff || end.Payoff != 0 || end.OldestUnpaidDue != 0 || end.NextDue != 0 || end.NextAmount != 0 || end.PastDue != 0 || end.DaysPastDue != 0 {
		t.Fatalf("after the payoff: %v %+v", err, end)
	}
	last.Amount++
	if last.Amount <= money.Max {
		if _, err := Replay(terms, segs, append(upToDay, last), s.AsOf); err == nil {
			t.Fatal("a cent beyond the payoff was taken")
		}
	}
}

func TestLevelPaymentAgreesWithDecimals(t *testing.T) {
	c := apd.BaseContext.WithPrecision(80)
	rapid.Check(t, func(t *rapid.T) {
		p := money.Amount(rapid.Int64Range(1, int64(money.Max)).Draw(t, "principal"))
		r := Rate(rapid.Int64Range(1, int64(MaxRate)).Draw(t, "rate"))
		n := rapid.IntRange(2, MaxMonths).Draw(t, "months")
		var i, grown, num, den, cents apd.Decimal
		steps := []error{}
		do := func(_ apd.Condition, err error) { steps = append(steps, err) }
		do(c.Quo(&i, apd.New(int64(r), 0), apd.New(1_200_000_000, 0)))
		do(c.Add(&grown, &i, apd.New(1, 0)))
		do(c.Pow(&grown, &grown, apd.New(int64(-n), 0)))
		do(c.Sub(&den, apd.New(1, 0), &grown))
		do(c.Mul(&num, &i, apd.New(int64(p), 0)))
		do(c.Quo(&num, &num, &den))
		c.Rounding = apd.RoundHalfUp
		do(c.Quantize(&cents, &num, 0))
		for _, err := range steps {
			if err != nil {
				t.Fatal(err)
			}
		}
		want, err := cents.Int64()
		if got := level(p, r, n); err != nil || int64(got) != want {
			t.Fatalf("level(%v, %v, %d) = %v, decimals say %d (%v)", p, r, n, got, want, err)
		}
	})
}
