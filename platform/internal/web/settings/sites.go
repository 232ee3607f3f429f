package settings

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) siteList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.SiteKeyList)
		if err != nil {
			return visit.View{}, err
		}
		return view(p, v, "Site keys", siteTable(out, p.Can(r.desk.SiteKeyCreate.Name, "")),
			button(p, r.desk.SiteKeyCreate.Name, parts.Button{Label: "Make site key", Kind: parts.Primary, Href: sites + "/new"})...), nil
	}
}

func (r *Room) siteNew(v *visit.Visit) visit.Screen {
	return func(context.Context, *gate.Page) (visit.View, error) {
		return under(parts.Link{Text: "Site keys", Href: sites}, "Make site key", siteForm(v)), nil
	}
}

func (r *Room) siteMake(v *visit.Visit) {
	visit.Act(v, r.desk.SiteKeyCreate, func(*admin.SiteKey) visit.Answer {
		return visit.Go(sites, "Site key made.")
	}, r.siteNew(v))
}
