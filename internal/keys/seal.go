package keys

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/signature/ed25519"
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

// BlindIndex gives the value under which a normalized field is found without
// being readable. Equal values of different fields give different results.
func (r *Ring) BlindIndex(field, normalized string) []byte {
	return r.derive(BlindIndex, place(field, normalized), IndexBytes)
}

// MAC gives 32 bytes that stand for data in the database: for tokens of high
// entropy only, never for passwords. Purposes are separate domains.
func (r *Ring) MAC(purpose string, data []byte) []byte {
	return r.derive(Digest, place(purpose, string(data)), 32)
}

// PageKey is the 32-byte key of the tenant's SQLite pages. The caller must not
// log, store or alter it.
func (r *Ring) PageKey() []byte {
	k := make([]byte, len(r.pageKey))
	copy(k, r.pageKey)
	return k
}

// Sign signs with the tenant's Ed25519 key (64 bytes, RFC 8032).
func (r *Ring) Sign(message []byte) ([]byte, error) { return r.signer.Sign(message) }

// PublicKey is the 32-byte Ed25519 key that verifies Sign.
func (r *Ring) PublicKey() []byte { return append([]byte(nil), r.public...) }

func (r *Ring) seal(p Purpose, plain []byte, table, row, column string) ([]byte, error) {
	s := r.aeads[p]
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
	b, err := r.aeads[p].Decrypt(sealed, place(string(r.tenant), table, row, column, v))
	if err != nil {
		return nil, ErrRefused // the cause says nothing more, by design of the cipher
	}
	return b, nil
}

func (r *Ring) derive(p Purpose, input []byte, n uint32) []byte {
	b, err := r.prfs[p].ComputePrimaryPRF(input, n)
	if err != nil {
		panic("keys: deriving: " + err.Error()) // tried when the ring was opened; n is <= 32
	}
	return b
}

func publicKey(h *keyset.Handle) ([]byte, error) {
	public, err := h.Public()
	if err != nil {
		return nil, err
	}
	e, err := public.Primary()
	if err != nil {
		return nil, err
	}
	k, ok := e.Key().(*ed25519.PublicKey)
	if !ok {
		return nil, errors.New("not an Ed25519 key")
	}
	return k.KeyBytes(), nil
}
