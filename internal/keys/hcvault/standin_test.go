package hcvault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	rootToken = "hvs.CAESIJ-the-token-of-the-operator"
	roleID    = "db02de05-fa39-4855-059b-67221c5c2f63"
	secretID  = "6a174c20-f6de-a53c-74d2-6018fcceff64"
	namespace = "lending/prod"
)

// standin is a Vault server with a transit engine and AppRole, as far as Lendkeep
// uses them, with the statuses and words of the real one.
type standin struct {
	*httptest.Server
	mu        sync.Mutex
	namespace string
	tokens    map[string]time.Time // and when they end; zero: never
	secret    string               // of AppRole
	lease     int64                // seconds, of tokens that AppRole gives
	entered   int                  // how often somebody signed in
	versions  []cipher.AEAD        // of the key
	least     int                  // min_decryption_version
	deaf      bool                 // associated_data is ignored: an old server, or a key type that has none
	kind      string               // of the key, where it is no AEAD
	fault     http.HandlerFunc
	now       func() time.Time
}

func newStandin(t testing.TB) *standin {
	t.Helper()
	s := &standin{tokens: map[string]time.Time{rootToken: {}}, secret: secretID, lease: 3600, least: 1, now: time.Now}
	s.turn(t)
	s.Server = httptest.NewUnstartedServer(s)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// misbehave has every call answered by f, until it is nil.
func (s *standin) misbehave(f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = f
}

// turn is vault write -f transit/keys/lendkeep/rotate.
func (s *standin) turn(t testing.TB) {
	t.Helper()
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	s.versions = append(s.versions, box)
}

// ca writes the certificate as an operator would have it.
func (s *standin) ca(t testing.TB) string {
	t.Helper()
	return write(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
}

func write(t testing.TB, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in map[string]string
	body, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	s.mu.Lock()
	fault := s.fault
	s.mu.Unlock()
	if fault != nil {
		fault(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case strings.Trim(r.Header.Get("X-Vault-Namespace"), "/") != s.namespace:
		refuse(w, 404, "no handler for route \"transit/encrypt/lendkeep\". route entry not found.")
	case r.Method != http.MethodPost && r.Method != http.MethodPut:
		refuse(w, 405)
	case json.Unmarshal(body, &in) != nil:
		refuse(w, 400, "failed to parse JSON input: invalid character")
	case r.URL.Path == "/v1/auth/approle/login":
		s.enter(w, in)
	case !s.knows(r.Header.Get("X-Vault-Token")):
		refuse(w, 403, "permission denied")
	case r.URL.Path == "/v1/transit/encrypt/lendkeep" && s.kind == "":
		s.encrypt(w, in)
	case r.URL.Path == "/v1/transit/decrypt/lendkeep" && s.kind == "":
		s.decrypt(w, in)
	case strings.HasSuffix(r.URL.Path, "/lendkeep") && s.kind != "":
		refuse(w, 400, s.kind)
	case strings.HasPrefix(r.URL.Path, "/v1/transit/"):
		refuse(w, 400, "encryption key not found")
	default:
		refuse(w, 404, "no handler for route")
	}
}

func refuse(w http.ResponseWriter, status int, said ...string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string][]string{"errors": append([]string{}, said...)})
}

func (s *standin) say(w http.ResponseWriter, data map[string]any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"request_id": "c8b7e6a5-0000-4000-8000-000000000000", "lease_id": "", "renewable": false, "data": data, "warnings": nil, "auth": nil})
}

func (s *standin) knows(token string) bool {
	until, ok := s.tokens[token]
	return ok && (until.IsZero() || s.now().Before(until))
}

func (s *standin) enter(w http.ResponseWriter, in map[string]string) {
	if in["role_id"] != roleID || in["secret_id"] != s.secret {
		refuse(w, 400, "invalid role or secret ID")
		return
	}
	s.entered++
	token := "hvs.entered-" + strconv.Itoa(s.entered)
	s.tokens[token] = s.now().Add(time.Duration(s.lease) * time.Second)
	json.NewEncoder(w).Encode(map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": s.lease, "renewable": true, "policies": []string{"lendkeep"}}})
}

func (s *standin) bound(in map[string]string) ([]byte, bool) {
	aad, err := base64.StdEncoding.DecodeString(in["associated_data"])
	if s.deaf {
		aad = nil
	}
	return aad, err == nil
}

func (s *standin) encrypt(w http.ResponseWriter, in map[string]string) {
	plain, err := base64.StdEncoding.DecodeString(in["plaintext"])
	aad, ok := s.bound(in)
	if err != nil || !ok {
		refuse(w, 400, "failed to base64-decode plaintext")
		return
	}
	box := s.versions[len(s.versions)-1]
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	s.say(w, map[string]any{"ciphertext": "vault:v" + strconv.Itoa(len(s.versions)) + ":" + base64.StdEncoding.EncodeToString(box.Seal(nonce, nonce, plain, aad)), "key_version": len(s.versions)})
}

func (s *standin) decrypt(w http.ResponseWriter, in map[string]string) {
	aad, ok := s.bound(in)
	parts := strings.SplitN(in["ciphertext"], ":", 3)
	if !ok || len(parts) != 3 || parts[0] != "vault" {
		refuse(w, 400, "invalid ciphertext: no prefix")
		return
	}
	version, err := strconv.Atoi(strings.TrimPrefix(parts[1], "v"))
	switch {
	case err != nil || version > len(s.versions) || version < 1:
		refuse(w, 400, "invalid ciphertext: version is too new")
		return
	case version < s.least:
		refuse(w, 400, "ciphertext or signature version is disallowed by policy (too old)")
		return
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	box := s.versions[version-1]
	if err != nil || len(raw) < box.NonceSize() {
		refuse(w, 400, "invalid ciphertext: could not decode base64")
		return
	}
	plain, err := box.Open(nil, raw[:box.NonceSize()], raw[box.NonceSize():], aad)
	if err != nil {
		refuse(w, 400, "cipher: message authentication failed")
		return
	}
	s.say(w, map[string]any{"plaintext": base64.StdEncoding.EncodeToString(plain)})
}
