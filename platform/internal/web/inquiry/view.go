package inquiry

import (
	"context"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/vantage"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// eyes is the page on which somebody chooses through whose eyes to look.
func (r *Room) eyes(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		people, roles := []parts.Option{{Value: "", Label: "Choose a person"}}, []parts.Option{{Value: "", Label: "Choose a role"}}
		staff, err := r.staff(ctx, p)
		if err != nil {
			return visit.View{}, err
		}
		for _, u := range staff {
			if u.Active && !u.Machine && u.ID != p.Who().User {
				people = append(people, parts.Option{Value: string(u.ID), Label: u.Name + " · " + u.Role})
			}
		}
		if p.Can(r.Roles.List.Name, "") {
			out, err := gate.Look(ctx, p, r.Roles.List, &admin.Nothing{})
			if err != nil {
				return visit.View{}, err
			}
			for _, x := range out.Items {
				roles = append(roles, parts.Option{Value: string(x.ID), Label: x.Name})
			}
		}
		return view(p, v, "View as", eyesPage(v, p.Can(r.Vantage.Begin.Name, ""), people, roles)), nil
	}
}

func (r *Room) beginView(v *visit.Visit) {
	visit.Act(v, r.Vantage.Begin, func(out *vantage.View) visit.Answer { return visit.Go("/", "") }, r.eyes(v))
}

func (r *Room) endView(v *visit.Visit) {
	visit.Act(v, r.Vantage.End, func(*vantage.View) visit.Answer {
		return visit.Go(viewAs, "The view has ended; you see with your own eyes again.")
	}, r.mine(v))
}

// cells puts components into a row.
func cells(list ...templ.Component) []templ.Component { return list }
