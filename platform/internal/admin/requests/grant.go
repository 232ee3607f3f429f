package requests

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pii"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// GrantIn grants a request, perhaps for a shorter time.
type GrantIn struct {
	ID     id.AccessRequest `path:"id" json:"-"`
	Until  string           `json:"until,omitempty" maxLength:"40" doc:"an earlier end than was asked for"`
	Remark string           `json:"remark,omitempty" maxLength:"1000"`
}

// RefuseIn refuses a request.
type RefuseIn struct {
	ID     id.AccessRequest `path:"id" json:"-"`
	Remark string           `json:"remark" minLength:"1" maxLength:"1000" doc:"why"`
}

func (d *Desk) grant(ctx context.Context, c *gate.Call, in *GrantIn) (*Request, error) {
	r, p, err := d.decidable(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Until != "" {
		sooner, err := end(c, in.Until)
		if err != nil {
			return nil, err
		}
		if sooner > r.until {
			return nil, fault.Bad("until", "Give an end no later than was asked for.")
		}
		r.until = sooner
	}
	if r.until <= c.At {
		return nil, fault.New(fault.Conflict, "request_over", "The time that was asked for has passed; refuse it.")
	}
	if err := tidy(ctx, c); err != nil {
		return nil, err
	}
	done := r.deed()
	done.How = p.how
	if p.how == lends {
		if err := d.give(ctx, c, r, p, &done); err != nil {
			return nil, err
		}
	}
	r.change = done.String()
	return d.decided(ctx, c, r, Granted, in.Remark)
}

// give lends the role and the loan, and pauses the restrictions, that the plan
// names.
func (d *Desk) give(ctx context.Context, c *gate.Call, r *row, p *plan, done *deed) error {
	for _, o := range p.answer.Obstacles {
		if o.Layer == access.Permission {
			name, err := lend(ctx, c, r, p.meta)
			if err != nil {
				return err
			}
			done.Role = name
		}
	}
	for _, o := range p.answer.Obstacles {
		if o.Loan != "" {
			if err := policy.LendLoan(ctx, c.Tx, policy.LentLoan{User: r.user, Loan: o.Loan, Until: r.until, MadeBy: c.Who.String()}); err != nil {
				return err
			}
			c.Change("lent loan", "", string(o.Loan)+" until "+instant(r.until))
			done.Loan = o.Loan
			continue
		}
		for _, hides := range o.Hiding {
			x, err := policy.RestrictionByID(ctx, c.Tx, hides)
			if err != nil {
				return err
			}
			if err := policy.Pause(ctx, c.Tx, r.user, hides, r.until); err != nil {
				return err
			}
			c.Change("paused for the person", "", x.Name+" until "+instant(r.until))
			done.Restrictions = append(done.Restrictions, hides)
		}
	}
	if len(done.Restrictions) > 0 || done.Loan != "" {
		d.built(c)
	}
	return nil
}

// built has the sets of visible loans made anew once the call has committed.
func (d *Desk) built(c *gate.Call) {
	if d.config.Built != nil {
		c.After(func() { d.config.Built(c) })
	}
}

// lend gives the person, until the end, a role that holds what theirs holds at
// every instant, and the operation. To somebody who has a lent role already the new one ends no later.
func lend(ctx context.Context, c *gate.Call, r *row, m *gate.Meta) (string, error) {
	s, err := identity.StaffByID(ctx, c.Tx, r.user)
	if err != nil {
		return "", err
	}
	is, after := c.Policy.Role(s.Role), s.Role
	if s.RoleUntil != 0 {
		after, r.until = s.RoleAfter, min(r.until, s.RoleUntil)
	}
	if is == nil {
		return "", fault.Missing("role")
	}
	as, made := lentRole(c, is, m, r)
	if made {
		if err := policy.InsertRole(ctx, c.Tx, *as); err != nil {
			return "", err
		}
	}
	s.Role, s.RoleUntil, s.RoleAfter = as.ID, r.until, after
	r.lentRole = as.ID
	c.Change("role", is.Name, as.Name)
	c.Change("role_until", "", instant(r.until))
	return as.Name, identity.UpdateStaff(ctx, c.Tx, s)
}

// lentRole gives the role to be lent: one that was made for the same and adds the
// same, or a new one. What was lent to the person before stays lent.
func lentRole(c *gate.Call, is *policy.Role, m *gate.Meta, r *row) (as *policy.Role, made bool) {
	as = &policy.Role{Description: "Lent by a granted request for access; it goes when it ends.", Visibility: is.Visibility, ChangedAt: c.At, ChangedBy: c.Who.Name, From: is.ID}
	name := is.Name
	if on := c.Policy.Role(is.From); on != nil {
		as.From, name = on.ID, on.Name
		as.More = policy.Addition{UI: slices.Clone(is.More.UI), API: slices.Clone(is.More.API)}
	}
	if operation.ParseChannel(r.channel) == operation.API {
		as.More.API = append(as.More.API, m.Name)
	} else {
		as.More.UI = append(as.More.UI, m.Name)
	}
	slices.Sort(as.More.UI)
	slices.Sort(as.More.API)
	name = clipped(name+" with "+m.Title, 140)
	if more := len(as.More.UI) + len(as.More.API) - 1; more > 0 {
		name += fmt.Sprintf(" and %d more", more)
	}
	name += " until " + time.UnixMicro(r.until-1).In(c.Tenant.Zone).Format("2006-01-02")
	for n := 1; ; n++ {
		as.Name = name
		if n > 1 {
			as.Name += fmt.Sprintf(" (%d)", n)
		}
		i := slices.IndexFunc(c.Policy.Roles(), func(o *policy.Role) bool { return o.Name == as.Name })
		if i < 0 {
			as.ID = id.New[id.Role](c.At)
			return as, true
		}
		if o := c.Policy.Roles()[i]; o.From == as.From && same(o.More.UI, as.More.UI) && same(o.More.API, as.More.API) {
			return o, false
		}
	}
}

func same(a, b []string) bool {
	a = slices.Clone(a)
	slices.Sort(a)
	return slices.Equal(a, b)
}

func clipped(s string, most int) string {
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

// tidy gives back roles whose time is over and deletes lent ones that nobody holds
// any more. Nothing depends on it: what is over holds no longer.
func tidy(ctx context.Context, c *gate.Call) error {
	if _, err := c.Tx.Exec(ctx, `UPDATE staff SET role_id = role_after, role_until = 0, role_after = '' WHERE role_until <> 0 AND role_until <= ?`, c.At); err != nil {
		return err
	}
	ended, err := db.All(ctx, c.Tx, func(r *db.Rows) (x id.Role, err error) { return x, r.Scan(&x) },
		`SELECT DISTINCT lent_role FROM access_request WHERE lent_role <> '' AND until <= ?`, c.At)
	if err != nil {
		return err
	}
	for _, x := range ended {
		bearers, err := policy.Bearers(ctx, c.Tx, x)
		if err != nil {
			return err
		}
		if len(bearers) > 0 {
			continue // lent to somebody else for longer
		}
		if err := policy.DeleteRole(ctx, c.Tx, x); err != nil {
			return err
		}
		if _, err := c.Tx.Exec(ctx, `UPDATE access_request SET lent_role = '' WHERE lent_role = ?`, x); err != nil {
			return err
		}
	}
	if _, err = c.Tx.Exec(ctx, `DELETE FROM restriction_pause WHERE until <= ?`, c.At); err != nil {
		return err
	}
	return policy.ForgetLentLoans(ctx, c.Tx)
}

func (d *Desk) refuse(ctx context.Context, c *gate.Call, in *RefuseIn) (*Request, error) {
	if strings.TrimSpace(in.Remark) == "" {
		return nil, fault.Bad("remark", "Say why, for the person who asked.")
	}
	r, _, err := d.decidable(ctx, c, in.ID)
	if err != nil {
		return nil, err
	}
	return d.decided(ctx, c, r, Refused, in.Remark)
}

func (d *Desk) withdraw(ctx context.Context, c *gate.Call, in *Ref) (*Request, error) {
	r, err := byID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if r.user != c.Who.User {
		return nil, missing()
	}
	r.state, r.decidedBy = Withdrawn, c.Who.User
	c.Change("state", Open, Withdrawn)
	if err := settle(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	return d.shown(ctx, c, r, false)
}

// decidable reads a request that the caller can decide.
func (d *Desk) decidable(ctx context.Context, c *gate.Call, rid id.AccessRequest) (*row, *plan, error) {
	r, err := byID(ctx, c.Tx, rid)
	if err != nil {
		return nil, nil, err
	}
	if r.user == c.Who.User {
		return nil, nil, fault.New(fault.Denied, "own_access", "Nobody grants to themselves; another person decides.")
	}
	p, err := d.plan(ctx, c, r, false)
	if err != nil {
		return nil, nil, err
	}
	if !p.may {
		return nil, nil, missing()
	}
	if r.state != Open {
		return nil, nil, fault.New(fault.Conflict, "request_closed", "This request has been decided or withdrawn already.")
	}
	return r, p, nil
}

// decided ends a request and tells the person.
func (d *Desk) decided(ctx context.Context, c *gate.Call, r *row, state, remark string) (*Request, error) {
	r.state, r.decidedBy, r.remark = state, c.Who.User, pii.Mask(strings.TrimSpace(remark))
	c.Given(r.remark)
	c.Change("state", Open, state)
	c.Detail("operation", r.operation)
	c.Detail("for", "user/"+string(r.user))
	if err := settle(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	if err := d.tellAsker(ctx, c, r); err != nil {
		return nil, err
	}
	return d.told(ctx, c, r) // the policy of this call does not know yet what it has changed
}
