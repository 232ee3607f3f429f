package approval

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Grant is a right that is lent: operations and fields on one named object, in
// one session, until an instant.
type Grant struct {
	ID         id.Grant   `json:"id" class:"public"`
	User       id.User    `json:"user" class:"public"`
	UserName   string     `json:"user_name" class:"public"`
	Session    id.Session `json:"session" class:"public"`
	Object     string     `json:"object" class:"public" doc:"empty where the caller does not see it"`
	Operations []string   `json:"operations" class:"public"`
	Fields     []string   `json:"fields" class:"public"`
	Source     string     `json:"source" class:"public" doc:"what lends it"`
	MadeAt     string     `json:"made_at" class:"public"`
	Until      string     `json:"until" class:"public"`
}

// GrantListOut is every grant that lives, newest first.
type GrantListOut struct {
	Items []Grant `json:"items"`
	Total int     `json:"total" class:"public"`
	Next  string  `json:"next" class:"public"`
}

// GrantRef names a grant in a path.
type GrantRef struct {
	ID id.Grant `path:"id"`
}

func (d *Desk) grants() *gate.Op[Nothing, GrantListOut] {
	o := look("grant.list", "List lent rights", "Lent rights", "/grants", func(ctx context.Context, c *gate.Call, _ *Nothing) (*GrantListOut, error) {
		list, err := policy.Grants(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &GrantListOut{Items: []Grant{}, Total: len(list)}
		var actors []string
		for _, g := range list {
			actors = append(actors, "user/"+string(g.User))
		}
		names, err := identity.NamesOf(ctx, c.Tx, actors)
		if err != nil {
			return nil, err
		}
		for _, g := range list {
			if g.Object, err = admin.Visible(ctx, c, g.Object); err != nil {
				return nil, err
			}
			out.Items = append(out.Items, Grant{ID: g.ID, User: g.User, UserName: names["user/"+string(g.User)], Session: g.Session, Object: g.Object,
				Operations: g.Operations, Fields: g.Fields, Source: g.Source, MadeAt: instant(g.MadeAt), Until: instant(g.Until)})
		}
		return out, nil
	})
	o.Area = "Access"
	return o
}

func (d *Desk) endGrant() *gate.Op[GrantRef, Done] {
	return &gate.Op[GrantRef, Done]{Name: "grant.end", Title: "End lent right", Area: "Access", Screen: "Lent rights", Method: "DELETE", Path: "/grants/{id}",
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true,
		Object: func(in *GrantRef) string { return "grant/" + string(in.ID) },
		Do: func(ctx context.Context, c *gate.Call, in *GrantRef) (*Done, error) {
			return &Done{Done: true}, policy.EndGrant(ctx, c.Tx, in.ID)
		}}
}
