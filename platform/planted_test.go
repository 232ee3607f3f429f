package main_test

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/quotedprintable"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lukechampine.com/adiantum"

	"github.com/lendkeep/lendkeep/internal/backup"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
)

// control is a word that is planted in a place on purpose: a sweep that does not
// find it there proves nothing.
type control struct {
	place, encoding string
	word
}

// Social security numbers, dates of birth, e-mail addresses, telephone numbers and
// card numbers are in nobody's hands but the lender's: whoever has the disk, the
// page keys, the database server's log or a backup finds none of them.
func TestPlantedDataIsFoundNowhere(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole program takes longer than a short run")
	}
	n := 50
	if os.Getenv("LENDKEEP_PROVE") != "" {
		n = 500
	}
	t.Run("sqlite", func(t *testing.T) {
		s := sown(t, n, 1)
		s.live()
		s.kill()
		s.verdict(s.controlsOfSQLite(), s.sweepSQLite)
	})
	t.Run("postgres", func(t *testing.T) {
		if os.Getenv(dbtest.Variable) == "" {
			t.Skip(dbtest.Variable + " names no PostgreSQL server, so there may be none to start")
		}
		p := startServer(t)
		s := sown(t, n, 2, "--postgres", p.dsn)
		s.live()
		s.kill()
		s.verdict(s.controlsOfPostgres(p), func(w *sweep) { s.sweepPostgres(w, p) })
	})
}

// verdict sweeps everything once: all controls are found where they were put, and
// nothing else is.
func (s *soil) verdict(controls []control, everything func(*sweep)) {
	s.t.Helper()
	words := slices.Clone(s.words)
	isControl := map[string]bool{}
	for _, c := range controls {
		words = append(words, c.word)
		isControl[c.text] = true
	}
	w := newSweep(words)
	s.sweepAlways(w)
	everything(w)
	missed := 0
	for _, c := range controls {
		how := ""
		for place, found := range w.found {
			if strings.HasPrefix(place, c.place) && found[c.text] != "" {
				how = found[c.text]
			}
		}
		if how != c.encoding {
			missed++
			s.t.Errorf("the control in %s (%s) was found as %q", c.place, c.encoding, how)
		}
	}
	leaks := 0
	for _, place := range slices.Sorted(maps.Keys(w.found)) {
		told := 0
		for text, how := range w.found[place] {
			if isControl[text] {
				continue
			}
			if leaks++; told < 40 {
				told++
				s.t.Errorf("%s holds %q (%s): …%s…", place, text, how, w.around[place+text])
			}
		}
	}
	s.t.Logf("%d words of 5 kinds in %d spellings of %d encodings, %d MB looked through: %d found; %d of %d controls found",
		len(s.words), len(w.spellings), len(encodings()), w.read>>20, leaks, len(controls)-missed, len(controls))
}

// fresh makes up a word for a control.
func fresh() word {
	var b [5]byte
	rand.Read(b[:])
	return word{"email", "c" + hex.EncodeToString(b[:]) + "@control-mail.example"}
}

// appended puts a control at the end of a file, with something around it.
func (s *soil) appended(place, file, encoding string, around func(text string) []byte) control {
	s.t.Helper()
	c := control{place, encoding, fresh()}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	s.must(err)
	_, err = f.Write(around(c.text))
	s.must(errors.Join(err, f.Close()))
	return c
}

func packedBy(make func(io.Writer) io.WriteCloser) func(string) []byte {
	return func(text string) []byte {
		var b bytes.Buffer
		w := make(&b)
		_, _ = io.WriteString(w, "before "+text+" behind")
		_ = w.Close()
		return b.Bytes()
	}
}

func wide(order binary.ByteOrder) func(string) []byte {
	return func(text string) []byte {
		b := make([]byte, 2*len(text))
		for i, c := range []byte(text) {
			order.PutUint16(b[2*i:], uint16(c))
		}
		return b
	}
}

