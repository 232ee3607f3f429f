//go:build bench

package bench

import (
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

func num(n int) string { return strconv.Itoa(n) }

// turns is how often the sides take turns; LENDKEEP_BENCH_TURNS changes it.
func turns() int {
	if n, err := strconv.Atoi(os.Getenv("LENDKEEP_BENCH_TURNS")); err == nil && n > 0 {
		return n
	}
	return 15
}

func prefixOf(testing.TB) string { return "bench_" + strings.ToLower(rand.Text()[:8]) + "_" }

// dropped removes the shop's PostgreSQL databases when the test ends.
func dropped(t testing.TB, s *shop) {
	t.Helper()
	if s.engine != db.PostgreSQL {
		return
	}
	t.Cleanup(func() {
		_ = s.dir.Close()
		for _, name := range []string{"directory", "bench", "bench_keys"} {
			_ = db.DropDatabase(ctx, os.Getenv(dbtest.Variable), s.prefix+name)
		}
	})
}

func between(s, a, b string) string {
	_, s, _ = strings.Cut(s, a)
	s, _, _ = strings.Cut(s, b)
	return s
}

// ratio tells the share of the peer's speed, by the median time of a call.
func ratio(target string, e db.Engine, what string, ours, peer *side, wanted string, least float64) {
	r := share(ours, peer)
	tell(figure{target, e.String(), what, us(ours.median()), us(peer.median()) + " (" + peer.name + ")", fmt.Sprintf("%.2f×", r), wanted, met(r >= least)})
}

// rate tells calls a second beside the peer's.
func rate(target string, e db.Engine, what string, ours, peer *side) {
	tell(figure{target, e.String(), what, fmt.Sprintf("%.0f/s", ours.rate()), fmt.Sprintf("%.0f/s", peer.rate()), fmt.Sprintf("%.2f×", ours.rate()/peer.rate()), "", ""})
}
