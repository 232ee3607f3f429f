package servicing

import (
	"fmt"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// TestLoansMoveManyAtOnceAndTheInvestorSeesItAtOnce: what a filter shows goes
// into a portfolio a chunk at a time, and whoever sees that portfolio sees it
// with the next call; each chunk is an access change in the trail.
func TestLoansMoveManyAtOnceAndTheInvestorSeesItAtOnce(t *testing.T) {
	each(t, func(t *testing.T, s shop) {
		s.portfolio(t, "Acme")
		s.portfolio(t, "Beta")
		b := s.borrower(t, ann())
		for i := range 205 {
			s.lend(t, b, func(in *LoanCreateIn) { in.Number = fmt.Sprintf("M-%03d", i); in.Portfolios = []string{"Beta"} })
			if i%50 == 0 {
				s.Advance(time.Minute)
			}
		}
		s.Restrict(t, "investor", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		s.buildSets(t)
		seen := func() int64 {
			s.Advance(time.Second)
			return ok[LoanListOut](t)(gatetest.Do(s.House, s.d.LoanList, s.Key("investor"), LoanListIn{})).Total
		}
		in := PortfolioMoveIn{Filter: &LoanFilter{Portfolio: "Beta"}, Add: []string{"Acme"}, Remove: []string{"Beta"}}
		moved := func(want int) string {
			out := ok[PortfolioMoveOut](t)(gatetest.Do(s.House, s.d.PortfolioMove, s.Key("manager"), in))
			if out.Moved != want {
				t.Fatalf("moved %+v, want %d", out, want)
			}
			return out.Next
		}
		if in.Cursor = moved(200); in.Cursor == "" || seen() != 200 {
			t.Fatalf("after one chunk the investor sees %d", seen())
		}
		if next := moved(5); next != "" || seen() != 205 {
			t.Fatalf("after both the investor sees %d, next %q", seen(), next)
		}
		e := s.Trail(t, audit.Filter{Operation: "loan.portfolio.move", Limit: 1})[0]
		if len(e.Changes) != 5 || e.Changes[0].Before != "Beta" || e.Changes[0].After != "Acme" {
			t.Errorf("the trail holds %+v", e.Changes)
		}
		in = PortfolioMoveIn{Loans: []string{"M-000", "M-001"}, Remove: []string{"Acme"}}
		if moved(2); seen() != 203 {
			t.Errorf("taken out by number, the investor still sees %d", seen())
		}
		in.Loans = []string{"M-002", "M-000"} // the investor's own view holds only one of them
		s.Restrict(t, "manager", policy.Restriction{Visible: `loan.portfolios.overlaps(["Acme"])`})
		refusedAs[PortfolioMoveOut](t, fault.Invalid, "loans[1]")(gatetest.Do(s.House, s.d.PortfolioMove, s.Key("manager"), in))
		refusedAs[PortfolioMoveOut](t, fault.Denied, "")(gatetest.Do(s.House, s.d.PortfolioMove, s.Key("agent"), in))
		s.Restrict(t, "manager", policy.Restriction{Visible: "true", Limits: []policy.Limit{{Area: "summary", Level: "view", When: `loan.number == "M-003"`, Message: "Look, do not touch."}}})
		in.Loans = []string{"M-003"}
		_, err := gatetest.Do(s.House, s.d.PortfolioMove, s.Key("manager"), in)
		if f := fault.As(err); f.Reason != "limit_too_low" || f.Message != "Look, do not touch." {
			t.Errorf("moved what a limit keeps: %v", err)
		}
	})
}
