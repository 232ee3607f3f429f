package house

import (
	"bufio"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/api"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/onboarding"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// OpenAPI gives the document of the one list of operations, without opening
// any data.
func OpenAPI(c Config) ([]byte, error) {
	h := &House{Config: c}
	h.work = newWork(h)
	if err := h.desks(); err != nil {
		return nil, err
	}
	return api.Document(h.Gate.Catalogue(), c.Version)
}

// Console serves the command line. It must be reachable by the operator alone:
// whoever can open its socket is the house itself.
func (h *House) Console() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/console/", h.API.ConsoleHandler())
	mux.HandleFunc("POST /console/v1/tenants", h.tenantCreate)
	mux.HandleFunc("POST /console/v1/tenants/list", h.tenantList)
	mux.HandleFunc("POST /console/v1/import", h.importFile)
	mux.HandleFunc("POST /console/v1/audit/verify", h.auditVerify)
	mux.HandleFunc("POST /console/v1/audit/export", h.auditExport)
	mux.HandleFunc("POST /console/v1/backup", h.backup)
	mux.HandleFunc("POST /console/v1/alarms", h.alarms)
	return mux
}

// TenantIn is what `lendkeep tenant create` sends.
type TenantIn struct {
	Slug, Name, Host, Region, Zone, AdminEmail, AdminName string
}

// TenantOut is a tenant as `lendkeep tenant list` shows it.
type TenantOut struct{ Slug, Name, Host, Region, Zone string }

func (h *House) tenantCreate(w http.ResponseWriter, r *http.Request) {
	var in TenantIn
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil {
		answer(w, fault.New(fault.Malformed, "malformed", "Send one JSON object."), nil)
		return
	}
	t, err := h.CreateTenant(r.Context(), tenant.New{Slug: in.Slug, Name: in.Name, Host: in.Host, Region: in.Region, Zone: in.Zone},
		First{Email: in.AdminEmail, Name: in.AdminName})
	if err != nil {
		answer(w, err, nil)
		return
	}
	answer(w, nil, map[string]string{"id": string(t.ID)})
}

func (h *House) tenantList(w http.ResponseWriter, _ *http.Request) {
	list := []TenantOut{}
	for _, t := range h.Directory.All() {
		list = append(list, TenantOut{t.Slug, t.Name, t.Host, t.Region, t.Zone.String()})
	}
	slices.SortFunc(list, func(a, b TenantOut) int { return strings.Compare(a.Slug, b.Slug) })
	answer(w, nil, list)
}

func (h *House) tenantOf(w http.ResponseWriter, r *http.Request) *tenant.Tenant {
	t := h.Directory.BySlug(r.Host)
	if t == nil {
		t = h.Directory.ByHost(r.Host)
	}
	if t == nil {
		answer(w, fault.Missing("tenant"), nil)
	}
	return t
}

// ImportLine is one line of an import's answer: progress, or its end.
type ImportLine struct {
	Done    int64              `json:"done"`
	Total   int64              `json:"total"`
	Report  *onboarding.Report `json:"report,omitempty"`
	Failure string             `json:"failure,omitempty"`
}

// importFile streams a CSV file in and lines of progress out.
func (h *House) importFile(w http.ResponseWriter, r *http.Request) {
	t := h.tenantOf(w, r)
	if t == nil {
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := bufio.NewWriter(w)
	lines, flusher := json.NewEncoder(out), http.NewResponseController(w)
	say := func(l ImportLine) {
		_ = lines.Encode(l) // a reader that went away ends the import through the context
		_ = out.Flush()
		_ = flusher.Flush()
	}
	_ = flusher.EnableFullDuplex()
	report, err := h.runImport(r, t, func(done, total int64) { say(ImportLine{Done: done, Total: total}) })
	if err != nil {
		say(ImportLine{Failure: told(err)})
		return
	}
	say(ImportLine{Report: report})
}

func told(err error) string {
	f := fault.As(err)
	text := f.Message
	for _, field := range f.Fields {
		text += " " + field.Path + ": " + field.Mend
	}
	if f.Kind == fault.Internal {
		text += " (" + err.Error() + ")"
	}
	return text
}

// answer writes a value, or a fault as problem+json.
func answer(w http.ResponseWriter, err error, v any) {
	if err == nil {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
		return
	}
	f := fault.As(err)
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(http.StatusUnprocessableEntity)
	_ = json.NewEncoder(w).Encode(map[string]any{"title": f.Kind.String(), "detail": told(err), "reason": f.Reason})
}

// runImport takes a file through the gate, as the console.
func (h *House) runImport(r *http.Request, t *tenant.Tenant, progress func(done, total int64)) (*onboarding.Report, error) {
	op := h.Onboarding.Loans
	if r.URL.Query().Get("what") == "borrowers" {
		op = h.Onboarding.Borrowers
	}
	call := &gate.Request{Tenant: t, Channel: operation.Console, Job: "console", UserAgent: "lendkeep"}
	return gate.Run(r.Context(), h.Gate, op, call, func(in *onboarding.ImportIn) error {
		in.File, in.Size, in.Partial, in.Progress = r.Body, r.ContentLength, r.URL.Query().Get("partial") == "true", progress
		return nil
	}, nil)
}
