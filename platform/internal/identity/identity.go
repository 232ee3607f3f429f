// Package identity holds who there is: members of staff, their passwords,
// sessions, API keys and the site keys of hosted forms.
//
// Secrets are stored only as hashes: passwords as argon2id, session tokens and
// API keys (which are random) as SHA-256. A credential is always looked up
// together with the policy version, in the snapshot that the call will use, so
// that a revocation stops the very next call. It decides nothing about rights.
package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// Limits of sessions, in microseconds.
const (
	SessionIdle     = 30 * 60 * 1_000_000      // signed out after 30 idle minutes
	SessionAbsolute = 12 * 60 * 60 * 1_000_000 // and after 12 hours whatever happens
	TouchEvery      = 60 * 1_000_000           // last seen and last used are written at most once a minute
)

// Credential is what was found for a session token, an API key or a site key,
// read together with the policy version. Found is false for anything unknown,
// ended, expired or revoked: callers learn no more than that.
type Credential struct {
	Version       int64 // of the policy, in the same snapshot
	TenantActive  bool
	Found         bool
	Session       id.Session
	APIKey        id.APIKey
	SiteKey       id.SiteKey
	User          id.User
	Server        bool // a server key
	SourceCompany id.SourceCompany
	Touched       int64 // last seen or last used
	Expired       bool
	FactorAt      int64  // when the session last gave a second factor; 0: never
	ProvedAt      int64  // when it last proved the person, by factor or, under an exception, by password
	ViewAs        string // through whose eyes the session looks: "user/us_…", "role/ro_…", "draft"; "" for its own
	ViewDraft     string // JSON of a role that is not saved yet
	origins       string
}

// Query is a statement that reads one row: a credential and the policy version.
type Query struct {
	SQL  string
	Args []any
	Scan func(scan func(dest ...any) error) (Credential, error)
	Mark [32]byte // names the secret that was shown, without telling it; zero for none
}

const versionAlone = `SELECT version, tenant_active FROM policy_version WHERE id = 1`

// Anonymous reads the policy version alone.
func Anonymous() Query {
	return Query{SQL: versionAlone, Scan: func(scan func(...any) error) (Credential, error) {
		var c Credential
		var active int64
		err := scan(&c.Version, &active)
		c.TenantActive = active == 1
		return c, err
	}}
}

const sessionAndVersion = `SELECT v.version, v.tenant_active, COALESCE(s.id, ''), COALESCE(s.user_id, ''),
	COALESCE(s.seen_at, 0), COALESCE(s.ends_at, 0), COALESCE(s.factor_at, 0), COALESCE(s.proved_at, 0),
	COALESCE(s.view_as, ''), COALESCE(s.view_draft, '')
	FROM policy_version v LEFT JOIN session s ON s.token_hash = ? AND s.ended_at = 0 WHERE v.id = 1`

// BySession reads the session that a cookie's token names.
func BySession(token secret.Text, at int64) Query {
	h := hash(token.Reveal())
	return Query{SQL: sessionAndVersion, Args: []any{h[:]}, Mark: h, Scan: func(scan func(...any) error) (Credential, error) {
		var c Credential
		var active, ends int64
		if err := scan(&c.Version, &active, &c.Session, &c.User, &c.Touched, &ends, &c.FactorAt, &c.ProvedAt, &c.ViewAs, &c.ViewDraft); err != nil {
			return c, err
		}
		c.TenantActive = active == 1
		c.Found = c.Session != ""
		if c.Found && (at >= ends || at >= c.Touched+SessionIdle) {
			c.Found, c.Expired = false, true
		}
		return c, nil
	}}
}

const keyAndVersion = `SELECT v.version, v.tenant_active, COALESCE(k.id, ''), COALESCE(k.user_id, ''), k.secret_hash,
	COALESCE(k.server, 0), COALESCE(k.used_at, 0), COALESCE(k.expires_at, 0), COALESCE(k.revoked_at, 0)
	FROM policy_version v LEFT JOIN api_key k ON k.locator = ? WHERE v.id = 1`

