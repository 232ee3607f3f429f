package shelf

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// chunk is how many loans are moved in one transaction: few enough that nobody
// waits for it noticeably.
const chunk = 200

// placed is a loan that is to be moved, and where it is.
type placed struct {
	ID            id.Loan
	Number        string
	Before, After []string // names of its portfolios, sorted
}

// find gives the loans that are named by id or number and that the scope shows,
// by what they were named.
func find(ctx context.Context, tx *db.Tx, sc gate.Scope, given []string) (map[string]*placed, error) {
	cond := db.And(sc.Loans(), db.Where(gate.Landed), db.Or(db.In("l.id", given), db.In("l.number", given)))
	out := map[string]*placed{}
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		l := new(placed)
		err := r.Scan(&l.ID, &l.Number)
		out[string(l.ID)], out[l.Number] = l, l
		return struct{}{}, err
	}, `SELECT l.id, l.number FROM loan l WHERE `+cond.SQL(), cond.Args()...)
	return out, err
}

// relocate locks loans, puts them into some portfolios and takes them out of
// others; the loans say where they were and where they are. It gives the ids of
// those that have moved.
func relocate(ctx context.Context, tx *db.Tx, loans []*placed, add, remove []id.Portfolio) ([]id.Loan, error) {
	if len(loans) == 0 {
		return nil, nil
	}
	ids := make([]id.Loan, len(loans))
	for i, l := range loans {
		ids[i] = l.ID
	}
	slices.Sort(ids) // one order of locks for everybody
	in := db.In("id", ids)
	if _, err := tx.Exec(ctx, `UPDATE loan SET revision = revision + 1 WHERE `+in.SQL(), in.Args()...); err != nil {
		return nil, err
	}
	before, err := book.PortfoliosOf(ctx, tx, ids)
	if err != nil {
		return nil, err
	}
	if err := write(ctx, tx, ids, add, remove); err != nil {
		return nil, err
	}
	after, err := book.PortfoliosOf(ctx, tx, ids)
	var moved []id.Loan
	for _, l := range loans {
		if l.Before, l.After = before[l.ID], after[l.ID]; !slices.Equal(l.Before, l.After) {
			moved = append(moved, l.ID)
		}
	}
	return moved, err
}

func write(ctx context.Context, tx *db.Tx, ids []id.Loan, add, remove []id.Portfolio) error {
	if len(remove) > 0 {
		gone := db.And(db.In("loan_id", ids), db.In("portfolio_id", remove))
		if _, err := tx.Exec(ctx, `DELETE FROM loan_portfolio WHERE `+gone.SQL(), gone.Args()...); err != nil {
			return err
		}
	}
	in := db.In("l.id", ids)
	for _, p := range add {
		// The place is read from the table: a parameter alone has no type there.
		_, err := tx.Exec(ctx, `INSERT INTO loan_portfolio (loan_id, portfolio_id, number) SELECT l.id, p.id, l.number FROM loan l JOIN portfolio p ON p.id = ?
			WHERE `+in.SQL()+` AND NOT EXISTS (SELECT 1 FROM loan_portfolio lp WHERE lp.loan_id = l.id AND lp.portfolio_id = p.id)`, append([]any{p}, in.Args()...)...)
		if err != nil {
			return err
		}
	}
	return nil
}
