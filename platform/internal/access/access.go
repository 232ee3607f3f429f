// Package access decides whether a call may be made: a compiled policy, a
// compiled subject and a query in, a decision with its reason out.
//
// The rules of precedence: everything narrows; only a walkthrough grant widens,
// and it widens operations, never addresses or factors. A call is allowed when
//
//	the tenant is active
//	∧ who calls is active (user, session or key)
//	∧ the address passes every holder's rules: tenant, role, user, key
//	∧ on the screens: the password is not too old, and a second factor has been
//	  given in this session unless a recorded exception stands
//	∧ (the role permits the operation in this channel ∨ a grant permits it on
//	  this object, in this session, until its time)
//	∧ the key's scope holds the operation
//	∧ on the screens, where the operation asks for it: the person has proved
//	  again who they are within the last five minutes.
//
// A tenant may ask for a second person for some operations: then the decision
// says FourEyes, and what would have been done becomes a proposal.
//
// The layers are asked in this order, and the first that says no decides. Rows
// are judged after this, by search restrictions, in SQL.
//
// Invariants: the package is pure. It knows no I/O, no clock (the query brings
// the instant), no database and no names: operations are numbers, addresses are
// compiled sets. Policies and subjects are immutable once handed over, for any
// number of goroutines. Decide does not allocate. Whatever is unknown — a nil
// policy, subject or role, a channel of no name, an address that is not valid
// where rules stand — is refused.
package access

