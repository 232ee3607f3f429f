package people

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// insert stores a new user with what binds them: no less than binds the caller.
func insert(ctx context.Context, c *gate.Call, s identity.Staff, in *UserCreateIn) error {
	rows, err := admin.WatchRows(ctx, c)
	if err != nil {
		return err
	}
	if err := identity.InsertStaff(ctx, c.Tx, s); err != nil {
		return err
	}
	if err := policy.Assign(ctx, c.Tx, s.ID, in.SearchRestrictions); err != nil {
		return err
	}
	if err := policy.JoinTeams(ctx, c.Tx, s.ID, in.Teams); err != nil {
		return err
	}
	return rows.Refuse(ctx, c)
}

// changeRole sets role and activity, as far as the caller may give what comes
// with them: to switch somebody on is to give the whole role.
func changeRole(c *gate.Call, in *UserUpdateIn, s *identity.Staff) error {
	holds := s.Role
	if s.RoleUntil != 0 && c.At >= s.RoleUntil {
		holds = s.RoleAfter
	}
	was := c.Policy.Role(holds)
	if !s.Active {
		was = nil
	}
	role := c.Policy.Role(holds)
	if in.Role != nil {
		if role = findRole(c, *in.Role); role == nil {
			return fault.Bad("role", "Name a role that exists, for example Agent.")
		}
		if role.ID != holds {
			c.Change("role", roleName(c, holds), role.Name)
			if was != nil && s.RoleUntil != 0 {
				was = c.Policy.Role(s.RoleAfter) // what is lent is not theirs for good
			}
			s.Role, s.RoleUntil, s.RoleAfter = role.ID, 0, ""
		}
	}
	if in.Active != nil {
		s.Active = *in.Active
	}
	if !s.Active || role == nil {
		return nil
	}
	return refuseGiving(c, was, role)
}

// gaining gives the user if another role does more than the one they had for good:
// it would do that to rows which whoever gives it does not see.
func gaining(c *gate.Call, before, s identity.Staff) []id.User {
	if s.Role == before.Role && s.RoleUntil == before.RoleUntil {
		return nil
	}
	had := before.Role
	if before.RoleUntil != 0 {
		had = before.RoleAfter
	}
	was, is := c.Policy.Role(had), c.Policy.Role(s.Role)
	if was != nil && is != nil && len(minus(is.UI, was.UI))+len(minus(is.API, was.API)) == 0 && secret.Narrower(was.Visibility, is.Visibility) == is.Visibility {
		return nil
	}
	return []id.User{s.ID}
}

// reassign replaces the user's search restrictions and teams, if they were given.
func (d *Desk) reassign(ctx context.Context, c *gate.Call, in *UserUpdateIn) error {
	if in.Teams != nil {
		was, err := policy.TeamsOf(ctx, c.Tx, in.ID)
		if err != nil {
			return err
		}
		c.Change("teams", join(was), join(*in.Teams))
		if err := policy.JoinTeams(ctx, c.Tx, in.ID, *in.Teams); err != nil {
			return err
		}
	}
	if in.SearchRestrictions != nil {
		was, err := policy.Assigned(ctx, c.Tx, in.ID)
		if err != nil {
			return err
		}
		c.Change("search_restrictions", join(was), join(*in.SearchRestrictions))
		if err := policy.Assign(ctx, c.Tx, in.ID, *in.SearchRestrictions); err != nil {
			return err
		}
	}
	d.built(c, in.Teams != nil || in.SearchRestrictions != nil)
	return nil
}
