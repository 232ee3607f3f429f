// Package bundle is the file in which a trail, or a part of it, is handed to an
// auditor: one signed text, checked without any server.
//
//	lendkeep trail export 1
//	{"origin":…,"extent":"whole",…,"checkpoint":"…"}        the head
//	E 17 3 2 <leaf> <link> {"id":"au_…",…}                  an entry: sequence, place in its
//	                                                        object's chain, version, its leaf,
//	                                                        the link before it (or -), the body
//	V [{"label":…,"salt":…,"value":…}]                      its sealed values that were opened
//	D 18 4 <leaf> <instant> au_… <disposal> <object>        what is left of an entry that was disposed of
//	P <hash> <hash>                                         its path to the root
//	Z {"entries":1,"sha256":…,"note":"…"}                   the end, signed
//
// A whole trail carries no paths and no links: whoever reads it builds the tree and
// every chain anew. A part carries a path for each entry; the part about one object
// is complete, because its chain numbers its entries and each leaf binds all that stand
// before it.
//
// Entries are in ascending sequence. The body is what was hashed, byte for byte, so the
// file can be read, searched and compared with a text editor.
package bundle

import (
	"bufio"
	"crypto/sha256"
	"encoding"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Extent says what of a trail a file holds.
type Extent string

// The extents of a file.
const (
	Whole  Extent = "whole"  // every entry from the first to the checkpoint
	Object Extent = "object" // every entry about one object, up to the checkpoint
	Part   Extent = "part"   // some entries; it does not claim to be all
)

const magic = "lendkeep trail export 1"

// Head begins a file.
type Head struct {
	Origin     string    `json:"origin"`           // of the trail and its keys
	Tenant     string    `json:"tenant"`           // as leaves bind it
	Lender     string    `json:"lender,omitempty"` // the tenant's name, for people
	Extent     Extent    `json:"extent"`
	Object     string    `json:"object,omitempty"` // with Extent Object
	Selection  string    `json:"selection,omitempty"`
	Class      string    `json:"class"` // the highest data class that it holds
	MadeAt     int64     `json:"made_at"`
	MadeBy     string    `json:"made_by"`
	Keys       []string  `json:"keys"`       // of the trail, newest first, as the maker says
	Checkpoint string    `json:"checkpoint"` // the signed note
	Earlier    []Earlier `json:"earlier,omitempty"`
	Handovers  []string  `json:"handovers,omitempty"` // notes by which one key named the next
}

// Earlier is a proof that the trail of Checkpoint begins with that of an earlier one.
type Earlier struct {
	Size  uint64   `json:"size"`
	Proof []string `json:"proof"` // hashes in base64
}

// Entry is one entry on its way into a file.
type Entry struct {
	Sequence       int64
	ObjectSequence int64
	Leaf           proof.Hash   // as stored
	Before         proof.Hash   // the link before it; written with Extent Part
	Stored         []byte       // the body with its version byte
	Path           []proof.Hash // with Extent Part and Object
	Values         []Value
	// Of an entry that was disposed of, which has no body and no values:
	Disposal string // by which; "": it was not
	ID       id.Audit
	At       int64
	Object   string
}

// Value is a sealed value that was opened, with the salt of its commitment.
type Value struct {
	Label string `json:"label"`
	Salt  []byte `json:"salt"`
	Value string `json:"value"`
}

// end closes a file.
type end struct {
	Entries int64  `json:"entries"`
	SHA256  string `json:"sha256"`
	Note    string `json:"note"`
}

// text is what the maker signs about a file.
func text(origin string, entries int64, sum []byte) string {
	return magic + "\n" + origin + "\n" + strconv.FormatInt(entries, 10) + "\n" + hex.EncodeToString(sum) + "\n"
}

// Writer makes a file. Not for concurrent use.
type Writer struct {
	out     *bufio.Writer
	digest  hash.Hash
	head    Head
	entries int64
	last    int64
	line    []byte
}

// NewWriter begins a file.
func NewWriter(out io.Writer, h Head) (*Writer, error) {
	w := &Writer{digest: sha256.New(), head: h}
	w.out = bufio.NewWriterSize(io.MultiWriter(out, w.digest), 1<<16)
	j, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("head of the export: %w", err)
	}
	_, err = w.out.WriteString(magic + "\n" + string(j) + "\n")
	return w, err
}

