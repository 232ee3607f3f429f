package house

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// everybody is to whom a search restriction can be assigned, as far as the
// person who looks may list them.
func (h *House) everybody(ctx context.Context, p *gate.Page) (users, teams []restrictions.Holder, err error) {
	if p.Can(h.People.UserList.Name, "") {
		list, err := gate.Look(ctx, p, h.People.UserList, &people.Nothing{})
		if err != nil {
			return nil, nil, err
		}
		for _, u := range list.Items {
			users = append(users, restrictions.Holder{ID: string(u.ID), Name: u.Name})
		}
	}
	if p.Can(h.People.TeamList.Name, "") {
		list, err := gate.Look(ctx, p, h.People.TeamList, &people.Nothing{})
		if err != nil {
			return nil, nil, err
		}
		for _, t := range list.Items {
			teams = append(teams, restrictions.Holder{ID: string(t.ID), Name: t.Name})
		}
	}
	return users, teams, nil
}
