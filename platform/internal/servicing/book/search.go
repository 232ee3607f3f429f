package book

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// match is one way in which a borrower is found: a condition with one index.
type match struct {
	sql  string // %s is the alias
	args []any
}

// matches gives the ways in which a text may name a borrower: the beginning of
// the name or of the last name, the whole e-mail address or telephone number.
func matches(ring *keys.Ring, text string) []match {
	name := Fold(text)
	out := []match{
		{`%s.name_key >= ? AND %[1]s.name_key < ?`, []any{name, beyond(name)}},
		{`%s.surname_key >= ? AND %[1]s.surname_key < ?`, []any{name, beyond(name)}},
	}
	if strings.Contains(text, "@") {
		out = append(out, match{`%s.email_index = ?`, []any{ring.BlindIndex("borrower.email", emailKey(text))}})
	}
	if phoneDigits(text) {
		out = append(out, match{`%s.phone_index = ?`, []any{ring.BlindIndex("borrower.phone", phoneKey(text))}})
	}
	return out
}

// borrowersLike gives the select of the borrowers that a text may name, glued
// by UNION or UNION ALL.
func borrowersLike(ring *keys.Ring, text, glue string) (string, []any) {
	var parts []string
	var args []any
	for _, m := range matches(ring, text) {
		parts = append(parts, `SELECT bn.id FROM borrower bn WHERE `+fmt.Sprintf(m.sql, "bn"))
		args = append(args, m.args...)
	}
	return strings.Join(parts, glue), args
}

// like is a search box's text over loans. Few matches are gathered first and
// then put in order; where there are many, the loans are walked in order and
// judged one by one.
type like struct {
	ring  *keys.Ring
	text  string
	dense bool
	named db.Cond // loans that may be found by their borrower
}

const numberLike = `(l.number >= ? AND l.number < ? OR l.number >= ? AND l.number < ?)`

func (k *like) numbers() []any {
	upper := strings.ToUpper(k.text)
	return []any{k.text, beyond(k.text), upper, beyond(upper)}
}

// likeness finds out whether a text has many matches, without counting them all.
func likeness(ctx context.Context, tx *db.Tx, ring *keys.Ring, text string, few int) (*like, error) {
	k := &like{ring: ring, text: strings.TrimSpace(text)}
	people, args := borrowersLike(ring, k.text, " UNION ALL ")
	for _, q := range []struct {
		from string
		args []any
	}{{`SELECT l.id FROM loan l WHERE ` + numberLike, k.numbers()}, {people, args}} {
		var n int64
		err := tx.One(ctx, `SELECT COUNT(*) FROM (SELECT id FROM (`+q.from+`) found LIMIT ?) counted`, append(slices.Clone(q.args), few+1), &n)
		if err != nil {
			return nil, err
		}
		k.dense = k.dense || n > int64(few)
	}
	return k, nil
}

// cond is the condition over alias l.
func (k *like) cond() db.Cond {
	if !k.dense && !k.named.IsTrue() {
		people, args := borrowersLike(k.ring, k.text, " UNION ")
		return db.Or(db.Where(numberLike, k.numbers()...), db.And(k.named, db.Where("l.borrower_id IN ("+people+")", args...)))
	}
	if !k.dense {
		people, args := borrowersLike(k.ring, k.text, " UNION ")
		return db.Where(`l.id IN (SELECT ln.id FROM loan ln WHERE ln.number >= ? AND ln.number < ? UNION SELECT lu.id FROM loan lu WHERE lu.number >= ? AND lu.number < ?
			UNION SELECT lb.id FROM loan lb WHERE lb.borrower_id IN (`+people+`))`, append(k.numbers(), args...)...)
	}
	var any []db.Cond
	for _, m := range matches(k.ring, k.text) {
		any = append(any, db.Where(fmt.Sprintf(m.sql, "bj"), m.args...))
	}
	judged := db.Or(any...)
	return db.Or(db.Where(numberLike, k.numbers()...),
		db.And(k.named, db.Where(`COALESCE((SELECT 1 FROM borrower bj WHERE bj.id = l.borrower_id AND `+judged.SQL()+`), 0) = 1`, judged.Args()...)))
}

