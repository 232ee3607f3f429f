package keys

import (
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/tink-crypto/tink-go/v2/prf"
)

// IndexBytes is the length of a blind index value.
const IndexBytes = 16

// Seal encrypts one value of one row and column under the tenant's field key.
func (r *Ring) Seal(table, row, column string, plain []byte) ([]byte, error) {
	return r.seal(Fields, plain, table, row, column)
}

// Unseal opens what Seal made for the very same place; else ErrRefused.
func (r *Ring) Unseal(table, row, column string, sealed []byte) ([]byte, error) {
	return r.unseal(Fields, sealed, table, row, column)
}

// SealAudit encrypts the sealed part of an audit entry.
func (r *Ring) SealAudit(entry, part string, plain []byte) ([]byte, error) {
	return r.seal(AuditSeal, plain, "audit", entry, part)
}

// UnsealAudit opens what SealAudit made for the same entry and part.
func (r *Ring) UnsealAudit(entry, part string, sealed []byte) ([]byte, error) {
	return r.unseal(AuditSeal, sealed, "audit", entry, part)
}

// SealToken seals bytes into URL-safe text that only OpenToken with the same
// purpose reads: cursors, links. The purpose must hold what the token is bound
// to (principal, request), if anything.
func (r *Ring) SealToken(purpose string, plain []byte) string {
	b, err := r.seal(Token, plain, "token", purpose, "")
	if err != nil {
		panic("keys: sealing a token: " + err.Error()) // AES-GCM fails only beyond 64 GB
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// OpenToken opens what SealToken made for the purpose; else ErrRefused.
func (r *Ring) OpenToken(purpose, token string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, ErrRefused
	}
	return r.unseal(Token, b, "token", purpose, "")
}

// BlindIndex gives the value under which a normalized field is stored, to be
// found without being readable. Equal values of different fields give different
// results.
func (r *Ring) BlindIndex(field, normalized string) []byte {
	o, err := r.sealing()
	if err != nil {
		o = r.now.Load() // an index of an old version is found until that version is dropped
	}
	return o.derive(BlindIndex, place(field, normalized), IndexBytes)
}

// BlindIndexes gives every value under which a field may be stored, that of
// BlindIndex among them: more than one while the key is being turned. Whoever
// searches looks for all of them.
func (r *Ring) BlindIndexes(field, normalized string) [][]byte {
	o := r.now.Load()
	var out [][]byte
	for _, v := range slices.Backward(o.book[BlindIndex]) {
		if v.State() == Dropped {
			continue
		}
		b, err := o.prfs[BlindIndex].PRFs[v.Key].ComputePRF(place(field, normalized), IndexBytes)
		if err != nil {
			panic("keys: deriving: " + err.Error()) // as derive
		}
		out = append(out, b)
	}
	return out
}

// MAC gives 32 bytes that stand for data in the database, and tell nothing of it
// to whoever has no ring. Never for passwords: whoever has the ring could guess
// them. Purposes are separate domains. The key does not turn, so what is stored
// must not stay for long.
func (r *Ring) MAC(purpose string, data []byte) []byte {
	return r.now.Load().derive(Digest, place(purpose, string(data)), 32)
}

// PageKey is the 32-byte key of the tenant's SQLite pages. The caller must not
// log, store or alter it.
func (r *Ring) PageKey() []byte { return slices.Clone(r.now.Load().pageKey) }

// PageKeyOf is the page key of one version, which may stand by: a file is copied under
// it before it is in use. ErrNoTurn if there is no such version, or none any more.
func (r *Ring) PageKeyOf(number int) ([]byte, error) {
	o := r.now.Load()
	v := o.book.numbered(Page, number)
	if v == nil || v.State() == Dropped {
		return nil, ErrNoTurn
	}
	one, err := only(o.sets[Page], v.Key)
	if err != nil {
		return nil, err
	}
	set, err := prf.NewPRFSet(one)
	if err != nil {
		return nil, err
	}
	return set.ComputePrimaryPRF(pagePlace(), 32)
}

// Sign signs with the tenant's Ed25519 key in use (64 bytes, RFC 8032).
func (r *Ring) Sign(message []byte) ([]byte, error) { return r.using().Sign(message) }

// PublicKey is the 32-byte Ed25519 key that verifies Sign.
func (r *Ring) PublicKey() []byte { return slices.Clone(r.using().Public) }

// Signers gives a signer for every signing key that is not dropped, newest
// first: while the key is being turned the new one and the old one both sign, so
// that whoever knows only the old one can still verify.
func (r *Ring) Signers() []Signer { return slices.Clone(r.now.Load().signers) }

// PublicKeys are the public halves of every signing key that there ever was,
// newest first: what a dropped key signed must still verify.
func (r *Ring) PublicKeys() [][]byte {
	var out [][]byte
	for _, v := range slices.Backward(r.now.Load().book[Sign]) {
		out = append(out, slices.Clone(v.Public))
	}
	return out
}

func (r *Ring) using() Signer {
	o := r.now.Load()
	number := o.book.find(Sign, InUse).Number
	i := slices.IndexFunc(o.signers, func(s Signer) bool { return s.Number == number })
	return o.signers[i] // there is always one in use: fits and turn see to it
}

func (r *Ring) seal(p Purpose, plain []byte, table, row, column string) ([]byte, error) {
	o := r.now.Load()
	if p != Token { // a token soon ends by itself, whatever becomes of its key
		var err error
		if o, err = r.sealing(); err != nil {
			return nil, err
		}
	}
	s := o.aeads[p]
	c, err := s.Encrypt(plain, place(string(r.tenant), table, row, column, s.primary))
	if err != nil {
		return nil, fmt.Errorf("seal %s.%s: %w", table, column, err)
	}
	return c, nil
}

func (r *Ring) unseal(p Purpose, sealed []byte, table, row, column string) ([]byte, error) {
	v, ok := version(sealed)
	if !ok {
		return nil, ErrRefused
	}
	o := r.now.Load()
	if !o.aeads[p].known[v] {
		o = r.learn()
	}
	b, err := o.aeads[p].Decrypt(sealed, place(string(r.tenant), table, row, column, v))
	if err != nil {
		return nil, ErrRefused // the cause says nothing more, by design of the cipher
	}
	return b, nil
}

func (o *opened) derive(p Purpose, input []byte, n uint32) []byte {
	b, err := o.prfs[p].ComputePrimaryPRF(input, n)
	if err != nil {
		panic("keys: deriving: " + err.Error()) // tried when the ring was opened; n is <= 32
	}
	return b
}
