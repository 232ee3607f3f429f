package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// fill makes a trail with every sort of entry.
func fill(t testing.TB, h *house) {
	t.Helper()
	if _, err := h.store.Create(t.Context(), "bo_anna", "bo_ben"); err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		e := payment(fmt.Sprintf("ln_%d", i%2))
		if i > 0 {
			e.Changes = append(e.Changes, audit.Change{Field: "phone", After: "212 555 0123", Sealed: true, Person: "bo_anna"},
				audit.Change{Field: "phone", After: "212 555 0124", Sealed: true, Person: "bo_ben"})
		}
		h.record(t, e)
		h.clock.Advance(1e6)
		h.join(t, denial())
		h.join(t, &audit.Entry{Actor: "user/us_agent", Channel: operation.UI, Operation: "loan.list", Outcome: operation.Allowed,
			Operations: []string{"loan.list", "portfolio.list"}, SealedDetail: map[string]string{"search": "anna"}})
		for range i + 1 {
			if err := h.trail.Unauthenticated(t.Context(), &audit.Entry{Actor: "anonymous", Channel: operation.API,
				Address: netip.MustParseAddr("203.0.113.9"), Operation: "loan.view", Outcome: operation.Denied, Reason: fmt.Sprint("bad_key_", i)}); err != nil {
				t.Fatal(err)
			}
		}
	}
	h.clock.Advance(60e9)
	if n := h.sequence(t); n != 12 {
		t.Fatalf("placed %d, want 12", n)
	}
}

var errUndo = errors.New("undo")

// tamper runs statements as somebody with the database in hand, asks Verify,
// and undoes them.
func tamper(t *testing.T, h *house, statements ...string) error {
	t.Helper()
	var said error
	err := h.d.Write(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error {
		for _, s := range statements {
			if n, err := tx.Exec(ctx, s); err != nil || n == 0 {
				return fmt.Errorf("%s: changed %d rows, %w", s, n, err)
			}
		}
		said = h.trail.Verify(ctx, tx)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	return said
}

func TestVerifyNamesWhateverWasAltered(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		fill(t, h)
		if err := h.verify(t.Context()); err != nil {
			t.Fatalf("an untouched trail: %v", err)
		}
		caught := func(sequence int64, statements ...string) {
			t.Helper()
			var broken *audit.Broken
			if err := tamper(t, h, statements...); !errors.As(err, &broken) {
				t.Errorf("%v: %v, want it found", statements, err)
			} else if sequence != 0 && broken.Sequence != sequence {
				t.Errorf("%v: named %d (%v), want %d", statements, broken.Sequence, broken, sequence)
			}
		}
		text := []string{"id", "actor", "operation", "object", "outcome", "channel", "address"}
		for sequence := int64(1); sequence <= 12; sequence++ {
			where := fmt.Sprintf(" WHERE sequence = %d", sequence)
			for _, c := range text {
				caught(sequence, `UPDATE audit_entry SET `+c+` = `+c+` || 'x'`+where)
			}
			for _, c := range []string{"at", "object_sequence"} {
				caught(sequence, `UPDATE audit_entry SET `+c+` = `+c+` + 1`+where)
			}
			for _, c := range []string{"body", "sealed", "leaf", "chain"} {
				caught(sequence, `UPDATE audit_entry SET `+c+` = `+longer(h, c)+where)
				if c == "body" || c == "leaf" {
					caught(sequence, `UPDATE audit_entry SET `+c+` = `+empty(h)+where)
				}
			}
			caught(sequence, `DELETE FROM audit_entry`+where)
			caught(0, fmt.Sprintf(`UPDATE audit_entry SET sequence = %d`, sequence+100)+where)
			caught(0, fmt.Sprintf(`UPDATE audit_entry SET sequence = %d`, -sequence)+where)
		}
		for _, c := range []string{"actor", "object", "address", "body", "sealed", "leaf", "chain", "at"} {
			// One entry's column put into another entry that has a different one.
			for _, into := range []int{1, 6, 12} {
				caught(0, fmt.Sprintf(`UPDATE audit_entry SET %[1]s = (SELECT o.%[1]s FROM audit_entry o WHERE o.%[1]s <> audit_entry.%[1]s ORDER BY o.sequence LIMIT 1) WHERE sequence = %[2]d`, c, into))
			}
		}
		caught(2, `UPDATE audit_entry SET sequence = 99 WHERE sequence = 2`, `UPDATE audit_entry SET sequence = 2 WHERE sequence = 3`, `UPDATE audit_entry SET sequence = 3 WHERE sequence = 99`)
		caught(12, `DELETE FROM audit_entry WHERE sequence = 12`)
		caught(11, `DELETE FROM audit_entry WHERE sequence = 12`, `UPDATE audit_state SET size = 11`)
		caught(0, `UPDATE audit_state SET size = 11`)
		caught(0, `UPDATE audit_state SET size = 13`)
		caught(0, `UPDATE audit_state SET head = (SELECT leaf FROM audit_entry WHERE sequence = 1)`)
		caught(0, `DELETE FROM audit_state`)
		caught(0, `DELETE FROM audit_chain WHERE object = 'loan/ln_1'`)
		caught(0, `UPDATE audit_chain SET object = 'loan/ln_9' WHERE object = 'loan/ln_1'`)
		caught(0, `UPDATE audit_chain SET length = length + 1 WHERE object = 'loan/ln_1'`)
		caught(0, `UPDATE audit_chain SET last = last + 1 WHERE object = 'loan/ln_1'`)
		caught(0, `UPDATE audit_chain SET head = (SELECT leaf FROM audit_entry WHERE sequence = 1) WHERE object = 'loan/ln_1'`)
		if err := h.verify(t.Context()); err != nil {
			t.Errorf("the trail was not put back: %v", err)
		}
	})
}

