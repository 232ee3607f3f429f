package apikeys

import (
	"context"
	"net/url"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/apikeys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) siteList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.SiteList)
		if err != nil {
			return visit.View{}, err
		}
		may := p.Can(r.desk.SiteCreate.Name, "")
		page := parts.Page{Title: "Site keys", Crumbs: crumbs(), Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
		if may {
			page.Actions = []parts.Button{{Label: "Make site key", Kind: parts.Primary, Href: sites + "/new"}}
		}
		return visit.View{Page: page, Body: siteListPage(out, may)}, nil
	}
}

func (r *Room) siteBlank(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.SiteCreate, ""); lacks {
			return denied, nil
		}
		return under("Make site key", siteForm(v, &apikeys.Site{Active: true})), nil
	}
}

func (r *Room) siteOne(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.SiteList)
		if err != nil {
			return visit.View{}, err
		}
		at := slices.IndexFunc(out.Items, func(s apikeys.Site) bool { return string(s.ID) == v.R.PathValue("id") })
		if at < 0 {
			return visit.View{}, fault.Missing("site key")
		}
		s := &out.Items[at]
		may := p.Can(r.desk.SiteUpdate.Name, "site_key/"+string(s.ID))
		view := under(s.Label, sitePage(v, s, may))
		badge := siteState(s.Active)
		view.Page.State = &badge
		if may {
			view.Page.Actions = []parts.Button{{Label: siteVerb(s) + "…", Opens: "switch"}}
		}
		return view, nil
	}
}

func (r *Room) siteAdd(v *visit.Visit) {
	visit.Act(v, r.desk.SiteCreate, func(out *apikeys.Site) visit.Answer {
		return visit.Go(sites+"/"+string(out.ID), "Site key made.")
	}, r.siteBlank(v))
}

func (r *Room) siteChange(v *visit.Visit) {
	visit.Act(v, r.desk.SiteUpdate, func(out *apikeys.Site) visit.Answer {
		return visit.Go(sites+"/"+string(out.ID), "Site key changed.")
	}, r.siteOne(v), func(form url.Values, in *apikeys.SiteUpdateIn) error { return visit.Decode(form, in) })
}
