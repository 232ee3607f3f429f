package roles

import (
	"context"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

type templComponent = templ.Component

// pair is two roles beside each other, or the choice of them.
type pair struct {
	all    []roles.Role
	a, b   string
	titles titles
	out    *roles.CompareOut // nil until both are chosen
}

func (r *Room) compare(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		q := v.R.URL.Query()
		c := pair{a: q.Get("a"), b: q.Get("b"), titles: r.titles()}
		if id := v.R.PathValue("id"); id != "" {
			c.a = id
		}
		list, err := gate.Look(ctx, p, r.desk.List, &admin.Nothing{})
		if err != nil {
			return visit.View{}, err
		}
		c.all = list.Items
		if c.b == "" && v.R.PathValue("id") != "" && c.follows() {
			c.b = roles.AsShipped
		}
		if c.a != "" && c.b != "" {
			if c.out, err = gate.Look(ctx, p, r.desk.Compare, &roles.CompareIn{A: c.a, B: c.b}); err != nil {
				return visit.View{}, err
			}
		}
		return under("Compare roles", comparePage(&c)), nil
	}
}

// follows reports whether the first role was customized, so that what is shipped
// is worth a look.
func (c *pair) follows() bool {
	for _, r := range c.all {
		if string(r.ID) == c.a {
			return r.Customized
		}
	}
	return false
}

func (c *pair) options() []parts.Option {
	out := []parts.Option{{Value: "", Label: "Choose a role"}}
	for _, r := range c.all {
		out = append(out, parts.Option{Value: string(r.ID), Label: r.Name})
	}
	return out
}

func (c *pair) others() []parts.Option {
	return append(c.options(), parts.Option{Value: roles.AsShipped, Label: "What the product ships in its place"})
}

func (c *pair) lists() []parts.ListChange {
	var out []parts.ListChange
	for _, l := range []struct {
		field string
		lists roles.Lists
	}{{"Screens", c.out.UI}, {"API", c.out.API}} {
		if len(l.lists.OnlyA)+len(l.lists.OnlyB) > 0 {
			out = append(out, parts.ListChange{Field: l.field, Added: c.titles.of(l.lists.OnlyB), Removed: c.titles.of(l.lists.OnlyA), Kept: len(l.lists.Both)})
		}
	}
	return out
}
