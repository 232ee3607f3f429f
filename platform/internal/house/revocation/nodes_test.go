package revocation

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/mail/folder"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate/rate"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// node is one server; all share the databases.
type node struct {
	*house.House
	server *httptest.Server
}

// person is somebody who calls.
type person struct {
	id      id.User
	key     string
	keyID   id.APIKey
	cookie  string
	session id.Session
}

// cluster is three nodes of one lender, an administrator, and somebody whose
// rights are taken away.
type cluster struct {
	t     testing.TB
	nodes []*node
	admin *person
	agent *person
	role  id.Role // the agent's own
	team  id.Team // which the agent is in
	loan  id.Loan
}

// held are the operations of the agent's role; payoff is lent and not held.
const held = `["loan.list","loan.view","loan.export","loan.note.list","loan.note.add","loan.schedule.view"]`

// open starts three nodes over one server.
func open(t testing.TB) *cluster {
	t.Helper()
	dsn := os.Getenv("LENDKEEP_TEST_POSTGRES")
	if dsn == "" {
		t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server: one engine in one process has nothing to be stale between")
	}
	dir := t.TempDir()
	post, err := folder.New(filepath.Join(dir, "mail"), "no-reply@acme.test", func() int64 { return time.Now().UnixMicro() })
	must(t, err)
	prefix := fmt.Sprintf("rv%d_%s_", os.Getpid(), strings.ToLower(rand.Text()[:8]))
	const plenty = 1 << 30
	config := house.Config{Data: filepath.Join(dir, "data"), Engine: db.PostgreSQL, Postgres: dsn, Prefix: prefix, Proxies: []string{"127.0.0.1"}, Mail: post,
		URL: "https://acme.test", Version: "test", Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Rates: rate.Limits{AddressPerMinute: plenty, KeyPerMinute: plenty, UserPerMinute: plenty, TenantPerMinute: plenty, Burst: plenty}}
	c := &cluster{t: t}
	t.Cleanup(func() {
		for _, name := range []string{"directory", "acme", "acme_keys"} {
			if err := db.DropDatabase(context.Background(), dsn, prefix+name); err != nil {
				t.Errorf("dropping %s: %v", name, err)
			}
		}
	})
	for i := range 3 {
		h, err := house.Open(context.Background(), config)
		must(t, err)
		t.Cleanup(func() { must(t, h.Close()) })
		if i == 0 {
			_, err := h.CreateTenant(context.Background(), tenant.New{Slug: "acme", Name: "Acme Lending", Host: "acme.test", Region: "test", Zone: "UTC"},
				house.First{Email: "first@acme.test", Name: "First Administrator"})
			must(t, err)
		}
		n := &node{h, httptest.NewTLSServer(h.Handler())}
		t.Cleanup(n.server.Close)
		c.nodes = append(c.nodes, n)
	}
	c.people()
	return c
}

// people hires the two, and makes what the agent works on.
func (c *cluster) people() {
	c.t.Helper()
	var roles map[string]id.Role
	c.write(func(ctx context.Context, tx *db.Tx) error {
		list, err := policy.Roles(ctx, tx)
		roles = map[string]id.Role{}
		for _, r := range list {
			roles[r.Shipped] = r.ID
		}
		return err
	})
	c.admin = c.hire("admin", roles[policy.Admin])
	out := struct{ ID id.Role }{}
	c.must(c.nodes[0], "POST", "/roles", c.roleBody(held), 201, &out)
	c.role = out.ID
	c.agent = c.hire("agent", c.role)
	c.write(func(ctx context.Context, tx *db.Tx) error {
		c.team = id.New[id.Team](tx.At)
		if err := policy.SaveTeam(ctx, tx, &policy.Team{ID: c.team, Name: "Field", Members: []id.User{c.agent.id}}, true); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	borrower, loan := struct{ ID string }{}, struct{ ID id.Loan }{}
	c.must(c.nodes[0], "POST", "/borrowers", `{"first_name":"Ann","last_name":"Lee"}`, 201, &borrower)
	c.must(c.nodes[0], "POST", "/loans", `{"borrower_id":"`+borrower.ID+`","principal":"1200.00","annual_rate":"0","term_months":12}`, 201, &loan)
	c.loan = loan.ID
}

func (c *cluster) roleBody(api string) string {
	return `{"name":"Field servicer","description":"","ui":` + api + `,"api":` + api + `,"visibility":{"ssn":"last4","bank_account":"hidden","date_of_birth":"hidden"}}`
}

func (c *cluster) hire(name string, role id.Role) *person {
	c.t.Helper()
	p := &person{}
	c.write(func(ctx context.Context, tx *db.Tx) error {
		p.id, p.keyID, p.session = id.New[id.User](tx.At), id.New[id.APIKey](tx.At), ""
		err := identity.InsertStaff(ctx, tx, identity.Staff{ID: p.id, Email: name + "@acme.test", Name: name, Role: role, Active: true, PasswordAt: tx.At, CreatedAt: tx.At})
		if err != nil {
			return err
		}
		key, locator, hash := identity.NewKey()
		p.key = key.Reveal()
		if err := identity.InsertKey(ctx, tx, identity.Key{ID: p.keyID, User: p.id, Locator: locator, Label: "test"}, hash); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	})
	c.signIn(p)
	return p
}

// signIn opens a session that has given its second factor.
func (c *cluster) signIn(p *person) {
	c.t.Helper()
	c.write(func(ctx context.Context, tx *db.Tx) error {
		token, hash := identity.NewToken()
		p.cookie, p.session = token.Reveal(), id.New[id.Session](tx.At)
		return identity.InsertSession(ctx, tx, identity.Opening{ID: p.session, TokenHash: hash, User: p.id, Address: "203.0.113.7", Agent: "test", FactorAt: tx.At, ProvedAt: tx.At})
	})
}

func (c *cluster) tenant() *tenant.Tenant { return c.nodes[0].Directory.BySlug("acme") }

func (c *cluster) write(fn func(ctx context.Context, tx *db.Tx) error) {
	c.t.Helper()
	t := c.tenant()
	must(c.t, t.DB.WriteExclusive(context.Background(), t.DB.Now(), fn))
}

// api calls a node with a key.
func (n *node) api(method, path, key, body string) (int, []byte, error) {
	r, err := http.NewRequest(method, n.server.URL+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Authorization", "Bearer "+secret.NewText(key).Reveal())
	return n.do(r)
}

// screen calls a page of a node with a cookie.
func (n *node) screen(method, path, cookie string) (int, []byte, error) {
	r, err := http.NewRequest(method, n.server.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	r.AddCookie(&http.Cookie{Name: visit.SessionCookie, Value: cookie})
	return n.do(r)
}

func (n *node) do(r *http.Request) (int, []byte, error) {
	r.Host = "acme.test"
	r.Header.Set("X-Forwarded-For", "203.0.113.7")
	client := n.server.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res, err := client.Do(r)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, body, err
}

// must makes a call of the administrator that has to be answered so.
func (c *cluster) must(n *node, method, path, body string, status int, into any) {
	c.t.Helper()
	got, answer, err := n.api(method, path, c.admin.key, body)
	if err != nil || got != status {
		c.t.Fatalf("%s %s: %d %s %v", method, path, got, answer, err)
	}
	if into != nil {
		must(c.t, json.NewDecoder(bytes.NewReader(answer)).Decode(into))
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
