package roles

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// day is a day in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// alike names recorded calls of one day that differ in nothing that a role asks
// for. The key is kept of refused calls alone: its scope was not asked then.
type alike struct {
	day                       int64
	actor, channel, operation string
	denied                    bool
	key                       id.APIKey
}

// called is how often it was called, and the newest call.
type called struct {
	calls, newest int64
	entry         id.Audit
	object        string
}

// tally counts what a role was asked for, by day. Entries of the trail never
// change and their sequence only grows, so what has been counted stays counted:
// a first look reads the days whole, the next ones only what is new.
type tally struct {
	mu      sync.Mutex // guards all below
	since   int64
	through int64 // sequence of the last entry that is counted
	counts  map[alike]called
}

// tallies keeps one for each tenant.
type tallies struct {
	mu   sync.Mutex // guards kept
	kept map[*tenant.Tenant]*tally
}

func (t *tallies) of(who *tenant.Tenant) *tally {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil {
		t.kept = map[*tenant.Tenant]*tally{}
	}
	if t.kept[who] == nil {
		t.kept[who] = &tally{}
	}
	return t.kept[who]
}

// each calls f for everything recorded from since on, as this transaction sees
// the trail: what is sequenced out of the tally, what waits for its place anew.
func (t *tally) each(ctx context.Context, tx *db.Tx, since int64, f func(alike, called) error) error {
	var last int64
	if err := tx.One(ctx, `SELECT COALESCE(MAX(sequence), 0) FROM audit_entry`, nil, &last); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if last < t.through {
		// Another call has counted beyond what this snapshot shows.
		return (&tally{}).each(ctx, tx, since, f)
	}
	if t.counts == nil || since < t.since {
		t.counts, t.through, t.since = map[alike]called{}, 0, since
	}
	fresh := map[alike]called{}
	if err := count(ctx, tx, fresh, `audit_entry WHERE sequence > ? AND sequence <= ? AND `, since, t.through, last); err != nil {
		return err
	}
	for a, c := range fresh {
		t.counts[a] = t.counts[a].and(c)
	}
	t.through = last
	for a := range t.counts {
		if a.day < since/day {
			delete(t.counts, a)
		}
	}
	waiting := map[alike]called{}
	if err := count(ctx, tx, waiting, `audit_pending WHERE `, since); err != nil {
		return err
	}
	for _, m := range []map[alike]called{t.counts, waiting} {
		for a, c := range m {
			if err := f(a, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// count reads what holders of roles have called. The body is read where the
// columns do not tell all: a page's entry lists several operations there, and a
// denial its layer.
func count(ctx context.Context, tx *db.Tx, into map[alike]called, from string, since int64, args ...any) error {
	rows, err := tx.Query(ctx, `SELECT id, at, actor, channel, outcome, operation, object, CASE WHEN channel = 'api' AND outcome <> 'denied' THEN NULL ELSE body END
		FROM `+from+`at >= ? AND channel IN ('ui', 'api', 'walkthrough') AND actor LIKE 'user/%'`, append(args, since)...)
	if err != nil {
		return err
	}
	defer rows.Close()
	words := words{}
	for rows.Next() {
		var entry id.Audit
		var at int64
		var actor, channel, outcome, op, object string
		var body []byte
		if err := rows.Scan(&entry, &at, &actor, &channel, &outcome, &op, &object, &body); err != nil {
			return err
		}
		a := alike{day: at / day, actor: words.one(actor), channel: words.one(channel), denied: outcome == operation.Denied.String()}
		if !asked(a.denied, body) {
			continue
		}
		if a.denied && channel == operation.API.String() {
			a.key = id.APIKey(words.one(text(body, `"credential":"`)))
		}
		for _, name := range operations(body, op) {
			a.operation = words.one(name)
			into[a] = into[a].and(called{1, at, entry, object})
		}
	}
	return rows.Err()
}

// and gives both together.
func (c called) and(d called) called {
	c.calls += d.calls
	if d.newest > c.newest || d.newest == c.newest && d.entry > c.entry {
		c.newest, c.entry, c.object = d.newest, d.entry, d.object
	}
	return c
}

// words keeps one copy of each text that comes again and again.
type words map[string]string

func (w words) one(s string) string {
	if kept, ok := w[s]; ok {
		return kept
	}
	s = strings.Clone(s)
	w[s] = s
	return s
}

// asked reports whether the caller's own role was asked for: not where a grant
// permitted, where a layer refused that is asked before the role or after it, nor
// where the session looked through other eyes. A body is
// JSON in a fixed order of keys, and a quote within its texts stands behind a
// backslash, so that what is looked for stands nowhere else.
func asked(denied bool, body []byte) bool {
	head, _, _ := bytes.Cut(body, []byte(`,"detail":{`))
	if bytes.Contains(head, []byte(`,"for":"`)) {
		return false
	}
	if denied {
		return bytes.Contains(head, []byte(`"outcome":"denied","layer":"role"`))
	}
	return !bytes.Contains(head, []byte(`,"grant":"`))
}

// operations gives what an entry stands for: a page's list, or its one operation.
func operations(body []byte, one string) []string {
	_, rest, several := bytes.Cut(body, []byte(`"operations":["`))
	list, _, whole := bytes.Cut(rest, []byte(`"]`))
	if !several || !whole {
		return []string{one}
	}
	return strings.Split(string(list), `","`)
}

func text(body []byte, head string) string {
	_, rest, _ := bytes.Cut(body, []byte(head))
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return string(value)
}
