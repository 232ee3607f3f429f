package servicing

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
)

// An auditor reads: a loan, its payments, a fee, a mistake and its reversal, and
// the write-off of the rest.
func TestALoanFromItsContractToItsWriteOff(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.portfolio(t, "Acme")
		s.company(t, "First Source")
		b := s.borrower(t, ann())
		l := s.lend(t, b, func(in *LoanCreateIn) { in.Portfolios, in.SourceCompany = []string{"Acme"}, "First Source" })
		if l.Number != "LN-000001" || l.Payment != money.Must("100") {
			t.Fatalf("made %+v", l)
		}
		v := s.view(t, l.ID)
		// Due on the 22nd of each month since June; today is 22 November, so June's is the oldest unpaid.
		if v.DaysPastDue != civil.Must(2026, 11, 22).Sub(civil.Must(2026, 6, 22)) || v.Status != "active" || v.PrincipalBalance != money.Must("1200") {
			t.Fatalf("a new loan stands at %+v", v)
		}
		pay := func(amount string, on civil.Date) *PostedOut {
			t.Helper()
			return ok[PostedOut](t)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must(amount), EffectiveDate: on, Method: "ach"}))
		}
		first := pay("100", civil.Must(2026, 6, 22))
		if first.Entry.ToPrincipal != money.Must("100") || first.PrincipalBalance != money.Must("1100") {
			t.Fatalf("first payment %+v", first)
		}
		fee := ok[PostedOut](t)(gatetest.Do(s.House, s.d.FeeCharge, s.Key("agent"), FeeChargeIn{ID: string(l.ID), Amount: money.Must("15"), Memo: "late fee"}))
		if fee.FeesDue != money.Must("15") {
			t.Fatalf("fee %+v", fee)
		}
		wrong := pay("515", 0) // 15.00 to the fee, 500.00 to principal
		if wrong.Entry.ToFees != money.Must("15") || wrong.Entry.ToPrincipal != money.Must("500") || wrong.PrincipalBalance != money.Must("600") || wrong.DaysPastDue != 0 {
			t.Fatalf("second payment %+v", wrong)
		}
		undone := ok[PostedOut](t)(gatetest.Do(s.House, s.d.EntryReverse, s.Key("manager"), EntryReverseIn{ID: string(l.ID), Entry: string(wrong.Entry.ID), Reason: "bounced"}))
		if undone.PrincipalBalance != money.Must("1100") || undone.FeesDue != money.Must("15") {
			t.Fatalf("after the reversal %+v", undone)
		}
		refusedAs[PostedOut](t, fault.Conflict, "")(gatetest.Do(s.House, s.d.EntryReverse, s.Key("manager"), EntryReverseIn{ID: string(l.ID), Entry: string(wrong.Entry.ID), Reason: "again"}))
		ok[PostedOut](t)(gatetest.Do(s.House, s.d.AdjustmentPost, s.Key("manager"), AdjustmentPostIn{ID: string(l.ID), Amount: money.Must("-100"), Reason: "goodwill"}))
		gone := ok[PostedOut](t)(gatetest.Do(s.House, s.d.WriteOff, s.Key("manager"), WriteOffIn{ID: string(l.ID), Reason: "uncollectable"}))
		if gone.Entry.Amount != money.Must("1015") || gone.Status != "charged_off" || gone.Payoff != 0 {
			t.Fatalf("after the write-off %+v", gone)
		}
		ledger := ok[EntryListOut](t)(gatetest.Do(s.House, s.d.PaymentList, s.Key("agent"), EntryListIn{ID: string(l.ID)}))
		var kinds []string
		for _, e := range ledger.Items {
			kinds = append(kinds, e.Kind)
		}
		if diff := cmp.Diff([]string{"write_off", "adjustment", "reversal", "payment", "fee", "payment"}, kinds); diff != "" {
			t.Fatal(diff)
		}
		s.rebuilt(t)
		trail := s.Trail(t, audit.Filter{Object: "loan/" + string(l.ID), Operation: "loan.entry.reverse", Outcome: "allowed"})
		if len(trail) != 1 || trail[0].Given != "bounced" {
			t.Fatalf("the trail of the reversal: %+v", trail)
		}
	})
}

