// Package apply is the room where a borrower applies: the hosted form of a site
// key, two steps and a word of thanks, on a phone first.
//
// Invariants. The form works without script and keeps what was typed, between
// the steps in hidden fields that are checked again with all the others. The
// page that thanks tells nothing about rules, checks or chances, and is the same
// for everybody. The applicant's network is that of the connection; only in the
// demo may the form name one, out of a fixed list. A key that nobody knows gets a
// page that says so kindly. Pressing twice applies once.
//
// The room knows no rule, no check and no decision.
package apply

import (
	"context"
	"log/slog"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Config is what the room needs. Demo lets the form choose an applicant's
// network out of the demo's.
type Config struct {
	Gate *gate.Gate
	Desk *origination.Desk
	Log  *slog.Logger
	Demo bool
}

// Room is the hosted form.
type Room struct {
	config Config
	form   *gate.Op[FormIn, FormOut]
}

// Operations are what the room adds to the gate's list.
func Operations() []gate.Entry {
	return []gate.Entry{&gate.Op[FormIn, FormOut]{
		Name: formOpen, Title: "Open the application form", Area: "Applications", Kind: operation.Read, Audit: operation.Looked,
		Permit: gate.ByRole, Sites: true,
		Do: func(_ context.Context, c *gate.Call, _ *FormIn) (*FormOut, error) {
			return &FormOut{Lender: c.Tenant.Name}, nil
		},
	}}
}

const formOpen = "application.form.open"

// FormIn asks for the form of the site key that the caller has shown.
type FormIn struct{}

// FormOut is whose form it is.
type FormOut struct {
	Lender string `json:"lender" class:"public"`
}

// New makes the room; the gate's list must hold Operations.
func New(c Config) *Room {
	form, _ := c.Gate.ByName(formOpen).(*gate.Op[FormIn, FormOut])
	if form == nil {
		panic("apply: the gate's list lacks apply.Operations")
	}
	return &Room{config: c, form: form}
}

// Routes are the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get("/apply/{site}", r.open)
	m.Get("/apply/{site}/loan", r.open) // the second step was opened anew: begin again
	m.Get("/apply/{site}/send", r.open)
	m.Get("/apply/{site}/change", r.open)
	m.Post("/apply/{site}/change", r.change)
	m.Post("/apply/{site}/loan", r.you)
	m.Post("/apply/{site}/send", r.send)
	m.Get("/apply/{site}/received", r.received)
}
