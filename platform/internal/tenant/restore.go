package tenant

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/schema"
)

// Returning is a tenant that comes back from a backup.
type Returning struct {
	ID   id.Tenant
	New  // as it was
	Ring []byte
	// Load fills the two databases, which it makes at the places that it is given.
	Load func(ctx context.Context, data, keyStore db.Config) error
	// Settle looks at what was loaded, while nobody can reach it yet.
	Settle func(ctx context.Context, t *Tenant) error
}

// Restore takes a tenant in that is not here. Its databases get places of their own, and
// its row is written last: a restore that dies leaves nothing that opens, and the next one
// of the same tenant clears it away.
func (d *Directory) Restore(ctx context.Context, r Returning) (t *Tenant, err error) {
	if err := d.absent(ctx, &r); err != nil {
		return nil, err
	}
	if err := d.sweep(ctx, r.Slug); err != nil {
		return nil, fmt.Errorf("clearing away what a restore left that died: %w", err)
	}
	row := stored{ID: r.ID, New: r.New, Engine: d.config.Engine.String(), Location: d.place(r.Slug, strings.ToLower(rand.Text()[:6])), Ring: r.Ring, Active: true}
	ring, err := keys.OpenRing(ctx, d.config.KMS, r.ID, r.Ring)
	if err != nil {
		return nil, fmt.Errorf("opening the tenant's keys: %w", err)
	}
	defer func() {
		if err != nil {
			_ = d.remove(context.WithoutCancel(ctx), row.Location)
		}
	}()
	data, keyStore, err := d.places(ctx, row.Location, ring)
	if err != nil {
		return nil, err
	}
	if err := r.Load(ctx, data, keyStore); err != nil {
		return nil, err
	}
	if t, err = d.open(ctx, row); err != nil {
		return nil, err
	}
	if err = d.settled(ctx, t, &r, row); err != nil {
		_ = t.close()
		return nil, err
	}
	d.keep(t)
	return t, nil
}

// settled has what was loaded looked at, and then writes the tenant's row.
func (d *Directory) settled(ctx context.Context, t *Tenant, r *Returning, row stored) error {
	t.Ring.Follow(keys.Shelf{Now: d.own.Now, Load: func(context.Context) ([]byte, error) { return r.Ring, nil },
		Swap: func(context.Context, []byte, []byte) (bool, error) { return false, nil }}) // there is no row yet
	if err := r.Settle(ctx, t); err != nil {
		return err
	}
	t.Ring.Follow(d.shelf(r.ID))
	return d.insert(ctx, row, d.own.Now())
}

// absent refuses a tenant that the directory knows.
func (d *Directory) absent(ctx context.Context, r *Returning) error {
	var there int64
	err := d.own.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT COUNT(*) FROM tenant WHERE id = ? OR slug = ? OR host = ?`, []any{r.ID, r.Slug, strings.ToLower(r.Host)}, &there)
	})
	if err == nil && there > 0 {
		err = fault.New(fault.Conflict, "tenant_exists", "The tenant is here already, or another one with its slug or host. A restore never overwrites: restore into another data folder or under another prefix.")
	}
	return err
}

// again marks the places of restored tenants, so that those which no row names can be
// cleared away.
func (d *Directory) again() string {
	if d.config.Engine == db.PostgreSQL {
		return "_r"
	}
	return ".restored-"
}

func (d *Directory) place(slug, mark string) string {
	if d.config.Engine == db.PostgreSQL {
		return d.config.Prefix + strings.ReplaceAll(slug, "-", "_") + d.again() + mark
	}
	return slug + d.again() + mark
}

// sweep removes what earlier restores of a slug left that died before they had a row.
func (d *Directory) sweep(ctx context.Context, slug string) error {
	var known, there []string
	name := func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }
	err := d.own.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		if known, err = db.All(ctx, tx, name, `SELECT location FROM tenant`); err != nil || tx.Engine() != db.PostgreSQL {
			return err
		}
		there, err = db.All(ctx, tx, name, `SELECT datname::text FROM pg_database WHERE datname LIKE ? ESCAPE '\'`, db.LikeEscape(d.place(slug, ""))+"%")
		return err
	})
	if err != nil {
		return err
	}
	if d.config.Engine == db.SQLite {
		files, err := filepath.Glob(filepath.Join(d.folder(), d.place(slug, "*")+".db"))
		if err != nil {
			return err
		}
		for _, f := range files {
			there = append(there, strings.TrimSuffix(filepath.Base(f), ".db"))
		}
	}
	for _, t := range there {
		n := len(d.place(slug, "123456"))
		if len(t) < n || len(t) > n && !strings.ContainsAny(t[n:n+1], "._") || slices.Contains(known, t[:n]) {
			continue
		}
		if err := d.remove(ctx, t[:n]); err != nil {
			return err
		}
	}
	return nil
}

// suffix names a key store after its data.
func (d *Directory) suffix() string {
	if d.config.Engine == db.PostgreSQL {
		return "_keys"
	}
	return ".keys"
}

// remove takes the databases of a place away.
func (d *Directory) remove(ctx context.Context, location string) error {
	for _, name := range []string{location, location + d.suffix()} {
		if d.config.Engine == db.PostgreSQL {
			if err := db.DropDatabase(ctx, d.config.Postgres, name); err != nil {
				return err
			}
			continue
		}
		for _, form := range []string{".db", ".k[0-9]*.db"} { // under any version of the page key
			found, err := filepath.Glob(filepath.Join(d.folder(), name+form) + "*")
			for _, f := range found {
				err = errors.Join(err, os.Remove(f))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *Directory) folder() string { return filepath.Join(d.config.Data, "tenants") }

// places says where the two databases of a tenant are.
func (d *Directory) places(ctx context.Context, location string, ring *keys.Ring) (data, keyStore db.Config, err error) {
	if err := os.MkdirAll(d.folder(), 0o700); err != nil {
		return data, keyStore, err
	}
	data, keyStore = d.database(d.folder(), location, ring), d.database(d.folder(), location+d.suffix(), ring)
	keyStore.Readers = 1
	if d.config.Engine == db.PostgreSQL {
		if data.DSN, err = d.ensureDatabase(ctx, location); err == nil {
			keyStore.DSN, err = d.ensureDatabase(ctx, location+d.suffix())
		}
	}
	return data, keyStore, err
}

// KMS wraps the keyset of every tenant.
func (d *Directory) KMS() keys.KMS { return d.config.KMS }

// Schema gives the migrations of a tenant's database and of its key store.
func Schema() (data, keyStore fs.FS) { return schema.Tenant(), schema.KeyStore() }
