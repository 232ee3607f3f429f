//go:build cgo

package pkcs11

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/miekg/pkcs11"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// moduleVariable names the library of SoftHSM, where it does not lie where Debian
// puts it.
const moduleVariable = "LENDKEEP_TEST_PKCS11"

const (
	userPIN  = "48151623"
	plainKey = "0123456789abcdef0123456789abcdef"
)

// module finds SoftHSM. make test installs it and sets the variable, so that
// nothing is left out there.
func module(t *testing.T) string {
	t.Helper()
	named := os.Getenv(moduleVariable)
	for _, file := range []string{named, "/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so"} {
		if _, err := os.Stat(file); file != "" && err == nil {
			return file
		}
		if file != "" && file == named {
			t.Fatalf("%s=%s is not there", moduleVariable, named)
		}
	}
	t.Skip("SoftHSM is not installed: install the package softhsm2, or run make test")
	return ""
}

// hsm is a token of SoftHSM, a program's tokens lying in one folder: the library
// is begun once for the whole test program.
var hsm struct {
	once  sync.Once
	store string // folder of the tokens
	raw   *pkcs11.Ctx
	count int
}

// token makes a token and gives the address of a key in it.
func token(t *testing.T) Config {
	t.Helper()
	file := module(t)
	hsm.once.Do(func() {
		dir, err := os.MkdirTemp("", "lendkeep-hsm-")
		if err != nil {
			t.Fatal(err)
		}
		hsm.store = filepath.Join(dir, "tokens")
		conf := filepath.Join(dir, "softhsm2.conf")
		err = errors.Join(os.Mkdir(hsm.store, 0o700), os.WriteFile(conf, []byte("directories.tokendir = "+hsm.store+"\nobjectstore.backend = file\nlog.level = ERROR\n"), 0o600),
			os.Setenv("SOFTHSM2_CONF", conf))
		if err != nil {
			t.Fatal(err)
		}
		hsm.raw = pkcs11.New(file)
		if err := hsm.raw.Initialize(); err != nil {
			t.Fatal(err)
		}
	})
	hsm.count++
	label := fmt.Sprintf("lender %d", hsm.count)
	slots, err := hsm.raw.GetSlotList(false)
	if err != nil || len(slots) == 0 {
		t.Fatal("no slot", err)
	}
	if err := hsm.raw.InitToken(slots[len(slots)-1], "supervisor", label); err != nil {
		t.Fatal(err)
	}
	c := Config{Module: file, Token: label, Object: "rings", PIN: filepath.Join(t.TempDir(), "pin")}
	if err := os.WriteFile(c.PIN, []byte(userPIN+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	signedIn(t, c, pkcs11.CKU_SO, "supervisor", func(s pkcs11.SessionHandle) error { return hsm.raw.InitPIN(s, userPIN) })
	return c
}

// signedIn does something with a token past the adapter.
func signedIn(t *testing.T, c Config, as uint, pin string, f func(pkcs11.SessionHandle) error) {
	t.Helper()
	slot, err := (&KMS{c: c, module: hsm.raw}).slot()
	if err != nil {
		t.Fatal(err)
	}
	s, err := hsm.raw.OpenSession(slot, pkcs11.CKF_SERIAL_SESSION|pkcs11.CKF_RW_SESSION)
	if err != nil {
		t.Fatal(err)
	}
	defer hsm.raw.CloseSession(s)
	if err := hsm.raw.Login(s, as, pin); err != nil && !is(err, pkcs11.CKR_USER_ALREADY_LOGGED_IN) {
		t.Fatal(err)
	}
	if err := f(s); err != nil {
		t.Fatal(err)
	}
}

func made(t *testing.T) (Config, keys.KMS) {
	t.Helper()
	c := token(t)
	if err := Make(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	k, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	return c, k
}

// fails wants an error of one kind: refused, denied, or neither, which may pass.
func fails(t *testing.T, what string, err error, want error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: it succeeded", what)
	}
	for _, kind := range []error{keys.ErrRefused, keys.ErrDenied} {
		if errors.Is(err, kind) != (want == kind) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	if strings.Contains(err.Error(), userPIN) || strings.Contains(err.Error(), plainKey) {
		t.Errorf("%s: a secret is said: %v", what, err)
	}
}

func TestAKeyOpensInItsPlaceOnly(t *testing.T) {
	_, k := made(t)
	if err := keys.Probe(t.Context(), k); err != nil {
		t.Fatal(err)
	}
	wrapped, err := k.Wrap(t.Context(), []byte(plainKey), []byte("tenant one"))
	if err != nil || bytes.Contains(wrapped, []byte(plainKey)) {
		t.Fatalf("%q %v", wrapped, err)
	}
	if plain, err := k.Unwrap(t.Context(), wrapped, []byte("tenant one")); err != nil || string(plain) != plainKey {
		t.Fatalf("%q %v", plain, err)
	}
	_, err = k.Unwrap(t.Context(), wrapped, []byte("tenant two"))
	fails(t, "another place", err, keys.ErrRefused)
	for i := range wrapped {
		altered := slices.Clone(wrapped)
		altered[i] ^= 1
		_, err = k.Unwrap(t.Context(), altered, []byte("tenant one"))
		fails(t, fmt.Sprintf("byte %d altered", i), err, keys.ErrRefused)
	}
	for n := range len(wrapped) {
		_, err = k.Unwrap(t.Context(), wrapped[:n], []byte("tenant one"))
		fails(t, fmt.Sprintf("cut to %d bytes", n), err, keys.ErrRefused)
	}
	_, other := made(t)
	_, err = other.Unwrap(t.Context(), wrapped, []byte("tenant one"))
	fails(t, "another key", err, keys.ErrRefused)
}

func TestTheKeyCannotLeaveTheToken(t *testing.T) {
	c, k := made(t)
	held := k.(*KMS)
	for _, wish := range []uint{pkcs11.CKA_VALUE} {
		if got, err := held.module.GetAttributeValue(held.handle, held.key, []*pkcs11.Attribute{pkcs11.NewAttribute(wish, nil)}); err == nil {
			t.Errorf("the token gives its key: %d bytes", len(got[0].Value))
		}
	}
	if err := Make(t.Context(), c); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("a second key of the name: %v", err)
	}
	loose := c
	loose.Object = "loose"
	signedIn(t, c, pkcs11.CKU_USER, userPIN, func(s pkcs11.SessionHandle) error { return generate(s, "loose", 32, false, true) })
	_, err := Open(loose)
	fails(t, "a key that can be taken out", err, keys.ErrDenied)
	short := c
	short.Object = "short"
	signedIn(t, c, pkcs11.CKU_USER, userPIN, func(s pkcs11.SessionHandle) error { return generate(s, "short", 16, true, false) })
	_, err = Open(short)
	fails(t, "a key of 128 bits", err, keys.ErrDenied)
	signedIn(t, c, pkcs11.CKU_USER, userPIN, func(s pkcs11.SessionHandle) error { return generate(s, "rings", 32, true, false) })
	_, err = Open(c)
	fails(t, "two keys of one name", err, keys.ErrDenied)
}

func generate(s pkcs11.SessionHandle, label string, length int, sensitive, extractable bool) error {
	_, err := hsm.raw.GenerateKey(s, []*pkcs11.Mechanism{pkcs11.NewMechanism(pkcs11.CKM_AES_KEY_GEN, nil)}, []*pkcs11.Attribute{
		pkcs11.NewAttribute(pkcs11.CKA_CLASS, pkcs11.CKO_SECRET_KEY), pkcs11.NewAttribute(pkcs11.CKA_KEY_TYPE, pkcs11.CKK_AES), pkcs11.NewAttribute(pkcs11.CKA_VALUE_LEN, length),
		pkcs11.NewAttribute(pkcs11.CKA_LABEL, label), pkcs11.NewAttribute(pkcs11.CKA_TOKEN, true), pkcs11.NewAttribute(pkcs11.CKA_PRIVATE, true),
		pkcs11.NewAttribute(pkcs11.CKA_SENSITIVE, sensitive), pkcs11.NewAttribute(pkcs11.CKA_EXTRACTABLE, extractable),
		pkcs11.NewAttribute(pkcs11.CKA_ENCRYPT, true), pkcs11.NewAttribute(pkcs11.CKA_DECRYPT, true)})
	return err
}

func TestManyCallersShareTheToken(t *testing.T) {
	_, k := made(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			place := fmt.Appendf(nil, "tenant %d", i)
			for range 10 {
				wrapped, err := k.Wrap(t.Context(), []byte(plainKey), place)
				if err != nil {
					t.Error(err)
					return
				}
				if plain, err := k.Unwrap(t.Context(), wrapped, place); err != nil || string(plain) != plainKey {
					t.Errorf("%q %v", plain, err)
				}
			}
		})
	}
	all.Wait()
}

