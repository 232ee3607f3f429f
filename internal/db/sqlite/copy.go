package sqlite

import (
	"context"
	"errors"
	"os"

	"github.com/ncruces/go-sqlite3"
)

// Copy is a file on its way into another one. What the connection writes meanwhile goes
// into both; nobody else may write.
type Copy struct {
	of     *Conn
	b      *sqlite3.Backup
	copied int // pages
}

// CopyTo begins to copy the connection's file into another, which must be empty.
func (c *Conn) CopyTo(f *File) (*Copy, error) {
	c.c.SetInterrupt(context.Background())
	b, err := c.c.BackupInit("main", f.dsn)
	if err != nil {
		return nil, err
	}
	return &Copy{of: c, b: b}, nil
}

// Step copies some pages, if more than those are left, and says how many are. It never
// copies the last ones: then the copy would be whole, and what is written afterwards
// would go into the old file alone. No transaction may be open.
func (c *Copy) Step(pages int) (left int, err error) {
	total, err := c.of.pages()
	if err != nil {
		return 0, err
	}
	if left = total - c.copied; left <= pages {
		return left, nil
	}
	c.of.c.SetInterrupt(context.Background())
	if _, err := c.b.Step(pages); err != nil {
		return 0, err
	}
	left = c.b.Remaining()
	c.copied = c.b.PageCount() - left
	return left, nil
}

// Finish copies what is left. Nothing may be written afterwards but into the copy.
func (c *Copy) Finish() error {
	c.of.c.SetInterrupt(context.Background())
	done, err := c.b.Step(-1)
	if err == nil && !done {
		err = errors.New("sqlite: the copy of the file did not come to its end")
	}
	return errors.Join(err, c.b.Close())
}

// pages counts the pages of the file.
func (c *Conn) pages() (int, error) {
	s, _, err := c.c.Prepare("PRAGMA page_count")
	if err != nil {
		return 0, err
	}
	n := 0
	if s.Step() {
		n = s.ColumnInt(0)
	}
	return n, s.Close()
}

// Of reports whether it copies through this connection: one that broke took the copy
// with it.
func (c *Copy) Of(conn *Conn) bool { return c.of == conn }

// Close ends the copy; one that is not whole is worth nothing.
func (c *Copy) Close() error { return c.b.Close() }

// Remove takes a database file away, with its log. It is no error if there is none.
func Remove(path string) error {
	var err error
	for _, suffix := range []string{"-wal", "-shm", "-journal", ""} {
		if e := os.Remove(path + suffix); e != nil && !errors.Is(e, os.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Sync brings a file, or the names in a folder, to the disk.
func Sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
