package sight

import (
	"context"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// A page reaches pageReach loans of a set, and passes at most walkReach loans
// of the whole book on the way where the set is walked. On both engines that
// costs less than a tenth of the page.
const (
	pageReach = 51
	walkReach = 1500
)

// thin gives up the places of a new set in orders that every payment moves, if
// the set's loans lie scattered there: then its page is a short walk through the
// order's index on loan, and a payment moves nothing for it.
func thin(ctx context.Context, t *tenant.Tenant, key string) error {
	var sets []Set
	walked := map[int64]int64{}
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		if sets, err = db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s WHERE s.set_key = ? AND s.state = 1 AND s.bit <> 0`, key); err != nil {
			return err
		}
		for _, s := range sets {
			for _, o := range Orders() {
				if !o.shown {
					continue
				}
				scattered, err := s.scattered(ctx, tx, o)
				if err != nil {
					return err
				}
				if scattered {
					walked[s.No] |= 1 << o.No
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking how a visible set lies: %w", err)
	}
	return t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for no, orders := range sorted(walked) {
			if _, err := tx.Exec(ctx, `UPDATE visible_set SET walked = ? WHERE set_no = ? AND state = 1`, orders, no); err != nil {
				return err
			}
		}
		return nil
	})
}

// scattered reports whether every page of the set, wherever it begins, ends
// within walkReach loans of the book in an order.
func (s *Set) scattered(ctx context.Context, tx *db.Tx, o Order) (bool, error) {
	rows, err := tx.Query(ctx, `SELECT CASE WHEN (l.shown & ?) <> 0 THEN 1 ELSE 0 END FROM loan l ORDER BY l.`+o.Key+`, l.number`, s.Bit)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var last [pageReach]int64 // where the last visible ones lay, as a ring
	var at, seen int64
	for rows.Next() {
		var in int64
		if err := rows.Scan(&in); err != nil {
			return false, err
		}
		at++
		if at-last[seen%pageReach] > walkReach {
			return false, nil
		}
		if in == 1 {
			last[seen%pageReach] = at
			seen++
		}
	}
	return true, rows.Err()
}
