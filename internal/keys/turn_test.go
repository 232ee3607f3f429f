package keys_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
)

// stand is one tenant's stored ring and the clock, as several nodes see them.
type stand struct {
	mu     sync.Mutex
	stored []byte
	now    int64
	away   bool // the directory cannot be reached
	kms    *counted
	tenant id.Tenant
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{now: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro(), kms: &counted{KMS: kms(t)}}
	s.tenant = id.New[id.Tenant](s.now)
	s.stored = must(keys.NewRing(t.Context(), s.kms, s.tenant))
	return s
}

// node opens the ring as one node of the house does.
func (s *stand) node(t testing.TB) *keys.Ring {
	t.Helper()
	s.mu.Lock()
	stored := s.stored
	s.mu.Unlock()
	r, err := keys.OpenRing(t.Context(), s.kms, s.tenant, stored)
	if err != nil {
		t.Fatal(err)
	}
	r.Follow(keys.Shelf{
		Load: func(context.Context) ([]byte, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.away {
				return nil, errors.New("the directory is away")
			}
			return bytes.Clone(s.stored), nil
		},
		Swap: func(_ context.Context, old, next []byte) (bool, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			if !bytes.Equal(s.stored, old) {
				return false, nil
			}
			s.stored = next
			return true, nil
		},
		Now: func() int64 { s.mu.Lock(); defer s.mu.Unlock(); return s.now },
	})
	return r
}

func (s *stand) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now += d.Microseconds()
}

func TestAKeyTurnsWithoutAMomentInWhichSomethingCannotBeRead(t *testing.T) {
	s := newStand(t)
	here, there := s.node(t), s.node(t)
	old := must(here.Seal("proposal", "pp_1", "input", []byte("forty")))
	staged, err := here.Stage(t.Context(), keys.Fields)
	if err != nil || staged.Number != 2 || staged.State() != keys.StandingBy {
		t.Fatalf("staged: %+v, %v", staged, err)
	}
	if again, err := there.Stage(t.Context(), keys.Fields); err != nil || again.Number != 2 || again.Key != staged.Key {
		t.Fatalf("a turn that is begun twice: %+v, %v", again, err)
	}
	if b := must(here.Seal("proposal", "pp_1", "input", nil)); !bytes.Equal(b[1:5], old[1:5]) {
		t.Error("a version that stands by was used")
	}
	if _, err := here.Promote(t.Context(), keys.Fields, 2); err != nil {
		t.Fatal(err)
	}
	fresh := must(here.Seal("proposal", "pp_2", "input", []byte("fifty")))
	for _, node := range []*keys.Ring{here, there} {
		if got, err := node.Unseal("proposal", "pp_1", "input", old); err != nil || string(got) != "forty" {
			t.Errorf("the old version: %q, %v", got, err)
		}
		if got, err := node.Unseal("proposal", "pp_2", "input", fresh); err != nil || string(got) != "fifty" {
			t.Errorf("the new version: %q, %v", got, err)
		}
	}
	if bytes.Equal(fresh[1:5], old[1:5]) {
		t.Error("the promoted version was not used")
	}
	if _, err := here.Drop(t.Context(), keys.Fields, 2); !errors.Is(err, keys.ErrNoTurn) {
		t.Errorf("dropping the version in use: %v", err)
	}
	if _, err := here.Drop(t.Context(), keys.Fields, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Unseal("proposal", "pp_1", "input", old); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("what lay under the dropped version: %v, want refused", err)
	}
	var states []keys.State
	for _, v := range here.Versions(keys.Fields) {
		states = append(states, v.State())
	}
	if !slices.Equal(states, []keys.State{keys.Dropped, keys.InUse}) {
		t.Errorf("the book says %v", states)
	}
	for _, p := range []keys.Purpose{keys.Digest, "no such purpose"} {
		if _, err := here.Stage(t.Context(), p); !errors.Is(err, keys.ErrNoTurn) {
			t.Errorf("turning %s: %v", p, err)
		}
	}
}

func TestAPageKeyIsThereBeforeItIsInUse(t *testing.T) {
	here := newStand(t).node(t)
	old := here.PageKey()
	if _, err := here.Stage(t.Context(), keys.Page); err != nil {
		t.Fatal(err)
	}
	next := must(here.PageKeyOf(2))
	if len(next) != 32 || bytes.Equal(next, old) || !bytes.Equal(here.PageKey(), old) || !bytes.Equal(must(here.PageKeyOf(1)), old) {
		t.Error("while the next one stands by, the old page key is in use")
	}
	if _, err := here.Promote(t.Context(), keys.Page, 2); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(here.PageKey(), next) || !bytes.Equal(must(here.PageKeyOf(1)), old) {
		t.Error("the promoted page key is not the one that stood by, or the old one cannot be had")
	}
	if _, err := here.Drop(t.Context(), keys.Page, 1); err != nil {
		t.Fatal(err)
	}
	for _, gone := range []int{1, 3} {
		if key, err := here.PageKeyOf(gone); !errors.Is(err, keys.ErrNoTurn) || key != nil {
			t.Errorf("version %d: %v", gone, err)
		}
	}
}

