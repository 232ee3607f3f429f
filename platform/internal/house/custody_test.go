package house_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// makeKeyPurpose is a key that turns at once, because nothing is sealed under it, and of
// which no rotation goes on.
func makeKeyPurpose(w *world, _ *person) string {
	w.write(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE key_rotation SET state = 'ended', ended_at = ? WHERE ended_at = 0`, tx.At)
		return err
	})
	return string(keys.Sign)
}

// makeRotation is a rotation that goes on.
func makeRotation(w *world, who *person) string {
	purpose := w.thing("keypurpose", who)
	return w.must("POST", "/keys/"+purpose+"/rotate", `{}`)["id"].(string)
}

// makeOldVersion is a version that a rotation left behind.
func makeOldVersion(w *world, who *person) string {
	makeKeyPurpose(w, who)
	old := w.tenant.Ring.Using(keys.Sign).Number
	next, err := w.tenant.Ring.Stage(w.t.Context(), keys.Sign)
	check(w.t, err)
	_, err = w.tenant.Ring.Promote(w.t.Context(), keys.Sign, next.Number)
	check(w.t, err)
	return fmt.Sprint(old)
}

// turn takes the steps of a rotation, with the clock of the test, until it is in
// a state or ended.
func (w *world) turn(rotation, state string) {
	w.t.Helper()
	for range 10_000 {
		wait, err := w.house.Custody.Step(w.t.Context(), w.house.Gate, w.tenant, id.Rotation(rotation))
		check(w.t, err)
		w.now.Add(max(wait, time.Millisecond).Microseconds())
		if got := w.must("GET", "/key-rotations/"+rotation, ""); got["state"] == state || got["state"] == "ended" {
			return
		}
	}
	w.t.Fatalf("the rotation %s does not come to %q", rotation, state)
}

// custodyColumns are columns of bytes that hold no ciphertext, and why.
func custodyColumns() map[string]string {
	return map[string]string{
		"session.token_hash": "hash of a random token", "api_key.secret_hash": "hash of a random secret", "password_reset.token_hash": "hash of a random token",
		"way_back.token_hash": "hash of a random token", "factor_challenge.token_hash": "hash of a random token", "recovery_code.code_hash": "slow hash",
		"factor_challenge.state": "the challenge of a passkey: random bytes for minutes", "idempotency.request_hash": "keyed hash of a request, for days", "idempotency.answer": "the gate refuses to keep an answer with a sealed field",
		"audit_pending.body": "hashed as it lies; personal values are beside it", "audit_entry.body": "as audit_pending.body", "audit_entry.leaf": "hash", "audit_entry.chain": "hash",
		"audit_chain.head": "hash", "audit_state.head": "hash", "audit_node.hash": "hash", "audit_tree.edge": "hashes",
	}
}

// columnsOfBytes lists the columns of a database that could hold ciphertext.
func columnsOfBytes(t *testing.T, d *db.DB) (out []string) {
	t.Helper()
	query := `SELECT m.name || '.' || c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.type LIKE '%BLOB%' ORDER BY 1`
	if d.Engine() == db.PostgreSQL {
		query = `SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea' ORDER BY 1`
	}
	check(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, query)
		return err
	}))
	return out
}

func TestEveryColumnOfBytesIsEitherRegisteredForRotationOrNamedAsSomethingElse(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine)
			known := custodyColumns()
			for _, r := range house.Register().Sealed {
				for _, c := range r.Columns {
					known[r.Table+"."+c] = "sealed"
				}
			}
			for _, b := range house.Register().Indexed {
				known[b.Table+"."+b.Column] = "index"
			}
			columns := append(columnsOfBytes(t, w.tenant.DB), columnsOfBytes(t, w.tenant.Persons.DB)...)
			for _, c := range columns {
				if known[c] == "" {
					t.Errorf("%s: say in the register of the house how it is sealed again, or in this test what it is", c)
				}
			}
			for c := range known {
				if !slices.Contains(columns, c) {
					t.Errorf("%s is named, but there is no such column", c)
				}
			}
		})
	}
}

