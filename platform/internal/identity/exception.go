package identity

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/pii"
)

// Exception is a recorded approval that a person needs no second factor, with a
// reason and an end.
type Exception struct {
	ID         id.Exception
	User       id.User
	Reason     string
	ApprovedBy string // "user/us_…"
	MadeAt     int64
	Until      int64
	EndedAt    int64 // 0 unless it was ended before its time
}

// InsertException stores an exception; the caller's operation must bump the
// policy version.
func InsertException(ctx context.Context, tx *db.Tx, x Exception) error {
	_, err := tx.Exec(ctx, `INSERT INTO factor_exception (id, user_id, reason, approved_by, made_at, until, ended_at) VALUES (?, ?, ?, ?, ?, ?, 0)`,
		x.ID, x.User, pii.Mask(x.Reason), x.ApprovedBy, tx.At, x.Until)
	return err
}

// ExceptionsOf lists a user's exceptions, newest first, ended ones included.
func ExceptionsOf(ctx context.Context, tx *db.Tx, u id.User) ([]Exception, error) {
	return db.All(ctx, tx, func(r *db.Rows) (x Exception, err error) {
		return x, r.Scan(&x.ID, &x.User, &x.Reason, &x.ApprovedBy, &x.MadeAt, &x.Until, &x.EndedAt)
	}, `SELECT id, user_id, reason, approved_by, made_at, until, ended_at FROM factor_exception WHERE user_id = ? ORDER BY made_at DESC, id`, u)
}

// EndException ends one that still stands; NotFound otherwise. The caller's
// operation must bump the policy version.
func EndException(ctx context.Context, tx *db.Tx, u id.User, x id.Exception) error {
	n, err := tx.Exec(ctx, `UPDATE factor_exception SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at = 0 AND until > ?`, tx.At, x, u, tx.At)
	if err == nil && n == 0 {
		return fault.Missing("exception")
	}
	return err
}
