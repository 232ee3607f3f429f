package book

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// LoanQuery is what a list of loans is asked for. Empty fields do not narrow.
type LoanQuery struct {
	Status    string
	Portfolio id.Portfolio
	Company   id.SourceCompany
	Text      string // loan number or name begins so, or the whole e-mail or telephone number
	Sort      string // one of LoanSorts; "" is number
	Desc      bool
	After     *Mark
	Limit     int
	Exact     bool // count all, also with filters
}

// Mark is where a page ended: the sort key and the number of its last loan.
type Mark struct {
	Text   string `json:"t,omitempty"`
	Int    int64  `json:"i,omitempty"`
	Number string `json:"n"`
}

// LoanSorts lists the fields by which loans sort.
func LoanSorts() []string {
	return []string{"number", "borrower", "principal_balance", "days_past_due", "opened_on", "status"}
}

// LoanRow is a loan as lists show it.
type LoanRow struct {
	ID           id.Loan
	Number       string
	Status       string
	Company      string
	Portfolios   []string
	Borrower     id.Borrower
	BorrowerName string
	Region       string
	Balance      money.Amount
	OldestUnpaid civil.Date
}

// LoanPage is one page and the total that goes with it.
type LoanPage struct {
	Rows  []LoanRow
	Total int64
	Exact bool
	Next  *Mark // nil on the last page
}

// countTo bounds exact totals of lists with filters.
const countTo = 1000

// ListLoans gives a page of the loans that the scope shows. The ids of the page
// are found first, by the kept set where there is one; the rows are then read
// under the scope's own condition.
func ListLoans(ctx context.Context, tx *db.Tx, ring *keys.Ring, sc gate.Scope, q LoanQuery) (*LoanPage, error) {
	s, ready, err := readySet(ctx, tx, sc)
	if err != nil {
		return nil, err
	}
	filters := q.filters(ring)
	p := plan(sc, s, ready, filters, q)
	page := &LoanPage{}
	marks, ids, err := p.find(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	if len(ids) > q.Limit {
		ids = ids[:q.Limit]
		page.Next = &marks[q.Limit-1]
	}
	if page.Rows, err = rowsOf(ctx, tx, sc, ids); err != nil {
		return nil, err
	}
	page.Total, page.Exact, err = p.total(ctx, tx, sc, s, ready, filters.IsTrue(), q.Exact)
	return page, err
}

// filters gives what narrows the list beside the scope.
func (q *LoanQuery) filters(ring *keys.Ring) db.Cond {
	c := db.True()
	if q.Status != "" {
		c = db.And(c, db.Where("l.status = ?", q.Status))
	}
	if q.Company != "" {
		c = db.And(c, db.Where("l.source_company_id = ?", q.Company))
	}
	if q.Portfolio != "" {
		c = db.And(c, db.Where("EXISTS (SELECT 1 FROM loan_portfolio lpf WHERE lpf.loan_id = l.id AND lpf.portfolio_id = ?)", q.Portfolio))
	}
	if q.Text != "" {
		c = db.And(c, searched(ring, q.Text))
	}
	return c
}

// way is how a page is found: tables, condition, and the columns of id and number.
type way struct {
	from, id, number string
	cond             db.Cond
}

// plan chooses the way. A kept set drives the page when it is in the order
// asked for or small; when it is large, the loans are walked in order and looked
// up in it.
func plan(sc gate.Scope, s set, ready bool, filters db.Cond, q LoanQuery) way {
	byNumber := q.Sort == "" || q.Sort == "number"
	const small = 20_000
	member := db.Where("v.set_id = ?", s.ID)
	switch {
	case !ready:
		return way{"loan l", "l.id", "l.number", db.And(sc.Loans(), db.Where(landedLoan), filters)}
	case byNumber && filters.IsTrue():
		return way{"visible_loan v", "v.loan_id", "v.number", member}
	case byNumber && q.Text == "" || s.Loans <= small:
		return way{"visible_loan v JOIN loan l ON l.id = v.loan_id", "v.loan_id", "v.number", db.And(member, filters)}
	}
	// A scalar subselect, so that no engine turns the look-up into a join.
	lookUp := db.Where("COALESCE((SELECT 1 FROM visible_loan v WHERE v.set_id = ? AND v.number = l.number AND v.loan_id = l.id), 0) = 1", s.ID)
	return way{"loan l", "l.id", "l.number", db.And(lookUp, filters)}
}

// key gives the sort's column, whether it is text, and whether its order is the
// opposite of what people mean: more days past due is an earlier date.
func (q *LoanQuery) key() (column string, text, opposite bool) {
	switch q.Sort {
	case "borrower":
		return "l.borrower_key", true, false
	case "principal_balance":
		return "l.principal_balance", false, false
	case "days_past_due":
		return "l.due_key", false, true
	case "opened_on":
		return "l.opened_on", false, false
	case "status":
		return "l.status", true, false
	}
	return "", true, false
}

func (w way) find(ctx context.Context, tx *db.Tx, q LoanQuery) ([]Mark, []id.Loan, error) {
	column, text, opposite := q.key()
	down := q.Desc != opposite
	dir, than := "", " > "
	if down {
		dir, than = " DESC", " < "
	}
	cond, order, selected := w.cond, w.number+dir, w.number
	if column != "" {
		order, selected = column+dir+", "+order, column
	}
	if m := q.After; m != nil {
		switch {
		case column == "":
			cond = db.And(cond, db.Where(w.number+than+"?", m.Number))
		case text:
			cond = db.And(cond, db.Where("("+column+", "+w.number+")"+than+"(?, ?)", m.Text, m.Number))
		default:
			cond = db.And(cond, db.Where("("+column+", "+w.number+")"+than+"(?, ?)", m.Int, m.Number))
		}
	}
	var marks []Mark
	ids, err := db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) {
		var m Mark
		if text {
			err = r.Scan(&l, &m.Number, &m.Text)
		} else {
			err = r.Scan(&l, &m.Number, &m.Int)
		}
		marks = append(marks, m)
		return l, err
	}, `SELECT `+w.id+`, `+w.number+`, `+selected+` FROM `+w.from+` WHERE `+cond.SQL()+` ORDER BY `+order+` LIMIT ?`, append(cond.Args(), q.Limit+1)...)
	return marks, ids, err
}

