package keys

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/signature"
	"github.com/tink-crypto/tink-go/v2/signature/ed25519"

	"github.com/lendkeep/lendkeep/internal/id"
)

// Version is one key of a purpose, in the book of its ring. Instants are unix
// microseconds; 0 = not yet. The book keeps versions whose key is gone.
type Version struct {
	Number  int    `json:"number"` // 1, 2, 3 …
	Key     uint32 `json:"key"`    // the key id that ciphertexts begin with
	Made    int64  `json:"made"`
	Since   int64  `json:"since"`             // first in use
	Until   int64  `json:"until,omitempty"`   // replaced by the next one
	Dropped int64  `json:"dropped,omitempty"` // its key was destroyed
	Public  []byte `json:"public,omitempty"`  // of a signing key, kept for ever: what it signed must verify
}

// State is where a version stands in its life.
type State string

// The states, in their order.
const (
	StandingBy State = "standing_by" // every node reads it, none uses it yet
	InUse      State = "in_use"      // seals, signs
	Reading    State = "reading"     // still opens what it sealed
	Dropped    State = "dropped"     // its key is gone
)

// State says where the version stands.
func (v Version) State() State {
	switch {
	case v.Dropped != 0:
		return Dropped
	case v.Since == 0:
		return StandingBy
	case v.Until == 0:
		return InUse
	}
	return Reading
}

// book lists every version of every purpose, oldest first.
type book map[Purpose][]Version

// Versions gives every version that a purpose has had, oldest first.
func (r *Ring) Versions(p Purpose) []Version { return slices.Clone(r.now.Load().book[p]) }

// Using gives the version of a purpose that is in use.
func (r *Ring) Using(p Purpose) Version { return *r.now.Load().book.find(p, InUse) }

// find gives the newest version of a purpose in a state, or nil.
func (b book) find(p Purpose, s State) *Version {
	for i := len(b[p]) - 1; i >= 0; i-- {
		if b[p][i].State() == s {
			return &b[p][i]
		}
	}
	return nil
}

// numbered gives a version of a purpose by its number, or nil.
func (b book) numbered(p Purpose, n int) *Version {
	for i := range b[p] {
		if b[p][i].Number == n {
			return &b[p][i]
		}
	}
	return nil
}

func (b book) clone() book {
	out := book{}
	for p, list := range b {
		out[p] = slices.Clone(list)
	}
	return out
}

// firstBook is the book of keysets that have one key each.
func firstBook(sets map[Purpose]*keyset.Handle, made int64) (book, error) {
	b := book{}
	for _, p := range Purposes() {
		v := Version{Number: 1, Key: sets[p].KeysetInfo().GetPrimaryKeyId(), Made: made, Since: max(made, 1)}
		var err error
		if v.Public, err = publicOf(p, sets[p], v.Key); err != nil {
			return nil, err
		}
		b[p] = []Version{v}
	}
	return b, nil
}

// readBook opens the book and holds the keysets against it: a keyset of another
// age than the book's is ErrRefused.
func (o *opened) readBook(tenant id.Tenant) (book, error) {
	if o.at.Version == bookless {
		for p, h := range o.sets {
			if h.Len() != 1 {
				return nil, fmt.Errorf("keyset %s has several keys and no book: %w", p, ErrRefused)
			}
		}
		return firstBook(o.sets, id.Instant(tenant))
	}
	plain, err := o.box.Decrypt(o.at.Book, bookPlace(tenant))
	if err != nil {
		return nil, fmt.Errorf("the book of the ring: %w", ErrRefused)
	}
	b := book{}
	if err := json.Unmarshal(plain, &b); err != nil {
		return nil, fmt.Errorf("the book of the ring: %w", ErrRefused)
	}
	for _, p := range Purposes() {
		if !b.fits(p, o.sets[p]) {
			return nil, fmt.Errorf("keyset %s is not the one that the book knows: %w", p, ErrRefused)
		}
	}
	return b, nil
}

// fits reports whether a keyset holds the keys that the book says, and uses the
// one that is in use.
func (b book) fits(p Purpose, h *keyset.Handle) bool {
	info := h.KeysetInfo()
	held := map[uint32]bool{}
	for _, k := range info.GetKeyInfo() {
		held[k.GetKeyId()] = true
	}
	n := 0
	for _, v := range b[p] {
		if v.State() == Dropped {
			continue
		}
		if n++; !held[v.Key] {
			return false
		}
	}
	use := b.find(p, InUse)
	return n == len(held) && use != nil && use.Key == info.GetPrimaryKeyId()
}

// Signer signs with one version of the tenant's Ed25519 key.
type Signer struct {
	Number int
	Public []byte // 32 bytes
	sign   interface {
		Sign(data []byte) ([]byte, error)
	}
}

// Sign gives a signature of 64 bytes (RFC 8032).
func (s Signer) Sign(message []byte) ([]byte, error) { return s.sign.Sign(message) }

// signers builds a signer for every key of the keyset, newest first.
func signers(h *keyset.Handle, versions []Version) ([]Signer, error) {
	var out []Signer
	for _, v := range slices.Backward(versions) {
		if v.State() == Dropped {
			continue
		}
		one, err := only(h, v.Key)
		if err != nil {
			return nil, err
		}
		sign, err := signature.NewSigner(one)
		if err != nil {
			return nil, err
		}
		out = append(out, Signer{Number: v.Number, Public: v.Public, sign: sign})
	}
	return out, nil
}

// only gives a keyset in which the named key is the one that is used.
func only(h *keyset.Handle, key uint32) (*keyset.Handle, error) {
	m := keyset.NewManagerFromHandle(h)
	if err := m.SetPrimary(key); err != nil {
		return nil, err
	}
	return m.Handle()
}

// publicOf gives the public half of a signing key; nothing for other purposes.
func publicOf(p Purpose, h *keyset.Handle, key uint32) ([]byte, error) {
	if p != Sign {
		return nil, nil
	}
	public, err := h.Public()
	if err != nil {
		return nil, fmt.Errorf("public half of the signing key: %w", err)
	}
	for i := range public.Len() {
		e, err := public.Entry(i)
		if err != nil {
			return nil, fmt.Errorf("public half of the signing key: %w", err)
		}
		if k, ok := e.Key().(*ed25519.PublicKey); ok && e.KeyID() == key {
			return k.KeyBytes(), nil
		}
	}
	return nil, fmt.Errorf("signing key %d has no public half of Ed25519", key)
}
