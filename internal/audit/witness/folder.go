package witness

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Folder keeps one file a trail, one checkpoint behind the other. It protects only as
// far as the folder lies where this server's keepers cannot write: on a volume of
// somebody else's, or one that takes no change to what is written.
type Folder struct{ Path string }

// FileOf names the file of a trail's checkpoints.
func FileOf(origin string) string { return strings.ReplaceAll(origin, "/", "-") + ".checkpoints" }

// tail is how much of the file's end is read to find what it holds: several notes.
const tail = 16 << 10

// Take appends the checkpoint, unless the file holds something that contradicts it.
func (f Folder) Take(ctx context.Context, t Trail, newest audit.Signed, _ Taken) (Taken, error) {
	name := filepath.Join(f.Path, FileOf(t.Origin))
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return Taken{}, fmt.Errorf("witness folder: %w", err)
	}
	defer file.Close()
	held, err := lastOf(file)
	if err != nil {
		return Taken{}, err
	}
	size := int64(0)
	if held != nil {
		size = int64(held.Size)
		if err := begins(ctx, t, *held, newest.Size); err != nil {
			return Taken{}, err
		}
		if held.Size == uint64(newest.Size) {
			return Taken{Size: newest.Size, Note: newest.Note}, nil
		}
	}
	if err := f.notify(ctx, t, size, newest.Size); err != nil {
		return Taken{}, err
	}
	if _, err := file.WriteString(newest.Note + "\n"); err != nil {
		return Taken{}, fmt.Errorf("witness folder: %w", err)
	}
	if err := file.Sync(); err != nil {
		return Taken{}, fmt.Errorf("witness folder: %w", err)
	}
	return Taken{Size: newest.Size, Note: newest.Note}, nil
}

// lastOf reads the last checkpoint of a file; nil if it is empty. A note that was cut
// off by a crash is passed over: the next one follows on a line of its own.
func lastOf(file *os.File) (*checkpoint.Checkpoint, error) {
	end, err := tailOf(file)
	if err != nil {
		return nil, err
	}
	notes := checkpoint.Split(end)
	if len(notes) == 0 {
		if len(end) == tail {
			return nil, fmt.Errorf("witness folder: %s holds no checkpoint at its end", file.Name())
		}
		return nil, nil
	}
	c, err := checkpoint.Unchecked(notes[len(notes)-1])
	if err != nil {
		return nil, fmt.Errorf("witness folder: %s: %w", file.Name(), err)
	}
	return &c, nil
}

// tailOf reads the end of a file.
func tailOf(file *os.File) (string, error) {
	info, err := file.Stat()
	if err != nil {
		return "", fmt.Errorf("witness folder: %w", err)
	}
	n := min(info.Size(), tail)
	b := make([]byte, n)
	if _, err := file.ReadAt(b, info.Size()-n); err != nil && n > 0 {
		return "", fmt.Errorf("witness folder: %w", err)
	}
	return string(b), nil
}

// begins checks that what a witness holds is the beginning of the trail of that size.
func begins(ctx context.Context, t Trail, held checkpoint.Checkpoint, size int64) error {
	if held.Origin != t.Origin || held.Size > uint64(size) {
		return fmt.Errorf("%w (it holds %d entries of %s, the trail has %d)", ErrParted, held.Size, held.Origin, size)
	}
	root, err := t.Root(ctx, int64(held.Size))
	if err != nil {
		return err
	}
	if root != held.Root {
		return fmt.Errorf("%w (at %d entries)", ErrParted, held.Size)
	}
	return nil
}
