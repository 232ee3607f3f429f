// Package sqlite opens the encrypted files of package db, and runs compiled
// statements on their connections.
//
// Invariants: the page key is handed over by a file system that only this file
// uses, never in a DSN; statements are compiled once a connection; a statement
// that writes is never interrupted. It knows transactions only as statements
// to run, and must not know what is stored.
package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/driver"
	"github.com/ncruces/go-sqlite3/vfs"
	encrypted "github.com/ncruces/go-sqlite3/vfs/adiantum"
	"lukechampine.com/adiantum"
	"lukechampine.com/adiantum/hbsh"
)

// Config says which file, and how package db wants its statements.
type Config struct {
	Path  string
	Key   []byte                     // 32 bytes
	Fit   func(arg any) (any, error) // makes an argument nil, int64, float64, string or []byte
	Admit func(query string) error   // refuses a statement before it is compiled
}

// File is one encrypted database file.
type File struct {
	c   Config
	vfs string
	dsn string
}

// Open makes the file if it is not there, for its owner alone, and gives its
// connections their key. It does not read the file.
func Open(c Config) (*File, error) {
	path, err := filepath.Abs(c.Path)
	if err != nil {
		return nil, err
	}
	for _, suffix := range []string{"", "-shm"} { // the log takes its mode from the file
		made, err := os.OpenFile(path+suffix, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if err := made.Close(); err != nil {
			return nil, err
		}
	}
	var name [8]byte
	rand.Read(name[:])
	c.Key = bytes.Clone(c.Key)
	f := &File{c: c, vfs: "lendkeep-" + hex.EncodeToString(name[:])}
	mode := strings.ReplaceAll(url.QueryEscape(path), "+", "%20")
	u := url.URL{Scheme: "file", Path: path, RawQuery: "vfs=" + f.vfs + "&textkey=page&modeof=" + mode}
	f.dsn = u.String()
	vfs.Register(f.vfs, gatherVFS{encrypted.Wrap(wholeVFS{vfs.Find(""), new(sync.RWMutex)}, pageKey{c.Key})})
	return f, nil
}

// Close forgets the key. Close the connections before it.
func (f *File) Close() {
	vfs.Unregister(f.vfs)
	clear(f.c.Key)
}

// Connect opens a connection and proves that the key fits: sqlite3.NOTADB if
// it does not.
func (f *File) Connect(ctx context.Context, reader bool) (*Conn, error) {
	c, err := sqlite3.OpenContext(ctx, f.dsn)
	if err != nil {
		return nil, err
	}
	if err := prepareConn(c, reader); err != nil {
		c.Close()
		return nil, err
	}
	return &Conn{f: f, c: c, kept: map[string]*Stmt{}, ctl: map[string]*sqlite3.Stmt{}}, nil
}

// Pool opens the file once more, for the migrations' library.
func (f *File) Pool() (*sql.DB, error) {
	pool, err := driver.Open(f.dsn+"&_txlock=immediate", func(c *sqlite3.Conn) error { return prepareConn(c, false) })
	if err != nil {
		return nil, err
	}
	pool.SetMaxOpenConns(1)
	return pool, nil
}

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
		PRAGMA cache_size = -16000; -- kibibytes
		PRAGMA journal_size_limit = 33554432;
		PRAGMA wal_autocheckpoint = 4000; -- pages: what is written again and again goes to the file a quarter as often
		SELECT count(*) FROM sqlite_schema;`
	if reader {
		// A page of fifty rows that lie scattered in a large book reads some two
		// hundred pages of the file, and each must be deciphered unless it is kept.
		pragmas += "PRAGMA query_only = on; PRAGMA cache_size = -8000;"
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
