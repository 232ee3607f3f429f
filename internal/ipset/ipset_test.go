package ipset

import (
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/fault"
)

func parse(t testing.TB, entries ...string) *Set {
	t.Helper()
	s, err := Parse(entries...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatASetHolds(t *testing.T) {
	s := parse(t, "203.0.113.7", "10.0.0.0/8", "192.0.2.10-192.0.2.20", "2001:DB8:0:0::/48", "2001:db8:1::5-2001:db8:1::9", "10.0.0.0/8", "203.0.113.7/32")
	want := []string{"203.0.113.7", "10.0.0.0/8", "192.0.2.10-192.0.2.20", "2001:db8::/48", "2001:db8:1::5-2001:db8:1::9"}
	if diff := cmp.Diff(want, s.Entries()); diff != "" || s.Len() != 5 {
		t.Errorf("%d entries: %s", s.Len(), diff)
	}
	for a, want := range map[string]bool{
		"203.0.113.7": true, "203.0.113.8": false, "::ffff:203.0.113.7": true, "10.255.255.255": true, "11.0.0.0": false,
		"192.0.2.9": false, "192.0.2.10": true, "192.0.2.15": true, "192.0.2.20": true, "192.0.2.21": false,
		"2001:db8::1": true, "2001:db8:0:ffff::1": true, "2001:db8:1::4": false, "2001:db8:1::5": true, "2001:db8:1::9": true, "2001:db8:1::a": false,
		"2001:db8::1%eth0": true, "::": false,
	} {
		if got := s.Contains(netip.MustParseAddr(a)); got != want {
			t.Errorf("%s in the set: %t", a, got)
		}
	}
	s.Entries()[0] = "changed"
	if s.Entries()[0] != "203.0.113.7" {
		t.Error("the entries can be changed from outside")
	}
}

func TestEmptySetsHoldNothing(t *testing.T) {
	var none *Set
	for _, s := range []*Set{none, {}, parse(t)} {
		if s.Contains(netip.MustParseAddr("127.0.0.1")) || s.Contains(netip.Addr{}) || s.Len() != 0 || len(s.Entries()) != 0 {
			t.Error("an empty set holds something")
		}
	}
	if parse(t, "0.0.0.0/0", "::/0").Contains(netip.Addr{}) {
		t.Error("no address is in a set")
	}
}

// What is refused, and what is offered instead ("" is nothing).
func TestOddNotationsAreRefusedWithAnOffer(t *testing.T) {
	for text, offered := range map[string]string{
		"10.0.0.1/8": "10.0.0.0/8", "2001:db8::1/32": "2001:db8::/32", "::ffff:10.0.0.0/104": "10.0.0.0/8", "::ffff:10.1.2.3": "10.1.2.3",
		"::ffff:0:0/96": "0.0.0.0/0", "::ffff:0:0/90": "", "fe80::1%eth0": "fe80::1", "fe80::%eth0/64": "fe80::/64",
		"010.1.2.3": "10.1.2.3, or if leading zeros mean octal 8.1.2.3", "10.0.0.0/08": "10.0.0.0/8", "192.168.001.000/24": "192.168.1.0/24", " 10.0.0.1": "10.0.0.1", "10.0.0.1\n": "10.0.0.1",
		"10.0.0.0/255.0.0.0": "10.0.0.0/8", "10.0.0.0/255.0.255.0": "", "10.0.0.*": "10.0.0.0/24", "10.1.*.*": "10.1.0.0/16", "10.*.1.*": "",
		"10.1/16": "10.1.0.0/16", "[2001:db8::1]": "2001:db8::1", "10.0.0.1 - 10.0.0.9": "10.0.0.1-10.0.0.9", "10.0.0.1–10.0.0.9": "10.0.0.1-10.0.0.9",
		"10.0.0.9-10.0.0.1": "10.0.0.1-10.0.0.9", "10.0.0.1-20": "10.0.0.1-10.0.0.20", "10.0.0.1-2001:db8::1": "", "::ffff:10.0.0.1-::ffff:10.0.0.9": "10.0.0.1-10.0.0.9",
		"": "", "-": "", "/": "", "10.0.0.0/33": "", "10.0.0.0/-1": "", "256.1.1.1": "", "localhost": "", "10.0.0.1,10.0.0.2": "", "10.0.0.1-10.0.0.2-10.0.0.3": "", strings.Repeat("1", 500): "",
		// hexadecimal, octal, whole numbers, shortened, brackets, ports, router masks
		"0x7f.0.0.1": "127.0.0.1", "0x7F.0x0.0x0.0x1": "127.0.0.1", "0x7f000001": "127.0.0.1", "2130706433": "127.0.0.1", "3405803776": "203.0.113.0", "42": "", "4294967296": "", "0xg.0.0.1": "",
		"0177.0.0.1": "177.0.0.1, or if leading zeros mean octal 127.0.0.1", "0300.0250.01.01": "192.168.1.1", "192.168.010.001": "192.168.10.1, or if leading zeros mean octal 192.168.8.1",
		"1.2.3": "1.2.3.0/24 for the network, or for the single address 1.2.0.3", "10.1": "10.1.0.0/16 for the network, or for the single address 10.0.0.1", "203.0.113.": "203.0.113.0/24",
		"10.0.0.1:443": "10.0.0.1", "[2001:db8::1]:443": "2001:db8::1", "[2001:db8::]/32": "2001:db8::/32", "10.0.0.1:http": "", "10.0.0.1:99999": "",
		"１０.0.0.1": "10.0.0.1", "10.0.0.0 255.255.255.0": "10.0.0.0/24", "10.0.0.0 0.0.0.255": "10.0.0.0/24", "10.0.0.0/0.255.0.255": "", "2001:db8::1 /64": "2001:db8::/64",
	} {
		_, err := Parse("192.0.2.1", text)
		f := fault.As(err)
		if err == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != "entries[1]" {
			t.Errorf("%q: %v", text, err)
			continue
		}
		mend := f.Fields[0].Mend
		said, got, _ := strings.Cut(strings.TrimSuffix(mend, "."), ". Write ")
		if got != offered || !strings.HasPrefix(said, "Entry 2 ") {
			t.Errorf("%q: said %q, offered %q, want %q", text, said, got, offered)
		}
		for _, one := range offers(mend) {
			parse(t, one)
		}
		if len(text) > 3 && text != offered && strings.Contains(said, text) {
			t.Errorf("%q is repeated in %q", text, mend)
		}
	}
}

// offers are the notations that a mend offers.
func offers(mend string) (out []string) {
	_, words, found := strings.Cut(strings.TrimSuffix(mend, "."), " Write ")
	if !found {
		return nil
	}
	for _, w := range strings.Fields(strings.ReplaceAll(words, ",", "")) {
		if strings.ContainsAny(w, ".:") {
			out = append(out, w)
		}
	}
	return out
}

func TestAllBadEntriesAreNamed(t *testing.T) {
	_, err := Parse("x", "10.0.0.1", "10.0.0.1/8")
	f := fault.As(err)
	if len(f.Fields) != 2 || f.Fields[0].Path != "entries[0]" || f.Fields[1].Path != "entries[2]" {
		t.Errorf("fields %+v", f.Fields)
	}
}

func TestASetIsCounted(t *testing.T) {
	for _, c := range []struct {
		entries []string
		v4      uint64
		v6      string
	}{
		{nil, 0, "0"},
		{[]string{"203.0.113.0/24", "203.0.113.7", "203.0.113.200-203.0.114.3"}, 260, "0"},
		{[]string{"0.0.0.0/0", "10.0.0.0/8"}, 1 << 32, "0"},
		{[]string{"2001:db8::/64", "2001:db8::1", "2001:db8:1::5-2001:db8:1::9", "192.0.2.1"}, 1, "18446744073709551621"},
		{[]string{"::/0", "2001:db8::/32"}, 0, "340282366920938463463374607431768211456"},
	} {
		if got := parse(t, c.entries...).Cover(); got.IPv4 != c.v4 || got.IPv6.String() != c.v6 {
			t.Errorf("%v cover %d and %s", c.entries, got.IPv4, got.IPv6)
		}
	}
	var none *Set
	if none.Cover().IPv4 != 0 || none.Overlaps(parse(t, "::/0")) || parse(t, "::/0").Overlaps(none) {
		t.Error("no set covers something")
	}
}

// Counting and overlapping agree with asking address by address.
func TestCountingAgreesWithAsking(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func() []string {
			return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string {
				a, b := rapid.Byte().Draw(t, "a"), rapid.Byte().Draw(t, "b")
				if rapid.Bool().Draw(t, "range") {
					return netip.AddrFrom4([4]byte{10, 0, 0, min(a, b)}).String() + "-" + netip.AddrFrom4([4]byte{10, 0, 0, max(a, b)}).String()
				}
				return netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, 0, a}), 24+int(b%9)).Masked().String()
			}), 0, 5).Draw(t, "entries")
		}
		one, err := Parse(draw()...)
		if err != nil {
			t.Fatal(err)
		}
		two, err := Parse(draw()...)
		if err != nil {
			t.Fatal(err)
		}
		count, both := uint64(0), false
		for i := range 256 {
			a := netip.AddrFrom4([4]byte{10, 0, 0, byte(i)})
			if one.Contains(a) {
				count++
				both = both || two.Contains(a)
			}
		}
		if one.Cover().IPv4 != count || one.Overlaps(two) != both {
			t.Fatalf("%v and %v: counted %d, want %d; overlap %t", one.Entries(), two.Entries(), one.Cover().IPv4, count, !both)
		}
	})
}

