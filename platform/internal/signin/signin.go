// Package signin is the desk at the door: signing in and out, resetting a
// password, and telling people who they are to the house.
//
// Answers about passwords are uniform in text and in work done: whether a user
// exists, is locked, is switched off, or calls from an address that is not
// allowed cannot be told from a wrong password. Ten wrong passwords in a row
// lock an account for thirty minutes. Passwords are hashed with no transaction
// open. Reset links are sent by a job and live for an hour.
package signin

import (
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Limits of the door.
const (
	failuresBeforeLock = 10
	lockMicros         = 30 * 60 * 1_000_000
	resetMicros        = 60 * 60 * 1_000_000
	maxLinks           = 3 // unused reset links of one user at a time
)

// Config is what the desk is wired with.
type Config struct {
	Passwords *identity.Passwords
	Kick      func(c *gate.Call) // wakes the tenant's job runner after a commit
}

// Desk holds the operations of the door.
type Desk struct {
	config       Config
	Enter        *gate.Op[EnterIn, EnterOut]
	Leave        *gate.Op[Nothing, Done]
	RequestReset *gate.Op[RequestResetIn, Done]
	Reset        *gate.Op[ResetIn, Done]
	Me           *gate.Op[Nothing, MeOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Enter = d.enter()
	d.Leave = d.leave()
	d.RequestReset = d.requestReset()
	d.Reset = d.reset()
	d.Me = d.me()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.Enter, d.Leave, d.RequestReset, d.Reset, d.Me}
}
