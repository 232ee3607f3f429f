package tenant

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/schema"
)

// Rewrap wraps every stored ring under another KMS key, c.KMS being the one until
// now: the directory's own, and each tenant's. A ring is opened with the new key
// before it replaces the old one, and replaces only what was read; a ring that is
// under the new key already is opened and left. So it can be broken off and called
// again. each is told of every ring; the count is of those under the new key.
//
// Nobody else may have the directory open: a node that runs would ask the old key.
func Rewrap(ctx context.Context, c Config, to keys.KMS, each func(ring string, done bool)) (int, error) {
	if c.Prefix == "" {
		c.Prefix = "lendkeep_"
	}
	if err := keys.Probe(ctx, to); err != nil {
		return 0, fmt.Errorf("asking the new KMS key: %w", err)
	}
	d := &Directory{config: c}
	var err error
	if d.ring, err = d.rewrapOwn(ctx, to, each); err != nil {
		return 0, fmt.Errorf("the directory's ring: %w", err)
	}
	own := d.database(c.Data, "directory", d.ring)
	own.Readers = 1
	if c.Engine == db.PostgreSQL {
		if own.DSN, err = onDatabase(c.Postgres, c.Prefix+"directory"); err != nil {
			return 1, err
		}
	}
	if d.own, err = openMigrated(ctx, own, schema.Directory()); err != nil {
		return 1, fmt.Errorf("opening the directory: %w", err)
	}
	defer d.own.Close()
	n, err := d.rewrapTenants(ctx, to, each)
	return n + 1, err
}

// rewrapOwn replaces the file with the directory's ring, whole or not at all.
func (d *Directory) rewrapOwn(ctx context.Context, to keys.KMS, each func(string, bool)) (*keys.Ring, error) {
	file := filepath.Join(d.config.Data, ringFile)
	stored, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("there is nothing to wrap: %w", err)
	}
	moved, done, err := keys.Moved(ctx, d.config.KMS, to, directory, stored)
	if err != nil {
		return nil, err
	}
	if !done {
		if err := replaceFile(file, stored, moved); err != nil {
			return nil, err
		}
	}
	each("directory", done)
	return keys.OpenRing(ctx, to, directory, moved)
}

// replaceFile puts new content in the place of old, if that is still there: a
// crash leaves the one or the other.
func replaceFile(file string, old, content []byte) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".ring-*") // 0600 by definition
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	now, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if !bytes.Equal(now, old) {
		return errors.New("somebody else has replaced the ring meanwhile")
	}
	if err := os.Rename(f.Name(), file); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

// rewrapTenants goes through the tenants' rows.
func (d *Directory) rewrapTenants(ctx context.Context, to keys.KMS, each func(string, bool)) (int, error) {
	type row struct {
		id   id.Tenant
		slug string
	}
	var rows []row
	err := d.own.Read(ctx, d.own.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		rows, err = db.All(ctx, tx, func(r *db.Rows) (x row, err error) {
			err = r.Scan(&x.id, &x.slug)
			return x, err
		}, `SELECT id, slug FROM tenant ORDER BY slug`)
		return err
	})
	if err != nil {
		return 0, err
	}
	for n, r := range rows {
		done, err := d.rewrapTenant(ctx, to, r.id)
		if err != nil {
			return n, fmt.Errorf("the ring of tenant %s: %w", r.slug, err)
		}
		each("tenant "+r.slug, done)
	}
	return len(rows), nil
}

// rewrapTenant tries again where a turn of the ring came between.
func (d *Directory) rewrapTenant(ctx context.Context, to keys.KMS, tid id.Tenant) (done bool, err error) {
	shelf := d.shelf(tid)
	for {
		stored, err := shelf.Load(ctx)
		if err != nil {
			return false, err
		}
		moved, done, err := keys.Moved(ctx, d.config.KMS, to, tid, stored)
		if err != nil || done {
			return done, err
		}
		if swapped, err := shelf.Swap(ctx, stored, moved); err != nil || swapped {
			return false, err
		}
	}
}
