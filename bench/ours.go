package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"time"
)

// oursName is Lendkeep in the table.
const oursName = "Lendkeep"

// program is Lendkeep's own benchmarks, built once.
type program struct{ root, dir string }

// buildOurs builds the benchmarks of the packages that decide and that hold
// sets of addresses.
func buildOurs(ctx context.Context, root string) (*program, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "lendkeep-bench-")
	if err != nil {
		return nil, err
	}
	p := &program{root: root, dir: dir}
	for name, pkg := range map[string]string{"access": accessPackage, "ipset": ipsetPackage} {
		build := exec.CommandContext(ctx, "go", "test", "-c", "-o", p.binary(name), "./"+pkg)
		build.Dir = root
		if out, err := build.CombinedOutput(); err != nil {
			p.remove()
			return nil, fmt.Errorf("building the benchmark of %s: %w\n%s", pkg, err, out)
		}
	}
	return p, nil
}

const (
	accessPackage = "platform/internal/access"
	ipsetPackage  = "internal/ipset"
)

func (p *program) binary(name string) string { return filepath.Join(p.dir, name+".test") }

func (p *program) remove() { _ = os.RemoveAll(p.dir) }

// decisions gives ours one turn at each work.
func (p *program) decisions(ctx context.Context, m measurement, turn time.Duration) error {
	found, err := p.run(ctx, "access", accessPackage, "^BenchmarkBesidePeers$", turn, 1)
	if err != nil {
		return err
	}
	for _, w := range works() {
		f, ok := found["BesidePeers/"+w.name]
		if !ok {
			return fmt.Errorf("the benchmark of %s has no %q", accessPackage, w.name)
		}
		m.add(who{w.says, oursName}, f[0].ns, f[0].allocs)
	}
	return nil
}

// prefixes asks ours about addresses in large sets, which take seconds to build.
func (p *program) prefixes(ctx context.Context, m measurement, turn time.Duration) error {
	found, err := p.run(ctx, "ipset", ipsetPackage, "^BenchmarkContainsMillion", 5*turn, 3)
	if err != nil {
		return err
	}
	for name, says := range map[string]string{"ContainsMillion": prefixWork, "ContainsMillionSpread": spreadWork} {
		if len(found[name]) == 0 {
			return fmt.Errorf("the benchmark of %s has no %q", ipsetPackage, name)
		}
		for _, f := range found[name] {
			m.add(who{says, oursName}, f.ns, f.allocs)
		}
	}
	return nil
}

func (p *program) run(ctx context.Context, name, pkg, pattern string, turn time.Duration, count int) (map[string][]figure, error) {
	cmd := exec.CommandContext(ctx, p.binary(name), "-test.run=^$", "-test.bench="+pattern, "-test.benchmem",
		"-test.benchtime="+turn.String(), "-test.count="+strconv.Itoa(count))
	cmd.Dir = filepath.Join(p.root, filepath.FromSlash(pkg))
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("the benchmark of %s: %w\n%s", pkg, err, out)
	}
	return parse(string(out))
}

// figure is one line of a benchmark.
type figure struct{ ns, allocs float64 }

var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op.*?\s(\d+) allocs/op`)

// parse reads what a Go benchmark prints with -benchmem.
func parse(out string) (map[string][]figure, error) {
	found := map[string][]figure{}
	for _, l := range benchmarkLine.FindAllStringSubmatch(out, -1) {
		ns, err := strconv.ParseFloat(l[2], 64)
		allocs, err2 := strconv.ParseFloat(l[3], 64)
		if err := errors.Join(err, err2); err != nil {
			return nil, err
		}
		found[l[1]] = append(found[l[1]], figure{ns, allocs})
	}
	return found, nil
}
