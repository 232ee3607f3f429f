package listing

import (
	"context"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// pushedDown reports whether rules that read the date are asked loan by loan,
// because no set of the day stands yet.
func (k *search) pushedDown() bool { return !k.ready && k.sc.Dated() }

// walks reports whether a page is found by a walk: the rule shows so many loans
// that it comes soon. In the order of days past due a range of these is no detour,
// and spares a walk past all that are late, or all that are not.
func (k *search) walks(p *Page) bool {
	return k.pushedDown() && k.unfiltered() && k.q.Sort != "days_past_due" && (!p.Exact || p.Total > int64(k.q.Few))
}

// walled is a condition in which engines see no range or value that they would
// gather loans by: it is asked of each.
func walled(c db.Cond) db.Cond {
	return db.Where("CASE WHEN "+c.SQL()+" THEN 1 ELSE 0 END = 1", c.Args()...)
}

// atLeast counts the loans of a pushed-down rule to a bound: where some ten
// thousand loans in the order of their storage hold enough no others are asked.
func (k *search) atLeast(ctx context.Context, tx *db.Tx, w way) (n int64, exact bool, err error) {
	enough := min(countTo, k.q.Few)
	if k.among.IsTrue() {
		some := way{from: fmt.Sprintf("(SELECT l.* FROM loan l LIMIT %d) l", 10*enough), cond: w.cond}
		if n, err = some.count(ctx, tx, enough+1); err != nil || n > int64(enough) {
			return int64(enough), false, err
		}
	}
	if n, err = w.count(ctx, tx, k.q.Few+1); err != nil || n > int64(k.q.Few) {
		return int64(enough), false, err
	}
	return n, true, nil
}

// among gives the loans of the portfolios in which a loan must be for a rule to
// show it, where these hold few; True where there are none such.
func among(ctx context.Context, tx *db.Tx, sc gate.Scope, few int) (db.Cond, error) {
	for _, e := range sc.LoanRules() {
		for _, p := range conjuncts(e.Outline()) {
			if p.Field != "loan.portfolios" || p.Compare != outline.OneOf {
				continue
			}
			c, err := inFew(ctx, tx, p.Values, few)
			if err != nil || !c.IsTrue() {
				return c, err
			}
		}
	}
	return db.True(), nil
}

// conjuncts are the parts that must all hold.
func conjuncts(p outline.Part) []outline.Part {
	if p.Join != outline.All || p.Not {
		return nil
	}
	return p.Parts
}

func inFew(ctx context.Context, tx *db.Tx, names []string, few int) (db.Cond, error) {
	all, err := book.Portfolios(ctx, tx)
	if err != nil {
		return db.True(), err
	}
	var ids []string
	for _, p := range all {
		if slices.Contains(names, p.Name) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) < len(names) {
		return db.True(), nil // what is not known narrows nothing
	}
	in, n := db.In("lpd.portfolio_id", ids), int64(0)
	err = tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM loan_portfolio lpd WHERE `+in.SQL()+` LIMIT ?) counted`, append(in.Args(), few+1), &n)
	if err != nil || n > int64(few) {
		return db.True(), err
	}
	return db.Where("l.id IN (SELECT lpd.loan_id FROM loan_portfolio lpd WHERE "+in.SQL()+")", in.Args()...), nil
}
