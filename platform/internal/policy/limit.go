package policy

import (
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule"
)

// Level is how much of an area may be used.
type Level uint8

// The levels, from nothing to everything.
const (
	None Level = iota
	View
	Full
)

// Limit narrows one area of what a restriction shows, where a condition holds.
type Limit struct {
	Area    string `json:"area" class:"public" enum:"summary,schedule,payments,borrower,notes,documents,application"`
	When    string `json:"when" class:"public" maxLength:"4096" doc:"condition (CEL) over the loan, or over the application for that area; empty: always" example:"loan.status == \"bankruptcy\""`
	Level   string `json:"level" class:"public" enum:"none,view,full"`
	Message string `json:"message" class:"public" maxLength:"300" doc:"what the person is told"`

	Rule *rule.Expr `json:"-"` // compiled; never nil after Compile
}

// Areas lists the areas of a loan that limits speak of, and the application.
func Areas() []string {
	return []string{"summary", "schedule", "payments", "borrower", "notes", "documents", "application"}
}

// Summary is the area that is the loan itself: level none hides the loan.
const Summary = "summary"

// Allows gives the limit's level.
func (l *Limit) Allows() Level {
	return Level(max(0, slices.Index([]string{"none", "view", "full"}, l.Level)))
}

func (l *Limit) compile(v Vocabulary) error {
	var c fault.Collector
	c.Check(slices.Contains(Areas(), l.Area), "area", "Name an area: summary, schedule, payments, borrower, notes, documents or application.")
	c.Check(slices.Contains([]string{"none", "view", "full"}, l.Level), "level", "Say none, view or full.")
	words, text := v.Loans, l.When
	if l.Area == "application" {
		words = v.Applications
	}
	if text == "" {
		text = "true"
	}
	var err error
	if l.Rule, err = words.Compile(text); err != nil {
		c.Merge("when", err)
	}
	return c.Err()
}

// narrowed gives the rule for loans with what the summary's limits hide left
// out: a loan whose summary may not be seen is not there, in any list or count.
// A loan that is lent to whom the restriction binds is there in spite of both.
func (r *Restriction) narrowed(v Vocabulary) (*rule.Expr, error) {
	text, same := "("+r.Visible+")", len(r.Lent) == 0
	for _, l := range r.Limits {
		if l.Area != Summary || l.Allows() > None {
			continue
		}
		same = false
		if l.When == "" {
			text = "false"
			break
		}
		text += " && !(" + l.When + ")"
	}
	if same {
		return r.Loan, nil
	}
	if len(r.Lent) > 0 {
		text = "(" + text + ") || loan.id in " + encode(r.Lent)
	}
	return v.Loans.Compile(text)
}

func encodeLimits(list []Limit) string {
	if list == nil {
		return "[]"
	}
	return encode(list)
}
