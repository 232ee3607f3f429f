package visit

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what visits need.
type Config struct {
	Gate      *gate.Gate
	Directory *tenant.Directory
	Proxies   httpserve.Proxies
	Log       *slog.Logger
	// Waiting counts the proposals that the caller may decide, for the inbox at
	// the top of every page: one small statement at most. Nil leaves the inbox out.
	Waiting func(ctx context.Context, c *gate.Call) (int, error)
	// Viewing names through whose eyes the caller's session looks, for the banner
	// of every page. Nil: their id stands there.
	Viewing func(ctx context.Context, c *gate.Call) (name, role string, err error)
}

// Room is a set of pages that belong together.
type Room interface{ Routes(m *Mux) }

// Mux holds the routes of all rooms.
type Mux struct {
	config  Config
	mux     *http.ServeMux
	foreign *http.CrossOriginProtection
	dock    *parcel.Dock

	confirms func(v *Visit, h Held) Screen // asks for a fresh proof in place of a form
	routes   []string
}

// Routes registers the rooms on one mux. Two rooms with the same route panic,
// as http.ServeMux does: the house does not start.
func Routes(c Config, rooms ...Room) (*Mux, error) {
	if c.Gate == nil || c.Directory == nil || c.Log == nil {
		return nil, errors.New("visit: a gate, a directory and a log are required")
	}
	if c.Gate.ByName(unknownPage) == nil || c.Gate.ByName(foreignForm) == nil {
		return nil, errors.New("visit: the gate's list lacks visit.Operations")
	}
	m := &Mux{config: c, mux: http.NewServeMux(), foreign: http.NewCrossOriginProtection(), dock: parcel.NewDock()}
	for _, r := range rooms {
		r.Routes(m)
	}
	return m, nil
}

// Get registers a page under a path pattern; HEAD comes with it.
func (m *Mux) Get(path string, show func(v *Visit)) {
	m.routes = append(m.routes, "GET "+path)
	m.mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { show(m.visit(w, without(r))) })
}

// Post registers an act. A form that does not come from a page of the same
// origin is refused before act sees it.
func (m *Mux) Post(path string, act func(v *Visit)) {
	m.routes = append(m.routes, "POST "+path)
	m.mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
		v := m.visit(w, r)
		if !m.own(r) {
			v.refuseForeign()
			return
		}
		act(v)
	})
}

// Routes lists what the rooms answer to: "GET /loans/{id}".
func (m *Mux) Routes() []string { return m.routes }

// Handle registers what is no page: the static files.
func (m *Mux) Handle(pattern string, h http.Handler) { m.mux.Handle(pattern, h) }

// ServeHTTP answers a request; what no room has a route for goes to the gate as
// an unknown page.
func (m *Mux) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if _, pattern := m.mux.Handler(r); pattern == "" {
		m.visit(w, r).unknown()
		return
	}
	m.mux.ServeHTTP(w, r)
}

// own reports whether a form comes from a page of this very origin. The
// standard protection lets a request without Sec-Fetch-Site and Origin pass,
// for programs, and no program has business here; and of an Origin alone it asks
// for the host and not for the scheme, so that a page which somebody on the way has
// put under http could send forms of its own.
func (m *Mux) own(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
		return strings.EqualFold(r.Header.Get("Origin"), "https://"+r.Host)
	case "none":
		return false // no page at all sent it
	}
	return m.foreign.Check(r) == nil
}
