// Package signin is the desk at the door: signing in and out, the second factor,
// passkeys, proving once more who one is, one's own sessions, setting and
// forgetting a password, and telling people who they are to the house.
//
//	password ──► session without a factor ──► factor ──► the house
//	   │               │ none yet: enrol one ──────▲
//	passkey ───────────┴───────────────────────────┘  (both at once)
//
// Answers about passwords are uniform in text and in work done: whether a user
// exists, is locked, is switched off, or calls from an address that is not
// allowed cannot be told from a wrong password. Wrong passwords and wrong codes
// count together, and so many in a row as the tenant says lock the account; a
// right password alone does not begin the count anew where a factor is needed.
// Whoever has a factor must give it before any factor or password is changed,
// so that a stolen password opens nothing. Passwords are hashed with no
// transaction open. Links are sent by a job: to reset a password they live for
// an hour, as invitations for seven days.
package signin

import (
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Limits of the door, in microseconds.
const (
	minute       = 60 * 1_000_000
	resetMicros  = 60 * minute
	enrolMicros  = 15 * minute // after the password, to begin a first factor
	maxLinks     = 3           // unused reset links of one user at a time
	maxFactors   = 20          // of one person
	maxPublicAsk = 200         // bytes of a browser's token
)

// Config is what the desk is wired with.
type Config struct {
	Passwords *identity.Passwords
	Kick      func(c *gate.Call)            // wakes the tenant's job runner after a commit
	Origin    func(t *tenant.Tenant) string // under which people reach a tenant: "https://host:port"
}

// Desk holds the operations of the door.
type Desk struct {
	config       Config
	Enter        *gate.Op[EnterIn, EnterOut]
	Leave        *gate.Op[Nothing, Done]
	RequestReset *gate.Op[RequestResetIn, Done]
	Reset        *gate.Op[ResetIn, Done]
	Me           *gate.Op[Nothing, MeOut]

	AskEntry  *gate.Op[Nothing, AskOut]
	EnterByPK *gate.Op[PasskeyEnterIn, EnterOut]

	Mine           *gate.Op[Nothing, MineOut]
	Give           *gate.Op[GiveIn, Given]
	Prove          *gate.Op[ProveIn, Done]
	Ask            *gate.Op[AskIn, AskOut]
	BeginCode      *gate.Op[Nothing, Done]
	ConfirmCode    *gate.Op[ConfirmIn, EnrolledOut]
	AddPasskey     *gate.Op[PasskeyAddIn, EnrolledOut]
	RemoveFactor   *gate.Op[FactorRef, Done]
	RenewCodes     *gate.Op[Nothing, EnrolledOut]
	ChangePassword *gate.Op[PasswordIn, Done]

	Sessions    *gate.Op[Nothing, SessionListOut]
	EndOne      *gate.Op[SessionRef, Done]
	EndEvery    *gate.Op[Nothing, Done]
	EndTheOther *gate.Op[Nothing, Done]
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
	d.Enter, d.Leave, d.Me = d.enter(), d.leave(), d.me()
	d.RequestReset, d.Reset = d.requestReset(), d.reset()
	d.AskEntry, d.EnterByPK = d.askEntry(), d.enterByPasskey()
	d.Mine, d.Give, d.Prove, d.Ask = d.mine(), d.give(), d.prove(), d.ask()
	d.BeginCode, d.ConfirmCode, d.AddPasskey = d.beginCode(), d.confirmCode(), d.addPasskey()
	d.RemoveFactor, d.RenewCodes = d.removeFactor(), d.renewCodes()
	d.ChangePassword = d.changePassword()
	d.Sessions, d.EndOne, d.EndEvery, d.EndTheOther = d.sessions(), d.endOne(), d.endEvery(), d.endOthers()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.Enter, d.Leave, d.RequestReset, d.Reset, d.Me, d.AskEntry, d.EnterByPK, d.Mine, d.Give, d.Prove, d.Ask,
		d.BeginCode, d.ConfirmCode, d.AddPasskey, d.RemoveFactor, d.RenewCodes, d.ChangePassword, d.Sessions, d.EndOne, d.EndEvery, d.EndTheOther}
}
