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

// thin looks how marked sets lie in the orders that every payment moves: where
// the loans of one lie scattered, its page is a short walk through the order's
// index on loan, it needs no places, and a payment moves nothing for it.
func thin(ctx context.Context, t *tenant.Tenant, g []building) error {
	walked := make([]int64, len(g))
	err := t.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for _, o := range Orders() {
			if !o.shown {
				continue
			}
			scattered, err := scattered(ctx, tx, g, o)
			if err != nil {
				return err
			}
			for i, yes := range scattered {
				if yes {
					walked[i] |= 1 << o.No
				}
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("looking how visible sets lie: %w", err)
	}
	return t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		for i, s := range g {
			if _, err := tx.Exec(ctx, `UPDATE visible_set SET walked = ?, built_to = ? WHERE set_no = ? AND made_at = ? AND state = 0 AND built_to = ?`, walked[i], placing, s.No, s.MadeAt, marked); err != nil {
				return err
			}
		}
		return nil
	})
}

// lie is how far a set's loans are from each other, as they are passed.
type lie struct {
	last [pageReach]int64 // where the last visible ones lay, as a ring
	seen int64
	far  bool
}

// scattered reports of each set whether every page of it, wherever it begins,
// ends within walkReach loans of the book in an order.
func scattered(ctx context.Context, tx *db.Tx, g []building, o Order) ([]bool, error) {
	rows, err := tx.Query(ctx, `SELECT l.shown FROM loan l ORDER BY l.`+o.Key+`, l.number`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	lies, near := make([]lie, len(g)), len(g)
	var shown int64
	for at := int64(1); near > 0 && rows.Next(); at++ {
		if err := rows.Scan(&shown); err != nil {
			return nil, err
		}
		for i := range lies {
			x := &lies[i]
			if x.far {
				continue
			}
			if at-x.last[x.seen%pageReach] > walkReach {
				x.far = true
				near--
			} else if shown&g[i].Bit != 0 {
				x.last[x.seen%pageReach] = at
				x.seen++
			}
		}
	}
	out := make([]bool, len(g))
	for i, x := range lies {
		out[i] = !x.far
	}
	return out, rows.Err()
}
