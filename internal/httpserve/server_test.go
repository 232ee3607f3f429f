package httpserve

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var morning = time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC)

// running is a server with an echo behind it.
type running struct {
	*Server
	roots *x509.CertPool
	ca    string
	calls atomic.Int32
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %s %s %d tls=%t", r.Proto, r.Method, r.RequestURI, len(body), r.TLS != nil)
}

func start(t *testing.T, change func(*Config)) *running {
	t.Helper()
	secure, ca, err := DevelopmentCA(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	run := &running{ca: ca, roots: x509.NewCertPool()}
	pem, err := os.ReadFile(ca)
	if err != nil || !run.roots.AppendCertsFromPEM(pem) {
		t.Fatalf("reading the authority: %v", err)
	}
	c := Config{Listen: "127.0.0.1:0", TLS: secure, Handler: http.HandlerFunc(echo), SessionCookies: []string{"session"}}
	if change != nil {
		change(&c)
	}
	inner := c.Handler
	c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { run.calls.Add(1); inner.ServeHTTP(w, r) })
	if run.Server, err = Serve(context.Background(), c); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		run.Shutdown(ctx)
	})
	return run
}

func (s *running) url() string { return "https://" + s.Addr().String() }

// dial opens a raw HTTP/1.1 connection.
func (s *running) dial(t *testing.T, protocols ...string) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: s.roots, NextProtos: protocols})
	if err != nil {
		t.Fatal(err)
	}
	conn.SetDeadline(time.Now().Add(10 * time.Second))
	t.Cleanup(func() { conn.Close() })
	return conn
}

func (s *running) client(t *testing.T, h2 bool) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.roots}, ForceAttemptHTTP2: h2}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

type problem struct {
	Title, Reason, Detail string
	Status                int
}

// wantRefusal reads one answer and wants the refusal and the end of the connection.
func wantRefusal(t *testing.T, r *bufio.Reader, no *refusal) {
	t.Helper()
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatalf("no answer: %v", err)
	}
	defer resp.Body.Close()
	var p problem
	if err := json.NewDecoder(resp.Body).Decode(&p); err != nil {
		t.Fatalf("status %d, no problem document: %v", resp.StatusCode, err)
	}
	if resp.StatusCode != no.status || p.Status != no.status || p.Reason != no.reason || resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("got %d %+v, want %d %s", resp.StatusCode, p, no.status, no.reason)
	}
	if resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("a refusal lacks the security headers")
	}
	if _, err := r.ReadByte(); err == nil {
		t.Error("the connection goes on after a refusal")
	}
}

const tail = "Host: localhost\r\n\r\n"

