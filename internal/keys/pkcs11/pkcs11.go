// Package pkcs11 is a KMS in a hardware security module, or in anything else
// that speaks PKCS#11: every ring key is encrypted with AES-256-GCM under one key
// that cannot leave the token.
//
// Invariants: the key is found by its label, is the only one of that name, and is
// refused unless it is sensitive and not extractable; the PIN comes from a file,
// never from an address; one call at a time reaches the token, and a caller waits
// no longer than its context or Timeout; a session that was lost is opened again
// once.
//
// Modules are C libraries, so this needs a build with cgo; without, Open says
// how to make one. It knows nothing of rings or tenants.
package pkcs11

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Timeout bounds one call to the token.
const Timeout = 15 * time.Second

// Config names a key in a token, as a PKCS#11 URI (RFC 7512) does.
type Config struct {
	Module string // path of the library
	Token  string // label of the token; empty: as Serial says
	Serial string // of the token; may be empty
	Object string // label of the key
	ID     string // CKA_ID of the key, raw bytes; may be empty
	PIN    string // path of the file with the user's PIN
}

// Parse reads pkcs11:token=…;object=…?module-path=…&pin-source=….
func Parse(uri string) (Config, error) {
	rest, ok := strings.CutPrefix(uri, "pkcs11:")
	if !ok {
		return Config{}, errors.New("a PKCS#11 address begins with pkcs11:")
	}
	path, query, _ := strings.Cut(rest, "?")
	var c Config
	into := map[string]*string{"token": &c.Token, "serial": &c.Serial, "object": &c.Object, "id": &c.ID, "module-path": &c.Module, "pin-source": &c.PIN}
	for _, part := range append(strings.Split(path, ";"), strings.Split(query, "&")...) {
		name, value, _ := strings.Cut(part, "=")
		plain, err := url.PathUnescape(value)
		to := into[name]
		switch {
		case part == "" || name == "type" && plain == "secret-key":
		case name == "pin-value":
			return Config{}, errors.New("a PKCS#11 address must not hold the PIN (pin-value): put it into a file and name that with pin-source")
		case to == nil || err != nil || *to != "":
			return Config{}, fmt.Errorf("the PKCS#11 address has a part that is not known, said twice or badly escaped: use token, serial, object, id, type=secret-key, module-path and pin-source")
		default:
			*to = plain
		}
	}
	c.PIN = strings.TrimPrefix(c.PIN, "file:")
	switch {
	case c.Module == "":
		return Config{}, errors.New("the PKCS#11 address needs module-path: the path of the token's library")
	case c.Token == "" && c.Serial == "" || c.Object == "":
		return Config{}, errors.New("the PKCS#11 address needs token (or serial) and object: the labels of token and key")
	case c.PIN == "":
		return Config{}, errors.New("the PKCS#11 address needs pin-source: the path of a file with the PIN")
	}
	return c, nil
}

// name is "pkcs11/", the token and the key.
func (c Config) name() string {
	token := c.Token
	if token == "" {
		token = c.Serial
	}
	return "pkcs11/" + url.PathEscape(token) + "/" + url.PathEscape(c.Object)
}

// pin reads the PIN from a file that others may not read.
func (c Config) pin() (string, error) {
	info, err := os.Stat(c.PIN)
	if err != nil {
		return "", fmt.Errorf("the PIN of the token: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > 1<<10 {
		return "", fmt.Errorf("the PIN of the token: %s can be read by others or holds no PIN: run chmod 600 on it", c.PIN)
	}
	b, err := os.ReadFile(c.PIN)
	if err != nil {
		return "", fmt.Errorf("the PIN of the token: %w", err)
	}
	pin := strings.TrimRight(string(b), "\r\n")
	if pin == "" {
		return "", fmt.Errorf("the PIN of the token: %s is empty", c.PIN)
	}
	return pin, nil
}
