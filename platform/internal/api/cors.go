package api

import (
	"net/http"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// siteKeyHeader carries the public key of a hosted form.
const siteKeyHeader = "Lendkeep-Site-Key"

// preflight lets a browser ask before it sends a form from another origin. It
// carries no key, so nothing is decided here and nothing is told but what the
// published document says; the real call goes through the gate, which holds
// the key to its origins.
func (a *API) preflight(w http.ResponseWriter, r *http.Request) {
	origin := r.Header.Get("Origin")
	if !isOrigin(origin) || r.Header.Get("Access-Control-Request-Method") != http.MethodPost {
		a.unknown(w, r)
		return
	}
	if a.config.Directory.ByHost(r.Host) == nil {
		a.newCall(w, r, "preflight").fail(fault.New(fault.Unauthenticated, "unknown_site", "This site key is not known for this origin."))
		return
	}
	h := w.Header()
	share(h, origin)
	h.Set("Access-Control-Allow-Methods", http.MethodPost)
	h.Set("Access-Control-Allow-Headers", "Content-Type, Idempotency-Key, "+siteKeyHeader)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// share lets the page of an origin read the answer. Credentials of the browser
// are never part of it: the site key is the only credential.
func share(h http.Header, origin string) {
	h.Add("Vary", "Origin")
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", "Retry-After")
}

// isOrigin reports scheme://host[:port] as a browser writes it.
func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= 300 && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.Scheme+"://"+u.Host == s
}
