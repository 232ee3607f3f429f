package records

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// many are operations that touch many rows in one entry: to whoever sees only
// some rows, such an entry would name the others.
const many = `operation <> 'loan.portfolio.move' AND operation NOT LIKE 'import.%'`

// within gives the entries that the caller may look at: of a loan, a borrower or
// an application that may not be seen there is no trail, as of one that never
// was. Nil where no search restriction binds the caller.
func within(c *gate.Call) *db.Cond {
	if c.Scope.Everything() {
		return nil
	}
	cond := db.And(db.Where(many), db.Where(`object NOT LIKE 'loan/%' AND object NOT LIKE 'borrower/%' AND object NOT LIKE 'application/%'`))
	for _, row := range []struct {
		noun, from, key string
		seen            db.Cond
	}{{"loan", "loan l", "l.id", db.And(c.Scope.Loans(), db.Where(gate.Landed))}, {"borrower", "borrower b", "b.id", c.Scope.Borrowers()}, {"application", "application a", "a.id", c.Scope.Applications()}} {
		ref := strconv.Itoa(len(row.noun) + 2) // where the id begins
		cond = db.Or(cond, db.Where(`object LIKE '`+row.noun+`/%' AND EXISTS (SELECT 1 FROM `+row.from+` WHERE `+row.key+` = SUBSTR(object, `+ref+`) AND `+row.seen.SQL()+`)`, row.seen.Args()...))
	}
	return &cond
}

// readable refuses an entry that the caller may not look at, as one that is not
// there.
func readable(ctx context.Context, c *gate.Call, e *audit.Entry) error {
	cond := within(c)
	if cond == nil {
		return nil
	}
	var one int64
	err := c.Tx.One(ctx, `SELECT 1 FROM (SELECT CAST(? AS TEXT) AS object, CAST(? AS TEXT) AS operation) asked WHERE `+cond.SQL(),
		append([]any{e.Object, e.Operation}, cond.Args()...), &one)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Missing("audit entry")
	}
	return err
}
