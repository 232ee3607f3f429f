// Package privacy is the desk of what a lender owes people about their data:
// holds of the law, erasures, and exports of everything that is held.
//
//	asked ─▶ marked ─▶ forgotten ─▶ destroyed ─▶ done
//	  │       nothing is  searches for  the keys    every table of the
//	  │       written any the person    are gone    register is overwritten
//	  │       more        leave the trail
//	  └▶ stopped   something stands against it by now
//
// Invariants:
//   - An erasure is asked for by one person and approved by another, always.
//   - Nothing is erased while a hold is in force, a loan is open, an application
//     is undecided, or the law asks that the record be kept; that is asked when it
//     is proposed, when it is approved, and once more before the first step that
//     cannot be taken back.
//   - Every step can be taken twice, and what was done lies in the erasure's row,
//     so that a job goes on where a dead one stood.
//   - Nothing recorded about an erasure tells who it was.
//   - What is erased and what is exported follows from one register of every
//     column, which the roof hands in.
//
// It must not know how a loan or an application works: other desks' rows are
// read for what stands against an erasure, and written through the register alone.
package privacy

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy/register"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Known is what tells two records of one person together.
type Known struct{ Email, Phone, SSN string }

// Config is what the roof hands in.
type Config struct {
	Register []register.Table   // every column of every table
	Kick     func(c *gate.Call) // wakes the tenant's job runner
	// Kin finds every application of a person, by what is known of them.
	Kin func(ctx context.Context, tx *db.Tx, t *tenant.Tenant, who Known) ([]id.Application, error)
	// Same finds every borrower who is that person.
	Same func(ctx context.Context, tx *db.Tx, t *tenant.Tenant, who Known) ([]id.Borrower, error)
	// Moved brings kept lists up to date after loans have lost their borrower's name.
	Moved func(ctx context.Context, c *gate.Call, loans []id.Loan) error
}

// Desk holds the operations.
type Desk struct {
	config Config

	HoldList    *gate.Op[HoldListIn, HoldListOut]
	HoldPlace   *gate.Op[HoldPlaceIn, Hold]
	HoldRelease *gate.Op[HoldReleaseIn, Hold]

	BorrowerStand    *gate.Op[Ref, Standing]
	ApplicationStand *gate.Op[Ref, Standing]
	BorrowerErase    *gate.Op[EraseIn, Erasure]
	ApplicationErase *gate.Op[EraseIn, Erasure]
	ErasureList      *gate.Op[Nothing, ErasureListOut]
	ErasureView      *gate.Op[ErasureRef, Erasure]
	Advance          *gate.Op[AdvanceIn, Erasure]

	BorrowerExport    *gate.Op[ExportIn, gate.File]
	ApplicationExport *gate.Op[ExportIn, gate.File]
	ExportList        *gate.Op[Nothing, ExportListOut]

	SettingView   *gate.Op[Nothing, Setting]
	SettingUpdate *gate.Op[SettingIn, Setting]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Ref names a borrower or an application in a path.
type Ref struct {
	ID string `path:"id"`
}

const (
	area   = "Privacy"
	screen = "Privacy"
)

// New makes the desk. It refuses a register that would erase too little or too much.
func New(c Config) (*Desk, error) {
	if err := register.Check(c.Register); err != nil {
		return nil, err
	}
	d := &Desk{config: c}
	d.holdOperations()
	d.erasureOperations()
	d.exportOperations()
	d.SettingView = look("privacy.setting.view", "View how long records are kept", "/settings/privacy", d.setting)
	d.SettingUpdate = edit("privacy.setting.update", "Change how long records are kept", "PATCH", "/settings/privacy", d.saveSetting)
	return d, nil
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.HoldList, d.HoldPlace, d.HoldRelease, d.BorrowerStand, d.ApplicationStand, d.BorrowerErase, d.ApplicationErase, d.ErasureList, d.ErasureView, d.Advance,
		d.BorrowerExport, d.ApplicationExport, d.ExportList, d.SettingView, d.SettingUpdate}
}

func look[In, Out any](name, title, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: area, Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: area, Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

func instant(at int64) string {
	if at == 0 {
		return ""
	}
	return time.UnixMicro(at).UTC().Format(time.RFC3339)
}

// text checks a free text of an input. It goes into the trail, where nothing can
// be taken back: it must not tell who the person is.
func text(f *fault.Collector, field, given string, atLeast, atMost int, names ...string) string {
	given = strings.TrimSpace(given)
	clean := strings.NewReplacer("\n", " ", "\r", " ", "\t", " ").Replace(given)
	switch {
	case len(given) > atMost || !plain(clean):
		f.Add(field, fmt.Sprintf("Use at most %d bytes without control characters.", atMost))
	case len(given) < atLeast:
		f.Add(field, "This cannot be left empty.")
	case tells(clean, names):
		f.Add(field, "Leave out what tells who the person is (name, town, address, e-mail, phone, date of birth, social security number): this text stays in the audit trail after an erasure.")
	}
	return given
}
