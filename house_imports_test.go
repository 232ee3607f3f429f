package lendkeep_test

import (
	"bufio"
	"go/ast"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// inputOutput are the standard packages that reach the world outside the
// program. The ground and pure packages import none of them.
var inputOutput = []string{
	"os", "os/exec", "os/signal", "os/user", "net", "net/http", "net/http/httptest", "net/rpc", "net/smtp", "net/textproto",
	"crypto/tls", "crypto/x509", "database/sql", "io/ioutil", "log", "log/syslog", "path/filepath", "plugin", "runtime/debug",
	"syscall", "testing", "text/template", "html/template", "unsafe",
}

// imports goes through the imports of a file.
func imports(f *ast.File, each func(spec *ast.ImportSpec, path string)) {
	for _, s := range f.Imports {
		if p, err := strconv.Unquote(s.Path.Value); err == nil {
			each(s, p)
		}
	}
}

func standard(p string) bool { return !strings.Contains(strings.SplitN(p, "/", 2)[0], ".") }

func TestEveryPackageStandsOnAFloor(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	needed := map[string]bool{}
	for _, d := range h.sorted {
		if d.name == "" {
			continue // tests of the whole house
		}
		_, pattern, ok := f.of(d.path)
		if !ok {
			t.Errorf("%s: the package stands on no floor; add it to floors.txt", d.path)
		}
		needed[pattern] = true
	}
	for p := range f.height {
		if !needed[p] {
			t.Errorf("floors.txt: %s is not there; remove it", p)
		}
	}
}

func TestImportsGoDown(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	for _, d := range h.sorted {
		from, _, ok := f.of(d.path)
		if !ok {
			continue
		}
		for _, g := range d.files {
			if strings.HasSuffix(g.path, "_test.go") {
				continue // a test may look at its package from above
			}
			imports(g.syntax, func(s *ast.ImportSpec, p string) {
				to, ours := strings.CutPrefix(p, module)
				if !ours {
					return
				}
				height, _, ok := f.of(to)
				switch {
				case !ok:
					t.Errorf("%s: imports %s, which stands on no floor", h.at(s), to)
				case height > from:
					t.Errorf("%s: %s (%s) imports %s (%s) above it; turn the import round or hand over a function",
						h.at(s), d.path, f.names[from], to, f.names[height])
				case height == from && !oneDepartment(d.path, to):
					sideways(t, h, f, s, d.path, to, f.names[from])
				}
			})
		}
	}
	f.idle(t, "side")
}

// oneDepartment reports whether one package lies below the other, or both lie
// below one desk or front.
func oneDepartment(a, b string) bool {
	if strings.HasPrefix(a, b+"/") || strings.HasPrefix(b, a+"/") {
		return true
	}
	part := func(p string) string {
		words := strings.Split(p, "/")
		if len(words) < 4 || words[0] != "platform" {
			return ""
		}
		return words[2]
	}
	return part(a) != "" && part(a) == part(b)
}

func sideways(t *testing.T, h *house, f *floors, s *ast.ImportSpec, from, to, floor string) {
	t.Helper()
	if floor == "DESKS" {
		t.Errorf("%s: desk %s imports desk %s; let the house hand over a function", h.at(s), from, to)
		return
	}
	if !f.excused("side", from, is(to)) {
		t.Errorf("%s: %s imports %s beside it on %s; move one down, or give floors.txt a side line with the reason", h.at(s), from, to, floor)
	}
}

// The wall between the platform and Secure Payments: one door only.
func TestTheCardVaultIsWalledOff(t *testing.T) {
	h := theHouse(t)
	for _, d := range h.sorted {
		for _, g := range d.files {
			imports(g.syntax, func(s *ast.ImportSpec, p string) {
				to, ours := strings.CutPrefix(p, module)
				if !ours {
					return
				}
				if strings.HasPrefix(d.path, "platform") && strings.HasPrefix(to, "securepay") && to != "securepay/client" {
					t.Errorf("%s: the platform may import securepay/client and nothing else of Secure Payments", h.at(s))
				}
				if strings.HasPrefix(d.path, "securepay") && strings.HasPrefix(to, "platform") {
					t.Errorf("%s: Secure Payments may import nothing of the platform", h.at(s))
				}
			})
		}
	}
}

func TestGroundAndPurePackagesKnowNoWorldOutside(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	seen := map[string]bool{}
	for _, d := range h.sorted {
		if n, _, ok := f.of(d.path); ok && n == 0 {
			knowsNoWorld(t, h, d.path, "is of the ground", seen)
		}
	}
	for _, l := range f.lines["pure"] {
		if h.folders[l.words[0]] == nil {
			t.Errorf("%s: %s is not there; remove the line", l.where(), l.words[0])
			continue
		}
		knowsNoWorld(t, h, l.words[0], "is pure", seen)
	}
}

// knowsNoWorld follows a package's imports within the module.
func knowsNoWorld(t *testing.T, h *house, dir, why string, seen map[string]bool) {
	t.Helper()
	d := h.folders[dir]
	if d == nil || seen[dir] {
		return
	}
	seen[dir] = true
	for _, g := range d.files {
		if g.test {
			continue
		}
		imports(g.syntax, func(s *ast.ImportSpec, p string) {
			if to, ours := strings.CutPrefix(p, module); ours {
				knowsNoWorld(t, h, to, "serves "+dir+", which "+why, seen)
			} else if slices.Contains(inputOutput, p) {
				t.Errorf("%s: %s %s and must not import %s; let the caller bring what it reads", h.at(s), dir, why, p)
			}
		})
	}
}

// Fronts know the desks' types, and reach data through the gate alone.
func TestFrontsKnowNoDatabase(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	h.code(func(d *folder, g *goFile) {
		n, _, ok := f.of(d.path)
		if !ok || f.names[n] != "FRONTS" {
			return
		}
		imports(g.syntax, func(s *ast.ImportSpec, p string) {
			if p == module+"internal/db" || p == "database/sql" {
				t.Errorf("%s: a front imports %s; make it an operation of a desk and call it through the gate", h.at(s), p)
			}
		})
	})
}

func TestForeignModulesHaveOneUserEach(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	required := requirements(t)
	for _, d := range h.sorted {
		for _, g := range d.files {
			imports(g.syntax, func(s *ast.ImportSpec, p string) {
				if standard(p) || strings.HasPrefix(p+"/", module) {
					return
				}
				if f.excused("module", d.path, func(m string) bool { return p == m || strings.HasPrefix(p, m+"/") }) {
					return
				}
				if g.test && forTest(f, p) {
					return
				}
				t.Errorf("%s: %s imports %s; do without, or give floors.txt a module line with the reason", h.at(s), d.path, p)
			})
		}
	}
	for m := range required {
		if !named(f, m) {
			t.Errorf("go.mod requires %s directly, and no line of floors.txt says for whom and why", m)
		}
	}
	f.idle(t, "module", "test")
}

func forTest(f *floors, p string) bool {
	for _, l := range f.lines["test"] {
		if m := l.words[0]; p == m || strings.HasPrefix(p, m+"/") {
			l.used = true
			return true
		}
	}
	return false
}

func named(f *floors, m string) bool {
	for _, l := range f.lines["module"] {
		if l.words[1] == m {
			return true
		}
	}
	return slices.ContainsFunc(f.lines["test"], func(l *line) bool { return l.words[0] == m })
}

// requirements reads the direct requirements of go.mod.
func requirements(t *testing.T) map[string]bool {
	t.Helper()
	file, err := os.Open("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out := map[string]bool{}
	for scan := bufio.NewScanner(file); scan.Scan(); {
		words := strings.Fields(strings.TrimPrefix(strings.TrimSpace(scan.Text()), "require "))
		if len(words) >= 2 && strings.Contains(path.Dir(words[0]+"/x"), ".") && strings.HasPrefix(words[1], "v") &&
			!strings.Contains(scan.Text(), "// indirect") {
			out[words[0]] = true
		}
	}
	if len(out) == 0 {
		t.Fatal("go.mod was not understood: no direct requirement found")
	}
	return out
}
