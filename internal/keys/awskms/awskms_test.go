package awskms

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// desk is an operator's machine with a KMS set up, and everything that it said.
type desk struct {
	*KMS
	s    *standin
	said bytes.Buffer // log and errors
}

const plainKey = "0123456789abcdef0123456789abcdef"

func open(t *testing.T, s *standin, change func(*Config)) *desk {
	t.Helper()
	d := &desk{s: s}
	c := Config{Key: keyARN, Endpoint: s.URL, Log: slog.New(slog.NewTextHandler(&d.said, nil)), try: 300 * time.Millisecond, pause: 20 * time.Millisecond}
	if change != nil {
		change(&c)
	}
	var err error
	if d.KMS, err = Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.quiet(t) })
	return d
}

// quiet wants nothing secret in what was logged or said.
func (d *desk) quiet(t *testing.T) {
	t.Helper()
	for _, secret := range []string{secretKey, accessID, plainKey, "the-session-token", "Credential=", "Signature=", "Canonical", "arn:aws:iam"} {
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
	s.trusted(t)
	d := open(t, s, nil)
	if err := keys.Probe(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	wrapped := d.wrap(t, "tenant one")
	plain, err := d.Unwrap(t.Context(), wrapped, []byte("tenant one"))
	if err != nil || string(plain) != plainKey {
		t.Fatalf("%q %v", plain, err)
	}
	if bytes.Contains(wrapped, []byte(plainKey)) {
		t.Error("the key lies open in what is stored")
	}
	_, err = d.Unwrap(t.Context(), wrapped, []byte("tenant two"))
	d.fails(t, "another place", err, keys.ErrRefused)
	altered := slices.Clone(wrapped)
	altered[len(altered)-1] ^= 1
	_, err = d.Unwrap(t.Context(), altered, []byte("tenant one"))
	d.fails(t, "altered", err, keys.ErrRefused)
	for _, odd := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("x"), 7000)} {
		_, err = d.Unwrap(t.Context(), odd, []byte("tenant one"))
		d.fails(t, "not a ciphertext", err, keys.ErrRefused)
	}
	other := open(t, s, func(c *Config) { c.Key = otherARN })
	_, err = other.Unwrap(t.Context(), wrapped, []byte("tenant one"))
	d.fails(t, "another key", err, keys.ErrRefused)
	if d.Name() != "aws-kms/"+keyARN || d.String() != d.Name() {
		t.Error(d.Name())
	}
}

// The stand-in is as strict as AWS: what it accepted once is refused with any part
// changed, so a request of ours that passes is signed whole.
func TestTheStandInVerifiesSignatures(t *testing.T) {
	s := newStandin(t)
	s.trusted(t)
	open(t, s, nil).wrap(t, "x")
	good, body := s.last, s.lastBody
	send := func(change func(r *http.Request, body []byte) []byte) string {
		r := good.Clone(context.Background())
		sent := change(r, slices.Clone(body))
		r.ContentLength = int64(len(sent))
		code, _ := s.verify(r, sent)
		return code
	}
	if code := send(func(r *http.Request, b []byte) []byte { return b }); code != "" {
		t.Fatalf("the request as it was: %s", code)
	}
	for name, change := range map[string]func(r *http.Request, b []byte) []byte{
		"body":      func(r *http.Request, b []byte) []byte { b[5] ^= 1; return b },
		"target":    func(r *http.Request, b []byte) []byte { r.Header.Set("X-Amz-Target", "TrentService.Decrypt"); return b },
		"host":      func(r *http.Request, b []byte) []byte { r.Host = "kms.us-west-1.amazonaws.com"; return b },
		"path":      func(r *http.Request, b []byte) []byte { r.URL.Path = "/other"; return b },
		"method":    func(r *http.Request, b []byte) []byte { r.Method = "PUT"; return b },
		"date":      func(r *http.Request, b []byte) []byte { r.Header.Set("X-Amz-Date", stamp(time.Minute)); return b },
		"old":       func(r *http.Request, b []byte) []byte { r.Header.Set("X-Amz-Date", stamp(-16*time.Minute)); return b },
		"unsigned":  func(r *http.Request, b []byte) []byte { r.Header.Set("X-Amz-Security-Token", "stolen"); return b },
		"no header": func(r *http.Request, b []byte) []byte { r.Header.Del("Authorization"); return b },
		"region": func(r *http.Request, b []byte) []byte {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), region, "us-west-1", 1))
			return b
		},
	} {
		if code := send(change); code == "" {
			t.Errorf("%s: accepted", name)
		}
	}
	s.now = func() time.Time { return time.Now().Add(16 * time.Minute) }
	if code := send(func(r *http.Request, b []byte) []byte { return b }); code != "InvalidSignatureException" {
		t.Errorf("a request of 16 minutes ago: %q", code)
	}
	// A vector that AWS published: the signing key of 30 August 2015.
	key := []byte("AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
	for _, step := range []string{"20150830", "us-east-1", "iam", "aws4_request"} {
		key = mac(key, step)
	}
	if got := hex.EncodeToString(key); got != "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9" {
		t.Errorf("signing key %s", got)
	}
}

