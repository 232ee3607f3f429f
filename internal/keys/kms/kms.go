// Package kms opens the KMS that an address names: a key file, AWS KMS, Vault or
// OpenBao, or a PKCS#11 token.
//
// An address holds no secret: credentials, tokens and PINs come from files or
// from the environment, as each adapter says. It knows no settings; whoever
// starts the program hands it the environment.
package kms

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/awskms"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/keys/hcvault"
	"github.com/lendkeep/lendkeep/internal/keys/pkcs11"
)

// Config is what an adapter needs besides the address.
type Config struct {
	Env  func(name string) string // the environment: VAULT_TOKEN, VAULT_NAMESPACE, VAULT_CACERT
	Make bool                     // a key file that is not there is made
	Now  func() time.Time
	Log  *slog.Logger
}

// Forms tells how an address is written.
const Forms = "file:PATH, awskms:arn:aws:kms:REGION:ACCOUNT:key/ID, vault:https://HOST:PORT/MOUNT/keys/NAME, or pkcs11:token=…;object=…?module-path=…&pin-source=…"

// Open opens the KMS that an address names. It asks it nothing yet: see
// keys.Probe.
func Open(ctx context.Context, address string, c Config) (keys.KMS, error) {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "file":
		rest = strings.TrimPrefix(rest, "//")
		if rest == "" {
			return nil, errors.New("name the key file: file:PATH")
		}
		if c.Make {
			return filekms.OpenOrMake(rest)
		}
		return filekms.Open(rest)
	case "awskms":
		key, query, err := options(rest, "endpoint")
		if err != nil {
			return nil, err
		}
		return awskms.Open(ctx, awskms.Config{Key: key, Endpoint: query["endpoint"], Log: c.Log})
	case "vault":
		v, err := vault(rest, c)
		if err != nil {
			return nil, err
		}
		return hcvault.Open(v)
	case "pkcs11":
		token, err := pkcs11.Parse(address)
		if err != nil {
			return nil, err
		}
		return pkcs11.Open(token)
	}
	return nil, errors.New("the KMS address is none that is known: use " + Forms)
}

// Make makes the key that an address names, where Lendkeep can: in a file, or in
// a token. It never replaces one.
func Make(ctx context.Context, address string) error {
	scheme, rest, _ := strings.Cut(address, ":")
	switch scheme {
	case "file":
		rest = strings.TrimPrefix(rest, "//")
		if rest == "" {
			return errors.New("name the key file: file:PATH")
		}
		return filekms.Make(rest)
	case "pkcs11":
		token, err := pkcs11.Parse(address)
		if err != nil {
			return err
		}
		return pkcs11.Make(ctx, token)
	}
	return errors.New("keys at AWS and in Vault are made there, with rights that Lendkeep should not have: see docs/runbooks/keys.md")
}

// vault reads https://HOST:PORT/MOUNT/keys/NAME?…
func vault(rest string, c Config) (hcvault.Config, error) {
	where, query, err := options(rest, "namespace", "ca-file", "token-file", "role-id", "secret-id-file", "auth-mount")
	if err != nil {
		return hcvault.Config{}, err
	}
	v := hcvault.Config{Namespace: query["namespace"], CAFile: query["ca-file"], TokenFile: query["token-file"], RoleID: query["role-id"],
		SecretIDFile: query["secret-id-file"], AuthMount: query["auth-mount"], Now: c.Now, Log: c.Log}
	if u, err := url.Parse(where); err == nil && u.Host != "" && u.User == nil {
		v.Server = u.Scheme + "://" + u.Host
		path := strings.TrimPrefix(strings.Trim(u.Path, "/"), "v1/")
		if mount, key, ok := strings.Cut(path, "/keys/"); ok {
			v.Mount, v.Key = mount, key
		}
	}
	if c.Env != nil {
		v.Token = c.Env("VAULT_TOKEN")
		if v.Namespace == "" {
			v.Namespace = c.Env("VAULT_NAMESPACE")
		}
		if v.CAFile == "" {
			v.CAFile = c.Env("VAULT_CACERT")
		}
	}
	return v, nil
}

// options cuts the query off an address; a name that is not known is refused, so
// that a slip is not taken for a default.
func options(rest string, known ...string) (string, map[string]string, error) {
	before, raw, _ := strings.Cut(rest, "?")
	q, err := url.ParseQuery(raw)
	if err != nil {
		return "", nil, errors.New("what stands behind the ? of the KMS address cannot be read")
	}
	out := map[string]string{}
	for _, name := range known {
		out[name] = q.Get(name)
		if len(q[name]) > 1 {
			return "", nil, errors.New("the KMS address says " + name + " twice")
		}
		delete(q, name)
	}
	if len(q) > 0 {
		return "", nil, errors.New("the KMS address has an option that is not known; there are: " + strings.Join(known, ", "))
	}
	return before, out, nil
}
