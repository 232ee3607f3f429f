//go:build bench

package bench

import (
	"os/exec"
	"regexp"
	"strconv"
	"testing"
)

// TestDecisions runs the benchmarks that lie beside the code that decides.
func TestDecisions(t *testing.T) {
	line := regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?(\d+) allocs/op`)
	for _, x := range []struct {
		target, pkg, pattern, wanted string
		most                         float64
	}{
		{"4", "../../access", "Decide", "≤ 100 ns, 0 allocations", 100},
		{"4", "../../gate", "Decide", "≤ 100 ns, 0 allocations", 100},
		{"5", "../../origination/decision", "DecideTwentyRules", "≤ 1 µs", 1000},
	} {
		out, err := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-bench", x.pattern, "-benchmem", "-count", "20", "-benchtime", "50ms", x.pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", x.pkg, err, out)
		}
		best := map[string][2]float64{}
		var order []string
		for _, m := range line.FindAllStringSubmatch(string(out), -1) {
			ns, _ := strconv.ParseFloat(m[2], 64)
			allocs, _ := strconv.ParseFloat(m[3], 64)
			b, there := best[m[1]]
			if !there {
				order = append(order, m[1])
			}
			if !there || ns < b[0] {
				best[m[1]] = [2]float64{ns, allocs}
			}
		}
		for _, name := range order {
			b := best[name]
			ok := b[0] <= x.most && (x.target != "4" || b[1] == 0)
			tell(figure{x.target, "", name + " (best of 20)", strconv.FormatFloat(b[0], 'f', 1, 64) + " ns", strconv.FormatFloat(b[1], 'f', 0, 64) + " allocations", "", x.wanted, met(ok)})
		}
	}
}
