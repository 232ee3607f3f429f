package bundle_test

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

const tenant = "tn_00000000000000000000000001"

// book is a trail in memory, with a key of its own.
type book struct {
	signer  checkpoint.Signer
	key     string
	entries []bundle.Entry
	objects []string
	notes   map[int]string // a checkpoint a size
	roots   []proof.Hash   // by size
}

func newBook(t testing.TB, seed byte, n int) *book {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	b := &book{notes: map[int]string{}, roots: []proof.Hash{proof.EmptyRoot()}}
	b.signer = checkpoint.Signer{Name: checkpoint.Origin(tenant), Public: private.Public().(ed25519.PublicKey),
		Make: func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}
	var err error
	if b.key, err = checkpoint.Key(b.signer.Name, b.signer.Public); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		o := ""
		if i%5 != 0 {
			o = fmt.Sprintf("loan/ln_%d", i%3)
		}
		b.objects = append(b.objects, o)
		body := entry.Body{ID: id.Audit(fmt.Sprintf("au_%026d", i)), At: int64(i + 1), Actor: "user/us_1", ActorName: "Ada", Channel: "ui", Operation: "loan.view", Object: o, Outcome: "allowed",
			SealedDetail: map[string]entry.Commit{"search": entry.Commitment(id.Audit(fmt.Sprintf("au_%026d", i)), "detail/search", []byte("0123456789abcdef"), "Anna")}}
		stored, err := body.Encode()
		if err != nil {
			t.Fatal(err)
		}
		b.entries = append(b.entries, bundle.Entry{Stored: stored, Values: []bundle.Value{{Label: "detail/search", Salt: []byte("0123456789abcdef"), Value: "Anna"}}})
	}
	b.seal(t)
	return b
}

// seal gives every entry its place and hashes, as a sequencer would, and signs a
// checkpoint at every size.
func (b *book) seal(t testing.TB) {
	t.Helper()
	tree, ends := new(proof.Tree), map[string]proof.Hash{}
	lengths := map[string]int64{}
	b.roots = b.roots[:1]
	for i := range b.entries {
		e, o := &b.entries[i], b.objects[i]
		e.Sequence, e.ObjectSequence, e.Before = int64(i+1), 0, proof.Hash{}
		if o != "" {
			lengths[o]++
			e.ObjectSequence, e.Before = lengths[o], ends[o]
		}
		e.Leaf = entry.Leaf(tenant, entry.Place{Sequence: e.Sequence, ObjectSequence: e.ObjectSequence, Before: e.Before}, e.Stored)
		if o != "" {
			ends[o] = proof.ChainHash(e.Before, e.Leaf)
		}
		tree.Append(e.Leaf)
		b.roots = append(b.roots, tree.Root())
		note, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: b.signer.Name, Size: tree.Size(), Root: tree.Root(), At: int64(i + 1)}.Text(), b.signer)
		if err != nil {
			t.Fatal(err)
		}
		b.notes[i+1] = note
	}
}

// node computes a perfect subtree from the leaves.
func (b *book) node(level uint, place uint64) (proof.Hash, error) {
	t := new(proof.Tree)
	for i := place << level; i < (place+1)<<level; i++ {
		t.Append(b.entries[i].Leaf)
	}
	return t.Root(), nil
}

