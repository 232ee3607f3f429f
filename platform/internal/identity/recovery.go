package identity

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// ReplaceRecoveryCodes stores the hashes of new recovery codes; old ones are
// good for nothing from then on.
func ReplaceRecoveryCodes(ctx context.Context, tx *db.Tx, u id.User, hashes [][]byte) error {
	if _, err := tx.Exec(ctx, `DELETE FROM recovery_code WHERE user_id = ?`, u); err != nil {
		return err
	}
	for _, h := range hashes {
		if _, err := tx.Exec(ctx, `INSERT INTO recovery_code (user_id, code_hash, used_at) VALUES (?, ?, 0)`, u, h); err != nil {
			return err
		}
	}
	return nil
}

// RecoveryCodesOf gives the hashes of the codes that have not been used.
func RecoveryCodesOf(ctx context.Context, tx *db.Tx, u id.User) ([][]byte, error) {
	return db.All(ctx, tx, func(r *db.Rows) (h []byte, err error) { return h, r.Scan(&h) },
		`SELECT code_hash FROM recovery_code WHERE user_id = ? AND used_at = 0`, u)
}

// UseRecoveryCode marks a code as used; false where another call was faster.
func UseRecoveryCode(ctx context.Context, tx *db.Tx, u id.User, hash []byte) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE recovery_code SET used_at = ? WHERE user_id = ? AND code_hash = ? AND used_at = 0`, tx.At, u, hash)
	return n == 1, err
}
