package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The leaves and roots that implementations of RFC 6962 share as vectors.
var vectors = []struct{ leaf, root string }{
	{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
}

func TestSharedVectors(t *testing.T) {
	var tree Tree
	if got := hex.EncodeToString(sliceOf(tree.Root())); got != "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" {
		t.Errorf("empty root %s", got)
	}
	for i, v := range vectors {
		data, err := hex.DecodeString(v.leaf)
		if err != nil {
			t.Fatal(err)
		}
		tree.Append(LeafHash(data))
		if got := hex.EncodeToString(sliceOf(tree.Root())); got != v.root || tree.Size() != uint64(i+1) {
			t.Errorf("root of %d leaves is %s, want %s", i+1, got, v.root)
		}
	}
}

func sliceOf(h [32]byte) []byte { return h[:] }

// slow is the definition of RFC 6962, 2.1, word for word.
func slow(leaves [][32]byte) [32]byte {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := split(n)
		l, r := slow(leaves[:k]), slow(leaves[k:])
		return sha256.Sum256(append(append([]byte{1}, l[:]...), r[:]...))
	}
}

// split gives the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// slowPath is PATH of RFC 6962, 2.1.1.
func slowPath(m int, leaves [][32]byte) [][32]byte {
	n := len(leaves)
	if n == 1 {
		return nil
	}
	if k := split(n); m < k {
		return append(slowPath(m, leaves[:k]), slow(leaves[k:]))
	} else {
		return append(slowPath(m-k, leaves[k:]), slow(leaves[:k]))
	}
}

// slowProof is SUBPROOF of RFC 6962, 2.1.2.
func slowProof(m int, leaves [][32]byte, whole bool) [][32]byte {
	n := len(leaves)
	if m == n {
		if whole {
			return nil
		}
		return [][32]byte{slow(leaves)}
	}
	if k := split(n); m <= k {
		return append(slowProof(m, leaves[:k], whole), slow(leaves[k:]))
	} else {
		return append(slowProof(m-k, leaves[k:], false), slow(leaves[:k]))
	}
}

func leavesOf(n int) [][32]byte {
	out := make([][32]byte, n)
	for i := range out {
		out[i] = LeafHash(fmt.Appendf(nil, "entry %d", i))
	}
	return out
}

// nodesOf answers from the leaves, as a store of nodes would.
func nodesOf(leaves [][32]byte) func(uint, uint64) ([32]byte, error) {
	return func(level uint, index uint64) ([32]byte, error) {
		from, to := index<<level, (index+1)<<level
		if to > uint64(len(leaves)) {
			return [32]byte{}, errors.New("no such node")
		}
		return slow(leaves[from:to]), nil
	}
}

func TestTheTreeIsThatOfTheDefinition(t *testing.T) {
	leaves := leavesOf(300)
	var tree Tree
	for n := 0; n <= len(leaves); n++ {
		if tree.Root() != slow(leaves[:n]) {
			t.Fatalf("the root of %d leaves is wrong", n)
		}
		state, err := tree.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		var again Tree
		if err := again.UnmarshalBinary(state); err != nil || again.Root() != tree.Root() || again.Size() != tree.Size() {
			t.Fatalf("the state of %d leaves does not come back: %v", n, err)
		}
		tree = again // and goes on growing
		if n < len(leaves) {
			tree.Append(leaves[n])
		}
	}
}

