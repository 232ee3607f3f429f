package house_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// person is somebody who holds one shipped role.
type person struct {
	role    string // "agent"
	id      id.User
	key     secret.Text
	session secret.Text
	address string // from which they call
	rights  admission
}

// admission is what the list of roles says that a role may do.
type admission struct {
	UI  []string `json:"ui"`
	API []string `json:"api"`
}

// premises is a whole house behind a real listener.
type premises struct {
	t      *testing.T
	house  *house.House
	tenant *tenant.Tenant
	server *httptest.Server
	people []*person
}

// eachEngine opens a house on SQLite, and on PostgreSQL where
// LENDKEEP_TEST_POSTGRES names a server.
func eachEngine(t *testing.T, fn func(*premises)) {
	t.Run("sqlite", func(t *testing.T) { fn(open(t, db.SQLite, "", slog.DiscardHandler)) })
	t.Run("postgres", func(t *testing.T) {
		dsn := os.Getenv("LENDKEEP_TEST_POSTGRES")
		if dsn == "" {
			t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server")
		}
		fn(open(t, db.PostgreSQL, dsn, slog.DiscardHandler))
	})
}

func open(t *testing.T, engine db.Engine, dsn string, log slog.Handler) *premises {
	t.Helper()
	ctx, dir := context.Background(), t.TempDir()
	post, err := folder.New(filepath.Join(dir, "mail"), "no-reply@acme.test", func() int64 { return time.Now().UnixMicro() })
	check(t, err)
	prefix := fmt.Sprintf("h%d_%s_", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	h, err := house.Open(ctx, house.Config{Data: filepath.Join(dir, "data"), Engine: engine, Postgres: dsn, Prefix: prefix,
		Proxies: []string{"127.0.0.1"}, Mail: post, URL: "https://acme.test", Version: "test", Now: time.Now, Log: slog.New(log)})
	check(t, err)
	t.Cleanup(func() {
		check(t, h.Close())
		if engine != db.PostgreSQL {
			return
		}
		for _, name := range []string{"directory", "acme", "acme_keys"} {
			if err := db.DropDatabase(ctx, dsn, prefix+name); err != nil {
				t.Errorf("dropping %s: %v", name, err)
			}
		}
	})
	p := &premises{t: t, house: h}
	p.tenant, err = h.CreateTenant(ctx, tenant.New{Slug: "acme", Name: "Acme Lending", Host: "acme.test", Region: "test", Zone: "America/New_York"},
		house.First{Email: "first@acme.test", Name: "First Administrator"})
	check(t, err)
	p.hire()
	p.server = httptest.NewTLSServer(h.Handler())
	t.Cleanup(p.server.Close)
	p.readRights()
	return p
}

// hire gives every shipped role a person with a key and a session.
func (p *premises) hire() {
	p.t.Helper()
	p.write(func(ctx context.Context, tx *db.Tx) error {
		roles, err := policy.Roles(ctx, tx)
		if err != nil {
			return err
		}
		for i, r := range roles {
			if r.Shipped == "" {
				continue
			}
			who := &person{role: r.Shipped, id: id.New[id.User](tx.At), address: fmt.Sprintf("198.51.100.%d", 10+i)}
			err := identity.InsertStaff(ctx, tx, identity.Staff{ID: who.id, Email: r.Shipped + "@acme.test", Name: r.Name, Role: r.ID, Active: true,
				Machine: r.Shipped == policy.Intake, PasswordAt: tx.At, CreatedAt: tx.At})
			if err != nil {
				return err
			}
			err = identity.InsertException(ctx, tx, identity.Exception{ID: id.New[id.Exception](tx.At), User: who.id, Reason: "test", ApprovedBy: "house/test", Until: tx.At + 365*24*60*60*1_000_000})
			if err != nil {
				return err
			}
			key, locator, hash := identity.NewKey()
			who.key = key
			err = identity.InsertKey(ctx, tx, identity.Key{ID: id.New[id.APIKey](tx.At), User: who.id, Locator: locator, Label: "test",
				Server: r.Shipped == policy.Intake}, hash)
			if err != nil {
				return err
			}
			p.people = append(p.people, who)
		}
		return policy.Bump(ctx, tx)
	})
	for _, who := range p.people {
		p.signIn(who)
	}
}

// signIn gives somebody a new session.
func (p *premises) signIn(who *person) {
	p.t.Helper()
	p.write(func(ctx context.Context, tx *db.Tx) error {
		token, hash := identity.NewToken()
		who.session = token
		return identity.InsertSession(ctx, tx, identity.Opening{ID: id.New[id.Session](tx.At), TokenHash: hash, User: who.id, Address: who.address, Agent: "test", FactorAt: tx.At, ProvedAt: tx.At})
	})
}

func (p *premises) write(fn func(ctx context.Context, tx *db.Tx) error) {
	p.t.Helper()
	check(p.t, p.tenant.DB.WriteExclusive(context.Background(), p.tenant.DB.Now(), fn))
}

// readRights asks the API for the list of roles, as an administrator would.
func (p *premises) readRights() {
	p.t.Helper()
	var list struct {
		Items []struct {
			admission
			Name string `json:"name"`
		} `json:"items"`
	}
	boss := p.person(policy.Admin)
	res := p.call("GET", "/roles", boss.key, boss.address)
	if res.status != http.StatusOK {
		p.t.Fatalf("role.list as admin: %d %s", res.status, res.body)
	}
	check(p.t, json.Unmarshal(res.body, &list))
	names := map[string]string{}
	for _, r := range policy.Shipped() {
		names[r.Name] = r.Shipped
	}
	for _, r := range list.Items {
		p.person(names[r.Name]).rights = r.admission
	}
}

func (p *premises) person(role string) *person {
	p.t.Helper()
	i := slices.IndexFunc(p.people, func(w *person) bool { return w.role == role })
	if i < 0 {
		p.t.Fatalf("nobody holds the role %q", role)
	}
	return p.people[i]
}

// answer is what came back over the wire.
type answer struct {
	status int
	kind   string
	body   []byte
}

// call sends an empty request to the API from an address that a trusted proxy saw.
func (p *premises) call(method, path string, key secret.Text, address string) answer {
	p.t.Helper()
	if method == "GET" || method == "DELETE" {
		return p.send(method, path, "", key, address)
	}
	return p.send(method, path, "{}", key, address)
}

func (p *premises) send(method, path, sent string, key secret.Text, address string) answer {
	p.t.Helper()
	body := strings.NewReader(sent)
	r, err := http.NewRequest(method, p.server.URL+"/api/v1"+path, body)
	check(p.t, err)
	r.Host = "acme.test"
	r.Header.Set("X-Forwarded-For", address)
	r.Header.Set("Content-Type", "application/json")
	if boundary, _, form := strings.Cut(strings.TrimPrefix(sent, "--"), "\r\n"); form && strings.HasPrefix(sent, "--") {
		r.Header.Set("Content-Type", "multipart/form-data; boundary="+boundary)
	}
	if body.Len() == 0 {
		r.Header.Del("Content-Type")
	}
	if !key.Empty() {
		r.Header.Set("Authorization", "Bearer "+key.Reveal())
	}
	res, err := p.server.Client().Do(r)
	check(p.t, err)
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	check(p.t, err)
	return answer{res.StatusCode, res.Header.Get("Content-Type"), got}
}

// problem is what every refusal says.
type problem struct {
	Status     int    `json:"status"`
	Reason     string `json:"reason"`
	DecisionID string `json:"decision_id"`
}

// refusal is a denial that must stand in the trail.
type refusal struct {
	operation, channel, address, actor, reason string
}

// The gate itself, in the channel of the screens, also for what no page calls; the
// walks go through HTTP (TestEverybodyDoesThroughTheAPIWhatTheirRoleSays,
// TestEverybodySeesAndDoesInTheScreensWhatTheirRoleSays).
func TestEveryRoleDoesInTheScreensWhatTheListOfRolesSaysAndNothingElse(t *testing.T) {
	eachEngine(t, func(p *premises) {
		for _, who := range p.people {
			p.t.Run(who.role, func(t *testing.T) {
				denied := map[string]refusal{}
				for _, m := range p.house.Gate.Catalogue() {
					p.tryScreen(t, who, m, denied)
				}
				p.compareTrail(t, who, denied)
			})
		}
	})
}

// entitled reports whether a person may call an operation in a channel.
func entitled(who *person, m *gate.Meta, channel operation.Channel) bool {
	switch m.Permit {
	case gate.Public, gate.SignedIn:
		return true
	case gate.ByRole:
		if channel == operation.API {
			return slices.Contains(who.rights.API, m.Name)
		}
		return slices.Contains(who.rights.UI, m.Name)
	}
	return false // the house's own
}

var parameter = regexp.MustCompile(`\{[a-z_]+\}`)

// nobody is an id that nothing has.
const nobody = "xx_00000000000000000000000000"

func (p *premises) tryScreen(t *testing.T, who *person, m *gate.Meta, denied map[string]refusal) {
	t.Helper()
	if m.Permit == gate.Public {
		return
	}
	if m.Permit == gate.SignedIn && m.Kind == operation.Write {
		p.signIn(who) // what signs out does so for this call only
	}
	a := netip.MustParseAddr(who.address)
	r := &gate.Request{Tenant: p.tenant, Channel: operation.UI, Session: who.session, UserAgent: "test",
		Address: httpserve.Address{Chosen: a, Peer: a, Reason: "peer"}}
	_, err := p.house.Gate.ByName(m.Name).Invoke(context.Background(), p.house.Gate, r, fillPath, nil)
	if m.Permit == gate.SignedIn && m.Kind == operation.Write {
		p.signIn(who)
	}
	f := fault.As(err)
	switch {
	case entitled(who, m, operation.UI):
		if f == nil {
			return
		}
		if f.Kind == fault.Denied || f.Kind == fault.Unauthenticated || f.Kind == fault.TooMany || f.Kind == fault.Internal || f.Kind == fault.Unavailable {
			t.Errorf("%s in the screens: the role holds it, yet: %v", m.Name, err)
		}
	case f == nil || f.Kind != fault.Denied:
		t.Errorf("%s in the screens: the role does not hold it, yet: %v", m.Name, err)
	case f.Reason == "" || f.DecisionID == "":
		t.Errorf("%s in the screens: a denial without reason and decision id: %v", m.Name, err)
	default:
		denied[f.DecisionID] = refusal{m.Name, "ui", who.address, "user/" + string(who.id), f.Reason}
	}
}

// fillPath gives every path parameter an id that nothing has.
func fillPath(in any) error {
	v := reflect.ValueOf(in).Elem()
	if v.Kind() != reflect.Struct {
		return nil
	}
	for _, f := range reflect.VisibleFields(v.Type()) {
		if f.Tag.Get("path") != "" && f.Type.Kind() == reflect.String {
			v.FieldByIndex(f.Index).SetString(nobody)
		}
	}
	return nil
}

// compareTrail finds every denial in the audit trail, with channel, address,
// outcome, operation, actor and reason.
func (p *premises) compareTrail(t *testing.T, who *person, denied map[string]refusal) {
	t.Helper()
	if who.role != policy.Admin && len(denied) == 0 {
		t.Errorf("nothing was denied: %s holds every operation", who.role)
	}
	found := map[string]refusal{}
	for _, e := range p.trail(audit.Filter{Actor: "user/" + string(who.id), Outcome: "denied", Limit: 500}) {
		found[string(e.DecisionID)] = refusal{e.Operation, e.Channel.String(), e.Address.String(), e.Actor, e.Reason}
	}
	for decision, want := range denied {
		if got, ok := found[decision]; !ok {
			t.Errorf("the denial of %s in %s is not in the trail", want.operation, want.channel)
		} else if got != want {
			t.Errorf("the trail says %+v of a denial, it was %+v", got, want)
		}
	}
}

func (p *premises) trail(f audit.Filter) []audit.Entry {
	p.t.Helper()
	var page audit.Page
	check(p.t, p.tenant.DB.Read(context.Background(), p.tenant.DB.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		page, err = p.tenant.Trail.List(ctx, tx, f)
		return err
	}))
	return page.Entries
}

