package rule

import (
	"slices"

	"cel.dev/cel-go/cel"

	"github.com/lendkeep/lendkeep/internal/civil"
)

// Expr is a compiled expression: immutable, for any number of goroutines.
type Expr struct {
	v      *Vocabulary
	text   string
	root   *node
	match  test
	width  int // the least length of a Row that it can judge
	dated  bool
	fields []string
}

// Compile reads an expression. Its faults are Invalid with one field of empty
// path, which the caller fills in ("visible"), and a mend with line and column.
func (v *Vocabulary) Compile(text string) (*Expr, error) {
	if err := scan(text); err != nil {
		return nil, err
	}
	parsed, issues := v.env.Parse(text)
	if err := plain(issues); err != nil {
		return nil, err
	}
	// The parsed tree is built for its faults alone: they are worded for people,
	// and what passes is harmless to the type checker.
	if _, err := v.build(parsed); err != nil {
		return nil, err
	}
	checked, issues := v.env.Check(parsed)
	if err := plain(issues); err != nil {
		return nil, err
	}
	if checked.OutputType() != cel.BoolType {
		return nil, refuse("the expression must be true or false")
	}
	root, err := v.build(checked)
	if err != nil {
		return nil, err
	}
	e := &Expr{v: v, text: text, root: root, match: v.compile(root)}
	e.survey(root)
	slices.Sort(e.fields)
	return e, nil
}

func (v *Vocabulary) build(a *cel.Ast) (*node, error) {
	tree := a.NativeRep()
	b := &builder{v: v, info: tree.SourceInfo()}
	return b.condition(tree.Expr())
}

// plain turns the parser's and the checker's complaints into ours: their text
// repeats what was written, so only the place is kept.
func plain(issues *cel.Issues) error {
	if issues.Err() == nil {
		return nil
	}
	for _, e := range issues.Errors() {
		if e.Location != nil && e.Location.Line() > 0 && e.Location.Column() >= 0 {
			return refuseAt(e.Location.Line(), e.Location.Column()+1, "the expression cannot be understood from here on")
		}
	}
	return refuse("the expression cannot be understood")
}

// survey notes what the tree reads.
func (e *Expr) survey(n *node) {
	switch n.op {
	case opAnd, opOr, opNot:
		for _, kid := range n.kids {
			e.survey(kid)
		}
		return
	case opConst:
		return
	case opToday:
		e.dated = true
		return
	case opField:
		e.dated = true
	}
	f := &e.v.fields[n.field]
	e.dated = e.dated || f.Dated || f.DaysSince
	e.width = max(e.width, n.field+1)
	if !slices.Contains(e.fields, f.Name) {
		e.fields = append(e.fields, f.Name)
	}
}

// Text gives the expression as it was written.
func (e *Expr) Text() string { return e.text }

// Dated reports whether the answer for a row may change with the day alone.
func (e *Expr) Dated() bool { return e.dated }

// Fields lists the names of the fields that it reads, sorted.
func (e *Expr) Fields() []string { return slices.Clone(e.fields) }

// Match judges one row on a day. A row shorter than the expression needs never
// matches. It does not allocate.
func (e *Expr) Match(r Row, today civil.Date) bool {
	return len(r) >= e.width && e.match(r, int64(today))
}

// Drive says how an index on a list field can drive a page: every row that
// matches holds at least one of the values (in stored form) in the field. rest
// reports whether rows that hold one must still be judged by the expression. It
// is not ok when no list field implies the expression.
func (e *Expr) Drive() (field string, values []any, rest, ok bool) {
	n := drive(e.root)
	if n == nil {
		return "", nil, false, false
	}
	for _, s := range n.texts {
		values = append(values, s)
	}
	return e.v.fields[n.field].Name, values, e.root.op == opAnd, true
}

// drive finds the overlap with the fewest values that a tree implies: one of an
// "and", or an "or" of overlaps of one field taken together.
func drive(n *node) *node {
	switch n.op {
	case opOverlap:
		return n
	case opAnd:
		var best *node
		for _, kid := range n.kids {
			if d := drive(kid); d != nil && (best == nil || len(d.texts) < len(best.texts)) {
				best = d
			}
		}
		return best
	case opOr:
		all := &node{op: opOverlap, field: n.kids[0].field}
		for _, kid := range n.kids {
			if kid.op != opOverlap || kid.field != all.field {
				return nil
			}
			all.texts = append(all.texts, kid.texts...)
		}
		slices.Sort(all.texts)
		all.texts = slices.Compact(all.texts)
		return all
	}
	return nil
}
