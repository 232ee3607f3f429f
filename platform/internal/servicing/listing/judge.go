package listing

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// judge holds the loans of a page to the scope's own rules. Where these read no
// more than the page reads anyway, it judges in the program and the statement
// need not look for portfolios rule by rule; else the statement does.
type judge struct {
	rules []*rule.Expr
	today civil.Date
	cond  db.Cond // what is left to the statement
}

func judgeOf(sc gate.Scope) judge {
	rules := sc.LoanRules()
	known := book.LoanWords()
	for _, e := range rules {
		for _, word := range e.Fields() {
			if !slices.Contains(known, word) {
				return judge{cond: sc.Loans()}
			}
		}
	}
	if len(rules) == 0 { // everything, or nothing
		return judge{cond: sc.Loans()}
	}
	return judge{rules: rules, today: sc.Today(), cond: db.True()}
}

// shows reports whether every rule shows a loan.
func (j judge) shows(facts rule.Row) bool {
	return !slices.ContainsFunc(j.rules, func(e *rule.Expr) bool { return !e.Match(facts, j.today) })
}

// portfolios are those of one loan, by name.
type portfolios struct{ ids, names []string }

func portfoliosOf(ctx context.Context, tx *db.Tx, loans []id.Loan) (map[id.Loan]portfolios, error) {
	out := make(map[id.Loan]portfolios, len(loans))
	if len(loans) == 0 {
		return out, nil
	}
	in := db.In("lp.loan_id", loans)
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var l id.Loan
		var key, name string
		err := r.Scan(&l, &key, &name)
		p := out[l]
		out[l] = portfolios{append(p.ids, key), append(p.names, name)}
		return struct{}{}, err
	}, `SELECT lp.loan_id, p.id, p.name FROM loan_portfolio lp JOIN portfolio p ON p.id = lp.portfolio_id WHERE `+in.SQL()+` ORDER BY p.name`, in.Args()...)
	return out, err
}
