// Package checkpoint is the signed statement of how large a trail was and what its
// root hash was, in the form that witnesses of transparency logs understand.
//
// The text is that of C2SP tlog-checkpoint: the origin, the size in decimal, the
// root hash in base64, then extension lines; ours tells the time. It is signed as a
// note (C2SP signed-note) with Ed25519 keys. A signature that no known key has made
// counts for nothing, and is kept: a witness's lies beside the keeper's own.
//
// It needs hashes and signatures only, and knows no database: an auditor's program
// rests on it.
package checkpoint

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/lendkeep/lendkeep/internal/proof"
)

// Checkpoint is one statement.
type Checkpoint struct {
	Origin string // of the trail; see Origin
	Size   uint64 // entries
	Root   proof.Hash
	At     int64 // unix microseconds; 0: it does not say
	// Notices is the number of the last note of notices that lies beside the checkpoint
	// in a witness's folder; 0: it does not say.
	Notices int64
}

// Origin names the trail of a tenant as checkpoints and keys do.
func Origin(tenant string) string { return "lendkeep/trail/" + tenant }

// ErrForm is the error of a text that is no checkpoint.
var ErrForm = errors.New("not a checkpoint")

// ErrUnsigned is the error of a checkpoint that none of the known keys has signed.
var ErrUnsigned = errors.New("the checkpoint carries no signature by a known key")

// ErrSignature is the error of a note that is whole and bears a signature by a known key
// which does not hold: something was altered.
var ErrSignature = errors.New("a signature by a known key does not hold")

// Extension lines of ours begin so.
const (
	timeLine    = "time "
	noticesLine = "notices "
)

// Text is what is signed.
func (c Checkpoint) Text() string {
	s := c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
	if c.At != 0 {
		s += timeLine + strconv.FormatInt(c.At, 10) + "\n"
	}
	if c.Notices != 0 {
		s += noticesLine + strconv.FormatInt(c.Notices, 10) + "\n"
	}
	return s
}

// Parse reads a text; ErrForm unless it is exactly one. Unknown extension lines are
// passed over, as the standard wants.
func Parse(text string) (c Checkpoint, err error) {
	body, ended := strings.CutSuffix(text, "\n")
	lines := strings.Split(body, "\n")
	if !ended || len(lines) < 3 || lines[0] == "" {
		return c, ErrForm
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil || strconv.FormatUint(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("%w: the size is no number", ErrForm)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return c, fmt.Errorf("%w: the root is no hash", ErrForm)
	}
	copy(c.Root[:], root)
	for _, l := range lines[3:] {
		if l == "" {
			return c, fmt.Errorf("%w: an empty line", ErrForm)
		}
		if at, is := strings.CutPrefix(l, timeLine); is {
			if c.At, err = strconv.ParseInt(at, 10, 64); err != nil || c.At <= 0 {
				return c, fmt.Errorf("%w: the time is no number", ErrForm)
			}
		}
		if n, is := strings.CutPrefix(l, noticesLine); is {
			if c.Notices, err = strconv.ParseInt(n, 10, 64); err != nil || c.Notices <= 0 {
				return c, fmt.Errorf("%w: the number of notices is none", ErrForm)
			}
		}
	}
	return c, nil
}

// Signer is a key that signs.
type Signer struct {
	Name   string                               // of the key; the trail's origin
	Public []byte                               // Ed25519, 32 bytes
	Make   func(message []byte) ([]byte, error) // 64 bytes
}

// Key gives the key in the words in which it is handed on: name, hash and public
// key, "lendkeep/trail/tn_…+1a2b3c4d+A…".
func Key(name string, public []byte) (string, error) {
	k, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return "", fmt.Errorf("key of %s: %w", name, err)
	}
	return k, nil
}

// signing is a Signer as the note library wants it.
type signing struct {
	Signer
	hash uint32
}

func (s signing) Name() string                        { return s.Signer.Name }
func (s signing) KeyHash() uint32                     { return s.hash }
func (s signing) Sign(message []byte) ([]byte, error) { return s.Make(message) }

// Sign gives the signed note of a text, one signature a signer.
func Sign(text string, signers ...Signer) (string, error) {
	n := &note.Note{Text: text}
	var all []note.Signer
	for _, s := range signers {
		k, err := Key(s.Name, s.Public)
		if err != nil {
			return "", err
		}
		v, err := note.NewVerifier(k)
		if err != nil {
			return "", fmt.Errorf("key of %s: %w", s.Name, err)
		}
		all = append(all, signing{s, v.KeyHash()})
	}
	signed, err := note.Sign(n, all...)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	return string(signed), nil
}

// OpenNote checks the signatures of a signed note by any of the keys and gives its
// text and the keys that signed. ErrUnsigned if none did, ErrForm if it was cut off;
// a signature by a known key that does not hold is ErrSignature even beside one that
// does. Of two keys that a signature's 32 bits cannot tell apart, neither is taken.
func OpenNote(signed string, keys ...string) (text string, by []string, err error) {
	type named struct {
		name string
		hash uint32
	}
	var known []note.Verifier
	words := map[named]string{}
	for _, k := range keys {
		v, err := note.NewVerifier(k)
		if err != nil {
			return "", nil, fmt.Errorf("the key cannot be read: %w", err)
		}
		switch other, twice := words[named{v.Name(), v.KeyHash()}]; {
		case !twice:
			known, words[named{v.Name(), v.KeyHash()}] = append(known, v), k
		case other != k:
			return "", nil, fmt.Errorf("two keys of %q bear the number %08x: which of them signed cannot be told", v.Name(), v.KeyHash())
		}
	}
	if err := whole(signed); err != nil {
		return "", nil, err
	}
	n, err := note.Open([]byte(signed), note.VerifierList(known...))
	var unverified *note.UnverifiedNoteError
	var wrong *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified):
		return "", nil, ErrUnsigned
	case errors.As(err, &wrong):
		return "", nil, ErrSignature
	case err != nil:
		return "", nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	for _, s := range n.Sigs {
		by = append(by, words[named{s.Name, s.Hash}])
	}
	return n.Text, by, nil
}

// ownSignature is how many bytes a signature of a trail's key has, with the key's hash.
const ownSignature = 4 + 64

// whole tells a note that lies there as it was written, whoever signed it, from one that
// a crash cut off: ErrForm.
func whole(signed string) error {
	_, err := note.Open([]byte(signed), nil)
	var unverified *note.UnverifiedNoteError
	if !errors.As(err, &unverified) {
		return fmt.Errorf("%w: %w", ErrForm, err)
	}
	for _, s := range unverified.Note.UnverifiedSigs {
		if strings.HasPrefix(s.Name, Origin("")) && base64.RawStdEncoding.DecodedLen(len(strings.TrimRight(s.Base64, "="))) < ownSignature {
			return fmt.Errorf("%w: the signature is cut off", ErrForm)
		}
	}
	return nil
}

// Open is OpenNote for a checkpoint.
func Open(signed string, keys ...string) (Checkpoint, []string, error) {
	text, by, err := OpenNote(signed, keys...)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	c, err := Parse(text)
	return c, by, err
}

// Unchecked reads a signed checkpoint without asking who signed: for showing it, and
// for comparing two.
func Unchecked(signed string) (Checkpoint, error) {
	text, _, found := strings.Cut(signed, "\n\n")
	if !found {
		return Checkpoint{}, ErrForm
	}
	return Parse(text + "\n")
}
