package house_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
)

// bookLoan is a loan as the oracle knows it.
type bookLoan struct {
	id, number, status, company, region, tier string
	portfolios                                []string
	balance                                   int64 // cents
	oldest, opened                            civil.Date
	vip                                       bool
	owner                                     *bookPerson
}

type bookPerson struct{ id, first, last, email, region string }

type bookApplication struct {
	id, status, company, region string
	amount                      int64
	seq                         int
}

// said is an expression and what it means, in plain Go.
type said[T any] struct {
	text string
	mean func(*T) bool
}

func holds[T any](s *said[T], x *T) bool { return s != nil && s.mean(x) }

// narrowing is a limit as the oracle understands it.
type narrowing struct {
	area, message string
	level         int
	loans         *said[bookLoan]
	applications  *said[bookApplication]
}

// bound is one restriction that binds the asker.
type bound struct {
	visible      said[bookLoan]
	borrowers    *said[bookPerson]
	applications *said[bookApplication]
	limits       []narrowing
}

// dice makes random restrictions.
type dice struct {
	*rand.Rand
	today civil.Date
}

func oneOf[T any](d *dice, from ...T) T { return from[d.IntN(len(from))] }

func quotedList(list []string) string { return `["` + strings.Join(list, `", "`) + `"]` }

// joined makes a tree of questions.
func joined[T any](d *dice, depth int, leaf func() said[T]) said[T] {
	if depth == 0 || d.IntN(3) == 0 {
		return leaf()
	}
	a, b := joined(d, depth-1, leaf), joined(d, depth-1, leaf)
	switch d.IntN(3) {
	case 0:
		return said[T]{"(" + a.text + " && " + b.text + ")", func(x *T) bool { return a.mean(x) && b.mean(x) }}
	case 1:
		return said[T]{"(" + a.text + " || " + b.text + ")", func(x *T) bool { return a.mean(x) || b.mean(x) }}
	}
	return said[T]{"!(" + a.text + ")", func(x *T) bool { return !a.mean(x) }}
}

func (d *dice) some(from ...string) []string {
	var out []string
	for _, s := range from {
		if d.IntN(2) == 0 {
			out = append(out, s)
		}
	}
	if out == nil {
		out = from[:1]
	}
	return out
}

func (d *dice) aboutLoans() said[bookLoan] {
	return joined(d, 2, func() said[bookLoan] {
		switch d.IntN(9) {
		case 0, 1:
			list := d.some("Acme", "Beta", "Gamma")
			return said[bookLoan]{"loan.portfolios.overlaps(" + quotedList(list) + ")", func(l *bookLoan) bool {
				return slices.ContainsFunc(list, func(p string) bool { return slices.Contains(l.portfolios, p) })
			}}
		case 2:
			list := d.some("active", "on_hold", "closed")
			return said[bookLoan]{"loan.status in " + quotedList(list), func(l *bookLoan) bool { return slices.Contains(list, l.status) }}
		case 3:
			return said[bookLoan]{`loan.source_company == "First"`, func(l *bookLoan) bool { return l.company == "First" }}
		case 4:
			cents := int64(d.IntN(100_000))
			return said[bookLoan]{fmt.Sprintf(`loan.balance < money("%d.%02d")`, cents/100, cents%100), func(l *bookLoan) bool { return l.balance < cents }}
		case 5:
			days := d.IntN(200)
			return said[bookLoan]{fmt.Sprintf("loan.days_past_due > %d", days), func(l *bookLoan) bool { return d.late(l) > days }}
		case 6:
			state := oneOf(d, "NY", "CA")
			return said[bookLoan]{fmt.Sprintf("borrower.state == %q", state), func(l *bookLoan) bool { return l.region == state }}
		case 7:
			return said[bookLoan]{"custom.vip", func(l *bookLoan) bool { return l.vip }}
		}
		list := d.some("gold", "tin", "none")
		return said[bookLoan]{"custom.tier in " + quotedList(list), func(l *bookLoan) bool { return slices.Contains(list, l.tier) }}
	})
}

func (d *dice) late(l *bookLoan) int {
	if l.oldest.IsZero() || l.oldest > d.today {
		return 0
	}
	return d.today.Sub(l.oldest)
}

