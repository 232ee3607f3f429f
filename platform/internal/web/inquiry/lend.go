package inquiry

import (
	"context"
	"maps"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// lending is the page of lent loans: those that are, and the form for one more.
type lending struct {
	out    *requests.LentOut
	people []parts.Option
	asked  url.Values
	may    bool
	end    bool
}

// lend shows what is lent; an explanation leads here with its loan filled in.
func (r *Room) lend(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		l := lending{asked: v.R.URL.Query(), may: p.Can(r.Requests.Lend.Name, ""), end: p.Can(r.Requests.EndLent.Name, ""), people: []parts.Option{{Value: "", Label: "Choose a person"}}}
		var err error
		if l.out, err = gate.Look(ctx, p, r.Requests.Lent, &requests.LentIn{}); err != nil {
			return visit.View{}, err
		}
		staff, err := r.staff(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		for _, u := range staff {
			if u.ID != p.Who().User {
				l.people = append(l.people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
			}
		}
		return visit.View{Page: parts.Page{Title: "Lent loans", Crumbs: []parts.Link{{Text: "Access requests", Href: requestList}}}, Body: lendPage(v, l)}, nil
	}
}

func (r *Room) lendIt(v *visit.Visit) {
	visit.Act(v, r.Requests.Lend, func(*requests.LentLoan) visit.Answer {
		return visit.Go(lendLoan, "The loan is lent; it is hidden again by itself.")
	}, r.lend(v), func(form url.Values, in *requests.LendIn) error {
		in.ID = id.User(form.Get("user"))
		form = maps.Clone(form) // what was typed comes back whole
		form.Del("user")
		return visit.Decode(form, in)
	})
}

func (r *Room) endLent(v *visit.Visit) {
	visit.Act(v, r.Requests.EndLent, func(*requests.Done) visit.Answer {
		return visit.Go(lendLoan, "Taken back; it holds from the next call on.")
	}, r.lend(v), func(form url.Values, in *requests.EndLentIn) error {
		in.ID, in.Loan = id.User(form.Get("user")), id.Loan(form.Get("loan"))
		return nil
	})
}

// lentRows lists what is lent, each with the button that takes it back.
func lentRows(v *visit.Visit, l lending) parts.Table {
	t := parts.Table{Caption: "Lent loans", Columns: []parts.Column{{Head: "Person"}, {Head: "Loan"}, {Head: "Until"}, {Head: "Lent by"}, {Head: "Change", Narrow: true}},
		Empty: parts.Empty{Title: "No loan is lent", Text: "One loan can be shown to one person for a time, whatever their search restrictions hide."}}
	for _, one := range l.out.Items {
		row := cells(parts.Words(one.UserName), parts.Anchor(parts.Link{Text: one.Number, Href: "/loans/" + string(one.Loan)}), when(v, one.Until), parts.Words(one.MadeBy), parts.Dash())
		if l.end {
			row[4] = parts.Do(parts.Act{Verb: "Take back", Action: lendLoan + "/end", Hidden: []parts.Hidden{{Name: "user", Value: string(one.User)}, {Name: "loan", Value: string(one.Loan)}}})
		}
		t.Rows = append(t.Rows, parts.Row{Cells: row})
	}
	return t
}
