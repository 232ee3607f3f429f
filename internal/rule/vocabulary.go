// Package rule compiles the conditions that people write about rows — search
// restrictions and area limits — from a small part of CEL, once, into a SQL
// predicate with bind parameters and into a Go closure that agree on every row.
//
// What may be written: comparison (== != < <= > >=) of a field with a literal
// or of a date field with today; field in [literals]; "x" in list_field;
// list_field.overlaps(["x","y"]); text_field.startsWith("x"); a bool field
// bare; true and false; && || ! and parentheses. An amount is written
// money("250.00"), a date date("2026-01-01"). Nothing else: no macros, regular
// expressions, arithmetic, ternary, indexing, maps, or comparison of two fields.
//
// Invariants:
//   - The words are the caller's: a Vocabulary declares each field's name, kind
//     and SQL. This package knows no loan, no table and no engine.
//   - Every column is NOT NULL, so that nothing is ever neither true nor false.
//     A bool is stored as 0 or 1, a date as its day number (0 is no date, and
//     earlier than every date), money in minor units.
//   - Text compares bytewise. Equality is bytewise on both engines anyway; an
//     ordering (< <= > >=) needs a column whose collation is bytewise, as all
//     columns of the house are.
//   - startsWith compiles to substr(column, 1, n) = prefix, never to LIKE: LIKE
//     ignores case on one engine and has wildcards on both.
//   - Any text, however hostile, compiles or is refused in bounded time and
//     memory; a refusal says the line, the column and the mend, and never
//     repeats a value that was written.
package rule

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// Kind is what a field holds, and so what it may be compared with.
type Kind uint8

// The kinds of fields.
const (
	Text     Kind = iota + 1 // Value.Text; compared with "text"
	Int                      // Value.Int; compared with 30
	Money                    // Value.Int, minor units; compared with money("250.00")
	Date                     // Value.Int, civil.Date; compared with date("2026-01-01") or today
	Bool                     // Value.Int, 0 or 1; stands bare or is compared with true and false
	TextList                 // Value.List; asked by overlaps and by "x" in field
)

// Field declares one word of a vocabulary.
type Field struct {
	Name string // as people write it: "loan.days_past_due", "custom.region"
	Kind Kind

	// Column is the SQL expression of the stored value, such as "l.status",
	// without bind parameters. For a TextList it is a predicate in which %s
	// takes "IN (?,?)": "EXISTS (SELECT 1 FROM … AND lp.portfolio_id %s)".
	Column string

	// Value translates a literal that people write as a name (the portfolio
	// "Acme") into the text that is stored (its id); false is an unknown name.
	// Only for Text, which then has == != and in alone, and TextList. It is
	// called while compiling and must not be slow. Nil: stored as written.
	Value func(name string) (stored any, ok bool)

	// Label is what a form calls the field, "Days past due"; empty: made from
	// the name. Known lists values that a form offers to choose from, as they
	// are written in an expression; with Value these are all that there are.
	Label string
	Known []outline.Choice

	// Closed, for a Text: Known are all values that there are, so that another one, or
	// the beginning of none, is refused with the nearest: misspelt, it would hide
	// nothing where != stands. Without it, values are open and any text may be written.
	Closed bool

	// Dated says that the value changes with the day though no row changes.
	Dated bool

	// DaysSince, for an Int: the stored value is a date and the field's value
	// is the number of days from it to today, 0 when it is no date or lies in
	// the future. It compiles to a comparison of the stored date, so that an
	// index on it serves.
	DaysSince bool
}

// Today is the word for the day of the transaction in the tenant's zone.
const Today = "today"

// Vocabulary is a closed set of fields that expressions may speak of. It is
// immutable and may be used by many goroutines.
type Vocabulary struct {
	fields []Field
	index  map[string]int
	env    *cel.Env
}

