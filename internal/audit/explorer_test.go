package audit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/facet"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// busy fills a trail with more entries of one person than are read whole: every tenth
// is a denial, every thousandth is about loan ln_rare, and the last is not placed yet.
func busy(t *testing.T, h *house, n int) {
	t.Helper()
	for begin := 0; begin < n; begin += 500 {
		h.write(t, func(ctx context.Context, tx *db.Tx) error {
			for i := begin; i < begin+500; i++ {
				e := payment(fmt.Sprint("ln_", i%7))
				e.Actor, e.At, e.Outcome = "user/us_busy", tx.At+int64(i)*1000, operation.Allowed
				if i%10 == 0 {
					e.Outcome = operation.Denied
				}
				if i%1000 == 17 {
					e.Object = "loan/ln_rare"
				}
				if err := h.trail.Record(ctx, tx, e); err != nil {
					return err
				}
			}
			return nil
		})
	}
	h.sequence(t)
	last := payment("ln_rare")
	last.Actor, last.At, last.Outcome = "user/us_busy", h.clock.Now().UnixMicro()+int64(n)*1000, operation.Denied
	h.record(t, last)
}

// TestAnImpatientReaderMissesNothing: whoever gives a look no time gets short pages, and
// all of them together are the list of whoever waits, in its order and once each.
func TestAnImpatientReaderMissesNothing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		busy(t, h, 7000)
		for name, f := range map[string]audit.Filter{
			"all": {}, "one person": {Actor: "user/us_busy"}, "a person's denials": {Actor: "user/us_busy", Outcome: "denied"},
			"what never was": {Actor: "user/us_busy", Channel: "portal"}, "allowed": {Outcome: "allowed", Channel: "ui"},
			"rare": {Actor: "user/us_busy", Object: "loan/ln_rare"},
		} {
			within := db.Where("object LIKE '%3' OR object LIKE '%rare'")
			for _, bound := range []*db.Cond{nil, &within} {
				f.Within, f.Limit, f.Patience = bound, 500, 0
				want := walked(t, h, f)
				for _, patience := range []time.Duration{time.Nanosecond, time.Hour} {
					f.Patience = patience
					if got := walked(t, h, f); fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%s, bound %v, patience %s: %d entries, want %d", name, bound != nil, patience, len(got), len(want))
					}
				}
			}
		}
	})
}

func walked(t *testing.T, h *house, f audit.Filter) (ids []string) {
	t.Helper()
	for range 200 {
		p := h.list(t, f)
		for _, e := range p.Entries {
			ids = append(ids, string(e.ID))
		}
		switch {
		case !p.More:
			return ids
		case p.Reached != 0:
			f.BeforeAt, f.BeforeID = p.Reached, ""
		default:
			last := p.Entries[len(p.Entries)-1]
			f.BeforeAt, f.BeforeID = last.At, last.ID
		}
	}
	t.Fatal("the list has no end")
	return nil
}

// TestNumbersSayHowSureTheyAre: a small selection is counted, a large one is told from a
// sample that comes near, and one that a sample misses is said to be at least so many.
func TestNumbersSayHowSureTheyAre(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		busy(t, h, 16_000)
		sum := func(f audit.Filter) (s *facet.Sum) {
			t.Helper()
			f.Patience = time.Hour
			err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
				s, err = h.trail.Sum(ctx, tx, f, 3)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		few := sum(audit.Filter{Object: "loan/ln_rare"})
		if few.How != facet.Exact || few.Of != 17 || fmt.Sprint(few.By["outcome"]) != "[{allowed 16} {denied 1}]" || len(few.Marks) != 17 {
			t.Errorf("the few: %s of %d, %v; they are 16 and one that is not placed yet", few.How, few.Of, few.By["outcome"])
		}
		many := sum(audit.Filter{Actor: "user/us_busy"})
		outcomes := map[string]int64{}
		for _, n := range many.By["outcome"] {
			outcomes[n.Value] = n.Count
		}
		if many.How != facet.About || outcomes["denied"] < 1200 || outcomes["denied"] > 2000 || outcomes["allowed"] < 12_000 || outcomes["allowed"] > 17_000 || len(many.By["object"]) != 3 {
			t.Errorf("the many: %s, %v, %d objects; there are 14,400 allowed and 1,601 denied", many.How, many.By["outcome"], len(many.By["object"]))
		}
		part := sum(audit.Filter{Actor: "user/us_busy", Outcome: "denied", Channel: "portal"})
		if part.How != facet.Exact || part.Of != 0 {
			t.Errorf("nothing: %s of %d", part.How, part.Of)
		}
	})
}
