package main_test

import (
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// The operator's stories run against the real program.
func TestOperatorStories(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole program takes longer than a short run")
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{Dir: "../testdata/script", Setup: func(e *testscript.Env) error {
		e.Setenv("PATH", filepath.Dir(path)+string(filepath.ListSeparator)+e.Getenv("PATH"))
		golden, err := filepath.Abs("../docs/openapi.json")
		e.Setenv("GOLDEN", golden)
		return err
	}})
}
