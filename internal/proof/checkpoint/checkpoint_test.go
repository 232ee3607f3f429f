package checkpoint_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

func signer(t testing.TB, seed byte) (checkpoint.Signer, string) {
	t.Helper()
	return signerOf(t, bytes.Repeat([]byte{seed}, 32))
}

func signerOf(t testing.TB, seed []byte) (checkpoint.Signer, string) {
	t.Helper()
	private := ed25519.NewKeyFromSeed(seed)
	s := checkpoint.Signer{Name: checkpoint.Origin("tn_1"), Public: private.Public().(ed25519.PublicKey),
		Make: func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}
	key, err := checkpoint.Key(s.Name, s.Public)
	if err != nil {
		t.Fatal(err)
	}
	return s, key
}

func statement(size uint64) checkpoint.Checkpoint {
	return checkpoint.Checkpoint{Origin: checkpoint.Origin("tn_1"), Size: size, Root: proof.Hash{byte(size), 2}, At: 1_763_800_000_000_000}
}

func TestACheckpointReadsAsItWasSignedAndOnlyByItsKeys(t *testing.T) {
	old, oldKey := signer(t, 1)
	fresh, freshKey := signer(t, 2)
	_, strange := signer(t, 3)
	c := statement(17)
	signed, err := checkpoint.Sign(c.Text(), old, fresh)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{{oldKey}, {freshKey}, {strange, freshKey}} {
		got, by, err := checkpoint.Open(signed, keys...)
		if err != nil || got != c || len(by) != 1 || by[0] != keys[len(keys)-1] {
			t.Errorf("%v: %+v by %v, %v", keys, got, by, err)
		}
	}
	if _, _, err := checkpoint.Open(signed, strange); !errors.Is(err, checkpoint.ErrUnsigned) {
		t.Errorf("a stranger's key: %v", err)
	}
	if _, _, err := checkpoint.Open(strings.Replace(signed, "\n17\n", "\n18\n", 1), oldKey); !errors.Is(err, checkpoint.ErrSignature) {
		t.Errorf("another size under the same signature: %v", err)
	}
	// The note library that the rest of the world uses reads it too.
	v, err := note.NewVerifier(oldKey)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open([]byte(signed), note.VerifierList(v)); err != nil || n.Text != c.Text() {
		t.Errorf("%v, %v", n, err)
	}
}

