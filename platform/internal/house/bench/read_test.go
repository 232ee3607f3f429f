//go:build bench

package bench

import (
	"crypto/tls"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/httpserve"
)

// serve listens with net/http alone, plainly or over TLS.
func serve(t testing.TB, h http.Handler, secure *tls.Config) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := l.Addr().String()
	if secure != nil {
		l = tls.NewListener(l, secure)
	}
	server := &http.Server{Handler: h}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return address
}

// lines opens one connection for each caller.
func lines(t testing.TB, n int, address string, secure *tls.Config) []*line {
	t.Helper()
	out := make([]*line, n)
	for i := range out {
		l, err := dial(address, secure)
		must(t, err)
		t.Cleanup(func() { _ = l.conn.Close() })
		out[i] = l
	}
	return out
}

// asking makes a side whose callers walk through the requests.
func asking(name string, lines []*line, requests [][]byte) *side {
	return &side{name: name, call: func(k, n int) error {
		_, err := lines[k].answered(requests[(n*31+k*7)%len(requests)], 200)
		return err
	}}
}

const some = 2000

func TestOneLoan(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := open(t, e, t.TempDir(), prefixOf(t))
		dropped(t, s)
		s.stock(t, some)
		ids := s.loans(t, some)
		var ours, investor, one, all, batch [][]byte
		for _, l := range ids {
			ours = append(ours, get("/api/v1/loans/"+string(l), s.people.Keys["agent"]))
			investor = append(investor, get("/api/v1/loans/"+string(l), s.people.Keys["investor"]))
			batch = append(batch, get("/together/"+string(l), "lk_x"))
			one, all = append(one, get("/one/"+string(l), "lk_x")), append(all, get("/all/"+string(l), "lk_x"))
		}
		secure, _, err := httpserve.DevelopmentCA(t.TempDir(), time.Now(), host)
		must(t, err)
		trusting := &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}} // our own listener, in this process
		front, err := httpserve.Serve(t.Context(), httpserve.Config{Listen: "127.0.0.1:0", TLS: secure, Handler: s.api.Handler()})
		must(t, err)
		plainFront, plainBare, bareTLS := serve(t, s.api.Handler(), nil), serve(t, bareHandler(bareOf(t, s)), nil), serve(t, bareHandler(bareOf(t, s)), secure)
		sample(t, plainFront, plainBare, ours[3], all[3])
		for _, callers := range []int{1, 16} {
			s.audited(false)
			a, b, c := lines(t, callers, plainFront, nil), lines(t, callers, plainBare, nil), lines(t, callers, plainFront, nil)
			agent, three, single := asking("agent", a, ours), asking("bare, same three SELECTs", b, all), asking("bare, one SELECT", b, one)
			once := asking("bare, the three in one round trip", b, batch)
			inv := asking("investor", c, investor)
			f, g := lines(t, callers, front.Addr().String(), trusting), lines(t, callers, bareTLS, trusting)
			whole, wholeBare := asking("over TLS", f, ours), asking("bare over TLS", g, all)
			duel(t, turns(), 1000, callers, agent, three, once, single, inv, whole, wholeBare)
			wanted, least := "≥ 0.70", 0.70
			if e == db.PostgreSQL {
				wanted, least = "≥ 0.80", 0.80
			}
			at := " ×" + num(callers)
			ratio("1", e, "loan GET, personal data opened"+at, agent, three, wanted, least)
			ratio("1", e, "same, no personal data in the answer"+at, inv, three, wanted, least)
			if e == db.PostgreSQL {
				ratio("1", e, "same as the first, against one round trip"+at, agent, once, wanted, least)
			}
			ratio("1", e, "same as the first, against one SELECT"+at, agent, single, wanted, least)
			ratio("1", e, "whole server over TLS against net/http over TLS"+at, whole, wholeBare, wanted, least)
			rate("1", e, "loans a second"+at, agent, three)
		}
	})
}

// sample shows that both sides answer with the same loan.
func sample(t testing.TB, front, bare string, ours, all []byte) {
	t.Helper()
	a, err := lines(t, 1, front, nil)[0].answered(ours, 200)
	must(t, err)
	b, err := lines(t, 1, bare, nil)[0].answered(all, 200)
	must(t, err)
	number := between(string(a), `"number":"`, `"`)
	if number == "" || between(string(b), `"Number":"`, `"`) != number || !strings.Contains(string(a), "@example.com") {
		t.Fatalf("the two do not answer alike:\n%s\n%s", a, b)
	}
	t.Logf("ours %d bytes, bare %d bytes", len(a), len(b))
}

func TestReadAuditing(t *testing.T) {
	engines(t, func(t *testing.T, e db.Engine) {
		s := open(t, e, t.TempDir(), prefixOf(t))
		dropped(t, s)
		s.stock(t, some)
		s.sequencing(t)
		var requests [][]byte
		for _, l := range s.loans(t, some) {
			requests = append(requests, get("/api/v1/loans/"+string(l), s.people.Keys["agent"]))
		}
		address := serve(t, s.api.Handler(), nil)
		for callers, most := range map[int]time.Duration{1: time.Millisecond, 16: 3 * time.Millisecond} {
			ls := lines(t, callers, address, nil)
			on, off := asking("audited", ls, requests), asking("unaudited", ls, requests)
			on.before = func() { s.audited(true) }
			off.before = func() { s.settle(t); s.audited(false) }
			duel(t, turns(), 500*min(callers, 4), callers, on, off)
			s.audited(true)
			d := added(on, off)
			tell(figure{"2", e.String(), "read auditing adds, callers " + num(callers), us(on.median()), us(off.median()), us(d), "≤ " + us(most), met(d <= most)})
		}
	})
}
