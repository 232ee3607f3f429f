package people

import (
	"context"
	"net/url"

	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/meanwhile"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func (r *Room) teamList(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.TeamList)
		if err != nil {
			return visit.View{}, err
		}
		return view(p, v, "Teams", teamTable(out.Items), button(p, r.desk.TeamCreate.Name, "", parts.Button{Label: "Add team", Kind: parts.Primary, Href: teams + "/new"})...), nil
	}
}

func (r *Room) teamNew(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.TeamCreate, ""); lacks {
			return denied, nil
		}
		c, err := r.choices(ctx, p)
		if err == nil {
			err = r.everybody(ctx, p, &c)
		}
		if err != nil {
			return visit.View{}, err
		}
		return under(parts.Link{Text: "Teams", Href: teams}, "Add team", teamForm(v, c, &people.Team{}, p.Who().User)), nil
	}
}

func (r *Room) teamAdd(v *visit.Visit) {
	visit.Act(v, r.desk.TeamCreate, func(out *people.Team) visit.Answer {
		return visit.Go(teams+"/"+string(out.ID), "Team added.")
	}, r.teamNew(v))
}

// teamFacts is what a team's page shows.
type teamFacts struct {
	team        *people.Team
	choices     choices
	may, remove bool
}

func (r *Room) teamPage(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		t, err := visit.Look(ctx, v, p, r.desk.TeamView)
		if err != nil {
			return visit.View{}, err
		}
		ref := "team/" + string(t.ID)
		f := teamFacts{team: t, may: p.Can(r.desk.TeamUpdate.Name, ref), remove: p.Can(r.desk.TeamDelete.Name, ref)}
		if f.choices, err = r.choices(ctx, p); err == nil {
			err = r.everybody(ctx, p, &f.choices)
		}
		if err != nil {
			return visit.View{}, err
		}
		out := under(parts.Link{Text: "Teams", Href: teams}, t.Name, teamPage(v, f, p.Who().User))
		if f.remove && len(t.Members) == 0 {
			out.Page.Actions = []parts.Button{{Label: "Delete team…", Kind: parts.Destructive, Opens: "delete"}}
		}
		return out, nil
	}
}

func (r *Room) teamChange(v *visit.Visit) {
	visit.Act(v, r.desk.TeamUpdate, func(out *people.Team) visit.Answer {
		return visit.Go(teams+"/"+string(out.ID), "Team changed.")
	}, r.teamPage(v), func(form url.Values, in *people.TeamUpdateIn) error {
		in.Version = meanwhile.Version(form)
		return visit.Decode(form, in)
	})
}

func (r *Room) teamDelete(v *visit.Visit) {
	visit.Act(v, r.desk.TeamDelete, func(*people.Done) visit.Answer { return visit.Go(teams, "Team deleted.") }, r.teamPage(v))
}

func (r *Room) setting(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		s, err := visit.Look(ctx, v, p, r.desk.Setting)
		if err != nil {
			return visit.View{}, err
		}
		var paired []string
		for _, m := range r.catalogue() {
			for _, name := range s.FourEyes {
				if m.Name == name {
					paired = append(paired, m.Title)
				}
			}
		}
		return view(p, v, "Sign-in", settingPage(v, s, paired, p.Can(r.desk.SaveSetting.Name, "settings/access"))), nil
	}
}

func (r *Room) saveSetting(v *visit.Visit) {
	visit.Act(v, r.desk.SaveSetting, func(*people.Setting) visit.Answer { return visit.Go(access, "Saved. It holds from the next call on.") }, r.setting(v))
}
