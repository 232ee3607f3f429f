// Package backup is the file in which a tenant's data, or its key store, leaves the
// house: sealed, signed, and of one form for both engines.
//
//	lendkeep backup 1
//	{"kind":"data","tenant":…,"region":…,"checkpoint":…,"key":…}    the head
//	<compressed, in segments of AES-256-GCM>                        what it holds
//	{"sha256":…,"note":"…"}                                         the end, signed
//	<eight digits: how long the end is> lendkeep end
//
// Invariants: the key of a file is made for it alone and lies in it wrapped by the
// KMS; the head is bound to the key, to every segment and to the signature, so that
// no part of a file serves in another; segments cannot be swapped, repeated, left out
// or cut off. Nothing of a file may be used before Check has read all of it.
//
// It must not know what a file holds, nor where a file lies.
package backup

import (
	"bufio"
	"compress/flate"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"

	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Kind says what a file holds.
type Kind string

// The kinds of file.
const (
	Data     Kind = "data"      // the directory's row and the tenant's database
	KeyStore Kind = "key_store" // the keys of persons and the tenant's ring
)

const (
	magic   = "lendkeep backup 1\n"
	tail    = " lendkeep end\n"
	segment = 1 << 20 // of ciphertext
)

// Head begins a file, readable by everybody who has it.
type Head struct {
	Kind       Kind           `json:"kind"`
	ID         string         `json:"id"`
	Tenant     string         `json:"tenant"`
	Slug       string         `json:"slug"`
	Region     string         `json:"region"` // where the data must stay
	Engine     string         `json:"engine"` // that it was taken from
	Schema     int64          `json:"schema"` // the last migration
	MadeAt     int64          `json:"made_at"`
	Checkpoint string         `json:"checkpoint"`          // the signed note over the trail at that moment
	Versions   map[string]int `json:"versions,omitempty"`  // the version of each key in use
	Handovers  []string       `json:"handovers,omitempty"` // notes by which one signing key named the next
	Ring       []byte         `json:"ring,omitempty"`      // with KeyStore: as the KMS wraps it
	KMS        string         `json:"kms"`                 // names the key that wraps Key
	Key        []byte         `json:"key"`                 // of this file
}

// end closes a file.
type end struct {
	SHA256 string `json:"sha256"`
	Note   string `json:"note"`
}

// KMS wraps the key of a file. aad must be the same at both calls.
type KMS interface {
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
	Name() string
}

// place binds the wrapped key to its file.
func (h *Head) place() []byte {
	return []byte(strings.Join([]string{"lendkeep backup key", h.Tenant, h.ID, string(h.Kind)}, "\n"))
}

// text is what is signed about a file.
func (h *Head) text(sum string) string {
	return magic + checkpoint.Origin(h.Tenant) + "\n" + h.ID + "\n" + string(h.Kind) + "\n" + sum + "\n"
}

func stream(key []byte) (*subtle.AESGCMHKDF, error) {
	return subtle.NewAESGCMHKDF(key, "SHA256", 32, segment, 0)
}

// Writer makes a file. What is written to it is compressed and sealed. Not for
// concurrent use.
type Writer struct {
	head   Head
	digest hash.Hash
	out    *bufio.Writer
	sealed io.WriteCloser
	packed *flate.Writer
}

// NewWriter begins a file with a key of its own, which the KMS wraps: it is asked once.
func NewWriter(ctx context.Context, out io.Writer, h Head, kms KMS) (*Writer, error) {
	key := make([]byte, 32)
	rand.Read(key)
	defer clear(key)
	h.KMS = kms.Name()
	var err error
	if h.Key, err = kms.Wrap(ctx, key, h.place()); err != nil {
		return nil, fmt.Errorf("wrap the key of the backup: %w", err)
	}
	line, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("head of the backup: %w", err)
	}
	head := []byte(magic + string(line) + "\n")
	w := &Writer{head: h, digest: sha256.New()}
	w.out = bufio.NewWriterSize(io.MultiWriter(out, w.digest), 1<<16)
	if _, err := w.out.Write(head); err != nil {
		return nil, err
	}
	s, err := stream(key)
	if err != nil {
		return nil, fmt.Errorf("seal the backup: %w", err)
	}
	if w.sealed, err = s.NewEncryptingWriter(w.out, head); err != nil {
		return nil, fmt.Errorf("seal the backup: %w", err)
	}
	w.packed, err = flate.NewWriter(w.sealed, flate.BestSpeed)
	return w, err
}

// Write adds to what the file holds.
func (w *Writer) Write(p []byte) (int, error) { return w.packed.Write(p) }

// Close ends and signs the file; it does not close what it was written to.
func (w *Writer) Close(by ...checkpoint.Signer) error {
	if err := w.packed.Close(); err != nil {
		return err
	}
	if err := w.sealed.Close(); err != nil {
		return err
	}
	if err := w.out.Flush(); err != nil {
		return err
	}
	e := end{SHA256: hex.EncodeToString(w.digest.Sum(nil))}
	var err error
	if e.Note, err = checkpoint.Sign(w.head.text(e.SHA256), by...); err != nil {
		return err
	}
	j, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("end of the backup: %w", err)
	}
	if _, err := fmt.Fprintf(w.out, "\n%s\n%08d%s", j, len(j)+2, tail); err != nil {
		return err
	}
	return w.out.Flush()
}
