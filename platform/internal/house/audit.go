package house

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
)

// mostNotes bounds the checkpoints kept elsewhere that a trail is verified against.
const mostNotes = 64 << 20

// auditVerify recomputes the trail, and holds it against the checkpoints in the body.
func (h *House) auditVerify(w http.ResponseWriter, r *http.Request) {
	t := h.tenantOf(w, r)
	if t == nil {
		return
	}
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostNotes))
	if err != nil {
		answer(w, fault.New(fault.Malformed, "malformed", "Send checkpoints, or nothing."), nil)
		return
	}
	notes, torn := checkpoint.Whole(string(b))
	type verdict struct {
		OK    bool   `json:"ok"`
		Words string `json:"words"`
	}
	if len(b) > 0 && len(notes) == 0 {
		answer(w, nil, verdict{Words: "The file holds no checkpoint that is whole, so nothing was verified."})
		return
	}
	err = t.DB.Read(r.Context(), t.DB.Now(), func(ctx context.Context, tx *db.Tx) error { return t.Trail.Verify(ctx, tx, notes...) })
	if err != nil {
		answer(w, nil, verdict{Words: "The trail does not verify: " + err.Error()})
		return
	}
	words := "Every entry verifies: leaves, sequence, chains and the checkpoints beside them."
	if len(notes) > 0 {
		words += fmt.Sprintf(" It agrees with %d checkpoints kept elsewhere.", len(notes))
	}
	if torn > 0 {
		words += fmt.Sprintf(" Passed over: %d that were cut off or damaged where they were kept, and say nothing.", torn)
	}
	answer(w, nil, verdict{OK: true, Words: words})
}

// auditExport streams a file for auditors, as the console.
func (h *House) auditExport(w http.ResponseWriter, r *http.Request) {
	t := h.tenantOf(w, r)
	if t == nil {
		return
	}
	q := r.URL.Query()
	in := records.AuditExportIn{Extent: q.Get("extent"), Since: q.Get("since"), Narrow: records.Narrow{Object: q.Get("object")}}
	call := &gate.Request{Tenant: t, Channel: operation.Console, Job: "console", UserAgent: "lendkeep"}
	for first := true; ; first = false {
		piece, err := gate.Run(r.Context(), h.Gate, h.Records.AuditExport, call, func(to *records.AuditExportIn) error { *to = in; return nil }, nil)
		if err != nil && first {
			answer(w, err, nil)
			return
		}
		if err != nil {
			h.Config.Log.Warn("an export was broken off", "tenant", t.Slug, "error", err)
			panic(http.ErrAbortHandler) // nobody must take half a file for a whole one
		}
		if _, err := w.Write(piece.Body); err != nil || piece.Next == "" {
			return
		}
		in.Continue(piece.Next)
	}
}
