package group

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// slowly is a write that takes a second and notes the size of each batch.
func slowly(sizes *[]int, err error) func(context.Context, []*int) error {
	return func(ctx context.Context, rows []*int) error {
		*sizes = append(*sizes, len(rows))
		time.Sleep(time.Second)
		return errors.Join(err, ctx.Err())
	}
}

func TestCallersWhoWaitTogetherShareOneCommit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		g := &Group[*int]{Limit: 1000, Write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		for range 600 {
			all.Go(func() {
				if err := g.Join(t.Context(), new(int)); err != nil {
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
		if err := g.Join(t.Context(), new(int)); err != nil || g.busy {
			t.Errorf("a lone caller afterwards: %v, busy %v", err, g.busy)
		}
	})
}

func TestACallerWhoLeavesHurtsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		g := &Group[*int]{Limit: 10, Write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		left, leave := context.WithCancel(t.Context())
		join := func(ctx context.Context, want error) {
			all.Go(func() {
				if err := g.Join(ctx, new(int)); !errors.Is(err, want) {
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
		g := &Group[*int]{Limit: 2, Write: slowly(&sizes, nil)}
		var all sync.WaitGroup
		for range 3 { // one leads, two wait
			all.Go(func() {
				if err := g.Join(t.Context(), new(int)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if err := g.Join(t.Context(), new(int)); err == nil {
			t.Error("a fourth caller was let in")
		}
		all.Wait()
	})
}

func TestAFailureReachesEveryoneOfTheBatchAndNobodyElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := errors.New("down")
		var sizes []int
		g := &Group[*int]{Limit: 10, Write: slowly(&sizes, down)}
		var all sync.WaitGroup
		for range 5 {
			all.Go(func() {
				if err := g.Join(t.Context(), new(int)); !errors.Is(err, down) {
					t.Errorf("join: %v", err)
				}
			})
		}
		all.Wait()
		g.Write = slowly(&sizes, nil)
		if err := g.Join(t.Context(), new(int)); err != nil {
			t.Errorf("after the database came back: %v", err)
		}
	})
}

func TestAPanicWhileWritingAnswersTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &Group[*int]{Limit: 10}
		broken := true
		g.Write = func(context.Context, []*int) error {
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
			_ = g.Join(t.Context(), new(int))
		})
		synctest.Wait()
		all.Go(func() {
			if err := g.Join(t.Context(), new(int)); err != nil {
				t.Errorf("the next caller: %v", err)
			}
		})
		all.Wait()
	})
}
