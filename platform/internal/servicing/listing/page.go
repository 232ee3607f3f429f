// Package listing finds pages of the loan book: in any order, narrowed by filters
// and by a search, with totals.
//
// Invariants:
//   - A kept set (package sight) or an index says where a page's loans lie and
//     decides nothing: every row shown has met the Scope's own rules.
//   - A total counts what the pages show, and says when it stopped counting.
//
// It must not know operations, HTTP, or how a role came to its scope.
package listing

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
)

// Query is what a list of loans is asked for. Empty fields do not narrow.
type Query struct {
	Status    string
	Portfolio id.Portfolio
	Company   id.SourceCompany
	Borrower  id.Borrower
	Text      string // loan number or name begins so, or the whole e-mail or telephone number
	Sort      string // one of Sorts; "" is number
	Desc      bool
	After     *Mark
	Limit     int
	Exact     bool     // count all, also with filters
	Unnamed   *db.Cond // over l: of which loans the borrower is withheld; nil: of none
	Few       int      // how many loans are gone through without a thought; 0 = 2,000
}

// Mark is where a page ended: the sort key and the number of its last loan.
type Mark struct {
	Text   string `json:"t,omitempty"`
	Int    int64  `json:"i,omitempty"`
	Number string `json:"n"`
}

// Sorts lists the fields by which loans sort.
func Sorts() []string {
	return []string{"number", "borrower", "principal_balance", "days_past_due", "opened_on", "status"}
}

// Row is a loan as lists show it.
type Row struct {
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
	Unnamed      bool       // the borrower and the region are withheld
}

// Page is one page and the total that goes with it.
type Page struct {
	Rows  []Row
	Total int64
	Exact bool
	Next  *Mark // nil on the last page
	Slow  bool  // a kept set would have made it quick, and there is none ready
}

// countTo bounds exact totals of lists with filters.
const countTo = 1000

// Loans gives a page of the loans that the scope shows. The ids of the page
// are found first, by the kept set where there is one; the rows are then read
// under the scope's own condition.
func Loans(ctx context.Context, tx *db.Tx, ring *keys.Ring, sc gate.Scope, q Query) (*Page, error) {
	s, ready, err := sight.Ready(ctx, tx, sc)
	if err != nil {
		return nil, err
	}
	if q.Few == 0 {
		q.Few = 2000
	}
	k := &search{sc: sc, set: s, ready: ready, q: q, landed: db.Where(sight.Landed), among: db.True()}
	if !ready && !sc.Everything() {
		if k.landed, err = landed(ctx, tx); err != nil {
			return nil, err
		}
	}
	if q.Text != "" {
		if k.like, err = likeness(ctx, tx, ring, q.Text, q.Few); err != nil {
			return nil, err
		}
		k.like.named = q.named()
	}
	if q.Portfolio != "" {
		if k.few, err = fewIn(ctx, tx, q.Portfolio, q.Few); err != nil {
			return nil, err
		}
	}
	if k.pushedDown() {
		if k.among, err = among(ctx, tx, sc, q.Few); err != nil {
			return nil, err
		}
	}
	page := &Page{Slow: !ready && !sc.Everything()}
	w := k.way()
	page.Total, page.Exact, err = k.total(ctx, tx, w)
	if err != nil {
		return nil, err
	}
	if k.walks(page) {
		w.cond = walled(w.cond)
	}
	marks, err := w.find(ctx, tx, q)
	if err != nil {
		return nil, err
	}
	if len(marks) > q.Limit {
		marks = marks[:q.Limit]
		page.Next = &marks[q.Limit-1]
	}
	page.Rows, err = rowsOf(ctx, tx, sc, q.Unnamed, marks)
	return page, err
}

// named gives the loans whose borrower may be told, and so be asked by.
func (q *Query) named() db.Cond {
	if q.Unnamed == nil {
		return db.True()
	}
	return db.Not(*q.Unnamed)
}

// search is one list with what is known about its size.
type search struct {
	sc    gate.Scope
	set   sight.Set
	ready bool
	q     Query
	like  *like
	few   bool // the portfolio asked for holds few loans

	landed db.Cond // leaves out what an import has not landed yet
	among  db.Cond // where the rules' loans are, if that is known to be a small place
}

