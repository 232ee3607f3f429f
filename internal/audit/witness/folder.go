package witness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
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
	keys, err := t.Keys()
	if err != nil {
		return Taken{}, err
	}
	file, err := os.OpenFile(filepath.Join(f.Path, FileOf(t.Origin)), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return Taken{}, fmt.Errorf("witness folder: %w", err)
	}
	defer file.Close()
	end, err := tailOf(file)
	if err != nil {
		return Taken{}, err
	}
	held, wrong := lastOf(end, keys)
	if held.Size > 0 {
		if err := begins(ctx, t, held, newest.Size); err != nil {
			return Taken{}, err
		}
	}
	if wrong != nil {
		return Taken{}, fmt.Errorf("witness folder: %s: %w; keep the folder as it is, and name another one", file.Name(), wrong)
	}
	if held.Size == uint64(newest.Size) {
		return Taken{Size: newest.Size, Note: newest.Note}, nil
	}
	note := newest.Note
	if t.Noticed != nil {
		last, err := f.notify(ctx, t, held, newest.Size)
		if err != nil {
			return Taken{}, err
		}
		if note, err = counted(t, newest.Note, last, keys); err != nil {
			return Taken{}, err
		}
	}
	if err := appendNote(file, end, note); err != nil {
		return Taken{}, err
	}
	return Taken{Size: newest.Size, Note: newest.Note}, nil
}

// lastOf gives the last checkpoint of a file's end; of size 0 if the file is empty. One
// that a crash cut off is passed over. One that was altered is not: whoever did that
// could choose from where the trail is told. One by a key that is not known here is
// given with its error: the trail may have gone back to before that key.
func lastOf(end string, keys []string) (c checkpoint.Checkpoint, err error) {
	for _, n := range slices.Backward(checkpoint.Split(end)) {
		c, _, err := checkpoint.Open(n, keys...)
		if errors.Is(err, checkpoint.ErrForm) {
			continue
		}
		if errors.Is(err, checkpoint.ErrUnsigned) {
			c, _ = checkpoint.Unchecked(n)
		}
		if err != nil {
			return c, fmt.Errorf("the last checkpoint is not as it was written: %w", err)
		}
		return c, nil
	}
	if len(end) == tail {
		return c, errors.New("there is no checkpoint at its end")
	}
	return c, nil
}

// counted is the checkpoint as a folder keeps it: with the number of the last note of
// notices that was written before it, so that none can be cut off behind it unnoticed.
func counted(t Trail, note string, notices int64, keys []string) (string, error) {
	c, _, err := checkpoint.Open(note, keys...) // what is signed anew must be ours
	if err != nil {
		return "", fmt.Errorf("the newest checkpoint: %w", err)
	}
	c.Notices = notices
	return checkpoint.Sign(c.Text(), t.Signers()...)
}

// closing stands behind a note that a crash cut off: no note's text goes on over it.
const closing = "\n\n— cut off\n\n"

// appendNote writes a note behind what the file's end is, and waits until it lies there.
func appendNote(file *os.File, end, note string) error {
	body, closed := strings.CutSuffix(end, "\n\n")
	if end != "" && (!closed || !strings.HasPrefix(body[strings.LastIndexByte(body, '\n')+1:], "— ")) {
		note = closing + note
	}
	if _, err := file.WriteString(note + "\n"); err != nil {
		return fmt.Errorf("witness folder: %w", err)
	}
	if err := file.Sync(); err != nil {
		return fmt.Errorf("witness folder: %w", err)
	}
	return nil
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
