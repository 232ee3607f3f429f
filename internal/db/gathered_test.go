package db_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// What a writer gathers before it hands it on is never what somebody was told of: the
// files as they lie there after an answer, taken to another place without the process,
// hold every acknowledged write and none that was undone. Readers meet no half page.
func TestTheFilesHoldWhatWasAcknowledged(t *testing.T) {
	c := dbtest.Config(t, db.SQLite)
	d := dbtest.OpenConfig(t, c, schema())
	r := rand.New(rand.NewPCG(22, 11))
	kept := map[string]string{}
	over := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
					borrowers(t, d)
				}
			}
		})
	}
	defer func() { close(over); readers.Wait() }()
	turns := 80
	if testing.Short() {
		turns = 22
	}
	for turn := range turns {
		rows, undo := 1+r.IntN(5), turn%7 == 3
		if turn%20 == 10 {
			rows = 1500 // more than the writer keeps in memory: pages go to the log before the commit
		}
		made := map[string]string{}
		err := d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			for i := range rows {
				id, name := fmt.Sprintf("%d-%d", turn, i), strings.Repeat(string(rune('a'+turn%26)), 1+r.IntN(6000))
				if _, err := tx.Exec(ctx, insertBorrower, id, name); err != nil {
					return err
				}
				made[id] = name
			}
			if undo {
				return errUndone
			}
			return nil
		})
		if undo != errors.Is(err, errUndone) || !undo && err != nil {
			t.Fatal(err)
		}
		if !undo {
			maps.Copy(kept, made)
		}
		if !maps.Equal(named(t, d), kept) {
			t.Fatalf("turn %d: other rows are read than were written", turn)
		}
		if turn%4 == 0 || rows > 5 {
			if !maps.Equal(named(t, dbtest.OpenConfig(t, moved(t, c), nil)), kept) {
				t.Fatalf("turn %d: other rows lie in the files than were written", turn)
			}
		}
	}
}

// named gives every borrower's name by id.
func named(t *testing.T, d *db.DB) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := db.All(ctx, tx, func(r *db.Rows) (struct{}, error) {
			var id, name string
			err := r.Scan(&id, &name)
			out[id] = name
			return struct{}{}, err
		}, "SELECT id, name FROM borrower")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

var errUndone = errors.New("undone")

// moved copies the file and its log, as they lie there, to another place.
func moved(t *testing.T, c db.Config) db.Config {
	t.Helper()
	from := c.Path
	c.Path = filepath.Join(t.TempDir(), "moved.db")
	for _, suffix := range []string{"", "-wal"} {
		b, err := os.ReadFile(from + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(c.Path+suffix, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