func TestNothingAnswersWithoutACredential(t *testing.T) {
	eachEngine(t, func(p *premises) {
		for i, m := range p.house.Gate.Catalogue() {
			if m.Path == "" || m.Permit == gate.Public {
				continue
			}
			address := fmt.Sprintf("198.51.100.%d", 100+i%100)
			for _, key := range []secret.Text{{}, secret.NewText("lk_" + strings.Repeat("a", 40))} {
				res := p.call(m.Method, parameter.ReplaceAllString(m.Path, nobody), key, address)
				var said problem
				if err := json.Unmarshal(res.body, &said); err != nil {
					p.t.Errorf("%s without a credential: %d is no problem: %s", m.Name, res.status, res.body)
				}
				if res.status != 401 || said.Reason == "" || said.DecisionID == "" {
					p.t.Errorf("%s without a credential: %d %+v; it must be 401 with reason and decision id", m.Name, res.status, said)
				}
			}
		}
		if len(p.trail(audit.Filter{Outcome: "denied", Channel: "api"})) == 0 {
			p.t.Error("refused strangers are not in the trail")
		}
	})
}

// Start-up refuses an operation without a permission or an audit form; this is
// the list as it was started with.
func TestEveryOperationHasAPermissionAndAnAuditForm(t *testing.T) {
	p := open(t, db.SQLite, "", slog.DiscardHandler)
	list := p.house.Gate.Catalogue()
	if len(list) < 40 {
		t.Fatalf("only %d operations: the list is not whole", len(list))
	}
	shipped := map[string]bool{}
	for _, r := range policy.Shipped() {
		shipped[r.Shipped] = true
	}
	for _, m := range list {
		if m.Permit < gate.ByRole || m.Permit > gate.House {
			t.Errorf("%s has no permission", m.Name)
		}
		if m.Audit.String() == "unset" {
			t.Errorf("%s has no audit form", m.Name)
		}
		if m.Permit == gate.ByRole && m.Screen == "" && m.Path == "" && !m.Sites {
			t.Errorf("%s has no place in the screens, no route and no hosted form: nobody can call it", m.Name)
		}
		if m.Audit == operation.Moved && !m.Idempotent {
			t.Errorf("%s moves money and does not honour an Idempotency-Key", m.Name)
		}
		for _, r := range strings.Fields(m.Roles) {
			if !shipped[r] {
				t.Errorf("%s names the role %q, which is not shipped", m.Name, r)
			}
		}
	}
}

