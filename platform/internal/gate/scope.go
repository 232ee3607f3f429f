package gate

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Scope is the rows that a caller may see. Only the gate can make one; the
// zero Scope shows nothing. A store method that reads loans, borrowers or
// applications takes a Scope and puts its condition first. Conditions are over
// the aliases l (loan), b (borrower) and a (application).
type Scope struct {
	all          bool
	loans        []*rule.Expr
	borrowers    []*rule.Expr // with byLoan: what makes a borrower visible beside loans
	applications []*rule.Expr
	noApps       bool
	today        civil.Date
	made         bool
}

// Landed leaves out, over a loan with alias l, what an import has staged and not
// yet landed: nobody sees it, in no list, count or nested object.
const Landed = `(l.import_id = '' OR NOT EXISTS (SELECT 1 FROM import_run ir WHERE ir.id = l.import_id AND ir.landed_at = 0))`

// everything is the scope of the house and of unrestricted staff.
func everything(today civil.Date) Scope { return Scope{made: true, all: true, today: today} }

// scopeOf builds the scope of a subject: restrictions intersect.
func scopeOf(s *policy.Subject, today civil.Date) Scope {
	if !s.Restricted() {
		return everything(today)
	}
	sc := Scope{made: true, today: today}
	for _, r := range s.Restrictions {
		if r.Broken || r.Loan == nil {
			return Scope{} // fail closed: nothing
		}
		sc.loans = append(sc.loans, r.Loan)
		sc.borrowers = append(sc.borrowers, r.Borrower)
		if r.Application == nil {
			sc.noApps = true
		} else {
			sc.applications = append(sc.applications, r.Application)
		}
	}
	return sc
}

// Everything reports whether no restriction narrows the scope.
func (s Scope) Everything() bool { return s.made && s.all }

// Key names the set of loans that the scope shows: equal keys, equal rules as
// compiled, so that a renamed portfolio makes another key. Empty for
// everything, for nothing and for rules that depend on the date.
func (s Scope) Key() string {
	if !s.made || s.all || s.Dated() {
		return ""
	}
	loans := s.Loans()
	h := sha256.New()
	fmt.Fprintf(h, "%s\x00%v", loans.SQL(), loans.Args())
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// LoanRules gives the expressions that a loan must all satisfy, for keeping
// membership of the scope's set; nil for everything and for nothing.
func (s Scope) LoanRules() []*rule.Expr { return s.loans }

// Dated reports whether the loans shown change with the date alone.
func (s Scope) Dated() bool {
	for _, e := range s.loans {
		if e.Dated() {
			return true
		}
	}
	return false
}

// Today is the date by which the scope's rules are read.
func (s Scope) Today() civil.Date { return s.today }

// Loans is the condition over alias l.
func (s Scope) Loans() db.Cond {
	switch {
	case !s.made:
		return db.False()
	case s.all:
		return db.True()
	}
	return s.and(s.loans)
}

// Borrowers is the condition over alias b: visible through a visible loan, or
// by the restriction's own rule for borrowers. The inner loan has alias l.
func (s Scope) Borrowers() db.Cond {
	switch {
	case !s.made:
		return db.False()
	case s.all:
		return db.True()
	}
	loans := s.and(s.loans)
	through := db.And(db.Where("b.id IN (SELECT l.borrower_id FROM loan l WHERE l.borrower_id = b.id AND "+loans.SQL()+" AND "+Landed+")", loans.Args()...))
	own := db.True()
	for _, e := range s.borrowers {
		if e == nil {
			return through
		}
		own = db.And(own, e.SQL(s.today))
	}
	return db.Or(through, own)
}

// Applications is the condition over alias a: only by the restrictions' own
// rules for applications, and none where a restriction has no such rule.
func (s Scope) Applications() db.Cond {
	switch {
	case !s.made || s.noApps:
		return db.False()
	case s.all:
		return db.True()
	}
	return s.and(s.applications)
}

func (s Scope) and(exprs []*rule.Expr) db.Cond {
	out := db.True()
	for _, e := range exprs {
		out = db.And(out, e.SQL(s.today))
	}
	return out
}

// ScopeFor gives the scope that another subject would have in this call, for
// explaining a decision; it must be combined with the asker's own.
func ScopeFor(c *Call, s *policy.Subject) Scope { return scopeOf(s, c.Today) }

// nounOf gives the noun of an object reference: "loan" of "loan/ln_…".
func nounOf(object string) string {
	noun, _, _ := strings.Cut(object, "/")
	return noun
}
