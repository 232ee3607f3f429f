package admin

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// LoanNumber gives the number of a loan, by its reference, that the caller sees;
// empty for all else.
func LoanNumber(ctx context.Context, c *gate.Call, object string) (number string, err error) {
	loan, isLoan := strings.CutPrefix(object, "loan/")
	if !isLoan {
		return "", nil
	}
	rows := c.Scope.Loans()
	err = c.Tx.One(ctx, `SELECT l.number FROM loan l WHERE l.id = ? AND `+gate.Landed+` AND `+rows.SQL(), append([]any{loan}, rows.Args()...), &number)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return number, err
}

// Visible gives an object as lists of access may print it: empty for a loan, a
// borrower or an application that the caller does not see.
func Visible(ctx context.Context, c *gate.Call, object string) (string, error) {
	switch noun, _, _ := strings.Cut(object, "/"); {
	case noun != "loan" && noun != "borrower" && noun != "application", c.Scope.Everything():
		return object, nil
	}
	seen, err := c.Shows(ctx, c.Scope, object, db.True())
	if err != nil || !seen {
		return "", err
	}
	return object, nil
}

// ObjectOf reads what an operation about a noun is asked about, as people write it: the
// reference that stands in the trail, or a loan's number. Another noun's is refused; of a loan that the caller does not see the text stays, as of one that is
// not there.
func ObjectOf(ctx context.Context, c *gate.Call, noun, field, typed string) (string, error) {
	typed = strings.TrimSpace(typed)
	of, ref, named := strings.Cut(typed, "/")
	switch {
	case typed == "":
		return "", nil
	case noun == "":
		return "", fault.Bad(field, "This operation is about no single object; leave this empty.")
	case noun == "loan":
		found, err := Located(ctx, c, "loan/"+strings.TrimPrefix(typed, "loan/"))
		if err != nil || !named || byID(found) {
			return found, err
		}
	}
	if of != noun || ref == "" {
		return "", fault.Bad(field, writtenAs(noun))
	}
	return typed, nil
}

// writtenAs says how an object of a noun is written.
func writtenAs(noun string) string {
	if noun == "loan" {
		return "Write loan/ln_… or a loan’s number."
	}
	return "Write " + noun + "/ and the id, as it stands in the audit trail."
}

// Located gives the reference of a loan that is named by its number, where the caller
// sees it; all else as it is.
func Located(ctx context.Context, c *gate.Call, object string) (string, error) {
	number, isLoan := strings.CutPrefix(object, "loan/")
	if !isLoan || byID(object) {
		return object, nil
	}
	rows, found := c.Scope.Loans(), ""
	err := c.Tx.One(ctx, `SELECT l.id FROM loan l WHERE l.number = ? AND `+gate.Landed+` AND `+rows.SQL(), append([]any{number}, rows.Args()...), &found)
	if errors.Is(err, sql.ErrNoRows) {
		return object, nil
	}
	return "loan/" + found, err
}

// byID reports whether an object is a loan by its id.
func byID(object string) bool {
	_, err := id.Parse[id.Loan](strings.TrimPrefix(object, "loan/"))
	return err == nil
}
