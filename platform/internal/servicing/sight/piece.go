package sight

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// A build goes through the loans by id twice, with all sets that stand at the
// same loan together. First it marks: each loan is judged by every set and gets
// the bits of all in one change, because a change of the bits moves the loan in
// two indexes. When the sets are marked, somebody looks how they lie (thin), and
// then the loans get their places, in the orders that are not walked. A set for
// which no bit was free gets its places while it is marked.
//
// Where a set stands is its built_to: the last loan that was marked, and behind
// these prefixes, which come after every id, the stages that follow.
const (
	marked  = "~"  // all of its loans are marked, and nobody has looked yet
	placing = "~~" // before the last loan that was placed
)

// How long the piece of one transaction should take, in microseconds, how many
// rows it writes and loans it looks at at most: little enough that nobody waits
// for it noticeably.
const (
	pieceTime  = 40_000
	pieceRows  = 6000
	pieceLoans = 20_000
)

// pace is how many loans the next piece looks at.
type pace int

func (p *pace) take(took int64, rows int) {
	by := 2.0
	if took > 0 {
		by = min(by, pieceTime/float64(took))
	}
	if rows > 0 {
		by = min(by, pieceRows/float64(rows))
	}
	*p = pace(min(pieceLoans, max(100, float64(*p)*by)))
}

// building is a set that stands in line with others of its group.
type building struct {
	Set
	cond db.Cond
}

// group gives the sets that are furthest behind, all at the same loan.
func group(ctx context.Context, tx *db.Tx, sets map[string]wanted) ([]building, error) {
	open, err := db.All(ctx, tx, scanSet, `SELECT `+setColumns+` FROM visible_set s WHERE s.state = 0 ORDER BY s.built_to, s.set_no`)
	var out []building
	for _, s := range open {
		w, ok := sets[s.Key]
		if !ok {
			continue // somebody else builds it
		}
		if len(out) > 0 && s.BuiltTo != out[0].BuiltTo {
			break
		}
		out = append(out, building{s, w.cond()})
	}
	return out, err
}

// build makes sets ready, piece by piece. Each piece is an exclusive write, so
// that no change of a loan runs beside it and is missed.
func build(ctx context.Context, t *tenant.Tenant, sets map[string]wanted) error {
	size, at := pace(500), ""
	for {
		var g []building
		var rows int
		var began int64
		err := t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			began, rows = t.DB.Now(), 0
			if g, err = group(ctx, tx, sets); err != nil || len(g) == 0 || g[0].BuiltTo == marked {
				return err
			}
			if stage := g[0].BuiltTo[:min(len(placing), len(g[0].BuiltTo))]; (stage == placing) != (at == placing) {
				size, at = 500, stage // other work: how long it takes is to be found out again
			}
			if at == placing {
				rows, err = place(ctx, tx, g, int(size))
			} else {
				rows, err = mark(ctx, tx, g, int(size))
			}
			return err
		})
		switch {
		case err != nil || len(g) == 0:
			return err
		case g[0].BuiltTo == marked:
			if err := thin(ctx, t, g); err != nil {
				return err
			}
		default:
			size.take(t.DB.Now()-began, rows)
		}
	}
}

