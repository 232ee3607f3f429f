// Package addresses is the desk of address rules: named sets of addresses that
// tenants, teams, roles, users and API keys must, or must not, call from.
//
// Invariants:
//   - A rule is stored in one notation only; any other is refused with the right
//     one. Whom it binds exists.
//   - Whoever would shut themselves out by a change — own rules, or those of
//     their role, teams, key or tenant — is asked twice. The change then comes
//     with a way back: a token that is good once, for ten minutes, from anywhere,
//     undoes that one change of that one rule and nothing else, and does nothing
//     once somebody has changed the rule further.
//   - What still binds somebody is not deleted.
//   - Every change is an access change, so it holds at the next call.
//
// It must not know screens, nor how the gate asks about addresses.
package addresses

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Desk holds the operations.
type Desk struct {
	List    *gate.Op[admin.Nothing, ListOut]
	View    *gate.Op[Ref, Rule]
	Create  *gate.Op[CreateIn, Rule]
	Update  *gate.Op[UpdateIn, Rule]
	Delete  *gate.Op[Ref, admin.Done]
	Preview *gate.Op[PreviewIn, PreviewOut]
	Mine    *gate.Op[admin.Nothing, MineOut]
	Holders *gate.Op[admin.Nothing, HoldersOut]
	WayBack *gate.Op[WayBackIn, WayBackOut]
}

// New makes the desk.
func New() *Desk {
	d := &Desk{}
	d.List = look("ip_rule.list", "List address rules", "GET", "/ip-rules", list)
	d.View = look("ip_rule.view", "View address rule", "GET", "/ip-rules/{id}", view)
	d.View.Object = (*Ref).object
	d.Create = edit("ip_rule.create", "Add address rule", "POST", "/ip-rules", create)
	d.Create.Status = 201
	d.Update = edit("ip_rule.update", "Change address rule", "PUT", "/ip-rules/{id}", update)
	d.Update.Object = func(in *UpdateIn) string { return object(in.ID) }
	d.Delete = edit("ip_rule.delete", "Delete address rule", "DELETE", "/ip-rules/{id}", remove)
	d.Delete.Object = (*Ref).object
	d.Preview = look("ip_rule.preview", "Preview address rule", "POST", "/ip-rules/preview", preview)
	d.Preview.Screen = "" // saving on the screens asks twice by itself
	d.Mine = look("ip_rule.my_address", "Tell my address", "GET", "/ip-rules/my-address", mine)
	d.Holders = look("ip_rule.holders", "List whom rules can bind", "GET", "/ip-rules/holders", holders)
	d.WayBack = &gate.Op[WayBackIn, WayBackOut]{Name: "ip_rule.way_back", Title: "Take an address rule back", Area: "Access", Method: "POST", Path: "/ip-rules/way-back",
		Kind: operation.Write, Audit: operation.Access, Permit: gate.Public, Sensitivity: operation.Security, Prepare: d.opens, Do: d.takeBack}
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.List, d.View, d.Create, d.Update, d.Delete, d.Preview, d.Mine, d.Holders, d.WayBack}
}

const screen = "Address rules"

// look describes a read of this desk; edit an access change.
func look[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}
