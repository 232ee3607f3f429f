package book

import (
	"context"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Match is one way in which a borrower is found: a condition with one index.
type Match struct {
	SQL  string // %s is the alias
	Args []any
}

// Matches gives the ways in which a text may name a borrower: the beginning of
// the name or of the last name, the whole e-mail address or telephone number.
func Matches(ring *keys.Ring, text string) []Match {
	name := Fold(text)
	out := []Match{
		{`%s.name_key >= ? AND %[1]s.name_key < ?`, []any{name, Beyond(name)}},
		{`%s.surname_key >= ? AND %[1]s.surname_key < ?`, []any{name, Beyond(name)}},
	}
	if strings.Contains(text, "@") {
		out = append(out, indexed("email_index", ring.BlindIndexes("borrower.email", emailKey(text))))
	}
	if phoneDigits(text) {
		out = append(out, indexed("phone_index", ring.BlindIndexes("borrower.phone", phoneKey(text))))
	}
	return out
}

// indexed is met by a borrower whose index is one of values: more than one while
// the key of the blind index is being turned.
func indexed(column string, values [][]byte) Match {
	c := db.In("%[1]s."+column, values)
	return Match{c.SQL(), c.Args()}
}

// Exactly gives the way in which a borrower is found by one whole value: ssn,
// email or phone.
func Exactly(ring *keys.Ring, field, value string) (*Match, error) {
	m, normal := new(Match), ""
	switch value = strings.TrimSpace(value); field {
	case "ssn":
		digits, ok := socialSecurity(value)
		if !ok {
			return nil, fault.Bad("ssn", "Write nine digits, with or without dashes.")
		}
		normal = digits
	case "email":
		if !emailForm(value) {
			return nil, fault.Bad("email", "Write an e-mail address like name@example.com.")
		}
		normal = emailKey(value)
	default:
		if !phoneDigits(value) {
			return nil, fault.Bad("phone", "Write a telephone number of 7 to 15 digits, or an e-mail address.")
		}
		normal = phoneKey(value)
	}
	*m = indexed(field+"_index", ring.BlindIndexes("borrower."+field, normal))
	return m, nil
}

// OfPerson finds every borrower with a social security number.
func OfPerson(ctx context.Context, tx *db.Tx, ring *keys.Ring, ssn string) ([]id.Borrower, error) {
	digits, ok := socialSecurity(ssn)
	if !ok {
		return nil, nil
	}
	in := db.In("ssn_index", ring.BlindIndexes("borrower.ssn", digits))
	return db.All(ctx, tx, func(r *db.Rows) (b id.Borrower, err error) { return b, r.Scan(&b) }, `SELECT id FROM borrower WHERE `+in.SQL()+` ORDER BY id`, in.Args()...)
}

// BorrowersLike gives the select of the borrowers that a text may name, glued
// by UNION or UNION ALL.
func BorrowersLike(ring *keys.Ring, text, glue string) (string, []any) {
	var parts []string
	var args []any
	for _, m := range Matches(ring, text) {
		parts = append(parts, `SELECT bn.id FROM borrower bn WHERE `+fmt.Sprintf(m.SQL, "bn"))
		args = append(args, m.Args...)
	}
	return strings.Join(parts, glue), args
}

// BorrowerQuery is what a list of borrowers is asked for.
type BorrowerQuery struct {
	Text      string
	Reference string // the whole reference
	Only      *Match // one way alone; nil: any
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

// countTo bounds exact totals of lists with filters.
const countTo = 1000

// ListBorrowers gives a page of the borrowers that the scope shows.
func ListBorrowers(ctx context.Context, tx *db.Tx, ring *keys.Ring, sc gate.Scope, q BorrowerQuery) (*BorrowerPage, error) {
	cond := db.And(sc.Borrowers(), db.Where(landedBorrower))
	if q.Unnamed != nil { // whoever has no visible loan that says otherwise is left out too
		secret, loans := db.And(sc.Loans(), *q.Unnamed), sc.Loans()
		cond = db.And(cond, db.Where("EXISTS (SELECT 1 FROM loan l WHERE l.borrower_id = b.id AND "+landedLoan+" AND "+loans.SQL()+")", loans.Args()...))
		cond = db.And(cond, db.Where("NOT EXISTS (SELECT 1 FROM loan l WHERE l.borrower_id = b.id AND "+landedLoan+" AND "+secret.SQL()+")", secret.Args()...))
	}
	filters := db.True()
	if q.Text != "" {
		people, args := BorrowersLike(ring, strings.TrimSpace(q.Text), " UNION ")
		filters = db.Where("b.id IN ("+people+")", args...)
	}
	if q.Only != nil {
		filters = db.And(filters, db.Where(fmt.Sprintf(q.Only.SQL, "b"), q.Only.Args...))
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
