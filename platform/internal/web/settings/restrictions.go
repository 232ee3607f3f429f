package settings

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) restrictionList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.RestrictionList)
		if err != nil {
			return visit.View{}, err
		}
		return view(p, v, "Search restrictions", restrictionTable(out, p.Can(r.desk.RestrictionCreate.Name, "")),
			button(p, r.desk.RestrictionCreate.Name, parts.Button{Label: "Add search restriction", Kind: parts.Primary, Href: restrictions + "/new"})...), nil
	}
}

func (r *Room) restrictionNew(v *visit.Visit) visit.Screen {
	return func(context.Context, *gate.Page) (visit.View, error) {
		return under(parts.Link{Text: "Search restrictions", Href: restrictions}, "Add search restriction", restrictionPage(v, restrictionFacts{change: true})), nil
	}
}

type restrictionFacts struct {
	held           admin.Restriction // zero: a new one
	change, remove bool
	people         []people.User // whom it binds
}

func (r *Room) restrictionPage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.RestrictionList)
		if err != nil {
			return visit.View{}, err
		}
		f := restrictionFacts{}
		for _, one := range out.Items {
			if string(one.ID) == v.R.PathValue("id") {
				f.held = one
			}
		}
		if f.held.ID == "" {
			return visit.View{}, fault.Missing("search restriction")
		}
		ref := "search_restriction/" + string(f.held.ID)
		f.change, f.remove = p.Can(r.desk.RestrictionUpdate.Name, ref), p.Can(r.desk.RestrictionDelete.Name, ref)
		c, err := r.choices(ctx, p, true)
		if err != nil {
			return visit.View{}, err
		}
		for _, u := range c.people {
			for _, held := range u.SearchRestrictions {
				if held == f.held.ID {
					f.people = append(f.people, u)
				}
			}
		}
		f.remove = f.remove && len(f.people) == 0 // the desk refuses what binds somebody
		page := under(parts.Link{Text: "Search restrictions", Href: restrictions}, f.held.Name, restrictionPage(v, f))
		if f.remove {
			page.Page.Actions = []parts.Button{{Label: "Delete…", Opens: "delete"}}
		}
		return page, nil
	}
}

func (r *Room) restrictionAdd(v *visit.Visit) {
	visit.Act(v, r.desk.RestrictionCreate, func(out *admin.Restriction) visit.Answer {
		return visit.Go(restrictions+"/"+string(out.ID), "Search restriction added.")
	}, r.restrictionNew(v))
}

func (r *Room) restrictionChange(v *visit.Visit) {
	visit.Act(v, r.desk.RestrictionUpdate, func(out *admin.Restriction) visit.Answer {
		return visit.Go(restrictions+"/"+string(out.ID), "Search restriction changed.")
	}, r.restrictionPage(v))
}

func (r *Room) restrictionDelete(v *visit.Visit) {
	visit.Act(v, r.desk.RestrictionDelete, func(*admin.Done) visit.Answer {
		return visit.Go(restrictions, "Search restriction deleted.")
	}, r.restrictionPage(v))
}
