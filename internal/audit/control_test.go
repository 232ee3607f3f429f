//go:build control_unwitnessed

package audit_test

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
)

// TestTheHarnessCatchesABuildThatComparesWithNothing: the same mutations go through
// where the comparison with what was kept elsewhere is left out.
func TestTheHarnessCatchesABuildThatComparesWithNothing(t *testing.T) {
	server, auditor := uncaught(t, build(t, db.SQLite), 50)
	if len(server) == 0 || len(auditor) == 0 {
		t.Fatalf("the harness did not catch the control build: %v, %v", server, auditor)
	}
	t.Logf("caught: %d and %d of 50 mutations went through", len(server), len(auditor))
}
