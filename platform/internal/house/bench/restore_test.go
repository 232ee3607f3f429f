//go:build bench

package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/house/restore"
)

// TestRestore times a backup of the book, and its restore until everything is verified.
func TestRestore(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := crowd(t, e)
		must(t, s.dir.Close())
		post, err := folder.New(t.TempDir(), "no-reply@bench.test", func() int64 { return time.Now().UnixMicro() })
		must(t, err)
		c := house.Config{Data: s.folder, Engine: e, Postgres: os.Getenv(dbtest.Variable), Prefix: s.prefix, Region: "test", Mail: post, URL: "https://bench.test", Now: time.Now, Log: slog.New(slog.DiscardHandler)}
		h, err := house.Open(ctx, c)
		must(t, err)
		data, took := taken(t, h, "data")
		keyStore, more := taken(t, h, "key_store")
		took += more
		must(t, h.Close())
		info, err := os.Stat(data)
		must(t, err)
		tell(figure{"4", e.String(), "backup of " + num(loans()) + " loans", fmt.Sprintf("%.1f s", took.Seconds()), fmt.Sprintf("%d MB", info.Size()>>20), "", "", ""})
		to := c
		to.Data, to.Prefix = t.TempDir(), prefixOf(t)
		key, err := os.ReadFile(filepath.Join(s.folder, "kms.key"))
		must(t, err)
		must(t, os.WriteFile(filepath.Join(to.Data, "kms.key"), key, 0o600))
		t.Cleanup(func() { swept(t, to) })
		began, cpu := time.Now(), spent(t)
		done, err := restore.Restore(ctx, to, restore.Restoring{Data: data, KeyStore: keyStore, Void: true, Administrator: "admin@bench.test"})
		must(t, err)
		took = time.Since(began)
		tell(figure{"4", e.String(), "restore of " + num(loans()) + " loans", fmt.Sprintf("%.1f s", took.Seconds()), fmt.Sprintf("%.1f s of processor here", (spent(t) - cpu).Seconds()), "", "≤ 15 min", met(took <= 15*time.Minute)})
		t.Log(done.Words)
	})
}

// taken takes one file.
func taken(t testing.TB, h *house.House, kind string) (name string, took time.Duration) {
	t.Helper()
	own := h.Directory.BySlug("bench")
	for range 3 {
		_, err := own.Trail.Sequence(ctx)
		must(t, err)
		time.Sleep(time.Second)
	}
	call := &gate.Request{Tenant: own, Channel: operation.Console, Job: "console"}
	b, err := gate.Run(ctx, h.Gate, h.Backups.Begin, call, nil, func(in *backups.BeginIn) error { in.Kind = kind; return nil })
	must(t, err)
	for range 3 {
		_, err := own.Trail.Sequence(ctx)
		must(t, err)
		time.Sleep(600 * time.Millisecond)
	}
	f, err := os.Create(filepath.Join(t.TempDir(), kind))
	must(t, err)
	began := time.Now()
	must(t, h.Backup(ctx, own, b.ID, f))
	took = time.Since(began)
	must(t, f.Close())
	return f.Name(), took
}

// swept drops the restored databases.
func swept(t testing.TB, c house.Config) {
	if c.Engine != db.PostgreSQL {
		return
	}
	u, err := url.Parse(c.Postgres)
	must(t, err)
	d, err := db.Open(ctx, db.Config{Engine: db.PostgreSQL, DSN: u.String(), Now: time.Now})
	must(t, err)
	var names []string
	must(t, d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		names, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT datname::text FROM pg_database WHERE datname LIKE ? ESCAPE '\'`, db.LikeEscape(c.Prefix)+"%")
		return err
	}))
	must(t, d.Close())
	for _, n := range names {
		must(t, db.DropDatabase(ctx, c.Postgres, n))
	}
}
