// Package ipstacktest is a stand-in for ipstack: it speaks the real protocol,
// errors with status 200 included, and answers about documentation addresses.
//
// The demo, the tests and the small program standin/ipstack use it. The answers
// are our own, made in the shapes that ipstack sends. For an applicant of New
// York, NY 10001, US it plays these parts:
//
//	203.0.113.10   clean and matching        203.0.113.70   another country
//	203.0.113.20   proxy                     203.0.113.80   no security module
//	203.0.113.30   Tor                       203.0.113.90   error 104 (quota)
//	203.0.113.40   crawler                   203.0.113.100  never answers
//	203.0.113.50   threat medium             203.0.113.110  broken JSON
//	203.0.113.60   threat high               2001:db8::10   clean and matching
//
// Every other public address gets an answer without findings, from a town that
// depends on the address alone. It keeps no state but its counts.
package ipstacktest

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// Standin is the handler. Make it with New; it is safe for concurrent use.
type Standin struct {
	key    string
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex // guards calls and total
	calls map[netip.Addr]int
	total int
}

// New makes a stand-in that accepts one access key.
func New(key string) *Standin {
	return &Standin{key: key, closed: make(chan struct{}), calls: map[netip.Addr]int{}}
}

// Close lets the calls go that would never be answered.
func (s *Standin) Close() { s.once.Do(func() { close(s.closed) }) }

// Calls tells how often anything was asked, errors included.
func (s *Standin) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.total
}

// CallsFor tells how often one address was asked about with the right key.
func (s *Standin) CallsFor(addr netip.Addr) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[addr]
}

const maxKept = 10_000 // addresses whose calls are counted one by one

func (s *Standin) count(addr netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total++
	if _, there := s.calls[addr]; addr.IsValid() && (there || len(s.calls) < maxKept) {
		s.calls[addr]++
	}
}

// ServeHTTP answers one request as ipstack does.
func (s *Standin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	what := strings.TrimPrefix(r.URL.Path, "/")
	if what == "" || strings.Contains(what, "/") || r.Method != http.MethodGet && r.Method != http.MethodHead {
		page(w)
		return
	}
	q := r.URL.Query()
	if e, wrong := s.refusal(what, q.Get("access_key"), q.Get("fields"), q.Get("security")); wrong {
		s.count(netip.Addr{})
		send(w, e.body())
		return
	}
	addr, err := netip.ParseAddr(what)
	if what == "check" {
		addr, err = caller(r)
	}
	if err != nil {
		s.count(netip.Addr{})
		send(w, invalidAddress.body())
		return
	}
	addr = addr.Unmap().WithZone("")
	s.count(addr)
	s.answer(w, r, addr)
}

// answer plays the part of the address.
func (s *Standin) answer(w http.ResponseWriter, r *http.Request, addr netip.Addr) {
	switch part(addr) {
	case silent:
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
		// Nothing is ever written: the connection is dropped instead.
		panic(http.ErrAbortHandler)
	case broken:
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(`{"ip":"203.0.113.110","type":"ipv4","country_code":"US","security":{"is_proxy":false,"is_tor":fal`))
		return
	case quota:
		send(w, usageLimit.body())
		return
	}
	q := r.URL.Query()
	send(w, describe(addr, q.Get("security") == "1", q.Get("hostname") == "1"))
}

// caller is the address of whoever asks, for /check.
func caller(r *http.Request) (netip.Addr, error) {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	return ap.Addr(), err
}

// refusal gives the error that precedes any look-up.
func (s *Standin) refusal(what, key, fields, security string) (apiError, bool) {
	switch {
	case key == "":
		return missingKey, true
	case key != s.key:
		return invalidKey, true
	case strings.Contains(what, ","):
		return noBatch, true
	case strings.Contains(fields, "security") && security != "1":
		return badFields, true
	}
	return apiError{}, false
}

// apiError is one documented error; the status is 200 all the same.
type apiError struct {
	code       int
	kind, info string
}

var (
	missingKey     = apiError{101, "missing_access_key", "No access key was sent with the request. Required form: access_key=YOUR_KEY"}
	invalidKey     = apiError{101, "invalid_access_key", "The access key of the request is not a valid one."}
	usageLimit     = apiError{104, "usage_limit_reached", "The monthly usage limit of this account has been reached. A larger plan lifts it."}
	invalidAddress = apiError{106, "invalid_ip_address", "The IP address of the request is not a valid one."}
	badFields      = apiError{301, "invalid_fields", "One or more of the fields asked for are not valid."}
	noBatch        = apiError{303, "batch_not_supported_on_plan", "This plan does not support bulk requests."}
)

func (e apiError) body() any {
	return map[string]any{"success": false, "error": map[string]any{"code": e.code, "type": e.kind, "info": e.info}}
}

func send(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// An error here means that the caller has gone; there is nobody to tell.
	_ = json.NewEncoder(w).Encode(body)
}

func page(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(http.StatusNotFound)
	_, _ = w.Write([]byte("<!doctype html><html><head><title>Not found</title></head><body><p>No such page.</p></body></html>\n"))
}
