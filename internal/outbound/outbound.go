// Package outbound is the only way out of the house: every call to somebody
// else's server goes through a Client.
//
// A Client speaks https with TLS 1.2 or later to public addresses only, unless
// the operator named the server himself. The address is judged after the name is resolved and the connection goes to that
// very address, so a name that changes its mind cannot lead inside. Nothing is
// followed: a redirect is an answer like any other. There is no proxy, no
// cookie and no decompression; time, headers and body are bounded.
//
// Errors are a closed list of kinds. They never hold an address, a query or a
// header, because keys travel there. The package knows no provider.
package outbound

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"

	"github.com/lendkeep/lendkeep/internal/ipset"
)

// Defaults and fixed limits of a call.
const (
	DefaultTimeout = 5 * time.Second
	DefaultMaxBody = 1 << 20 // bytes
	maxHeader      = 64 << 10
)

// Config says how far out a Client may go. The zero Config is the strict one.
type Config struct {
	AllowLoopback bool           // the demo only: loopback addresses, also by plain http
	Inside        bool           // addresses inside too, by https as well: for a server that the operator named, never one that a lender did
	Extra         *ipset.Set     // addresses that count as public besides the public ones
	Timeout       time.Duration  // for a whole call, body included; DefaultTimeout if 0
	MaxBody       int64          // bytes of an answer's body; DefaultMaxBody if 0
	RootCAs       *x509.CertPool // the system's if nil
	Log           *slog.Logger   // gets kind and host of a trouble; none if nil

	// Resolve finds the addresses of a host; the system's resolver if nil.
	Resolve func(ctx context.Context, host string) ([]netip.Addr, error)
}

// Request is one call. Method is GET if empty.
type Request struct {
	Method string
	URL    string
	Header http.Header
	Body   []byte
}

// Answer is what the server said; any status, also a redirect, is an answer.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Client makes calls; it is safe for concurrent use.
type Client struct {
	config Config
	guard  *ssrf.Guardian
	dialer *net.Dialer
	http   *http.Client
}

// New makes a Client.
func New(config Config) *Client {
	if config.Timeout <= 0 {
		config.Timeout = DefaultTimeout
	}
	if config.MaxBody <= 0 {
		config.MaxBody = DefaultMaxBody
	}
	if config.Log == nil {
		config.Log = slog.New(slog.DiscardHandler)
	}
	if config.Resolve == nil {
		config.Resolve = lookup
	}
	c := &Client{config: config, guard: ssrf.New(ssrf.WithAnyPort())}
	c.dialer = &net.Dialer{Timeout: config.Timeout, KeepAlive: 30 * time.Second, Control: c.control}
	c.http = &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: config.RootCAs},
			TLSHandshakeTimeout:    config.Timeout,
			ResponseHeaderTimeout:  config.Timeout,
			DisableCompression:     true,
			MaxResponseHeaderBytes: maxHeader,
			MaxIdleConns:           32,
			MaxIdleConnsPerHost:    8,
			MaxConnsPerHost:        64,
			IdleConnTimeout:        30 * time.Second,
			ForceAttemptHTTP2:      true,
		},
	}
	return c
}

// Get is Do with GET.
func (c *Client) Get(ctx context.Context, rawURL string, header http.Header) (*Answer, error) {
	return c.Do(ctx, Request{URL: rawURL, Header: header})
}

// Do makes one call. The error is an *Error; ErrTooLarge if the answer's body
// passes the limit. A call with a body is never sent twice.
func (c *Client) Do(ctx context.Context, r Request) (*Answer, error) {
	target, ok := c.target(r.URL)
	if !ok {
		return nil, c.trouble(ctx, "", errBadURL)
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, target.String(), bytes.NewReader(r.Body))
	if err != nil {
		return nil, c.trouble(ctx, target.Hostname(), errBadURL)
	}
	req.GetBody = nil // else a broken connection would send the body again
	if r.Header != nil {
		req.Header = r.Header.Clone()
	}
	for _, name := range []string{"Accept-Encoding", "Connection", "Host", "Transfer-Encoding", "Content-Length", "Upgrade"} {
		req.Header.Del(name) // the transport's own business
	}
	if req.Header.Get("User-Agent") == "" {
		req.Header.Set("User-Agent", "lendkeep")
	}
	answer, err := c.exchange(req)
	if err != nil {
		return nil, c.trouble(ctx, target.Hostname(), err)
	}
	return answer, nil
}

func (c *Client) exchange(req *http.Request) (*Answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.ContentLength > c.config.MaxBody {
		return nil, ErrTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.config.MaxBody+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > c.config.MaxBody {
		return nil, ErrTooLarge
	}
	return &Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}, nil
}

// CloseIdle closes connections that nobody uses.
func (c *Client) CloseIdle() { c.http.CloseIdleConnections() }

// target reads an address: https, or http to the loopback where that is
// allowed, with a host and without a user.
func (c *Client) target(raw string) (*url.URL, bool) {
	u, err := url.Parse(raw)
	if err != nil || u.Opaque != "" || u.User != nil || u.Hostname() == "" || strings.Contains(u.Host, "%") {
		return nil, false
	}
	u.Fragment, u.RawFragment = "", ""
	switch u.Scheme {
	case "https":
		return u, true
	case "http":
		return u, c.config.AllowLoopback && namesLoopback(u.Hostname())
	}
	return nil, false
}

func namesLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// dial resolves, judges all addresses and connects to one of them. One address
// that is not public condemns the name: honest names do not mix.
func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, errBadURL
	}
	addrs, err := c.addresses(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, a := range addrs {
		if !c.permitted(a) {
			return nil, errBlocked
		}
	}
	last := error(&net.DNSError{Err: "no address"})
	for _, a := range addrs {
		conn, err := c.dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

func (c *Client) addresses(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a.Unmap()}, nil
	}
	if strings.EqualFold(host, "localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback()}, nil
	}
	found, err := c.config.Resolve(ctx, host)
	if err != nil {
		return nil, err
	}
	for i := range found {
		found[i] = found[i].Unmap()
	}
	return found, nil
}

// permitted is asked before the connection is made, and by control again.
func (c *Client) permitted(a netip.Addr) bool {
	a = a.Unmap()
	switch {
	case a.Zone() != "":
		return false
	case c.config.AllowLoopback && a.IsLoopback():
		return true
	case c.config.Inside:
		return !a.IsUnspecified() && !a.IsMulticast()
	case c.config.Extra.Contains(a):
		return true
	}
	return ipset.Public(a, nil) && c.guard.SafeAddr(a) == nil
}

func lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	found, err := (&net.Resolver{PreferGo: true}).LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("no address")
	}
	return found, nil
}