// total gives the exact number of rows, or with filters at least countTo.
func (w way) total(ctx context.Context, tx *db.Tx, sc gate.Scope, s set, ready, unfiltered, exact bool) (n int64, all bool, err error) {
	switch {
	case unfiltered && ready:
		return s.Loans, true, nil
	case unfiltered && sc.Everything():
		return n, true, tx.One(ctx, `SELECT loans FROM loan_tally WHERE id = 1`, nil, &n)
	case unfiltered || exact:
		return n, true, tx.One(ctx, `SELECT COUNT(*) FROM `+w.from+` WHERE `+w.cond.SQL(), w.cond.Args(), &n)
	}
	err = tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM `+w.from+` WHERE `+w.cond.SQL()+` LIMIT ?) counted`, append(w.cond.Args(), countTo+1), &n)
	if n > countTo {
		return countTo, false, err
	}
	return n, true, err
}

// rowsOf reads the loans of a page under the scope, in the page's order.
func rowsOf(ctx context.Context, tx *db.Tx, sc gate.Scope, ids []id.Loan) ([]LoanRow, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	cond := db.And(sc.Loans(), db.In("l.id", ids), db.Where(landedLoan))
	found := make(map[id.Loan]*LoanRow, len(ids))
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		x, p := new(LoanRow), Person{}
		err := r.Scan(&x.ID, &x.Number, &x.Status, &x.Company, &x.Borrower, &p.First, &p.Last, &x.Region, &x.Balance, &x.OldestUnpaid)
		x.BorrowerName = p.Name()
		found[x.ID] = x
		return struct{}{}, err
	}, `SELECT l.id, l.number, l.status, COALESCE(sc.name, ''), b.id, b.first_name, b.last_name, b.region, l.principal_balance, l.oldest_unpaid_due
		FROM loan l JOIN borrower b ON b.id = l.borrower_id LEFT JOIN source_company sc ON sc.id = l.source_company_id WHERE `+cond.SQL(), cond.Args()...)
	if err != nil {
		return nil, err
	}
	names, err := PortfoliosOf(ctx, tx, ids)
	out := make([]LoanRow, 0, len(ids))
	for _, l := range ids {
		if x := found[l]; x != nil {
			x.Portfolios = names[l]
			out = append(out, *x)
		}
	}
	return out, err
}
