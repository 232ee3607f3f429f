// Package db is one database: a tenant's, the directory, or a key store, on
// SQLite or PostgreSQL. SQL is written once, with `?` marks, for both engines.
//
// Invariants:
//   - One transaction has one instant (Tx.At), and a Read sees one snapshot.
//   - A Write that returned nil is durable: SQLite syncs its log, PostgreSQL
//     commits synchronously.
//   - A statement that the engine refused spoils its transaction on both
//     engines, also when the caller swallows the error; Tx.Attempt is the way
//     around. Rows must be closed before the next statement.
//   - Text compares bytewise on both engines: Open refuses a PostgreSQL
//     database with another collation. Whoever makes one uses CreateDatabase
//     (TEMPLATE template0, LC_COLLATE 'C'). LIKE is case-sensitive on both.
//     NULLs sort differently: keep sorted columns NOT NULL.
//   - Instants are BIGINT unix microseconds, booleans BIGINT 0/1 (Bool), and a
//     text argument is valid UTF-8 without zero bytes.
//   - The SQLite file is encrypted with a key that appears in no DSN and no
//     log; the pages have no message authentication (a changed file decrypts
//     to noise). PostgreSQL relies on the server's volumes.
//
// It must not know a table, a tenant, or who is asking.
package db

import (
	"context"
	"io/fs"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
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

// Config says where a database is and how it is opened. The zero Config is
// refused.
type Config struct {
	Engine  Engine
	Path    string                 // SQLite: the file; made if it is not there, its folder is not
	Key     func() ([]byte, error) // SQLite: gives the 32-byte page key, asked once; nil is refused
	DSN     string                 // PostgreSQL: connection string, never logged
	Readers int                    // SQLite: reader connections; PostgreSQL: all connections; 0 = 4 and 8
	Now     func() time.Time       // required
	Log     *slog.Logger           // nil = no log
}

// backend is what an engine does for DB. Its functions are given an instant
// and a context that are fit for use.
type backend interface {
	read(ctx context.Context, at int64, f *firstRow, fn func(context.Context, *Tx) error) error
	write(ctx context.Context, at int64, exclusive bool, f *firstRow, fn func(context.Context, *Tx) error) error
	migrate(ctx context.Context, migrations fs.FS) error
	close() error
}

// firstRow is the statement of ReadFirst and WriteFirst; nil for others.
type firstRow struct {
	query string
	args  []any
	take  func(scan func(dest ...any) error) error
}

// DB is one open database, safe for concurrent use.
type DB struct {
	c      Config
	back   backend
	where  string       // for the log: the file or the server, without secrets
	logged atomic.Int64 // when trouble was last logged, unix microseconds
}

// Open opens a database. It refuses a configuration without clock, engine or
// key, a key that does not fit the file, and a PostgreSQL database that does
// not compare bytewise. Faults: Invalid for the configuration, Unavailable for
// a database that cannot be used.
func Open(ctx context.Context, c Config) (*DB, error) {
	if c.Now == nil {
		return nil, fault.Bad("now", "Give the database a clock.")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	d := &DB{c: c}
	var err error
	switch c.Engine {
	case SQLite:
		d.back, err = openLite(ctx, d)
	case PostgreSQL:
		d.back, err = openPostgres(ctx, d)
	default:
		return nil, fault.Bad("engine", "Say which engine holds the database: sqlite or postgres.")
	}
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Close waits for the transactions that run, and closes the database.
func (d *DB) Close() error { return d.back.close() }

// Engine says which engine holds the database.
func (d *DB) Engine() Engine { return d.c.Engine }

// Now gives the instant of Config.Now in unix microseconds.
func (d *DB) Now() int64 { return d.c.Now().UnixMicro() }

// Migrate brings the schema up to date. migrations holds the folders sqlite
// and postgres with goose SQL files. Several nodes may call it at once.
func (d *DB) Migrate(ctx context.Context, migrations fs.FS) error {
	sub, err := fs.Sub(migrations, d.c.Engine.String())
	if err != nil {
		return err
	}
	return d.back.migrate(ctx, sub)
}

// Read runs fn in one read-only snapshot. at is the transaction's instant in
// unix microseconds; 0 = now. Do not Read or Write inside a Read: the second
// one may wait for the first one's connection for ever.
func (d *DB) Read(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return d.read(ctx, at, nil, fn)
}

// ReadFirst is Read whose first statement is known beforehand: on PostgreSQL
// it travels in one round trip with BEGIN. first receives its single row; scan
// gives sql.ErrNoRows if there is none. If first fails, fn does not run.
func (d *DB) ReadFirst(ctx context.Context, at int64, query string, args []any, first func(scan func(dest ...any) error) error, fn func(context.Context, *Tx) error) error {
	return d.read(ctx, at, &firstRow{query: query, args: args, take: first}, fn)
}

func (d *DB) read(ctx context.Context, at int64, f *firstRow, fn func(context.Context, *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if at == 0 {
		at = d.Now()
	}
	return d.back.read(ctx, at, f, fn)
}

// Write runs fn in one transaction that is durable when Write returns nil. It
// is rolled back if fn fails, panics or swallows a statement's error, or if
// ctx is done before the commit. at is its instant in unix microseconds; 0 = now.
//
// On SQLite several waiting functions share one commit, each isolated from the
// failures of the others, and run one after the other: fn must be short. On
// PostgreSQL the transaction holds the version lock in shared mode, and is
// READ COMMITTED. If the connection is lost during COMMIT the fault is
// Unavailable and the outcome is not known: an idempotency key tells.
func (d *DB) Write(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return d.write(ctx, at, false, nil, fn)
}

// WriteExclusive is Write for whoever revokes a right: on PostgreSQL it takes
// the version lock in exclusive mode, so that no other Write runs beside it
// under the old rights.
func (d *DB) WriteExclusive(ctx context.Context, at int64, fn func(context.Context, *Tx) error) error {
	return d.write(ctx, at, true, nil, fn)
}

// WriteFirst is Write, or WriteExclusive, whose first statement is known
// beforehand and gives one row: on PostgreSQL it travels in one round trip with
// BEGIN and the version lock, and sees what is there once the lock is held.
func (d *DB) WriteFirst(ctx context.Context, at int64, exclusive bool, query string, args []any, first func(scan func(dest ...any) error) error, fn func(context.Context, *Tx) error) error {
	return d.write(ctx, at, exclusive, &firstRow{query: query, args: args, take: first}, fn)
}

// writing marks the context of a running Write with its database.
type writing struct{ d *DB }

func (d *DB) write(ctx context.Context, at int64, exclusive bool, f *firstRow, fn func(context.Context, *Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if ctx.Value(writing{d}) != nil {
		return errNested
	}
	if at == 0 {
		at = d.Now()
	}
	return d.back.write(context.WithValue(ctx, writing{d}, true), at, exclusive, f, fn)
}
