// Package settings is the front page of the settings: the way to all of their
// pages, which other rooms hold.
//
// Invariant: it lists what the person may open, and nothing else.
package settings

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
	"github.com/lendkeep/lendkeep/platform/internal/web/ways"
)

// Room is the front page of the settings.
type Room struct{}

// New makes the room.
func New() *Room { return &Room{} }

// Routes registers the page.
func (r *Room) Routes(m *visit.Mux) {
	m.Get("/settings", func(v *visit.Visit) {
		v.Show(func(_ context.Context, p *gate.Page) (visit.View, error) {
			return visit.View{Page: parts.Page{Title: "Settings"}, Body: homePage(ways.Settings(p.Can))}, nil
		})
	})
}
