package listing

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

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
	return []any{k.text, book.Beyond(k.text), upper, book.Beyond(upper)}
}

// likeness finds out whether a text has many matches, without counting them all.
func likeness(ctx context.Context, tx *db.Tx, ring *keys.Ring, text string, few int) (*like, error) {
	k := &like{ring: ring, text: strings.TrimSpace(text)}
	people, args := book.BorrowersLike(ring, k.text, " UNION ALL ")
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
		people, args := book.BorrowersLike(k.ring, k.text, " UNION ")
		return db.Or(db.Where(numberLike, k.numbers()...), db.And(k.named, db.Where("l.borrower_id IN ("+people+")", args...)))
	}
	if !k.dense {
		people, args := book.BorrowersLike(k.ring, k.text, " UNION ")
		return db.Where(`l.id IN (SELECT ln.id FROM loan ln WHERE ln.number >= ? AND ln.number < ? UNION SELECT lu.id FROM loan lu WHERE lu.number >= ? AND lu.number < ?
			UNION SELECT lb.id FROM loan lb WHERE lb.borrower_id IN (`+people+`))`, append(k.numbers(), args...)...)
	}
	var any []db.Cond
	for _, m := range book.Matches(k.ring, k.text) {
		any = append(any, db.Where(fmt.Sprintf(m.SQL, "bj"), m.Args...))
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
	for _, m := range book.Matches(k.ring, k.text) {
		out = append(out, way{from: "borrower bb JOIN loan l ON l.borrower_id = bb.id", cond: db.And(rest, k.named, db.Where(fmt.Sprintf(m.SQL, "bb"), m.Args...))})
	}
	return out
}