// safe is a house with one of everything that is sealed, several borrowers, and
// entries both pending and in the trail.
type safe struct {
	*world
	borrowers, emails []string
	loan, application string
}

// stock fills a house. Old versions go at once, where they may.
func stock(t *testing.T, w *world, borrowers int) *safe {
	t.Helper()
	s := &safe{world: w}
	w.must("POST", "/custom-fields", `{"name":"nickname","kind":"text","class":"personal"}`)
	for i := range borrowers {
		s.emails = append(s.emails, fmt.Sprintf("kept%d@example.com", i))
		s.borrowers = append(s.borrowers, w.must("POST", "/borrowers", fmt.Sprintf(`{"first_name":"Ann","last_name":"Kept%d","email":"kept%d@example.com","phone":"+1212555%04d","date_of_birth":"1990-04-01","ssn":"987-65-%04d",
			"address":{"line1":"1 Main Street","city":"Town","region":"NY","postal_code":"10001","country":"US"}}`, i, i, i, 1000+i))["id"].(string))
	}
	s.loan = w.must("POST", "/loans", `{"borrower_id":"`+s.borrowers[0]+`","principal":"5000.00","annual_rate":"0.12","term_months":12,"contract_date":"2026-06-01"}`)["id"].(string)
	w.must("POST", "/loans/"+s.loan+"/notes", `{"body":"called on Monday"}`)
	w.keep("/loans/"+s.loan, "statement.txt", []byte("paid on Monday\n"))
	w.must("PUT", "/loans/"+s.loan+"/custom-fields", `{"fields":[{"name":"nickname","value":"Annie"}]}`)
	w.must("PUT", "/settings/connections/ipstack", `{"base_url":"https://api.example.com","access_key":"abcdef","timeout_ms":1000,"use_confirmed":true}`)
	w.must("POST", "/loans/"+s.loan+"/write-off", `{"reason":"gone"}`) // waits for a second person
	for range 2 {
		s.application = makeApplication(w, nil)
	}
	w.write(func(ctx context.Context, tx *db.Tx) error {
		f := id.New[id.Factor](tx.At)
		sealed, err := w.tenant.Ring.Seal("second_factor", string(f), "sealed", []byte("totp secret"))
		if err != nil {
			return err
		}
		return identity.InsertFactor(ctx, tx, identity.Factor{ID: f, User: w.boss.id, Kind: identity.TOTP, Label: "Phone", Sealed: sealed, Active: true})
	})
	_, err := w.tenant.Trail.Sequence(t.Context())
	check(t, err)
	w.must("GET", "/applications?q=ann%40example.com", "") // its search text is sealed in an entry that is pending
	for _, p := range s.turnables() {
		w.must("PATCH", "/keys/"+string(p), fmt.Sprintf(`{"keep_days":%d}`, map[bool]int{true: 1}[p == keys.Token]))
	}
	return s
}

// turnables are the keys that can be turned here: on PostgreSQL there is no page key.
func (s *safe) turnables() (out []keys.Purpose) {
	for _, p := range keys.Purposes() {
		if p.Turns() && (p != keys.Page || s.tenant.PagesTurn()) {
			out = append(out, p)
		}
	}
	return out
}

// cell is one ciphertext as it lies.
type cell struct {
	table, place, row, column, person string
	under                             keys.Purpose
	bytes                             []byte
}

