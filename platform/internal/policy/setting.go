package policy

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Setting is what a tenant decides about its doors.
type Setting struct {
	FactorsRequired bool     // everybody on the screens needs a second factor, but for recorded exceptions
	PasswordDays    int64    // a password lives so many days; 0: for ever
	LockAfter       int64    // wrong passwords in a row that lock an account
	LockMinutes     int64    // for so long
	FourEyes        []string // operations that a second person must approve
}

// ReadSetting reads the tenant's decisions.
func ReadSetting(ctx context.Context, tx *db.Tx) (Setting, error) {
	var s Setting
	var required int64
	var four string
	err := tx.One(ctx, `SELECT factors_required, password_days, lock_after, lock_minutes, four_eyes FROM access_setting WHERE id = 1`, nil,
		&required, &s.PasswordDays, &s.LockAfter, &s.LockMinutes, &four)
	if err != nil {
		return s, err
	}
	s.FactorsRequired = required == 1
	s.FourEyes, err = decode[[]string](four)
	return s, err
}

// SaveSetting stores the tenant's decisions; the caller's operation is an access
// change.
func SaveSetting(ctx context.Context, tx *db.Tx, s Setting) error {
	required := int64(0)
	if s.FactorsRequired {
		required = 1
	}
	if s.FourEyes == nil {
		s.FourEyes = []string{}
	}
	_, err := tx.Exec(ctx, `UPDATE access_setting SET factors_required = ?, password_days = ?, lock_after = ?, lock_minutes = ?, four_eyes = ? WHERE id = 1`,
		required, s.PasswordDays, s.LockAfter, s.LockMinutes, encode(s.FourEyes))
	return err
}
