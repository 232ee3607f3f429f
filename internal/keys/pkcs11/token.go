//go:build cgo

package pkcs11

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/miekg/pkcs11"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// KMS wraps with one key of a token. It is safe for concurrent use.
type KMS struct {
	c      Config
	module *pkcs11.Ctx
	turn   chan struct{} // holds one value: whose turn it is may use what follows
	open   bool
	handle pkcs11.SessionHandle
	key    pkcs11.ObjectHandle
}

// Open loads the library and finds the key.
func Open(c Config) (keys.KMS, error) {
	k, err := load(c)
	if err != nil {
		return nil, err
	}
	_, err = k.within(context.Background(), func() ([]byte, error) { return nil, k.enter() })
	if err != nil {
		return nil, err
	}
	return k, nil
}

func load(c Config) (*KMS, error) {
	if info, err := os.Stat(c.Module); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("there is no PKCS#11 library at %s", c.Module)
	}
	k := &KMS{c: c, module: pkcs11.New(c.Module), turn: make(chan struct{}, 1)}
	if k.module == nil {
		return nil, fmt.Errorf("%s is not a PKCS#11 library that this program can load", c.Module)
	}
	k.turn <- struct{}{}
	return k, nil
}

// within has f use the token when its turn comes. The library cannot be broken
// off: after Timeout the caller goes, and the next ones wait until f returns.
func (k *KMS) within(ctx context.Context, f func() ([]byte, error)) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	select {
	case <-k.turn:
	case <-ctx.Done():
		return nil, errors.New("the token is busy: try again")
	}
	type said struct {
		b   []byte
		err error
	}
	done := make(chan said, 1)
	go func() {
		b, err := f()
		k.turn <- struct{}{}
		done <- said{b, err}
	}()
	select {
	case s := <-done:
		return s.b, s.err
	case <-ctx.Done():
		return nil, errors.New("the token did not answer in time: try again")
	}
}

// enter opens a session, signs in and finds the key. The caller has the turn.
func (k *KMS) enter() error {
	k.leave()
	// The library is of the whole process: another KMS may have begun it.
	if err := k.module.Initialize(); err != nil && !is(err, pkcs11.CKR_CRYPTOKI_ALREADY_INITIALIZED) {
		return away(err)
	}
	slot, err := k.slot()
	if err != nil {
		return err
	}
	session, err := k.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return away(err)
	}
	k.handle, k.open = session, true
	pin, err := k.c.pin()
	if err != nil {
		k.leave()
		return err
	}
	if err := k.module.Login(session, pkcs11.CKU_USER, pin); err != nil && !is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		k.leave()
		if is(err, pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_INVALID, pkcs11.CKR_PIN_LEN_RANGE, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_USER_PIN_NOT_INITIALIZED) {
			return fmt.Errorf("the token does not take the PIN of %s (%s): do not try often, a token locks itself: %w", k.c.PIN, code(err), keys.ErrDenied)
		}
		return away(err)
	}
	if k.key, err = k.find(); err != nil {
		k.leave()
	}
	return err
}

// leave closes the session, whatever is left of it.
func (k *KMS) leave() {
	if k.open {
		_ = k.module.CloseSession(k.handle)
	}
	k.open = false
}

// slot finds the token.
func (k *KMS) slot() (uint, error) {
	slots, err := k.module.GetSlotList(true)
	if err != nil {
		return 0, away(err)
	}
	var found []uint
	for _, s := range slots {
		info, err := k.module.GetTokenInfo(s)
		if err != nil {
			continue // it was taken out at this moment
		}
		label, serial := strings.TrimRight(info.Label, " \x00"), strings.TrimRight(info.SerialNumber, " \x00")
		if (k.c.Token == "" || label == k.c.Token) && (k.c.Serial == "" || serial == k.c.Serial) {
			found = append(found, s)
		}
	}
	switch len(found) {
	case 0:
		return 0, fmt.Errorf("the token %s is not there now: is it plugged in, and the library told where it is?", k.c.name())
	case 1:
		return found[0], nil
	}
	return 0, fmt.Errorf("several tokens have this label: name the one by its serial: %w", keys.ErrDenied)
}

