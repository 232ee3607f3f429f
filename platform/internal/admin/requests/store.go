package requests

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/pii"
)

// The states of a request. A decision is an event; nothing is deleted.
const (
	Open      = "open"
	Granted   = "granted"
	Refused   = "refused"
	Withdrawn = "withdrawn"
)

// row is a request as it is stored.
type row struct {
	id        id.AccessRequest
	user      id.User
	operation string
	channel   string
	object    string
	layer     string // that said no, as far as the asker was told
	change    string // JSON of how it was granted
	reason    string
	until     int64
	state     string
	madeAt    int64
	decidedBy id.User
	decidedAt int64
	remark    string
	decision  id.Decision
	address   string
	lentRole  id.Role
}

const columns = `SELECT id, user_id, operation, channel, object, layer, change, reason, until, state, made_at, decided_by, decided_at, remark, decision, address, lent_role FROM access_request `

func scan(from func(...any) error) (*row, error) {
	r := new(row)
	return r, from(&r.id, &r.user, &r.operation, &r.channel, &r.object, &r.layer, &r.change, &r.reason, &r.until, &r.state, &r.madeAt,
		&r.decidedBy, &r.decidedAt, &r.remark, &r.decision, &r.address, &r.lentRole)
}

func insert(ctx context.Context, tx *db.Tx, r *row) error {
	_, err := tx.Exec(ctx, `INSERT INTO access_request (id, user_id, operation, channel, object, layer, change, reason, until, state, made_at, decided_by, decided_at, remark, decision, address, lent_role)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'open', ?, '', 0, '', ?, ?, '')`, r.id, r.user, r.operation, r.channel, r.object, r.layer, r.change, pii.Mask(r.reason), r.until, r.madeAt, r.decision, r.address)
	return err
}

func byID(ctx context.Context, tx *db.Tx, rid id.AccessRequest) (*row, error) {
	r, err := scan(func(dest ...any) error { return tx.One(ctx, columns+`WHERE id = ?`, []any{rid}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, missing()
	}
	return r, err
}

// most is how many requests a list holds.
const most = 200

// newest lists requests, newest first: open ones alone, or all of them.
func newest(ctx context.Context, tx *db.Tx, openOnly bool) ([]*row, error) {
	where := ``
	if openOnly {
		where = `WHERE state = 'open' `
	}
	return db.All(ctx, tx, func(r *db.Rows) (*row, error) { return scan(r.Scan) }, columns+where+`ORDER BY made_at DESC, id DESC LIMIT ?`, most)
}

// waiting counts a person's open requests for the same thing.
func waiting(ctx context.Context, tx *db.Tx, r *row) (n int64, err error) {
	return n, tx.One(ctx, `SELECT COUNT(*) FROM access_request WHERE user_id = ? AND operation = ? AND channel = ? AND object = ? AND state = 'open'`,
		[]any{r.user, r.operation, r.channel, r.object}, &n)
}

// settle moves an open request to its end; Conflict if it is not open any more.
func settle(ctx context.Context, tx *db.Tx, r *row) error {
	n, err := tx.Exec(ctx, `UPDATE access_request SET state = ?, decided_by = ?, decided_at = ?, remark = ?, until = ?, layer = ?, change = ?, lent_role = ? WHERE id = ? AND state = 'open'`,
		r.state, r.decidedBy, tx.At, r.remark, r.until, r.layer, r.change, r.lentRole, r.id)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "request_closed", "This request has been decided or withdrawn already.")
	}
	r.decidedAt = tx.At
	return err
}
