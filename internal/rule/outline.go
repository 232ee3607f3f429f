package rule

import (
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// Outline gives the expression as a tree that a form can edit. Every expression
// has one, and it is canonical: what Print writes for it has the same meaning
// and the same outline. Its root is a group. "Not" survives on groups alone.
func (e *Expr) Outline() outline.Part {
	p := e.v.part(e.root, false)
	if p.Join == outline.None {
		p = outline.Part{Join: outline.All, Parts: []outline.Part{p}}
	}
	return p
}

func (v *Vocabulary) part(n *node, not bool) outline.Part {
	switch n.op {
	case opConst:
		return constant(n.yes != not)
	case opNot:
		return v.part(n.kids[0], !not)
	case opAnd, opOr:
		p := outline.Part{Join: outline.All, Not: not}
		if n.op == opOr {
			p.Join = outline.Any
		}
		for _, kid := range n.kids {
			// A double negation may have hidden a group of the same kind.
			if k := v.part(kid, false); k.Join == p.Join && !k.Not && len(k.Parts) > 0 {
				p.Parts = append(p.Parts, k.Parts...)
			} else {
				p.Parts = append(p.Parts, k)
			}
		}
		return p
	}
	return v.asked(n, not)
}

func constant(yes bool) outline.Part {
	if yes {
		return outline.Part{Join: outline.All}
	}
	return outline.Part{Join: outline.Any}
}

// asked words a condition. Its negation is always another comparison, since
// nothing in a row is neither true nor false.
func (v *Vocabulary) asked(n *node, not bool) outline.Part {
	if n.op == opToday {
		return outline.Part{Field: Today, Compare: n.rel.word(not), Values: []string{civil.Date(n.ints[0]).String()}}
	}
	f := &v.fields[n.field]
	p := outline.Part{Field: f.Name, Values: n.values(f.Kind)}
	switch {
	case f.Kind == Bool:
		return yesNo(p, n, not)
	case n.op == opField:
		p.Compare, p.Values = n.rel.word(not), []string{Today}
	case n.op == opCompare:
		p.Compare = n.rel.word(not)
	case n.op == opPrefix:
		p.Compare = either(not, outline.BeginsNotWith, outline.BeginsWith)
	default:
		p.Compare = either(not, outline.NoneOf, outline.OneOf)
	}
	return p
}

// yesNo words the question whether a bool is among some values: yes, no, or,
// with none of them or both, an answer that every row has in common.
func yesNo(p outline.Part, n *node, not bool) outline.Part {
	yes, no := slices.Contains(n.ints, 1), slices.Contains(n.ints, 0)
	if n.rel == ne {
		not = !not
	}
	if not {
		yes, no = !yes, !no
	}
	if yes == no {
		return constant(yes)
	}
	p.Compare, p.Values = outline.Is, []string{strconv.FormatBool(yes)}
	return p
}

func either(yes bool, a, b outline.Comparison) outline.Comparison {
	if yes {
		return a
	}
	return b
}

// word gives the comparison, or the opposite one.
func (c rel) word(not bool) outline.Comparison {
	if not {
		c = [...]rel{eq: ne, ne: eq, lt: ge, ge: lt, gt: le, le: gt}[c]
	}
	return [...]outline.Comparison{eq: outline.Is, ne: outline.IsNot, lt: outline.Under, le: outline.AtMost, gt: outline.Over, ge: outline.AtLeast}[c]
}

// values writes the node's literals as people do.
func (n *node) values(k Kind) []string {
	if k == Text || k == TextList {
		if n.said != nil {
			return slices.Clone(n.said)
		}
		return slices.Clone(n.texts)
	}
	var out []string
	for _, x := range n.ints {
		switch k {
		case Money:
			out = append(out, money.Amount(x).String())
		case Date:
			out = append(out, civil.Date(x).String())
		default:
			out = append(out, strconv.FormatInt(x, 10))
		}
	}
	return out
}

// Fields lists what a form may offer, in the order of the declarations; today
// stands at the end.
func (v *Vocabulary) Fields() []outline.Field {
	out := make([]outline.Field, 0, len(v.fields)+1)
	for i := range v.fields {
		out = append(out, v.fields[i].offer())
	}
	return append(out, outline.Field{Name: Today, Label: "Today’s date", Group: "Calendar", Kind: outline.Date, Values: []outline.Choice{},
		Compare: outline.Comparisons(outline.Date, false)[:6]})
}

func (f *Field) offer() outline.Field {
	named := f.Value != nil
	kind := [...]outline.Kind{Text: outline.Text, Int: outline.Whole, Money: outline.Money, Date: outline.Date, Bool: outline.YesNo, TextList: outline.List}[f.Kind]
	group, name, dotted := strings.Cut(f.Name, ".")
	if !dotted {
		group, name = "", group
	}
	o := outline.Field{Name: f.Name, Label: f.Label, Group: capital(group), Kind: kind, Closed: named,
		Compare: outline.Comparisons(kind, named), Values: append([]outline.Choice{}, f.Known...), Today: f.Kind == Date}
	if o.Label == "" {
		o.Label = capital(strings.NewReplacer("_", " ", ".", " ").Replace(name))
	}
	return o
}

// capital begins a name of a field with a capital letter.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