func TestTheNetworkAroundAnAddress(t *testing.T) {
	for a, want := range map[string]string{"203.0.113.9": "203.0.113.9/32", "::ffff:203.0.113.9": "203.0.113.9/32", "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64"} {
		if got := Network(netip.MustParseAddr(a)); got.String() != want {
			t.Errorf("%s: %s", a, got)
		}
	}
}

// A range holds exactly the addresses between its ends.
func TestRangesAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) netip.Addr {
			if rapid.Bool().Draw(t, "wide") {
				n := rapid.Uint32().Draw(t, name)
				return netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)})
			}
			return netip.AddrFrom4([4]byte{10, 0, rapid.Byte().Draw(t, name), rapid.Byte().Draw(t, name)})
		}
		a, b, c := draw("first"), draw("last"), draw("other")
		if a.Compare(b) > 0 {
			a, b = b, a
		}
		s, err := Parse(a.String() + "-" + b.String())
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range []netip.Addr{a, b, c, a.Prev(), b.Next()} {
			if want := x.IsValid() && x.Compare(a) >= 0 && x.Compare(b) <= 0; s.Contains(x) != want {
				t.Fatalf("%s in %s-%s: %t", x, a, b, !want)
			}
		}
	})
	s := parse(t, "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255")
	for _, a := range []string{"::", "2001:db8::1", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0", "255.255.255.255", "8.8.8.8"} {
		if !s.Contains(netip.MustParseAddr(a)) {
			t.Errorf("%s is not in everything", a)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "10.0.0.0/8", "10.0.0.1-20", "::ffff:1.2.3.4/120", "fe80::1%a", "010.0.0.1", "10.*.*.*", "1-2-3", "0x7f.1", "0177.0.0.1", "2130706433", "[::1]:1", "1.2.3.4:5", "1.2", "10.0.0.0 255.0.0.0", "１.2.3.4", "::/0", "a-b", "/", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			e := fault.As(err)
			if e.Kind != fault.Invalid || len(e.Fields) != 1 {
				t.Fatalf("%v", err)
			}
			for _, offered := range offers(e.Fields[0].Mend) {
				if again, err := Parse(offered); err != nil || again.Entries()[0] != offered {
					t.Errorf("%q is offered and refused: %v", offered, err)
				}
			}
			return
		}
		again, err := Parse(s.Entries()...)
		if err != nil || !cmp.Equal(again.Entries(), s.Entries()) {
			t.Errorf("%q printed as %q: %v", text, s.Entries(), err)
		}
		first := strings.FieldsFunc(s.Entries()[0], func(r rune) bool { return r == '/' || r == '-' })[0]
		if a := netip.MustParseAddr(first); !s.Contains(a) || !s.Contains(netip.AddrFrom16(a.As16())) {
			t.Errorf("%q does not hold its first address", text)
		}
	})
}

