package house_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/house/restore"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// placed lets the sequencer place and sign what there is.
func (w *world) placed() {
	w.t.Helper()
	for range 3 {
		w.now.Add(time.Second.Microseconds())
		_, err := w.tenant.Trail.Sequence(w.t.Context())
		check(w.t, err)
	}
}

// backedUp takes a backup into a file, as the command does.
func (w *world) backedUp(kind string) string {
	w.t.Helper()
	call := &gate.Request{Tenant: w.tenant, Channel: operation.Console, Job: "console"}
	b, err := gate.Run(w.t.Context(), w.house.Gate, w.house.Backups.Begin, call, nil, func(in *backups.BeginIn) error { in.Kind = kind; return nil })
	check(w.t, err)
	name := filepath.Join(w.t.TempDir(), string(b.ID))
	f, err := os.Create(name)
	check(w.t, err)
	defer f.Close()
	check(w.t, w.house.Backup(w.t.Context(), w.tenant, b.ID, f))
	return name
}

// elsewhere is a place where nothing is but the key file, in the house's region.
func (w *world) elsewhere(engine db.Engine) house.Config {
	w.t.Helper()
	c := w.house.Config
	c.Engine, c.Region, c.Data = engine, "test", filepath.Join(w.t.TempDir(), "data")
	c.Prefix = fmt.Sprintf("b%d_%s_", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	check(w.t, os.MkdirAll(c.Data, 0o700))
	key, err := os.ReadFile(filepath.Join(w.house.Config.Data, "kms.key"))
	check(w.t, err)
	check(w.t, os.WriteFile(filepath.Join(c.Data, "kms.key"), key, 0o600))
	w.t.Cleanup(func() {
		if engine == db.PostgreSQL {
			for _, name := range w.databases(c) {
				check(w.t, db.DropDatabase(context.Background(), c.Postgres, name))
			}
		}
	})
	return c
}

// databases lists what a place has on the PostgreSQL server.
func (w *world) databases(c house.Config) (out []string) {
	w.t.Helper()
	d, err := db.Open(context.Background(), db.Config{Engine: db.PostgreSQL, DSN: c.Postgres, Now: time.Now})
	check(w.t, err)
	defer d.Close()
	check(w.t, d.Read(context.Background(), 0, func(ctx context.Context, tx *db.Tx) (err error) {
		out, err = db.All(ctx, tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, `SELECT datname::text FROM pg_database WHERE datname LIKE ? ESCAPE '\'`, db.LikeEscape(c.Prefix)+"%")
		return err
	}))
	return out
}

// void is a restore by an operator who knows nothing of the time since.
func void(data, keyStore string) restore.Restoring {
	return restore.Restoring{Data: data, KeyStore: keyStore, Void: true, Administrator: "first@acme.test"}
}

// moved opens the restored house in the place of the first one.
func (s *safe) moved(c house.Config) *safe {
	s.t.Helper()
	h, err := house.Open(context.Background(), c)
	check(s.t, err)
	s.t.Cleanup(func() { check(s.t, h.Close()) })
	w := &world{premises: &premises{t: s.t, house: h, tenant: h.Directory.BySlug("acme")}, things: map[string]string{}, dir: s.dir}
	w.now.Store(s.now.Load())
	w.server = httptest.NewTLSServer(h.Handler())
	s.t.Cleanup(w.server.Close)
	return &safe{world: w, borrowers: s.borrowers, emails: s.emails, loan: s.loan, application: s.application}
}

// eachWay runs with a stocked house of one engine and a place for each.
func eachWay(t *testing.T, fn func(s *safe, to house.Config)) {
	for name, from := range enginesOf(t) {
		for other, to := range enginesOf(t) {
			t.Run(name+" to "+other, func(t *testing.T) {
				s := stock(t, walkable(t, from), 3)
				s.placed()
				fn(s, s.elsewhere(to))
			})
		}
	}
}

// one asks for one number.
func (w *world) one(query string, args ...any) (n int64) {
	w.t.Helper()
	check(w.t, w.tenant.DB.Read(w.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return tx.One(ctx, query, args, &n) }))
	return n
}

