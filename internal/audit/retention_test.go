package audit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/retention"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
)

const years = 366 * 24 * time.Hour

// dispose takes what entries of a rule say, and records the note, as the house does.
func (h *house) dispose(t testing.TB, name string, r *retention.Rule) (n disposal.Note) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) (err error) {
		end, err := retention.End(ctx, tx, r.Before)
		if err != nil {
			return err
		}
		if n, err = retention.Dispose(ctx, tx, name, r, 0, end); err != nil || n.Count == 0 {
			return err
		}
		return h.trail.Record(ctx, tx, &audit.Entry{Actor: "job/retention", Channel: operation.Job, Operation: disposal.Operation, Object: "audit/lending", Outcome: operation.Allowed, Detail: n.Detail()})
	})
	if err := h.verify(t.Context()); err != nil && n.ID != "early" {
		t.Errorf("before the note has its place: %v", err)
	}
	if _, err := h.export(t, &audit.Extract{Extent: bundle.Whole}, nil); n.Count > 0 && !fault.Is(err, fault.Unavailable) {
		t.Errorf("a file of the whole before a checkpoint covers the note: %v", err)
	}
	h.clock.Advance(2e9)
	h.sequence(t)
	return n
}

// aged is a trail whose first entries are older than two years, and whose last are new.
func aged(t testing.TB, h *house) (before int64) {
	t.Helper()
	fill(t, h)
	h.clock.Advance(2 * years)
	before = h.d.Now() - years.Microseconds()
	for i := range 3 {
		h.record(t, payment(fmt.Sprintf("ln_%d", i%2)))
	}
	h.sequence(t)
	return before
}

// file is an export, as an auditor reads it.
func (h *house) file(t testing.TB, x *audit.Extract) (*bundle.Report, error) {
	t.Helper()
	b, err := h.export(t, x, nil)
	if err != nil {
		t.Fatal(err)
	}
	return bundle.Check(bytes.NewReader(b), bundle.Against{})
}

func TestWhatIsDisposedOfIsGoneAndTheTrailStillVerifies(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before := aged(t, h)
		held := db.Where("object = ?", "loan/ln_1")
		n := h.dispose(t, "first", &retention.Rule{Which: db.Where("operation = ?", "loan.payment.log"), Stay: held, Before: before})
		if n.Count != 2 { // of three old payments one is about the loan that is held
			t.Fatalf("disposed of %+v", n)
		}
		if err := h.verify(t.Context()); err != nil {
			t.Fatalf("after disposal: %v", err)
		}
		if n := h.dispose(t, "again", &retention.Rule{Which: db.Where("operation = ?", "loan.payment.log"), Stay: held, Before: before}); n.Count != 0 {
			t.Errorf("disposed of %d twice", n.Count)
		}
		if n := h.dispose(t, "rest", &retention.Rule{Which: db.Where("operation <> ?", disposal.Operation), Before: before}); n.Count != 10 {
			t.Errorf("then disposed of %+v", n)
		}
		if err := h.verify(t.Context()); err != nil {
			t.Fatalf("after the second disposal: %v", err)
		}
		all := h.everything(t)
		for _, gone := range []string{"212 555", "role_lacks_operation", "bad_key_1", "203.0.113.9"} {
			if strings.Contains(all, gone) {
				t.Errorf("%s is still there", gone)
			}
		}
		page := h.list(t, audit.Filter{Object: "loan/ln_0"})
		if len(page.Entries) != 4 || page.Entries[0].Disposal != "" || page.Entries[3].Disposal != "first" || page.Entries[3].Object != "loan/ln_0" || len(page.Entries[3].Changes) != 0 {
			t.Errorf("the loan's history reads %+v", page.Entries)
		}
		for extent, x := range map[string]*audit.Extract{"whole": {Extent: bundle.Whole}, "object": {Extent: bundle.Object, Object: "loan/ln_0"}, "part": {Extent: bundle.Part, Filter: audit.Filter{Object: "loan/ln_0"}}} {
			report, err := h.file(t, x)
			if err != nil {
				t.Fatalf("%s: %v", extent, err)
			}
			want := map[string][2]int64{"whole": {12, 2}, "object": {2, 0}, "part": {0, 0}}[extent]
			if report.Gone != want[0] || report.Disposals != want[1] {
				t.Errorf("%s: %d gone by %d disposals, want %v", extent, report.Gone, report.Disposals, want)
			}
		}
	})
}

// Whoever holds the database cannot pass off what they took away as a disposal.
func TestADisposalThatNobodyMadeIsCaught(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before := aged(t, h)
		h.dispose(t, "first", &retention.Rule{Which: db.Where("operation = ?", "loan.payment.log"), Before: before})
		blank := `UPDATE audit_entry SET disposal = '%s', actor = '', operation = '', outcome = '', channel = '', address = '', body = ` + empty(h) + `, sealed = ` + empty(h) + ` WHERE sequence = %d`
		for story, statements := range map[string][]string{
			"with a name of its own":             {fmt.Sprintf(blank, "mine", 2)},
			"under a disposal that there was":    {fmt.Sprintf(blank, "first", 2)},
			"of the note itself":                 {fmt.Sprintf(blank, "first", 16)},
			"one that went is put under another": {`UPDATE audit_entry SET disposal = 'other' WHERE sequence = 1`},
			"its instant is altered":             {`UPDATE audit_entry SET at = at + 1 WHERE sequence = 1`},
			"its object is altered":              {`UPDATE audit_entry SET object = 'loan/ln_7' WHERE sequence = 1`},
			"its leaf is altered":                {`UPDATE audit_entry SET leaf = (SELECT leaf FROM audit_entry WHERE sequence = 2) WHERE sequence = 1`},
			"its disposal is forgotten":          {`UPDATE audit_entry SET disposal = '' WHERE sequence = 1`},
			"something is put in its place":      {`UPDATE audit_entry SET actor = 'user/us_1' WHERE sequence = 1`},
		} {
			var broken *audit.Broken
			if err := tamper(t, h, statements...); !errors.As(err, &broken) {
				t.Errorf("%s: %v, want it found", story, err)
			}
		}
		if err := h.verify(t.Context()); err != nil {
			t.Errorf("the trail was not put back: %v", err)
		}
		// Somebody who can also write an entry disposes of what is new: it is too young.
		h.dispose(t, "early", &retention.Rule{Which: db.Where("sequence = ?", 14), Before: h.d.Now() + years.Microseconds()})
		var broken *audit.Broken
		if err := h.verify(t.Context()); !errors.As(err, &broken) || !strings.Contains(broken.Why, "before a year") {
			t.Errorf("a disposal of a new entry: %v", err)
		}
		if _, err := h.file(t, &audit.Extract{Extent: bundle.Whole}); err == nil || !strings.Contains(err.Error(), "before a year") {
			t.Errorf("a disposal of a new entry, to an auditor: %v", err)
		}
	})
}
