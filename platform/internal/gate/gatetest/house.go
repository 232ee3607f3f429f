// Package gatetest builds a small real house for tests: a real database on
// either engine, a real gate with the operations under test, one person of
// each shipped role. Nothing in it stands in for anything else.
package gatetest

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what a test's house is made of.
type Config struct {
	Operations []gate.Entry
	// Vocabulary of search restrictions; nil: no fields at all.
	Vocabulary func(ctx context.Context, tx *db.Tx) (policy.Vocabulary, error)

	prefix string // of PostgreSQL databases
}

// Person is somebody who works in the house.
type Person struct {
	ID      id.User
	Key     secret.Text
	KeyID   id.APIKey
	Session secret.Text
}

// House is what tests call.
type House struct {
	Gate      *gate.Gate
	Directory *tenant.Directory
	Tenant    *tenant.Tenant
	People    map[string]Person // by shipped role
	Roles     map[string]id.Role
	now       atomic.Int64
}

// Password is everybody's password.
const Password = "correct horse battery"

// Each runs fn on SQLite, and on PostgreSQL where LENDKEEP_TEST_POSTGRES names
// a server. build is called once an engine: operations know their gate.
func Each(t *testing.T, build func() Config, fn func(t *testing.T, h *House)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { fn(t, New(t, db.SQLite, build())) })
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv("LENDKEEP_TEST_POSTGRES") == "" {
			t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server")
		}
		fn(t, New(t, db.PostgreSQL, build()))
	})
}

// New builds a house on one engine, at noon UTC of 22 November 2026.
func New(t testing.TB, engine db.Engine, c Config) *House {
	t.Helper()
	ctx := context.Background()
	h := &House{}
	h.now.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro())
	log := slog.New(slog.DiscardHandler)
	g, err := gate.New(gate.Config{Now: h.Now, Log: log}, c.Operations...)
	must(t, err)
	h.Gate = g
	if c.Vocabulary == nil {
		c.Vocabulary = noWords
	}
	dir := t.TempDir()
	c.prefix = fmt.Sprintf("t%d_%s_", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	kms, err := filekms.OpenOrMake(filepath.Join(dir, "kms.key"))
	must(t, err)
	h.Directory, err = tenant.OpenDirectory(ctx, tenant.Config{Engine: engine, Data: dir, Postgres: os.Getenv("LENDKEEP_TEST_POSTGRES"),
		Prefix: c.prefix, KMS: kms, Policy: policy.Config{Operations: gate.ForPolicy(g.List()), Vocabulary: c.Vocabulary}, Now: h.Now, Log: log, Readers: 4})
	must(t, err)
	t.Cleanup(func() {
		h.Directory.Close()
		if engine == db.PostgreSQL {
			dropDatabases(t, c.prefix)
		}
	})
	h.Tenant, err = h.Directory.Create(ctx, tenant.New{Slug: "acme", Name: "Acme Lending", Host: "acme.test", Region: "test", Zone: "America/New_York"})
	must(t, err)
	h.staff(t)
	return h
}

// dropDatabases lets the server forget what the house has made.
func dropDatabases(t testing.TB, prefix string) {
	for _, name := range []string{"directory", "acme", "acme_keys"} {
		if err := db.DropDatabase(context.Background(), os.Getenv("LENDKEEP_TEST_POSTGRES"), prefix+name); err != nil {
			t.Errorf("dropping %s: %v", name, err)
		}
	}
}

func noWords(context.Context, *db.Tx) (policy.Vocabulary, error) {
	v, err := rule.NewVocabulary()
	return policy.Vocabulary{Loans: v, Borrowers: v, Applications: v}, err
}