const paid = `SELECT COUNT(*) FROM ledger_entry WHERE kind = 'payment'`

// entered counts payments in the trail: those placed, and those that wait.
const entered = `SELECT (SELECT COUNT(*) FROM audit_entry WHERE operation = 'loan.payment.log' AND outcome = 'allowed')
	+ (SELECT COUNT(*) FROM audit_pending WHERE operation = 'loan.payment.log' AND outcome = 'allowed')`

// People work while the backup is taken. What comes back is one moment of the house: its
// trail verifies, every payment has its entry, and everything sealed opens.
func TestAHouseThatIsBackedUpUnderTrafficComesBackWhole(t *testing.T) {
	eachWay(t, func(s *safe, to house.Config) {
		var work sync.WaitGroup
		ctx, stop := context.WithCancel(t.Context())
		pays := 0
		work.Go(func() {
			for ctx.Err() == nil {
				s.must("POST", "/loans/"+s.loan+"/payments", `{"amount":"1.00","method":"cash"}`)
				if pays++; pays%20 == 0 {
					s.placed()
				}
			}
		})
		time.Sleep(200 * time.Millisecond)
		data, keyStore := s.backedUp("data"), s.backedUp("key_store")
		time.Sleep(50 * time.Millisecond)
		stop()
		work.Wait()
		done, err := restore.Restore(s.t.Context(), to, void(data, keyStore))
		check(s.t, err)
		r := s.moved(to)
		was, is := s.one(paid), r.one(paid)
		if is == 0 || is >= was || is != r.one(entered) {
			s.t.Errorf("of %d payments %d came back, with %d entries", was, is, r.one(entered))
		}
		check(s.t, r.tenant.DB.Read(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return r.tenant.Trail.Verify(ctx, tx) }))
		sealed, _ := r.cells()
		if len(sealed) < 40 {
			s.t.Errorf("only %d sealed values came back", len(sealed))
		}
		for _, c := range sealed {
			if plain, err := r.opened(c); err != nil || len(plain) == 0 {
				s.t.Errorf("%s.%s of %s does not open: %v", c.table, c.column, c.row, err)
			}
		}
		r.nobodyBut("first@acme.test", s)
		if said := strings.Join(done.Words, "\n"); !strings.Contains(said, "The KMS key alone vouches") || !strings.Contains(said, "switched off") {
			s.t.Errorf("the operator is told:\n%s", said)
		}
		if n := r.one(`SELECT COUNT(*) FROM audit_pending WHERE operation = 'backup.restore' AND channel = 'console'`); n != 1 {
			s.t.Errorf("%d entries say that the house was restored", n)
		}
		s.goesOn(r)
	})
}

// nobodyBut wants every way in closed but that of one administrator.
func (r *safe) nobodyBut(email string, before *safe) {
	r.t.Helper()
	for what, query := range map[string]string{
		"people":    `SELECT COUNT(*) FROM staff WHERE active = 1 AND email <> '` + email + `'`,
		"passwords": `SELECT COUNT(*) FROM staff WHERE active = 1 AND password_hash <> ''`,
		"keys":      `SELECT COUNT(*) FROM api_key WHERE revoked_at = 0`, "sessions": `SELECT COUNT(*) FROM session WHERE ended_at = 0`,
		"grants": `SELECT COUNT(*) FROM access_grant WHERE ended_at = 0`, "proposals": `SELECT COUNT(*) FROM proposal WHERE state = 'open'`,
		"links": `SELECT COUNT(*) FROM password_reset WHERE used_at = 0`, "letters": `SELECT COUNT(*) FROM job WHERE kind LIKE '%mail%'`,
	} {
		if n := r.one(query); n != 0 {
			r.t.Errorf("%d %s are still good", n, what)
		}
	}
	if n := r.one(`SELECT COUNT(*) FROM staff WHERE active = 1`); n != 1 {
		r.t.Errorf("%d people are on", n)
	}
	if got := r.send("GET", "/loans", "", before.boss.key, before.boss.address); got.status != 401 && got.status != 403 {
		r.t.Errorf("an old API key: %d %s", got.status, got.body)
	}
}