// Entry adds an entry; they come in ascending sequence.
func (w *Writer) Entry(e Entry) error {
	if e.Sequence <= w.last || (len(e.Stored) < 2) == (e.Disposal == "") {
		return errors.New("entries of an export come in ascending sequence, with their bodies")
	}
	w.last = e.Sequence
	w.entries++
	b := w.line[:0]
	if e.Disposal != "" {
		b = appendGone(b, &e)
	} else {
		b = w.appendEntry(b, &e)
	}
	if len(e.Values) > 0 {
		j, err := json.Marshal(e.Values)
		if err != nil {
			return fmt.Errorf("values of an export: %w", err)
		}
		b = append(append(append(b, "V "...), j...), '\n')
	}
	if w.head.Extent != Whole {
		b = append(b, 'P')
		for _, h := range e.Path {
			b = base64.StdEncoding.AppendEncode(append(b, ' '), h[:])
		}
		b = append(b, '\n')
	}
	w.line = b
	_, err := w.out.Write(b)
	return err
}

// appendEntry writes the line of an entry.
func (w *Writer) appendEntry(b []byte, e *Entry) []byte {
	b = append(b, "E "...)
	b = strconv.AppendInt(b, e.Sequence, 10)
	b = strconv.AppendInt(append(b, ' '), e.ObjectSequence, 10)
	b = strconv.AppendInt(append(b, ' '), int64(e.Stored[0]), 10)
	b = append(base64.StdEncoding.AppendEncode(append(b, ' '), e.Leaf[:]), ' ')
	if w.head.Extent == Part && e.ObjectSequence > 0 {
		b = base64.StdEncoding.AppendEncode(b, e.Before[:])
	} else {
		b = append(b, '-')
	}
	return append(append(append(b, ' '), e.Stored[1:]...), '\n')
}

// appendGone writes the line of an entry that was disposed of; its object may hold
// spaces, and so stands last.
func appendGone(b []byte, e *Entry) []byte {
	b = strconv.AppendInt(append(b, "D "...), e.Sequence, 10)
	b = strconv.AppendInt(append(b, ' '), e.ObjectSequence, 10)
	b = append(base64.StdEncoding.AppendEncode(append(b, ' '), e.Leaf[:]), ' ')
	b = append(append(strconv.AppendInt(b, e.At, 10), ' '), e.ID...)
	b = append(append(append(b, ' '), e.Disposal...), ' ')
	return append(append(b, e.Object...), '\n')
}

// Close ends and signs the file; it does not close what it was written to.
func (w *Writer) Close(by ...checkpoint.Signer) error {
	if err := w.out.Flush(); err != nil {
		return err
	}
	sum := w.digest.Sum(nil)
	note, err := checkpoint.Sign(text(w.head.Origin, w.entries, sum), by...)
	if err != nil {
		return err
	}
	j, err := json.Marshal(end{Entries: w.entries, SHA256: hex.EncodeToString(sum), Note: note})
	if err != nil {
		return fmt.Errorf("end of the export: %w", err)
	}
	if _, err := w.out.WriteString("Z " + string(j) + "\n"); err != nil {
		return err
	}
	return w.out.Flush()
}

// state is a Writer between two pieces of a file.
type state struct {
	Digest  []byte `json:"digest"`
	Entries int64  `json:"entries"`
	Last    int64  `json:"last"`
}

// State gives what Resume needs to go on with the file in another piece. What was
// written until then has gone out.
func (w *Writer) State() ([]byte, error) {
	if err := w.out.Flush(); err != nil {
		return nil, err
	}
	digest, err := w.digest.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		return nil, err
	}
	return json.Marshal(state{Digest: digest, Entries: w.entries, Last: w.last})
}

// Resume goes on with a file: its head and the State of the piece before.
func Resume(out io.Writer, h Head, stored []byte) (*Writer, error) {
	var s state
	if err := json.Unmarshal(stored, &s); err != nil {
		return nil, fmt.Errorf("state of the export: %w", err)
	}
	w := &Writer{digest: sha256.New(), head: h, entries: s.Entries, last: s.Last}
	if err := w.digest.(encoding.BinaryUnmarshaler).UnmarshalBinary(s.Digest); err != nil {
		return nil, fmt.Errorf("state of the export: %w", err)
	}
	w.out = bufio.NewWriterSize(io.MultiWriter(out, w.digest), 1<<16)
	return w, nil
}

// Last is the sequence of the entry that was added last.
func (w *Writer) Last() int64 { return w.last }

// Entries says how many entries were added.
func (w *Writer) Entries() int64 { return w.entries }

// EarlierOf writes a consistency proof for the head.
func EarlierOf(size uint64, path []proof.Hash) Earlier {
	e := Earlier{Size: size, Proof: make([]string, len(path))}
	for i, h := range path {
		e.Proof[i] = base64.StdEncoding.EncodeToString(h[:])
	}
	return e
}
