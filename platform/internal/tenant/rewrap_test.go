package tenant_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// failing is a KMS that stops answering after some calls, as if the command had
// been killed there; before, if given, comes before each wrapping.
type failing struct {
	keys.KMS
	left   int
	before func()
}

var errAway = errors.New("the KMS is away")

func (f *failing) Wrap(ctx context.Context, plain, aad []byte) ([]byte, error) {
	if f.left--; f.left < 0 {
		return nil, errAway
	}
	if f.before != nil {
		f.before()
	}
	return f.KMS.Wrap(ctx, plain, aad)
}

func (f *failing) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	if f.left--; f.left < 0 {
		return nil, errAway
	}
	return f.KMS.Unwrap(ctx, wrapped, aad)
}

// Every ring is wrapped under another KMS key, wherever the command is broken off
// in between: called again it ends, and nothing is lost.
func TestRingsMoveToAnotherKMSKey(t *testing.T) {
	eachEngine(t, func(t *testing.T, c tenant.Config) {
		ctx := context.Background()
		first, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		made, err := first.Create(ctx, tenant.New{Slug: "acme", Name: "Acme", Host: "acme.test", Region: "test", Zone: "UTC"})
		must(t, err)
		sealed, err := made.Ring.Seal("proposal", "pp_1", "input", []byte("forty"))
		must(t, err)
		must(t, first.Close())

		tries := 0
		for ended := false; !ended; tries++ {
			next, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "next.key"))
			must(t, err)
			_, err = tenant.Rewrap(ctx, c, &failing{KMS: next, left: tries}, func(string, bool) {})
			if ended = err == nil; !ended && !errors.Is(err, errAway) {
				t.Fatal(err)
			}
			var already []bool
			n, err := tenant.Rewrap(ctx, c, next, func(_ string, done bool) { already = append(already, done) })
			if err != nil || n != 2 || len(already) != 2 {
				t.Fatalf("broken off after %d calls: %d rings, %v", tries, n, err)
			}
			if _, err := tenant.OpenDirectory(ctx, c); !errors.Is(err, keys.ErrRefused) {
				t.Fatalf("the old key still opens: %v", err)
			}
			c.KMS = next
			if left, err := filepath.Glob(filepath.Join(c.Data, ".ring-*")); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
			if tries%4 != 0 && !ended { // opening every tenant takes its time
				continue
			}
			again, err := tenant.OpenDirectory(ctx, c)
			must(t, err)
			ring := again.BySlug("acme").Ring
			if got, err := ring.Unseal("proposal", "pp_1", "input", sealed); err != nil || string(got) != "forty" || ring.KMS() != next.Name() {
				t.Errorf("%q under %s, %v", got, ring.KMS(), err)
			}
			must(t, again.Close())
		}
		if tries < 8 {
			t.Errorf("the command was broken off at %d places only", tries)
		}
	})
}

// Who turns a ring at that moment loses nothing: what was read is replaced, and
// nothing else.
func TestARingThatIsTurnedMeanwhileIsReadAgain(t *testing.T) {
	eachEngine(t, func(t *testing.T, c tenant.Config) {
		if c.Engine == db.SQLite {
			t.Skip("a SQLite directory has one user")
		}
		ctx := context.Background()
		node, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		defer node.Close()
		made, err := node.Create(ctx, tenant.New{Slug: "acme", Name: "Acme", Host: "acme.test", Region: "test", Zone: "UTC"})
		must(t, err)
		next, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "next.key"))
		must(t, err)
		wraps := 0
		to := &failing{KMS: next, left: 100, before: func() {
			if wraps++; wraps == 3 { // after the probe and the directory's own
				_, err := made.Ring.Stage(ctx, keys.Fields)
				must(t, err)
			}
		}}
		_, err = tenant.Rewrap(ctx, c, to, func(string, bool) {})
		must(t, err)
		if wraps != 4 {
			t.Errorf("%d rings were wrapped, want one of them twice", wraps)
		}
		c.KMS = next
		after, err := tenant.OpenDirectory(ctx, c)
		must(t, err)
		defer after.Close()
		if n := len(after.BySlug("acme").Ring.Versions(keys.Fields)); n != 2 {
			t.Errorf("the turn is lost: %d versions", n)
		}
	})
}
