package recovery

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// The states of a recovery.
const (
	Waiting = "waiting"
	Done    = "done"
	Refused = "refused"
)

// row is a recovery as it is stored.
type row struct {
	id                   id.Recovery
	user                 id.User
	reason               string
	askedAt, effectiveAt int64
	state                string
	decidedBy            id.User
	decidedAt            int64
	remark               string
}

const columns = `SELECT id, user_id, reason, asked_at, effective_at, state, decided_by, decided_at, remark FROM admin_recovery `

func scan(from func(...any) error) (*row, error) {
	r := new(row)
	return r, from(&r.id, &r.user, &r.reason, &r.askedAt, &r.effectiveAt, &r.state, &r.decidedBy, &r.decidedAt, &r.remark)
}

func one(ctx context.Context, tx *db.Tx, where string, args ...any) (*row, error) {
	r, err := scan(func(dest ...any) error { return tx.One(ctx, columns+where, args, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return r, err
}

// administrators is the shipped role Admin of this tenant.
func administrators(ctx context.Context, tx *db.Tx) (r id.Role, err error) {
	return r, tx.One(ctx, `SELECT id FROM role WHERE shipped = ?`, []any{policy.Admin}, &r)
}

func waiting(ctx context.Context, tx *db.Tx) (*row, error) {
	return one(ctx, tx, `WHERE state = 'waiting'`)
}

func byID(ctx context.Context, tx *db.Tx, rid id.Recovery) (*row, error) {
	r, err := one(ctx, tx, `WHERE id = ?`, rid)
	if err == nil && r == nil {
		err = fault.Missing("recovery")
	}
	return r, err
}

// most is how many recoveries a list holds.
const most = 100

func newest(ctx context.Context, tx *db.Tx) ([]*row, error) {
	return db.All(ctx, tx, func(r *db.Rows) (*row, error) { return scan(r.Scan) }, columns+`ORDER BY asked_at DESC, id DESC LIMIT ?`, most)
}

func insert(ctx context.Context, tx *db.Tx, r *row) error {
	_, err := tx.Exec(ctx, `INSERT INTO admin_recovery (id, user_id, reason, asked_at, effective_at, state, decided_by, decided_at, remark) VALUES (?, ?, ?, ?, ?, ?, '', 0, '')`,
		r.id, r.user, r.reason, r.askedAt, r.effectiveAt, r.state)
	return err
}

// decide moves a recovery that waits to its end; Conflict if it does not wait.
func decide(ctx context.Context, tx *db.Tx, r *row) error {
	n, err := tx.Exec(ctx, `UPDATE admin_recovery SET state = ?, decided_by = ?, decided_at = ?, remark = ? WHERE id = ? AND state = 'waiting'`,
		r.state, r.decidedBy, tx.At, r.remark, r.id)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "recovery_closed", "This recovery was refused or is in force already.")
	}
	r.decidedAt = tx.At
	return err
}

func (d *Desk) asStored(ctx context.Context, tx *db.Tx, r *row) (*Recovery, error) {
	s, err := identity.StaffByID(ctx, tx, r.user)
	if err != nil {
		return nil, err
	}
	out := &Recovery{ID: r.id, User: r.user, Name: s.Name, Email: s.Email, Reason: r.reason, State: r.state,
		AskedAt: instant(r.askedAt), EffectiveAt: instant(r.effectiveAt), DecidedAt: instant(r.decidedAt), Remark: r.remark}
	if r.decidedBy != "" {
		by, err := identity.StaffByID(ctx, tx, r.decidedBy)
		if err != nil {
			return nil, err
		}
		out.DecidedBy = by.Name
	}
	return out, nil
}