var errNoKey = fmt.Errorf("the token has no AES key of this label: make it with lendkeep keys make: %w", keys.ErrDenied)

// find finds the one key and refuses one that could leave the token.
func (k *KMS) find() (pkcs11.ObjectHandle, error) {
	search := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.c.Object)}
	if k.c.ID != "" {
		search = append(search, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(k.c.ID)))
	}
	if err := k.module.FindObjectsInit(k.handle, search); err != nil {
		return 0, away(err)
	}
	found, _, err := k.module.FindObjects(k.handle, 2)
	if e := k.module.FindObjectsFinal(k.handle); err == nil {
		err = e
	}
	switch {
	case err != nil:
		return 0, away(err)
	case len(found) == 0:
		return 0, errNoKey
	case len(found) > 1:
		return 0, fmt.Errorf("the token has several AES keys of this label: name the one by its id, or remove the others: %w", keys.ErrDenied)
	}
	got, err := k.module.GetAttributeValue(k.handle, found[0], []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, nil),
		pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, nil), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, nil)})
	if err != nil {
		return 0, away(err)
	}
	for _, a := range got {
		set := len(a.Value) > 0 && a.Value[0] != 0
		switch {
		case a.Type == pkcs11.CKA_SENSITIVE && !set, a.Type == pkcs11.CKA_EXTRACTABLE && set:
			return 0, fmt.Errorf("the key can leave the token (not sensitive, or extractable): make another with lendkeep keys make: %w", keys.ErrDenied)
		case a.Type == pkcs11.CKA_VALUE_LEN && (len(a.Value) == 0 || a.Value[0] != 32):
			return 0, fmt.Errorf("the key has not 256 bits: make another with lendkeep keys make: %w", keys.ErrDenied)
		}
	}
	return found[0], nil
}

// Make makes the key in the token: AES-256, sensitive, not extractable. It is
// refused where a key of that label is there already.
func Make(ctx context.Context, c Config) error {
	k, err := load(c)
	if err != nil {
		return err
	}
	_, err = k.within(ctx, func() ([]byte, error) {
		err := k.enter()
		k.leave()
		switch {
		case err == nil:
			return nil, errors.New("the token has a key of this label already: use it, or name another")
		case !errors.Is(err, errNoKey):
			return nil, err
		}
		return nil, k.generate()
	})
	return err
}

func (k *KMS) generate() error {
	slot, err := k.slot()
	if err != nil {
		return err
	}
	session, err := k.module.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		return away(err)
	}
	k.handle, k.open = session, true
	defer k.leave()
	pin, err := k.c.pin()
	if err != nil {
		return err
	}
	if err := k.module.Login(session, pkcs11.CKU_USER, pin); err != nil && !is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		return away(err)
	}
	attributes := []*pkcs11.Attribute{pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES),
		pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, 32), pkcs11.NewAttribute(pkcs11.CKA_LABEL, k.c.Object), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true),
		pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true), pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, true), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, false),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_MODIFIABLE, false)}
	if k.c.ID != "" {
		attributes = append(attributes, pkcs11.NewAttribute(pkcs11.CKA_ID, []byte(k.c.ID)))
	}
	if _, err = k.module.GenerateKey(session, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, attributes); err != nil {
		return fmt.Errorf("the token made no key (%s)", code(err))
	}
	return nil
}

// is reports whether the library said one of these.
func is(err error, codes ...uint) bool {
	said, ok := errors.AsType[pkcs11.Error](err)
	for _, c := range codes {
		if ok && uint(said) == c {
			return true
		}
	}
	return false
}

// code is the library's own word for a trouble: "pkcs11: 0xE0: CKR_TOKEN_NOT_PRESENT".
func code(err error) string {
	if said, ok := errors.AsType[pkcs11.Error](err); ok {
		return said.Error()
	}
	return "an unknown error"
}

func away(err error) error {
	return fmt.Errorf("the token cannot be used now (%s): try again", code(err))
}
