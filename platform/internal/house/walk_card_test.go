package house_test

import (
	"context"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// planted is the card number that is put everywhere, and how it is written.
const planted = "5105105105105100"

func disguises() []string {
	return []string{"5105-1051-0510-5100", "paid by " + planted + " yesterday"}
}

// holdsCard reports the planted number in a text, whatever stands between its digits.
func holdsCard(text string) bool {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
	return strings.Contains(digits, planted) || strings.Contains(text, strings.TrimRight(base64.StdEncoding.EncodeToString([]byte(planted)), "=")[:20])
}

// lines is what a house has logged.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// leaf is a text of an input: where it stands in the body, or in the query.
type leaf struct {
	path  []string // "[]" is the first of a list
	query bool
}

func (l leaf) String() string {
	return strings.ReplaceAll(strings.Join(l.path, "."), ".[]", "[0]")
}

// leaves lists the texts of an input.
func leaves(t reflect.Type, at []string, within int) (out []leaf) {
	written := func(t reflect.Type) bool {
		return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]())
	}
	switch {
	case within > 6:
	case written(t) || t.Kind() == reflect.String:
		out = append(out, leaf{path: slices.Clone(at)})
	case t.Kind() == reflect.Pointer:
		out = leaves(t.Elem(), at, within+1)
	case t.Kind() == reflect.Slice:
		out = leaves(t.Elem(), append(at, "[]"), within+1)
	case t.Kind() == reflect.Struct:
		for i := range t.NumField() {
			f := t.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			query, _, _ := strings.Cut(f.Tag.Get("query"), ",")
			switch {
			case query != "":
				out = append(out, leaf{path: []string{query}, query: true})
			case f.Anonymous && name == "":
				out = append(out, leaves(f.Type, at, within+1)...)
			case name != "" && name != "-" && f.Tag.Get("path") == "":
				out = append(out, leaves(f.Type, append(at, name), within+1)...)
			}
		}
	}
	return out
}

// set puts a text into a body.
func set(body any, path []string, text string) any {
	if len(path) == 0 {
		return text
	}
	if path[0] == "[]" {
		list, _ := body.([]any)
		if len(list) == 0 {
			list = []any{nil}
		}
		list[0] = set(list[0], path[1:], text)
		return list
	}
	fields, ok := body.(map[string]any)
	if !ok {
		fields = map[string]any{}
	}
	fields[path[0]] = set(fields[path[0]], path[1:], text)
	return fields
}

// A card number in any text of any operation is refused with the field's name, is
// not repeated, and lies afterwards in no row, no line of the log and no letter;
// the trail tells the field and the last four digits.
func TestNoOperationTakesACardNumber(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine)
			who := w.person(policy.Admin)
			tried, told := 0, 0
			for _, m := range w.house.Gate.Catalogue() {
				if m.Path == "" || m.Permit == gate.Public {
					continue
				}
				for _, l := range leaves(m.In, nil, 0) {
					for _, text := range disguises() {
						tried++
						if w.plant(t, who, m, l, text) {
							told++
						}
					}
				}
				w.plantPath(t, who, m)
			}
			t.Logf("%d texts of %d operations tried; the guard itself spoke %d times", tried, len(w.house.Gate.Catalogue()), told)
			if told < 100 {
				t.Errorf("the guard spoke only %d times", told)
			}
			w.searched(t)
		})
	}
}

// The guard reads every text of every input, also of what only the screens and
// the hosted form call.
func TestTheGuardReadsEveryText(t *testing.T) {
	w := walkable(t, db.SQLite)
	read, operations := 0, w.house.Gate.Catalogue()
	for _, m := range operations {
		texts, err := shape.PlanTexts(m.In)
		check(t, err)
		for _, l := range leaves(m.In, nil, 0) {
			in := reflect.New(m.In)
			if !hold(in.Elem(), l.path, disguises()[0]) || l.path[0] == "csv" { // its desk reads it: see onboarding
				continue
			}
			read++
			f := fault.As(texts.Check(in.Interface()))
			if f == nil || f.Reason != shape.CardNumber || f.Fields[0].Path != l.String() || holdsCard(f.Error()) {
				t.Errorf("%s: the guard does not see %s: %v", m.Name, l, f)
			}
		}
	}
	t.Logf("%d texts of %d operations", read, len(operations))
	if read < 300 {
		t.Errorf("only %d texts were read", read)
	}
}

