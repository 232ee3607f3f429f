// Package proof is the mathematics of the audit trail: the Merkle tree of RFC
// 6962, proofs over it, and the hash chain of one object.
//
// It needs nothing but hashes, so that an auditor's program can rest on it
// alone. Leaves and nodes are hashed under different prefixes; a chain link
// under a third one, so that no hash of one sort can pass for another. A proof
// says nothing about who signed a root: that is the keeper's business.
package proof

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
)

// Hash is a SHA-256 hash of this package.
type Hash = [sha256.Size]byte

// ErrProof is the one error of a proof that does not hold.
var ErrProof = errors.New("the proof does not hold")

// ErrState is the error of a stored tree that cannot be read.
var ErrState = errors.New("not the state of a tree")

// linkPrefix keeps chain links apart from leaves (0) and nodes (1) of RFC 6962.
const linkPrefix = 2

// LeafHash gives the hash of a leaf: SHA-256(0x00 || data), RFC 6962, 2.1.
func LeafHash(data []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{rfc6962.RFC6962LeafHashPrefix})
	h.Write(data)
	return sum(h.Sum(nil))
}

// NodeHash gives the hash of an inner node: SHA-256(0x01 || left || right).
func NodeHash(left, right [32]byte) [32]byte {
	var b [65]byte
	b[0] = rfc6962.RFC6962NodeHashPrefix
	copy(b[1:], left[:])
	copy(b[33:], right[:])
	return sha256.Sum256(b[:])
}

// ChainHash gives the next link of an object's chain: SHA-256(0x02 || prev ||
// leaf). The link before the first entry is all zeros.
func ChainHash(prev [32]byte, leaf [32]byte) [32]byte {
	var b [65]byte
	b[0] = linkPrefix
	copy(b[1:], prev[:])
	copy(b[33:], leaf[:])
	return sha256.Sum256(b[:])
}

// EmptyRoot is the root of a tree without leaves: SHA-256 of nothing.
func EmptyRoot() [32]byte { return sha256.Sum256(nil) }

// Tree grows leaf by leaf and holds only the hashes on its right edge: at most
// 64, whatever its size. The zero Tree is empty. Not for concurrent use.
type Tree struct {
	size uint64
	edge []Hash // roots of the perfect subtrees, the largest first
}

// Size gives the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Append adds a leaf by its LeafHash.
func (t *Tree) Append(leaf [32]byte) { t.Grow(leaf, nil) }

// Grow is Append, and tells made of every perfect subtree that the leaf completes,
// the leaf itself first: the subtree of 2^level leaves that is number index on its
// level. These are the nodes from which proofs are made.
func (t *Tree) Grow(leaf [32]byte, made func(level uint, index uint64, hash [32]byte)) {
	node, level := leaf, uint(0)
	for n := t.size; ; n >>= 1 {
		if made != nil {
			made(level, n, node)
		}
		if n&1 == 0 {
			break
		}
		last := len(t.edge) - 1
		node = NodeHash(t.edge[last], node)
		t.edge = t.edge[:last]
		level++
	}
	t.edge = append(t.edge, node)
	t.size++
}

// Root gives the tree's root hash.
func (t *Tree) Root() [32]byte {
	if t.size == 0 {
		return EmptyRoot()
	}
	root := t.edge[len(t.edge)-1]
	for i := len(t.edge) - 2; i >= 0; i-- {
		root = NodeHash(t.edge[i], root)
	}
	return root
}

// MarshalBinary gives the state: the size in eight bytes, big-endian, and the
// hashes of the edge.
func (t *Tree) MarshalBinary() ([]byte, error) {
	b := binary.BigEndian.AppendUint64(nil, t.size)
	for _, h := range t.edge {
		b = append(b, h[:]...)
	}
	return b, nil
}

// UnmarshalBinary restores a state; ErrState if the number of hashes is not
// that of the size.
func (t *Tree) UnmarshalBinary(b []byte) error {
	if len(b) < 8 {
		return ErrState
	}
	size := binary.BigEndian.Uint64(b)
	hashes := make([][]byte, 0, 64)
	for rest := b[8:]; len(rest) > 0; rest = rest[sha256.Size:] {
		if len(rest) < sha256.Size {
			return ErrState
		}
		hashes = append(hashes, rest[:sha256.Size])
	}
	factory := compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	if _, err := factory.NewRange(0, size, hashes); err != nil {
		return ErrState
	}
	*t = Tree{size: size}
	for _, h := range hashes {
		t.edge = append(t.edge, sum(h))
	}
	return nil
}

// VerifyInclusion checks that the leaf is number index (from 0) of the tree of
// this size and root. The error wraps ErrProof.
func VerifyInclusion(index, size uint64, leaf [32]byte, path [][32]byte, root [32]byte) error {
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf[:], slices(path), root[:]); err != nil {
		return fmt.Errorf("%w: entry %d of %d: %w", ErrProof, index, size, err)
	}
	return nil
}

// VerifyConsistency checks that the tree of size2 begins with the tree of
// size1. The error wraps ErrProof. Every tree begins with the empty one.
func VerifyConsistency(size1, size2 uint64, path [][32]byte, root1, root2 [32]byte) error {
	if size1 == 0 && root1 != EmptyRoot() {
		return fmt.Errorf("%w: the empty tree has another root", ErrProof)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, size1, size2, slices(path), root1[:], root2[:]); err != nil {
		return fmt.Errorf("%w: from %d to %d: %w", ErrProof, size1, size2, err)
	}
	return nil
}

// Inclusion makes the proof that leaf number index is in the tree of size.
// node gives stored hashes: the root of the perfect subtree of 2^level leaves
// that is number index on its level.
func Inclusion(index, size uint64, node func(level uint, index uint64) ([32]byte, error)) ([][32]byte, error) {
	plan, err := proof.Inclusion(index, size)
	if err != nil {
		return nil, err
	}
	return gather(plan, node)
}

// Consistency makes the proof that the tree of size2 begins with that of size1.
func Consistency(size1, size2 uint64, node func(level uint, index uint64) ([32]byte, error)) ([][32]byte, error) {
	plan, err := proof.Consistency(size1, size2)
	if err != nil {
		return nil, err
	}
	return gather(plan, node)
}

func gather(plan proof.Nodes, node func(level uint, index uint64) ([32]byte, error)) ([][32]byte, error) {
	raw := make([][]byte, len(plan.IDs))
	for i, id := range plan.IDs {
		h, err := node(id.Level, id.Index)
		if err != nil {
			return nil, err
		}
		raw[i] = h[:]
	}
	raw, err := plan.Rehash(raw, rfc6962.DefaultHasher.HashChildren)
	if err != nil {
		return nil, err
	}
	path := make([][32]byte, len(raw))
	for i := range raw {
		path[i] = sum(raw[i])
	}
	return path, nil
}

func slices(path [][32]byte) [][]byte {
	out := make([][]byte, len(path))
	for i := range path {
		out[i] = path[i][:]
	}
	return out
}

func sum(b []byte) (h [32]byte) {
	copy(h[:], b)
	return h
}
