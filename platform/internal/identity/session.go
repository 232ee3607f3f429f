package identity

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Session is a session that is open, as it is listed: never its token.
type Session struct {
	ID        id.Session
	User      id.User
	CreatedAt int64
	SeenAt    int64
	EndsAt    int64
	Address   string
	Agent     string
	FactorAt  int64 // 0: no second factor was given
	ProvedAt  int64
}

const sessionColumns = `id, user_id, created_at, seen_at, ends_at, address, user_agent, factor_at, proved_at`

func scanSession(scan func(...any) error) (s Session, err error) {
	return s, scan(&s.ID, &s.User, &s.CreatedAt, &s.SeenAt, &s.EndsAt, &s.Address, &s.Agent, &s.FactorAt, &s.ProvedAt)
}

// SessionsOf lists a person's open sessions, the newest first.
func SessionsOf(ctx context.Context, tx *db.Tx, u id.User) ([]Session, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Session, error) { return scanSession(r.Scan) },
		`SELECT `+sessionColumns+` FROM session WHERE user_id = ? AND ended_at = 0 AND ends_at > ? AND seen_at > ? ORDER BY created_at DESC, id`,
		u, tx.At, tx.At-SessionIdle)
}

// SessionByID reads an open session; NotFound if there is none.
func SessionByID(ctx context.Context, tx *db.Tx, s id.Session) (Session, error) {
	out, err := scanSession(func(dest ...any) error {
		return tx.One(ctx, `SELECT `+sessionColumns+` FROM session WHERE id = ? AND ended_at = 0`, []any{s}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return out, fault.Missing("session")
	}
	return out, err
}

// GaveFactor notes that a session has given a second factor just now.
func GaveFactor(ctx context.Context, tx *db.Tx, s id.Session) error {
	_, err := tx.Exec(ctx, `UPDATE session SET factor_at = ?, proved_at = ? WHERE id = ? AND ended_at = 0`, tx.At, tx.At, s)
	return err
}

// GavePassword notes that a session has given the password again.
func GavePassword(ctx context.Context, tx *db.Tx, s id.Session) error {
	_, err := tx.Exec(ctx, `UPDATE session SET proved_at = ? WHERE id = ? AND ended_at = 0`, tx.At, s)
	return err
}

// EndSessionOf ends one session of a person; NotFound if they have no such one.
func EndSessionOf(ctx context.Context, tx *db.Tx, u id.User, s id.Session) error {
	n, err := tx.Exec(ctx, `UPDATE session SET ended_at = ? WHERE id = ? AND user_id = ? AND ended_at = 0`, tx.At, s, u)
	if err == nil && n == 0 {
		return fault.Missing("session")
	}
	return err
}

// EndOtherSessions ends every session of a person but one.
func EndOtherSessions(ctx context.Context, tx *db.Tx, u id.User, keep id.Session) (int64, error) {
	return tx.Exec(ctx, `UPDATE session SET ended_at = ? WHERE user_id = ? AND id <> ? AND ended_at = 0`, tx.At, u, keep)
}
