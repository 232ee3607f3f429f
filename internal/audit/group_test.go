package audit

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a write that takes a second and notes the size of each batch.
func slowly(sizes *[]int, err error) func(context.Context, []*row) error {
	return func(ctx context.Context, rows []*row) error {
		*sizes = append(*sizes, len(rows))
		time.Sleep(time.Second)
		return errors.Join(err, ctx.Err())
	}
}

func TestCallersWhoWaitTogetherShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		g := &group{limit: 1000, write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		for range 600 {
			all.Go(func() {
				if err := g.join(t.Context(), &row{}); err != nil {
					t.Error(err)
				}
			})
		}
		start := time.Now()
		all.Wait()
		total := 0
		for _, n := range sizes {
			if total += n; n > batchRows {
				t.Errorf("a batch of %d", n)
			}
		}
		if total != 600 || len(sizes) > 4 || time.Since(start) > 4*time.Second {
			t.Errorf("batches %v in %v", sizes, time.Since(start))
		}
		if err := g.join(t.Context(), &row{}); err != nil || g.busy {
			t.Errorf("a lone caller afterwards: %v, busy %v", err, g.busy)
		}
	})
}

func TestACallerWhoLeavesHurtsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		g := &group{limit: 10, write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		left, leave := context.WithCancel(t.Context())
		join := func(ctx context.Context, want error) {
			all.Go(func() {
				if err := g.join(ctx, &row{}); !errors.Is(err, want) {
					t.Errorf("join: %v, want %v", err, want)
				}
			})
			synctest.Wait() // in this order
		}
		join(left, nil)              // leads; its commit goes on after it left
		join(left, context.Canceled) // waits; withdraws
		join(t.Context(), nil)       // waits; must be written
		leave()
		all.Wait()
		if len(sizes) != 2 || sizes[0] != 1 || sizes[1] != 1 {
			t.Errorf("batches %v, want the leader alone and the one who stayed", sizes)
		}
	})
}

func TestTooManyWaitersAreTurnedAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		g := &group{limit: 2, write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		for range 3 { // one leads, two wait
			all.Go(func() {
				if err := g.join(t.Context(), &row{}); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if err := g.join(t.Context(), &row{}); err == nil {
			t.Error("a fourth caller was let in")
		}
		all.Wait()
	})
}

func TestAFailureReachesEveryoneOfTheBatchAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		var sizes []int
		g := &group{limit: 10, write: slowly(&sizes, down)}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := g.join(t.Context(), &row{}); !errors.Is(err, down) {
					t.Errorf("join: %v", err)
				}
			})
		}
		all.Wait()
		g.write = slowly(&sizes, nil)
		if err := g.join(t.Context(), &row{}); err != nil {
			t.Errorf("after the database came back: %v", err)
		}
	})
}

func TestAPanicWhileWritingAnswersTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &group{limit: 10}
		broken := true
		g.write = func(context.Context, []*row) error {
			time.Sleep(time.Second)
			if broken {
				broken = false
				panic("defect")
			}
			return nil
		}
		var all sync.WaitGroup
		all.Go(func() {
			defer func() {
				if recover() == nil {
					t.Error("the panic was swallowed")
				}
			}()
			_ = g.join(t.Context(), &row{})
		})
		synctest.Wait()
		all.Go(func() {
			if err := g.join(t.Context(), &row{}); err != nil {
				t.Errorf("the next caller: %v", err)
			}
		})
		all.Wait()
	})
}