// write makes the file of an extent with the entries that pick wants.
func (b *book) write(t testing.TB, h bundle.Head, pick func(i int) bool) []byte {
	t.Helper()
	h.Origin, h.Tenant, h.MadeAt, h.Keys = b.signer.Name, tenant, cmp.Or(h.MadeAt, 1<<40), []string{b.key}
	n := len(b.entries)
	h.Checkpoint = b.notes[n]
	for size := 1; size < n && h.Extent != bundle.Whole; size++ {
		path, err := proof.Consistency(uint64(size), uint64(n), b.node)
		if err != nil {
			t.Fatal(err)
		}
		h.Earlier = append(h.Earlier, bundle.EarlierOf(uint64(size), path))
	}
	var out bytes.Buffer
	w, err := bundle.NewWriter(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range b.entries {
		if !pick(i) {
			continue
		}
		if i%11 == 3 { // a long file is written in pieces
			s, err := w.State()
			if err != nil {
				t.Fatal(err)
			}
			if w, err = bundle.Resume(&out, h, s); err != nil {
				t.Fatal(err)
			}
		}
		if h.Extent != bundle.Whole {
			if e.Path, err = proof.Inclusion(uint64(i), uint64(n), b.node); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Entry(e); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(b.signer); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func all(int) bool { return true }

// extents gives one file of each extent.
func (b *book) extents(t testing.TB) map[bundle.Extent][]byte {
	return map[bundle.Extent][]byte{
		bundle.Whole:  b.write(t, bundle.Head{Extent: bundle.Whole}, all),
		bundle.Object: b.write(t, bundle.Head{Extent: bundle.Object, Object: "loan/ln_1"}, func(i int) bool { return b.objects[i] == "loan/ln_1" }),
		bundle.Part:   b.write(t, bundle.Head{Extent: bundle.Part, Selection: "every seventh"}, func(i int) bool { return i%7 == 0 }),
	}
}

func TestAFileOfAnyExtentHoldsAgainstCheckpointsKeptElsewhere(t *testing.T) {
	b := newBook(t, 1, 60)
	for extent, file := range b.extents(t) {
		r, err := bundle.Check(bytes.NewReader(file), bundle.Against{Keys: []string{b.key}, Checkpoints: []string{b.notes[60], b.notes[7], b.notes[33]}})
		if err != nil {
			t.Fatalf("%s: %v", extent, err)
		}
		if !slices.Equal(r.Compared, []uint64{7, 33, 60}) || len(r.Unproven) != 0 || r.Entries == 0 || r.Values != r.Entries {
			t.Errorf("%s: %+v", extent, r)
		}
	}
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	b := newBook(t, 1, 40)
	against := bundle.Against{Keys: []string{b.key}, Checkpoints: []string{b.notes[10], b.notes[20]}}
	first := func(story, want string, sequence int64, file []byte, against bundle.Against) {
		t.Helper()
		_, err := bundle.Check(bytes.NewReader(file), against)
		var bad *bundle.Bad
		if !errors.As(err, &bad) || !strings.Contains(bad.Why, want) || bad.Sequence != sequence {
			t.Errorf("%s: %v, want entry %d: %s", story, err, sequence, want)
		}
	}
	// change gives a fresh book to somebody who holds database and key.
	change := func(fn func(b *book)) *book {
		other := newBook(t, 1, 40)
		fn(other)
		return other
	}
	whole := func(b *book) []byte { return b.write(t, bundle.Head{Extent: bundle.Whole}, all) }

	flipped := change(func(b *book) {
		b.entries[14].Stored = bytes.Replace(b.entries[14].Stored, []byte("allowed"), []byte("denied_"), 1)
	})
	first("a body is altered", "its leaf is another", 15, whole(flipped), against)
	flipped.seal(t)
	first("everything is hashed and signed anew", "from 11 to 20", 11, whole(flipped), against)
	first("one is left out of the file", "the entry is missing", 15, b.write(t, bundle.Head{Extent: bundle.Whole}, func(i int) bool { return i != 14 }), against)
	first("one is left out of an object's file", "number 3 of its chain", 14, b.write(t, bundle.Head{Extent: bundle.Object, Object: "loan/ln_1"}, func(i int) bool { return b.objects[i] == "loan/ln_1" && i != 7 }), against)
	cut := change(func(b *book) { b.entries, b.objects = b.entries[:15], b.objects[:15]; b.seal(t) })
	first("the tail is cut off", "covers 20 entries, and the export ends at 15", 16, whole(cut), against)
	stranger := newBook(t, 2, 40)
	first("another key", "no signature by a known key", 0, whole(stranger), against)
	first("a checkpoint of another trail", "no signature by a known key", 0, whole(b), bundle.Against{Keys: []string{b.key}, Checkpoints: []string{stranger.notes[10]}})
	first("the end is cut off", "before its signed end", 0, whole(b)[:len(whole(b))-400], against)
	first("something is added", "behind the end", 0, append(whole(b), "E\n"...), against)
	swapped := change(func(b *book) {
		b.entries[4], b.entries[5] = b.entries[5], b.entries[4]
		b.objects[4], b.objects[5] = b.objects[5], b.objects[4]
		b.seal(t)
	})
	first("two are swapped and all is hashed anew", "from 1 to 10", 1, whole(swapped), against)
	forged := change(func(b *book) { b.entries[6].Values[0].Value = "Ben" })
	first("an opened value is another", "does not match its commitment", 7, whole(forged), against)
}

func TestAFileThatIsComparedWithNothingSaysSo(t *testing.T) {
	b := newBook(t, 1, 12)
	late := newBook(t, 1, 20)
	later, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: b.signer.Name, Size: 20, Root: late.roots[20], At: 1 << 41}.Text(), b.signer)
	if err != nil {
		t.Fatal(err)
	}
	r, err := bundle.Check(bytes.NewReader(b.write(t, bundle.Head{Extent: bundle.Whole}, all)), bundle.Against{Checkpoints: []string{later}})
	if err != nil || len(r.Compared) != 0 || !slices.Equal(r.Beyond, []uint64{20}) {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestAFileThatSaysItIsOldDoesNotHideWhatCameAfter: whoever holds the key cuts the tail
// off and says that the file was made before it grew. It agrees with what was kept
// before, and what was kept of the tail is told beside it.
func TestAFileThatSaysItIsOldDoesNotHideWhatCameAfter(t *testing.T) {
	b, short := newBook(t, 1, 60), newBook(t, 1, 40)
	against := bundle.Against{Keys: []string{b.key}, Checkpoints: []string{b.notes[10], b.notes[60], b.notes[30]}}
	r, err := bundle.Check(bytes.NewReader(short.write(t, bundle.Head{Extent: bundle.Whole, MadeAt: 39}, all)), against)
	if err != nil || !slices.Equal(r.Compared, []uint64{10, 30}) || !slices.Equal(r.Beyond, []uint64{60}) {
		t.Errorf("%+v, %v", r, err)
	}
	if _, err := bundle.Check(bytes.NewReader(short.write(t, bundle.Head{Extent: bundle.Whole, MadeAt: 60}, all)), against); err == nil {
		t.Error("control: made after the tail was witnessed, it holds")
	}
}

// TestWhatAnObjectsFileLeavesOutIsOlderThanAYear: by what right an entry is gone, such a
// file cannot show. Whatever it says of its age, it stands behind what is known.
func TestWhatAnObjectsFileLeavesOutIsOlderThanAYear(t *testing.T) {
	const object, gone, made = "loan/ln_1", 22, int64(2 * disposal.Least / time.Microsecond)
	take := func(at, before int64) (*book, []byte) {
		b := newBook(t, 1, 40)
		if before != 0 {
			e := entry.Body{ID: "au_before", At: before, Actor: "user/us_1", Channel: "ui", Operation: "loan.view", Object: object, Outcome: "allowed"}
			stored, err := e.Encode()
			if err != nil {
				t.Fatal(err)
			}
			b.entries[7].Stored, b.entries[7].Values = stored, nil
			b.seal(t)
		}
		e := &b.entries[gone]
		e.Stored, e.Values, e.Disposal, e.ID, e.At, e.Object = nil, nil, "forged", "au_gone", at, object
		return b, b.write(t, bundle.Head{Extent: bundle.Object, Object: object, MadeAt: made}, func(i int) bool { return b.objects[i] == object })
	}
	b, file := take(23, 0)
	if b.objects[7] != object || b.objects[gone] != object {
		t.Fatal("the entries are of other objects")
	}
	against := bundle.Against{Keys: []string{b.key}, Checkpoints: []string{b.notes[10]}}
	if r, err := bundle.Check(bytes.NewReader(file), against); err != nil || r.Gone != 1 {
		t.Errorf("an old one: %+v, %v", r, err)
	}
	young, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: b.signer.Name, Size: 9, Root: b.roots[9], At: made - 1}.Text(), b.signer)
	if err != nil {
		t.Fatal(err)
	}
	later, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: b.signer.Name, Size: 30, Root: b.roots[30], At: made - 1}.Text(), b.signer)
	if err != nil {
		t.Fatal(err)
	}
	_, recent := take(made-1, 0)
	against.Checkpoints = []string{later}
	_, behind := take(23, made-1)
	if _, err := bundle.Check(bytes.NewReader(file), against); err != nil {
		t.Errorf("a young checkpoint behind what is gone: %v", err)
	}
	for story, f := range map[string]struct {
		file []byte
		kept []string
	}{"it says itself that it is young": {recent, nil}, "an entry before it is young": {behind, nil}, "a checkpoint before it is young": {file, []string{young}}} {
		_, err := bundle.Check(bytes.NewReader(f.file), bundle.Against{Keys: []string{b.key}, Checkpoints: f.kept})
		var bad *bundle.Bad
		if !errors.As(err, &bad) || bad.Sequence != gone+1 || !strings.Contains(bad.Why, "not older than a year") {
			t.Errorf("%s: %v", story, err)
		}
	}
}