// cells reads every ciphertext and every blind index of the register, by SQL of
// the test's own.
func (s *safe) cells() (sealed []cell, indexes map[string][]byte) {
	s.t.Helper()
	for _, r := range house.Register().Sealed {
		d, person := s.tenant.DB, r.Person
		if r.Table == "person_key" {
			d = s.tenant.Persons.DB
		}
		if person == "" {
			person = "''"
		}
		for _, column := range r.Columns {
			check(s.t, d.Read(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				_, err := db.All(ctx, tx, func(x *db.Rows) (struct{}, error) {
					c := cell{table: r.Table, place: r.Place, column: column, under: r.Under}
					if c.place == "" {
						c.place = c.table
					}
					err := x.Scan(&c.row, &c.person, &c.bytes)
					if err == nil && len(c.bytes) > 0 && string(c.bytes) != "nothing to open" {
						sealed = append(sealed, s.ungrouped(c, r.Grouped)...)
					}
					return struct{}{}, err
				}, `SELECT `+r.Row+`, `+person+`, `+column+` FROM `+r.Table)
				return err
			}))
		}
	}
	indexes = map[string][]byte{}
	for _, b := range house.Register().Indexed {
		check(s.t, s.tenant.DB.Read(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := db.All(ctx, tx, func(x *db.Rows) (struct{}, error) {
				var row string
				var index []byte
				err := x.Scan(&row, &index)
				indexes[b.Table+"."+b.Column+" "+row] = index
				return struct{}{}, err
			}, `SELECT `+b.Row+`, `+b.Column+` FROM `+b.Table+` WHERE length(`+b.Column+`) > 0`)
			return err
		}))
	}
	return sealed, indexes
}

// ungrouped takes the parts of an audit entry out of their JSON.
func (s *safe) ungrouped(c cell, grouped bool) []cell {
	if !grouped {
		return []cell{c}
	}
	var parts []struct {
		Person string
		Cipher []byte
	}
	check(s.t, json.Unmarshal(c.bytes, &parts))
	var out []cell
	for _, p := range parts {
		one := c
		if one.bytes = p.Cipher; p.Person != "" {
			one.person, one.under = p.Person, keys.Persons
		}
		out = append(out, one)
	}
	return out
}

// turned reports whether a rotation of the purpose seals this cell again.
func (c cell) turned(p keys.Purpose) bool {
	return c.under == p && (p != keys.Persons || c.table == "person_key")
}

func TestEveryKeyTurnsAndTheProofFindsNothingLeft(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 3)
			for _, p := range s.turnables() {
				t.Run(string(p), func(t *testing.T) { s.turnsWhole(t, p) })
			}
			refused := []string{"digest"}
			if !s.tenant.PagesTurn() {
				refused = append(refused, "page")
			}
			for _, p := range refused {
				if got := s.send("POST", "/keys/"+p+"/rotate", `{}`, s.boss.key, s.boss.address); got.status != 409 || !strings.Contains(string(got.body), "key_does_not_turn") {
					t.Errorf("rotating %s: %d %s", p, got.status, got.body)
				}
			}
			check(t, s.tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return s.tenant.Trail.Verify(ctx, tx) }))
		})
	}
}

func (s *safe) turnsWhole(t *testing.T, p keys.Purpose) {
	before, indexes := s.cells()
	old := s.tenant.Ring.Using(p)
	found := 0
	for _, c := range before {
		if c.turned(p) {
			found++
		}
	}
	if found == 0 && slices.Contains([]keys.Purpose{keys.Fields, keys.AuditSeal, keys.Persons}, p) {
		t.Fatalf("this house holds nothing under %s, so the test says nothing", p)
	}
	made := s.must("POST", "/keys/"+string(p)+"/rotate", `{"reason":"a person left"}`)
	if got := s.send("POST", "/keys/"+string(p)+"/rotate", `{}`, s.boss.key, s.boss.address); got.status != 409 {
		t.Errorf("a second rotation of the same key: %d %s", got.status, got.body)
	}
	s.turn(made["id"].(string), "ended")
	got := s.must("GET", "/key-rotations/"+made["id"].(string), "")
	if got["state"] != "ended" || got["proved_at"] == nil || got["trouble"] != "" {
		t.Fatalf("the rotation stands at %v", got)
	}
	states := map[int]keys.State{}
	for _, v := range s.tenant.Ring.Versions(p) {
		states[v.Number] = v.State()
	}
	if states[old.Number] != keys.Dropped || s.tenant.Ring.Using(p).Number != old.Number+1 {
		t.Errorf("the versions are %v", states)
	}
	id := [4]byte{byte(old.Key >> 24), byte(old.Key >> 16), byte(old.Key >> 8), byte(old.Key)}
	after, fresh := s.cells()
	for _, c := range after {
		if c.turned(p) && bytes.Equal(c.bytes[1:5], id[:]) {
			t.Errorf("%s.%s of %s still lies under the old version", c.table, c.column, c.row)
		}
		if plain, err := s.opened(c); err != nil || len(plain) == 0 {
			t.Errorf("%s.%s of %s does not open any more: %v", c.table, c.column, c.row, err)
		}
	}
	for at, index := range indexes {
		if same := bytes.Equal(index, fresh[at]); same == (p == keys.BlindIndex) {
			t.Errorf("the index %s: unchanged is %v", at, same)
		}
	}
	s.reads(t)
	s.told(t, made["id"].(string), old.Number)
}

