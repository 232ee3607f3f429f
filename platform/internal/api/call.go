package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	legacy "github.com/go-json-experiment/json/v1"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// call is one HTTP request on its way through the gate.
type call struct {
	api     *API
	w       http.ResponseWriter
	r       *http.Request
	request *gate.Request
	status  int // what was answered, for the log
	since   time.Time
}

// newCall says from where a request comes and whom it asks; not yet who asks.
func (a *API) newCall(w http.ResponseWriter, r *http.Request, pattern string) *call {
	peer, _ := netip.ParseAddrPort(r.RemoteAddr) // the zero address is nobody's: no rule allows it
	c := &call{api: a, w: w, r: r, since: a.config.Now(), request: &gate.Request{
		Tenant:    a.config.Directory.ByHost(r.Host),
		Channel:   operation.API,
		Address:   a.config.Proxies.Client(peer, r.Header),
		UserAgent: cut(strings.ToValidUTF8(r.UserAgent(), "?"), 400),
		Route:     plainMethod(r.Method) + " " + pattern,
	}}
	if keys := r.Header["Authorization"]; len(keys) == 1 && len(r.Header[siteKeyHeader]) == 0 {
		c.request.Key = bearer(keys[0])
	}
	return c
}

// bearer takes the key out of an Authorization header. Whatever is not a
// bearer's key is no key at all, and so not known.
func bearer(header string) secret.Text {
	scheme, key, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") || !strings.HasPrefix(key, "lk_") || len(key) > 200 || strings.ContainsAny(key, " \t,") {
		return secret.Text{}
	}
	return secret.NewText(key)
}

// serve answers a request for one operation.
func (a *API) serve(w http.ResponseWriter, r *http.Request, p *plan) {
	c := a.newCall(w, r, prefix+p.meta.Path)
	defer c.log()
	if f := c.identify(); f != nil {
		c.refuse(f)
		return
	}
	admitted, body := false, p.arriving(r)
	out, err := p.entry.Invoke(r.Context(), a.config.Gate, c.request, func(in any) error {
		return p.bindPath(in, r.PathValue)
	}, func(in any) error {
		admitted = true
		return p.read(in, r, body, a.dock)
	})
	if admitted && c.request.Channel == operation.Portal {
		share(w.Header(), c.request.Origin)
	}
	c.answer(p, out, err)
}

// identify finds the credential. The sort of credential is the channel.
func (c *call) identify() *fault.Error {
	h := c.r.Header
	keys, sites, origins, repeats := h["Authorization"], h[siteKeyHeader], h["Origin"], h["Idempotency-Key"]
	if len(keys) > 1 || len(sites) > 1 || len(origins) > 1 || len(repeats) > 1 {
		return fault.New(fault.Malformed, "duplicate_header", "Send Authorization, "+siteKeyHeader+", Origin and Idempotency-Key once.")
	}
	if len(keys) == 1 && len(sites) == 1 {
		return fault.New(fault.Malformed, "two_credentials", "Send an API key or a site key, not both.")
	}
	if len(sites) == 1 {
		c.request.Channel, c.request.Key = operation.Portal, secret.Text{}
		c.request.Site, c.request.Origin = cut(sites[0], 200), cut(h.Get("Origin"), 300)
	}
	if len(repeats) == 1 {
		key := repeats[0]
		if key == "" || len(key) > 200 || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return fault.New(fault.Malformed, "malformed_idempotency_key", "Idempotency-Key must be 1 to 200 visible ASCII characters.")
		}
		if pan.Contains(key) {
			return fault.New(fault.Malformed, "card_number", "Take another Idempotency-Key: it is kept, and this one has the form of a card number.")
		}
		c.request.IdempotencyKey = key
	}
	return nil
}

// answer writes what the gate gave.
func (c *call) answer(p *plan, out any, err error) {
	if err != nil {
		c.fail(err)
		return
	}
	c.status = p.meta.Status
	switch file := out.(type) {
	case *gate.File:
		c.send(file)
		return
	case *gate.Chunk:
		c.stream(p, file)
		return
	}
	if c.status == http.StatusNoContent {
		c.w.WriteHeader(c.status)
		return
	}
	body, err := encode(out)
	if err != nil {
		c.fail(err)
		return
	}
	h := c.w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	c.w.WriteHeader(c.status)
	_, _ = c.w.Write(body) // the other end may have gone
}

// encode writes an answer: empty lists are [], stored text that is no UTF-8 is
// mended, and what may be left out is so as encoding/json does it.
func encode(out any) ([]byte, error) {
	return json.Marshal(out, legacy.OmitEmptyWithLegacySemantics(true), jsontext.AllowInvalidUTF8(true), json.Deterministic(true))
}

// send answers with a document, to be saved and never shown in our origin.
func (c *call) send(f *gate.File) {
	c.w.Header().Set("Content-Length", strconv.Itoa(len(f.Body)))
	c.head(f)
	_, _ = c.w.Write(f.Body) // the other end may have gone
}

// head begins a document.
func (c *call) head(f *gate.File) {
	h := c.w.Header()
	kind := f.ContentType
	if kind == "" {
		kind = "application/octet-stream"
	}
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", parcel.Attachment(f.Name))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	c.w.WriteHeader(c.status)
}

// log notes the call: its route and never its query, which may name people.
func (c *call) log() {
	if !c.api.config.Log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	took := c.api.config.Now().Sub(c.since)
	c.api.config.Log.Debug("api", "route", c.request.Route, "channel", c.request.Channel.String(), "status", c.status, "us", took.Microseconds())
}

// cut shortens a header for the trail without breaking a character.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}