var odd = []struct {
	name, raw string
	no        *refusal
}{
	{"CL and TE", "POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n" + tail + "0\r\n\r\n", ambiguousLength},
	{"TE and CL", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n" + tail + "0\r\n\r\n", ambiguousLength},
	{"two Content-Lengths", "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n" + tail + "a", ambiguousLength},
	{"a list of Content-Lengths", "POST / HTTP/1.1\r\nContent-Length: 1, 1\r\n" + tail + "a", ambiguousLength},
	{"Content-Length with a plus", "POST / HTTP/1.1\r\nContent-Length: +1\r\n" + tail + "a", ambiguousLength},
	{"Content-Length with a zero", "POST / HTTP/1.1\r\nContent-Length: 01\r\n" + tail + "a", ambiguousLength},
	{"an endless Content-Length", "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n" + tail, ambiguousLength},
	{"an odd coding", "POST / HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n" + tail, ambiguousLength},
	{"two codings", "POST / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" + tail, ambiguousLength},
	{"two coding lines", "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n" + tail, ambiguousLength},
	{"a coding in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n" + tail, ambiguousLength},
	{"space before the colon", "POST / HTTP/1.1\r\nTransfer-Encoding : chunked\r\n" + tail, badHead},
	{"a folded line", "GET / HTTP/1.1\r\nX-A: a\r\n b\r\n" + tail, badHead},
	{"a control character", "GET / HTTP/1.1\r\nX-A: a\x01b\r\n" + tail, badHead},
	{"a zero byte", "GET / HTTP/1.1\r\nX-A: a\x00b\r\n" + tail, badHead},
	{"a bare line feed", "GET / HTTP/1.1\nHost: localhost\n\n", badHead},
	{"a bare carriage return", "GET / HTTP/1.1\r\nX-A: a\rX-B: b\r\n" + tail, badHead},
	{"no version", "GET /\r\n" + tail, badHead},
	{"another version", "GET / HTTP/3.7\r\n" + tail, badHead},
	{"two spaces", "GET  / HTTP/1.1\r\n" + tail, badHead},
	{"an empty line first", "\r\nGET / HTTP/1.1\r\n" + tail, badHead},
	{"HTTP/2 without negotiation", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", badHead},
	{"TRACE", "TRACE / HTTP/1.1\r\n" + tail, badMethod},
	{"CONNECT", "CONNECT example.com:443 HTTP/1.1\r\n" + tail, badMethod},
	{"lower case", "get / HTTP/1.1\r\n" + tail, badMethod},
	{"unknown", "BREW / HTTP/1.1\r\n" + tail, badMethod},
	{"absolute form", "GET http://localhost/ HTTP/1.1\r\n" + tail, badTarget},
	{"asterisk", "OPTIONS * HTTP/1.1\r\n" + tail, badTarget},
	{"two slashes", "GET //evil.example/ HTTP/1.1\r\n" + tail, badTarget},
	{"dots", "GET /a/../b HTTP/1.1\r\n" + tail, badTarget},
	{"escaped dots", "GET /a/%2e%2E/b HTTP/1.1\r\n" + tail, badTarget},
	{"one dot", "GET /a/./b HTTP/1.1\r\n" + tail, badTarget},
	{"an escaped slash", "GET /a%2fb HTTP/1.1\r\n" + tail, badTarget},
	{"an escaped backslash", "GET /a%5Cb HTTP/1.1\r\n" + tail, badTarget},
	{"a backslash", "GET /a\\b HTTP/1.1\r\n" + tail, badTarget},
	{"%00", "GET /a%00b HTTP/1.1\r\n" + tail, badTarget},
	{"an escaped line end", "GET /a%0d%0ab HTTP/1.1\r\n" + tail, badTarget},
	{"not UTF-8", "GET /a%ffb HTTP/1.1\r\n" + tail, badTarget},
	{"raw bytes", "GET /\xc3\xa4 HTTP/1.1\r\n" + tail, badTarget},
	{"a broken escape", "GET /a%2 HTTP/1.1\r\n" + tail, badTarget},
	{"a fragment", "GET /a#b HTTP/1.1\r\n" + tail, badTarget},
	{"no Host", "GET / HTTP/1.1\r\n\r\n", badHost},
	{"two Hosts", "GET / HTTP/1.1\r\nHost: evil.example\r\n" + tail, badHost},
	{"a strange Host", "GET / HTTP/1.1\r\nHost: a/b@c\r\n\r\n", badHost},
	{"two Authorizations", "GET / HTTP/1.1\r\nAuthorization: Bearer a\r\nauthorization: Bearer b\r\n" + tail, duplicateHeader},
	{"two Cookies", "GET / HTTP/1.1\r\nCookie: a=1\r\nCookie: b=1\r\n" + tail, duplicateHeader},
	{"two sessions", "GET / HTTP/1.1\r\nCookie: session=1; a=2; session=3\r\n" + tail, duplicateHeader},
	{"two host cookies", "GET / HTTP/1.1\r\nCookie: __Host-a=1; __Host-a=3\r\n" + tail, duplicateHeader},
	{"a body on GET", "GET / HTTP/1.1\r\nContent-Length: 1\r\n" + tail + "a", bodyOnRead},
	{"a chunked body on GET", "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + tail + "0\r\n\r\n", bodyOnRead},
	{"101 headers", "GET / HTTP/1.1\r\n" + strings.Repeat("X-A: a\r\n", 100) + tail, tooLarge},
	{"33 KB of headers", "GET / HTTP/1.1\r\nX-A: " + strings.Repeat("a", 33<<10) + "\r\n" + tail, tooLarge},
	{"a forged refusal", "GET / HTTP/1.1\r\nLendkeep-Refusal: x malformed_host\r\nTransfer-Encoding: chunked\r\n" + tail, bodyOnRead},
}

func TestOddRequestsAreRefused(t *testing.T) {
	s := start(t, nil)
	for _, o := range odd {
		t.Run(o.name, func(t *testing.T) {
			conn := s.dial(t, "http/1.1")
			io.WriteString(conn, o.raw)
			wantRefusal(t, bufio.NewReader(conn), o.no)
		})
		t.Run(o.name+", behind a good one", func(t *testing.T) {
			conn := s.dial(t)
			before := s.calls.Load()
			io.WriteString(conn, "POST /first HTTP/1.1\r\nContent-Length: 3\r\n"+tail+"abc"+o.raw)
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(resp.Body)
			if string(body) != "HTTP/1.1 POST /first 3 tls=true" {
				t.Errorf("the good one got %q", body)
			}
			wantRefusal(t, r, o.no)
			if n := s.calls.Load() - before; n != 1 {
				t.Errorf("the handler was called %d times", n)
			}
		})
	}
}

// Drop by drop the outcome is the same, whatever the pieces.
func TestPiecesDoNotMatter(t *testing.T) {
	s := start(t, nil)
	conn := s.dial(t)
	raw := "POST /a?b=%20c HTTP/1.1\r\nContent-Length: 5\r\n" + tail + "hello" + "GET /%C3%A4 HTTP/1.1\r\n" + tail + "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + tail + "3\r\nabc\r\n0\r\n\r\n"
	go func() {
		for i := range len(raw) {
			if _, err := conn.Write([]byte{raw[i]}); err != nil {
				return
			}
		}
	}()
	r := bufio.NewReader(conn)
	for _, want := range []string{"HTTP/1.1 POST /a?b=%20c 5 tls=true", "HTTP/1.1 GET /%C3%A4 0 tls=true", "HTTP/1.1 POST /c 3 tls=true"} {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		if string(body) != want {
			t.Errorf("got %q, want %q", body, want)
		}
	}
}

// What stands behind a chunked body is never a request.
func TestNothingFollowsAChunkedRequest(t *testing.T) {
	s := start(t, nil)
	conn := s.dial(t)
	io.WriteString(conn, "POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"+tail+"3\r\nabc\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n"+tail)
	all, _ := io.ReadAll(conn)
	if n := strings.Count(string(all), "HTTP/1.1 200"); n != 1 || bytes.Contains(all, []byte("smuggled")) {
		t.Errorf("%d answers: %s", n, all)
	}
}

func TestEverydayClientsPass(t *testing.T) {
	s := start(t, nil)
	for _, h2 := range []bool{false, true} {
		c := s.client(t, h2)
		proto := "HTTP/1.1"
		if h2 {
			proto = "HTTP/2.0"
		}
		for range 3 { // on one connection
			for _, call := range []struct{ method, path, body, want string }{
				{"GET", "/loans?status=open&q=a%2Fb", "", proto + " GET /loans?status=open&q=a%2Fb 0 tls=true"},
				{"POST", "/loans", strings.Repeat("x", 100_000), proto + " POST /loans 100000 tls=true"},
				{"DELETE", "/loans/ln_1", "", proto + " DELETE /loans/ln_1 0 tls=true"},
				{"PUT", "/a%20b/%C3%A4", "{}", proto + " PUT /a%20b/%C3%A4 2 tls=true"},
				{"GET", "/", "", proto + " GET / 0 tls=true"},
			} {
				req, _ := http.NewRequest(call.method, s.url()+call.path, nil)
				if call.body != "" {
					req, _ = http.NewRequest(call.method, s.url()+call.path, strings.NewReader(call.body))
				}
				req.Header.Set("Authorization", "Bearer lk_x")
				req.Header.Set("Cookie", "a=1; session=2; a=3")
				resp, err := c.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				body, _ := io.ReadAll(resp.Body)
				resp.Body.Close()
				if resp.StatusCode != 200 || string(body) != call.want {
					t.Errorf("%d %q, want %q", resp.StatusCode, body, call.want)
				}
				for _, name := range []string{"Strict-Transport-Security", "X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Cross-Origin-Resource-Policy", "Permissions-Policy"} {
					if resp.Header.Get(name) == "" {
						t.Errorf("%s is missing", name)
					}
				}
			}
		}
		// a body of unknown length
		resp, err := c.Post(s.url()+"/up", "text/plain", io.MultiReader(strings.NewReader("abc"), strings.NewReader("def")))
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if string(body) != proto+" POST /up 6 tls=true" {
			t.Errorf("got %q", body)
		}
	}
}

func TestCurlPasses(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("there is no curl here")
	}
	s := start(t, nil)
	for _, args := range [][]string{{"--http1.1"}, {"--http2"}, {"--http1.1", "-d", "a=1"}, {"--http1.1", "-H", "Expect: 100-continue", "-d", "a=1"}, {"-I"}} {
		out, err := exec.Command(curl, append([]string{"-sS", "--fail", "--cacert", s.ca, s.url() + "/x"}, args...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v %s", args, err, out)
		}
	}
}

func TestHTTP2IsJudgedToo(t *testing.T) {
	s := start(t, nil)
	c := s.client(t, true)
	for _, o := range []struct {
		name   string
		change func(*http.Request)
		no     *refusal
	}{
		{"TRACE", func(r *http.Request) { r.Method = "TRACE" }, badMethod},
		{"lower case", func(r *http.Request) { r.Method = "get" }, badMethod},
		{"unknown", func(r *http.Request) { r.Method = "BREW" }, badMethod},
		{"an escaped slash", func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + "/a%2fb" }, badTarget},
		{"dots", func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + "/a/../b" }, badTarget},
		{"%00", func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + "/a%00" }, badTarget},
		{"two Authorizations", func(r *http.Request) { r.Header["Authorization"] = []string{"Bearer a", "Bearer b"} }, duplicateHeader},
		{"two sessions", func(r *http.Request) { r.Header["Cookie"] = []string{"session=1", "session=2"} }, duplicateHeader},
		{"a body on GET", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("a")); r.ContentLength = 1 }, bodyOnRead},
		{"a body of unknown length on GET", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("a")); r.ContentLength = -1 }, bodyOnRead},
		{"120 headers", func(r *http.Request) { r.Header["X-A"] = make([]string, 120) }, tooLarge},
		{"a forged refusal", func(r *http.Request) {
			r.Header.Set(refusalHeader, "x malformed_host")
			r.Method = "BREW"
		}, badMethod},
	} {
		req, _ := http.NewRequest("GET", s.url()+"/", nil)
		o.change(req)
		resp, err := c.Do(req)
		if err != nil {
			t.Errorf("%s: %v", o.name, err)
			continue
		}
		var p problem
		err = json.NewDecoder(resp.Body).Decode(&p)
		resp.Body.Close()
		if err != nil || resp.ProtoMajor != 2 || resp.StatusCode != o.no.status || p.Reason != o.no.reason {
			t.Errorf("%s: %s %d %+v %v", o.name, resp.Proto, resp.StatusCode, p, err)
		}
	}
	if s.calls.Load() != 0 {
		t.Error("a refused request reached the handler")
	}
}

