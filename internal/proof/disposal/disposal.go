// Package disposal says how entries of the audit trail that were disposed of stay
// proven. Of such an entry the trail keeps its place, its object and its leaf; what it
// said is gone. Another entry, the note, says how many went, when, by what rule, and
// binds their leaves by a digest. So a trail with gaps that retention made verifies,
// and one with gaps that somebody else made does not.
package disposal

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// Operation is the name of the operation whose entries are notes.
const Operation = "audit.dispose"

// Least is how long every entry stays, whatever a lender sets: a year of history, as
// PCI DSS 10.5.1 wants it.
const Least = 365 * 24 * time.Hour

// inexact bounds by how much entries may stand out of the order of their instants: a
// burst waits a minute for its place.
const inexact = 2 * time.Minute

// Note is what the trail says about entries that were disposed of together.
type Note struct {
	ID          string // that the entries disposed of carry
	First, Last int64  // their sequences, from and to; others may lie between
	Count       int64
	Digest      proof.Hash // over sequence, instant, id and leaf of each, ascending
}

// Detail writes the note as the detail of its entry.
func (n Note) Detail() map[string]string {
	return map[string]string{"disposal": n.ID, "first": strconv.FormatInt(n.First, 10), "last": strconv.FormatInt(n.Last, 10),
		"count": strconv.FormatInt(n.Count, 10), "digest": base64.StdEncoding.EncodeToString(n.Digest[:])}
}

// Read gives the note that an entry is; false for any other entry.
func Read(b *entry.Body) (n Note, ok bool) {
	if b.Operation != Operation || b.Outcome != "allowed" {
		return n, false
	}
	var bad [3]error
	n.ID = b.Detail["disposal"]
	n.First, bad[0] = strconv.ParseInt(b.Detail["first"], 10, 64)
	n.Last, bad[1] = strconv.ParseInt(b.Detail["last"], 10, 64)
	n.Count, bad[2] = strconv.ParseInt(b.Detail["count"], 10, 64)
	digest, err := base64.StdEncoding.DecodeString(b.Detail["digest"])
	if errors.Join(bad[0], bad[1], bad[2], err) != nil || len(digest) != len(n.Digest) || n.ID == "" {
		return n, false
	}
	copy(n.Digest[:], digest)
	return n, true
}

// Sum gathers the entries of one disposal, in ascending sequence.
type Sum struct {
	digest             hash.Hash
	first, last, count int64
	after              int64 // no entry of it was made before this instant
}

// Gone is what is left of an entry that was disposed of.
type Gone struct {
	Sequence, At int64
	ID           id.Audit
	Leaf         proof.Hash
}

// Add takes one entry.
func (s *Sum) Add(g Gone) {
	if s.digest == nil {
		s.digest = sha256.New()
		s.digest.Write([]byte("lendkeep disposal 1\n"))
		s.first = g.Sequence
	}
	b := binary.BigEndian.AppendUint64(nil, uint64(g.Sequence))
	b = binary.BigEndian.AppendUint64(b, uint64(g.At))
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(g.ID))), g.ID...)
	s.digest.Write(append(b, g.Leaf[:]...))
	s.last = g.Sequence
	s.count++
}

// Note gives what the trail must say about what was gathered.
func (s *Sum) Note(id string) Note {
	n := Note{ID: id, First: s.first, Last: s.last, Count: s.count}
	if s.digest != nil {
		s.digest.Sum(n.Digest[:0])
	}
	return n
}

// Ledger holds the entries that were disposed of against the notes about them, while a
// trail is read from its beginning. The zero Ledger is ready for use.
type Ledger struct {
	open   map[string]*Sum
	newest int64 // the latest instant of an entry that was read
	Notes  int64 // that were met, and hold
}

// Gone takes what is left of an entry, and the name of its disposal.
func (l *Ledger) Gone(disposal string, g Gone) {
	if l.open == nil {
		l.open = map[string]*Sum{}
	}
	s := l.open[disposal]
	if s == nil {
		s = &Sum{}
		l.open[disposal] = s
	}
	s.Add(g)
	s.after = max(s.after, l.newest, g.At)
}

// There takes an entry that is whole, in its order; a note must fit what went before it.
func (l *Ledger) There(b *entry.Body) error {
	l.newest = max(l.newest, b.At)
	n, ok := Read(b)
	if !ok {
		return nil
	}
	s := l.open[n.ID]
	if s == nil {
		return errors.New("it speaks of entries that were disposed of, and there are none")
	}
	if s.Note(n.ID) != n {
		return fmt.Errorf("it speaks of %d entries that were disposed of, from %d to %d, and those that are gone are others", n.Count, n.First, n.Last)
	}
	if Young(s.after, b.At) {
		return errors.New("it speaks of entries that were disposed of before a year was over")
	}
	delete(l.open, n.ID)
	l.Notes++
	return nil
}

// Young reports that an entry which stands behind something of an instant may not be
// gone at another one: a year is not over.
func Young(after, at int64) bool {
	return after-inexact.Microseconds() > at-Least.Microseconds()
}

// Passed takes the instant of an entry that is no note, or of a checkpoint over all that
// was read: what follows is not older.
func (l *Ledger) Passed(at int64) { l.newest = max(l.newest, at) }

// Left names the first entry that is gone and of which no note speaks; 0: none.
func (l *Ledger) Left() int64 {
	first := int64(0)
	for _, s := range l.open {
		if first == 0 || s.first < first {
			first = s.first
		}
	}
	return first
}
