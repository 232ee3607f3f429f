package audit

import (
	"context"
	"time"
)

const (
	// settle lets the transaction that woke the sequencer commit, and others join
	// it: a batch costs its index pages once, however many entries it places.
	settle = 400 * time.Millisecond
	// soon is how often it looks while there was work a moment ago: a write may
	// commit long after it recorded its entry.
	soon = 500 * time.Millisecond
	// idle is how often it looks when nobody here wakes it: other nodes, the end
	// of a burst's minute.
	idle = 5 * time.Second
	// quiet is how many looks without work make it idle.
	quiet = 20
)

// Run sequences until ctx ends: within a second of a commit on this node, within
// a few of one elsewhere. It returns nil when ctx ends; trouble with the database
// is logged and tried again.
func (t *Trail) Run(ctx context.Context) error {
	timer := time.NewTimer(settle)
	defer timer.Stop()
	defer t.leave(ctx)
	empty, soonest := 0, true // soonest: the timer is set to settle already
	for {
		wake := t.wake
		if soonest { // whoever commits need not wake it again, and does not put it off
			wake = nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			empty, soonest = 0, true
			timer.Reset(settle)
			continue
		case <-timer.C:
			soonest = false
		}
		n, err := t.Sequence(ctx)
		if err != nil && ctx.Err() == nil {
			t.c.Log.Error("audit entries wait to be sequenced; check the tenant's database",
				"tenant", string(t.c.Ring.Tenant()), "error", err)
		}
		if empty++; n > 0 {
			empty = 0
		}
		if empty < quiet {
			timer.Reset(soon)
		} else {
			timer.Reset(idle)
		}
	}
}

// leave sequences what is left and gives the lease back.
func (t *Trail) leave(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_, err := t.sequence(ctx, true)
	if err == nil {
		err = t.release(ctx)
	}
	if err != nil {
		t.c.Log.Warn("audit lease not given back; another node takes over when it ends",
			"tenant", string(t.c.Ring.Tenant()), "error", err)
	}
}
