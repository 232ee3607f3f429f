package httpserve

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// headConn is an HTTP/1 connection that lets a request's head through to
// net/http only when it is whole and admitted. net/http drops a Content-Length
// that stands beside a Transfer-Encoding, joins lines and forgives a lot; here
// the bytes are still as they came.
//
// In the place of a refused head it hands on a made-up request that carries
// the refusal and the server's secret token; so net/http answers in turn, and
// nothing behind the refused head is ever read.
//
// After a chunked request the connection ends, so that only bodies of stated
// length have to be followed here. net/http never reads twice at a time.
type headConn struct {
	net.Conn
	tls      *tls.Conn
	token    string
	patience time.Duration
	cookies  []string

	buf      []byte // received, not judged yet
	ready    []byte // to be handed on
	body     int64  // bytes of the current body that are still to come
	rest     bool   // all that comes belongs to the current, last request
	closed   bool   // nothing more is read
	deadline *time.Timer
}

// Read hands on admitted bytes. On a timeout nothing is lost.
func (c *headConn) Read(p []byte) (int, error) {
	for {
		switch {
		case len(c.ready) > 0:
			n := copy(p, c.ready)
			c.ready = c.ready[n:]
			return n, nil
		case c.closed:
			return 0, io.EOF
		case (c.rest || c.body > 0) && len(c.buf) > 0:
			n := len(c.buf)
			if !c.rest {
				n = int(min(c.body, int64(n)))
				c.body -= int64(n)
			}
			c.ready, c.buf = c.buf[:n:n], c.buf[n:]
		case c.rest:
			return c.Conn.Read(p)
		case c.body > 0:
			n, err := c.Conn.Read(p[:min(int64(len(p)), c.body)])
			c.body -= int64(n)
			return n, err
		default:
			if err := c.readHead(); err != nil {
				return 0, err
			}
		}
	}
}

// readHead takes a head from the buffer, or reads more of it.
func (c *headConn) readHead() error {
	if end := bytes.Index(c.buf, []byte("\r\n\r\n")); end >= 0 && end+4 <= maxHead {
		c.calm()
		head := c.buf[: end+4 : end+4]
		c.buf = c.buf[end+4:]
		c.take(head)
		return nil
	}
	if len(c.buf) > maxHead {
		c.refuse(tooLarge)
		return nil
	}
	if bareLine(c.buf) {
		c.refuse(badHead)
		return nil
	}
	if len(c.buf) > 0 && c.deadline == nil {
		c.deadline = time.AfterFunc(c.patience, func() { c.Conn.Close() })
	}
	piece := make([]byte, 4096)
	n, err := c.Conn.Read(piece)
	c.buf = append(c.buf, piece[:n]...)
	if n > 0 {
		return nil
	}
	return err
}

func (c *headConn) calm() {
	if c.deadline != nil {
		c.deadline.Stop()
		c.deadline = nil
	}
}

// Close ends the connection and the wait for a head.
func (c *headConn) Close() error { return c.Conn.Close() }

func (c *headConn) take(head []byte) {
	f, no := inspect(string(head), c.cookies)
	if no != nil {
		c.refuse(no)
		return
	}
	c.ready, c.body = head, f.length
	if f.chunked {
		c.rest = true
		c.ready = append(bytes.Clone(head[:len(head)-2]), "Connection: close\r\n\r\n"...)
	}
}

func (c *headConn) refuse(no *refusal) {
	c.calm()
	c.closed, c.buf = true, nil
	c.ready = []byte("GET / HTTP/1.1\r\nHost: refused\r\nConnection: close\r\n" + refusalHeader + ": " + c.token + " " + no.reason + "\r\n\r\n")
}

// bareLine reports a line that does not end with CR LF, or a CR inside one.
func bareLine(b []byte) bool {
	for i, c := range b {
		if c == '\n' && (i == 0 || b[i-1] != '\r') || c == '\r' && i+1 < len(b) && b[i+1] != '\n' {
			return true
		}
	}
	return false
}

type stateKey struct{}

// withState keeps the TLS state of a wrapped connection for the handlers.
func withState(ctx context.Context, c net.Conn) context.Context {
	if h, ok := c.(*headConn); ok {
		state := h.tls.ConnectionState()
		return context.WithValue(ctx, stateKey{}, &state)
	}
	return ctx
}

// framing is how the body of a request is bounded.
type framing struct {
	length  int64
	chunked bool
}

// inspect judges a whole raw head of HTTP/1.
func inspect(head string, cookies []string) (framing, *refusal) {
	var f framing
	if bareLine([]byte(head)) {
		return f, badHead
	}
	lines := strings.Split(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n")
	method, rest, _ := strings.Cut(lines[0], " ")
	target, version, ok := strings.Cut(rest, " ")
	if !ok || (version != "HTTP/1.1" && version != "HTTP/1.0") {
		return f, badHead
	}
	if no := checkLine(method, target); no != nil {
		return f, no
	}
	if len(lines)-1 > maxHeaders {
		return f, tooLarge
	}
	h := http.Header{}
	for _, line := range lines[1:] {
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) || !isText(value) {
			return f, badHead
		}
		h.Add(name, strings.Trim(value, " \t"))
	}
	if no := checkFraming(h, version, &f); no != nil {
		return f, no
	}
	if no := checkHeaders(h, cookies); no != nil {
		return f, no
	}
	if (f.chunked || f.length > 0) && bodiless(method) {
		return f, bodyOnRead
	}
	return f, nil
}

// checkFraming refuses every doubt about where a request ends.
func checkFraming(h http.Header, version string, f *framing) *refusal {
	hosts, lengths, codings := h["Host"], h["Content-Length"], h["Transfer-Encoding"]
	switch {
	case len(hosts) != 1:
		return badHost
	case len(lengths) > 0 && len(codings) > 0, len(lengths) > 1, len(codings) > 1:
		return ambiguousLength
	case len(codings) == 1:
		if codings[0] != "chunked" || version != "HTTP/1.1" {
			return ambiguousLength
		}
		f.chunked = true
	case len(lengths) == 1:
		n, err := strconv.ParseUint(lengths[0], 10, 62)
		if err != nil || lengths[0] != strconv.FormatUint(n, 10) {
			return ambiguousLength
		}
		f.length = int64(n)
	}
	if !isHost(hosts[0]) {
		return badHost
	}
	return nil
}
