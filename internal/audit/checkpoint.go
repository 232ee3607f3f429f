package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/signing"
	"github.com/lendkeep/lendkeep/internal/audit/tree"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

const (
	// signEvery spaces checkpoints while there is work; with the looks of Run it
	// keeps every entry's first checkpoint within a second of its commit.
	signEvery = 500 * time.Millisecond
	// growRows bounds how many leaves one transaction adds to the tree, which is
	// behind only after an upgrade from a trail without one.
	growRows = 5000
)

const (
	workWaits = `SELECT
		(SELECT COUNT(*) FROM (SELECT 1 FROM audit_pending WHERE hold <= ? LIMIT 1) AS waiting),
		COALESCE((SELECT size FROM audit_state WHERE name = ?), 0),
		COALESCE((SELECT MAX(size) FROM audit_checkpoint), 0),
		COALESCE((SELECT MAX(at) FROM audit_checkpoint), 0)`

	saveCheckpoint = `INSERT INTO audit_checkpoint (size, at, note) VALUES (?, ?, ?)`
	lastCheckpoint = `SELECT size, at, note FROM audit_checkpoint ORDER BY size DESC LIMIT 1`
	coveringNote   = `SELECT size, at, note FROM audit_checkpoint WHERE size >= ? ORDER BY size LIMIT 1`
)

// Signed is a checkpoint of the trail as it was signed.
type Signed struct {
	Size int64  // entries that it covers
	At   int64  // unix microseconds
	Note string // the signed note, C2SP tlog-checkpoint
}

// ErrNoCheckpoint is the error of a trail that has none yet.
var ErrNoCheckpoint = errors.New("the trail has no checkpoint yet")

// workThere looks without asking for the writer whether entries wait for their place,
// or a checkpoint is due.
func (t *Trail) workThere(ctx context.Context, last bool) (there bool, err error) {
	now := t.c.DB.Now()
	err = t.c.DB.Read(ctx, now, func(ctx context.Context, tx *db.Tx) error {
		var pending, size, signed, at int64
		if err := tx.One(ctx, workWaits, []any{now, stateName}, &pending, &size, &signed, &at); err != nil {
			return err
		}
		there = pending > 0 || size > signed && (last || now-at >= signEvery.Microseconds())
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("look for unsequenced audit entries: %w", err)
	}
	return there, nil
}

// grow adds what was placed to the tree and signs a checkpoint if one is due; behind
// says that the tree still lacks leaves. A tree that cannot grow, because a row was
// removed under it, does not keep entries from being recorded: it raises the alarm.
func (t *Trail) grow(ctx context.Context, tx *db.Tx, size int64, settled, last bool) (behind bool, err error) {
	grown, err := tree.Grow(ctx, tx, growRows)
	if errors.Is(err, tree.ErrGap) {
		t.c.Log.Error("the audit trail lacks an entry, so no checkpoint can be signed: verify it and compare it with a witness",
			"tenant", string(t.c.Ring.Tenant()), "error", err)
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if grown.Size() != uint64(size) {
		return true, nil
	}
	if !settled && !last {
		return false, nil
	}
	newest, err := t.newest(ctx, tx)
	if err != nil && !errors.Is(err, ErrNoCheckpoint) {
		return false, err
	}
	if newest.Size >= size || !last && tx.At-newest.At < signEvery.Microseconds() {
		return false, nil
	}
	if err := signing.Thin(ctx, tx, newest.At); err != nil {
		return false, err
	}
	return false, t.sign(ctx, tx, grown)
}

func (t *Trail) sign(ctx context.Context, tx *db.Tx, grown *proof.Tree) error {
	if err := signing.HandOver(ctx, tx, t.c.Ring); err != nil {
		return err
	}
	c := checkpoint.Checkpoint{Origin: t.Origin(), Size: grown.Size(), Root: grown.Root(), At: tx.At}
	note, err := checkpoint.Sign(c.Text(), t.Signers()...)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, saveCheckpoint, int64(c.Size), tx.At, note)
	return err
}

// Origin names the trail in checkpoints.
func (t *Trail) Origin() string { return checkpoint.Origin(string(t.c.Ring.Tenant())) }

// Signers are the keys that sign checkpoints and exports now, newest first.
func (t *Trail) Signers() []checkpoint.Signer { return signing.Signers(t.c.Ring) }

// Keys gives every public key that the trail was ever signed with, newest first, in the
// words in which they are handed to auditors and witnesses.
func (t *Trail) Keys() ([]string, error) { return signing.Keys(t.c.Ring) }

// Newest gives the last checkpoint; ErrNoCheckpoint where there is none.
func (t *Trail) Newest(ctx context.Context, tx *db.Tx) (Signed, error) { return t.newest(ctx, tx) }

func (t *Trail) newest(ctx context.Context, tx *db.Tx) (Signed, error) {
	return scanSigned(ctx, tx, lastCheckpoint)
}

// Covering gives the first checkpoint that covers an entry by its sequence.
func (t *Trail) Covering(ctx context.Context, tx *db.Tx, sequence int64) (Signed, error) {
	return scanSigned(ctx, tx, coveringNote, sequence)
}

func scanSigned(ctx context.Context, tx *db.Tx, query string, args ...any) (s Signed, err error) {
	err = tx.One(ctx, query, args, &s.Size, &s.At, &s.Note)
	if errors.Is(err, sql.ErrNoRows) {
		err = ErrNoCheckpoint
	}
	return s, err
}

const listSigned = `SELECT size, at, note FROM audit_checkpoint WHERE size >= ? ORDER BY size DESC LIMIT ?`

// Checkpoints gives the newest that cover an entry (0: any), newest first.
func (t *Trail) Checkpoints(ctx context.Context, tx *db.Tx, covering int64, limit int) ([]Signed, error) {
	return db.All(ctx, tx, func(r *db.Rows) (s Signed, err error) {
		err = r.Scan(&s.Size, &s.At, &s.Note)
		return s, err
	}, listSigned, covering, limit)
}