func backwards(text string) []byte {
	b := []byte(text)
	slices.Reverse(b)
	return b
}

// controlsOfSQLite plants ten.
func (s *soil) controlsOfSQLite() []control {
	s.t.Helper()
	d, _ := s.tenantDB()
	row, wal := control{"pages of demo.db", "as written", fresh()}, control{"pages of demo.db", "UTF-16LE", fresh()}
	s.must(d.Write(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE borrower SET city = ? WHERE id = (SELECT MIN(id) FROM borrower)`, "Town of "+row.text)
		return err
	}))
	s.must(d.Close()) // the write goes from the log into the file
	d, _ = s.tenantDB()
	defer d.Close()
	s.must(d.Write(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE borrower SET email = ? WHERE id = (SELECT MAX(id) FROM borrower)`, wide(binary.LittleEndian)(wal.text))
		return err
	}))
	s.snapshot() // while the write is in the log alone
	mail := filepath.Join(s.data, "mail")
	return []control{row, wal,
		s.appended("program.log", filepath.Join(s.dir, "program.log"), "JSON escapes", func(x string) []byte { return spelt(x)["JSON escapes"][0] }),
		s.appended("temporary files", filepath.Join(s.dir, "tmp", "spill.gz"), "deflated", packedBy(func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })),
		s.appended("temporary files", filepath.Join(s.dir, "tmp", "page.pdf"), "deflated", packedBy(func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })),
		s.appended("data/mail", filepath.Join(mail, "control-1.eml"), "base64", func(x string) []byte { return base64.StdEncoding.AppendEncode(nil, []byte("x"+x)) }),
		s.appended("data/mail", filepath.Join(mail, "control-2.eml"), "as written", func(x string) []byte {
			var b bytes.Buffer
			w := quotedprintable.NewWriter(&b)
			_, _ = w.Write([]byte("Grüße an " + x))
			_ = w.Close()
			return b.Bytes()
		}),
		s.appended("data/tenants", filepath.Join(s.data, "tenants", "left.behind"), "hexadecimal", func(x string) []byte { return []byte(strings.ToUpper(hex.EncodeToString([]byte(x)))) }),
		s.appended("export-csv", filepath.Join(s.dir, "export-csv"), "percent-encoded", func(x string) []byte { return spelt(x)["percent-encoded"][0] }),
		s.appended("commands.log", filepath.Join(s.dir, "commands.log"), "character references", func(x string) []byte { return spelt(x)["character references"][0] }),
	}
}

// sweepAlways looks through what there is with either engine.
func (s *soil) sweepAlways(w *sweep) {
	s.must(w.folder("data", s.data))
	s.must(w.folder("temporary files", filepath.Join(s.dir, "tmp")))
	s.must(w.folder("backups", filepath.Join(s.dir, "backups")))
	for _, name := range []string{"program.log", "commands.log", "export-csv", "export-ocsf", "export-bundle"} {
		b, err := os.ReadFile(filepath.Join(s.dir, name))
		s.must(err)
		w.look(name, b, 0)
	}
	// What the holder of the KMS key sees in a backup, but for what is sealed in it.
	kms, err := filekms.Open(filepath.Join(s.data, "kms.key"))
	s.must(err)
	for _, name := range []string{"data.lkb", "keys.lkb"} {
		f, err := os.Open(filepath.Join(s.dir, "backups", name))
		s.must(err)
		info, err := f.Stat()
		s.must(err)
		b, err := backup.Open(f, info.Size())
		s.must(err)
		r, err := b.Reader(s.t.Context(), kms)
		s.must(err)
		plain, err := io.ReadAll(r)
		s.must(errors.Join(err, f.Close()))
		w.look("opened backup "+name, plain, 0)
	}
}

