package backup_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/lendkeep/lendkeep/internal/backup"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

const tenant = "tn_00000000000000000000000001"

// office is where files are made: a KMS key, and a signing key.
type office struct {
	t      *testing.T
	kms    *filekms.KMS
	signer checkpoint.Signer
	key    string
}

func build(t *testing.T, seed byte) *office {
	t.Helper()
	kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.key"))
	if err != nil {
		t.Fatal(err)
	}
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	o := &office{t: t, kms: kms, signer: checkpoint.Signer{Name: checkpoint.Origin(tenant), Public: private.Public().(ed25519.PublicKey),
		Make: func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}}
	if o.key, err = checkpoint.Key(o.signer.Name, o.signer.Public); err != nil {
		t.Fatal(err)
	}
	return o
}

func (o *office) write(h backup.Head, content []byte) []byte {
	o.t.Helper()
	var out bytes.Buffer
	w, err := backup.NewWriter(o.t.Context(), &out, h, o.kms)
	if err != nil {
		o.t.Fatal(err)
	}
	if _, err := w.Write(content); err != nil {
		o.t.Fatal(err)
	}
	if err := w.Close(o.signer); err != nil {
		o.t.Fatal(err)
	}
	return out.Bytes()
}

// read opens, checks and reads a file.
func (o *office) read(file []byte) (backup.Head, []byte, error) {
	f, err := backup.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return backup.Head{}, nil, err
	}
	if err := f.Check(context.Background(), nil, o.key); err != nil {
		return f.Head, nil, err
	}
	r, err := f.Reader(context.Background(), o.kms)
	if err != nil {
		return f.Head, nil, err
	}
	b, err := io.ReadAll(r)
	return f.Head, b, err
}

func head(id string) backup.Head {
	return backup.Head{Kind: backup.Data, ID: id, Tenant: tenant, Slug: "acme", Region: "us-east", Engine: "sqlite", Schema: 13, MadeAt: 1_763_800_000_000_000, Checkpoint: "a note"}
}

// noise does not compress: as much as it is, so much is sealed.
func noise(n int) []byte {
	b := make([]byte, n)
	chacha := rand.NewChaCha8([32]byte{7})
	_, _ = chacha.Read(b)
	return b
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	o := build(t, 1)
	for _, n := range []int{0, 1, 1000, 1<<20 - 100, 1 << 20, 3<<20 + 17} {
		content := noise(n)
		file := o.write(head("bk_1"), content)
		h, got, err := o.read(file)
		if err != nil || !bytes.Equal(got, content) || h.Region != "us-east" || h.ID != "bk_1" {
			t.Fatalf("%d bytes: %+v, %d bytes, %v", n, h, len(got), err)
		}
		if n >= 1000 && bytes.Contains(file, content[:100]) {
			t.Error("the content lies in clear")
		}
	}
	if bytes.Equal(o.write(head("bk_1"), []byte("same")), o.write(head("bk_1"), []byte("same"))) {
		t.Error("two backups have the same bytes, so they have the same key")
	}
}

// TestNoByteCanBeAltered: whichever byte is flipped, the file is refused, or it reads
// exactly as it was written (spellings of the end that mean the same).
func TestNoByteCanBeAltered(t *testing.T) {
	o := build(t, 1)
	content := noise(200)
	file := o.write(head("bk_1"), content)
	whole, _, _ := o.read(file)
	refused := 0
	for i := range file {
		for _, mask := range []byte{1, 0x20} {
			altered := bytes.Clone(file)
			altered[i] ^= mask
			h, got, err := o.read(altered)
			if err != nil {
				refused++
				continue
			}
			if !bytes.Equal(got, content) || !reflect.DeepEqual(h, whole) {
				t.Fatalf("byte %d with mask %x: it reads as something else", i, mask)
			}
		}
	}
	if refused < len(file) {
		t.Errorf("only %d of %d were refused", refused, 2*len(file))
	}
}

func TestNoFileIsCutOff(t *testing.T) {
	o := build(t, 1)
	file := o.write(head("bk_1"), noise(1000))
	for n := range file {
		if _, _, err := o.read(file[:n]); !errors.Is(err, backup.ErrForm) && !errors.Is(err, backup.ErrAltered) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(file), err)
		}
	}
	if _, _, err := o.read(append(bytes.Clone(file), '\n')); err == nil {
		t.Error("something behind the end is let pass")
	}
}

