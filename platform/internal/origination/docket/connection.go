package docket

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Connection is how ipstack is reached for this tenant.
type Connection struct {
	Version      int64 // moves with every change of what is asked or how
	BaseURL      string
	Key          secret.Text
	TimeoutMS    int64
	Confirmed    bool // our contract allows its use in credit decisions
	ConfirmedBy  string
	ConfirmedAt  int64
	Trouble      string // code of the alert that stands
	TroubleWords string
	TroubleAt    int64
	TroubleUntil int64 // 0: until mended
	TestedAt     int64
	TestOK       bool
	TestWords    string
}

// DefaultTimeoutMS is how long one look-up may take unless set otherwise.
const DefaultTimeoutMS = 3000

const connectionColumns = `version, base_url, access_key, timeout_ms, use_confirmed, confirmed_by, confirmed_at, trouble, trouble_words, trouble_at, trouble_until, tested_at, test_ok, test_words`

// ReadConnection gives the connection; without a key as long as nobody set one.
func ReadConnection(ctx context.Context, tx *db.Tx, ring *keys.Ring) (Connection, error) {
	n := Connection{BaseURL: ipstack.DefaultBaseURL, TimeoutMS: DefaultTimeoutMS}
	var sealed []byte
	var confirmed, ok db.Bool
	err := tx.One(ctx, `SELECT `+connectionColumns+` FROM ipstack_connection WHERE id = 1`, nil, &n.Version, &n.BaseURL, &sealed, &n.TimeoutMS, &confirmed, &n.ConfirmedBy, &n.ConfirmedAt,
		&n.Trouble, &n.TroubleWords, &n.TroubleAt, &n.TroubleUntil, &n.TestedAt, &ok, &n.TestWords)
	if errors.Is(err, sql.ErrNoRows) {
		return n, nil
	}
	n.Confirmed, n.TestOK = bool(confirmed), bool(ok)
	if err != nil || len(sealed) == 0 {
		return n, err
	}
	plain, err := ring.Unseal("ipstack_connection", "1", "access_key", sealed)
	n.Key = secret.NewText(string(plain))
	return n, err
}

const saveConnection = `INSERT INTO ipstack_connection (id, ` + connectionColumns + `) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
 ON CONFLICT (id) DO UPDATE SET version = excluded.version, base_url = excluded.base_url, access_key = excluded.access_key, timeout_ms = excluded.timeout_ms,
 use_confirmed = excluded.use_confirmed, confirmed_by = excluded.confirmed_by, confirmed_at = excluded.confirmed_at, trouble = excluded.trouble, trouble_words = excluded.trouble_words,
 trouble_at = excluded.trouble_at, trouble_until = excluded.trouble_until, tested_at = excluded.tested_at, test_ok = excluded.test_ok, test_words = excluded.test_words`

// SaveConnection stores the connection with its key sealed.
func SaveConnection(ctx context.Context, tx *db.Tx, ring *keys.Ring, n Connection) (err error) {
	sealed := []byte{}
	if !n.Key.Empty() {
		if sealed, err = ring.Seal("ipstack_connection", "1", "access_key", []byte(n.Key.Reveal())); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, saveConnection, n.Version, n.BaseURL, sealed, n.TimeoutMS, db.Bool(n.Confirmed), n.ConfirmedBy, n.ConfirmedAt,
		n.Trouble, n.TroubleWords, n.TroubleAt, n.TroubleUntil, n.TestedAt, db.Bool(n.TestOK), n.TestWords)
	return err
}