// sweepSQLite looks through what the holder of the page keys sees.
func (s *soil) sweepSQLite(w *sweep) {
	_, pageKeys := s.rings()
	for name, key := range pageKeys {
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(filepath.Join(s.dir, "snapshot", name+suffix))
			if err != nil && suffix != "" {
				continue
			}
			s.must(err)
			cipher := adiantum.New(key)
			for off := 0; off+4096 <= len(b); off += 4096 {
				cipher.Decrypt(b[off:off+4096], binary.LittleEndian.AppendUint64(nil, uint64(off)))
			}
			w.look("pages of "+name+suffix, b, 0)
		}
	}
}

// snapshot copies the databases with their logs as they are.
func (s *soil) snapshot() {
	s.t.Helper()
	to := filepath.Join(s.dir, "snapshot")
	s.must(os.MkdirAll(to, 0o700))
	for _, pattern := range []string{"*.db", "*.db-wal", "tenants/*.db", "tenants/*.db-wal"} {
		files, err := filepath.Glob(filepath.Join(s.data, pattern))
		s.must(err)
		for _, file := range files {
			b, err := os.ReadFile(file)
			s.must(err)
			s.must(os.WriteFile(filepath.Join(to, filepath.Base(file)), b, 0o600))
		}
	}
}

// open opens a database file with its page key.
func (s *soil) open(path string, key []byte) *db.DB {
	s.t.Helper()
	d, err := db.Open(s.t.Context(), db.Config{Engine: db.SQLite, Path: path, Readers: 1, Key: func() ([]byte, error) { return key, nil }, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	s.must(err)
	return d
}

// rings opens the tenant's ring, and gives the page key of every file.
func (s *soil) rings() (*keys.Ring, map[string][]byte) {
	s.t.Helper()
	kms, err := filekms.Open(filepath.Join(s.data, "kms.key"))
	s.must(err)
	stored, err := os.ReadFile(filepath.Join(s.data, "directory.ring"))
	s.must(err)
	own, err := keys.OpenRing(s.t.Context(), kms, "directory", stored)
	s.must(err)
	d := s.open(filepath.Join(s.data, "directory.db"), own.PageKey())
	defer d.Close()
	var tid id.Tenant
	s.must(d.Read(s.t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, `SELECT id, ring FROM tenant`, nil, &tid, &stored)
	}))
	ring, err := keys.OpenRing(s.t.Context(), kms, tid, stored)
	s.must(err)
	return ring, map[string][]byte{"directory.db": own.PageKey(), "demo.db": ring.PageKey(), "demo.keys.db": ring.PageKey()}
}

func (s *soil) tenantDB() (*db.DB, *keys.Ring) {
	ring, pageKeys := s.rings()
	return s.open(filepath.Join(s.data, "tenants", "demo.db"), pageKeys["demo.db"]), ring
}

// server is a PostgreSQL server of the story's own, which logs every statement, but
// not its parameters: those of a search are what somebody looks for. The doctor
// says so to an operator who has them logged.
type server struct {
	t        *testing.T
	dir, dsn string
}