// goesOn has the trail of the restored house go on from the backup's.
func (s *safe) goesOn(r *safe) {
	s.t.Helper()
	before := r.one(`SELECT MAX(sequence) FROM audit_entry`)
	for range 3 {
		s.now.Add(time.Minute.Microseconds()) // the sequencer of the lost house has a lease
		_, err := r.tenant.Trail.Sequence(s.t.Context())
		check(s.t, err)
	}
	if after := r.one(`SELECT MAX(sequence) FROM audit_entry`); after <= before {
		s.t.Errorf("the trail ends with entry %d, as in the backup", after)
	}
	check(s.t, r.tenant.DB.Read(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error { return r.tenant.Trail.Verify(ctx, tx) }))
}

// sayable is what the operator reads of an error.
func sayable(err error) string {
	text := err.Error()
	for _, f := range fault.As(err).Fields {
		text += " " + f.Path + ": " + f.Mend
	}
	return text
}

// Whatever is wrong is said before anything is written.
func TestARestoreThatMustNotBeIsRefusedAndLeavesNothing(t *testing.T) {
	w := walkable(t, db.SQLite)
	s := stock(t, w, 2)
	s.placed()
	data, keyStore := s.backedUp("data"), s.backedUp("key_store")
	other := walkable(t, db.SQLite)
	other.placed()
	foreign := other.backedUp("key_store")
	for story, c := range map[string]struct {
		alter func(c *house.Config, r *restore.Restoring)
		says  string
	}{
		"another region":     {func(c *house.Config, _ *restore.Restoring) { c.Region = "eu-west" }, "must stay in test"},
		"no region":          {func(c *house.Config, _ *restore.Restoring) { c.Region = "" }, "LENDKEEP_REGION"},
		"the files confused": {func(_ *house.Config, r *restore.Restoring) { r.Data, r.KeyStore = r.KeyStore, r.Data }, "key store"},
		"another tenant's":   {func(_ *house.Config, r *restore.Restoring) { r.KeyStore = foreign }, "different tenants"},
		"another KMS": {func(c *house.Config, _ *restore.Restoring) {
			c.KMS = keyFile(filepath.Join(other.house.Config.Data, "kms.key"))
		}, "wrapped by"},
		"no KMS": {func(c *house.Config, _ *restore.Restoring) { c.KMS = keyFile(filepath.Join(c.Data, "nothing")) }, "key file"},
		"an old key store": {func(c *house.Config, _ *restore.Restoring) {
			c.Now = func() time.Time { return time.UnixMicro(w.now.Load()).Add(8 * 24 * time.Hour) }
		}, "older than 7 days"},
		"nothing of the time since": {func(_ *house.Config, r *restore.Restoring) { r.Void = false }, "--void"},
		"nobody stays":              {func(_ *house.Config, r *restore.Restoring) { r.Administrator = "" }, "who stays on"},
		"an altered file":           {func(_ *house.Config, r *restore.Restoring) { r.Data = altered(t, r.Data) }, "not as it was written"},
		"a file cut off":            {func(_ *house.Config, r *restore.Restoring) { r.Data = shorter(t, r.Data) }, "cut off"},
		"a stranger's key":          {func(_ *house.Config, r *restore.Restoring) { r.Keys = other.keysOf() }, "not signed by a key that is trusted"},
	} {
		t.Run(story, func(t *testing.T) {
			to, r := s.elsewhere(db.SQLite), void(data, keyStore)
			c.alter(&to, &r)
			_, err := restore.Restore(t.Context(), to, r)
			if err == nil || !strings.Contains(sayable(err), c.says) {
				t.Errorf("%v", err)
			}
			if made, _ := filepath.Glob(filepath.Join(to.Data, "*")); len(made) != 1 {
				t.Errorf("it left %v", made)
			}
		})
	}
	to := s.elsewhere(db.SQLite)
	r := void(data, keyStore)
	r.Keys = s.keysOf()
	_, err := restore.Restore(t.Context(), to, r)
	check(t, err)
	if _, err := restore.Restore(t.Context(), to, r); err == nil || !strings.Contains(sayable(err), "never overwrites") {
		t.Errorf("a second restore to the same place: %v", err)
	}
	if n := s.moved(to).one(paid); n != 0 {
		t.Errorf("%d payments", n)
	}
}

