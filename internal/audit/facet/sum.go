package facet

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// How says what numbers mean.
type How string

// What numbers may mean.
const (
	Exact   How = "exact"
	About   How = "about"    // told from a sample
	AtLeast How = "at_least" // of the newest entries; there may be older ones
)

// Number is a value of a facet and how many entries have it.
type Number struct {
	Value string
	Count int64
}

// Mark is when an entry was made and how it ended.
type Mark struct {
	At      int64
	Outcome string
}

// Sum is of what a selection consists.
type Sum struct {
	How    How
	Of     int64   // entries of the selection that were looked at
	Share  float64 // for how many each of them stands; 1 unless How is About
	By     map[string][]Number
	Marks  []Mark
	Oldest int64 // where the selection may begin and end in time; 0: nothing is in it
	Newest int64
}

// Columns are the facets, in the order in which they are shown.
func Columns() []string {
	return []string{"actor", "operation", "object", "outcome", "channel", "address"}
}

const (
	sumRows    = `SELECT at, actor, operation, object, outcome, channel, address FROM `
	newest     = ` ORDER BY at DESC LIMIT ?`
	inAnyOrder = ` LIMIT ?`
	// A sample is so many pieces of the trail, each of so many neighbours.
	pieces = 64
	piece  = 160
	hardly = 100 // entries that a sample must meet to be spoken of
)

// Sum says of what the selection consists, with at most top values a facet. Entries
// without a value of a facet are not among its numbers.
func (l *Look) Sum(ctx context.Context, top int, patience time.Duration) (*Sum, error) {
	t := tally{by: map[string]map[string]int64{}}
	out := &Sum{How: Exact, Share: 1}
	if l.few {
		if err := t.add(ctx, l.tx, "audit_entry", db.And(l.led(), l.rest(), during("at", l.s.From, l.s.To)), inAnyOrder, few+1); err != nil {
			return nil, err
		}
		if err := t.add(ctx, l.tx, "audit_pending", l.s.Cond(), newest, few); err != nil {
			return nil, err
		}
		return t.sum(out, top), nil
	}
	from, to, err := l.span(ctx)
	if err != nil {
		return nil, err
	}
	out.How = About
	if out.Share, err = l.sample(ctx, &t, from, to, patience); err != nil {
		return nil, err
	}
	if len(t.marks) >= hardly {
		out.Oldest, out.Newest = from.at, to.at
		return t.sum(out, top), nil
	}
	t = tally{by: map[string]map[string]int64{}}
	reached, err := l.back(ctx, 0, patience/2, false, func(stretch db.Cond) (bool, error) {
		err := t.add(ctx, l.tx, "audit_entry", stretch, newest, few-len(t.marks))
		return len(t.marks) >= few, err
	})
	out.How, out.Share = AtLeast, 1
	if err == nil && reached == 0 && len(t.marks) < few {
		out.How = Exact
		err = t.add(ctx, l.tx, "audit_pending", l.s.Cond(), newest, few)
	}
	return t.sum(out, top), err
}

// end is one end of a stretch of the trail.
type end struct{ sequence, at int64 }

// span is where the selection's time lies in the trail, nearly: an entry is placed
// within a second, a burst within its minute.
func (l *Look) span(ctx context.Context) (from, to end, err error) {
	c := during("at", l.s.From, l.s.To)
	for _, side := range []struct {
		way string
		e   *end
	}{{"ASC", &from}, {"DESC", &to}} {
		err = l.tx.One(ctx, `SELECT sequence, at FROM audit_entry WHERE `+c.SQL()+` ORDER BY at `+side.way+` LIMIT 1`, c.Args(), &side.e.sequence, &side.e.at)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return from, to, err
		}
	}
	return from, to, nil
}

// sample looks at pieces of the trail, spread evenly, in an order that is spread evenly
// too, so that it may stop when time is up; it gives for how many entries each found
// one stands.
func (l *Look) sample(ctx context.Context, t *tally, from, to end, patience time.Duration) (share float64, err error) {
	all := []db.Cond{during("at + 0", l.s.From, l.s.To)}
	for _, e := range l.s.Equal {
		all = append(all, e.aside())
	}
	c := db.And(append(all, l.s.bound())...)
	size := to.sequence - from.sequence + 1
	until := l.now() + patience.Microseconds()
	looked := int64(0)
	for i := range int64(pieces) {
		begin := from.sequence + (i*37%pieces)*size/pieces
		there := db.And(db.Where("sequence >= ? AND sequence < ?", begin, begin+min(piece, size/pieces+1)), c)
		if err := t.add(ctx, l.tx, "audit_entry", there, inAnyOrder, piece); err != nil {
			return 0, err
		}
		looked += min(piece, size/pieces+1)
		if l.now() >= until {
			break
		}
	}
	return max(1, float64(size)/float64(max(1, looked))), nil
}

// tally counts rows as they are read.
type tally struct {
	by    map[string]map[string]int64
	marks []Mark
}

func (t *tally) add(ctx context.Context, tx *db.Tx, table string, where db.Cond, order string, limit int) error {
	names := Columns()
	values := make([]string, len(names))
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		var m Mark
		err := r.Scan(&m.At, &values[0], &values[1], &values[2], &values[3], &values[4], &values[5])
		for i, name := range names {
			if t.by[name] == nil {
				t.by[name] = map[string]int64{}
			}
			if values[i] != "" {
				t.by[name][values[i]]++
			}
		}
		m.Outcome = values[3]
		t.marks = append(t.marks, m)
		return struct{}{}, err
	}, sumRows+table+` WHERE `+where.SQL()+order, append(where.Args(), limit)...)
	return err
}

func (t *tally) sum(out *Sum, top int) *Sum {
	out.Of, out.Marks, out.By = int64(len(t.marks)), t.marks, map[string][]Number{}
	for name, values := range t.by {
		list := make([]Number, 0, len(values))
		for v, n := range values {
			list = append(list, Number{v, n})
		}
		slices.SortFunc(list, func(a, b Number) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Value, b.Value))
		})
		list = list[:min(top, len(list))]
		for i := range list {
			list[i].Count = out.Stands(list[i].Count)
		}
		out.By[name] = list
	}
	for _, m := range t.marks {
		if out.Oldest == 0 || m.At < out.Oldest {
			out.Oldest = m.At
		}
		out.Newest = max(out.Newest, m.At)
	}
	return out
}

// Stands says for how many entries n of those that were looked at stand; two figures
// of it, where it is only about right.
func (s *Sum) Stands(n int64) int64 {
	if s.How != About {
		return n
	}
	n = int64(float64(n)*s.Share + 0.5)
	unit := int64(1)
	for n/unit >= 100 {
		unit *= 10
	}
	return (n + unit/2) / unit * unit
}
