package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Argon2id parameters: OWASP's second recommended set (19 MiB, two passes),
// which keeps many sign-ins at once within a small machine's memory.
const (
	argonMemory  = 19 * 1024 // KiB
	argonPasses  = 2
	argonLanes   = 1
	argonSalt    = 16
	argonKey     = 32
	passwordMin  = 12
	passwordMax  = 256 // bytes; bounds the work of one hash
	hashesAtOnce = 4
)

// Passwords hashes and verifies, a few at a time: each hash holds 19 MiB, and
// a flood of sign-ins must not take the memory of the house.
type Passwords struct {
	places   *semaphore.Weighted
	breached *factor.Breached
}

// NewPasswords makes the one hasher of a program. New passwords are held to
// what is built in; Against adds a list.
func NewPasswords() *Passwords {
	return &Passwords{places: semaphore.NewWeighted(hashesAtOnce), breached: new(factor.Breached)}
}

// Against gives the same hasher with a list of passwords that have become known.
func (p *Passwords) Against(breached *factor.Breached) *Passwords {
	return &Passwords{places: p.places, breached: breached}
}

// Choose refuses a new password that breaks the policy: too short, too long,
// made of the person's own name, or known from breaches.
func (p *Passwords) Choose(password secret.Text, about factor.About) error {
	if err := CheckPolicy(password); err != nil {
		return err
	}
	return p.breached.Check(password, about)
}

// Used reports whether a password is one of those behind the hashes.
func (p *Passwords) Used(ctx context.Context, password secret.Text, hashes []string) (bool, error) {
	for _, h := range hashes {
		if same, err := p.Verify(ctx, password, h); same || err != nil {
			return same, err
		}
	}
	return false, nil
}

// CheckPolicy refuses a password that is too short or too long; there are no
// composition rules (NIST SP 800-63B).
func CheckPolicy(p secret.Text) error {
	s := p.Reveal()
	switch {
	case !utf8.ValidString(s) || len(s) > passwordMax:
		return fault.Bad("password", "Use at most 256 bytes of text.")
	case utf8.RuneCountInString(s) < passwordMin:
		return fault.Bad("password", "Use at least 12 characters; a few words in a row are good.")
	}
	return nil
}

// Hash gives the argon2id hash in PHC form. It waits for a place.
func (p *Passwords) Hash(ctx context.Context, password secret.Text) (string, error) {
	salt := make([]byte, argonSalt)
	rand.Read(salt)
	sum, err := p.sum(ctx, password.Reveal(), salt)
	if err != nil {
		return "", err
	}
	enc := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, argonMemory, argonPasses, argonLanes,
		enc.EncodeToString(salt), enc.EncodeToString(sum)), nil
}

// Verify reports whether the password is the one behind the hash. An empty or
// foreign hash costs the same time and is never right, so that the answer does
// not tell whether a user exists.
func (p *Passwords) Verify(ctx context.Context, password secret.Text, phc string) (bool, error) {
	var version, memory, passes, lanes int
	var salt64, sum64 string
	n, _ := fmt.Sscanf(phc, "$argon2id$v=%d$m=%d,t=%d,p=%d$%22s", &version, &memory, &passes, &lanes, &salt64)
	known := n == 5 && version == argon2.Version && memory == argonMemory && passes == argonPasses && lanes == argonLanes
	salt := make([]byte, argonSalt)
	want := make([]byte, argonKey)
	if known {
		sum64 = phc[len(phc)-43:]
		s, err1 := base64.RawStdEncoding.DecodeString(salt64)
		w, err2 := base64.RawStdEncoding.DecodeString(sum64)
		if known = err1 == nil && err2 == nil && len(s) == argonSalt && len(w) == argonKey; known {
			salt, want = s, w
		}
	}
	text := password.Reveal()
	if len(text) > passwordMax {
		text, known = text[:passwordMax], false
	}
	got, err := p.sum(ctx, text, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

func (p *Passwords) sum(ctx context.Context, password string, salt []byte) ([]byte, error) {
	if err := p.places.Acquire(ctx, 1); err != nil {
		return nil, err
	}
	defer p.places.Release(1)
	return argon2.IDKey([]byte(password), salt, argonPasses, argonMemory, argonLanes, argonKey), nil
}
