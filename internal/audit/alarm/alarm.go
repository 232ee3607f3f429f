// Package alarm knows whether the entries of one trail can be written. It rings
// when one could not be, and falls silent when somebody has written that it is
// over; what rings is a line in the log with a stable key, and a state that
// others look at: readiness, pages, letters.
//
// It holds its state in memory alone, because the database is what fails. Each
// node rings for itself. It must not know what an entry says, nor how people are
// told.
package alarm

import (
	"log/slog"
	"sync"
	"time"
)

// Key is the value of "alarm" in every line of the log about this.
const Key = "audit_unwritten"

// again is how often the log says that it still rings.
const again = int64(time.Minute / time.Microsecond)

// Config is what an alarm is made of.
type Config struct {
	Now    func() int64
	Log    *slog.Logger
	Tenant string
}

// State is whether, and since when, entries cannot be written.
type State struct {
	Since int64 // unix microseconds; 0: they can
	Calls int64 // calls that came to nothing for want of an entry
}

// Rings reports that entries cannot be written.
func (s State) Rings() bool { return s.Since != 0 }

// Alarm is the alarm of one trail. It is safe for concurrent use.
type Alarm struct {
	c    Config
	rung chan struct{} // holds one wish to look after it

	mu    sync.Mutex // guards state and said
	state State
	said  int64 // when the log was told last
}

// New makes an alarm that is silent.
func New(c Config) *Alarm { return &Alarm{c: c, rung: make(chan struct{}, 1)} }

// Ring says that an entry could not be written, so that nothing was done.
func (a *Alarm) Ring(cause error) {
	now := a.c.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.state.Calls++; a.state.Since == 0 {
		a.state.Since = now
	} else if now >= a.said && now-a.said < again {
		return
	}
	a.said = now
	a.c.Log.Error("audit entries cannot be written, so nothing is done; check the tenant's database and key store",
		"alarm", Key, "state", "rings", "tenant", a.c.Tenant, "since", at(a.state.Since), "calls", a.state.Calls, "error", cause)
	select {
	case a.rung <- struct{}{}:
	default:
	}
}

// State gives how it stands.
func (a *Alarm) State() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.state
}

// Rung wakes whoever looks after the alarm.
func (a *Alarm) Rung() <-chan struct{} { return a.rung }

// End silences it, for somebody has written an entry, and tells what was.
func (a *Alarm) End() State {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.state
	if a.state = (State{}); was.Rings() {
		a.c.Log.Warn("audit entries can be written again", "alarm", Key, "state", "ended", "tenant", a.c.Tenant, "since", at(was.Since), "calls", was.Calls)
	}
	return was
}

func at(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }
