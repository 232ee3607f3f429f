package demo

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
)

// atOnce is how many calls fill in at the same time: they share commits.
const atOnce = 16

func portfolios() []string { return []string{"Acme", "Beta", "Harbor"} }
func companies() []string  { return []string{"Acme Auto", "Northside Credit"} }

// lending is one loan to be made, with the payments that came in.
type lending struct {
	borrower int
	in       servicing.LoanCreateIn
	payments int // instalments paid
	status   string
	note     string
	fee      bool
}

// lend makes borrowers, loans and their payments.
func (b *builder) lend(ctx context.Context) error {
	for _, name := range portfolios() {
		if _, err := do(ctx, b, b.House.Servicing.PortfolioCreate, servicing.NamedCreateIn{Name: name}); err != nil {
			return err
		}
	}
	for _, name := range companies() {
		if _, err := do(ctx, b, b.House.Servicing.CompanyCreate, servicing.NamedCreateIn{Name: name}); err != nil {
			return err
		}
	}
	people := make([]servicing.BorrowerCreateIn, b.Size.Borrowers)
	for i := range people {
		people[i] = b.borrower(i)
	}
	ids := make([]string, len(people))
	err := b.each(ctx, "borrowers", len(people), func(ctx context.Context, i int) error {
		made, err := do(ctx, b, b.House.Servicing.BorrowerCreate, people[i])
		if err == nil {
			ids[i] = string(made.ID)
		}
		return err
	})
	if err != nil {
		return err
	}
	loans := make([]lending, b.Size.Loans)
	for i := range loans {
		loans[i] = b.lending(i)
		loans[i].in.BorrowerID = ids[loans[i].borrower]
	}
	return b.each(ctx, "loans", len(loans), func(ctx context.Context, i int) error { return b.loan(ctx, &loans[i]) })
}

// each calls f for 0 … n-1, several at once, and tells how far it has come.
func (b *builder) each(ctx context.Context, what string, n int, f func(context.Context, int) error) error {
	var done atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for i := range n {
		group.Go(func() error {
			if err := f(ctx, i); err != nil {
				return fmt.Errorf("%s %d: %w", what, i, err)
			}
			if d := int(done.Add(1)); d%100 == 0 || d == n {
				b.Told(what, d, n)
			}
			return nil
		})
	}
	return group.Wait()
}

func pick[T any](b *builder, list []T) T { return list[b.random.IntN(len(list))] }

func (b *builder) borrower(i int) servicing.BorrowerCreateIn {
	first, last, p := pick(b, firstNames()), pick(b, lastNames()), pick(b, places())
	born := civil.Must(1948+b.random.IntN(57), time.Month(1+b.random.IntN(12)), 1+b.random.IntN(28))
	return servicing.BorrowerCreateIn{
		Reference: fmt.Sprintf("B-%05d", i+1), FirstName: first, LastName: last, Email: fmt.Sprintf("%s.%d@example.com", asciiLower(first), i+1),
		Phone: fmt.Sprintf("+1212555%04d", 100+i%100), DateOfBirth: born, SSN: fmt.Sprintf("%03d-%02d-%04d", 100+b.random.IntN(500), 1+b.random.IntN(99), 1+b.random.IntN(9999)),
		Address: servicing.AddressIn{Line1: fmt.Sprintf("%d %s", 1+b.random.IntN(999), pick(b, streets())), City: p.city, Region: p.region, PostalCode: p.postal, Country: "US"},
	}
}

func asciiLower(s string) string {
	out := []byte{}
	for _, c := range []byte(s) {
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c >= 'a' && c <= 'z' {
			out = append(out, c)
		}
	}
	return string(out)
}

// lending draws one loan: most pay on time, some are weeks late, a few months.
func (b *builder) lending(i int) lending {
	terms := []int{6, 12, 12, 18, 24, 24, 36, 48, 60}
	today := civil.In(b.House.Config.Now().UnixMicro(), b.tenant.Zone)
	months := pick(b, terms)
	age := 1 + b.random.IntN(9) // instalments due by now, at most
	contract := today.AddMonths(-age).AddDays(-b.random.IntN(28))
	l := lending{borrower: b.random.IntN(b.Size.Borrowers), in: servicing.LoanCreateIn{
		Number: fmt.Sprintf("L-%05d", i+1), SourceCompany: pick(b, companies()), Portfolios: b.portfoliosOf(i),
		Principal: money.Amount(50_000 * (1 + b.random.IntN(60))), AnnualRate: pick(b, []string{"5.9", "7.35", "9.99", "12.5", "17.9", "24.99"}),
		TermMonths: months, Convention: pick(b, []string{"30/360", "30/360", "actual/365"}), ContractDate: contract,
	}}
	due := 0
	for due < months && contract.AddMonths(due+1) <= today {
		due++
	}
	behind := 0
	switch n := b.random.IntN(100); {
	case n < 12: // one instalment late
		behind = 1
	case n < 17: // two or three
		behind = 2 + b.random.IntN(2)
	case n < 20: // never paid
		behind = due
	}
	l.payments = max(0, due-behind)
	switch n := b.random.IntN(200); {
	case n < 3:
		l.status, l.note = "bankruptcy", "Notice of bankruptcy received; calls go to the attorney."
	case n < 6:
		l.status, l.note = "on_hold", "Hardship plan under review."
	case n < 16:
		l.note = "Prefers to be called in the evening."
	}
	l.fee = behind > 1 && b.random.IntN(2) == 0
	return l
}

// portfoliosOf puts some 12 % of the loans into Acme; a few are in two.
func (b *builder) portfoliosOf(i int) []string {
	switch n := b.random.IntN(100); {
	case n < 12:
		return []string{"Acme"}
	case n < 14:
		return []string{"Acme", "Beta"}
	case n < 60:
		return []string{"Beta"}
	}
	return []string{"Harbor"}
}

// loan makes one loan and what has happened to it since.
func (b *builder) loan(ctx context.Context, l *lending) error {
	desk := b.House.Servicing
	made, err := do(ctx, b, desk.LoanCreate, l.in)
	if err != nil {
		return err
	}
	lid := string(made.ID)
	for n := range l.payments {
		_, err := do(ctx, b, desk.PaymentLog, servicing.PaymentLogIn{ID: lid, Amount: made.Payment, EffectiveDate: l.in.ContractDate.AddMonths(n + 1), Method: "ach"})
		if fault.Is(err, fault.Invalid) {
			break // the last instalment is smaller; the loan's own story ends here
		}
		if err != nil {
			return err
		}
	}
	if l.fee {
		if _, err := do(ctx, b, desk.FeeCharge, servicing.FeeChargeIn{ID: lid, Amount: 2500, Memo: "Late fee"}); err != nil {
			return err
		}
	}
	if l.note != "" {
		if _, err := do(ctx, b, desk.NoteAdd, servicing.NoteAddIn{ID: lid, Body: l.note}); err != nil {
			return err
		}
	}
	if l.status != "" {
		if _, err := do(ctx, b, desk.StatusSet, servicing.StatusSetIn{ID: lid, Status: l.status, Reason: l.note}); err != nil {
			return err
		}
	}
	return nil
}
