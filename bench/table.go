package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
)

// line is one line of the table.
type line struct {
	work, who, best, median, allocs, ratio, target, met string
}

// most is the longest time of ours, in nanoseconds, for which no allocation is
// allowed either.
const most = 100

// least is how many times faster than a peer ours should be at the first work.
// The variants that are not here are shown for information.
func least(name string) float64 {
	switch name {
	case "casbin per role":
		return 1000
	case "cedar-go":
		return 100
	case "OPA":
		return 250
	}
	return 0
}

// lines are ours and the peers, work by work. A ratio is that of the best turns.
func lines(m measurement, all []peer) []line {
	var out []line
	for i, w := range works() {
		ours := m[who{w.says, oursName}]
		out = append(out, ownLine(w.says, ours))
		for _, p := range all {
			t := m[who{w.says, p.name}]
			l := shown("", p.name, t)
			ratio := t.best() / ours.best()
			l.ratio = fmt.Sprintf("%s ×", thousands(ratio))
			if want := least(p.name); want > 0 && i == 0 {
				l.target, l.met = fmt.Sprintf("≥ %s ×", thousands(want)), verdict(ratio >= want)
			}
			out = append(out, l)
		}
	}
	for _, says := range []string{prefixWork, spreadWork} {
		out = append(out, ownLine(says, m[who{says, oursName}]))
	}
	return out
}

func ownLine(says string, t *times) line {
	l := shown(says, oursName, t)
	l.target, l.met = fmt.Sprintf("≤ %d ns, 0 allocs", most), verdict(t.best() <= most && t.allocs == 0)
	return l
}

func shown(says, name string, t *times) line {
	return line{work: says, who: name, best: duration(t.best()), median: duration(t.median()), allocs: fmt.Sprintf("%.0f", t.allocs)}
}

// duration tells nanoseconds as people read them.
func duration(ns float64) string {
	if ns < 1000 {
		return fmt.Sprintf("%.1f ns", ns)
	}
	return fmt.Sprintf("%.1f µs", ns/1000)
}

// thousands tells a ratio with as many digits as mean something.
func thousands(x float64) string {
	if x < 10 {
		return fmt.Sprintf("%.1f", x)
	}
	s := fmt.Sprintf("%.0f", x)
	if len(s) > 3 {
		s = s[:len(s)-3] + "," + s[len(s)-3:]
	}
	return s
}

func verdict(ok bool) string {
	if ok {
		return "met"
	}
	return "MISSED"
}

func table(lines []line) string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "work\twho\tbest\tmedian\tallocs\tours is faster\ttarget\t")
	for i, l := range lines {
		if i > 0 && l.work != "" {
			fmt.Fprintln(w, strings.Repeat("\t", 7))
		}
		fmt.Fprintln(w, strings.Join([]string{l.work, l.who, l.best, l.median, l.allocs, l.ratio, l.target, l.met}, "\t"))
	}
	_ = w.Flush()
	var trimmed strings.Builder
	for l := range strings.Lines(out.String()) {
		trimmed.WriteString(strings.TrimRight(l, " \n") + "\n")
	}
	return trimmed.String()
}

// legend says how each peer does the work.
func legend(all []peer) string {
	var out strings.Builder
	for _, p := range all {
		fmt.Fprintf(&out, "%s: %s.\n", p.name, p.how)
	}
	return out.String()
}