func TestOldTLSIsRefused(t *testing.T) {
	s := start(t, nil)
	for name, c := range map[string]*tls.Config{
		"TLS 1.1": {MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10},
		"CBC":     {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}},
	} {
		c.RootCAs = s.roots
		if conn, err := tls.Dial("tcp", s.Addr().String(), c); err == nil {
			conn.Close()
			t.Errorf("%s was accepted", name)
		}
	}
	for _, v := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: s.roots, MinVersion: v, MaxVersion: v})
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
	if _, err := Serve(t.Context(), Config{Listen: "127.0.0.1:0", Handler: http.NotFoundHandler()}); err == nil {
		t.Error("a server without a certificate started")
	}
}

// Slow senders are cut off: in the handshake, in the first head, in the next one.
func TestSlowSendersAreCutOff(t *testing.T) {
	s := start(t, func(c *Config) { c.ReadHeaderTimeout = 150 * time.Millisecond; c.ReadTimeout = 300 * time.Millisecond })
	raw, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	slow := map[string]net.Conn{"handshake": raw}
	first := s.dial(t)
	io.WriteString(first, "GET / HTTP/1.1\r\nX-A: ")
	slow["first head"] = first
	next := s.dial(t)
	io.WriteString(next, "GET / HTTP/1.1\r\n"+tail)
	r := bufio.NewReader(next)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.ReadAll(resp.Body)
	io.WriteString(next, "GET / HT")
	slow["next head"] = next
	body := s.dial(t)
	io.WriteString(body, "POST / HTTP/1.1\r\nContent-Length: 10\r\n"+tail+"abc")
	slow["body"] = body
	for name, c := range slow {
		c.SetReadDeadline(time.Now().Add(5 * time.Second))
		if all, err := io.ReadAll(c); err != nil && strings.Contains(err.Error(), "timeout") {
			t.Errorf("%s: still open after %q: %v", name, all, err)
		}
	}
}

