package awskms

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	region    = "us-east-2"
	keyARN    = "arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	otherARN  = "arn:aws:kms:us-east-2:111122223333:key/99999999-12ab-34cd-56ef-1234567890ab"
	accessID  = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// standin is AWS KMS as far as Lendkeep uses it: it verifies Signature Version 4
// on its own, holds the encryption context and the key against the ciphertext, and
// answers with AWS's errors.
type standin struct {
	*httptest.Server
	mu       sync.Mutex
	now      func() time.Time
	secrets  map[string]string // by access key id
	token    string            // of the session that access keys belong to; "" for long-lived keys
	keys     map[string]string // by ARN: "" is enabled, else the error that AWS answers
	fault    http.HandlerFunc  // answers instead of the KMS
	calls    int
	last     *http.Request // with its body, for replays
	lastBody []byte
	seal     cipher.AEAD
}

func newStandin(t testing.TB) *standin {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	s := &standin{now: time.Now, secrets: map[string]string{accessID: secretKey}, keys: map[string]string{keyARN: "", otherARN: ""}}
	if s.seal, err = cipher.NewGCM(block); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// trusted points AWS's own settings at the stand-in, as an operator would.
func (s *standin) trusted(t testing.TB) {
	t.Helper()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"AWS_ACCESS_KEY_ID": accessID, "AWS_SECRET_ACCESS_KEY": secretKey, "AWS_SESSION_TOKEN": "", "AWS_CA_BUNDLE": ca,
		"AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_EC2_METADATA_DISABLED": "true", "AWS_PROFILE": "", "AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_KMS": ""} {
		t.Setenv(name, value)
	}
}

// misbehave has every call answered by f, until it is nil.
func (s *standin) misbehave(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// asked is how often it was called.
func (s *standin) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

func (s *standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	s.mu.Lock()
	s.calls++
	s.last, s.lastBody = r, body
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	if code, message := s.verify(r, body); code != "" {
		refuse(w, code, message)
		return
	}
	s.answer(w, r.Header.Get("X-Amz-Target"), body)
}

func refuse(w http.ResponseWriter, code, message string) {
	status := http.StatusBadRequest
	if code == "KMSInternalException" || code == "ServiceUnavailableException" {
		status = http.StatusInternalServerError
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("X-Amzn-Requestid", "7a1b0c7e-0000-4000-8000-000000000000")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"__type": code, "message": message})
}

// verify is Signature Version 4, as AWS documents it, from the other side.
func (s *standin) verify(r *http.Request, body []byte) (code, message string) {
	scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme == "" {
		return "MissingAuthenticationTokenException", "Missing Authentication Token"
	}
	part := map[string]string{}
	for _, p := range strings.Split(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		part[name] = value
	}
	scope := strings.Split(part["Credential"], "/")
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if scheme != "AWS4-HMAC-SHA256" || len(scope) != 5 || err != nil || part["SignedHeaders"] == "" || len(part["Signature"]) != 64 {
		return "IncompleteSignature", "the Authorization header is not complete"
	}
	if scope[1] != stamp[:8] || scope[2] != region || scope[3] != "kms" || scope[4] != "aws4_request" {
		return "InvalidSignatureException", "Credential should be scoped to a valid region, service and date."
	}
	if d := s.now().Sub(at); d > 15*time.Minute || d < -15*time.Minute {
		return "InvalidSignatureException", "Signature expired: " + stamp + " is now earlier than " + s.now().UTC().Format("20060102T150405Z")
	}
	secret, known := s.secrets[scope[0]]
	if !known || r.Header.Get("X-Amz-Security-Token") != s.token {
		return "UnrecognizedClientException", "The security token included in the request is invalid."
	}
	signed := strings.Split(part["SignedHeaders"], ";")
	for name := range r.Header {
		if l := strings.ToLower(name); (strings.HasPrefix(l, "x-amz-") || l == "content-type") && !slices.Contains(signed, l) {
			return "InvalidSignatureException", "the header " + l + " is not signed"
		}
	}
	if !slices.Contains(signed, "host") || !slices.Contains(signed, "x-amz-date") || !slices.IsSorted(signed) {
		return "InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization."
	}
	canonical := canonicalOf(r, body, signed)
	toSign := "AWS4-HMAC-SHA256\n" + stamp + "\n" + strings.Join(scope[1:], "/") + "\n" + hexSum([]byte(canonical))
	key := []byte("AWS4" + secret)
	for _, step := range scope[1:] {
		key = mac(key, step)
	}
	if want := hex.EncodeToString(mac(key, toSign)); !hmac.Equal([]byte(want), []byte(part["Signature"])) {
		return "InvalidSignatureException", "The request signature we calculated does not match. The Canonical String should have been '" + canonical + "'"
	}
	return "", ""
}

func canonicalOf(r *http.Request, body []byte, signed []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n%s\n", r.Method, r.URL.EscapedPath(), r.URL.RawQuery)
	for _, name := range signed {
		value := strings.Join(r.Header.Values(name), ",")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&b, "%s:%s\n", name, strings.Join(strings.Fields(value), " "))
	}
	fmt.Fprintf(&b, "\n%s\n%s", strings.Join(signed, ";"), hexSum(body))
	return b.String()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

// answer encrypts and decrypts. A ciphertext names its key and is bound to the
// encryption context.
func (s *standin) answer(w http.ResponseWriter, target string, body []byte) {
	var in struct {
		KeyId                     string
		Plaintext, CiphertextBlob []byte
		EncryptionContext         map[string]string
	}
	if err := json.Unmarshal(body, &in); err != nil {
		refuse(w, "SerializationException", "")
		return
	}
	state, known := s.keys[in.KeyId]
	switch {
	case !known:
		refuse(w, "NotFoundException", "Key '"+in.KeyId+"' does not exist")
		return
	case state != "":
		refuse(w, state, "User: arn:aws:iam::111122223333:user/app is not authorized, or "+state)
		return
	}
	bound, _ := json.Marshal(in.EncryptionContext) // sorted by name
	out := map[string]string{"KeyId": in.KeyId, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}
	switch target {
	case "TrentService.Encrypt":
		if len(in.Plaintext) == 0 || len(in.Plaintext) > 4096 {
			refuse(w, "ValidationException", "plaintext failed to satisfy constraint")
			return
		}
		nonce := make([]byte, s.seal.NonceSize())
		rand.Read(nonce)
		out["CiphertextBlob"] = base64.StdEncoding.EncodeToString(append([]byte(in.KeyId), s.seal.Seal(nonce, nonce, in.Plaintext, append(bound, in.KeyId...))...))
	case "TrentService.Decrypt":
		n := len(in.KeyId)
		if len(in.CiphertextBlob) < n+s.seal.NonceSize() || !bytes.HasPrefix(in.CiphertextBlob, []byte("arn:aws:kms:")) {
			refuse(w, "InvalidCiphertextException", "")
			return
		}
		if string(in.CiphertextBlob[:n]) != in.KeyId {
			refuse(w, "IncorrectKeyException", "The key ID in the request does not identify a CMK that can perform this operation.")
			return
		}
		rest := in.CiphertextBlob[n:]
		plain, err := s.seal.Open(nil, rest[:s.seal.NonceSize()], rest[s.seal.NonceSize():], append(bound, in.KeyId...))
		if err != nil {
			refuse(w, "InvalidCiphertextException", "")
			return
		}
		out["Plaintext"] = base64.StdEncoding.EncodeToString(plain)
	default:
		refuse(w, "UnknownOperationException", "")
		return
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	json.NewEncoder(w).Encode(out)
}
