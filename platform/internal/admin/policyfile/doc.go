// Package policyfile is who may do what as one YAML file: roles, search
// restrictions with their limits, and IP sets. It is written for reading and
// for keeping under version control, and read back with the checks of the
// screens.
//
// Invariants. What is exported and imported again changes nothing. An import
// adds and changes, by name, and never deletes; it is one access change, or
// nothing. It gives nobody more than the screens would: each part needs the
// right to that part, and is done by the very functions of its desk. The file
// has no aliases, anchors, tags or merge keys, one document, and no key that
// this package does not know; what is wrong is told with its line.
//
// The package knows the desks of roles, restrictions and addresses, and no
// front.
package policyfile

import (
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Config is what the desk is wired with.
type Config struct {
	Roles        *roles.Desk
	Restrictions *restrictions.Desk
	Addresses    *addresses.Desk
	Catalogue    func() []*gate.Meta
}

// Desk holds the operations.
type Desk struct {
	config Config
	Export *gate.Op[ExportIn, gate.File]
	Import *gate.Op[ImportIn, ImportOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.Export = &gate.Op[ExportIn, gate.File]{Name: "policy_file.export", Title: "Export roles, restrictions and IP sets", Area: "Access", Screen: "Policy file",
		Method: "GET", Path: "/policy-file", Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.export}
	d.Import = &gate.Op[ImportIn, ImportOut]{Name: "policy_file.import", Title: "Import roles, restrictions and IP sets", Area: "Access", Screen: "Policy file",
		Method: "POST", Path: "/policy-file", Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: d.take}
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry { return []gate.Entry{d.Export, d.Import} }
