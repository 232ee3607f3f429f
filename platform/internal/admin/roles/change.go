package roles

import (
	"context"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// UpdateIn replaces the content of a role.
type UpdateIn struct {
	ID id.Role `path:"id" json:"-"`
	Content
	Version *int64 `json:"version,omitempty" doc:"the version that was read: if somebody has saved another since, the answer is 409 and names who"`
}

// DuplicateIn copies a role under another name.
type DuplicateIn struct {
	ID   id.Role `path:"id" json:"-"`
	Name string  `json:"name,omitempty" maxLength:"200" doc:"left out: “Copy of …”"`
}

func (d *Desk) create() *gate.Op[Content, Role] {
	o := edit("role.create", "Add role", "Roles", "POST", "/roles", func(ctx context.Context, c *gate.Call, in *Content) (*Role, error) {
		r, err := d.Add(ctx, c, in)
		if err != nil {
			return nil, err
		}
		return shown(r, 0), nil
	})
	o.Status, o.Pairing = 201, gate.MayPair
	return o
}

func (d *Desk) update() *gate.Op[UpdateIn, Role] {
	o := edit("role.update", "Edit role", "Role", "PUT", "/roles/{id}", func(ctx context.Context, c *gate.Call, in *UpdateIn) (*Role, error) {
		before, err := held(c, in.ID)
		if err != nil {
			return nil, err
		}
		if err := admin.Unmoved(ctx, c, admin.Stored{Object: object(in.ID), Noun: "role", At: before.ChangedAt, By: before.ChangedBy}, in.Version); err != nil {
			return nil, err
		}
		r, holders, err := d.Replace(ctx, c, in.ID, &in.Content)
		if err != nil {
			return nil, err
		}
		return shown(r, holders), nil
	})
	o.Object = func(in *UpdateIn) string { return object(in.ID) }
	o.Pairing = gate.MayPair
	return o
}

func (d *Desk) duplicate() *gate.Op[DuplicateIn, Role] {
	o := edit("role.duplicate", "Duplicate role", "Role", "POST", "/roles/{id}/duplicate", func(ctx context.Context, c *gate.Call, in *DuplicateIn) (*Role, error) {
		r, err := held(c, in.ID)
		if err != nil {
			return nil, err
		}
		v := shownVisibility(r.Visibility)
		as := Content{Name: in.Name, Description: r.Description, UI: r.UI, API: r.API, Visibility: &v}
		if as.Name == "" {
			as.Name = copyName(c.Policy, r.Name)
		}
		c.Detail("copy_of", string(r.ID))
		made, err := d.Add(ctx, c, &as)
		if err != nil {
			return nil, err
		}
		return shown(made, 0), nil
	})
	o.Status, o.Pairing = 201, gate.MayPair
	o.Object = func(in *DuplicateIn) string { return object(in.ID) }
	return o
}

// copyName gives the first name of a copy that is free.
func copyName(p *policy.Compiled, name string) string {
	for n := 1; ; n++ {
		as := "Copy of " + name
		if n > 1 {
			as += fmt.Sprintf(" (%d)", n)
		}
		if !slices.ContainsFunc(p.Roles(), func(r *policy.Role) bool { return r.Name == as }) {
			return as
		}
	}
}

func (d *Desk) restore() *gate.Op[Ref, Role] {
	o := edit("role.restore", "Give back as shipped", "Role", "POST", "/roles/{id}/restore", func(ctx context.Context, c *gate.Call, in *Ref) (*Role, error) {
		r, err := held(c, in.ID)
		if err != nil {
			return nil, err
		}
		if r.Shipped == "" {
			return nil, fault.New(fault.Conflict, "not_shipped", "This role was made here, so there is nothing to go back to.")
		}
		after := *c.Policy.AsShipped(r.Shipped)
		after.ID, after.Name = r.ID, r.Name
		made, holders, err := d.save(ctx, c, r, after)
		if err != nil {
			return nil, err
		}
		return shown(made, holders), nil
	})
	o.Object = func(in *Ref) string { return object(in.ID) }
	o.Pairing = gate.MayPair
	return o
}

func (d *Desk) delete() *gate.Op[Ref, admin.Done] {
	o := edit("role.delete", "Delete role", "Role", "DELETE", "/roles/{id}", func(ctx context.Context, c *gate.Call, in *Ref) (*admin.Done, error) {
		r, err := held(c, in.ID)
		if err != nil {
			return nil, err
		}
		if r.Shipped != "" {
			return nil, fault.New(fault.Conflict, "shipped_role", "Roles that the product ships stay; customize or duplicate it instead.")
		}
		bearers, err := policy.Bearers(ctx, c.Tx, r.ID)
		if err != nil {
			return nil, err
		}
		if len(bearers) > 0 {
			return nil, fault.New(fault.Conflict, "in_use", "These users hold the role, or get it back: "+enumerate(names(bearers), 20)+". Give them another one first.")
		}
		note(c, r, &policy.Role{})
		return &admin.Done{Done: true}, policy.DeleteRole(ctx, c.Tx, r.ID)
	})
	o.Object = func(in *Ref) string { return object(in.ID) }
	o.Pairing = gate.MayPair
	return o
}

func names(list []policy.Bearer) []string {
	out := make([]string, len(list))
	for i, b := range list {
		out[i] = b.Name
	}
	return out
}

// Add stores a new role, within an access change.
func (d *Desk) Add(ctx context.Context, c *gate.Call, in *Content) (*policy.Role, error) {
	r, err := Checked(d.config.Catalogue(), in, policy.Role{Visibility: narrowest()})
	if err != nil {
		return nil, err
	}
	before := policy.Role{Visibility: narrowest()}
	if err := refuseGiving(c, d.config.Catalogue(), &before, &r); err != nil {
		return nil, err
	}
	r.ID, r.ChangedAt, r.ChangedBy = id.New[id.Role](c.At), c.At, c.Who.Name
	c.Object(object(r.ID))
	note(c, &policy.Role{}, &r)
	return &r, policy.InsertRole(ctx, c.Tx, r)
}

// Replace changes the content of a role, within an access change, and tells how
// many hold it. A shipped role whose content becomes another is customized.
func (d *Desk) Replace(ctx context.Context, c *gate.Call, rid id.Role, in *Content) (*policy.Role, int, error) {
	before, err := held(c, rid)
	if err != nil {
		return nil, 0, err
	}
	after, err := Checked(d.config.Catalogue(), in, *before)
	if err != nil {
		return nil, 0, err
	}
	if before.Shipped != "" && !sameContent(&after, c.Policy.AsShipped(before.Shipped)) {
		after.Customized = true
	}
	return d.save(ctx, c, before, after)
}

func sameContent(a, b *policy.Role) bool {
	return slices.Equal(sorted(a.UI), sorted(b.UI)) && slices.Equal(sorted(a.API), sorted(b.API)) && a.Visibility == b.Visibility
}

func (d *Desk) save(ctx context.Context, c *gate.Call, before *policy.Role, after policy.Role) (*policy.Role, int, error) {
	if before.From != "" {
		return nil, 0, fault.New(fault.Conflict, "role_lent", "This role is lent by a granted request and holds what the role below it holds; edit that one, or let it end.")
	}
	bearers, err := policy.Bearers(ctx, c.Tx, before.ID)
	if err != nil {
		return nil, 0, err
	}
	if err := refuseOwn(c, bearers); err != nil {
		return nil, 0, err
	}
	was := *before
	was.UI, was.API = sorted(before.UI), sorted(before.API)
	after.UI, after.API = sorted(after.UI), sorted(after.API)
	if err := refuseGiving(c, d.config.Catalogue(), &was, &after); err != nil {
		return nil, 0, err
	}
	if err := refuseNoAdministrator(d.config.Catalogue(), &after); err != nil {
		return nil, 0, err
	}
	after.ChangedAt, after.ChangedBy = c.At, c.Who.Name
	note(c, &was, &after)
	return &after, now(bearers), policy.UpdateRole(ctx, c.Tx, after)
}

// now counts who holds the role at this instant.
func now(list []policy.Bearer) int {
	n := 0
	for _, b := range list {
		if !b.Later {
			n++
		}
	}
	return n
}

// note puts the difference into the audit entry, one change an operation, so that
// a proposal made on another state of the role is told from this one.
func note(c *gate.Call, before, after *policy.Role) {
	c.Change("name", before.Name, after.Name)
	c.Change("description", before.Description, after.Description)
	c.Change("customized", yes(before.Customized), yes(after.Customized))
	for _, side := range []struct {
		field string
		a, b  []string
	}{{"ui ", sorted(before.UI), sorted(after.UI)}, {"api ", sorted(before.API), sorted(after.API)}} {
		for _, name := range minus(side.b, side.a) {
			c.Change(side.field+name, "", "held")
		}
		for _, name := range minus(side.a, side.b) {
			c.Change(side.field+name, "held", "")
		}
	}
	for _, v := range visibilities(before.Visibility, after.Visibility) {
		c.Change("visibility."+v.Field, v.Before, v.After)
	}
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
