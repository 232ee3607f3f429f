package api

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/api/strict"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// maxConsoleBody bounds a call of the command line, which may carry a file of
// 20 MB inside a JSON text.
const maxConsoleBody = 48 << 20

// consoleCall is one call of the command line.
type consoleCall struct {
	Path  map[string]string `json:"path"`
	Query map[string]string `json:"query"`
	Body  json.RawMessage   `json:"body"`
}

// ConsoleHandler serves POST /console/v1/call/{operation} for every operation
// of the list, also those that the API does not have, as the house itself
// (house/console), but for changes of access. The body is {"path":{…},"query":{…},"body":{…}}; each part
// may be left out. The request's Host names the tenant, by slug or host name.
//
// Serve it on a socket that only the operator can open, and on nothing else.
func (a *API) ConsoleHandler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /console/v1/call/{operation}", a.console)
	mux.HandleFunc("GET /console/v1/ready", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recover(w, r)
		quiet(w.Header())
		mux.ServeHTTP(w, r)
	})
}

func (a *API) console(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("operation")
	c := &call{api: a, w: w, r: r, since: a.config.Now(), request: &gate.Request{
		Tenant: a.consoleTenant(r.Host), Channel: operation.Console, Job: "console", UserAgent: "lendkeep", Route: "console " + strict.Sayable(name, "unknown"),
	}}
	defer c.log()
	p := a.plans[name]
	switch {
	case c.request.Tenant == nil:
		c.fail(fault.Missing("tenant"))
		return
	case p == nil:
		c.fail(fault.Missing("operation"))
		return
	case changesAccess(p.entry.Meta()):
		c.fail(fault.New(fault.Denied, "no_access_from_console", "The command line changes nobody's access: people do that on the screens or through the API. Where nobody can any more, lendkeep recover-admin names an administrator."))
		return
	}
	given, err := readConsole(r)
	if err != nil {
		c.fail(err)
		return
	}
	out, err := p.entry.Invoke(context.WithoutCancel(r.Context()), a.config.Gate, c.request, func(in any) error {
		return p.bindPath(in, func(name string) string { return given.Path[name] })
	}, func(in any) error {
		query := url.Values{}
		for name, value := range given.Query {
			query.Set(name, value)
		}
		if err := p.bindQuery(in, query); err != nil {
			return err
		}
		return p.bindBody(in, given.Body)
	})
	c.answer(p, out, err)
}

// changesAccess reports what the operator of the machine leaves to the people of the
// tenant. The first users are made here too; people.Desk refuses to make those who
// could change access themselves.
func changesAccess(m *gate.Meta) bool {
	return m.Permit == gate.ByRole && m.Audit == operation.Access && m.Area == "Access" && m.Name != "user.create"
}

// readConsole reads the envelope; the body within is read by the operation's
// own plan, as strictly as the API's.
func readConsole(r *http.Request) (*consoleCall, error) {
	raw, err := readJSON(r, maxConsoleBody)
	if err != nil {
		return nil, err
	}
	given := new(consoleCall)
	if len(raw) == 0 {
		return given, nil
	}
	if _, err := strict.Scan(raw); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(raw, given); err != nil {
		return nil, fault.New(fault.Malformed, "malformed_json", `Send {"path":{…},"query":{…},"body":{…}}.`)
	}
	return given, nil
}

// consoleTenant finds a tenant by slug or by host name.
func (a *API) consoleTenant(host string) *tenant.Tenant {
	if t := a.config.Directory.ByHost(host); t != nil {
		return t
	}
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return a.config.Directory.BySlug(host)
}