// TestNoByteCanBeAlteredUnnoticed changes a byte, drops one or adds one anywhere.
func TestNoByteCanBeAlteredUnnoticed(t *testing.T) {
	b := newBook(t, 1, 23)
	files := b.extents(t)
	rapid.Check(t, func(t *rapid.T) {
		file := bytes.Clone(files[rapid.SampledFrom([]bundle.Extent{bundle.Whole, bundle.Object, bundle.Part}).Draw(t, "extent")])
		at := rapid.IntRange(0, len(file)-1).Draw(t, "at")
		switch rapid.SampledFrom([]string{"alter", "drop", "add"}).Draw(t, "how") {
		case "alter":
			file[at] ^= byte(rapid.IntRange(1, 255).Draw(t, "by"))
		case "drop":
			file = slices.Delete(file, at, at+1)
		default:
			file = slices.Insert(file, at, rapid.Byte().Draw(t, "byte"))
		}
		_, err := bundle.Check(bytes.NewReader(file), bundle.Against{Keys: []string{b.key}, Checkpoints: []string{b.notes[23]}})
		if err == nil && !harmless(file, files) {
			t.Fatalf("byte %d altered, and the file holds", at)
		}
	})
}

// harmless reports a change to the JSON of the last line that means the same: white
// space, for example. All that it says was checked.
func harmless(file []byte, files map[bundle.Extent][]byte) bool {
	end := bytes.LastIndex(file, []byte("\nZ "))
	for _, f := range files {
		if bytes.HasPrefix(f, file[:end+1]) {
			return true
		}
	}
	return false
}

