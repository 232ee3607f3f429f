package audit_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/operation"
)

const ddl = `-- +goose Up
CREATE TABLE audit_pending (
  n SERIAL_KEY, id TEXT NOT NULL, at BIGINT NOT NULL, hold BIGINT NOT NULL, burst TEXT NOT NULL, count BIGINT NOT NULL,
  actor TEXT NOT NULL, operation TEXT NOT NULL, object TEXT NOT NULL, outcome TEXT NOT NULL,
  channel TEXT NOT NULL, address TEXT NOT NULL, body BLOB_TYPE NOT NULL, sealed BLOB_TYPE NOT NULL);
CREATE UNIQUE INDEX audit_pending_burst ON audit_pending (burst) WHERE burst <> '';
CREATE TABLE audit_entry (
  sequence SEQUENCE_KEY, id TEXT NOT NULL, at BIGINT NOT NULL,
  actor TEXT NOT NULL, operation TEXT NOT NULL, object TEXT NOT NULL, object_sequence BIGINT NOT NULL, outcome TEXT NOT NULL,
  channel TEXT NOT NULL, address TEXT NOT NULL, body BLOB_TYPE NOT NULL, sealed BLOB_TYPE NOT NULL,
  leaf BLOB_TYPE NOT NULL, chain BLOB_TYPE NOT NULL, disposal TEXT NOT NULL DEFAULT '');
CREATE UNIQUE INDEX audit_entry_id ON audit_entry (id);
CREATE INDEX audit_entry_at ON audit_entry (at);
CREATE INDEX audit_entry_actor ON audit_entry (actor, at);
CREATE INDEX audit_entry_operation ON audit_entry (operation, at);
CREATE INDEX audit_entry_object ON audit_entry (object, at);
CREATE INDEX audit_entry_channel ON audit_entry (channel, at);
CREATE INDEX audit_entry_address ON audit_entry (address, at);
CREATE INDEX audit_entry_refused ON audit_entry (outcome, at) WHERE outcome <> 'allowed';
CREATE TABLE audit_chain (object TEXT PRIMARY KEY, length BIGINT NOT NULL, last BIGINT NOT NULL, head BLOB_TYPE NOT NULL);
CREATE TABLE audit_state (name TEXT PRIMARY KEY, size BIGINT NOT NULL, head BLOB_TYPE NOT NULL, holder TEXT NOT NULL, until BIGINT NOT NULL);
CREATE TABLE audit_tree (name TEXT PRIMARY KEY, size BIGINT NOT NULL, edge BLOB_TYPE NOT NULL);
CREATE TABLE audit_node (level BIGINT NOT NULL, place BIGINT NOT NULL, hash BLOB_TYPE NOT NULL, PRIMARY KEY (level, place));
CREATE TABLE audit_checkpoint (size BIGINT PRIMARY KEY, at BIGINT NOT NULL, note TEXT NOT NULL);
CREATE TABLE audit_handover (key TEXT PRIMARY KEY, at BIGINT NOT NULL, note TEXT NOT NULL);
CREATE TABLE audit_witness (size BIGINT NOT NULL);
CREATE TABLE person_key (person TEXT PRIMARY KEY, wrapped BLOB_TYPE NOT NULL, created_at BIGINT NOT NULL, destroyed_at BIGINT NOT NULL DEFAULT 0);
CREATE TABLE effect (n BIGINT NOT NULL);
`

