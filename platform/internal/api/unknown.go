package api

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/api/strict"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// The front's own operations.
const (
	unknownRoute   = "route.unknown"
	unclearRequest = "request.unclear"
)

// RouteIn is a route that no operation has.
type RouteIn struct {
	Method string
	Path   string // left empty where it does not look like one of ours
	Known  bool   // the path exists, with other methods
	fault  *fault.Error
}

// RouteOut is never given: both operations always answer with a fault.
type RouteOut struct{}

// Operations are what the front itself adds to the one list: the answer to an
// unmapped route and to a request whose caller cannot be told. So both pass
// tenant, credential, address rules and rates, and stand in the audit trail.
func Operations() []gate.Entry {
	return []gate.Entry{
		&gate.Op[RouteIn, RouteOut]{
			Name: unknownRoute, Title: "Call an unknown route", Area: "API",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn,
			Do: func(_ context.Context, c *gate.Call, in *RouteIn) (*RouteOut, error) {
				c.Detail("method", in.Method)
				c.Detail("path", in.Path)
				if in.Known {
					return nil, fault.New(fault.NotFound, methodNotAllowed, "This route has other methods; see the Allow header.")
				}
				return nil, fault.Missing("route")
			},
		},
		&gate.Op[RouteIn, RouteOut]{
			Name: unclearRequest, Title: "Send an unclear request", Area: "API",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.Public,
			Do: func(_ context.Context, _ *gate.Call, in *RouteIn) (*RouteOut, error) {
				if in.fault == nil {
					return nil, fault.Missing("route")
				}
				return nil, in.fault
			},
		},
	}
}

// unknown answers a request that no operation has a route for.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	c := a.newCall(w, r, "unmapped")
	allowed := a.methods(r)
	in := RouteIn{Method: plainMethod(r.Method), Path: plainPath(r.URL.Path), Known: len(allowed) > 0}
	if in.Known {
		w.Header().Set("Allow", strings.Join(allowed, ", "))
	}
	_, err := a.config.Gate.ByName(unknownRoute).Invoke(r.Context(), a.config.Gate, c.request, nil, func(to any) error {
		*to.(*RouteIn) = in
		return nil
	})
	if !fault.Is(err, fault.NotFound) {
		w.Header().Del("Allow") // who is not let in learns nothing of the routes
	}
	c.fail(err)
}

// refuse answers a request whose caller cannot be told, as the public and
// through the gate. The site key and the key are left out: they contradict.
func (c *call) refuse(f *fault.Error) {
	c.request.Channel = operation.API
	_, err := c.api.config.Gate.ByName(unclearRequest).Invoke(c.r.Context(), c.api.config.Gate, c.request, nil, func(to any) error {
		to.(*RouteIn).fault = f
		return nil
	})
	c.fail(err)
}

// methods lists what a path could be called with.
func (a *API) methods(r *http.Request) []string {
	var out []string
	if oddPath(r) {
		return nil
	}
	for _, m := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		_, pattern := a.routes.Handler(&http.Request{Method: m, URL: r.URL, Host: r.Host})
		if pattern != prefix && pattern != prefix+"/" && pattern != "" {
			out = append(out, m)
		}
	}
	return out
}

func plainMethod(m string) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, m) {
		return m
	}
	return "other"
}

// plainPath keeps a path for the trail if there is nothing in it but what our
// own paths are made of.
func plainPath(p string) string {
	if len(p) > 200 || pan.Contains(p) {
		return ""
	}
	for i := range len(p) {
		if p[i] != '/' && !strict.NameByte(p[i]) {
			return ""
		}
	}
	return p
}
