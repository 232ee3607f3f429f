// Package facet looks through the placed entries of a trail of any length within a
// bounded time: it goes back through a selection, counts it, and says of what it
// consists.
//
//	Selection ─ Begin ─→ Look ─ Back    newest first, in stretches, until time is up
//	                          ├ Count   to a bound
//	                          └ Sum     values and instants: exact, at least, or about
//
// Each facet has an index by (facet, time). A selection of several is walked along the
// sparsest of them, its lead; the others are asked of each row and are written so that
// no engine takes their index, because a planner's guess about two facets that go
// together can cost minutes. The lead is measured, not guessed: where its two
// thousandth newest entry lies.
//
// A selection of few candidates is read whole and its numbers are exact. A large one is
// sampled in stretches spread evenly over the trail, and its numbers are "about"; one
// that the sample hardly meets is walked from its newest entry as long as there is
// time, and its numbers are "at least". Nothing is written and no tally is kept, so
// looking costs the recording nothing.
//
// It knows no body, no key and nobody's rights: which entries somebody may look at
// comes as a condition.
package facet

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// few is how many candidates are read whole.
const few = 2000

// Equal is a facet and the value that it must have.
type Equal struct{ Column, Value string }

// Selection is which entries are looked for. Zero fields do not narrow.
type Selection struct {
	Equal    []Equal
	Within   *db.Cond // over the columns of an entry: which may be looked at; nil: all
	From, To int64    // unix microseconds: From <= at < To
}

// refused are the words of the partial index over outcomes, which a bound value
// cannot match.
const refused = "outcome <> 'allowed'"

func (e Equal) indexed() bool { return e.Column != "outcome" || e.Value != "allowed" }

func (e Equal) cond() db.Cond {
	c := db.Where(e.Column+" = ?", e.Value)
	if e.Column == "outcome" && e.indexed() {
		c = db.And(c, db.Where(refused))
	}
	return c
}

// aside is cond as no engine looks it up in an index.
func (e Equal) aside() db.Cond { return db.Where(e.Column+" || '' = ?", e.Value) }

// Cond is the whole selection, for the engine to find as it likes.
func (s Selection) Cond() db.Cond {
	all := []db.Cond{db.True()}
	for _, e := range s.Equal {
		all = append(all, e.cond())
	}
	if s.Within != nil {
		all = append(all, *s.Within)
	}
	return db.And(append(all, during("at", s.From, s.To))...)
}

func during(at string, from, to int64) db.Cond {
	all := []db.Cond{db.True()}
	if from != 0 {
		all = append(all, db.Where(at+" >= ?", from))
	}
	if to != 0 {
		all = append(all, db.Where(at+" < ?", to))
	}
	return db.And(all...)
}

// Look is a look at one selection, in one transaction.
type Look struct {
	tx   *db.Tx
	s    Selection
	now  func() int64 // a clock that stands still never runs out
	lead *Equal       // nil: the selection is walked by time alone
	few  bool         // the lead has at most few entries
}

// Begin measures what leads through the selection.
func Begin(ctx context.Context, tx *db.Tx, s Selection, now func() int64) (*Look, error) {
	l := &Look{tx: tx, s: s, now: now}
	oldest := int64(0)
	for i := range s.Equal {
		e := &s.Equal[i]
		if !e.indexed() {
			continue
		}
		at, is, err := l.nth(ctx, e.cond(), s.To, few)
		if err != nil {
			return nil, err
		}
		if l.lead == nil || !is || at < oldest {
			l.lead, oldest, l.few = e, at, !is
		}
		if l.few {
			return l, nil
		}
	}
	if l.lead == nil {
		_, is, err := l.nth(ctx, db.True(), s.To, few)
		l.few = !is
		return l, err
	}
	return l, nil
}

// nth gives the instant of the n-th entry before an instant, going back; false if the
// selection ends before it.
func (l *Look) nth(ctx context.Context, lead db.Cond, before int64, n int) (at int64, is bool, err error) {
	c := db.And(lead, during("at", l.s.From, before))
	err = l.tx.One(ctx, `SELECT at FROM audit_entry WHERE `+c.SQL()+` ORDER BY at DESC LIMIT 1 OFFSET ?`, append(c.Args(), n), &at)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	return at, err == nil, err
}

