// Package db is one database: a tenant's, the directory, or a key store, on
// SQLite or PostgreSQL.
package db

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"time"
)

// Engine says which engine holds the database.
type Engine uint8

// The engines. The zero Engine is refused by Open.
const (
	SQLite Engine = iota + 1
	PostgreSQL
)

// String gives the engine's name: "sqlite" or "postgres".
func (e Engine) String() string {
	switch e {
	case SQLite:
		return "sqlite"
	case PostgreSQL:
		return "postgres"
	}
	return "unknown"
}

// Config says where a database is and how it is opened.
type Config struct {
	Engine  Engine
	Path    string                 // SQLite: the file
	Key     func() ([]byte, error) // SQLite: gives the 32-byte page key
	DSN     string                 // PostgreSQL: connection string
	Readers int                    // concurrent readers; 0 = a sensible default
	Now     func() time.Time       // required
	Log     *slog.Logger           // nil = no log
}

var errSkeleton = errors.New("db: not filled in")

// DB is one open database, safe for concurrent use.
type DB struct {
	c Config
}

// Open opens the database.
func Open(ctx context.Context, c Config) (*DB, error) { return nil, errSkeleton }

// Close closes the database.
func (d *DB) Close() error { return errSkeleton }

// Engine says which engine holds the database.
func (d *DB) Engine() Engine { return d.c.Engine }

// Now gives the instant of Config.Now in unix microseconds.
func (d *DB) Now() int64 { return d.c.Now().UnixMicro() }

// Migrate brings the schema up to date.
func (d *DB) Migrate(ctx context.Context, migrations fs.FS) error { return errSkeleton }

// Read runs fn in one read-only snapshot.
func (d *DB) Read(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return errSkeleton
}

// ReadFirst is Read whose first statement is known beforehand.
func (d *DB) ReadFirst(ctx context.Context, at int64, query string, args []any, first func(scan func(dest ...any) error) error, fn func(context.Context, *Tx) error) error {
	return errSkeleton
}

// Write runs fn in one transaction that commits if fn returns nil.
func (d *DB) Write(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return errSkeleton
}

// WriteExclusive is Write for whoever revokes a right.
func (d *DB) WriteExclusive(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return errSkeleton
}