func TestReadsAreShedFirst(t *testing.T) {
	for _, c := range []struct {
		method string
		n      int64
		want   bool
	}{{"GET", 2, false}, {"GET", 3, true}, {"HEAD", 3, true}, {"POST", 3, false}, {"POST", 4, false}, {"POST", 5, true}} {
		if got := sheds(c.method, c.n, 2); got != c.want {
			t.Errorf("%s at %d of 2: shed %t", c.method, c.n, got)
		}
	}
	inside, leave := make(chan struct{}, 9), make(chan struct{})
	s := start(t, func(c *Config) {
		c.MaxInFlight = 2
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/wait" {
				inside <- struct{}{}
				<-leave
			}
			fmt.Fprint(w, "done")
		})
	})
	c := s.client(t, true)
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			resp, err := c.Post(s.url()+"/wait", "text/plain", strings.NewReader("x"))
			if err != nil {
				t.Error(err)
				return
			}
			body, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if string(body) != "done" {
				t.Errorf("a write that had begun got %q", body)
			}
		})
	}
	<-inside
	<-inside
	resp, err := c.Get(s.url() + "/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 503 || resp.Header.Get("Retry-After") == "" {
		t.Errorf("a read under load got %d", resp.StatusCode)
	}
	resp, err = c.Post(s.url()+"/", "text/plain", strings.NewReader("x"))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("a write under load got %d", resp.StatusCode)
	}
	close(leave)
	group.Wait()
}

