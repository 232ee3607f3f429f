package lendkeep_test

import (
	"go/ast"
	"go/build/constraint"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// special are the build tags of what no program may hold: a trail that keeps nothing,
// for measuring what auditing costs, and the control builds that harnesses must catch.
var special = regexp.MustCompile(`^(bench|control_[a-z]+)$`)

// constraintOf gives the build constraint of a file, or nil.
func constraintOf(t *testing.T, p string) constraint.Expr {
	t.Helper()
	text, err := os.ReadFile(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(string(text), "\n") {
		if !constraint.IsGoBuild(l) {
			continue
		}
		x, err := constraint.Parse(l)
		if err != nil {
			t.Fatalf("%s: %v", p, err)
		}
		return x
	}
	return nil
}

// switches reports whether a file is part of a release, and whether a special tag
// changes that.
func switches(x constraint.Expr) (released, switched bool) {
	with := func(all bool) bool {
		return x == nil || x.Eval(func(tag string) bool {
			if special.MatchString(tag) {
				return all
			}
			return tag == runtime.GOOS || tag == runtime.GOARCH || tag == "cgo" || tag == "unix" || tag == "linux" || strings.HasPrefix(tag, "go1.")
		})
	}
	return with(false), with(false) != with(true)
}

// TestNoProgramCanBeMadeToRecordNothing: auditing is measured beside a build without
// it, and harnesses are tried on builds that forget a check. What these builds differ
// in is decided when they are compiled, by tags that no program is built with; what a
// program has in its place is a constant.
func TestNoProgramCanBeMadeToRecordNothing(t *testing.T) {
	h := theHouse(t)
	makers := []string{}
	h.code(func(_ *folder, g *goFile) {
		x := constraintOf(t, g.path)
		released, switched := switches(x)
		ast.Inspect(g.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok && id.Name == "Unkept" && released {
				t.Errorf("%s: a program knows the trail that keeps nothing; only files of the tag bench may", h.at(id))
			}
			if f, ok := n.(*ast.FuncDecl); ok && f.Name.Name == "Unkept" {
				makers = append(makers, g.path)
			}
			return true
		})
		if released && switched && !g.test {
			constantOnly(t, h, g)
		}
	})
	if !slices.Equal(makers, []string{"internal/audit/unkept.go"}) {
		t.Errorf("the trail that keeps nothing is made in %v: this test looks for what is not there any more", makers)
	}
}

// constantOnly wants a file that a special tag takes out to hold nothing but constants,
// and functions that give one.
func constantOnly(t *testing.T, h *house, g *goFile) {
	t.Helper()
	literal := func(e ast.Expr) bool {
		id, ok := e.(*ast.Ident)
		return ok && (id.Name == "true" || id.Name == "false")
	}
	for _, d := range g.syntax.Decls {
		switch d := d.(type) {
		case *ast.GenDecl:
			for _, s := range d.Specs {
				if v, ok := s.(*ast.ValueSpec); ok && (d.Tok.String() != "const" || len(v.Values) != 1 || !literal(v.Values[0])) {
					t.Errorf("%s: what a build tag changes must be a constant, true or false", h.at(s))
				}
			}
		case *ast.FuncDecl:
			r, ok := d.Body.List[0].(*ast.ReturnStmt)
			if !ok || len(d.Body.List) != 1 || len(r.Results) != 1 || !literal(r.Results[0]) {
				t.Errorf("%s: what a build tag changes must return a constant, true or false", h.at(d))
			}
		}
	}
}

// TestProgramsAreBuiltWithoutTags: neither make nor a script gives one to a build.
func TestProgramsAreBuiltWithoutTags(t *testing.T) {
	scripts, err := filepath.Glob("scripts/*")
	if err != nil {
		t.Fatal(err)
	}
	builds := 0
	for _, p := range append(scripts, "Makefile", ".ci/run") {
		text, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		for i, l := range strings.Split(string(text), "\n") {
			if regexp.MustCompile(`\bbuild .*\./(platform|auditor)$`).MatchString(l) {
				builds++
			}
			if strings.Contains(l, "GOFLAGS=") || strings.Contains(l, "-tags") && !regexp.MustCompile(`\btest\b`).MatchString(l) {
				t.Errorf("%s:%d: a program is built with a tag", p, i+1)
			}
		}
	}
	if builds == 0 {
		t.Error("no build was found: this test looks for what is not there any more")
	}
}
