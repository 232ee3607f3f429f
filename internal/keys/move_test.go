package keys_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// odd is a KMS that does something else than it should.
type odd struct {
	keys.KMS
	wrap, unwrap func(ctx context.Context, b, aad []byte) ([]byte, error)
}

func (o odd) Wrap(ctx context.Context, b, aad []byte) ([]byte, error) {
	if o.wrap != nil {
		return o.wrap(ctx, b, aad)
	}
	return o.KMS.Wrap(ctx, b, aad)
}

func (o odd) Unwrap(ctx context.Context, b, aad []byte) ([]byte, error) {
	if o.unwrap != nil {
		return o.unwrap(ctx, b, aad)
	}
	return o.KMS.Unwrap(ctx, b, aad)
}

// What a KMS must do is asked before anything rests on it.
func TestAKMSIsProbed(t *testing.T) {
	k := kms(t)
	if err := keys.Probe(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	for name, c := range map[string]struct {
		kms  odd
		want error
	}{
		"binds nothing": {odd{KMS: k, wrap: func(ctx context.Context, b, _ []byte) ([]byte, error) { return k.Wrap(ctx, b, nil) },
			unwrap: func(ctx context.Context, b, _ []byte) ([]byte, error) { return k.Unwrap(ctx, b, nil) }}, keys.ErrUnbound},
		"wraps nothing":    {odd{KMS: k, wrap: func(_ context.Context, b, _ []byte) ([]byte, error) { return append([]byte("x"), b...), nil }}, keys.ErrUnbound},
		"opens as another": {odd{KMS: k, unwrap: func(context.Context, []byte, []byte) ([]byte, error) { return make([]byte, 32), nil }}, keys.ErrRefused},
		"denies wrapping":  {odd{KMS: k, wrap: func(context.Context, []byte, []byte) ([]byte, error) { return nil, keys.ErrDenied }}, keys.ErrDenied},
		"denies opening":   {odd{KMS: k, unwrap: func(context.Context, []byte, []byte) ([]byte, error) { return nil, keys.ErrDenied }}, keys.ErrDenied},
		"goes away": {odd{KMS: k, unwrap: func(ctx context.Context, b, aad []byte) ([]byte, error) {
			if bytes.Contains(aad, []byte("elsewhere")) {
				return nil, away
			}
			return k.Unwrap(ctx, b, aad)
		}}, away},
	} {
		if err := keys.Probe(t.Context(), c.kms); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func opened(t *testing.T, k keys.KMS, tenant id.Tenant, stored []byte) *keys.Ring {
	t.Helper()
	r, err := keys.OpenRing(t.Context(), k, tenant, stored)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A ring moves to another KMS key with everything in it.
func TestARingMovesToAnotherKMSKey(t *testing.T) {
	for name, fresh := range map[string]func(context.Context, keys.KMS, id.Tenant) ([]byte, error){"a ring with a book": keys.NewRing, "a ring of the first form": keys.FirstForm} {
		t.Run(name, func(t *testing.T) {
			from, to, tenant := kms(t), kms(t), id.New[id.Tenant](1)
			stored := must(fresh(t.Context(), from, tenant))
			sealed := must(opened(t, from, tenant, stored).Seal("proposal", "pp_1", "input", []byte("forty")))
			moved, done, err := keys.Moved(t.Context(), from, to, tenant, stored)
			if err != nil || done {
				t.Fatal(done, err)
			}
			after := opened(t, to, tenant, moved)
			if got := must(after.Unseal("proposal", "pp_1", "input", sealed)); string(got) != "forty" || after.KMS() != to.Name() {
				t.Errorf("%q under %s", got, after.KMS())
			}
			if _, err := keys.OpenRing(t.Context(), from, tenant, moved); !errors.Is(err, keys.ErrRefused) || !strings.Contains(err.Error(), to.Name()) {
				t.Errorf("the old key: %v", err)
			}
			again, done, err := keys.Moved(t.Context(), from, to, tenant, moved)
			if err != nil || !done || !bytes.Equal(again, moved) {
				t.Errorf("a second time: %t %v", done, err)
			}
			fresh, done, err := keys.Moved(t.Context(), to, to, tenant, moved)
			if err != nil || done || bytes.Equal(fresh, moved) {
				t.Errorf("under the newest version of the same key: %t %v", done, err)
			}
		})
	}
}

func TestARingThatWouldNotOpenIsNotMoved(t *testing.T) {
	from, to, tenant := kms(t), kms(t), id.New[id.Tenant](1)
	stored := must(keys.NewRing(t.Context(), from, tenant))
	for name, move := range map[string]func() ([]byte, bool, error){
		"by another key":    func() ([]byte, bool, error) { return keys.Moved(t.Context(), to, kms(t), tenant, stored) },
		"of another tenant": func() ([]byte, bool, error) { return keys.Moved(t.Context(), from, to, id.New[id.Tenant](2), stored) },
		"that is none":      func() ([]byte, bool, error) { return keys.Moved(t.Context(), from, to, tenant, []byte("x")) },
		"named as if it were to": func() ([]byte, bool, error) {
			return keys.Moved(t.Context(), from, to, tenant, bytes.Replace(stored, []byte(from.Name()), []byte(to.Name()), 1))
		},
		"to a key that loses it": func() ([]byte, bool, error) {
			return keys.Moved(t.Context(), from, odd{KMS: to, wrap: func(ctx context.Context, b, aad []byte) ([]byte, error) { return to.Wrap(ctx, b[:31], aad) }}, tenant, stored)
		},
		"to a key that changes it": func() ([]byte, bool, error) {
			return keys.Moved(t.Context(), from, odd{KMS: to, wrap: func(ctx context.Context, b, aad []byte) ([]byte, error) { return to.Wrap(ctx, make([]byte, 32), aad) }}, tenant, stored)
		},
	} {
		if moved, _, err := move(); err == nil {
			t.Errorf("%s: it moved to %d bytes", name, len(moved))
		}
	}
}
