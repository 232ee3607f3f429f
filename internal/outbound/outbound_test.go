package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/ipset"
)

const apiKey = "k3y-that-must-not-appear"

// house is a client that may reach the loopback and trusts the server.
func house(t *testing.T, s *httptest.Server, change func(*Config)) (*Client, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	c := Config{AllowLoopback: true, Timeout: 2 * time.Second, MaxBody: 4096, Log: slog.New(slog.NewTextHandler(&log, nil))}
	if s != nil && s.Certificate() != nil {
		c.RootCAs = x509.NewCertPool()
		c.RootCAs.AddCert(s.Certificate())
	}
	if change != nil {
		change(&c)
	}
	client := New(c)
	t.Cleanup(client.CloseIdle)
	return client, &log
}

func server(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

// refuse wants the kind, and no trace of the call in error or log.
func refuse(t *testing.T, err error, log *bytes.Buffer, want Kind) {
	t.Helper()
	if err == nil {
		t.Fatalf("the call succeeded, want %s", want)
	}
	if got := KindOf(err); got != want {
		t.Errorf("kind %s, want %s", got, want)
	}
	for _, text := range []string{err.Error(), fmt.Sprintf("%+v %#v", err, err), log.String()} {
		if strings.Contains(text, apiKey) || strings.Contains(text, "access_key") || strings.Contains(text, "https://") {
			t.Errorf("the call shows in %q", text)
		}
	}
	if u := errors.Unwrap(err); u != nil {
		t.Errorf("the cause can be unwrapped: %T", u)
	}
}

func TestAnHonestAnswerArrives(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("access_key") != apiKey || r.Header.Get("X-Trace") != "1" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.Header.Get("Accept-Encoding") != "" {
			w.WriteHeader(http.StatusNotAcceptable)
			return
		}
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Method", r.Method)
		fmt.Fprintf(w, "hello %s", body)
	})
	c, log := house(t, s, nil)
	h := http.Header{"X-Trace": {"1"}, "Accept-Encoding": {"gzip"}}
	a, err := c.Get(t.Context(), s.URL+"/203.0.113.9?access_key="+apiKey, h)
	if err != nil {
		t.Fatal(err)
	}
	if a.Status != 200 || string(a.Body) != "hello " || a.Header.Get("X-Method") != "GET" {
		t.Errorf("got %d %q", a.Status, a.Body)
	}
	a, err = c.Do(t.Context(), Request{Method: "POST", URL: s.URL + "/?access_key=" + apiKey, Header: h, Body: []byte("event")})
	if err != nil {
		t.Fatal(err)
	}
	if string(a.Body) != "hello event" || a.Header.Get("X-Method") != "POST" {
		t.Errorf("got %d %q", a.Status, a.Body)
	}
	if log.Len() != 0 {
		t.Errorf("a good call was logged: %s", log)
	}
	if h.Get("Accept-Encoding") == "" {
		t.Error("the caller's header was changed")
	}
}

func TestARedirectIsAnAnswer(t *testing.T) {
	var inside atomic.Int32
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/inside" {
			inside.Add(1)
		}
		to := "https://169.254.169.254/latest/meta-data/"
		if r.URL.Path == "/self" {
			to = "/inside"
		}
		http.Redirect(w, r, to, http.StatusFound)
	})
	c, _ := house(t, s, nil)
	for _, path := range []string{"/metadata", "/self"} {
		a, err := c.Get(t.Context(), s.URL+path, nil)
		if err != nil || a.Status != http.StatusFound || a.Header.Get("Location") == "" {
			t.Errorf("%s: %+v %v", path, a, err)
		}
	}
	if inside.Load() != 0 {
		t.Error("the redirect was followed")
	}
}

