package approval

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Gate func() *gate.Gate // the gate, once it is made
}

// Desk holds the operations.
type Desk struct {
	config   Config
	List     *gate.Op[ListIn, ListOut]
	View     *gate.Op[Ref, Proposal]
	Approve  *gate.Op[DecideIn, Decided]
	Reject   *gate.Op[DecideIn, Decided]
	Withdraw *gate.Op[DecideIn, Decided]
	Pairs    *gate.Op[Nothing, PairsOut]
	Demand   *gate.Op[PairIn, PairsOut]
	Waive    *gate.Op[PairIn, PairsOut]
	Grants   *gate.Op[Nothing, GrantListOut]
	EndGrant *gate.Op[GrantRef, Done]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// Ref names a proposal in a path.
type Ref struct {
	ID id.Proposal `path:"id"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.List, d.View = d.list(), d.view()
	d.Approve, d.Reject, d.Withdraw = d.approve(), d.reject(), d.withdraw()
	d.Pairs, d.Demand, d.Waive = d.pairs(), d.demand(), d.waive()
	d.Grants, d.EndGrant = d.grants(), d.endGrant()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.List, d.View, d.Approve, d.Reject, d.Withdraw, d.Pairs, d.Demand, d.Waive, d.Grants, d.EndGrant}
}

// everybody are the shipped roles whose people may meet proposals.
const everybody = "manager agent underwriter"

func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Four eyes", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func decide(name, title, path string, do func(context.Context, *gate.Call, *DecideIn) (*Decided, error)) *gate.Op[DecideIn, Decided] {
	return &gate.Op[DecideIn, Decided]{Name: name, Title: title, Area: "Four eyes", Screen: "Proposals", Method: "POST", Path: path, Roles: everybody,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do,
		Object: func(in *DecideIn) string { return "proposal/" + string(in.ID) }}
}