func stamp(d time.Duration) string { return time.Now().UTC().Add(d).Format("20060102T150405Z") }

func TestCredentialsComeAsOperatorsExpect(t *testing.T) {
	s := newStandin(t)
	s.trusted(t)
	t.Run("a wrong secret", func(t *testing.T) {
		t.Setenv("AWS_SECRET_ACCESS_KEY", "wrong")
		d := open(t, s, nil)
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "wrong secret", err, keys.ErrDenied)
	})
	t.Run("an unknown access key", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")
		d := open(t, s, nil)
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "unknown access key", err, keys.ErrDenied)
	})
	t.Run("a session", func(t *testing.T) {
		t.Setenv("AWS_SESSION_TOKEN", "the-session-token")
		d := open(t, s, nil)
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "a session that is over", err, keys.ErrDenied)
		s.token = "the-session-token"
		defer func() { s.token = "" }()
		d.wrap(t, "x")
	})
	t.Run("a shared file", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "credentials")
		if err := os.WriteFile(file, []byte("[lendkeep]\naws_access_key_id = "+accessID+"\naws_secret_access_key = "+secretKey+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "lendkeep", "AWS_SHARED_CREDENTIALS_FILE": file} {
			t.Setenv(name, value)
		}
		open(t, s, nil).wrap(t, "x")
	})
	t.Run("none", func(t *testing.T) {
		t.Setenv("AWS_ACCESS_KEY_ID", "")
		t.Setenv("AWS_SECRET_ACCESS_KEY", "")
		d, before := open(t, s, nil), s.asked()
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "no credentials", err, nil)
		if s.asked() != before {
			t.Error("the key was sent without credentials")
		}
	})
}

func TestErrorsOfAWSAreToldApart(t *testing.T) {
	s := newStandin(t)
	s.trusted(t)
	d := open(t, s, nil)
	wrapped := d.wrap(t, "x")
	for code, want := range map[string]error{
		"AccessDeniedException": keys.ErrDenied, "DisabledException": keys.ErrDenied, "KMSInvalidStateException": keys.ErrDenied,
		"InvalidKeyUsageException": keys.ErrDenied, "NotFoundException": keys.ErrDenied, "ExpiredTokenException": keys.ErrDenied,
		"InvalidCiphertextException": keys.ErrRefused, "IncorrectKeyException": keys.ErrRefused,
		"ThrottlingException": nil, "KMSInternalException": nil, "DependencyTimeoutException": nil, "KeyUnavailableException": nil,
		"ServiceUnavailableException": nil, "SomethingNewException": nil, "Odd <code>; " + secretKey: nil,
	} {
		s.keys[keyARN] = code
		_, err := d.Unwrap(t.Context(), wrapped, []byte("x"))
		d.fails(t, code, err, want)
	}
	s.keys[keyARN] = ""
	delete(s.keys, otherARN)
	gone := open(t, s, func(c *Config) { c.Key = otherARN })
	_, err := gone.Wrap(t.Context(), []byte(plainKey), nil)
	d.fails(t, "a key that is not there", err, keys.ErrDenied)
}