func TestPaidOffFollowsTheLedgerAndBack(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		all := ok[PostedOut](t)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must("1200")}))
		if all.Status != "paid_off" || s.view(t, l.ID).Status != "paid_off" {
			t.Fatalf("paid %+v", all)
		}
		back := ok[PostedOut](t)(gatetest.Do(s.House, s.d.EntryReverse, s.Key("manager"), EntryReverseIn{ID: string(l.ID), Entry: string(all.Entry.ID), Reason: "bounced"}))
		if back.Status != "active" {
			t.Fatalf("reversed %+v", back)
		}
		refusedAs[StatusOut](t, fault.Invalid, "status")(gatetest.Do(s.House, s.d.StatusSet, s.Key("manager"), StatusSetIn{ID: string(l.ID), Status: "paid_off", Reason: "x"}))
		ok[StatusOut](t)(gatetest.Do(s.House, s.d.StatusSet, s.Key("manager"), StatusSetIn{ID: string(l.ID), Status: "closed", Reason: "sold"}))
		refusedAs[PostedOut](t, fault.Conflict, "")(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must("1")}))
		ok[StatusOut](t)(gatetest.Do(s.House, s.d.StatusSet, s.Key("manager"), StatusSetIn{ID: string(l.ID), Status: "on_hold", Reason: "bought back"}))
		s.rebuilt(t)
	})
}

func TestAPaymentIsLoggedOnceForOneKey(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		l, other := s.lend(t, b), s.lend(t, b)
		pay := func(loan, amount string) (*PostedOut, error) {
			r := s.Key("agent")
			r.IdempotencyKey = "once"
			return gatetest.Do(s.House, s.d.PaymentLog, r, PaymentLogIn{ID: loan, Amount: money.Must(amount)})
		}
		one := ok[PostedOut](t)(pay(string(l.ID), "100"))
		two := ok[PostedOut](t)(pay(string(l.ID), "100"))
		if one.Entry.ID != two.Entry.ID || s.view(t, l.ID).PrincipalBalance != money.Must("1100") {
			t.Fatalf("paid twice: %+v %+v", one, two)
		}
		refusedAs[PostedOut](t, fault.Conflict, "")(pay(string(l.ID), "101"))
		refusedAs[PostedOut](t, fault.Conflict, "")(pay(string(other.ID), "100"))
	})
}

