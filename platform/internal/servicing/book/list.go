package book

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
)

// LoanQuery is what a list of loans is asked for. Empty fields do not narrow.
type LoanQuery struct {
	Status    string
	Portfolio id.Portfolio
	Company   id.SourceCompany
	Borrower  id.Borrower
	Text      string // loan number or name begins so, or the whole e-mail or telephone number
	Sort      string // one of LoanSorts; "" is number
	Desc      bool
	After     *Mark
	Limit     int
	Exact     bool // count all, also with filters
	Few       int  // how many loans are gone through without a thought; 0 = 2,000
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
	NextDue      civil.Date // zero for none
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
	s, ready, err := sight.Ready(ctx, tx, sc)
	if err != nil {
		return nil, err
	}
	if q.Few == 0 {
		q.Few = 2000
	}
	k := &search{sc: sc, set: s, ready: ready, q: q}
	if q.Text != "" {
		if k.like, err = likeness(ctx, tx, ring, q.Text, q.Few); err != nil {
			return nil, err
		}
	}
	if q.Portfolio != "" {
		if k.few, err = fewIn(ctx, tx, q.Portfolio, q.Few); err != nil {
			return nil, err
		}
	}
	w := k.way()
	page := &LoanPage{}
	marks, ids, err := w.find(ctx, tx, q)
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
	page.Total, page.Exact, err = k.total(ctx, tx, w)
	return page, err
}

// search is one list with what is known about its size.
type search struct {
	sc    gate.Scope
	set   sight.Set
	ready bool
	q     LoanQuery
	like  *like
	few   bool // the portfolio asked for holds few loans
}

func (k *search) unfiltered() bool {
	return k.q.Status == "" && k.q.Company == "" && k.q.Portfolio == "" && k.q.Borrower == "" && k.q.Text == ""
}

// narrow gives the filters on the loan itself.
func (k *search) narrow() db.Cond {
	c := db.True()
	if k.q.Status != "" {
		c = db.And(c, db.Where("l.status = ?", k.q.Status))
	}
	if k.q.Company != "" {
		c = db.And(c, db.Where("l.source_company_id = ?", k.q.Company))
	}
	if k.q.Borrower != "" {
		c = db.And(c, db.Where("l.borrower_id = ?", k.q.Borrower))
	}
	return c
}

// filters gives all that narrows the list beside the scope.
func (k *search) filters() db.Cond {
	c := k.narrow()
	if k.q.Portfolio != "" {
		c = db.And(c, db.Where("EXISTS (SELECT 1 FROM loan_portfolio lpf WHERE lpf.loan_id = l.id AND lpf.portfolio_id = ?)", k.q.Portfolio))
	}
	if k.like != nil {
		c = db.And(c, k.like.cond())
	}
	return c
}

// visible is what the scope shows, judged loan by loan. The look-up into a kept
// set is a scalar subselect, so that no engine turns it into a join.
func (k *search) visible() db.Cond {
	if k.ready {
		return db.Where("COALESCE((SELECT 1 FROM visible_loan v WHERE v.set_id = ? AND v.number = l.number AND v.loan_id = l.id), 0) = 1", k.set.ID)
	}
	return db.And(k.sc.Loans(), db.Where(landedLoan))
}

// way is how a page is found: tables, condition, and the columns of id and number.
type way struct {
	from, id, number string
	cond             db.Cond
}

// way chooses what drives the page: the kept set when it is in the order asked
// for or small; else a portfolio asked for, likewise; else the loans, walked in
// order until the page is full.
func (k *search) way() way {
	byNumber := k.q.Sort == "" || k.q.Sort == "number"
	sparse := k.q.Borrower != "" || k.like != nil && !k.like.dense // few loans, found by an index
	if k.ready && !sparse {
		member := db.Where("v.set_id = ?", k.set.ID)
		if byNumber && k.unfiltered() {
			return way{"visible_loan v", "v.loan_id", "v.number", member}
		}
		if byNumber && k.q.Portfolio == "" || k.drives() {
			return way{"visible_loan v JOIN loan l ON l.id = v.loan_id", "v.loan_id", "v.number", db.And(member, k.filters())}
		}
	}
	if k.q.Portfolio != "" && !sparse && (byNumber || k.few) {
		c := db.And(k.visible(), db.Where("lpd.portfolio_id = ?", k.q.Portfolio), k.narrow())
		if k.like != nil {
			c = db.And(c, k.like.cond())
		}
		return way{"loan_portfolio lpd JOIN loan l ON l.id = lpd.loan_id", "lpd.loan_id", "lpd.number", c}
	}
	return way{"loan l", "l.id", "l.number", db.And(k.visible(), k.filters())}
}

// drives reports whether going through the whole set is less work than walking
// the loans until a page of the set's is full.
func (k *search) drives() bool {
	if !k.unfiltered() {
		return k.set.Loans <= int64(k.q.Few)
	}
	walked := int64(k.q.Limit+1) * k.set.All / max(k.set.Loans, 1)
	return 2*k.set.Loans < walked
}

func fewIn(ctx context.Context, tx *db.Tx, p id.Portfolio, few int) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM loan_portfolio WHERE portfolio_id = ? LIMIT ?) counted`, []any{p, few + 1}, &n)
	return n <= int64(few), err
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
func (k *search) total(ctx context.Context, tx *db.Tx, w way) (n int64, exact bool, err error) {
	switch {
	case k.unfiltered() && k.ready:
		return k.set.Loans, true, nil
	case k.unfiltered() && k.sc.Everything():
		return n, true, tx.One(ctx, `SELECT loans FROM loan_tally WHERE id = 1`, nil, &n)
	case k.unfiltered() || k.q.Exact:
		return n, true, tx.One(ctx, `SELECT COUNT(*) FROM `+w.from+` WHERE `+w.cond.SQL(), w.cond.Args(), &n)
	}
	ways := []way{w}
	if k.like != nil && k.like.dense {
		ways = append(k.like.branches(k.visible(), k.filtersBesideText()), w)
	}
	for _, w := range ways {
		err = tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM `+w.from+` WHERE `+w.cond.SQL()+` LIMIT ?) counted`, append(w.cond.Args(), countTo+1), &n)
		if err != nil || n > countTo {
			return countTo, false, err
		}
	}
	return n, true, nil
}

func (k *search) filtersBesideText() db.Cond {
	beside := *k
	beside.like = nil
	return beside.filters()
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
		err := r.Scan(&x.ID, &x.Number, &x.Status, &x.Company, &x.Borrower, &p.First, &p.Last, &x.Region, &x.Balance, &x.OldestUnpaid, &x.NextDue)
		x.BorrowerName = p.Name()
		found[x.ID] = x
		return struct{}{}, err
	}, `SELECT l.id, l.number, l.status, COALESCE(sc.name, ''), b.id, b.first_name, b.last_name, b.region, l.principal_balance, l.oldest_unpaid_due, l.next_due
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