func migrations() fs.FS {
	lite := strings.NewReplacer("SERIAL_KEY", "INTEGER PRIMARY KEY", "SEQUENCE_KEY", "INTEGER PRIMARY KEY", "BLOB_TYPE", "BLOB")
	post := strings.NewReplacer("SERIAL_KEY", "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "SEQUENCE_KEY", "BIGINT PRIMARY KEY", "BLOB_TYPE", "BYTEA")
	return fstest.MapFS{
		"sqlite/0001_audit.sql":   {Data: []byte(lite.Replace(ddl))},
		"postgres/0001_audit.sql": {Data: []byte(post.Replace(ddl))},
	}
}

// house is one tenant with a trail, a key store in a database of its own, and a clock.
type house struct {
	d      *db.DB
	trail  *audit.Trail
	store  *keys.Store
	ring   *keys.Ring
	clock  *dbtest.Clock
	config audit.Config
}

func build(t testing.TB, engine db.Engine) *house {
	t.Helper()
	h := &house{clock: &dbtest.Clock{}}
	open := func(engine db.Engine) *db.DB {
		c := dbtest.Config(t, engine)
		c.Now = h.clock.Now
		return dbtest.OpenConfig(t, c, migrations())
	}
	h.d = open(engine)
	kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.json"))
	if err != nil {
		t.Fatal(err)
	}
	tenant := id.Tenant("tn_00000000000000000000000001")
	wrapped, err := keys.NewRing(t.Context(), kms, tenant)
	if err != nil {
		t.Fatal(err)
	}
	h.ring, err = keys.OpenRing(t.Context(), kms, tenant, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	h.store = &keys.Store{DB: open(db.SQLite), Ring: h.ring}
	h.config = audit.Config{DB: h.d, Ring: h.ring, Persons: h.store}
	h.trail = audit.New(h.config)
	return h
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) { fn(t, build(t, engine)) })
	}
}

func (h *house) write(t testing.TB, fn func(ctx context.Context, tx *db.Tx) error) {
	t.Helper()
	if err := h.d.Write(t.Context(), h.d.Now(), fn); err != nil {
		t.Fatal(err)
	}
}

func (h *house) record(t testing.TB, e *audit.Entry) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) error { return h.trail.Record(ctx, tx, e) })
}

func (h *house) join(t testing.TB, e *audit.Entry) {
	t.Helper()
	if err := h.trail.Join(t.Context(), e); err != nil {
		t.Fatal(err)
	}
}

func (h *house) sequence(t testing.TB) int {
	t.Helper()
	n, err := h.trail.Sequence(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (h *house) list(t testing.TB, f audit.Filter) audit.Page {
	t.Helper()
	var p audit.Page
	err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		p, err = h.trail.List(ctx, tx, f)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (h *house) reveal(t testing.TB, want id.Audit) *audit.Entry {
	t.Helper()
	var e *audit.Entry
	err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		e, err = h.trail.Reveal(ctx, tx, want)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (h *house) verify(ctx context.Context) error {
	return h.d.Read(ctx, h.d.Now(), func(ctx context.Context, tx *db.Tx) error { return h.trail.Verify(ctx, tx) })
}

func payment(loan string) *audit.Entry {
	return &audit.Entry{
		Actor: "user/us_agent", ActorName: "Ada Agent", Channel: operation.UI, Credential: "se_1",
		Address: netip.MustParseAddr("198.51.100.7"), UserAgent: "Browser/1.0",
		Operation: "loan.payment.log", Object: "loan/" + loan, Outcome: operation.Allowed,
		PolicyVersion: 7, Given: "paid at the desk",
		Changes: []audit.Change{{Field: "balance", Before: "1000.00", After: "750.00"}},
		Detail:  map[string]string{"path": "/loans/" + loan},
	}
}

func denial() *audit.Entry {
	return &audit.Entry{
		Actor: "user/us_agent", Channel: operation.API, Credential: "ak_1", Address: netip.MustParseAddr("2001:db8::7"),
		Operation: "role.update", Object: "role/ro_1", Outcome: operation.Denied, Layer: "role", Reason: "role_lacks_operation",
		Rule: "Agent", DecisionID: "dc_1", PolicyVersion: 7,
	}
}

var stored = cmp.Options{cmpopts.EquateComparable(netip.Addr{}), cmpopts.EquateEmpty(), cmpopts.IgnoreFields(audit.Entry{}, "Sequence", "ObjectSequence", "Count")}

func TestAnEntryIsThereAtOnceAndGetsItsPlaceSoon(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		paid, refused := payment("ln_1"), denial()
		h.record(t, paid)
		h.clock.Advance(time.Second)
		h.join(t, refused)
		p := h.list(t, audit.Filter{})
		if diff := cmp.Diff([]audit.Entry{*refused, *paid}, p.Entries, stored); diff != "" || p.Total != 2 || p.More {
			t.Errorf("before sequencing (total %d, more %v):\n%s", p.Total, p.More, diff)
		}
		if p.Entries[0].Sequence != 0 {
			t.Error("an entry has a sequence before the sequencer came by")
		}
		if n := h.sequence(t); n != 2 {
			t.Errorf("placed %d, want 2", n)
		}
		p = h.list(t, audit.Filter{})
		if diff := cmp.Diff([]audit.Entry{*refused, *paid}, p.Entries, stored); diff != "" || p.Total != 2 {
			t.Errorf("after sequencing (total %d):\n%s", p.Total, diff)
		}
		if p.Entries[1].Sequence != 1 || p.Entries[0].Sequence != 2 || p.Entries[0].ObjectSequence != 1 || p.Entries[0].Count != 1 {
			t.Errorf("places: %+v", p.Entries)
		}
		if err := h.verify(t.Context()); err != nil {
			t.Error(err)
		}
		if err := h.d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
			_, err := h.trail.Get(ctx, tx, "au_nothing")
			return err
		}); !fault.Is(err, fault.NotFound) {
			t.Errorf("an entry that is not there: %v", err)
		}
	})
}

