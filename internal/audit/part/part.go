// Package part is the sealed part of an audit entry: what lies beside the body
// because it must not lie in the clear, and how a value of it is forgotten.
//
// Invariants: the body, which is hashed, holds salted commitments to the values,
// so that a value can go and every proof still holds; that a value was forgotten
// lies sealed like the value did, so that nobody without the key can pretend it.
//
// It must not know entries, the trail, or whom a value is about.
package part

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// Name is the part's name in the associated data.
const Name = "sealed"

// Value is one value in the clear, on its way into a group. Without its salt
// nobody can try values against the commitment.
type Value struct {
	Label string `json:"label"`
	Salt  []byte `json:"salt"`
	Value string `json:"value"`
	// Gone: the person whom it told of was erased; salt and value are empty.
	Gone bool `json:"gone,omitempty"`
}

// Group is what lies under one key: a person's or, with none, the audit key.
type Group struct {
	Person string `json:"person,omitempty"`
	Cipher []byte `json:"cipher"`
}

// Walk goes through a trail and forgets values under the audit key. What lies
// under the key of a person goes with that key.
type Walk struct {
	DB      *db.DB
	Ring    *keys.Ring
	Objects map[string]bool         // entries about these lose every such value
	Tells   func(value string) bool // others lose the values that this is true of
}

// window is how many places of the trail one step looks at.
const window = 20_000

// Forget looks at the places of the trail after a mark, and gives the next mark;
// more is false behind the last. It begins, at 0, with what has no place yet.
func (w *Walk) Forget(ctx context.Context, after int64) (next int64, more bool, err error) {
	if after == 0 {
		if err := w.over(ctx, "audit_pending", "n", db.True()); err != nil {
			return 0, false, err
		}
	}
	var last int64
	err = w.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT COALESCE(MAX(sequence), 0) FROM audit_entry`, nil, &last)
	})
	if err != nil {
		return 0, false, err
	}
	next = after + window
	err = w.over(ctx, "audit_entry", "sequence", db.Where("sequence > ? AND sequence <= ?", after, next))
	return next, next < last, err
}

type row struct {
	n               int64
	id, object      string
	sealed, without []byte
}

// over forgets in the rows of one table that meet a condition. A row whose sealed part
// has changed since it was read is read again: it may have been disposed of, and then
// nothing may come back, or sealed under a newer key, and then it still tells.
func (w *Walk) over(ctx context.Context, table, key string, cond db.Cond) error {
	for {
		if moved, err := w.pass(ctx, table, key, cond); err != nil || !moved {
			return err
		}
	}
}

// pass forgets in what it reads; moved says that some of it was not there any more as it
// was read.
func (w *Walk) pass(ctx context.Context, table, key string, cond db.Cond) (moved bool, err error) {
	var changed []row
	err = w.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		changed = nil
		_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
			var one row
			if err := r.Scan(&one.n, &one.id, &one.object, &one.sealed); err != nil {
				return struct{}{}, err
			}
			var err error
			if one.without, err = w.without(&one); one.without != nil {
				changed = append(changed, one)
			}
			return struct{}{}, err
		}, `SELECT `+key+`, id, object, sealed FROM `+table+` WHERE length(sealed) > 0 AND `+cond.SQL(), cond.Args()...)
		return err
	})
	if err != nil || len(changed) == 0 {
		return false, err
	}
	err = w.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		moved = false
		for _, one := range changed {
			// An entry that has been given its place meanwhile is met there.
			n, err := tx.Exec(ctx, `UPDATE `+table+` SET sealed = ? WHERE `+key+` = ? AND id = ? AND sealed = ?`, one.without, one.n, one.id, one.sealed)
			if err != nil {
				return err
			}
			moved = moved || n == 0
		}
		return nil
	})
	return moved, err
}

// without gives the sealed part of an entry without what is forgotten; nil where
// nothing is.
func (w *Walk) without(r *row) ([]byte, error) {
	var groups []Group
	if err := json.Unmarshal(r.sealed, &groups); err != nil {
		return nil, fmt.Errorf("the sealed part of %s is not of a known form: %w", r.id, err)
	}
	forgot := false
	for i := range groups {
		g := &groups[i]
		if g.Person != "" {
			continue
		}
		plain, err := w.Ring.UnsealAudit(r.id, Name, g.Cipher)
		if err != nil {
			return nil, fmt.Errorf("opening the sealed part of %s: %w", r.id, err)
		}
		var values []Value
		if err := json.Unmarshal(plain, &values); err != nil {
			return nil, fmt.Errorf("the sealed values of %s are not of a known form: %w", r.id, err)
		}
		some := false
		for k := range values {
			if v := &values[k]; !v.Gone && strings.TrimSpace(v.Value) != "" && (w.Objects[r.object] || w.Tells(v.Value)) {
				*v, some = Value{Label: v.Label, Gone: true}, true
			}
		}
		if !some {
			continue
		}
		if plain, err = json.Marshal(values); err != nil {
			return nil, err
		}
		if g.Cipher, err = w.Ring.SealAudit(r.id, Name, plain); err != nil {
			return nil, err
		}
		forgot = true
	}
	if !forgot {
		return nil, nil
	}
	return json.Marshal(groups)
}
