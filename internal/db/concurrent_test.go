package db_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
)

// Readers beside a writer see whole pages. Without exclusion below the page
// cipher this fails within seconds on SQLite: a frame appended to the log
// rewrites the end of the one before it.
func TestReadersBesideAWriterSeeWholePages(t *testing.T) {
	files := fstest.MapFS{}
	for _, e := range []string{"sqlite", "postgres"} {
		files[e+"/0001_t.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\nCREATE TABLE t (id BIGINT PRIMARY KEY, body TEXT NOT NULL);\n")}
	}
	dbtest.Each(t, files, func(t *testing.T, d *db.DB) {
		const writes = 600
		stop := make(chan struct{})
		var readers sync.WaitGroup
		for range 6 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					err := d.Read(context.Background(), 1, func(ctx context.Context, tx *db.Tx) error {
						var n, sum int64
						return tx.One(ctx, `SELECT COUNT(*), COALESCE(SUM(LENGTH(body)), 0) FROM t`, nil, &n, &sum)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		for i := range writes {
			err := d.Write(context.Background(), 1, func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `INSERT INTO t (id, body) VALUES (?, ?)`, int64(i), fmt.Sprintf("%0400d", i))
				return err
			})
			if err != nil {
				t.Error(err)
				break
			}
		}
		close(stop)
		readers.Wait()
	})
}
