package policy

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// LentLoan is one loan that no search restriction hides from one person before an
// instant. It widens nothing else: operations, addresses and limits bind as before.
type LentLoan struct {
	User   id.User
	Loan   id.Loan
	Until  int64
	MadeAt int64
	MadeBy string
}

// mostLoans bounds how many loans one person is lent at once: each makes the
// person's restrictions longer.
const mostLoans = 20

// LendLoan shows a person a loan until an instant, or until another one than
// before. The caller's operation must bump the policy version.
func LendLoan(ctx context.Context, tx *db.Tx, l LentLoan) error {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM lent_loan WHERE user_id = ? AND loan_id <> ? AND until > ?`, []any{l.User, l.Loan, tx.At}, &n)
	if err != nil {
		return err
	}
	if n >= mostLoans {
		return fault.New(fault.Conflict, "too_many_loans", "This person is lent twenty loans already; end one of them, or change the search restriction.")
	}
	_, err = tx.Exec(ctx, `INSERT INTO lent_loan (user_id, loan_id, until, made_at, made_by) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (user_id, loan_id) DO UPDATE SET until = excluded.until, made_at = excluded.made_at, made_by = excluded.made_by`,
		l.User, l.Loan, l.Until, tx.At, l.MadeBy)
	return err
}

// EndLentLoan takes a loan back before its time; NotFound if it is not lent. The
// caller's operation must bump the policy version.
func EndLentLoan(ctx context.Context, tx *db.Tx, u id.User, loan id.Loan) error {
	n, err := tx.Exec(ctx, `DELETE FROM lent_loan WHERE user_id = ? AND loan_id = ? AND until > ?`, u, loan, tx.At)
	if err == nil && n == 0 {
		return fault.Missing("lent loan")
	}
	return err
}

// LentLoans lists the loans that are lent to a person now.
func LentLoans(ctx context.Context, tx *db.Tx, u id.User) ([]LentLoan, error) {
	return db.All(ctx, tx, func(r *db.Rows) (l LentLoan, err error) {
		return l, r.Scan(&l.User, &l.Loan, &l.Until, &l.MadeAt, &l.MadeBy)
	}, `SELECT user_id, loan_id, until, made_at, made_by FROM lent_loan WHERE user_id = ? AND until > ? ORDER BY loan_id`, u, tx.At)
}

// AllLentLoans lists the loans that are lent to anybody now, newest first.
func AllLentLoans(ctx context.Context, tx *db.Tx) ([]LentLoan, error) {
	return db.All(ctx, tx, func(r *db.Rows) (l LentLoan, err error) {
		return l, r.Scan(&l.User, &l.Loan, &l.Until, &l.MadeAt, &l.MadeBy)
	}, `SELECT user_id, loan_id, until, made_at, made_by FROM lent_loan WHERE until > ? ORDER BY made_at DESC, user_id, loan_id`, tx.At)
}

// ForgetLentLoans deletes what is over; nothing depends on it.
func ForgetLentLoans(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM lent_loan WHERE until <= ?`, tx.At)
	return err
}

// loansLent gives the loans that are lent to a person now, and the instant at which
// the first of them is hidden again; 0 for never.
func loansLent(ctx context.Context, tx *db.Tx, u id.User) (loans []id.Loan, until int64, err error) {
	list, err := LentLoans(ctx, tx, u)
	for _, l := range list {
		loans, until = append(loans, l.Loan), sooner(until, l.Until)
	}
	return loans, until, err
}

// compileFor compiles a restriction for a person who is lent some loans. What cannot
// be compiled any more hides everything: fail closed. Where only the lent loans make
// it too long, they stay hidden and the rest holds.
func (r *Restriction) compileFor(v Vocabulary, loans []id.Loan) {
	r.Lent = loans
	if r.Compile(v) == nil {
		return
	}
	r.Lent = nil
	r.Broken = len(loans) == 0 || r.Compile(v) != nil
}
