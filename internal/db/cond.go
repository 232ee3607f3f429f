package db

import "strings"

// Cond is a composable predicate with bind parameters. The zero Cond is false:
// it shows nothing.
//
// A Cond's SQL text always stands in parentheses of its own, so that it can be
// put anywhere in a WHERE; its arguments come in the order of its `?` marks.
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
)

// True is the condition that every row meets.
func True() Cond { return Cond{kind: condTrue} }

// False is the condition that no row meets.
func False() Cond { return Cond{} }

// Where makes a condition of SQL text with `?` marks and its arguments. Empty
// text is false: whoever forgot to say what is shown shows nothing.
func Where(sql string, args ...any) Cond {
	if strings.TrimSpace(sql) == "" {
		return False()
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
	for _, k := range c {
		switch k.kind {
		case absorbing:
			return Cond{kind: absorbing}
		case neutral:
		default:
			parts = append(parts, k.sql)
			args = append(args, k.args...)
		}
	}
	switch len(parts) {
	case 0:
		return Cond{kind: neutral}
	case 1:
		return Cond{kind: condSQL, sql: parts[0], args: args}
	}
	return Cond{kind: condSQL, sql: "(" + strings.Join(parts, glue) + ")", args: args}
}

// Not is met where c is not met. Where c is unknown because of a NULL, Not is
// unknown too, and shows nothing: keep columns that conditions read NOT NULL.
func Not(c Cond) Cond {
	switch c.kind {
	case condFalse:
		return True()
	case condTrue:
		return False()
	}
	return Cond{kind: condSQL, sql: "(NOT " + c.sql + ")", args: c.args}
}

// In is met where column holds one of values. No values: false. column is
// trusted SQL text, never input.
func In[T any](column string, values []T) Cond {
	if len(values) == 0 {
		return False()
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	if len(args) == 1 {
		return Where(column+" = ?", args...)
	}
	return Where(column+" IN (?"+strings.Repeat(", ?", len(args)-1)+")", args...)
}

// SQL gives the predicate's text with `?` marks.
func (c Cond) SQL() string {
	switch c.kind {
	case condTrue:
		return "(1=1)"
	case condSQL:
		return c.sql
	}
	return "(1=0)"
}

// Args gives the arguments in the order of the marks in SQL. Do not write to it.
func (c Cond) Args() []any { return c.args }

// IsTrue reports whether c is the constant that every row meets.
func (c Cond) IsTrue() bool { return c.kind == condTrue }

// IsFalse reports whether c is the constant that no row meets.
func (c Cond) IsFalse() bool { return c.kind == condFalse }
