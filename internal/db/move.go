package db

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/lendkeep/lendkeep/internal/db/sqlite"
	"github.com/lendkeep/lendkeep/internal/db/statement"
	"github.com/lendkeep/lendkeep/internal/fault"
)

// Move is a SQLite database on its way into another file, under another page key, while
// it is read and written.
//
//	Move ──Step…──▶ nearly all is copied ──Hold──▶ nobody writes ──Switch──▶ all go on in the new file
//	                                                    └─GiveUp─▶ all go on in the old one
//
// Readers never wait: who has begun in the old file ends there, and the last one takes
// the file away. Not for concurrent use.
type Move struct {
	l    *lite
	to   *sqlite.File
	path string
	copy *sqlite.Copy
	next *sqlite.Conn // writes in the new file after Switch; there while writers are held
}

// pieceOfPages is how many pages are copied between two writes: 1 MiB.
const pieceOfPages = 256

// errMoveLost: the connection that carried the copy is gone.
var errMoveLost = errors.New("the copy of the database file was lost with its connection; begin again")

// Move begins to copy the database into the file at path under a page key of 32 bytes.
// Something that lies there already is half a copy, and is taken away. Only a SQLite
// database can be moved.
func (d *DB) Move(ctx context.Context, path string, key []byte) (*Move, error) {
	l, ok := d.back.(*lite)
	if !ok {
		return nil, fault.New(fault.Conflict, "no_page_key", "This database has no file of its own, and so no page key.")
	}
	if err := RemoveFile(path); err != nil {
		return nil, fmt.Errorf("take away half a copy: %w", err)
	}
	to, err := sqlite.Open(sqlite.Config{Path: path, Key: key, Fit: statement.Plain, Admit: statement.RefuseControl})
	if err != nil {
		return nil, fmt.Errorf("make the new database file: %w", err)
	}
	m := &Move{l: l, to: to, path: path}
	err = m.turn(ctx, func(c *sqlite.Conn) (err error) {
		m.copy, err = c.CopyTo(to)
		return err
	})
	if err != nil {
		m.GiveUp()
		return nil, err
	}
	return m, nil
}

// turn waits for the writer and does something with its connection, outside any
// transaction.
func (m *Move) turn(ctx context.Context, fn func(*sqlite.Conn) error) error {
	w := &m.l.w
	if err := w.take(ctx); err != nil {
		return err
	}
	err := w.alone(ctx, fn)
	w.hand()
	return err
}

// alone runs fn on the writer's connection after committing what waits there. The
// caller has the turn.
func (w *writer) alone(ctx context.Context, fn func(*sqlite.Conn) error) error {
	w.commit()
	if w.conn == nil {
		c, err := w.l.connect(ctx, w.l.readers.File(), false)
		if err != nil {
			return err
		}
		w.conn = c
	}
	return fn(w.conn)
}

// Step copies a piece, for which writers wait, and says how many pages are left. Ready
// is when what is left is no more than a piece: Hold copies that.
func (m *Move) Step(ctx context.Context) (left int, ready bool, err error) {
	err = m.turn(ctx, func(c *sqlite.Conn) (err error) {
		if !m.copy.Of(c) {
			return errMoveLost
		}
		left, err = m.copy.Step(pieceOfPages)
		return err
	})
	if err != nil {
		return 0, false, fmt.Errorf("copy the database file: %w", err)
	}
	return left, left <= pieceOfPages, nil
}

// Sync brings to the disk what was copied until now, so that little is left to wait for
// at the end.
func (m *Move) Sync() error { return sqlite.Sync(m.path) }

// Hold copies what is left and keeps everybody from writing until Switch or GiveUp.
// What it leaves is durable, and was opened with its key.
func (m *Move) Hold(ctx context.Context) error {
	w := &m.l.w
	if err := w.take(ctx); err != nil {
		return err
	}
	err := w.alone(ctx, func(c *sqlite.Conn) error {
		if !m.copy.Of(c) {
			return errMoveLost
		}
		copied := m.copy
		m.copy = nil
		return copied.Finish()
	})
	if err == nil {
		err = errors.Join(sqlite.Sync(m.path), sqlite.Sync(filepath.Dir(m.path)))
	}
	if err == nil {
		m.next, err = m.l.connect(ctx, m.to, false)
	}
	if err != nil {
		w.hand()
	}
	return err
}

// Switch lets everybody go on in the new file. It follows Hold and cannot fail.
func (m *Move) Switch() {
	l := m.l
	last := l.w.conn
	l.w.conn, m.next = m.next, nil
	leave := l.readers.Adopt(m.to, last)
	l.w.hand()
	leave() // closing empties the old log into the old file: nobody waits for that
}

// GiveUp ends a move that was not switched, and takes the copy away.
func (m *Move) GiveUp() {
	if w := &m.l.w; m.copy != nil && w.take(context.Background()) == nil { // the copy lives in the writer's connection
		_ = m.copy.Close()
		w.hand()
	}
	m.copy = nil
	held := m.next != nil
	if held {
		_ = m.next.Close()
		m.next = nil
	}
	m.to.Close()
	_ = RemoveFile(m.path) // the next move takes away what stays
	if held {
		m.l.w.hand()
	}
}

// RemoveFile takes a SQLite database away, with its log. It is no error if there is none.
func RemoveFile(path string) error { return sqlite.Remove(path) }
