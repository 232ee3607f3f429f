package witness_test

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/outbound"
	"github.com/lendkeep/lendkeep/internal/proof"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// ddl are the program's own migrations of the trail.
func ddl(t testing.TB) fs.FS {
	t.Helper()
	out := fstest.MapFS{}
	for _, engine := range []string{"sqlite", "postgres"} {
		for i, name := range []string{"0002_audit.sql", "0009_checkpoint.sql", "0014_retention.sql"} {
			b, err := os.ReadFile(filepath.Join("..", "..", "..", "platform", "internal", "schema", engine, name))
			if err != nil {
				t.Fatal(err)
			}
			out[fmt.Sprintf("%s/%04d_trail.sql", engine, i+1)] = &fstest.MapFile{Data: b}
		}
	}
	return out
}

// office is a tenant with a trail, its witnesses and what they keep.
type office struct {
	*testing.T
	d       *db.DB
	clock   *dbtest.Clock
	trail   *audit.Trail
	publish *witness.Publisher
	folder  string
	letters []mail.Message
	server  *server
	said    strings.Builder
}

func build(t *testing.T, engine db.Engine) *office {
	t.Helper()
	o := &office{T: t, clock: &dbtest.Clock{}, folder: t.TempDir()}
	c := dbtest.Config(t, engine)
	c.Now = o.clock.Now
	o.d = dbtest.OpenConfig(t, c, ddl(t))
	kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.json"))
	if err != nil {
		t.Fatal(err)
	}
	const tenant = "tn_00000000000000000000000001"
	wrapped, err := keys.NewRing(t.Context(), kms, tenant)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keys.OpenRing(t.Context(), kms, tenant, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	o.trail = audit.New(audit.Config{DB: o.d, Ring: ring})
	known, err := o.trail.Keys()
	if err != nil {
		t.Fatal(err)
	}
	o.server = newServer(known[0])
	o.publish = &witness.Publisher{DB: o.d, Trail: o.trail, Lender: "Acme Lending", Open: o.open, Log: slog.New(slog.NewTextHandler(&o.said, nil))}
	return o
}

func (o *office) Send(_ context.Context, m mail.Message) error {
	o.letters = append(o.letters, m)
	return mail.Check(m)
}

func (o *office) open(w witness.Row) (witness.Witness, error) {
	switch w.Kind {
	case witness.File:
		return witness.Folder{Path: w.Target}, nil
	case witness.HTTPS:
		return witness.Endpoint{URL: w.Target, Key: w.Key, Call: o.server.call}, nil
	}
	return witness.Mailbox{Address: w.Target, Sender: o}, nil
}

func each(t *testing.T, fn func(o *office)) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) { fn(build(t, engine)) })
	}
}

func (o *office) write(fn func(ctx context.Context, tx *db.Tx) error) {
	o.Helper()
	if err := o.d.Write(o.Context(), o.d.Now(), fn); err != nil {
		o.Fatal(err)
	}
}

func (o *office) name(kind, target, key string) {
	o.Helper()
	o.write(func(ctx context.Context, tx *db.Tx) error {
		return witness.Insert(ctx, tx, &witness.Row{ID: id.New[id.Witness](tx.At), Kind: kind, Target: target, Key: key, CreatedAt: tx.At, CreatedBy: "user/us_1"})
	})
}

// happen records n entries, signs them and lets a day pass.
func (o *office) happen(n int) {
	o.Helper()
	for range n {
		if err := o.trail.Join(o.Context(), &audit.Entry{Actor: "user/us_1", Channel: operation.UI, Operation: "loan.list", Outcome: operation.Allowed}); err != nil {
			o.Fatal(err)
		}
	}
	o.clock.Advance(25 * 3600e9)
	if _, err := o.trail.Sequence(o.Context()); err != nil {
		o.Fatal(err)
	}
}

func (o *office) tell() map[string]witness.Row {
	o.Helper()
	if err := o.publish.Publish(o.Context()); err != nil {
		o.Fatal(err)
	}
	out := map[string]witness.Row{}
	err := o.d.Read(o.Context(), o.d.Now(), func(ctx context.Context, tx *db.Tx) error {
		rows, err := witness.All(ctx, tx)
		for _, r := range rows {
			out[r.Kind] = r
		}
		return err
	})
	if err != nil {
		o.Fatal(err)
	}
	return out
}