// landed gives the condition that leaves out what an import has not landed yet.
// When there is no such import it need not be asked of each loan, and a count
// can do with an index.
func landed(ctx context.Context, tx *db.Tx) (db.Cond, error) {
	var open int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM import_run WHERE landed_at = 0`, nil, &open)
	if open == 0 {
		return db.True(), err
	}
	return db.Where(sight.Landed), err
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
		c = db.And(c, db.Where("l.borrower_id = ?", k.q.Borrower), k.q.named())
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

// visible is what the scope shows, judged loan by loan.
func (k *search) visible() db.Cond {
	if k.ready {
		return k.set.In()
	}
	if !k.among.IsTrue() {
		return db.And(k.among, walled(db.And(k.sc.Loans(), k.landed)))
	}
	return db.And(k.sc.Loans(), k.landed)
}

// way is how a page is found: tables, condition, the column of the number, and
// the keys that give the order before it.
type way struct {
	from, number string
	keys         []key
	cond         db.Cond
}

// key is a column that a page is in order of, a text or a number.
type key struct {
	column string
	text   bool
}

// way chooses what drives the page: the kept set, which lies in the order asked
// for; else a portfolio asked for, when it is in that order or small; else the
// loans, walked in order until the page is full.
func (k *search) way() way {
	order := sight.OrderBy(k.q.Sort)
	sparse := k.q.Borrower != "" || k.like != nil && !k.like.dense // few loans, found by an index
	if k.ready && !sparse && !k.set.Walks(order) && (k.q.Portfolio == "" || k.set.Loans <= int64(k.q.Few)) {
		return k.kept(order)
	}
	var keys []key
	if order.Key != "" {
		keys = []key{{"l." + order.Key, order.Text}}
	}
	if k.q.Portfolio != "" && !sparse && (order.Key == "" || k.few) {
		c := db.And(k.visible(), db.Where("lpd.portfolio_id = ?", k.q.Portfolio), k.narrow())
		if k.like != nil {
			c = db.And(c, k.like.cond())
		}
		return way{"loan_portfolio lpd JOIN loan l ON l.id = lpd.loan_id", "lpd.number", keys, c}
	}
	return way{"loan l", "l.number", keys, db.And(k.visible(), k.filters())}
}

// kept is the way through the kept set. A status alone is a part of the set's
// order by status, within which loans lie by number.
func (k *search) kept(order sight.Order) way {
	rest := *k
	w := way{from: "visible_place v", number: "v.number", keys: []key{{"v.num", false}, {"v.txt", true}}}
	text := ""
	if by := sight.OrderBy("status"); k.q.Status != "" && (order.Key == "" || order == by) {
		order, text, rest.q.Status, w.keys = by, k.q.Status, "", nil
	} else if order.Key == "" {
		w.keys = nil
	}
	w.cond = db.Where("v.set_no = ? AND v.sort = ?", k.set.No, order.No)
	if w.keys == nil {
		w.cond = db.And(w.cond, db.Where("v.num = 0 AND v.txt = ?", text))
	}
	if !rest.unfiltered() {
		w.from += " JOIN loan l ON l.number = v.number"
		w.cond = db.And(w.cond, rest.filters())
	}
	return w
}

func fewIn(ctx context.Context, tx *db.Tx, p id.Portfolio, few int) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM loan_portfolio WHERE portfolio_id = ? LIMIT ?) counted`, []any{p, few + 1}, &n)
	return n <= int64(few), err
}

// find gives the marks of a page's loans in its order, and one more if there is
// one.
func (w way) find(ctx context.Context, tx *db.Tx, q Query) ([]Mark, error) {
	dir, than := "", " > "
	if q.Desc != (q.Sort == "days_past_due") { // more days past due are an earlier date
		dir, than = " DESC", " < "
	}
	columns := make([]string, 0, 3)
	for _, k := range w.keys {
		columns = append(columns, k.column)
	}
	columns = append(columns, w.number)
	cond := w.cond
	if q.After != nil {
		cond = db.And(cond, db.Where("("+strings.Join(columns, ", ")+")"+than+"(?"+strings.Repeat(", ?", len(w.keys))+")", w.place(q.After)...))
	}
	return db.All(ctx, tx, func(r *db.Rows) (m Mark, err error) { return m, r.Scan(w.place(&m)...) },
		`SELECT `+strings.Join(columns, ", ")+` FROM `+w.from+` WHERE `+cond.SQL()+` ORDER BY `+strings.Join(columns, dir+", ")+dir+` LIMIT ?`, append(cond.Args(), q.Limit+1)...)
}

// place gives the fields of a mark in the order of the way's columns.
func (w way) place(m *Mark) []any {
	out := make([]any, 0, 3)
	for _, k := range w.keys {
		if k.text {
			out = append(out, &m.Text)
		} else {
			out = append(out, &m.Int)
		}
	}
	return append(out, &m.Number)
}