func TestThrottlingIsWaitedFor(t *testing.T) {
	s := newStandin(t)
	s.trusted(t)
	d := open(t, s, nil)
	left := 2
	s.misbehave(func(w http.ResponseWriter, r *http.Request) {
		if left--; left == 0 {
			s.misbehave(nil)
		}
		refuse(w, "ThrottlingException", "Rate exceeded")
	})
	if b := d.wrap(t, "x"); len(b) == 0 || s.asked() != 3 {
		t.Errorf("%d calls", s.asked())
	}
}

func TestServersThatMisbehave(t *testing.T) {
	s := newStandin(t)
	s.trusted(t)
	over := make(chan struct{})
	t.Cleanup(func() { close(over) })
	inside := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		t.Errorf("a redirect was followed with %d bytes", len(b))
	}))
	t.Cleanup(inside.Close)
	for name, fault := range map[string]http.HandlerFunc{
		"slow":            func(w http.ResponseWriter, r *http.Request) { <-over },
		"garbage":         func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "<html>"+secretKey) },
		"garbage refusal": func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(400); io.WriteString(w, "\x00\xff") },
		"a gateway's page": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(502)
			io.WriteString(w, "<h1>Bad gateway</h1>")
		},
		"huge":     func(w http.ResponseWriter, r *http.Request) { w.Write(make([]byte, 1<<20)) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, inside.URL, 307) },
		"empty": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		},
		"hangs up": func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, s, nil)
			s.misbehave(fault)
			defer s.misbehave(nil)
			begin := time.Now()
			_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
			if name == "empty" {
				d.fails(t, name, err, keys.ErrDenied) // an answer that names no key is another key's
			} else {
				d.fails(t, name, err, nil)
			}
			if took := time.Since(begin); took > 8*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
	t.Run("another key's answer", func(t *testing.T) {
		d := open(t, s, nil)
		s.misbehave(func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"KeyId":%q,"CiphertextBlob":"eHg=","Plaintext":"eHg="}`, otherARN)
		})
		defer s.misbehave(nil)
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "wrap", err, keys.ErrDenied)
		_, err = d.Unwrap(t.Context(), []byte("xx"), nil)
		d.fails(t, "unwrap", err, keys.ErrDenied)
	})
	t.Run("dead", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		d := open(t, s, func(c *Config) { c.Endpoint = "https://" + l.Addr().String() })
		_, err = d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "dead", err, nil)
	})
	t.Run("plain http", func(t *testing.T) {
		plain := strings.Replace(s.URL, "https", "http", 1)
		if _, err := Open(t.Context(), Config{Key: keyARN, Endpoint: plain}); err == nil {
			t.Error("an endpoint without TLS is taken")
		}
		t.Setenv("AWS_ENDPOINT_URL_KMS", plain)
		d, before := open(t, s, func(c *Config) { c.Endpoint = "" }), s.asked()
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "plain http", err, nil)
		if s.asked() != before {
			t.Error("the key was sent without TLS")
		}
	})
	t.Run("a certificate of another name", func(t *testing.T) {
		d := open(t, s, func(c *Config) { c.Endpoint = strings.Replace(s.URL, "127.0.0.1", "localhost", 1) })
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "wrong name", err, nil)
	})
	t.Run("an unknown authority", func(t *testing.T) {
		t.Setenv("AWS_CA_BUNDLE", "")
		d := open(t, s, nil)
		_, err := d.Wrap(t.Context(), []byte(plainKey), nil)
		d.fails(t, "unknown authority", err, nil)
	})
}

func TestAKeyIsNamedByItsARN(t *testing.T) {
	for _, name := range []string{"", "alias/lendkeep", "arn:aws:kms:us-east-2:111122223333:alias/lendkeep", "1234abcd-12ab-34cd-56ef-1234567890ab", "arn:aws:s3:::bucket"} {
		if _, err := Open(t.Context(), Config{Key: name}); err == nil || !strings.Contains(err.Error(), "ARN") {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{keyARN, "arn:aws-us-gov:kms:us-gov-west-1:111122223333:key/mrk-1234abcd12ab34cd56ef1234567890ab"} {
		if !arnForm.MatchString(name) {
			t.Errorf("%q is refused", name)
		}
	}
}
