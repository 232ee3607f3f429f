package policy

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Bond is what keeps somebody's rows narrow as the transaction has it: the
// restrictions that bind now, own and through teams, but for the loans that are lent.
type Bond struct {
	Name         string
	Active       bool
	Restrictions []id.Restriction
	Lent         []id.Loan
}

// Bonds gives the bond of everybody.
func Bonds(ctx context.Context, tx *db.Tx) (map[id.User]*Bond, error) {
	out := map[id.User]*Bond{}
	_, err := db.All(ctx, tx, func(rows *db.Rows) (u id.User, err error) {
		var b Bond
		var active int64
		var r id.Restriction
		if err = rows.Scan(&u, &b.Name, &active, &r); out[u] == nil {
			b.Active, out[u] = active == 1, &b
		}
		if r != "" {
			out[u].Restrictions = append(out[u].Restrictions, r)
		}
		return u, err
	}, `SELECT u.id, u.name, u.active, COALESCE(h.restriction_id, '') FROM staff u LEFT JOIN (SELECT user_id, restriction_id FROM staff_restriction
		UNION SELECT m.user_id, t.restriction_id FROM team_member m JOIN team_restriction t ON t.team_id = m.team_id) h ON h.user_id = u.id
		AND NOT EXISTS (SELECT 1 FROM restriction_pause p WHERE p.user_id = u.id AND p.restriction_id = h.restriction_id AND p.until > ?) ORDER BY u.id, h.restriction_id`, tx.At)
	if err != nil {
		return nil, err
	}
	loans, err := AllLentLoans(ctx, tx)
	for _, l := range loans {
		if b := out[l.User]; b != nil {
			b.Lent = append(b.Lent, l.Loan)
		}
	}
	return out, err
}