// hold puts a text into an input that has nothing else; false if what stands there
// is no text but a date, an amount or the like.
func hold(v reflect.Value, path []string, text string) bool {
	switch {
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return hold(v.Elem(), path, text)
	case len(path) == 0:
		if v.Kind() == reflect.String {
			v.SetString(text)
		}
		return v.Kind() == reflect.String
	case path[0] == "[]":
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return hold(v.Index(0), path[1:], text)
	}
	for i := range v.NumField() {
		f := v.Type().Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		query, _, _ := strings.Cut(f.Tag.Get("query"), ",")
		switch {
		case name == path[0] || query == path[0]:
			return hold(v.Field(i), path[1:], text)
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct && hold(v.Field(i), path, text):
			return true
		}
	}
	return false
}

// plant sends a card number in one text of an input, and reports whether the guard
// found it (and not the form of the field).
func (w *world) plant(t *testing.T, who *person, m *gate.Meta, l leaf, text string) bool {
	t.Helper()
	path, body := w.fill(w.route(m.Path)+queries()[m.Name], who), w.fill(deeds()[m.Name], who)
	if l.query {
		at := mustURL(path)
		query := at.Query()
		query.Set(l.path[0], text)
		at.RawQuery = query.Encode()
		path = at.String()
	} else {
		var in any
		if body != "" {
			check(t, json.Unmarshal([]byte(body), &in))
		}
		sent, err := json.Marshal(set(in, l.path, text))
		check(t, err)
		body = string(sent)
	}
	w.tick()
	got := w.send(m.Method, path, body, who.key, who.address)
	var said struct {
		Reason string `json:"reason"`
		Errors []struct {
			Field string `json:"field"`
		} `json:"errors"`
	}
	if holdsCard(string(got.body)) {
		t.Errorf("%s %s: the answer repeats it: %s", m.Name, l, got.body)
	}
	_ = json.Unmarshal(got.body, &said)
	named := slices.ContainsFunc(said.Errors, func(f struct {
		Field string `json:"field"`
	}) bool {
		// What is inside of something that lacks other parts is told together with them.
		return f.Field == l.String() || len(l.path) > 1 && strings.HasPrefix(f.Field, l.path[0]) || strings.HasPrefix(f.Field, l.String()+".") || l.path[0] == "csv" && strings.HasPrefix(f.Field, "line ")
	})
	if got.status != 422 || !named {
		t.Errorf("%s: with a card number in %s it answers %d %s", m.Name, l, got.status, got.body)
	}
	if said.Reason != "card_number" {
		return false
	}
	if !slices.ContainsFunc(w.trail(audit.Filter{From: w.now.Load(), Limit: 20}), func(e audit.Entry) bool {
		return e.Reason == "card_number" && e.Detail["card_number_in"] == l.String() && strings.HasPrefix(e.Detail["card_number"], "****") && strings.HasSuffix("**** 5100", e.Detail["card_number"][4:])
	}) {
		t.Errorf("%s: no entry tells of the card number in %s", m.Name, l)
	}
	return true
}

// plantPath asks for a thing by a card number: there is no such thing.
func (w *world) plantPath(t *testing.T, who *person, m *gate.Meta) {
	t.Helper()
	route := w.route(m.Path)
	first := token.FindString(route)
	if first == "" {
		return
	}
	w.tick()
	got := w.send(m.Method, w.fill(strings.Replace(route, first, planted, 1), who), w.fill(deeds()[m.Name], who), who.key, who.address)
	if got.status/100 != 4 || holdsCard(string(got.body)) {
		t.Errorf("%s of a card number: %d %s", m.Name, got.status, got.body)
	}
}

