//go:build bench

package bench

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// TestDated times pages of rules that read the date: with the day's set, and
// without, as they are after midnight until somebody's first page has had the
// set built.
func TestDated(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.audited(false)
		s.build(t)
		l := lines(t, 1, serve(t, s.api.Handler(), nil), nil)[0]
		for i, when := range []string{"with its set", "before its set stands"} {
			calls := []int{4 * turns(), 4}[i]
			for _, x := range lenses() {
				if !x.dated {
					continue
				}
				var worst time.Duration
				in := ""
				for _, sort := range []string{"number", "-number", "-principal_balance", "-days_past_due", "days_past_due", "borrower", "opened_on", "status"} {
					page := asking(x.name, []*line{l}, [][]byte{get("/api/v1/loans?limit=50&sort="+sort, x.key(s))})
					times, err := page.turn(0, calls, 1)
					must(t, err)
					if p := quantile(times, 0.99); p > worst {
						worst, in = p, sort
					}
				}
				tell(figure{"6", e.String(), fmt.Sprintf("p99 of a page, %s, %s, worst by %s", x.name, when, strings.TrimPrefix(in, "-")), us(worst), "", us(worst), "≤ 150 ms", met(worst <= 150*time.Millisecond)})
			}
			_, err := s.exec(`UPDATE visible_set SET state = 3 WHERE state = 1 AND day > 0`)
			must(t, err)
		}
		_, err := s.exec(`UPDATE visible_set SET state = 1 WHERE state = 3`)
		must(t, err)
	})
}