func TestALostSessionIsOpenedAgain(t *testing.T) {
	c, k := made(t)
	wrapped, err := k.Wrap(t.Context(), []byte(plainKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := (&KMS{c: c, module: hsm.raw}).slot()
	if err != nil {
		t.Fatal(err)
	}
	for name, lose := range map[string]func() error{
		"closed":     func() error { return hsm.raw.CloseAllSessions(slot) },
		"signed out": func() error { return hsm.raw.Logout(k.(*KMS).handle) },
	} {
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		if plain, err := k.Unwrap(t.Context(), wrapped, nil); err != nil || string(plain) != plainKey {
			t.Errorf("%s: %q %v", name, plain, err)
		}
		if err := lose(); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Wrap(t.Context(), []byte(plainKey), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A token that is taken out is away: what it wrapped is not called altered, and
// opens again when it is back.
func TestATokenThatIsTakenOutIsAway(t *testing.T) {
	c, k := made(t)
	wrapped, err := k.Wrap(t.Context(), []byte(plainKey), nil)
	if err != nil {
		t.Fatal(err)
	}
	slot, err := (&KMS{c: c, module: hsm.raw}).slot()
	if err != nil {
		t.Fatal(err)
	}
	if err := hsm.raw.CloseAllSessions(slot); err != nil {
		t.Fatal(err)
	}
	if err := hsm.raw.Finalize(); err != nil { // the library looks for tokens when it begins
		t.Fatal(err)
	}
	if err := os.Rename(hsm.store, hsm.store+".out"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(hsm.store, 0o700); err != nil {
		t.Fatal(err)
	}
	_, err = k.Unwrap(t.Context(), wrapped, nil)
	fails(t, "taken out", err, nil)
	_, err = Open(c)
	fails(t, "a start without the token", err, nil)
	if err := errors.Join(hsm.raw.Finalize(), os.RemoveAll(hsm.store), os.Rename(hsm.store+".out", hsm.store), hsm.raw.Initialize()); err != nil {
		t.Fatal(err)
	}
	if plain, err := k.Unwrap(t.Context(), wrapped, nil); err != nil || string(plain) != plainKey {
		t.Errorf("put back: %q %v", plain, err)
	}
}

func TestWhatMustBeMendedIsSaid(t *testing.T) {
	c := token(t)
	_, err := Open(c)
	fails(t, "no key", err, keys.ErrDenied)
	if !strings.Contains(err.Error(), "lendkeep keys make") {
		t.Error(err)
	}
	wrong := c
	wrong.PIN = filepath.Join(t.TempDir(), "pin")
	if err := os.WriteFile(wrong.PIN, []byte("00000000"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = Open(wrong)
	fails(t, "a wrong PIN", err, keys.ErrDenied)
	gone := c
	gone.Token = "nobody's"
	_, err = Open(gone)
	fails(t, "no such token", err, nil)
	for _, file := range []string{"/nowhere/hsm.so", c.PIN} {
		none := c
		none.Module = file
		_, err = Open(none)
		fails(t, "no library", err, nil)
	}
}

// A caller goes when its time is over, whoever has the token.
func TestACallerDoesNotWaitForEver(t *testing.T) {
	_, k := made(t)
	held := k.(*KMS)
	<-held.turn // somebody's call hangs in the library
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := k.Wrap(ctx, []byte(plainKey), nil)
	fails(t, "busy", err, nil)
	held.turn <- struct{}{}
	if _, err := k.Wrap(t.Context(), []byte(plainKey), nil); err != nil {
		t.Error(err)
	}
}