// One address of every line of the registries, and the neighbours of some.
func TestSpecialAddresses(t *testing.T) {
	for a, want := range map[string]string{
		"0.0.0.0": "This host on this network", "0.1.2.3": "This network", "10.9.8.7": "Private-Use", "100.64.0.1": "Shared Address Space", "127.9.9.9": "Loopback",
		"169.254.169.254": "Link Local", "172.16.0.1": "Private-Use", "172.31.255.255": "Private-Use", "192.0.0.1": "IPv4 Service Continuity", "192.0.0.8": "IPv4 dummy address",
		"192.0.0.170": "NAT64/DNS64 Discovery", "192.0.0.171": "NAT64/DNS64 Discovery", "192.0.0.200": "IETF Protocol Assignments", "192.0.2.1": "Documentation (TEST-NET-1)",
		"192.88.99.2": "6a44 relay anycast", "192.88.99.1": "6to4 Relay Anycast, deprecated", "192.168.1.1": "Private-Use", "198.18.0.1": "Benchmarking", "198.19.255.255": "Benchmarking",
		"198.51.100.1": "Documentation (TEST-NET-2)", "203.0.113.1": "Documentation (TEST-NET-3)", "224.0.0.1": "Multicast", "240.0.0.1": "Reserved", "255.255.255.255": "Limited Broadcast",
		"::1": "Loopback", "::": "Unspecified", "::1.2.3.4": "IPv4-compatible, deprecated", "64:ff9b:1::1": "IPv4-IPv6 Translation, local use", "100::1": "Discard-Only", "100:0:0:1::1": "Dummy IPv6 Prefix",
		"2001::1": "Teredo", "2001:2::1": "Benchmarking", "2001:10::1": "ORCHID, deprecated", "2001:1::9": "IETF Protocol Assignments", "2001:1ff::1": "IETF Protocol Assignments",
		"2001:db8::1": "Documentation", "2002:a00:1::": "6to4", "3fff::1": "Documentation", "5f00::1": "Segment Routing (SRv6) SIDs", "fc00::1": "Unique-Local", "fdff::1": "Unique-Local",
		"fe80::1": "Link-Local Unicast", "fec0::1": "Site-Local, deprecated", "ff02::1": "Multicast", "4000::1": "Reserved by IETF, not allocated for global unicast", "200::1": "Reserved by IETF, not allocated for global unicast",
		"::ffff:10.0.0.1": "Private-Use", "fe80::1%eth0": "Scoped address", "2606:4700::1%eth0": "Scoped address",
		// globally reachable
		"192.0.0.9": "", "192.0.0.10": "", "192.31.196.1": "", "192.52.193.1": "", "192.175.48.1": "", "64:ff9b::1": "", "2001:1::1": "", "2001:1::2": "", "2001:1::3": "", "2001:3::1": "",
		"2001:4:112::1": "", "2001:20::1": "", "2001:30::1": "", "2620:4f:8000::1": "", "8.8.8.8": "", "1.1.1.1": "", "172.15.255.255": "", "172.32.0.0": "", "100.63.255.255": "", "100.128.0.0": "",
		"2606:4700::1111": "", "2001:200::1": "", "198.17.255.255": "", "198.20.0.0": "", "223.255.255.255": "", "::ffff:8.8.8.8": "", "3ffe::1": "",
	} {
		name, special := Special(netip.MustParseAddr(a))
		if name != want || special != (want != "") {
			t.Errorf("%s: %q %t, want %q", a, name, special, want)
		}
	}
	if _, special := Special(netip.Addr{}); !special {
		t.Error("no address is not special")
	}
}

