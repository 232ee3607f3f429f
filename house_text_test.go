package lendkeep_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// written is what people write and read as text; the rest is pictures and the like.
func (h *house) written(t *testing.T, each func(p string, lines []string)) {
	t.Helper()
	kinds := []string{".go", ".templ", ".md", ".sql", ".js", ".css", ".txt", ".mod", ".sh", ".json", ".yaml", ".yml", ".tsv", ".csv", ".html", ""}
	for _, p := range h.texts {
		if !slices.Contains(kinds, path.Ext(p)) || strings.HasPrefix(path.Base(p), "go.sum") {
			continue
		}
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		each(p, strings.Split(string(b), "\n"))
	}
}

// spell joins the parts of a word that this test must not contain itself.
func spell(parts ...string) string { return regexp.QuoteMeta(strings.Join(parts, "")) }

// The repository stands alone: it names no machine that it was written on, no
// registry that a build might be pointed at, and nothing of who typed it.
func TestTheRepositoryStandsAlone(t *testing.T) {
	strange := regexp.MustCompile(`(?i)` + strings.Join([]string{
		spell("/w", "ork/"), spell("../sha", "red/"), `(^|[^a-z/])` + spell("sha", "red/") + `(design|semantics|stack|style|ui|facts|fixtures)`, spell("/tm", "p/br"),
		spell("proxy.go", "lang.org"), spell("sum.go", "lang.org"), spell("registry.np", "mjs"), spell("py", "pi.org"), spell("files.python", "hosted"),
		spell("crates", ".io"), spell("rubygems", ".org"), spell("repo1.ma", "ven"), spell("deb.de", "bian.org"), spell("GO", "PROXY="),
		`\b` + spell("cla", "ude"), `\b` + spell("anthro", "pic"), `\b` + spell("chat", "gpt"), `\b` + spell("copi", "lot") + `\b`, `\b` + spell("open", "ai") + `\b`,
		`\b` + spell("L", "LM") + `s?\b`, `\b` + spell("lang", "uage model"), spell("co-authored", "-by"),
	}, "|"))
	theHouse(t).written(t, func(p string, lines []string) {
		for i, l := range lines {
			if m := strange.FindString(l); m != "" {
				t.Errorf("%s:%d: %q has no place in the repository; say it without", p, i+1, m)
			}
		}
	})
}

func TestNothingIsLeftForLater(t *testing.T) {
	later := regexp.MustCompile(`\b(` + strings.Join([]string{spell("TO", "DO"), spell("FIX", "ME"), spell("XX", "X"), spell("HA", "CK"),
		spell("not imple", "mented"), spell("coming so", "on")}, "|") + `)\b`)
	theHouse(t).written(t, func(p string, lines []string) {
		if strings.HasSuffix(p, "_templ.go") || p == "go.mod" {
			return
		}
		for i, l := range lines {
			if m := later.FindString(l); m != "" {
				t.Errorf("%s:%d: %q; do it now, or say under limits that it is not there", p, i+1, m)
			}
		}
	})
}

// Each migration is a pair, one file an engine, equal but for the types.
func TestMigrationsAreEqualButForTheTypes(t *testing.T) {
	pairs := 0
	for _, p := range theHouse(t).texts {
		if path.Ext(p) != ".sql" {
			continue
		}
		switch path.Base(path.Dir(p)) {
		case "sqlite":
			pairs++
			comparePair(t, p, path.Join(path.Dir(path.Dir(p)), "postgres", path.Base(p)))
		case "postgres":
			if twin := path.Join(path.Dir(path.Dir(p)), "sqlite", path.Base(p)); !exists(twin) {
				t.Errorf("%s: its twin %s is missing", p, twin)
			}
		}
	}
	if pairs == 0 {
		t.Fatal("no migration was found; a house without tables is not this one")
	}
}

func comparePair(t *testing.T, lite, postgres string) {
	t.Helper()
	a, err := os.ReadFile(lite)
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(postgres)
	if err != nil {
		t.Errorf("%s: its twin %s is missing", lite, postgres)
		return
	}
	x, y := statements(string(a)), statements(string(b))
	for i := range max(len(x), len(y)) {
		var l, r statement
		if i < len(x) {
			l = x[i]
		}
		if i < len(y) {
			r = y[i]
		}
		if l.text != r.text {
			t.Errorf("%s:%d and %s:%d differ in more than types:\n\t%s\n\t%s", lite, l.line, postgres, r.line, l.text, r.text)
			return
		}
	}
}

type statement struct {
	text string
	line int
}