func TestMoneyThatIsRefused(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		before := s.view(t, l.ID)
		for _, c := range []struct {
			name  string
			in    PaymentLogIn
			field string
		}{
			{"nothing", PaymentLogIn{Amount: 0}, "amount"},
			{"less than nothing", PaymentLogIn{Amount: -1}, "amount"},
			{"more than any loan", PaymentLogIn{Amount: money.Max + 1}, "amount"},
			{"the edge of 64 bits", PaymentLogIn{Amount: 1<<63 - 1}, "amount"},
			{"the other edge", PaymentLogIn{Amount: -1 << 63}, "amount"},
			{"more than is owed", PaymentLogIn{Amount: money.Must("1200.01")}, "amount"},
			{"tomorrow", PaymentLogIn{Amount: 1, EffectiveDate: civil.Must(2026, 11, 23)}, "effective_date"},
			{"before the contract", PaymentLogIn{Amount: 1, EffectiveDate: civil.Must(2026, 5, 21)}, "effective_date"},
			{"a method of one's own", PaymentLogIn{Amount: 1, Method: "barter"}, "method"},
			{"a long memo", PaymentLogIn{Amount: 1, Memo: string(make([]byte, 201))}, "memo"},
			{"a card number in the memo", PaymentLogIn{Amount: 1, Memo: "card 4111 1111 1111 1111"}, "memo"},
		} {
			c.in.ID = string(l.ID)
			t.Run(c.name, func(t *testing.T) {
				refusedAs[PostedOut](t, fault.Invalid, c.field)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), c.in))
			})
		}
		refusedAs[PostedOut](t, fault.NotFound, "")(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: "ln_nothing", Amount: 1}))
		refusedAs[PostedOut](t, fault.NotFound, "")(gatetest.Do(s.House, s.d.EntryReverse, s.Key("manager"), EntryReverseIn{ID: string(l.ID), Entry: "le_x", Reason: "x"}))
		refusedAs[PostedOut](t, fault.Invalid, "amount")(gatetest.Do(s.House, s.d.AdjustmentPost, s.Key("manager"), AdjustmentPostIn{ID: string(l.ID), Amount: money.Must("-1200.01"), Reason: "x"}))
		refusedAs[PostedOut](t, fault.Invalid, "reason")(gatetest.Do(s.House, s.d.WriteOff, s.Key("manager"), WriteOffIn{ID: string(l.ID), Reason: "  "}))
		refusedAs[PostedOut](t, fault.Invalid, "effective_date")(gatetest.Do(s.House, s.d.WriteOff, s.Key("manager"), WriteOffIn{ID: string(l.ID), Reason: "x", EffectiveDate: civil.Must(2299, 1, 1)}))
		if diff := cmp.Diff(before.PrincipalBalance, s.view(t, l.ID).PrincipalBalance); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestABackdatedPaymentThatBreaksALaterOne(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		ok[PostedOut](t)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must("1200")}))
		_, err := gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: money.Must("10"), EffectiveDate: civil.Must(2026, 6, 1)})
		if f := fault.As(err); f == nil || f.Reason != "later_entry" {
			t.Fatalf("got %v", err)
		}
	})
}

func TestTheScheduleAndThePayoff(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()), func(in *LoanCreateIn) { in.AnnualRate, in.Principal = "7.35", money.Must("5000") })
		plan := ok[ScheduleOut](t)(gatetest.Do(s.House, s.d.ScheduleView, s.Key("agent"), LoanRef{ID: string(l.ID)}))
		var principal money.Amount
		for _, x := range plan.Items {
			principal += x.Principal
		}
		if principal != money.Must("5000") || len(plan.Items) != 12 || plan.Items[0].Progress != "late" {
			t.Fatalf("plan %+v", plan)
		}
		off := ok[PayoffOut](t)(gatetest.Do(s.House, s.d.PayoffView, s.Key("agent"), PayoffIn{ID: string(l.ID)}))
		if off.Payoff != off.Principal+off.Interest+off.Fees || off.PerDay <= 0 {
			t.Fatalf("payoff %+v", off)
		}
		paid := ok[PostedOut](t)(gatetest.Do(s.House, s.d.PaymentLog, s.Key("agent"), PaymentLogIn{ID: string(l.ID), Amount: off.Payoff}))
		if paid.Payoff != 0 || paid.Status != "paid_off" {
			t.Fatalf("paid %+v", paid)
		}
		for _, on := range []string{"2026-02-30", "yesterday", "2026-05-21", "2299-01-01"} {
			refusedAs[PayoffOut](t, fault.Invalid, "on")(gatetest.Do(s.House, s.d.PayoffView, s.Key("agent"), PayoffIn{ID: string(l.ID), On: on}))
		}
	})
}

func TestDaysPastDueMoveWithTheDay(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		l := s.lend(t, s.borrower(t, ann()))
		was := s.view(t, l.ID)
		s.Advance(48 * time.Hour)
		if now := s.view(t, l.ID); now.DaysPastDue != was.DaysPastDue+2 || now.NextDue <= was.NextDue {
			t.Fatalf("was %+v, now %+v", was, now)
		}
	})
}
