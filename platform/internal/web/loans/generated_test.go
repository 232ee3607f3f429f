package loans

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every template stands beside the Go file that was generated from it, and is
// not newer in what it declares: each of its components is in that file.
func TestEveryTemplateWasGenerated(t *testing.T) {
	sources, err := filepath.Glob("*.templ")
	if err != nil || len(sources) < 5 {
		t.Fatalf("%d templates, %v", len(sources), err)
	}
	for _, source := range sources {
		text, err := os.ReadFile(source)
		if err != nil {
			t.Fatal(err)
		}
		made, err := os.ReadFile(strings.TrimSuffix(source, ".templ") + "_templ.go")
		if err != nil {
			t.Errorf("%s was not generated: %v", source, err)
		}
		for line := range strings.Lines(string(text)) {
			if rest, ok := strings.CutPrefix(line, "templ "); ok {
				name, _, _ := strings.Cut(rest, "(")
				if !strings.Contains(string(made), "func "+name+"(") {
					t.Errorf("%s: %s is missing from the generated file", source, name)
				}
			}
		}
	}
}