// led is the condition by which the lead's index is walked.
func (l *Look) led() db.Cond {
	if l.lead == nil {
		return db.True()
	}
	return l.lead.cond()
}

// rest is what is asked of each row.
func (l *Look) rest() db.Cond {
	all := []db.Cond{db.True()}
	for i := range l.s.Equal {
		if e := &l.s.Equal[i]; e != l.lead {
			all = append(all, e.aside())
		}
	}
	return db.And(append(all, l.s.bound())...)
}

// bound is Within, asked of each row: an engine that saw through it would walk the
// index over objects instead of the time, and sort all that it finds.
func (s Selection) bound() db.Cond {
	if s.Within == nil {
		return db.True()
	}
	return db.Where("CASE WHEN "+s.Within.SQL()+" THEN 1 ELSE 0 END = 1", s.Within.Args()...)
}

// stretches are how many candidates are looked at in one statement: first few, because
// most pages are full at once, then as many as fit into the time that a look may run
// over.
const (
	shortest = 250
	longest  = 16_000
	overrun  = 6_000 // microseconds
)

// Back goes through the selection from newest to oldest, below before unless that is 0,
// until see has enough or patience is over. see is asked with the condition of one
// stretch after the other. It gives the instant down to which everything was looked
// at; 0 if nothing is left.
func (l *Look) Back(ctx context.Context, before int64, patience time.Duration, see func(stretch db.Cond) (enough bool, err error)) (reached int64, err error) {
	// Without a rest there is nothing to skip: the index gives the answer in order.
	return l.back(ctx, before, patience, l.few || l.rest().IsTrue(), see)
}

func (l *Look) back(ctx context.Context, before int64, patience time.Duration, whole bool, see func(stretch db.Cond) (enough bool, err error)) (reached int64, err error) {
	top := before
	if top == 0 || l.s.To != 0 && l.s.To < top {
		top = l.s.To
	}
	end := l.now() + patience.Microseconds()
	rest := l.rest()
	for n := shortest; ; {
		began := l.now()
		floor, more := int64(0), false
		if !whole {
			if floor, more, err = l.nth(ctx, l.led(), top, n); err != nil {
				return 0, err
			}
		}
		from := max(l.s.From, floor)
		enough, err := see(db.And(l.led(), rest, during("at", from, top)))
		if err != nil || !more {
			return 0, err
		}
		now := l.now()
		if enough || now >= end {
			return floor, nil
		}
		if took := now - began; took < overrun/2 {
			n = min(n*2, longest)
		} else if took > overrun {
			n = max(n/2, shortest)
		}
		top = floor
	}
}

// Count counts the selection to a limit, as long as there is time; whole says that no
// entry is left out.
func (l *Look) Count(ctx context.Context, limit int64, patience time.Duration) (n int64, whole bool, err error) {
	reached, err := l.Back(ctx, 0, patience, func(stretch db.Cond) (bool, error) {
		var here int64
		err := l.tx.One(ctx, `SELECT count(*) FROM (SELECT 1 FROM audit_entry WHERE `+stretch.SQL()+` LIMIT ?) AS narrowed`, append(stretch.Args(), limit+1-n), &here)
		n += here
		return n > limit, err
	})
	return n, reached == 0 && n <= limit, err
}

// Beside gives the entries just before and after one in its object's history; empty
// where there is none, or none that may be looked at.
func Beside(ctx context.Context, tx *db.Tx, object string, at int64, id string, within *db.Cond) (older, newer string, err error) {
	if object == "" {
		return "", "", nil
	}
	seen := db.Where("object = ?", object)
	if within != nil {
		seen = db.And(seen, *within)
	}
	for _, side := range []struct {
		cond db.Cond
		way  string
		to   *string
	}{
		{db.And(db.Where("at <= ?", at), db.Where("(at < ? OR id < ?)", at, id)), "DESC", &older},
		{db.And(db.Where("at >= ?", at), db.Where("(at > ? OR id > ?)", at, id)), "ASC", &newer},
	} {
		c := db.And(seen, side.cond)
		err = tx.One(ctx, `SELECT id FROM audit_entry WHERE `+c.SQL()+` ORDER BY at `+side.way+`, id `+side.way+` LIMIT 1`, c.Args(), side.to)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return "", "", err
		}
	}
	return older, newer, nil
}
