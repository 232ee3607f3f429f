package admin

import (
	"context"
	"database/sql"
	"errors"
	"strings"

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
