// Package restore takes a tenant in from the two files of a backup.
//
//	the files are read whole and held against their signatures, the region, the
//	witnesses ─▶ rows are loaded ─▶ the trail is verified ─▶ what must not come back
//	ends ─▶ the directory's row
//
// Invariants: nothing is written before everything that can be checked has been; nobody
// can open what was loaded before all of it stands; what was taken from somebody after
// the backup is not given back, as far as a witness tells, or everything is void.
//
// It must not know the form of a file, nor how a right is stored; it asks those who do.
package restore

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit/signing"
	"github.com/lendkeep/lendkeep/internal/backup"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dump"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Restoring says what is restored, and what is known of the time since the backup.
type Restoring struct {
	Data, KeyStore string   // files
	Keys           []string // of the trail, as words; none: the KMS key alone vouches
	OlderKeyStore  string   // why a key store file is taken that is older than it may be
	Witnesses      []string // folders that kept checkpoints and notices
	Void           bool     // nothing is known: end every key, switch everybody off
	Administrator  string   // who stays on then, by e-mail address
	Progress       func(what string, done, total int64)
}

// Restored tells what was done, in sentences for the operator.
type Restored struct {
	Slug, Host string
	Words      []string
}

// keyStoreLives is how long a backup of the key store may be used: a person whose key
// is destroyed is unreadable in every backup after that.
const keyStoreLives = 7 * 24 * time.Hour

// restoring is one restore on its way.
type restoring struct {
	Restoring
	config         house.Config
	kms            keys.KMS
	data, keyStore *backup.File
	ring           *keys.Ring
	trusted        []string // keys that may have signed
	point          checkpoint.Checkpoint
	kept           kept
	erased         []string // objects of erasures that come again
	keyless        bool     // of some of them the key is gone already
	words          []string
}

