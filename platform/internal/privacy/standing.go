package privacy

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// applicationMonths is how long the record of an application is kept after the
// applicant was told of the action taken (12 CFR 1002.12(b)).
const applicationMonths = 25

// Obstacle is one thing that stands against an erasure.
type Obstacle struct {
	Kind   string     `json:"kind" class:"public" enum:"hold,open_loan,undecided_application,retention,loan_made"`
	Object string     `json:"object" class:"public" example:"loan/ln_…"`
	Words  string     `json:"words" class:"public"`
	Until  civil.Date `json:"until,omitempty" class:"public" doc:"of a retention: the day on which it ends"`
}

// Standing is how a person's data stand: what forbids an erasure now, and from
// when on it is possible.
type Standing struct {
	Object       string     `json:"object" class:"public"`
	ErasedAt     string     `json:"erased_at,omitempty" class:"public"`
	Obstacles    []Obstacle `json:"obstacles"`
	PossibleFrom civil.Date `json:"possible_from,omitempty" class:"public" doc:"Empty while something stands against it that no date ends."`
	Loans        int        `json:"loans" class:"public"`
	Applications int        `json:"applications" class:"public" doc:"Applications that an erasure and an export take along."`
	Holds        []Hold     `json:"holds"`
	Erasures     []Erasure  `json:"erasures"`
	Exports      []Export   `json:"exports"`
}

func (d *Desk) stand(ctx context.Context, c *gate.Call, object string) (*Standing, error) {
	s, err := d.find(ctx, c, object)
	if err != nil {
		return nil, err
	}
	out := &Standing{Object: object, ErasedAt: instant(s.erasedAt), Obstacles: []Obstacle{}, Loans: len(s.loans), Applications: len(s.Applications), Holds: []Hold{}, Erasures: []Erasure{}, Exports: []Export{}}
	if s.erasedAt == 0 {
		if out.Obstacles, err = against(ctx, c.Tx, s, c.Today, c.Tenant.Today); err != nil {
			return nil, err
		}
		out.PossibleFrom = possible(out.Obstacles, c.Today)
	}
	objects := s.Objects()
	if out.Holds, err = holds(ctx, c.Tx, s.heldBy(), mostShown); err != nil {
		return nil, err
	}
	if out.Erasures, err = erasures(ctx, c.Tx, db.In("object", objects), mostShown); err != nil {
		return nil, err
	}
	out.Exports, err = exports(ctx, c.Tx, db.In("object", objects), mostShown)
	return out, err
}

// mostShown bounds lists of holds, erasures and exports.
const mostShown = 200

// possible is the first day on which nothing would stand against an erasure; zero
// while something does that no date ends.
func possible(list []Obstacle, today civil.Date) civil.Date {
	from := today
	for _, o := range list {
		if o.Kind != "retention" {
			return 0
		}
		from = max(from, o.Until)
	}
	return from
}

// heldBy is met by the holds that speak of the person: on what is theirs, on a
// borrower who is the same person, and on the trail or a part of it, because an erasure
// blanks what entries of every category hold of them.
func (s *subject) heldBy() db.Cond {
	subjects := s.Objects()
	for _, b := range s.same {
		subjects = append(subjects, "borrower/"+string(b))
	}
	return db.Or(db.In("subject", subjects), db.Where(`subject = 'audit' OR subject LIKE 'audit/%'`))
}

// against lists what stands against an erasure today.
func against(ctx context.Context, tx *db.Tx, s *subject, today civil.Date, dateOf func(int64) civil.Date) ([]Obstacle, error) {
	out := []Obstacle{}
	list, err := holds(ctx, tx, db.And(s.heldBy(), db.Where("released_at = 0")), mostShown)
	if err != nil {
		return nil, err
	}
	for _, h := range list {
		out = append(out, Obstacle{Kind: "hold", Object: "legal_hold/" + string(h.ID), Words: "A legal hold is in force on " + h.Subject + " since " + h.PlacedAt[:10] + "."})
	}
	setting, err := readSetting(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, l := range s.loans {
		object := "loan/" + string(l.id)
		if !slices.Contains([]string{"paid_off", "charged_off", "closed"}, l.status) {
			out = append(out, Obstacle{Kind: "open_loan", Object: object, Words: "Loan " + l.number + " is open."})
			continue
		}
		if until := dateOf(max(l.createdAt, l.lastEntry)).AddMonths(int(setting.LoanMonths)); until > today {
			out = append(out, Obstacle{Kind: "retention", Object: object, Until: until, Words: fmt.Sprintf("Loan %s is kept for %d months after its last entry, until %s.", l.number, setting.LoanMonths, until)})
		}
	}
	for _, a := range s.apps {
		out = append(out, a.against(s, today, dateOf)...)
	}
	return out, nil
}

// against lists what an application has against the erasure of its applicant.
func (a *applicationRow) against(s *subject, today civil.Date, dateOf func(int64) civil.Date) []Obstacle {
	number, object := "A-"+strconv.FormatInt(a.seq, 10), "application/"+string(a.id)
	switch {
	case a.status != "approved" && a.status != "rejected":
		return []Obstacle{{Kind: "undecided_application", Object: object, Words: "Application " + number + " is undecided."}}
	case a.loan != "" && s.Borrower == "":
		return []Obstacle{{Kind: "loan_made", Object: object, Words: "Application " + number + " has become a loan: erase its borrower."}}
	}
	told := dateOf(max(a.decidedAt, a.verdictAt))
	if a.status == "rejected" && a.notice < civil.Must(civil.MaxYear, 1, 1) {
		told = max(told, a.notice) // the notice may go out on the last day
	}
	if until := told.AddMonths(applicationMonths); until > today {
		return []Obstacle{{Kind: "retention", Object: object, Until: until, Words: fmt.Sprintf("Application %s is kept for %d months after the notice of its decision (12 CFR 1002.12), until %s.", number, applicationMonths, until)}}
	}
	return nil
}

// refusal names everything that stands against an erasure.
func refusal(list []Obstacle, today civil.Date) error {
	f := fault.New(fault.Conflict, "erasure_refused", "This person cannot be erased now.")
	if from := possible(list, today); from != 0 {
		f.Message = "This person can be erased from " + from.String() + "."
	}
	for _, o := range list {
		f.Fields = append(f.Fields, fault.Field{Path: o.Object, Mend: o.Words, Reason: o.Kind})
	}
	return f
}
