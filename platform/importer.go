package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
)

type importCommand struct {
	File    string `arg:"" help:"CSV file: loans….csv or borrowers….csv." type:"existingfile"`
	Tenant  string `help:"Slug of the tenant." required:""`
	What    string `help:"loans or borrowers; empty: as the file's name begins." enum:",loans,borrowers" default:""`
	Partial bool   `help:"Apply the good rows of a file that has bad ones."`
}

// Run imports a file. Nothing of a file with a bad row is applied unless
// --partial; the exit status is then 1.
func (i *importCommand) Run(ctx context.Context, s *Settings) error {
	what := i.What
	if what == "" {
		for _, begin := range []string{"loans", "borrowers"} {
			if strings.HasPrefix(strings.ToLower(filepath.Base(i.File)), begin) {
				what = begin
			}
		}
	}
	if what != "loans" && what != "borrowers" {
		return errors.New("say --what loans or --what borrowers: the file's name does not tell")
	}
	f, err := os.Open(i.File)
	if err != nil {
		return err
	}
	defer f.Close()
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer c.close()
	query := url.Values{"what": {what}}
	if i.Partial {
		query.Set("partial", "true")
	}
	resp, err := c.post(ctx, i.Tenant, "/console/v1/import?"+query.Encode(), "text/csv", f)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return follow(resp.Body, what)
}

// follow shows the progress lines of an import and tells its report.
func follow(r io.Reader, what string) error {
	show := progress(what)
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 64<<20)
	var last house.ImportLine
	for lines.Scan() {
		last = house.ImportLine{}
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			return err
		}
		if last.Report == nil && last.Failure == "" {
			show(last.Done, last.Total)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if last.Failure != "" {
		return errors.New(last.Failure)
	}
	if last.Report == nil {
		return errors.New("the server ended before the import did; nothing of the file is visible")
	}
	return tellImport(last.Report)
}

// tellImport prints every bad row and what was done.
func tellImport(r *onboarding.Report) error {
	for _, b := range r.Problems {
		fmt.Fprintf(os.Stderr, "line %d, %s: %s\n", b.Line, b.Column, b.Reason)
	}
	if r.BadRows > int64(len(r.Problems)) {
		fmt.Fprintf(os.Stderr, "… and %d more\n", r.BadRows-int64(len(r.Problems)))
	}
	fmt.Printf("%d rows read, %d applied, %d bad\n", r.Rows, r.Imported, r.BadRows)
	if r.BadRows > 0 && r.Imported == 0 {
		return errors.New("nothing was applied; mend the rows, or say --partial")
	}
	return nil
}

// progress shows a bar on a terminal and a line now and then elsewhere.
func progress(what string) func(done, total int64) {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		next := int64(0)
		return func(done, total int64) {
			if done >= next || done == total {
				fmt.Fprintf(os.Stderr, "%s: %d of %d\n", what, done, total)
				next = done + max(total/10, 1)
			}
		}
	}
	var bar *progressbar.ProgressBar
	return func(done, total int64) {
		if bar == nil {
			bar = progressbar.Default(total, what)
		}
		bar.ChangeMax64(total)
		_ = bar.Set64(done)
	}
}
