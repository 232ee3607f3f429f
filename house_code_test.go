package lendkeep_test

import (
	"go/ast"
	"go/token"
	"path"
	"slices"
	"strings"
	"testing"
	"unicode"
)

// The sizes that a reader can hold: lines, without tests and printed files.
const (
	packageLines  = 2000
	fileLines     = 400
	functionLines = 60
)

func TestPackagesFilesAndFunctionsStaySmall(t *testing.T) {
	h := theHouse(t)
	total := map[string]int{}
	h.code(func(d *folder, g *goFile) {
		total[d.path] += g.lines
		if g.lines > fileLines {
			t.Errorf("%s: %d lines; a file has at most %d: split it by what it is about", g.path, g.lines, fileLines)
		}
		for _, decl := range g.syntax.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Body == nil {
				continue
			}
			if n := h.fset.Position(f.End()).Line - h.fset.Position(f.Pos()).Line + 1; n > functionLines {
				t.Errorf("%s: %s has %d lines; a function has at most %d", h.at(f), f.Name.Name, n, functionLines)
			}
		}
	})
	for dir, n := range total {
		if n > packageLines {
			t.Errorf("%s: %d lines; a package has at most %d: give a part of it a name of its own", dir, n, packageLines)
		}
	}
}

// Every package says what it is for, what holds in it and what it must not
// know; a program and a package of help for tests may say it in one sentence.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	h := theHouse(t)
	for _, d := range h.sorted {
		if d.name == "" {
			continue
		}
		doc := ""
		for _, g := range d.files {
			if g.syntax.Doc != nil && !g.printed && !strings.HasSuffix(g.path, "_test.go") {
				if doc != "" {
					t.Errorf("%s: a second doc comment of package %s; keep one", g.path, d.name)
				}
				doc = g.syntax.Doc.Text()
			}
		}
		least := 2
		if d.main() || forTests(d.path) {
			least = 1
		}
		switch n := sentences(doc); {
		case doc == "":
			t.Errorf("%s: no package doc comment; say what it is for, what holds in it, what it must not know", d.path)
		case n < least:
			t.Errorf("%s: the package doc comment has %d sentence; say also what holds in it or what it must not know", d.path, n)
		case !d.main() && !strings.HasPrefix(doc, "Package "+d.name+" "):
			t.Errorf("%s: the package doc comment begins with %q; begin it with \"Package %s \"", d.path, firstWords(doc), d.name)
		}
	}
}

func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

// sentences counts full stops that end a word of more than one letter.
func sentences(doc string) int {
	n := 0
	for _, w := range strings.Fields(doc) {
		if len(w) > 2 && strings.ContainsAny(w[len(w)-1:], ".!?:") {
			n++
		}
	}
	return n
}

func TestPackageNamesAreWordsOfTheTrade(t *testing.T) {
	refused := []string{"util", "utils", "common", "helper", "helpers", "model", "models", "type", "types", "manager", "managers",
		"impl", "base", "core", "lib", "misc", "shared", "service", "services", "dto", "entities", "mock", "mocks", "tools"}
	for _, d := range theHouse(t).sorted {
		if slices.Contains(refused, path.Base(d.path)) || slices.Contains(refused, d.name) {
			t.Errorf("%s: name the package after what it is in lending or security", d.path)
		}
		if strings.ContainsFunc(d.name, func(r rune) bool { return unicode.IsUpper(r) || r == '_' }) {
			t.Errorf("%s: a package name is one lower-case word, not %s", d.path, d.name)
		}
		if d.name != "" && !d.main() && d.name != path.Base(d.path) {
			t.Errorf("%s: package %s lives in a folder of another name", d.path, d.name)
		}
	}
}

func TestNothingRunsBeforeMain(t *testing.T) {
	h := theHouse(t)
	h.code(func(d *folder, g *goFile) {
		for _, decl := range g.syntax.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !d.main() {
				t.Errorf("%s: init below the roof; build the value in a constructor and hand it over", h.at(f))
			}
		}
	})
}

