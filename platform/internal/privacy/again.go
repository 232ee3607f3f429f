package privacy

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Again has somebody erased whom this house has erased and does not know of, because it
// was restored from a backup that is older. Two people approved it and what stood against
// it was looked at when it was done, so that it begins where these lie behind; Step goes on
// with it. It gives nothing for somebody who came after the backup, or is erased already.
func (d *Desk) Again(ctx context.Context, tx *db.Tx, t *tenant.Tenant, object string) (id.Erasure, error) {
	s := &subject{object: object}
	noun, ref, _ := strings.Cut(object, "/")
	query := `SELECT erased_at FROM borrower WHERE id = ?`
	if s.Borrower = id.Borrower(ref); noun == "application" {
		query, s.Borrower, s.Applications = `SELECT erased_at FROM application WHERE id = ?`, "", []id.Application{id.Application(ref)}
	}
	err := tx.One(ctx, query, []any{ref}, &s.erasedAt)
	if errors.Is(err, sql.ErrNoRows) || s.erasedAt != 0 {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := d.gather(ctx, tx, t, s); err != nil {
		return "", err
	}
	list, err := json.Marshal(s.Applications)
	if err != nil {
		return "", err
	}
	e := id.New[id.Erasure](tx.At)
	_, err = tx.Exec(ctx, `INSERT INTO erasure (id, object, applications, state, reason, approved_by, approved_by_name, asked_at, moved_at, ended_at, mark, found, trouble)
		VALUES (?, ?, ?, ?, 'Erased before, and again after the house was restored from a backup.', 'house/console', 'Console', ?, ?, 0, '', 0, '')`, e, object, string(list), marked, tx.At, tx.At)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, `UPDATE borrower SET erased_at = ? WHERE id = ?`, tx.At, s.Borrower); err != nil {
		return "", err
	}
	in := db.In("id", s.Applications)
	_, err = tx.Exec(ctx, `UPDATE application SET erased_at = ? WHERE erased_at = 0 AND `+in.SQL(), append([]any{tx.At}, in.Args()...)...)
	return e, err
}
