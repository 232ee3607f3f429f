package ipset

import (
	"net/netip"
	"strconv"
	"testing"

	"pgregory.net/rapid"
)

// A joint answer is what each set would have said for itself, at the ends of
// every prefix and their neighbours too.
func TestJoinedSetsAnswerAsEachForItself(t *testing.T) {
	base := []string{"10.0.0.0/8", "10.0.0.0/9", "10.1.2.0/24", "10.1.2.3", "0.0.0.0/0", "255.255.255.255", "0.0.0.0/32", "10.1.2.200-10.1.3.9",
		"2001:db8::/32", "2001:db8:8000::/33", "2001:db8::1", "::/0", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "::1", "2001:db8::5-2001:db8::1:9"}
	var asked []netip.Addr
	for _, e := range base {
		s := parse(t, e)
		for p := range s.table.All() {
			first, last := p.Addr(), lastOf(p)
			asked = append(asked, first, last, first.Prev(), last.Next())
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		var sets []*Set
		for range rapid.IntRange(0, 9).Draw(t, "sets") {
			s, err := Parse(rapid.SliceOfN(rapid.SampledFrom(base), 0, 4).Draw(t, "entries")...)
			if err != nil {
				t.Fatal(err)
			}
			sets = append(sets, s)
		}
		j := Join(append(sets, nil)...)
		for _, a := range asked {
			if !a.IsValid() {
				continue
			}
			held := j.Holding(a)
			for i, s := range sets {
				if got := held>>i&1 == 1; got != s.Contains(a) {
					t.Fatalf("%s in set %d %v: %t", a, i, s.Entries(), got)
				}
			}
			if held>>len(sets) != 0 {
				t.Fatalf("%s is held by a set that is none: %b", a, held)
			}
		}
	})
}

func TestTooMuchIsNotJoined(t *testing.T) {
	many := make([]string, mostEntries+1)
	for i := range many {
		many[i] = "10.0." + strconv.Itoa(i/256) + "." + strconv.Itoa(i%256)
	}
	if Join(parse(t, many...)) != nil || Join(make([]*Set, mostJoined+1)...) != nil {
		t.Error("joined too much")
	}
	var none *Joint
	if none.Holding(netip.MustParseAddr("10.0.0.1")) != 0 {
		t.Error("no joint holds something")
	}
	if j := Join(parse(t, many[1:]...)); j == nil || j.Holding(netip.MustParseAddr("10.0.0.1")) != 1 {
		t.Error("the most that may be joined is not")
	}
}

func BenchmarkJoint(b *testing.B) {
	var sets []*Set
	for range 4 {
		sets = append(sets, parse(b, "203.0.113.64/28"), parse(b, "203.0.113.0/25", "192.0.2.0/24", "2001:db8::/33"))
	}
	j, a := Join(sets...), netip.MustParseAddr("203.0.113.10")
	b.ReportAllocs()
	for b.Loop() {
		if j.Holding(a) == 0 {
			b.Fatal("not held")
		}
	}
}
