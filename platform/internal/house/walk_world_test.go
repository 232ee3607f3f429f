package house_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/house/hush"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// world is a house in which one of everything exists, so that {id} in a route
// stands for something that is there. What a call uses up is made anew before
// the next call needs it. The test moves the clock, so that the trail of a call
// is what was written at its instant.
type world struct {
	*premises
	now    atomic.Int64
	boss   *person           // an administrator who makes things, and does not walk
	site   *person           // a lender's server, likewise
	things map[string]string // what is at hand, by kind; "own" kinds by kind and person
	count  int               // of the things made, for names that must differ
	dir    string            // where the house keeps its things
	logged lines             // what it has logged
}

// people enough for everything that is walked, in a house that limits no rate.
func walkable(t *testing.T, engine db.Engine, alter ...func(*house.Config)) *world {
	t.Helper()
	w := &world{premises: &premises{t: t}, things: map[string]string{}}
	w.now.Store(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixMicro())
	w.dir = t.TempDir()
	ctx, dir, dsn := context.Background(), w.dir, os.Getenv("LENDKEEP_TEST_POSTGRES")
	post, err := folder.New(filepath.Join(dir, "mail"), "no-reply@acme.test", w.now.Load)
	check(t, err)
	prefix := fmt.Sprintf("w%d_%s_", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	const any = 1 << 30
	c := house.Config{Data: filepath.Join(dir, "data"), Engine: engine, Postgres: dsn, Prefix: prefix, Proxies: []string{"127.0.0.1"}, Mail: post,
		URL: "https://acme.test", Version: "test", Now: func() time.Time { return time.UnixMicro(w.now.Load()) }, Log: slog.New(hush.Handler(slog.NewTextHandler(&w.logged, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		Rates: rate.Limits{AddressPerMinute: any, KeyPerMinute: any, UserPerMinute: any, TenantPerMinute: any, Burst: any, PortalPerMinute: any, PortalBurst: any}}
	for _, change := range alter {
		change(&c)
	}
	h, err := house.Open(ctx, c)
	check(t, err)
	w.house = h
	t.Cleanup(func() {
		check(t, w.house.Close())
		for _, name := range []string{"directory", "acme", "acme_keys"} {
			if engine == db.PostgreSQL {
				check(t, db.DropDatabase(ctx, dsn, prefix+name))
			}
		}
	})
	w.tenant, err = h.CreateTenant(ctx, tenant.New{Slug: "acme", Name: "Acme Lending", Host: "acme.test", Region: "test", Zone: "America/New_York"},
		house.First{Email: "first@acme.test", Name: "First Administrator"})
	check(t, err)
	w.hire()
	w.server = httptest.NewTLSServer(h.Handler())
	t.Cleanup(w.server.Close)
	w.readRights()
	w.boss, w.site = w.newcomer(policy.Admin), w.newcomer(policy.Intake)
	w.furnish()
	return w
}

// enginesOf are the engines that a test runs on: PostgreSQL where
// LENDKEEP_TEST_POSTGRES names a server.
func enginesOf(t *testing.T) map[string]db.Engine {
	out := map[string]db.Engine{"sqlite": db.SQLite}
	if os.Getenv("LENDKEEP_TEST_POSTGRES") != "" {
		out["postgres"] = db.PostgreSQL
	}
	return out
}

// furnish makes what is there once: portfolios, a company, fields of one's own,
// and the demand for a second person.
func (w *world) furnish() {
	w.must("POST", "/portfolios", `{"name":"Acme"}`)
	w.must("POST", "/source-companies", `{"name":"First"}`)
	w.must("POST", "/custom-fields", `{"name":"vip","kind":"bool","class":"public"}`)
	w.calm()
	who := w.newcomer(policy.Investor)
	r := w.must("POST", "/search-restrictions", `{"name":"Restricted","visible":"loan.status == \"active\""}`)
	w.must("PUT", "/search-restrictions/"+r["id"].(string)+"/holders", `{"users":["`+string(who.id)+`"],"teams":[]}`)
}

// tick lets the next call happen a moment later than the last.
func (w *world) tick() int64 { return w.now.Add(1000) }

// must is a call of the administrator that has to succeed; it gives the answer.
func (w *world) must(method, path, body string) map[string]any {
	return w.mustAs(w.boss, method, path, body)
}

func (w *world) mustAs(who *person, method, path, body string) map[string]any {
	w.t.Helper()
	w.tick()
	got := w.send(method, path, body, who.key, who.address)
	if got.status/100 != 2 {
		w.t.Fatalf("%s %s %s as %s: %d %s", method, path, body, who.role, got.status, got.body)
	}
	out := map[string]any{}
	check(w.t, json.Unmarshal(got.body, &out))
	return out
}

// employ gives a role a person, with a key and a session.
func (w *world) employ(role, name string, number int) *person {
	w.t.Helper()
	who := &person{role: name, address: fmt.Sprintf("2001:db8::%x", number)}
	w.write(func(ctx context.Context, tx *db.Tx) error {
		who.id = id.New[id.User](tx.At)
		err := identity.InsertStaff(ctx, tx, identity.Staff{ID: who.id, Email: fmt.Sprintf("person%d@acme.test", number), Name: name, Role: id.Role(role), Active: true,
			PasswordAt: tx.At, CreatedAt: tx.At})
		if err != nil {
			return err
		}
		err = identity.InsertException(ctx, tx, identity.Exception{ID: id.New[id.Exception](tx.At), User: who.id, Reason: "test", ApprovedBy: "house/test", Until: tx.At + 24*60*60*1_000_000})
		if err != nil {
			return err
		}
		key, locator, hash := identity.NewKey()
		who.key = key
		if err := identity.InsertKey(ctx, tx, identity.Key{ID: id.New[id.APIKey](tx.At), User: who.id, Locator: locator, Label: "test", Server: name == policy.Intake}, hash); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	w.signIn(who)
	return who
}

// token stands for a thing in a path, a body or a form: {loan}.
var token = regexp.MustCompile(`\{[a-z_]+\}`)

// fill puts things in the place of their tokens.
func (w *world) fill(text string, who *person) string {
	return token.ReplaceAllStringFunc(text, func(t string) string { return w.thing(strings.Trim(t, "{}"), who) })
}

// bare puts tokens in the place of things: what a page says of this world, so
// that it can be said of it again when things have been used up.
func (w *world) bare(text string, who *person) string {
	for kind, thing := range w.things {
		kind, owner, own := strings.Cut(kind, "/")
		if !own || owner == string(who.id) {
			text = strings.ReplaceAll(text, thing, "{"+kind+"}")
		}
	}
	return text
}

// thing gives what is at hand of a kind, or makes one.
func (w *world) thing(kind string, who *person) string {
	w.t.Helper()
	m, ok := makers()[kind]
	if !ok {
		w.t.Fatalf("nobody knows how to make a %q", kind)
	}
	at := kind
	if m.own {
		at += "/" + string(who.id)
	}
	if got := w.things[at]; got != "" && !m.fleeting {
		return got
	}
	w.count++
	made := m.make(w, who)
	if !m.fleeting {
		w.things[at] = made
	}
	return made
}

// lay makes one of everything that can be at hand, for the person who walks.
func (w *world) lay(who *person) {
	all := makers()
	for _, kind := range slices.Sorted(maps.Keys(all)) {
		if !all[kind].fleeting {
			w.thing(kind, who)
		}
	}
}

// spend forgets what an operation has used up.
func (w *world) spend(operation string, who *person) {
	for _, kind := range strings.Fields(spent()[operation]) {
		delete(w.things, kind)
		delete(w.things, kind+"/"+string(who.id))
	}
	if operation == "four_eyes.demand" {
		w.calm()
	}
}

// calm leaves a second person to write-offs alone, so that what is made for the
// walk waits for nobody.
func (w *world) calm() {
	w.write(func(ctx context.Context, tx *db.Tx) error {
		s, err := policy.ReadSetting(ctx, tx)
		if err != nil {
			return err
		}
		s.FourEyes = []string{"loan.write_off"}
		if err := policy.SaveSetting(ctx, tx, s); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
}

// ahead gives an instant that lies ahead, as the API reads it.
func (w *world) ahead(d time.Duration) string {
	return time.UnixMicro(w.now.Load()).Add(d).UTC().Format(time.RFC3339)
}

// shipped gives the id of a shipped role.
func (w *world) shipped(name string) (found string) {
	check(w.t, w.tenant.DB.Read(context.Background(), w.now.Load(), func(ctx context.Context, tx *db.Tx) error {
		roles, err := policy.Roles(ctx, tx)
		for _, r := range roles {
			if r.Shipped == name {
				found = string(r.ID)
			}
		}
		return err
	}))
	return found
}

// openSession gives somebody a further session and its id.
func (w *world) openSession(u id.User, address string) (s id.Session, token secret.Text) {
	w.write(func(ctx context.Context, tx *db.Tx) error {
		shown, hash := identity.NewToken()
		s, token = id.New[id.Session](tx.At), shown
		return identity.InsertSession(ctx, tx, identity.Opening{ID: s, TokenHash: hash, User: u, Address: address, Agent: "test", FactorAt: tx.At, ProvedAt: tx.At})
	})
	return s, token
}
