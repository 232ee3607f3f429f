// Package retention disposes of what entries of the audit trail said, once their time
// is over. Of each stay its place, its instant, its object, its leaf and its link, so
// that every proof over the trail still holds; a note about those that went is an
// entry itself, written by the caller in the same transaction.
//
// It knows no category and no hold: it is given conditions over the columns of an
// entry.
package retention

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
)

// Rule says which entries go.
type Rule struct {
	Which  db.Cond // over the columns of an entry
	Stay   db.Cond // of those, the ones that are held; the zero Cond holds none
	Before int64   // made before this instant, unix microseconds
}

const (
	// Rows bounds one disposal, so that writers on SQLite wait for it no longer than
	// for each other.
	Rows = 500
	// stretch bounds one look for entries that may go.
	stretch = 20000
)

// inOrder is by how much entries may stand out of the order of their instants.
const inOrder = 5 * time.Minute

const (
	lastBefore = `SELECT sequence FROM audit_entry WHERE at < ? ORDER BY at DESC LIMIT 1`
	whichGo    = `SELECT sequence, at, id, leaf FROM audit_entry WHERE sequence > ? AND sequence <= ? AND at < ? AND disposal = '' AND `
	blank      = `UPDATE audit_entry SET disposal = ?, actor = '', operation = '', outcome = '', channel = '', address = '', body = ?, sealed = ? WHERE `
)

// End is the sequence up to which entries are older than an instant; 0: none is.
func End(ctx context.Context, tx *db.Tx, before int64) (last int64, err error) {
	err = tx.One(ctx, lastBefore, []any{before - inOrder.Microseconds()}, &last)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return last, err
}

// Next looks from behind a sequence up to end for an entry that goes. It gives how far
// it looked, and whether the entry behind that goes.
func Next(ctx context.Context, tx *db.Tx, r *Rule, after, end int64) (reached int64, found bool, err error) {
	to := min(after+stretch, end)
	if to <= after {
		return after, false, nil
	}
	first, err := r.find(ctx, tx, after, to, 1)
	if err != nil || len(first) == 0 {
		return to, false, err
	}
	return first[0].Sequence - 1, true, nil
}

func (r *Rule) find(ctx context.Context, tx *db.Tx, after, to int64, limit int) ([]disposal.Gone, error) {
	c := db.And(r.Which, db.Not(r.Stay))
	args := append([]any{after, to, r.Before}, c.Args()...)
	return db.All(ctx, tx, func(rows *db.Rows) (g disposal.Gone, err error) {
		var leaf []byte
		if err = rows.Scan(&g.Sequence, &g.At, &g.ID, &leaf); err == nil && copy(g.Leaf[:], leaf) != len(leaf) {
			err = errors.New("an entry whose leaf was altered is not disposed of")
		}
		return g, err
	}, whichGo+c.SQL()+` ORDER BY sequence LIMIT ?`, append(args, limit)...)
}

// Dispose takes at most Rows entries from behind a sequence up to end. The note is
// what the caller's entry must say; one of no entries: there was nothing to take.
func Dispose(ctx context.Context, tx *db.Tx, id string, r *Rule, after, end int64) (disposal.Note, error) {
	going, err := r.find(ctx, tx, after, min(after+stretch, end), Rows)
	if err != nil || len(going) == 0 {
		return disposal.Note{}, err
	}
	var sum disposal.Sum
	sequences := make([]int64, len(going))
	for i, g := range going {
		sum.Add(g)
		sequences[i] = g.Sequence
	}
	in := db.In("sequence", sequences)
	if _, err := tx.Exec(ctx, blank+in.SQL(), append([]any{id, []byte{}, []byte{}}, in.Args()...)...); err != nil {
		return disposal.Note{}, err
	}
	return sum.Note(id), nil
}