func startServer(t *testing.T) *server {
	t.Helper()
	above, err := os.MkdirTemp("", "lendkeep-planted-")
	if err == nil {
		err = os.Chmod(above, 0o755) // the server runs as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(above) })
	p := &server{t: t, dir: filepath.Join(above, "cluster")}
	cmd := exec.Command("../scripts/postgres", "start", p.dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	p.dsn = strings.TrimSpace(string(out))
	t.Cleanup(func() {
		if out, err := exec.Command("../scripts/postgres", "stop", p.dir).CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	p.sql("postgres", `ALTER SYSTEM SET log_statement = 'all'`)
	p.sql("postgres", `ALTER SYSTEM SET log_parameter_max_length = 0`)
	p.sql("postgres", `ALTER SYSTEM SET log_parameter_max_length_on_error = 0`)
	p.sql("postgres", `SELECT pg_reload_conf()`)
	return p
}

func (p *server) on(name string) string { return strings.Replace(p.dsn, "/postgres?", "/"+name+"?", 1) }

func (p *server) sql(name, statement string) {
	p.t.Helper()
	if out, err := exec.Command("psql", p.on(name), "-qAt", "-v", "ON_ERROR_STOP=1", "-c", statement).CombinedOutput(); err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
}

const tenantName = "lendkeep_demo"

// controlsOfPostgres plants ten: in rows, in the log of writes alone, in the
// server's log, in dumps, and in the program's own files.
func (s *soil) controlsOfPostgres(p *server) []control {
	s.t.Helper()
	city := func(nth int, value string) {
		p.sql(tenantName, fmt.Sprintf(`UPDATE borrower SET city = %s WHERE id = (SELECT id FROM borrower ORDER BY id OFFSET %d LIMIT 1)`, value, nth))
	}
	quoted := func(b []byte) string { return "convert_from(decode('" + rotated(b) + "', 'base64'), 'UTF8')" }
	row, gone, log, dump, packed := fresh(), fresh(), fresh(), fresh(), fresh()
	city(0, quoted(spelt(row.text)["JSON escapes"][0]))
	city(1, quoted([]byte(dump.text)))
	city(2, quoted(backwards(packed.text)))
	// A row that came and went: only the log of writes knows it.
	p.sql(tenantName, `CREATE TABLE came (b bytea); INSERT INTO came VALUES (decode('`+rotated(wide(binary.BigEndian)(gone.text))+`', 'base64'))`)
	p.sql(tenantName, `DROP TABLE came`)
	p.sql("postgres", `SELECT 'looked for `+string(spelt(log.text)["percent-encoded"][0])+`'`)
	p.sql("postgres", `CHECKPOINT`)
	for _, name := range []string{"lendkeep_directory", tenantName, tenantName + "_keys"} {
		for _, form := range []string{"plain", "directory"} { // a table a stream; the custom form cuts streams into pieces
			out, err := exec.Command("pg_dump", "--format="+form, "--file="+filepath.Join(s.dir, "backups", name+"."+form), p.on(name)).CombinedOutput()
			if err != nil {
				s.t.Fatalf("pg_dump: %v\n%s", err, out)
			}
		}
	}
	return []control{
		{"cluster/data/base", "JSON escapes", row}, {"cluster/data/pg_wal", "UTF-16BE", gone}, {"cluster/server.log", "percent-encoded", log},
		{"backups/" + tenantName + ".plain", "as written", dump}, {"backups/" + tenantName + ".directory", "deflated", packed},
		s.appended("program.log", filepath.Join(s.dir, "program.log"), "UTF-16LE", wide(binary.LittleEndian)),
		s.appended("temporary files", filepath.Join(s.dir, "tmp", "spill"), "hexadecimal", func(x string) []byte { return []byte(hex.EncodeToString([]byte(x))) }),
		s.appended("data/mail", filepath.Join(s.data, "mail", "control.eml"), "base64", func(x string) []byte { return base64.StdEncoding.AppendEncode(nil, []byte("to "+x)) }),
		s.appended("export-ocsf", filepath.Join(s.dir, "export-ocsf"), "character references", func(x string) []byte { return spelt(x)["character references"][1] }),
		s.appended("backups/beside.lkb", filepath.Join(s.dir, "backups", "beside.lkb"), "reversed", backwards),
	}
}

// rotated is base64 with its lines broken where no alignment survives, so that the
// statement in the server's log is not itself what is found.
func rotated(b []byte) string {
	var lines []string
	for text := base64.StdEncoding.EncodeToString(b); text != ""; {
		n := min(5, len(text))
		lines, text = append(lines, text[:n]), text[n:]
	}
	return strings.Join(lines, "\n")
}

// sweepPostgres looks through the server's folder: tables, indexes, free space, the
// log of writes, what it spilled, and its log.
func (s *soil) sweepPostgres(w *sweep, p *server) {
	s.must(w.folder("cluster", p.dir))
}