// keyFile opens a key file as the house opens its KMS.
func keyFile(path string) func(context.Context, bool) (keys.KMS, error) {
	return func(context.Context, bool) (keys.KMS, error) { return filekms.Open(path) }
}

func (w *world) keysOf() []string {
	w.t.Helper()
	k, err := w.tenant.Trail.Keys()
	check(w.t, err)
	return k
}

func altered(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	check(t, err)
	b[len(b)/2] ^= 1
	return kept(t, b)
}

func shorter(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	check(t, err)
	return kept(t, b[:len(b)-1])
}

func kept(t *testing.T, b []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(name, b, 0o600))
	return name
}

// A restore that ends in the middle leaves nothing that opens; the next one clears away
// what it left and succeeds.
func TestARestoreThatDiesLeavesNothingAndTheNextOneSucceeds(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 2)
			s.placed()
			data, keyStore := s.backedUp("data"), s.backedUp("key_store")
			to := s.elsewhere(engine)
			nobody := void(data, keyStore)
			nobody.Administrator = "nobody@acme.test" // is found out when everything is loaded
			if _, err := restore.Restore(t.Context(), to, nobody); err == nil || !strings.Contains(sayable(err), "administrator") {
				t.Fatalf("%v", err)
			}
			if left := s.left(to); len(left) != 0 {
				t.Errorf("what failed left %v", left)
			}
			// A process that was killed could not clear away: leave what it would leave.
			s.litter(to)
			left := s.left(to)
			if len(left) == 0 {
				t.Fatal("nothing was left to clear away, so the test says nothing")
			}
			_, err := restore.Restore(t.Context(), to, void(data, keyStore))
			check(t, err)
			for _, l := range left {
				if strings.Contains(strings.Join(s.left(to), " "), l) {
					t.Errorf("%s is still there", l)
				}
			}
			if s.moved(to).tenant == nil {
				t.Error("the tenant is not there")
			}
		})
	}
}

// left lists databases of tenants in a place.
func (s *safe) left(c house.Config) (out []string) {
	s.t.Helper()
	if c.Engine == db.PostgreSQL {
		for _, d := range s.databases(c) {
			if !strings.HasSuffix(d, "directory") {
				out = append(out, d)
			}
		}
		return out
	}
	files, err := filepath.Glob(filepath.Join(c.Data, "tenants", "*"))
	check(s.t, err)
	return files
}

// litter leaves what a killed restore leaves: databases that no row names.
func (s *safe) litter(c house.Config) {
	s.t.Helper()
	for _, end := range []string{"", "keys"} {
		if c.Engine == db.PostgreSQL {
			name := c.Prefix + "acme_rabcdef"
			if end != "" {
				name += "_" + end
			}
			_, err := db.CreateDatabase(s.t.Context(), c.Postgres, name)
			check(s.t, err)
			continue
		}
		name := "acme.restored-abcdef"
		if end != "" {
			name += "." + end
		}
		check(s.t, os.WriteFile(filepath.Join(c.Data, "tenants", name+".db"), []byte("half"), 0o600))
	}
}

// witnessed is a house whose checkpoints and notices go to a folder.
func (s *safe) witnessed(folder string) {
	s.t.Helper()
	s.write(func(ctx context.Context, tx *db.Tx) error { return witness.Operated(ctx, tx, folder, "house/operator") })
}