// told looks at the trail: the proof stands in it, and before the destruction.
func (s *safe) told(t *testing.T, rotation string, old int) {
	entries := s.must("GET", "/audit?limit=100&object="+url.QueryEscape("key_rotation/"+rotation)+"&operation=key.rotation.advance", "")["items"].([]any)
	var states []string
	for _, e := range slices.Backward(entries) {
		said := e.(map[string]any)
		after, _ := said["after"].(map[string]any)
		states = append(states, fmt.Sprint(after["state"]))
		if detail := fmt.Sprint(said["detail"]); after["state"] == "proved" && !strings.Contains(detail, "no row is left under it") {
			t.Errorf("the entry of the proof does not say it: %s", detail)
		}
	}
	if i, j := slices.Index(states, "proved"), slices.Index(states, "ended"); i < 0 || j < i {
		t.Errorf("the trail tells %v of version %d", states, old)
	}
}

// opened opens a cell at its own place.
func (s *safe) opened(c cell) ([]byte, error) {
	return s.openedAt(c, c.place, c.row, c.column, c.person)
}

func (s *safe) openedAt(c cell, table, row, column, person string) ([]byte, error) {
	r := s.tenant.Ring
	switch {
	case c.table == "person_key":
		k, err := r.OpenPerson(row, c.bytes)
		if err != nil {
			return nil, err
		}
		return []byte(k.Person()), nil
	case c.under == keys.Persons:
		k, err := s.tenant.Persons.Open(s.t.Context(), person)
		if err != nil {
			return nil, err
		}
		return k.Unseal(table, row, column, c.bytes)
	case c.under == keys.AuditSeal:
		return r.UnsealAudit(row, column, c.bytes)
	}
	return r.Unseal(table, row, column, c.bytes)
}

// reads is what people look at: everything must be there.
func (s *safe) reads(t *testing.T) {
	t.Helper()
	for _, err := range s.wrong() {
		t.Error(err)
	}
}

// wrong makes every sort of read of sealed things and tells what went wrong.
func (s *safe) wrong() (out []string) {
	ask := func(method, path, body, want string) {
		got := s.send(method, path, body, s.boss.key, s.boss.address)
		if got.status != 200 || !strings.Contains(string(got.body), want) {
			out = append(out, fmt.Sprintf("%s %s: %d %.300s, want %s", method, path, got.status, got.body, want))
		}
	}
	i := rand.IntN(len(s.borrowers))
	ask("POST", "/borrowers/"+s.borrowers[i]+"/reveal", `{"field":"email","reason":"a call"}`, s.emails[i])
	ask("GET", "/borrowers?q="+url.QueryEscape(s.emails[i]), "", s.borrowers[i])
	ask("GET", "/loans/"+s.loan+"/notes", "", "called on Monday")
	ask("GET", "/applications?q=ann%40example.com", "", s.application)
	ask("GET", "/applications/"+s.application+"/related", "", `"total":1`)
	ask("GET", "/applications/"+s.application, "", `"client_address":"8.8.8.8"`)
	ask("GET", "/settings/connections/ipstack", "", "api.example.com")
	return out
}

