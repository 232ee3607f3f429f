package sqlite

import (
	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// gatherVFS stands above the page cipher and hands the log's writes on in long runs.
// SQLite appends a frame in two writes, of 24 bytes and of a page; neither ends where a
// block of the cipher ends, so that each would read, decipher and write anew one block
// or two. Gathered, a commit writes each block once.
//
// Nothing is promised before it is written. Only frames are gathered, from the header
// of one on; a commit syncs the log (synchronous = full) before it tells anybody of its
// frames, and a sync hands everything on first. What SQLite writes after the sync, the
// end of the frame with which it fills the sector, is handed on at once. What was
// gathered and not handed on is lost with the process, as what was written and not
// synced is with the machine; nobody else reads frames that were not committed.
// (Write-ahead log: https://www.sqlite.org/fileformat2.html#walformat)
type gatherVFS struct{ vfs.VFS }

// Open is not called: OpenFilename is.
func (g gatherVFS) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN
}

func (g gatherVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(g.VFS, name, flags)
	if err != nil || flags&vfs.OPEN_WAL == 0 {
		return f, flags, err
	}
	return &gathered{File: f}, flags, nil
}

const (
	logHead    = 32
	frameHead  = 24
	frame      = frameHead + 4096
	gatherMost = 64 * frame // bounds what is gathered
)

// gathered is a log whose last writes, run from byte at on, are still to be handed on.
// A connection uses its files from one goroutine at a time.
type gathered struct {
	vfs.File
	at  int64
	run []byte
}

func (g *gathered) WriteAt(p []byte, off int64) (int, error) {
	if len(g.run) > 0 && off == g.at+int64(len(g.run)) && len(g.run)+len(p) <= gatherMost {
		g.run = append(g.run, p...)
		return len(p), nil
	}
	if err := g.handOn(); err != nil {
		return 0, err
	}
	if len(p) != frameHead || (off-logHead)%frame != 0 {
		return g.File.WriteAt(p, off)
	}
	g.at, g.run = off, append(g.run, p...)
	return len(p), nil
}

// handOn writes what was gathered. What could not be written is forgotten: SQLite gives
// up the commit, and no later one may bring its frames back.
func (g *gathered) handOn() error {
	if len(g.run) == 0 {
		return nil
	}
	_, err := g.File.WriteAt(g.run, g.at)
	g.run = g.run[:0]
	return err
}

func (g *gathered) ReadAt(p []byte, off int64) (int, error) {
	if err := g.handOn(); err != nil {
		return 0, err
	}
	return g.File.ReadAt(p, off)
}

func (g *gathered) Truncate(size int64) error {
	if err := g.handOn(); err != nil {
		return err
	}
	return g.File.Truncate(size)
}

func (g *gathered) Sync(flags vfs.SyncFlag) error {
	if err := g.handOn(); err != nil {
		return err
	}
	return g.File.Sync(flags)
}

func (g *gathered) Size() (int64, error) {
	if err := g.handOn(); err != nil {
		return 0, err
	}
	return g.File.Size()
}

// Close hands on what is left; the file is closed in any case.
func (g *gathered) Close() error {
	err := g.handOn()
	if failed := g.File.Close(); err == nil {
		err = failed
	}
	return err
}

func (g *gathered) Unwrap() vfs.File { return g.File }
