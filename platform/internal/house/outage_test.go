package house_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// ledger is a log that may be read while it is written.
type ledger struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *ledger) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// since gives what was logged after the first n bytes.
func (l *ledger) since(n int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()[n:]
}

// cluster is a PostgreSQL server of this test's own, which it may stop.
type cluster struct {
	t   *testing.T
	dir string
	dsn string
}

func (c *cluster) do(verb, port string) string {
	c.t.Helper()
	cmd := exec.Command("../../../scripts/postgres", verb, c.dir)
	cmd.Env = append(os.Environ(), "LENDKEEP_POSTGRES_PORT="+port)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("scripts/postgres %s: %v\n%s", verb, err, said.String())
	}
	return strings.TrimSpace(string(out))
}

// ownCluster starts a server. It is not in t.TempDir, which the server's user
// may not enter.
func ownCluster(t *testing.T) *cluster {
	t.Helper()
	if os.Getenv("LENDKEEP_TEST_POSTGRES") == "" {
		t.Skip("LENDKEEP_TEST_POSTGRES names no PostgreSQL server, so there may be none to start")
	}
	dir, err := os.MkdirTemp("", "lendkeep-outage")
	check(t, err)
	check(t, os.Chmod(dir, 0o755))
	c := &cluster{t: t, dir: filepath.Join(dir, "server")}
	t.Cleanup(func() {
		c.do("stop", "0")
		check(t, os.RemoveAll(dir))
	})
	c.dsn = c.do("start", "54800")
	return c
}

// The database server stops under a running house and comes back. Meanwhile
// every caller is told to try again, nothing is half done, and the operator
// reads what to do; afterwards nobody has to restart anything.
func TestTheDatabaseServerStopsAndComesBack(t *testing.T) {
	c := ownCluster(t)
	log := &ledger{}
	p := open(t, db.PostgreSQL, c.dsn, slog.NewTextHandler(log, nil))
	boss := p.person(policy.Admin)
	if res := p.call("GET", "/users", boss.key, boss.address); res.status != http.StatusOK {
		t.Fatalf("before the outage: %d %s", res.status, res.body)
	}
	server, err := url.Parse(c.dsn)
	check(t, err)
	quiet := len(log.since(0))
	c.do("halt", server.Port())

	for _, try := range []struct{ method, path, body string }{
		{"GET", "/users", ""}, {"GET", "/loans", ""}, {"GET", "/audit", ""},
		{"POST", "/roles", `{"name":"Made in the outage"}`}, {"GET", "/users", ""},
	} {
		r, err := http.NewRequest(try.method, p.server.URL+"/api/v1"+try.path, strings.NewReader(try.body))
		check(t, err)
		r.Host = "acme.test"
		r.Header.Set("X-Forwarded-For", boss.address)
		r.Header.Set("Authorization", "Bearer "+boss.key.Reveal())
		if try.body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		res, err := p.server.Client().Do(r)
		check(t, err)
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		check(t, err)
		var said problem
		if err := json.Unmarshal(body, &said); err != nil || res.StatusCode != http.StatusServiceUnavailable || said.Reason != "database_unavailable" ||
			!strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || res.Header.Get("Retry-After") == "" {
			t.Errorf("%s %s in the outage: %d, Retry-After %q: %s", try.method, try.path, res.StatusCode, res.Header.Get("Retry-After"), body)
		}
	}
	if page := p.page("/signin", boss.address); page.StatusCode != http.StatusOK && page.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("the sign-in page in the outage: %d", page.StatusCode)
	}
	told := log.since(quiet)
	if !strings.Contains(told, "PostgreSQL at "+server.Host) || !strings.Contains(told, "check that it runs") {
		t.Errorf("the log does not say what to do:\n%s", told)
	}

	if s := p.tenant.Trail.Alarm.State(); !s.Rings() || s.Calls < 5 || !strings.Contains(told, "alarm=audit_unwritten") {
		t.Errorf("no entry could be written, and the alarm says %+v", s)
	}

	if again := c.do("start", server.Port()); again != c.dsn {
		t.Fatalf("the server came back elsewhere: %s, was %s", again, c.dsn)
	}
	for _, path := range []string{"/users", "/loans", "/audit"} {
		if res := p.call("GET", path, boss.key, boss.address); res.status != http.StatusOK {
			t.Errorf("%s after the outage: %d %s", path, res.status, res.body)
		}
	}
	res := p.call("GET", "/roles", boss.key, boss.address)
	if res.status != http.StatusOK || strings.Contains(string(res.body), "Made in the outage") {
		t.Errorf("what was refused in the outage has been done: %d %s", res.status, res.body)
	}
}

// page gets a page without a session.
func (p *premises) page(path, address string) *http.Response {
	p.t.Helper()
	r, err := http.NewRequest("GET", p.server.URL+path, http.NoBody)
	check(p.t, err)
	r.Host = "acme.test"
	r.Header.Set("X-Forwarded-For", address)
	res, err := p.server.Client().Do(r)
	check(p.t, err)
	check(p.t, res.Body.Close())
	return res
}
