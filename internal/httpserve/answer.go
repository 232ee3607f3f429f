package httpserve

import (
	"crypto/subtle"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
)

// refusalHeader carries a refusal from the head inspection to the handler. It
// counts only with the server's token.
const refusalHeader = "Lendkeep-Refusal"

// handler is what stands in front of every handler, from the outside in.
func (s *Server) handler() http.Handler {
	var inFlight atomic.Int64
	limit := int64(s.config.MaxInFlight)
	return http.HandlerFunc(func(plain http.ResponseWriter, r *http.Request) {
		w := &begun{ResponseWriter: plain}
		defer s.recover(w, r)
		if state, ok := r.Context().Value(stateKey{}).(*tls.ConnectionState); ok {
			r.TLS = state
		}
		secureHeaders(w.Header())
		if no := s.refused(r); no != nil {
			no.write(w, r)
			return
		}
		r.Header.Del(refusalHeader)
		n := inFlight.Add(1)
		defer inFlight.Add(-1)
		if sheds(r.Method, n, limit) {
			w.Header().Set("Retry-After", "1")
			overloaded.write(w, r)
			return
		}
		s.config.Handler.ServeHTTP(w, r)
	})
}

// sheds reports whether a request has to go when n are in flight, itself
// included. It is asked before the request begins and never again.
func sheds(method string, n, limit int64) bool {
	if method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions {
		return n > limit
	}
	return n > 2*limit
}

// refused gives the refusal that the head inspection handed on, or its own.
func (s *Server) refused(r *http.Request) *refusal {
	if token, reason, ok := strings.Cut(r.Header.Get(refusalHeader), " "); ok && subtle.ConstantTimeCompare([]byte(token), []byte(s.token)) == 1 {
		for _, no := range refusals {
			if no.reason == reason {
				return no
			}
		}
		return badHead
	}
	return admit(r, s.config.SessionCookies)
}

// begun knows whether an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) WriteHeader(status int) {
	b.yes = b.yes || status >= 200
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(p []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(p)
}

// Flush keeps http.Flusher for handlers that ask for it.
func (b *begun) Flush() {
	b.yes = true
	http.NewResponseController(b.ResponseWriter).Flush()
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// recover answers a panic of a handler. What it panicked with may hold data of
// a person: only the place goes to the log. An answer that had begun is broken
// off, so that it does not look complete.
func (s *Server) recover(w *begun, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause != http.ErrAbortHandler {
		s.config.Log.Error("a handler panicked", "stack", string(debug.Stack()))
	}
	if cause == http.ErrAbortHandler || w.yes {
		panic(http.ErrAbortHandler)
	}
	for name := range w.Header() {
		w.Header().Del(name)
	}
	secureHeaders(w.Header())
	broken.write(w, r)
}

// write answers with a small problem document (RFC 9457) and ends the
// connection, for what follows on it cannot be trusted.
func (no *refusal) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if no.status == http.StatusMethodNotAllowed {
		h.Set("Allow", strings.Join(methods[:], ", "))
	}
	if r != nil && r.ProtoMajor == 1 && no != overloaded {
		h.Set("Connection", "close")
	}
	body, err := json.Marshal(struct {
		Type   string `json:"type"`
		Title  string `json:"title"`
		Status int    `json:"status"`
		Reason string `json:"reason"`
		Detail string `json:"detail"`
	}{"about:blank", http.StatusText(no.status), no.status, no.reason, no.detail})
	if err != nil {
		return // a struct of texts always marshals
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(no.status)
	w.Write(body)
}

// secureHeaders sets what every answer carries; the pages' front adds the
// Content-Security-Policy, and may overrule a line where a page needs it.
func secureHeaders(h http.Header) {
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=()")
}
