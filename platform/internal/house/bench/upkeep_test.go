//go:build bench

package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// TestUpkeep times payments of 25.00 on loans that lie in two of five kept sets,
// beside the same payments in a house without sets. Both are audited.
func TestUpkeep(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		s.audited(true)
		s.build(t)
		sets := s.five(t)
		var requests [][]byte
		for _, l := range s.inTwo(t, sets) {
			requests = append(requests, post("/api/v1/loans/"+string(l)+"/payments", s.people.Keys["agent"], `{"amount":"25.00","method":"cash"}`))
		}
		fmt.Printf("%d loans are in the first two of five sets\n", len(requests))
		s.sequencing(t)
		address := serve(t, s.api.Handler(), nil)
		for _, callers := range []int{1, 16} {
			ls := lines(t, callers, address, nil)
			pay := func(name string) *side {
				return &side{name: name, call: func(k, n int) error {
					_, err := ls[k].answered(requests[(n*31+k*127)%len(requests)], 201)
					return err
				}}
			}
			with, without := pay("five sets"), pay("no sets")
			with.before = func() { s.settle(t); s.keeping(t, sets) }
			without.before = func() { s.settle(t); s.keeping(t, nil) }
			duel(t, turns(), 60*min(callers, 4), callers, with, without)
			more := make([]float64, len(with.rounds))
			for i := range more {
				more[i] = with.rounds[i]/without.rounds[i] - 1
			}
			slices.Sort(more)
			m := 100 * more[len(more)/2]
			tell(figure{"6", e.String(), "payment with five sets, the loan in two ×" + num(callers), us(with.median()), us(without.median()), fmt.Sprintf("%+.1f %%", m), "≤ +10 %", met(m <= 10)})
		}
		s.keeping(t, nil)
		_, err := s.exec(`UPDATE visible_set SET state = 1 WHERE state = 3`)
		must(t, err)
	})
}

func (s *shop) exec(query string, args ...any) (n int64, err error) {
	err = s.t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

// keeping makes these the sets that are kept, and parks all others. What a
// payment leaves undone in a parked set the next one makes good.
func (s *shop) keeping(t testing.TB, sets []int64) {
	t.Helper()
	_, err := s.exec(`UPDATE visible_set SET state = 3 WHERE state = 1`)
	for _, no := range sets {
		if err == nil {
			_, err = s.exec(`UPDATE visible_set SET state = 1 WHERE set_no = ?`, no)
		}
	}
	must(t, err)
}

// five picks the sets: by one portfolio (two of them), by a mix, by the date, a
// small one.
func (s *shop) five(t testing.TB) []int64 {
	t.Helper()
	var out []int64
	must(t, s.t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for _, like := range []string{`["loan.portfolios.overlaps([\"Twelve\"])"]`, `["loan.portfolios.overlaps([\"Oldest\"])"]`, `%\"Green\", \"Thousandth\"%`, `["loan.days_past_due \u003e 120"]`, `["loan.portfolios.overlaps([\"Thousandth\"])"]`} {
			var no int64
			if err := tx.One(ctx, `SELECT MIN(set_no) FROM visible_set WHERE rules LIKE ? ESCAPE '!' AND day <= ? AND state = 1`, []any{like, s.t.Today(tx.At)}, &no); err != nil {
				return err
			}
			out = append(out, no)
		}
		return nil
	}))
	return out
}

// inTwo gives loans that are in the first two sets and in no other of them.
func (s *shop) inTwo(t testing.TB, sets []int64) (out []id.Loan) {
	t.Helper()
	must(t, s.t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		in := `EXISTS (SELECT 1 FROM visible_place p WHERE p.set_no = ? AND p.sort = 0 AND p.num = 0 AND p.txt = '' AND p.number = l.number)`
		out, err = db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) { return l, r.Scan(&l) },
			`SELECT l.id FROM loan l WHERE `+in+` AND `+in+` AND NOT `+in+` AND NOT `+in+` AND NOT `+in+` ORDER BY l.id LIMIT 4000`, sets[0], sets[1], sets[2], sets[3], sets[4])
		return err
	}))
	return out
}
