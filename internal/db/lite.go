package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"

	"github.com/ncruces/go-sqlite3"

	"github.com/lendkeep/lendkeep/internal/db/sqlite"
	"github.com/lendkeep/lendkeep/internal/db/statement"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// lite is a database on SQLite: one writer connection that callers take turns
// with, and some reader connections.
type lite struct {
	d       *DB
	readers *sqlite.Readers
	w       writer
	sem     chan struct{} // a place for each reader
}

func openLite(ctx context.Context, d *DB) (backend, error) {
	if d.c.Path == "" {
		return nil, fault.Bad("path", "Name the file of the database.")
	}
	if d.c.Key == nil {
		return nil, fault.Bad("key", "Give the page key of the database: it is never opened without one.")
	}
	key, err := d.c.Key()
	if err != nil {
		return nil, fmt.Errorf("ask for the page key: %w", err)
	}
	if len(key) != 32 {
		return nil, fault.Bad("key", "The page key must have 32 bytes.")
	}
	d.where = d.c.Path
	file, err := sqlite.Open(sqlite.Config{Path: d.c.Path, Key: key, Fit: statement.Plain, Admit: statement.RefuseControl})
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "database_file", "The database file cannot be opened. Check that its folder exists and may be written to.", err)
	}
	readers := d.c.Readers
	if readers <= 0 {
		readers = 4
	}
	l := &lite{d: d, readers: sqlite.NewReaders(file, d.Now), sem: make(chan struct{}, readers)}
	l.w.l = l
	if l.w.conn, err = l.connect(ctx, file, false); err != nil {
		file.Close()
		return nil, err
	}
	return l, nil
}

// connect opens a connection and proves that the key fits.
func (l *lite) connect(ctx context.Context, file *sqlite.File, reader bool) (*sqlite.Conn, error) {
	c, err := file.Connect(ctx, reader)
	return c, l.connected(ctx, err)
}

// connected says what it means that a connection could not be opened.
func (l *lite) connected(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sqlite.ErrShut):
		return errClosed()
	case errors.Is(err, sqlite3.NOTADB):
		return fault.Wrap(fault.Unavailable, "database_key", "The page key does not fit this database file. Check which key belongs to it.", err)
	}
	return l.d.mend(ctx, "open", err, false)
}

// migrate runs on a connection of its own, with goose.
func (l *lite) migrate(ctx context.Context, migrations fs.FS) error {
	pool, err := l.readers.File().Pool()
	if err != nil {
		return err
	}
	defer pool.Close()
	return l.d.goose(ctx, pool, migrations)
}

func (l *lite) read(ctx context.Context, at int64, f *firstRow, fn func(context.Context, *Tx) error) error {
	select {
	case l.sem <- struct{}{}:
	default:
		select {
		case l.sem <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c, err := l.readers.Take(ctx)
	if err != nil {
		<-l.sem
		return l.connected(ctx, err)
	}
	t := &Tx{At: at, d: l.d, lite: c}
	defer func() {
		t.end()
		l.readers.Release(c)
		<-l.sem
	}()
	if err := c.Control("BEGIN"); err != nil {
		return l.d.mend(ctx, "BEGIN", err, false)
	}
	if f != nil {
		scan := func(dest ...any) error { return t.One(ctx, f.query, f.args, dest...) }
		if err := f.take(scan); err != nil {
			return err
		}
	}
	if err := fn(ctx, t); err != nil {
		return err
	}
	return t.failed
}

// close waits for the readers and for the writers before it, and forgets the key.
func (l *lite) close() error {
	if !l.w.shut() {
		return nil
	}
	for range cap(l.sem) {
		l.sem <- struct{}{}
	}
	err := l.readers.Shut()
	if l.w.conn != nil {
		err = errors.Join(err, l.w.conn.Close()) // the last one out: it empties the log into the file
	}
	l.readers.File().Close()
	for range cap(l.sem) {
		<-l.sem
	}
	return err
}

func errClosed() error {
	return &fault.Error{Kind: fault.Unavailable, Reason: "database_closed", Message: "The database is closing. Try again shortly.", RetryAfter: retryAfter}
}

// liteOne is One on SQLite.
func (t *Tx) liteOne(ctx context.Context, query string, args, dest []any) error {
	st, err := t.lite.Start(query, args)
	if err != nil {
		return t.fail(ctx, query, err)
	}
	defer st.Release()
	more, err := st.Step(ctx)
	if err != nil {
		return t.fail(ctx, query, err)
	}
	if !more {
		return sql.ErrNoRows
	}
	if err := st.Scan(dest); err != nil {
		return err
	}
	return t.fail(ctx, query, st.Finish(ctx)) // INSERT … RETURNING checks its references at the end
}
