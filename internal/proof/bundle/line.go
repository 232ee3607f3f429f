package bundle

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// takeEntry checks one entry: its place, its leaf, and with the whole trail the tree.
func (r *reading) takeEntry(rest []byte) error {
	if r.entry.owesPath {
		return r.bad("the entry has no path to the root")
	}
	before := r.entry.sequence
	at, leaf, link, ok := r.fields(rest)
	if !ok {
		return r.bad("the entry cannot be read")
	}
	if err := r.follows(at.Sequence, before); err != nil {
		return err
	}
	object, err := entry.Object(r.entry.stored)
	if err != nil {
		return r.bad("the body cannot be read")
	}
	if err := r.stand(&at, object, link); err != nil {
		return err
	}
	r.entry.leaf = entry.Leaf(r.report.Head.Tenant, at, r.entry.stored)
	if r.entry.leaf != leaf {
		return r.bad("the entry is not as it was written: its leaf is another")
	}
	switch r.report.Head.Extent {
	case Whole:
		err = r.noted()
	case Object:
		err = r.dated()
	}
	if err != nil {
		return err
	}
	return r.placed(&at, object)
}

// follows checks that an entry comes in its turn.
func (r *reading) follows(sequence, before int64) error {
	switch {
	case r.report.Head.Extent == Whole && sequence != before+1:
		return &Bad{Line: r.line, Sequence: before + 1, Why: "the entry is missing"}
	case sequence <= before:
		return r.bad("the entry stands behind a later one")
	case uint64(sequence) > r.report.Checkpoint.Size:
		return r.bad("the entry lies beyond the checkpoint")
	}
	return nil
}

// placed takes the leaf of the entry into its chain and, with the whole trail, the tree.
func (r *reading) placed(at *entry.Place, object string) error {
	leaf := r.entry.leaf
	if object != "" && r.report.Head.Extent != Part {
		r.chains[object] = chain{at.ObjectSequence, proof.ChainHash(at.Before, leaf)}
	}
	r.report.Entries++
	if r.report.Head.Extent != Whole {
		r.entry.owesPath = true
		return nil
	}
	r.tree.Append(leaf)
	return r.reached()
}

// noted holds an entry against those that were disposed of. Only what may be a note is
// worth the time to read it whole.
func (r *reading) noted() error {
	if at, ok := entry.At(r.entry.stored); ok && !bytes.Contains(r.entry.stored, []byte(disposal.Operation)) {
		r.gone.Passed(at)
		return nil
	}
	b, err := entry.Decode(r.entry.stored)
	if err != nil {
		return r.bad(err.Error())
	}
	if err := r.gone.There(b); err != nil {
		return r.bad(err.Error())
	}
	return nil
}

// dated keeps the latest instant that was read: what follows is not older.
func (r *reading) dated() error {
	at, ok := entry.At(r.entry.stored)
	if !ok {
		b, err := entry.Decode(r.entry.stored)
		if err != nil {
			return r.bad(err.Error())
		}
		at = b.At
	}
	r.newest = max(r.newest, at)
	return nil
}

// old checks that an entry of an object's file may be gone: the file cannot show by what
// right, but nothing goes within a year.
func (r *reading) old(g disposal.Gone) error {
	for ; r.next < len(r.elsewhere) && r.elsewhere[r.next].Size < uint64(g.Sequence); r.next++ {
		r.newest = max(r.newest, r.elsewhere[r.next].At)
	}
	r.newest = max(r.newest, g.At)
	if disposal.Young(r.newest, r.report.Head.MadeAt) {
		return r.bad("what it said is gone, and it is not older than a year: nothing is disposed of so early")
	}
	return nil
}

// takeGone reads what is left of an entry that was disposed of.
func (r *reading) takeGone(rest []byte) error {
	if r.entry.owesPath {
		return r.bad("the entry has no path to the root")
	}
	before := r.entry.sequence
	var word [6][]byte
	for i := range word {
		var ok bool
		if word[i], rest, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return r.bad("the entry cannot be read")
		}
	}
	at, object := entry.Place{Sequence: number(word[0]), ObjectSequence: number(word[1])}, string(rest)
	r.entry = current{sequence: at.Sequence, stored: r.entry.stored[:0], opened: true}
	left := disposal.Gone{Sequence: at.Sequence, At: number(word[3]), ID: id.Audit(word[4])}
	if at.Sequence < 1 || at.ObjectSequence < 0 || hashOf(&r.entry.leaf, word[2]) != nil || left.At < 0 || len(word[5]) == 0 || r.report.Head.Extent == Part {
		return r.bad("the entry cannot be read")
	}
	if err := r.follows(at.Sequence, before); err != nil {
		return err
	}
	if err := r.stand(&at, object, proof.Hash{}); err != nil {
		return err
	}
	r.report.Gone++
	if r.report.Head.Extent == Whole {
		left.Leaf = r.entry.leaf
		r.gone.Gone(string(word[5]), left)
	} else if err := r.old(left); err != nil {
		return err
	}
	return r.placed(&at, object)
}

