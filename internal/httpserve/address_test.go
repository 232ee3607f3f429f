package httpserve

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/ipset"
)

func proxies(t testing.TB, entries ...string) Proxies {
	t.Helper()
	s, err := ipset.Parse(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return Proxies{Trusted: s}
}

func TestTheClientIsChosenRightToLeft(t *testing.T) {
	p := proxies(t, "127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48")
	for _, c := range []struct {
		name, peer   string
		lines        []string
		want, reason string
	}{
		{"no proxy at all", "203.0.113.9:1", nil, "203.0.113.9", ReasonNoHeader},
		{"proxy without header", "10.0.0.1:1", nil, "10.0.0.1", ReasonNoHeader},
		{"a stranger lies", "203.0.113.9:1", []string{"198.51.100.1"}, "203.0.113.9", ReasonUntrustedPeer},
		{"one proxy", "127.0.0.1:1", []string{"198.51.100.1"}, "198.51.100.1", ReasonFirstForeign},
		{"two proxies", "127.0.0.1:1", []string{"198.51.100.1, 10.9.9.9"}, "198.51.100.1", ReasonFirstForeign},
		{"the client lies in front", "127.0.0.1:1", []string{"1.1.1.1, 198.51.100.1, 10.9.9.9"}, "198.51.100.1", ReasonFirstForeign},
		{"the client lies in a line of its own", "127.0.0.1:1", []string{"1.1.1.1", "198.51.100.1", "10.9.9.9"}, "198.51.100.1", ReasonFirstForeign},
		{"the client pretends to be a proxy", "127.0.0.1:1", []string{"10.0.0.1, 198.51.100.1"}, "198.51.100.1", ReasonFirstForeign},
		{"only proxies", "127.0.0.1:1", []string{"10.1.1.1, 10.9.9.9"}, "10.1.1.1", ReasonAllTrusted},
		{"garbage on the left", "127.0.0.1:1", []string{"<script>, 198.51.100.1"}, "198.51.100.1", ReasonFirstForeign},
		{"garbage on the right", "127.0.0.1:1", []string{"198.51.100.1, unknown"}, "127.0.0.1", ReasonGarbage},
		{"garbage behind a proxy", "127.0.0.1:1", []string{"198.51.100.1, _hidden, 10.2.2.2"}, "10.2.2.2", ReasonGarbage},
		{"empty", "127.0.0.1:1", []string{""}, "127.0.0.1", ReasonGarbage},
		{"an empty hop", "127.0.0.1:1", []string{"198.51.100.1, , 10.2.2.2"}, "10.2.2.2", ReasonGarbage},
		{"ports", "127.0.0.1:1", []string{"198.51.100.1:443, 10.2.2.2:55"}, "198.51.100.1", ReasonFirstForeign},
		{"IPv6", "127.0.0.1:1", []string{"2001:db8::1"}, "2001:db8::1", ReasonFirstForeign},
		{"IPv6 with a port", "127.0.0.1:1", []string{"[2001:db8::1]:5"}, "2001:db8::1", ReasonFirstForeign},
		{"IPv6 in brackets", "127.0.0.1:1", []string{"[2001:db8::1],[2001:db8:ffff::2]"}, "2001:db8::1", ReasonFirstForeign},
		{"a zone", "127.0.0.1:1", []string{"fe80::1%eth0"}, "127.0.0.1", ReasonGarbage},
		{"a mapped hop", "127.0.0.1:1", []string{"::ffff:198.51.100.1, ::ffff:10.0.0.1"}, "198.51.100.1", ReasonFirstForeign},
		{"a mapped peer", "[::ffff:127.0.0.1]:1", []string{"198.51.100.1"}, "198.51.100.1", ReasonFirstForeign},
		{"a bad port", "127.0.0.1:1", []string{"198.51.100.1:99999"}, "127.0.0.1", ReasonGarbage},
		{"octal", "127.0.0.1:1", []string{"0198.051.100.1"}, "127.0.0.1", ReasonGarbage},
		{"40 proxies", "127.0.0.1:1", []string{"198.51.100.1" + strings.Repeat(", 10.0.0.1", 40)}, "10.0.0.1", ReasonTooMany},
	} {
		h := http.Header{"X-Forwarded-For": c.lines, "Forwarded": {"for=1.1.1.1"}}
		if c.lines == nil {
			h.Del("X-Forwarded-For")
		}
		a := p.Client(netip.MustParseAddrPort(c.peer), h)
		if a.Chosen.String() != c.want || a.Reason != c.reason {
			t.Errorf("%s: %s %s, want %s %s", c.name, a.Chosen, a.Reason, c.want, c.reason)
		}
		if want := strings.Join(c.lines, ", "); a.Raw != want && len(want) < maxRaw {
			t.Errorf("%s: raw %q, want %q", c.name, a.Raw, want)
		}
		if a.Peer != netip.MustParseAddrPort(c.peer).Addr().Unmap() {
			t.Errorf("%s: peer %s", c.name, a.Peer)
		}
	}
	a := Proxies{}.Client(netip.MustParseAddrPort("127.0.0.1:1"), http.Header{"X-Forwarded-For": {"1.1.1.1"}})
	if a.Chosen.String() != "127.0.0.1" || a.Reason != ReasonUntrustedPeer {
		t.Errorf("the zero Proxies chose %s", a.Chosen)
	}
}

func TestTheRawHeaderCannotDeceive(t *testing.T) {
	h := http.Header{"X-Forwarded-For": {"a\r\nb\x00\x1b[31m", "\u202egnol", "\xff", strings.Repeat("ä", 600)}}
	raw := Proxies{}.Client(netip.MustParseAddrPort("192.0.2.1:1"), h).Raw
	if !strings.HasPrefix(raw, `a\u000d\u000ab\u0000\u001b[31m, \u202egnol, \xff, ää`) || len(raw) > 512 || len(raw) < 500 || !utf8.ValidString(raw) {
		t.Errorf("raw is %q", raw)
	}
}

func FuzzClient(f *testing.F) {
	for _, s := range []string{"1.2.3.4", "10.0.0.1, 1.2.3.4:5", "[::1]:5", "::ffff:10.0.0.1, ,", "fe80::1%a", "\x00", strings.Repeat("10.0.0.1,", 50)} {
		f.Add(s, "10.0.0.1", true)
	}
	p := proxies(f, "10.0.0.0/8")
	f.Fuzz(func(t *testing.T, first, second string, trusted bool) {
		peer := netip.MustParseAddrPort("192.0.2.1:1")
		if trusted {
			peer = netip.MustParseAddrPort("10.0.0.9:1")
		}
		a := p.Client(peer, http.Header{"X-Forwarded-For": {first, second}})
		if !a.Chosen.IsValid() || a.Chosen.Is4In6() || a.Chosen.Zone() != "" || len(a.Raw) > 512 || !utf8.ValidString(a.Raw) {
			t.Errorf("%+v", a)
		}
		if !trusted && a.Chosen != peer.Addr() {
			t.Errorf("a stranger chose %s", a.Chosen)
		}
		for _, r := range a.Raw {
			if !unicode.IsPrint(r) {
				t.Errorf("raw holds %q", r)
			}
		}
	})
}

func TestTheLimiterRefillsWithTime(t *testing.T) {
	now := int64(1)
	l := NewLimiter(func() int64 { return now }, 0)
	for i := range 3 {
		if ok, _ := l.Allow("key", 60, 3); !ok {
			t.Fatalf("call %d of a burst of 3 was refused", i+1)
		}
	}
	ok, wait := l.Allow("key", 60, 3)
	if ok || wait <= 900*time.Millisecond || wait > time.Second {
		t.Errorf("the fourth: %t, %s", ok, wait)
	}
	if ok, _ := l.Allow("other", 60, 3); !ok {
		t.Error("another key was refused")
	}
	now += wait.Microseconds() + 1
	if ok, _ := l.Allow("key", 60, 3); !ok {
		t.Error("refused after the time that it asked for")
	}
	now += int64(time.Hour / time.Microsecond)
	for i := range 4 {
		if ok, _ := l.Allow("key", 60, 3); ok != (i < 3) {
			t.Errorf("after an hour, call %d: %t", i+1, ok)
		}
	}
	now -= int64(time.Hour / time.Microsecond)
	if ok, _ := l.Allow("key", 60, 3); ok {
		t.Error("a clock that steps back gave a token")
	}
	now += int64(time.Second / time.Microsecond)
	if ok, _ := l.Allow("key", 60, 3); !ok {
		t.Error("a clock that stepped back froze the key")
	}
	if ok, wait := l.Allow("key", 0, 3); ok || wait <= 0 {
		t.Error("a rate of zero allows")
	}
}

// Over any time, no key gets more than its burst and what its rate gives.
func TestTheRateHoldsOverTime(t *testing.T) {
	now, passed := int64(0), 0
	l := NewLimiter(func() int64 { return now }, 0)
	for range 10 * 60 * 10 { // ten minutes, ten calls a second
		if ok, _ := l.Allow("key", 30, 5); ok {
			passed++
		}
		now += 100_000
	}
	if passed < 300 || passed > 305 {
		t.Errorf("%d calls passed at 30 a minute in ten minutes", passed)
	}
}

func TestTheLimiterForgetsTheOldest(t *testing.T) {
	l := NewLimiter(func() int64 { return 1 }, 3)
	for _, key := range []string{"a", "b", "c", "a", "d"} { // b goes
		l.Allow(key, 1, 1)
	}
	if l.Len() != 3 {
		t.Errorf("%d keys", l.Len())
	}
	for key, want := range map[string]bool{"a": false, "d": false} {
		if ok, _ := l.Allow(key, 1, 1); ok != want {
			t.Errorf("%s: %t", key, ok)
		}
	}
	if ok, _ := l.Allow("b", 1, 1); !ok {
		t.Error("b was not forgotten")
	}
}

func TestPrefixKey(t *testing.T) {
	for a, want := range map[string]string{
		"203.0.113.9": "203.0.113.9/32", "::ffff:203.0.113.9": "203.0.113.9/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%lo": "fe80::/64",
	} {
		if got := PrefixKey(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s: %s", a, got)
		}
	}
	if PrefixKey(netip.Addr{}) != "none" {
		t.Error("no address has a key")
	}
}

func BenchmarkAllow(b *testing.B) {
	l := NewLimiter(func() int64 { return 1 }, 0)
	b.ReportAllocs()
	for b.Loop() {
		l.Allow("203.0.113.9/32", 60, 10)
	}
}
