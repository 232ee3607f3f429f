package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/id"
)

// ErrUnbound: a KMS opened a key for another place than the one it was wrapped
// for. Rings under it could be swapped between tenants, so it is not used.
var ErrUnbound = errors.New("the KMS does not bind a wrapped key to its place")

// Probe asks whether a KMS does what rings rest on: it opens what it wrapped,
// and refuses to do so for another place. Who starts asks it once.
func Probe(ctx context.Context, kms KMS) error {
	plain := make([]byte, 32)
	rand.Read(plain)
	wrapped, err := kms.Wrap(ctx, plain, place("lendkeep probe", "here"))
	if err != nil {
		return fmt.Errorf("wrap with %s: %w", kms.Name(), err)
	}
	if bytes.Contains(wrapped, plain) {
		return fmt.Errorf("%s gives back what it should wrap: %w", kms.Name(), ErrUnbound)
	}
	got, err := kms.Unwrap(ctx, wrapped, place("lendkeep probe", "here"))
	if err != nil {
		return fmt.Errorf("unwrap with %s: %w", kms.Name(), err)
	}
	if !bytes.Equal(got, plain) {
		return fmt.Errorf("%s opened a wrapped key as another: %w", kms.Name(), ErrRefused)
	}
	switch _, err = kms.Unwrap(ctx, wrapped, place("lendkeep probe", "elsewhere")); {
	case err == nil:
		return fmt.Errorf("%s: %w", kms.Name(), ErrUnbound)
	case !errors.Is(err, ErrRefused):
		return fmt.Errorf("unwrap with %s: %w", kms.Name(), err)
	}
	return nil
}

// Moved wraps a stored ring under another KMS key: the ring key alone is wrapped
// anew, and what lies under it stays byte for byte. What it gives was opened with
// the new key before. A ring that was moved already is given as it is, and done
// says so; with the same key on both sides it is wrapped under that key's newest
// version.
func Moved(ctx context.Context, from, to KMS, tenant id.Tenant, stored []byte) (moved []byte, done bool, err error) {
	var e envelope
	if err := json.Unmarshal(stored, &e); err != nil {
		return nil, false, errors.New("the stored ring is not of a known form")
	}
	if e.KMS == to.Name() && from.Name() != to.Name() {
		_, err := OpenRing(ctx, to, tenant, stored)
		return stored, true, err
	}
	before, err := OpenRing(ctx, from, tenant, stored)
	if err != nil {
		return nil, false, err
	}
	ringKey, err := from.Unwrap(ctx, e.Key, ringPlace(tenant))
	if err != nil {
		return nil, false, fmt.Errorf("unwrap ring key with %s: %w", from.Name(), err)
	}
	defer clear(ringKey)
	if e.Key, err = to.Wrap(ctx, ringKey, ringPlace(tenant)); err != nil {
		return nil, false, fmt.Errorf("wrap ring key with %s: %w", to.Name(), err)
	}
	e.KMS = to.Name()
	if moved, err = json.Marshal(e); err != nil {
		return nil, false, err
	}
	after, err := OpenRing(ctx, to, tenant, moved)
	if err != nil {
		return nil, false, fmt.Errorf("the ring does not open after it was wrapped anew: %w", err)
	}
	if !bytes.Equal(after.PageKey(), before.PageKey()) {
		return nil, false, errors.New("the ring holds other keys after it was wrapped anew")
	}
	return moved, false, nil
}
