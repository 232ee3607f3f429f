package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Key is an API key as it is listed: never its secret.
type Key struct {
	ID          id.APIKey
	User        id.User
	Locator     string
	Label       string
	Server      bool
	Scope       []string // operations that it is narrowed to; nil: none, so it does what its user may
	CreatedAt   int64
	CreatedBy   string // "user/us_…", or MadeByKey and the id of a key
	ExpiresAt   int64
	RevokedAt   int64
	UsedAt      int64
	UsedAddress string
	Successor   id.APIKey // the key that it was rotated into
}

// MadeByKey begins what a key says of its maker where that was a call with a key.
const MadeByKey = "key/"

const keyColumns = `id, user_id, locator, label, server, scope, created_at, created_by, expires_at, revoked_at, used_at, used_address, successor`

func scanKey(scan func(...any) error) (Key, error) {
	var k Key
	var server int64
	var scope string
	err := scan(&k.ID, &k.User, &k.Locator, &k.Label, &server, &scope, &k.CreatedAt, &k.CreatedBy, &k.ExpiresAt, &k.RevokedAt, &k.UsedAt, &k.UsedAddress, &k.Successor)
	k.Server = server == 1
	if err == nil && scope != "" {
		err = json.Unmarshal([]byte(scope), &k.Scope)
	}
	return k, err
}

// scopeText writes a scope as it is stored. An empty scope permits nothing, and
// must not be taken for none.
func scopeText(scope []string) (string, error) {
	if scope == nil {
		return "", nil
	}
	b, err := json.Marshal(scope)
	return string(b), err
}

// KeysOf lists a user's keys, newest first.
func KeysOf(ctx context.Context, tx *db.Tx, u id.User) ([]Key, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Key, error) { return scanKey(r.Scan) },
		`SELECT `+keyColumns+` FROM api_key WHERE user_id = ? ORDER BY created_at DESC, id`, u)
}

// Keys lists everybody's keys, newest first.
func Keys(ctx context.Context, tx *db.Tx) ([]Key, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Key, error) { return scanKey(r.Scan) },
		`SELECT `+keyColumns+` FROM api_key ORDER BY created_at DESC, id`)
}

// KeyByID reads one key; NotFound if there is none.
func KeyByID(ctx context.Context, tx *db.Tx, k id.APIKey) (Key, error) {
	key, err := scanKey(func(dest ...any) error {
		return tx.One(ctx, `SELECT `+keyColumns+` FROM api_key WHERE id = ?`, []any{k}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return key, fault.Missing("API key")
	}
	return key, err
}

// InsertKey stores a key's locator and the hash of its secret.
func InsertKey(ctx context.Context, tx *db.Tx, k Key, secretHash []byte) error {
	scope, err := scopeText(k.Scope)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO api_key (id, locator, secret_hash, user_id, label, server, scope, created_at, created_by, expires_at, revoked_at, used_at, used_address)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '')`, k.ID, k.Locator, secretHash, k.User, k.Label, bit(k.Server), scope, tx.At, k.CreatedBy, k.ExpiresAt)
	return err
}

// UpdateKey stores label, scope, end and successor of a key.
func UpdateKey(ctx context.Context, tx *db.Tx, k Key) error {
	scope, err := scopeText(k.Scope)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE api_key SET label = ?, scope = ?, expires_at = ?, successor = ? WHERE id = ?`, k.Label, scope, k.ExpiresAt, k.Successor, k.ID)
	return err
}

// RevokeKey ends a key for good.
func RevokeKey(ctx context.Context, tx *db.Tx, k id.APIKey) error {
	_, err := tx.Exec(ctx, `UPDATE api_key SET revoked_at = ? WHERE id = ? AND revoked_at = 0`, tx.At, k)
	return err
}
