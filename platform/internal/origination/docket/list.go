package docket

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Query asks for a page of applications.
type Query struct {
	Status, Outcome string
	Company         id.SourceCompany
	Text            string // beginning of a name, a number, or a whole e-mail address or telephone number
	From, To        int64  // instants of submission: from inclusive, to exclusive; 0 = open
	Sort            string // one of Sorts
	Desc            bool
	Limit           int
	Exact           bool // count all
	After           *Mark
}

// Mark is where a page ended.
type Mark struct {
	Text string `json:"t,omitempty"`
	Int  int64  `json:"i,omitempty"`
	Seq  int64  `json:"s"`
}

// Page is one page of applications.
type Page struct {
	Rows  []*Application
	Total int64
	Exact bool
	Next  *Mark
}

// Sorts are the orders of a list.
func Sorts() []string { return []string{"created_at", "notice_due", "amount", "name"} }

func (q *Query) column() string {
	switch q.Sort {
	case "notice_due":
		return "a.notice_due"
	case "amount":
		return "a.amount"
	case "name":
		return "a.surname_key"
	}
	return "a.created_at"
}

// countTo is how far a filtered list is counted unless all are asked for.
const countTo = 10_000

// List gives a page of the applications within the scope that limits leave, and
// how many there are.
func List(ctx context.Context, tx *db.Tx, ring *keys.Ring, sc gate.Scope, left db.Cond, q Query) (Page, error) {
	filter := q.filters(ring)
	cond := db.And(sc.Applications(), left, filter)
	var p Page
	var err error
	if p.Total, p.Exact, err = total(ctx, tx, cond, sc.Everything() && filter.IsTrue(), q.Exact || filter.IsTrue()); err != nil {
		return p, err
	}
	col, dir, than := q.column(), "", " > "
	if q.Desc {
		dir, than = " DESC", " < "
	}
	if m := q.After; m != nil {
		var at any = m.Int
		if q.Sort == "name" {
			at = m.Text
		}
		cond = db.And(cond, db.Where("("+col+", a.seq)"+than+"(?, ?)", at, m.Seq))
	}
	p.Rows, err = db.All(ctx, tx, func(r *db.Rows) (*Application, error) { return scanApplication(r.Scan) },
		`SELECT `+applicationColumns+fromApplication+`WHERE `+cond.SQL()+` ORDER BY `+col+dir+`, a.seq`+dir+` LIMIT ?`, append(cond.Args(), q.Limit+1)...)
	if err == nil && len(p.Rows) > q.Limit {
		p.Rows = p.Rows[:q.Limit]
		p.Next = q.mark(p.Rows[q.Limit-1])
	}
	return p, err
}

func (q *Query) mark(a *Application) *Mark {
	m := &Mark{Seq: a.Seq}
	switch q.Sort {
	case "notice_due":
		m.Int = int64(a.stored())
	case "amount":
		m.Int = int64(a.Amount)
	case "name":
		m.Text = Fold(a.Last, a.First)
	default:
		m.Int = a.CreatedAt
	}
	return m
}

func (q *Query) filters(ring *keys.Ring) db.Cond {
	c := db.True()
	and := func(on bool, sql string, args ...any) {
		if on {
			c = db.And(c, db.Where(sql, args...))
		}
	}
	and(q.Status != "", "a.status = ?", q.Status)
	and(q.Outcome != "", "a.outcome = ?", q.Outcome)
	and(q.Company != "", "a.source_company_id = ?", q.Company)
	and(q.From != 0, "a.created_at >= ?", q.From)
	and(q.To != 0, "a.created_at < ?", q.To)
	if q.Text != "" {
		c = db.And(c, searched(ring, q.Text))
	}
	return c
}

// searched reads a search text: what looks like an address, a number or a
// telephone number is looked for as such, everything as the beginning of a name.
func searched(ring *keys.Ring, text string) db.Cond {
	text = strings.TrimSpace(text)
	if strings.Contains(text, "@") {
		return db.In("a.email_index", indexes(ring, emailField, emailKey(text)))
	}
	digits := strings.TrimPrefix(strings.ToUpper(text), "A-")
	if n, err := strconv.ParseInt(digits, 10, 64); err == nil && n > 0 && len(digits) < 7 {
		return db.Where("a.seq = ?", n)
	}
	if strings.Trim(text, "+-(). /0123456789") == "" && strings.ContainsAny(text, "0123456789") {
		n, _ := strconv.ParseInt(digits, 10, 64)
		return db.Or(db.In("a.phone_index", indexes(ring, phoneField, phoneKey(text))), db.Where("a.seq = ?", n))
	}
	begin := Fold(text)
	if begin == "" {
		return db.False()
	}
	end := begin + "\U0010FFFF"
	return db.Or(db.Where("a.name_key >= ? AND a.name_key < ?", begin, end), db.Where("a.surname_key >= ? AND a.surname_key < ?", begin, end))
}

// total counts: all from the counter where nothing narrows, else at least up to
// countTo unless the exact number is asked for.
func total(ctx context.Context, tx *db.Tx, cond db.Cond, unnarrowed, exact bool) (n int64, all bool, err error) {
	if unnarrowed {
		err = tx.One(ctx, `SELECT last - 1000 FROM application_counter WHERE id = 1`, nil, &n)
		return n, true, err
	}
	if exact {
		err = tx.One(ctx, `SELECT COUNT(*) FROM application a WHERE `+cond.SQL(), cond.Args(), &n)
		return n, true, err
	}
	err = tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM application a WHERE `+cond.SQL()+` LIMIT ?) AS counted`, append(cond.Args(), countTo+1), &n)
	return min(n, countTo), n <= countTo, err
}

// Kin is a related application and what it shares.
type Kin struct {
	*Application
	SameAddress, SameEmail, SamePhone bool
}

// Related gives the newest applications, within the scope and left by limits,
// that share the client's address, the e-mail or the telephone number with one,
// and how many there are.
func Related(ctx context.Context, tx *db.Tx, sc gate.Scope, left db.Cond, of *Application, limit int) ([]Kin, int64, error) {
	s := of.sharing()
	cond := db.And(sc.Applications(), left, s.kin(of))
	list, err := db.All(ctx, tx, func(r *db.Rows) (Kin, error) {
		a, err := scanApplication(r.Scan)
		return Kin{a, shares(a.addressIndex, s.address), shares(a.emailIndex, s.email), shares(a.phoneIndex, s.phone)}, err
	}, `SELECT `+applicationColumns+fromApplication+`WHERE `+cond.SQL()+` ORDER BY a.created_at DESC, a.seq DESC LIMIT ?`, append(cond.Args(), limit)...)
	if err != nil {
		return nil, 0, err
	}
	n, _, err := total(ctx, tx, cond, false, true)
	return list, n, err
}

func shares(index []byte, among [][]byte) bool {
	return slices.ContainsFunc(among, func(b []byte) bool { return bytes.Equal(index, b) })
}

// CompanyOf finds a source company by id or name; ok is false if there is none.
func CompanyOf(ctx context.Context, tx *db.Tx, ref string) (id.SourceCompany, bool, error) {
	list, err := db.All(ctx, tx, func(r *db.Rows) (c id.SourceCompany, err error) { err = r.Scan(&c); return c, err },
		`SELECT id FROM source_company WHERE id = ? OR name = ?`, ref, ref)
	if err != nil || len(list) == 0 {
		return "", false, err
	}
	return list[0], true, nil
}
