// Package hcvault is a KMS in HashiCorp Vault or OpenBao: every ring key is
// encrypted by one key of a transit engine.
//
// Invariants: the associated data goes as associated_data, which keys of an AEAD
// type honour (aes256-gcm96, aes128-gcm96, chacha20-poly1305) since Vault 1.13
// and in every OpenBao; context, which is for derived keys, is not used. A server
// that ignores it opens a ring for another tenant: keys.Probe catches that at
// every start. A token never stands in an address or an error; every call ends
// within Timeout; a redirect is not followed. What the server says of an error is
// dropped but for the kind.
//
// It knows nothing of rings or tenants, and asks for no right but to encrypt and
// decrypt under one key.
package hcvault

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/outbound"
)

// Timeout bounds one call to the server.
const Timeout = 10 * time.Second

const maxBody = 64 << 10 // of an answer

// Config names the key and says how to sign in: by AppRole if RoleID is given,
// else with the token that TokenFile holds, else with Token.
type Config struct {
	Server       string // https://host:8200
	Mount        string // of the transit engine: "transit"
	Key          string
	Namespace    string // of Vault Enterprise or OpenBao; may be empty
	CAFile       string // PEM; empty: the system's authorities
	Token        string
	TokenFile    string // read again whenever the token in hand is refused
	RoleID       string
	SecretIDFile string
	AuthMount    string // of AppRole; empty: "approle"
	Now          func() time.Time
	Log          *slog.Logger

	timeout time.Duration // of one call; 0: Timeout
}

// KMS wraps with one key of a transit engine. It is safe for concurrent use.
type KMS struct {
	c   Config
	out *outbound.Client

	mu    sync.Mutex // guards what follows, and has one sign-in at a time
	token string
	until time.Time // a token of AppRole is not used after; zero: for ever
}

// A name in a path of the API; a mount may have several parts.
var (
	keyForm   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$`)
	mountForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*$`)
)

// Open checks the configuration; it calls nobody.
func Open(c Config) (*KMS, error) {
	u, err := url.Parse(c.Server)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "":
		return nil, errors.New("name the Vault server as https://HOST:PORT, without a user: tokens come from a file or from VAULT_TOKEN")
	case !mountForm.MatchString(c.Mount) || !keyForm.MatchString(c.Key):
		return nil, errors.New("name the key as MOUNT/keys/NAME behind the server's address, for example https://vault.example:8200/transit/keys/lendkeep")
	case c.RoleID != "" && c.SecretIDFile == "":
		return nil, errors.New("AppRole needs the file with the secret id (secret-id-file)")
	case c.RoleID == "" && c.TokenFile == "" && c.Token == "":
		return nil, errors.New("say how to sign in to Vault: token-file, or role-id with secret-id-file, or VAULT_TOKEN in the environment")
	}
	if c.AuthMount == "" {
		c.AuthMount = "approle"
	}
	if c.timeout == 0 {
		c.timeout = Timeout
	}
	if !mountForm.MatchString(c.AuthMount) {
		return nil, errors.New("auth-mount is not the path of an AppRole mount")
	}
	c.Server = "https://" + u.Host
	var roots *x509.CertPool
	if c.CAFile != "" {
		pem, err := os.ReadFile(c.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the authorities of the Vault server: %w", err)
		}
		if roots = x509.NewCertPool(); !roots.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("the authorities of the Vault server: %s holds no certificate in PEM form", c.CAFile)
		}
	}
	return &KMS{c: c, out: outbound.New(outbound.Config{Inside: true, Timeout: c.timeout, MaxBody: maxBody, RootCAs: roots, Log: c.Log})}, nil
}

// Wrap has the server encrypt a small key; what it gives is "vault:v1:…".
func (k *KMS) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	var out struct{ Ciphertext string }
	err := k.transit(ctx, "encrypt", map[string]string{"plaintext": in64(plain), "associated_data": in64(aad)}, &out)
	if err != nil {
		return nil, err
	}
	if !cipherForm.MatchString(out.Ciphertext) {
		return nil, errors.New("the Vault server answered with no ciphertext")
	}
	return []byte(out.Ciphertext), nil
}

var cipherForm = regexp.MustCompile(`^vault:v[0-9]{1,9}:[A-Za-z0-9+/=]+$`)

// Unwrap has the server decrypt what Wrap made with the same aad; else
// keys.ErrRefused.
func (k *KMS) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if !cipherForm.Match(wrapped) {
		return nil, keys.ErrRefused
	}
	var out struct{ Plaintext string }
	err := k.transit(ctx, "decrypt", map[string]string{"ciphertext": string(wrapped), "associated_data": in64(aad)}, &out)
	if err != nil {
		return nil, err
	}
	plain, err := base64.StdEncoding.DecodeString(out.Plaintext)
	if err != nil || len(plain) == 0 {
		return nil, errors.New("the Vault server answered with no plaintext")
	}
	return plain, nil
}

