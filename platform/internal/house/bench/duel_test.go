//go:build bench

package bench

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"
)

// figure is one line of the report.
type figure struct{ target, engine, what, ours, peer, ratio, wanted, verdict string }

var report struct {
	sync.Mutex
	lines []figure
}

func tell(f figure) {
	report.Lock()
	defer report.Unlock()
	report.lines = append(report.lines, f)
	fmt.Printf("  %s %s %s: %s | %s | %s | %s %s\n", f.target, f.engine, f.what, f.ours, f.peer, f.ratio, f.wanted, f.verdict)
}

// met words whether a target is met; it fails nothing.
func met(yes bool) string {
	if yes {
		return "met"
	}
	return "SHORT"
}

func TestMain(m *testing.M) {
	code := m.Run()
	w := tabwriter.NewWriter(os.Stdout, 2, 4, 2, ' ', 0)
	fmt.Fprintf(w, "\n%s, %d CPUs, %s\n", runtime.Version(), runtime.NumCPU(), time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintln(w, "target\tengine\twhat\tours\tpeer\tfigure\twanted\t")
	for _, f := range report.lines {
		fmt.Fprintln(w, strings.Join([]string{f.target, f.engine, f.what, f.ours, f.peer, f.ratio, f.wanted, f.verdict}, "\t"))
	}
	w.Flush()
	os.Exit(code)
}

// side is one of those who take turns: call n of caller k.
type side struct {
	name   string
	before func() // ahead of each turn, not counted
	call   func(k, n int) error
	times  []time.Duration
	rounds []float64 // median of each turn, in ns
	total  time.Duration
}

// duel lets the sides take turns, each with its callers at once, and keeps how
// long each call took. The first turn of each side is thrown away.
func duel(t testing.TB, turns, calls, callers int, sides ...*side) {
	t.Helper()
	for turn := range turns + 1 {
		for i := range sides {
			s := sides[(i+turn)%len(sides)]
			if s.before != nil {
				s.before()
			}
			began := time.Now()
			times, err := s.turn(turn, calls, callers)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			if turn == 0 {
				continue
			}
			s.total += time.Since(began)
			s.times = append(s.times, times...)
			s.rounds = append(s.rounds, float64(median(times)))
		}
	}
}

func (s *side) turn(turn, calls, callers int) ([]time.Duration, error) {
	per := calls / callers
	all := make([][]time.Duration, callers)
	errs := make([]error, callers)
	var wait sync.WaitGroup
	for k := range callers {
		wait.Go(func() {
			mine := make([]time.Duration, 0, per)
			for n := range per {
				began := time.Now()
				if err := s.call(k, turn*per+n); err != nil {
					errs[k] = err
					return
				}
				mine = append(mine, time.Since(began))
			}
			all[k] = mine
		})
	}
	wait.Wait()
	return slices.Concat(all...), errors.Join(errs...)
}

func median(d []time.Duration) time.Duration { return quantile(d, 0.5) }

func quantile(d []time.Duration, q float64) time.Duration {
	if len(d) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(d))
	return s[min(int(float64(len(s))*q), len(s)-1)]
}

func (s *side) median() time.Duration { return median(s.times) }

func (s *side) rate() float64 { return float64(len(s.times)) / s.total.Seconds() }

// share is how much of peer's speed ours has: the median over the turns of the
// ratio of their medians.
func share(ours, peer *side) float64 {
	r := make([]float64, len(ours.rounds))
	for i := range r {
		r[i] = peer.rounds[i] / ours.rounds[i]
	}
	slices.Sort(r)
	return r[len(r)/2]
}

// added is what ours takes longer than peer at the median, over the turns.
func added(ours, peer *side) time.Duration {
	r := make([]float64, len(ours.rounds))
	for i := range r {
		r[i] = ours.rounds[i] - peer.rounds[i]
	}
	slices.Sort(r)
	return time.Duration(r[len(r)/2])
}

func us(d time.Duration) string {
	if d > 10*time.Millisecond {
		return fmt.Sprintf("%.1f ms", float64(d)/1e6)
	}
	return fmt.Sprintf("%.0f µs", float64(d)/1e3)
}

// line is a kept-open HTTP/1.1 connection that costs the machine little.
type line struct {
	conn net.Conn
	r    *bufio.Reader
	body []byte
}

func dial(address string, secure *tls.Config) (*line, error) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	if secure != nil {
		wrapped := tls.Client(conn, secure)
		if err := wrapped.Handshake(); err != nil {
			return nil, err
		}
		conn = wrapped
	}
	return &line{conn: conn, r: bufio.NewReaderSize(conn, 16<<10)}, nil
}

// ask sends a request as it lies and reads the answer.
func (l *line) ask(request []byte) (status int, body []byte, err error) {
	if _, err := l.conn.Write(request); err != nil {
		return 0, nil, err
	}
	length := 0
	for n := 0; ; n++ {
		text, err := l.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		switch {
		case n == 0:
			status, _ = strconv.Atoi(string(text[9:12]))
		case len(text) > 16 && strings.EqualFold(string(text[:15]), "Content-Length:"):
			length, _ = strconv.Atoi(strings.TrimSpace(string(text[15:])))
		case len(text) <= 2:
			l.body = slices.Grow(l.body[:0], length)[:length]
			_, err = io.ReadFull(l.r, l.body)
			return status, l.body, err
		}
	}
}

// get builds a request.
func get(path, key string) []byte {
	return []byte("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + key + "\r\nUser-Agent: bench/1\r\nAccept: application/json\r\n\r\n")
}

// answered wants status and gives the body.
func (l *line) answered(request []byte, want int) ([]byte, error) {
	status, body, err := l.ask(request)
	if err == nil && status != want {
		err = fmt.Errorf("status %d: %s", status, body)
	}
	return body, err
}