// ByKey reads the API key "lk_…".
func ByKey(key secret.Text, at int64) Query {
	locator, rest, ok := splitKey(key.Reveal())
	want := hash(rest)
	return Query{SQL: keyAndVersion, Args: []any{locator}, Mark: want, Scan: func(scan func(...any) error) (Credential, error) {
		var c Credential
		var active, server, expires, revoked int64
		var stored []byte
		if err := scan(&c.Version, &active, &c.APIKey, &c.User, &stored, &server, &c.Touched, &expires, &revoked); err != nil {
			return c, err
		}
		c.TenantActive, c.Server = active == 1, server == 1
		same := subtle.ConstantTimeCompare(stored, want[:]) == 1
		c.Expired = same && expires != 0 && at >= expires
		c.Found = ok && same && c.APIKey != "" && revoked == 0 && !c.Expired
		return c, nil
	}}
}

const siteAndVersion = `SELECT v.version, v.tenant_active, COALESCE(k.id, ''), COALESCE(k.origins, '[]'), COALESCE(k.source_company, ''),
	COALESCE(k.active, 0) FROM policy_version v LEFT JOIN site_key k ON k.public_key = ? WHERE v.id = 1`

// BySite reads the site key "pk_…" and holds it to its registered origins.
func BySite(public, origin string) Query {
	return Query{SQL: siteAndVersion, Args: []any{public}, Scan: func(scan func(...any) error) (Credential, error) {
		var c Credential
		var active, live int64
		if err := scan(&c.Version, &active, &c.SiteKey, &c.origins, &c.SourceCompany, &live); err != nil {
			return c, err
		}
		c.TenantActive = active == 1
		c.Found = c.SiteKey != "" && live == 1 && c.allows(origin)
		return c, nil
	}}
}

func (c *Credential) allows(origin string) bool {
	var list []string
	if json.Unmarshal([]byte(c.origins), &list) != nil {
		return false
	}
	for _, o := range list {
		if origin != "" && subtle.ConstantTimeCompare([]byte(o), []byte(origin)) == 1 {
			return true
		}
	}
	return false
}

const (
	keyPrefix     = "lk_"
	locatorLength = 12
	secretLength  = 32
)

var letters = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// NewKey makes an API key: the text that is shown once, its locator, and the
// hash of its secret part, which is all that is kept.
func NewKey() (shown secret.Text, locator string, secretHash []byte) {
	var b [28]byte
	rand.Read(b[:])
	text := letters.EncodeToString(b[:])
	locator = text[:locatorLength]
	rest := text[locatorLength : locatorLength+secretLength]
	h := hash(rest)
	return secret.NewText(keyPrefix + locator + rest), locator, h[:]
}

func splitKey(key string) (locator, rest string, ok bool) {
	body, ok := strings.CutPrefix(key, keyPrefix)
	if !ok || len(body) != locatorLength+secretLength {
		return "", "", false
	}
	return body[:locatorLength], body[locatorLength:], true
}

// NewToken makes a random token for a session or a reset link, and its hash.
func NewToken() (token secret.Text, tokenHash []byte) {
	var b [32]byte
	rand.Read(b[:])
	text := base64.RawURLEncoding.EncodeToString(b[:])
	h := hash(text)
	return secret.NewText(text), h[:]
}

// NewSiteKey makes the public key of a hosted form.
func NewSiteKey() string {
	var b [15]byte
	rand.Read(b[:])
	return "pk_" + letters.EncodeToString(b[:])
}

// TokenHash is the hash under which a token is stored.
func TokenHash(token secret.Text) []byte {
	h := hash(token.Reveal())
	return h[:]
}

func hash(s string) [32]byte { return sha256.Sum256([]byte(s)) }
