//go:build bench

package bench

import (
	"fmt"
	"slices"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
)

// post builds a request with a JSON body.
func post(path, key, body string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + key + "\r\nUser-Agent: bench/1\r\nContent-Type: application/json\r\nContent-Length: " +
		num(len(body)) + "\r\n\r\n" + body)
}

// payments are requests that log a cent on each of some loans.
func (s *shop) payments(t testing.TB) (requests [][]byte) {
	for _, l := range s.loans(t, some) {
		requests = append(requests, post("/api/v1/loans/"+string(l)+"/payments", s.people.Keys["agent"], `{"amount":"0.01","method":"cash"}`))
	}
	return requests
}

func TestWriteAuditing(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := open(t, e, t.TempDir(), prefixOf(t))
		dropped(t, s)
		s.stock(t, some)
		s.sequencing(t)
		requests := s.payments(t)
		address := serve(t, s.api.Handler(), nil)
		for _, callers := range []int{1, 16} {
			ls := lines(t, callers, address, nil)
			pay := func(name string) *side {
				return &side{name: name, call: func(k, n int) error {
					_, err := ls[k].answered(requests[(n*31+k*127)%len(requests)], 201)
					return err
				}}
			}
			on, off := pay("audited"), pay("unaudited")
			on.before = func() { s.audited(true) }
			off.before = func() { s.settle(t); s.audited(false) }
			duel(t, turns(), 120*min(callers, 4), callers, on, off)
			s.audited(true)
			more := make([]float64, len(on.rounds))
			for i := range more {
				more[i] = on.rounds[i]/off.rounds[i] - 1
			}
			slices.Sort(more)
			m := 100 * more[len(more)/2]
			tell(figure{"3", e.String(), "payment with its entry ×" + num(callers), us(on.median()), us(off.median()), fmt.Sprintf("%+.1f %%", m), "≤ +10 %", met(m <= 10)})
			tell(figure{"3", e.String(), "payments a second ×" + num(callers), fmt.Sprintf("%.0f/s", on.rate()), fmt.Sprintf("%.0f/s", off.rate()), fmt.Sprintf("%.2f×", on.rate()/off.rate()), "", ""})
		}
	})
}
