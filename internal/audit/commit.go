package audit

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit/group"
	"github.com/lendkeep/lendkeep/internal/db"
)

// writeBatch commits rows in one transaction of the tenant's database.
func (t *Trail) writeBatch(ctx context.Context, rows []*row) error {
	list := make([]db.Statement, 0, len(rows))
	keyed := slices.Clone(rows)
	// Two nodes must touch the rows of bursts in the same order.
	slices.SortStableFunc(keyed, func(a, b *row) int { return strings.Compare(a.burst, b.burst) })
	brings := false
	for _, r := range keyed {
		s := db.Statement{Query: insertPending, Args: r.args()}
		if r.burst != "" {
			s.Query = insertBurst
		}
		list = append(list, s)
		brings = brings || r.also != nil
	}
	if !brings {
		return t.c.DB.WriteAll(ctx, t.c.DB.Now(), list)
	}
	return t.c.DB.Write(ctx, t.c.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		for _, r := range rows {
			if r.also != nil {
				if err := r.also(ctx, tx); err != nil {
					return &group.Alone{Cause: err}
				}
			}
		}
		for _, s := range list {
			if err := tx.Last(ctx, func(err error) error { return err }, s.Query, s.Args...); err != nil {
				return err
			}
		}
		return nil
	})
}
