package restrictions

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// PreviewIn is a restriction that is not stored, and perhaps the person who
// would hold it beside what binds them now. With a person and no texts it asks
// for what they see at present.
type PreviewIn struct {
	Restriction  id.Restriction `json:"restriction,omitempty" doc:"the stored one that this would replace"`
	Stored       bool           `json:"stored,omitempty" doc:"look at the stored one as it is"`
	LoansOnly    bool           `json:"loans_only,omitempty" doc:"count loans and nothing else"`
	Visible      string         `json:"visible,omitempty" maxLength:"4096"`
	Borrowers    string         `json:"borrowers,omitempty" maxLength:"4096"`
	Applications string         `json:"applications,omitempty" maxLength:"4096"`
	Limits       []policy.Limit `json:"limits,omitempty" maxItems:"50"`
	User         id.User        `json:"user,omitempty" doc:"whose combination to show as well"`
}

// LimitReach is a limit and how many of the rows shown it narrows.
type LimitReach struct {
	Restriction string `json:"restriction,omitempty" class:"public"`
	Area        string `json:"area" class:"public"`
	Level       string `json:"level" class:"public"`
	Rows        int64  `json:"rows" class:"public"`
}

// Reach is what restrictions show together.
type Reach struct {
	Loans           Count        `json:"loans"`
	Borrowers       Count        `json:"borrowers"`
	Applications    Count        `json:"applications"`
	HidesEverything bool         `json:"hides_everything" class:"public"`
	Limits          []LimitReach `json:"limits"`
	Sample          []Sample     `json:"sample" doc:"some of the loans, by number"`
}

// Combination is what a person ends up with.
type Combination struct {
	ID           id.User  `json:"id" class:"public"`
	Name         string   `json:"name" class:"public"`
	Restrictions []string `json:"restrictions" class:"public" doc:"the names of all that bind together, own and through teams"`
	Reach
}

// PreviewOut is what a restriction shows, within the asker's own scope. Of a
// person alone, it is the person's combination.
type PreviewOut struct {
	Said string `json:"said" class:"public" example:"3,214 of 18,902 loans"`
	Reach
	User *Combination `json:"user,omitempty"`
}

func (d *Desk) preview(ctx context.Context, c *gate.Call, in *PreviewIn) (*PreviewOut, error) {
	out := &PreviewOut{}
	draft, err := drafted(ctx, c, in)
	if err != nil {
		return nil, err
	}
	if in.LoansOnly {
		out.Loans, err = nouns(c, draft)[0].shown(ctx, c, scopeOf(c, draft))
		out.Said, out.Limits, out.Sample = out.Loans.Said, []LimitReach{}, []Sample{}
		return out, err
	}
	if in.User != "" {
		if out.User, err = combination(ctx, c, in.User, draft); err != nil {
			return nil, err
		}
	}
	if draft == nil {
		out.Reach = out.User.Reach
	} else if out.Reach, err = reach(ctx, c, []*policy.Restriction{draft}); err != nil {
		return nil, err
	}
	out.Said = out.Loans.Said
	return out, nil
}

// drafted gives the restriction that is looked at, compiled; nil where a person
// alone is asked for.
func drafted(ctx context.Context, c *gate.Call, in *PreviewIn) (*policy.Restriction, error) {
	r := &policy.Restriction{ID: in.Restriction, Name: "This one", Visible: in.Visible, Borrowers: in.Borrowers, Applications: in.Applications, Limits: in.Limits}
	switch {
	case in.Stored:
		var err error
		if r, err = policy.RestrictionByID(ctx, c.Tx, in.Restriction); err != nil {
			return nil, err
		}
	case in.Visible == "" && in.User != "" && !in.LoansOnly:
		return nil, nil
	}
	return r, r.Compile(c.Policy.Vocabulary())
}

// combination gives what a person would see with a draft beside, or in the place
// of, what binds them.
func combination(ctx context.Context, c *gate.Call, u id.User, draft *policy.Restriction) (*Combination, error) {
	s, err := c.Policy.Subject(ctx, c.Tx, u, "")
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Bad("user", "Give the id of a user who exists.")
	}
	if err != nil {
		return nil, err
	}
	var list []*policy.Restriction
	for _, r := range s.Restrictions {
		if draft == nil || r.ID != draft.ID || draft.ID == "" {
			list = append(list, r)
		}
	}
	if draft != nil {
		list = append(list, draft)
	}
	out := &Combination{ID: u, Name: s.Name, Restrictions: []string{}}
	for _, r := range list {
		out.Restrictions = append(out.Restrictions, r.Name)
	}
	out.Reach, err = reach(ctx, c, list)
	return out, err
}

// reach counts what restrictions show together, and what their limits narrow.
func reach(ctx context.Context, c *gate.Call, list []*policy.Restriction) (out Reach, err error) {
	theirs, rows := scopeOf(c, list...), nouns(c, list...)
	for i, to := range []*Count{&out.Loans, &out.Borrowers, &out.Applications} {
		if *to, err = rows[i].shown(ctx, c, theirs); err != nil {
			return out, err
		}
	}
	out.HidesEverything = out.Loans.Shown+out.Borrowers.Shown+out.Applications.Shown == 0 && out.Loans.Of+out.Borrowers.Of+out.Applications.Of > 0
	out.Limits = []LimitReach{}
	for _, r := range list {
		for i := range r.Limits {
			one, err := narrowed(ctx, c, rows, theirs, &r.Limits[i])
			if err != nil {
				return out, err
			}
			if one.Restriction = r.Name; len(list) == 1 {
				one.Restriction = ""
			}
			out.Limits = append(out.Limits, one)
		}
	}
	out.Sample, err = sample(ctx, c, rows[0], theirs)
	return out, err
}

// narrowed counts the rows that a limit narrows among those that are shown.
func narrowed(ctx context.Context, c *gate.Call, of []noun, theirs gate.Scope, l *policy.Limit) (LimitReach, error) {
	out, n := LimitReach{Area: l.Area, Level: l.Level}, of[0]
	if l.Area == "application" {
		n = of[2]
	}
	rows, when := n.within(c, theirs), db.True()
	if l.Area == policy.Summary && l.Allows() == policy.None {
		rows = n.within(c) // what it hides is not among what is shown
	}
	if l.Rule != nil {
		when = l.Rule.SQL(c.Today)
	}
	var err error
	out.Rows, err = n.count(ctx, c.Tx, db.And(rows, when))
	return out, err
}