// searched looks for the planted number in every row, in the log and in the post,
// after it has been seen to find what is there.
func (w *world) searched(t *testing.T) {
	t.Helper()
	if found := w.rowsWith(t); len(found) > 0 {
		t.Errorf("it lies in %v", found)
	}
	if holdsCard(w.logged.String()) {
		t.Error("it stands in the log")
	}
	check(t, filepath.WalkDir(filepath.Join(w.dir, "mail"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		_, letter, _ := strings.Cut(string(raw), "\r\n\r\n")
		text, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(letter, "\r\n", ""))
		if holdsCard(string(raw)) || holdsCard(string(text)) {
			t.Errorf("a letter holds it: %s", path)
		}
		return err
	}))
	w.write(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO portfolio (id, name, created_at) VALUES (?, ?, ?)`, "pf_control", "5105 1051 0510 5100", tx.At)
		return err
	})
	if found := w.rowsWith(t); len(found) != 1 {
		t.Errorf("the control was found in %v", found)
	}
}

// rowsWith lists the columns in which the planted number lies.
func (w *world) rowsWith(t *testing.T) (found []string) {
	t.Helper()
	columns, as := `SELECT m.name, p.name, p.type FROM sqlite_master m, pragma_table_info(m.name) p WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite%'`, `CAST(%s AS BLOB)`
	if w.tenant.DB.Engine() == db.PostgreSQL {
		columns, as = `SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'`, `convert_to(CAST(%s AS text), 'UTF8')`
	}
	type column struct{ table, name, kind string }
	cells := 0
	check(t, w.tenant.DB.Read(context.Background(), w.now.Load(), func(ctx context.Context, tx *db.Tx) error {
		all, err := db.All(ctx, tx, func(r *db.Rows) (c column, err error) { return c, r.Scan(&c.table, &c.name, &c.kind) }, columns)
		if err != nil {
			return err
		}
		for _, c := range all {
			value := fmt.Sprintf(as, c.name)
			if c.kind == "bytea" {
				value = c.name
			}
			values, err := db.All(ctx, tx, func(r *db.Rows) (b []byte, err error) { return b, r.Scan(&b) }, `SELECT `+value+` FROM `+c.table+` WHERE `+c.name+` IS NOT NULL`)
			if err != nil {
				return fmt.Errorf("%s.%s: %w", c.table, c.name, err)
			}
			cells += len(values)
			if slices.ContainsFunc(values, func(b []byte) bool { return holdsCard(string(b)) }) {
				found = append(found, c.table+"."+c.name)
			}
		}
		return nil
	}))
	t.Logf("%d cells looked at", cells)
	return found
}

// Every form of the screens, with a card number in one field after the other:
// nothing breaks, no page repeats it, and it lies nowhere afterwards.
func TestNoFormTakesACardNumber(t *testing.T) {
	w := walkable(t, db.SQLite)
	s := w.stroll(t, w.person(policy.Admin))
	queue := []offer{}
	for _, root := range roots() {
		queue = append(queue, offer{method: "GET", path: root})
	}
	s.lay(s.who)
	for i := 0; i < len(queue) && i < 400; i++ {
		at := s.fill(queue[i].path, s.who)
		queue = append(queue, s.note(w.enter(offer{method: "GET", path: at}, s.who), at)...)
	}
	sent, refused := 0, 0
	try := func(o offer, field string) {
		got := w.enter(o, s.who)
		if sent++; got.status == 422 {
			refused++
		}
		if got.status >= 500 || holdsCard(got.location) || got.doc != nil && holdsCard(s.said(got)) {
			t.Errorf("%s with a card number in %s: %d, and it is repeated or breaks", o, field, got.status)
		}
	}
	for _, act := range s.acts {
		for field := range act.form {
			if strings.HasPrefix(field, "_") {
				continue
			}
			o := s.fillOffer(act)
			o.form.Set(field, disguises()[sent%2])
			w.signIn(s.who)
			try(o, field)
		}
	}
	for _, link := range queue {
		at := mustURL(s.fill(link.path, s.who))
		query := at.Query()
		for field := range query {
			asked := url.Values{}
			for k, v := range query {
				asked[k] = v
			}
			asked.Set(field, disguises()[0])
			try(offer{method: "GET", path: at.Path + "?" + asked.Encode()}, field)
		}
	}
	t.Logf("%d forms, %d fields; %d were refused with the field", len(s.acts), sent, refused)
	if refused < 100 {
		t.Errorf("only %d were refused with the field", refused)
	}
	w.searched(t)
}

// said is all text of a page, with what its fields hold.
func (s *stroll) said(page shown) string {
	var b strings.Builder
	for n := range page.doc.Descendants() {
		b.WriteString(n.Data + "\n")
		for _, a := range n.Attr {
			b.WriteString(a.Val + "\n")
		}
	}
	return b.String()
}
