// Package engine is the room of the decision engine in the settings: the rules
// by which an application is rejected or reviewed, their versions, and the
// connection to ipstack that brings the facts.
//
// Invariants. Both sections of rules stand on one page, in one form, edited by
// one part; each is saved on its own, and what was typed into the other one is
// kept. What the rules would have done can be seen before they are saved. When
// somebody else has saved meanwhile, nothing is lost and the page says what they
// changed. The key of ipstack is never shown again. The room decides nothing.
package engine

import (
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const (
	home       = "/settings/decision-engine"
	connection = "/settings/ipstack"
)

// Room is the decision engine's part of the settings.
type Room struct{ desk *origination.Desk }

// New makes the room.
func New(d *origination.Desk) *Room { return &Room{d} }

// Routes are the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, r.open)
	m.Post(home+"/preview", r.preview)
	m.Post(home+"/applicant", func(v *visit.Visit) { r.save(v, decision.Applicant, r.desk.ApplicantUpdate) })
	m.Post(home+"/network", func(v *visit.Visit) { r.save(v, decision.Network, r.desk.NetworkUpdate) })
	for _, path := range []string{"/preview", "/applicant", "/network"} {
		m.Get(home+path, r.open) // an act's address, opened anew
	}
	m.Get(home+"/history", r.history)
	m.Get(connection, r.showConnection)
	m.Post(connection, r.setConnection)
	m.Post(connection+"/test", r.testConnection)
	m.Get(connection+"/test", r.showConnection)
}
