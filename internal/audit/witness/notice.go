package witness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// Notice is one thing that a restored house must know of, although its backup is older:
// who may do what has changed, or somebody was erased. It names the operation and its
// object, and nothing of a person.
type Notice struct {
	Sequence  int64
	At        int64
	Operation string
	Object    string
}

// ErrNotices is the error of a file of notices that is not as it was written.
var ErrNotices = errors.New("the notices in the witness folder are not as they were written")

const (
	// noticesANote bounds a note, so that the last one is found in the file's tail.
	noticesANote = 60
	// notedAtOnce bounds how many entries one statement looks through.
	notedAtOnce = 50_000
)

const noticed = `SELECT sequence, at, operation, object FROM audit_entry WHERE sequence > ? AND sequence <= ? AND outcome = 'allowed' AND `

// Noticed reads the entries of a stretch of the trail that are about the operations.
func Noticed(ctx context.Context, tx *db.Tx, operations []string, after, to int64) ([]Notice, error) {
	in := db.In("operation", operations)
	return db.All(ctx, tx, func(r *db.Rows) (n Notice, err error) {
		return n, r.Scan(&n.Sequence, &n.At, &n.Operation, &n.Object)
	}, noticed+in.SQL()+` ORDER BY sequence`, append([]any{after, to}, in.Args()...)...)
}

// NoticesOf names the file of a trail's notices.
func NoticesOf(origin string) string { return strings.ReplaceAll(origin, "/", "-") + ".notices" }

// A file of notices is a list of signed notes. Each has its number, so that none can be
// taken out of the middle, and says from where to where it speaks; the first says since
// when notices are kept. The folder gets the notices up to a checkpoint before the
// checkpoint, which is signed with the number of the last: whoever finds that one has
// all of them, or sees that some are missing.
//
//	lendkeep/trail/tn_…
//	<to>
//	notices <number> after <from>
//	<sequence> <at> <operation> <object>
//	…
//
//	— lendkeep/trail/tn_… <signature>

type written struct {
	number, from, to int64
	notices          []Notice
}

func (w *written) text(origin string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%d\nnotices %d after %d\n", origin, w.to, w.number, w.from)
	for _, n := range w.notices {
		fmt.Fprintf(&b, "%d %d %s %s\n", n.Sequence, n.At, n.Operation, n.Object)
	}
	return b.String()
}

// readNote reads a note's text, whoever signed it.
func readNote(text string) (w written, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 3 {
		return w, ErrNotices
	}
	if w.to, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return w, ErrNotices
	}
	if n, err := fmt.Sscanf(lines[2], "notices %d after %d", &w.number, &w.from); n != 2 || err != nil {
		return w, ErrNotices
	}
	for _, l := range lines[3:] {
		var n Notice
		word := strings.SplitN(l, " ", 4)
		if len(word) != 4 {
			return w, ErrNotices
		}
		n.Operation, n.Object = word[2], word[3]
		if n.Sequence, err = strconv.ParseInt(word[0], 10, 64); err != nil {
			return w, ErrNotices
		}
		if n.At, err = strconv.ParseInt(word[1], 10, 64); err != nil {
			return w, ErrNotices
		}
		w.notices = append(w.notices, n)
	}
	return w, nil
}

// notify appends what there is to notice between the checkpoint that the folder holds
// and the new one, and gives the number of the last note.
func (f Folder) notify(ctx context.Context, t Trail, held checkpoint.Checkpoint, to int64) (int64, error) {
	file, err := os.OpenFile(filepath.Join(f.Path, NoticesOf(t.Origin)), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o640)
	if err != nil {
		return 0, fmt.Errorf("witness folder: %w", err)
	}
	defer file.Close()
	end, err := tailOf(file)
	if err != nil {
		return 0, err
	}
	last, err := t.lastNote(end)
	if err != nil {
		return 0, fmt.Errorf("witness folder: %s: %w; keep the folder as it is, and name another one", file.Name(), err)
	}
	first := last.number == 0
	if first && len(end) == tail || last.number < held.Notices {
		return 0, fmt.Errorf("witness folder: %s: %w: it ends with note %d, and the last checkpoint tells of %d; keep the folder as it is, and name another one", file.Name(), ErrNotices, last.number, held.Notices)
	}
	from := max(last.to, int64(held.Size))
	w := written{number: last.number + 1, from: from, to: from}
	for first || w.from < to {
		upTo := min(to, w.from+notedAtOnce)
		list, err := t.Noticed(ctx, w.from, upTo)
		if err != nil {
			return 0, err
		}
		w.to = upTo
		if len(list) > noticesANote {
			list = list[:noticesANote]
			w.to = list[noticesANote-1].Sequence
		}
		w.notices = list
		if len(list) > 0 || first {
			note, err := checkpoint.Sign(w.text(t.Origin), t.Signers()...)
			if err != nil {
				return 0, err
			}
			if err := appendNote(file, end, note); err != nil {
				return 0, err
			}
			w.number, end = w.number+1, ""
		}
		first, w.from = false, w.to
	}
	return w.number - 1, nil
}

// lastNote gives the last note that is whole; number 0 if there is none.
func (t *Trail) lastNote(end string) (w written, err error) {
	keys, err := t.Keys()
	if err != nil {
		return w, err
	}
	for _, n := range slices.Backward(checkpoint.Split(end)) {
		text, _, err := checkpoint.OpenNote(n, keys...)
		if errors.Is(err, checkpoint.ErrForm) {
			continue // cut off by a crash
		}
		if err != nil {
			return w, fmt.Errorf("%w: %w", ErrNotices, err)
		}
		return readNote(text)
	}
	return w, nil
}

// Notices reads a folder's notices of a trail, and since which entry it keeps them. Every
// note must be signed by one of the keys, none may be missing between two, and none of
// which the folder's newest checkpoint tells.
func Notices(folder, origin string, keys ...string) (list []Notice, since int64, err error) {
	least, err := told(folder, origin, keys)
	if err != nil {
		return nil, 0, err
	}
	b, err := os.ReadFile(filepath.Join(folder, NoticesOf(origin)))
	if err != nil {
		return nil, 0, err
	}
	before := written{}
	for _, n := range checkpoint.Split(string(b)) {
		text, _, err := checkpoint.OpenNote(n, keys...)
		if errors.Is(err, checkpoint.ErrForm) {
			continue // cut off by a crash; what it said stands in the next one
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%w: %w", ErrNotices, err)
		}
		w, err := readNote(text)
		if err != nil {
			return nil, 0, err
		}
		if w.number != before.number+1 || !strings.HasPrefix(text, origin+"\n") || w.from < before.to {
			return nil, 0, ErrNotices
		}
		if w.number == 1 {
			since = w.from
		}
		list, before = append(list, w.notices...), w
	}
	if before.number == 0 || before.number < least {
		return nil, 0, fmt.Errorf("%w: they end with note %d, and the newest checkpoint tells of %d", ErrNotices, before.number, least)
	}
	return list, since, nil
}

// told gives the number of the last note of which the folder's newest checkpoint tells;
// 0 if it was written before checkpoints told of notes.
func told(folder, origin string, keys []string) (int64, error) {
	file, err := os.Open(filepath.Join(folder, FileOf(origin)))
	if err != nil {
		return 0, err
	}
	defer file.Close()
	end, err := tailOf(file)
	if err != nil {
		return 0, err
	}
	c, err := lastOf(end, keys)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", file.Name(), err)
	}
	return c.Notices, nil
}
