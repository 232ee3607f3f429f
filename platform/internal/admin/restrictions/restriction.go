package restrictions

import (
	"context"
	"encoding/json"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Holder is a user or a team to whom a restriction is assigned.
type Holder struct {
	ID   string `json:"id" class:"public"`
	Name string `json:"name" class:"public"`
}

// Restriction is a search restriction as the API shows one.
type Restriction struct {
	ID           id.Restriction `json:"id" class:"public"`
	Name         string         `json:"name" class:"public"`
	Visible      string         `json:"visible" class:"public"`
	Borrowers    string         `json:"borrowers,omitempty" class:"public"`
	Applications string         `json:"applications,omitempty" class:"public"`
	Limits       []policy.Limit `json:"limits"`
	Sentence     string         `json:"sentence" class:"public" doc:"which loans it shows, in plain English"`
	Broken       bool           `json:"broken,omitempty" class:"public" doc:"an expression speaks of what is not there any more, so it hides everything"`
	Users        []Holder       `json:"users" doc:"who holds it of their own"`
	Teams        []Holder       `json:"teams" doc:"teams whose members it binds"`
	Version      int64          `json:"version" class:"public" doc:"changes with every change; send it back with an edit"`
	HeldVersion  int64          `json:"holders_version" class:"public" doc:"changes with who holds it; send it back when assigning"`
}

// RestrictionIn is a search restriction as it shall be.
type RestrictionIn struct {
	Name         string         `json:"name" minLength:"1" maxLength:"200" example:"Acme portfolio only"`
	Visible      string         `json:"visible" minLength:"1" maxLength:"4096" example:"loan.portfolios.overlaps([\"Acme\"])" doc:"which loans may be found (CEL)"`
	Borrowers    string         `json:"borrowers,omitempty" maxLength:"4096" doc:"which borrowers beside those of visible loans"`
	Applications string         `json:"applications,omitempty" maxLength:"4096" doc:"which applications; empty: none"`
	Limits       []policy.Limit `json:"limits,omitempty" maxItems:"50" doc:"how much of what is visible may be seen and done"`
	Confirm      string         `json:"confirm,omitempty" enum:"hides_everything" doc:"that it may hide everything there is now"`
}

// UpdateIn replaces a search restriction.
type UpdateIn struct {
	ID id.Restriction `path:"id" json:"-"`
	RestrictionIn
	Version *int64 `json:"version,omitempty" doc:"the version that was read: if somebody has saved another since, the answer is 409 and names who"`
}

// Ref names a search restriction in a path.
type Ref struct {
	ID id.Restriction `path:"id" json:"-"`
}

func (r *Ref) object() string { return object(r.ID) }

func object(r id.Restriction) string { return "search_restriction/" + string(r) }

// ListOut is all search restrictions by name.
type ListOut struct {
	Items []Restriction `json:"items"`
	Total int           `json:"total" class:"public"`
	Next  string        `json:"next" class:"public"`
}

// shown gives a stored restriction with its sentence and its holders.
func shown(c *gate.Call, r *policy.Restriction, h *policy.Holding) Restriction {
	out := Restriction{ID: r.ID, Name: r.Name, Visible: r.Visible, Borrowers: r.Borrowers, Applications: r.Applications,
		Limits: append([]policy.Limit{}, r.Limits...), Users: []Holder{}, Teams: []Holder{}, Version: r.ChangedAt}
	if h != nil {
		for _, u := range h.Users {
			out.Users = append(out.Users, Holder(u))
		}
		for _, t := range h.Teams {
			out.Teams = append(out.Teams, Holder(t))
		}
	}
	out.HeldVersion = heldVersion(h)
	words := c.Policy.Vocabulary().Loans
	e, err := words.Compile(r.Visible)
	if out.Broken = err != nil; err == nil {
		out.Sentence = e.Outline().Sentence("Loans", words.Fields())
	}
	return out
}

func (d *Desk) list(ctx context.Context, c *gate.Call, _ *Nothing) (*ListOut, error) {
	list, err := policy.Restrictions(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	held, err := policy.Holdings(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &ListOut{Items: make([]Restriction, 0, len(list)), Total: len(list)}
	for _, r := range list {
		out.Items = append(out.Items, shown(c, r, held[r.ID]))
	}
	return out, nil
}

func (d *Desk) view(ctx context.Context, c *gate.Call, in *Ref) (*Restriction, error) {
	r, err := policy.RestrictionByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	held, err := policy.Holdings(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := shown(c, r, held[r.ID])
	return &out, nil
}

// compiled checks an input and gives the restriction that it says.
func compiled(c *gate.Call, in *RestrictionIn) (*policy.Restriction, error) {
	var f fault.Collector
	r := &policy.Restriction{Name: checkName(&f, in.Name), Visible: in.Visible, Borrowers: in.Borrowers, Applications: in.Applications, Limits: in.Limits, CreatedAt: c.At}
	f.Merge("", r.Compile(c.Policy.Vocabulary()))
	return r, f.Err()
}

// understood refuses what would hide everything unless that was confirmed.
func understood(ctx context.Context, c *gate.Call, in *RestrictionIn, r *policy.Restriction) error {
	if in.Confirm == HidesEverything {
		return nil
	}
	hides, err := hidesEverything(ctx, c, r)
	if err == nil && hides {
		return fault.New(fault.Conflict, HidesEverything, `As things stand, this restriction shows no loan, no borrower and no application: whoever holds it sees nothing. Confirm it if that is meant.`)
	}
	return err
}

func (d *Desk) create(ctx context.Context, c *gate.Call, in *RestrictionIn) (*Restriction, error) {
	r, err := compiled(c, in)
	if err != nil {
		return nil, err
	}
	if err := understood(ctx, c, in, r); err != nil {
		return nil, err
	}
	r.ID = id.New[id.Restriction](c.At)
	if err := policy.InsertRestriction(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	c.Object(object(r.ID))
	note(c, &policy.Restriction{}, r)
	out := shown(c, r, nil)
	return &out, nil
}

func (d *Desk) update(ctx context.Context, c *gate.Call, in *UpdateIn) (*Restriction, error) {
	before, err := policy.RestrictionByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if mine, err := policy.Binds(ctx, c.Tx, in.ID, c.Who.User); err != nil || mine {
		if mine {
			return nil, ownAccess()
		}
		return nil, err
	}
	if err := admin.Unmoved(ctx, c, admin.Stored{Object: object(in.ID), Noun: "search restriction", At: before.ChangedAt, By: before.ChangedBy}, in.Version); err != nil {
		return nil, err
	}
	r, err := compiled(c, &in.RestrictionIn)
	if err != nil {
		return nil, err
	}
	if err := understood(ctx, c, &in.RestrictionIn, r); err != nil {
		return nil, err
	}
	if err := refuseWidening(ctx, c, before, r); err != nil {
		return nil, err
	}
	r.ID, r.ChangedAt, r.ChangedBy = in.ID, c.At, c.Who.Name
	note(c, before, r)
	d.changed(c)
	if err := policy.UpdateRestriction(ctx, c.Tx, r); err != nil {
		return nil, err
	}
	return d.view(ctx, c, &Ref{in.ID})
}

// refuseWidening lets somebody who is restricted change what a restriction shows only
// where whoever it binds is bound by all that binds them too: whether another
// expression shows more is not asked.
func refuseWidening(ctx context.Context, c *gate.Call, before, after *policy.Restriction) error {
	if before.Visible == after.Visible && before.Borrowers == after.Borrowers && before.Applications == after.Applications && written(before.Limits) == written(after.Limits) {
		return nil
	}
	rows, err := admin.WatchRows(ctx, c)
	if err != nil {
		return err
	}
	return rows.Refuse(ctx, c, rows.Bound(before.ID)...)
}

// note writes what changed into the trail, as it is written.
func note(c *gate.Call, before, after *policy.Restriction) {
	c.Change("name", before.Name, after.Name)
	c.Change("visible", before.Visible, after.Visible)
	c.Change("borrowers", before.Borrowers, after.Borrowers)
	c.Change("applications", before.Applications, after.Applications)
	c.Change("limits", written(before.Limits), written(after.Limits))
}

func written(limits []policy.Limit) string {
	if len(limits) == 0 {
		return ""
	}
	b, err := json.Marshal(limits)
	if err != nil {
		panic(err) // limits are structs of texts
	}
	return string(b)
}

func (d *Desk) remove(ctx context.Context, c *gate.Call, in *Ref) (*Done, error) {
	before, err := policy.RestrictionByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	held, err := policy.Holdings(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	if h := held[in.ID]; h != nil {
		return nil, h.InUse("search restriction")
	}
	note(c, before, &policy.Restriction{})
	return &Done{Done: true}, policy.DeleteRestriction(ctx, c.Tx, in.ID)
}