func TestNoEntryNoEffect(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		effects := func() (n int64) {
			t.Helper()
			if err := h.d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, `SELECT count(*) FROM effect`, nil, &n)
			}); err != nil {
				t.Fatal(err)
			}
			return n
		}
		pay := func(e *audit.Entry) error {
			return h.d.Write(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
				if _, err := tx.Exec(ctx, `INSERT INTO effect (n) VALUES (1)`); err != nil {
					return err
				}
				return h.trail.Record(ctx, tx, e)
			})
		}
		if err := pay(payment("ln_1")); err != nil || effects() != 1 {
			t.Fatalf("a good write: %v, %d effects", err, effects())
		}
		if err := pay(&audit.Entry{Operation: "loan.payment.log"}); !fault.Is(err, fault.Internal) || effects() != 1 {
			t.Errorf("an entry without actor: %v, %d effects", err, effects())
		}
		personal := payment("ln_1")
		personal.Changes = []audit.Change{{Field: "ssn", After: "987-65-4320", Sealed: true, Person: "bo_nobody"}}
		if err := pay(personal); !fault.Is(err, fault.Unavailable) || effects() != 1 {
			t.Errorf("a personal value without a key to seal it: %v, %d effects", err, effects())
		}
		h.write(t, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `ALTER TABLE audit_pending RENAME TO audit_gone`)
			return err
		})
		err := pay(payment("ln_1"))
		if !fault.Is(err, fault.Unavailable) || fault.As(err).RetryAfter == 0 || effects() != 1 {
			t.Errorf("a write with the trail gone: %v, %d effects", err, effects())
		}
		if err := h.trail.Join(t.Context(), denial()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("a denial with the trail gone: %v", err)
		}
		if err := h.trail.Unauthenticated(t.Context(), denial()); !fault.Is(err, fault.Unavailable) {
			t.Errorf("an unknown caller with the trail gone: %v", err)
		}
	})
}

