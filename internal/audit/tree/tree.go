// Package tree keeps the RFC 6962 tree of one tenant's trail: its right edge, by which
// it grows, and one node of every 256, from which any proof is made by reading a few
// hundred hashes.
//
//	audit_entry.leaf ─ 256 ─ audit_node level 8 ─ 256 ─ level 16 ─ … root
//
// Invariants: the tree holds the leaves of the trail in their order and nothing else;
// it only ever grows, by one sequencer, which gives up if the stored size is not the
// one that it began with. It signs nothing and knows no entry, only leaves.
package tree

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof"
)

// name is that of the one tree of a trail.
const name = "trail"

// stride is how many levels lie between stored ones.
const stride = 8

// ErrGap is the error of a trail that lacks a leaf where the tree wants to grow.
var ErrGap = errors.New("an entry is missing or has no leaf")

// ErrForked is the error of a sequencer that found the tree grown by another one.
var ErrForked = errors.New("the tree of the trail was grown by somebody else meanwhile")

const (
	readEdge  = `SELECT edge FROM audit_tree WHERE name = ?`
	firstEdge = `INSERT INTO audit_tree (name, size, edge) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING`
	saveEdge  = `UPDATE audit_tree SET size = ?, edge = ? WHERE name = ? AND size = ?`
	saveNode  = `INSERT INTO audit_node (level, place, hash) VALUES (?, ?, ?)`

	leavesAfter = `SELECT sequence, leaf FROM audit_entry WHERE sequence > ? ORDER BY sequence LIMIT ?`
	leavesIn    = `SELECT leaf FROM audit_entry WHERE sequence > ? AND sequence <= ? ORDER BY sequence`
	nodesIn     = `SELECT hash FROM audit_node WHERE level = ? AND place >= ? AND place < ? ORDER BY place`
)

// Read gives the tree as it stands; the empty one where nothing is stored.
func Read(ctx context.Context, tx *db.Tx) (*proof.Tree, error) {
	t := new(proof.Tree)
	var edge []byte
	err := tx.One(ctx, readEdge, []any{name}, &edge)
	if errors.Is(err, sql.ErrNoRows) {
		return t, nil
	}
	if err != nil {
		return nil, err
	}
	if err := t.UnmarshalBinary(edge); err != nil {
		return nil, fmt.Errorf("the tree of the trail: %w", err)
	}
	return t, nil
}

// Grow adds the leaves of entries that have their sequence and are not in the tree,
// at most limit of them, and gives the tree then.
func Grow(ctx context.Context, tx *db.Tx, limit int) (*proof.Tree, error) {
	t, err := Read(ctx, tx)
	if err != nil {
		return nil, err
	}
	before := t.Size()
	next := int64(before)
	leaves, err := db.All(ctx, tx, func(r *db.Rows) (h proof.Hash, err error) {
		var sequence int64
		var leaf []byte
		if err := r.Scan(&sequence, &leaf); err != nil {
			return h, err
		}
		if next++; sequence != next || len(leaf) != len(h) {
			return h, fmt.Errorf("entry %d: %w", next, ErrGap)
		}
		copy(h[:], leaf)
		return h, nil
	}, leavesAfter, int64(before), limit)
	if err != nil || len(leaves) == 0 {
		return t, err
	}
	var nodes [][]any
	for _, leaf := range leaves {
		t.Grow(leaf, func(level uint, place uint64, hash proof.Hash) {
			if level > 0 && level%stride == 0 {
				nodes = append(nodes, []any{int64(level), int64(place), hash[:]})
			}
		})
	}
	if len(nodes) > 0 {
		if err := tx.Bulk(ctx, saveNode, nodes); err != nil {
			return nil, err
		}
	}
	return t, save(ctx, tx, t, before)
}

// save stores the edge if the stored tree still has the size before.
func save(ctx context.Context, tx *db.Tx, t *proof.Tree, before uint64) error {
	edge, err := t.MarshalBinary()
	if err != nil {
		return err
	}
	query, args := saveEdge, []any{int64(t.Size()), edge, name, int64(before)}
	if before == 0 {
		query, args = firstEdge, []any{name, int64(t.Size()), edge}
	}
	n, err := tx.Exec(ctx, query, args...)
	if err == nil && n != 1 {
		err = ErrForked
	}
	return err
}

// Nodes reads the hash of any perfect subtree of the stored tree, as proofs want it.
func Nodes(ctx context.Context, tx *db.Tx) func(level uint, place uint64) (proof.Hash, error) {
	known := map[[2]uint64]proof.Hash{}
	return func(level uint, place uint64) (proof.Hash, error) {
		at := [2]uint64{uint64(level), place}
		if h, is := known[at]; is {
			return h, nil
		}
		h, err := node(ctx, tx, level, place)
		if err == nil {
			known[at] = h
		}
		return h, err
	}
}

// node is the root of the subtree of 2^level leaves that is number place on its level.
func node(ctx context.Context, tx *db.Tx, level uint, place uint64) (proof.Hash, error) {
	base := level - level%stride // the stored level at or below it
	n := uint64(1) << (level - base)
	from, to := int64(place*n), int64((place+1)*n)
	query, args := nodesIn, []any{int64(base), from, to}
	if base == 0 {
		query, args = leavesIn, []any{from, to}
	}
	row, err := db.All(ctx, tx, scanHash, query, args...)
	if err != nil {
		return proof.Hash{}, err
	}
	if uint64(len(row)) != n {
		return proof.Hash{}, fmt.Errorf("the tree of the trail lacks nodes of level %d at %d", base, from)
	}
	for ; len(row) > 1; row = row[:len(row)/2] {
		for i := range len(row) / 2 {
			row[i] = proof.NodeHash(row[2*i], row[2*i+1])
		}
	}
	return row[0], nil
}

func scanHash(r *db.Rows) (h proof.Hash, err error) {
	var b []byte
	if err := r.Scan(&b); err != nil {
		return h, err
	}
	if len(b) != len(h) {
		return h, errors.New("a stored hash of the trail is not 32 bytes")
	}
	copy(h[:], b)
	return h, nil
}

// Root gives the root that the tree had at a size up to its own.
func Root(ctx context.Context, tx *db.Tx, size uint64) (proof.Hash, error) {
	if size == 0 {
		return proof.EmptyRoot(), nil
	}
	read := Nodes(ctx, tx)
	var parts []proof.Hash // perfect subtrees, the largest first
	done := uint64(0)
	for level := 63; level >= 0; level-- {
		if size&(1<<level) != 0 {
			h, err := read(uint(level), done>>level)
			if err != nil {
				return h, err
			}
			parts = append(parts, h)
			done += 1 << level
		}
	}
	root := parts[len(parts)-1]
	for i := len(parts) - 2; i >= 0; i-- {
		root = proof.NodeHash(parts[i], root)
	}
	return root, nil
}