// longer gives SQL that makes a bytes column differ.
func longer(h *house, column string) string {
	if h.d.Engine() == db.PostgreSQL {
		return column + ` || '\x7a'::bytea`
	}
	return `CAST(` + column + ` || x'7a' AS BLOB)`
}

func empty(h *house) string {
	if h.d.Engine() == db.PostgreSQL {
		return `'\x'::bytea`
	}
	return `x''`
}

func TestAnAlteredRowHidesNeitherTheListNorTheOthersPlace(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.join(t, denial())
		h.write(t, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE audit_pending SET body = `+empty(h))
			return err
		})
		h.join(t, payment("ln_1"))
		if n := h.sequence(t); n != 2 {
			t.Errorf("placed %d, want 2", n)
		}
		if p := h.list(t, audit.Filter{}); len(p.Entries) != 2 {
			t.Errorf("%d entries are shown, want 2", len(p.Entries))
		}
		var broken *audit.Broken
		if err := h.verify(t.Context()); !errors.As(err, &broken) || broken.Sequence != 1 {
			t.Errorf("verify: %v, want the first entry named", err)
		}
	})
}

// TestAnyInterleavingGivesGaplessSequences lets writers, rolled-back writers,
// readers and two nodes' sequencers run in any order.
func TestAnyInterleavingGivesGaplessSequences(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) {
			h := build(t, engine)
			other := audit.New(h.config)
			want := map[id.Audit]bool{}
			rapid.Check(t, func(t *rapid.T) {
				steps := rapid.SliceOfN(rapid.IntRange(0, 6), 1, 12).Draw(t, "steps")
				for i, step := range steps {
					ctx := context.Background()
					e := payment(fmt.Sprint("ln_", i%3))
					var err error
					switch step {
					case 0, 1:
						err = h.d.Write(ctx, h.d.Now(), func(ctx context.Context, tx *db.Tx) error { return h.trail.Record(ctx, tx, e) })
						want[e.ID] = true
					case 2:
						err = h.d.Write(ctx, h.d.Now(), func(ctx context.Context, tx *db.Tx) error {
							return errors.Join(h.trail.Record(ctx, tx, e), errUndo)
						})
						if !errors.Is(err, errUndo) {
							t.Fatal(err)
						}
						err = nil
					case 3:
						err = other.Join(ctx, e)
						want[e.ID] = true
					case 4:
						h.clock.Advance(7e9)
					case 5:
						_, err = h.trail.Sequence(ctx)
					case 6:
						_, err = other.Sequence(ctx)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				h.clock.Advance(20e9)
				if _, err := h.trail.Sequence(context.Background()); err != nil {
					t.Fatal(err)
				}
				h.mustHold(t, want)
			})
		})
	}
}

// mustHold checks that the trail holds exactly the wanted entries, without
// gaps, each object's too, and verifies.
func (h *house) mustHold(t rapid.TB, want map[id.Audit]bool) {
	t.Helper()
	type place struct {
		sequence, own int64
		id            id.Audit
		object        string
	}
	var places []place
	err := h.d.Read(context.Background(), h.d.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		places, err = db.All(ctx, tx, func(r *db.Rows) (p place, err error) {
			err = r.Scan(&p.sequence, &p.own, &p.id, &p.object)
			return p, err
		}, `SELECT sequence, object_sequence, id, object FROM audit_entry ORDER BY sequence`)
		if err != nil {
			return err
		}
		return h.trail.Verify(ctx, tx)
	})
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]int64{}
	for i, p := range places {
		if own[p.object]++; p.sequence != int64(i+1) || p.own != own[p.object] || !want[p.id] {
			t.Fatalf("place %d: %+v (wanted %v, own %d)", i+1, p, want[p.id], own[p.object])
		}
	}
	if len(places) != len(want) {
		t.Fatalf("%d entries have a place, want %d", len(places), len(want))
	}
}

func TestWritersAndTwoSequencersAtOnceLeaveNoGap(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		trails := []*audit.Trail{h.trail, audit.New(h.config)}
		want := map[id.Audit]bool{}
		var mu sync.Mutex
		var writers, sequencers sync.WaitGroup
		done := make(chan struct{})
		for w := range 8 {
			writers.Go(func() {
				for i := range 25 {
					e := payment(fmt.Sprint("ln_", (w+i)%4))
					trail := trails[w%2]
					err := error(nil)
					if w < 4 {
						err = trail.Join(t.Context(), e)
					} else {
						err = h.d.Write(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error { return trail.Record(ctx, tx, e) })
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					want[e.ID] = true
					mu.Unlock()
				}
			})
		}
		for _, trail := range trails {
			sequencers.Go(func() {
				for {
					if _, err := trail.Sequence(t.Context()); err != nil {
						t.Error(err)
						return
					}
					h.clock.Advance(6e9) // so that the lease changes hands
					select {
					case <-done:
						return
					default:
					}
				}
			})
		}
		writers.Wait()
		close(done)
		sequencers.Wait()
		h.clock.Advance(60e9)
		h.sequence(t)
		h.mustHold(t, want)
	})
}

func TestListsFindWhatAPlainLoopFinds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		var all []audit.Entry
		for i := range 60 {
			e := []*audit.Entry{payment("ln_1"), payment("ln_2"), denial()}[i%3]
			if i%4 == 0 {
				e.Outcome = operation.Failed
				e.Address = netip.MustParseAddr("198.51.100.8")
			}
			if i%5 == 0 {
				h.clock.Advance(3e6)
			}
			h.join(t, e)
			all = append(all, *e)
			if i == 40 {
				h.sequence(t)
			}
		}
		slices.SortFunc(all, func(a, b audit.Entry) int {
			if a.At != b.At {
				return int(b.At - a.At)
			}
			return -bytes.Compare([]byte(a.ID), []byte(b.ID))
		})
		maybe := func(t *rapid.T, values ...string) string {
			return rapid.SampledFrom(append(values, "")).Draw(t, "facet")
		}
		rapid.Check(t, func(r *rapid.T) {
			f := audit.Filter{
				Actor: maybe(r, "user/us_agent", "job/jb_1"), Operation: maybe(r, "loan.payment.log", "role.update"),
				Object: maybe(r, "loan/ln_1", "role/ro_1"), Outcome: maybe(r, "allowed", "denied", "failed"),
				Channel: maybe(r, "ui", "api"), Address: maybe(r, "198.51.100.7", "198.51.100.8"),
				Limit: rapid.IntRange(1, 70).Draw(r, "limit"),
			}
			if rapid.Bool().Draw(r, "timed") {
				f.From = all[rapid.IntRange(0, 59).Draw(r, "from")].At
				f.To = all[rapid.IntRange(0, 59).Draw(r, "to")].At
			}
			var want, got []id.Audit
			for _, e := range all {
				if matches(f, e) {
					want = append(want, e.ID)
				}
			}
			for {
				p := h.list(t, f)
				for _, e := range p.Entries {
					got = append(got, e.ID)
				}
				if p.Total != int64(len(want)) || p.AtLeast {
					r.Fatalf("total %d, want %d", p.Total, len(want))
				}
				if !p.More {
					break
				}
				last := p.Entries[len(p.Entries)-1]
				f.BeforeAt, f.BeforeID = last.At, last.ID
			}
			if !slices.Equal(want, got) {
				r.Fatalf("found %v\nwant %v", got, want)
			}
		})
	})
}

func matches(f audit.Filter, e audit.Entry) bool {
	is := func(want, have string) bool { return want == "" || want == have }
	return is(f.Actor, e.Actor) && is(f.Operation, e.Operation) && is(f.Object, e.Object) &&
		is(f.Outcome, e.Outcome.String()) && is(f.Channel, e.Channel.String()) && is(f.Address, e.Address.String()) &&
		(f.From == 0 || e.At >= f.From) && (f.To == 0 || e.At < f.To)
}

func TestTotalsStopAtAThousandUnlessUnfiltered(t *testing.T) {
	h := build(t, db.SQLite)
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		for range 1100 {
			if err := h.trail.Record(ctx, tx, payment("ln_1")); err != nil {
				return err
			}
		}
		return nil
	})
	for _, place := range []string{"before", "after"} {
		if p := h.list(t, audit.Filter{}); p.Total != 1100 || p.AtLeast || !p.More || len(p.Entries) != 50 {
			t.Errorf("%s sequencing, unfiltered: %d, %v", place, p.Total, p.AtLeast)
		}
		if p := h.list(t, audit.Filter{Object: "loan/ln_1"}); p.Total != 1000 || !p.AtLeast {
			t.Errorf("%s sequencing, filtered: %d, %v", place, p.Total, p.AtLeast)
		}
		if place == "before" && h.sequence(t) != 1100 {
			t.Error("not all were placed")
		}
	}
}
