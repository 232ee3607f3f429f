package job

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

func schema() fs.FS {
	ddl := `-- +goose Up
CREATE TABLE job (
	id         TEXT PRIMARY KEY,
	kind       TEXT   NOT NULL,
	dedupe     TEXT   NOT NULL,
	payload    TEXT   NOT NULL,
	state      TEXT   NOT NULL,
	run_at     BIGINT NOT NULL,
	due_at     BIGINT NOT NULL,
	created_at BIGINT NOT NULL,
	attempts   BIGINT NOT NULL,
	lease      TEXT   NOT NULL,
	last_error TEXT   NOT NULL
);
CREATE UNIQUE INDEX job_waiting ON job (kind, dedupe) WHERE state = 'waiting' AND dedupe <> '';
CREATE INDEX job_due ON job (due_at) WHERE state <> 'dead';
`
	return fstest.MapFS{"sqlite/00001_job.sql": {Data: []byte(ddl)}, "postgres/00001_job.sql": {Data: []byte(ddl)}}
}

var ctx = context.Background()

func write(t *testing.T, d *db.DB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := d.Write(ctx, 0, fn); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, d *db.DB, kind, key string, payload any, runAt int64) (made id.Job) {
	t.Helper()
	write(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
		made, err = Enqueue(ctx, tx, kind, key, payload, runAt)
		return err
	})
	return made
}

// rows tells every job as "kind key state attempts last_error".
func rows(t *testing.T, d *db.DB) (list []string) {
	t.Helper()
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		list, err = db.All(ctx, tx, func(r *db.Rows) (string, error) {
			var kind, key, state, last string
			var attempts int
			err := r.Scan(&kind, &key, &state, &attempts, &last)
			return strings.TrimSpace(fmt.Sprint(kind, " ", key, " ", state, " ", attempts, " ", last)), err
		}, "SELECT kind, dedupe, state, attempts, last_error FROM job ORDER BY kind, dedupe, id")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// start runs r until the returned function is called.
func start(t *testing.T, r *Runner) (stop func()) {
	t.Helper()
	running, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.Run(running); err != nil {
			t.Error(err)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func TestEnqueueIsPartOfItsTransaction(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		mishap := errors.New("mishap")
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			if _, err := Enqueue(ctx, tx, "mail", "", nil, 0); err != nil {
				return err
			}
			return mishap
		})
		if err != mishap {
			t.Fatal(err)
		}
		want(t, "jobs", rows(t, d), []string(nil))
		write(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := Enqueue(ctx, tx, "mail", "", make(chan int), 0)
			if err == nil {
				t.Error("a payload that is no JSON was let through")
			}
			return nil
		})
	})
}

func TestEnqueueKeepsOneJobOfAKindAndKey(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		first := put(t, d, "sync", "loan1", 1, 500)
		want(t, "the same job", put(t, d, "sync", "loan1", 2, 900), first)
		if put(t, d, "sync", "loan2", 3, 500) == first || put(t, d, "mail", "loan1", 4, 500) == first {
			t.Error("another key or kind is another job")
		}
		put(t, d, "sync", "", 5, 500)
		put(t, d, "sync", "", 6, 500)
		want(t, "jobs", rows(t, d), []string{"mail loan1 waiting 0", "sync  waiting 0", "sync  waiting 0", "sync loan1 waiting 0", "sync loan2 waiting 0"})
		due := func(kinds ...string) (at int64) {
			err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
				var ok bool
				at, ok, err = NextDue(ctx, tx, kinds...)
				if !ok {
					at = -1
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		want(t, "a later instant does not put it off", due("sync"), int64(500))
		put(t, d, "mail", "loan1", 7, 300)
		want(t, "an earlier one brings it forward", due(), int64(300))
		want(t, "no such kind", due("fax"), int64(-1))
	})
}

func TestRunnerDoesEveryJobOnce(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		const n = 60
		var mu sync.Mutex
		seen := map[string]int{}
		var now, most atomic.Int64
		done := make(chan struct{})
		handler := func(ctx context.Context, j Job) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			var name string
			if err := json.Unmarshal(j.Payload, &name); err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			seen[name]++
			if len(seen) == n {
				close(done)
			}
			return nil
		}
		other := put(t, d, "fax", "", "x", 0)
		future := put(t, d, "mail", "", "later", d.Now()+time.Hour.Microseconds())
		var stops []func()
		for range 3 { // three nodes
			stops = append(stops, start(t, &Runner{DB: d, Handlers: map[string]Handler{"mail": handler}, Poll: 10 * time.Millisecond, Limit: 2}))
		}
		for i := range n {
			put(t, d, "mail", "", fmt.Sprint("m", i), 0)
		}
		<-done
		for _, stop := range stops {
			stop()
		}
		for name, times := range seen {
			if times != 1 {
				t.Errorf("%s ran %d times", name, times)
			}
		}
		if most.Load() > 6 {
			t.Errorf("%d handlers at once on three nodes of two", most.Load())
		}
		want(t, "what is left", rows(t, d), []string{"fax  waiting 0", "mail  waiting 0"})
		if other == future {
			t.Error("two jobs, one id")
		}
	})
}

