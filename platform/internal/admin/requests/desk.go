// Package requests is the desk of asking for access: from a denied state, with an
// end and a reason, to whoever can grant it.
//
// Invariants. Anybody who is signed in may ask, for themselves alone, and for at
// most ninety days. Nobody grants to themselves, and nobody grants what they may
// not give or an object that they do not see. What is granted ends by itself: a
// role that is lent holds what the person's own holds at every instant, and the
// operation, and is bound by the same address rules; one loan is lent, whatever the
// search restrictions are; for what cannot be named alone a restriction is paused. A change that a tenant wants
// two people for is never made by granting: the granter is led to it and says when
// it is done. Whoever asks about what they cannot see learns nothing from asking:
// what stands in the way of a row is told to granters only.
package requests

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Inquiry *inquiry.Desk
	Built   func(c *gate.Call) // told when rows are shown that were hidden; nil: nobody
	Kick    func(c *gate.Call) // wakes the job runner of the call's tenant; nil: nobody
}

// Desk holds the operations.
type Desk struct {
	config   Config
	Prepare  *gate.Op[PrepareIn, Draft]
	Create   *gate.Op[CreateIn, Request]
	List     *gate.Op[ListIn, ListOut]
	View     *gate.Op[Ref, Request]
	Grant    *gate.Op[GrantIn, Request]
	Refuse   *gate.Op[RefuseIn, Request]
	Withdraw *gate.Op[Ref, Request]

	Lend    *gate.Op[LendIn, LentLoan]
	Lent    *gate.Op[LentIn, LentOut]
	EndLent *gate.Op[EndLentIn, Done]
}

// Ref names a request in a path.
type Ref struct {
	ID id.AccessRequest `path:"id" json:"-"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Prepare = own("access_request.prepare", "Prepare access request", "GET", "/access-requests/prepare", d.prepare)
	d.Create = own("access_request.create", "Request access", "POST", "/access-requests", d.create)
	d.Create.Status = 201
	d.List = own("access_request.list", "List access requests", "GET", "/access-requests", d.list)
	d.View = own("access_request.view", "View access request", "GET", "/access-requests/{id}", d.view)
	d.View.Object = func(in *Ref) string { return object(in.ID) }
	d.Withdraw = own("access_request.withdraw", "Withdraw access request", "POST", "/access-requests/{id}/withdraw", d.withdraw)
	d.Withdraw.Object = func(in *Ref) string { return object(in.ID) }
	d.Grant = decide("access_request.grant", "Grant access request", "/access-requests/{id}/grant", d.grant)
	d.Grant.Object = func(in *GrantIn) string { return object(in.ID) }
	d.Refuse = decide("access_request.refuse", "Refuse access request", "/access-requests/{id}/refuse", d.refuse)
	d.Refuse.Object, d.Refuse.Audit, d.Refuse.StepUp = func(in *RefuseIn) string { return object(in.ID) }, operation.Changed, false
	d.Lend, d.Lent, d.EndLent = d.lendLoan(), d.lentLoans(), d.endLent()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.Prepare, d.Create, d.List, d.View, d.Grant, d.Refuse, d.Withdraw, d.Lend, d.Lent, d.EndLent}
}

// own describes what everybody may do with their own requests; decide what a
// granter does with another's.
func own[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	o := &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: "Access requests", Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.SignedIn, Do: do}
	if method == "GET" {
		o.Kind, o.Audit = operation.Read, operation.Looked
	}
	return o
}

func decide[In, Out any](name, title, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: "Access requests", Method: "POST", Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

func object(r id.AccessRequest) string { return "access_request/" + string(r) }

// missing answers alike about a request that is not there and one that the caller
// may not see.
func missing() error { return fault.Missing("access request") }

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
