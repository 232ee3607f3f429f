// Package lendkeep_test holds the laws of the house. floors.txt says where every
// package stands and names every exception with its reason; these tests read
// the source as text and as syntax trees, need no build and nothing installed,
// and name file, line and mend for whatever breaks a law.
package lendkeep_test

import (
	"bufio"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/lendkeep/lendkeep/"

// goFile is one Go file of the module.
type goFile struct {
	path    string // from the root, with slashes
	syntax  *ast.File
	lines   int
	test    bool // _test.go, or a package of help for tests
	printed bool // printed by a program: *_templ.go
}

// folder is one package of the module.
type folder struct {
	path  string // from the root: "internal/money"
	name  string
	files []*goFile
}

func (d *folder) main() bool { return d.name == "main" }

// forTests reports whether a package exists for tests only: dbtest, gatetest.
func forTests(dir string) bool { return strings.HasSuffix(path.Base(dir), "test") }

type house struct {
	fset    *token.FileSet
	folders map[string]*folder
	sorted  []*folder
	texts   []string // every other file, from the root
}

var readHouse = sync.OnceValues(func() (*house, error) {
	h := &house{fset: token.NewFileSet(), folders: map[string]*folder{}}
	err := filepath.WalkDir(".", func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		p = filepath.ToSlash(p)
		if e.IsDir() {
			return skipFolder(p)
		}
		if !e.Type().IsRegular() {
			return nil
		}
		h.texts = append(h.texts, p)
		if strings.HasSuffix(p, ".go") {
			return h.read(p)
		}
		return nil
	})
	for _, d := range h.folders {
		h.sorted = append(h.sorted, d)
	}
	slices.SortFunc(h.sorted, func(a, b *folder) int { return strings.Compare(a.path, b.path) })
	return h, err
})

// skipFolder leaves out what is not of the repository, and programs that are
// modules of their own.
func skipFolder(p string) error {
	switch {
	case p == ".":
		return nil
	case strings.HasPrefix(path.Base(p), "."):
		if p == ".ci" {
			return nil
		}
		return filepath.SkipDir
	case p == "bin", p == "data", p == "demo-data", path.Base(p) == "node_modules":
		return filepath.SkipDir
	}
	if _, err := os.Stat(filepath.Join(p, "go.mod")); err == nil {
		return filepath.SkipDir
	}
	return nil
}

func (h *house) read(p string) error {
	source, err := os.ReadFile(p)
	if err != nil {
		return err
	}
	f, err := parser.ParseFile(h.fset, p, source, parser.ParseComments)
	if err != nil {
		return err
	}
	dir := path.Dir(p)
	test := strings.HasSuffix(p, "_test.go")
	d := h.folders[dir]
	if d == nil {
		d = &folder{path: dir}
		h.folders[dir] = d
	}
	if !test {
		d.name = f.Name.Name
	}
	d.files = append(d.files, &goFile{path: p, syntax: f, lines: strings.Count(string(source), "\n"),
		test: test || forTests(dir), printed: strings.HasSuffix(p, "_templ.go") || ast.IsGenerated(f)})
	return nil
}

// at names a place as file:line.
func (h *house) at(n ast.Node) string {
	p := h.fset.Position(n.Pos())
	return filepath.ToSlash(p.Filename) + ":" + strconv.Itoa(p.Line)
}

func theHouse(t *testing.T) *house {
	t.Helper()
	h, err := readHouse()
	if err != nil {
		t.Fatalf("the house cannot be read: %v", err)
	}
	return h
}

// code goes through the files that make up the programs.
func (h *house) code(f func(d *folder, g *goFile)) {
	for _, d := range h.sorted {
		for _, g := range d.files {
			if !g.test && !g.printed {
				f(d, g)
			}
		}
	}
}

// line is one line of floors.txt.
type line struct {
	number int
	words  []string
	reason string
	used   bool
}

func (l *line) where() string { return "floors.txt:" + strconv.Itoa(l.number) }

type floors struct {
	height map[string]int // of a package or "package/...", 0 is the ground
	names  []string
	lines  map[string][]*line // by their first word
}

func readFloors(t *testing.T) *floors {
	t.Helper()
	f, err := os.Open("floors.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := &floors{height: map[string]int{}, lines: map[string][]*line{}}
	arity := map[string]int{"pure": 1, "side": 2, "module": 2, "test": 1, "var": 2, "use": 2, "call": 2}
	scan := bufio.NewScanner(f)
	for n := 1; scan.Scan(); n++ {
		text, reason, reasoned := strings.Cut(scan.Text(), "--")
		words := strings.Fields(text)
		if len(words) == 0 || strings.HasPrefix(words[0], "#") {
			continue
		}
		l := &line{number: n, words: words[1:], reason: strings.TrimSpace(reason)}
		if words[0] == "floor" {
			out.floor(t, l)
			continue
		}
		want, known := arity[words[0]]
		if !known || len(l.words) != want {
			t.Fatalf("%s: not a line of this file; its head says what may stand here", l.where())
		}
		if words[0] != "pure" && (!reasoned || len(l.reason) < 10) {
			t.Errorf("%s: an exception needs its reason after --", l.where())
		}
		out.lines[words[0]] = append(out.lines[words[0]], l)
	}
	if err := scan.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func (f *floors) floor(t *testing.T, l *line) {
	t.Helper()
	if len(l.words) < 2 {
		t.Fatalf("%s: a floor needs a name and packages", l.where())
	}
	name := l.words[0]
	if i := slices.Index(f.names, name); i >= 0 && i != len(f.names)-1 {
		t.Fatalf("%s: the lines of floor %s stand together, from the ground up", l.where(), name)
	} else if i < 0 {
		f.names = append(f.names, name)
	}
	for _, p := range l.words[1:] {
		if _, twice := f.height[p]; twice {
			t.Fatalf("%s: %s stands on two floors", l.where(), p)
		}
		f.height[p] = len(f.names) - 1
	}
}

// of gives a package's floor and the line's pattern that says so.
func (f *floors) of(dir string) (height int, pattern string, ok bool) {
	if n, ok := f.height[dir]; ok {
		return n, dir, true
	}
	for p := dir; p != "."; p = path.Dir(p) {
		if n, ok := f.height[p+"/..."]; ok {
			return n, p + "/...", true
		}
	}
	return 0, "", false
}

// excused finds the line that excuses a package's use of something and marks
// it as needed. match compares the line's second word.
func (f *floors) excused(verb, dir string, match func(string) bool) bool {
	for _, l := range f.lines[verb] {
		if within(dir, l.words[0]) && match(l.words[1]) {
			l.used = true
			return true
		}
	}
	return false
}

// within reports whether a package is meant by a pattern.
func within(dir, pattern string) bool {
	tree, all := strings.CutSuffix(pattern, "/...")
	return dir == tree || all && strings.HasPrefix(dir, tree+"/")
}

func is(name string) func(string) bool { return func(s string) bool { return s == name } }

// idle refuses lines that nothing needs.
func (f *floors) idle(t *testing.T, verbs ...string) {
	t.Helper()
	for _, v := range verbs {
		for _, l := range f.lines[v] {
			if !l.used {
				t.Errorf("%s: nothing needs this line any more; remove it", l.where())
			}
		}
	}
}
