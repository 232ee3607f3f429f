package servicing

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// BenchmarkLoanPage times a page of 50 with its exact total, through the gate,
// for somebody unrestricted and for an investor. LENDKEEP_BENCH_LOANS=1000000
// sets the size of the book.
func BenchmarkLoanPage(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		if e == db.PostgreSQL && os.Getenv("LENDKEEP_TEST_POSTGRES") == "" {
			continue
		}
		d := New(Config{})
		s := shop{gatetest.New(b, e, gatetest.Config{Operations: d.Operations(), Vocabulary: d.Vocabulary}), d}
		n := 20_000
		if v := os.Getenv("LENDKEEP_BENCH_LOANS"); v != "" {
			fmt.Sscan(v, &n)
		}
		s.fill(b, n)
		for _, sort := range []string{"", "-principal_balance", "-days_past_due", "borrower"} {
			b.Run(fmt.Sprintf("%s/all/sort=%s", e, sort), func(b *testing.B) { s.page(b, "agent", LoanListIn{Sort: sort}) })
		}
		for _, r := range []string{`loan.portfolios.overlaps(["P0"])`, `loan.portfolios.overlaps(["P1"])`, `loan.portfolios.overlaps(["P2"]) && loan.status == "active"`} {
			s.Restrict(b, "investor", policy.Restriction{Visible: r})
			s.buildSets(b)
			for _, sort := range []string{"", "-principal_balance", "-days_past_due", "borrower"} {
				b.Run(fmt.Sprintf("%s/%s/sort=%s", e, r, sort), func(b *testing.B) { s.page(b, "investor", LoanListIn{Sort: sort}) })
			}
		}
		for _, in := range []LoanListIn{{Status: "on_hold"}, {Portfolio: "P2"}, {Q: "LN-0000"}, {Q: "lee"}, {Q: "ann1@example.com"}} {
			b.Run(fmt.Sprintf("%s/all/%s%s%s", e, in.Status, in.Portfolio, in.Q), func(b *testing.B) { s.page(b, "agent", in) })
			b.Run(fmt.Sprintf("%s/investor/%s%s%s", e, in.Status, in.Portfolio, in.Q), func(b *testing.B) { s.page(b, "investor", in) })
		}
	}
}

func (s shop) page(b *testing.B, role string, in LoanListIn) {
	r := s.Key(role)
	var total int64
	for b.Loop() {
		r = s.Key(role)
		s.Advance(100_000_000) // the limits of the gate are not what is timed
		out, err := gatetest.Do(s.House, s.d.LoanList, r, in)
		if err != nil {
			b.Fatal(err)
		}
		total = out.Total
	}
	b.ReportMetric(float64(total), "total")
}

// fill makes a book of n loans of n/4 borrowers: half in P0, a hundredth in P1,
// a ten-thousandth in P2.
func (s shop) fill(b *testing.B, n int) {
	for _, p := range []string{"P0", "P1", "P2"} {
		ok[NamedOut](b)(gatetest.Do(s.House, s.d.PortfolioCreate, s.Key("manager"), NamedCreateIn{Name: p}))
	}
	var places []book.Named
	at := s.Now().UnixMicro() - int64(n)*1000
	l, err := book.Fresh(schedule.Terms{Principal: money.Must("1000"), Rate: schedule.MustRate("7.35"), Months: 24, Contract: civil.Must(2026, 1, 31), Convention: schedule.Thirty360}, 0, civil.Must(2026, 11, 22))
	if err != nil {
		b.Fatal(err)
	}
	var people []id.Borrower
	for from := 0; from < n; from += 5000 {
		var borrowers, loans, placed [][]any
		for i := from; i < min(n, from+5000); i++ {
			at += 1000
			if i%4 == 0 {
				p := id.New[id.Borrower](at)
				people = append(people, p)
				last := fmt.Sprintf("%s%d", []string{"Lee", "Kim", "Young", "Adams"}[i/4%4], i%9973)
				borrowers = append(borrowers, []any{p, "", "Ann", last, book.Fold("Ann", last), book.Fold(last, "Ann"), "New York", "NY", "10001", "US",
					[]byte{}, []byte{}, []byte{}, []byte{}, []byte{}, s.Tenant.Ring.BlindIndex("borrower.email", fmt.Sprintf("ann%d@example.com", i)), []byte{}, []byte{}, "", at, at})
			}
			x := *l
			x.ID, x.Number, x.Borrower, x.CreatedAt, x.Region, x.Country = id.New[id.Loan](at), fmt.Sprintf("LN-%07d", i), people[len(people)-1], at, "NY", "US"
			x.BorrowerKey = fmt.Sprintf("lee%d ann", i*7919%99991)
			x.Cached.PrincipalBalance = money.Amount(i * 7919 % 9_999_991)
			x.Cached.OldestUnpaidDue = civil.Must(2026, 2, 1).AddDays(i * 31 % 500)
			if i%1000 == 0 {
				x.Status = book.OnHold
			}
			loans = append(loans, x.Row())
			for k, every := range []int{2, 100, 10_000} {
				if i*104729%every == 0 {
					placed = append(placed, []any{x.ID, k, x.Number})
				}
			}
		}
		err := s.Write(func(ctx context.Context, tx *db.Tx) (err error) {
			if places == nil {
				if places, err = book.Portfolios(ctx, tx); err != nil {
					return err
				}
			}
			for _, p := range placed {
				p[1] = places[p[1].(int)].ID
			}
			if err := tx.Bulk(ctx, book.InsertBorrowerSQL, borrowers); err != nil {
				return err
			}
			if err := tx.Bulk(ctx, book.InsertLoanSQL, loans); err != nil {
				return err
			}
			if err := tx.Bulk(ctx, book.InsertPlaceSQL, placed); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `UPDATE loan_tally SET loans = loans + ?`, len(loans))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}