// Every ciphertext of every registered table is put in another row, another
// column, another table, another tenant and under another version: none opens.
func TestNoCiphertextOpensWhereItWasNotSealed(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s, other := stock(t, walkable(t, engine), 3), stock(t, walkable(t, engine), 1)
			cells, _ := s.cells()
			tables, tried, accepted := map[string]bool{}, 0, 0
			refuse := func(story string, c cell, open func() ([]byte, error)) {
				tried++
				if _, err := open(); err == nil {
					accepted++
					t.Errorf("%s: %s.%s of %s opened", story, c.table, c.column, c.row)
				}
			}
			for _, c := range cells {
				tables[c.table] = true
				refuse("another row", c, func() ([]byte, error) { return s.openedAt(c, c.place, c.row+"0", c.column, c.person) })
				if c.table != "person_key" {
					refuse("another column", c, func() ([]byte, error) { return s.openedAt(c, c.place, c.row, c.column+"_index", c.person) })
				}
				if c.under != keys.AuditSeal && c.table != "person_key" {
					refuse("another table", c, func() ([]byte, error) { return s.openedAt(c, c.place+"_old", c.row, c.column, c.person) })
				}
				refuse("another tenant", c, func() ([]byte, error) { return other.openedAt(c, c.place, c.row, c.column, c.person) })
				for _, d := range cells {
					if !bytes.Equal(c.bytes, d.bytes) {
						swapped := d
						swapped.bytes = c.bytes
						refuse("in the place of "+d.table+"."+d.column+" of "+d.row, c, func() ([]byte, error) { return s.opened(swapped) })
					}
				}
			}
			for _, p := range []keys.Purpose{keys.Fields, keys.AuditSeal, keys.Persons} {
				_, err := s.tenant.Ring.Stage(t.Context(), p)
				check(t, err)
				v := s.tenant.Ring.Versions(p)[1]
				for _, c := range cells {
					if c.turned(p) {
						c.bytes = append([]byte{1, byte(v.Key >> 24), byte(v.Key >> 16), byte(v.Key >> 8), byte(v.Key)}, c.bytes[5:]...)
						refuse("another version", c, func() ([]byte, error) { return s.opened(c) })
					}
				}
			}
			for _, r := range house.Register().Sealed {
				if !tables[r.Table] {
					t.Errorf("nothing of %s was tried", r.Table)
				}
			}
			t.Logf("%d transplants tried over %d tables, %d accepted", tried, len(tables), accepted)
		})
	}
}

// A copy of the database as it was before a rotation, with the keys as they are
// after it: what the turned key sealed cannot be read.
func TestADestroyedKeyLeavesAnOldBackupUnreadable(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 2)
			s.must("PATCH", "/keys/fields", `{"keep_days":30}`)
			backup, _ := s.cells()
			made := s.must("POST", "/keys/fields/rotate", `{}`)
			s.turn(made["id"].(string), "kept")
			for _, c := range backup {
				if _, err := s.opened(c); c.under == keys.Fields && err != nil {
					t.Errorf("while the old version is kept, a backup must open: %s of %s: %v", c.table, c.row, err)
				}
			}
			s.must("POST", "/keys/fields/versions/1/destroy", `{"reason":"a backup was lost"}`)
			s.turn(made["id"].(string), "ended")
			read := 0
			for _, c := range backup {
				if c.under != keys.Fields {
					continue
				}
				read++
				if plain, err := s.opened(c); err == nil {
					t.Errorf("%s of %s in the backup reads %q", c.table, c.row, plain)
				}
			}
			if read == 0 {
				t.Error("the backup holds nothing under the key")
			}
			s.reads(t)
			if got := s.send("POST", "/keys/fields/versions/2/destroy", `{"reason":"wrong"}`, s.boss.key, s.boss.address); got.status != 409 {
				t.Errorf("destroying the version in use: %d %s", got.status, got.body)
			}
		})
	}
}

