// Package once forgets the answers that the gate keeps for repeated calls, when nobody
// will repeat them any more.
//
// The gate writes a row for every call that named itself by a key, so that it is done
// once however often it comes. The row holds a keyed hash of everything that was asked
// for; what is not there cannot be guessed at.
package once

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Kept is how long an answer is kept at least: whoever repeats a call later than that
// has it done again. It goes within a day after.
const Kept = 7 * 24 * time.Hour

// Job looks once a day for answers whose time is over.
const Job = "gate.answers"

const (
	daily = 24 * time.Hour
	slice = 2 * time.Second // after it a job hands over to the next one
	piece = 500             // rows that one transaction removes at most
)

// Handlers does the job for one tenant.
func Handlers(t *tenant.Tenant) map[string]job.Handler {
	return map[string]job.Handler{Job: func(ctx context.Context, _ job.Job) error {
		done, err := Forget(ctx, t.DB, slice)
		if err != nil {
			return err
		}
		return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			next := tx.At
			if done {
				next += daily.Microseconds()
			}
			_, err := job.Enqueue(ctx, tx, Job, "daily", struct{}{}, next)
			return err
		})
	}}
}

// Resume sees to it that the job is there.
func Resume(ctx context.Context, t *tenant.Tenant) error {
	return t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := job.Enqueue(ctx, tx, Job, "daily", struct{}{}, 0)
		return err
	})
}

// Forget removes answers whose time is over, the oldest first, in small transactions,
// for about as long as it is given; done says whether it came to the end.
func Forget(ctx context.Context, d *db.DB, patience time.Duration) (done bool, err error) {
	for until := d.Now() + patience.Microseconds(); ; {
		var gone int64
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
			gone, err = tx.Exec(ctx, `DELETE FROM idempotency WHERE (principal, operation, given_key) IN
				(SELECT principal, operation, given_key FROM idempotency WHERE at < ? ORDER BY at LIMIT ?)`, tx.At-Kept.Microseconds(), piece)
			return err
		})
		if err != nil || gone < piece {
			return err == nil, err
		}
		if d.Now() >= until {
			return false, nil
		}
	}
}
