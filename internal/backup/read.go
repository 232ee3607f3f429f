package backup

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Errors that callers can tell apart.
var (
	// ErrForm: the file is no backup, or was cut off.
	ErrForm = errors.New("this is no whole backup file: it is something else, or was cut off before its signed end")
	// ErrAltered: something in the file is not as it was written.
	ErrAltered = errors.New("the backup file is not as it was written")
	// ErrUnsigned: no key that is trusted has signed the file.
	ErrUnsigned = errors.New("the backup file is not signed by a key that is trusted")
	// ErrKey: the KMS does not give the file's key.
	ErrKey = errors.New("the key of the backup file cannot be unwrapped: this is not the KMS key that wrapped it, or the file was altered")
)

// mostHead bounds the head and the end of a file, which are read whole.
const mostHead = 4 << 20

// File is a backup that was opened and not yet trusted.
type File struct {
	Head Head

	from io.ReaderAt
	head []byte // with its magic, as it lies
	body int64  // where what it holds ends
	end  end
}

// Open reads the head and the end of a file of a size. It trusts neither.
func Open(from io.ReaderAt, size int64) (*File, error) {
	f := &File{from: from}
	start := make([]byte, min(size, mostHead))
	if _, err := from.ReadAt(start, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	rest, is := bytes.CutPrefix(start, []byte(magic))
	line, _, whole := bytes.Cut(rest, []byte("\n"))
	if !is || !whole || json.Unmarshal(line, &f.Head) != nil {
		return nil, ErrForm
	}
	f.head = start[:len(magic)+len(line)+1]
	last := make([]byte, 8+len(tail))
	if size < int64(len(f.head)+len(last)) {
		return nil, ErrForm
	}
	if _, err := from.ReadAt(last, size-int64(len(last))); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	digits, is := strings.CutSuffix(string(last), tail)
	n, err := strconv.ParseInt(digits, 10, 64)
	f.body = size - int64(len(last)) - n
	if !is || err != nil || n < 2 || n > mostHead || f.body < int64(len(f.head)) {
		return nil, ErrForm
	}
	j := make([]byte, n)
	if _, err := from.ReadAt(j, f.body); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if json.Unmarshal(j, &f.end) != nil {
		return nil, ErrForm
	}
	return f, nil
}

// SHA256 is the digest that the file's end claims of all before it, in hexadecimal.
func (f *File) SHA256() string { return f.end.SHA256 }

// Check reads the whole file and holds it against its signature by one of the keys,
// which are words of checkpoint.Key. read, if given, is told how much was read.
func (f *File) Check(ctx context.Context, read func(bytes int64), keys ...string) error {
	digest := sha256.New()
	piece := make([]byte, 1<<20)
	for from := int64(0); from < f.body; {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.from.ReadAt(piece[:min(int64(len(piece)), f.body-from)], from)
		if n == 0 && err != nil {
			return err
		}
		digest.Write(piece[:n])
		if from += int64(n); read != nil {
			read(from)
		}
	}
	if hex.EncodeToString(digest.Sum(nil)) != f.end.SHA256 {
		return ErrAltered
	}
	text, _, err := checkpoint.OpenNote(f.end.Note, keys...)
	if err != nil {
		return fmt.Errorf("%w (%w)", ErrUnsigned, err)
	}
	if text != f.Head.text(f.end.SHA256) {
		return ErrAltered
	}
	return nil
}

// Reader gives what the file holds. Its errors wrap ErrAltered where the file is not as
// it was written, also if that happened since Check.
func (f *File) Reader(ctx context.Context, kms KMS) (io.Reader, error) {
	key, err := kms.Unwrap(ctx, f.Head.Key, f.Head.place())
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", ErrKey, err)
	}
	defer clear(key)
	s, err := stream(key)
	if err != nil {
		return nil, ErrKey
	}
	sealed := io.NewSectionReader(f.from, int64(len(f.head)), f.body-int64(len(f.head)))
	plain, err := s.NewDecryptingReader(sealed, f.head)
	if err != nil {
		return nil, ErrAltered
	}
	return &unpacked{packed: flate.NewReader(plain), under: plain}, nil
}

// unpacked decompresses, and wants the sealed stream to end where the compressed one does.
type unpacked struct{ packed, under io.Reader }

func (u *unpacked) Read(p []byte) (int, error) {
	n, err := u.packed.Read(p)
	if err == nil {
		return n, nil
	}
	if err != io.EOF {
		return n, fmt.Errorf("%w (%w)", ErrAltered, err)
	}
	if more, end := u.under.Read(make([]byte, 1)); more > 0 || end != io.EOF {
		return n, ErrAltered
	}
	return n, io.EOF
}
