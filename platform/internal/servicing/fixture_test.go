package servicing

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// shop is a house whose only desk is servicing.
type shop struct {
	*gatetest.House
	d *Desk
}

func each(t *testing.T, fn func(t *testing.T, s shop)) {
	var d *Desk
	gatetest.Each(t, func() gatetest.Config {
		d = New(Config{})
		return gatetest.Config{Operations: d.Operations(), Vocabulary: d.Vocabulary}
	}, func(t *testing.T, h *gatetest.House) { fn(t, shop{h, d}) })
}

func ok[T any](t testing.TB) func(*T, error) *T {
	return func(v *T, err error) *T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// refused checks that a call was refused as it should be and gives the fault.
func refusedAs[T any](t testing.TB, k fault.Kind, field string) func(*T, error) {
	return func(_ *T, err error) {
		t.Helper()
		if !fault.Is(err, k) {
			t.Fatalf("got %v, want a fault of kind %v", err, k)
		}
		if field == "" {
			return
		}
		for _, f := range fault.As(err).Fields {
			if f.Path == field {
				return
			}
		}
		t.Fatalf("the fault names %+v, not %s", fault.As(err).Fields, field)
	}
}

func (s shop) portfolio(t testing.TB, name string) {
	t.Helper()
	ok[NamedOut](t)(gatetest.Do(s.House, s.d.PortfolioCreate, s.Key("manager"), NamedCreateIn{Name: name}))
}

func (s shop) company(t testing.TB, name string) {
	t.Helper()
	ok[NamedOut](t)(gatetest.Do(s.House, s.d.CompanyCreate, s.Key("manager"), NamedCreateIn{Name: name}))
}

func ann() BorrowerCreateIn {
	return BorrowerCreateIn{Reference: "C-1", FirstName: "Ann", LastName: "Ångström", Email: "Ann@Example.com", Phone: "+1 (212) 555-0123",
		DateOfBirth: civil.Must(1980, 5, 17), SSN: "078-05-1120", Address: AddressIn{Line1: "1 Main Street", City: "New York", Region: "NY", PostalCode: "10001", Country: "us"}}
}

func (s shop) borrower(t testing.TB, in BorrowerCreateIn) id.Borrower {
	t.Helper()
	return ok[BorrowerMade](t)(gatetest.Do(s.House, s.d.BorrowerCreate, s.Key("manager"), in)).ID
}

// lend makes a loan of 1,200.00 over 12 months at no interest, due from a month
// after 22 May 2026: six instalments of 100.00 lie behind today.
func (s shop) lend(t testing.TB, b id.Borrower, more ...func(*LoanCreateIn)) LoanMade {
	t.Helper()
	in := LoanCreateIn{BorrowerID: string(b), Principal: money.Must("1200"), AnnualRate: "0", TermMonths: 12, ContractDate: civil.Must(2026, 5, 22)}
	for _, m := range more {
		m(&in)
	}
	return *ok[LoanMade](t)(gatetest.Do(s.House, s.d.LoanCreate, s.Key("manager"), in))
}

func (s shop) view(t testing.TB, l id.Loan) *LoanOut {
	t.Helper()
	return ok[LoanOut](t)(gatetest.Do(s.House, s.d.LoanView, s.Key("manager"), LoanRef{ID: string(l)}))
}

// buildSets makes the visible sets as the roof does after access has changed.
func (s shop) buildSets(t testing.TB) {
	t.Helper()
	if err := s.d.BuildVisibleSets(context.Background(), s.Tenant); err != nil {
		t.Fatal(err)
	}
}

// rebuilt holds every cache of the book against a fresh replay.
func (s shop) rebuilt(t testing.TB) {
	t.Helper()
	err := s.Write(func(ctx context.Context, tx *db.Tx) error {
		ids, err := db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) { return l, r.Scan(&l) }, `SELECT id FROM loan ORDER BY id`)
		if err != nil {
			return err
		}
		for _, l := range ids {
			right, err := book.RebuildByID(ctx, tx, l, s.Tenant.Today(tx.At))
			if err != nil {
				return err
			}
			if !right {
				t.Errorf("the caches of %s are not what its ledger gives", l)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