func FuzzCheck(f *testing.F) {
	b := newBook(f, 1, 9)
	for _, file := range b.extents(f) {
		f.Add(file)
	}
	f.Fuzz(func(_ *testing.T, file []byte) {
		_, _ = bundle.Check(bytes.NewReader(file), bundle.Against{})
	})
}

func BenchmarkCheckWhole(b *testing.B) {
	const n = 20000
	trail := newBook(b, 1, n)
	for i := range trail.entries {
		body := entry.Body{ID: id.Audit(fmt.Sprintf("au_%026d", i)), At: 1763800000000000, Actor: "user/us_00000000000000000000000001", ActorName: "Ada Agent", Channel: "ui", Credential: "se_00000000000000000000000001",
			Address: "198.51.100.7", UserAgent: "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36", Operation: "loan.view", Operations: []string{"loan.view", "loan.schedule.view", "loan.payment.list"},
			Object: fmt.Sprintf("loan/ln_%026d", i%5000), Outcome: "allowed", Layer: "role", DecisionID: "dc_00000000000000000000000001", PolicyVersion: 17}
		trail.objects[i] = body.Object
		trail.entries[i].Stored, _ = body.Encode()
		trail.entries[i].Values = nil
	}
	trail.seal(b)
	file := trail.write(b, bundle.Head{Extent: bundle.Whole}, all)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		if _, err := bundle.Check(bytes.NewReader(file), bundle.Against{Keys: []string{trail.key}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}
