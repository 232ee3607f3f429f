package keys

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/tink-crypto/tink-go/v2/keyset"

	"github.com/lendkeep/lendkeep/internal/id"
)

// FirstForm makes a ring as the first release stored it: without a book.
func FirstForm(ctx context.Context, kms KMS, tenant id.Tenant) ([]byte, error) {
	wrapped, err := NewRing(ctx, kms, tenant)
	if err != nil {
		return nil, err
	}
	r, err := OpenRing(ctx, kms, tenant, wrapped)
	if err != nil {
		return nil, err
	}
	o := r.now.Load()
	e := envelope{Version: bookless, KMS: o.at.KMS, Key: o.at.Key, Keysets: map[Purpose][]byte{}}
	for p, h := range o.sets {
		var b bytes.Buffer
		if err := h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), o.box, keysetPlace(tenant, p, bookless)); err != nil {
			return nil, err
		}
		e.Keysets[p] = b.Bytes()
	}
	return json.Marshal(e)
}

// Cached tells tests how many opened keys are held.
func (s *Store) Cached() int {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return len(s.cache.byName)
}
