package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// Against is what a file is held against: things that its maker could not change.
type Against struct {
	Keys        []string // of the trail, known from elsewhere; none: those that the file names
	Checkpoints []string // signed notes kept elsewhere, in any order
	// Progress, if there is one, is told now and then how many bytes were read.
	Progress func(bytes int64)
}

// Report says what was checked of a file that holds.
type Report struct {
	Head       Head
	Checkpoint checkpoint.Checkpoint
	SignedBy   []string // keys that signed the checkpoint
	Entries    int64
	Values     int64    // sealed values that match their commitments
	Gone       int64    // entries that were disposed of: their place and leaf are left
	Disposals  int64    // with Extent Whole: the entries that say so, each of which matches
	Compared   []uint64 // sizes of the checkpoints from elsewhere that it agrees with
	// Unproven are the sizes of checkpoints from elsewhere to which the file carries no
	// proof: they were not compared.
	Unproven []uint64
	// Beyond are the sizes of those that cover more than the file, and say that they were
	// signed after it was made. Only whoever made it says when that was: what lies
	// between may have been left out.
	Beyond []uint64
}

// Bad is the first thing that is wrong with a file.
type Bad struct {
	Line     int64    // from 1; 0 for what the file is held against
	Sequence int64    // of the entry; 0 where it is none
	ID       id.Audit // of the entry, where it can be read
	Why      string
}

// Error names the place and what is wrong.
func (b *Bad) Error() string {
	where := "line " + strconv.FormatInt(b.Line, 10) + ": "
	if b.Line == 0 {
		where = ""
	}
	if b.Sequence > 0 {
		where += "entry " + strconv.FormatInt(b.Sequence, 10)
		if b.ID != "" {
			where += " (" + Plain(string(b.ID)) + ")"
		}
		where += ": "
	}
	return where + b.Why
}

// Plain gives words of a file as a terminal can show them: what would end a line, or
// steer the terminal, is written out.
func Plain(s string) string {
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}

// mostLine bounds one line: the body of the longest entry, or its values.
const mostLine = 16 << 20

// reading is one pass over a file.
type reading struct {
	in      *bufio.Reader
	digest  hash.Hash
	against Against
	report  Report

	line, bytes, told int64
	long              []byte // a line that is longer than the buffer

	elsewhere []checkpoint.Checkpoint // ascending by size
	agreed    uint64                  // the largest size up to which elsewhere agrees
	next      int                     // the first of elsewhere that is not reached

	tree   proof.Tree
	chains map[string]chain
	entry  current
	gone   disposal.Ledger // with Extent Whole
	newest int64           // with Extent Object: the latest instant before the entry
}

// chain is the end of an object's chain.
type chain struct {
	length int64
	head   proof.Hash
}

// current is the entry that was read last.
type current struct {
	sequence int64
	stored   []byte
	leaf     proof.Hash
	owesPath bool
	opened   bool
}

// Check reads a file and holds it against what is known from elsewhere. The error is a
// *Bad that names the first thing that is wrong, or the reader's own.
func Check(in io.Reader, against Against) (*Report, error) {
	r := &reading{in: bufio.NewReaderSize(in, 1<<20), digest: sha256.New(), against: against, chains: map[string]chain{}}
	if err := r.begin(); err != nil {
		return nil, err
	}
	for {
		l, err := r.read()
		if err != nil {
			return nil, err
		}
		kind, rest, _ := bytes.Cut(l, []byte(" "))
		if string(kind) == "Z" {
			if err := r.end(rest); err != nil {
				return nil, err
			}
			return r.done()
		}
		r.digest.Write(l)
		r.digest.Write([]byte("\n"))
		switch string(kind) {
		case "E":
			err = r.takeEntry(rest)
		case "D":
			err = r.takeGone(rest)
		case "V":
			err = r.takeValues(rest)
		case "P":
			err = r.takePath(rest)
		default:
			err = r.bad("the line is of no known kind")
		}
		if err != nil {
			return nil, err
		}
	}
}

