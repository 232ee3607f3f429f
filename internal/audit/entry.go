package audit

import (
	"net/netip"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// Change is one field of the object before and after.
type Change struct {
	Field  string
	Before string
	After  string
	// Sealed: the values are personal. They are stored encrypted, under the key
	// of Person (a borrower's id) or, without one, under the tenant's audit key;
	// the entry itself keeps only salted commitments to them.
	Sealed bool
	Person string
}

// Entry is one thing that somebody or something did, was refused, or failed at.
// Empty fields mean "not applicable" and are left out of the stored entry.
type Entry struct {
	ID       id.Audit // given by the trail
	Sequence int64    // place in the tenant's trail, from 1; 0 until the sequencer came by
	// ObjectSequence is the place in the object's own chain, from 1; 0 for entries
	// without an object and until the sequencer came by.
	ObjectSequence int64
	At             int64  // unix microseconds; 0 = the transaction's or the trail's instant
	Actor          string // "user/us_…", "job/jb_…", "portal/ap_…", "anonymous"
	ActorName      string // as it was then; names of staff, never of borrowers
	For            string // whom the actor acted for
	Channel        operation.Channel
	Credential     string     // id of the API key or session
	Address        netip.Addr // of the caller; sealed when Channel is Portal
	UserAgent      string
	Operation      string   // name in the gate's list, "loan.view"
	Operations     []string // the operations of a page's batch
	Object         string   // "loan/ln_…", "settings/ipstack"
	Outcome        operation.Outcome
	Layer          string // of the gate, that decided
	Reason         string // stable code
	Rule           string // text or id of the rule that decided
	DecisionID     id.Decision
	PolicyVersion  int64
	Grant          string // walkthrough grant that allowed it
	Given          string // reason that the person gave
	Changes        []Change
	Detail         map[string]string
	// SealedDetail is Detail that not everybody who reads the trail may see:
	// attempted log-in names, borrowers' addresses. Stored like a sealed Change.
	SealedDetail map[string]string
	Count        int64 // how many such events this entry stands for; 0 reads as 1
	// Disposal: what it said is gone, because its time of retention had ended. The
	// note of this name, another entry, says so.
	Disposal string
}

// Filter narrows a list. Zero fields do not narrow.
type Filter struct {
	Actor     string
	Operation string
	Object    string
	Outcome   string // "allowed", "denied", "failed"
	Channel   string
	Address   string
	Within    *db.Cond // over the columns of an entry: which may be looked at; nil: all
	From, To  int64    // unix microseconds: From <= At < To
	// BeforeAt and BeforeID are the At and ID of the last entry of the page
	// before; the list goes on with what is older.
	BeforeAt int64
	BeforeID id.Audit
	Limit    int // entries a page; 0 = 50, at most 500
	// Patience bounds how long is looked for entries; for their total half as long; a
	// page then may hold fewer than there are. 0 = as long as it takes.
	Patience time.Duration
}

// Page is one page of a list, newest first.
type Page struct {
	Entries []Entry
	Total   int64 // entries that meet the filter, without the cursor
	AtLeast bool  // Total stopped counting; there are at least so many
	More    bool
	// Reached: patience ran out, and only what is not older was looked at. The next
	// page begins before it: BeforeAt with an empty BeforeID.
	Reached int64
}