func TestRunnerTakesOverFromADeadNode(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		put(t, d, "mail", "a", "x", 0)
		put(t, d, "mail", "b", "x", 0)
		write(t, d, func(ctx context.Context, tx *db.Tx) error { // as a node leaves it that dies: one lease over, one not
			for key, due := range map[string]int64{"a": tx.At - 1, "b": tx.At + time.Hour.Microseconds()} {
				if _, err := tx.Exec(ctx, "UPDATE job SET state = 'running', lease = 'gone', attempts = 1, due_at = ? WHERE dedupe = ?", due, key); err != nil {
					return err
				}
			}
			return nil
		})
		got := make(chan Job, 10)
		r := &Runner{DB: d, Handlers: map[string]Handler{"mail": func(_ context.Context, j Job) error { got <- j; return nil }}, Poll: 5 * time.Millisecond}
		stop := start(t, r)
		j := <-got
		put(t, d, "mail", "c", "x", 0)
		r.Kick()
		last := <-got
		stop()
		want(t, "keys", []string{j.Key, last.Key}, []string{"a", "c"})
		want(t, "attempts", j.Attempts, 2)
		want(t, "the other's job", rows(t, d), []string{"mail b running 1"})
	})
}

func TestRunnerTriesAgainThenGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t, db.SQLite, schema())
		var log bytes.Buffer
		var times []time.Duration
		begun := time.Now()
		fail := func(_ context.Context, j Job) error {
			times = append(times, time.Since(begun))
			if j.Attempts%2 == 0 {
				panic("a secret value")
			}
			return fault.Wrap(fault.Unavailable, "smtp_down", "The mail server does not answer.", errors.New("a secret value"))
		}
		r := &Runner{DB: d, Handlers: map[string]Handler{"mail": fail}, Max: 5, Log: slog.New(slog.NewTextHandler(&log, nil))}
		made := put(t, d, "mail", "k", "x", 0)
		stop := start(t, r)
		time.Sleep(time.Hour)
		synctest.Wait()
		want(t, "dead", rows(t, d), []string{"mail k dead 5 unavailable smtp_down: The mail server does not answer."})
		if len(times) != 5 {
			t.Fatalf("%d attempts", len(times))
		}
		for i := 1; i < len(times); i++ {
			wait, full := times[i]-times[i-1], time.Second<<(i-1)
			if wait < full*3/4 || wait > full+10*time.Millisecond {
				t.Errorf("wait %d was %v, want about %v", i, wait, full)
			}
		}
		var list []Job
		write(t, d, func(ctx context.Context, tx *db.Tx) (err error) {
			if list, err = Dead(ctx, tx, 10); err != nil {
				return err
			}
			ok, err := Revive(ctx, tx, made)
			want(t, "revived", ok, true)
			return err
		})
		if len(list) != 1 || list[0].ID != made || list[0].Attempts != 5 {
			t.Errorf("the dead jobs are %+v", list)
		}
		r.Kick()
		synctest.Wait()
		stop()
		want(t, "attempts after the revival", len(times), 6)
		want(t, "revived", rows(t, d), []string{"mail k waiting 1 unavailable smtp_down: The mail server does not answer."})
		if strings.Count(log.String(), "panicked") != 4 || !strings.Contains(log.String(), "given up") {
			t.Errorf("the log does not tell the story:\n%s", log.String())
		}
	})
}

func TestRunnerKeepsTheLeaseOfLongWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t, db.SQLite, schema())
		var runs atomic.Int64
		long := func(ctx context.Context, j Job) error {
			runs.Add(1)
			time.Sleep(10 * time.Minute)
			return ctx.Err()
		}
		put(t, d, "import", "", "x", 0)
		one := start(t, &Runner{DB: d, Handlers: map[string]Handler{"import": long}})
		synctest.Wait()
		two := start(t, &Runner{DB: d, Handlers: map[string]Handler{"import": long}})
		time.Sleep(9 * time.Minute)
		synctest.Wait()
		want(t, "running", rows(t, d), []string{"import  running 1"})
		time.Sleep(2 * time.Minute)
		one()
		two()
		want(t, "runs", runs.Load(), int64(1))
		want(t, "left", rows(t, d), []string(nil))
	})
}