// bad is about the line, and the entry to which it belongs.
func (r *reading) bad(why string) error {
	b := &Bad{Line: r.line, Sequence: r.entry.sequence, Why: why}
	if e, err := entry.Decode(r.entry.stored); err == nil {
		b.ID = e.ID
	}
	return b
}

// read gives the next line without its end; it holds until the one after.
func (r *reading) read() ([]byte, error) {
	r.line++
	l, err := r.in.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		r.long = append(r.long[:0], l...)
		for errors.Is(err, bufio.ErrBufferFull) && len(r.long) < mostLine {
			l, err = r.in.ReadSlice('\n')
			r.long = append(r.long, l...)
		}
		l = r.long
	}
	if errors.Is(err, io.EOF) || errors.Is(err, bufio.ErrBufferFull) {
		return nil, &Bad{Line: r.line, Why: "the file ends here, before its signed end"}
	}
	if err != nil {
		return nil, fmt.Errorf("read the export: %w", err)
	}
	if r.bytes += int64(len(l)); r.against.Progress != nil && r.bytes-r.told > 1<<20 {
		r.told = r.bytes
		r.against.Progress(r.bytes)
	}
	return l[:len(l)-1], nil
}

// begin reads the head and what the file is held against.
func (r *reading) begin() error {
	for i, want := range []string{magic, ""} {
		l, err := r.read()
		if err != nil {
			return err
		}
		r.digest.Write(l)
		r.digest.Write([]byte("\n"))
		if i == 0 && string(l) != want {
			return r.bad("this is not an export of a trail: it does not begin with “" + magic + "”")
		}
		if i == 1 {
			d := json.NewDecoder(bytes.NewReader(l))
			d.DisallowUnknownFields()
			if err := d.Decode(&r.report.Head); err != nil {
				return r.bad("the head cannot be read")
			}
		}
	}
	h := &r.report.Head
	if len(r.against.Keys) == 0 {
		r.against.Keys = h.Keys
	}
	switch {
	case h.Origin != checkpoint.Origin(h.Tenant):
		return r.bad("the origin is not that of the tenant")
	case h.Extent != Whole && h.Extent != Object && h.Extent != Part:
		return r.bad("the extent is none that is known")
	case (h.Extent == Object) != (h.Object != ""):
		return r.bad("the extent and the object do not fit")
	}
	r.against.Keys = checkpoint.Trusted(h.Origin, r.against.Keys, h.Handovers)
	var err error
	r.report.Checkpoint, r.report.SignedBy, err = checkpoint.Open(h.Checkpoint, r.against.Keys...)
	if err != nil {
		return r.bad(err.Error())
	}
	if r.report.Checkpoint.Origin != h.Origin {
		return r.bad("the checkpoint is of another trail")
	}
	return r.hold()
}

// hold reads the checkpoints from elsewhere, and compares those for which the head
// carries a proof.
func (r *reading) hold() error {
	c := r.report.Checkpoint
	if !witnessed {
		r.against.Checkpoints = nil
	}
	for _, n := range r.against.Checkpoints {
		w, _, err := checkpoint.Open(n, r.against.Keys...)
		if err != nil {
			return &Bad{Why: "the checkpoint from elsewhere: " + err.Error()}
		}
		if w.Origin != c.Origin {
			return &Bad{Why: "the checkpoint from elsewhere is of another trail: " + strconv.Quote(w.Origin)}
		}
		r.elsewhere = append(r.elsewhere, w)
	}
	slices.SortStableFunc(r.elsewhere, func(a, b checkpoint.Checkpoint) int { return int(int64(a.Size) - int64(b.Size)) })
	for _, w := range r.elsewhere {
		switch {
		case w.Size > c.Size && w.At != 0 && w.At <= r.report.Head.MadeAt:
			return &Bad{Sequence: int64(c.Size) + 1, Why: fmt.Sprintf("the entry is missing, and what follows it: a checkpoint kept elsewhere, signed before this export was made, covers %d entries, and the export ends at %d", w.Size, c.Size)}
		case w.Size > c.Size:
			r.report.Beyond = append(r.report.Beyond, w.Size)
		case r.report.Head.Extent == Whole || w.Size == c.Size:
			if w.Size == c.Size && w.Root != c.Root {
				return r.parted(w)
			}
		default:
			if err := r.consistent(w); err != nil {
				return err
			}
			continue
		}
		if w.Size == c.Size {
			r.report.Compared = append(r.report.Compared, w.Size)
		}
	}
	return nil
}

