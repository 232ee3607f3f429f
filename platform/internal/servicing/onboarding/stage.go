package onboarding

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// The kinds of files.
const (
	loans     = "loans"
	borrowers = "borrowers"
)

// chunkRows is how many rows one transaction writes: other users wait for no
// more than that.
const chunkRows = 1000

// keptProblems bounds the problems that a report holds; Bad hears of all.
const keptProblems = 1000

// ImportOptions is how a file is taken.
type ImportOptions struct {
	Partial bool // take the good rows of a file with bad ones
	Size    int64
	// Progress hears how far the file is read, in bytes; total is Size, 0 if
	// that is not known.
	Progress func(done, total int64)
	Bad      func(Problem) // hears of every problem at once
}

// Report is what came of a file.
type Report struct {
	FileHash  string    `json:"file_sha256" class:"public"`
	Rows      int64     `json:"rows" class:"public"`
	Imported  int64     `json:"imported" class:"public"`
	BadRows   int64     `json:"bad_rows" class:"public"`
	Problems  []Problem `json:"problems" doc:"The first thousand."`
	Portfolio bool      `json:"portfolios" class:"public" doc:"The file put loans into portfolios."`
}

// Staged is a file that has been read and written and is not visible yet.
type Staged struct {
	Report Report
	kind   string
	run    string
	seen   *shape.Sighting // card numbers in it
}

// table is what the kinds of files differ in.
type table interface {
	columns() []column
	// read checks one row by itself, adding its problems, and keeps it.
	read(r *record)
	// store checks the kept rows against the database and writes the good ones;
	// rows it refuses are reported. After it nothing is kept.
	store(ctx context.Context, tx *db.Tx, run string, write bool, refuse func(line int, column, reason string)) (stored int64, err error)
	kept() int
}

// stage reads a whole file and writes its rows under a run. A file that cannot
// be taken leaves nothing and gives an Invalid fault beside the report.
func stage(ctx context.Context, t *tenant.Tenant, kind string, tab table, r io.Reader, opt ImportOptions) (*Staged, error) {
	s := &Staged{kind: kind}
	s.Report.Problems = []Problem{}
	file, bad, err := open(r, tab.columns())
	if err != nil {
		return nil, unreadable(err)
	}
	if len(bad) > 0 {
		s.note(opt, bad...)
		return s, s.fault(opt)
	}
	s.seen = &file.seen
	if s.run, err = begin(ctx, t, kind); err != nil {
		return nil, err
	}
	if err := s.rows(ctx, t, tab, file, opt); err != nil {
		return s, errors.Join(err, discard(ctx, t, s.run))
	}
	if err := s.fault(opt); err != nil {
		if e := discard(ctx, t, s.run); e != nil {
			return s, e
		}
		s.Report.Imported = 0
		return s, err
	}
	return s, nil
}

func (s *Staged) rows(ctx context.Context, t *tenant.Tenant, tab table, file *sheet, opt ImportOptions) error {
	for {
		rec, err := file.next()
		if err != nil && err != io.EOF {
			return unreadable(err)
		}
		if err == nil {
			s.Report.Rows++
			if len(rec.bad) == 0 {
				tab.read(rec)
			}
			if len(rec.bad) > 0 {
				s.Report.BadRows++
				s.note(opt, rec.bad...)
			}
		}
		if tab.kept() >= chunkRows || err == io.EOF {
			if err := s.chunk(ctx, t, tab, opt); err != nil {
				return err
			}
			if opt.Progress != nil {
				opt.Progress(file.src.read, opt.Size)
			}
		}
		if err == io.EOF {
			break
		}
	}
	hash, err := file.rest()
	if err != nil {
		return unreadable(err)
	}
	s.Report.FileHash = hash
	return nil
}

// chunk writes what has been read; once a file is bound to be refused it only
// checks.
func (s *Staged) chunk(ctx context.Context, t *tenant.Tenant, tab table, opt ImportOptions) error {
	if tab.kept() == 0 {
		return nil
	}
	write := opt.Partial || s.Report.BadRows == 0
	var bad []Problem
	var stored int64
	err := t.DB.Write(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		bad = nil
		if err := beat(ctx, tx, s.run); err != nil {
			return err
		}
		stored, err = tab.store(ctx, tx, s.run, write, func(line int, column, reason string) { bad = append(bad, Problem{line, column, reason}) })
		return err
	})
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "taken_meanwhile", "Somebody made a row with the same number or reference while the file was read; run the import again.")
	}
	if err != nil {
		return fmt.Errorf("writing a piece of the file: %w", err)
	}
	s.Report.Imported += stored
	s.Report.BadRows += int64(len(bad))
	s.note(opt, bad...)
	return nil
}

func (s *Staged) note(opt ImportOptions, bad ...Problem) {
	for _, p := range bad {
		if len(s.Report.Problems) < keptProblems {
			s.Report.Problems = append(s.Report.Problems, p)
		}
		if opt.Bad != nil {
			opt.Bad(p)
		}
	}
}

// fault refuses a file with problems, unless its good rows were asked for.
func (s *Staged) fault(opt ImportOptions) error {
	header := len(s.Report.Problems) > 0 && s.Report.Rows == 0
	if len(s.Report.Problems) == 0 || (opt.Partial && !header) {
		return nil
	}
	var c fault.Collector
	for i, p := range s.Report.Problems {
		if i == 100 {
			break
		}
		path := fmt.Sprintf("line %d", p.Line)
		if p.Column != "" {
			path += "." + p.Column
		}
		c.Add(path, p.Reason)
	}
	f := fault.As(c.Err())
	if s.seen != nil {
		s.seen.Mark(f)
	}
	f.Reason, f.Message = "bad_rows", fmt.Sprintf("%d of %d rows need mending; nothing was imported.", s.Report.BadRows, s.Report.Rows)
	if header {
		f.Message = "The header line needs mending; nothing was imported."
	}
	return f
}

func unreadable(err error) error {
	var known *fault.Error
	if errors.As(err, &known) || errors.Is(err, context.Canceled) {
		return err
	}
	return fault.Wrap(fault.Malformed, "file_unreadable", "The file cannot be read to its end; nothing was imported.", err)
}
