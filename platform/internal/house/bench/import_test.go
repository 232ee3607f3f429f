//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
)

func TestImport(t *testing.T) {
	n := 100_000
	if v, err := strconv.Atoi(os.Getenv("LENDKEEP_BENCH_ROWS")); err == nil {
		n = v
	}
	people, loans := borrowersFile(n), loansFile(n)
	engines(t, func(t *testing.T, e db.Engine) {
		s := open(t, e, t.TempDir(), prefixOf(t))
		dropped(t, s)
		s.names(t)
		began, cpu := time.Now(), spent(t)
		r, err := s.board.ImportBorrowers(ctx, s.t, s.t.DB.Now(), bytes.NewReader(people), onboarding.ImportOptions{})
		must(t, err)
		first, firstCPU := time.Since(began), spent(t)-cpu
		began, cpu = time.Now(), spent(t)
		r2, err := s.board.ImportLoans(ctx, s.t, s.t.DB.Now(), bytes.NewReader(loans), onboarding.ImportOptions{})
		must(t, err)
		second, secondCPU := time.Since(began), spent(t)-cpu
		if r.Imported != int64(n) || r2.Imported != int64(n) {
			t.Fatalf("imported %d and %d of %d", r.Imported, r2.Imported, n)
		}
		for _, x := range []struct {
			what      string
			took, cpu time.Duration
		}{{num(n) + " borrowers", first, firstCPU}, {num(n) + " loans", second, secondCPU}} {
			tell(figure{"7", e.String(), "import of " + x.what, fmt.Sprintf("%.1f s", x.took.Seconds()), fmt.Sprintf("%.1f s of processor here, %.0f rows/s", x.cpu.Seconds(), float64(n)/x.took.Seconds()), "", "< 60 s", met(x.took < time.Minute)})
		}
	})
}

// spent is the processor time of this process: on a machine that others use too
// it says more than the clock.
func spent(t testing.TB) time.Duration {
	var u syscall.Rusage
	must(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