// mark judges the next loans by the sets of a group, and notes which show them.
// It gives the number of rows that it has written.
func mark(ctx context.Context, tx *db.Tx, g []building, size int) (rows int, err error) {
	v, err := look(ctx, tx, g, size)
	if err != nil {
		return 0, err
	}
	for bits, loans := range sorted(v.bits) {
		which := db.In("l.id", loans)
		if _, err := tx.Exec(ctx, `UPDATE loan AS l SET shown = l.shown | ?, `+remembering()+` WHERE `+which.SQL(), append([]any{bits}, which.Args()...)...); err != nil {
			return rows, err
		}
		rows += 3 * len(loans) // the row, and its places in the two indexes that have the bits in them
	}
	last := v.looked < size
	if last {
		v.upTo = marked
	}
	for i, s := range g {
		state := setBuilding
		if s.Bit == 0 {
			n, err := s.put(ctx, tx, v.shown[i])
			if rows += n; err != nil {
				return rows, err
			}
			if last {
				state = setReady
			}
		}
		if _, err := tx.Exec(ctx, `UPDATE visible_set SET loans = loans + ?, built_to = ?, state = ? WHERE set_no = ?`, len(v.shown[i]), v.upTo, state, s.No); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// view is what the sets of a group show of some loans.
type view struct {
	looked int
	upTo   string              // the last of them
	shown  [][]id.Loan         // by set
	bits   map[int64][]id.Loan // by the bits that they get
}

// look judges the next loans by every set. The limit keeps engines from looking
// for loans by an index of their own choice.
func look(ctx context.Context, tx *db.Tx, g []building, size int) (view, error) {
	v := view{upTo: g[0].BuiltTo, shown: make([][]id.Loan, len(g)), bits: map[int64][]id.Loan{}}
	var l id.Loan
	var landed int64
	var flags strings.Builder
	var args []any
	flag, dest := make([]int64, len(g)), []any{&l, &landed}
	for i, s := range g {
		flags.WriteString(", CASE WHEN " + s.cond.SQL() + " THEN 1 ELSE 0 END")
		args = append(args, s.cond.Args()...)
		dest = append(dest, &flag[i])
	}
	_, err := db.All(ctx, tx, func(r *db.Rows) (none struct{}, err error) {
		err = r.Scan(dest...)
		v.looked, v.upTo = v.looked+1, max(v.upTo, string(l))
		bits, some := int64(0), false
		for i, f := range flag {
			if f == 1 && landed == 1 {
				v.shown[i], bits, some = append(v.shown[i], l), bits|g[i].Bit, true
			}
		}
		if some {
			v.bits[bits] = append(v.bits[bits], l)
		}
		return none, err
	}, `SELECT l.id, CASE WHEN `+Landed+` THEN 1 ELSE 0 END`+flags.String()+` FROM (SELECT l.* FROM loan l WHERE l.id > ? ORDER BY l.id LIMIT ?) l`, append(args, g[0].BuiltTo, size)...)
	return v, err
}

// place gives the next marked loans their places in the sets of a group.
func place(ctx context.Context, tx *db.Tx, g []building, size int) (rows int, err error) {
	upTo, looked, all := g[0].BuiltTo, 0, int64(0)
	for _, s := range g {
		all |= s.Bit
	}
	shown := make([][]id.Loan, len(g))
	_, err = db.All(ctx, tx, func(r *db.Rows) (none struct{}, err error) {
		var l id.Loan
		var bits int64
		err = r.Scan(&l, &bits)
		looked, upTo = looked+1, max(upTo, placing+string(l))
		for i, s := range g {
			if bits&s.Bit != 0 {
				shown[i] = append(shown[i], l)
			}
		}
		return none, err
	}, `SELECT l.id, l.shown & ? FROM (SELECT l.id, l.shown FROM loan l WHERE l.id > ? ORDER BY l.id LIMIT ?) l`, all, strings.TrimPrefix(g[0].BuiltTo, placing), size)
	if err != nil {
		return 0, err
	}
	state := setBuilding
	if looked < size {
		state = setReady
	}
	for i, s := range g {
		n, err := s.put(ctx, tx, shown[i])
		if rows += n; err != nil {
			return rows, err
		}
		if _, err := tx.Exec(ctx, `UPDATE visible_set SET built_to = ?, state = ? WHERE set_no = ?`, upTo, state, s.No); err != nil {
			return rows, err
		}
	}
	return rows, nil
}

// put places loans in the set. What came into it since they were marked has its
// places already.
func (s *Set) put(ctx context.Context, tx *db.Tx, loans []id.Loan) (rows int, err error) {
	if len(loans) == 0 {
		return 0, nil
	}
	which := db.In("l.id", loans)
	n, err := tx.Exec(ctx, s.placing()+which.SQL()+` ON CONFLICT DO NOTHING`, which.Args()...)
	return int(n), err
}
