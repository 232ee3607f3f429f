package vantage

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// BeginIn says through whose eyes: one of the three.
type BeginIn struct {
	User  id.User `json:"user,omitempty" maxLength:"60" doc:"a person, with their restrictions"`
	Role  id.Role `json:"role,omitempty" maxLength:"60" doc:"a role as it is stored"`
	Draft string  `json:"draft,omitempty" maxLength:"200000" doc:"a role that is not saved yet, as the JSON of its content"`
}

// View is whose eyes the session looks through; empty for its own.
type View struct {
	As   string `json:"as" class:"public" example:"user/us_…"`
	Name string `json:"name" class:"public"`
	Role string `json:"role" class:"public"`
}

func (d *Desk) begin() *gate.Op[BeginIn, View] {
	return &gate.Op[BeginIn, View]{
		Name: "view_as.begin", Title: "View as", Area: "Access", Screen: "View as",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *BeginIn) (*View, error) {
			as, draft, err := d.eyes(ctx, c, in)
			if err != nil {
				return nil, err
			}
			stored := as.As
			if draft != "" {
				stored = policy.Draft
			}
			c.Object(stored)
			c.Change("view_as", "", stored)
			return as, look(ctx, c, stored, draft)
		},
	}
}

func (d *Desk) end() *gate.Op[Nothing, View] {
	return &gate.Op[Nothing, View]{
		Name: "view_as.end", Title: "End the view", Area: "Access", Screen: "View as",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.SignedIn, Leaves: true,
		Do: func(ctx context.Context, c *gate.Call, _ *Nothing) (*View, error) {
			c.Change("view_as", c.Who.ViewAs, "")
			return &View{}, look(ctx, c, "", "")
		},
	}
}

// look has the session of the call look through other eyes, or its own.
func look(ctx context.Context, c *gate.Call, as, draft string) error {
	_, err := c.Tx.Exec(ctx, `UPDATE session SET view_as = ?, view_draft = ? WHERE id = ? AND ended_at = 0`, as, draft, c.Who.Session)
	return err
}

// eyes finds whom or what to look through; draft is the role to be kept.
func (d *Desk) eyes(ctx context.Context, c *gate.Call, in *BeginIn) (as *View, draft string, err error) {
	given := 0
	for _, s := range []string{string(in.User), string(in.Role), in.Draft} {
		if s != "" {
			given++
		}
	}
	switch {
	case given != 1:
		return nil, "", fault.Bad("user", "Name a person, a role or a draft of a role: one of them.")
	case in.User == c.Who.User:
		return nil, "", fault.Bad("user", "These are your own eyes; name somebody else.")
	case in.User != "":
		as, err = asUser(ctx, c, in.User)
		return as, "", err
	case in.Role != "":
		r := c.Policy.Role(in.Role)
		if r == nil {
			return nil, "", fault.Missing("role")
		}
		return &View{As: "role/" + string(r.ID), Name: r.Name, Role: r.Name}, "", nil
	}
	return d.asDraft(in.Draft)
}

func asUser(ctx context.Context, c *gate.Call, u id.User) (*View, error) {
	s, err := c.Policy.Subject(ctx, c.Tx, u, "")
	if err != nil {
		return nil, err
	}
	if !s.Active {
		return nil, fault.New(fault.Conflict, "user_inactive", "This user is switched off and sees nothing.")
	}
	return &View{As: "user/" + string(u), Name: s.Name, Role: s.Role.Name}, nil
}

// asDraft checks a role that is not saved and keeps it as policy reads it.
func (d *Desk) asDraft(text string) (*View, string, error) {
	var in roles.Content
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, "", fault.Bad("draft", "Send the JSON of a role: name, ui, api and visibility.")
	}
	if strings.TrimSpace(in.Name) == "" {
		in.Name = "A new role"
	}
	r, err := roles.Checked(d.config.Catalogue(), &in, policy.Role{Visibility: secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}})
	if err != nil {
		return nil, "", err
	}
	b, err := json.Marshal(policy.Role{Name: r.Name, UI: r.UI, API: r.API, Visibility: r.Visibility})
	return &View{As: policy.Draft, Name: r.Name + ", as drafted", Role: r.Name}, string(b), err
}

// Seen names whose eyes a session looks through, for the banner on every page.
func Seen(ctx context.Context, c *gate.Call) (name, role string, err error) {
	sort, ref, _ := strings.Cut(c.Who.ViewAs, "/")
	switch sort {
	case "role":
		if r := c.Policy.Role(id.Role(ref)); r != nil {
			return r.Name, "", nil
		}
		return "a role that is gone", "", nil
	case policy.Draft:
		if s := c.Subject(); s != nil && s.Role != nil {
			return s.Role.Name + ", as drafted", "", nil
		}
		return "a role as drafted", "", nil
	}
	names, err := identity.NamesOf(ctx, c.Tx, []string{c.Who.ViewAs})
	if name = names[c.Who.ViewAs]; name == "" {
		name = "somebody who is gone"
	}
	if s := c.Subject(); s != nil && s.Role != nil {
		role = s.Role.Name
	}
	return name, role, err
}
