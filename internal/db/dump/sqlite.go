package dump

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/sqlite"
)

// lite is a SQLite file that is loaded.
type lite struct {
	file    *sqlite.File
	conn    *sqlite.Conn
	path    string
	indexes []string // as SQL
}

func openLite(ctx context.Context, c db.Config) (target, error) {
	key, err := c.Key()
	if err != nil {
		return nil, fmt.Errorf("ask for the page key: %w", err)
	}
	l := &lite{path: c.Path}
	l.file, err = sqlite.Open(sqlite.Config{Path: c.Path, Key: key, Fit: func(v any) (any, error) { return v, nil }, Admit: func(string) error { return nil }})
	if err != nil {
		return nil, err
	}
	if l.conn, err = l.file.Connect(ctx, false); err != nil {
		l.file.Close()
		return nil, err
	}
	// Nobody trusts the file before it is whole, so it is made durable once, at the
	// end. What does not fit into memory goes to temporary files, which are
	// encrypted under a key of their own.
	for _, p := range []string{`PRAGMA foreign_keys = off`, `PRAGMA journal_mode = memory`, `PRAGMA synchronous = off`, `PRAGMA temp_store = file`, `PRAGMA cache_size = -65536`} {
		if err := l.conn.Control(p); err != nil {
			_ = l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *lite) close() error {
	err := l.conn.Close()
	l.file.Close()
	return err
}

// rows runs a query and hands every row to scan.
func (l *lite) rows(ctx context.Context, query string, scan func(st *sqlite.Stmt) error) error {
	st, err := l.conn.Start(query, nil)
	if err != nil {
		return err
	}
	defer st.Release()
	for {
		more, err := st.Step(ctx)
		if err != nil || !more {
			return err
		}
		if err := scan(st); err != nil {
			return err
		}
	}
}

func (l *lite) prepare(ctx context.Context) ([]table, error) {
	var list []table
	err := l.rows(ctx, liteTables, func(st *sqlite.Stmt) error {
		var name, column string
		err := st.Scan([]any{&name, &column})
		list = gathered(list, name, column)
		return err
	})
	if err != nil {
		return nil, err
	}
	var names []string
	err = l.rows(ctx, `SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name`, func(st *sqlite.Stmt) error {
		var name, text string
		err := st.Scan([]any{&name, &text})
		names, l.indexes = append(names, name), append(l.indexes, text)
		return err
	})
	for _, n := range names {
		if err == nil {
			err = l.conn.Control(`DROP INDEX ` + quoted(n))
		}
	}
	for _, t := range list { // a migration may have put rows in
		if err == nil {
			err = l.conn.Control(`DELETE FROM ` + quoted(t.Name))
		}
	}
	return list, err
}

func (l *lite) load(ctx context.Context, t table, next func() ([]any, error)) error {
	if err := l.conn.Control(`BEGIN`); err != nil {
		return err
	}
	insert := `INSERT INTO ` + quoted(t.Name) + ` (` + quoted(t.Columns...) + `) VALUES (` + strings.TrimSuffix(strings.Repeat("?, ", len(t.Columns)), ", ") + `)`
	for {
		row, err := next()
		if err != nil {
			return err
		}
		if row == nil {
			return l.conn.Control(`COMMIT`)
		}
		if _, err := l.conn.Run(ctx, insert, row); err != nil {
			return err
		}
	}
}

func (l *lite) finish(ctx context.Context) error {
	for _, text := range l.indexes {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.conn.Control(text); err != nil {
			return err
		}
	}
	err := l.rows(ctx, `PRAGMA foreign_key_check`, func(st *sqlite.Stmt) error {
		var in, row, to, which any
		if err := st.Scan([]any{&in, &row, &to, &which}); err != nil {
			return err
		}
		return fmt.Errorf("%w: a row of %v refers to a row of %v that is not there", ErrForm, in, to)
	})
	if err != nil {
		return err
	}
	for _, name := range []string{l.path, filepath.Dir(l.path)} {
		if err := synced(name); err != nil {
			return err
		}
	}
	return nil
}

// synced makes a file, or what a folder lists, durable.
func synced(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