func TestOneEntryPerUnknownCallerReasonAndMinute(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		knock := func(address, reason string) {
			t.Helper()
			err := h.trail.Unauthenticated(t.Context(), &audit.Entry{
				Actor: "anonymous", Channel: operation.API, Address: netip.MustParseAddr(address), Operation: "loan.view",
				Outcome: operation.Denied, Layer: "principal", Reason: reason, Detail: map[string]string{"path": "/api/v1/loans"},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		counts := func() map[string]int64 {
			t.Helper()
			out := map[string]int64{}
			for _, e := range h.list(t, audit.Filter{Actor: "anonymous"}).Entries {
				out[e.Address.String()+" "+e.Reason+time.UnixMicro(e.At).UTC().Format(" 15:04")] = e.Count
			}
			return out
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { knock("203.0.113.9", "bad_key") })
		}
		all.Wait()
		knock("203.0.113.9", "no_credential")
		knock("203.0.113.10", "bad_key")
		h.clock.Advance(time.Minute)
		knock("203.0.113.9", "bad_key")
		want := map[string]int64{
			"203.0.113.9 bad_key 09:00": 20, "203.0.113.9 no_credential 09:00": 1, "203.0.113.10 bad_key 09:00": 1,
			"203.0.113.9 bad_key 09:01": 1,
		}
		if diff := cmp.Diff(want, counts()); diff != "" {
			t.Error(diff)
		}
		if n := h.sequence(t); n != 3 {
			t.Errorf("placed %d, want the 3 whose minute is over", n)
		}
		h.clock.Advance(time.Minute)
		if n := h.sequence(t); n != 1 {
			t.Errorf("placed %d, want the last one", n)
		}
		if diff := cmp.Diff(want, counts()); diff != "" {
			t.Error("after sequencing:", diff)
		}
		if err := h.verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestPersonalValuesLieSealedAndOutliveTheirKeyOnlyAsProof(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		if _, err := h.store.Create(ctx, "bo_anna"); err != nil {
			t.Fatal(err)
		}
		change := payment("ln_1")
		change.Changes = append(change.Changes,
			audit.Change{Field: "ssn", Before: "987-65-4320", After: "987-65-4321", Sealed: true, Person: "bo_anna"},
			audit.Change{Field: "ipstack key", After: "k-3f9a7c", Sealed: true})
		h.record(t, change)
		apply := &audit.Entry{
			Actor: "portal/ap_1", Channel: operation.Portal, Address: netip.MustParseAddr("203.0.113.10"),
			Operation: "application.submit", Object: "application/ap_1", Outcome: operation.Allowed,
			SealedDetail: map[string]string{"login": "anna@example.com"},
		}
		h.join(t, apply)
		h.sequence(t)

		all := h.everything(t)
		for _, secret := range []string{"987-65-4320", "987-65-4321", "k-3f9a7c", "203.0.113.10", "anna@example.com"} {
			if strings.Contains(all, secret) {
				t.Errorf("%s lies in the clear", secret)
			}
		}
		e := h.list(t, audit.Filter{Object: "loan/ln_1"}).Entries[0]
		if e.Changes[1].Before != audit.Sealed || e.Changes[1].After != audit.Sealed || e.Changes[0].After != "750.00" {
			t.Errorf("a list shows %+v", e.Changes)
		}
		if diff := cmp.Diff(change, h.reveal(t, change.ID), stored); diff != "" {
			t.Errorf("revealed:\n%s", diff)
		}
		seen := h.reveal(t, apply.ID)
		if seen.Address.IsValid() || seen.SealedDetail["login"] != "anna@example.com" || seen.SealedDetail["address"] != "203.0.113.10" {
			t.Errorf("revealed application: %+v", seen)
		}
		if err := h.store.Destroy(ctx, "bo_anna"); err != nil {
			t.Fatal(err)
		}
		seen = h.reveal(t, change.ID)
		if seen.Changes[1].Before != audit.Erased || seen.Changes[1].After != audit.Erased || seen.Changes[2].After != "k-3f9a7c" {
			t.Errorf("after erasure: %+v", seen.Changes)
		}
		if err := h.verify(ctx); err != nil {
			t.Errorf("after erasure the proof fails: %v", err)
		}
	})
}

// everything is the text of every column of every row of the trail.
func (h *house) everything(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for table, columns := range map[string][]string{
		"audit_entry":   {"id", "actor", "operation", "object", "channel", "address", "body", "sealed"},
		"audit_pending": {"id", "burst", "actor", "operation", "object", "channel", "address", "body", "sealed"},
		"audit_chain":   {"object"},
	} {
		for _, column := range columns {
			err := h.d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
				all, err := db.All(ctx, tx, func(r *db.Rows) (string, error) {
					var v []byte
					err := r.Scan(&v)
					return string(v), err
				}, `SELECT `+column+` FROM `+table)
				b.WriteString(strings.Join(all, "\n"))
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return b.String()
}

func TestABorrowersAddressDoesNotLieInTheKeyOfItsBurst(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := &audit.Entry{Actor: "anonymous", Channel: operation.Portal, Address: netip.MustParseAddr("203.0.113.10"),
			Operation: "application.submit", Outcome: operation.Denied, Reason: "too_many"}
		for range 3 {
			if err := h.trail.Unauthenticated(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
		if all := h.everything(t); strings.Contains(all, "203.0.113.10") || strings.Contains(all, fmt.Sprintf("%x", "203.0.113.10")) {
			t.Error("the address lies in the clear")
		}
		if p := h.list(t, audit.Filter{}); len(p.Entries) != 1 || p.Entries[0].Count != 3 {
			t.Errorf("bursts: %+v", p.Entries)
		}
	})
}

func TestWhatIsRecordedIsFitToBeShownAnywhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		e := payment("ln_1\x00")
		e.UserAgent = "Browser\r\nSet-Cookie: a=1" + strings.Repeat("x", 5000)
		e.Given = "card 4111 1111 1111 1111, see \u202eevil\u202c \xff"
		e.Detail = map[string]string{"path": "/pay/4111111111111111?\u2066"}
		e.Changes = []audit.Change{{Field: "note", After: "4111-1111-1111-1111"}}
		h.record(t, e)
		h.sequence(t)
		all := h.everything(t)
		for _, bad := range []string{"\r", "\u202e", "\u2066", "4111 1111", "41111111", "4111-1111", "\xff", "\x00"} {
			if strings.Contains(all, bad) {
				t.Errorf("%q was recorded", bad)
			}
		}
		got := h.reveal(t, e.ID)
		if !strings.Contains(got.Given, `\u202eevil`) || !strings.Contains(got.Given, "1111") || len(got.UserAgent) > 400 || got.Object != `loan/ln_1\u0000` {
			t.Errorf("recorded: %q, %d bytes of user agent, %q", got.Given, len(got.UserAgent), got.Object)
		}
	})
}