import (
	"net/netip"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// Layer is the layer that decided.
type Layer uint8

// The layers in the order in which they are asked. Row and Limit never come
// from Decide: the gate sets them when restrictions and area levels refuse.
const (
	NoLayer Layer = iota
	Tenant
	Principal // the user, session or key itself
	Address
	Factor // password age and second factors
	Permission
	Key    // an API key's scope
	StepUp // the person proves again who they are
	FourEyes
	Row
	Limit
)

// String gives the layer's name in answers and in the audit trail.
func (l Layer) String() string {
	return at(l, "", "tenant", "principal", "address", "factor", "role", "key", "step_up", "four_eyes", "row", "limit")
}

// Reason is why a decision fell as it did: a closed list.
type Reason uint8

// The reasons. The zero Reason refuses, so that a Decision that nobody made
// allows nothing and says so.
const (
	Undecided Reason = iota
	OK
	TenantInactive
	UserInactive
	KeyExpired
	SessionEnded
	AddressDenied
	AddressNotAllowed
	PasswordExpired
	FactorStale
	RoleLacksOperation
	GrantExpired
	KeyScopeLacksOperation
	ChannelUnknown
	NotVisible
	LimitTooLow
	StepUpNeeded
	FourEyesNeeded
	ViewOnly
	reasons // how many there are
)

// String gives the stable code that programs act on.
func (r Reason) String() string {
	return at(r, "undecided", "ok", "tenant_inactive", "user_inactive", "key_expired", "session_ended", "address_denied",
		"address_not_allowed", "password_expired", "factor_stale", "role_lacks_operation", "grant_expired",
		"key_scope_lacks_operation", "channel_unknown", "not_found", "limit_too_low", "step_up_needed", "four_eyes_needed", "view_only")
}

// Words gives the reason as one sentence for whoever was refused.
func (r Reason) Words() string {
	return at(r,
		"Nothing has been decided, so nothing is allowed.",
		"Every layer allows it.",
		"The tenant is not active.",
		"The user is not active.",
		"The API key has expired or was revoked.",
		"The session has ended; sign in again.",
		"Calls from this address are denied by an IP rule.",
		"Calls from this address are not among those that the IP rules allow.",
		"The password has expired; set a new one.",
		"The second factor must be given again.",
		"The role does not permit this operation in this channel.",
		"The walkthrough's permission for this operation has ended.",
		"The API key's scope does not hold this operation.",
		"The call came in a channel that is not known.",
		"It is not there, or it may not be seen.",
		"A limit on this area of the row does not permit this.",
		"This operation asks for the second factor once more.",
		"A second person must approve this.",
		"You are looking through somebody else's eyes, which changes nothing; end the view first.")
}

func at[E ~uint8](e E, words ...string) string {
	if int(e) < len(words) {
		return words[e]
	}
	return "unknown"
}

// Bits is a set of operation numbers. The nil set is empty.
type Bits []uint64

// NewBits makes a set of the numbers. It is never nil, so that an empty scope
// cannot be taken for none.
func NewBits(numbers ...uint16) Bits {
	b := Bits{}
	for _, n := range numbers {
		b.Set(n)
	}
	return b
}

// Has reports whether n is in the set.
func (b Bits) Has(n uint16) bool {
	return int(n>>6) < len(b) && b[n>>6]&(1<<(n&63)) != 0
}

// Set puts n into the set, which grows as needed.
func (b *Bits) Set(n uint16) {
	for len(*b) <= int(n>>6) {
		*b = append(*b, 0)
	}
	(*b)[n>>6] |= 1 << (n & 63)
}

// And gives the numbers that are in both sets.
func (b Bits) And(c Bits) Bits {
	both := make(Bits, min(len(b), len(c)))
	for i := range both {
		both[i] = b[i] & c[i]
	}
	return both
}

// Or gives the numbers that are in either set.
func (b Bits) Or(c Bits) Bits {
	either := make(Bits, max(len(b), len(c)))
	copy(either, b)
	for i := range c {
		either[i] |= c[i]
	}
	return either
}

// Role is a compiled role: what it permits on the screens and through the API.
type Role struct{ UI, API Bits }

// IPRule is one active set of addresses of one holder. Index is the caller's
// number for it, told in the decision.
type IPRule struct {
	Deny  bool
	Set   *ipset.Set
	Index int32
}

// Policy is a tenant's compiled policy at one version.
type Policy struct {
	Version      int64
	TenantActive bool
	TenantIP     []IPRule
	FourEyes     Bits // operations that a second person must approve
}

// StepUpWithin is how long a proof of who one is stays fresh, in microseconds.
const StepUpWithin = 5 * 60 * 1_000_000

// Subject is who calls, compiled. The zero Subject may do nothing.
type Subject struct {
	Active       bool  // the user is active
	Role         *Role // nil permits nothing
	RoleIP       []IPRule
	UserIP       []IPRule // own and through teams
	KeyIP        []IPRule
	KeyScope     Bits // nil: no key, or a key without a scope; empty but not nil permits nothing
	KeyExpired   bool
	SessionEnded bool
	PasswordEnds int64 // instant from which the password is too old for the screens; 0: never
	FactorNeeded bool  // on the screens a second factor is needed …
	ExceptUntil  int64 // … but not before this instant: a recorded exception
	Grants       []Grant

	reach *reach // nil until Join
}

// Grant is an operation that a walkthrough lends on one named object, in one
// session, until an instant (unix microseconds, exclusive).
type Grant struct {
	Op      uint16
	Object  string
	Session id.Session
	Until   int64
}

// Query is one call to be decided. At is its instant in unix microseconds.
type Query struct {
	Op       uint16
	Channel  operation.Channel
	Address  netip.Addr
	Object   string
	Session  id.Session
	At       int64
	FactorAt int64 // when this session last gave a second factor; 0: never
	ProvedAt int64 // when it last proved the person by factor or, under an exception, by password
	Mends    bool  // the operation mends a stale password or factor, so neither stops it
	StepUp   bool  // the operation asks for a fresh proof on the screens
	ViewOnly bool  // the session looks through other eyes and the operation would change something
}

// Decision is the answer. Rule is the Index of the IP rule that denied, or -1.
// Granted says that a grant and not the role permitted the operation, FourEyes
// that the call may only become a proposal. Layer is NoLayer when allowed.
type Decision struct {
	Allowed  bool
	Granted  bool
	FourEyes bool
	Reason   Reason
	Layer    Layer
	Channel  operation.Channel
	Op       uint16
	Rule     int32
	Version  int64
}