func TestAddressesInsideAreBlocked(t *testing.T) {
	c, log := house(t, nil, func(c *Config) { c.AllowLoopback = false })
	for _, host := range []string{
		"127.0.0.1", "[::1]", "localhost", "10.0.0.1", "192.168.1.1", "172.20.0.1", "169.254.169.254", "100.64.0.1",
		"0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
		"[2002:7f00:1::]", "203.0.113.10", "[2001:db8::10]", "224.0.0.1", "255.255.255.255", "[fec0::1]",
	} {
		_, err := c.Get(t.Context(), "https://"+host+"/?access_key="+apiKey, nil)
		if KindOf(err) != BlockedAddress {
			t.Errorf("%s: %v", host, err)
		}
		refuse(t, err, log, BlockedAddress)
	}
}

// A server that the operator named may stand inside; it is spoken to by https
// all the same.
func TestTheOperatorsOwnServersMayStandInside(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	c, log := house(t, s, func(c *Config) { c.AllowLoopback, c.Inside = false, true })
	if a, err := c.Get(t.Context(), s.URL, nil); err != nil || string(a.Body) != "ok" {
		t.Errorf("%+v %v", a, err)
	}
	for _, host := range []string{"10.0.0.1", "fd00::1", "169.254.169.254"} {
		if !c.permitted(netip.MustParseAddr(host)) {
			t.Errorf("%s is not permitted", host)
		}
	}
	for _, host := range []string{"0.0.0.0", "::", "224.0.0.1", "ff02::1", "fe80::1%lo"} {
		if c.permitted(netip.MustParseAddr(host)) {
			t.Errorf("%s is permitted", host)
		}
	}
	_, err := c.Get(t.Context(), "http://127.0.0.1:1/?access_key="+apiKey, nil)
	refuse(t, err, log, BadURL)
}

func TestANameThatLeadsInsideIsBlocked(t *testing.T) {
	public, inside := netip.MustParseAddr("93.184.215.14"), netip.MustParseAddr("10.1.2.3")
	for name, answer := range map[string][]netip.Addr{
		"inside": {inside}, "mixed": {public, inside}, "mapped": {netip.MustParseAddr("::ffff:10.1.2.3")}, "zone": {netip.MustParseAddr("fe80::1%lo")},
	} {
		c, log := house(t, nil, func(c *Config) {
			c.AllowLoopback = false
			c.Resolve = func(context.Context, string) ([]netip.Addr, error) { return answer, nil }
		})
		_, err := c.Get(t.Context(), "https://partner.example/?access_key="+apiKey, nil)
		t.Run(name, func(t *testing.T) { refuse(t, err, log, BlockedAddress) })
	}
}

// The name is resolved once: whatever it says later, the connection goes to the
// address that was judged.
func TestRebindingHasNoSecondChance(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "ok") })
	here := netip.MustParseAddrPort(s.Listener.Addr().String())
	var asked atomic.Int32
	c, _ := house(t, s, func(c *Config) {
		c.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			if asked.Add(1) > 1 {
				return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
			}
			return []netip.Addr{here.Addr()}, nil
		}
	})
	a, err := c.Get(t.Context(), fmt.Sprintf("https://example.com:%d/", here.Port()), nil)
	if err != nil || string(a.Body) != "ok" || asked.Load() != 1 {
		t.Errorf("%+v %v, resolved %d times", a, err, asked.Load())
	}
	if err := c.control("tcp4", "169.254.169.254:80", syscall.RawConn(nil)); !errors.Is(err, errBlocked) {
		t.Errorf("the dialer would connect: %v", err)
	}
	if err := c.control("udp4", here.String(), nil); !errors.Is(err, errBlocked) {
		t.Errorf("the dialer would use udp: %v", err)
	}
}

func TestExtraRangesCountAsPublic(t *testing.T) {
	extra, err := ipset.Parse("203.0.113.0/24")
	if err != nil {
		t.Fatal(err)
	}
	c := New(Config{Extra: extra})
	for a, want := range map[string]bool{"203.0.113.9": true, "198.51.100.9": false, "127.0.0.1": false, "8.8.8.8": true, "2606:4700::1111": true} {
		if got := c.permitted(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s permitted: %t", a, got)
		}
	}
}

