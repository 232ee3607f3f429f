// Package dbtest gives tests a fresh database on either engine.
package dbtest

import (
	"io/fs"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// Clock is a settable clock. The zero Clock stands at Start.
type Clock struct {
	mu sync.Mutex
	t  time.Time
}

// Start is where a zero Clock stands: 2026-03-02 09:00 UTC, a Monday.
func Start() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }

// Now gives the clock's instant.
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

// Advance moves the clock by d.
func (c *Clock) Advance(d time.Duration) {
	t := c.Now().Add(d)
	c.Set(t)
}

// Each runs fn as subtests "sqlite" and "postgres", each on a fresh database.
func Each(t *testing.T, migrations fs.FS, fn func(t *testing.T, d *db.DB)) {
	t.Helper()
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) { fn(t, Open(t, e, migrations)) })
	}
}

// Open gives a fresh database on engine, dropped when the test ends.
func Open(t testing.TB, engine db.Engine, migrations fs.FS) *db.DB {
	t.Helper()
	t.Fatal("dbtest: not filled in")
	return nil
}
