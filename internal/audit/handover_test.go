package audit_test

import (
	"bytes"
	"context"
	"path/filepath"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// turning is a house whose signing key can be turned.
func turning(t *testing.T) *house {
	t.Helper()
	h := build(t, db.SQLite)
	kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.json"))
	if err != nil {
		t.Fatal(err)
	}
	stored, err := keys.NewRing(t.Context(), kms, h.ring.Tenant())
	if err != nil {
		t.Fatal(err)
	}
	if h.ring, err = keys.OpenRing(t.Context(), kms, h.ring.Tenant(), stored); err != nil {
		t.Fatal(err)
	}
	h.ring.Follow(keys.Shelf{Now: h.d.Now, Load: func(context.Context) ([]byte, error) { return stored, nil },
		Swap: func(_ context.Context, old, next []byte) (bool, error) {
			if !bytes.Equal(old, stored) {
				return false, nil
			}
			stored = next
			return true, nil
		}})
	h.store.Ring, h.config.Ring = h.ring, h.ring
	h.trail = audit.New(h.config)
	return h
}

// TestAnAuditorWhoKnowsTheOldKeyTrustsTheNewOneOnlyByItsWord: the signing key is turned
// twice and the first two versions are destroyed.
func TestAnAuditorWhoKnowsTheOldKeyTrustsTheNewOneOnlyByItsWord(t *testing.T) {
	h := turning(t)
	happen := func() {
		h.join(t, denial())
		h.clock.Advance(1e9)
		h.sequence(t)
	}
	must := func(_ keys.Version, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	happen()
	known, err := h.trail.Keys()
	if err != nil {
		t.Fatal(err)
	}
	kept := h.newest(t).Note
	for n := 1; n <= 2; n++ {
		must(h.ring.Stage(t.Context(), keys.Sign))
		happen()
		must(h.ring.Promote(t.Context(), keys.Sign, n+1))
		happen()
		must(h.ring.Drop(t.Context(), keys.Sign, n))
		happen()
	}
	if err := h.verify(t.Context()); err != nil {
		t.Errorf("the trail itself: %v", err)
	}
	file, err := h.export(t, &audit.Extract{Extent: bundle.Whole}, nil)
	if err != nil {
		t.Fatal(err)
	}
	against := bundle.Against{Keys: known, Checkpoints: []string{kept}}
	if r, err := bundle.Check(bytes.NewReader(file), against); err != nil || len(r.Compared) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := h.d.Write(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM audit_handover`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if file, err = h.export(t, &audit.Extract{Extent: bundle.Whole}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := bundle.Check(bytes.NewReader(file), against); err == nil {
		t.Error("a key that nobody trusted has named is trusted")
	}
}

// TestAKeyNamedByAStrangerIsNotTrusted: whoever holds the database can put any note
// there, and his own signature under the lender's.
func TestAKeyNamedByAStrangerIsNotTrusted(t *testing.T) {
	lender, stranger := turning(t), turning(t)
	origin := lender.trail.Origin()
	known, err := lender.trail.Keys()
	if err != nil {
		t.Fatal(err)
	}
	his, err := stranger.trail.Keys()
	if err != nil {
		t.Fatal(err)
	}
	byStranger, err := checkpoint.Sign(checkpoint.Handover(origin, his[0]), stranger.trail.Signers()...)
	if err != nil {
		t.Fatal(err)
	}
	elsewhere, err := checkpoint.Sign(checkpoint.Handover("lendkeep/trail/another", his[0]), lender.trail.Signers()...)
	if err != nil {
		t.Fatal(err)
	}
	lender.join(t, denial())
	lender.clock.Advance(1e9)
	lender.sequence(t)
	if got := checkpoint.Trusted(origin, known, []string{byStranger, elsewhere, lender.newest(t).Note, "nonsense"}); len(got) != 1 {
		t.Errorf("trusted: %q", got)
	}
}
