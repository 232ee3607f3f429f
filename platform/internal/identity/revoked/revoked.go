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
		{"recovery codes", `UPDATE recovery_code SET used_at = ? WHERE used_at = 0`},
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

// WithoutPassword takes a person's password and recovery codes away, so that a link by
// mail is needed.
func WithoutPassword(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `UPDATE staff SET password_hash = '', failures = 0, locked_until = 0 WHERE id = ?`, u)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE recovery_code SET used_at = ? WHERE user_id = ? AND used_at = 0`, tx.At, u)
	}
	return err
}

// Off switches a person off and ends their keys; it reports whether they were on.
func Off(ctx context.Context, tx *db.Tx, u id.User) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE id = ? AND active = 1`, u)
	if err != nil {
		return false, err
	}
	_, err = tx.Exec(ctx, `UPDATE api_key SET revoked_at = ? WHERE user_id = ? AND revoked_at = 0`, tx.At, u)
	return n == 1, err
}

// Administrator gives the active person with that e-mail address who holds the shipped
// role of administrators.
func Administrator(ctx context.Context, tx *db.Tx, email string) (u id.User, err error) {
	err = tx.One(ctx, `SELECT s.id FROM staff AS s JOIN role AS r ON r.id = s.role_id WHERE s.email = ? AND s.active = 1 AND s.machine = 0 AND r.shipped = 'admin'`,
		[]any{strings.ToLower(strings.TrimSpace(email))}, &u)
	if errors.Is(err, sql.ErrNoRows) {
		err = fault.Bad("administrator", "Name an administrator by the e-mail address that they had, and who was active, when the backup was made.")
	}
	return u, err
}
