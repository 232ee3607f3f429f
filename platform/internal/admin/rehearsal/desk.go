// Package rehearsal is the desk of what a change of access would do, before it is
// saved: a role, a search restriction or a set of addresses as it would be, against
// the people and the objects that there are.
//
// Invariants. Nothing is stored. Both answers, before and after, are decided by the
// code that decides calls, under the policy of this very call and the same policy
// with the change. Rows are counted and shown within the asker's own scope.
package rehearsal

import (
	"context"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operation.
type Desk struct {
	config   Config
	Simulate *gate.Op[SimulateIn, SimulateOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Simulate = &gate.Op[SimulateIn, SimulateOut]{
		Name: "access.simulate", Title: "Simulate access change", Area: "Access", Screen: "Simulate", Method: "POST", Path: "/access/simulate",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.simulate,
	}
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Simulate} }

// SimulateIn is one change that is not stored, and against whom and what.
type SimulateIn struct {
	Role        *RoleDraft        `json:"role,omitempty"`
	Restriction *RestrictionDraft `json:"search_restriction,omitempty"`
	IPRule      *IPRuleDraft      `json:"ip_rule,omitempty"`
	Users       []id.User         `json:"users,omitempty" maxItems:"200" doc:"left out: whoever holds it; given: as if they held it"`
	Key         id.APIKey         `json:"api_key,omitempty" maxLength:"60" doc:"tried on the program that calls with this key: its scope, its address rules and its end count; leave users out"`
	Operations  []string          `json:"operations,omitempty" maxItems:"200" doc:"left out: those whose answer changes"`
	Objects     []string          `json:"objects,omitempty" maxItems:"100" doc:"loans, borrowers, applications: loan/ln_…, or a loan’s number"`
}

// Decided is one operation before and after.
type Decided struct {
	Operation string `json:"operation" class:"public"`
	Channel   string `json:"channel" class:"public" enum:"ui,api"`
	Before    string `json:"before" class:"public" doc:"ok, or the reason of the refusal"`
	After     string `json:"after" class:"public"`
}

// Seen is one object before and after.
type Seen struct {
	Object string `json:"object" class:"public"`
	Before bool   `json:"before" class:"public"`
	After  bool   `json:"after" class:"public"`
	Areas  []Area `json:"areas" doc:"how much of it may be seen and done; left out for what neither shows"`
}

// Area is how much of one area of an object limits leave.
type Area struct {
	Area   string `json:"area" class:"public" enum:"summary,schedule,payments,borrower,notes,documents,application"`
	Before string `json:"before" class:"public" enum:"none,view,full"`
	After  string `json:"after" class:"public" enum:"none,view,full"`
}

// Effect is what the change would mean to one person.
type Effect struct {
	User        id.User   `json:"user" class:"public"`
	Name        string    `json:"name" class:"public"`
	Key         id.APIKey `json:"api_key,omitempty" class:"public" doc:"it is a program’s, that calls with this key"`
	KeyLabel    string    `json:"api_key_label,omitempty" class:"public"`
	Decisions   []Decided `json:"decisions"`
	LoansBefore int64     `json:"loans_before" class:"public" doc:"visible to them, among those that the asker sees"`
	LoansAfter  int64     `json:"loans_after" class:"public"`
	Objects     []Seen    `json:"objects"`
	LockedOut   []string  `json:"locked_out" class:"public" doc:"addresses that they have called from lately and could not call from any more"`
}

// SimulateOut is what the change would do.
type SimulateOut struct {
	Users     []Effect `json:"users"`
	LocksOut  int      `json:"locks_out" class:"public" doc:"people who could not call from where they did lately"`
	LocksSelf bool     `json:"locks_you_out" class:"public" doc:"whoever asks could not call from their present address"`
}

func (d *Desk) simulate(ctx context.Context, c *gate.Call, in *SimulateIn) (*SimulateOut, error) {
	given := 0
	for _, is := range []bool{in.Role != nil, in.Restriction != nil, in.IPRule != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, fault.Bad("role", "Send one of role, search_restriction and ip_rule.")
	}
	on, err := keyOf(ctx, c, in)
	if err != nil {
		return nil, err
	}
	x, whom, err := d.proposed(ctx, c, in)
	if err != nil {
		return nil, err
	}
	after, err := c.Policy.With(*x)
	if err != nil {
		return nil, err
	}
	ops, err := d.asked(in)
	if err != nil {
		return nil, err
	}
	if err := about(ctx, c, in); err != nil {
		return nil, err
	}
	out, t := &SimulateOut{Users: []Effect{}}, &trial{c: c, in: in, after: after, operations: ops}
	for _, w := range whom {
		if on != nil {
			w = *on
		}
		e, err := t.effect(ctx, w)
		if err != nil {
			return nil, err
		}
		if len(e.LockedOut) > 0 {
			out.LocksOut++
		}
		out.Users = append(out.Users, *e)
	}
	if s := c.Subject(); s != nil {
		mine, err := after.Subject(ctx, c.Tx, c.Who.User, c.Who.APIKey)
		if err != nil {
			return nil, err
		}
		out.LocksSelf = t.passes(c.Policy, s, c.Request.Address.Chosen) && !t.passes(after, mine, c.Request.Address.Chosen)
	}
	return out, nil
}

// asked gives the operations to decide: those named, or all that a role can hold.
func (d *Desk) asked(in *SimulateIn) ([]*gate.Meta, error) {
	byName, out := map[string]*gate.Meta{}, []*gate.Meta{}
	for _, m := range d.config.Catalogue() {
		byName[m.Name] = m
		if len(in.Operations) == 0 && m.Permit == gate.ByRole {
			out = append(out, m)
		}
	}
	for i, name := range in.Operations {
		if byName[name] == nil {
			return nil, fault.Bad(fmt.Sprintf("operations[%d]", i), "Name an operation of the catalogue.")
		}
		out = append(out, byName[name])
	}
	return out, nil
}

// about reads the objects, a loan also by its number.
func about(ctx context.Context, c *gate.Call, in *SimulateIn) (err error) {
	for i, typed := range in.Objects {
		noun, _, _ := strings.Cut(strings.TrimSpace(typed), "/")
		if noun != "borrower" && noun != "application" {
			noun = "loan"
		}
		if in.Objects[i], err = admin.ObjectOf(ctx, c, noun, fmt.Sprintf("objects[%d]", i), typed); err != nil {
			return err
		}
	}
	return nil
}
