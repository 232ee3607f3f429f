package web_test

import (
	"bytes"
	"go/format"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/a-h/templ"
	"github.com/a-h/templ/generator"
	parser "github.com/a-h/templ/parser/v2"
	"github.com/google/go-cmp/cmp"
)

// folder is where the printer stood, which makes no difference to a page.
var folder = regexp.MustCompile("FileName: `[^`]*`")

// The pages' Go code is kept, so that the program is built without a printer.
// It is what the templates beside it say, and nobody has written in it.
func TestPagesArePrintedFromTheirTemplates(t *testing.T) {
	printed := 0
	err := filepath.WalkDir(".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".templ" {
			return err
		}
		printed++
		kept, err := os.ReadFile(strings.TrimSuffix(path, ".templ") + "_templ.go")
		if err != nil {
			return err
		}
		page, err := parser.Parse(path)
		if err != nil {
			return err
		}
		var now bytes.Buffer
		if _, err := generator.Generate(page, &now, generator.WithVersion(templ.Version()), generator.WithFileName(filepath.Base(path))); err != nil {
			return err
		}
		want, err := format.Source(now.Bytes())
		if err != nil {
			return err
		}
		if diff := cmp.Diff(string(folder.ReplaceAll(want, nil)), string(folder.ReplaceAll(kept, nil))); diff != "" {
			t.Errorf("%s: the code beside it is not what it says (run templ generate %s): -template +code\n%.2000s", path, templ.Version(), diff)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if printed < 10 {
		t.Errorf("only %d templates were found", printed)
	}
}