func TestANodeThatKnowsOnlyTheOldRingLearnsTheNewOne(t *testing.T) {
	s := newStand(t)
	here, there := s.node(t), s.node(t)
	asked := s.kms.asked.Load()
	_, err := here.Stage(t.Context(), keys.Fields)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := here.Promote(t.Context(), keys.Fields, 2); err != nil {
		t.Fatal(err)
	}
	fresh := must(here.Seal("proposal", "pp_1", "input", []byte("forty")))
	s.pass(time.Second)
	if got, err := there.Unseal("proposal", "pp_1", "input", fresh); err != nil || string(got) != "forty" {
		t.Errorf("an unknown version is looked up: %q, %v", got, err)
	}
	for range 50 {
		if _, err := there.Unseal("proposal", "pp_1", "input", append([]byte{1, 9, 9, 9, 9}, fresh[5:]...)); !errors.Is(err, keys.ErrRefused) {
			t.Errorf("a version that somebody made up: %v", err)
		}
		if err := there.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.kms.asked.Load() - asked; n != 1 {
		t.Errorf("the KMS was asked %d times for one new ring, want once", n)
	}
}

func TestANodeThatCannotLookAtTheRingSealsNothing(t *testing.T) {
	s := newStand(t)
	r := s.node(t)
	old := must(r.Seal("proposal", "pp_1", "input", []byte("forty")))
	s.away = true
	s.pass(keys.Lease + time.Second)
	if _, err := r.Seal("proposal", "pp_1", "input", []byte("forty")); !errors.Is(err, keys.ErrStale) {
		t.Errorf("sealing after the lease: %v, want stale", err)
	}
	if _, _, err := r.NewPerson("bo_1"); !errors.Is(err, keys.ErrStale) {
		t.Errorf("a person's key after the lease: %v, want stale", err)
	}
	if got, err := r.Unseal("proposal", "pp_1", "input", old); err != nil || string(got) != "forty" {
		t.Errorf("reading after the lease: %q, %v", got, err)
	}
	s.away = false
	if _, err := r.Seal("proposal", "pp_1", "input", []byte("forty")); err != nil {
		t.Errorf("sealing when the directory is back: %v", err)
	}
}

func TestTheNewAndTheOldSigningKeyBothSignAndThePastIsKept(t *testing.T) {
	s := newStand(t)
	r := s.node(t)
	first := r.PublicKey()
	if _, err := r.Stage(t.Context(), keys.Sign); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.PublicKey(), first) {
		t.Error("a key that stands by became the one that signs")
	}
	if _, err := r.Promote(t.Context(), keys.Sign, 2); err != nil {
		t.Fatal(err)
	}
	list := s.node(t).Signers()
	if len(list) != 2 || list[0].Number != 2 || !bytes.Equal(list[1].Public, first) || !bytes.Equal(list[0].Public, r.PublicKey()) {
		t.Fatalf("the signers are %+v", list)
	}
	for _, k := range list {
		if !ed25519.Verify(k.Public, []byte("checkpoint"), must(k.Sign([]byte("checkpoint")))) {
			t.Errorf("signer %d does not verify", k.Number)
		}
	}
	if !ed25519.Verify(list[0].Public, []byte("checkpoint"), must(r.Sign([]byte("checkpoint")))) {
		t.Error("Sign does not sign with the key in use")
	}
	if _, err := r.Drop(t.Context(), keys.Sign, 1); err != nil {
		t.Fatal(err)
	}
	again := s.node(t)
	if past := again.PublicKeys(); len(past) != 2 || !bytes.Equal(past[1], first) || !bytes.Equal(past[0], again.PublicKey()) {
		t.Errorf("the public keys of the past are %x", past)
	}
	if len(again.Signers()) != 1 || !bytes.Equal(again.Versions(keys.Sign)[0].Public, first) {
		t.Error("a dropped signing key must sign no more, and its public half must be kept")
	}
}

