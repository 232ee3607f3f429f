// Package docket is the register of applications and what belongs to them: the
// applicant, network checks, verdicts, moves of status, the rules they were
// decided by, and the connection to the provider of network facts.
//
// Invariants: whoever reads applications hands in a gate.Scope, whose condition
// comes first; checks, verdicts, moves and rule sets are only ever added; every
// personal field is sealed under the key that is named by the application's id
// and is found, if at all, by a blind index; an application is changed only
// after Lock, so that two callers never decide it at once.
//
// It must not know rules' meaning, providers, jobs or HTTP.
package docket

import (
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Area is the area of limits that speaks of applications.
const Area = "application"

// Left gives, over alias a, the applications that the caller's limits leave to
// lists: one of which nothing may be viewed stands in none.
func Left(c *gate.Call) db.Cond {
	if withheld, some := c.Withheld(Area); some {
		return db.Not(withheld)
	}
	return db.True()
}