func TestShutdownLetsWritesEnd(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	s := start(t, func(c *Config) {
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			close(inside)
			<-leave
			fmt.Fprint(w, "posted")
		})
	})
	c := s.client(t, false)
	got := make(chan string, 1)
	go func() {
		resp, err := c.Post(s.url(), "text/plain", strings.NewReader("x"))
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()
	<-inside
	ended := make(chan error, 1)
	go func() { ended <- s.Shutdown(t.Context()) }()
	<-s.stopping.Done()
	close(leave)
	if body := <-got; body != "posted" {
		t.Errorf("the write in flight got %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if conn, err := net.Dial("tcp", s.Addr().String()); err == nil {
		conn.Close()
		t.Error("the server still listens")
	}
}

func TestTheContextEndsTheServer(t *testing.T) {
	secure, _, err := DevelopmentCA(t.TempDir(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Serve(ctx, Config{Listen: "127.0.0.1:0", TLS: secure, Handler: http.NotFoundHandler()})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-s.Done()
}

func TestAPanicTellsNothing(t *testing.T) {
	var log bytes.Buffer
	s := start(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Secret", "ssn")
			if r.URL.Path == "/late" {
				fmt.Fprint(w, "half")
				w.(http.Flusher).Flush()
			}
			panic("ssn 123-45-6789")
		})
	})
	for _, h2 := range []bool{false, true} {
		c := s.client(t, h2)
		resp, err := c.Get(s.url() + "/early")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != 500 || !bytes.Contains(body, []byte(`"reason":"internal"`)) || resp.Header.Get("X-Secret") != "" {
			t.Errorf("%d %s %v", resp.StatusCode, body, err)
		}
		resp, err = c.Get(s.url() + "/late")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		if err == nil {
			t.Error("a broken answer looks complete")
		}
	}
	if !strings.Contains(log.String(), "panicked") || strings.Contains(log.String(), "123-45") {
		t.Errorf("the log says %s", log.String())
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	s := start(t, func(c *Config) { c.MaxConnections = 1 })
	first := s.dial(t)
	if conn, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{RootCAs: s.roots}); err == nil {
		conn.Close()
		t.Error("a second connection was served")
	}
	io.WriteString(first, "GET / HTTP/1.1\r\nConnection: close\r\n"+tail)
	if all, _ := io.ReadAll(first); !bytes.Contains(all, []byte("200 OK")) {
		t.Errorf("the first got %s", all)
	}
}

func FuzzInspect(f *testing.F) {
	for _, o := range odd {
		f.Add(o.raw)
	}
	f.Add("POST /a HTTP/1.1\r\nContent-Length: 5\r\n" + tail)
	f.Fuzz(func(t *testing.T, raw string) {
		end := strings.Index(raw, "\r\n\r\n")
		if end < 0 {
			return
		}
		head := raw[:end+4]
		frame, no := inspect(head, nil)
		if no != nil {
			return
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head)))
		if err != nil {
			return // net/http is stricter here and there: it answers 400 and closes
		}
		if chunked := len(r.TransferEncoding) > 0; chunked != frame.chunked || (!chunked && r.ContentLength != frame.length) {
			t.Errorf("%q: we read %+v, net/http %v %d", head, frame, r.TransferEncoding, r.ContentLength)
		}
		if no := admit(r, nil); no != nil && !frame.chunked {
			t.Errorf("%q passed as bytes and not as a request: %s", head, no.reason)
		}
	})
}
