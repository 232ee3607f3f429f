package schedule

import (
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
)

func day(s string) civil.Date {
	d, err := civil.Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func terms(principal, rate string, months int, contract string, c Convention) Terms {
	return Terms{Principal: money.Must(principal), Rate: MustRate(rate), Months: months, Contract: day(contract), Convention: c}
}

func mustPlan(t *testing.T, terms Terms) Plan {
	t.Helper()
	p, err := terms.Plan()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestLevelPaymentOfKnownLoans(t *testing.T) {
	for _, c := range []struct {
		principal, rate string
		months          int
		want            string
	}{
		{"500000.00", "7.35", 360, "3444.86"},
		{"100000.00", "6", 360, "599.55"},
		{"1200.00", "0", 12, "100.00"},
		{"1000.00", "0", 3, "333.33"},
		{"100.00", "12", 1, "101.00"},
		{"0.06", "100", 1, "0.07"}, // 6.5 cents exactly: half goes up
	} {
		if p := mustPlan(t, terms(c.principal, c.rate, c.months, "2026-01-15", Thirty360)); p.Payment != money.Must(c.want) {
			t.Errorf("%s at %s %% over %d: %v, want %s", c.principal, c.rate, c.months, p.Payment, c.want)
		}
	}
}

func TestThirty360PlanByHand(t *testing.T) {
	p := mustPlan(t, terms("1000.00", "12", 3, "2026-01-31", Thirty360))
	m := money.Must
	want := []Instalment{
		{1, day("2026-02-28"), m("340.02"), m("10.00"), m("330.02"), m("669.98")},
		{2, day("2026-03-31"), m("340.02"), m("6.70"), m("333.32"), m("336.66")},
		{3, day("2026-04-30"), m("340.03"), m("3.37"), m("336.66"), 0},
	}
	if diff := cmp.Diff(want, p.Instalments); diff != "" {
		t.Fatal(diff)
	}
	if p.TotalInterest != m("20.07") || p.TotalPayments != m("1020.07") {
		t.Fatalf("totals %v %v", p.TotalInterest, p.TotalPayments)
	}
}

func TestActual365PlanByHand(t *testing.T) {
	p := mustPlan(t, terms("10000.00", "12", 3, "2026-01-15", Actual365))
	m := money.Must
	want := []Instalment{ // 31, 28 and 31 days
		{1, day("2026-02-15"), m("3400.22"), m("101.92"), m("3298.30"), m("6701.70")},
		{2, day("2026-03-15"), m("3400.22"), m("61.69"), m("3338.53"), m("3363.17")},
		{3, day("2026-04-15"), m("3397.45"), m("34.28"), m("3363.17"), 0},
	}
	if diff := cmp.Diff(want, p.Instalments); diff != "" {
		t.Fatal(diff)
	}
}

func TestDueDatesKeepTheDayOfTheMonth(t *testing.T) {
	for _, c := range []struct {
		contract, first string
		want            []string
	}{
		{"2023-12-31", "", []string{"2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"}},
		{"2025-12-30", "2026-02-28", []string{"2026-02-28", "2026-03-30", "2026-04-30", "2026-05-30"}},
		{"2026-01-10", "2026-02-28", []string{"2026-02-28", "2026-03-28", "2026-04-28", "2026-05-28"}},
		{"2026-01-10", "2026-01-20", []string{"2026-01-20", "2026-02-20", "2026-03-20", "2026-04-20"}},
	} {
		l := terms("1000.00", "5", 4, c.contract, Thirty360)
		if c.first != "" {
			l.FirstDue = day(c.first)
		}
		var got []string
		for _, row := range mustPlan(t, l).Instalments {
			got = append(got, row.Due.String())
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("contract %s, first due %q: %s", c.contract, c.first, diff)
		}
	}
}

func TestTinyAndExtremeLoansStillClear(t *testing.T) {
	for _, principal := range []string{"0.01", "0.06", "1.00", "8.00", "1000000000000.00"} {
		for _, rate := range []string{"0", "0.000001", "7", "40", "100"} {
			for _, months := range []int{1, 2, 12, 600} {
				p, err := terms(principal, rate, months, "2026-01-31", Thirty360).Plan()
				if err != nil {
					t.Errorf("%s at %s over %d: %v", principal, rate, months, err)
					continue
				}
				last := p.Instalments[months-1]
				if len(p.Instalments) != months || last.Balance != 0 || (months > 1 && last.Payment > 2*p.Payment) {
					t.Errorf("%s at %s over %d: last of level %v is %+v", principal, rate, months, p.Payment, last)
				}
			}
		}
	}
}

func TestTermsThatNeverAmortiseAreRefused(t *testing.T) {
	l := terms("1000.00", "100", 2, "2026-01-01", Thirty360)
	l.FirstDue = day("2027-01-01") // a year's interest is more than the level payment
	_, err := l.Plan()
	if f := fault.As(err); f == nil || f.Kind != fault.Invalid || f.Fields[0].Path != "months" {
		t.Fatalf("got %v", err)
	}
}

func TestValidationNamesEveryField(t *testing.T) {
	paths := func(err error) (out []string) {
		if err != nil {
			for _, f := range fault.As(err).Fields {
				out = append(out, f.Path)
			}
		}
		return out
	}
	ok := terms("1000.00", "5", 12, "2026-01-15", Actual365)
	for name, c := range map[string]struct {
		change func(*Terms)
		want   []string
	}{
		"nothing wrong":    {func(*Terms) {}, nil},
		"everything wrong": {func(l *Terms) { *l = Terms{Rate: -1} }, []string{"principal", "rate", "months", "convention", "contract"}},
		"too much":         {func(l *Terms) { l.Principal = money.Max + 1; l.Rate = MaxRate + 1; l.Months = 601 }, []string{"principal", "rate", "months"}},
		"first due early":  {func(l *Terms) { l.FirstDue = l.Contract }, []string{"first_due"}},
		"first due late":   {func(l *Terms) { l.FirstDue = l.Contract.AddDays(367) }, []string{"first_due"}},
		"beyond 2299":      {func(l *Terms) { l.Contract = civil.Must(2299, 3, 1) }, []string{"months"}},
		"negative date":    {func(l *Terms) { l.Contract = -5 }, []string{"contract"}},
	} {
		l := ok
		c.change(&l)
		if diff := cmp.Diff(c.want, paths(l.Validate())); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	_, err := ok.PlanWith([]Segment{{From: ok.Contract, Rate: -1, Payment: -1}})
	if diff := cmp.Diff([]string{"segments.from", "segments.rate", "segments.payment"}, paths(err)); diff != "" {
		t.Error(diff)
	}
}

func TestChangeOfRateMakesTheRestLevelAgain(t *testing.T) {
	l := terms("10000.00", "12", 12, "2026-01-15", Thirty360)
	p, err := l.PlanWith([]Segment{{From: day("2026-07-15"), Rate: MustRate("6")}})
	if err != nil {
		t.Fatal(err)
	}
	before := mustPlan(t, l)
	if diff := cmp.Diff(before.Instalments[:6], p.Instalments[:6]); diff != "" {
		t.Fatal(diff)
	}
	if want := level(before.Instalments[5].Balance, MustRate("6"), 6); p.Instalments[6].Payment != want || want >= before.Payment {
		t.Fatalf("payment after the change %v, want %v", p.Instalments[6].Payment, want)
	}
	if p.Instalments[11].Balance != 0 {
		t.Fatal("the plan does not clear")
	}
}

var entries int

func pay(amount, effective string) Posting { return posting(Payment, amount, effective) }
func posting(k Kind, amount, effective string) Posting {
	entries++
	return Posting{ID: id.Entry("le_" + string(rune('A'+entries))), Kind: k, Amount: money.Must(amount), Effective: day(effective), Posted: int64(entries)}
}

func mustReplay(t *testing.T, l Terms, asOf string, postings ...Posting) State {
	t.Helper()
	s, err := Replay(l, nil, postings, day(asOf))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The life of one loan: 1,000.00 at 12 % over three months, 340.02 a month.
func TestALoanThatIsPaidLateThenOff(t *testing.T) {
	l := terms("1000.00", "12", 3, "2026-01-15", Thirty360)

	s := mustReplay(t, l, "2026-02-15")
	if s.DaysPastDue != 0 || s.OldestUnpaidDue != day("2026-02-15") || s.NextDue != day("2026-02-15") || s.NextAmount != money.Must("340.02") || s.PastDue != 0 {
		t.Fatalf("on the due date nothing is late yet: %+v", s)
	}
	s = mustReplay(t, l, "2026-02-20")
	if s.DaysPastDue != 5 || s.PastDue != money.Must("340.02") || s.NextDue != day("2026-03-15") {
		t.Fatalf("five days late: %+v", s)
	}
	fee := posting(Fee, "25.00", "2026-02-20")
	first := pay("340.02", "2026-02-25") // 25.00 fee, 10.00 + 3.33 interest, 301.69 principal
	s = mustReplay(t, l, "2026-02-25", fee, first)
	a, ok := s.Allocation(first.ID)
	if !ok || a.Fees != money.Must("25.00") || a.Interest != money.Must("13.33") || a.Principal != money.Must("301.69") || s.Principal != money.Must("698.31") {
		t.Fatalf("fees, then interest, then principal: %+v", a)
	}
	if s.OldestUnpaidDue != day("2026-02-15") || s.PastDue != money.Must("25.00") || s.DaysPastDue != 10 {
		t.Fatalf("the fee left the instalment short: %+v", s)
	}
	// The rest of the month: 698.31 × 12 % × 20/360 = 4.66.
	s = mustReplay(t, l, "2026-03-15", fee, first)
	if s.AccruedInterest != money.Must("4.66") || s.Payoff != money.Must("702.97") {
		t.Fatalf("payoff: %+v", s)
	}
	off := pay("702.97", "2026-03-15")
	s = mustReplay(t, l, "2026-12-31", off, first, fee)
	if !s.PaidOff || s.Payoff != 0 || s.DaysPastDue != 0 || !s.OldestUnpaidDue.IsZero() || !s.NextDue.IsZero() {
		t.Fatalf("paid off: %+v", s)
	}
	if s.PaidFees+s.PaidInterest+s.PaidPrincipal != first.Amount+off.Amount {
		t.Fatalf("parts: %+v", s)
	}
}

func TestPayingTheActual365PlanOnTimeFollowsIt(t *testing.T) {
	for _, convention := range []Convention{Thirty360, Actual365} {
		l := terms("25000.00", "9.125", 48, "2024-01-31", convention)
		p := mustPlan(t, l)
		var postings []Posting
		for _, row := range p.Instalments {
			postings = append(postings, Posting{ID: id.Entry("le_" + row.Due.String()), Kind: Payment, Amount: row.Payment, Effective: row.Due})
			s := mustReplay(t, l, row.Due.String(), postings...)
			if s.Principal != row.Balance || s.AccruedInterest != 0 || s.DaysPastDue != 0 {
				t.Fatalf("%s: after instalment %d: %+v", convention, row.Number, s)
			}
		}
		if s := mustReplay(t, l, "2029-01-01", postings...); !s.PaidOff || s.PaidInterest != p.TotalInterest {
			t.Fatalf("%s: at the end: %+v", convention, s)
		}
	}
}

func TestABackdatedPaymentReallocatesWhatFollows(t *testing.T) {
	l := terms("10000.00", "12", 12, "2026-01-15", Actual365)
	late := pay("900.00", "2026-03-15")
	alone := mustReplay(t, l, "2026-03-15", late)
	early := pay("900.00", "2026-02-15") // entered later, effective earlier
	both := mustReplay(t, l, "2026-03-15", late, early)
	a, _ := alone.Allocation(late.ID)
	b, _ := both.Allocation(late.ID)
	if a.Interest != money.Must("193.97") || b.Interest != money.Must("84.71") {
		t.Fatalf("interest of the later payment: alone %v, after the backdated one %v", a.Interest, b.Interest)
	}
}

func TestMoneyAheadCoversInstalmentsAhead(t *testing.T) {
	l := terms("1000.00", "12", 12, "2026-01-15", Thirty360) // 88.85 a month
	lines, s, err := View(l, nil, []Posting{pay("200.00", "2026-02-01")}, day("2026-03-20"))
	if err != nil {
		t.Fatal(err)
	}
	if s.DaysPastDue != 0 || s.OldestUnpaidDue != day("2026-04-15") || s.NextAmount != money.Must("66.55") {
		t.Fatalf("%+v", s)
	}
	got := []Progress{lines[0].Progress, lines[1].Progress, lines[2].Progress, lines[3].Progress}
	if diff := cmp.Diff([]Progress{Paid, Paid, Due, Upcoming}, got); diff != "" {
		t.Fatal(diff)
	}
	if lines[2].Covered != money.Must("22.30") {
		t.Fatalf("covered %v", lines[2].Covered)
	}
	lines, s, err = View(l, nil, nil, day("2026-03-20"))
	if err != nil || lines[0].Progress != Late || lines[1].Progress != Late || lines[2].Progress != Due || s.DaysPastDue != 33 {
		t.Fatalf("%v %+v %+v", err, lines[:3], s)
	}
}

func TestAfterMaturityEverythingOwedIsPastDue(t *testing.T) {
	l := terms("1000.00", "12", 2, "2026-01-15", Thirty360)
	s := mustReplay(t, l, "2026-06-15", pay("600.00", "2026-02-15"))
	if s.PastDue != s.Payoff || !s.NextDue.IsZero() || s.OldestUnpaidDue != day("2026-03-15") || s.DaysPastDue != 92 {
		t.Fatalf("%+v", s)
	}
}

func TestPostingsThatDoNotFitAreRefused(t *testing.T) {
	l := terms("1000.00", "12", 3, "2026-01-15", Thirty360)
	base := posting(Fee, "10.00", "2026-02-01")
	undo := func(p Posting) Posting {
		r := posting(Reversal, p.Amount.String(), "2026-02-02")
		r.Reverses = p.ID
		return r
	}
	once := undo(base)
	early := undo(base)
	early.Effective = day("2026-01-31")
	before := undo(base)
	before.Posted = base.Posted - 1
	partly := undo(base)
	partly.Amount--
	unknown := undo(base)
	unknown.Reverses = "le_none"
	twin := base
	for name, c := range map[string]struct {
		postings []Posting
		field    string
	}{
		"payment beyond payoff":     {[]Posting{pay("1020.01", "2026-03-15")}, "amount"},
		"write-off beyond payoff":   {[]Posting{posting(WriteOff, "1020.01", "2026-03-15")}, "amount"},
		"credit beyond principal":   {[]Posting{posting(Adjustment, "-1000.01", "2026-03-15")}, "amount"},
		"principal beyond the most": {[]Posting{posting(Adjustment, "1000000000000.00", "2026-03-15")}, "amount"},
		"fees beyond the most":      {[]Posting{base, posting(Fee, "1000000000000.00", "2026-03-15")}, "amount"},
		"no amount":                 {[]Posting{pay("0.00", "2026-03-15")}, "amount"},
		"negative payment":          {[]Posting{pay("-1.00", "2026-03-15")}, "amount"},
		"before the contract":       {[]Posting{pay("1.00", "2026-01-14")}, "effective"},
		"unknown kind":              {[]Posting{posting("gift", "1.00", "2026-02-14")}, "kind"},
		"same id twice":             {[]Posting{base, twin}, "id"},
		"reversed twice":            {[]Posting{base, once, undo(base)}, "reverses"},
		"reversal reversed":         {[]Posting{base, once, undo(once)}, "reverses"},
		"reversal of nothing":       {[]Posting{base, unknown}, "reverses"},
		"reversal before the fact":  {[]Posting{base, before}, "reverses"},
		"reversal effective before": {[]Posting{base, early}, "effective"},
		"reversal of a part":        {[]Posting{base, partly}, "amount"},
	} {
		_, err := Replay(l, nil, c.postings, day("2026-03-15"))
		f := fault.As(err)
		if f == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != c.field {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var which *Refused
		if last := c.postings[len(c.postings)-1]; !errors.As(err, &which) || which.Entry != last.ID {
			t.Errorf("%s: the fault does not name the entry: %v", name, err)
		}
	}
	if _, err := Replay(l, nil, nil, day("2026-01-14")); err == nil {
		t.Error("a day before the contract was answered")
	}
}

func TestAReversalCountsFromItsOwnDay(t *testing.T) {
	l := terms("1000.00", "12", 3, "2026-01-15", Thirty360)
	p := pay("340.02", "2026-02-15")
	bounced := posting(Reversal, "340.02", "2026-02-19")
	bounced.Reverses = p.ID
	if s := mustReplay(t, l, "2026-02-18", p, bounced); s.Principal != money.Must("669.98") {
		t.Fatalf("the payment stood until it bounced: %+v", s)
	}
	if diff := cmp.Diff(mustReplay(t, l, "2026-02-19"), mustReplay(t, l, "2026-02-19", bounced, p), cmp.Transformer("empty", func(a []Allocation) []Allocation { return append([]Allocation{}, a...) })); diff != "" {
		t.Fatal(diff)
	}
}

func TestAWriteOffClearsWithoutMoney(t *testing.T) {
	l := terms("1000.00", "12", 3, "2026-01-15", Thirty360)
	owed, err := Payoff(l, nil, nil, day("2026-05-15"))
	if err != nil || owed != money.Must("1040.00") {
		t.Fatalf("payoff %v %v", owed, err)
	}
	s := mustReplay(t, l, "2026-06-01", posting(WriteOff, owed.String(), "2026-05-15"))
	if !s.PaidOff || s.WrittenOff != owed || s.PaidPrincipal+s.PaidInterest != 0 || s.DaysPastDue != 0 {
		t.Fatalf("%+v", s)
	}
}

func TestRateText(t *testing.T) {
	for in, want := range map[string]string{"7.35": "7.35", "0": "0.00", "100": "100.00", "12.125": "12.125", "0.000001": "0.000001", "7.350000": "7.35"} {
		r, err := ParseRate(in)
		if err != nil || r.String() != want {
			t.Errorf("ParseRate(%q) = %v, %v", in, r, err)
		}
	}
	if MustRate("7.35") != 7_350_000 {
		t.Error("7.35 is 7,350,000 millionths of a per cent")
	}
	for _, in := range []string{"", ".", "7.", ".5", "-1", "+1", "7,35", "7.35%", "100.000001", "101", "0.0000001", "07", "1e1", " 7", "99999999999999999999", "٧"} {
		if _, err := ParseRate(in); err == nil {
			t.Errorf("ParseRate(%q) was accepted", in)
		}
	}
}

func FuzzRate(f *testing.F) {
	for _, s := range []string{"7.35", "0", "100", "100.000001", "0.", ".1", "00", "12.1250", "1e2", "-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRate(s)
		if err != nil {
			return
		}
		if r < 0 || r > MaxRate {
			t.Fatalf("%q gave %d", s, int64(r))
		}
		if again, err := ParseRate(r.String()); err != nil || again != r {
			t.Fatalf("%q printed as %q, read as %v %v", s, r, again, err)
		}
	})
}

func BenchmarkPlan360(b *testing.B) {
	l := terms("500000.00", "7.35", 360, "2026-01-31", Thirty360)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := l.Plan(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReplay120(b *testing.B) {
	for _, convention := range []Convention{Thirty360, Actual365} {
		b.Run(string(convention), func(b *testing.B) {
			l := terms("500000.00", "7.35", 360, "2016-01-31", convention)
			p, err := l.Plan()
			if err != nil {
				b.Fatal(err)
			}
			var postings []Posting
			for i, row := range p.Instalments[:120] {
				postings = append(postings, Posting{ID: id.New[id.Entry](int64(i)), Kind: Payment, Amount: row.Payment, Effective: row.Due.AddDays(i % 9), Posted: int64(i)})
			}
			slices.Reverse(postings)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Replay(l, nil, postings, day("2026-03-01")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
