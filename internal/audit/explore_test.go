//go:build bench

package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"testing/fstest"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/db/dbtest"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// entries is the size of the trail: ten million, or what LENDKEEP_BENCH_ENTRIES says.
func entries() int {
	if n, err := strconv.Atoi(os.Getenv("LENDKEEP_BENCH_ENTRIES")); err == nil && n > 0 {
		return n
	}
	return 10_000_000
}

// indexes are built after the rows where the engine can sort so many outside its
// memory.
const indexes = `id:id at:at actor:actor,at operation:operation,at object:object,at channel:channel,at address:address,at`

// long opens the long trail of the bench. It is kept in the folder for temporary files,
// and on the PostgreSQL server, because making it takes minutes;
// LENDKEEP_BENCH_REMOVE=1 removes it at the end.
func long(t testing.TB, engine db.Engine) (*db.DB, *audit.Trail) {
	t.Helper()
	folder := filepath.Join(os.TempDir(), fmt.Sprintf("lendkeep-trail-%d", entries()))
	must(t, os.MkdirAll(folder, 0o700))
	key := sha256.Sum256([]byte("the key of a bench keeps no secret"))
	c := db.Config{Engine: engine, Now: time.Now, Path: filepath.Join(folder, "trail.db"), Key: func() ([]byte, error) { return key[:], nil }}
	mark := filepath.Join(folder, engine.String()+".full")
	_, missing := os.Stat(mark)
	name := fmt.Sprintf("lendkeep_bench_trail_%d", entries())
	server := os.Getenv(dbtest.Variable)
	if engine == db.PostgreSQL {
		if server == "" {
			t.Skip("no PostgreSQL")
		}
		if missing != nil {
			must(t, db.DropDatabase(t.Context(), server, name))
		}
		if missing != nil {
			dsn, err := db.CreateDatabase(t.Context(), server, name)
			must(t, err)
			must(t, os.WriteFile(filepath.Join(folder, "dsn"), []byte(dsn), 0o600))
		}
		dsn, err := os.ReadFile(filepath.Join(folder, "dsn"))
		must(t, err)
		c.DSN = string(dsn)
	}
	if os.Getenv("LENDKEEP_BENCH_REMOVE") != "" {
		t.Cleanup(func() {
			if engine == db.PostgreSQL {
				must(t, db.DropDatabase(context.Background(), server, name))
			}
			must(t, os.RemoveAll(folder))
		})
	}
	d := dbtest.OpenConfig(t, c, migrations())
	if missing != nil {
		began := time.Now()
		lengthen(t, d, engine)
		must(t, os.WriteFile(mark, nil, 0o600))
		fmt.Printf("%d entries on %s took %s\n", entries(), engine, time.Since(began).Round(time.Second))
	}
	kms, err := filekms.OpenOrMake(filepath.Join(t.TempDir(), "kms.json"))
	must(t, err)
	tenant := id.Tenant("tn_00000000000000000000000001")
	wrapped, err := keys.NewRing(t.Context(), kms, tenant)
	must(t, err)
	ring, err := keys.OpenRing(t.Context(), kms, tenant, wrapped)
	must(t, err)
	return d, audit.New(audit.Config{DB: d, Ring: ring})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// two years of a lender's days.
const years = int64(2 * 365 * 24 * 3600 * 1e6)

func lengthen(t testing.TB, d *db.DB, engine db.Engine) {
	exec := func(query string) {
		t.Helper()
		must(t, d.Write(t.Context(), d.Now(), func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, query)
			return err
		}))
	}
	var each [][2]string
	for _, word := range splitWords(indexes) {
		each = append(each, word)
		exec("DROP INDEX IF EXISTS audit_entry_" + word[0])
	}
	exec("DELETE FROM audit_entry")
	exec("CREATE TABLE IF NOT EXISTS seen_loan (id TEXT PRIMARY KEY, company BIGINT NOT NULL)")
	began := d.Now() - years
	r := rand.New(rand.NewPCG(7, 8))
	must(t, d.Write(t.Context(), d.Now(), func(ctx context.Context, tx *db.Tx) error {
		var rows [][]any
		for i := range loansSeen {
			rows = append(rows, []any{loanNo(i), i % 1000})
		}
		return tx.Bulk(ctx, `INSERT INTO seen_loan (id, company) VALUES (?, ?) ON CONFLICT (id) DO NOTHING`, rows)
	}))
	const batch = 20_000
	for n := 0; n < entries(); n += batch {
		rows := make([][]any, 0, batch)
		for i := n; i < n+batch; i++ {
			rows = append(rows, plausible(r, int64(i+1), began+years/int64(entries())*int64(i)))
		}
		must(t, d.Write(t.Context(), d.Now(), func(ctx context.Context, tx *db.Tx) error {
			return tx.Bulk(ctx, `INSERT INTO audit_entry (sequence, id, at, actor, operation, object, object_sequence, outcome, channel, address, body, sealed, leaf, chain)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, rows)
		}))
	}
	sorted := "-- +goose NO TRANSACTION\n-- +goose Up\n"
	if engine == db.SQLite { // so many rows are not sorted within the memory of a server's connection
		sorted += "PRAGMA temp_store = file;\nPRAGMA cache_size = -32000;\n"
	}
	for _, word := range each {
		sorted += "CREATE INDEX audit_entry_" + word[0] + " ON audit_entry (" + word[1] + ");\n"
	}
	all := migrations().(fstest.MapFS)
	all[engine.String()+"/0002_sorted.sql"] = &fstest.MapFile{Data: []byte(sorted)}
	must(t, d.Migrate(t.Context(), all))
	exec("DELETE FROM audit_state")
	exec(fmt.Sprintf(`INSERT INTO audit_state (name, size, head, holder, until) SELECT 'trail', %d, leaf, '', 0 FROM audit_entry WHERE sequence = 1`, entries()))
	if engine == db.PostgreSQL {
		exec("ANALYZE audit_entry")
	}
}

func splitWords(s string) (out [][2]string) {
	var name, columns string
	into := &name
	for _, c := range s + " " {
		switch c {
		case ':':
			into = &columns
		case ' ':
			out = append(out, [2]string{name, columns})
			name, columns, into = "", "", &name
		default:
			*into += string(c)
		}
	}
	return out
}

const loansSeen = 60_000

func loanNo(i int) string { return fmt.Sprintf("ln_%026d", i) }

// plausible is an entry as a lender's day brings them: programs and jobs make most of
// them, a few people many, some very few; one in thirty is refused.
func plausible(r *rand.Rand, sequence, at int64) []any {
	actor, channel, address, operation := "", "ui", "", ""
	low := func(n int) int { return min(r.IntN(n), r.IntN(n), r.IntN(n)) }
	switch k := r.IntN(100); {
	case k < 35:
		actor, channel = fmt.Sprintf("user/us_program%02d", low(5)), "api"
		address, operation = fmt.Sprintf("203.0.113.%d", low(20)), fmt.Sprintf("loan.call%02d", low(12))
	case k < 45:
		actor, channel, operation = "job/days", "job", "loan.day.close"
	case k < 55:
		actor, channel, operation = "portal/site", "portal", "application.submit"
	default:
		actor = fmt.Sprintf("user/us_%03d", low(200))
		address, operation = fmt.Sprintf("198.51.%d.%d", low(12), r.IntN(250)), fmt.Sprintf("page.act%02d", low(60))
		if r.IntN(2) == 0 {
			operation = "page"
		}
	}
	outcome := "allowed"
	if k := r.IntN(1000); k < 30 {
		outcome = "denied"
	} else if k < 35 {
		outcome = "failed"
	}
	if sequence%3_000_001 == 17 {
		operation = "key.destroy"
	}
	if sequence%250_000 == 99 {
		actor, channel = "user/us_rare", "ui"
	}
	object := ""
	if r.IntN(10) < 8 {
		object = "loan/" + loanNo(low(loansSeen))
	}
	at += r.Int64N(3_000_000)
	name := id.New[id.Audit](at)
	body, _ := (&entry.Body{ID: name, At: at, Actor: actor, ActorName: "Somebody", Channel: channel, Address: address, Operation: operation, Object: object, Outcome: outcome, PolicyVersion: at, UserAgent: "a browser of some make"}).Encode()
	leaf := make([]byte, 32)
	binary.BigEndian.PutUint64(leaf, uint64(sequence))
	return []any{sequence, string(name), at, actor, operation, object, sequence, outcome, channel, address, body, []byte{}, leaf, leaf}
}

// TestExplore times every page of the explorer on the long trail: the list, its total and
// what the selection consists of, as the desk asks for them, cold ones among them.
func TestExplore(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) { d, trail := long(t, engine); explore(t, d, trail) })
	}
}

func explore(t *testing.T, d *db.DB, trail *audit.Trail) {
	const day = int64(24 * 3600 * 1e6)
	now := time.Now().UnixMicro()
	seen := func(company string) *db.Cond {
		c := db.Or(db.Where("object NOT LIKE 'loan/%'"), db.Where("object LIKE 'loan/%' AND EXISTS (SELECT 1 FROM seen_loan l WHERE l.id = SUBSTR(object, 6) AND l.company "+company+")"))
		return &c
	}
	loansOf := func(company string) *db.Cond {
		c := db.Where("object LIKE 'loan/%' AND EXISTS (SELECT 1 FROM seen_loan l WHERE l.id = SUBSTR(object, 6) AND l.company " + company + ")")
		return &c
	}
	for _, p := range []struct {
		name string
		f    audit.Filter
	}{
		{"all", audit.Filter{}}, {"person, a program", audit.Filter{Actor: "user/us_program00"}}, {"person", audit.Filter{Actor: "user/us_100"}}, {"person, rare", audit.Filter{Actor: "user/us_rare"}},
		{"person, none", audit.Filter{Actor: "user/us_nobody"}}, {"operation, common", audit.Filter{Operation: "page"}}, {"operation, 3 in all", audit.Filter{Operation: "key.destroy"}},
		{"object", audit.Filter{Object: "loan/" + loanNo(7)}}, {"object, rare", audit.Filter{Object: "loan/" + loanNo(59_900)}},
		{"allowed", audit.Filter{Outcome: "allowed"}}, {"denied", audit.Filter{Outcome: "denied"}}, {"failed", audit.Filter{Outcome: "failed"}}, {"channel", audit.Filter{Channel: "api"}}, {"channel, portal", audit.Filter{Channel: "portal"}},
		{"address", audit.Filter{Address: "198.51.3.77"}}, {"address, common", audit.Filter{Address: "203.0.113.1"}},
		{"a day a year ago", audit.Filter{From: now - 365*day, To: now - 364*day}}, {"all but the last year", audit.Filter{To: now - 365*day}},
		{"person+operation", audit.Filter{Actor: "user/us_010", Operation: "page"}}, {"person+operation+month", audit.Filter{Actor: "user/us_010", Operation: "page.act07", From: now - 400*day, To: now - 370*day}},
		{"program+operation that it never does", audit.Filter{Actor: "user/us_program00", Operation: "page"}}, {"program+denied", audit.Filter{Actor: "user/us_program00", Outcome: "denied"}},
		{"denied+channel", audit.Filter{Outcome: "denied", Channel: "ui"}}, {"failed+portal", audit.Filter{Outcome: "failed", Channel: "portal"}}, {"allowed+operation+channel", audit.Filter{Outcome: "allowed", Operation: "page.act01", Channel: "ui"}},
		{"object+denied", audit.Filter{Object: "loan/" + loanNo(7), Outcome: "denied"}}, {"address+operation that never was", audit.Filter{Address: "203.0.113.1", Operation: "page"}},
		{"restricted to 12 %", audit.Filter{Within: seen("< 120")}}, {"restricted to 0.1 % of loans and nothing else", audit.Filter{Within: loansOf("= 7")}},
		{"restricted to 0.1 %, denied", audit.Filter{Within: loansOf("= 7"), Outcome: "denied"}}, {"restricted to 0.1 %, person+operation", audit.Filter{Within: loansOf("= 7"), Actor: "user/us_010", Operation: "page"}},
	} {
		var took []time.Duration
		var last string
		for i := range rounds {
			f := p.f
			f.Patience = 25 * time.Millisecond // as the desk gives
			if i%3 == 2 {                      // a page deep in the past
				f.BeforeAt = now - int64(i)*years/int64(rounds)
				f.BeforeID = id.Audit("au_")
			}
			began := time.Now()
			must(t, d.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
				page, err := trail.List(ctx, tx, f)
				if err != nil || i%3 == 2 {
					return err
				}
				listed := time.Since(began)
				sum, err := trail.Sum(ctx, tx, f, 8)
				if err == nil {
					last = fmt.Sprintf("%d entries, %d%s in all, whole %v; list %s, %s of %d", len(page.Entries), page.Total, map[bool]string{true: "+"}[page.AtLeast], page.Reached == 0, listed.Round(100*time.Microsecond), sum.How, sum.Of)
				}
				return err
			}))
			took = append(took, time.Since(began))
		}
		first := took[0]
		slices.Sort(took)
		mark := ""
		if took[(len(took)*99-1)/100] > 200*time.Millisecond {
			mark = "  <-- over 200 ms"
		}
		fmt.Printf("%-46s first %7s p50 %7s p99 %7s  %s%s\n", p.name, first.Round(100*time.Microsecond), took[len(took)/2].Round(100*time.Microsecond), took[(len(took)*99-1)/100].Round(100*time.Microsecond), last, mark)
	}
}

// rounds are the looks at each page.
const rounds = 100

// TestFill makes the long trails and measures nothing.
func TestFill(t *testing.T) {
	for _, engine := range []db.Engine{db.SQLite, db.PostgreSQL} {
		t.Run(engine.String(), func(t *testing.T) { long(t, engine) })
	}
}
