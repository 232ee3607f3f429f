package part_test

import (
	"context"
	"encoding/json"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/lendkeep/lendkeep/internal/audit/part"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
)

func migrations() fstest.MapFS {
	out := fstest.MapFS{}
	for engine, bytes := range map[string]string{"sqlite": "BLOB", "postgres": "BYTEA"} {
		out[engine+"/0001_trail.sql"] = &fstest.MapFile{Data: []byte(`-- +goose Up
CREATE TABLE audit_pending (n BIGINT PRIMARY KEY, id TEXT NOT NULL, object TEXT NOT NULL, sealed ` + bytes + ` NOT NULL);
CREATE TABLE audit_entry (sequence BIGINT PRIMARY KEY, id TEXT NOT NULL, object TEXT NOT NULL, sealed ` + bytes + ` NOT NULL);`)}
	}
	return out
}

// desk is a trail with one entry, in which somebody searched for a name.
type desk struct {
	t    *testing.T
	d    *db.DB
	ring *keys.Ring
}

func each(t *testing.T, fn func(d *desk)) {
	dbtest.Each(t, migrations(), func(t *testing.T, d *db.DB) {
		kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.key"))
		check(t, err)
		tenant := id.Tenant("tn_00000000000000000000000001")
		wrapped, err := keys.NewRing(t.Context(), kms, tenant)
		check(t, err)
		ring, err := keys.OpenRing(t.Context(), kms, tenant, wrapped)
		check(t, err)
		one := &desk{t, d, ring}
		one.write(`INSERT INTO audit_entry (sequence, id, object, sealed) VALUES (1, 'ae_1', 'borrowers', ?)`, one.sealed("Zebulon"))
		fn(one)
	})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) write(query string, args ...any) {
	d.t.Helper()
	check(d.t, d.d.Write(d.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, query, args...)
		return err
	}))
}

// sealed is the sealed part of the entry, under the key in use: never twice the same.
func (d *desk) sealed(value string) []byte {
	d.t.Helper()
	plain, err := json.Marshal([]part.Value{{Label: "q", Salt: []byte("salt"), Value: value}})
	check(d.t, err)
	cipher, err := d.ring.SealAudit("ae_1", part.Name, plain)
	check(d.t, err)
	out, err := json.Marshal([]part.Group{{Cipher: cipher}})
	check(d.t, err)
	return out
}

// lies reads what lies there, and opens it.
func (d *desk) lies() (raw []byte, values []part.Value) {
	d.t.Helper()
	check(d.t, d.d.Read(d.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT sealed FROM audit_entry WHERE sequence = 1`, nil, &raw)
	}))
	if len(raw) == 0 {
		return nil, nil
	}
	var groups []part.Group
	check(d.t, json.Unmarshal(raw, &groups))
	plain, err := d.ring.UnsealAudit("ae_1", part.Name, groups[0].Cipher)
	check(d.t, err)
	check(d.t, json.Unmarshal(plain, &values))
	return raw, values
}

// forget forgets the name; meanwhile happens once, between its look and its write.
func (d *desk) forget(meanwhile func()) {
	d.t.Helper()
	w := part.Walk{DB: d.d, Ring: d.ring, Tells: func(value string) bool {
		if meanwhile != nil {
			act := meanwhile
			meanwhile = nil
			act()
		}
		return value == "Zebulon"
	}}
	_, _, err := w.Forget(d.t.Context(), 0)
	check(d.t, err)
}

func TestWhatWasDisposedOfMeanwhileDoesNotComeBack(t *testing.T) {
	each(t, func(d *desk) {
		d.forget(func() { d.write(`UPDATE audit_entry SET sealed = ?`, []byte{}) })
		if raw, _ := d.lies(); len(raw) != 0 {
			d.t.Errorf("an entry without content has a sealed part again: %s", raw)
		}
	})
}

func TestWhatWasSealedAnewMeanwhileIsForgottenAllTheSame(t *testing.T) {
	each(t, func(d *desk) {
		anew := d.sealed("Zebulon")
		d.forget(func() { d.write(`UPDATE audit_entry SET sealed = ?`, anew) })
		if _, values := d.lies(); len(values) != 1 || !values[0].Gone || values[0].Value != "" {
			d.t.Errorf("the entry still tells %+v", values)
		}
	})
}