// told lets the witness take what there is.
func (s *safe) publish() {
	s.t.Helper()
	s.placed()
	p := witness.Publisher{DB: s.tenant.DB, Trail: s.tenant.Trail, Lender: "Acme", Notices: s.house.Noticed(), Log: s.house.Config.Log,
		Open: func(w witness.Row) (witness.Witness, error) { return witness.Folder{Path: w.Target}, nil }}
	check(s.t, p.Last(s.t.Context()))
}

// on reports whether a person is.
func (s *safe) on(who *person) bool {
	return s.one(`SELECT active FROM staff WHERE id = ?`, who.id) == 1
}

// What somebody lost after the backup does not come back with it, and nobody else loses
// anything: the witness tells.
func TestWhatWasTakenAwayAfterTheBackupStaysTakenAway(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			s := stock(t, walkable(t, engine), 3)
			folder := t.TempDir()
			s.witnessed(folder)
			gone, keyless, narrowed, kept := s.newcomer(policy.Agent), s.newcomer(policy.Agent), s.newcomer(policy.Investor), s.newcomer(policy.Manager)
			own := s.must("POST", "/roles", `{"name":"Own","ui":["loan.list"],"api":["loan.list","loan.view"]}`)["id"].(string)
			s.must("PATCH", "/users/"+string(narrowed.id), `{"role":"Own"}`)
			second := s.must("POST", "/users/"+string(keyless.id)+"/api-keys", `{"label":"Second","scope":["me.view"]}`)["id"].(string)
			s.publish()
			data, keyStore := s.backedUp("data"), s.backedUp("key_store")
			before := s.elsewhere(engine)
			if _, err := restore.Restore(t.Context(), before, restore.Restoring{Data: data, KeyStore: keyStore, Witnesses: []string{t.TempDir()}}); err == nil {
				t.Error("an empty folder is taken for a witness")
			}
			s.must("PATCH", "/users/"+string(gone.id), `{"active":false}`)
			s.must("DELETE", "/api-keys/"+second, "")
			s.must("PUT", "/roles/"+own, `{"name":"Own","ui":["loan.list"],"api":["loan.list"]}`)
			check(t, s.tenant.Trail.Join(t.Context(), &audit.Entry{Actor: "house/privacy", Channel: operation.Job, Operation: "privacy.erasure.advance", Object: "borrower/" + s.borrowers[1], Outcome: operation.Allowed}))
			check(t, s.tenant.Persons.Destroy(t.Context(), s.borrowers[1]))
			s.publish()
			for story, spoil := range spoiling {
				_, err := restore.Restore(t.Context(), before, restore.Restoring{Data: data, KeyStore: keyStore, Witnesses: []string{s.spoilt(folder, spoil)}, Keys: s.keysOf()})
				if !errors.Is(err, witness.ErrNotices) {
					t.Errorf("%s: %v", story, err)
				}
			}
			to := s.elsewhere(engine)
			done, err := restore.Restore(t.Context(), to, restore.Restoring{Data: data, KeyStore: keyStore, Witnesses: []string{folder}, Keys: s.keysOf()})
			check(t, err)
			said := strings.Join(done.Words, "\n")
			r := s.moved(to)
			if r.on(gone) || r.on(narrowed) || !r.on(keyless) || !r.on(kept) || !r.on(s.boss) {
				t.Errorf("on are: switched off %v, narrowed %v, without a key %v, others %v %v\n%s", r.on(gone), r.on(narrowed), r.on(keyless), r.on(kept), r.on(s.boss), said)
			}
			if n := r.one(`SELECT COUNT(*) FROM api_key WHERE id = ? AND revoked_at = 0`, second); n != 0 {
				t.Error("the key that was revoked is good again")
			}
			if got := r.send("GET", "/loans", "", kept.key, kept.address); got.status != 200 {
				t.Errorf("somebody whom nothing concerned: %d %s", got.status, got.body)
			}
			if _, err := r.tenant.Persons.Open(t.Context(), s.borrowers[1]); !errors.Is(err, keys.ErrDestroyed) {
				t.Errorf("the key of the erased: %v", err)
			}
			if n := r.one(`SELECT COUNT(*) FROM borrower WHERE id = ? AND (last_name LIKE 'Kept%' OR city = 'Town')`, s.borrowers[1]); n != 0 {
				t.Error("name or town of the erased came back")
			}
			if n := r.one(`SELECT COUNT(*) FROM erasure WHERE object = ? AND state = 'done'`, "borrower/"+s.borrowers[1]); n != 1 {
				t.Errorf("%d erasures are done", n)
			}
			if _, err := r.tenant.Persons.Open(t.Context(), s.borrowers[0]); err != nil {
				t.Errorf("the key of another: %v", err)
			}
			for _, want := range []string{"Erased again: borrower/" + s.borrowers[1], "(user.update)", "(role.update)", "The witness goes on to entry"} {
				if !strings.Contains(said, want) {
					t.Errorf("%q is not said:\n%s", want, said)
				}
			}
			if strings.Contains(said, "vouches") {
				t.Error("a key was given, and it is said that none was")
			}
			s.goesOn(r)
			s.partsFrom(r, folder)
		})
	}
}