func TestRunPlacesWhatCommitsAndLeavesNothingRunning(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		before := goleak.IgnoreCurrent()
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- h.trail.Run(ctx) }()
		h.join(t, denial())
		h.record(t, payment("ln_1"))
		deadline := time.After(10 * time.Second)
		for {
			p := h.list(t, audit.Filter{})
			if p.Entries[0].Sequence > 0 && p.Entries[1].Sequence > 0 {
				break
			}
			select {
			case <-deadline:
				t.Fatal("entries were not sequenced")
			case <-time.After(20 * time.Millisecond):
			}
		}
		h.join(t, denial()) // what is left is placed on the way out
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if p := h.list(t, audit.Filter{}); p.Entries[0].Sequence == 0 && p.Entries[1].Sequence == 0 {
			t.Error("an entry was left behind")
		}
		if n := h.sequence(t); n != 0 {
			t.Errorf("%d were left behind", n)
		}
		next := audit.New(h.config)
		h.join(t, denial())
		if n, err := next.Sequence(t.Context()); n != 1 || err != nil {
			t.Errorf("the next node waits for the lease: placed %d, %v", n, err)
		}
		goleak.VerifyNone(t, before)
	})
}

func TestASteadyStreamDoesNotPutTheSequencerOff(t *testing.T) {
	h := build(t, db.SQLite)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.trail.Run(ctx) }()
	start := time.Now()
	for sequenced := false; !sequenced; {
		h.join(t, denial()) // no pause: the next wake comes long before the sequencer settles
		if err := h.d.Read(ctx, 1, func(ctx context.Context, tx *db.Tx) error {
			n, err := h.trail.Sequenced(ctx, tx)
			sequenced = n > 0
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if time.Since(start) > 20*time.Second {
			t.Fatal("nothing was sequenced while entries kept coming")
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestNoFacetWalksTheWholeTrail reads SQLite's plans; PostgreSQL's depend on
// how full its tables are, so the bench looks at those.
func TestNoFacetWalksTheWholeTrail(t *testing.T) {
	h := build(t, db.SQLite)
	for name, f := range map[string]audit.Filter{
		"all": {}, "actor": {Actor: "user/us_1"}, "operation": {Operation: "loan.view"}, "object": {Object: "loan/ln_1"},
		"denied": {Outcome: "denied"}, "channel": {Channel: "api"}, "address": {Address: "192.0.2.1"}, "time": {From: 1, To: 2},
		"actor in time": {Actor: "user/us_1", From: 1, To: 2}, "second page": {Object: "loan/ln_1", BeforeAt: 5, BeforeID: "au_1"},
	} {
		err := h.d.Read(t.Context(), 1, func(ctx context.Context, tx *db.Tx) error {
			query, args := audit.ListQuery(f)
			plan, err := db.All(ctx, tx, func(r *db.Rows) (string, error) {
				var n, parent, unused int64
				var detail string
				err := r.Scan(&n, &parent, &unused, &detail)
				return detail, err
			}, "EXPLAIN QUERY PLAN "+query, args...)
			for _, step := range plan {
				if !strings.Contains(step, "INDEX audit_entry_") && !strings.Contains(step, "LAST TERM OF ORDER BY") {
					t.Errorf("%s: %s", name, step)
				}
			}
			if name != "all" && name != "time" && len(plan) > 0 && !strings.HasPrefix(plan[0], "SEARCH") {
				t.Errorf("%s: %s", name, plan[0])
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTwoNodesCannotBothSequence(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		other := audit.New(h.config)
		h.join(t, denial())
		if n := h.sequence(t); n != 1 {
			t.Fatalf("placed %d", n)
		}
		h.join(t, denial())
		if n, err := other.Sequence(t.Context()); n != 0 || err != nil {
			t.Errorf("the other node placed %d while the lease is held: %v", n, err)
		}
		h.clock.Advance(11 * time.Second)
		if n, err := other.Sequence(t.Context()); n != 1 || err != nil {
			t.Errorf("the other node placed %d after the lease ended: %v", n, err)
		}
		h.join(t, denial())
		if n := h.sequence(t); n != 0 {
			t.Errorf("the first node placed %d after it lost the lease", n)
		}
		if err := h.verify(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestACallersOwnUpdateSharesTheCommitAndFailsAlone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		seen := func(n int) func(context.Context, *db.Tx) error {
			return func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO effect (n) VALUES (?)`, n)
				return err
			}
		}
		broken := errors.New("the session is gone")
		var all sync.WaitGroup
		errs := make([]error, 40)
		for i := range errs {
			all.Go(func() {
				also := seen(i)
				if i%10 == 3 {
					also = func(context.Context, *db.Tx) error { return broken }
				}
				errs[i] = h.trail.Join(t.Context(), denial(), also)
			})
		}
		all.Wait()
		for i, err := range errs {
			if (i%10 == 3) != (err != nil) {
				t.Errorf("caller %d: %v", i, err)
			}
		}
		if p := h.list(t, audit.Filter{}); p.Total != 36 {
			t.Errorf("%d entries, want 36: whoever failed has none", p.Total)
		}
	})
}
