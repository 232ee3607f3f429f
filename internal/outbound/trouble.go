package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// Kind is what went wrong with a call; the list is closed.
type Kind string

// The kinds of trouble.
const (
	Timeout        Kind = "timeout"         // the time for the whole call was over
	Refused        Kind = "refused"         // nobody listens, or no way leads there
	DNS            Kind = "dns"             // the name has no address
	TLS            Kind = "tls"             // the certificate or the handshake is bad
	TooLarge       Kind = "too_large"       // the body passes the limit
	BlockedAddress Kind = "blocked_address" // the address is not public
	BadURL         Kind = "bad_url"         // not https, no host, or a user in it
	Other          Kind = "other"           // broken off, garbage, given up by the caller
)

// Error is the only error of a call. It holds the kind and nothing else, so
// that it may be logged, stored and shown.
type Error struct{ Kind Kind }

// Error gives "outbound call: timeout".
func (e *Error) Error() string { return "outbound call: " + string(e.Kind) }

// Is compares kinds, so that errors.Is(err, ErrTooLarge) works.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind
}

// ErrTooLarge is the error for a body that passes the limit.
var ErrTooLarge = &Error{TooLarge}

var (
	errBlocked = &Error{BlockedAddress}
	errBadURL  = &Error{BadURL}
)

// KindOf gives the kind of an error of this package; Other for any other error
// and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return Other
}

// trouble turns a cause into its kind. The cause is dropped: its text may quote
// the address, or an answer that repeats our header.
func (c *Client) trouble(ctx context.Context, host string, cause error) error {
	e := &Error{classify(ctx, cause)}
	c.config.Log.Warn("outbound call did not succeed", "kind", string(e.Kind), "host", host)
	return e
}

func classify(ctx context.Context, cause error) Kind {
	if u, ok := errors.AsType[*url.Error](cause); ok {
		cause = u.Err
	}
	if e, ok := errors.AsType[*Error](cause); ok {
		return e.Kind
	}
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return Timeout
	}
	if _, ok := errors.AsType[*net.DNSError](cause); ok {
		return DNS
	}
	if isTLS(cause) {
		return TLS
	}
	if n, ok := errors.AsType[net.Error](cause); ok && n.Timeout() {
		return Timeout
	}
	for _, errno := range []error{syscall.ECONNREFUSED, syscall.EHOSTUNREACH, syscall.ENETUNREACH} {
		if errors.Is(cause, errno) {
			return Refused
		}
	}
	return Other
}

func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.AlertError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	// crypto/tls makes most of its errors from text alone
	return strings.Contains(err.Error(), "tls: ") || strings.Contains(err.Error(), "server gave HTTP response to HTTPS client")
}

// control is the last word before a connection: it sees the address that the
// system is about to use.
func (c *Client) control(network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || (network != "tcp4" && network != "tcp6") || !c.permitted(to.Addr()) {
		return errBlocked
	}
	return nil
}
