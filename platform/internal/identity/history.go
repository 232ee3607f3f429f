package identity

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// RememberedPasswords is how many passwords back none may be used again.
const RememberedPasswords = 4

// RecentPasswords gives the hashes of the passwords that a person may not use
// again: the present one and those before it.
func RecentPasswords(ctx context.Context, tx *db.Tx, u id.User) ([]string, error) {
	list, err := db.All(ctx, tx, func(r *db.Rows) (h string, err error) { return h, r.Scan(&h) },
		`SELECT password_hash FROM staff WHERE id = ? AND password_hash <> ''`, u)
	if err != nil {
		return nil, err
	}
	older, err := db.All(ctx, tx, func(r *db.Rows) (h string, err error) { return h, r.Scan(&h) },
		`SELECT password_hash FROM password_history WHERE user_id = ? ORDER BY set_at DESC`, u)
	for _, h := range older {
		if len(list) < RememberedPasswords && (len(list) == 0 || h != list[0]) {
			list = append(list, h)
		}
	}
	return list, err
}

// remember keeps the password that is being replaced, and forgets the oldest.
func remember(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `INSERT INTO password_history (user_id, set_at, password_hash)
		SELECT id, password_at, password_hash FROM staff WHERE id = ? AND password_hash <> '' ON CONFLICT DO NOTHING`, u)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM password_history WHERE user_id = ? AND set_at NOT IN
		(SELECT set_at FROM password_history WHERE user_id = ? ORDER BY set_at DESC LIMIT ?)`, u, u, RememberedPasswords-1)
	return err
}
