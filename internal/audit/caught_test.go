//go:build !control_unwitnessed

package audit_test

import (
	"testing"
)

// TestEveryMutationIsCaughtAgainstACheckpointKeptElsewhere: whoever holds the database,
// and even the key, cannot change what was witnessed.
func TestEveryMutationIsCaughtAgainstACheckpointKeptElsewhere(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		n := mutationsWanted(h.d.Engine())
		server, auditor := uncaught(t, h, n)
		t.Logf("%d of %d mutations caught by the server, %d by the auditor", n-len(server), n, n-len(auditor))
		for _, s := range server {
			t.Errorf("the server did not notice: %s", s)
		}
		for _, s := range auditor {
			t.Errorf("the auditor did not notice: %s", s)
		}
	})
}