// docs/openapi.json is the list in the words of OpenAPI; make openapi writes it.
func TestThePrintedDescriptionIsOfThisList(t *testing.T) {
	kept, err := os.ReadFile(filepath.Join("..", "..", "..", "docs", "openapi.json"))
	if err != nil {
		t.Fatalf("%v: run make openapi", err)
	}
	var a, b struct {
		Paths map[string]map[string]any `json:"paths"`
		Parts map[string]any            `json:"components"`
	}
	check(t, json.Unmarshal(kept, &a))
	printed, err := house.OpenAPI(house.Config{Now: time.Now, Log: slog.New(slog.DiscardHandler), Version: "test"})
	check(t, err)
	check(t, json.Unmarshal(printed, &b))
	for path := range b.Paths {
		if !reflect.DeepEqual(a.Paths[path], b.Paths[path]) {
			t.Errorf("docs/openapi.json says something else of %s; run make openapi and look at the difference", path)
		}
	}
	for path := range a.Paths {
		if b.Paths[path] == nil {
			t.Errorf("docs/openapi.json has %s, which is not in the list any more; run make openapi", path)
		}
	}
	if !reflect.DeepEqual(a.Parts, b.Parts) {
		t.Error("docs/openapi.json has other schemas; run make openapi and look at the difference")
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
