package people

import (
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// refuseFromConsole keeps the operator of the machine from making somebody who may
// change access: for that there is a recovery, which waits a day and is announced.
func (d *Desk) refuseFromConsole(c *gate.Call, role *policy.Role) error {
	if c.Channel != operation.Console {
		return nil
	}
	for _, m := range d.config.Catalogue() {
		if m.Permit == gate.ByRole && m.Area == "Access" && m.Kind == operation.Write && (role.Rights.UI.Has(m.Number) || role.Rights.API.Has(m.Number)) {
			return fault.New(fault.Denied, "no_access_from_console", "The command line makes nobody who may change access. A user who may add users does; where nobody can any more, lendkeep recover-admin names an administrator.")
		}
	}
	return nil
}
