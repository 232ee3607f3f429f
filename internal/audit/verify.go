package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// Broken is what Verify gives: the first entry that is not as it was written.
type Broken struct {
	Sequence int64    // place of the entry, or the size of the trail where its end is wrong
	ID       id.Audit // as the row says; "" where there is no row
	Object   string   // where an object's chain is wrong
	Why      string
}

// Error names the entry and what is wrong with it.
func (b *Broken) Error() string {
	s := fmt.Sprintf("audit entry %d", b.Sequence)
	if b.ID != "" {
		s += " (" + string(b.ID) + ")"
	}
	if b.Object != "" {
		s += " of " + b.Object
	}
	return s + ": " + b.Why
}

const (
	verifyRows    = 1000
	verifyEntries = `SELECT sequence, id, at, actor, operation, object, object_sequence, outcome, channel, address, body, sealed, leaf, chain, disposal
		FROM audit_entry WHERE sequence > ? ORDER BY sequence LIMIT ?`
	pendingNotes = `SELECT body FROM audit_pending WHERE operation = ? ORDER BY n`
	verifyChains = `SELECT object, length, last, head FROM audit_chain WHERE object > ? ORDER BY object LIMIT ?`
)

// placed is one row of audit_entry.
type placed struct {
	row
	sequence, objectSequence int64
	leaf, chain              []byte
	disposal                 string // by which it was disposed of; "": it is whole
}

// Verify recomputes every leaf, chain and checkpoint of the snapshot from the stored
// rows, opens every sealed part and holds it against its commitments, and compares
// what lists search by with what was written. It gives a *Broken for the first
// entry that fails. That rows, hashes, chains and checkpoints were all rewritten
// together by somebody who holds the signing key as well, only a checkpoint kept
// elsewhere shows: those given are held against the trail too.
func (t *Trail) Verify(ctx context.Context, tx *db.Tx, elsewhere ...string) error {
	v := verifier{t: t, chains: map[string]chain{}}
	if err := v.expect(ctx, tx, elsewhere); err != nil {
		return err
	}
	after := int64(math.MinInt64) // also what stands before the first
	for {
		page, err := db.All(ctx, tx, scanPlaced, verifyEntries, after, verifyRows)
		if err != nil {
			return err
		}
		for i := range page {
			if err := v.entry(ctx, &page[i]); err != nil {
				return err
			}
			after = page[i].sequence
		}
		if len(page) < verifyRows {
			break
		}
	}
	if err := v.state(ctx, tx); err != nil {
		return err
	}
	if err := v.grown(ctx, tx); err != nil {
		return err
	}
	return v.heads(ctx, tx)
}

func scanPlaced(r *db.Rows) (p placed, err error) {
	err = r.Scan(&p.sequence, &p.id, &p.at, &p.actor, &p.operation, &p.object, &p.objectSequence,
		&p.outcome, &p.channel, &p.address, &p.body, &p.sealed, &p.leaf, &p.chain, &p.disposal)
	return p, err
}

type verifier struct {
	t      *Trail
	trail  chain
	chains map[string]chain
	tree   proof.Tree
	signed signed
	gone   disposal.Ledger
}

func (v *verifier) entry(ctx context.Context, p *placed) error {
	bad := func(why string) error { return &Broken{Sequence: p.sequence, ID: p.id, Why: why} }
	if p.sequence < 1 {
		return bad("the entry stands before the first")
	}
	if p.sequence != v.trail.length+1 {
		return &Broken{Sequence: v.trail.length + 1, Why: "the entry is missing"}
	}
	if p.disposal != "" {
		return v.disposed(ctx, p)
	}
	if len(p.body) == 0 {
		return bad("the body is empty")
	}
	own := v.chains[p.object] // of no object: never written to, so empty
	at := entry.Place{Sequence: p.sequence}
	if p.object != "" {
		at.ObjectSequence, at.Before = own.length+1, own.head
	}
	leaf := entry.Leaf(string(v.t.c.Ring.Tenant()), at, p.body)
	if !bytes.Equal(leaf[:], p.leaf) {
		return bad("the body does not match its leaf")
	}
	b, err := entry.Decode(p.body)
	if err != nil {
		return bad(err.Error())
	}
	if column := differs(b, p); column != "" {
		return bad("the column " + column + " differs from the body")
	}
	if err := v.stand(ctx, p, leaf); err != nil {
		return err
	}
	if err := v.gone.There(b); err != nil {
		return bad(err.Error())
	}
	_, err = v.t.unseal(ctx, b, p.sealed)
	var why altered
	if errors.As(err, &why) {
		return bad(why.Error())
	}
	return err
}

