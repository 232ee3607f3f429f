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
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// What was made in one run of the program is found by the next.
func TestADirectoryIsOpenedAgain(t *testing.T) {
	for _, e := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(e.String(), func(t *testing.T) {
			server := os.Getenv(dbtest.Variable)
			if e == db.PostgreSQL && server == "" {
				t.Skip(dbtest.Variable + " names no PostgreSQL server")
			}
			ctx, folder := context.Background(), t.TempDir()
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
						if err := db.DropDatabase(ctx, server, c.Prefix+name); err != nil {
							t.Error(err)
						}
					}
				})
			}
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
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