// Narrow lines must stand before the wide ones that hold them, else they never count.
func TestTheTablesAreOrdered(t *testing.T) {
	for _, list := range [][]block{special4[:], special6[:]} {
		for i, b := range list {
			if b.prefix != b.prefix.Masked() {
				t.Errorf("%s has bits set behind its length", b.prefix)
			}
			for _, earlier := range list[:i] {
				if earlier.prefix.Overlaps(b.prefix) && earlier.prefix.Bits() <= b.prefix.Bits() {
					t.Errorf("%s hides %s", earlier.prefix, b.prefix)
				}
			}
		}
	}
}

func TestPublicLooksInside(t *testing.T) {
	demo := parse(t, "203.0.113.0/24", "2001:db8::/32")
	for a, want := range map[string]bool{
		"8.8.8.8": true, "10.0.0.1": false, "203.0.113.10": false, "64:ff9b::808:808": true, "64:ff9b::a00:1": false, "64:ff9b::7f00:1": false,
		"2002:808:808::1": false, "2606:4700::1": true, "fe80::1%eth0": false, "::ffff:8.8.8.8": true, "::ffff:127.0.0.1": false,
	} {
		if got := Public(netip.MustParseAddr(a), nil); got != want {
			t.Errorf("%s public: %t", a, got)
		}
	}
	for a, want := range map[string]bool{"203.0.113.10": true, "2001:db8::10": true, "198.51.100.1": false, "127.0.0.1": false, "64:ff9b::cb00:710a": true, "2001:db8::10%lo": false} {
		if got := Public(netip.MustParseAddr(a), demo); got != want {
			t.Errorf("in the demo, %s public: %t", a, got)
		}
	}
	if Public(netip.Addr{}, demo) {
		t.Error("no address is public")
	}
}