// A row that somebody altered cannot be sealed again. The rotation says so and
// keeps the old version, rather than destroy what could be mended.
func TestARowThatCannotBeOpenedStopsTheEndOfARotation(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 1)
			bad := func(to string) {
				s.write(func(ctx context.Context, tx *db.Tx) error {
					_, err := tx.Exec(ctx, `UPDATE second_factor SET label = ? WHERE label = 'Phone'`, to)
					return err
				})
			}
			var good []byte
			s.write(func(ctx context.Context, tx *db.Tx) error {
				err := tx.One(ctx, `SELECT sealed FROM second_factor`, nil, &good)
				if err != nil {
					return err
				}
				altered := bytes.Clone(good)
				altered[len(altered)-1] ^= 1
				_, err = tx.Exec(ctx, `UPDATE second_factor SET sealed = ?`, altered)
				return err
			})
			bad("Altered")
			made := s.must("POST", "/keys/fields/rotate", `{}`)["id"].(string)
			for range 200 {
				wait, err := s.house.Custody.Step(t.Context(), s.house.Gate, s.tenant, id.Rotation(made))
				check(t, err)
				s.now.Add(max(wait, time.Millisecond).Microseconds())
				if wait == time.Hour {
					break
				}
			}
			got := s.must("GET", "/key-rotations/"+made, "")
			if !strings.Contains(got["trouble"].(string), "1 rows cannot be opened") || s.tenant.Ring.Versions(keys.Fields)[0].State() != keys.Reading {
				t.Fatalf("the rotation says %v", got)
			}
			s.write(func(ctx context.Context, tx *db.Tx) error {
				_, err := tx.Exec(ctx, `UPDATE second_factor SET sealed = ?`, good)
				return err
			})
			s.turn(made, "ended")
			s.reads(t)
		})
	}
}

// kills is how often a process is killed: fewer in the daily run, once under the race
// detector, which does not see the other process.
func kills() int {
	switch {
	case os.Getenv("LENDKEEP_PROVE") != "":
		return 50
	case testing.Short():
		return 1
	}
	return 5
}

const killedVariable = "LENDKEEP_TEST_ROTATING_HOUSE"

// The other program of the story below: a house that works until it is killed.
func TestAHouseThatIsKilled(t *testing.T) {
	given := os.Getenv(killedVariable)
	if given == "" {
		t.Skip("run by the story of the kills")
	}
	var c house.Config
	check(t, json.Unmarshal([]byte(given), &c))
	living(t, &c)
	h, err := house.Open(t.Context(), c)
	check(t, err)
	fmt.Println("ready")
	check(t, h.Run(t.Context()))
}

// living gives a house the real clock, and what cannot be handed to another
// program.
func living(t *testing.T, c *house.Config) {
	t.Helper()
	post, err := folder.New(filepath.Join(filepath.Dir(c.Data), "mail"), "no-reply@acme.test", func() int64 { return time.Now().UnixMicro() })
	check(t, err)
	const any = 1 << 30
	c.Now, c.Mail, c.Log = time.Now, post, slog.New(slog.DiscardHandler)
	c.Rates = rate.Limits{AddressPerMinute: any, KeyPerMinute: any, UserPerMinute: any, TenantPerMinute: any, Burst: any, PortalPerMinute: any, PortalBurst: any}
}