// server is a witness as C2SP tlog-witness describes it: it checks every signature and
// every proof itself.
type server struct {
	known   string // the trail's key
	private ed25519.PrivateKey
	key     string
	held    checkpoint.Checkpoint
	down    bool
	asked   int
}

func newServer(known string) *server {
	private := ed25519.NewKeyFromSeed(make([]byte, 32))
	return &server{known: known, private: private, key: checkpoint.CosignerKey("witness.example/w1", private.Public().(ed25519.PublicKey))}
}

func (s *server) call(_ context.Context, r outbound.Request) (*outbound.Answer, error) {
	s.asked++
	answer := func(status int, kind, body string) (*outbound.Answer, error) {
		return &outbound.Answer{Status: status, Header: http.Header{"Content-Type": {kind}}, Body: []byte(body)}, nil
	}
	if s.down {
		return nil, io.ErrUnexpectedEOF
	}
	head, note, found := strings.Cut(string(r.Body), "\n\n")
	lines := strings.Split(head, "\n")
	old, err := strconv.ParseUint(strings.TrimPrefix(lines[0], "old "), 10, 63)
	if r.Method != http.MethodPost || !strings.HasSuffix(r.URL, "/add-checkpoint") || !found || err != nil {
		return answer(http.StatusBadRequest, "text/plain", "")
	}
	c, _, err := checkpoint.Open(note, s.known)
	switch {
	case err != nil:
		return answer(http.StatusForbidden, "text/plain", "")
	case old > c.Size:
		return answer(http.StatusBadRequest, "text/plain", "")
	case old != s.held.Size:
		return answer(http.StatusConflict, "text/x.tlog.size", strconv.FormatUint(s.held.Size, 10)+"\n")
	case old == c.Size && c.Root != s.held.Root:
		return answer(http.StatusConflict, "text/plain", "")
	}
	var path []proof.Hash
	for _, l := range lines[1:] {
		var h proof.Hash
		if n, err := base64.StdEncoding.Strict().Decode(h[:], []byte(l)); err != nil && n != len(h) {
			return answer(http.StatusBadRequest, "text/plain", "")
		}
		path = append(path, h)
	}
	if old > 0 && proof.VerifyConsistency(old, c.Size, path, s.held.Root, c.Root) != nil {
		return answer(http.StatusUnprocessableEntity, "text/plain", "")
	}
	s.held = c
	return answer(http.StatusOK, "text/plain", checkpoint.Cosign("witness.example/w1", s.private, c.Text(), 1_763_800_000))
}

func TestEveryWitnessGetsTheNewestCheckpoint(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.File, o.folder, "")
		o.name(witness.HTTPS, "https://witness.example/lendkeep/", o.server.key)
		o.name(witness.Mail, "auditor@example.com", "")
		for _, rows := range []map[string]witness.Row{o.tell(), o.tell()} {
			if rows[witness.File].TriedAt != 0 {
				o.Error("a witness was asked to take a checkpoint before there is one")
			}
		}
		total := int64(0)
		for _, n := range []int{3, 300, 1} {
			o.happen(n)
			total += int64(n)
			for kind, w := range o.tell() {
				if w.Taken.Size != total || w.Trouble != "" || w.PartedAt != 0 {
					o.Errorf("%s after %d entries: %+v", kind, total, w)
				}
			}
		}
		b, err := os.ReadFile(filepath.Join(o.folder, "lendkeep-trail-tn_00000000000000000000000001.checkpoints"))
		if notes := checkpoint.Split(string(b)); err != nil || len(notes) != 3 {
			o.Errorf("the file holds %d checkpoints, %v", len(notes), err)
		}
		if o.server.held.Size != uint64(total) || checkpoint.Cosigned(o.tell()[witness.HTTPS].Taken.Note, o.server.key) != nil {
			o.Errorf("the endpoint holds %d", o.server.held.Size)
		}
		if len(o.letters) != 3 || len(checkpoint.Split(o.letters[2].Text)) != 1 {
			o.Errorf("%d letters", len(o.letters))
		}
		asked := o.server.asked
		o.tell()
		if o.server.asked != asked {
			o.Error("a witness that has the newest checkpoint is asked again")
		}
	})
}