func TestRunnerStopsWorkWhoseLeaseIsLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t, db.SQLite, schema())
		cause := make(chan error, 1)
		put(t, d, "import", "", "x", 0)
		stop := start(t, &Runner{DB: d, Handlers: map[string]Handler{"import": func(ctx context.Context, j Job) error {
			<-ctx.Done()
			cause <- context.Cause(ctx)
			return nil
		}}})
		synctest.Wait()
		write(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE job SET lease = 'another node', due_at = ?", tx.At+time.Hour.Microseconds())
			return err
		})
		if got := <-cause; !errors.Is(got, errLost) {
			t.Errorf("the handler's context ended with %v", got)
		}
		stop()
		want(t, "it is the other's", rows(t, d), []string{"import  running 1"})
	})
}

func TestRunnerGivesBackWhatItCouldNotFinish(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		begun := make(chan struct{})
		put(t, d, "import", "k", "x", 0)
		stop := start(t, &Runner{DB: d, Handlers: map[string]Handler{"import": func(ctx context.Context, j Job) error {
			close(begun)
			<-ctx.Done()
			return ctx.Err()
		}}})
		<-begun
		stop()
		want(t, "jobs", rows(t, d), []string{"import k waiting 0"})
	})
}

func TestRunnerLeavesTheWorkToAYoungerTwin(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		put(t, d, "sync", "loan", "old", 0)
		begun, gate := make(chan struct{}, 10), make(chan struct{})
		var payloads []string
		r := &Runner{DB: d, Limit: 1, Poll: 5 * time.Millisecond, Handlers: map[string]Handler{"sync": func(ctx context.Context, j Job) error {
			payloads = append(payloads, string(j.Payload))
			begun <- struct{}{}
			if len(payloads) == 1 {
				<-gate
				return errors.New("mishap")
			}
			return nil
		}}}
		stop := start(t, r)
		<-begun
		put(t, d, "sync", "loan", "new", 0) // what happened since is not forgotten
		want(t, "both", rows(t, d), []string{"sync loan running 1", "sync loan waiting 0"})
		close(gate)
		<-begun
		stop()
		want(t, "payloads", payloads, []string{`"old"`, `"new"`})
		want(t, "left", rows(t, d), []string(nil))
	})
}

func TestRunnerIsKickedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dbtest.Open(t, db.SQLite, schema())
		at := make(chan time.Time, 10)
		r := &Runner{DB: d, Poll: time.Hour, Handlers: map[string]Handler{"mail": func(context.Context, Job) error { at <- time.Now(); return nil }}}
		stop := start(t, r)
		synctest.Wait()
		begun := time.Now()
		put(t, d, "mail", "", "x", 0)
		r.Kick()
		r.Kick()
		if late := (<-at).Sub(begun); late != 0 {
			t.Errorf("kicked, it waited %v", late)
		}
		put(t, d, "mail", "", "x", d.Now()+90*time.Second.Microseconds())
		r.Kick() // it learns when the next one is due
		if late := (<-at).Sub(begun); late < 90*time.Second || late > 91*time.Second {
			t.Errorf("due in 90 s, it ran after %v", late)
		}
		stop()
	})
}

func TestRunnerGivesUpWhatKillsItsNodes(t *testing.T) {
	dbtest.Each(t, schema(), func(t *testing.T, d *db.DB) {
		put(t, d, "mail", "", "x", 0)
		write(t, d, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, "UPDATE job SET state = 'running', lease = 'gone', attempts = 12, due_at = 1")
			return err
		})
		next := make(chan struct{})
		r := &Runner{DB: d, Limit: 1, Poll: 5 * time.Millisecond, Handlers: map[string]Handler{
			"mail": func(context.Context, Job) error { t.Error("it ran for the 13th time"); return nil },
			"next": func(context.Context, Job) error { close(next); return nil },
		}}
		stop := start(t, r)
		put(t, d, "next", "", "x", 0)
		<-next
		stop()
		want(t, "jobs", rows(t, d), []string{"mail  dead 13 internal: the cause is in the log"})
	})
}

func TestRunnerNeedsItsParts(t *testing.T) {
	if (&Runner{}).Run(ctx) == nil {
		t.Error("a runner without a database runs")
	}
}

func TestBackoffStaysInBounds(t *testing.T) {
	for attempt := 1; attempt < 100; attempt++ {
		low, high := backoff(attempt, 0), backoff(attempt, 0.999)
		if low < firstWait || high > lastWait || low > high || backoff(attempt+1, 0) < low {
			t.Errorf("attempt %d: %v to %v", attempt, low, high)
		}
	}
	want(t, "the first", backoff(1, 0), time.Second)
	want(t, "the last", backoff(99, 0), 45*time.Minute)
}
