//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
)

func TestImport(t *testing.T) {
	const n = 100_000
	people, loans := borrowersFile(n), loansFile(n)
	engines(t, func(t *testing.T, e db.Engine) {
		s := open(t, e, t.TempDir(), prefixOf(t))
		dropped(t, s)
		s.names(t)
		began := time.Now()
		r, err := s.board.ImportBorrowers(ctx, s.t, s.t.DB.Now(), bytes.NewReader(people), onboarding.ImportOptions{})
		must(t, err)
		first := time.Since(began)
		began = time.Now()
		r2, err := s.board.ImportLoans(ctx, s.t, s.t.DB.Now(), bytes.NewReader(loans), onboarding.ImportOptions{})
		must(t, err)
		second := time.Since(began)
		if r.Imported != n || r2.Imported != n {
			t.Fatalf("imported %d and %d of %d", r.Imported, r2.Imported, n)
		}
		for what, d := range map[string]time.Duration{"100,000 borrowers": first, "100,000 loans": second} {
			tell(figure{"7", e.String(), "import of " + what, fmt.Sprintf("%.1f s", d.Seconds()), fmt.Sprintf("%.0f rows/s", n/d.Seconds()), "", "< 60 s", met(d < time.Minute)})
		}
	})
}
