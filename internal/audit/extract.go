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
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
)

// Extract is what of the trail goes into a file for an auditor.
type Extract struct {
	Extent bundle.Extent
	Object string // with bundle.Object
	Filter Filter // with bundle.Part; without cursor and limit
	Size   int64  // of the checkpoint that the file rests on: nothing beyond it
}

const (
	extractRows = `SELECT sequence, object, object_sequence, at, body, leaf, disposal, id FROM audit_entry WHERE sequence > ? AND sequence <= ? AND `
	inOrder     = ` ORDER BY sequence LIMIT ?`
	// The entry before in an object's chain lies just before it in time, or among
	// those that waited for the sequencer together with it.
	linkBefore    = `SELECT chain FROM audit_entry WHERE object = ? AND at <= ? AND object_sequence = ? ORDER BY at DESC LIMIT 1`
	unsignedNotes = `SELECT (SELECT count(*) FROM audit_pending WHERE operation = ?) + (SELECT count(*) FROM audit_entry WHERE operation = ? AND sequence > ?)`
	linkAny       = `SELECT chain FROM audit_entry WHERE object = ? AND object_sequence = ?`
)

// Head begins a file that rests on the newest checkpoint, with proofs to the earlier
// checkpoints of the sizes named; ErrNoCheckpoint before there is one.
func (t *Trail) Head(ctx context.Context, tx *db.Tx, x *Extract, earlier []int64) (bundle.Head, error) {
	var h bundle.Head
	newest, err := t.newest(ctx, tx)
	if err != nil {
		return h, err
	}
	keys, err := t.Keys()
	if err != nil {
		return h, err
	}
	handovers, err := signing.Handovers(ctx, tx)
	if err != nil {
		return h, err
	}
	if err := signedOver(ctx, tx, x, newest.Size); err != nil {
		return h, err
	}
	x.Size = newest.Size
	tenant := string(t.c.Ring.Tenant())
	h = bundle.Head{Origin: t.Origin(), Tenant: tenant, Extent: x.Extent, Object: x.Object, MadeAt: tx.At, Keys: keys, Handovers: handovers, Checkpoint: newest.Note}
	for _, size := range earlier {
		if size < 1 || size >= newest.Size || x.Extent == bundle.Whole { // the whole trail proves each of its beginnings
			continue
		}
		path, err := t.Consistency(ctx, tx, size, newest.Size)
		if err != nil {
			return h, err
		}
		h.Earlier = append(h.Earlier, bundle.EarlierOf(uint64(size), path))
	}
	return h, nil
}

// signedOver refuses a whole trail of which entries are gone by a disposal that no
// checkpoint covers yet: the file could not say so.
func signedOver(ctx context.Context, tx *db.Tx, x *Extract, size int64) error {
	if x.Extent != bundle.Whole {
		return nil
	}
	var n int64
	err := tx.One(ctx, unsignedNotes, []any{disposal.Operation, disposal.Operation, size}, &n)
	if err == nil && n > 0 {
		f := fault.New(fault.Unavailable, "disposal_unsigned", "Entries have just been disposed of, and no checkpoint covers that yet. Try again in a few seconds.")
		f.RetryAfter = 5 * time.Second
		return f
	}
	return err
}

// Consistency proves that the trail of a later size begins with that of an earlier one.
func (t *Trail) Consistency(ctx context.Context, tx *db.Tx, earlier, later int64) ([]proof.Hash, error) {
	return proof.Consistency(uint64(earlier), uint64(later), tree.Nodes(ctx, tx))
}

// Entries gives the entries of a file behind the sequence after, at most limit.
func (t *Trail) Entries(ctx context.Context, tx *db.Tx, x *Extract, after int64, limit int) ([]bundle.Entry, error) {
	if err := signedOver(ctx, tx, x, x.Size); err != nil {
		return nil, err
	}
	narrow := db.True()
	switch x.Extent {
	case bundle.Object:
		narrow = db.Where("object = ?", x.Object)
	case bundle.Part:
		narrow = db.And(x.Filter.narrow(), db.Where("disposal = ''"))
	}
	args := append([]any{after, x.Size}, narrow.Args()...)
	found, err := db.All(ctx, tx, scanExtracted, extractRows+narrow.SQL()+inOrder, append(args, limit)...)
	if err != nil || x.Extent == bundle.Whole {
		return plain(found), err
	}
	read := tree.Nodes(ctx, tx)
	for i := range found {
		f := &found[i]
		if f.Path, err = proof.Inclusion(uint64(f.Sequence-1), uint64(x.Size), read); err != nil {
			return nil, fmt.Errorf("path of entry %d: %w", f.Sequence, err)
		}
		if x.Extent == bundle.Part && f.ObjectSequence > 1 {
			if f.Before, err = before(ctx, tx, f); err != nil {
				return nil, fmt.Errorf("link before entry %d: %w", f.Sequence, err)
			}
		}
	}
	return plain(found), nil
}

// extracted is an entry with what finds the one before it.
type extracted struct {
	bundle.Entry
}

func scanExtracted(r *db.Rows) (x extracted, err error) {
	var leaf []byte
	if err := r.Scan(&x.Sequence, &x.Object, &x.ObjectSequence, &x.At, &x.Stored, &leaf, &x.Disposal, &x.ID); err != nil {
		return x, err
	}
	copy(x.Leaf[:], leaf) // a leaf of another length is not the entry's: the reader of the file names it
	return x, nil
}

func plain(found []extracted) []bundle.Entry {
	out := make([]bundle.Entry, len(found))
	for i := range found {
		out[i] = found[i].Entry
	}
	return out
}

// before is the link of the object's chain that stands before an entry.
func before(ctx context.Context, tx *db.Tx, x *extracted) (h proof.Hash, err error) {
	const together = 120e6 // microseconds; a burst waits a minute
	var chain []byte
	err = tx.One(ctx, linkBefore, []any{x.Object, x.At + together, x.ObjectSequence - 1}, &chain)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.One(ctx, linkAny, []any{x.Object, x.ObjectSequence - 1}, &chain)
	}
	copy(h[:], chain)
	return h, err
}
