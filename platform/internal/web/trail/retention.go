package trail

import (
	"context"
	"strconv"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const retentionPage = home + "/retention"

// keptView is how long entries are kept, by category.
type keptView struct {
	v      *visit.Visit
	out    *retention.View
	change bool
}

// keeping shows how long entries are kept.
func (r *Room) keeping(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.keeps.View)
		if err != nil {
			return visit.View{}, err
		}
		return visit.View{Page: parts.Page{Title: "Retention", Crumbs: []parts.Link{{Text: "Audit", Href: home}}},
			Body: retentionBody(&keptView{v: v, out: out, change: p.Can(r.keeps.Update.Name, "")})}, nil
	}
}

func (r *Room) keep(v *visit.Visit) {
	visit.Act(v, r.keeps.Update, func(c *retention.Category) visit.Answer {
		return visit.Told(retentionPage, parts.Toast{Meaning: parts.OK, Text: "Saved. " + c.Title + ": " + kept(c.Months) + "."})
	}, r.keeping(v))
}

func kept(months int64) string {
	if months == 0 {
		return "kept for ever"
	}
	return "kept for " + strconv.FormatInt(months, 10) + " months"
}

func (k *keptView) table() parts.Table {
	t := parts.Table{ID: "retention", Caption: "How long entries are kept", Columns: []parts.Column{{Head: "Entries"}, {Head: "Kept"}, {Head: "Made before this day, they go", Narrow: true}, {Head: "Disposed of", Align: parts.Right, Narrow: true}, {Head: "Last", Narrow: true}, {Head: "Act", Narrow: true}}}
	for i := range k.out.Items {
		c := &k.out.Items[i]
		about := ""
		switch {
		case c.Held:
			about = "A legal hold keeps all of it."
		case c.Fixed:
			about = "That cannot be changed."
		}
		t.Rows = append(t.Rows, parts.Row{Label: c.Title, Cells: []templ.Component{parts.Words(c.Title), parts.TwoOf(parts.Words(kept(c.Months)), about), dayOr(c.Before),
			parts.Figures(parts.Count(int(c.Disposed))), parts.Time(moment(c.LastAt, k.v.Zone())), k.act(c)}})
	}
	t.Pager = parts.Pager{From: 1, To: len(t.Rows), Total: len(t.Rows)}
	return t
}

func dayOr(day string) templ.Component {
	if day == "" {
		return parts.Dash()
	}
	return parts.Words(day)
}

// act is the button that changes a category.
func (k *keptView) act(c *retention.Category) templ.Component {
	if !k.changes(c) {
		return parts.Dash()
	}
	return parts.Press(parts.Button{Label: "Change…", Kind: parts.Plain, Opens: formID(c), AriaLabel: "Change how long entries are kept: " + c.Title})
}

func (k *keptView) changes(c *retention.Category) bool { return k.change && !c.Fixed }

func formID(c *retention.Category) string { return "keep-" + c.Name }
