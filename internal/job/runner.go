package job

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// A job that failed waits between these bounds, twice as long each time.
const (
	firstWait = time.Second
	lastWait  = time.Hour
)

// endTimeout bounds what a runner still writes after it was told to stop.
const endTimeout = 10 * time.Second

// Runner takes due jobs of the kinds that it has handlers for, and runs them.
// Several runners, on several nodes, may share one database.
type Runner struct {
	DB       *db.DB
	Handlers map[string]Handler // by kind; jobs of other kinds stay for other runners
	Lease    time.Duration      // how long a dead node's jobs stay with it; 0 = one minute
	Poll     time.Duration      // how often to look for what nobody kicked for; 0 = five seconds
	Limit    int                // handlers at once; 0 = 4
	Max      int                // attempts before a job is dead; 0 = 12 (about five hours)
	Log      *slog.Logger       // nil = no log

	once sync.Once
	kick chan struct{}
}

func (r *Runner) prepare() {
	r.once.Do(func() {
		r.kick = make(chan struct{}, 1)
		r.Lease = cmp.Or(r.Lease, time.Minute)
		r.Poll = cmp.Or(r.Poll, 5*time.Second)
		r.Limit = cmp.Or(r.Limit, 4)
		r.Max = cmp.Or(r.Max, 12)
		r.Log = cmp.Or(r.Log, slog.New(slog.DiscardHandler))
	})
}

// Kick wakes the runner at once: call it after a commit that enqueued a job.
func (r *Runner) Kick() {
	r.prepare()
	select {
	case r.kick <- struct{}{}:
	default: // it will wake anyway
	}
}

// Run works until ctx is done, then waits for the handlers, whose contexts end
// too, gives back what they did not finish, and returns nil. A database that
// is away does not end it. An error means that the Runner cannot run at all.
func (r *Runner) Run(ctx context.Context) error {
	r.prepare()
	if r.DB == nil || len(r.Handlers) == 0 {
		return errors.New("job: a runner needs a database and handlers")
	}
	var kinds []string
	for kind := range r.Handlers {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	var running sync.WaitGroup
	defer running.Wait()
	freed := make(chan struct{}, r.Limit)
	for free := r.Limit; ; {
		wait := r.Poll
		if free > 0 {
			jobs, next, err := r.take(ctx, kinds, free)
			if err != nil && ctx.Err() == nil {
				r.Log.Error("jobs cannot be taken; trying again", "cause", err.Error())
			}
			for _, t := range jobs {
				free--
				running.Go(func() {
					defer func() { freed <- struct{}{} }()
					r.run(ctx, t)
				})
			}
			wait = min(wait, next)
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return nil
		case <-freed:
			free++
		case <-r.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// taken is a job under this runner's lease.
type taken struct {
	Job
	lease string
}

const take = `
WITH due AS (
	SELECT id FROM job WHERE state <> 'dead' AND due_at <= ? AND %s
	ORDER BY due_at LIMIT ? %s
)
UPDATE job SET state = 'running', lease = ?, due_at = ?, attempts = attempts + 1
WHERE id IN (SELECT id FROM due)
RETURNING ` + columns

// take leases at most limit due jobs, the longest due first. next is how long
// to sleep if nobody kicks.
func (r *Runner) take(ctx context.Context, kinds []string, limit int) (jobs []taken, next time.Duration, err error) {
	next = r.Poll
	now := r.DB.Now()
	var due int64
	var some bool
	err = r.DB.Read(ctx, now, func(ctx context.Context, tx *db.Tx) (err error) {
		due, some, err = NextDue(ctx, tx, kinds...)
		return err
	})
	if err != nil || !some {
		return nil, next, err
	}
	if due > now { // most polls end here, without a write
		return nil, time.Duration(due-now) * time.Microsecond, nil
	}
	of, skip := db.In("kind", kinds), ""
	if r.DB.Engine() == db.PostgreSQL {
		skip = "FOR UPDATE SKIP LOCKED" // SQLite has one writer at a time, and no such words
	}
	lease := rand.Text()
	args := append([]any{now}, of.Args()...)
	args = append(args, limit, lease, now+r.Lease.Microseconds())
	err = r.DB.Write(ctx, now, func(ctx context.Context, tx *db.Tx) error {
		list, err := db.All(ctx, tx, scan, fmt.Sprintf(take, of.SQL(), skip), args...)
		jobs = jobs[:0]
		for _, j := range list {
			jobs = append(jobs, taken{Job: j, lease: lease})
		}
		return err
	})
	if err != nil {
		return nil, next, err
	}
	slices.SortFunc(jobs, func(a, b taken) int { return cmp.Or(cmp.Compare(a.RunAt, b.RunAt), cmp.Compare(a.ID, b.ID)) })
	if len(jobs) == limit {
		next = 0 // there may be more; it matters only if a handler is free
	}
	return jobs, max(next, time.Millisecond), nil
}

// run does one job and writes down how it ended.
func (r *Runner) run(ctx context.Context, t taken) {
	log := r.Log.With("job", string(t.ID), "kind", t.Kind, "attempt", t.Attempts)
	if t.Attempts > r.Max { // its runs never came to an end: perhaps it is what kills the nodes
		r.end(ctx, log, t, errors.New("no run of it ever ended"), t.Attempts)
		return
	}
	held, drop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	var renewing sync.WaitGroup
	renewing.Go(func() { r.renew(held, drop, done, log, t) })
	err := r.handle(held, log, t.Job)
	lost := errors.Is(context.Cause(held), errLost)
	close(done)
	renewing.Wait()
	drop(nil)
	if lost {
		log.Warn("the lease was lost while the job ran; another runner has it", "outcome", err)
		return
	}
	if err != nil && ctx.Err() != nil {
		r.giveBack(ctx, log, t)
		return
	}
	r.end(ctx, log, t, err, t.Attempts)
}

var errLost = errors.New("job: the lease is lost")

// handle runs the handler; a panic is an error like others.
func (r *Runner) handle(ctx context.Context, log *slog.Logger, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.Error("the job's handler panicked", "stack", string(debug.Stack()))
			err = errors.New("the handler panicked")
		}
	}()
	return r.Handlers[j.Kind](ctx, j)
}

// renew extends the lease three times in its length until done, also while a
// stopping runner waits for the handler. When the lease cannot be held any
// longer the handler's context ends.
func (r *Runner) renew(ctx context.Context, drop context.CancelCauseFunc, done <-chan struct{}, log *slog.Logger, t taken) {
	step := r.Lease / 3
	tick := time.NewTicker(step)
	defer tick.Stop()
	until := r.DB.Now() + r.Lease.Microseconds()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		next := r.DB.Now() + r.Lease.Microseconds()
		soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), step)
		n, err := r.exec(soon, 0, "UPDATE job SET due_at = ? WHERE id = ? AND lease = ? AND state = 'running'", next, t.ID, t.lease)
		cancel()
		switch {
		case err == nil && n == 1:
			until = next
		case err == nil, r.DB.Now()+step.Microseconds() >= until: // taken over, or about to be
			drop(errLost)
			return
		default:
			log.Warn("the job's lease could not be renewed; trying again", "cause", err.Error())
		}
	}
}