func TestBadAddressesAreRefused(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "plain") }))
	defer plain.Close()
	c, log := house(t, nil, nil)
	for _, u := range []string{
		"", "::", "ftp://example.com/", "http://example.com/", "http://127.0.0.1.example.com/", "https:///x", "https://user:pw@example.com/",
		"https:example.com", "file:///etc/passwd", "https://exa mple.com/", "https://[fe80::1%25lo]/", "https://example.com:port/", "//example.com",
	} {
		_, err := c.Get(t.Context(), u, nil)
		refuse(t, err, log, BadURL)
	}
	if a, err := c.Get(t.Context(), plain.URL, nil); err != nil || string(a.Body) != "plain" {
		t.Errorf("plain http on the demo's loopback: %+v %v", a, err)
	}
	strict := New(Config{})
	if _, err := strict.Get(t.Context(), plain.URL, nil); KindOf(err) != BadURL {
		t.Errorf("plain http outside the demo: %v", err)
	}
	_, err := c.Do(t.Context(), Request{Method: "GET / HTTP/1.1\r\nX:", URL: "https://127.0.0.1/"})
	refuse(t, err, log, BadURL)
}

func TestBigBodiesAreCutOff(t *testing.T) {
	chunk := bytes.Repeat([]byte("x"), 32<<10)
	for name, h := range map[string]http.HandlerFunc{
		"announced gigabyte": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1073741824")
			w.Write(chunk)
		},
		"endless": func(w http.ResponseWriter, r *http.Request) {
			for {
				if _, err := w.Write(chunk); err != nil {
					return
				}
			}
		},
		"one byte over": func(w http.ResponseWriter, r *http.Request) { w.Write(chunk[:4097]) },
	} {
		s := server(t, h)
		c, log := house(t, s, nil)
		_, err := c.Get(t.Context(), s.URL+"/?access_key="+apiKey, nil)
		t.Run(name, func(t *testing.T) {
			refuse(t, err, log, TooLarge)
			if !errors.Is(err, ErrTooLarge) {
				t.Error("it is not ErrTooLarge")
			}
		})
	}
	s := server(t, func(w http.ResponseWriter, r *http.Request) { w.Write(chunk[:4096]) })
	c, _ := house(t, s, nil)
	if a, err := c.Get(t.Context(), s.URL, nil); err != nil || len(a.Body) != 4096 {
		t.Errorf("a body of the very limit: %v", err)
	}
}

// A compressed body is handed over as it is: there is nothing to explode.
func TestNothingIsUnpacked(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write([]byte("\x1f\x8bnot unpacked"))
	})
	c, _ := house(t, s, nil)
	a, err := c.Get(t.Context(), s.URL, nil)
	if err != nil || string(a.Body) != "\x1f\x8bnot unpacked" {
		t.Errorf("%+v %v", a, err)
	}
}

// liar accepts connections (behind TLS if told so) and does as it likes.
func liar(t *testing.T, secure bool, act func(net.Conn)) (url string, roots *x509.CertPool) {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	t.Cleanup(borrowed.Close)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				if secure {
					conn = tls.Server(conn, &tls.Config{Certificates: borrowed.TLS.Certificates})
				}
				act(conn)
			}()
		}
	}()
	roots = x509.NewCertPool()
	roots.AddCert(borrowed.Certificate())
	return "https://" + l.Addr().String() + "/?access_key=" + apiKey, roots
}

