package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// work is one of the decisions that are measured: a story, told in the table as
// says. name is the benchmark of ours that does it.
type work struct{ name, story, says string }

func works() []work {
	return []work{
		{"granted", "a walkthrough lends a payment on one loan", "eight address rules and a grant"},
		{"role", "the role views a loan on the screens", "eight address rules and the role"},
		{"denied", "the key's rule, the eighth, denies a part of what all allow", "denied by the eighth address rule"},
	}
}

// What is asked of ours alone: addresses in large sets, once about a thousand
// different ones and once about so many that each answer waits for memory.
const (
	prefixWork = "an address in a set of 1,000,000 prefixes"
	spreadWork = "the same, each time another of a million"
)

// who did which work.
type who struct{ work, name string }

// times are the turns of one of them: nanoseconds and allocations a decision.
type times struct {
	ns     []float64
	allocs float64
}

func (t *times) best() float64 { return slices.Min(t.ns) }

func (t *times) median() float64 {
	sorted := slices.Sorted(slices.Values(t.ns))
	return sorted[len(sorted)/2]
}

type measurement map[who]*times

func (m measurement) add(w who, ns, allocs float64) {
	t := m[w]
	if t == nil {
		t = &times{}
		m[w] = t
	}
	t.ns, t.allocs = append(t.ns, ns), allocs
}

// round gives everybody one turn at each work.
func (m measurement) round(ctx context.Context, o *office, ours *program, all []peer, turn time.Duration) error {
	if err := ours.decisions(ctx, m, turn); err != nil {
		return err
	}
	for _, w := range works() {
		s, err := o.told(w.story)
		if err != nil {
			return err
		}
		c, err := o.of(s)
		if err != nil {
			return err
		}
		for _, p := range all {
			if err := ctx.Err(); err != nil {
				return err
			}
			decide, err := p.ready(c)
			if err != nil {
				return fmt.Errorf("%s: %w", p.name, err)
			}
			ns, allocs, err := timed(decide, s.Reason == "ok", turn)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", p.name, w.says, err)
			}
			m.add(who{w.says, p.name}, ns, allocs)
		}
	}
	return nil
}

// timed decides the same call until the turn is over. The clock is read once a
// batch, which is far longer than reading it takes.
func timed(decide decider, allowed bool, turn time.Duration) (ns, allocs float64, err error) {
	const batch = 64
	n := 0
	var before, after runtime.MemStats
	if err := repeat(decide, allowed, batch); err != nil { // warm, and the cached peer has its answer
		return 0, 0, err
	}
	runtime.ReadMemStats(&before)
	begin := time.Now()
	for time.Since(begin) < turn {
		if err := repeat(decide, allowed, batch); err != nil {
			return 0, 0, err
		}
		n += batch
	}
	took := time.Since(begin)
	runtime.ReadMemStats(&after)
	return float64(took.Nanoseconds()) / float64(n), float64((after.Mallocs - before.Mallocs) / uint64(n)), nil
}

func repeat(decide decider, allowed bool, times int) error {
	for range times {
		if a, err := decide(); err != nil || a.allowed != allowed {
			return fmt.Errorf("answered %+v: %w", a, err)
		}
	}
	return nil
}