// Reserved by CEL, so that no field may be called so.
var reserved = []string{"as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in",
	"let", "loop", "package", "namespace", "null", "return", "true", "var", "void", "while"}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,3}$`)

// NewVocabulary checks the declarations; its errors are defects of the caller.
func NewVocabulary(fields ...Field) (*Vocabulary, error) {
	v := &Vocabulary{fields: slices.Clone(fields), index: make(map[string]int, len(fields))}
	opts := []cel.EnvOption{
		cel.ClearMacros(),
		cel.ParserRecursionLimit(32),
		cel.ParserExpressionSizeLimit(MaxLength),
		cel.ParserErrorRecoveryLimit(1),
		cel.Variable(Today, cel.IntType),
		cel.Function("money", cel.Overload("money_string", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(celMoney))),
		cel.Function("date", cel.Overload("date_string", []*cel.Type{cel.StringType}, cel.IntType, cel.UnaryBinding(celDate))),
		cel.Function("overlaps", cel.MemberOverload("list_overlaps_list",
			[]*cel.Type{cel.ListType(cel.StringType), cel.ListType(cel.StringType)}, cel.BoolType, cel.BinaryBinding(celOverlaps))),
	}
	for i, f := range v.fields {
		if err := f.check(); err != nil {
			return nil, fmt.Errorf("rule: field %q: %w", f.Name, err)
		}
		if _, twice := v.index[f.Name]; twice {
			return nil, fmt.Errorf("rule: field %q is declared twice", f.Name)
		}
		v.index[f.Name] = i
		opts = append(opts, cel.Variable(f.Name, f.Kind.cel()))
	}
	var err error
	if v.env, err = cel.NewEnv(opts...); err != nil {
		return nil, fmt.Errorf("rule: making the environment: %w", err)
	}
	return v, nil
}

func (f *Field) check() error {
	if !nameForm.MatchString(f.Name) || f.Name == Today {
		return errors.New("not a name")
	}
	for part := range strings.SplitSeq(f.Name, ".") {
		if slices.Contains(reserved, part) {
			return errors.New("the name holds a reserved word")
		}
	}
	slots := strings.Count(f.Column, "%s")
	switch {
	case f.Kind < Text || f.Kind > TextList:
		return errors.New("no kind")
	case f.Column == "" || strings.Contains(f.Column, "?"):
		return errors.New("the column is empty or holds a bind parameter")
	case f.Kind == TextList && slots != 1:
		return errors.New("the column of a list needs one %s")
	case f.Value != nil && f.Kind != Text && f.Kind != TextList:
		return errors.New("only text can be translated")
	case f.Closed && (f.Kind != Text || f.Value != nil || len(f.Known) == 0):
		return errors.New("only a text with known values can be closed")
	case f.DaysSince && f.Kind != Int:
		return errors.New("days since a date are an Int")
	}
	return nil
}

func (k Kind) cel() *cel.Type {
	switch k {
	case Text:
		return cel.StringType
	case Bool:
		return cel.BoolType
	case TextList:
		return cel.ListType(cel.StringType)
	default:
		return cel.IntType
	}
}

// Index gives the place of a field in a Row, or -1.
func (v *Vocabulary) Index(name string) int {
	if i, ok := v.index[name]; ok {
		return i
	}
	return -1
}

// Len is the number of fields, the length of a Row.
func (v *Vocabulary) Len() int { return len(v.fields) }

// Names lists the fields in the order in which they were declared.
func (v *Vocabulary) Names() []string {
	names := make([]string, len(v.fields))
	for i, f := range v.fields {
		names[i] = f.Name
	}
	return names
}

// The meaning of our three functions to cel-go itself, the referee of the tests.

func celMoney(x ref.Val) ref.Val {
	a, err := money.Parse(string(x.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Int(a)
}

func celDate(x ref.Val) ref.Val {
	d, err := civil.Parse(string(x.(types.String)))
	if err != nil {
		return types.WrapErr(err)
	}
	return types.Int(d)
}

func celOverlaps(x, y ref.Val) ref.Val {
	have := x.(traits.Container)
	for it := y.(traits.Lister).Iterator(); it.HasNext() == types.True; {
		if have.Contains(it.Next()) == types.True {
			return types.True
		}
	}
	return types.False
}