func TestLiarsAreToldApart(t *testing.T) {
	over := make(chan struct{})
	defer close(over)
	request := func(c net.Conn) { c.Read(make([]byte, 4096)) }
	for _, l := range []struct {
		name   string
		secure bool
		want   Kind
		act    func(net.Conn)
	}{
		{"silent before the handshake", false, Timeout, func(c net.Conn) { <-over }},
		{"silent after the request", true, Timeout, func(c net.Conn) { request(c); <-over }},
		{"headers drop by drop", true, Timeout, func(c net.Conn) {
			request(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nX-A: ")
			<-over
		}},
		{"body drop by drop", true, Timeout, func(c net.Conn) {
			request(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
			<-over
		}},
		{"plain http", false, TLS, func(c net.Conn) { request(c); fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") }},
		{"garbage for TLS", false, TLS, func(c net.Conn) { request(c); fmt.Fprint(c, strings.Repeat("garbage", 30)) }},
		{"garbage for HTTP, quoting us", true, Other, func(c net.Conn) {
			b := make([]byte, 4096)
			n, _ := c.Read(b)
			c.Write(append(b[:n], "\r\n\r\n"...))
		}},
		{"hangs up", true, Other, func(c net.Conn) { request(c) }},
		{"resets the connection", false, Other, func(c net.Conn) { request(c); c.(*net.TCPConn).SetLinger(0) }},
		{"hangs up in the body", true, Other, func(c net.Conn) {
			request(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")
		}},
		{"a megabyte of headers", true, Other, func(c net.Conn) {
			request(c)
			fmt.Fprint(c, "HTTP/1.1 200 OK\r\nX-A: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
		}},
	} {
		t.Run(l.name, func(t *testing.T) {
			u, roots := liar(t, l.secure, l.act)
			c, log := house(t, nil, func(c *Config) { c.RootCAs = roots; c.Timeout = 300 * time.Millisecond })
			_, err := c.Get(t.Context(), u, http.Header{"Authorization": {apiKey}})
			refuse(t, err, log, l.want)
		})
	}
}

func TestCertificatesAreChecked(t *testing.T) {
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	stranger, log := house(t, nil, nil)
	_, err := stranger.Get(t.Context(), s.URL+"/?access_key="+apiKey, nil)
	refuse(t, err, log, TLS)

	port := netip.MustParseAddrPort(s.Listener.Addr().String()).Port()
	c, log := house(t, s, func(c *Config) {
		c.Resolve = func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
		}
	})
	_, err = c.Get(t.Context(), fmt.Sprintf("https://other.test:%d/?access_key=%s", port, apiKey), nil)
	refuse(t, err, log, TLS)

	old := httptest.NewUnstartedServer(http.NotFoundHandler())
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	old.StartTLS()
	defer old.Close()
	c, log = house(t, old, nil)
	_, err = c.Get(t.Context(), old.URL, nil)
	refuse(t, err, log, TLS)
}

func TestNobodyListensAndNoName(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	c, log := house(t, nil, func(c *Config) {
		c.Resolve = func(_ context.Context, host string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
		}
	})
	_, err = c.Get(t.Context(), "https://"+addr+"/?access_key="+apiKey, nil)
	refuse(t, err, log, Refused)
	_, err = c.Get(t.Context(), "https://missing.example/?access_key="+apiKey, nil)
	refuse(t, err, log, DNS)
}

func TestTheCallerMayGiveUp(t *testing.T) {
	got := make(chan struct{}, 1)
	s := server(t, func(w http.ResponseWriter, r *http.Request) { got <- struct{}{}; <-r.Context().Done() })
	c, log := house(t, s, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-got; cancel() }()
	_, err := c.Get(ctx, s.URL+"/?access_key="+apiKey, nil)
	refuse(t, err, log, Other)
}

func TestKindOfStrangers(t *testing.T) {
	if KindOf(nil) != "" || KindOf(io.EOF) != Other || KindOf(fmt.Errorf("while checking: %w", ErrTooLarge)) != TooLarge {
		t.Error("kinds of foreign errors are wrong")
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"https://example.com/a?b#c", "http://localhost:1", "http://127.0.0.1", "https://u@h", "https://[::1]:443/", "https:/x"} {
		f.Add(s)
	}
	strict := New(Config{})
	f.Fuzz(func(t *testing.T, raw string) {
		u, ok := strict.target(raw)
		if ok && (u.Scheme != "https" || u.User != nil || u.Hostname() == "" || u.Fragment != "") {
			t.Errorf("%q became %q", raw, u)
		}
	})
}