// Name is "vault/", the server's host, and the key.
func (k *KMS) Name() string {
	name := "vault/" + strings.TrimPrefix(k.c.Server, "https://")
	if ns := strings.Trim(k.c.Namespace, "/"); ns != "" {
		name += "/" + ns
	}
	return name + "/" + k.c.Mount + "/keys/" + k.c.Key
}

// String is Name.
func (k *KMS) String() string { return k.Name() }

func in64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

// answer is what the API says, as far as it is needed.
type answer struct {
	Errors []string        `json:"errors"`
	Data   json.RawMessage `json:"data"`
	Auth   *struct {
		Token string `json:"client_token"`
		Lease int64  `json:"lease_duration"` // seconds; 0: for ever
	} `json:"auth"`
}

// transit calls the engine. A token that is refused is had anew once: it may
// have ended, or its file may hold another by now.
func (k *KMS) transit(ctx context.Context, verb string, body map[string]string, out any) error {
	ctx, cancel := context.WithTimeout(ctx, 3*k.c.timeout)
	defer cancel()
	path := k.c.Mount + "/" + verb + "/" + k.c.Key
	refused := ""
	for {
		token, err := k.signedIn(ctx, refused)
		if err != nil {
			return err
		}
		status, a, err := k.post(ctx, path, token, body)
		if err != nil {
			return err
		}
		switch {
		case status == http.StatusOK && len(a.Data) > 0:
			if json.Unmarshal(a.Data, out) != nil {
				return errUnread
			}
			return nil
		case status == http.StatusForbidden && refused == "":
			refused = token
		default:
			return told(status, verb, a.Errors)
		}
	}
}

var errUnread = errors.New("the Vault server gave no answer that can be read")

// post makes one call.
func (k *KMS) post(ctx context.Context, path, token string, body map[string]string) (int, *answer, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return 0, nil, err
	}
	defer clear(b)
	h := http.Header{"Content-Type": {"application/json"}, "X-Vault-Request": {"true"}}
	if token != "" {
		h.Set("X-Vault-Token", token)
	}
	if k.c.Namespace != "" {
		h.Set("X-Vault-Namespace", k.c.Namespace)
	}
	got, err := k.out.Do(ctx, outbound.Request{Method: http.MethodPost, URL: k.c.Server + "/v1/" + path, Header: h, Body: b})
	if err != nil {
		return 0, nil, fmt.Errorf("the Vault server cannot be reached now (%s)", outbound.KindOf(err))
	}
	a := &answer{}
	if json.Unmarshal(got.Body, a) != nil && got.Status == http.StatusOK {
		return 0, nil, errUnread
	}
	clear(got.Body)
	return got.Status, a, nil
}

// told words a refusal of the engine.
func told(status int, verb string, said []string) error {
	denied := func(mend string) error {
		return fmt.Errorf("the Vault server answers %d: %s: %w", status, mend, keys.ErrDenied)
	}
	switch {
	case status == http.StatusForbidden:
		return denied("the token has ended or its policy lacks update on encrypt and decrypt of the key")
	case status == http.StatusNotFound:
		return denied("there is no transit engine at this path, or no such namespace")
	case status == http.StatusBadRequest:
		return mistaken(verb, said, denied)
	case status >= 300 && status < 400:
		return fmt.Errorf("the Vault server answers %d: it is a standby that sends callers on; name the address of the active one", status)
	case status == http.StatusServiceUnavailable:
		return errors.New("the Vault server is sealed or in maintenance: unseal it")
	}
	return fmt.Errorf("the Vault server answers %d: try again", status)
}

// mistaken tells the reasons of a 400 apart. The API has no codes for them, so
// the words of both programs are looked at; a decryption that is refused in words
// that are not known counts as refused.
func mistaken(verb string, said []string, denied func(string) error) error {
	text := strings.ToLower(strings.Join(said, " "))
	for _, known := range [][2]string{
		{"key not found", "there is no such key in the engine: make it, of type aes256-gcm96"},
		{"disallowed by policy", "the ciphertext's version is below min_decryption_version: lower it until every ring is wrapped anew"},
		{"not supported", "the key's type does not encrypt with associated data: make one of type aes256-gcm96"},
		{"derivation", "the key is a derived one, which is not used here: make one of type aes256-gcm96 without derived"},
		{"associated", "the key's type does not take associated data: make one of type aes256-gcm96"},
	} {
		if strings.Contains(text, known[0]) {
			return denied(known[1])
		}
	}
	if verb == "decrypt" {
		return keys.ErrRefused
	}
	return denied("the engine does not take the request: is the key of type aes256-gcm96?")
}
