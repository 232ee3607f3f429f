package api

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// prefix is where the API of this version lives.
const prefix = "/api/v1"

// Config is what the front is built from.
type Config struct {
	Gate      *gate.Gate // its list must contain Operations()
	Directory *tenant.Directory
	Proxies   httpserve.Proxies
	Log       *slog.Logger
	Now       func() time.Time // for the time a call took, in the log
	Version   string           // of the program, as the OpenAPI document states it
}

// API is the REST front.
type API struct {
	config   Config
	routes   *http.ServeMux // below prefix; the catch-all is route.unknown
	plans    map[string]*plan
	document []byte
	dock     *parcel.Dock
}

// New plans every operation of the gate's list. It refuses to start with an
// operation whose path and input do not fit each other, whose input cannot be
// decoded or answer cannot be encoded, and with routes that contradict.
func New(c Config) (*API, error) {
	if c.Gate == nil || c.Directory == nil || c.Log == nil || c.Now == nil {
		return nil, errors.New("api: gate, directory, log and clock are required")
	}
	if c.Version == "" {
		c.Version = "0"
	}
	a := &API{config: c, routes: http.NewServeMux(), dock: parcel.NewDock()}
	list := c.Gate.List()
	for _, name := range []string{unknownRoute, unclearRequest} {
		if c.Gate.ByName(name) == nil {
			return nil, fmt.Errorf("api: operation %s is not in the gate's list", name)
		}
	}
	book, err := newBook(gate.Catalogue(list))
	if err != nil {
		return nil, err
	}
	a.plans = book.plans
	for _, e := range list {
		p := a.plans[e.Meta().Name]
		p.entry = e
		if p.meta.Path == "" {
			continue
		}
		if err := a.route(p); err != nil {
			return nil, err
		}
	}
	a.routes.HandleFunc(prefix, a.unknown)
	a.routes.HandleFunc(prefix+"/", a.unknown)
	a.routes.HandleFunc("GET "+prefix+"/openapi.json", a.serveDocument)
	a.document, err = Document(gate.Catalogue(list), c.Version)
	return a, err
}

// route puts an operation on the mux, which panics where two patterns overlap
// and neither is the more special one.
func (a *API) route(p *plan) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("api: route of %s: %v", p.meta.Name, cause)
		}
	}()
	a.routes.HandleFunc(p.meta.Method+" "+prefix+p.meta.Path, func(w http.ResponseWriter, r *http.Request) { a.serve(w, r, p) })
	if p.meta.Sites && p.meta.Method == http.MethodPost {
		a.routes.HandleFunc("OPTIONS "+prefix+p.meta.Path, a.preflight)
	}
	return nil
}

// Handler serves everything below /api/v1.
func (a *API) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recover(w, r)
		quiet(w.Header())
		if oddPath(r) {
			a.unknown(w, r) // the mux would answer with a redirect, past the gate
			return
		}
		a.routes.ServeHTTP(w, r)
	})
}

// quiet sets the headers of every answer: nothing is cached or sniffed.
func quiet(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// oddPath reports a path that the mux would clean up.
func oddPath(r *http.Request) bool {
	p := r.URL.Path
	return strings.Contains(p, "//") || strings.Contains(p, "/./") || strings.Contains(p, "/../") ||
		strings.HasSuffix(p, "/.") || strings.HasSuffix(p, "/..") || r.Method == http.MethodConnect
}

func (a *API) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(a.document) // the other end may have gone
}
