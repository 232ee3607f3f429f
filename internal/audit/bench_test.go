package audit_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
)

func onBoth(b *testing.B, fn func(b *testing.B, h *house)) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		b.Run(engine.String(), func(b *testing.B) { fn(b, build(b, engine)) })
	}
}

// BenchmarkWrite is a small write by itself and with its entry.
func BenchmarkWrite(b *testing.B) {
	onBoth(b, func(b *testing.B, h *house) {
		for _, audited := range []bool{false, true} {
			b.Run(fmt.Sprintf("audited=%v", audited), func(b *testing.B) {
				for b.Loop() {
					h.write(b, func(ctx context.Context, tx *db.Tx) error {
						for n := range 4 { // what a payment touches: loan, ledger, schedule, tally
							if _, err := tx.Exec(ctx, `INSERT INTO effect (n) VALUES (?)`, n); err != nil {
								return err
							}
						}
						if !audited {
							return nil
						}
						return h.trail.Record(ctx, tx, payment("ln_1"))
					})
				}
			})
		}
	})
}

// BenchmarkJoin is what auditing adds to a read, with 1 and 16 callers at once.
func BenchmarkJoin(b *testing.B) {
	onBoth(b, func(b *testing.B, h *house) {
		for _, callers := range []int{1, 16} {
			b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
				b.SetParallelism(callers)
				if callers == 1 {
					for b.Loop() {
						h.join(b, denial())
					}
					return
				}
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						if err := h.trail.Join(b.Context(), denial()); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	})
}

// BenchmarkSequence places entries; the figure is for one entry.
func BenchmarkSequence(b *testing.B) {
	onBoth(b, func(b *testing.B, h *house) {
		for b.Loop() {
			b.StopTimer()
			h.write(b, func(ctx context.Context, tx *db.Tx) error {
				for i := range 1000 {
					if err := h.trail.Record(ctx, tx, payment(fmt.Sprint("ln_", i))); err != nil {
						return err
					}
				}
				return nil
			})
			b.StartTimer()
			h.sequence(b)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/entry")
	})
}

// BenchmarkVerify recomputes a trail of 20,000 entries.
func BenchmarkVerify(b *testing.B) {
	h := build(b, db.SQLite)
	for range 20 {
		h.write(b, func(ctx context.Context, tx *db.Tx) error {
			for i := range 1000 {
				if err := h.trail.Record(ctx, tx, payment(fmt.Sprint("ln_", i))); err != nil {
					return err
				}
			}
			return nil
		})
	}
	h.sequence(b)
	for b.Loop() {
		if err := h.verify(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/20000, "ns/entry")
}

// BenchmarkList is one page of 50 among 20,000 entries, with its total.
func BenchmarkList(b *testing.B) {
	h := build(b, db.SQLite)
	for range 20 {
		h.write(b, func(ctx context.Context, tx *db.Tx) error {
			for i := range 1000 {
				e := payment(fmt.Sprint("ln_", i))
				if i%100 == 0 {
					e = denial()
				}
				if err := h.trail.Record(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		h.clock.Advance(1e9)
	}
	h.sequence(b)
	for name, f := range map[string]audit.Filter{
		"all": {}, "actor": {Actor: "user/us_agent"}, "object": {Object: "loan/ln_7"}, "denied": {Outcome: "denied"},
		"absent": {Address: "192.0.2.1"}, "operation": {Operation: "loan.payment.log"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				h.list(b, f)
			}
		})
	}
}
