//go:build bench

package bench

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
)

// BenchmarkOneLoan is for profiles: -bench OneLoan/postgres -cpuprofile FILE.
func BenchmarkOneLoan(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, callers := range []int{1, 16} {
			b.Run(e.String()+"/"+num(callers), func(b *testing.B) {
				s := open(b, e, b.TempDir(), prefixOf(b))
				dropped(b, s)
				s.stock(b, 200)
				s.audited(false)
				var requests [][]byte
				for _, l := range s.loans(b, 200) {
					requests = append(requests, get("/api/v1/loans/"+string(l), s.people.Keys["agent"]))
				}
				ls := lines(b, callers, serve(b, s.api.Handler(), nil), nil)
				side := asking("agent", ls, requests)
				b.ReportAllocs()
				b.ResetTimer()
				if _, err := side.turn(0, b.N*callers, callers); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N*callers)/b.Elapsed().Seconds(), "loans/s")
			})
		}
	}
}

// BenchmarkPayments is for profiles of a write with its entry and the sequencer at work,
// and of one without: -bench Payments/sqlite/16/audited -cpuprofile FILE.
func BenchmarkPayments(b *testing.B) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		for _, callers := range []int{1, 16} {
			for _, audited := range []bool{false, true} {
				b.Run(e.String()+"/"+num(callers)+map[bool]string{false: "/bare", true: "/audited"}[audited], func(b *testing.B) {
					s := open(b, e, b.TempDir(), prefixOf(b))
					dropped(b, s)
					s.stock(b, some)
					if audited {
						s.sequencing(b)
					}
					s.audited(audited)
					requests := s.payments(b)
					ls := lines(b, callers, serve(b, s.api.Handler(), nil), nil)
					side := &side{call: func(k, n int) error {
						_, err := ls[k].answered(requests[(n*31+k*127)%len(requests)], 201)
						return err
					}}
					b.ResetTimer()
					if _, err := side.turn(0, b.N*callers, callers); err != nil {
						b.Fatal(err)
					}
					s.settle(b)
					b.ReportMetric(float64(b.N*callers)/b.Elapsed().Seconds(), "payments/s")
				})
			}
		}
	}
}
