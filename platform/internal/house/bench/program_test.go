//go:build bench

package bench

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// program builds the program as `make build` does.
func program(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "lendkeep")
	cmd := exec.Command("go", "build", "-trimpath", "-o", path, "../../..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// ended stops a program and waits for it.
func ended(cmd *exec.Cmd) {
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()
}

// insecure trusts the program's own certificate: it runs on this machine.
func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}, Timeout: 20 * time.Second}
}

// TestProgram measures the real program: the demo from a submitted form to its
// decision, then a cold start of the server on the demo's data and its memory.
func TestProgram(t *testing.T) {
	path, data := program(t), t.TempDir()
	cmd := exec.Command(path, "demo", "--data", data, "--listen", "127.0.0.1:0", "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	stop := true
	defer func() {
		if stop {
			ended(cmd)
		}
	}()
	text, err := bufio.NewReader(out).ReadBytes('\n')
	must(t, err)
	var facts struct {
		URL        string `json:"url"`
		SiteKey    string `json:"site_key"`
		SiteOrigin string `json:"site_origin"`
		IPStack    string `json:"ipstack_url"`
		Users      map[string]struct {
			APIKey string `json:"api_key"`
		} `json:"users"`
	}
	must(t, json.Unmarshal(text, &facts))
	client := insecure()
	call := func(method, path string, header map[string]string, body string) (int, string) {
		r, err := http.NewRequest(method, facts.URL+"/api/v1"+path, strings.NewReader(body))
		must(t, err)
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
		}
		for k, v := range header {
			r.Header.Set(k, v)
		}
		resp, err := client.Do(r)
		must(t, err)
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		must(t, err)
		return resp.StatusCode, string(b)
	}
	var took []time.Duration
	for i := range 20 {
		site := map[string]string{"Lendkeep-Site-Key": facts.SiteKey, "Origin": facts.SiteOrigin, "X-Forwarded-For": "203.0.113.10"}
		body := fmt.Sprintf(`{"applicant":{"first_name":"Ann","last_name":"Lee","email":"ann%d@example.com","phone":"+12125550123","date_of_birth":"1990-04-12","ssn":"536-22-8765",
			"address":{"line1":"1 Main Street","city":"New York","region":"NY","postal_code":"10001","country":"US"}},"requested":{"amount":"5000.00","term_months":24,"purpose":"Car repair"}}`, i)
		began := time.Now()
		status, made := call("POST", "/applications", site, body)
		if status != 202 && status != 201 {
			t.Fatalf("%d %s", status, made)
		}
		at := "/applications/" + between(made, `"id":"`, `"`)
		for {
			status, a := call("GET", at, map[string]string{"Authorization": "Bearer " + facts.Users["underwriter"].APIKey}, "")
			if status != 200 {
				t.Fatalf("%d %s", status, a)
			}
			if !strings.Contains(a, `"state":"pending"`) {
				break
			}
			time.Sleep(5 * time.Millisecond) // another program decides: there is no signal
		}
		took = append(took, time.Since(began))
	}
	worst := slices.Max(took)
	tell(figure{"8", "sqlite", "form submitted to decision readable, stand-in provider, worst of 20", us(worst), "median " + us(median(took)), us(worst), "≤ 1 s", met(worst <= time.Second)})
	ended(cmd)
	stop = false
	coldStart(t, path, data)
}

// coldStart starts the server on data that is there, until it answers.
func coldStart(t *testing.T, path, data string) {
	var starts []time.Duration
	var resident []int
	for range 5 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		address := l.Addr().String()
		must(t, l.Close())
		cmd := exec.Command(path, "serve", "--data", data, "--listen", address)
		var log bytes.Buffer
		cmd.Stderr = &log
		client := insecure()
		began := time.Now()
		must(t, cmd.Start())
		for {
			resp, err := client.Get("https://" + address + "/api/v1/openapi.json")
			if err == nil {
				resp.Body.Close()
				break
			}
			if time.Since(began) > 30*time.Second {
				ended(cmd)
				t.Fatalf("no answer: %s", log.String())
			}
			time.Sleep(2 * time.Millisecond) // another program starts: there is no signal
		}
		starts = append(starts, time.Since(began))
		time.Sleep(5 * time.Second) // idle is what is measured
		status, err := os.ReadFile("/proc/" + strconv.Itoa(cmd.Process.Pid) + "/status")
		must(t, err)
		kb, err := strconv.Atoi(strings.Fields(between(string(status), "VmRSS:", "kB"))[0])
		must(t, err)
		resident = append(resident, kb/1024)
		ended(cmd)
	}
	slices.Sort(resident)
	m := median(starts)
	tell(figure{"9", "sqlite", "cold start of lendkeep serve to the first answer", us(m), "best " + us(slices.Min(starts)), us(m), "≤ 1 s", met(m <= time.Second)})
	tell(figure{"9", "sqlite", "memory after five idle seconds", fmt.Sprintf("%d MB", resident[len(resident)/2]), "", fmt.Sprintf("%d MB", resident[len(resident)/2]), "≤ 100 MB", met(resident[len(resident)/2] <= 100)})
}