// statements gives the lines of SQL without comments (goose's own stay) and
// with the types of one engine.
func statements(text string) []statement {
	comment := regexp.MustCompile(`--.*$`)
	space := regexp.MustCompile(`\s+`)
	types := strings.NewReplacer("BYTEA", "BLOB", `COLLATE "C"`, "", "COLLATE BINARY", "", "BIGINT GENERATED ALWAYS AS IDENTITY", "INTEGER", " WITHOUT ROWID", "", "BIGINT", "INTEGER")
	var out []statement
	for i, l := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(l)
		if !strings.HasPrefix(trimmed, "-- +goose") {
			trimmed = comment.ReplaceAllString(trimmed, "")
		}
		trimmed = strings.TrimSpace(space.ReplaceAllString(types.Replace(trimmed), " "))
		if trimmed != "" {
			out = append(out, statement{trimmed, i + 1})
		}
	}
	return out
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// Every relative link of every page leads somewhere, headings included.
func TestLinksOfThePagesLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`!?\[[^\]]*\]\(([^)\s]+)\)`)
	pages := 0
	theHouse(t).written(t, func(p string, lines []string) {
		if path.Ext(p) != ".md" {
			return
		}
		pages++
		fenced := false
		for i, l := range lines {
			if strings.HasPrefix(strings.TrimSpace(l), "```") {
				fenced = !fenced
			}
			if fenced {
				continue
			}
			for _, m := range link.FindAllStringSubmatch(l, -1) {
				if trouble := follow(p, m[1]); trouble != "" {
					t.Errorf("%s:%d: the link %s leads nowhere: %s", p, i+1, m[1], trouble)
				}
			}
		}
	})
	if pages < 5 {
		t.Errorf("only %d pages were found: README, CHANGELOG, SECURITY, CONTRIBUTING and docs/ belong to the house", pages)
	}
}

// follow gives what is wrong with a link, or nothing.
func follow(page, target string) string {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return ""
	}
	file, heading, _ := strings.Cut(target, "#")
	to := page
	if file != "" {
		to = path.Join(path.Dir(page), file)
		if !exists(to) {
			return to + " is not there"
		}
	}
	if heading == "" {
		return ""
	}
	b, err := os.ReadFile(to)
	if err != nil {
		return err.Error()
	}
	for _, l := range strings.Split(string(b), "\n") {
		if title := strings.TrimLeft(l, "#"); title != l && anchor(title) == heading {
			return ""
		}
	}
	return to + " has no such heading"
}

// anchor is the name that a heading gets on a page.
func anchor(title string) string {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	return strings.ReplaceAll(drop.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), ""), " ", "-")
}

// CHANGELOG.md keeps the form of keepachangelog.com.
func TestChangelogKeepsItsForm(t *testing.T) {
	b, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		t.Fatal("CHANGELOG.md is missing")
	}
	version := regexp.MustCompile(`^## \[(Unreleased|\d+\.\d+\.\d+)\]( - \d{4}-\d{2}-\d{2})?$`)
	kinds := []string{"### Added", "### Changed", "### Deprecated", "### Removed", "### Fixed", "### Security"}
	lines := strings.Split(string(b), "\n")
	if lines[0] != "# Changelog" {
		t.Errorf("CHANGELOG.md:1: the first line is \"# Changelog\"")
	}
	unreleased := false
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, "### "):
			if !slices.Contains(kinds, l) {
				t.Errorf("CHANGELOG.md:%d: a section is one of %s", i+1, strings.Join(kinds, ", "))
			}
		case strings.HasPrefix(l, "## "):
			m := version.FindStringSubmatch(l)
			if m == nil || (m[1] == "Unreleased") != (m[2] == "") {
				t.Errorf("CHANGELOG.md:%d: a version is \"## [Unreleased]\" or \"## [1.2.3] - 2026-11-22\"", i+1)
				continue
			}
			unreleased = unreleased || m[1] == "Unreleased"
		}
	}
	if !unreleased {
		t.Error("CHANGELOG.md: \"## [Unreleased]\" is missing")
	}
}

// Settings that the program knows are in the README's table, and the reverse.
func TestReadmeListsEverySetting(t *testing.T) {
	setting := regexp.MustCompile(`LENDKEEP_[A-Z_]*[A-Z]`)
	known := map[string]bool{}
	err := filepath.WalkDir("platform", func(p string, e fs.DirEntry, err error) error {
		if err != nil || path.Dir(filepath.ToSlash(p)) != "platform" || path.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") {
			return err
		}
		b, err := os.ReadFile(p)
		for _, m := range regexp.MustCompile(`env:"([A-Z_,]+)"`).FindAllStringSubmatch(string(b), -1) {
			known[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal("README.md is missing")
	}
	said := map[string]bool{}
	for _, m := range setting.FindAllString(string(readme), -1) {
		said[m] = true
		if !known[m] && !strings.HasPrefix(m, "LENDKEEP_TEST_") && m != "LENDKEEP_PROVE" {
			t.Errorf("README.md: %s is no setting of the program", m)
		}
	}
	for m := range known {
		if !said[m] {
			t.Errorf("README.md: the setting %s is missing from the table", m)
		}
	}
}

// CI runs what a person runs.
func TestContinuousIntegrationRunsMakeTest(t *testing.T) {
	info, err := os.Stat(".ci/run")
	if err != nil {
		t.Fatal(".ci/run is missing")
	}
	if info.Mode()&0o111 == 0 {
		t.Error(".ci/run cannot be executed; chmod +x")
	}
	b, err := os.ReadFile(".ci/run")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), "make test") {
		t.Error(".ci/run does not call make test")
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal("Makefile is missing")
	}
	for _, target := range []string{"build", "demo", "check", "test", "prove", "bench", "openapi", "fmt", "clean"} {
		if !regexp.MustCompile(fmt.Sprintf(`(?m)^%s:`, target)).Match(makefile) {
			t.Errorf("Makefile: there is no target %s", target)
		}
	}
}
