package rule

import (
	"slices"
	"strings"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"

	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// op is what a node of the compiled tree does.
type op uint8

const (
	opConst   op = iota // yes
	opAnd               // all kids
	opOr                // any kid
	opNot               // not the kid
	opCompare           // field rel ints[0] or texts[0]
	opField             // date field rel today
	opToday             // today rel ints[0]
	opIn                // field among ints or texts
	opPrefix            // text field begins with texts[0]
	opOverlap           // list field shares a value with texts
)

// rel is a comparison, with the field or today on its left.
type rel uint8

const (
	eq rel = iota + 1
	ne
	lt
	le
	gt
	ge
)

// node is the tree that SQL and closure are both compiled from. Literals are in
// stored form; a field of kind Text or TextList uses texts, all others ints. said
// holds the names that were translated into texts.
type node struct {
	op    op
	rel   rel
	yes   bool
	field int
	kids  []*node
	ints  []int64
	texts []string
	said  []string
}

// builder turns a CEL tree into nodes; it meets both the parsed tree, to refuse
// in plain words, and the checked one.
type builder struct {
	v     *Vocabulary
	info  *ast.SourceInfo
	conds int
}

// fault refuses at the place of an expression.
func (b *builder) fault(e ast.Expr, mend string) error {
	for inner := e; inner.Kind() == ast.SelectKind; e = inner {
		inner = inner.AsSelect().Operand() // a dotted name begins at its first word
	}
	at := b.info.GetStartLocation(e.ID())
	if at.Line() < 1 {
		return refuse(mend)
	}
	return refuseAt(at.Line(), at.Column()+1, mend)
}

// condition builds whatever must be true or false.
func (b *builder) condition(e ast.Expr) (*node, error) {
	switch e.Kind() {
	case ast.LiteralKind:
		if yes, ok := e.AsLiteral().(types.Bool); ok {
			return &node{op: opConst, yes: bool(yes)}, nil
		}
	case ast.IdentKind, ast.SelectKind:
		return b.bare(e)
	case ast.CallKind:
		return b.call(e, e.AsCall())
	}
	return nil, b.fault(e, "a condition is needed here, such as a comparison")
}

func (b *builder) bare(e ast.Expr) (*node, error) {
	i, err := b.fieldOf(e)
	if err != nil {
		return nil, err
	}
	if i < 0 || b.v.fields[i].Kind != Bool {
		return nil, b.fault(e, "this is not true or false by itself; compare it with a value")
	}
	return &node{op: opCompare, rel: eq, field: i, ints: []int64{1}}, b.count(e)
}

// count bounds the conditions, since each is work for every row.
func (b *builder) count(e ast.Expr) error {
	if b.conds++; b.conds > MaxConditions {
		return b.fault(e, "the expression has too many conditions; use in [...] for many values of one field")
	}
	return nil
}

func (b *builder) call(e ast.Expr, c ast.CallExpr) (*node, error) {
	name := c.FunctionName()
	switch name {
	case operators.LogicalAnd:
		return b.join(opAnd, e)
	case operators.LogicalOr:
		return b.join(opOr, e)
	case operators.LogicalNot:
		kid, err := b.condition(c.Args()[0])
		return &node{op: opNot, kids: []*node{kid}}, err
	}
	if err := b.count(e); err != nil {
		return nil, err
	}
	switch {
	case comparisons(name) != 0:
		return b.compare(e, comparisons(name), c.Args()[0], c.Args()[1])
	case name == operators.In:
		return b.in(e, c.Args()[0], c.Args()[1])
	case name == "startsWith" && c.IsMemberFunction():
		return b.prefix(e, c)
	case name == "overlaps" && c.IsMemberFunction():
		return b.overlap(e, c)
	case name == "money" || name == "date":
		return nil, b.fault(e, "this is a value, not a condition; compare a field with it")
	case name == operators.Add || name == operators.Subtract || name == operators.Negate:
		return nil, b.fault(e, "arithmetic cannot be used in a restriction")
	case name[0] >= 'a' && name[0] <= 'z' || name[0] >= 'A' && name[0] <= 'Z':
		return nil, b.fault(e, short(name)+" cannot be used in a restriction; only startsWith, overlaps, money and date can")
	}
	return nil, b.fault(e, "this cannot be used in a restriction")
}

func comparisons(name string) rel {
	switch name {
	case operators.Equals:
		return eq
	case operators.NotEquals:
		return ne
	case operators.Less:
		return lt
	case operators.LessEquals:
		return le
	case operators.Greater:
		return gt
	case operators.GreaterEquals:
		return ge
	}
	return 0
}

// join flattens a chain of the same connective, so that depth follows the
// parentheses that were written and not the length of the text.
func (b *builder) join(o op, e ast.Expr) (*node, error) {
	n := &node{op: o}
	for _, arg := range e.AsCall().Args() {
		kid, err := b.condition(arg)
		if err != nil {
			return nil, err
		}
		if kid.op == o {
			n.kids = append(n.kids, kid.kids...)
		} else {
			n.kids = append(n.kids, kid)
		}
	}
	return n, nil
}

// today stands in for a field's index.
const today = -1

func isName(e ast.Expr) bool { return e.Kind() == ast.IdentKind || e.Kind() == ast.SelectKind }

// fieldOf gives the index of the field that a name speaks of, or today.
func (b *builder) fieldOf(e ast.Expr) (int, error) {
	name, at := "", e
	for ; at.Kind() == ast.SelectKind && len(name) < 300; at = at.AsSelect().Operand() {
		name = "." + at.AsSelect().FieldName() + name
	}
	if at.Kind() != ast.IdentKind {
		return 0, b.fault(e, "a field is needed here")
	}
	name = at.AsIdent() + name
	if name == Today {
		return today, nil
	}
	i, ok := b.v.index[name]
	if !ok {
		return 0, b.fault(e, b.v.unknown(name))
	}
	return i, nil
}

func (b *builder) compare(e ast.Expr, c rel, left, right ast.Expr) (*node, error) {
	if !isName(left) {
		left, right, c = right, left, c.flip()
	}
	if !isName(left) {
		return nil, b.fault(e, "a comparison needs a field on one side")
	}
	i, err := b.fieldOf(left)
	if err != nil {
		return nil, err
	}
	if isName(right) {
		return b.compareToday(e, c, i, right)
	}
	if i == today {
		x, err := b.literal(right, &Field{Name: Today, Kind: Date})
		return &node{op: opToday, rel: c, field: today, ints: []int64{x.number}}, err
	}
	f := &b.v.fields[i]
	switch {
	case f.Kind == TextList:
		return nil, b.fault(left, f.Name+` is a list; ask "x" in `+f.Name+` or `+f.Name+`.overlaps(["x"])`)
	case c > ne && (f.Kind == Bool || f.Value != nil):
		return nil, b.fault(left, f.Name+" has no order; it can only be equal or not")
	}
	x, err := b.literal(right, f)
	n := &node{op: opCompare, rel: c, field: i}
	n.add(f, x)
	return n, err
}

// compareToday allows the one comparison of two names: a date field and today.
func (b *builder) compareToday(e ast.Expr, c rel, i int, right ast.Expr) (*node, error) {
	j, err := b.fieldOf(right)
	if err != nil {
		return nil, err
	}
	if i == today {
		i, j, c = j, i, c.flip()
	}
	if j != today || i == today {
		return nil, b.fault(e, "two fields cannot be compared; compare one with a value")
	}
	if b.v.fields[i].Kind != Date {
		return nil, b.fault(e, b.v.fields[i].Name+" is not a date, so it cannot be compared with today")
	}
	return &node{op: opField, rel: c, field: i}, nil
}

// flip turns a comparison round: 3 < x is x > 3.
func (c rel) flip() rel {
	return [...]rel{eq: eq, ne: ne, lt: gt, le: ge, gt: lt, ge: le}[c]
}

func (n *node) add(f *Field, x value) {
	if f.Kind != Text && f.Kind != TextList {
		n.ints = append(n.ints, x.number)
		return
	}
	n.texts = append(n.texts, x.text)
	if f.Value != nil {
		n.said = append(n.said, x.said)
	}
}

func (b *builder) in(e ast.Expr, left, right ast.Expr) (*node, error) {
	if isName(right) {
		i, err := b.listField(right)
		if err != nil {
			return nil, err
		}
		x, err := b.literal(left, &b.v.fields[i])
		n := &node{op: opOverlap, field: i}
		n.add(&b.v.fields[i], x)
		return n, err
	}
	if right.Kind() != ast.ListKind {
		return nil, b.fault(right, "in needs a list of values in square brackets, or a list field")
	}
	if !isName(left) {
		return nil, b.fault(left, "a field is needed before in")
	}
	i, err := b.fieldOf(left)
	if err != nil {
		return nil, err
	}
	if i == today || b.v.fields[i].Kind == TextList {
		return nil, b.fault(left, `only a field with one value can stand before in [...]; for a list use overlaps`)
	}
	n := &node{op: opIn, field: i}
	return n, b.values(n, right)
}

func (b *builder) listField(e ast.Expr) (int, error) {
	i, err := b.fieldOf(e)
	if err != nil {
		return 0, err
	}
	if i == today || b.v.fields[i].Kind != TextList {
		return 0, b.fault(e, "this is not a list")
	}
	return i, nil
}

// values reads a list of literals for the node's field, each value once.
func (b *builder) values(n *node, list ast.Expr) error {
	f := &b.v.fields[n.field]
	for _, item := range list.AsList().Elements() {
		x, err := b.literal(item, f)
		if err != nil {
			return err
		}
		n.add(f, x)
	}
	slices.Sort(n.ints)
	slices.Sort(n.texts)
	slices.Sort(n.said)
	n.ints, n.texts, n.said = slices.Compact(n.ints), slices.Compact(n.texts), slices.Compact(n.said)
	return nil
}

func (b *builder) prefix(e ast.Expr, c ast.CallExpr) (*node, error) {
	if !isName(c.Target()) || len(c.Args()) != 1 {
		return nil, b.fault(e, `startsWith is asked of a field: field.startsWith("x")`)
	}
	i, err := b.fieldOf(c.Target())
	if err != nil {
		return nil, err
	}
	if i == today || b.v.fields[i].Kind != Text || b.v.fields[i].Value != nil {
		return nil, b.fault(c.Target(), "startsWith can only be asked of a plain text field")
	}
	f := b.v.fields[i]
	if at := c.Args()[0]; f.Closed {
		f.Closed = false // a beginning is no value
		if x, err := b.literal(at, &f); err == nil && !slices.ContainsFunc(f.Known, func(k outline.Choice) bool { return strings.HasPrefix(k.Value, x.text) }) {
			return nil, b.fault(at, f.noSuch(x.text))
		}
	}
	x, err := b.literal(c.Args()[0], &f)
	return &node{op: opPrefix, field: i, texts: []string{x.text}}, err
}

func (b *builder) overlap(e ast.Expr, c ast.CallExpr) (*node, error) {
	if !isName(c.Target()) || len(c.Args()) != 1 || c.Args()[0].Kind() != ast.ListKind {
		return nil, b.fault(e, `overlaps is asked of a list field with a list of values: field.overlaps(["x","y"])`)
	}
	i, err := b.listField(c.Target())
	if err != nil {
		return nil, err
	}
	n := &node{op: opOverlap, field: i}
	return n, b.values(n, c.Args()[0])
}
