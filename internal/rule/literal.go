package rule

import (
	"errors"
	"reflect"
	"slices"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// value is a literal in stored form, a number or a text; said is the text as it
// was written.
type value struct {
	number     int64
	text, said string
}

// literal reads a value for a field.
func (b *builder) literal(e ast.Expr, f *Field) (value, error) {
	if e.Kind() == ast.CallKind && (f.Kind == Money || f.Kind == Date) {
		x, err := b.made(e.AsCall(), f.Kind)
		if err != nil {
			return value{}, b.fault(e, f.Name+" is compared with "+f.Kind.how())
		}
		return value{number: x}, nil
	}
	if e.Kind() == ast.LiteralKind {
		switch x := e.AsLiteral().(type) {
		case types.Int:
			if f.Kind == Int {
				return value{number: int64(x)}, nil
			}
		case types.Bool:
			if f.Kind == Bool && x {
				return value{number: 1}, nil
			} else if f.Kind == Bool {
				return value{}, nil
			}
		case types.String:
			if f.Kind == Text || f.Kind == TextList {
				s, err := b.text(e, string(x), f)
				return value{text: s, said: string(x)}, err
			}
		}
	}
	return value{}, b.fault(e, f.Name+" is compared with "+f.Kind.how())
}

var errLiteral = errors.New("not a literal of this kind")

// made reads money("…") and date("…").
func (b *builder) made(c ast.CallExpr, k Kind) (int64, error) {
	if c.IsMemberFunction() || len(c.Args()) != 1 || c.Args()[0].Kind() != ast.LiteralKind {
		return 0, errLiteral
	}
	s, ok := c.Args()[0].AsLiteral().(types.String)
	switch {
	case ok && k == Money && c.FunctionName() == "money":
		a, err := money.Parse(string(s))
		return int64(a), err
	case ok && k == Date && c.FunctionName() == "date":
		d, err := civil.Parse(string(s))
		return int64(d), err
	}
	return 0, errLiteral
}

func (b *builder) text(e ast.Expr, s string, f *Field) (string, error) {
	if !printable(s) {
		return "", b.fault(e, "a text cannot hold control characters")
	}
	if f.Closed && !slices.ContainsFunc(f.Known, func(k outline.Choice) bool { return k.Value == s }) {
		return "", b.fault(e, f.noSuch(s))
	}
	if f.Value == nil {
		return s, nil
	}
	stored, ok := f.Value(s)
	if !ok {
		return "", b.fault(e, "nothing of this name is known for "+f.Name)
	}
	v := reflect.ValueOf(stored) // an id type of the caller's, usually
	if v.Kind() != reflect.String {
		return "", errors.New("rule: the value of " + f.Name + " is not stored as text")
	}
	return v.String(), nil
}
