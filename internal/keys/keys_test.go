package keys_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
)

func kms(t testing.TB) *filekms.KMS {
	t.Helper()
	k, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.json"))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func ring(t testing.TB, k keys.KMS, tenant id.Tenant) *keys.Ring {
	t.Helper()
	wrapped, err := keys.NewRing(t.Context(), k, tenant)
	if err != nil {
		t.Fatal(err)
	}
	r, err := keys.OpenRing(t.Context(), k, tenant, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// counted is a KMS that counts how often it is asked.
type counted struct {
	keys.KMS
	asked atomic.Int64
}

func (c *counted) Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error) {
	c.asked.Add(1)
	return c.KMS.Unwrap(ctx, wrapped, aad)
}

func TestARingOpensForItsTenantOnlyAndAsksTheKMSOnce(t *testing.T) {
	k := &counted{KMS: kms(t)}
	mine, theirs := id.New[id.Tenant](1), id.New[id.Tenant](2)
	wrapped, err := keys.NewRing(t.Context(), k, mine)
	if err != nil {
		t.Fatal(err)
	}
	r, err := keys.OpenRing(t.Context(), k, mine, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		sealed, err := r.Seal("borrower", "bo_1", "ssn", []byte("987-65-4320"))
		if err != nil {
			t.Fatal(err)
		}
		if plain, err := r.Unseal("borrower", "bo_1", "ssn", sealed); err != nil || string(plain) != "987-65-4320" {
			t.Fatalf("unseal: %q, %v", plain, err)
		}
	}
	if n := k.asked.Load(); n != 1 {
		t.Errorf("the KMS was asked %d times, want once", n)
	}
	if _, err := keys.OpenRing(t.Context(), k, theirs, wrapped); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("another tenant's ring: %v, want refused", err)
	}
	if _, err := keys.OpenRing(t.Context(), kms(t), mine, wrapped); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("another KMS key: %v, want refused", err)
	}
	for _, damaged := range [][]byte{nil, []byte("{}"), wrapped[:len(wrapped)/2], bytes.Replace(wrapped, []byte(`"key":"`), []byte(`"key":"AAAA`), 1)} {
		if _, err := keys.OpenRing(t.Context(), k, mine, damaged); err == nil {
			t.Error("a damaged ring opened")
		}
	}
}

func TestCiphertextStaysWhereItWasSealed(t *testing.T) {
	k := kms(t)
	mine, other := ring(t, k, id.New[id.Tenant](1)), ring(t, k, id.New[id.Tenant](2))
	// The same tenant with another key: what a version that was not current looks like.
	turned := ring(t, k, mine.Tenant())
	sealed, err := mine.Seal("borrower", "bo_1", "ssn", []byte("987-65-4320"))
	if err != nil {
		t.Fatal(err)
	}
	reversioned := append(append([]byte{1}, must(turned.Seal("borrower", "bo_1", "ssn", nil))[1:5]...), sealed[5:]...)
	for _, c := range []struct {
		story              string
		ring               *keys.Ring
		table, row, column string
		sealed             []byte
	}{
		{"another row", mine, "borrower", "bo_2", "ssn", sealed},
		{"another column", mine, "borrower", "bo_1", "email", sealed},
		{"another table", mine, "applicant", "bo_1", "ssn", sealed},
		{"parts that run together", mine, "borrowerbo_1", "", "ssn", sealed},
		{"another tenant", other, "borrower", "bo_1", "ssn", sealed},
		{"another key of the tenant", turned, "borrower", "bo_1", "ssn", sealed},
		{"another version in front", mine, "borrower", "bo_1", "ssn", reversioned},
		{"another version in front, under that version", turned, "borrower", "bo_1", "ssn", reversioned},
		{"nothing", mine, "borrower", "bo_1", "ssn", nil},
		{"cut", mine, "borrower", "bo_1", "ssn", sealed[:len(sealed)-1]},
	} {
		if plain, err := c.ring.Unseal(c.table, c.row, c.column, c.sealed); !errors.Is(err, keys.ErrRefused) || plain != nil {
			t.Errorf("%s: %q, %v, want refused", c.story, plain, err)
		}
	}
	if _, err := mine.UnsealAudit("bo_1", "ssn", sealed); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("a field's ciphertext under the audit key: %v", err)
	}
	for i := range sealed {
		bad := bytes.Clone(sealed)
		bad[i] ^= 1
		if _, err := mine.Unseal("borrower", "bo_1", "ssn", bad); !errors.Is(err, keys.ErrRefused) {
			t.Errorf("byte %d flipped: %v, want refused", i, err)
		}
	}
}

func must(b []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return b
}

