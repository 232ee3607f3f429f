package rule

import (
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
)

// SQL gives the predicate for a day, with every literal a bind parameter.
func (e *Expr) SQL(today civil.Date) db.Cond { return e.v.where(e.root, int64(today)) }

func (v *Vocabulary) where(n *node, today int64) db.Cond {
	switch n.op {
	case opConst:
		return truth(n.yes)
	case opAnd, opOr:
		kids := make([]db.Cond, len(n.kids))
		for i, kid := range n.kids {
			kids[i] = v.where(kid, today)
		}
		if n.op == opAnd {
			return db.And(kids...)
		}
		return db.Or(kids...)
	case opNot:
		return db.Not(v.where(n.kids[0], today))
	case opToday:
		return truth(n.rel.holds(today, n.ints[0]))
	}
	f := &v.fields[n.field]
	switch n.op {
	case opField:
		return db.Where(f.Column+n.rel.sql()+"?", today)
	case opPrefix:
		return prefixWhere(f.Column, n.texts[0])
	case opOverlap:
		if len(n.texts) == 0 {
			return truth(false)
		}
		return db.Where(strings.Replace(f.Column, "%s", "IN ("+marks(len(n.texts))+")", 1), binds(n.texts)...)
	}
	if f.DaysSince {
		return daysWhere(n, f.Column, today)
	}
	args := binds(n.ints)
	if f.Kind == Text {
		args = binds(n.texts)
	}
	if n.op == opCompare {
		return db.Where(f.Column+n.rel.sql()+"?", args...)
	}
	return db.In(f.Column, args)
}

func truth(yes bool) db.Cond {
	if yes {
		return db.True()
	}
	return db.False()
}

func marks(n int) string { return strings.TrimSuffix(strings.Repeat("?,", n), ",") }

func binds[T any](values []T) []any {
	args := make([]any, len(values))
	for i, x := range values {
		args[i] = x
	}
	return args
}

func (c rel) sql() string {
	return [...]string{eq: " = ", ne: " <> ", lt: " < ", le: " <= ", gt: " > ", ge: " >= "}[c]
}

func (c rel) holds(a, b int64) bool {
	switch c {
	case eq:
		return a == b
	case ne:
		return a != b
	case lt:
		return a < b
	case le:
		return a <= b
	case gt:
		return a > b
	}
	return a >= b
}

// prefixWhere compares the first characters. Both engines count substr in
// characters, as RuneCountInString does; the cast tells PostgreSQL which of its
// substr functions is meant.
func prefixWhere(column, prefix string) db.Cond {
	if prefix == "" {
		return db.True()
	}
	return db.Where("substr("+column+", 1, CAST(? AS INTEGER)) = ?", int64(utf8.RuneCountInString(prefix)), prefix)
}

// daysWhere compares the days since a stored date by comparing the date itself.
// Dates below 1 are no date; they and dates to come count as 0 days.
func daysWhere(n *node, column string, today int64) db.Cond {
	if n.op == opCompare {
		return daysCompare(n.rel, n.ints[0], column, today)
	}
	// One list of dates, not a chain of "or": engines bound an expression's depth.
	var dates []int64
	none := truth(false)
	for _, days := range n.ints {
		if days == 0 {
			none = daysCompare(eq, 0, column, today)
		} else if days > 0 && days < today {
			dates = append(dates, today-days)
		}
	}
	return db.Or(none, db.In(column, dates))
}

func daysCompare(c rel, days int64, column string, today int64) db.Cond {
	// No row is more than today-1 days old, so the literal can be brought into
	// -1..today without changing any answer, and nothing below can overflow.
	days = max(-1, min(days, max(today, 1)))
	switch c {
	case gt:
		return daysCompare(ge, days+1, column, today)
	case le:
		return daysCompare(lt, days+1, column, today)
	case ge:
		switch {
		case days <= 0:
			return truth(true)
		case days >= today:
			return truth(false)
		}
		return db.Where("("+column+" >= 1 AND "+column+" <= ?)", today-days)
	case lt:
		switch {
		case days <= 0:
			return truth(false)
		case days >= today:
			return truth(true)
		}
		return db.Where("("+column+" < 1 OR "+column+" > ?)", today-days)
	case ne:
		return db.Not(daysCompare(eq, days, column, today))
	}
	switch {
	case days < 0 || days > 0 && days >= today:
		return truth(false)
	case days == 0:
		return db.Where("("+column+" < 1 OR "+column+" >= ?)", today)
	}
	return db.Where(column+" = ?", today-days)
}
