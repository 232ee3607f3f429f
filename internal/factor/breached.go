package factor

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// Breached knows passwords that attackers try first: those of a file of leaked
// ones, if the operator has one, and those that are made like all the others.
// It may be used by many at once.
//
// The file has one SHA-1 hash a line, in hexadecimal and in rising order, which
// may be followed by a colon and a count: the form in which the public list is
// distributed. It has tens of gigabytes, so nothing of it is held in memory:
// a question reads some eighty short pieces. SHA-1 is the list's choice and
// protects nothing here.
type Breached struct {
	list  io.ReaderAt // nil without a list
	path  string
	size  int64
	close func() error
}

type sum = [sha1.Size]byte

// line is one line of the list and where the next one begins.
type line struct {
	start, next int64
	sum         sum
}

// A line is a hash, a colon, a count of at most twenty digits, and its end.
const lineMax = 2*sha1.Size + 1 + 20 + len("\r\n")

// OpenBreached opens the list at a path and checks samples of it; a list that
// is unsorted, damaged or cut short is refused. Without a path there is no
// list, and only what is built in is known. Close it in the end.
func OpenBreached(path string) (*Breached, error) {
	if path == "" {
		return &Breached{}, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the list of breached passwords cannot be opened: %w", err)
	}
	b := &Breached{list: f, path: path, close: f.Close}
	info, err := f.Stat()
	switch {
	case err != nil:
		err = fmt.Errorf("the list of breached passwords cannot be read: %w", err)
	case info.Size() == 0:
		err = fmt.Errorf("the list of breached passwords %s is empty", path)
	default:
		b.size = info.Size()
		err = b.sample()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return b, nil
}

// Close closes the list.
func (b *Breached) Close() error {
	if b.close == nil {
		return nil
	}
	return b.close()
}

// Contains reports whether the list has a password. It is false without a list.
func (b *Breached) Contains(password secret.Text) (bool, error) {
	if b.list == nil {
		return false, nil
	}
	return b.search(sha1.Sum([]byte(password.Reveal())))
}

// search halves the bytes in which the line must begin. low and high are the
// sums beyond these bytes, between which each line must lie. Where one does not,
// or is greater than the line behind it, the list is not sorted and a "no" would
// mean nothing.
func (b *Breached) search(want sum) (bool, error) {
	low, high := sum{}, sum(bytes.Repeat([]byte{0xff}, sha1.Size))
	from, to := int64(0), b.size
	for from < to {
		middle := from + (to-from)/2
		l, ok, err := b.inOrder(middle)
		if err != nil {
			return false, err
		}
		if !ok || l.start >= to {
			to = middle
			continue
		}
		if bytes.Compare(l.sum[:], low[:]) < 0 || bytes.Compare(l.sum[:], high[:]) > 0 {
			return false, b.wrong(l.start, unsorted)
		}
		switch c := bytes.Compare(l.sum[:], want[:]); {
		case c == 0:
			return true, nil
		case c < 0:
			from, low = l.next, l.sum
		default:
			to, high = middle, l.sum
		}
	}
	return false, nil
}

const unsorted = "the hashes are not in rising order; get the list that is ordered by hash"

// samples is at how many places a list is looked at before it is trusted.
const samples = 256

// sample looks at pairs of lines all over the list, and at both its ends.
func (b *Breached) sample() error {
	var before sum
	for i := range int64(samples) {
		l, ok, err := b.inOrder(b.size / samples * i)
		if err != nil {
			return err
		}
		if ok && bytes.Compare(l.sum[:], before[:]) < 0 {
			return b.wrong(l.start, unsorted)
		}
		if ok {
			before = l.sum
		}
	}
	return b.ends(before)
}

// inOrder is lineFrom for a line that must not come after the next one.
func (b *Breached) inOrder(at int64) (line, bool, error) {
	l, ok, err := b.lineFrom(at)
	if err != nil || !ok {
		return line{}, false, err
	}
	next, more, err := b.lineFrom(l.next)
	if err != nil {
		return line{}, false, err
	}
	if more && bytes.Compare(next.sum[:], l.sum[:]) < 0 {
		return line{}, false, b.wrong(next.start, unsorted)
	}
	return l, true, nil
}

// ends looks at the first and the last line. Hashes are spread evenly, so that
// a long list that begins late or ends early is half a download.
func (b *Breached) ends(before sum) error {
	const long = 1 << 20
	first, _, err := b.lineFrom(0)
	if err != nil {
		return err
	}
	last := first
	for at := max(first.next, b.size-2*int64(lineMax)); ; {
		l, ok, err := b.lineFrom(at)
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		last, at = l, l.next
	}
	if bytes.Compare(last.sum[:], before[:]) < 0 {
		return b.wrong(last.start, unsorted)
	}
	if b.size >= long && (first.sum[0] > 0x0f || last.sum[0] < 0xf0) {
		return b.wrong(last.start, "the list covers a part of all hashes only; get it again as a whole")
	}
	return nil
}

// lineFrom reads the first line that begins at or after a byte; ok is false if
// there is none.
func (b *Breached) lineFrom(at int64) (l line, ok bool, err error) {
	from := max(at-1, 0) // the byte before tells whether a line begins right here
	piece := make([]byte, 2*lineMax+1)
	n, err := b.list.ReadAt(piece, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return line{}, false, fmt.Errorf("the list of breached passwords cannot be read: %w", err)
	}
	piece = piece[:min(int64(n), b.size-from)]
	end := from+int64(len(piece)) == b.size // the piece goes to the end of the list
	if at > 0 {
		i := bytes.IndexByte(piece, '\n')
		if i < 0 && !end || i > lineMax {
			return line{}, false, b.wrong(from, "a line is too long for a hash and a count")
		}
		if i < 0 {
			return line{}, false, nil
		}
		from, piece = from+int64(i)+1, piece[i+1:]
	}
	if from >= b.size {
		return line{}, false, nil
	}
	text, _, whole := bytes.Cut(piece, []byte("\n"))
	s, good := readLine(text)
	if !good || !whole && !end {
		return line{}, false, b.wrong(from, "a line is not a SHA-1 hash in hexadecimal, alone or followed by a colon and a count")
	}
	return line{start: from, next: min(from+int64(len(text))+1, b.size), sum: s}, true, nil
}

// readLine reads one line without its end.
func readLine(text []byte) (s sum, ok bool) {
	text = bytes.TrimSuffix(text, []byte("\r"))
	if len(text) < 2*len(s) {
		return sum{}, false
	}
	if _, err := hex.Decode(s[:], text[:2*len(s)]); err != nil {
		return sum{}, false
	}
	count, counted := bytes.CutPrefix(text[2*len(s):], []byte(":"))
	if !counted {
		return s, len(text) == 2*len(s)
	}
	for _, c := range count {
		if c < '0' || c > '9' {
			return sum{}, false
		}
	}
	return s, len(count) > 0 && len(count) <= 20
}

func (b *Breached) wrong(at int64, why string) error {
	return fmt.Errorf("the list of breached passwords %s, at byte %d: %s", b.path, at, why)
}
