package identity

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Challenge is what a passkey was asked, kept here and bound to one browser by
// a token (or its session) of which only the hash is stored.
type Challenge struct {
	TokenHash []byte
	User      id.User // "" for signing in by passkey alone
	Purpose   string
	State     []byte
	Until     int64
}

// InsertChallenge stores a challenge in place of an older one of the same token,
// and clears away those that nobody answered in time.
func InsertChallenge(ctx context.Context, tx *db.Tx, c Challenge) error {
	if _, err := tx.Exec(ctx, `DELETE FROM factor_challenge WHERE token_hash = ? OR until <= ?`, c.TokenHash, tx.At); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO factor_challenge (token_hash, user_id, purpose, state, until) VALUES (?, ?, ?, ?, ?)`,
		c.TokenHash, c.User, c.Purpose, c.State, c.Until)
	return err
}

// ReadChallenge reads a challenge of a purpose that can still be answered;
// NotFound otherwise.
func ReadChallenge(ctx context.Context, tx *db.Tx, tokenHash []byte, u id.User, purpose string) (state []byte, err error) {
	err = tx.One(ctx, `SELECT state FROM factor_challenge WHERE token_hash = ? AND user_id = ? AND purpose = ? AND until > ?`,
		[]any{tokenHash, u, purpose, tx.At}, &state)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("challenge")
	}
	return state, err
}

// EndChallenge takes a challenge away; false if another call was faster: each is
// answered once.
func EndChallenge(ctx context.Context, tx *db.Tx, tokenHash []byte) (bool, error) {
	n, err := tx.Exec(ctx, `DELETE FROM factor_challenge WHERE token_hash = ?`, tokenHash)
	return n == 1, err
}
