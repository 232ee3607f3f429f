package tenant

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/schema"
)

// Config says where the directory is and what every tenant is opened with.
type Config struct {
	Engine   db.Engine
	Data     string   // folder of the SQLite files; also holds the directory's own
	Postgres string   // administrator's DSN in URL form, for PostgreSQL
	Prefix   string   // of PostgreSQL database names; "" means "lendkeep_"
	KMS      keys.KMS // wraps every tenant's keyset
	Policy   policy.Config
	Now      func() time.Time
	Log      *slog.Logger
	Readers  int
}

// Directory holds the tenants that are open.
type Directory struct {
	config Config
	own    *db.DB
	ring   *keys.Ring // seals the directory's own file
	mu     sync.RWMutex
	byHost map[string]*Tenant
	bySlug map[string]*Tenant
}

// OpenDirectory opens the directory, makes it on first use, and opens every
// tenant in it.
func OpenDirectory(ctx context.Context, c Config) (*Directory, error) {
	if c.Prefix == "" {
		c.Prefix = "lendkeep_"
	}
	d := &Directory{config: c, byHost: map[string]*Tenant{}, bySlug: map[string]*Tenant{}}
	ring, err := d.directoryRing(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening the directory's keys: %w", err)
	}
	d.ring = ring
	own := d.database(c.Data, "directory", ring)
	own.Readers = 1
	if c.Engine == db.PostgreSQL {
		own.DSN, err = d.ensureDatabase(ctx, c.Prefix+"directory")
		if err != nil {
			return nil, fmt.Errorf("opening the directory: %w", err)
		}
	}
	if d.own, err = openMigrated(ctx, own, schema.Directory()); err != nil {
		return nil, fmt.Errorf("opening the directory: %w", err)
	}
	if err := d.openAll(ctx); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// The directory's own ring lies in a file beside its database, and is bound to a
// name that no tenant can have.
const (
	directory = id.Tenant("directory")
	ringFile  = "directory.ring"
)

// directoryRing keeps the directory's wrapped keyset in a file beside it.
func (d *Directory) directoryRing(ctx context.Context) (*keys.Ring, error) {
	if err := os.MkdirAll(d.config.Data, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(d.config.Data, ringFile)
	wrapped, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if wrapped, err = keys.NewRing(ctx, d.config.KMS, directory); err != nil {
			return nil, err
		}
		err = os.WriteFile(file, wrapped, 0o600)
	}
	if err != nil {
		return nil, err
	}
	return keys.OpenRing(ctx, d.config.KMS, directory, wrapped)
}

func (d *Directory) database(folder, name string, ring *keys.Ring) db.Config {
	return db.Config{
		Engine: d.config.Engine, Path: filepath.Join(folder, pagesOf(name, ring.Using(keys.Page).Number)), Readers: d.config.Readers,
		Key: func() ([]byte, error) { return ring.PageKey(), nil }, Now: d.config.Now, Log: d.config.Log,
	}
}

func openMigrated(ctx context.Context, c db.Config, migrations fs.FS) (*db.DB, error) {
	d, err := db.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := d.Migrate(ctx, migrations); err != nil {
		_ = d.Close()
		return nil, err
	}
	return d, nil
}

// ensureDatabase makes a PostgreSQL database if it is not there and gives its DSN.
func (d *Directory) ensureDatabase(ctx context.Context, name string) (string, error) {
	dsn, err := db.CreateDatabase(ctx, d.config.Postgres, name)
	if err != nil && !fault.Is(err, fault.Conflict) { // it is there: not made now, but before
		return "", err
	}
	if dsn == "" {
		return onDatabase(d.config.Postgres, name)
	}
	return dsn, nil
}

// onDatabase points the administrator's DSN (in URL form) at another database.
func onDatabase(admin, name string) (string, error) {
	u, err := url.Parse(admin)
	if err != nil || u.Scheme == "" {
		return "", errors.New("the PostgreSQL address must be a URL: postgres://user@host:port/database")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// New is what a tenant is made from.
type New struct {
	Slug   string // lower-case letters, digits and dashes; names its files and database
	Name   string
	Host   string // without a port
	Region string
	Zone   string // IANA name, "America/New_York"
}

var slugForm = regexp.MustCompile(`^[a-z][a-z0-9-]{1,40}$`)

// Create makes a tenant: its keyset, its databases, its row in the directory.
// The row is written last, so that a crash leaves nothing that is half there.
func (d *Directory) Create(ctx context.Context, n New) (*Tenant, error) {
	var c fault.Collector
	c.Check(slugForm.MatchString(n.Slug), "slug", "Use lower-case letters, digits and dashes, beginning with a letter (2 to 41 characters).")
	c.Check(strings.TrimSpace(n.Name) != "" && len(n.Name) <= 200, "name", "Give the lender's name (at most 200 bytes).")
	c.Check(n.Host != "" && !strings.ContainsAny(n.Host, "/: "), "host", "Give the host name alone, without scheme, port or path.")
	c.Check(strings.TrimSpace(n.Region) != "", "region", "Say in which region the data must stay, for example us-east.")
	_, err := time.LoadLocation(n.Zone)
	c.Check(err == nil && n.Zone != "", "zone", "Give an IANA time zone, for example America/New_York.")
	if err := c.Err(); err != nil {
		return nil, err
	}
	if d.BySlug(n.Slug) != nil {
		return nil, fault.New(fault.Conflict, "tenant_exists", "A tenant with this slug exists already.")
	}
	at := d.own.Now()
	tid := id.New[id.Tenant](at)
	wrapped, err := keys.NewRing(ctx, d.config.KMS, tid)
	if err != nil {
		return nil, fmt.Errorf("making the tenant's keys: %w", err)
	}
	row := stored{ID: tid, New: n, Engine: d.config.Engine.String(), Location: n.Slug, Ring: wrapped, Active: true}
	if d.config.Engine == db.PostgreSQL {
		row.Location = d.config.Prefix + strings.ReplaceAll(n.Slug, "-", "_")
	}
	t, err := d.open(ctx, row)
	if err != nil {
		return nil, err
	}
	if err := d.insert(ctx, row, at); err != nil {
		_ = t.close()
		return nil, err
	}
	d.keep(t)
	return t, nil
}

// insert writes a tenant's row: from then on it is there.
func (d *Directory) insert(ctx context.Context, s stored, at int64) error {
	err := d.own.Write(ctx, at, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO tenant (id, slug, name, host, region, zone, engine, location, ring, active, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1, ?)`, s.ID, s.Slug, s.Name, strings.ToLower(s.Host), s.Region, s.Zone, s.Engine, s.Location, s.Ring, at)
		return err
	})
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "tenant_exists", "A tenant with this slug or host exists already.")
	}
	return err
}

type stored struct {
	ID id.Tenant
	New
	Engine, Location string
	Ring             []byte
	Active           bool
}

func (d *Directory) openAll(ctx context.Context) error {
	var rows []stored
	err := d.own.Read(ctx, d.own.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = db.All(ctx, tx, func(r *db.Rows) (s stored, err error) {
			var active int64
			err = r.Scan(&s.ID, &s.Slug, &s.Name, &s.Host, &s.Region, &s.Zone, &s.Engine, &s.Location, &s.Ring, &active)
			s.Active = active == 1
			return s, err
		}, `SELECT id, slug, name, host, region, zone, engine, location, ring, active FROM tenant ORDER BY slug`)
		return err
	})
	if err != nil {
		return err
	}
	for _, s := range rows {
		t, err := d.open(ctx, s)
		if err != nil {
			return fmt.Errorf("opening tenant %s: %w", s.Slug, err)
		}
		d.keep(t)
	}
	return nil
}

func (d *Directory) open(ctx context.Context, s stored) (*Tenant, error) {
	zone, err := time.LoadLocation(s.Zone)
	if err != nil {
		return nil, err
	}
	ring, err := keys.OpenRing(ctx, d.config.KMS, s.ID, s.Ring)
	if err != nil {
		return nil, err
	}
	ring.Follow(d.shelf(s.ID))
	data, keyStore, err := d.places(ctx, s.Location, ring)
	if err != nil {
		return nil, err
	}
	t := &Tenant{ID: s.ID, Slug: s.Slug, Name: s.Name, Host: s.Host, Region: s.Region, Zone: zone, Active: s.Active, Ring: ring}
	if t.DB, err = openMigrated(ctx, data, schema.Tenant()); err != nil {
		return nil, err
	}
	if t.keyDB, err = openMigrated(ctx, keyStore, schema.KeyStore()); err != nil {
		_ = t.DB.Close()
		return nil, err
	}
	if d.config.Engine == db.SQLite {
		t.files = func(version int) [2]string {
			return [2]string{filepath.Join(d.folder(), pagesOf(s.Location, version)), filepath.Join(d.folder(), pagesOf(s.Location+d.suffix(), version))}
		}
	}
	if err := t.clearPages(); err != nil {
		_ = t.close()
		return nil, err
	}
	t.Persons = &keys.Store{DB: t.keyDB, Ring: ring}
	t.Trail = audit.New(audit.Config{DB: t.DB, Ring: ring, Persons: t.Persons, Log: d.config.Log})
	t.Policies = policy.NewCache(d.config.Policy)
	return t, nil
}

// shelf is the ring in a tenant's row: every node that turns it, or looks
// whether another one did, comes here.
func (d *Directory) shelf(tid id.Tenant) keys.Shelf {
	return keys.Shelf{Now: d.own.Now,
		Load: func(ctx context.Context) (ring []byte, err error) {
			err = d.own.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, `SELECT ring FROM tenant WHERE id = ?`, []any{tid}, &ring)
			})
			return ring, err
		},
		Swap: func(ctx context.Context, old, new []byte) (bool, error) {
			var n int64
			err := d.own.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
				n, err = tx.Exec(ctx, `UPDATE tenant SET ring = ? WHERE id = ? AND ring = ?`, new, tid, old)
				return err
			})
			return n == 1, err
		}}
}

func (d *Directory) keep(t *Tenant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.byHost[strings.ToLower(t.Host)] = t
	d.bySlug[t.Slug] = t
}

// ByHost finds the tenant that a Host header (with or without a port) names,
// or nil.
func (d *Directory) ByHost(hostport string) *Tenant {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.byHost[strings.ToLower(host)]
}

// BySlug finds a tenant by its short name, or nil.
func (d *Directory) BySlug(slug string) *Tenant {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.bySlug[slug]
}

// All gives the open tenants.
func (d *Directory) All() []*Tenant {
	d.mu.RLock()
	defer d.mu.RUnlock()
	out := make([]*Tenant, 0, len(d.bySlug))
	for _, t := range d.bySlug {
		out = append(out, t)
	}
	return out
}

// Close lets go of every database.
func (d *Directory) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var err error
	for _, t := range d.bySlug {
		if e := t.close(); err == nil {
			err = e
		}
	}
	if e := d.own.Close(); err == nil {
		err = e
	}
	return err
}