// refusedUse are functions and types that hide a clock, a way out, or settings.
var refusedUse = map[string]string{
	"time.Now":     "take the clock as a field or the instant as an argument",
	"time.Since":   "take the clock as a field and subtract",
	"time.Until":   "take the clock as a field and subtract",
	"time.Sleep":   "wait for a signal or a timer together with the context",
	"time.Tick":    "use time.NewTicker and stop it",
	"os.Getenv":    "settings come from the roof",
	"os.LookupEnv": "settings come from the roof",
	"os.Exit":      "return an error",
	"log.Fatal":    "return an error",

	"http.Get": "the only way out is internal/outbound", "http.Head": "the only way out is internal/outbound",
	"http.Post": "the only way out is internal/outbound", "http.PostForm": "the only way out is internal/outbound",
	"http.Client": "the only way out is internal/outbound", "http.Transport": "the only way out is internal/outbound",
	"http.DefaultClient": "the only way out is internal/outbound", "http.DefaultTransport": "the only way out is internal/outbound",
	"http.DefaultServeMux": "make a ServeMux", "http.HandleFunc": "make a ServeMux", "http.Handle": "make a ServeMux",
	"net.Dial": "the only way out is internal/outbound", "net.DialTimeout": "the only way out is internal/outbound",
	"net.Dialer": "the only way out is internal/outbound",

	"slog.Default": "take the log as a field", "slog.SetDefault": "take the log as a field", "slog.Debug": "take the log as a field",
	"slog.Info": "take the log as a field", "slog.Warn": "take the log as a field", "slog.Error": "take the log as a field",
	"fmt.Print": "return the text", "fmt.Printf": "return the text", "fmt.Println": "return the text",
}

// fewMayCall are functions of ours with few callers.
var fewMayCall = map[string]string{
	"gate.ScopeFor": "the row scope of somebody else is for explaining only",
}

func TestNoHiddenClockWayOutOrSetting(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	h.code(func(d *folder, g *goFile) {
		names := importNames(g.syntax)
		ast.Inspect(g.syntax, func(n ast.Node) bool {
			s, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			x, ok := s.X.(*ast.Ident)
			if !ok || x.Obj != nil || names[x.Name] == "" {
				return true
			}
			use := path.Base(names[x.Name]) + "." + s.Sel.Name
			if mend := refusedUse[use]; mend != "" && standard(names[x.Name]) && !d.main() && !f.excused("use", d.path, is(use)) {
				t.Errorf("%s: %s; %s", h.at(s), use, mend)
			}
			if mend := fewMayCall[use]; mend != "" && !f.excused("call", d.path, is(use)) {
				t.Errorf("%s: %s; %s", h.at(s), use, mend)
			}
			return true
		})
		imports(g.syntax, func(s *ast.ImportSpec, p string) {
			if p == "unsafe" {
				t.Errorf("%s: unsafe; every wall of the house rests on types", h.at(s))
			}
		})
	})
	f.idle(t, "use", "call")
}

// importNames gives the import path by the name under which a file knows it.
func importNames(f *ast.File) map[string]string {
	out := map[string]string{}
	imports(f, func(s *ast.ImportSpec, p string) {
		name := path.Base(p)
		if s.Name != nil {
			name = s.Name.Name
		}
		out[name] = p
	})
	return out
}

// A Scope decides which rows a caller sees; only the gate can make one.
func TestNobodyButTheGateMakesAScope(t *testing.T) {
	h := theHouse(t)
	h.code(func(d *folder, g *goFile) {
		if d.path == "platform/internal/gate" {
			return
		}
		isScope := func(e ast.Expr) bool {
			s, ok := e.(*ast.SelectorExpr)
			if !ok || s.Sel.Name != "Scope" {
				return false
			}
			x, ok := s.X.(*ast.Ident)
			return ok && importNames(g.syntax)[x.Name] == module+"platform/internal/gate"
		}
		ast.Inspect(g.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if isScope(n.Type) {
					t.Errorf("%s: a Scope is made here; take the call's own", h.at(n))
				}
			case *ast.CallExpr:
				if isScope(n.Fun) {
					t.Errorf("%s: something is turned into a Scope here; take the call's own", h.at(n))
				}
			case *ast.TypeSpec:
				if isScope(n.Type) {
					t.Errorf("%s: a Scope under another name; use gate.Scope", h.at(n))
				}
			}
			return true
		})
	})
}

func TestNoMutablePackageVariable(t *testing.T) {
	h, f := theHouse(t), readFloors(t)
	for _, d := range h.sorted {
		written := writes(d)
		for _, g := range d.files {
			if g.test || g.printed {
				continue
			}
			for _, decl := range g.syntax.Decls {
				if v, ok := decl.(*ast.GenDecl); ok && v.Tok == token.VAR {
					for _, s := range v.Specs {
						variable(t, h, f, d, v, s.(*ast.ValueSpec), written)
					}
				}
			}
		}
	}
	f.idle(t, "var")
}