// TestOfTwoKeysThatBearOneNumberNoneIsSaidToHaveSigned: a signature names its key by 32
// bits, and somebody made a second key with the same ones. It must not be named as the
// key that signed, in whatever order the two are told.
func TestOfTwoKeysThatBearOneNumberNoneIsSaidToHaveSigned(t *testing.T) {
	twin := func(n uint32) (checkpoint.Signer, string) {
		return signerOf(t, append(binary.BigEndian.AppendUint32(nil, n), make([]byte, 28)...))
	}
	s, key := twin(35371)
	_, other := twin(35828)
	if number := func(k string) string { return strings.Split(k, "+")[1] }; number(key) != number(other) || key == other {
		t.Fatalf("%s and %s are no twins", key, other)
	}
	signed, err := checkpoint.Sign(statement(17).Text(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{{key, other}, {other, key}} {
		if _, by, err := checkpoint.Open(signed, keys...); err == nil || len(by) != 0 {
			t.Errorf("%v: signed by %v, %v", keys, by, err)
		}
	}
	if _, by, err := checkpoint.Open(signed, key, key); err != nil || !slices.Equal(by, []string{key}) {
		t.Errorf("one key told twice: %v, %v", by, err)
	}
}

// TestANoteThatWasCutOffIsNotTakenForAnAlteredOne: a crash leaves a beginning. Whatever
// is altered in a whole one is told as that.
func TestANoteThatWasCutOffIsNotTakenForAnAlteredOne(t *testing.T) {
	s, key := signer(t, 1)
	c := statement(17)
	c.Notices = 5
	signed, err := checkpoint.Sign(c.Text(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := checkpoint.Open(signed, key); err != nil || got != c {
		t.Fatalf("control: %+v, %v", got, err)
	}
	for cut := range len(signed) - 1 {
		for _, end := range []string{"", "\n", "\n\n— cut off\n"} {
			if _, _, err := checkpoint.Open(signed[:cut]+end, key); !errors.Is(err, checkpoint.ErrForm) {
				t.Errorf("cut after %d bytes, then %q: %v", cut, end, err)
			}
		}
	}
	if _, _, err := checkpoint.Open(strings.Replace(signed, "notices 5", "notices 4", 1), key); !errors.Is(err, checkpoint.ErrSignature) {
		t.Errorf("another number of notices: %v", err)
	}
}

func TestWhatIsNoCheckpointIsRefused(t *testing.T) {
	good := statement(3).Text()
	for story, text := range map[string]string{
		"nothing": "", "no end": strings.TrimSuffix(good, "\n"), "no origin": strings.Replace(good, "lendkeep/trail/tn_1", "", 1),
		"a size with a zero before it": strings.Replace(good, "\n3\n", "\n03\n", 1), "a negative size": strings.Replace(good, "\n3\n", "\n-3\n", 1),
		"a short root": strings.Replace(good, "AAAA", "", 1), "an empty line": strings.Replace(good, "time", "\ntime", 1), "a time in words": strings.Replace(good, "time 1", "time x", 1),
		"no number of notices": good + "notices 0\n",
	} {
		if c, err := checkpoint.Parse(text); !errors.Is(err, checkpoint.ErrForm) {
			t.Errorf("%s: %+v, %v", story, c, err)
		}
	}
	if c, err := checkpoint.Parse(good + "another extension\n"); err != nil || c != statement(3) {
		t.Errorf("an unknown extension: %+v, %v", c, err)
	}
}

func TestNotesAreFoundInAWitnessesFileAndInAMail(t *testing.T) {
	s, _ := signer(t, 1)
	var want []string
	for _, size := range []uint64{1, 2, 300} {
		signed, err := checkpoint.Sign(statement(size).Text(), s)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, signed)
	}
	for story, text := range map[string]string{
		"one behind the other":   strings.Join(want, ""),
		"with lines between":     strings.Join(want, "\n"),
		"in a mail":              "Dear auditor,\n\nkeep this:\n\n" + strings.Join(want, "\nand\n\n") + "\n— the lender\n",
		"with a mail's line end": strings.ReplaceAll(strings.Join(want, "\n"), "\n", "\r\n"),
	} {
		if got := checkpoint.Split(text); !slices.Equal(got, want) {
			t.Errorf("%s: %q", story, got)
		}
		if got, torn := checkpoint.Whole(text); !slices.Equal(got, want) || torn != 0 {
			t.Errorf("%s: %d torn, whole: %q", story, torn, got)
		}
	}
	file := strings.Join(want, "\n")
	for story, text := range map[string]string{
		"the last is cut off":                file[:len(file)-20],
		"the last is cut off in its text":    file[:len(file)-150],
		"the first has lost its beginning":   strings.Replace(file, "lendkeep/trail/tn_1\n1\n", "1\n", 1),
		"the second's size is no number":     strings.Replace(file, "\n2\n", "\ntwo\n", 1),
		"a letter of a signature is no more": strings.Replace(file, "\n\nlendkeep/trail/tn_1\n300", "x\n\nlendkeep/trail/tn_1\n300", 1),
	} {
		if got, torn := checkpoint.Whole(text); len(got) != 2 || torn != 1 {
			t.Errorf("%s: %d torn, %d whole", story, torn, len(got))
		}
	}
	if got := checkpoint.Split("nothing\n\n— of ours\n"); len(got) != 0 {
		t.Errorf("%q", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(statement(3).Text())
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := checkpoint.Parse(text); err == nil && !strings.HasPrefix(text, strings.Join(strings.SplitN(c.Text(), "\n", 4)[:3], "\n")+"\n") {
			t.Fatalf("%q reads as %+v", text, c)
		}
		checkpoint.Split(text)
	})
}
