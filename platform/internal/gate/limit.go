package gate

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// limit asks the limits on the operation's area about the object of the call.
// It runs after the row scope is known: of a row that may not be seen it says
// nothing, so that the operation answers "not found" as for one that is missing.
func (g *Gate) limit(ctx context.Context, c *Call, m *Meta) error {
	l, err := c.LimitOf(ctx, c.subject, c.Scope, m, c.entry.Object)
	if err != nil || l == nil {
		return err
	}
	d := access.Decision{Reason: access.LimitTooLow, Layer: access.Limit, Rule: -1}
	f := g.denial(c, d)
	c.entry.Rule = l.Area + " " + l.Level + " when " + l.When
	if l.Message != "" {
		f.Message = l.Message
	}
	return &refusal{fault: f, known: true}
}

// LimitOf gives the first limit of a subject that refuses an operation on an
// object within a scope, or nil: a read needs the level view, a write full.
// Explaining asks it for others.
func (c *Call) LimitOf(ctx context.Context, s *policy.Subject, sc Scope, m *Meta, object string) (*policy.Limit, error) {
	if m.Part == "" || s == nil || object == "" {
		return nil, nil
	}
	needs := map[bool]policy.Level{false: policy.View, true: policy.Full}[m.Kind == operation.Write]
	for _, l := range s.Limits(m.Part) {
		if l.Allows() >= needs {
			continue
		}
		if l.Rule == nil {
			return l, nil // a restriction that no longer compiles hides everything
		}
		if m.Part == policy.Summary && needs == policy.View {
			continue // the scope leaves out what this hides, all but a loan that is lent
		}
		holds, err := c.Shows(ctx, sc, object, l.Rule.SQL(c.Today))
		if err != nil || holds {
			return l, err
		}
	}
	return nil, nil
}

// Sees reports whether a scope shows the object, which need not be a row that
// scopes speak of: all else is shown.
func (c *Call) Sees(ctx context.Context, sc Scope, object string) (bool, error) {
	switch nounOf(object) {
	case "loan", "borrower", "application":
		return c.Shows(ctx, sc, object, db.True())
	}
	return true, nil
}

// Shows reports whether a scope shows the object, where a further condition over
// l or a holds: of a borrower, for a visible loan, or for want of one.
func (c *Call) Shows(ctx context.Context, sc Scope, object string, also db.Cond) (bool, error) {
	noun, ref, _ := strings.Cut(object, "/")
	query, cond := "", db.Cond{}
	switch noun {
	case "loan":
		query, cond = "SELECT 1 FROM loan l WHERE l.id = ? AND "+Landed+" AND ", db.And(sc.Loans(), also)
	case "borrower":
		query, cond = "SELECT 1 FROM borrower b WHERE b.id = ? AND ", db.And(sc.Borrowers(), db.Or(WithLoan(db.And(sc.Loans(), also)), db.Not(WithLoan(sc.Loans()))))
	case "application":
		query, cond = "SELECT 1 FROM application a WHERE a.id = ? AND ", db.And(sc.Applications(), also)
	default:
		return false, nil
	}
	var one int64
	err := c.Tx.One(ctx, query+cond.SQL()+" LIMIT 1", append([]any{ref}, cond.Args()...), &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// WithLoan is the condition, over alias b, that a borrower has a loan which meets
// another, over alias l.
func WithLoan(c db.Cond) db.Cond {
	return db.Where("EXISTS (SELECT 1 FROM loan l WHERE l.borrower_id = b.id AND "+Landed+" AND "+c.SQL()+")", c.Args()...)
}

// Withheld gives the condition, over alias l, of the loans whose area the caller
// may not even view, for lists that show the area among other things; ok is
// false where nothing is withheld.
func (c *Call) Withheld(area string) (cond db.Cond, ok bool) {
	if c.subject == nil {
		return db.False(), false
	}
	cond = db.False()
	for _, l := range c.subject.Limits(area) {
		if l.Allows() > policy.None {
			continue
		}
		if ok = true; l.Rule == nil {
			return db.True(), true
		}
		cond = db.Or(cond, l.Rule.SQL(c.Today))
	}
	return cond, ok
}