// Restore takes a tenant in from its two files. Nothing is written before both files
// and what the operator says have been found good; and nothing can be opened before
// all of it stands. No server may run on the data folder.
func Restore(ctx context.Context, c house.Config, r Restoring) (*Restored, error) {
	x := &restoring{Restoring: r, config: c}
	if x.Progress == nil {
		x.Progress = func(string, int64, int64) {}
	}
	for _, f := range []struct {
		name string
		file **backup.File
	}{{r.Data, &x.data}, {r.KeyStore, &x.keyStore}} {
		file, size, err := opened(f.name)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		if *f.file, err = backup.Open(file, size); err != nil {
			return nil, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	for _, step := range []func(context.Context) error{x.fits, x.unlock, x.check, x.remember} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	h, err := house.Open(ctx, c)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	t, err := x.in(ctx, h)
	if err != nil {
		return nil, err
	}
	return &Restored{Slug: t.Slug, Host: t.Host, Words: x.words}, nil
}

func opened(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", name)
	}
	if err != nil {
		_ = f.Close()
		return nil, 0, err
	}
	return f, info.Size(), nil
}

// say adds a sentence for the operator.
func (x *restoring) say(format string, args ...any) {
	x.words = append(x.words, fmt.Sprintf(format, args...))
}

// fits holds what the files say against each other and against this installation.
func (x *restoring) fits(context.Context) error {
	d, k := x.data.Head, x.keyStore.Head
	age := x.config.Now().Sub(time.UnixMicro(k.MadeAt))
	var c fault.Collector
	c.Check(d.Kind == backup.Data, "file", "This is a backup of a key store. Give the data's file first, and this one with --key-store.")
	c.Check(k.Kind == backup.KeyStore, "key-store", "This is no backup of a key store.")
	c.Check(d.Tenant == k.Tenant, "key-store", fmt.Sprintf("The two files are of different tenants: the data of %s, the key store of %s.", d.Slug, k.Slug))
	c.Check(x.config.Region != "", "region", fmt.Sprintf("Say where this installation's data lies: LENDKEEP_REGION. The backup must stay in %s.", d.Region))
	c.Check(x.config.Region == "" || x.config.Region == d.Region, "region",
		fmt.Sprintf("The data must stay in %s, and this installation lies in %s (LENDKEEP_REGION). Restore it on an installation in %s.", d.Region, x.config.Region, d.Region))
	c.Check(age <= keyStoreLives || strings.TrimSpace(x.OlderKeyStore) != "", "key-store",
		fmt.Sprintf("The key store is of %s, older than 7 days: who was erased since may be readable again. Give a newer one; if there is none, say why with --older-key-store.", told8601(k.MadeAt)))
	if err := c.Err(); err != nil {
		return err
	}
	if age > keyStoreLives {
		x.say("The key store is of %s, older than 7 days.", told8601(k.MadeAt))
	}
	if k.MadeAt < d.MadeAt {
		x.say("The key store is older than the data: people who came between %s and %s cannot be read.", told8601(k.MadeAt), told8601(d.MadeAt))
	}
	return nil
}

func told8601(at int64) string { return time.UnixMicro(at).UTC().Format("2006-01-02 15:04:05 MST") }

// unlock opens the ring with the KMS key, which must be there: a new one opens nothing.
func (x *restoring) unlock(ctx context.Context) (err error) {
	if x.kms, err = x.config.HeldKMS(ctx); err != nil {
		return err
	}
	if x.ring, err = keys.OpenRing(ctx, x.kms, id.Tenant(x.keyStore.Head.Tenant), x.keyStore.Head.Ring); err != nil {
		return fmt.Errorf("the tenant's keys were wrapped by %s, and this installation has %s: %w", x.keyStore.Head.KMS, x.kms.Name(), err)
	}
	if x.trusted, err = signing.Keys(x.ring); err != nil {
		return err
	}
	if len(x.Keys) == 0 {
		x.say("The KMS key alone vouches for these files: no key of the trail was given (--key).")
		return nil
	}
	origin := checkpoint.Origin(x.data.Head.Tenant)
	x.trusted = checkpoint.Trusted(origin, x.Keys, slices.Concat(x.data.Head.Handovers, x.keyStore.Head.Handovers))
	return nil
}

// check reads both files whole.
func (x *restoring) check(ctx context.Context) error {
	for _, f := range []struct {
		file *backup.File
		name string
	}{{x.keyStore, x.KeyStore}, {x.data, x.Data}} {
		if err := f.file.Check(ctx, func(n int64) { x.Progress("Checking "+f.name, n, n) }, x.trusted...); err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
	}
	var err error
	if x.point, _, err = checkpoint.Open(x.data.Head.Checkpoint, x.trusted...); err != nil {
		return fmt.Errorf("the checkpoint in %s: %w", x.Data, err)
	}
	return nil
}

// in loads the tenant and settles it.
func (x *restoring) in(ctx context.Context, h *house.House) (*tenant.Tenant, error) {
	data, err := x.data.Reader(ctx, x.kms)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.Data, err)
	}
	keyStore, err := x.keyStore.Reader(ctx, x.kms)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.KeyStore, err)
	}
	rows := bufio.NewReaderSize(data, 1<<16)
	line, err := rows.ReadBytes('\n')
	if err != nil {
		return nil, fmt.Errorf("%s: %w", x.Data, backup.ErrAltered)
	}
	r := tenant.Returning{ID: id.Tenant(x.data.Head.Tenant), Ring: x.keyStore.Head.Ring, Settle: func(ctx context.Context, t *tenant.Tenant) error { return x.settle(ctx, h, t) }}
	if err := json.Unmarshal(line, &r.New); err != nil || r.Slug != x.data.Head.Slug || r.Region != x.data.Head.Region {
		return nil, fmt.Errorf("%s: %w", x.Data, backup.ErrAltered)
	}
	r.Load = func(ctx context.Context, to, keysTo db.Config) error {
		tables, stores := tenant.Schema()
		if err := dump.Load(ctx, keysTo, stores, x.keyStore.Head.Schema, keyStore, x.loaded("persons")); err != nil {
			return fmt.Errorf("%s: %w", x.KeyStore, err)
		}
		if err := dump.Load(ctx, to, tables, x.data.Head.Schema, rows, x.loaded("rows")); err != nil {
			return fmt.Errorf("%s: %w", x.Data, err)
		}
		return drained(rows, keyStore)
	}
	return h.Directory.Restore(ctx, r)
}

func (x *restoring) loaded(what string) func(int64) {
	return func(n int64) { x.Progress("Loading "+what, n, n) }
}

// drained reads to the end of both streams: what was altered since the check shows there.
func drained(streams ...io.Reader) error {
	for _, s := range streams {
		if n, err := io.Copy(io.Discard, s); err != nil || n > 0 {
			return errors.Join(backup.ErrAltered, err)
		}
	}
	return nil
}

func plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
