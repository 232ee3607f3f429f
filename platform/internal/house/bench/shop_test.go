//go:build bench

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/platform/internal/api"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	calls "github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

var ctx = context.Background()

// host is the tenant's.
const host = "bench.test"

// shop is a lender with the servicing desk behind the API, on the real clock.
type shop struct {
	engine  db.Engine
	folder  string
	prefix  string
	dir     *tenant.Directory
	t       *tenant.Tenant
	gate    *gate.Gate
	desk    *servicing.Desk
	board   *onboarding.Desk
	api     *api.API
	people  people
	trail   *audit.Trail // the one that keeps entries
	nothing *audit.Trail // the one that does not
}

// people are the API keys of one person of each shipped role.
type people struct {
	Keys  map[string]string
	Users map[string]id.User
	Ready bool // the data is there
}

func engines(t *testing.T, fn func(t *testing.T, e db.Engine)) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			if e == db.PostgreSQL && os.Getenv(dbtest.Variable) == "" {
				t.Skip("no PostgreSQL server named in " + dbtest.Variable)
			}
			fn(t, e)
		})
	}
}

// open opens the shop of a folder, or makes it.
func open(t testing.TB, e db.Engine, folder, prefix string) *shop {
	t.Helper()
	s := &shop{engine: e, folder: folder, prefix: prefix, desk: servicing.New(servicing.Config{}), board: onboarding.New(onboarding.Config{})}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	list := append(append(s.desk.Operations(), s.board.Operations()...), api.Operations()...)
	const many = 1_000_000_000
	g, err := gate.New(gate.Config{Now: time.Now, Log: log, Limits: calls.Limits{AddressPerMinute: many, KeyPerMinute: many, UserPerMinute: many, TenantPerMinute: many, Burst: many}}, list...)
	must(t, err)
	s.gate = g
	must(t, os.MkdirAll(folder, 0o700))
	kms, err := filekms.OpenOrMake(filepath.Join(folder, "kms.key"))
	must(t, err)
	s.dir, err = tenant.OpenDirectory(ctx, tenant.Config{Engine: e, Data: folder, Postgres: os.Getenv(dbtest.Variable), Prefix: prefix, KMS: kms,
		Policy: policy.Config{Operations: gate.ForPolicy(g.List()), Vocabulary: s.desk.Vocabulary}, Now: time.Now, Log: log})
	must(t, err)
	t.Cleanup(func() { _ = s.dir.Close() })
	s.api, err = api.New(api.Config{Gate: g, Directory: s.dir, Log: log, Now: time.Now})
	must(t, err)
	text, err := os.ReadFile(s.peopleFile())
	if errors.Is(err, fs.ErrNotExist) {
		s.t, err = s.dir.Create(ctx, tenant.New{Slug: "bench", Name: "Bench Lending", Host: host, Region: "test", Zone: "UTC"})
		must(t, err)
		s.staff(t)
	} else {
		must(t, err)
		must(t, json.Unmarshal(text, &s.people))
		s.t = s.dir.BySlug("bench")
	}
	s.trail = s.t.Trail
	s.nothing = audit.Unkept(audit.Config{})
	return s
}

func (s *shop) peopleFile() string { return filepath.Join(s.folder, "people.json") }

func (s *shop) save(t testing.TB) {
	text, err := json.Marshal(s.people)
	must(t, err)
	must(t, os.WriteFile(s.peopleFile(), text, 0o600))
}

func (s *shop) staff(t testing.TB) {
	t.Helper()
	s.people = people{Keys: map[string]string{}, Users: map[string]id.User{}}
	must(t, s.t.DB.WriteExclusive(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		roles, err := policy.EstablishRoles(ctx, tx)
		if err != nil {
			return err
		}
		for _, r := range policy.Shipped() {
			u := identity.Staff{ID: id.New[id.User](tx.At), Email: r.Shipped + "@" + host, Name: r.Name, Role: roles[r.Shipped], Active: true, CreatedAt: tx.At}
			if err := identity.InsertStaff(ctx, tx, u); err != nil {
				return err
			}
			key, locator, hash := identity.NewKey()
			if err := identity.InsertKey(ctx, tx, identity.Key{ID: id.New[id.APIKey](tx.At), User: u.ID, Locator: locator, Label: "bench"}, hash); err != nil {
				return err
			}
			s.people.Keys[r.Shipped], s.people.Users[r.Shipped] = key.Reveal(), u.ID
		}
		return nil
	}))
	s.save(t)
}

// audited turns the trail on or off between two rounds.
func (s *shop) audited(yes bool) {
	if yes {
		s.t.Trail = s.trail
	} else {
		s.t.Trail = s.nothing
	}
}

// settle places the entries that wait, so that the sequencer's work falls on
// the side that made it.
func (s *shop) settle(t testing.TB) {
	for {
		n, err := s.trail.Sequence(ctx)
		must(t, err)
		if n == 0 {
			return
		}
	}
}

// sequencing runs the sequencer as the house does, until the test ends.
func (s *shop) sequencing(t testing.TB) {
	inner, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.trail.Run(inner) }()
	t.Cleanup(func() { stop(); <-done })
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
