//go:build cgo

package pkcs11

import (
	"context"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// What Wrap gives begins with its form and the length of the nonce: a module in
// FIPS mode makes nonces itself, and of its own length.
const (
	form     = 1
	nonceLen = 12
	tagBits  = 128
	maxWrap  = 4096
)

// errLost means that the session, not the call, was at fault.
var errLost = errors.New("the session with the token is lost")

// Wrap has the token encrypt a small key.
func (k *KMS) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	return k.again(ctx, func() ([]byte, error) { return k.seal(plain, aad) })
}

// Unwrap has the token decrypt what Wrap made with the same aad; else
// keys.ErrRefused.
func (k *KMS) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if len(wrapped) < 2 || len(wrapped) > maxWrap || wrapped[0] != form || wrapped[1] == 0 || len(wrapped) < 2+int(wrapped[1])+tagBits/8 {
		return nil, keys.ErrRefused
	}
	return k.again(ctx, func() ([]byte, error) { return k.unseal(wrapped, aad) })
}

// Name is "pkcs11/", the token and the key.
func (k *KMS) Name() string { return k.c.name() }

// String is Name.
func (k *KMS) String() string { return k.Name() }

// again calls f with a session, and once more with a new one if that was lost.
func (k *KMS) again(ctx context.Context, f func() ([]byte, error)) ([]byte, error) {
	return k.within(ctx, func() ([]byte, error) {
		if k.open {
			if b, err := f(); !errors.Is(err, errLost) {
				return b, err
			}
		}
		if err := k.enter(); err != nil {
			return nil, err
		}
		return f()
	})
}

func (k *KMS) seal(plain, aad []byte) ([]byte, error) {
	nonce, err := k.module.GenerateRandom(k.handle, nonceLen)
	if err != nil {
		return nil, lost(err)
	}
	params := pkcs11.NewGCMParams(nonce, aad, tagBits)
	defer params.Free()
	if err := k.module.EncryptInit(k.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, k.key); err != nil {
		return nil, lost(err)
	}
	cipher, err := k.module.Encrypt(k.handle, plain)
	if err != nil {
		return nil, lost(err)
	}
	if used := params.IV(); len(used) > 0 && len(used) < 256 {
		nonce = used
	}
	return append(append([]byte{form, byte(len(nonce))}, nonce...), cipher...), nil
}

func (k *KMS) unseal(wrapped, aad []byte) ([]byte, error) {
	n := int(wrapped[1])
	params := pkcs11.NewGCMParams(wrapped[2:2+n], aad, tagBits)
	defer params.Free()
	if err := k.module.DecryptInit(k.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, k.key); err != nil {
		return nil, lost(err)
	}
	plain, err := k.module.Decrypt(k.handle, wrapped[2+n:])
	switch {
	case err == nil:
		return plain, nil
	case is(err, pkcs11.CKR_ENCRYPTED_DATA_INVALID, pkcs11.CKR_ENCRYPTED_DATA_LEN_RANGE, aeadRefused):
		return nil, keys.ErrRefused
	case is(err, pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED) && k.well():
		return nil, keys.ErrRefused
	}
	return nil, lost(err)
}

// aeadRefused is CKR_AEAD_DECRYPT_FAILED of PKCS#11 3.0, which the library does
// not name.
const aeadRefused = 0x35

// well reports whether the key encrypts and decrypts at this moment. Many modules
// have no word for a tag that does not fit but "general error", which a broken
// token says too: the two are told apart by asking for something that must work.
func (k *KMS) well() bool {
	sealed, err := k.seal([]byte("the token is well"), nil)
	if err != nil {
		return false
	}
	n := int(sealed[1])
	params := pkcs11.NewGCMParams(sealed[2:2+n], nil, tagBits)
	defer params.Free()
	if err := k.module.DecryptInit(k.handle, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_GCM, params)}, k.key); err != nil {
		return false
	}
	_, err = k.module.Decrypt(k.handle, sealed[2+n:])
	return err == nil
}

// lost tells a session that is gone from a token that is.
func lost(err error) error {
	if is(err, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_USER_NOT_LOGGED_IN, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
		pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
		pkcs11.CKR_OPERATION_ACTIVE) {
		return fmt.Errorf("%w: %w", errLost, away(err))
	}
	return away(err)
}
