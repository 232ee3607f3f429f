package roles_test

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// go test ./platform/internal/admin/roles -run TestAMillion -entries 1000000
// measures the replay over so many recorded calls of one role's holders.
var entries = flag.Int("entries", 0, "recorded calls to decide again")

func TestAMillionRecordedCalls(t *testing.T) {
	if *entries == 0 {
		t.Skip("-entries says no number")
	}
	each(t, func(t *testing.T, h *gatetest.House, s shop) {
		record(t, h, *entries)
		in := roles.ImpactIn{ID: h.Roles[policy.Agent], UI: []string{"loan.list"}, API: []string{}}
		for _, look := range []string{"the first look", "the next one"} {
			began := time.Now()
			out, err := gatetest.Do(h, s.Impact, h.Key(policy.Admin), in)
			if err != nil || out.Replay.Denied == 0 {
				t.Fatal(out, err)
			}
			t.Logf("%s: %d decisions, %d would be denied, %v", look, out.Replay.Decisions, out.Replay.Denied, time.Since(began).Round(time.Millisecond))
		}
	})
}

// record puts entries as the trail stores them: a third of them pages.
func record(t *testing.T, h *gatetest.House, n int) {
	t.Helper()
	who := "user/" + string(h.People[policy.Agent].ID)
	now := h.Now().UnixMicro()
	const batch = 20_000
	for from := 0; from < n; from += batch {
		err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			var rows [][]any
			for i := from; i < min(n, from+batch); i++ {
				at := now - int64(i)*2_000_000
				entry, channel, op, list := string(id.New[id.Audit](at)), "api", "loan.payment.log", ""
				if i%3 == 0 {
					channel, op, list = "ui", "loan.view", `"operations":["loan.view","loan.list","session.end"],`
				}
				object := fmt.Sprintf("loan/ln_%026d", i%5000)
				body := fmt.Appendf([]byte{1}, `{"id":%q,"at":%d,"actor":%q,"actor_name":"Agent Person","channel":%q,"credential":"se_06h068520000000000000000aa","address":"198.51.100.7","user_agent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36","operation":%q,%s"object":%q,"outcome":"allowed","policy_version":12}`, entry, at, who, channel, op, list, object)
				rows = append(rows, []any{i + 1, entry, at, who, op, object, 1, "allowed", channel, "198.51.100.7", body, []byte{}, make([]byte, 32), make([]byte, 32)})
			}
			return tx.Bulk(ctx, `INSERT INTO audit_entry (sequence, id, at, actor, operation, object, object_sequence, outcome, channel, address, body, sealed, leaf, chain) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, rows)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