func variable(t *testing.T, h *house, f *floors, d *folder, v *ast.GenDecl, s *ast.ValueSpec, written map[string]ast.Node) {
	t.Helper()
	for i, name := range s.Names {
		var value ast.Expr
		if i < len(s.Values) {
			value = s.Values[i]
		}
		if name.Name == "_" {
			if s.Type == nil || value == nil {
				t.Errorf("%s: a variable that only keeps an import alive; remove both", h.at(name))
			}
			continue
		}
		if w := written[name.Name]; w != nil {
			t.Errorf("%s: package variable %s is written here; make it a field or an argument", h.at(w), name.Name)
			continue
		}
		pointed := pointedType(value)
		if embedded(v, s) || frozen(value) || strings.HasPrefix(strings.ToLower(name.Name), "err") && pointed != "" {
			continue
		}
		if !f.excused("var", d.path, func(s string) bool { return s == name.Name || pointed != "" && s == "*"+pointed }) {
			t.Errorf("%s: package variable %s; make it a constant, a field or an argument (allowed: errors.New, regexps, embed.FS, "+
				"tables that nobody writes to), or give floors.txt a var line with the reason", h.at(name), name.Name)
		}
	}
}

// embedded reports whether the compiler fills the variable from a file.
func embedded(v *ast.GenDecl, s *ast.ValueSpec) bool {
	for _, c := range []*ast.CommentGroup{v.Doc, s.Doc} {
		if c != nil && slices.ContainsFunc(c.List, func(c *ast.Comment) bool { return strings.HasPrefix(c.Text, "//go:embed ") }) {
			return true
		}
	}
	return false
}

// immutable are constructors of values that nobody can change afterwards.
var immutable = []string{"errors.New", "fmt.Errorf", "regexp.MustCompile", "strings.NewReplacer", "reflect.TypeFor", "reflect.TypeOf",
	"netip.MustParseAddr", "netip.MustParsePrefix", "base32.NewEncoding", "base64.NewEncoding", "sync.OnceValue", "sync.OnceValues", "civil.MustDate"}

// frozen reports whether a value cannot change unless the variable is written:
// a table without functions, an immutable value, or a table built on the spot.
func frozen(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		return !hasFunction(e)
	case *ast.CallExpr:
		if _, ok := e.Fun.(*ast.FuncLit); ok {
			return len(e.Args) == 0
		}
		fun := e.Fun
		if x, ok := fun.(*ast.IndexExpr); ok {
			fun = x.X
		}
		s, ok := fun.(*ast.SelectorExpr)
		if !ok {
			return false
		}
		if x, ok := s.X.(*ast.Ident); ok {
			return slices.Contains(immutable, x.Name+"."+s.Sel.Name)
		}
		return frozen(s.X) // base32.NewEncoding(…).WithPadding(…)
	}
	return false
}

// pointedType gives T of &T{…}, and nothing for anything else.
func pointedType(e ast.Expr) string {
	u, ok := e.(*ast.UnaryExpr)
	if !ok || u.Op != token.AND {
		return ""
	}
	if lit, ok := u.X.(*ast.CompositeLit); ok {
		if x, ok := lit.Type.(*ast.Ident); ok {
			return x.Name
		}
	}
	return ""
}

func hasFunction(e ast.Expr) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			found = true
		}
		return !found
	})
	return found
}

// writes finds, by name, where a package's variables are assigned, taken the
// address of, or emptied.
func writes(d *folder) map[string]ast.Node {
	out := map[string]ast.Node{}
	top := topLevel(d)
	note := func(e ast.Expr, n ast.Node) {
		// A name that its own file does not resolve is another file's.
		if x := root(e); x != nil && (x.Obj == nil || top[x.Obj.Decl]) {
			out[x.Name] = n
		}
	}
	for _, g := range d.files {
		if strings.HasSuffix(g.path, "_test.go") {
			continue
		}
		ast.Inspect(g.syntax, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						note(e, n)
					}
				}
			case *ast.IncDecStmt:
				note(n.X, n)
			case *ast.UnaryExpr:
				if _, made := n.X.(*ast.CompositeLit); n.Op == token.AND && !made {
					note(n.X, n)
				}
			case *ast.RangeStmt:
				if n.Tok == token.ASSIGN {
					note(n.Key, n)
					note(n.Value, n)
				}
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && (f.Name == "delete" || f.Name == "clear" || f.Name == "copy") && len(n.Args) > 0 {
					note(n.Args[0], n)
				}
			}
			return true
		})
	}
	return out
}

// root gives the variable that an expression reaches into.
func root(e ast.Expr) *ast.Ident {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return x
		case *ast.IndexExpr:
			e = x.X
		case *ast.SelectorExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.SliceExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// topLevel gives the declarations of a package's variables.
func topLevel(d *folder) map[any]bool {
	out := map[any]bool{}
	for _, g := range d.files {
		for _, decl := range g.syntax.Decls {
			if v, ok := decl.(*ast.GenDecl); ok {
				for _, s := range v.Specs {
					out[s] = true
				}
			}
		}
	}
	return out
}
