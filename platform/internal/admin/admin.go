// Package admin is the department of whoever administers access. Its own desk
// keeps the catalogue of operations; each of its rooms is a desk for itself:
// people, roles, restrictions, addresses, apikeys, approval, inquiry.
//
// Every change in them is an access change: it takes the exclusive version lock,
// bumps the policy version, and so stops the very next call under the old right.
package admin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Catalogue func() []*gate.Meta // the gate's list, once it is made
}

// Desk holds the operations.
type Desk struct {
	config        Config
	OperationList *gate.Op[Nothing, OperationListOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.OperationList = d.operationList()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.OperationList}
}

// look describes a read of this desk.
func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}
