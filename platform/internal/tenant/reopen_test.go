package tenant_test

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// What was made in one run of the program is found by the next.
func TestADirectoryIsOpenedAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, c tenant.Config) {
		ctx := context.Background()
		first, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		made, err := first.Create(ctx, tenant.New{Slug: "acme", Name: "Acme", Host: "acme.test", Region: "test", Zone: "UTC"})
		must(t, err)
		must(t, first.Close())
		second, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		defer second.Close()
		if found := second.BySlug("acme"); found == nil || found.ID != made.ID {
			t.Errorf("the tenant is not there any more: %v", found)
		}
	})
}

// eachEngine gives what a directory is opened with, on both engines.
func eachEngine(t *testing.T, fn func(t *testing.T, c tenant.Config)) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			server := os.Getenv(dbtest.Variable)
			if e == db.PostgreSQL && server == "" {
				t.Skip(dbtest.Variable + " names no PostgreSQL server")
			}
			folder := t.TempDir()
			kms, err := filekms.OpenOrMake(filepath.Join(folder, "kms.key"))
			must(t, err)
			nothing := func(context.Context, *db.Tx) (policy.Vocabulary, error) {
				v, err := rule.NewVocabulary()
				return policy.Vocabulary{Loans: v, Borrowers: v, Applications: v}, err
			}
			c := tenant.Config{Engine: e, Data: folder, Postgres: server, Prefix: "again_" + strings.ToLower(rand.Text()[:8]) + "_", KMS: kms,
				Policy: policy.Config{Vocabulary: nothing}, Now: time.Now}
			if e == db.PostgreSQL {
				t.Cleanup(func() {
					for _, name := range []string{"directory", "acme", "acme_keys"} {
						if err := db.DropDatabase(context.Background(), server, c.Prefix+name); err != nil {
							t.Error(err)
						}
					}
				})
			}
			fn(t, c)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A ring that one node turns is noticed by another, through the directory alone,
// and holds after both are closed.
func TestARingThatOneNodeTurnsIsTakenOverByTheOther(t *testing.T) {
	eachEngine(t, func(t *testing.T, c tenant.Config) {
		ctx := context.Background()
		first, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		made, err := first.Create(ctx, tenant.New{Slug: "acme", Name: "Acme", Host: "acme.test", Region: "test", Zone: "UTC"})
		must(t, err)
		old, err := made.Ring.Seal("proposal", "pp_1", "input", []byte("forty"))
		must(t, err)
		other := made
		if c.Engine == db.PostgreSQL { // a SQLite file has one node
			second, err := tenant.OpenDirectory(ctx, c)
			must(t, err)
			defer second.Close()
			other = second.BySlug("acme")
		}
		_, err = made.Ring.Stage(ctx, keys.Fields)
		must(t, err)
		_, err = made.Ring.Promote(ctx, keys.Fields, 2)
		must(t, err)
		must(t, other.Ring.Refresh(ctx))
		if v := other.Ring.Using(keys.Fields); v.Number != 2 {
			t.Errorf("the other node uses version %d", v.Number)
		}
		must(t, first.Close())
		third, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		defer third.Close()
		again := third.BySlug("acme").Ring
		if got, err := again.Unseal("proposal", "pp_1", "input", old); err != nil || string(got) != "forty" || again.Using(keys.Fields).Number != 2 {
			t.Errorf("after a restart: %q, %v, version %d", got, err, again.Using(keys.Fields).Number)
		}
	})
}