func (h *House) staff(t testing.TB) {
	t.Helper()
	h.People = map[string]Person{}
	phc, err := identity.NewPasswords().Hash(context.Background(), secret.NewText(Password))
	must(t, err)
	must(t, h.Write(func(ctx context.Context, tx *db.Tx) (err error) {
		if h.Roles, err = policy.EstablishRoles(ctx, tx); err != nil {
			return err
		}
		for _, r := range policy.Shipped() {
			p := Person{ID: id.New[id.User](tx.At), KeyID: id.New[id.APIKey](tx.At)}
			s := identity.Staff{ID: p.ID, Email: r.Shipped + "@acme.test", Name: r.Name + " Person", Role: h.Roles[r.Shipped], Active: true,
				Machine: r.Shipped == policy.Intake, PasswordHash: phc, PasswordAt: tx.At, CreatedAt: tx.At}
			if err := identity.InsertStaff(ctx, tx, s); err != nil {
				return err
			}
			key, locator, hash := identity.NewKey()
			p.Key = key
			if err := identity.InsertKey(ctx, tx, identity.Key{ID: p.KeyID, User: p.ID, Locator: locator, Label: "test", Server: r.Shipped == policy.Intake}, hash); err != nil {
				return err
			}
			token, tokenHash := identity.NewToken()
			p.Session = token
			if err := identity.InsertSession(ctx, tx, identity.Opening{ID: id.New[id.Session](tx.At), TokenHash: tokenHash, User: p.ID, Address: "198.51.100.7", Agent: "test", FactorAt: tx.At, ProvedAt: tx.At}); err != nil {
				return err
			}
			x := identity.Exception{ID: id.New[id.Exception](tx.At), User: p.ID, Reason: "test: signs in with a password alone", ApprovedBy: "house/test", Until: tx.At + 365*24*60*60*1_000_000}
			if err := identity.InsertException(ctx, tx, x); err != nil {
				return err
			}
			h.People[r.Shipped] = p
		}
		return nil
	}))
}

// Now is the house's clock.
func (h *House) Now() time.Time { return time.UnixMicro(h.now.Load()) }

// Advance moves the clock.
func (h *House) Advance(d time.Duration) { h.now.Add(d.Microseconds()) }

// Write runs fn in a transaction of the tenant, as fixtures need it.
func (h *House) Write(fn func(ctx context.Context, tx *db.Tx) error) error {
	return h.Tenant.DB.WriteExclusive(context.Background(), h.now.Load(), fn)
}

// Key is a call through the API with the key of the person of a shipped role.
func (h *House) Key(role string) *gate.Request {
	r := h.from(operation.API)
	r.Key = h.People[role].Key
	return r
}

// Screen is a call from a screen with that person's session.
func (h *House) Screen(role string) *gate.Request {
	r := h.from(operation.UI)
	r.Session = h.People[role].Session
	return r
}

// Stranger is a call with no credential.
func (h *House) Stranger(ch operation.Channel) *gate.Request { return h.from(ch) }

// System is a call by the house itself.
func (h *House) System() *gate.Request {
	r := h.from(operation.Job)
	r.Job = "test"
	return r
}

// from makes a call a millisecond after the one before, so that entries sort.
func (h *House) from(ch operation.Channel) *gate.Request {
	h.Advance(time.Millisecond)
	a := netip.MustParseAddr("198.51.100.7")
	return &gate.Request{At: h.now.Load(), Tenant: h.Tenant, Channel: ch, Address: httpserve.Address{Chosen: a, Peer: a, Reason: "peer"}, UserAgent: "test"}
}

// Do calls an operation with an input that is already there.
func Do[In, Out any](h *House, o *gate.Op[In, Out], r *gate.Request, in In) (*Out, error) {
	return gate.Run(context.Background(), h.Gate, o, r, func(p *In) error { *p = in; return nil }, nil)
}

// Restrict gives the person of a shipped role a search restriction.
func (h *House) Restrict(t testing.TB, role string, r policy.Restriction) id.Restriction {
	t.Helper()
	r.ID = id.New[id.Restriction](h.now.Load())
	if r.Name == "" {
		r.Name = string(r.ID)
	}
	must(t, h.Write(func(ctx context.Context, tx *db.Tx) error {
		if err := policy.InsertRestriction(ctx, tx, &r); err != nil {
			return err
		}
		if err := policy.Assign(ctx, tx, h.People[role].ID, []id.Restriction{r.ID}); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}))
	return r.ID
}

// Trail gives the newest audit entries that meet the filter, newest first.
func (h *House) Trail(t testing.TB, f audit.Filter) []audit.Entry {
	t.Helper()
	var page audit.Page
	must(t, h.Tenant.DB.Read(context.Background(), h.now.Load(), func(ctx context.Context, tx *db.Tx) (err error) {
		page, err = h.Tenant.Trail.List(ctx, tx, f)
		return err
	}))
	return page.Entries
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
