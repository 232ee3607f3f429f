package book

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// borrowersLike gives the select of borrowers whose name begins like the text,
// or whose whole e-mail address or telephone number it is.
func borrowersLike(ring *keys.Ring, text string) (string, []any) {
	name := Fold(text)
	parts := []string{
		`SELECT bn.id FROM borrower bn WHERE bn.name_key >= ? AND bn.name_key < ?`,
		`SELECT bs.id FROM borrower bs WHERE bs.surname_key >= ? AND bs.surname_key < ?`,
	}
	args := []any{name, beyond(name), name, beyond(name)}
	if strings.Contains(text, "@") {
		parts = append(parts, `SELECT be.id FROM borrower be WHERE be.email_index = ?`)
		args = append(args, ring.BlindIndex("borrower.email", emailKey(text)))
	}
	if phoneDigits(text) {
		parts = append(parts, `SELECT bp.id FROM borrower bp WHERE bp.phone_index = ?`)
		args = append(args, ring.BlindIndex("borrower.phone", phoneKey(text)))
	}
	return strings.Join(parts, " UNION "), args
}

// searched is the condition of a list's search box over loans.
func searched(ring *keys.Ring, text string) db.Cond {
	text = strings.TrimSpace(text)
	people, args := borrowersLike(ring, text)
	upper := strings.ToUpper(text)
	all := append([]any{text, beyond(text), upper, beyond(upper)}, args...)
	return db.Where(`l.id IN (SELECT ln.id FROM loan ln WHERE ln.number >= ? AND ln.number < ?
		UNION SELECT lu.id FROM loan lu WHERE lu.number >= ? AND lu.number < ?
		UNION SELECT lb.id FROM loan lb WHERE lb.borrower_id IN (`+people+`))`, all...)
}

// BorrowerQuery is what a list of borrowers is asked for.
type BorrowerQuery struct {
	Text      string
	Reference string // the whole reference
	Desc      bool   // by last name, from Z
	After     *BorrowerMark
	Limit     int
	Exact     bool
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
	filters := db.True()
	if q.Text != "" {
		people, args := borrowersLike(ring, strings.TrimSpace(q.Text))
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