// parts takes a file apart: head, sealed part, end.
func parts(t *testing.T, file []byte) (head, body []byte) {
	t.Helper()
	const magic = "lendkeep backup 1\n"
	n := len(magic) + bytes.IndexByte(file[len(magic):], '\n') + 1
	end := bytes.LastIndex(file, []byte("\n{"))
	if end < n {
		t.Fatal("no end")
	}
	return file[:n], file[n:end]
}

// TestNothingServesInAnotherPlace: somebody who can sign, but has not the KMS key, puts
// pieces of files together.
func TestNothingServesInAnotherPlace(t *testing.T) {
	o := build(t, 1)
	one, two := o.write(head("bk_1"), noise(3<<20)), o.write(head("bk_2"), noise(3<<20))
	headOne, bodyOne := parts(t, one)
	headTwo, bodyTwo := parts(t, two)
	elsewhere := bytes.Replace(headOne, []byte("us-east"), []byte("eu-west"), 1)
	other := bytes.Replace(headOne, []byte(tenant), []byte("tn_00000000000000000000000002"), 1)
	const segment = 1 << 20
	swapped := bytes.Clone(bodyOne)
	copy(swapped[segment:], bodyOne[2*segment:3*segment])
	copy(swapped[2*segment:], bodyOne[segment:2*segment])
	twice := append(bytes.Clone(bodyOne[:2*segment]), bodyOne[segment:]...)
	for story, file := range map[string][]byte{
		"the head of one before the other": o.signed(headOne, bodyTwo), "the other way": o.signed(headTwo, bodyOne), "another region": o.signed(elsewhere, bodyOne),
		"another tenant": o.signed(other, bodyOne), "segments swapped": o.signed(headOne, swapped), "a segment twice": o.signed(headOne, twice),
		"a segment left out": o.signed(headOne, bodyOne[segment:]), "the last segment left out": o.signed(headOne, bodyOne[:3*segment]),
	} {
		if _, got, err := o.read(file); err == nil || len(got) > 2*segment {
			t.Errorf("%s: %d bytes, %v", story, len(got), err)
		}
	}
	if _, got, err := o.read(o.signed(headOne, bodyOne)); err != nil || len(got) != 3<<20 {
		t.Errorf("control: the pieces as they were: %v", err)
	}
}

// signed makes a file of pieces with a good signature over them.
func (o *office) signed(head, body []byte) []byte {
	o.t.Helper()
	var h backup.Head
	if err := json.Unmarshal(bytes.TrimPrefix(head, []byte("lendkeep backup 1\n")), &h); err != nil {
		o.t.Fatal(err)
	}
	digest := sha256.Sum256(append(bytes.Clone(head), body...))
	sum := hex.EncodeToString(digest[:])
	text := fmt.Sprintf("lendkeep backup 1\n%s\n%s\n%s\n%s\n", checkpoint.Origin(h.Tenant), h.ID, h.Kind, sum)
	note, err := checkpoint.Sign(text, o.signer)
	if err != nil {
		o.t.Fatal(err)
	}
	end, err := json.Marshal(map[string]string{"sha256": sum, "note": note})
	if err != nil {
		o.t.Fatal(err)
	}
	return fmt.Appendf(append(bytes.Clone(head), body...), "\n%s\n%08d lendkeep end\n", end, len(end)+2)
}

func TestAStrangersSignatureAndAStrangersKeyAreRefused(t *testing.T) {
	o, stranger := build(t, 1), build(t, 2)
	file := o.write(head("bk_1"), noise(100))
	f, err := backup.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Check(t.Context(), nil, stranger.key); !errors.Is(err, backup.ErrUnsigned) {
		t.Errorf("another key is told: %v", err)
	}
	if _, err := f.Reader(t.Context(), stranger.kms); !errors.Is(err, backup.ErrKey) {
		t.Errorf("another KMS key: %v", err)
	}
	if _, _, err := o.read(stranger.write(head("bk_1"), noise(100))); !errors.Is(err, backup.ErrUnsigned) {
		t.Errorf("a stranger's file: %v", err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte("lendkeep backup 1\n{}\n\n{}\n00000004 lendkeep end\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := backup.Open(bytes.NewReader(file), int64(len(file)))
		if err == nil && got.Check(t.Context(), nil) == nil {
			t.Fatal("a file without a signature passes")
		}
	})
}