func TestEmbedded(t *testing.T) {
	for a, want := range map[string]string{
		"64:ff9b::192.0.2.33": "192.0.2.33 nat64", "2002:c000:221::1": "192.0.2.33 6to4",
		"2001:0:4136:e378:8000:63bf:3fff:fdd2": "192.0.2.45 teredo", // the example of RFC 4380, 4
		"2001:db8::1":                          " ", "::ffff:1.2.3.4": " ", "1.2.3.4": " ", "64:ff9b:1::1": " ",
	} {
		inner, kind, ok := Embedded(netip.MustParseAddr(a))
		got := " "
		if ok {
			got = inner.String() + " " + kind
		}
		if got != want {
			t.Errorf("%s holds %q, want %q", a, got, want)
		}
	}
}

func TestContainsDoesNotAllocate(t *testing.T) {
	s := parse(t, "10.0.0.0/8", "2001:db8::/32")
	a, b := netip.MustParseAddr("::ffff:10.1.2.3"), netip.MustParseAddr("2001:db8::1")
	if n := testing.AllocsPerRun(100, func() {
		if !s.Contains(a) || !s.Contains(b) {
			t.Error("not contained")
		}
		Public(a, s)
		Special(b)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkContainsMillion(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() netip.Addr {
		return netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
	}
	entries := make([]string, 1_000_000)
	for i := range entries {
		entries[i] = netip.PrefixFrom(draw(), 16+r.IntN(17)).Masked().String()
	}
	s := parse(b, entries...)
	ask := make([]netip.Addr, 1024)
	for i := range ask {
		ask[i] = draw()
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Contains(ask[i&1023])
		i++
	}
}

// The hard case: long prefixes, and no address is asked about twice before a
// million others, so that nearly each answer waits for memory.
func BenchmarkContainsMillionSpread(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 4))
	entries, ask := make([]string, 1_000_000), make([]netip.Addr, 1<<20)
	for i := range ask {
		ask[i] = netip.AddrFrom4([4]byte{byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32()), byte(r.Uint32())})
		if i < len(entries) {
			entries[i] = netip.PrefixFrom(ask[i], 24+r.IntN(9)).Masked().String()
		}
	}
	s := parse(b, entries...)
	r.Shuffle(len(ask), func(i, j int) { ask[i], ask[j] = ask[j], ask[i] })
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		s.Contains(ask[i&(1<<20-1)])
		i++
	}
}

func BenchmarkPublic(b *testing.B) {
	a := netip.MustParseAddr("8.8.8.8")
	b.ReportAllocs()
	for b.Loop() {
		Public(a, nil)
	}
}
