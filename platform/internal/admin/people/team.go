package people

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Team is people who share search restrictions and address rules.
type Team struct {
	ID                 id.Team          `json:"id" class:"public"`
	Name               string           `json:"name" class:"public"`
	Members            []id.User        `json:"members" class:"public"`
	SearchRestrictions []id.Restriction `json:"search_restrictions" class:"public"`
	IPRules            []id.IPRule      `json:"ip_rules" class:"public"`
	Version            int64            `json:"version" class:"public" doc:"changes with name, members and restrictions; send it back with an edit"`

	RuleNames map[id.IPRule]string `json:"-"` // of the address rules
}

// TeamListOut is all teams by name.
type TeamListOut struct {
	Items []Team `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

// TeamRef names a team in a path.
type TeamRef struct {
	ID id.Team `path:"id" json:"-"`
}

// TeamIn is a new team.
type TeamIn struct {
	Name               string           `json:"name" minLength:"1" maxLength:"200" example:"Denver collections"`
	Members            []id.User        `json:"members,omitempty" maxItems:"2000"`
	SearchRestrictions []id.Restriction `json:"search_restrictions,omitempty" maxItems:"50"`
}

// TeamUpdateIn changes a team; fields that are left out stay as they are.
type TeamUpdateIn struct {
	ID                 id.Team           `path:"id" json:"-"`
	Name               *string           `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Members            *[]id.User        `json:"members,omitempty"`
	SearchRestrictions *[]id.Restriction `json:"search_restrictions,omitempty"`
	Version            *int64            `json:"version,omitempty" doc:"the version that was read: if anything of the team was changed since, the answer is 409 and says how it stands"`
}

func shownTeam(c *gate.Call, t *policy.Team) Team {
	out := Team{ID: t.ID, Name: t.Name, Members: t.Members, SearchRestrictions: t.Restrictions, IPRules: []id.IPRule{}, RuleNames: map[id.IPRule]string{}}
	if out.Members == nil {
		out.Members = []id.User{}
	}
	if out.SearchRestrictions == nil {
		out.SearchRestrictions = []id.Restriction{}
	}
	out.Version = admin.VersionOf(out.Name, out.Members, out.SearchRestrictions)
	for _, r := range c.Policy.IPRules() {
		for _, h := range r.Holders {
			if h.Kind == "team" && h.ID == string(t.ID) {
				out.IPRules = append(out.IPRules, r.ID)
				out.RuleNames[r.ID] = r.Name
			}
		}
	}
	return out
}

func (d *Desk) teamList() *gate.Op[Nothing, TeamListOut] {
	return look("team.list", "List teams", "Teams", "/teams", func(ctx context.Context, c *gate.Call, _ *Nothing) (*TeamListOut, error) {
		list, err := policy.Teams(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &TeamListOut{Items: make([]Team, 0, len(list)), Total: len(list)}
		for _, t := range list {
			out.Items = append(out.Items, shownTeam(c, t))
		}
		return out, nil
	})
}

func (d *Desk) teamView() *gate.Op[TeamRef, Team] {
	o := look("team.view", "View team", "Teams", "/teams/{id}", func(ctx context.Context, c *gate.Call, in *TeamRef) (*Team, error) {
		t, err := policy.TeamByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		out := shownTeam(c, t)
		return &out, nil
	})
	o.Object = func(in *TeamRef) string { return "team/" + string(in.ID) }
	return o
}

func (d *Desk) teamCreate() *gate.Op[TeamIn, Team] {
	o := edit("team.create", "Add team", "Teams", "POST", "/teams", func(ctx context.Context, c *gate.Call, in *TeamIn) (*Team, error) {
		t := &policy.Team{ID: id.New[id.Team](c.At), Name: in.Name, Members: in.Members, Restrictions: in.SearchRestrictions}
		c.Object("team/" + string(t.ID))
		return d.keepTeam(ctx, c, &policy.Team{}, t)
	})
	o.Status, o.Pairing = 201, gate.MayPair
	return o
}

func (d *Desk) teamUpdate() *gate.Op[TeamUpdateIn, Team] {
	o := edit("team.update", "Change team", "Teams", "PATCH", "/teams/{id}", func(ctx context.Context, c *gate.Call, in *TeamUpdateIn) (*Team, error) {
		was, err := policy.TeamByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := unmovedTeam(ctx, c, in, was); err != nil {
			return nil, err
		}
		next := *was
		if in.Name != nil {
			next.Name = *in.Name
		}
		if in.Members != nil {
			next.Members = *in.Members
		}
		if in.SearchRestrictions != nil {
			next.Restrictions = *in.SearchRestrictions
		}
		return d.keepTeam(ctx, c, was, &next)
	})
	o.Object, o.Pairing = func(in *TeamUpdateIn) string { return "team/" + string(in.ID) }, gate.MayPair
	return o
}

// keepTeam stores a team. Whoever is or was in it cannot change what it does to
// them: its restrictions, and their own membership.
func (d *Desk) keepTeam(ctx context.Context, c *gate.Call, was, next *policy.Team) (*Team, error) {
	next.Name = strings.TrimSpace(next.Name)
	if !personName(next.Name) {
		return nil, fault.Bad("name", "Give it a name, without control characters.")
	}
	in, out := slices.Contains(next.Members, c.Who.User), slices.Contains(was.Members, c.Who.User)
	rows := join(was.Restrictions) != join(next.Restrictions)
	if in != out || in && rows {
		if err := refuseSelf(c, c.Who.User); err != nil {
			return nil, err
		}
	}
	c.Change("name", was.Name, next.Name)
	c.Change("members", join(was.Members), join(next.Members))
	c.Change("search_restrictions", join(was.Restrictions), join(next.Restrictions))
	watch, err := admin.WatchRows(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := policy.SaveTeam(ctx, c.Tx, next, was.ID == ""); err != nil {
		return nil, err
	}
	if err := watch.Refuse(ctx, c); err != nil {
		return nil, err
	}
	d.built(c, true)
	stored, err := policy.TeamByID(ctx, c.Tx, next.ID)
	if err != nil {
		return nil, err
	}
	shown := shownTeam(c, stored)
	return &shown, nil
}

func (d *Desk) teamDelete() *gate.Op[TeamRef, Done] {
	o := edit("team.delete", "Delete team", "Teams", "DELETE", "/teams/{id}", func(ctx context.Context, c *gate.Call, in *TeamRef) (*Done, error) {
		t, err := policy.TeamByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if len(t.Members) > 0 {
			return nil, inUse(ctx, c, t.Members)
		}
		c.Change("name", t.Name, "")
		c.Change("search_restrictions", join(t.Restrictions), "")
		return &Done{Done: true}, policy.DeleteTeam(ctx, c.Tx, t.ID)
	})
	o.Object = func(in *TeamRef) string { return "team/" + string(in.ID) }
	return o
}

// inUse names who is in a team that was to be deleted.
func inUse(ctx context.Context, c *gate.Call, members []id.User) error {
	actors := make([]string, len(members))
	for i, u := range members {
		actors[i] = "user/" + string(u)
	}
	named, err := identity.NamesOf(ctx, c.Tx, actors)
	if err != nil {
		return err
	}
	var names []string
	for _, n := range named {
		names = append(names, n)
	}
	slices.Sort(names)
	words := strings.Join(names[:min(len(names), 10)], ", ")
	if len(names) > 10 {
		words += " and others"
	}
	return fault.New(fault.Conflict, "in_use", "There are people in this team: "+words+". Take them out first.")
}
