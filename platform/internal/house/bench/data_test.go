//go:build bench

package bench

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
)

// borrowersFile and loansFile are files as a lender would bring them.
func borrowersFile(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString("reference,first_name,last_name,email,phone,date_of_birth,ssn,line1,city,region,postal_code,country\n")
	first := []string{"Ann", "Bo", "Carla", "Dmitri", "Eve", "Farid", "Grace", "Hugo"}
	last := []string{"Archer", "Baker", "Cooper", "Dyer", "Fisher", "Mason", "Smith", "Weaver"}
	states := []string{"NY", "CA", "TX", "WA", "FL"}
	for i := range n {
		fmt.Fprintf(&b, "C-%07d,%s,%s%d,person%d@example.com,+1 212 555 %04d,19%02d-%02d-%02d,%03d-%02d-%04d,%d Main Street,Springfield,%s,1%04d,US\n",
			i, first[r.IntN(8)], last[r.IntN(8)], i, i, i%10000, 40+r.IntN(60), 1+r.IntN(12), 1+r.IntN(28), 1+i%600, 1+i%98, 1+i%9998, 1+r.IntN(900), states[r.IntN(5)], r.IntN(10000))
	}
	return b.Bytes()
}

func loansFile(n int) []byte {
	r := rand.New(rand.NewPCG(3, 4))
	var b bytes.Buffer
	b.WriteString("number,borrower_reference,principal,annual_rate,term_months,contract_date,convention,source_company,portfolios\n")
	for i := range n {
		portfolio := "Main"
		if i%100 == 7 {
			portfolio = "Narrow"
		}
		fmt.Fprintf(&b, "L-%07d,C-%07d,%d.00,%d.%02d,%d,2026-%02d-%02d,30/360,Northern,%s\n", i, i, 1000+r.IntN(50000), 3+r.IntN(20), r.IntN(100), 6+6*r.IntN(10), 1+r.IntN(10), 1+r.IntN(28), portfolio)
	}
	return b.Bytes()
}

// names makes what the files speak of.
func (s *shop) names(t testing.TB) {
	t.Helper()
	must(t, s.t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for _, n := range []string{"Main", "Narrow", "Twelve", "Thousandth", "Oldest", "Blue", "Green", "Red", "Rare"} {
			if _, err := book.AddPortfolio(ctx, tx, n); err != nil {
				return err
			}
		}
		_, err := book.AddCompany(ctx, tx, "Northern")
		return err
	}))
}

// stock imports n borrowers with a loan each, as an operator would.
func (s *shop) stock(t testing.TB, n int) {
	t.Helper()
	s.names(t)
	_, err := s.board.ImportBorrowers(ctx, s.t, s.t.DB.Now(), bytes.NewReader(borrowersFile(n)), onboarding.ImportOptions{})
	must(t, err)
	_, err = s.board.ImportLoans(ctx, s.t, s.t.DB.Now(), bytes.NewReader(loansFile(n)), onboarding.ImportOptions{})
	must(t, err)
}

// loans gives the ids of up to n loans.
func (s *shop) loans(t testing.TB, n int) []id.Loan {
	t.Helper()
	var out []id.Loan
	must(t, s.t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) { return l, r.Scan(&l) }, `SELECT id FROM loan ORDER BY id LIMIT ?`, n)
		return err
	}))
	return out
}