// branches gives one way for each index by which matches are found, for
// counting up to a bound without gathering all of them.
func (k *like) branches(visible, filters db.Cond) []way {
	rest := db.And(visible, filters)
	out := []way{{from: "loan l", cond: db.And(rest, db.Where(numberLike, k.numbers()...))}}
	for _, m := range matches(k.ring, k.text) {
		out = append(out, way{from: "borrower bb JOIN loan l ON l.borrower_id = bb.id", cond: db.And(rest, k.named, db.Where(fmt.Sprintf(m.sql, "bb"), m.args...))})
	}
	return out
}

// BorrowerQuery is what a list of borrowers is asked for.
type BorrowerQuery struct {
	Text      string
	Reference string // the whole reference
	Desc      bool   // by last name, from Z
	After     *BorrowerMark
	Limit     int
	Exact     bool
	Unnamed   *db.Cond // over l: borrowers of such loans are left out; nil: none
}

// BorrowerMark is where a page of borrowers ended.
type BorrowerMark struct {
	Key string      `json:"k"`
	ID  id.Borrower `json:"i"`
}

// BorrowerPage is one page of borrowers, by last name.
type BorrowerPage struct {
	Rows  []*Borrower
	Total int64
	Exact bool
	Next  *BorrowerMark
}

// ListBorrowers gives a page of the borrowers that the scope shows.
func ListBorrowers(ctx context.Context, tx *db.Tx, ring *keys.Ring, sc gate.Scope, q BorrowerQuery) (*BorrowerPage, error) {
	cond := db.And(sc.Borrowers(), db.Where(landedBorrower))
	if q.Unnamed != nil {
		secret := db.And(sc.Loans(), *q.Unnamed)
		cond = db.And(cond, db.Where("NOT EXISTS (SELECT 1 FROM loan l WHERE l.borrower_id = b.id AND "+landedLoan+" AND "+secret.SQL()+")", secret.Args()...))
	}
	filters := db.True()
	if q.Text != "" {
		people, args := borrowersLike(ring, strings.TrimSpace(q.Text), " UNION ")
		filters = db.Where("b.id IN ("+people+")", args...)
	}
	if q.Reference != "" {
		filters = db.And(filters, db.Where("b.reference = ? AND b.reference <> ''", q.Reference))
	}
	cond = db.And(cond, filters)
	page := &BorrowerPage{Exact: true}
	var err error
	switch {
	case filters.IsTrue() && sc.Everything():
		err = tx.One(ctx, `SELECT borrowers FROM loan_tally WHERE id = 1`, nil, &page.Total)
	case filters.IsTrue() || q.Exact:
		err = tx.One(ctx, `SELECT COUNT(*) FROM borrower b WHERE `+cond.SQL(), cond.Args(), &page.Total)
	default:
		err = tx.One(ctx, `SELECT COUNT(*) FROM (SELECT 1 AS one FROM borrower b WHERE `+cond.SQL()+` LIMIT ?) counted`, append(cond.Args(), countTo+1), &page.Total)
		if page.Total > countTo {
			page.Total, page.Exact = countTo, false
		}
	}
	if err != nil {
		return nil, err
	}
	dir, than := "", " > "
	if q.Desc {
		dir, than = " DESC", " < "
	}
	if q.After != nil {
		cond = db.And(cond, db.Where("(b.surname_key, b.id)"+than+"(?, ?)", q.After.Key, q.After.ID))
	}
	page.Rows, err = db.All(ctx, tx, func(r *db.Rows) (*Borrower, error) { b := new(Borrower); return b, r.Scan(b.dest()...) },
		`SELECT `+borrowerColumns+` FROM borrower b WHERE `+cond.SQL()+` ORDER BY b.surname_key`+dir+`, b.id`+dir+` LIMIT ?`, append(cond.Args(), q.Limit+1)...)
	if len(page.Rows) > q.Limit {
		page.Rows = page.Rows[:q.Limit]
		b := page.Rows[q.Limit-1]
		page.Next = &BorrowerMark{Key: Fold(b.Last, b.First), ID: b.ID}
	}
	return page, err
}

// OpenAll opens the personal fields of a page of borrowers with one look into
// the key store.
func OpenAll(ctx context.Context, store *keys.Store, rows []*Borrower) ([]Person, error) {
	var ids []string
	for _, b := range rows {
		if !b.bare() {
			ids = append(ids, string(b.ID))
		}
	}
	found, err := store.OpenMany(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]Person, len(rows))
	for i, b := range rows {
		out[i] = b.plain()
		if key := found[string(b.ID)]; key != nil {
			if out[i], err = b.openedWith(key); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