// spoiling is what somebody who can write to the witness's folder does so that a
// revocation is not told.
var spoiling = map[string]func(notices string) string{
	"the last notice is about another": func(n string) string {
		return n[:strings.LastIndex(n, "borrower/")] + "borrower/bo_x" + n[strings.LastIndex(n, "borrower/")+13:]
	},
	"the last notices are cut off": func(n string) string { return n[:strings.LastIndex(n, "lendkeep/trail/tn_")] },
	"the last notices are torn":    func(n string) string { return n[:len(n)-20] },
}

// spoilt gives a copy of a witness's folder with other notices.
func (s *safe) spoilt(folder string, spoil func(string) string) string {
	s.t.Helper()
	to, origin := s.t.TempDir(), s.tenant.Trail.Origin()
	for name, change := range map[string]func(string) string{witness.NoticesOf(origin): spoil, witness.FileOf(origin): func(n string) string { return n }} {
		b, err := os.ReadFile(filepath.Join(folder, name))
		check(s.t, err)
		check(s.t, os.WriteFile(filepath.Join(to, name), []byte(change(string(b))), 0o600))
	}
	return to
}

// partsFrom has the old witness see that the restored house is not the one it knows.
func (s *safe) partsFrom(r *safe, folder string) {
	s.t.Helper()
	r.witnessed(folder)
	p := witness.Publisher{DB: r.tenant.DB, Trail: r.tenant.Trail, Lender: "Acme", Notices: r.house.Noticed(), Log: s.house.Config.Log,
		Open: func(w witness.Row) (witness.Witness, error) { return witness.Folder{Path: w.Target}, nil }}
	check(s.t, p.Last(s.t.Context()))
	if n := r.one(`SELECT COUNT(*) FROM audit_witness WHERE parted > 0`); n != 1 {
		s.t.Error("the old witness does not say that the trail has parted")
	}
	r.witnessed(s.t.TempDir())
	check(s.t, p.Last(s.t.Context()))
	if n := r.one(`SELECT COUNT(*) FROM audit_witness WHERE active = 1 AND parted = 0 AND size > 0`); n != 1 {
		s.t.Error("a new folder does not take the restored trail")
	}
}

// Nobody's right is decided by a word that somebody forgot: every operation that changes
// who may do what is noticed, and has a consequence.
func TestEveryChangeOfAccessIsNoticed(t *testing.T) {
	w := walkable(t, db.SQLite)
	list := w.house.Noticed()
	for _, want := range []string{"user.update", "role.update", "search_restriction.assign", "ip_rule.delete", "api_key.revoke", "me.api_key.revoke", "password.change", "password.reset", "factor.remove", "user.factors.reset", "team.update", "policy_file.import", "proposal.approve"} {
		if !slices.Contains(list, want) {
			t.Errorf("%s is not noticed", want)
		}
	}
	for _, not := range []string{"loan.payment.log", "session.begin", "borrower.reveal", "key.rotate"} {
		if slices.Contains(list, not) {
			t.Errorf("%s is noticed", not)
		}
	}
}
