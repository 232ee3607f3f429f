// Package custody is the desk of the tenant's keys: which there are, what each
// seals, how old it is, and how one is turned to a new version while the tenant
// works.
//
//	asked ─▶ staged ─▶ promoted ─▶ moving ─▶ proving ─▶ kept ─▶ proving ─▶ proved ─▶ ended
//	          new key   new key     every row  rows are   old key            old key
//	          stands by is in use   is sealed  counted    still reads        is destroyed
//	                                again
//
// Invariants:
//   - A new version is known to every node before it is used, and an old one has
//     been out of use for longer than any node may lag before rows are counted.
//   - The old version goes only after a count over every registered row found
//     none under it, and after the entry in the trail that says so.
//   - Every step can be taken twice. What a step has done lies in the stored ring
//     or in the rotation's row, so that it goes on where it stood when a node dies.
//   - Of one purpose one rotation goes on at a time.
//
// It must not know what a row means, nor any key: it asks the ring.
package custody

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what the desk is wired with.
type Config struct {
	Register keys.Register      // everything that is sealed
	Kick     func(c *gate.Call) // wakes the tenant's job runner
	Settle   time.Duration      // how long nodes and calls under way may lag; 0 = as the engine needs
	Rows     int                // rows in a chunk; 0 = the walk's own
}

// How long nodes and calls under way may lag behind a changed ring: a node until
// its lease ends, a call until it has written what it sealed before. A SQLite
// file has one node.
const (
	lagOfCalls = 15 * time.Second
	lagOfNodes = keys.Lease + lagOfCalls
)

// Desk holds the operations.
type Desk struct {
	config    Config
	Inventory *gate.Op[Nothing, InventoryOut]
	View      *gate.Op[Ref, Key]
	Rotate    *gate.Op[RotateIn, Rotation]
	Rotations *gate.Op[Nothing, RotationsOut]
	Rotation  *gate.Op[RotationRef, Rotation]
	Destroy   *gate.Op[DestroyIn, Rotation]
	Policy    *gate.Op[PolicyIn, Policy]
	Advance   *gate.Op[AdvanceIn, Rotation]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Ref names a purpose in a path.
type Ref struct {
	Purpose string `path:"purpose"`
}

func (r *Ref) object() string { return object(r.Purpose) }

func object(purpose string) string { return "key/" + purpose }

// RotationRef names a rotation in a path.
type RotationRef struct {
	ID id.Rotation `path:"id"`
}

// New makes the desk. It refuses a register that could not be rotated.
func New(c Config) (*Desk, error) {
	if err := c.Register.Check(); err != nil {
		return nil, err
	}
	d := &Desk{config: c}
	d.Inventory = look("key.inventory", "List encryption keys", "/keys", d.inventory)
	d.View = look("key.view", "View encryption key", "/keys/{purpose}", d.view)
	d.View.Object = (*Ref).object
	d.Rotations = look("key.rotation.list", "List key rotations", "/key-rotations", d.rotations)
	d.Rotation = look("key.rotation.view", "View key rotation", "/key-rotations/{id}", d.rotation)
	d.Rotation.Object = func(in *RotationRef) string { return "key_rotation/" + string(in.ID) }
	d.Rotate = edit("key.rotate", "Rotate encryption key", "POST", "/keys/{purpose}/rotate", d.rotate)
	d.Rotate.Object = func(in *RotateIn) string { return object(in.Purpose) }
	d.Destroy = edit("key.destroy", "Destroy old version of a key", "POST", "/keys/{purpose}/versions/{version}/destroy", d.destroy)
	d.Destroy.Object, d.Destroy.Pairing = func(in *DestroyIn) string { return object(in.Purpose) }, gate.MayPair
	d.Policy = edit("key.policy.update", "Change when keys rotate", "PATCH", "/keys/{purpose}", d.savePolicy)
	d.Policy.Object = func(in *PolicyIn) string { return object(in.Purpose) }
	d.Advance = &gate.Op[AdvanceIn, Rotation]{Name: "key.rotation.advance", Title: "Advance key rotation", Area: area, Kind: operation.Write, Audit: operation.Changed,
		Sensitivity: operation.Security, Permit: gate.House, Object: func(in *AdvanceIn) string { return "key_rotation/" + string(in.ID) }, Do: d.advance}
	return d, nil
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.Inventory, d.View, d.Rotate, d.Rotations, d.Rotation, d.Destroy, d.Policy, d.Advance}
}

const area, screen = "Keys", "Encryption keys"

func look[In, Out any](name, title, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: area, Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: area, Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

// walk goes over a tenant's rows.
func (d *Desk) walk(t *tenant.Tenant) *keys.Walk {
	return &keys.Walk{DB: t.DB, Persons: t.Persons, Ring: t.Ring, Register: d.config.Register, Rows: d.config.Rows}
}

// settle is how long to wait until everybody works with the stored ring.
func (d *Desk) settle(t *tenant.Tenant) time.Duration {
	switch {
	case d.config.Settle > 0:
		return d.config.Settle
	case t.DB.Engine() == db.SQLite:
		return lagOfCalls
	}
	return lagOfNodes
}
