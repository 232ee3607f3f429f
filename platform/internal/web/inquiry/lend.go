package inquiry

import (
	"cmp"
	"context"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/requests"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// lending is the page of lent loans: those that are, and the form for one more. To
// whom is chosen first, for it stands in the address of the form: what waits for a
// second person, or is refused, names them.
type lending struct {
	out    *requests.LentOut
	people []parts.Option
	to     people.User // nobody yet: without an id
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
		to := cmp.Or(v.R.PathValue("id"), l.asked.Get("user"))
		for _, u := range staff {
			if u.ID != p.Who().User {
				if string(u.ID) == to {
					l.to = u
				}
				l.people = append(l.people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
			}
		}
		if len(staff) == 0 && to != "" { // whom the person may name without seeing a list
			l.to = people.User{ID: id.User(to), Name: "user " + to}
		}
		return visit.View{Page: parts.Page{Title: "Lent loans", Crumbs: []parts.Link{{Text: "Access requests", Href: requestList}}}, Body: lendPage(v, l)}, nil
	}
}

// carried is what an explanation has filled in, on its way through the choice of a
// person.
func (l *lending) carried() (out []parts.Hidden) {
	for _, name := range []string{"loan", "until"} {
		if value := l.asked.Get(name); value != "" {
			out = append(out, parts.Hidden{Name: name, Value: value})
		}
	}
	return out
}

func (r *Room) lendIt(v *visit.Visit) {
	visit.Act(v, r.Requests.Lend, func(*requests.LentLoan) visit.Answer {
		return visit.Go(lendLoan, "The loan is lent; it is hidden again by itself.")
	}, r.lend(v))
}

func (r *Room) endLent(v *visit.Visit) {
	visit.Act(v, r.Requests.EndLent, func(*requests.Done) visit.Answer {
		return visit.Go(lendLoan, "Taken back; it holds from the next call on.")
	}, r.lend(v))
}

// lentTo is where the loans of one person are lent.
func lentTo(u id.User) string { return lendLoan + "/" + url.PathEscape(string(u)) }

// lentRows lists what is lent, each with the button that takes it back.
func lentRows(v *visit.Visit, l lending) parts.Table {
	t := parts.Table{Caption: "Lent loans", Columns: []parts.Column{{Head: "Person"}, {Head: "Loan"}, {Head: "Until"}, {Head: "Lent by"}, {Head: "Change", Narrow: true}},
		Empty: parts.Empty{Title: "No loan is lent", Text: "One loan can be shown to one person for a time, whatever their search restrictions hide."}}
	for _, one := range l.out.Items {
		row := cells(parts.Words(one.UserName), parts.Anchor(parts.Link{Text: one.Number, Href: "/loans/" + string(one.Loan)}), ends(v, one.Until), parts.Words(one.MadeBy), parts.Dash())
		if l.end {
			row[4] = parts.Do(parts.Act{Verb: "Take back", Action: lentTo(one.User) + "/" + url.PathEscape(string(one.Loan)) + "/end"})
		}
		t.Rows = append(t.Rows, parts.Row{Cells: row})
	}
	return t
}