func TestAPersonsCiphertextStaysWithThePerson(t *testing.T) {
	k := kms(t)
	r, other := ring(t, k, id.New[id.Tenant](1)), ring(t, k, id.New[id.Tenant](2))
	anna, wrapped, err := r.NewPerson("bo_anna")
	if err != nil {
		t.Fatal(err)
	}
	ben, _, err := r.NewPerson("bo_ben")
	if err != nil {
		t.Fatal(err)
	}
	sealed := must(anna.Seal("borrower", "bo_anna", "phone", []byte("212 555 0123")))
	again, err := r.OpenPerson("bo_anna", wrapped)
	if err != nil {
		t.Fatal(err)
	}
	if plain := must(again.Unseal("borrower", "bo_anna", "phone", sealed)); string(plain) != "212 555 0123" {
		t.Errorf("reopened key reads %q", plain)
	}
	reversioned := append(append([]byte{1}, must(ben.Seal("borrower", "bo_anna", "phone", nil))[1:5]...), sealed[5:]...)
	for story, unseal := range map[string]func() ([]byte, error){
		"another person":  func() ([]byte, error) { return ben.Unseal("borrower", "bo_anna", "phone", sealed) },
		"another row":     func() ([]byte, error) { return anna.Unseal("borrower", "bo_ben", "phone", sealed) },
		"another column":  func() ([]byte, error) { return anna.Unseal("borrower", "bo_anna", "email", sealed) },
		"another table":   func() ([]byte, error) { return anna.Unseal("applicant", "bo_anna", "phone", sealed) },
		"another version": func() ([]byte, error) { return ben.Unseal("borrower", "bo_anna", "phone", reversioned) },
		"version mended":  func() ([]byte, error) { return anna.Unseal("borrower", "bo_anna", "phone", reversioned) },
		"the ring's key":  func() ([]byte, error) { return r.Unseal("borrower", "bo_anna", "phone", sealed) },
	} {
		if plain, err := unseal(); !errors.Is(err, keys.ErrRefused) {
			t.Errorf("%s: %q, %v, want refused", story, plain, err)
		}
	}
	if _, err := r.OpenPerson("bo_ben", wrapped); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("anna's wrapped key as ben's: %v, want refused", err)
	}
	if _, err := other.OpenPerson("bo_anna", wrapped); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("anna's wrapped key in another tenant: %v, want refused", err)
	}
}

func TestBlindIndexTokensAndMACsAreSeparateDomains(t *testing.T) {
	k := kms(t)
	r, other := ring(t, k, id.New[id.Tenant](1)), ring(t, k, id.New[id.Tenant](2))
	rapid.Check(t, func(t *rapid.T) {
		field, value := rapid.String().Draw(t, "field"), rapid.String().Draw(t, "value")
		index := r.BlindIndex(field, value)
		if len(index) < 16 || !bytes.Equal(index, r.BlindIndex(field, value)) {
			t.Fatalf("blind index is not stable: %x", index)
		}
		for _, differs := range [][]byte{r.BlindIndex(field+"x", value), r.BlindIndex(field, value+"x"), other.BlindIndex(field, value), r.MAC(field, []byte(value))[:16]} {
			if bytes.Equal(index, differs) {
				t.Fatal("two domains share a blind index")
			}
		}
		token := r.SealToken(field, []byte(value))
		if strings.ContainsAny(token, "+/= \n") {
			t.Fatalf("token is not URL-safe: %s", token)
		}
		if plain, err := r.OpenToken(field, token); err != nil || string(plain) != value {
			t.Fatalf("token: %q, %v", plain, err)
		}
		if _, err := r.OpenToken(field+"x", token); !errors.Is(err, keys.ErrRefused) {
			t.Fatalf("token for another purpose: %v", err)
		}
		if _, err := other.OpenToken(field, token); !errors.Is(err, keys.ErrRefused) {
			t.Fatalf("token of another tenant: %v", err)
		}
	})
	if len(r.PageKey()) != 32 || bytes.Equal(r.PageKey(), other.PageKey()) {
		t.Error("page keys must be 32 bytes and differ between tenants")
	}
	signature := must(r.Sign([]byte("checkpoint")))
	if !ed25519.Verify(r.PublicKey(), []byte("checkpoint"), signature) || ed25519.Verify(other.PublicKey(), []byte("checkpoint"), signature) {
		t.Error("signature must verify under the tenant's own public key only")
	}
}

