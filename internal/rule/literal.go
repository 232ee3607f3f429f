package rule

import (
	"errors"
	"reflect"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
)

// literal reads a value for a field, in stored form.
func (b *builder) literal(e ast.Expr, f *Field) (int64, string, error) {
	if e.Kind() == ast.CallKind && (f.Kind == Money || f.Kind == Date) {
		x, err := b.made(e.AsCall(), f.Kind)
		if err != nil {
			return 0, "", b.fault(e, f.Name+" is compared with "+f.Kind.how())
		}
		return x, "", nil
	}
	if e.Kind() == ast.LiteralKind {
		switch x := e.AsLiteral().(type) {
		case types.Int:
			if f.Kind == Int {
				return int64(x), "", nil
			}
		case types.Bool:
			if f.Kind == Bool && x {
				return 1, "", nil
			} else if f.Kind == Bool {
				return 0, "", nil
			}
		case types.String:
			if f.Kind == Text || f.Kind == TextList {
				s, err := b.text(e, string(x), f)
				return 0, s, err
			}
		}
	}
	return 0, "", b.fault(e, f.Name+" is compared with "+f.Kind.how())
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
