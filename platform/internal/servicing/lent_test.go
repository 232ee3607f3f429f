package servicing

import (
	"context"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// A loan that a limit on the summary hides is not there. Lent, it is found and may
// be looked at, in lists and alone; what changes it stays with others.
func TestALentLoanIsViewedInSpiteOfTheSummarysLimit(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		b := s.borrower(t, ann())
		lent, hidden := s.lend(t, b), s.lend(t, b)
		s.Restrict(t, "manager", policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "summary", Level: "none"}}})
		view := func(l LoanMade) error {
			_, err := gatetest.Do(s.House, s.d.LoanView, s.Screen("manager"), LoanRef{ID: string(l.ID)})
			return err
		}
		if err := view(lent); !fault.Is(err, fault.NotFound) {
			t.Fatalf("hidden by the limit: %v", err)
		}
		err := s.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := policy.LendLoan(ctx, tx, policy.LentLoan{User: s.People["manager"].ID, Loan: lent.ID, Until: tx.At + 3_600_000_000, MadeBy: "house"}); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		})
		if err != nil {
			t.Fatal(err)
		}
		if list := ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Screen("manager"), LoanListIn{})); len(list.Items) != 1 || list.Items[0].ID != lent.ID {
			t.Errorf("listed: %+v", list.Items)
		}
		if err := view(lent); err != nil {
			t.Errorf("listed, and not to be looked at: %v", err)
		}
		if err := view(hidden); !fault.Is(err, fault.NotFound) {
			t.Errorf("another one: %v", err)
		}
		_, err = gatetest.Do(s.House, s.d.StatusSet, s.Screen("manager"), StatusSetIn{ID: string(lent.ID), Status: "on_hold", Reason: "a call"})
		if !fault.Is(err, fault.Denied) || fault.As(err).Reason != "limit_too_low" {
			t.Errorf("changed: %v", err)
		}
	})
}
