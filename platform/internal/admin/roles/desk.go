// Package roles is the desk of roles: what each permits on the screens and in
// the API, and how much of personal data its holders may see.
//
// Invariants. A role holds names of the one list of operations and no others,
// each in a channel that has it. Nobody changes the role that they hold or get
// back, nobody gives what they may not give, and the Admin role never loses what
// administering needs. A shipped role follows the product until somebody changes
// its content; then it is customized, keeps its place, and can be given back. A
// change bumps the policy version, so it holds at the next call of every holder.
//
// Before a change is saved, its impact is told: who gains and loses what, and
// what the recorded calls of the last thirty days would have met. The package
// decides no call and knows no front.
package roles

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config    Config
	tallies   tallies
	List      *gate.Op[admin.Nothing, ListOut]
	View      *gate.Op[Ref, Role]
	Create    *gate.Op[Content, Role]
	Update    *gate.Op[UpdateIn, Role]
	Duplicate *gate.Op[DuplicateIn, Role]
	Restore   *gate.Op[Ref, Role]
	Delete    *gate.Op[Ref, admin.Done]
	Compare   *gate.Op[CompareIn, CompareOut]
	Impact    *gate.Op[ImpactIn, ImpactOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.List, d.View, d.Compare = d.list(), d.view(), d.compare()
	d.Create, d.Update, d.Duplicate = d.create(), d.update(), d.duplicate()
	d.Restore, d.Delete = d.restore(), d.delete()
	d.Impact = d.impact()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.List, d.View, d.Create, d.Update, d.Duplicate, d.Restore, d.Delete, d.Compare, d.Impact}
}

// look describes a read of this desk; edit an access change.
func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, screen, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

func object(r id.Role) string { return "role/" + string(r) }

// held finds a role of the policy of this call.
func held(c *gate.Call, rid id.Role) (*policy.Role, error) {
	if r := c.Policy.Role(rid); r != nil {
		return r, nil
	}
	return nil, fault.Missing("role")
}

// refuseOwn keeps people from changing the role that they hold, or that comes
// back to them when the one that they are lent ends.
func refuseOwn(c *gate.Call, bearers []policy.Bearer) error {
	if c.Who.Sort != gate.System && slices.ContainsFunc(bearers, func(b policy.Bearer) bool { return b.User == c.Who.User }) {
		return fault.New(fault.Denied, "own_access", "Nobody changes the role that they hold; ask another administrator.")
	}
	return nil
}
