package audit_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/filekms"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
)

// tables are all that the trail lies in, with their columns.
var tables = map[string][]string{
	"audit_entry": {"sequence", "id", "at", "actor", "operation", "object", "object_sequence", "outcome", "channel", "address", "body", "sealed", "leaf", "chain", "disposal"},
	"audit_chain": {"object", "length", "last", "head"}, "audit_state": {"name", "size", "head", "holder", "until"},
	"audit_tree": {"name", "size", "edge"}, "audit_node": {"level", "place", "hash"}, "audit_checkpoint": {"size", "at", "note"},
	"audit_pending": {"id", "at", "hold", "burst", "count", "actor", "operation", "object", "outcome", "channel", "address", "body", "sealed"},
}

// holdings is a trail as somebody who holds the database has it in hand.
type holdings map[string][][]any

func (h *house) take(t testing.TB) holdings {
	t.Helper()
	s := holdings{}
	err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error {
		for table, columns := range tables {
			rows, err := db.All(ctx, tx, func(r *db.Rows) ([]any, error) {
				row, dest := make([]any, len(columns)), make([]any, len(columns))
				for i, c := range columns {
					switch c {
					case "sequence", "at", "object_sequence", "length", "last", "size", "until", "level", "place", "hold", "count":
						dest[i] = new(int64)
					case "body", "sealed", "leaf", "chain", "head", "edge", "hash":
						dest[i] = new([]byte)
					default:
						dest[i] = new(string)
					}
				}
				if err := r.Scan(dest...); err != nil {
					return nil, err
				}
				for i, d := range dest {
					switch v := d.(type) {
					case *int64:
						row[i] = *v
					case *[]byte:
						row[i] = bytes.Clone(*v)
					case *string:
						row[i] = *v
					}
				}
				return row, nil
			}, "SELECT "+strings.Join(columns, ", ")+" FROM "+table+" ORDER BY 1, 2")
			if err != nil {
				return err
			}
			s[table] = rows
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (h *house) put(t testing.TB, s holdings) {
	t.Helper()
	h.write(t, func(ctx context.Context, tx *db.Tx) error {
		for table, columns := range tables {
			if _, err := tx.Exec(ctx, "DELETE FROM "+table); err != nil {
				return err
			}
			if len(s[table]) == 0 {
				continue
			}
			marks := strings.TrimSuffix(strings.Repeat("?, ", len(columns)), ", ")
			if err := tx.Bulk(ctx, "INSERT INTO "+table+" ("+strings.Join(columns, ", ")+") VALUES ("+marks+")", s[table]); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s holdings) clone() holdings {
	out := holdings{}
	for table, rows := range s {
		for _, row := range rows {
			row = slices.Clone(row)
			for i, v := range row {
				if b, is := v.([]byte); is {
					row[i] = bytes.Clone(b)
				}
			}
			out[table] = append(out[table], row)
		}
	}
	return out
}

// recorded makes a trail of n entries at random, signed as it grows, and gives the
// checkpoints that a witness kept of it.
func (h *house) recorded(t testing.TB, r *rand.Rand, n int) (kept []string) {
	t.Helper()
	person := fmt.Sprintf("bo_%d", r.IntN(1e9))
	if _, err := h.store.Create(t.Context(), person); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e := denial()
		switch r.IntN(3) {
		case 0:
			e = payment(fmt.Sprintf("ln_%d", r.IntN(4)))
			e.Changes = append(e.Changes, audit.Change{Field: "phone", Before: "212 555 0199", After: fmt.Sprint("212 555 ", r.IntN(9999)), Sealed: true, Person: person})
		case 1:
			e = &audit.Entry{Actor: "user/us_agent", Channel: operation.UI, Operation: "loan.list", Outcome: operation.Allowed, SealedDetail: map[string]string{"search": "anna"}}
		}
		h.record(t, e)
		if r.IntN(4) == 0 || i == n-1 {
			h.clock.Advance(1e9)
			h.sequence(t)
			kept = append(kept, h.newest(t).Note)
		}
	}
	return kept
}

func (h *house) newest(t testing.TB) (s audit.Signed) {
	t.Helper()
	err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = h.trail.Newest(ctx, tx)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// found asks the server, and an auditor who holds an export made from the same
// database, what is wrong.
func (h *house) found(t testing.TB, e *evidence) (server, auditor error) {
	t.Helper()
	kept, torn := checkpoint.Whole(e.kept)
	told := func() error {
		if torn > 0 || len(kept) == 0 {
			return fmt.Errorf("%d checkpoints are not whole where they were kept, and %d are", torn, len(kept))
		}
		return nil
	}
	server = h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error { return h.trail.Verify(ctx, tx, kept...) })
	server = cmp.Or(server, told())
	file, err := h.exportOf(t, &audit.Extract{Extent: bundle.Whole}, nil, func(head *bundle.Head) { head.MadeAt = cmp.Or(e.madeAt, head.MadeAt) })
	if err != nil {
		return server, err
	}
	if e.file != nil {
		file = e.file(file)
	}
	known, err := h.trail.Keys()
	if err != nil {
		t.Fatal(err)
	}
	report, auditor := bundle.Check(bytes.NewReader(file), bundle.Against{Keys: known, Checkpoints: kept})
	if auditor == nil && len(report.Beyond) > 0 {
		auditor = fmt.Errorf("a checkpoint kept elsewhere covers %d entries, and the export ends at %d", report.Beyond[0], report.Checkpoint.Size)
	}
	return server, cmp.Or(auditor, told())
}

// export writes a file in small pieces.
func (h *house) export(t testing.TB, x *audit.Extract, earlier []int64) ([]byte, error) {
	t.Helper()
	return h.exportOf(t, x, earlier, func(*bundle.Head) {})
}

// exportOf lets whoever holds the key say what they like in the head.
func (h *house) exportOf(t testing.TB, x *audit.Extract, earlier []int64, say func(head *bundle.Head)) ([]byte, error) {
	t.Helper()
	var out bytes.Buffer
	err := h.d.Read(t.Context(), h.d.Now(), func(ctx context.Context, tx *db.Tx) error {
		head, err := h.trail.Head(ctx, tx, x, earlier)
		if err != nil {
			return err
		}
		say(&head)
		w, err := bundle.NewWriter(&out, head)
		if err != nil {
			return err
		}
		for {
			page, err := h.trail.Entries(ctx, tx, x, w.Last(), 7)
			if err != nil {
				return err
			}
			for _, e := range page {
				if err := w.Entry(e); err != nil {
					return err
				}
			}
			if len(page) < 7 {
				return w.Close(h.trail.Signers()...)
			}
		}
	})
	return out.Bytes(), err
}

func column(table, name string) int { return slices.Index(tables[table], name) }

// evidence is what lies outside of the trail: what a witness kept, and the export as the
// auditor gets it.
type evidence struct {
	kept   string // the witness's file
	madeAt int64  // what the maker of the export says; 0: the truth
	file   func(export []byte) []byte
}

// mutations are what somebody with the database in hand does to a trail, or to what lies
// outside of it.
var mutations = map[string]func(t testing.TB, h *house, s holdings, r *rand.Rand, e *evidence){
	"flip": func(_ testing.TB, _ *house, s holdings, r *rand.Rand, _ *evidence) {
		row := s["audit_entry"][r.IntN(len(s["audit_entry"]))]
		for {
			i := 1 + r.IntN(len(row)-1) // the sequence is moved elsewhere
			switch v := row[i].(type) {
			case []byte:
				if len(v) > 0 {
					v[r.IntN(len(v))] ^= 1 << r.IntN(8)
					return
				}
			case int64:
				row[i] = v + 1
				return
			case string:
				row[i] = v + "x"
				return
			}
		}
	},
	"delete": func(_ testing.TB, _ *house, s holdings, r *rand.Rand, _ *evidence) {
		i := r.IntN(len(s["audit_entry"]))
		s["audit_entry"] = slices.Delete(s["audit_entry"], i, i+1)
	},
	"reorder": func(_ testing.TB, _ *house, s holdings, r *rand.Rand, _ *evidence) {
		all := s["audit_entry"]
		i := r.IntN(len(all) - 1)
		all[i][0], all[i+1][0] = all[i+1][0], all[i][0]
	},
	"insert": func(_ testing.TB, _ *house, s holdings, r *rand.Rand, _ *evidence) {
		all := s["audit_entry"]
		at := r.IntN(len(all))
		row := slices.Clone(all[at])
		row[1] = "au_forged"
		for _, later := range all[at:] {
			later[0] = later[0].(int64) + 1
		}
		s["audit_entry"] = slices.Insert(all, at, row)
		s["audit_state"][0][1] = int64(len(all) + 1)
	},
	"take away as if by retention": func(_ testing.TB, _ *house, s holdings, r *rand.Rand, _ *evidence) {
		row := s["audit_entry"][r.IntN(len(s["audit_entry"]))]
		for _, c := range []string{"actor", "operation", "outcome", "channel", "address"} {
			row[column("audit_entry", c)] = ""
		}
		row[column("audit_entry", "body")], row[column("audit_entry", "sealed")] = []byte{}, []byte{}
		row[column("audit_entry", "disposal")] = "forged"
	},
	"cut the tail": func(t testing.TB, h *house, s holdings, r *rand.Rand, _ *evidence) {
		again(t, h, s, func(all [][]any) [][]any { return all[:r.IntN(len(all))] })
	},
	"delete and hash everything anew": func(t testing.TB, h *house, s holdings, r *rand.Rand, _ *evidence) {
		again(t, h, s, func(all [][]any) [][]any { i := r.IntN(len(all)); return slices.Delete(all, i, i+1) })
	},
	"alter and hash everything anew": func(t testing.TB, h *house, s holdings, r *rand.Rand, _ *evidence) {
		again(t, h, s, func(all [][]any) [][]any {
			row := all[r.IntN(len(all))]
			body, actor := row[column("audit_entry", "body")].([]byte), row[column("audit_entry", "actor")].(string)
			row[column("audit_entry", "body")] = bytes.Replace(body, []byte(`"actor":"`+actor), []byte(`"actor":"user/us_nobody`), 1)
			row[column("audit_entry", "actor")] = "user/us_nobody" + actor[len(actor):]
			return all
		})
	},
	"insert and hash everything anew": func(t testing.TB, h *house, s holdings, r *rand.Rand, _ *evidence) {
		again(t, h, s, func(all [][]any) [][]any {
			row := slices.Clone(all[r.IntN(len(all))])
			old := row[1].(string)
			row[1] = "au_" + fmt.Sprintf("%026d", r.Int64N(1e15))
			body := row[column("audit_entry", "body")].([]byte)
			row[column("audit_entry", "body")] = bytes.Replace(body, []byte(old), []byte(row[1].(string)), 1)
			return slices.Insert(all, r.IntN(len(all)), row)
		})
	},
	"cut the tail and say that the export is older": func(t testing.TB, h *house, s holdings, r *rand.Rand, e *evidence) {
		e.madeAt = 1 + r.Int64N(h.d.Now()-3600e6)
		again(t, h, s, func(all [][]any) [][]any { return all[:1+r.IntN(len(all)-1)] })
	},
	"alter when an export was made": func(_ testing.TB, _ *house, _ holdings, r *rand.Rand, e *evidence) {
		e.file = func(export []byte) []byte {
			at := bytes.Index(export, []byte(`"made_at":`)) + len(`"made_at":`) + r.IntN(15)
			export[at] = '1' + (export[at]-'0')%9
			return export
		}
	},
	"alter a line of the witness's file": func(_ testing.TB, h *house, _ holdings, r *rand.Rand, e *evidence) {
		honest := e.kept
		for saysTheSame(h, e.kept, honest) {
			lines := strings.Split(honest, "\n")
			i := r.IntN(len(lines))
			switch l := []byte(lines[i]); {
			case r.IntN(4) == 0:
				lines = slices.Delete(lines, i, i+1)
			case r.IntN(4) == 0:
				lines[i] = ""
			case len(l) > 0:
				l[r.IntN(len(l))] = "0123456789abcdefXYZ+/= —"[r.IntN(24)]
				lines[i] = string(l)
			}
			e.kept = strings.Join(lines, "\n")
		}
	},
	"swap tenants": func(t testing.TB, h *house, s holdings, r *rand.Rand, _ *evidence) {
		other := neighbour(t, h)
		other.recorded(t, r, len(s["audit_entry"]))
		for table, rows := range other.take(t) {
			s[table] = rows
		}
	},
}

// saysTheSame reports that two witness's files hold the same checkpoints: what stands
// between them, and how a signature is written, proves nothing.
func saysTheSame(h *house, a, b string) bool {
	keys, err := h.trail.Keys()
	if err != nil {
		return false
	}
	read := func(file string) (out []checkpoint.Checkpoint) {
		notes, torn := checkpoint.Whole(file)
		for _, n := range notes {
			c, _, err := checkpoint.Open(n, keys...)
			if err != nil {
				torn++
			}
			out = append(out, c)
		}
		return append(out, make([]checkpoint.Checkpoint, torn)...)
	}
	return slices.Equal(read(a), read(b))
}

// again lets the real sequencer, with the real key, hash a changed trail from its
// first entry: an insider who holds both.
func again(t testing.TB, h *house, s holdings, change func(all [][]any) [][]any) {
	t.Helper()
	var pending [][]any
	for _, row := range change(s.clone()["audit_entry"]) {
		p := make([]any, 0, len(tables["audit_pending"]))
		for _, c := range tables["audit_pending"] {
			switch c {
			case "hold":
				p = append(p, int64(0))
			case "burst":
				p = append(p, "")
			case "count":
				p = append(p, int64(1))
			default:
				p = append(p, row[column("audit_entry", c)])
			}
		}
		pending = append(pending, p)
	}
	h.put(t, holdings{"audit_pending": pending})
	h.sequence(t)
	for table, rows := range h.take(t) {
		s[table] = rows
	}
}

// neighbour is another tenant beside a house, on the embedded engine.
func neighbour(t testing.TB, h *house) *house {
	t.Helper()
	other := *h
	other.d = build(t, db.SQLite).d
	kms, err := filekms.OpenOrMake(t.TempDir() + "/kms.json")
	if err != nil {
		t.Fatal(err)
	}
	wrapped, err := keys.NewRing(t.Context(), kms, "tn_00000000000000000000000002")
	if err != nil {
		t.Fatal(err)
	}
	if other.ring, err = keys.OpenRing(t.Context(), kms, "tn_00000000000000000000000002", wrapped); err != nil {
		t.Fatal(err)
	}
	other.store = &keys.Store{DB: build(t, db.SQLite).store.DB, Ring: other.ring}
	other.config = audit.Config{DB: other.d, Ring: other.ring, Persons: other.store}
	other.trail = audit.New(other.config)
	return &other
}

func mutationsWanted(e db.Engine) int {
	n := 100
	switch {
	case os.Getenv("LENDKEEP_PROVE") != "":
		n = 1000
	case testing.Short():
		n = 20
	}
	if e == db.PostgreSQL {
		n /= 10 // the same rows behind another engine
	}
	return n
}

// uncaught mutates a trail n times, one way after the other, and gives the mutations
// that the server and that the auditor did not notice.
func uncaught(t *testing.T, h *house, n int) (server, auditor []string) {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	kept := strings.Join(h.recorded(t, r, 40), "\n")
	if s, a := h.found(t, &evidence{kept: kept}); s != nil || a != nil {
		t.Fatalf("an untouched trail: %v, %v", s, a)
	}
	honest := h.take(t)
	names := make([]string, 0, len(mutations))
	for name := range mutations {
		names = append(names, name)
	}
	slices.Sort(names)
	for i := range n {
		name := names[i%len(names)]
		s, e := honest.clone(), &evidence{kept: kept}
		mutations[name](t, h, s, r, e)
		h.put(t, s)
		inServer, inFile := h.found(t, e)
		var broken *audit.Broken
		outside := e.kept != kept || e.file != nil
		if inServer == nil && e.file == nil || !outside && !errors.As(inServer, &broken) {
			server = append(server, fmt.Sprintf("%s: %v", name, inServer))
		}
		// What lists search by, and what is sealed, is not in a file.
		if inFile == nil && (outside || !onlyBeside(honest, s)) {
			auditor = append(auditor, name)
		}
		h.put(t, honest)
	}
	return server, auditor
}

// onlyBeside reports that two trails differ in nothing that a file for auditors holds:
// a file ends with its checkpoint.
func onlyBeside(a, b holdings) bool {
	if len(b["audit_entry"]) < len(a["audit_entry"]) {
		return false
	}
	for i, row := range a["audit_entry"] {
		for _, c := range []string{"sequence", "object_sequence", "body", "leaf"} {
			k := column("audit_entry", c)
			if fmt.Sprint(row[k]) != fmt.Sprint(b["audit_entry"][i][k]) {
				return false
			}
		}
	}
	return true
}

// TestNoTrailIsFalselyAccused: none of the honest trails is called broken, 100 at full
// length.
func TestNoTrailIsFalselyAccused(t *testing.T) {
	h := build(t, db.SQLite)
	empty := h.take(t)
	for i := range mutationsWanted(db.PostgreSQL) {
		r := rand.New(rand.NewPCG(2, uint64(i)))
		h.put(t, empty)
		kept := h.recorded(t, r, 1+r.IntN(60))
		if s, a := h.found(t, &evidence{kept: strings.Join(kept, "\n")}); s != nil || a != nil {
			t.Fatalf("trail %d: %v, %v", i, s, a)
		}
	}
}
