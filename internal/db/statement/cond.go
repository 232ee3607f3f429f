package statement

import (
	"slices"
	"strings"
)

// Cond is a composable predicate with bind parameters. The zero Cond is false:
// it shows nothing.
//
// A Cond's text always stands in parentheses of its own, so that it can be put
// anywhere in a WHERE; its arguments come in the order of its `?` marks. A
// condition whose arguments do not fit its marks is broken, and so is whatever
// is made of it: the engine refuses the statement, rather than showing a row
// by mistake.
type Cond struct {
	kind condKind
	sql  string
	args []any
}

type condKind uint8

const (
	condFalse condKind = iota // the zero Cond shows nothing
	condTrue
	condSQL
	condBroken
)

// True is the condition that every row meets.
func True() Cond { return Cond{kind: condTrue} }

// False is the condition that no row meets.
func False() Cond { return Cond{} }

// Where makes a condition of trusted SQL text with `?` marks and its arguments.
func Where(sql string, args ...any) Cond {
	if strings.TrimSpace(sql) == "" || number(sql).Marks != len(args) {
		return Cond{kind: condBroken}
	}
	return Cond{kind: condSQL, sql: "(" + sql + ")", args: args}
}

// And is met where all of c are met. And() is true.
func And(c ...Cond) Cond { return join(c, " AND ", condTrue, condFalse) }

// Or is met where any of c is met. Or() is false.
func Or(c ...Cond) Cond { return join(c, " OR ", condFalse, condTrue) }

// join glues conditions: neutral ones vanish, one that absorbs decides.
func join(c []Cond, glue string, neutral, absorbing condKind) Cond {
	var parts []string
	var args []any
	absorbed := false
	for _, k := range c {
		switch k.kind {
		case condBroken:
			return k
		case absorbing:
			absorbed = true
		case neutral:
		default:
			parts = append(parts, k.sql)
			args = append(args, k.args...)
		}
	}
	switch {
	case absorbed:
		return Cond{kind: absorbing}
	case len(parts) == 0:
		return Cond{kind: neutral}
	}
	return Cond{kind: condSQL, sql: group(parts, glue), args: args}
}

// group writes many parts as a balanced tree: SQLite refuses an expression
// that is 1,000 levels deep, and reads a AND b AND c as one level each.
func group(parts []string, glue string) string {
	const wide = 50
	switch n := len(parts); {
	case n == 1:
		return parts[0]
	case n <= wide:
		return "(" + strings.Join(parts, glue) + ")"
	default:
		return "(" + group(parts[:n/2], glue) + glue + group(parts[n/2:], glue) + ")"
	}
}

// Not is met where c is not met. Where c is unknown because of a NULL, Not is
// unknown too, and shows nothing: keep columns that conditions read NOT NULL.
func Not(c Cond) Cond {
	switch c.kind {
	case condFalse:
		return True()
	case condTrue:
		return False()
	case condBroken:
		return c
	}
	return Cond{kind: condSQL, sql: "(NOT " + c.sql + ")", args: c.args}
}

// In is met where column holds one of values; no values: false. column is
// trusted SQL text. The last value is repeated up to the next power of two, so
// that lists of many lengths share few statements. An engine takes about
// 30,000 values: join a table for more.
func In[T any](column string, values []T) Cond {
	if len(values) == 0 {
		return False()
	}
	size := 1
	for size < len(values) {
		size *= 2
	}
	if size > 16384 {
		size = len(values)
	}
	args := make([]any, size)
	for i := range args {
		args[i] = values[min(i, len(values)-1)]
	}
	if size == 1 {
		return Where(column+" = ?", args...)
	}
	return Where(column+" IN (?"+strings.Repeat(", ?", size-1)+")", args...)
}

// SQL gives the predicate's text with `?` marks.
func (c Cond) SQL() string {
	switch c.kind {
	case condTrue:
		return "(1=1)"
	case condFalse:
		return "(1=0)"
	case condSQL:
		return c.sql
	}
	return "(broken condition: its arguments do not fit its marks)"
}

// Args gives the arguments in the order of the marks in SQL.
func (c Cond) Args() []any { return slices.Clone(c.args) }

// IsTrue reports whether c is the constant that every row meets.
func (c Cond) IsTrue() bool { return c.kind == condTrue }

// IsFalse reports whether c is the constant that no row meets.
func (c Cond) IsFalse() bool { return c.kind == condFalse }
