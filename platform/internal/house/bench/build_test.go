//go:build bench

package bench

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// TestBuilding times the building of all kept sets anew, in an idle house and
// while one caller logs payments without a pause, and then of one set alone.
func TestBuilding(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.audited(false)
		s.emptied(t)
		began := time.Now()
		must(t, s.desk.BuildVisibleSets(ctx, s.t))
		idle := time.Since(began)
		s.emptied(t)
		path := "/api/v1/loans/%s/payments"
		l := lines(t, 1, serve(t, s.api.Handler(), nil), nil)[0]
		some := s.loans(t, 500)
		var over atomic.Bool
		calm, busy := make(chan []time.Duration), make(chan []time.Duration)
		pay := func(out chan []time.Duration, until func(int) bool) {
			var times []time.Duration
			for n := 0; !until(n); n++ {
				began := time.Now()
				if _, err := l.answered(post(fmt.Sprintf(path, some[n*31%len(some)]), s.people.Keys["agent"], `{"amount":"0.01","method":"cash"}`), 201); err != nil {
					t.Error(err)
					break
				}
				times = append(times, time.Since(began))
			}
			out <- times
		}
		go pay(calm, func(n int) bool { return n == 300 })
		before := <-calm
		began = time.Now()
		go pay(busy, func(int) bool { return over.Load() })
		must(t, s.desk.BuildVisibleSets(ctx, s.t))
		took := time.Since(began)
		over.Store(true)
		during := <-busy
		tell(figure{"6", e.String(), fmt.Sprintf("building all sets of %d loans; while payments are logged", loans()), idle.Round(time.Second).String(), took.Round(time.Second).String(), "", "", ""})
		tell(figure{"6", e.String(), fmt.Sprintf("a payment meanwhile: median, p99, longest of %d", len(during)), us(median(during)) + ", " + us(quantile(during, 0.99)) + ", " + us(quantile(during, 1)), us(median(before)) + ", " + us(quantile(before, 0.99)) + " (before)", "", "", ""})
		for _, rules := range []string{`["loan.days_past_due \u003e 30"]`, `["loan.days_past_due \u003e 120"]`} {
			_, err := s.exec(`UPDATE visible_set SET state = 2 WHERE rules = ? AND day = ?`, rules, s.t.Today(s.t.DB.Now()))
			must(t, err)
			began = time.Now()
			must(t, s.desk.BuildVisibleSets(ctx, s.t))
			tell(figure{"6", e.String(), "building one set alone and sweeping its forerunner, " + rules, time.Since(began).Round(time.Millisecond).String(), "", "", "", ""})
		}
	})
}

// emptied takes all kept sets away.
func (s *shop) emptied(t testing.TB) {
	t.Helper()
	for _, query := range []string{`DELETE FROM visible_place`, `DELETE FROM visible_set`, `UPDATE loan SET shown = 0 WHERE shown <> 0`} {
		_, err := s.exec(query)
		must(t, err)
	}
	s.analyze(t)
}
