package restrictions

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// HidesEverything is the reason of a warning, and the word that confirms it.
const HidesEverything = "hides_everything"

// Count is how many rows are shown of those that the asker may see.
type Count struct {
	Shown int64  `json:"shown" class:"public"`
	Of    int64  `json:"of" class:"public"`
	Said  string `json:"said" class:"public" example:"3,214 of 18,902 loans"`
}

// Sample is a loan that is shown.
type Sample struct {
	ID               id.Loan      `json:"id" class:"public"`
	Number           string       `json:"number" class:"public"`
	Status           string       `json:"status" class:"public"`
	PrincipalBalance money.Amount `json:"principal_balance" class:"public"`
	OpenedOn         civil.Date   `json:"opened_on" class:"public"`
	State            string       `json:"state" class:"public"`
}

// nouns are the three sorts of rows that a scope speaks of.
type noun struct {
	name, table, alias string
	landed             bool
	of                 func(gate.Scope) db.Cond
	told               db.Cond // of which rows the asker may be told what is asked
}

// nouns are as far as the asker may be told of them: whoever is withheld from them
// stands in no count of borrowers, and neither do their loans once it is asked
// where borrowers live.
func nouns(c *gate.Call, asked ...*policy.Restriction) []noun {
	list := []noun{
		{"loans", "loan", "l", true, gate.Scope.Loans, db.True()},
		{"borrowers", "borrower", "b", false, gate.Scope.Borrowers, db.True()},
		{"applications", "application", "a", false, gate.Scope.Applications, db.True()},
	}
	unnamed, some := c.Withheld("borrower")
	if !some {
		return list
	}
	if slices.ContainsFunc(asked, readsBorrower) {
		list[0].told = db.Not(unnamed)
	}
	has := func(also db.Cond) db.Cond {
		loans := db.And(c.Scope.Loans(), also)
		return db.Where("EXISTS (SELECT 1 FROM loan l WHERE l.borrower_id = b.id AND "+gate.Landed+" AND "+loans.SQL()+")", loans.Args()...)
	}
	list[1].told = db.And(has(db.True()), db.Not(has(unnamed))) // as the list of borrowers has it
	return list
}

// readsBorrower reports whether what is asked of loans depends on who owes them.
func readsBorrower(r *policy.Restriction) bool {
	reads := func(e *rule.Expr) bool {
		return e != nil && slices.ContainsFunc(e.Fields(), func(name string) bool { return strings.HasPrefix(name, "borrower.") })
	}
	return reads(r.Loan) || slices.ContainsFunc(r.Limits, func(l policy.Limit) bool { return reads(l.Rule) })
}

// within gives the rows that the asker sees and the other scopes show.
func (n noun) within(c *gate.Call, theirs ...gate.Scope) db.Cond {
	cond := db.And(n.of(c.Scope), n.told)
	for _, s := range theirs {
		cond = db.And(cond, n.of(s))
	}
	if n.landed {
		cond = db.And(cond, db.Where(gate.Landed))
	}
	if n.name == "borrowers" {
		cond = db.And(cond, db.Where(landedBorrower))
	}
	return cond
}

// landedBorrower leaves out borrowers whom an import has staged and not landed.
const landedBorrower = `(b.import_id = '' OR NOT EXISTS (SELECT 1 FROM import_run ir WHERE ir.id = b.import_id AND ir.landed_at = 0))`

// count counts the rows that hold a condition.
func (n noun) count(ctx context.Context, tx *db.Tx, cond db.Cond) (k int64, err error) {
	return k, tx.One(ctx, `SELECT COUNT(*) FROM `+n.table+` `+n.alias+` WHERE `+cond.SQL(), cond.Args(), &k)
}

// any reports whether some row holds a condition.
func (n noun) any(ctx context.Context, tx *db.Tx, cond db.Cond) (bool, error) {
	var one int64
	err := tx.One(ctx, `SELECT 1 FROM `+n.table+` `+n.alias+` WHERE `+cond.SQL()+` LIMIT 1`, cond.Args(), &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// of counts what scopes show of what the asker sees.
func (n noun) shown(ctx context.Context, c *gate.Call, theirs gate.Scope) (k Count, err error) {
	if k.Of, err = n.all(ctx, c); err != nil {
		return k, err
	}
	if k.Shown, err = n.count(ctx, c.Tx, n.within(c, theirs)); err != nil {
		return k, err
	}
	k.Said = grouped(k.Shown) + " of " + grouped(k.Of) + " " + n.name
	return k, nil
}

// all counts what the asker sees; whoever sees everything needs no walk.
func (n noun) all(ctx context.Context, c *gate.Call) (k int64, err error) {
	if c.Scope.Everything() && n.told.IsTrue() && n.name != "applications" {
		return k, c.Tx.One(ctx, `SELECT `+n.name+` FROM loan_tally WHERE id = 1`, nil, &k)
	}
	return n.count(ctx, c.Tx, n.within(c))
}

// hidesEverything reports whether a restriction shows no row at all, although
// there are some.
func hidesEverything(ctx context.Context, c *gate.Call, r *policy.Restriction) (bool, error) {
	theirs, there := scopeOf(c, r), false
	for _, n := range nouns(c, r) {
		shown, err := n.any(ctx, c.Tx, n.within(c, theirs))
		if err != nil || shown {
			return false, err
		}
		some, err := n.any(ctx, c.Tx, n.within(c))
		if err != nil {
			return false, err
		}
		there = there || some
	}
	return there, nil
}

// scopeOf gives the rows that restrictions show together.
func scopeOf(c *gate.Call, list ...*policy.Restriction) gate.Scope {
	return gate.ScopeFor(c, &policy.Subject{Restrictions: list})
}

// mostSampled is how many loans a sample holds.
const mostSampled = 5

// sample gives some of the loans that a scope shows, by number. Of loans whose
// borrower is withheld from the asker it says no state, as the list of loans does.
func sample(ctx context.Context, c *gate.Call, loans noun, theirs gate.Scope) ([]Sample, error) {
	cond := loans.within(c, theirs)
	unnamed, _ := c.Withheld("borrower")
	list, err := db.All(ctx, c.Tx, func(r *db.Rows) (s Sample, err error) {
		return s, r.Scan(&s.ID, &s.Number, &s.Status, &s.PrincipalBalance, &s.OpenedOn, &s.State)
	}, `SELECT l.id, l.number, l.status, l.principal_balance, l.opened_on, CASE WHEN `+unnamed.SQL()+` THEN '' ELSE l.borrower_region END FROM loan l WHERE `+cond.SQL()+` ORDER BY l.number LIMIT ?`,
		append(slices.Concat(unnamed.Args(), cond.Args()), mostSampled)...)
	if list == nil {
		list = []Sample{}
	}
	return list, err
}

// grouped writes a number with commas.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
