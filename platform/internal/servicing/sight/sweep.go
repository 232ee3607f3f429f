package sight

import (
	"context"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// sweepChunk is how many places one transaction removes at most.
const sweepChunk = 3000

// sweepSets removes void sets, and places in orders that are walked, piece by
// piece.
func sweepSets(ctx context.Context, t *tenant.Tenant) error {
	for done := false; !done; {
		// An exclusive write, because a number is given again: whoever still
		// keeps the set must have come to an end before its row is gone.
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			sets, err := db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s WHERE s.state = 2 OR s.walked <> 0 ORDER BY s.set_no`)
			if err != nil {
				return err
			}
			for _, s := range sets {
				if some, err := s.sweep(ctx, tx); err != nil || some {
					return err
				}
			}
			done = true
			return nil
		})
		if err != nil {
			return fmt.Errorf("sweeping visible sets: %w", err)
		}
	}
	return nil
}

// sweep removes the next places that serve nobody, and at last a void set
// itself. It reports whether there was anything to do.
func (s *Set) sweep(ctx context.Context, tx *db.Tx) (some bool, err error) {
	if s.State != setVoid {
		for _, o := range Orders() {
			if !s.Walks(o) {
				continue
			}
			n, err := s.strike(ctx, tx, db.Where("p.set_no = ? AND p.sort = ?", s.No, o.No))
			if err != nil || n > 0 {
				return true, err
			}
		}
		return false, nil
	}
	n, err := s.strike(ctx, tx, db.Where("p.set_no = ?", s.No))
	if err == nil && n == 0 {
		_, err = tx.Exec(ctx, `DELETE FROM visible_set WHERE set_no = ?`, s.No)
	}
	return true, err
}

// strike removes the next of the places p that meet a condition, and with a
// place in the order of numbers the set's bit from the loan.
func (s *Set) strike(ctx context.Context, tx *db.Tx, c db.Cond) (int64, error) {
	type place struct {
		sort, num   int64
		txt, number string
	}
	next, err := db.All(ctx, tx, func(r *db.Rows) (p place, err error) {
		return p, r.Scan(&p.sort, &p.num, &p.txt, &p.number)
	}, `SELECT p.sort, p.num, p.txt, p.number FROM visible_place p WHERE `+c.SQL()+` ORDER BY p.set_no, p.sort, p.num, p.txt, p.number LIMIT ?`, append(c.Args(), sweepChunk)...)
	if err != nil || len(next) == 0 {
		return 0, err
	}
	last := next[len(next)-1]
	struck := db.And(c, db.Where("(p.sort, p.num, p.txt, p.number) <= (?, ?, ?, ?)", last.sort, last.num, last.txt, last.number))
	if next[0].sort == 0 && s.Bit != 0 {
		if _, err := tx.Exec(ctx, `UPDATE loan SET shown = shown & ? WHERE number IN (SELECT p.number FROM visible_place p WHERE p.sort = 0 AND `+struck.SQL()+`)`,
			append([]any{^s.Bit}, struck.Args()...)...); err != nil {
			return 0, err
		}
	}
	return tx.Exec(ctx, `DELETE FROM visible_place AS p WHERE `+struck.SQL(), struck.Args()...)
}