// end removes a job that is done, or puts it back to wait, or gives it up.
func (r *Runner) end(ctx context.Context, log *slog.Logger, t taken, failure error, attempts int) {
	now := r.DB.Now()
	if failure == nil {
		r.settle(ctx, log, now, "DELETE FROM job WHERE id = ? AND lease = ?", t.ID, t.lease)
		return
	}
	said := safe(failure)
	if attempts >= r.Max {
		log.Error("the job is given up: look at it, mend the cause and revive it", "cause", failure.Error())
		r.settle(ctx, log, now, "UPDATE job SET state = 'dead', due_at = ?, lease = '', last_error = ? WHERE id = ? AND lease = ?", int64(never), said, t.ID, t.lease)
		return
	}
	wait := backoff(attempts, mathrand.Float64())
	if f := fault.As(failure); f.RetryAfter > wait {
		wait = f.RetryAfter
	}
	log.Warn("the job failed and is tried again", "cause", failure.Error(), "in", wait.String())
	r.back(ctx, log, t, now+wait.Microseconds(), attempts, said)
}

// giveBack lets go of a job that the runner's end cut short: it does not count.
func (r *Runner) giveBack(ctx context.Context, log *slog.Logger, t taken) {
	r.back(ctx, log, t, r.DB.Now(), t.Attempts-1, t.LastError)
}

// back puts a job back to wait. If a younger one of its kind and key waits
// already, that one does the work.
func (r *Runner) back(ctx context.Context, log *slog.Logger, t taken, at int64, attempts int, said string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	err := r.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		var n int64
		err := tx.Attempt(ctx, func(ctx context.Context) (err error) {
			n, err = tx.Exec(ctx, `UPDATE job SET state = 'waiting', run_at = ?, due_at = ?, lease = '', attempts = ?, last_error = ?
				WHERE id = ? AND lease = ? AND `+noTwin, at, at, attempts, said, t.ID, t.lease)
			return err
		})
		if err == nil && n == 1 || err != nil && !db.IsDuplicate(err) {
			return err
		}
		_, err = tx.Exec(ctx, "DELETE FROM job WHERE id = ? AND lease = ?", t.ID, t.lease)
		return err
	})
	if err != nil {
		log.Error("the job's outcome could not be written; it runs again after its lease", "cause", err.Error())
	}
}

// settle writes an outcome, also when the runner is stopping.
func (r *Runner) settle(ctx context.Context, log *slog.Logger, at int64, query string, args ...any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	if _, err := r.exec(ctx, at, query, args...); err != nil {
		log.Error("the job's outcome could not be written; it runs again after its lease", "cause", err.Error())
	}
}

func (r *Runner) exec(ctx context.Context, at int64, query string, args ...any) (n int64, err error) {
	err = r.DB.Write(ctx, at, func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}

// backoff gives the wait after a failed attempt (from 1). luck is in [0, 1):
// jobs that failed together do not come back together.
func backoff(attempt int, luck float64) time.Duration {
	wait := lastWait
	if attempt < 13 { // 2^12 seconds is more than an hour
		wait = min(firstWait<<(attempt-1), lastWait)
	}
	return max(firstWait, time.Duration(float64(wait)*(0.75+0.25*luck)))
}

// safe gives the text of an error that may be kept and shown.
func safe(err error) string {
	f := fault.As(err)
	if f.Reason == "internal" {
		return "internal: the cause is in the log"
	}
	return f.Kind.String() + " " + f.Reason + ": " + f.Message
}