func TestWhileTheBlindIndexTurnsBothValuesAreLookedFor(t *testing.T) {
	s := newStand(t)
	r := s.node(t)
	old := r.BlindIndex("borrower.email", "anna@example.com")
	if got := r.BlindIndexes("borrower.email", "anna@example.com"); len(got) != 1 || !bytes.Equal(got[0], old) {
		t.Fatalf("one key, one value: %x", got)
	}
	if _, err := r.Stage(t.Context(), keys.BlindIndex); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(r.BlindIndex("borrower.email", "anna@example.com"), old) {
		t.Error("a version that stands by was used")
	}
	ahead := r.BlindIndexes("borrower.email", "anna@example.com")
	if _, err := r.Promote(t.Context(), keys.BlindIndex, 2); err != nil {
		t.Fatal(err)
	}
	fresh := r.BlindIndex("borrower.email", "anna@example.com")
	for _, list := range [][][]byte{ahead, r.BlindIndexes("borrower.email", "anna@example.com")} {
		if len(list) != 2 || !bytes.Equal(list[0], fresh) || !bytes.Equal(list[1], old) {
			t.Errorf("looked for: %x, want %x and %x", list, fresh, old)
		}
	}
	if _, err := r.Drop(t.Context(), keys.BlindIndex, 1); err != nil {
		t.Fatal(err)
	}
	if got := r.BlindIndexes("borrower.email", "anna@example.com"); len(got) != 1 || !bytes.Equal(got[0], fresh) {
		t.Errorf("after the end: %x", got)
	}
}

func TestTwoNodesThatTurnAtOnceLoseNoStep(t *testing.T) {
	s := newStand(t)
	var wg sync.WaitGroup
	for _, p := range []keys.Purpose{keys.Fields, keys.AuditSeal, keys.Sign, keys.Token, keys.Persons, keys.BlindIndex} {
		r := s.node(t)
		wg.Go(func() {
			_, err := r.Stage(t.Context(), p)
			if err == nil {
				_, err = r.Promote(t.Context(), p, 2)
			}
			if err == nil {
				_, err = r.Drop(t.Context(), p, 1)
			}
			if err != nil {
				t.Errorf("%s: %v", p, err)
			}
		})
	}
	wg.Wait()
	r := s.node(t)
	for _, p := range []keys.Purpose{keys.Fields, keys.AuditSeal, keys.Sign, keys.Token, keys.Persons, keys.BlindIndex} {
		if v := r.Using(p); v.Number != 2 {
			t.Errorf("%s is at version %d", p, v.Number)
		}
	}
}

// Whoever can write the directory, but holds no key, puts one purpose's keyset
// of an older ring back: the book does not know it.
func TestAKeysetOfAnOlderRingCannotBePutBackAlone(t *testing.T) {
	s := newStand(t)
	before := bytes.Clone(s.stored)
	r := s.node(t)
	if _, err := r.Stage(t.Context(), keys.Fields); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Promote(t.Context(), keys.Fields, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Drop(t.Context(), keys.Fields, 1); err != nil {
		t.Fatal(err)
	}
	mixed := func(part func(old, now map[string]json.RawMessage)) []byte {
		var old, now map[string]json.RawMessage
		if json.Unmarshal(before, &old) != nil || json.Unmarshal(s.stored, &now) != nil {
			t.Fatal("the rings are not JSON")
		}
		part(old, now)
		return must(json.Marshal(now))
	}
	for story, forged := range map[string][]byte{
		"all keysets of the older ring": mixed(func(old, now map[string]json.RawMessage) { now["keysets"] = old["keysets"] }),
		"the book of the older ring":    mixed(func(old, now map[string]json.RawMessage) { now["book"] = old["book"] }),
		"the first form, without book":  mixed(func(_, now map[string]json.RawMessage) { delete(now, "book"); now["version"] = []byte("1") }),
		"no book":                       mixed(func(_, now map[string]json.RawMessage) { delete(now, "book") }),
	} {
		if _, err := keys.OpenRing(t.Context(), s.kms, s.tenant, forged); !errors.Is(err, keys.ErrRefused) {
			t.Errorf("%s: %v, want refused", story, err)
		}
	}
}

// A ring that an earlier release stored has no book; it opens, and can turn.
func TestARingOfTheFirstFormCanTurn(t *testing.T) {
	s := newStand(t)
	s.stored = must(keys.FirstForm(t.Context(), s.kms, s.tenant))
	r := s.node(t)
	old := must(r.Seal("proposal", "pp_1", "input", []byte("forty")))
	if v := r.Using(keys.Fields); v.Number != 1 || v.Made != id.Instant(s.tenant) {
		t.Errorf("the version is %+v", v)
	}
	if _, err := r.Stage(t.Context(), keys.Fields); err != nil {
		t.Fatal(err)
	}
	if got, err := s.node(t).Unseal("proposal", "pp_1", "input", old); err != nil || string(got) != "forty" {
		t.Errorf("%q, %v", got, err)
	}
}
