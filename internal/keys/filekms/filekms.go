// Package filekms is a KMS for development and single machines: its key is a
// Tink AEAD keyset in a file that only its owner may read.
//
// Invariants: the file is made once, never overwritten, and has mode 0600; a
// file that others may read is refused. Whoever reads the file holds every
// tenant's keys, so it belongs on another volume than the data.
//
// It knows nothing of rings, tenants or purposes.
package filekms

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// ErrExists is what Make gives where a key file is already.
var ErrExists = errors.New("a key file is already there")

// KMS wraps with the key of one file. It is safe for concurrent use.
type KMS struct {
	name string
	box  tink.AEAD
}

// Make writes a new key file. It never overwrites one: ErrExists.
func Make(path string) error {
	h, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	var b bytes.Buffer
	// The keyset lies in the clear here, because nothing above it exists on a
	// machine without a KMS; the file's mode is its protection.
	if err := insecurecleartextkeyset.Write(h, keyset.NewJSONWriter(&b)); err != nil {
		return fmt.Errorf("make key: %w", err)
	}
	return writeOnce(path, b.Bytes())
}

// writeOnce makes the file whole or not at all: a crash or a second maker
// cannot leave half a key or replace one.
func writeOnce(path string, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".kms-*") // 0600 by definition
	if err != nil {
		return fmt.Errorf("make key file: %w", err)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("make key file: %w", err)
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return ErrExists
	} else if err != nil {
		return fmt.Errorf("make key file: %w", err)
	}
	return nil
}

// Open reads the key file.
func Open(path string) (*KMS, error) {
	info, err := os.Lstat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("key file %s can be read by others or is no plain file: run chmod 600 on it, and think about who read it", path)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	h, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(content)))
	clear(content)
	if err != nil {
		return nil, fmt.Errorf("key file %s holds no keyset", path) // the cause may quote the content
	}
	box, err := aead.New(h)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	return &KMS{name: fmt.Sprintf("file/%d", h.KeysetInfo().GetPrimaryKeyId()), box: box}, nil
}

// OpenOrMake opens the key file and makes it first where there is none.
func OpenOrMake(path string) (*KMS, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		if err := Make(path); err != nil && !errors.Is(err, ErrExists) {
			return nil, err
		}
	}
	return Open(path)
}

// Wrap seals a small key.
func (k *KMS) Wrap(_ context.Context, plain, aad []byte) ([]byte, error) {
	return k.box.Encrypt(plain, aad)
}

// Unwrap opens what Wrap made with the same aad; else keys.ErrRefused.
func (k *KMS) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	b, err := k.box.Decrypt(wrapped, aad)
	if err != nil {
		return nil, keys.ErrRefused
	}
	return b, nil
}

// Name is "file/" and the id of the key, which is no secret.
func (k *KMS) Name() string { return k.name }

// String is Name.
func (k *KMS) String() string { return k.name }
