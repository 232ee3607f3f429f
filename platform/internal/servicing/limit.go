package servicing

import (
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// borrowerArea is the area of limits that speaks of who owes a loan.
const borrowerArea = "borrower"

// unnamed gives the loans of which the caller may not see who owes them, for
// lists that show it among other things; nil for none.
func unnamed(c *gate.Call) *db.Cond {
	if cond, some := c.Withheld(borrowerArea); some {
		return &cond
	}
	return nil
}

// borrowerLimit refuses what would tell about borrowers who are withheld, such
// as an order by their names, in the words of the limit.
func borrowerLimit(c *gate.Call) *fault.Error {
	f := fault.New(fault.Denied, "limit_too_low", "Your search restriction hides borrowers, so lists cannot be sorted by them.")
	for _, l := range c.Subject().Limits(borrowerArea) {
		if l.Allows() == policy.None && l.Message != "" {
			f.Message = l.Message
			break
		}
	}
	return f
}
