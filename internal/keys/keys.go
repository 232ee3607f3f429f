// Package keys holds the key hierarchy of one tenant: a KMS key wraps the
// tenant's ring, the ring holds one keyset a purpose and wraps the key of every
// person, and a person's key seals what is known about that person.
//
//	KMS key ─ ring key ─ fields, blind index, page key, audit seal, signing,
//	                     tokens, MAC, persons ─ one key a person
//
// A purpose can have several versions of its key: one is in use, older ones open
// what they sealed, and the next one stands by until every node knows it.
//
//	Stage            Promote           (the next Promote)       Drop
//	────▶ standing by ────▶ in use ─────────────────────▶ reading ────▶ dropped
//
// Invariants: the KMS is asked once for every stored ring that a node takes
// over, and by Probe, and never else; a node that has not looked at the stored ring within the
// lease seals nothing; every ciphertext is bound to tenant, table, row, column and key version, so
// that one moved elsewhere is refused; a person's key exists wrapped in one
// database only, the key store, so that destroying it there makes the person
// unreadable; no type of this package prints its key.
//
// It knows no loan, no role and no request, and decides nothing about who may
// read: it is asked by those who have decided.
package keys

import (
	"context"
	"encoding/binary"
	"errors"
)

// KMS wraps and unwraps small keys under a key that never leaves it. aad must be
// the same at both calls. An Unwrap of what was altered, wrapped with another aad
// or under another key wraps ErrRefused. A KMS that answers, and does not serve
// us, is ErrDenied: credentials, rights or the state of its key must be mended.
// Anything else means that it cannot be reached now, and may be tried again. No
// error holds a key, a credential or what the KMS said about one.
type KMS interface {
	Wrap(ctx context.Context, plain, aad []byte) ([]byte, error)
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
	Name() string // names the adapter and key for inventory and logs; no secret
}

// Errors that callers can tell apart.
var (
	// ErrRefused: the ciphertext was altered, or stands in another place
	// (tenant, table, row, column, version) than the one it was sealed for.
	ErrRefused = errors.New("ciphertext refused: altered, or moved from where it was sealed")
	// ErrDenied: the KMS answers and does not serve us. Trying again helps only
	// after an operator has mended what the error names.
	ErrDenied = errors.New("the KMS does not serve this key")
	// ErrDestroyed: the person's key was destroyed; the content is gone for good.
	ErrDestroyed = errors.New("the person's key was destroyed")
	// ErrNoKey: there is no such person in the key store.
	ErrNoKey = errors.New("no key for this person")
)

// place writes the associated data of one ciphertext: a format byte, then each
// part behind its length, so that ("ab","c") and ("a","bc") differ.
func place(parts ...string) []byte {
	n := 1
	for _, p := range parts {
		n += len(p) + 2
	}
	b := make([]byte, 1, n)
	b[0] = 1
	for _, p := range parts {
		b = binary.AppendUvarint(b, uint64(len(p)))
		b = append(b, p...)
	}
	return b
}

// version reads the key id of a Tink-prefixed ciphertext.
func version(ciphertext []byte) (string, bool) {
	if len(ciphertext) < 5 || ciphertext[0] != 1 {
		return "", false
	}
	return string(ciphertext[1:5]), true
}

func versionOf(id uint32) string {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], id)
	return string(b[:])
}