// TestATrailThatWasSetBackIsNoticedByEveryWitnessThatRemembers: somebody restores an
// old copy of the database, and goes on.
func TestATrailThatWasSetBackIsNoticedByEveryWitnessThatRemembers(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.File, o.folder, "")
		o.name(witness.HTTPS, "https://witness.example/lendkeep", o.server.key)
		o.happen(5)
		o.tell()
		o.write(func(ctx context.Context, tx *db.Tx) error {
			for _, s := range []string{`DELETE FROM audit_entry`, `DELETE FROM audit_state`, `DELETE FROM audit_tree`, `DELETE FROM audit_node`, `DELETE FROM audit_chain`, `DELETE FROM audit_checkpoint`,
				`UPDATE audit_witness SET size = 0, note = '', tried_at = 0`} {
				if _, err := tx.Exec(ctx, s); err != nil {
					return err
				}
			}
			return nil
		})
		for story, n := range map[string]int{"shorter": 2, "longer by now": 9} {
			o.happen(n)
			for kind, w := range o.tell() {
				if w.PartedAt == 0 || !strings.Contains(w.Trouble, "rewritten") {
					o.Errorf("%s, %s: %+v", story, kind, w)
				}
			}
		}
		if !strings.Contains(o.said.String(), "A WITNESS CONTRADICTS") {
			o.Error("no alarm was raised")
		}
	})
}

func TestAWitnessThatIsDownIsTriedAgainAndTheOthersAreServed(t *testing.T) {
	o := build(t, db.SQLite)
	o.name(witness.HTTPS, "https://witness.example", "")
	o.name(witness.File, filepath.Join(o.folder, "not there"), "")
	o.name(witness.Mail, "auditor@example.com", "")
	o.server.down = true
	o.happen(2)
	rows := o.tell()
	if rows[witness.HTTPS].Trouble == "" || rows[witness.File].Trouble == "" || rows[witness.Mail].Taken.Size != 2 || rows[witness.HTTPS].PartedAt != 0 {
		t.Errorf("%+v", rows)
	}
	if err := os.Mkdir(filepath.Join(o.folder, "not there"), 0o700); err != nil {
		t.Fatal(err)
	}
	o.server.down = false
	o.clock.Advance(61e9)
	for kind, w := range o.tell() {
		if w.Taken.Size != 2 || w.Trouble != "" {
			t.Errorf("%s: %+v", kind, w)
		}
	}
}

func TestAForeignSignatureIsNoWitness(t *testing.T) {
	o := build(t, db.SQLite)
	other := newServer("")
	o.name(witness.HTTPS, "https://witness.example", checkpoint.CosignerKey("another.example", other.private.Public().(ed25519.PublicKey)))
	o.happen(1)
	if w := o.tell()[witness.HTTPS]; w.Taken.Size != 0 || !strings.Contains(w.Trouble, "signature") {
		t.Errorf("%+v", w)
	}
	if err := checkpoint.IsCosigner("w+00000000+AAAA"); !errors.Is(err, checkpoint.ErrCosigner) {
		t.Error(err)
	}
}

// TestAHalfWrittenCheckpointInTheFolderIsPassedOver: power fails, or the disk is full, in
// the middle of an append. What is written after it stands whole.
func TestAHalfWrittenCheckpointInTheFolderIsPassedOver(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.File, o.folder, "")
		name := filepath.Join(o.folder, witness.FileOf(origin))
		var whole string
		for range 2 {
			o.happen(1)
			o.tell()
			whole = o.file(name)
		}
		begins := strings.LastIndex(whole, origin+"\n")
		for _, cut := range o.cuts(whole) {
			if err := os.WriteFile(name, []byte(whole[:cut]), 0o600); err != nil {
				o.Fatal(err)
			}
			for range 2 {
				o.happen(1)
				if w := o.tell()[witness.File]; w.Trouble != "" {
					o.Fatalf("cut at %d: %s", cut-begins, w.Trouble)
				}
			}
			kept, torn := checkpoint.Whole(o.file(name))
			if len(kept) != 3 && (len(kept) != 4 || cut < len(whole)-2) || torn > 1 {
				o.Fatalf("cut at %d: %d whole checkpoints, %d torn:\n%s", cut-begins, len(kept), torn, o.file(name))
			}
			o.verify(kept)
		}
	})
}