// fields reads an entry's line; the body stays in r.entry.stored.
func (r *reading) fields(rest []byte) (at entry.Place, leaf, link proof.Hash, ok bool) {
	var word [5][]byte
	for i := range word {
		if word[i], rest, ok = bytes.Cut(rest, []byte(" ")); !ok {
			return at, leaf, link, false
		}
	}
	at.Sequence = number(word[0])
	at.ObjectSequence = number(word[1])
	version := number(word[2])
	r.entry = current{sequence: at.Sequence, stored: append(append(r.entry.stored[:0], byte(version)), rest...)}
	if at.Sequence < 1 || at.ObjectSequence < 0 || version < entry.Unlinked || version > entry.Linked || hashOf(&leaf, word[3]) != nil {
		return at, leaf, link, false
	}
	if r.report.Head.Extent == Part && at.ObjectSequence > 0 {
		return at, leaf, link, hashOf(&link, word[4]) == nil
	}
	return at, leaf, link, string(word[4]) == "-"
}

// number reads a decimal as Writer writes it; -1 for anything else.
func number(word []byte) (n int64) {
	if len(word) == 0 || len(word) > 18 || word[0] == '0' && len(word) > 1 {
		return -1
	}
	for _, c := range word {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int64(c-'0')
	}
	return n
}

// stand checks an entry's place in its object's chain, and fills what stands before.
func (r *reading) stand(at *entry.Place, object string, link proof.Hash) error {
	if object == "" {
		if at.ObjectSequence != 0 {
			return r.bad("the entry has no object, but a place in a chain")
		}
		return nil
	}
	switch r.report.Head.Extent {
	case Part:
		if at.ObjectSequence == 0 {
			return r.bad("the entry has no place in its object's chain")
		}
		at.Before = link
		return nil
	case Object:
		if object != r.report.Head.Object {
			return r.bad("the entry is about another object")
		}
	}
	c := r.chains[object]
	if at.ObjectSequence != c.length+1 {
		return r.bad("an entry of " + strconv.Quote(object) + " is missing before it: number " + strconv.FormatInt(c.length+1, 10) + " of its chain")
	}
	at.Before = c.head
	return nil
}

// reached compares with the checkpoints from elsewhere of the size that the tree has now.
func (r *reading) reached() error {
	for ; r.next < len(r.elsewhere) && r.elsewhere[r.next].Size <= r.tree.Size(); r.next++ {
		w := r.elsewhere[r.next]
		if w.Size != r.tree.Size() {
			continue // of no entries at all
		}
		if w.Root != r.tree.Root() {
			return r.parted(w)
		}
		if w.Size != r.report.Checkpoint.Size { // that one was compared by its root already
			r.report.Compared = append(r.report.Compared, w.Size)
		}
		r.agreed = max(r.agreed, w.Size)
		r.gone.Passed(w.At)
	}
	return nil
}

// takeValues holds opened values against the commitments of the entry before them.
func (r *reading) takeValues(rest []byte) error {
	if r.entry.sequence == 0 || r.entry.opened {
		return r.bad("values stand behind no entry")
	}
	r.entry.opened = true
	b, err := entry.Decode(r.entry.stored)
	if err != nil {
		return r.bad(err.Error())
	}
	committed := map[string]entry.Commit{}
	for _, labels := range b.Commitments() {
		for l, c := range labels {
			committed[l] = c
		}
	}
	var values []Value
	if err := json.Unmarshal(rest, &values); err != nil {
		return r.bad("the values cannot be read")
	}
	for _, v := range values {
		if subtle.ConstantTimeCompare(committed[v.Label], entry.Commitment(b.ID, v.Label, v.Salt, v.Value)) != 1 {
			return r.bad("an opened value does not match its commitment")
		}
		r.report.Values++
	}
	return nil
}

// takePath checks that the entry before is in the tree of the checkpoint.
func (r *reading) takePath(rest []byte) error {
	if !r.entry.owesPath {
		return r.bad("a path stands behind no entry that needs one")
	}
	r.entry.owesPath = false
	var words []string
	for _, w := range bytes.Fields(rest) {
		words = append(words, string(w))
	}
	path, err := hashes(words)
	if err != nil {
		return r.bad("the path cannot be read")
	}
	c := r.report.Checkpoint
	if proof.VerifyInclusion(uint64(r.entry.sequence)-1, c.Size, r.entry.leaf, path, c.Root) != nil {
		return r.bad("the entry is not in the trail that the checkpoint covers")
	}
	return nil
}
