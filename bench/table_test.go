package main

import (
	"slices"
	"strings"
	"testing"
)

// What a Go benchmark prints is read line by line, runs of the same one together.
func TestParseReadsWhatBenchmarksPrint(t *testing.T) {
	found, err := parse(`goos: linux
BenchmarkBesidePeers/granted-2         	 3114190	        77.30 ns/op	       0 B/op	       0 allocs/op
BenchmarkBesidePeers/granted-2         	 3114190	        81 ns/op	      16 B/op	       2 allocs/op
BenchmarkContainsMillion 	 100	        33.2 ns/op	       0 B/op	       0 allocs/op
PASS
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := found["BesidePeers/granted"]; !slices.Equal(got, []figure{{77.3, 0}, {81, 2}}) {
		t.Errorf("granted: %v", got)
	}
	if got := found["ContainsMillion"]; !slices.Equal(got, []figure{{33.2, 0}}) {
		t.Errorf("a benchmark on one processor: %v", got)
	}
}

// measured is a measurement in which ours takes own nanoseconds and the peers
// what the targets ask of 100.
func measured(own, allocs float64) (measurement, []peer) {
	m := measurement{}
	var all []peer
	for _, name := range []string{"casbin per role", "casbin, cached", "cedar-go", "OPA"} {
		all = append(all, peer{name: name, how: "somehow"})
	}
	for _, w := range works() {
		for _, ns := range []float64{3 * own, own, 2 * own} {
			m.add(who{w.says, oursName}, ns, allocs)
		}
		for _, p := range all {
			m.add(who{w.says, p.name}, 100*max(least(p.name), 3), 11)
		}
	}
	m.add(who{prefixWork, oursName}, 61, 0)
	m.add(who{spreadWork, oursName}, 161, 0)
	return m, all
}

func TestTargetsAreJudgedByTheBestTurnsOfTheFirstWork(t *testing.T) {
	for _, c := range []struct {
		own, allocs float64
		met, missed int
	}{
		{100, 0, 7, 1}, // ours three times, three peers, and one of the two large sets
		{101, 0, 1, 7},
		{100, 1, 4, 4},
	} {
		m, all := measured(c.own, c.allocs)
		text := table(lines(m, all))
		if met, missed := strings.Count(text, " met"), strings.Count(text, "MISSED"); met != c.met || missed != c.missed {
			t.Errorf("%v ns and %v allocations: %d met, %d missed\n%s", c.own, c.allocs, met, missed, text)
		}
	}
}

func TestTheTableTellsBestMedianAndRatio(t *testing.T) {
	m, all := measured(50, 0)
	text := strings.Join(strings.Fields(table(lines(m, all))+legend(all)), " ")
	for _, want := range []string{"50.0 ns 100.0 ns 0", "casbin per role 100.0 µs", "2,000 ×", "≥ 1,000 ×", "6.0 ×", prefixWork, "61.0 ns", "cedar-go: somehow."} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing from\n%s", want, text)
		}
	}
}
