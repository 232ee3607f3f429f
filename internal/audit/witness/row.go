package witness

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Row is a witness as it is stored. Times are unix microseconds.
type Row struct {
	ID        id.Witness
	Kind      string // File, HTTPS or Mail
	Target    string // a folder, an address, a mailbox
	Key       string // by which an HTTPS witness signs; empty: not checked
	Active    bool
	CreatedAt int64
	CreatedBy string
	Taken     Taken  // what it took last
	TakenAt   int64  // 0: nothing yet
	TriedAt   int64  // 0: never
	Trouble   string // of the last try; empty: it took it
	PartedAt  int64  // since when it contradicts the trail; 0: it does not
}

const (
	columns    = `id, kind, target, key, active, created_at, created_by, size, note, taken_at, tried_at, trouble, parted`
	selectRows = `SELECT ` + columns + ` FROM audit_witness ORDER BY created_at, id`
	insertRow  = `INSERT INTO audit_witness (` + columns + `) VALUES (?, ?, ?, ?, 1, ?, ?, 0, '', 0, 0, '', 0)`
	switchRow  = `UPDATE audit_witness SET active = ? WHERE id = ? AND active <> ?`
	// Only one node tries a witness at a time.
	claimRow = `UPDATE audit_witness SET tried_at = ? WHERE id = ? AND tried_at = ?`
	tookRow  = `UPDATE audit_witness SET size = ?, note = ?, taken_at = ?, trouble = '' WHERE id = ? AND size <= ?`
	// What once parted stays so until somebody ends this witness and names it anew.
	failedRow = `UPDATE audit_witness SET trouble = ?, parted = CASE WHEN parted = 0 THEN ? ELSE parted END WHERE id = ?`
)

func scan(r *db.Rows) (w Row, err error) {
	var active int64
	err = r.Scan(&w.ID, &w.Kind, &w.Target, &w.Key, &active, &w.CreatedAt, &w.CreatedBy, &w.Taken.Size, &w.Taken.Note, &w.TakenAt, &w.TriedAt, &w.Trouble, &w.PartedAt)
	w.Active = active != 0
	return w, err
}

// All gives every witness of a trail, the ended ones too, the oldest first.
func All(ctx context.Context, tx *db.Tx) ([]Row, error) { return db.All(ctx, tx, scan, selectRows) }

// Insert names a witness.
func Insert(ctx context.Context, tx *db.Tx, w *Row) error {
	_, err := tx.Exec(ctx, insertRow, string(w.ID), w.Kind, w.Target, w.Key, w.CreatedAt, w.CreatedBy)
	return err
}

// Switch ends a witness, or takes it up again; it reports whether that changed anything.
func Switch(ctx context.Context, tx *db.Tx, w id.Witness, active bool) (bool, error) {
	on := int64(0)
	if active {
		on = 1
	}
	n, err := tx.Exec(ctx, switchRow, on, string(w), on)
	return n == 1, err
}

// Operated makes the operator's folder, and no other one, a witness; without a folder
// it ends the one that was.
func Operated(ctx context.Context, tx *db.Tx, folder, by string) error {
	rows, err := All(ctx, tx)
	if err != nil {
		return err
	}
	there := false
	for _, r := range rows {
		if r.Kind != File {
			continue
		}
		there = there || r.Target == folder
		if _, err := Switch(ctx, tx, r.ID, r.Target == folder); err != nil {
			return err
		}
	}
	if folder == "" || there {
		return nil
	}
	return Insert(ctx, tx, &Row{ID: id.New[id.Witness](tx.At), Kind: File, Target: folder, CreatedAt: tx.At, CreatedBy: by})
}
