package db_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
)

func TestZeroConfigIsRefused(t *testing.T) {
	key := func() ([]byte, error) { return make([]byte, 32), nil }
	path := filepath.Join(t.TempDir(), "x.db")
	for name, c := range map[string]db.Config{
		"zero":          {},
		"no clock":      {Engine: db.SQLite, Path: path, Key: key},
		"no engine":     {Path: path, Key: key, Now: time.Now},
		"no key":        {Engine: db.SQLite, Path: path, Now: time.Now},
		"no path":       {Engine: db.SQLite, Key: key, Now: time.Now},
		"short key":     {Engine: db.SQLite, Path: path, Key: func() ([]byte, error) { return make([]byte, 16), nil }, Now: time.Now},
		"key not found": {Engine: db.SQLite, Path: path, Key: func() ([]byte, error) { return nil, errors.New("the key store is away") }, Now: time.Now},
		"no folder":     {Engine: db.SQLite, Path: path + "/no/x.db", Key: key, Now: time.Now},
		"no DSN":        {Engine: db.PostgreSQL, Now: time.Now},
		"broken DSN":    {Engine: db.PostgreSQL, DSN: "postgres://u:hunter2@h:port/x", Now: time.Now},
	} {
		d, err := db.Open(ctx, c)
		if err == nil {
			d.Close()
			t.Errorf("%s: opened", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error tells the password: %v", name, err)
		}
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a refused configuration made a file: %v", err)
	}
}

// files gives the bytes of a database's file, log and index.
func files(t *testing.T, path string) []byte {
	t.Helper()
	var all []byte
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		b, err := os.ReadFile(path + suffix)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		all = append(all, b...)
	}
	return all
}

