package main_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// running is the demo as a real process, started once for the stories here.
type running struct {
	facts facts
	http  *http.Client
}

// facts are what the demo prints, as a program that starts it reads them.
type facts struct {
	URL        string          `json:"url"`
	CA         string          `json:"ca"`
	Tenant     string          `json:"tenant"`
	VaultURL   *string         `json:"vault_url"`
	SiteKey    string          `json:"site_key"`
	SiteOrigin string          `json:"site_origin"`
	ServerKey  string          `json:"server_key"`
	IPStackURL string          `json:"ipstack_url"`
	Users      map[string]user `json:"users"`
}

type user struct {
	ID       string `json:"id"`
	Email    string `json:"email"`
	Password string `json:"password"`
	APIKey   string `json:"api_key"`
}

// programs is the folder of the binary under test, if a story has asked for it.
var programs string

// program builds the binary under test once.
var program = sync.OnceValues(func() (path string, err error) {
	if programs, err = os.MkdirTemp("", "lendkeep-program"); err != nil {
		return "", err
	}
	path = filepath.Join(programs, "lendkeep")
	for at, source := range map[string]string{path: ".", filepath.Join(programs, "auditor"): "../auditor"} {
		if out, err := exec.Command("go", "build", "-o", at, source).CombinedOutput(); err != nil {
			return "", fmt.Errorf("building the program: %w\n%s", err, out)
		}
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if programs != "" {
		_ = os.RemoveAll(programs)
	}
	os.Exit(code)
}

// startDemo starts `lendkeep demo --json` with an empty folder and a small book.
func startDemo(t *testing.T, more ...string) *running {
	t.Helper()
	if testing.Short() {
		t.Skip("the whole program takes longer than a short run")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"demo", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--json", "--loans", "150"}, more...)
	cmd := exec.Command(path, args...)
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		done := make(chan error, 1)
		go func() { done <- cmd.Wait() }()
		select {
		case err := <-done:
			if err != nil {
				t.Errorf("the demo ended with %v\n%s", err, log.String())
			}
		case <-time.After(30 * time.Second):
			_ = cmd.Process.Kill()
			t.Errorf("the demo did not end on SIGTERM\n%s", log.String())
		}
	})
	r := &running{}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("the demo said nothing: %v\n%s", err, log.String())
	}
	if err := json.Unmarshal(line, &r.facts); err != nil {
		t.Fatal(err)
	}
	ca, err := os.ReadFile(r.facts.CA)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	r.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return r
}

// call makes one API call and decodes its answer.
func (r *running) call(t *testing.T, method, path string, header map[string]string, body any) (status int, answer map[string]any) {
	t.Helper()
	var rd io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		rd = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(context.Background(), method, r.facts.URL+"/api/v1"+path, rd)
	if err != nil {
		t.Fatal(err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for k, v := range header {
		req.Header.Set(k, v)
	}
	resp, err := r.http.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s %s answered %d with no JSON: %.300s", method, path, resp.StatusCode, text)
	}
	return resp.StatusCode, answer
}

func (r *running) as(who string) map[string]string {
	return map[string]string{"Authorization": "Bearer " + r.facts.Users[who].APIKey}
}

func application(client string) map[string]any {
	a := map[string]any{
		"applicant": map[string]any{"first_name": "Ann", "last_name": "Lee", "email": "ann@example.com", "phone": "+12125550123", "date_of_birth": "1990-04-12",
			"ssn": "219-09-9999", "address": map[string]any{"line1": "1 Main Street", "city": "New York", "region": "NY", "postal_code": "10001", "country": "US"}},
		"requested": map[string]any{"amount": "5000.00", "term_months": 24, "purpose": "Car repair"},
	}
	if client != "" {
		a["client"] = map[string]any{"address": client, "user_agent": "Mozilla/5.0"}
	}
	return a
}

// decided waits until an application's check is over and gives the application.
func (r *running) decided(t *testing.T, id string) map[string]any {
	t.Helper()
	for range 200 {
		status, a := r.call(t, "GET", "/applications/"+id, r.as("underwriter"), nil)
		if status == http.StatusTooManyRequests { // of a story that makes very many calls
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if status != 200 {
			t.Fatalf("reading the application: %d %v", status, a)
		}
		if at(a, "network_check.state") != "pending" {
			return a
		}
		time.Sleep(50 * time.Millisecond) // the check is another program's answer: there is no signal to wait for
	}
	t.Fatal("the check is still pending after ten seconds")
	return nil
}

// at reads a nested field: "network_check.facts.proxy".
func at(v any, path string) any {
	for name := range strings.SplitSeq(path, ".") {
		m, _ := v.(map[string]any)
		v = m[name]
	}
	return v
}
