package onboarding

import (
	"context"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// lifetime is how long a run may be silent before it counts as dead.
const lifetime = 2 * time.Minute

// sweepChunk is how many rows one transaction of a sweep removes.
const sweepChunk = 500

func errGone() error {
	return fault.New(fault.Conflict, "import_gone", "This import was given up because nothing was heard of it; run it again.")
}

// begin makes a run. Nothing of it is visible.
func begin(ctx context.Context, t *tenant.Tenant, kind string) (string, error) {
	run := string(id.New[id.Job](t.DB.Now()))
	err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO import_run (id, kind, file_hash, started_at, beat_at, landed_at) VALUES (?, ?, '', ?, ?, 0)`, run, kind, tx.At, tx.At)
		return err
	})
	return run, err
}

// beat is a sign of life in the transaction of a piece; a run that was given up
// meanwhile must not go on.
func beat(ctx context.Context, tx *db.Tx, run string) error {
	n, err := tx.Exec(ctx, `UPDATE import_run SET beat_at = ? WHERE id = ? AND landed_at = 0 AND beat_at > 0`, tx.At, run)
	if err == nil && n != 1 {
		return errGone()
	}
	return err
}

// land makes a run visible.
func land(ctx context.Context, tx *db.Tx, s *Staged) error {
	n, err := tx.Exec(ctx, `UPDATE import_run SET landed_at = ?, file_hash = ? WHERE id = ? AND landed_at = 0 AND beat_at > 0`, tx.At, s.Report.FileHash, s.run)
	if err != nil {
		return err
	}
	if n != 1 {
		return errGone()
	}
	if s.kind == borrowers {
		_, err = tx.Exec(ctx, `UPDATE loan_tally SET borrowers = borrowers + ? WHERE id = 1`, s.Report.Imported)
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE loan_tally SET loans = loans + ? WHERE id = 1`, s.Report.Imported); err != nil {
		return err
	}
	return sight.Void(ctx, tx)
}

// discard removes a run and all that it wrote, piece by piece. It works on
// after its caller was told to stop.
func discard(ctx context.Context, t *tenant.Tenant, run string) error {
	ctx = context.WithoutCancel(ctx)
	err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE import_run SET beat_at = 0 WHERE id = ? AND landed_at = 0`, run)
		if err == nil && n != 1 {
			return errGone() // landed after all, or gone already
		}
		return err
	})
	if err != nil {
		return err
	}
	for more := true; more; {
		err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			more, err = discardPiece(ctx, tx, run)
			return err
		})
		if err != nil {
			return fmt.Errorf("clearing away an import: %w", err)
		}
	}
	return nil
}

func discardPiece(ctx context.Context, tx *db.Tx, run string) (more bool, err error) {
	ids := func(table string) ([]string, error) {
		return db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) },
			`SELECT id FROM `+table+` WHERE import_id = ? AND import_id <> '' LIMIT ?`, run, sweepChunk)
	}
	loans, err := ids("loan")
	if err != nil {
		return false, err
	}
	if len(loans) > 0 {
		in := db.In("loan_id", loans)
		for _, table := range []string{"ledger_entry", "loan_portfolio"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE `+in.SQL(), in.Args()...); err != nil {
				return false, err
			}
		}
		in = db.In("id", loans)
		_, err = tx.Exec(ctx, `DELETE FROM loan WHERE `+in.SQL(), in.Args()...)
		return true, err
	}
	people, err := ids("borrower")
	if err != nil {
		return false, err
	}
	if len(people) > 0 {
		in := db.In("id", people)
		_, err = tx.Exec(ctx, `DELETE FROM borrower WHERE `+in.SQL(), in.Args()...)
		return true, err
	}
	_, err = tx.Exec(ctx, `DELETE FROM import_run WHERE id = ? AND landed_at = 0`, run)
	return false, err
}

// Sweep clears away imports that died before they landed. At start, atStart on
// SQLite takes every one, because nobody else can be at work; otherwise those of
// which nothing was heard for two minutes.
func (d *Desk) Sweep(ctx context.Context, t *tenant.Tenant, atStart bool) error {
	before := t.DB.Now() - lifetime.Microseconds()
	if atStart && t.DB.Engine() == db.SQLite {
		before = t.DB.Now() + 1
	}
	var runs []string
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		runs, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) },
			`SELECT id FROM import_run WHERE landed_at = 0 AND beat_at < ? ORDER BY id`, before)
		return err
	})
	if err != nil {
		return err
	}
	for _, run := range runs {
		if err := discard(ctx, t, run); err != nil && !fault.Is(err, fault.Conflict) {
			return err
		}
	}
	return nil
}
