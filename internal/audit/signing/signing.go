// Package signing is whose signature stands under a trail: the keys that sign now,
// those that ever did, and how each was handed over to the next.
//
// While a signing key is turned the new one and the old one both sign. So that an
// auditor who was told the old key can trust the new one, the old key signs a statement
// that names it: the handover. It is made once and kept for ever.
package signing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

const (
	knownHandover = `SELECT COUNT(*) FROM audit_handover WHERE key = ?`
	saveHandover  = `INSERT INTO audit_handover (key, at, note) VALUES (?, ?, ?)`
	allHandovers  = `SELECT note FROM audit_handover ORDER BY at, key`
)

// Signers gives every key that signs now, newest first.
func Signers(r *keys.Ring) []checkpoint.Signer {
	var out []checkpoint.Signer
	for _, s := range r.Signers() {
		out = append(out, checkpoint.Signer{Name: checkpoint.Origin(string(r.Tenant())), Public: s.Public, Make: s.Sign})
	}
	return out
}

// Keys gives the public key of every version that there was, newest first, in the words
// in which they are handed on.
func Keys(r *keys.Ring) ([]string, error) {
	versions := r.Versions(keys.Sign)
	out := make([]string, 0, len(versions))
	for i := len(versions) - 1; i >= 0; i-- {
		k, err := checkpoint.Key(checkpoint.Origin(string(r.Tenant())), versions[i].Public)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, nil
}

// HandOver lets each key that signs name the one after it, where that was not done yet.
func HandOver(ctx context.Context, tx *db.Tx, r *keys.Ring) error {
	list := Signers(r)
	for i := range len(list) - 1 {
		next, old := list[i], list[i+1]
		key, err := checkpoint.Key(next.Name, next.Public)
		if err != nil {
			return err
		}
		var known int64
		if err := tx.One(ctx, knownHandover, []any{key}, &known); err != nil {
			return err
		}
		if known > 0 {
			continue
		}
		note, err := checkpoint.Sign(checkpoint.Handover(next.Name, key), old)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, saveHandover, key, tx.At, note); err != nil {
			return err
		}
	}
	return nil
}

// Handovers gives every handover, the oldest first.
func Handovers(ctx context.Context, tx *db.Tx) ([]string, error) {
	return db.All(ctx, tx, func(r *db.Rows) (note string, err error) {
		err = r.Scan(&note)
		return note, err
	}, allHandovers)
}