func TestProofsHoldAndOnlyThese(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 130).Draw(t, "size")
		leaves := leavesOf(n)
		root, size := slow(leaves), uint64(n)
		i := rapid.IntRange(0, n-1).Draw(t, "index")
		path, err := Inclusion(uint64(i), size, nodesOf(leaves))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slowPath(i, leaves), path); len(path) > 0 && diff != "" {
			t.Fatal(diff)
		}
		if err := VerifyInclusion(uint64(i), size, leaves[i], path, root); err != nil {
			t.Fatal(err)
		}
		m := rapid.IntRange(1, n).Draw(t, "earlier size")
		step, err := Consistency(uint64(m), size, nodesOf(leaves))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slowProof(m, leaves, true), step); len(step) > 0 && diff != "" {
			t.Fatal(diff)
		}
		early := slow(leaves[:m])
		if err := VerifyConsistency(uint64(m), size, step, early, root); err != nil {
			t.Fatal(err)
		}

		wrong := func(what string, err error) {
			t.Helper()
			if !errors.Is(err, ErrProof) {
				t.Fatalf("%s: %v", what, err)
			}
		}
		bit := func(h [32]byte) [32]byte { h[rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1; return h }
		wrong("another leaf", VerifyInclusion(uint64(i), size, bit(leaves[i]), path, root))
		wrong("another root", VerifyInclusion(uint64(i), size, leaves[i], path, bit(root)))
		wrong("behind the end", VerifyInclusion(size, size, leaves[i], path, root))
		wrong("too long", VerifyInclusion(uint64(i), size, leaves[i], append(path[:len(path):len(path)], root), root))
		wrong("another old root", VerifyConsistency(uint64(m), size, step, bit(early), root))
		wrong("another new root", VerifyConsistency(uint64(m), size, step, early, bit(root)))
		wrong("shrunk", VerifyConsistency(size+1, size, step, early, root))
		if len(path) > 0 {
			j := rapid.IntRange(0, len(path)-1).Draw(t, "step")
			bad := append([][32]byte(nil), path...)
			bad[j] = bit(bad[j])
			wrong("another step", VerifyInclusion(uint64(i), size, leaves[i], bad, root))
			wrong("too short", VerifyInclusion(uint64(i), size, leaves[i], path[1:], root))
		}
		if n > 1 {
			wrong("another place", VerifyInclusion(uint64((i+1)%n), size, leaves[i], path, root))
		}
	})
}

func TestConsistencyFromNothing(t *testing.T) {
	root := slow(leavesOf(5))
	if err := VerifyConsistency(0, 5, nil, EmptyRoot(), root); err != nil {
		t.Error(err)
	}
	if err := VerifyConsistency(0, 5, nil, root, root); !errors.Is(err, ErrProof) {
		t.Errorf("an empty tree with a root: %v", err)
	}
}

// A hash of one sort cannot pass for another, and order matters.
func TestHashesAreKeptApart(t *testing.T) {
	a, b := LeafHash([]byte("a")), LeafHash([]byte("b"))
	both := append(append([]byte(nil), a[:]...), b[:]...)
	seen := map[[32]byte]string{}
	for name, h := range map[string][32]byte{
		"leaf": LeafHash(both), "node": NodeHash(a, b), "link": ChainHash(a, b), "plain": sha256.Sum256(both),
		"node turned": NodeHash(b, a), "link turned": ChainHash(b, a),
	} {
		if other, twice := seen[h]; twice {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[h] = name
	}
	want := sha256.Sum256(append([]byte{2}, both...))
	if ChainHash(a, b) != want {
		t.Error("the chain link is not SHA-256(2 || prev || leaf)")
	}
}

func TestBadStatesAreRefused(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing": nil, "short": make([]byte, 7), "a hash too many": make([]byte, 8+32), "half a hash": append(binary.BigEndian.AppendUint64(nil, 1), make([]byte, 31)...),
		"a hash too few": binary.BigEndian.AppendUint64(nil, 3),
	} {
		tree := Tree{size: 1, edge: []Hash{{1}}}
		if err := tree.UnmarshalBinary(b); !errors.Is(err, ErrState) || tree.size != 1 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMissingNodesAreReported(t *testing.T) {
	none := func(uint, uint64) ([32]byte, error) { return [32]byte{}, errors.New("gone") }
	if _, err := Inclusion(1, 5, none); err == nil {
		t.Error("a proof was made of nothing")
	}
	if _, err := Inclusion(5, 5, none); err == nil {
		t.Error("a proof was made for an entry behind the end")
	}
	if _, err := Consistency(6, 5, none); err == nil {
		t.Error("a proof was made backwards")
	}
}

func FuzzState(f *testing.F) {
	f.Add([]byte{})
	f.Add(make([]byte, 8))
	f.Add(append(binary.BigEndian.AppendUint64(nil, 1), make([]byte, 32)...))
	f.Fuzz(func(t *testing.T, b []byte) {
		var tree Tree
		if tree.UnmarshalBinary(b) != nil {
			return
		}
		if out, err := tree.MarshalBinary(); err != nil || !bytes.Equal(out, b) {
			t.Errorf("%x came back as %x", b, out)
		}
		tree.Append([32]byte{1})
		tree.Root()
	})
}

func BenchmarkAppend(b *testing.B) {
	var tree Tree
	leaf := LeafHash([]byte("entry"))
	b.ReportAllocs()
	for b.Loop() {
		tree.Append(leaf)
	}
}