// total gives the exact number of rows; with filters, and where a rule that reads
// the date has no set of the day yet, at least countTo.
func (k *search) total(ctx context.Context, tx *db.Tx, w way) (n int64, exact bool, err error) {
	switch {
	case k.unfiltered() && k.ready:
		return k.set.Loans, true, nil
	case k.unfiltered() && k.sc.Everything():
		return n, true, tx.One(ctx, `SELECT loans FROM loan_tally WHERE id = 1`, nil, &n)
	case k.unfiltered() && k.pushedDown() && !k.q.Exact:
		return k.atLeast(ctx, tx, w)
	case k.unfiltered() || k.q.Exact:
		return n, true, tx.One(ctx, `SELECT COUNT(*) FROM `+w.from+` WHERE `+w.cond.SQL(), w.cond.Args(), &n)
	}
	ways := []way{w}
	if k.like != nil && k.like.dense {
		ways = append(k.like.branches(k.visible(), k.filtersBesideText()), w)
	}
	for _, w := range ways {
		n, err = w.count(ctx, tx, countTo+1)
		if err != nil || n > countTo {
			return countTo, false, err
		}
	}
	return n, true, nil
}

// count counts up to a bound.
func (w way) count(ctx context.Context, tx *db.Tx, most int) (n int64, err error) {
	return n, tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM `+w.from+` WHERE `+w.cond.SQL()+` LIMIT ?) counted`, append(w.cond.Args(), most), &n)
}

func (k *search) filtersBesideText() db.Cond {
	beside := *k
	beside.like = nil
	return beside.filters()
}

// rowsOf reads the loans of a page under the scope, in the page's order, without
// the borrowers that are withheld. The limit keeps engines from looking for the
// scope's loans by an index of its own: there are fifty to judge.
func rowsOf(ctx context.Context, tx *db.Tx, sc gate.Scope, unnamed *db.Cond, marks []Mark) ([]Row, error) {
	if len(marks) == 0 {
		return nil, nil
	}
	numbers := make([]string, len(marks))
	for i, m := range marks {
		numbers[i] = m.Number
	}
	page, j := db.In("p.number", numbers), judgeOf(sc)
	cond, secret := db.And(j.cond, db.Where(sight.Landed)), db.False()
	if unnamed != nil {
		secret = *unnamed
	}
	type found struct {
		Row
		facts book.LoanFacts
	}
	all := make(map[string]*found, len(numbers))
	ids, err := db.All(ctx, tx, func(r *db.Rows) (id.Loan, error) {
		x, p := new(found), book.Person{}
		f := &x.facts
		err := r.Scan(&x.ID, &x.Number, &x.Status, &x.Company, &x.Borrower, &p.First, &p.Last, &x.Region, &x.Balance, &x.OldestUnpaid, &x.NextDue, (*db.Bool)(&x.Unnamed),
			&f.Company, &f.DueKey, &f.OpenedOn, &f.Region, &f.Country)
		f.ID, f.Number, f.Status, f.Balance = x.ID, x.Number, x.Status, x.Balance
		if x.BorrowerName = p.Name(); x.Unnamed {
			x.Borrower, x.BorrowerName, x.Region = "", "", ""
		}
		all[x.Number] = x
		return x.ID, err
	}, `SELECT l.id, l.number, l.status, COALESCE(sc.name, ''), b.id, b.first_name, b.last_name, b.region, l.principal_balance, l.oldest_unpaid_due, l.next_due, CASE WHEN `+secret.SQL()+` THEN 1 ELSE 0 END,
			l.source_company_id, l.due_key, l.opened_on, l.borrower_region, l.borrower_country
		FROM (SELECT p.* FROM loan p WHERE `+page.SQL()+` LIMIT ?) l JOIN borrower b ON b.id = l.borrower_id LEFT JOIN source_company sc ON sc.id = l.source_company_id WHERE `+cond.SQL(),
		slices.Concat(secret.Args(), page.Args(), []any{len(numbers)}, cond.Args())...)
	if err != nil {
		return nil, err
	}
	in, err := portfoliosOf(ctx, tx, ids)
	out := make([]Row, 0, len(all))
	for _, n := range numbers {
		x := all[n]
		if x == nil {
			continue
		}
		x.facts.Portfolios, x.Portfolios = in[x.ID].ids, in[x.ID].names
		if j.shows(x.facts.Row()) {
			out = append(out, x.Row)
		}
	}
	return out, err
}