// parted is the error of a checkpoint from elsewhere that has another root.
func (r *reading) parted(w checkpoint.Checkpoint) error {
	return &Bad{Line: r.line, Sequence: int64(r.agreed) + 1,
		Why: fmt.Sprintf("an entry from %d to %d is not as it was when a checkpoint was kept elsewhere: the trail was rewritten", r.agreed+1, w.Size)}
}

// consistent compares with the proof that the head carries for that size.
func (r *reading) consistent(w checkpoint.Checkpoint) error {
	for _, e := range r.report.Head.Earlier {
		if e.Size != w.Size {
			continue
		}
		path, err := hashes(e.Proof)
		if err != nil {
			return r.bad("the proof to an earlier checkpoint cannot be read")
		}
		if proof.VerifyConsistency(w.Size, r.report.Checkpoint.Size, path, w.Root, r.report.Checkpoint.Root) != nil {
			return r.parted(w)
		}
		r.report.Compared = append(r.report.Compared, w.Size)
		r.agreed = w.Size
		return nil
	}
	r.report.Unproven = append(r.report.Unproven, w.Size)
	return nil
}

func hashes(words []string) ([]proof.Hash, error) {
	out := make([]proof.Hash, len(words))
	for i, s := range words {
		if err := hashOf(&out[i], []byte(s)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

var errHash = errors.New("not a hash")

func hashOf(h *proof.Hash, word []byte) error {
	var b [33]byte
	n, err := base64.StdEncoding.Strict().Decode(b[:], word[:min(len(word), 44)])
	if err != nil || n != len(h) || len(word) != 44 {
		return errHash
	}
	copy(h[:], b[:])
	return nil
}

// end checks the last line against all that was read.
func (r *reading) end(rest []byte) error {
	if r.entry.owesPath {
		return r.bad("the entry has no path to the root")
	}
	var e end
	if err := json.Unmarshal(rest, &e); err != nil {
		return r.bad("the end cannot be read")
	}
	r.entry = current{}
	sum := r.digest.Sum(nil)
	if e.Entries != r.report.Entries || e.SHA256 != hex.EncodeToString(sum) {
		return r.bad("the file was altered after it was signed: its digest is another")
	}
	signed, _, err := checkpoint.OpenNote(e.Note, r.against.Keys...)
	if err != nil {
		return r.bad("the file's signature: " + err.Error())
	}
	if signed != text(r.report.Head.Origin, e.Entries, sum) {
		return r.bad("the signature is of another file")
	}
	if _, err := r.in.ReadByte(); !errors.Is(err, io.EOF) {
		return r.bad("something stands behind the end")
	}
	return nil
}

// done checks what only the whole file can show.
func (r *reading) done() (*Report, error) {
	c := r.report.Checkpoint
	if r.report.Head.Extent == Whole {
		if r.tree.Size() != c.Size {
			return nil, &Bad{Line: r.line, Sequence: int64(r.tree.Size()) + 1, Why: "the entry is missing: the checkpoint covers " + strconv.FormatUint(c.Size, 10) + " entries"}
		}
		if first := r.gone.Left(); first != 0 {
			return nil, &Bad{Line: r.line, Sequence: first, Why: "what it said is gone, and no entry says that it was disposed of"}
		}
		r.report.Disposals = r.gone.Notes
		if r.tree.Root() != c.Root {
			return nil, &Bad{Line: r.line, Sequence: int64(r.agreed) + 1, Why: fmt.Sprintf("an entry from %d to %d is not what the checkpoint covers", r.agreed+1, c.Size)}
		}
	}
	slices.Sort(r.report.Compared)
	return &r.report, nil
}
