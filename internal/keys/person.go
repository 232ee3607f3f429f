package keys

import (
	"crypto/rand"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
)

// PersonKey seals what is known about one person. It is safe for concurrent use.
type PersonKey struct {
	tenant, person string
	version        string // 4 random bytes made with the key; they lead every ciphertext
	box            *subtle.AESGCM
}

const personKeyBytes = 4 + 32 // version, AES-256 key

// NewPerson makes a key for a person and gives it ready for use and wrapped for
// the key store, bound to the person's id.
func (r *Ring) NewPerson(person string) (key *PersonKey, wrapped []byte, err error) {
	raw := make([]byte, personKeyBytes)
	rand.Read(raw)
	key, err = r.personKey(person, raw)
	if err != nil {
		return nil, nil, err
	}
	wrapped, err = r.seal(Persons, raw, "person_key", person, "wrapped")
	clear(raw)
	return key, wrapped, err
}

// OpenPerson unwraps what NewPerson made for the same person; else ErrRefused.
func (r *Ring) OpenPerson(person string, wrapped []byte) (*PersonKey, error) {
	raw, err := r.unseal(Persons, wrapped, "person_key", person, "wrapped")
	if err != nil || len(raw) != personKeyBytes {
		return nil, ErrRefused
	}
	key, err := r.personKey(person, raw)
	clear(raw)
	return key, err
}

func (r *Ring) personKey(person string, raw []byte) (*PersonKey, error) {
	box, err := subtle.NewAESGCM(raw[4:])
	if err != nil {
		return nil, fmt.Errorf("person key: %w", err)
	}
	return &PersonKey{tenant: string(r.tenant), person: person, version: string(raw[:4]), box: box}, nil
}

// Seal encrypts one value of one row and column under the person's key.
func (k *PersonKey) Seal(table, row, column string, plain []byte) ([]byte, error) {
	c, err := k.box.Encrypt(plain, k.place(table, row, column))
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", table, column, err)
	}
	return append(append(append(make([]byte, 0, 5+len(c)), 1), k.version...), c...), nil
}

// Unseal opens what Seal made for the very same place; else ErrRefused.
func (k *PersonKey) Unseal(table, row, column string, sealed []byte) ([]byte, error) {
	v, ok := version(sealed)
	if !ok || v != k.version {
		return nil, ErrRefused
	}
	b, err := k.box.Decrypt(sealed[5:], k.place(table, row, column))
	if err != nil {
		return nil, ErrRefused
	}
	return b, nil
}

func (k *PersonKey) place(table, row, column string) []byte {
	return place(k.tenant, k.person, table, row, column, k.version)
}

// Person says whose key it is.
func (k *PersonKey) Person() string { return k.person }

// String names the key and nothing of it.
func (k *PersonKey) String() string { return "key of " + k.person }

// GoString is String.
func (k *PersonKey) GoString() string { return k.String() }
