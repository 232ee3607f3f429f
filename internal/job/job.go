// Package job is durable, leased work in the table job of one database.
//
// A job is written in the transaction that makes it necessary (an outbox), so
// it is there if and only if that transaction was committed. A runner on any
// node takes it when it is due, under a lease that it renews while the handler
// runs; when a node dies, another one takes its jobs over after the lease.
//
//	         Enqueue            take                 handler is glad
//	(none) ───────────▶ waiting ─────▶ running ─────────────────────▶ (removed)
//	                       ▲              │ handler fails, or the lease ends
//	                       └──────────────┤
//	                                      └─ for the Max-th time ───▶ dead (kept)
//
// Invariants:
//   - A job runs at least once, and now and then twice (a node that is
//     separated from its database may still be at work when another takes
//     over): handlers must not mind.
//   - Of one kind and key at most one job waits. While one runs, another may
//     come to wait: what happened since is not forgotten.
//   - A payload and a last error hold no personal data in clear.
//
// It must not know what any job does.
package job

import (
	"context"
	"encoding/json"
	"fmt"
	"math"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Job is one piece of work. Instants are unix microseconds.
type Job struct {
	ID        id.Job
	Kind      string
	Key       string // of the same kind and key only one job waits; "" = any number
	Payload   []byte // JSON; no personal data in clear
	RunAt     int64
	CreatedAt int64
	Attempts  int    // runs begun, this one included
	LastError string // safe to show; the cause is in the log
}

// Handler does a job. An error means: again later. Its context ends when the
// runner stops or the lease is lost; then it should return soon.
type Handler func(ctx context.Context, j Job) error

const columns = "id, kind, dedupe, payload, run_at, created_at, attempts, last_error"

func scan(r *db.Rows) (j Job, err error) {
	err = r.Scan(&j.ID, &j.Kind, &j.Key, &j.Payload, &j.RunAt, &j.CreatedAt, &j.Attempts, &j.LastError)
	return j, err
}

// never is the due instant of a dead job.
const never = math.MaxInt64

const enqueue = `
INSERT INTO job (id, kind, dedupe, payload, state, run_at, due_at, created_at, attempts, lease, last_error)
VALUES (?, ?, ?, ?, 'waiting', ?, ?, ?, 0, '', '')
ON CONFLICT (kind, dedupe) WHERE state = 'waiting' AND dedupe <> '' DO UPDATE SET
	run_at = CASE WHEN excluded.run_at < job.run_at THEN excluded.run_at ELSE job.run_at END,
	due_at = CASE WHEN excluded.due_at < job.due_at THEN excluded.due_at ELSE job.due_at END
RETURNING id`

// Enqueue puts a job into the caller's transaction, due at runAt (0 = at
// once), and gives its id. If a job of the same kind and key waits already,
// that one stays, with its payload, comes forward to runAt if that is earlier,
// and its id is given. Kick a runner after the commit, or it is found at the
// next poll.
func Enqueue(ctx context.Context, tx *db.Tx, kind, key string, payload any, runAt int64) (id.Job, error) {
	body, err := json.Marshal(payload)
	if err != nil {
		return "", fmt.Errorf("encode the payload of a %s job: %w", kind, err)
	}
	if runAt == 0 {
		runAt = tx.At
	}
	var made id.Job
	err = tx.One(ctx, enqueue, []any{id.New[id.Job](tx.At), kind, key, string(body), runAt, runAt, tx.At}, &made)
	return made, err
}

// NextDue gives the earliest instant at which a job of these kinds wants a
// runner; ok is false if none will. No kinds = all of them.
func NextDue(ctx context.Context, tx *db.Tx, kinds ...string) (at int64, ok bool, err error) {
	of := db.True()
	if len(kinds) > 0 {
		of = db.In("kind", kinds)
	}
	var due *int64
	err = tx.One(ctx, "SELECT min(due_at) FROM job WHERE state <> 'dead' AND "+of.SQL(), of.Args(), &due)
	if err != nil || due == nil {
		return 0, false, err
	}
	return *due, true, nil
}

// Dead lists jobs that were given up, the latest first.
func Dead(ctx context.Context, tx *db.Tx, limit int) ([]Job, error) {
	return db.All(ctx, tx, scan, "SELECT "+columns+" FROM job WHERE state = 'dead' ORDER BY id DESC LIMIT ?", limit)
}

// Revive lets a dead job be tried again from the beginning. It reports false
// if there is no such dead job, or if one of its kind and key waits already.
func Revive(ctx context.Context, tx *db.Tx, job id.Job) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE job SET state = 'waiting', run_at = ?, due_at = ?, attempts = 0, lease = ''
		WHERE id = ? AND state = 'dead' AND `+noTwin, tx.At, tx.At, job)
	return n == 1, err
}

// noTwin is met by a job that may come to wait (again).
const noTwin = `(dedupe = '' OR NOT EXISTS (SELECT 1 FROM job AS twin
	WHERE twin.state = 'waiting' AND twin.kind = job.kind AND twin.dedupe = job.dedupe))`
