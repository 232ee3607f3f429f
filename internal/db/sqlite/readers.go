package sqlite

import (
	"context"
	"errors"
	"sync"
)

// idleTime is how long an idle reader keeps its memory while others work, in
// microseconds.
const idleTime = 60_000_000

// ErrShut: no more connections are handed out.
var ErrShut = errors.New("sqlite: the file is being closed")

// Readers keeps the connections that read a file, and knows who reads which file while
// everybody moves to another one. Safe for concurrent use.
type Readers struct {
	now  func() int64 // unix microseconds
	mu   sync.Mutex
	file *File         // guarded by mu: where new connections read
	idle []idleConn    // guarded by mu; the last one used is the last
	busy map[*File]int // guarded by mu: who reads in a file
	shut bool          // guarded by mu
}

// idleConn is a reader connection that waits for work.
type idleConn struct {
	*Conn
	since int64 // unix microseconds
}

// NewReaders reads a file.
func NewReaders(f *File, now func() int64) *Readers {
	return &Readers{now: now, file: f, busy: map[*File]int{}}
}

// File is where new connections read and write.
func (r *Readers) File() *File {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.file
}

// Take gives an idle connection or opens one.
func (r *Readers) Take(ctx context.Context) (*Conn, error) {
	r.mu.Lock()
	if r.shut {
		r.mu.Unlock()
		return nil, ErrShut
	}
	file := r.file
	r.busy[file]++
	if n := len(r.idle); n > 0 {
		c := r.idle[n-1].Conn
		r.idle = r.idle[:n-1]
		r.mu.Unlock()
		return c, nil
	}
	r.mu.Unlock()
	c, err := file.Connect(ctx, true)
	if err != nil {
		r.leave(file)
	}
	return c, err
}

// Release ends a reader's snapshot and puts the connection back.
func (r *Readers) Release(c *Conn) {
	fit := !c.Open() || c.Control("COMMIT") == nil
	var old *Conn
	r.mu.Lock()
	if fit = fit && c.f == r.file; fit {
		now := r.now()
		if len(r.idle) > 0 && now-r.idle[0].since > idleTime {
			old = r.idle[0].Conn
			r.idle = append(r.idle[:0], r.idle[1:]...)
		}
		r.idle = append(r.idle, idleConn{c, now})
	}
	r.mu.Unlock()
	if old != nil {
		_ = old.Close()
	}
	if !fit {
		_ = c.Close()
	}
	r.leave(c.f)
}

// Adopt makes another file the one that is read and written, and gives what remains to
// be done about the old one, whose writer is handed in: it goes with its last reader.
func (r *Readers) Adopt(to *File, writer *Conn) (leave func()) {
	r.mu.Lock()
	old, idle := r.file, r.idle
	r.file, r.idle = to, nil
	r.busy[old]++ // the caller
	r.mu.Unlock()
	return func() {
		for _, c := range idle {
			_ = c.Close()
		}
		if writer != nil {
			_ = writer.Close()
		}
		r.leave(old)
	}
}

// leave notes that somebody is done with a file; the last one takes an old one away.
func (r *Readers) leave(f *File) {
	r.mu.Lock()
	r.busy[f]--
	last := r.busy[f] == 0
	if last {
		delete(r.busy, f)
	}
	old := last && f != r.file
	r.mu.Unlock()
	if old {
		f.Close()
		_ = Remove(f.c.Path) // what stays is taken away at the next start
	}
}

// Shut closes what is idle and hands nothing out any more. Nobody may be reading.
func (r *Readers) Shut() error {
	r.mu.Lock()
	r.shut = true
	idle := r.idle
	r.idle = nil
	r.mu.Unlock()
	var err error
	for _, c := range idle {
		err = errors.Join(err, c.Close())
	}
	return err
}
