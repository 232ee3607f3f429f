package dump

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// target is an empty database with the schema of the rows.
type target interface {
	// prepare gives the tables that are there, without their rows and indexes.
	prepare(ctx context.Context) ([]table, error)
	// load stores rows; next gives none at the end.
	load(ctx context.Context, t table, next func() ([]any, error)) error
	// finish makes indexes and references again, checks these, and makes all of it durable.
	finish(ctx context.Context) error
	close() error
}

// Load makes a database with the schema that the rows had, and loads them. Nobody else
// may have it open. loaded, if given, is told now and then how many rows there are.
func Load(ctx context.Context, c db.Config, migrations fs.FS, version int64, in io.Reader, loaded func(rows int64)) (err error) {
	if err := made(ctx, c, migrations, version); err != nil {
		return err
	}
	open := openLite
	if c.Engine == db.PostgreSQL {
		open = openPostgres
	}
	to, err := open(ctx, c)
	if err != nil {
		return err
	}
	defer func() {
		if e := to.close(); err == nil {
			err = e
		}
	}()
	there, err := to.prepare(ctx)
	if err != nil {
		return fmt.Errorf("making room for the rows: %w", err)
	}
	r := &reader{in: bufio.NewReaderSize(in, 1<<16), loaded: loaded}
	if err := r.all(ctx, to, there); err != nil {
		return err
	}
	if err := to.finish(ctx); err != nil {
		return fmt.Errorf("making the indexes and references again: %w", err)
	}
	return nil
}

// made makes the database with the migrations up to a version.
func made(ctx context.Context, c db.Config, migrations fs.FS, version int64) error {
	d, err := db.Open(ctx, c)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Migrate(ctx, until{migrations, version}); err != nil {
		return err
	}
	var stands int64
	err = d.Read(ctx, 0, func(ctx context.Context, tx *db.Tx) (err error) {
		stands, err = Version(ctx, tx)
		return err
	})
	if err == nil && stands != version {
		err = fault.New(fault.Unavailable, "backup_newer", "The backup was made by a later version of this program. Use that one.")
	}
	return err
}

// until is migrations up to a version.
type until struct {
	fs.FS
	version int64
}

func (u until) ReadDir(name string) ([]fs.DirEntry, error) {
	list, err := fs.ReadDir(u.FS, name)
	return slices.DeleteFunc(list, func(e fs.DirEntry) bool {
		digits, _, _ := strings.Cut(path.Base(e.Name()), "_")
		n, err := strconv.ParseInt(digits, 10, 64)
		return !e.IsDir() && err == nil && n > u.version
	}), err
}

type reader struct {
	in     *bufio.Reader
	loaded func(rows int64)
	rows   int64
}

// all reads every table; each that is there must come once, with its columns.
func (r *reader) all(ctx context.Context, to target, there []table) error {
	seen := map[string]bool{}
	for {
		n, err := binary.ReadUvarint(r.in)
		if err != nil {
			return broken(err)
		}
		if n == 0 {
			break
		}
		var t table
		j, err := r.bytes(n)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(j, &t); err != nil {
			return broken(err)
		}
		if !slices.ContainsFunc(there, func(x table) bool { return x.Name == t.Name && alike(x.Columns, t.Columns) }) || seen[t.Name] {
			return fmt.Errorf("%w: there is no table %s with these columns in this version of the schema", ErrForm, t.Name)
		}
		seen[t.Name] = true
		if err := r.table(ctx, to, t); err != nil {
			return fmt.Errorf("table %s: %w", t.Name, err)
		}
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil || n != uint64(len(seen)) || len(seen) != len(there) {
		return fmt.Errorf("%w: tables are missing", ErrForm)
	}
	if _, err := r.in.ReadByte(); err != io.EOF {
		return broken(err)
	}
	return nil
}

func alike(a, b []string) bool {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	return slices.Equal(a, b)
}

func broken(err error) error {
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		return ErrForm
	}
	return fmt.Errorf("%w: %w", ErrForm, err)
}

func (r *reader) table(ctx context.Context, to target, t table) error {
	row, count, ended := make([]any, len(t.Columns)), uint64(0), false
	err := to.load(ctx, t, func() ([]any, error) {
		more, err := r.in.ReadByte()
		if err != nil || more > aRow {
			return nil, broken(err)
		}
		if more == noRow {
			ended = true
			return nil, nil
		}
		for i := range row {
			if row[i], err = r.value(); err != nil {
				return nil, err
			}
		}
		count++
		if r.rows++; r.rows%nowAndThen == 0 {
			if r.loaded != nil {
				r.loaded(r.rows)
			}
			return row, ctx.Err()
		}
		return row, nil
	})
	if err != nil {
		return err
	}
	n, err := binary.ReadUvarint(r.in)
	if err != nil || !ended || n != count {
		return broken(err)
	}
	return nil
}

func (r *reader) value() (any, error) {
	kind, err := r.in.ReadByte()
	if err != nil {
		return nil, broken(err)
	}
	switch kind {
	case null:
		return nil, nil
	case number:
		n, err := binary.ReadVarint(r.in)
		if err != nil {
			return nil, broken(err)
		}
		return n, nil
	case text, raw:
		n, err := binary.ReadUvarint(r.in)
		if err != nil {
			return nil, broken(err)
		}
		b, err := r.bytes(n)
		if err == nil && kind == text {
			return string(b), nil
		}
		return b, err
	}
	return nil, ErrForm
}

func (r *reader) bytes(n uint64) ([]byte, error) {
	if n > mostBytes {
		return nil, ErrForm
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(r.in, b); err != nil {
		return nil, broken(err)
	}
	return b, nil
}
