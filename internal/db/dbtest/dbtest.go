// Package dbtest gives tests a fresh database on either engine.
//
// A SQLite database is a file in the test's folder, encrypted with a random
// key. A PostgreSQL database is made on the server that the environment
// variable LENDKEEP_TEST_POSTGRES names (a connection string that may create
// databases; scripts/postgres starts one), and dropped when the test ends;
// without the variable such tests are skipped. It must be used by tests only.
package dbtest

import (
	"context"
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Variable names the environment variable with the PostgreSQL server for tests.
const Variable = "LENDKEEP_TEST_POSTGRES"

// Clock is a clock that stands still until a test moves it. The zero Clock
// stands at Start.
type Clock struct {
	mu sync.Mutex
	t  time.Time // guarded by mu
}

// Start is where a zero Clock stands: 2026-03-02 09:00 UTC, a Monday.
func Start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// Now gives the clock's instant. It fits db.Config.Now.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.t.IsZero() {
		c.t = Start()
	}
	return c.t
}

// Set puts the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = t
}

// Advance moves the clock forward by d.
func (c *Clock) Advance(d time.Duration) { c.Set(c.Now().Add(d)) }

// Each runs fn as subtests "sqlite" and "postgres", each on a fresh database.
func Each(t *testing.T, migrations fs.FS, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) { fn(t, Open(t, e, migrations)) })
	}
}

// Open gives a fresh, migrated database that runs on the real clock and is
// removed when the test ends. migrations may be nil.
func Open(t testing.TB, engine db.Engine, migrations fs.FS) *db.DB {
	t.Helper()
	c := Config(t, engine)
	return OpenConfig(t, c, migrations)
}

// OpenConfig opens the database that c describes, migrates it, and closes it when
// the test ends.
func OpenConfig(t testing.TB, c db.Config, migrations fs.FS) *db.DB {
	t.Helper()
	d, err := db.Open(context.Background(), c)
	if err != nil {
		t.Fatalf("open the database: %v", err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Errorf("close the database: %v", err)
		}
	})
	if migrations != nil {
		if err := d.Migrate(context.Background(), migrations); err != nil {
			t.Fatalf("migrate the database: %v", err)
		}
	}
	return d
}

// Config gives the configuration of a fresh database, on the real clock. A
// test may change it before db.Open. The PostgreSQL database is made at once.
func Config(t testing.TB, engine db.Engine) db.Config {
	t.Helper()
	c := db.Config{Engine: engine, Now: time.Now}
	if engine == db.SQLite {
		key := make([]byte, 32)
		rand.Read(key)
		c.Key = func() ([]byte, error) { return key, nil }
		c.Path = filepath.Join(t.TempDir(), "test.db")
		return c
	}
	admin := os.Getenv(Variable)
	if admin == "" {
		t.Skipf("no PostgreSQL: set %s to a connection string that may create databases (scripts/postgres start DIR prints one)", Variable)
	}
	name := "lendkeep_test_" + strings.ToLower(rand.Text())
	dsn, err := db.CreateDatabase(context.Background(), admin, name)
	if err != nil {
		t.Fatalf("make a database for the test: %v", err)
	}
	t.Cleanup(func() {
		if err := db.DropDatabase(context.Background(), admin, name); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
	})
	c.DSN = dsn
	return c
}
