// Package web is the front of the staff screens: it puts the rooms, the static
// files and the start page behind one handler.
//
// It knows HTTP and the rooms that it is given, and no desk: the roof makes the
// rooms. Whatever a room does goes through the gate in the screens' channel.
// Only GET, HEAD and POST are answered; what no room has a route for goes to
// the gate as an unknown page.
package web

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
	"github.com/lendkeep/lendkeep/platform/internal/web/static"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
	"github.com/lendkeep/lendkeep/platform/internal/web/ways"
)

// Config is what the front is made of. The gate's list must hold
// visit.Operations.
type Config struct {
	Gate      *gate.Gate
	Directory *tenant.Directory
	Proxies   httpserve.Proxies
	Log       *slog.Logger
	Rooms     []visit.Room
	Waiting   func(ctx context.Context, c *gate.Call) (int, error) // visit.Config's
	Viewing   func(ctx context.Context, c *gate.Call) (name, role string, err error)
}

// Front is the staff screens behind one handler.
type Front struct {
	http.Handler
	mux *visit.Mux
}

// Routes lists what the rooms answer to: "GET /loans/{id}".
func (f *Front) Routes() []string { return f.mux.Routes() }

// New makes the front.
func New(c Config) (*Front, error) {
	m, err := visit.Routes(visit.Config{Gate: c.Gate, Directory: c.Directory, Proxies: c.Proxies, Log: c.Log, Waiting: c.Waiting, Viewing: c.Viewing}, append(c.Rooms, start{})...)
	if err != nil {
		return nil, err
	}
	m.Handle("/static/", static.Handler())
	return &Front{mux: m, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodGet, http.MethodHead, http.MethodPost:
			m.ServeHTTP(w, r)
		default:
			w.Header().Set("Allow", "GET, HEAD, POST")
			w.Header().Set("Cache-Control", "no-store")
			http.Error(w, "Pages answer GET, HEAD and POST.", http.StatusMethodNotAllowed)
		}
	})}, nil
}

// start is the room of the address "/": the first workplace that the person may
// open, or "My access" where there is none.
type start struct{}

// Routes registers the start page.
func (start) Routes(m *visit.Mux) {
	m.Get("/{$}", func(v *visit.Visit) {
		v.Show(func(_ context.Context, p *gate.Page) (visit.View, error) {
			if rail := ways.Rail(p.Can, "/"); len(rail) > 0 {
				return visit.View{To: rail[0].Href}, nil
			}
			return visit.View{To: "/my-access"}, nil
		})
	})
}
