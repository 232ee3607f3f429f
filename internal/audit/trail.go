// Package audit keeps one tenant's audit trail: who did what, from where, by
// which right, and with what outcome.
//
//	Record (a write, in its transaction) ┐
//	Join   (a read or denial, grouped)   ├→ audit_pending ─ Sequence → audit_entry
//	Unauthenticated (one a minute)       ┘                             chains, state
//
// An entry is committed as a body: a version byte and canonical JSON, hashed as
// it lies. That insert touches one table without facet indexes, which is all
// that the caller waits for. One sequencer a tenant, held by a lease row whose
// lock also keeps a second one out, moves committed entries to audit_entry:
// there they get their tenant sequence, their place in their object's chain,
// the hash of leaf and chain, and the indexes by which lists are found (by
// time, actor, operation, object, channel, address, and outcome where it is
// not "allowed"; other outcomes are nearly all entries and walk the time).
//
// Invariants: no entry, no effect and no answer: whoever cannot write gets
// fault.Unavailable. A sequence has no gaps. Whatever column of a sequenced row
// is altered, Verify names the row. Nothing recorded holds a control character
// or a card number; personal values lie sealed beside the body, which keeps
// salted commitments to them. Until an entry is sequenced (within a second, a
// burst of unauthenticated calls within its minute) it is protected by the
// database alone; and whoever can rewrite rows and hashes all together is only
// caught by a checkpoint kept elsewhere.
//
// It knows no role, no screen and no HTTP; who may read the trail is decided by
// those who call it.
package audit

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/alarm"
	"github.com/lendkeep/lendkeep/internal/audit/clean"
	"github.com/lendkeep/lendkeep/internal/audit/group"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// Config is what a trail is made of.
type Config struct {
	DB      *db.DB       // the tenant's database
	Ring    *keys.Ring   // the tenant's ring
	Persons *keys.Store  // the tenant's key store; nil = no entry may name a person's key
	Log     *slog.Logger // nil = discard
	Limit   int          // callers that may wait in Join at once; 0 = 4096
}

// Trail is one tenant's audit trail. It is safe for concurrent use.
type Trail struct {
	c      Config
	group  group.Group[*row]
	Alarm  *alarm.Alarm  // rings while entries cannot be written
	holder string        // this trail's name on the lease
	wake   chan struct{} // holds one wish to sequence
}

// New makes a trail. Run must be running somewhere for entries to be sequenced.
func New(c Config) *Trail {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Limit <= 0 {
		c.Limit = 4096
	}
	t := &Trail{c: c, holder: rand.Text(), wake: make(chan struct{}, 1)}
	t.group.Write, t.group.Limit = t.writeBatch, c.Limit
	t.Alarm = alarm.New(alarm.Config{Now: c.DB.Now, Log: c.Log, Tenant: string(c.Ring.Tenant())})
	return t
}

// Stored says how the sealed parts are found when keys are rotated.
func Stored() keys.Rewrap {
	return keys.Rewrap{Table: "audit_entry", Row: "id", Columns: []string{"sealed"}, Under: keys.AuditSeal}
}

// row is an entry ready to be inserted.
type row struct {
	id                                                  id.Audit
	at, hold, count                                     int64
	burst                                               string
	actor, operation, object, outcome, channel, address string
	body, sealed                                        []byte
	also                                                func(context.Context, *db.Tx) error
}

func (r *row) args() []any {
	return []any{string(r.id), r.at, r.hold, r.burst, r.count, r.actor, r.operation, r.object, r.outcome, r.channel, r.address, r.body, r.sealed}
}

const (
	insertPending = `INSERT INTO audit_pending
		(id, at, hold, burst, count, actor, operation, object, outcome, channel, address, body, sealed)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	insertBurst = insertPending + ` ON CONFLICT (burst) WHERE burst <> ''
		DO UPDATE SET count = audit_pending.count + excluded.count`
)

// Record writes an entry in the transaction of the write that it is about, and
// fills its ID and At. Its error must undo the transaction.
func (t *Trail) Record(ctx context.Context, tx *db.Tx, e *Entry) error {
	if t.unkept() {
		return nil
	}
	r, err := t.prepare(ctx, e, tx.At)
	if err != nil {
		return t.unwritten(err)
	}
	if err := tx.Last(ctx, t.unwritten, insertPending, r.args()...); err != nil {
		return err
	}
	t.signal()
	return nil
}

// Join writes an entry that has no transaction of its own (a read, a denial)
// and returns after its commit. Callers that wait at the same time share one
// transaction. also runs in it: small updates that must not cost a commit of
// their own, such as a session's last-seen; if it fails, only this caller fails.
func (t *Trail) Join(ctx context.Context, e *Entry, also ...func(context.Context, *db.Tx) error) error {
	if t.unkept() {
		return nil
	}
	r, err := t.prepare(ctx, e, t.c.DB.Now())
	if err != nil {
		return t.unwritten(err)
	}
	if len(also) > 0 {
		r.also = func(ctx context.Context, tx *db.Tx) error {
			for _, fn := range also {
				if err := fn(ctx, tx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return t.joined(t.group.Join(ctx, r))
}

// Unauthenticated notes a call by nobody known: one entry per address, reason
// and minute, with a count. The first caller of a minute gives the entry its
// other fields. The entry is in lists at once and is sequenced when its minute
// is over.
func (t *Trail) Unauthenticated(ctx context.Context, e *Entry) error {
	r, err := t.prepare(ctx, e, t.c.DB.Now())
	if err != nil {
		return t.unwritten(err)
	}
	const minute = int64(time.Minute / time.Microsecond)
	start := r.at - r.at%minute
	where := e.Address.String()
	if r.address == "" {
		// A sealed address must not come back in the key of its burst.
		where = string(t.c.Ring.BlindIndex("audit.burst", where))
	}
	r.burst = burstKey(where, clean.Text(e.Reason, clean.Name), start)
	r.hold = start + minute
	return t.joined(t.group.Join(ctx, r))
}

func (t *Trail) joined(err error) error {
	if err != nil {
		return t.unwritten(err)
	}
	t.signal()
	return nil
}

// unwritten is the one answer when an entry cannot be written: nothing was done.
func (t *Trail) unwritten(err error) error {
	if errors.Is(err, context.Canceled) {
		return err // the caller left; nobody reads the answer
	}
	var own *fault.Error
	if errors.As(err, &own) {
		return t.Lost(err)
	}
	t.Alarm.Ring(err)
	f := fault.Wrap(fault.Unavailable, "audit_unavailable", "The audit trail cannot be written, so nothing was done. Try again in a moment.", err)
	f.RetryAfter = 5 * time.Second
	return f
}

// Lost has the alarm ring if a call came to nothing, before its entry, for want of
// the database. It gives the error back.
func (t *Trail) Lost(err error) error {
	if db.IsBusyOrDown(err) {
		t.Alarm.Ring(err)
	}
	return err
}

// signal asks Run to sequence soon.
func (t *Trail) signal() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}
