package house_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
)

// status asks a plain question of the server, by a host's name.
func (w *world) status(path, host string) (int, string) {
	w.t.Helper()
	r, err := http.NewRequest("GET", w.server.URL+path, http.NoBody)
	check(w.t, err)
	r.Host = host
	res, err := w.server.Client().Do(r)
	check(w.t, err)
	defer res.Body.Close()
	var said map[string]string
	body, err := io.ReadAll(res.Body)
	check(w.t, err)
	if json.Unmarshal(body, &said) != nil {
		return res.StatusCode, string(body)
	}
	return res.StatusCode, said["status"]
}

// letters gives the post that was sent, opened.
func (w *world) letters() (out []string) {
	w.t.Helper()
	check(w.t, filepath.WalkDir(filepath.Join(w.dir, "mail"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		head, body, _ := strings.Cut(string(raw), "\r\n\r\n")
		text, _ := base64.StdEncoding.DecodeString(strings.ReplaceAll(body, "\r\n", ""))
		out = append(out, head+"\n"+string(text))
		return err
	}))
	return out
}

// about counts the letters whose subject says something.
func about(letters []string, words string) (n int) {
	for _, l := range letters {
		if strings.Contains(l, words) {
			n++
		}
	}
	return n
}

// refuse has the database take no entries, and gives the way back.
func (w *world) refuse() (mend func()) {
	w.t.Helper()
	do := func(statement string) {
		check(w.t, w.tenant.DB.Write(context.Background(), 0, func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, statement)
			return err
		}))
	}
	if w.tenant.DB.Engine() == db.PostgreSQL {
		do(`ALTER TABLE audit_pending ADD CONSTRAINT refused CHECK (false) NOT VALID`)
		return func() { do(`ALTER TABLE audit_pending DROP CONSTRAINT refused`) }
	}
	do(`CREATE TRIGGER refused BEFORE INSERT ON audit_pending BEGIN SELECT RAISE(ABORT, 'refused'); END`)
	return func() { do(`DROP TRIGGER refused`) }
}

