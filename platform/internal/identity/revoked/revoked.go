// Package revoked ends, in a database that came back from a backup, the rights that must
// not come back with it.
//
// What lives for minutes or days, or serves once, ends with every restore: nobody can
// tell what became of it since. What lives long (people, keys, their factors) ends for
// those of whom a witness says that something was taken from them, or for everybody
// where no witness says anything.
//
// It decides nothing about who that is, and writes no entry in the trail; the caller
// bumps the policy version in the same transaction.
package revoked

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Ended is how many of each thing were ended, in words for people.
type Ended struct {
	What string
	Rows int64
}

// statement is one way in which something ends; each ? is the transaction's instant.
type statement struct{ what, query string }

// passing is what lives for minutes or days, or serves once.
func passing() []statement {
	return []statement{
		{"recovery codes", `UPDATE recovery_code SET used_at = ? WHERE used_at = 0`}, // one that was used since would serve again
		{"sessions", `UPDATE session SET ended_at = ? WHERE ended_at = 0`},
		{"links to set a password, and invitations", `UPDATE password_reset SET used_at = ? WHERE used_at = 0`},
		{"passkey challenges", `DELETE FROM factor_challenge`},
		{"links that undo a change of an address rule", `UPDATE way_back SET used_at = ? WHERE used_at = 0`},
		{"open proposals", `UPDATE proposal SET state = 'withdrawn', decided_by = 'house/console', decided_at = ?, remark = 'The house was restored from a backup.' WHERE state = 'open'`},
		{"open requests for access", `UPDATE access_request SET state = 'withdrawn', decided_by = 'house/console', decided_at = ?, remark = 'The house was restored from a backup.' WHERE state = 'open'`},
		{"lent rights", `UPDATE access_grant SET ended_at = ? WHERE ended_at = 0`},
		{"lent loans", `DELETE FROM lent_loan`},
		{"pauses of search restrictions", `DELETE FROM restriction_pause`},
		{"answers kept for repeated calls", `DELETE FROM idempotency`},
		{"letters with links, and other mail that waited", `DELETE FROM job WHERE kind LIKE '%mail%'`},
	}
}

// Passing ends what lives for minutes or days, or serves once.
func Passing(ctx context.Context, tx *db.Tx) ([]Ended, error) { return run(ctx, tx, passing()) }

// lasting is what lives long.
func lasting() []statement {
	return []statement{
		{"API keys", `UPDATE api_key SET revoked_at = ? WHERE revoked_at = 0`},
		{"site keys", `UPDATE site_key SET active = 0 WHERE active = 1`},
		{"exceptions from second factors", `UPDATE factor_exception SET ended_at = ? WHERE ended_at = 0`},
	}
}

// Everything ends every key and switches everybody off but the named administrator,
// whose password is taken away: a link by mail brings a new one.
func Everything(ctx context.Context, tx *db.Tx, administrator id.User) ([]Ended, error) {
	out, err := run(ctx, tx, lasting())
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE active = 1 AND id <> ?`, administrator)
	if err != nil {
		return nil, err
	}
	return append(out, Ended{"people switched off", n}), WithoutPassword(ctx, tx, administrator)
}

func run(ctx context.Context, tx *db.Tx, list []statement) ([]Ended, error) {
	var out []Ended
	for _, s := range list {
		args := make([]any, strings.Count(s.query, "?"))
		for i := range args {
			args[i] = tx.At
		}
		n, err := tx.Exec(ctx, s.query, args...)
		if err != nil {
			return nil, fmt.Errorf("ending %s: %w", s.what, err)
		}
		if n > 0 {
			out = append(out, Ended{s.what, n})
		}
	}
	return out, nil
}

// WithoutPassword takes a person's password away, so that a link by mail is needed.
func WithoutPassword(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `UPDATE staff SET password_hash = '', failures = 0, locked_until = 0 WHERE id = ?`, u)
	return err
}

// Off switches a person off and ends their keys; it tells who it was, and whether they
// were on.
func Off(ctx context.Context, tx *db.Tx, u id.User) (email string, was bool, err error) {
	var active int64
	err = tx.One(ctx, `SELECT email, active FROM staff WHERE id = ?`, []any{u}, &email, &active)
	if errors.Is(err, sql.ErrNoRows) {
		return "", false, nil // came after the backup, and is gone with it
	}
	if err != nil {
		return "", false, err
	}
	if _, err := tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE id = ?`, u); err != nil {
		return "", false, err
	}
	_, err = tx.Exec(ctx, `UPDATE api_key SET revoked_at = ? WHERE user_id = ? AND revoked_at = 0`, tx.At, u)
	return email, active == 1, err
}

// Key ends an API key.
func Key(ctx context.Context, tx *db.Tx, k id.APIKey) (int64, error) {
	return tx.Exec(ctx, `UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, tx.At, k)
}

// SiteKey switches a form's key off.
func SiteKey(ctx context.Context, tx *db.Tx, k id.SiteKey) (int64, error) {
	return tx.Exec(ctx, `UPDATE site_key SET active = 0 WHERE id = ? AND active = 1`, k)
}

func users(ctx context.Context, tx *db.Tx, where string, args ...any) ([]id.User, error) {
	return db.All(ctx, tx, func(r *db.Rows) (u id.User, err error) { return u, r.Scan(&u) }, `SELECT id FROM staff WHERE active = 1 AND `+where, args...)
}

// Holders gives who is on and holds a role, or comes back to it.
func Holders(ctx context.Context, tx *db.Tx, r id.Role) ([]id.User, error) {
	return users(ctx, tx, `(role_id = ? OR role_after = ?)`, r, r)
}

// Active gives everybody who is on.
func Active(ctx context.Context, tx *db.Tx) ([]id.User, error) { return users(ctx, tx, `id <> ''`) }

// administrators are people who hold the shipped role of administrators and are on.
const administrators = ` FROM staff AS s JOIN role AS r ON r.id = s.role_id WHERE s.active = 1 AND s.machine = 0 AND r.shipped = 'admin'`

// Administrators counts who is left to switch others on.
func Administrators(ctx context.Context, tx *db.Tx) (n int64, err error) {
	return n, tx.One(ctx, `SELECT COUNT(*)`+administrators, nil, &n)
}

// Administrator gives the active person with that e-mail address who holds the shipped
// role of administrators.
func Administrator(ctx context.Context, tx *db.Tx, email string) (u id.User, err error) {
	err = tx.One(ctx, `SELECT s.id`+administrators+` AND s.email = ?`,
		[]any{strings.ToLower(strings.TrimSpace(email))}, &u)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Bad("administrator", "Name an administrator by the e-mail address that they had, and who was active, when the backup was made.")
	}
	return u, err
}
