package sqlite

import (
	"sync"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// wholeVFS stands below the page cipher and makes reads and writes of a block
// exclude each other. The cipher works on whole blocks of 4 KiB, and a frame of
// the log is 24 bytes longer than one: appending a frame writes the end of the
// one before anew, while a reader may just be reading it. The kernel does not
// promise that such a read is whole, and half a new block and half an old one
// decipher to noise ("database disk image is malformed").
type wholeVFS struct {
	vfs.VFS
	mu *sync.RWMutex // one for the file and its log; all its connections are in this process
}

// Open is not called: OpenFilename is.
func (w wholeVFS) Open(string, vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	return nil, 0, sqlite3.CANTOPEN
}

func (w wholeVFS) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	f, flags, err := vfsutil.WrapOpenFilename(w.VFS, name, flags)
	if err != nil {
		return f, flags, err
	}
	return &wholeFile{File: f, mu: w.mu}, flags, nil
}

type wholeFile struct {
	vfs.File
	mu *sync.RWMutex
}

func (f *wholeFile) ReadAt(p []byte, off int64) (int, error) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.File.ReadAt(p, off)
}

func (f *wholeFile) WriteAt(p []byte, off int64) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.File.WriteAt(p, off)
}

// What the default file can do beyond the plain interface is handed on.

func (f *wholeFile) Unwrap() vfs.File                { return f.File }
func (f *wholeFile) SharedMemory() vfs.SharedMemory  { return vfsutil.WrapSharedMemory(f.File) }
func (f *wholeFile) LockState() vfs.LockLevel        { return vfsutil.WrapLockState(f.File) }
func (f *wholeFile) PersistWAL() bool                { return vfsutil.WrapPersistWAL(f.File) }
func (f *wholeFile) SetPersistWAL(keep bool)         { vfsutil.WrapSetPersistWAL(f.File, keep) }
func (f *wholeFile) PowersafeOverwrite() bool        { return vfsutil.WrapPowersafeOverwrite(f.File) }
func (f *wholeFile) SetPowersafeOverwrite(psow bool) { vfsutil.WrapSetPowersafeOverwrite(f.File, psow) }
func (f *wholeFile) ChunkSize(size int)              { vfsutil.WrapChunkSize(f.File, size) }
func (f *wholeFile) SizeHint(size int64) error       { return vfsutil.WrapSizeHint(f.File, size) }
func (f *wholeFile) HasMoved() (bool, error)         { return vfsutil.WrapHasMoved(f.File) }
func (f *wholeFile) Overwrite() error                { return vfsutil.WrapOverwrite(f.File) }
func (f *wholeFile) SyncSuper(super string) error    { return vfsutil.WrapSyncSuper(f.File, super) }
func (f *wholeFile) CommitPhaseTwo() error           { return vfsutil.WrapCommitPhaseTwo(f.File) }
func (f *wholeFile) CheckpointStart()                { vfsutil.WrapCheckpointStart(f.File) }
func (f *wholeFile) CheckpointDone()                 { vfsutil.WrapCheckpointDone(f.File) }
func (f *wholeFile) BusyHandler(handler func() bool) { vfsutil.WrapBusyHandler(f.File, handler) }
