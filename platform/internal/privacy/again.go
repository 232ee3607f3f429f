package privacy

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"math"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Again has somebody erased whom this house has erased and does not know of, because it
// was restored from a backup that is older. Two people approved it and what stood against
// it was looked at when it was done, so that it begins where these lie behind; Step goes on
// with it. It gives the applications that go along, and no erasure for somebody who came
// after the backup, or is erased already.
func (d *Desk) Again(ctx context.Context, tx *db.Tx, t *tenant.Tenant, object string) (e id.Erasure, with []id.Application, err error) {
	s := &subject{object: object}
	noun, ref, _ := strings.Cut(object, "/")
	query := `SELECT erased_at FROM borrower WHERE id = ?`
	if s.Borrower = id.Borrower(ref); noun == "application" {
		query, s.Borrower, s.Applications = `SELECT erased_at FROM application WHERE id = ?`, "", []id.Application{id.Application(ref)}
	}
	err = tx.One(ctx, query, []any{ref}, &s.erasedAt)
	if errors.Is(err, sql.ErrNoRows) || s.erasedAt != 0 {
		return "", nil, nil
	}
	if err != nil {
		return "", nil, err
	}
	if err := d.gather(ctx, tx, t, s); err != nil {
		return "", nil, err
	}
	if e, err = s.comesAgain(ctx, tx); err != nil {
		return "", nil, err
	}
	if _, err := tx.Exec(ctx, `UPDATE borrower SET erased_at = ? WHERE id = ?`, tx.At, s.Borrower); err != nil {
		return "", nil, err
	}
	in := db.In("id", s.Applications)
	_, err = tx.Exec(ctx, `UPDATE application SET erased_at = ? WHERE erased_at = 0 AND `+in.SQL(), append([]any{tx.At}, in.Args()...)...)
	return e, s.Applications, err
}

// comesAgain writes the erasure that comes again, or takes the one that was asked for
// when the backup was made.
func (s *subject) comesAgain(ctx context.Context, tx *db.Tx) (id.Erasure, error) {
	list, err := json.Marshal(s.Applications)
	if err != nil {
		return "", err
	}
	open, err := readErasures(ctx, tx, db.Where("object = ? AND ended_at = 0", s.object), 1)
	if err != nil {
		return "", err
	}
	if len(open) == 1 {
		_, err = tx.Exec(ctx, `UPDATE erasure SET state = ?, applications = ?, moved_at = ? WHERE id = ?`, marked, string(list), tx.At, open[0].id)
		return open[0].id, err
	}
	e := id.New[id.Erasure](tx.At)
	_, err = tx.Exec(ctx, `INSERT INTO erasure (id, object, applications, state, reason, approved_by, approved_by_name, asked_at, moved_at, ended_at, mark, found, trouble)
		VALUES (?, ?, ?, ?, 'Erased before, and again after the house was restored from a backup.', 'house/console', 'Console', ?, ?, 0, '', 0, '')`, e, s.object, string(list), marked, tx.At, tx.At)
	return e, err
}

// Returned gives the objects of those persons, whose keys are destroyed, who are here as
// if they had never been erased: the data are older than their erasure. Borrowers come
// first; their applications mostly go along.
func Returned(ctx context.Context, tx *db.Tx, persons []string) ([]string, error) {
	in := db.In("id", persons)
	return db.All(ctx, tx, func(r *db.Rows) (object string, err error) { return object, r.Scan(&object) },
		`SELECT 'borrower/' || id AS object FROM borrower WHERE erased_at = 0 AND `+in.SQL()+` UNION ALL SELECT 'application/' || id FROM application WHERE erased_at = 0 AND `+in.SQL()+` ORDER BY object DESC`,
		append(in.Args(), in.Args()...)...)
}

// Without gives the persons whose keys the erasures of this house have destroyed.
func Without(ctx context.Context, tx *db.Tx) (persons []string, err error) {
	list, err := readErasures(ctx, tx, db.In("state", []string{destroyed, done}), math.MaxInt32)
	for _, e := range list {
		persons = append(persons, e.person().Keys()...)
	}
	return persons, err
}
