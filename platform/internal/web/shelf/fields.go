package shelf

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/shelf"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// fieldListing is what the page of custom fields shows.
type fieldListing struct {
	items []shelf.CustomFieldOut
	may   bool
	when  func(text string) parts.Moment
}

func (r *Room) fields(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.CustomFieldList)
		if err != nil {
			return visit.View{}, err
		}
		l := fieldListing{items: out.Items, may: p.Can(r.desk.CustomFieldMake.Name, ""), when: day(v)}
		return over(v, p, "Custom fields", fieldsPage(l), l.may, parts.Button{Label: "New custom field", Kind: parts.Primary, Href: fields + "/new"}), nil
	}
}

func (r *Room) blankField(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		return under(v, p, r.desk.CustomFieldMake, parts.Link{Text: "Custom fields", Href: fields}, fieldForm(v))
	}
}

func (r *Room) addField(v *visit.Visit) {
	visit.Act(v, r.desk.CustomFieldMake, func(out *shelf.CustomFieldOut) visit.Answer {
		said := "Custom field made. Every loan has it now, with its default."
		if out.Class == public {
			said += " Search restrictions can speak of it."
		}
		return visit.Go(fields, said)
	}, r.blankField(v))
}

// public is the class of what everybody reads who sees the loan.
const public = "public"

// kinds are what a custom field can hold, as the trade says it.
func kinds() []parts.Option {
	return []parts.Option{{Value: "text", Label: "Text"}, {Value: "int", Label: "Whole number"}, {Value: "money", Label: "Amount of money"}, {Value: "date", Label: "Date"}, {Value: "bool", Label: "Yes or no"}}
}

// classes are who reads a custom field, one sentence each.
func classes() []parts.Option {
	return []parts.Option{
		{Value: public, Label: "Public: everybody reads it who sees the loan, and search restrictions can speak of it."},
		{Value: "personal", Label: "Personal: about a person. It is sealed under the borrower’s own key, shown masked, and gone when the borrower is erased."},
		{Value: "sensitive", Label: "Sensitive: in confidence, though not about a person. It is sealed and masked in the same way."},
	}
}

// word gives the label of a value.
func word(list []parts.Option, value string) string {
	for _, o := range list {
		if o.Value == value {
			return o.Label
		}
	}
	return value
}

// standard words a default: what a loan has that was told nothing else.
func standard(f shelf.CustomFieldOut) string {
	switch {
	case f.Kind == "bool" && f.Default == "true":
		return "yes"
	case f.Kind == "bool":
		return "no"
	}
	return f.Default
}
