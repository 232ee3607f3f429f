package people

import (
	"context"
	"net/url"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// The ways in which a grantable set is given.
const (
	byRole  = "role"
	byAll   = "all"
	byNames = "names"
)

// wayName is the field that says which.
const wayName = "_way"

// grantable is the page of what somebody may give away.
func (r *Room) grantable(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		u, err := visit.Look(ctx, v, p, r.desk.UserView)
		if err != nil {
			return visit.View{}, err
		}
		g, err := visit.Look(ctx, v, p, r.desk.GiveAway)
		if err != nil {
			return visit.View{}, err
		}
		may := p.Can(r.desk.Grantable.Name, "user/"+string(u.ID)) && u.ID != p.Who().User
		out := under(parts.Link{Text: u.Name, Href: users + "/" + string(u.ID)}, "What "+u.Name+" may give away", grantablePage(v, u, g, r.tree(v, g), may))
		return out, nil
	}
}

// way says how a set is given now.
func way(g *people.GrantableOut) string {
	switch {
	case g.Follows:
		return byRole
	case g.Everything:
		return byAll
	}
	return byNames
}

// tree is the operations that can be given, by area.
func (r *Room) tree(v *visit.Visit, g *people.GrantableOut) parts.Permissions {
	typed := v.Form()
	var areas []parts.Permission
	for _, m := range r.catalogue() {
		if m.Permit != gate.ByRole {
			continue
		}
		was := slices.Contains(g.Operations, m.Name)
		held := was
		if typed != nil {
			held = slices.Contains(typed["operations"], m.Name)
		}
		at := slices.IndexFunc(areas, func(n parts.Permission) bool { return n.Title == m.Area })
		if at < 0 {
			at = len(areas)
			areas = append(areas, parts.Permission{Title: m.Area})
		}
		areas[at].Children = append(areas[at].Children, parts.Permission{Title: m.Title, Name: m.Name, Boxes: []parts.PermissionBox{{Held: held, Was: was}}})
	}
	return parts.Permissions{ID: "grantable", Label: "Operations that may be given away", Columns: []parts.PermissionColumn{{Name: "operations", Label: "May give"}}, Nodes: areas}
}

func (r *Room) setGrantable(v *visit.Visit) {
	visit.Act(v, r.desk.Grantable, func(*people.User) visit.Answer { return visit.Go(back(v), "The grantable set is changed.") }, r.grantable(v),
		func(form url.Values, in *people.GrantableIn) error {
			names := slices.Clone(form["operations"])
			switch form.Get(wayName) {
			case byRole:
				return nil
			case byAll:
				names = []string{"*"}
			case byNames:
				if names == nil {
					names = []string{}
				}
			default:
				return fault.Bad(wayName, "Choose one of the three.")
			}
			in.Operations = &names
			return nil
		})
}