func (d *dice) aboutPeople() *said[bookPerson] {
	if d.IntN(2) == 0 {
		return nil
	}
	state := oneOf(d, "NY", "CA", "TX")
	return &said[bookPerson]{fmt.Sprintf("borrower.state == %q", state), func(p *bookPerson) bool { return p.region == state }}
}

func (d *dice) aboutApplications() *said[bookApplication] {
	if d.IntN(4) == 0 {
		return nil
	}
	s := joined(d, 1, func() said[bookApplication] {
		if d.IntN(2) == 0 {
			state := oneOf(d, "NY", "CA")
			return said[bookApplication]{fmt.Sprintf("application.state == %q", state), func(a *bookApplication) bool { return a.region == state }}
		}
		cents := int64(100_000 + d.IntN(900_000))
		return said[bookApplication]{fmt.Sprintf(`application.amount >= money("%d.%02d")`, cents/100, cents%100), func(a *bookApplication) bool { return a.amount >= cents }}
	})
	return &s
}

// restriction makes one with up to two limits.
func (d *dice) restriction(n int) bound {
	b := bound{visible: d.aboutLoans(), borrowers: d.aboutPeople(), applications: d.aboutApplications()}
	if d.IntN(8) == 0 {
		b.visible = said[bookLoan]{"true", func(*bookLoan) bool { return true }}
	}
	for i := range d.IntN(3) {
		l := narrowing{area: oneOf(d, "summary", "schedule", "payments", "borrower", "borrower", "notes", "application"), level: d.IntN(2), message: fmt.Sprintf("Limit %d of restriction %d.", i, n)}
		if l.area == "application" {
			if l.applications = d.aboutApplications(); l.applications == nil {
				l.applications = &said[bookApplication]{"", func(*bookApplication) bool { return true }}
			}
		} else if s := d.aboutLoans(); d.IntN(6) == 0 {
			l.loans = &said[bookLoan]{"", func(*bookLoan) bool { return true }}
		} else {
			l.loans = &s
		}
		b.limits = append(b.limits, l)
	}
	return b
}

// eyes are the restrictions that bind the asker together.
type eyes []bound

func (e eyes) loan(l *bookLoan) bool {
	for _, b := range e {
		if !b.visible.mean(l) {
			return false
		}
		for _, x := range b.limits {
			if x.area == "summary" && x.level == 0 && x.loans.mean(l) {
				return false
			}
		}
	}
	return true
}

// limit gives the level of an area of a loan, and the words of what narrows it.
func (e eyes) limit(l *bookLoan, area string) (level int, words []string) {
	level = 2
	for _, b := range e {
		for _, x := range b.limits {
			if x.area == area && x.loans.mean(l) {
				level = min(level, x.level)
				words = append(words, x.message)
			}
		}
	}
	return level, words
}

func (e eyes) person(p *bookPerson, loans []*bookLoan) bool {
	for _, l := range loans {
		if l.owner == p && e.loan(l) {
			return true
		}
	}
	for _, b := range e {
		if !holds(b.borrowers, p) {
			return false
		}
	}
	return true
}

// withheld reports a borrower of whom a visible loan must not tell, or no visible
// loan says that one may.
func (e eyes) withheld(p *bookPerson, loans []*bookLoan) bool {
	through := false
	for _, l := range loans {
		if l.owner != p || !e.loan(l) {
			continue
		}
		if level, _ := e.limit(l, "borrower"); level == 0 {
			return true
		}
		through = true
	}
	return !through && e.hidesBorrowers()
}

func (e eyes) hidesBorrowers() bool {
	return slices.ContainsFunc(e, func(b bound) bool {
		return slices.ContainsFunc(b.limits, func(x narrowing) bool { return x.area == "borrower" && x.level == 0 })
	})
}

func (e eyes) application(a *bookApplication) bool {
	for _, b := range e {
		if !holds(b.applications, a) {
			return false
		}
	}
	return true
}

func (e eyes) applicationLevel(a *bookApplication) int {
	level := 2
	for _, b := range e {
		for _, x := range b.limits {
			if x.area == "application" && x.applications.mean(a) {
				level = min(level, x.level)
			}
		}
	}
	return level
}
