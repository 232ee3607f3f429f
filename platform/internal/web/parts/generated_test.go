package parts

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every template stands beside the Go file that was generated from it. Where the
// generator is at hand (templ of the version in go.mod), the files are compared.
func TestGeneratedFilesAreThoseOfTheirTemplates(t *testing.T) {
	sources, err := filepath.Glob("*.templ")
	if err != nil || len(sources) < 10 {
		t.Fatalf("%d templates, %v", len(sources), err)
	}
	tool, err := exec.LookPath("templ")
	for _, source := range sources {
		kept, readErr := os.ReadFile(strings.TrimSuffix(source, ".templ") + "_templ.go")
		if readErr != nil {
			t.Errorf("%s was not generated: %v", source, readErr)
			continue
		}
		if err != nil {
			continue
		}
		fresh, genErr := exec.Command(tool, "generate", "-f", source, "-stdout").Output()
		if genErr != nil {
			t.Fatalf("%s: %v", source, genErr)
		}
		// The generator writes the path as it was called; only the name counts.
		path := regexp.MustCompile("FileName: `[^`]*`")
		if !bytes.Equal(path.ReplaceAll(kept, nil), path.ReplaceAll(fresh, nil)) {
			t.Errorf("%s was changed after it was generated", source)
		}
	}
	if err != nil {
		t.Skip("the generator is not installed: the contents were not compared")
	}
}