// until waits for what comes about within seconds.
func until(t *testing.T, what string, fn func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !fn(); {
		if time.Now().After(end) {
			t.Fatalf("it did not come about: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// The database takes no more entries. Nothing is done from then on, and everybody
// who must know hears of it: the caller, the log, whoever asks whether the server is
// ready, and by one letter the people with access rights. When it takes entries
// again the first one says for how long it did not, and a second letter that it is
// over.
func TestAnAlarmRingsWhileEntriesCannotBeWritten(t *testing.T) {
	for name, engine := range enginesOf(t) {
		t.Run(name, func(t *testing.T) {
			w := walkable(t, engine, func(c *house.Config) { c.Grace = 100 * time.Millisecond })
			ctx, stop := context.WithCancel(context.Background())
			done := make(chan error, 1)
			go func() { done <- w.house.Run(ctx) }()
			defer func() { stop(); check(t, <-done) }()
			loan := makeLoan(w, w.boss)
			for _, path := range []string{"/readyz", "/healthz"} {
				if code, _ := w.status(path, "acme.test"); code != 200 {
					t.Fatalf("%s before: %d", path, code)
				}
			}
			before := len(w.letters())
			mend := w.refuse()
			mended := false
			defer func() {
				if !mended {
					mend()
				}
			}()

			tried, refused := 0, 0
			until(t, "the alarm rings", func() bool {
				w.tick()
				tried++
				got := w.send("POST", "/loans/"+loan+"/notes", fmt.Sprintf(`{"body":"note %d %s"}`, tried, strings.Repeat("x", 3000)), w.boss.key, w.boss.address)
				refused++
				if got.status != 503 {
					t.Fatalf("a write answers %d %s", got.status, got.body)
				}
				return w.tenant.Trail.Alarm.State().Rings()
			})
			kept := w.rows(`SELECT COUNT(*) FROM note WHERE loan_id = ?`, loan)
			for range 5 {
				if got := w.fetch(w.boss, "GET", "/loans/"+loan); got.status != 503 {
					t.Errorf("a look answers %d without an entry", got.status)
				}
				refused++
			}
			if page := w.enter(offer{method: "GET", path: "/loans"}, w.person(policy.Admin)); page.status != 503 || !strings.Contains(words(page.doc), "audit trail cannot be written") {
				t.Errorf("a page answers %d", page.status)
			}
			refused++
			if n := w.rows(`SELECT COUNT(*) FROM note WHERE loan_id = ?`, loan); n != kept || n != 1 {
				t.Errorf("%d notes, %d before", n, kept)
			}
			if code, word := w.status("/readyz", "acme.test"); code != 503 || word != "audit_unwritten" {
				t.Errorf("readiness: %d %s", code, word)
			}
			if code, word := w.status("/healthz", "acme.test"); code != 200 || word != "alive" {
				t.Errorf("health: %d %s", code, word)
			}
			if !strings.Contains(w.logged.String(), "alarm=audit_unwritten state=rings") || !strings.Contains(w.logged.String(), "level=ERROR") {
				t.Errorf("the log does not say so:\n%s", w.logged.String())
			}
			until(t, "people are told", func() bool { return about(w.letters()[before:], "cannot be written") >= 2 })
			bosses := about(w.letters()[before:], "cannot be written")
			time.Sleep(300 * time.Millisecond) // it goes on, and they are told no more
			if n := about(w.letters()[before:], "cannot be written"); n != bosses {
				t.Errorf("%d letters that it begins, %d before", n, bosses)
			}
			for _, l := range w.letters()[before:] {
				if strings.Contains(l, "To: "+policy.Agent+"@") || strings.Contains(l, "To: "+policy.Intake+"@") {
					t.Errorf("somebody without access rights was told: %s", l)
				}
			}

			mend()
			mended = true
			until(t, "the alarm ends", func() bool { return !w.tenant.Trail.Alarm.State().Rings() })
			until(t, "people are told that it is over", func() bool { return about(w.letters()[before:], "is written again") == bosses })
			if code, word := w.status("/readyz", "acme.test"); code != 200 || word != "ready" {
				t.Errorf("readiness afterwards: %d %s", code, word)
			}
			list := w.trail(audit.Filter{Operation: records.Interruption, Limit: 10})
			if len(list) != 1 || list[0].Outcome != operation.Failed || list[0].Detail["since"] == "" || list[0].Detail["until"] == "" || list[0].Detail["calls"] != fmt.Sprint(refused) {
				t.Errorf("the entries of the interruption: %+v", list)
			}
			if got := w.send("POST", "/loans/"+loan+"/notes", `{"body":"afterwards"}`, w.boss.key, w.boss.address); got.status != 201 {
				t.Errorf("afterwards: %d %s", got.status, got.body)
			}
			page := w.enter(offer{method: "GET", path: "/audit/checkpoints"}, w.person(policy.Admin))
			if page.status != 200 || !strings.Contains(words(page.doc), "Interruptions") {
				t.Errorf("the page of proofs does not tell of it: %d", page.status)
			}
			t.Logf("%d calls were refused", refused)
		})
	}
}

// While it rings, a page that can be shown says so to whoever looks after the trail,
// and to nobody else.
func TestAPageSaysThatTheTrailCannotBeWritten(t *testing.T) {
	w := walkable(t, db.SQLite)
	w.tenant.Trail.Alarm.Ring(errors.New("the key store does not answer"))
	for role, sees := range map[string]bool{policy.Admin: true, policy.Agent: false} {
		page := w.enter(offer{method: "GET", path: "/loans"}, w.person(role))
		if got := strings.Contains(words(page.doc), "The audit trail cannot be written"); page.status != 200 || got != sees {
			t.Errorf("%s: %d, told %t", role, page.status, got)
		}
	}
	if code, word := w.status("/readyz", "elsewhere.test"); code != 503 || word != "audit_unwritten" {
		t.Errorf("readiness by no tenant's name, the only tenant failing: %d %s", code, word)
	}
}