func TestARotationGoesOnAfterEveryKill(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			var c house.Config
			w := walkable(t, engine, func(o *house.Config) { o.Settle = 30 * time.Millisecond; living(t, o); c = *o })
			s := stock(t, w, 60)
			for _, p := range s.turnables() {
				s.must("POST", "/keys/"+string(p)+"/rotate", `{}`)
			}
			check(t, s.house.Close())
			handed, err := json.Marshal(map[string]any{"Data": c.Data, "Engine": c.Engine, "Postgres": c.Postgres, "Prefix": c.Prefix, "URL": c.URL, "Settle": c.Settle})
			check(t, err)
			for range kills() {
				killedAfter(t, string(handed), time.Duration(rand.IntN(1500))*time.Millisecond)
			}
			h, err := house.Open(t.Context(), c)
			check(t, err)
			s.house, s.tenant = h, h.Directory.BySlug("acme")
			s.server.Close()
			s.server = httptest.NewTLSServer(h.Handler())
			s.finish(t)
			s.reads(t)
			for _, p := range s.turnables() {
				if v := s.tenant.Ring.Using(p); v.Number != 2 {
					t.Errorf("%s is at version %d", p, v.Number)
				}
			}
			cells, _ := s.cells()
			for _, c := range cells {
				if _, err := s.opened(c); err != nil {
					t.Errorf("%s.%s of %s: %v", c.table, c.column, c.row, err)
				}
			}
		})
	}
}

// killedAfter runs the other program and kills it without warning.
func killedAfter(t *testing.T, config string, after time.Duration) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestAHouseThatIsKilled$", "-test.v")
	cmd.Env = append(os.Environ(), killedVariable+"="+config)
	out, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	var said strings.Builder
	line := make([]byte, 4096)
	for !strings.Contains(said.String(), "ready") {
		n, err := out.Read(line)
		said.Write(line[:n])
		if err != nil {
			t.Fatalf("the house did not open: %v %s", err, said.String())
		}
	}
	time.Sleep(after)
	check(t, cmd.Process.Kill())
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
}

// finish lets the house work until every rotation is ended or waits with the old
// version.
func (s *safe) finish(t *testing.T) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 3*time.Minute)
	done := make(chan error, 1)
	go func() { done <- s.house.Run(ctx) }()
	for open := true; open && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		open = false
		for _, r := range s.must("GET", "/key-rotations", "")["items"].([]any) {
			state := r.(map[string]any)["state"]
			open = open || state != "ended" && state != "kept"
		}
	}
	if ctx.Err() != nil {
		t.Errorf("the rotations did not end: %v", s.must("GET", "/key-rotations", ""))
	}
	stop()
	check(t, <-done)
}

// People read and write while every key is turned: no read fails.
func TestNoReadFailsWhileEveryKeyTurns(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine, func(o *house.Config) { o.Settle = 200 * time.Millisecond; living(t, o) }), 60)
			var reads, writes atomic.Int64
			var mu sync.Mutex
			var failed []string
			over := make(chan struct{})
			var wg sync.WaitGroup
			for range 3 {
				wg.Go(func() {
					for {
						select {
						case <-over:
							return
						default:
						}
						wrong := s.wrong()
						reads.Add(7)
						mu.Lock()
						failed = append(failed, wrong...)
						mu.Unlock()
					}
				})
			}
			wg.Go(func() {
				for i := 0; ; i++ {
					select {
					case <-over:
						return
					default:
					}
					b := s.borrowers[i%len(s.borrowers)]
					got := s.send("PATCH", "/borrowers/"+b, fmt.Sprintf(`{"phone":"+1646555%04d"}`, i%10000), s.boss.key, s.boss.address)
					if writes.Add(1); got.status != 200 {
						mu.Lock()
						failed = append(failed, fmt.Sprintf("changing %s: %d %s", b, got.status, got.body))
						mu.Unlock()
					}
				}
			})
			for _, p := range s.turnables() {
				s.must("POST", "/keys/"+string(p)+"/rotate", `{}`)
			}
			s.finish(t)
			close(over)
			wg.Wait()
			t.Logf("%d reads, %d writes, %d failed", reads.Load(), writes.Load(), len(failed))
			for _, f := range failed[:min(5, len(failed))] {
				t.Error(f)
			}
			s.reads(t)
		})
	}
}
