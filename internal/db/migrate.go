package db

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"net/url"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// goose applies the migrations that are missing. On PostgreSQL nodes wait for
// each other by a session lock, on SQLite by the file's write lock.
func (d *DB) goose(ctx context.Context, pool *sql.DB, migrations fs.FS) error {
	options := []goose.ProviderOption{goose.WithDisableGlobalRegistry(true), goose.WithSlog(d.c.Log)}
	dialect := goose.DialectSQLite3
	if d.c.Engine == PostgreSQL {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return err
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, pool, migrations, options...)
	if err != nil {
		return fmt.Errorf("read the migrations for %s: %w", d.c.Engine, err)
	}
	// A file that says something else than what the program knows is from a
	// later program: better not to touch it.
	current, newest, err := p.GetVersions(ctx)
	if err != nil {
		return d.mend(ctx, "migrate", err, false)
	}
	if current > newest {
		return fault.New(fault.Unavailable, "database_newer", "The database was made by a later version of this program. Use that one.")
	}
	if _, err := p.Up(ctx); err != nil {
		return d.mend(ctx, "migrate", err, false)
	}
	return nil
}

// Analyze lets the engine count its rows, so that it plans well. Run it after
// an import.
func (d *DB) Analyze(ctx context.Context) error {
	return d.Write(ctx, 0, func(ctx context.Context, t *Tx) error {
		_, err := t.Exec(ctx, "ANALYZE")
		return err
	})
}

// withDatabase gives a connection string for another database of the server.
func withDatabase(dsn, name string) (string, error) {
	if name == "" {
		return "", fault.Bad("name", "Give the database a name.")
	}
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		u, err := url.Parse(dsn)
		if err != nil { // its text quotes the connection string
			return "", fault.Bad("dsn", "The connection string of the PostgreSQL server cannot be read.")
		}
		u.Path = "/" + name
		u.RawPath = ""
		return u.String(), nil
	}
	// Of two settings of the same name the last one counts.
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	return dsn + " dbname='" + quote.Replace(name) + "'", nil
}