func TestNoKeyPrints(t *testing.T) {
	r := ring(t, kms(t), id.New[id.Tenant](1))
	p, wrapped, err := r.NewPerson("bo_anna")
	if err != nil {
		t.Fatal(err)
	}
	key := string(r.PageKey())
	for _, v := range []any{r, p, struct{ K *keys.PersonKey }{p}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			s := fmt.Sprintf(verb, v)
			if strings.Contains(s, key) || strings.Contains(s, string(wrapped)) || len(s) > 120 {
				t.Errorf("%s prints %q", verb, s)
			}
		}
	}
}

// "Fast enough": measured by BenchmarkNewPersonsWithSixFields.
func BenchmarkNewPersonsWithSixFields(b *testing.B) {
	r := ring(b, kms(b), id.New[id.Tenant](1))
	plain := []byte("987-65-4320")
	for b.Loop() {
		p, _, err := r.NewPerson("bo_01jnm8y7zj3q6r9t0v2x4z6a8c")
		if err != nil {
			b.Fatal(err)
		}
		for _, column := range []string{"ssn", "date_of_birth", "email", "phone", "line1", "government_id"} {
			must(p.Seal("borrower", p.Person(), column, plain))
		}
	}
}

func TestARegisterRefusesWhatCouldNotBeRotated(t *testing.T) {
	good := keys.Rewrap{Table: "borrower", Row: "id", Columns: []string{"ssn"}, Under: keys.Persons, Person: "id"}
	index := keys.Blind{Table: "borrower", Row: "id", Column: "ssn_index", Person: "id", Field: "borrower.ssn", Normal: strings.TrimSpace,
		Sealed: keys.Place{Cipher: "ssn", Row: "id", Table: "borrower", Column: "ssn"}}
	if err := (keys.Register{Sealed: []keys.Rewrap{good, keys.Stored()}, Indexed: []keys.Blind{index}}).Check(); err != nil {
		t.Errorf("a good register: %v", err)
	}
	rootless := index
	rootless.Sealed = keys.Place{}
	for story, bad := range map[string]keys.Register{
		"no columns":           {Sealed: []keys.Rewrap{{Table: "borrower", Row: "id", Under: keys.Fields}}},
		"no purpose":           {Sealed: []keys.Rewrap{{Table: "borrower", Row: "id", Columns: []string{"ssn"}}}},
		"whose key":            {Sealed: []keys.Rewrap{{Table: "borrower", Row: "id", Columns: []string{"ssn"}, Under: keys.Persons}}},
		"named two times":      {Sealed: []keys.Rewrap{good, good}},
		"an index of what":     {Indexed: []keys.Blind{rootless}},
		"indexed two times":    {Indexed: []keys.Blind{index, index}},
		"a purpose of its own": {Sealed: []keys.Rewrap{{Table: "borrower", Row: "id", Columns: []string{"ssn"}, Under: "mine"}}},
	} {
		if bad.Check() == nil {
			t.Errorf("%s: was accepted", story)
		}
	}
}

const storeDDL = `-- +goose Up
CREATE TABLE person_key (
  person       TEXT   PRIMARY KEY,
  wrapped      %s     NOT NULL,
  created_at   BIGINT NOT NULL,
  destroyed_at BIGINT NOT NULL DEFAULT 0
);
`

func migrations() fs.FS {
	return fstest.MapFS{
		"sqlite/0001_keys.sql":   {Data: fmt.Appendf(nil, storeDDL, "BLOB")},
		"postgres/0001_keys.sql": {Data: fmt.Appendf(nil, storeDDL, "BYTEA")},
	}
}

func TestADestroyedKeyIsGoneForGood(t *testing.T) {
	dbtest.Each(t, migrations(), func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s := &keys.Store{DB: d, Ring: ring(t, kms(t), id.New[id.Tenant](1))}
		made, err := s.Create(ctx, "bo_anna", "bo_ben")
		if err != nil || len(made) != 2 {
			t.Fatalf("create: %d keys, %v", len(made), err)
		}
		sealed := must(made["bo_anna"].Seal("borrower", "bo_anna", "ssn", []byte("987-65-4320")))
		anna, err := s.Open(ctx, "bo_anna")
		if err != nil {
			t.Fatal(err)
		}
		if plain := must(anna.Unseal("borrower", "bo_anna", "ssn", sealed)); string(plain) != "987-65-4320" {
			t.Errorf("stored key reads %q", plain)
		}
		if _, err := s.Create(ctx, "bo_cleo", "bo_anna"); err == nil {
			t.Error("a second key for anna replaced the first")
		}
		if _, err := s.Open(ctx, "bo_cleo"); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("cleo: %v, want no key: all or none", err)
		}
		var before []byte
		read := func(dest *[]byte) {
			t.Helper()
			if err := d.Read(ctx, d.Now(), func(ctx context.Context, tx *db.Tx) error {
				return tx.One(ctx, `SELECT wrapped FROM person_key WHERE person = ?`, []any{"bo_anna"}, dest)
			}); err != nil {
				t.Fatal(err)
			}
		}
		read(&before)
		for range 2 { // twice is no error
			if err := s.Destroy(ctx, "bo_anna"); err != nil {
				t.Fatal(err)
			}
		}
		var after []byte
		read(&after)
		if len(before) == 0 || len(after) != 0 {
			t.Errorf("%d bytes of key are left of %d", len(after), len(before))
		}
		if _, err := s.Open(ctx, "bo_anna"); !errors.Is(err, keys.ErrDestroyed) {
			t.Errorf("anna after erasure: %v, want destroyed", err)
		}
		if err := s.Destroy(ctx, "bo_nobody"); !errors.Is(err, keys.ErrNoKey) {
			t.Errorf("nobody's key: %v, want no key", err)
		}
		if _, err := s.Create(ctx, "bo_anna"); err == nil {
			t.Error("an erased person got a new key")
		}
		many, err := s.OpenMany(ctx, []string{"bo_ben", "bo_anna", "bo_nobody", "bo_ben"})
		if err != nil || len(many) != 1 || many["bo_ben"] == nil {
			t.Errorf("open many: %v, %v, want ben alone", many, err)
		}
	})
}

