// Package httpserve is the HTTPS server of both programs.
//
// It admits only plain, unambiguous HTTP: what two parsers could read in two
// ways is refused before a handler sees it, on HTTP/1.1 (where the raw head is
// inspected before net/http, which hides some of it) and on HTTP/2. It bounds
// time, headers, connections and requests in flight, finds the client's
// address behind trusted proxies, and keeps rates. Every answer carries the
// security headers that do not depend on the page.
//
// It knows no route, no session and no tenant.
package httpserve

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Config says what to serve. Limits of zero mean the defaults in brackets.
type Config struct {
	Listen  string       // "127.0.0.1:8443"; port 0 takes a free one
	TLS     *tls.Config  // certificates; versions and suites are set here
	Handler http.Handler // sees admitted requests only
	Log     *slog.Logger // none if nil

	SessionCookies []string // cookies that must not come twice, besides __Host- and __Secure- ones

	ReadHeaderTimeout time.Duration // [5 s] from the first byte of a head to its last
	ReadTimeout       time.Duration // [60 s] for a whole request with its body
	WriteTimeout      time.Duration // [90 s] from the end of the head to the end of the answer
	IdleTimeout       time.Duration // [60 s] between requests
	ShutdownTimeout   time.Duration // [20 s] for requests in flight when the context ends
	MaxConnections    int           // [4096] further ones are closed at once
	MaxInFlight       int           // [512] beyond it reads are shed, beyond twice of it writes too
}

// Limits that are not for setting.
const (
	maxHead    = 32 << 10 // bytes of a request's head
	maxHeaders = 100      // header lines of a request
	maxStreams = 128      // concurrent HTTP/2 requests on a connection
)

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		v *time.Duration
		n time.Duration
	}{
		{&c.ReadHeaderTimeout, 5 * time.Second}, {&c.ReadTimeout, 60 * time.Second}, {&c.WriteTimeout, 90 * time.Second},
		{&c.IdleTimeout, 60 * time.Second}, {&c.ShutdownTimeout, 20 * time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.n
		}
	}
	if c.MaxConnections <= 0 {
		c.MaxConnections = 4096
	}
	if c.MaxInFlight <= 0 {
		c.MaxInFlight = 512
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Server is a running server.
type Server struct {
	config   Config
	listener net.Listener
	http     *http.Server
	ready    chan net.Conn // connections behind their TLS handshake
	token    string        // marks the requests that the head inspection made up

	stop     context.CancelFunc // ends accepting and handshakes
	stopping context.Context
	once     sync.Once
	done     chan struct{}
	err      error // of the shutdown; read after done is closed
}

// Serve listens and serves until ctx ends or Shutdown is called. Requests in
// flight are not cancelled by ctx: they get ShutdownTimeout to finish.
func Serve(ctx context.Context, config Config) (*Server, error) {
	config = config.withDefaults()
	if config.Handler == nil {
		return nil, errors.New("httpserve: no handler")
	}
	secure, err := strict(config.TLS)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", config.Listen)
	if err != nil {
		return nil, fmt.Errorf("httpserve: listen: %w", err)
	}
	s := &Server{config: config, listener: listener, ready: make(chan net.Conn), token: rand.Text(), done: make(chan struct{})}
	s.stopping, s.stop = context.WithCancel(context.Background())
	quiet := &http.Protocols{}
	quiet.SetHTTP1(true)
	quiet.SetHTTP2(true)
	s.http = &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: config.ReadHeaderTimeout,
		ReadTimeout:       config.ReadTimeout,
		WriteTimeout:      config.WriteTimeout,
		IdleTimeout:       config.IdleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          slog.NewLogLogger(config.Log.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ConnContext:       withState,
		Protocols:         quiet,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: config.IdleTimeout, WriteByteTimeout: config.WriteTimeout},
	}
	go s.accept(secure)
	go s.http.Serve(handed{s})
	go func() {
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), config.ShutdownTimeout)
			defer cancel()
			s.Shutdown(end)
		case <-s.done:
		}
	}()
	return s, nil
}

// strict allows TLS 1.2 and 1.3 with forward secrecy and AEAD suites only.
func strict(c *tls.Config) (*tls.Config, error) {
	if c == nil || (len(c.Certificates) == 0 && c.GetCertificate == nil && c.GetConfigForClient == nil) {
		return nil, errors.New("httpserve: no TLS certificate")
	}
	c = c.Clone()
	c.MinVersion, c.MaxVersion = tls.VersionTLS12, tls.VersionTLS13
	c.CipherSuites = []uint16{ // of TLS 1.2; those of 1.3 are all AEAD
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	c.NextProtos = []string{"h2", "http/1.1"}
	c.Renegotiation = tls.RenegotiateNever
	return c, nil
}

// Addr gives the address that the server listens on.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Done is closed when the server has stopped.
func (s *Server) Done() <-chan struct{} { return s.done }

// Shutdown stops accepting, waits for requests in flight until ctx ends, and
// closes what is left. It may be called more than once; all calls wait for the
// same end. The error says that requests had to be cut off.
func (s *Server) Shutdown(ctx context.Context) error {
	s.once.Do(func() {
		s.stop()
		s.listener.Close()
		if err := s.http.Shutdown(ctx); err != nil {
			s.err = fmt.Errorf("httpserve: shutdown: %w", err)
			s.http.Close()
		}
		close(s.done)
	})
	<-s.done
	return s.err
}

// accept takes connections and lets each shake hands on its own, so that a slow
// one holds up nobody.
func (s *Server) accept(secure *tls.Config) {
	room := make(chan struct{}, s.config.MaxConnections)
	for {
		raw, err := s.listener.Accept()
		if err != nil {
			if s.stopping.Err() != nil {
				return
			}
			s.config.Log.Error("accepting a connection", "error", err)
			select { // out of descriptors, mostly: give it a moment
			case <-s.stopping.Done():
				return
			case <-time.After(50 * time.Millisecond):
			}
			continue
		}
		select {
		case room <- struct{}{}:
			conn := &counted{Conn: raw, leave: func() { <-room }}
			go s.handshake(tls.Server(conn, secure))
		default:
			raw.Close()
		}
	}
}

// counted gives its place back when it is closed.
type counted struct {
	net.Conn
	once  sync.Once
	leave func()
}

func (c *counted) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}

func (s *Server) handshake(conn *tls.Conn) {
	ctx, cancel := context.WithTimeout(s.stopping, s.config.ReadHeaderTimeout)
	defer cancel()
	if err := conn.HandshakeContext(ctx); err != nil {
		conn.Close()
		return
	}
	out := net.Conn(conn)
	if conn.ConnectionState().NegotiatedProtocol != "h2" {
		out = &headConn{Conn: conn, tls: conn, token: s.token, patience: s.config.ReadHeaderTimeout, cookies: s.config.SessionCookies}
	}
	select {
	case s.ready <- out:
	case <-s.stopping.Done():
		conn.Close()
	}
}

// handed is the listener that net/http sees: connections behind the handshake.
type handed struct{ s *Server }

func (h handed) Accept() (net.Conn, error) {
	select {
	case c := <-h.s.ready:
		return c, nil
	case <-h.s.stopping.Done():
		return nil, net.ErrClosed
	}
}

func (h handed) Close() error   { return nil }
func (h handed) Addr() net.Addr { return h.s.listener.Addr() }
