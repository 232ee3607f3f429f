// Package vantage is the desk of where somebody stands: what a person may do and
// see here, told to themselves, and the view through another's eyes.
//
// Invariants. A view belongs to the session that begins it, and the gate looks
// through it from the next call on: it shows what both roles show, binds both
// persons' restrictions, changes nothing but its own end, and every look is
// recorded with whose eyes it was through. Nobody looks through what is not there.
// What somebody is told of their own access is computed from the policy of that
// very call, and names no row beyond what they may see.
package vantage

import (
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config Config
	Begin  *gate.Op[BeginIn, View]
	End    *gate.Op[Nothing, View]
	Mine   *gate.Op[Nothing, AccessOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Begin, d.End, d.Mine = d.begin(), d.end(), d.mine()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Begin, d.End, d.Mine} }

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
