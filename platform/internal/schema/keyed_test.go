package schema_test

import (
	"context"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/platform/internal/schema"
)

// upTo is the list of migrations as it was when one was the newest.
func upTo(t *testing.T, number string) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	check(t, fs.WalkDir(schema.Tenant(), ".", func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || path.Base(p)[:4] > number {
			return err
		}
		b, err := fs.ReadFile(schema.Tenant(), p)
		out[p] = &fstest.MapFile{Data: b}
		return err
	}))
	return out
}

func TestTheUpgradeDropsBareHashesOfRequestsAndKeepsTheAnswers(t *testing.T) {
	dbtest.Each(t, upTo(t, "0014"), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		check(t, d.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES ('user/us_1', 'borrower.create', 'k', ?, ?, 7)`,
				[]byte("a hash that nine digits can be guessed from"), []byte(`{"id":"br_1"}`))
			return err
		}))
		check(t, d.Migrate(ctx, schema.Tenant()))
		var hash, answer []byte
		var at int64
		check(t, d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			return tx.One(ctx, `SELECT request_hash, answer, at FROM idempotency WHERE principal = 'user/us_1' AND operation = 'borrower.create' AND given_key = 'k'`, nil, &hash, &answer, &at)
		}))
		if len(hash) != 0 || string(answer) != `{"id":"br_1"}` || at != 7 {
			t.Errorf("after the upgrade: hash %q, answer %q, at %d", hash, answer, at)
		}
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
