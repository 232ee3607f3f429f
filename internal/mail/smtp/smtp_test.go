package smtp

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"net"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/mail"
)

var letter = mail.Message{To: "jane@example.com", Subject: "Hello", Text: "a\n.\nb"}

// station is a small mail server. It refuses what its answers say, by verb.
type station struct {
	*testing.T
	cert     tls.Certificate
	roots    *x509.CertPool
	addr     string
	implicit bool
	plain    bool              // offers no STARTTLS
	answers  map[string]string // verb → answer instead of the good one; "" is silence
	over     chan struct{}

	mu    sync.Mutex
	heard []string // commands, with "plain " or "tls " in front
	data  string
}

func open(t *testing.T, change func(*station)) *station {
	t.Helper()
	borrowed := httptest.NewTLSServer(nil)
	defer borrowed.Close()
	s := &station{T: t, cert: borrowed.TLS.Certificates[0], roots: x509.NewCertPool(), answers: map[string]string{}, over: make(chan struct{})}
	s.roots.AddCert(borrowed.Certificate())
	if change != nil {
		change(s)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); close(s.over); all.Wait() })
	return s
}

func (s *station) serve(conn net.Conn) {
	defer func() { conn.Close() }()
	layer := "plain "
	if s.implicit {
		conn, layer = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}}), "tls "
	}
	r := bufio.NewReader(conn)
	if !s.say(conn, "GREETING", "220 station") {
		return
	}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		s.mu.Lock()
		s.heard = append(s.heard, layer+line)
		s.mu.Unlock()
		verb, _, _ := strings.Cut(line, " ")
		good := "250 ok"
		switch verb {
		case "EHLO":
			if good = "250-station\r\n250-STARTTLS\r\n250 AUTH PLAIN"; s.plain || layer == "tls " {
				good = "250-station\r\n250 AUTH PLAIN"
			}
		case "STARTTLS":
			good = "220 go"
		case "AUTH":
			good = "235 welcome"
		case "DATA":
			good = "354 go"
		case "QUIT":
			good = "221 bye"
		}
		if !s.say(conn, verb, good) {
			return
		}
		switch verb {
		case "STARTTLS":
			conn = tls.Server(conn, &tls.Config{Certificates: []tls.Certificate{s.cert}})
			r, layer = bufio.NewReader(conn), "tls "
		case "DATA":
			if !s.letter(conn, r) {
				return
			}
		}
	}
}

func (s *station) letter(conn net.Conn, r *bufio.Reader) bool {
	var b strings.Builder
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		b.WriteString(strings.TrimPrefix(line, "."))
	}
	s.mu.Lock()
	s.data = b.String()
	s.mu.Unlock()
	return s.say(conn, "END", "250 taken")
}

// say answers, or keeps silent until the test is over.
func (s *station) say(conn net.Conn, verb, good string) bool {
	answer, special := s.answers[verb]
	if !special {
		answer = good
	}
	if answer == "" {
		<-s.over
		return false
	}
	_, err := fmt.Fprint(conn, answer+"\r\n")
	return err == nil
}

func (s *station) post(change func(*Config)) *Post {
	s.Helper()
	c := Config{Server: s.addr, Implicit: s.implicit, From: "house@lender.example", User: "house", Password: "pass-word", RootCAs: s.roots,
		Timeout: 5 * time.Second, Now: func() int64 { return 1_763_790_000_000_000 }}
	if change != nil {
		change(&c)
	}
	p, err := New(c)
	if err != nil {
		s.Fatal(err)
	}
	return p
}

