package identity

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// The kinds of second factors.
const (
	TOTP    = "totp"
	Passkey = "passkey"
)

// Factor is a second factor of a person. Sealed is the secret of an
// authenticator or the record of a passkey, under the tenant's ring; only the
// desk at the door opens it.
type Factor struct {
	ID         id.Factor
	User       id.User
	Kind       string
	Label      string
	Credential []byte // a passkey's id; nil for an authenticator
	Sealed     []byte
	LastStep   int64 // authenticators: the step used last; a code is good once
	Active     bool  // false until the first code has been given
	MadeAt     int64
	UsedAt     int64
}

const factorColumns = `id, user_id, kind, label, credential, sealed, last_step, active, made_at, used_at`

func scanFactor(scan func(...any) error) (Factor, error) {
	var f Factor
	var credential string
	var active int64
	if err := scan(&f.ID, &f.User, &f.Kind, &f.Label, &credential, &f.Sealed, &f.LastStep, &active, &f.MadeAt, &f.UsedAt); err != nil {
		return f, err
	}
	f.Active = active == 1
	var err error
	if credential != "" {
		f.Credential, err = credentials().DecodeString(credential)
	}
	return f, err
}

func credentials() *base64.Encoding { return base64.RawURLEncoding }

// InsertFactor stores a factor.
func InsertFactor(ctx context.Context, tx *db.Tx, f Factor) error {
	_, err := tx.Exec(ctx, `INSERT INTO second_factor (`+factorColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		f.ID, f.User, f.Kind, f.Label, credentials().EncodeToString(f.Credential), f.Sealed, f.LastStep, bit(f.Active), tx.At, f.UsedAt)
	return err
}

// FactorsOf lists a person's factors, oldest first, those that are not active
// yet included.
func FactorsOf(ctx context.Context, tx *db.Tx, u id.User) ([]Factor, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Factor, error) { return scanFactor(r.Scan) },
		`SELECT `+factorColumns+` FROM second_factor WHERE user_id = ? ORDER BY made_at, id`, u)
}

// FactorByID reads one factor of a person; NotFound if they have no such one.
func FactorByID(ctx context.Context, tx *db.Tx, u id.User, f id.Factor) (Factor, error) {
	out, err := scanFactor(func(dest ...any) error {
		return tx.One(ctx, `SELECT `+factorColumns+` FROM second_factor WHERE id = ? AND user_id = ?`, []any{f, u}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return out, fault.Missing("second factor")
	}
	return out, err
}

// PasskeyKnown reports whether somebody has a passkey of that id.
func PasskeyKnown(ctx context.Context, tx *db.Tx, credential []byte) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT count(*) FROM second_factor WHERE credential = ?`, []any{credentials().EncodeToString(credential)}, &n)
	return n > 0, err
}

// UseCode notes that the code of a step was used, and makes the authenticator
// active. It reports false where another call was faster: a code is good once.
func UseCode(ctx context.Context, tx *db.Tx, f Factor, step int64) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE second_factor SET last_step = ?, active = 1, used_at = ? WHERE id = ? AND last_step = ?`, step, tx.At, f.ID, f.LastStep)
	return n == 1, err
}

// UsePasskey stores the record of a passkey as it is after it was used.
func UsePasskey(ctx context.Context, tx *db.Tx, f id.Factor, sealed []byte) error {
	_, err := tx.Exec(ctx, `UPDATE second_factor SET sealed = ?, used_at = ? WHERE id = ?`, sealed, tx.At, f)
	return err
}

// DeleteFactor takes one factor from a person; NotFound if they have no such one.
func DeleteFactor(ctx context.Context, tx *db.Tx, u id.User, f id.Factor) error {
	n, err := tx.Exec(ctx, `DELETE FROM second_factor WHERE id = ? AND user_id = ?`, f, u)
	if err == nil && n == 0 {
		return fault.Missing("second factor")
	}
	return err
}

// DeletePending takes away authenticators that were begun and never confirmed.
func DeletePending(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `DELETE FROM second_factor WHERE user_id = ? AND active = 0`, u)
	return err
}

// DeleteFactors takes every factor and recovery code from a person.
func DeleteFactors(ctx context.Context, tx *db.Tx, u id.User) error {
	if _, err := tx.Exec(ctx, `DELETE FROM second_factor WHERE user_id = ?`, u); err != nil {
		return err
	}
	return ReplaceRecoveryCodes(ctx, tx, u, nil)
}
