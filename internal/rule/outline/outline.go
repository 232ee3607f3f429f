// Package outline is a restriction as a form can edit it: a tree of groups and
// conditions, with the fields that a form offers for it, its JSON and its
// sentence in plain English. Package rule turns expressions into outlines and
// prints outlines as expressions again.
//
// The JSON of a group is {"all":[…]} or {"any":[…]}, with "not":true when it is
// turned round; that of a condition is {"field":"loan.balance",
// "compare":"at_least","values":["250.00"]}. Values are written as people type
// them: 30, 250.00, 2026-01-01 or today, true or false, a name or a text.
//
// Invariants:
//   - {"all":[]} holds for every row and {"any":[]} for none.
//   - A condition is never turned round; it has the opposite comparison instead.
//   - Whatever Decode accepts is bounded in bytes, depth and number of parts.
//   - The package knows no vocabulary, no SQL and no CEL: whether a field exists
//     and a value fits it is for package rule to say.
package outline

// Join is how the parts of a group belong together; the zero Join is a condition.
type Join uint8

// The joins.
const (
	None Join = iota // a condition
	All              // every part must hold
	Any              // one part must hold
)

// Part is a group (Join, Not, Parts) or a condition (Field, Compare, Values).
type Part struct {
	Join  Join
	Not   bool
	Parts []Part

	Field   string
	Compare Comparison
	Values  []string
}

// Translate gives the outline with every value said as say says it: names for
// the ids that are stored, or ids for names.
func (p Part) Translate(say func(field, value string) string) Part {
	parts, values := p.Parts, p.Values
	p.Parts, p.Values = nil, nil
	for _, part := range parts {
		p.Parts = append(p.Parts, part.Translate(say))
	}
	for _, value := range values {
		p.Values = append(p.Values, say(p.Field, value))
	}
	return p
}

// Comparison is what a condition asks of its field.
type Comparison string

// The comparisons. For a field that holds a list OneOf asks whether it shares a
// value with those given.
const (
	Is            Comparison = "is"
	IsNot         Comparison = "is_not"
	Under         Comparison = "under"
	AtMost        Comparison = "at_most"
	Over          Comparison = "over"
	AtLeast       Comparison = "at_least"
	OneOf         Comparison = "one_of"
	NoneOf        Comparison = "none_of"
	BeginsWith    Comparison = "begins_with"
	BeginsNotWith Comparison = "begins_not_with"
)

// Many reports whether the comparison takes any number of values, not just one.
func (c Comparison) Many() bool { return c == OneOf || c == NoneOf }

// Kind is what a field holds, in the form's words.
type Kind string

// The kinds of fields.
const (
	Text  Kind = "text"
	Whole Kind = "whole"
	Money Kind = "money"
	Date  Kind = "date"
	YesNo Kind = "yes_no"
	List  Kind = "list"
)

// Choice is one entry of a select: what is sent, and what is read.
type Choice struct {
	Value string `json:"value" class:"public"`
	Label string `json:"label" class:"public"`
}

// Field is a field as a form offers it.
type Field struct {
	Name  string `json:"name" class:"public"`
	Label string `json:"label" class:"public"`
	Group string `json:"group" class:"public"` // whose field it is: "Loan"
	Kind  Kind   `json:"kind" class:"public"`
	// Compare lists the comparisons that the field allows, in the order of a menu.
	Compare []Choice `json:"compare"`
	// Values are the known ones; with Closed there are no others.
	Values []Choice `json:"values"`
	Closed bool     `json:"closed" class:"public"`
	// Today says that the word today may stand for a value of a single comparison.
	Today bool `json:"today" class:"public"`
}

// words of the comparisons; dates and texts have some of their own.
func word(c Comparison, k Kind) string {
	date := k == Date
	switch c {
	case Under:
		return pick(date, "is before", pick(k == Text, "sorts before", "is less than"))
	case AtMost:
		return pick(date, "is on or before", pick(k == Text, "sorts up to", "is at most"))
	case Over:
		return pick(date, "is after", pick(k == Text, "sorts after", "is more than"))
	case AtLeast:
		return pick(date, "is on or after", pick(k == Text, "sorts from", "is at least"))
	case IsNot:
		return "is not"
	case OneOf:
		return pick(k == List, "includes any of", "is any of")
	case NoneOf:
		return pick(k == List, "includes none of", "is none of")
	case BeginsWith:
		return "begins with"
	case BeginsNotWith:
		return "does not begin with"
	}
	return "is"
}

func pick(yes bool, a, b string) string {
	if yes {
		return a
	}
	return b
}

// Comparisons gives the menu of a kind. Named text is known by its names alone,
// and so has no order and no beginning.
func Comparisons(k Kind, named bool) []Choice {
	var list []Comparison
	switch {
	case k == List:
		list = []Comparison{OneOf, NoneOf}
	case k == YesNo:
		list = []Comparison{Is}
	case k == Text && named:
		list = []Comparison{OneOf, NoneOf, Is, IsNot}
	case k == Text:
		list = []Comparison{Is, IsNot, OneOf, NoneOf, BeginsWith, BeginsNotWith, Under, AtMost, Over, AtLeast}
	default:
		list = []Comparison{Is, IsNot, Under, AtMost, Over, AtLeast, OneOf, NoneOf}
	}
	menu := make([]Choice, len(list))
	for i, c := range list {
		menu[i] = Choice{Value: string(c), Label: word(c, k)}
	}
	return menu
}

// Allows reports whether the field's menu has the comparison.
func (f *Field) Allows(c Comparison) bool {
	for _, choice := range f.Compare {
		if choice.Value == string(c) {
			return true
		}
	}
	return false
}
