package audit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/tree"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

const (
	// stateName is the one row of audit_state: size and head of the trail, and
	// the sequencer's lease.
	stateName = "trail"
	// leaseTime is how long a node that went silent keeps others from sequencing.
	leaseTime = 10 * time.Second
	// sequenceRows bounds one transaction of the sequencer, so that writers on
	// SQLite wait for it no longer than for each other.
	sequenceRows = 500
)

const (
	takeLease = `UPDATE audit_state SET holder = ?, until = ? WHERE name = ? AND (holder = ? OR until < ?)`
	newLease  = `INSERT INTO audit_state (name, size, head, holder, until) VALUES (?, 0, ?, ?, ?) ON CONFLICT (name) DO NOTHING`
	readState = `SELECT size, head FROM audit_state WHERE name = ?`
	saveState = `UPDATE audit_state SET size = ?, head = ? WHERE name = ? AND size = ?`
	endLease  = `UPDATE audit_state SET until = 0 WHERE name = ? AND holder = ?`

	// Deleting and reading is one statement: on PostgreSQL a burst's count may
	// move between two.
	takePending = `DELETE FROM audit_pending
		WHERE n IN (SELECT n FROM audit_pending WHERE hold <= ? ORDER BY n LIMIT ?)
		RETURNING n, id, at, count, actor, operation, object, outcome, channel, address, body, sealed`

	insertEntry = `INSERT INTO audit_entry
		(sequence, id, at, actor, operation, object, object_sequence, outcome, channel, address, body, sealed, leaf, chain)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	readChains = `SELECT object, length, head FROM audit_chain WHERE `
	saveChain  = `INSERT INTO audit_chain (object, length, last, head) VALUES (?, ?, ?, ?)
		ON CONFLICT (object) DO UPDATE SET length = excluded.length, last = excluded.last, head = excluded.head`
)

// chain is the end of a chain: the trail's own or an object's.
type chain struct {
	length, last int64
	head         [32]byte
}

// next adds one leaf.
func (c chain) next(leaf [32]byte, sequence int64) chain {
	return chain{length: c.length + 1, last: sequence, head: proof.ChainHash(c.head, leaf)}
}

// Sequence gives committed entries their place, grows the tree over them and signs a
// checkpoint when one is due; it reports how many it placed. It does nothing while
// another node holds the lease. Any number of callers on any number of nodes may call
// it at the same time.
func (t *Trail) Sequence(ctx context.Context) (n int, err error) { return t.sequence(ctx, false) }

// sequence signs whatever is unsigned if this is the last look.
func (t *Trail) sequence(ctx context.Context, last bool) (n int, err error) {
	for {
		there, err := t.workThere(ctx, last)
		if err != nil || !there {
			return n, err
		}
		placed, more, err := t.sequenceBatch(ctx, last)
		n += placed
		if err != nil || !more {
			return n, err
		}
	}
}

// sequenceBatch does one transaction of the sequencer, and says whether there may be
// work for another.
func (t *Trail) sequenceBatch(ctx context.Context, last bool) (placed int, more bool, err error) {
	now := t.c.DB.Now()
	err = t.c.DB.Write(ctx, now, func(ctx context.Context, tx *db.Tx) error {
		placed, more = 0, false
		mine, err := t.lease(ctx, tx, now)
		if err != nil || !mine {
			return err
		}
		trail, err := readTrail(ctx, tx)
		if err != nil {
			return err
		}
		taken, err := db.All(ctx, tx, scanPending, takePending, now, sequenceRows)
		if err != nil {
			return err
		}
		slices.SortFunc(taken, func(a, b pending) int { return int(a.n - b.n) })
		placed = len(taken)
		if err := t.place(ctx, tx, trail, taken); err != nil {
			return err
		}
		behind, err := t.grow(ctx, tx, trail.length+int64(placed), placed < sequenceRows, last)
		more = behind || placed == sequenceRows
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("sequence audit entries: %w", err)
	}
	return placed, more, nil
}

// lease takes or renews the lease. On PostgreSQL the row's lock also holds off
// every other sequencer until this transaction ends, whatever the clocks say.
func (t *Trail) lease(ctx context.Context, tx *db.Tx, now int64) (bool, error) {
	until := now + leaseTime.Microseconds()
	n, err := tx.Exec(ctx, takeLease, t.holder, until, stateName, t.holder, now)
	if err != nil || n == 1 {
		return n == 1, err
	}
	var empty [32]byte
	n, err = tx.Exec(ctx, newLease, stateName, empty[:], t.holder, until)
	return n == 1, err
}

// release ends the lease, so that another node need not wait for it.
func (t *Trail) release(ctx context.Context) error {
	return t.c.DB.Write(ctx, t.c.DB.Now(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, endLease, stateName, t.holder)
		return err
	})
}

func readTrail(ctx context.Context, tx *db.Tx) (chain, error) {
	var c chain
	var head []byte
	err := tx.One(ctx, readState, []any{stateName}, &c.length, &head)
	if errors.Is(err, sql.ErrNoRows) {
		return chain{}, nil
	}
	if err == nil && (len(head) != len(c.head) || copy(c.head[:], head) != len(c.head)) {
		err = errors.New("the head in audit_state is not 32 bytes")
	}
	c.last = c.length
	return c, err
}

// pending is one row of audit_pending.
type pending struct {
	row
	n int64
}

func scanPending(r *db.Rows) (p pending, err error) {
	err = r.Scan(&p.n, &p.id, &p.at, &p.count, &p.actor, &p.operation, &p.object, &p.outcome, &p.channel, &p.address, &p.body, &p.sealed)
	return p, err
}

// place writes the taken rows behind the end of the trail, in their order.
func (t *Trail) place(ctx context.Context, tx *db.Tx, trail chain, taken []pending) error {
	if len(taken) == 0 {
		return nil
	}
	began := trail.length
	chains, err := readHeads(ctx, tx, taken)
	if err != nil {
		return err
	}
	rows := make([][]any, 0, len(taken))
	for _, p := range taken {
		p.body = t.counted(p)
		sequence := trail.length + 1
		var own chain
		at := entry.Place{Sequence: sequence}
		if p.object != "" {
			own = chains[p.object]
			at.ObjectSequence, at.Before = own.length+1, own.head
		}
		leaf := entry.Leaf(string(t.c.Ring.Tenant()), at, p.body)
		trail = trail.next(leaf, sequence)
		hash := []byte{}
		if p.object != "" {
			own = own.next(leaf, sequence)
			chains[p.object] = own
			hash = own.head[:]
		}
		rows = append(rows, []any{sequence, string(p.id), p.at, p.actor, p.operation, p.object, own.length,
			p.outcome, p.channel, p.address, p.body, p.sealed, leaf[:], hash})
	}
	if err := tx.Bulk(ctx, insertEntry, rows); err != nil {
		return err
	}
	if err := saveChains(ctx, tx, chains); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, saveState, trail.length, trail.head[:], stateName, began)
	if err == nil && n != 1 {
		err = tree.ErrForked
	}
	return err
}

// counted is the body with the final count of its burst.
func (t *Trail) counted(p pending) []byte {
	if p.count == 1 {
		return p.body
	}
	b, err := entry.WithCount(p.body, p.count)
	if err != nil {
		// It must not hold up the others: it is placed as it lies, and Verify names it.
		t.c.Log.Error("an audit entry was altered before it was sequenced", "id", string(p.id), "error", err)
		return p.body
	}
	return b
}

func readHeads(ctx context.Context, tx *db.Tx, taken []pending) (map[string]chain, error) {
	chains := map[string]chain{}
	var objects []string
	for _, p := range taken {
		if _, known := chains[p.object]; p.object != "" && !known {
			chains[p.object] = chain{}
			objects = append(objects, p.object)
		}
	}
	in := db.In("object", objects)
	_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
		object, c, err := scanChain(r)
		chains[object] = c
		return struct{}{}, err
	}, readChains+in.SQL(), in.Args()...)
	return chains, err
}

func scanChain(r *db.Rows) (object string, c chain, err error) {
	var head []byte
	if err = r.Scan(&object, &c.length, &head); err != nil {
		return "", chain{}, err
	}
	if copy(c.head[:], head) != len(c.head) || len(head) != len(c.head) {
		return object, c, fmt.Errorf("the chain head of %s is not 32 bytes", object)
	}
	return object, c, nil
}

func saveChains(ctx context.Context, tx *db.Tx, chains map[string]chain) error {
	rows := make([][]any, 0, len(chains))
	for _, object := range sortedKeys(chains) {
		c := chains[object]
		rows = append(rows, []any{object, c.length, c.last, c.head[:]})
	}
	if len(rows) == 0 {
		return nil
	}
	return tx.Bulk(ctx, saveChain, rows)
}
