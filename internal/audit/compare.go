package audit

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/audit/tree"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

const verifySigned = `SELECT size, at, note FROM audit_checkpoint WHERE size > ? ORDER BY size LIMIT ?`

// signed walks the checkpoints that a trail is held against, in step with its entries.
type signed struct {
	tx        *db.Tx
	keys      []string
	elsewhere []checkpoint.Checkpoint // ascending
	stored    []Signed                // a page, ascending
	whole     bool                    // no page comes after it
	last      int64                   // size of the stored one before
	agreed    int64                   // size up to which all agree
}

// expect reads the checkpoints that were kept elsewhere, and the first that are stored.
func (v *verifier) expect(ctx context.Context, tx *db.Tx, elsewhere []string) (err error) {
	v.signed.tx = tx
	if v.signed.keys, err = v.t.Keys(); err != nil {
		return err
	}
	if !witnessed {
		elsewhere = nil
	}
	for _, n := range elsewhere {
		c, err := v.open(n)
		if err != nil {
			return fmt.Errorf("a checkpoint kept elsewhere: %w", err)
		}
		v.signed.elsewhere = append(v.signed.elsewhere, c)
	}
	slices.SortStableFunc(v.signed.elsewhere, func(a, b checkpoint.Checkpoint) int { return cmp.Compare(a.Size, b.Size) })
	return v.page(ctx)
}

func (v *verifier) open(note string) (checkpoint.Checkpoint, error) {
	c, _, err := checkpoint.Open(note, v.signed.keys...)
	if err == nil && c.Origin != v.t.Origin() {
		err = fmt.Errorf("it is of another trail, %q", c.Origin)
	}
	return c, err
}

func (v *verifier) page(ctx context.Context) (err error) {
	v.signed.stored, err = db.All(ctx, v.signed.tx, func(r *db.Rows) (s Signed, err error) {
		err = r.Scan(&s.Size, &s.At, &s.Note)
		return s, err
	}, verifySigned, v.signed.last, verifyRows)
	v.signed.whole = len(v.signed.stored) < verifyRows
	return err
}

// reached compares the checkpoints of the size that the tree has now.
func (v *verifier) reached(ctx context.Context) error {
	size := v.tree.Size()
	for len(v.signed.elsewhere) > 0 && v.signed.elsewhere[0].Size <= size {
		c := v.signed.elsewhere[0]
		v.signed.elsewhere = v.signed.elsewhere[1:]
		if c.Size == size && c.Root != v.tree.Root() {
			return v.parted(c, "kept elsewhere")
		}
		v.gone.Passed(c.At)
	}
	for len(v.signed.stored) > 0 && v.signed.stored[0].Size <= int64(size) {
		s := v.signed.stored[0]
		v.signed.stored, v.signed.last = v.signed.stored[1:], s.Size
		c, err := v.open(s.Note)
		if err != nil || c.Size != uint64(s.Size) || c.At != s.At {
			return &Broken{Sequence: s.Size, Why: "the checkpoint stored for this size is not as it was signed"}
		}
		if c.Root != v.tree.Root() {
			return v.parted(c, "stored beside the trail")
		}
		v.signed.agreed = s.Size
		v.gone.Passed(c.At)
		if len(v.signed.stored) == 0 && !v.signed.whole {
			if err := v.page(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *verifier) parted(c checkpoint.Checkpoint, kept string) error {
	return &Broken{Sequence: v.signed.agreed + 1, Why: fmt.Sprintf("an entry from here to %d is not as it was when a checkpoint %s was signed: the trail was rewritten", c.Size, kept)}
}

// grown checks that no checkpoint lies beyond the trail, and that the stored tree is
// that of its entries.
func (v *verifier) grown(ctx context.Context, tx *db.Tx) error {
	beyond := func(size int64, kept string) error {
		return &Broken{Sequence: int64(v.tree.Size()) + 1, Why: fmt.Sprintf("the entry is missing: a checkpoint %s covers %d entries", kept, size)}
	}
	if len(v.signed.elsewhere) > 0 {
		return beyond(int64(v.signed.elsewhere[0].Size), "kept elsewhere")
	}
	if len(v.signed.stored) > 0 {
		return beyond(v.signed.stored[0].Size, "stored beside the trail")
	}
	stored, err := tree.Read(ctx, tx)
	if err != nil {
		return &Broken{Sequence: v.trail.length, Why: "the stored tree cannot be read"}
	}
	want, err := v.tree.MarshalBinary()
	if err != nil {
		return err
	}
	have, err := stored.MarshalBinary()
	if err == nil && stored.Size() == v.tree.Size() && !bytes.Equal(want, have) {
		return &Broken{Sequence: v.trail.length, Why: "the stored tree is not that of the entries"}
	}
	if err == nil && stored.Size() > v.tree.Size() {
		return beyond(int64(stored.Size()), "like the stored tree")
	}
	return err
}
