package hcvault

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
)

const plainKey = "0123456789abcdef0123456789abcdef"

// desk is an operator's machine with a KMS set up, and everything that it said.
type desk struct {
	*KMS
	said bytes.Buffer
}

func open(t *testing.T, s *standin, change func(*Config)) *desk {
	t.Helper()
	d := &desk{}
	c := Config{Server: s.URL, Mount: "transit", Key: "lendkeep", Token: rootToken, CAFile: s.ca(t), Namespace: s.namespace, Now: s.now,
		Log: slog.New(slog.NewTextHandler(&d.said, nil)), timeout: 300 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	var err error
	if d.KMS, err = Open(c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.quiet(t) })
	return d
}

// quiet wants nothing secret in what was logged or said.
func (d *desk) quiet(t *testing.T) {
	t.Helper()
	for _, secret := range []string{rootToken, "hvs.", secretID, plainKey, in64([]byte(plainKey)), "vault:v"} {
		if strings.Contains(d.said.String(), secret) {
			t.Errorf("%q was said: %s", secret, &d.said)
		}
	}
}

func (d *desk) wrap(t *testing.T, aad string) []byte {
	t.Helper()
	b, err := d.Wrap(t.Context(), []byte(plainKey), []byte(aad))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// fails wants an error of one kind: refused, denied, or neither, which may pass.
func (d *desk) fails(t *testing.T, what string, err error, want error) {
	t.Helper()
	if err == nil {
		t.Fatalf("%s: it succeeded", what)
	}
	fmt.Fprintln(&d.said, err)
	for _, kind := range []error{keys.ErrRefused, keys.ErrDenied} {
		if errors.Is(err, kind) != (want == kind) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
}

func TestAKeyOpensInItsPlaceOnly(t *testing.T) {
	s := newStandin(t)
	s.namespace = namespace
	d := open(t, s, nil)
	if err := keys.Probe(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	wrapped := d.wrap(t, "tenant one")
	plain, err := d.Unwrap(t.Context(), wrapped, []byte("tenant one"))
	if err != nil || string(plain) != plainKey {
		t.Fatalf("%q %v", plain, err)
	}
	if !bytes.HasPrefix(wrapped, []byte("vault:v1:")) {
		t.Errorf("%q", wrapped)
	}
	_, err = d.Unwrap(t.Context(), wrapped, []byte("tenant two"))
	d.fails(t, "another place", err, keys.ErrRefused)
	for _, odd := range []string{"", "x", "vault:v1:", "vault:v9:" + string(wrapped[9:]), string(wrapped[:30]), string(wrapped) + "\n", "vault:v1:////////////////////////"} {
		_, err = d.Unwrap(t.Context(), []byte(odd), []byte("tenant one"))
		d.fails(t, "altered", err, keys.ErrRefused)
	}
	if want := "vault/" + strings.TrimPrefix(s.URL, "https://") + "/lending/prod/transit/keys/lendkeep"; d.Name() != want || d.String() != want {
		t.Error(d.Name())
	}
}

// A server that ignores associated_data would open one tenant's ring as another's.
func TestAServerThatBindsNothingIsCaught(t *testing.T) {
	s := newStandin(t)
	s.deaf = true
	d := open(t, s, nil)
	if err := keys.Probe(t.Context(), d); !errors.Is(err, keys.ErrUnbound) {
		t.Errorf("%v", err)
	}
}

func TestAnOlderVersionOfTheKeyStillOpens(t *testing.T) {
	s := newStandin(t)
	d := open(t, s, nil)
	before := d.wrap(t, "x")
	s.turn(t)
	if after := d.wrap(t, "x"); !bytes.HasPrefix(after, []byte("vault:v2:")) {
		t.Errorf("%q", after)
	}
	if _, err := d.Unwrap(t.Context(), before, []byte("x")); err != nil {
		t.Error(err)
	}
	s.least = 2
	_, err := d.Unwrap(t.Context(), before, []byte("x"))
	d.fails(t, "below min_decryption_version", err, keys.ErrDenied)
}

func TestATokenComesFromAFileAndMayChange(t *testing.T) {
	s := newStandin(t)
	file := write(t, rootToken+"\n")
	d := open(t, s, func(c *Config) { c.Token, c.TokenFile = "", file })
	d.wrap(t, "x")
	delete(s.tokens, rootToken)
	_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
	d.fails(t, "the token has ended", err, keys.ErrDenied)
	s.tokens["hvs.next"] = time.Time{}
	if err := os.WriteFile(file, []byte("hvs.next"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.wrap(t, "x") // an agent has written another one
	for _, mode := range []os.FileMode{0o640, 0o604} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		_, err = open(t, s, func(c *Config) { c.Token, c.TokenFile = "", file }).Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "a token that others can read", err, nil)
	}
	for _, content := range []string{"", "two words", "x\ny"} {
		_, err = open(t, s, func(c *Config) { c.Token, c.TokenFile = "", write(t, content) }).Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "no token", err, nil)
	}
}

func TestAppRoleSignsInAndSignsInAgain(t *testing.T) {
	s := newStandin(t)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	s.now = func() time.Time { return now }
	secret := write(t, secretID)
	d := open(t, s, func(c *Config) { c.Token, c.RoleID, c.SecretIDFile = "", roleID, secret })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if _, err := d.Wrap(t.Context(), []byte(plainKey), nil); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if s.entered != 1 {
		t.Errorf("signed in %d times, want once", s.entered)
	}
	now = now.Add(41 * time.Minute) // of 60: two thirds are over
	d.wrap(t, "x")
	if s.entered != 2 {
		t.Errorf("signed in %d times, want twice", s.entered)
	}
	clear(s.tokens) // revoked
	d.wrap(t, "x")
	if s.entered != 3 {
		t.Errorf("signed in %d times, want three times", s.entered)
	}
	clear(s.tokens)
	s.secret = "another"
	_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
	d.fails(t, "a secret id that has ended", err, keys.ErrDenied)
}

func TestAnswersAreToldApart(t *testing.T) {
	s := newStandin(t)
	d := open(t, s, nil)
	wrapped := d.wrap(t, "x")
	for status, want := range map[int]error{403: keys.ErrDenied, 404: keys.ErrDenied, 412: nil, 429: nil, 472: nil, 473: nil, 500: nil, 502: nil, 503: nil, 307: nil} {
		s.misbehave(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://standby.invalid/v1/transit/decrypt/lendkeep")
			refuse(w, status, "Vault is sealed, or "+rootToken)
		})
		_, err := d.Unwrap(t.Context(), wrapped, []byte("x"))
		d.fails(t, fmt.Sprint(status), err, want)
	}
	s.misbehave(nil)
	for _, said := range []string{
		"message decryption not supported for key type ecdsa-p256",
		"associated_data is not supported for this key type",
		"missing 'context' for key derivation; the key was created using a derived key",
	} {
		s.kind = said
		_, err := d.Wrap(t.Context(), []byte(plainKey), []byte("x"))
		d.fails(t, said, err, keys.ErrDenied)
		_, err = d.Unwrap(t.Context(), wrapped, []byte("x"))
		d.fails(t, said, err, keys.ErrDenied)
	}
	s.kind = ""
	other := open(t, s, func(c *Config) { c.Key = "other" })
	_, err := other.Unwrap(t.Context(), wrapped, []byte("x"))
	d.fails(t, "a key that is not there", err, keys.ErrDenied)
	elsewhere := open(t, s, func(c *Config) { c.Mount = "kv" })
	_, err = elsewhere.Unwrap(t.Context(), wrapped, []byte("x"))
	d.fails(t, "an engine that is not there", err, keys.ErrDenied)
	s.namespace = namespace
	_, err = d.Unwrap(t.Context(), wrapped, []byte("x"))
	d.fails(t, "another namespace", err, keys.ErrDenied)
}

func TestServersThatMisbehave(t *testing.T) {
	s := newStandin(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	inside := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		t.Errorf("a redirect was followed with %d bytes and token %q", len(b), r.Header.Get("X-Vault-Token"))
	}))
	t.Cleanup(inside.Close)
	for name, fault := range map[string]http.HandlerFunc{
		"slow": func(w http.ResponseWriter, r *http.Request) {
			select {
			case <-over:
			case <-r.Context().Done():
			}
		},
		"garbage":              func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"+rootToken) },
		"huge":                 func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) },
		"redirect":             func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, 307) },
		"empty":                func(w http.ResponseWriter, r *http.Request) {},
		"no ciphertext":        func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"data":{"ciphertext":"x"}}`) },
		"data of another kind": func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"data":[1]}`) },
		"hangs up":             func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, s, nil)
			s.misbehave(fault)
			begin := time.Now()
			_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
			d.fails(t, name, err, nil)
			_, err = d.Unwrap(t.Context(), []byte("vault:v1:eHg="), nil)
			d.fails(t, name, err, nil)
			if took := time.Since(begin); took > 4*time.Second {
				t.Errorf("it took %s", took)
			}
			s.misbehave(nil)
		})
	}
	t.Run("no plaintext", func(t *testing.T) {
		d := open(t, s, nil)
		s.misbehave(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, `{"data":{"plaintext":"?"}}`) })
		_, err := d.Unwrap(t.Context(), []byte("vault:v1:eHg="), nil)
		d.fails(t, "no plaintext", err, nil)
		s.misbehave(nil)
	})
	t.Run("dead", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		d := open(t, s, func(c *Config) { c.Server = "https://" + l.Addr().String() })
		_, err = d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "dead", err, nil)
	})
	t.Run("a certificate of another name", func(t *testing.T) {
		d := open(t, s, func(c *Config) { c.Server = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) })
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "wrong name", err, nil)
	})
	t.Run("an unknown authority", func(t *testing.T) {
		d := open(t, s, func(c *Config) { c.CAFile = "" })
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "unknown authority", err, nil)
	})
}

func TestAWrongConfigurationIsRefusedWithItsMend(t *testing.T) {
	good := Config{Server: "https://vault.example:8200", Mount: "transit", Key: "lendkeep", Token: rootToken}
	if _, err := Open(good); err != nil {
		t.Fatal(err)
	}
	for mend, change := range map[string]func(*Config){
		"https://":        func(c *Config) { c.Server = "http://vault.example:8200" },
		"without a user":  func(c *Config) { c.Server = "https://" + rootToken + "@vault.example" },
		"MOUNT/keys/NAME": func(c *Config) { c.Key = "../sys/seal" },
		"MOUNT/keys":      func(c *Config) { c.Mount = "transit/../sys" },
		"token-file":      func(c *Config) { c.Token = "" },
		"secret-id-file":  func(c *Config) { c.RoleID = roleID },
		"auth-mount":      func(c *Config) { c.AuthMount = "a b" },
		"authorities":     func(c *Config) { c.CAFile = write(t, "no certificate") },
	} {
		c := good
		change(&c)
		_, err := Open(c)
		if err == nil || !strings.Contains(err.Error(), mend) || strings.Contains(err.Error(), rootToken) {
			t.Errorf("%s: %v", mend, err)
		}
	}
}
