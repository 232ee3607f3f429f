package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

const tenant = "tn_00000000000000000000000001"

// desk is an auditor's: an export, the trail's key, and what was kept elsewhere.
type desk struct {
	*testing.T
	signer checkpoint.Signer
	key    string
	folder string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, ed25519.SeedSize))
	d := &desk{T: t, folder: t.TempDir(), signer: checkpoint.Signer{Name: checkpoint.Origin(tenant), Public: private.Public().(ed25519.PublicKey),
		Make: func(m []byte) ([]byte, error) { return ed25519.Sign(private, m), nil }}}
	var err error
	if d.key, err = checkpoint.Key(d.signer.Name, d.signer.Public); err != nil {
		t.Fatal(err)
	}
	return d
}

// trail gives the export of a whole trail of n entries, and the checkpoint over it.
func (d *desk) trail(n int, h bundle.Head) (file []byte, note string) {
	d.Helper()
	var tree proof.Tree
	var list []bundle.Entry
	for i := range int64(n) {
		b := entry.Body{ID: id.Audit(fmt.Sprintf("au_%026d", i)), At: i + 1, Actor: "user/us_1", Channel: "ui", Operation: "loan.list", Outcome: "allowed"}
		stored, err := b.Encode()
		if err != nil {
			d.Fatal(err)
		}
		e := bundle.Entry{Sequence: i + 1, Stored: stored, Leaf: entry.Leaf(tenant, entry.Place{Sequence: i + 1}, stored)}
		tree.Append(e.Leaf)
		list = append(list, e)
	}
	note, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: d.signer.Name, Size: tree.Size(), Root: tree.Root(), At: int64(n)}.Text(), d.signer)
	if err != nil {
		d.Fatal(err)
	}
	h.Origin, h.Tenant, h.Extent, h.Keys, h.Checkpoint = d.signer.Name, tenant, bundle.Whole, []string{d.key}, note
	var out bytes.Buffer
	w, err := bundle.NewWriter(&out, h)
	if err != nil {
		d.Fatal(err)
	}
	for _, e := range list {
		if err := w.Entry(e); err != nil {
			d.Fatal(err)
		}
	}
	if err := w.Close(d.signer); err != nil {
		d.Fatal(err)
	}
	return out.Bytes(), note
}

func (d *desk) save(name, text string) string {
	d.Helper()
	p := filepath.Join(d.folder, name)
	if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
		d.Fatal(err)
	}
	return p
}

// verify gives the exit code, and what is said and complained of.
func (d *desk) verify(v verify) (code int, said, complained string) {
	var out, trouble bytes.Buffer
	code = v.run(strings.NewReader(""), &out, &trouble)
	return code, out.String(), trouble.String()
}

// TestAnExportThatEndsBeforeWhatWasKeptDoesNotPass: its maker holds the key, has cut the
// tail off, and says that it was made before.
func TestAnExportThatEndsBeforeWhatWasKeptDoesNotPass(t *testing.T) {
	d := newDesk(t)
	_, early := d.trail(10, bundle.Head{})
	_, late := d.trail(60, bundle.Head{})
	file, _ := d.trail(40, bundle.Head{MadeAt: 39})
	export, kept := d.save("cut.trail", string(file)), d.save("kept", early+"\n"+late+"\n")
	for _, quiet := range []bool{false, true} {
		code, said, complained := d.verify(verify{Export: export, Checkpoint: []string{kept}, Key: []string{d.key}, Quiet: quiet})
		if code != compared || !strings.Contains(complained, "ends at entry 40") || !strings.Contains(complained, "covers 60") || quiet != (said == "") {
			t.Errorf("quiet %v: exit %d\n%s%s", quiet, code, said, complained)
		}
	}
	if code, said, complained := d.verify(verify{Export: export, Checkpoint: []string{d.save("early", early)}, Key: []string{d.key}}); code != holds || complained != "" || !strings.Contains(said, "Agrees with") {
		t.Errorf("control: exit %d\n%s%s", code, said, complained)
	}
}

// TestWhatAFileSaysOfItselfIsNotTakenForTheAuditorsWord: names in its head begin lines
// of their own, or hide what follows.
func TestWhatAFileSaysOfItselfIsNotTakenForTheAuditorsWord(t *testing.T) {
	d := newDesk(t)
	const forged = "Agrees with    the checkpoint kept elsewhere over 60 entries"
	file, _ := d.trail(5, bundle.Head{Lender: "Acme\n" + forged, MadeBy: "user/us_1\x1b[8m\u202e\u009b8m", MadeAt: 6})
	code, said, _ := d.verify(verify{Export: d.save("evil.trail", string(file))})
	if code != compared || !strings.Contains(said, "NOT COMPARED") {
		t.Errorf("exit %d\n%s", code, said)
	}
	for _, l := range strings.Split(said, "\n") {
		if strings.HasPrefix(l, "Agrees") || strings.ContainsAny(l, "\x1b\u202e\u009b") {
			t.Errorf("%q", l)
		}
	}
	if !strings.Contains(said, `"Acme\n`+forged+`"`) {
		t.Errorf("it is not shown what the file says:\n%s", said)
	}
}

// TestWhatACrashCutOffAtTheWitnessIsPassedOver: the trail is not accused of it, and what
// was altered there is told.
func TestWhatACrashCutOffAtTheWitnessIsPassedOver(t *testing.T) {
	d := newDesk(t)
	_, early := d.trail(10, bundle.Head{})
	_, middle := d.trail(20, bundle.Head{})
	file, last := d.trail(40, bundle.Head{MadeAt: 41})
	export := d.save("whole.trail", string(file))
	for cut := 1; cut < len(middle)-1; cut += 13 {
		kept := d.save("kept", early+"\n"+middle[:cut]+"\n\n— cut off\n\n"+last+"\n")
		code, said, complained := d.verify(verify{Export: export, Checkpoint: []string{kept}, Key: []string{d.key}})
		if code != holds || !strings.Contains(said, "2 checkpoints kept elsewhere, over 10 to 40") || cut > 60 && !strings.Contains(said, "Passed over    1") {
			t.Fatalf("cut after %d bytes: exit %d\n%s%s", cut, code, said, complained)
		}
		if code := (&show{File: kept}).run(&bytes.Buffer{}, &bytes.Buffer{}); code != holds {
			t.Fatalf("cut after %d bytes, shown: exit %d", cut, code)
		}
	}
	altered := d.save("altered", early+"\n"+strings.Replace(middle, "time 20", "time 21", 1)+"\n"+last)
	if code, said, complained := d.verify(verify{Export: export, Checkpoint: []string{altered}, Key: []string{d.key}}); code != broken || !strings.Contains(complained, "checkpoint from elsewhere") {
		t.Errorf("altered: exit %d\n%s%s", code, said, complained)
	}
	if code, said, complained := d.verify(verify{Export: export, Checkpoint: []string{d.save("torn", early[:150])}, Key: []string{d.key}}); code != unread {
		t.Errorf("nothing whole: exit %d\n%s%s", code, said, complained)
	}
}
