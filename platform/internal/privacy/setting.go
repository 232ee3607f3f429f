package privacy

import (
	"context"
	"database/sql"
	"errors"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Setting says how long records are kept before a person may be erased.
type Setting struct {
	LoanMonths        int64 `json:"loan_months" class:"public" doc:"how long a loan is kept after its last entry"`
	ApplicationMonths int64 `json:"application_months" class:"public" doc:"how long an application is kept after the notice of its decision; the law's own, 12 CFR 1002.12"`
}

// SettingIn changes it; what is left out stays as it is.
type SettingIn struct {
	LoanMonths *int64 `json:"loan_months,omitempty" minimum:"0" maximum:"240"`
}

func readSetting(ctx context.Context, tx *db.Tx) (*Setting, error) {
	s := &Setting{ApplicationMonths: applicationMonths}
	return s, tx.One(ctx, `SELECT loan_months FROM privacy_setting WHERE id = 1`, nil, &s.LoanMonths)
}

func (d *Desk) setting(ctx context.Context, c *gate.Call, _ *Nothing) (*Setting, error) {
	return readSetting(ctx, c.Tx)
}

func (d *Desk) saveSetting(ctx context.Context, c *gate.Call, in *SettingIn) (*Setting, error) {
	s, err := readSetting(ctx, c.Tx)
	if err != nil || in.LoanMonths == nil {
		return s, err
	}
	c.Object("settings/privacy")
	c.Change("loan_months", strconv.FormatInt(s.LoanMonths, 10), strconv.FormatInt(*in.LoanMonths, 10))
	s.LoanMonths = *in.LoanMonths
	_, err = c.Tx.Exec(ctx, `UPDATE privacy_setting SET loan_months = ?, changed_at = ?, changed_by = ? WHERE id = 1`, s.LoanMonths, c.At, c.Who.String())
	return s, err
}

// missing tells a row that is not there from a database that is not.
func missing(err, told error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return told
	}
	return err
}