// disposed takes an entry of which retention left its place and its leaf.
func (v *verifier) disposed(ctx context.Context, p *placed) error {
	var leaf proof.Hash
	if copy(leaf[:], p.leaf) != len(leaf) || len(p.body) != 0 || len(p.sealed) != 0 || p.actor+p.operation+p.outcome+p.channel+p.address != "" {
		return &Broken{Sequence: p.sequence, ID: p.id, Why: "it was disposed of, and more than its place and its leaf is left"}
	}
	v.gone.Gone(p.disposal, disposal.Gone{Sequence: p.sequence, At: p.at, ID: p.id, Leaf: leaf})
	return v.stand(ctx, p, leaf)
}

// stand gives the leaf its place in trail, tree and chain.
func (v *verifier) stand(ctx context.Context, p *placed, leaf proof.Hash) error {
	v.trail = v.trail.next(leaf, p.sequence)
	v.tree.Append(leaf)
	if err := v.reached(ctx); err != nil {
		return err
	}
	return v.link(p, leaf)
}

// link checks the entry's place in its object's chain.
func (v *verifier) link(p *placed, leaf [32]byte) error {
	var own chain
	hash := []byte{}
	if p.object != "" {
		own = v.chains[p.object].next(leaf, p.sequence)
		v.chains[p.object] = own
		hash = own.head[:]
	}
	if own.length != p.objectSequence || !bytes.Equal(hash, p.chain) {
		return &Broken{Sequence: p.sequence, ID: p.id, Object: p.object, Why: "the chain does not hold"}
	}
	return nil
}

// differs names the first searchable column that is not what the body says.
func differs(b *entry.Body, p *placed) string {
	switch {
	case b.ID != p.id:
		return "id"
	case b.At != p.at:
		return "at"
	case b.Actor != p.actor:
		return "actor"
	case b.Operation != p.operation:
		return "operation"
	case b.Object != p.object:
		return "object"
	case b.Outcome != p.outcome:
		return "outcome"
	case b.Channel != p.channel:
		return "channel"
	case b.Address != p.address:
		return "address"
	}
	return ""
}

// state checks the end of the trail.
func (v *verifier) state(ctx context.Context, tx *db.Tx) error {
	stored, err := readTrail(ctx, tx)
	if err != nil {
		return err
	}
	if err := v.waiting(ctx, tx); err != nil {
		return err
	}
	if first := v.gone.Left(); first != 0 {
		return &Broken{Sequence: first, Why: "what it said is gone, and no entry says that it was disposed of"}
	}
	switch {
	case stored.length > v.trail.length:
		return &Broken{Sequence: v.trail.length + 1, Why: "the entry is missing"}
	case stored.length < v.trail.length:
		return &Broken{Sequence: stored.length + 1, Why: "the entry stands behind the end of the trail"}
	case stored.head != v.trail.head:
		return &Broken{Sequence: stored.length, Why: "the head of the trail does not match its entries"}
	}
	return nil
}

// waiting takes notes about disposals that wait for their place: what they speak of is
// gone already.
func (v *verifier) waiting(ctx context.Context, tx *db.Tx) error {
	if v.gone.Left() == 0 {
		return nil
	}
	bodies, err := db.All(ctx, tx, func(r *db.Rows) (b []byte, err error) { return b, r.Scan(&b) }, pendingNotes, disposal.Operation)
	for _, stored := range bodies {
		b, bad := entry.Decode(stored)
		if bad == nil {
			bad = v.gone.There(b)
		}
		if bad != nil {
			return &Broken{Sequence: v.gone.Left(), Why: "a disposal that waits for its place: " + bad.Error()}
		}
	}
	return err
}

// heads checks the ends of the objects' chains.
func (v *verifier) heads(ctx context.Context, tx *db.Tx) error {
	type end struct {
		object string
		chain
		head []byte
	}
	scan := func(r *db.Rows) (e end, err error) {
		err = r.Scan(&e.object, &e.length, &e.last, &e.head)
		return e, err
	}
	seen, after := 0, ""
	for {
		page, err := db.All(ctx, tx, scan, verifyChains, after, verifyRows)
		if err != nil {
			return err
		}
		for _, e := range page {
			want, known := v.chains[e.object]
			if !known || want.length != e.length || want.last != e.last || !bytes.Equal(want.head[:], e.head) {
				return &Broken{Sequence: want.last, Object: e.object, Why: "the end of the chain does not match its entries"}
			}
			after = e.object
		}
		if seen += len(page); len(page) < verifyRows {
			break
		}
	}
	if seen != len(v.chains) {
		return &Broken{Sequence: v.trail.length, Why: "the end of an object's chain is missing"}
	}
	return nil
}
