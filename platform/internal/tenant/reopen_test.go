package tenant_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/operation"
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

// The page key is turned while people write; the ring alone says which files are the
// tenant's, and what a crash leaves beside them goes at the next start.
func TestThePageKeyTurnsWhileTheTenantWorks(t *testing.T) {
	eachEngine(t, func(t *testing.T, c tenant.Config) {
		ctx := context.Background()
		d, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		made, err := d.Create(ctx, tenant.New{Slug: "acme", Name: "Acme", Host: "acme.test", Region: "test", Zone: "UTC"})
		must(t, err)
		_, err = made.Ring.Stage(ctx, keys.Page)
		must(t, err)
		if c.Engine == db.PostgreSQL {
			if err := made.MovePages(ctx, 2); !fault.Is(err, fault.Conflict) || made.PagesTurn() {
				t.Errorf("on PostgreSQL: %v", err)
			}
			must(t, d.Close())
			return
		}
		folder := filepath.Join(c.Data, "tenants")
		half := filepath.Join(folder, "acme.k2.db")
		must(t, os.WriteFile(half, []byte("half a copy"), 0o600))
		must(t, d.Close())
		d, err = tenant.OpenDirectory(ctx, c) // after a crash in the middle of a copy
		must(t, err)
		if _, err := os.Stat(half); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("half a copy is there after a start: %v", err)
		}
		made = d.BySlug("acme")
		stop, written := make(chan struct{}), 0
		var all sync.WaitGroup
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				person := fmt.Sprintf("bo_%d", n)
				if _, err := made.Persons.Create(ctx, person); err != nil {
					t.Error(err)
					return
				}
				if err := made.Trail.Join(ctx, &audit.Entry{Actor: "user/us_1", Channel: operation.UI, Operation: "loan.view", Outcome: operation.Allowed, Object: person}); err != nil {
					t.Error(err)
					return
				}
				written++
			}
		})
		must(t, made.MovePages(ctx, 2))
		time.Sleep(20 * time.Millisecond)
		close(stop)
		all.Wait()
		must(t, d.Close())
		names, err := filepath.Glob(filepath.Join(folder, "*.db"))
		must(t, err)
		if want := []string{filepath.Join(folder, "acme.k2.db"), filepath.Join(folder, "acme.keys.k2.db")}; !slices.Equal(names, want) {
			t.Errorf("the files are %v, want %v", names, want)
		}
		d, err = tenant.OpenDirectory(ctx, c)
		must(t, err)
		defer d.Close()
		made = d.BySlug("acme")
		must(t, made.DB.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) error {
			var n int
			err := tx.One(ctx, `SELECT count(*) FROM audit_pending`, nil, &n)
			if err == nil && n != written {
				t.Errorf("%d entries are there, %d were acknowledged", n, written)
			}
			return err
		}))
		if _, err := made.Persons.Open(ctx, fmt.Sprintf("bo_%d", written-1)); err != nil || written == 0 {
			t.Errorf("the last of %d persons: %v", written, err)
		}
	})
}
