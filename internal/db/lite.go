package db

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/vfs"
	encrypted "github.com/ncruces/go-sqlite3/vfs/adiantum"
	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// busyTimeout is how long one process waits for another one's write.
const busyTimeout = 5 * time.Second

// pageKey makes the cipher of one database's pages. The file system that it
// is registered with has a random name, so nobody else finds the key.
type pageKey struct{ key []byte }

// KDF gives the page key for the database (whose DSN names no key, only that
// there is one), and a random key for temporary files.
func (k pageKey) KDF(secret string) []byte {
	if secret == "" {
		b := make([]byte, 32)
		rand.Read(b)
		return b
	}
	return bytes.Clone(k.key)
}

// HBSH gives the cipher for a 32-byte key, nil for another.
func (k pageKey) HBSH(key []byte) *hbsh.HBSH {
	if len(key) != 32 {
		return nil
	}
	return adiantum.New(key)
}

// lite is a database on SQLite: one writer connection that callers take turns
// with, and some reader connections.
type lite struct {
	d    *DB
	vfs  string
	dsn  string
	key  []byte
	w    writer
	sem  chan struct{} // a place for each reader
	mu   sync.Mutex
	idle []*liteConn // guarded by mu; the last one used is the last
	shut bool        // guarded by mu
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
	path, err := filepath.Abs(d.c.Path)
	if err != nil {
		return nil, err
	}
	d.where = path
	// The file is made here, so that it and its log are for its owner alone.
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fault.Wrap(fault.Unavailable, "database_file", "The database file cannot be opened. Check that its folder exists and may be written to.", err)
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	var name [8]byte
	rand.Read(name[:])
	readers := d.c.Readers
	if readers <= 0 {
		readers = 4
	}
	l := &lite{d: d, key: bytes.Clone(key), vfs: "lendkeep-" + hex.EncodeToString(name[:]), sem: make(chan struct{}, readers)}
	u := url.URL{Scheme: "file", Path: path, RawQuery: "vfs=" + l.vfs + "&textkey=page"}
	l.dsn = u.String()
	vfs.Register(l.vfs, encrypted.Wrap(vfs.Find(""), pageKey{l.key}))
	l.w.l = l
	if l.w.conn, err = l.connect(ctx, false); err != nil {
		vfs.Unregister(l.vfs)
		return nil, err
	}
	return l, nil
}

// connect opens a connection and proves that the key fits.
func (l *lite) connect(ctx context.Context, reader bool) (*liteConn, error) {
	c, err := sqlite3.OpenContext(ctx, l.dsn)
	if err == nil {
		if err = prepareConn(c, reader); err == nil {
			return newLiteConn(c)
		}
		c.Close()
	}
	if errors.Is(err, sqlite3.NOTADB) {
		return nil, fault.Wrap(fault.Unavailable, "database_key", "The page key does not fit this database file. Check which key belongs to it.", err)
	}
	return nil, l.d.mend(ctx, "open", err, false)
}

// prepareConn sets what every connection needs. The key came with the file
// system; the first pragma that reads the file proves it.
func prepareConn(c *sqlite3.Conn, reader bool) error {
	if err := c.BusyTimeout(busyTimeout); err != nil {
		return err
	}
	pragmas := `PRAGMA temp_store = memory;
		PRAGMA journal_mode = wal;
		PRAGMA synchronous = full;
		PRAGMA foreign_keys = on;
		PRAGMA trusted_schema = off;
		PRAGMA secure_delete = on;
		PRAGMA case_sensitive_like = on;
		PRAGMA cache_size = -4000;
		PRAGMA journal_size_limit = 33554432;
		SELECT count(*) FROM sqlite_schema;`
	if reader {
		pragmas += "PRAGMA query_only = on;"
	}
	if err := c.Exec(pragmas); err != nil {
		return err
	}
	for op, on := range map[sqlite3.DBConfig]bool{
		sqlite3.DBCONFIG_ENABLE_QPSG: true, // plans do not change with bound values, so statements are compiled once
		sqlite3.DBCONFIG_DEFENSIVE:   true,
		sqlite3.DBCONFIG_DQS_DML:     false, // "x" is a column, as on PostgreSQL, never text
		sqlite3.DBCONFIG_DQS_DDL:     false,
	} {
		if _, err := c.Config(op, on); err != nil {
			return err
		}
	}
	return nil
}

// migrate runs on a connection of its own, with goose.
func (l *lite) migrate(ctx context.Context, migrations fs.FS) error {
	pool, err := driver.Open(l.dsn+"&_txlock=immediate", func(c *sqlite3.Conn) error { return prepareConn(c, false) })
	if err != nil {
		return err
	}
	defer pool.Close()
	pool.SetMaxOpenConns(1)
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
	c, err := l.reader(ctx)
	if err != nil {
		<-l.sem
		return err
	}
	t := &Tx{At: at, d: l.d, lite: c}
	defer func() {
		t.end()
		l.release(c)
	}()
	if err := c.control("BEGIN"); err != nil {
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

// reader takes an idle reader connection or opens one.
func (l *lite) reader(ctx context.Context) (*liteConn, error) {
	l.mu.Lock()
	if l.shut {
		l.mu.Unlock()
		return nil, errClosed()
	}
	if n := len(l.idle); n > 0 {
		c := l.idle[n-1]
		l.idle = l.idle[:n-1]
		l.mu.Unlock()
		return c, nil
	}
	l.mu.Unlock()
	return l.connect(ctx, true)
}

// release ends a reader's snapshot and puts the connection back.
func (l *lite) release(c *liteConn) {
	if !c.c.GetAutocommit() && c.control("COMMIT") != nil {
		c.close()
		c = nil
	}
	l.mu.Lock()
	if c != nil {
		l.idle = append(l.idle, c)
	}
	l.mu.Unlock()
	<-l.sem
}

// close waits for the readers and for the writers before it, and forgets the key.
func (l *lite) close() error {
	if !l.w.shut() {
		return nil
	}
	for range cap(l.sem) {
		l.sem <- struct{}{}
	}
	l.mu.Lock()
	l.shut = true
	idle := l.idle
	l.idle = nil
	l.mu.Unlock()
	var err error
	for _, c := range idle {
		err = errors.Join(err, c.close())
	}
	if l.w.conn != nil {
		err = errors.Join(err, l.w.conn.close()) // the last one out: it empties the log into the file
	}
	vfs.Unregister(l.vfs)
	clear(l.key)
	for range cap(l.sem) {
		<-l.sem
	}
	return err
}

func errClosed() error {
	return &fault.Error{Kind: fault.Unavailable, Reason: "database_closed", Message: "The database is closing. Try again shortly.", RetryAfter: retryAfter}
}