func TestAKeyDestroyedOnAnotherNodeIsForgottenInTime(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) {
			ctx := t.Context()
			clock := &dbtest.Clock{}
			c := dbtest.Config(t, engine)
			c.Now = clock.Now
			d := dbtest.OpenConfig(t, c, migrations())
			r := ring(t, kms(t), id.New[id.Tenant](1))
			here, there := &keys.Store{DB: d, Ring: r}, &keys.Store{DB: d, Ring: r}
			if _, err := here.Create(ctx, "bo_anna"); err != nil {
				t.Fatal(err)
			}
			if _, err := here.Open(ctx, "bo_anna"); err != nil {
				t.Fatal(err)
			}
			if err := there.Destroy(ctx, "bo_anna"); err != nil {
				t.Fatal(err)
			}
			if _, err := there.Open(ctx, "bo_anna"); !errors.Is(err, keys.ErrDestroyed) {
				t.Errorf("on the node that destroyed it: %v", err)
			}
			clock.Advance(keys.CacheFor + time.Millisecond)
			if _, err := here.Open(ctx, "bo_anna"); !errors.Is(err, keys.ErrDestroyed) {
				t.Errorf("on the other node, %v later: %v", keys.CacheFor, err)
			}
		})
	}
}

func TestManyPersonsAreOpenedInChunksAndTheCacheStaysBounded(t *testing.T) {
	dbtest.Each(t, migrations(), func(t *testing.T, d *db.DB) {
		s := &keys.Store{DB: d, Ring: ring(t, kms(t), id.New[id.Tenant](1))}
		var names []string
		for i := range keys.CacheSize + 700 {
			names = append(names, fmt.Sprintf("bo_%05d", i))
		}
		if _, err := s.Create(t.Context(), names...); err != nil {
			t.Fatal(err)
		}
		got, err := s.OpenMany(t.Context(), names)
		if err != nil || len(got) != len(names) {
			t.Fatalf("opened %d of %d: %v", len(got), len(names), err)
		}
		if n := s.Cached(); n > keys.CacheSize {
			t.Errorf("%d keys are held, want at most %d", n, keys.CacheSize)
		}
	})
}

func TestTheKeyFileIsPrivateAndNeverReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kms.json")
	first, err := filekms.OpenOrMake(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := filekms.Make(path); !errors.Is(err, filekms.ErrExists) {
		t.Errorf("a second key file: %v, want refused", err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	again, err := filekms.OpenOrMake(path)
	if err != nil || again.Name() != first.Name() {
		t.Errorf("reopened: %v, %v", again, err)
	}
	if left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), ".kms-*")); len(left) != 0 {
		t.Errorf("temporary files stayed behind: %v", left)
	}
	wrapped := must(first.Wrap(t.Context(), []byte("key"), []byte("place")))
	if _, err := again.Unwrap(t.Context(), wrapped, []byte("other place")); !errors.Is(err, keys.ErrRefused) {
		t.Errorf("unwrapped elsewhere: %v, want refused", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := filekms.Open(path); err == nil {
		t.Error("a key file that others can read was opened")
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if _, err := filekms.Open(link); err == nil {
		t.Error("a link was followed to the key file")
	}
	garbage := filepath.Join(t.TempDir(), "kms.json")
	if err := os.WriteFile(garbage, []byte(`{"secret":"hunter2"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := filekms.Open(garbage); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("garbage: %v", err)
	}
}