func TestALetterArrivesEncrypted(t *testing.T) {
	for _, implicit := range []bool{false, true} {
		s := open(t, func(s *station) { s.implicit = implicit })
		if err := s.post(nil).Send(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
		s.mu.Lock()
		heard := strings.Join(s.heard, "\n")
		s.mu.Unlock()
		auth := "tls AUTH PLAIN " + base64.StdEncoding.EncodeToString([]byte("\x00house\x00pass-word"))
		for _, want := range []string{auth, "tls MAIL FROM:<house@lender.example>", "tls RCPT TO:<jane@example.com>", "tls DATA"} {
			if !strings.Contains(heard, want) {
				t.Errorf("%q was not said in:\n%s", want, heard)
			}
		}
		for line := range strings.SplitSeq(heard, "\n") {
			if strings.HasPrefix(line, "plain ") && !strings.HasPrefix(line, "plain EHLO") && line != "plain STARTTLS" {
				t.Errorf("said in the open: %s", line)
			}
		}
		if !strings.Contains(s.data, "Subject: Hello\r\n") || !strings.Contains(s.data, base64.StdEncoding.EncodeToString([]byte("a\r\n.\r\nb"))) {
			t.Errorf("the letter is %q", s.data)
		}
	}
}

func TestNothingIsSaidInTheOpen(t *testing.T) {
	s := open(t, func(s *station) { s.plain = true })
	err := s.post(nil).Send(t.Context(), letter)
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	stranger := s.post(func(c *Config) { c.RootCAs = x509.NewCertPool() })
	other := open(t, nil)
	stranger.config.Server = other.addr
	if err := stranger.Send(t.Context(), letter); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a certificate of a stranger: %v", err)
	}
	for _, st := range []*station{s, other} {
		st.mu.Lock()
		for _, line := range st.heard {
			if !strings.HasPrefix(line, "plain EHLO") && line != "plain STARTTLS" && line != "plain QUIT" {
				t.Errorf("said: %s", line)
			}
		}
		st.mu.Unlock()
	}
}

func TestRefusalsAreToldApart(t *testing.T) {
	for verb, c := range map[string]struct {
		answer string
		kind   fault.Kind
	}{
		"RCPT": {"550 no jane@example.com here", fault.Conflict}, "MAIL": {"451 later", fault.Unavailable}, "END": {"554 jane@example.com is spam", fault.Conflict},
		"DATA": {"421 busy", fault.Unavailable}, "AUTH": {"535 wrong pass-word", fault.Unavailable}, "GREETING": {"554 go away", fault.Unavailable}, "STARTTLS": {"454 no", fault.Unavailable},
	} {
		s := open(t, func(s *station) { s.answers[verb] = c.answer })
		err := s.post(nil).Send(t.Context(), letter)
		if !fault.Is(err, c.kind) {
			t.Errorf("%s: %v", verb, err)
		}
		if err != nil && (strings.Contains(err.Error(), "jane") || strings.Contains(err.Error(), "pass-word")) {
			t.Errorf("%s: the fault tells %v", verb, err)
		}
	}
}

func TestSilenceEnds(t *testing.T) {
	for _, verb := range []string{"GREETING", "EHLO", "STARTTLS", "MAIL", "END"} {
		s := open(t, func(s *station) { s.answers[verb] = "" })
		err := s.post(func(c *Config) { c.Timeout = 200 * time.Millisecond }).Send(t.Context(), letter)
		if !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", verb, err)
		}
	}
	s := open(t, nil)
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.post(nil).Send(over, letter); !fault.Is(err, fault.Unavailable) {
		t.Errorf("after the caller gave up: %v", err)
	}
}

func TestBadLettersAreNotTried(t *testing.T) {
	s := open(t, nil)
	for _, to := range []string{"jane@example.com>\r\nRCPT TO:<all@example.com", "jane@example.com> SIZE=1", ""} {
		m := letter
		m.To = to
		if err := s.post(nil).Send(t.Context(), m); !fault.Is(err, fault.Invalid) {
			t.Errorf("%q: %v", to, err)
		}
	}
	if len(s.heard) != 0 {
		t.Errorf("the server heard %q", s.heard)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	now := func() int64 { return 0 }
	for name, c := range map[string]Config{
		"no port": {Server: "mail.example.com", From: "a@b.example", Now: now}, "no host": {Server: ":587", From: "a@b.example", Now: now},
		"no sender": {Server: "mail.example.com:587", Now: now}, "no clock": {Server: "mail.example.com:587", From: "a@b.example"},
	} {
		if _, err := New(c); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}
