package db_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
)

const bookDDL = `-- +goose Up
CREATE TABLE line (n BIGINT PRIMARY KEY, words TEXT NOT NULL);
`

func keyed(b byte) func() ([]byte, error) {
	return func() ([]byte, error) { return bytes.Repeat([]byte{b}, 32), nil }
}

func book(t *testing.T, path string, key byte) *db.DB {
	t.Helper()
	d, err := db.Open(ctx, db.Config{Engine: db.SQLite, Path: path, Key: keyed(key), Now: time.Now})
	if err == nil {
		err = d.Migrate(ctx, fstest.MapFS{"sqlite/0001_line.sql": {Data: []byte(bookDDL)}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func insert(d *db.DB, n int64) error {
	return d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO line (n, words) VALUES (?, ?)`, n, fmt.Sprintf("%0800d", n))
		return err
	})
}

// filled writes the first lines in one transaction.
func filled(t *testing.T, d *db.DB, n int64) {
	t.Helper()
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = []any{int64(i + 1), fmt.Sprintf("%0800d", i+1)}
	}
	err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.Bulk(ctx, `INSERT INTO line (n, words) VALUES (?, ?)`, rows)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func count(t testing.TB, d *db.DB) (n int64) {
	t.Helper()
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT count(*) FROM line`, nil, &n)
	})
	if err != nil {
		t.Error(err)
	}
	return n
}

// work writes and reads until it is told to end. Readers hold that whatever was
// acknowledged before they began is there.
func work(t *testing.T, d *db.DB) (end func() (acknowledged int64, longest time.Duration)) {
	var next, done, longest atomic.Int64
	next.Store(count(t, d))
	begun := next.Load()
	stop := make(chan struct{})
	var all sync.WaitGroup
	during := func(fn func()) {
		all.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					fn()
				}
			}
		})
	}
	for range 4 {
		during(func() {
			from := time.Now()
			if err := insert(d, next.Add(1)); err != nil {
				t.Error(err)
				return
			}
			done.Add(1)
			for took := int64(time.Since(from)); ; {
				most := longest.Load()
				if took <= most || longest.CompareAndSwap(most, took) {
					return
				}
			}
		})
		during(func() {
			least := begun + done.Load()
			if n := count(t, d); n < least {
				t.Errorf("a reader finds %d lines after %d were acknowledged", n, least)
			}
		})
	}
	return func() (int64, time.Duration) {
		close(stop)
		all.Wait()
		return begun + done.Load(), time.Duration(longest.Load())
	}
}

func TestADatabaseMovesToAnotherKeyWhilePeopleWork(t *testing.T) {
	folder := t.TempDir()
	from, to := filepath.Join(folder, "one.db"), filepath.Join(folder, "two.db")
	d := book(t, from, 1)
	filled(t, d, 3000)
	// Half a copy lies there from a move that was killed.
	if err := os.WriteFile(to, []byte("half a copy"), 0o600); err != nil {
		t.Fatal(err)
	}
	end := work(t, d)
	m, err := d.Move(ctx, to, bytes.Repeat([]byte{2}, 32))
	if err != nil {
		t.Fatal(err)
	}
	for ready := false; !ready; {
		if _, ready, err = m.Step(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(50 * time.Millisecond) // what is written between the last piece and the end
	if err := errors.Join(m.Sync(), m.Hold(ctx)); err != nil {
		t.Fatal(err)
	}
	m.Switch()
	time.Sleep(20 * time.Millisecond)
	acknowledged, longest := end()
	t.Logf("%d lines; the longest write took %v", acknowledged, longest)
	if n := count(t, d); n != acknowledged {
		t.Errorf("%d lines are there, %d were acknowledged", n, acknowledged)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{from, from + "-wal", from + "-shm"} {
		if _, err := os.Stat(p); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", filepath.Base(p), err)
		}
	}
	again := book(t, to, 2)
	defer again.Close()
	if n := count(t, again); n != acknowledged {
		t.Errorf("opened again: %d lines, %d were acknowledged", n, acknowledged)
	}
	if d, err := db.Open(ctx, db.Config{Engine: db.SQLite, Path: to, Key: keyed(1), Now: time.Now}); !fault.Is(err, fault.Unavailable) {
		t.Errorf("the old key opens the new file: %v, %v", d, err)
	}
}

func TestAMoveThatIsGivenUpLeavesEverythingAsItWas(t *testing.T) {
	for _, story := range []string{"at once", "half way", "while writes are held"} {
		t.Run(story, func(t *testing.T) {
			folder := t.TempDir()
			to := filepath.Join(folder, "two.db")
			d := book(t, filepath.Join(folder, "one.db"), 1)
			defer d.Close()
			filled(t, d, 2000)
			end := work(t, d)
			m, err := d.Move(ctx, to, bytes.Repeat([]byte{2}, 32))
			if err == nil && story != "at once" {
				_, _, err = m.Step(ctx)
			}
			if err == nil && story == "while writes are held" {
				err = m.Hold(ctx)
			}
			if err != nil {
				t.Fatal(err)
			}
			m.GiveUp()
			acknowledged, _ := end()
			if n := count(t, d); n != acknowledged {
				t.Errorf("%d lines are there, %d were acknowledged", n, acknowledged)
			}
			if _, err := os.Stat(to); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the copy is still there: %v", err)
			}
		})
	}
}
