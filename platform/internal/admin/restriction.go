package admin

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Restriction is a search restriction as the API shows one.
type Restriction struct {
	ID           id.Restriction `json:"id" class:"public"`
	Name         string         `json:"name" class:"public"`
	Visible      string         `json:"visible" class:"public"`
	Borrowers    string         `json:"borrowers,omitempty" class:"public"`
	Applications string         `json:"applications,omitempty" class:"public"`
}

// RestrictionIn is a new search restriction.
type RestrictionIn struct {
	Name         string `json:"name" minLength:"1" maxLength:"200" example:"Acme portfolio only"`
	Visible      string `json:"visible" minLength:"1" maxLength:"4096" example:"loan.portfolios.overlaps([\"Acme\"])" doc:"which loans may be found (CEL)"`
	Borrowers    string `json:"borrowers,omitempty" maxLength:"4096" doc:"which borrowers beside those of visible loans"`
	Applications string `json:"applications,omitempty" maxLength:"4096" doc:"which applications; empty: none"`
}

// RestrictionUpdateIn replaces a search restriction.
type RestrictionUpdateIn struct {
	ID id.Restriction `path:"id" json:"-"`
	RestrictionIn
}

// RestrictionRef names one in a path.
type RestrictionRef struct {
	ID id.Restriction `path:"id"`
}

// RestrictionListOut is all restrictions by name.
type RestrictionListOut struct {
	Items []Restriction `json:"items"`
	Total int           `json:"total" class:"public"`
	Next  string        `json:"next" class:"public"`
}

func shownRestriction(r *policy.Restriction) Restriction {
	return Restriction{ID: r.ID, Name: r.Name, Visible: r.Visible, Borrowers: r.Borrowers, Applications: r.Applications}
}

func (d *Desk) restrictionList() *gate.Op[Nothing, RestrictionListOut] {
	return look("search_restriction.list", "List search restrictions", "Search restrictions", "/search-restrictions", func(ctx context.Context, c *gate.Call, _ *Nothing) (*RestrictionListOut, error) {
		list, err := policy.Restrictions(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &RestrictionListOut{Items: make([]Restriction, 0, len(list)), Total: len(list)}
		for _, r := range list {
			out.Items = append(out.Items, shownRestriction(r))
		}
		return out, nil
	})
}

func checked(c *gate.Call, in *RestrictionIn) (*policy.Restriction, error) {
	r := &policy.Restriction{Name: strings.TrimSpace(in.Name), Visible: in.Visible, Borrowers: in.Borrowers, Applications: in.Applications, CreatedAt: c.At}
	var f fault.Collector
	f.Check(personName(r.Name), "name", "Give it a name, without control characters.")
	f.Merge("", r.Compile(c.Policy.Vocabulary()))
	return r, f.Err()
}

func (d *Desk) restrictionCreate() *gate.Op[RestrictionIn, Restriction] {
	o := edit("search_restriction.create", "Add search restriction", "Search restrictions", "POST", "/search-restrictions", func(ctx context.Context, c *gate.Call, in *RestrictionIn) (*Restriction, error) {
		r, err := checked(c, in)
		if err != nil {
			return nil, err
		}
		r.ID = id.New[id.Restriction](c.At)
		if err := policy.InsertRestriction(ctx, c.Tx, r); err != nil {
			return nil, err
		}
		c.Object("search_restriction/" + string(r.ID))
		noteRestriction(c, &policy.Restriction{}, r)
		out := shownRestriction(r)
		return &out, nil
	})
	o.Status = 201
	return o
}

func (d *Desk) restrictionUpdate() *gate.Op[RestrictionUpdateIn, Restriction] {
	o := edit("search_restriction.update", "Change search restriction", "Search restrictions", "PUT", "/search-restrictions/{id}", func(ctx context.Context, c *gate.Call, in *RestrictionUpdateIn) (*Restriction, error) {
		before, err := policy.RestrictionByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		mine, err := policy.Assigned(ctx, c.Tx, c.Who.User)
		if err != nil {
			return nil, err
		}
		for _, m := range mine {
			if m == in.ID {
				return nil, fault.New(fault.Denied, "own_access", "Nobody changes their own access; ask another administrator.")
			}
		}
		r, err := checked(c, &in.RestrictionIn)
		if err != nil {
			return nil, err
		}
		r.ID = in.ID
		noteRestriction(c, before, r)
		if d.config.Built != nil {
			c.After(func() { d.config.Built(c) })
		}
		out := shownRestriction(r)
		return &out, policy.UpdateRestriction(ctx, c.Tx, r)
	})
	o.Object = func(in *RestrictionUpdateIn) string { return "search_restriction/" + string(in.ID) }
	return o
}

func noteRestriction(c *gate.Call, before, after *policy.Restriction) {
	c.Change("name", before.Name, after.Name)
	c.Change("visible", before.Visible, after.Visible)
	c.Change("borrowers", before.Borrowers, after.Borrowers)
	c.Change("applications", before.Applications, after.Applications)
}

func (d *Desk) restrictionDelete() *gate.Op[RestrictionRef, Done] {
	o := edit("search_restriction.delete", "Delete search restriction", "Search restrictions", "DELETE", "/search-restrictions/{id}", func(ctx context.Context, c *gate.Call, in *RestrictionRef) (*Done, error) {
		before, err := policy.RestrictionByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		noteRestriction(c, before, &policy.Restriction{})
		return &Done{Done: true}, policy.DeleteRestriction(ctx, c.Tx, in.ID)
	})
	o.Object = func(in *RestrictionRef) string { return "search_restriction/" + string(in.ID) }
	return o
}