func TestFileShowsNeitherKeyNorContent(t *testing.T) {
	c := dbtest.Config(t, db.SQLite)
	c.Path = filepath.Join(filepath.Dir(c.Path), "a tenant? 100%+1&x=#2.db") // no name is special
	key, _ := c.Key()
	d := dbtest.OpenConfig(t, c, schema())
	const secret = "Wilhelmina Featherstonehaugh"
	add := func(id string) {
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, insertBorrower, id, secret)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look := func(when string) {
		all := files(t, c.Path)
		if len(all) < 8192 {
			t.Fatalf("%s: only %d bytes on disk", when, len(all))
		}
		for what, text := range map[string][]byte{"the key": key, "a name": []byte(secret), "a table's name": []byte("borrower"), "SQLite's header": []byte("SQLite format")} {
			if bytes.Contains(all, text) {
				t.Errorf("%s: %s stands in the file", when, what)
			}
		}
	}
	add("one")
	look("while open, with a log")
	for _, suffix := range []string{"", "-wal", "-shm"} {
		info, err := os.Stat(c.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("others may read the file%s: %v", suffix, info.Mode())
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	look("after closing")
	if err := d.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	for name, err := range map[string]error{
		"read":  d.Read(ctx, 0, func(context.Context, *db.Tx) error { return nil }),
		"write": d.Write(ctx, 0, func(context.Context, *db.Tx) error { return nil }),
	} {
		if !fault.Is(err, fault.Unavailable) || !db.IsBusyOrDown(err) {
			t.Errorf("%s after closing: %v", name, err)
		}
	}
}

func TestFileRefusesTheWrongKey(t *testing.T) {
	c := dbtest.Config(t, db.SQLite)
	d, err := db.Open(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Migrate(ctx, schema()); err != nil {
		t.Fatal(err)
	}
	addBorrower(t, d, "ann")
	wrong := c
	wrong.Key = func() ([]byte, error) { return bytes.Repeat([]byte{7}, 32), nil }
	for range 2 { // while it is open, and after
		if _, err := db.Open(ctx, wrong); fault.As(err) == nil || fault.As(err).Reason != "database_key" {
			t.Errorf("got %v, want the fault database_key", err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	again := dbtest.OpenConfig(t, c, nil)
	if got := borrowers(t, again); len(got) != 1 {
		t.Errorf("after the wrong key: %v", got)
	}
}

func TestFileWaitsForAnotherProcessAndGivesUp(t *testing.T) {
	c := dbtest.Config(t, db.SQLite)
	one := dbtest.OpenConfig(t, c, schema())
	two := dbtest.OpenConfig(t, c, nil) // another process would do the same
	entered, gate, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		done <- one.Write(ctx, 0, func(context.Context, *db.Tx) error { close(entered); <-gate; return nil })
	}()
	<-entered
	err := two.Write(ctx, 0, func(context.Context, *db.Tx) error { return nil })
	if f := fault.As(err); f == nil || f.Kind != fault.Unavailable || f.RetryAfter == 0 || !db.IsBusyOrDown(err) {
		t.Errorf("got %v", err)
	}
	close(gate)
	if err := <-done; err != nil {
		t.Error(err)
	}
	addBorrower(t, two, "ann")
	want(t, "seen by the other", borrowers(t, one), []string{"ann"})
}

// severed is a door to a PostgreSQL server that a test can slam.
func severed(t *testing.T, c db.Config) (door db.Config, slam func(), reopen func()) {
	t.Helper()
	i := strings.Index(c.DSN, "@") + 1
	j := i + strings.IndexAny(c.DSN[i:], "/?")
	server := c.DSN[i:j]
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	conns := make(chan net.Conn, 1000)
	open := make(chan bool, 1)
	open <- true
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			isOpen := <-open
			open <- isOpen
			if !isOpen {
				in.Close()
				continue
			}
			out, err := net.Dial("tcp", server)
			if err != nil {
				in.Close()
				continue
			}
			conns <- in
			conns <- out
			pipe := func(to, from net.Conn) {
				b := make([]byte, 4096)
				for {
					n, err := from.Read(b)
					if n > 0 {
						to.Write(b[:n])
					}
					if err != nil {
						to.Close()
						return
					}
				}
			}
			go pipe(in, out)
			go pipe(out, in)
		}
	}()
	cut := func(to bool) {
		<-open
		open <- to
		for len(conns) > 0 {
			(<-conns).Close()
		}
	}
	c.DSN = c.DSN[:i] + l.Addr().String() + c.DSN[j:]
	return c, func() { cut(false) }, func() { cut(true) }
}

func TestPostgresAway(t *testing.T) {
	c, slam, reopen := severed(t, dbtest.Config(t, db.PostgreSQL))
	var log bytes.Buffer
	c.Log = slog.New(slog.NewTextHandler(&log, nil))
	d := dbtest.OpenConfig(t, c, schema())
	addBorrower(t, d, "ann")

	reopen() // the idle connections are dead, the server is there: nobody notices
	want(t, "after a restart", borrowers(t, d), []string{"ann"})
	addBorrower(t, d, "bob")

	slam()
	for name, err := range map[string]error{
		"read":  d.Read(ctx, 0, func(context.Context, *db.Tx) error { return nil }),
		"write": d.Write(ctx, 0, func(context.Context, *db.Tx) error { return nil }),
	} {
		f := fault.As(err)
		if f == nil || f.Kind != fault.Unavailable || f.RetryAfter != 5*time.Second || !db.IsBusyOrDown(err) || f.Cause == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if got := log.String(); !strings.Contains(got, "does not answer") || strings.Count(got, "level=ERROR") != 1 {
		t.Errorf("the log does not say once what to do:\n%s", got)
	}

	reopen()
	want(t, "when it is back", borrowers(t, d), []string{"ann", "bob"})
	err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		if _, err := tx.Exec(ctx, insertBorrower, "carl", "Carl"); err != nil {
			return err
		}
		reopen() // the connection dies before the commit
		return nil
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("a commit without a connection: %v", err)
	}
	err = d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		reopen()
		_, err := tx.Exec(ctx, insertBorrower, "dee", "Dee")
		if !db.IsBusyOrDown(err) {
			t.Errorf("a statement without a connection: %v", err)
		}
		return err
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	want(t, "in the end", borrowers(t, d), []string{"ann", "bob"})
}

func TestPostgresRefusesAnotherCollation(t *testing.T) {
	c := dbtest.Config(t, db.PostgreSQL)
	d := dbtest.OpenConfig(t, c, nil)
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		var collation string
		err := tx.One(ctx, "SELECT datcollate FROM pg_database WHERE datname = current_database()", nil, &collation)
		want(t, "collation", collation, "C")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	admin := os.Getenv(dbtest.Variable)
	if _, err := db.CreateDatabase(ctx, admin, ""); err == nil {
		t.Error("a database without a name")
	}
	if _, err := db.CreateDatabase(ctx, admin, "postgres"); !fault.Is(err, fault.Conflict) {
		t.Errorf("a database that is there already: %v", err)
	}
}

func TestFileLetsIdleReadersGo(t *testing.T) {
	var clock dbtest.Clock
	c := dbtest.Config(t, db.SQLite)
	c.Now = clock.Now
	d := dbtest.OpenConfig(t, c, schema())
	inside := func(n int) { // n readers at once
		gate := make(chan struct{})
		var all, in sync.WaitGroup
		for range n {
			in.Add(1)
			all.Go(func() {
				err := d.Read(ctx, 0, func(context.Context, *db.Tx) error { in.Done(); <-gate; return nil })
				if err != nil {
					t.Error(err)
				}
			})
		}
		in.Wait()
		close(gate)
		all.Wait()
	}
	inside(4)
	open := func() (n int) {
		links, err := filepath.Glob("/proc/self/fd/*")
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range links {
			if to, err := os.Readlink(l); err == nil && to == c.Path {
				n++
			}
		}
		return n
	}
	if open() == 0 {
		t.Skip("the system does not list open files")
	}
	want(t, "one writer and four readers", open(), 5)
	for range 4 {
		clock.Advance(2 * time.Minute)
		inside(1)
	}
	want(t, "one writer and one reader", open(), 2)
	inside(4)
	want(t, "again as many as needed", open(), 5)
}