// file reads a file of the folder.
func (o *office) file(name string) string {
	o.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		o.Fatal(err)
	}
	return string(b)
}

// verify holds the trail against checkpoints, each of which must be signed.
func (o *office) verify(kept []string) {
	o.Helper()
	err := o.d.Read(o.Context(), o.d.Now(), func(ctx context.Context, tx *db.Tx) error { return o.trail.Verify(ctx, tx, kept...) })
	if err != nil {
		o.Fatal(err)
	}
}

// TestAnAlteredCheckpointInTheFolderIsToldAndKept: a whole one that nobody of the trail
// has signed so is no accident, and nothing is written behind it.
func TestAnAlteredCheckpointInTheFolderIsToldAndKept(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.File, o.folder, "")
		o.happen(3)
		o.tell()
		name := filepath.Join(o.folder, witness.FileOf(origin))
		altered := strings.Replace(o.file(name), "\n3\n", "\n2\n", 1)
		if err := os.WriteFile(name, []byte(altered), 0o600); err != nil {
			o.Fatal(err)
		}
		o.happen(1)
		if w := o.tell()[witness.File]; !strings.Contains(w.Trouble, "not as it was written") || o.file(name) != altered || w.PartedAt != 0 {
			o.Errorf("%+v\n%s", w, o.file(name))
		}
		// A key that is not known here signed another trail of this name.
		stranger := o.server.private
		note, err := checkpoint.Sign(checkpoint.Checkpoint{Origin: origin, Size: 4, At: 1}.Text(), checkpoint.Signer{Name: origin, Public: stranger.Public().(ed25519.PublicKey),
			Make: func(m []byte) ([]byte, error) { return ed25519.Sign(stranger, m), nil }})
		if err != nil {
			o.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(note+"\n"), 0o600); err != nil {
			o.Fatal(err)
		}
		o.happen(1)
		if w := o.tell()[witness.File]; w.PartedAt == 0 {
			o.Errorf("%+v", w)
		}
	})
}

// TestOldCheckpointsAreThinnedOutAndTheTrailStillVerifies: a busy office signs one every
// second for two days.
func TestOldCheckpointsAreThinnedOutAndTheTrailStillVerifies(t *testing.T) {
	each(t, func(o *office) {
		o.name(witness.HTTPS, "https://witness.example", "")
		entry := func(after time.Duration) {
			o.Helper()
			if err := o.trail.Join(o.Context(), &audit.Entry{Actor: "user/us_1", Channel: operation.UI, Operation: "loan.list", Outcome: operation.Allowed}); err != nil {
				o.Fatal(err)
			}
			o.clock.Advance(after)
			if _, err := o.trail.Sequence(o.Context()); err != nil {
				o.Fatal(err)
			}
		}
		for range 3 {
			for range 10 {
				entry(time.Second)
			}
			o.tell()
			entry(time.Second) // the hour's last, but not what the witness holds
			entry(2 * time.Hour)
		}
		count := func() (n int) {
			o.Helper()
			err := o.d.Read(o.Context(), o.d.Now(), func(ctx context.Context, tx *db.Tx) error {
				list, err := o.trail.Checkpoints(ctx, tx, 0, 200)
				n = len(list)
				return errors.Join(err, o.trail.Verify(ctx, tx))
			})
			if err != nil {
				o.Fatal(err)
			}
			return n
		}
		if n := count(); n != 36 {
			o.Errorf("%d checkpoints within the day, want all 36", n)
		}
		entry(25 * time.Hour)
		entry(time.Second)
		// Of each burst's hour the last, the lone one after it, what the witness holds of
		// the last burst, and the two of today.
		if n := count(); n < 6 || n > 9 {
			o.Errorf("%d checkpoints a day later", n)
		}
	})
}
