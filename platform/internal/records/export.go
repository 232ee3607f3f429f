package records

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/bundle"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// AuditExportIn asks for a file of the trail.
type AuditExportIn struct {
	Format string   `query:"format" enum:",trail,csv,ocsf" required:"false" doc:"trail: a signed file that an auditor verifies; csv: a table; ocsf: events of the Open Cybersecurity Schema Framework 1.6.0, one JSON object a line. trail unless told. A table and events prove nothing, run from the newest entry to the oldest, and hold what the filter finds."`
	Extent string   `query:"extent" enum:",whole,object,part" required:"false" doc:"whole: every entry up to the newest checkpoint; object: every entry about the object; part: what the filter finds. part unless told."`
	Since  string   `query:"since" maxLength:"200" required:"false" doc:"Sizes of checkpoints that were kept elsewhere, separated by commas: the file of an object or a part then proves that the trail begins with them. The whole trail proves any."`
	Entry  id.Audit `query:"entry" required:"false" doc:"Only this entry: its id. The file proves that it is in the trail, and where."`
	Narrow

	cursor string
}

// Continue implements gate.Continued.
func (in *AuditExportIn) Continue(next string) { in.cursor = next }

func exportOperation() *gate.Op[AuditExportIn, gate.Chunk] {
	return &gate.Op[AuditExportIn, gate.Chunk]{
		Name: "audit.export", Title: "Export the audit trail", Area: "Audit", Screen: "Audit trail/Export", Method: "GET", Path: "/audit/export",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: export,
	}
}

// entriesAPiece is how many entries one piece of an export holds: small enough that a
// revocation stops the export within moments.
const entriesAPiece = 2000

// begun is an export between two pieces; it never leaves the program.
type begun struct {
	Head  bundle.Head
	Size  int64
	State []byte
}

// export writes the next piece of a file, within the caller's rights of that moment.
func export(ctx context.Context, c *gate.Call, in *AuditExportIn) (*gate.Chunk, error) {
	if in.Format == "csv" || in.Format == "ocsf" {
		return told(ctx, c, in)
	}
	x, err := extract(ctx, c, in)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	var b begun
	w, err := resume(ctx, c, in, x, &b, &out)
	if err != nil {
		return nil, err
	}
	before := w.Entries()
	page, err := c.Tenant.Trail.Entries(ctx, c.Tx, x, w.Last(), entriesAPiece)
	if err != nil {
		return nil, err
	}
	if x.Extent == bundle.Object && before == 0 && len(page) == 0 {
		return nil, fault.Bad("object", "The trail holds no entry about this object, so a file would prove nothing of it. Look at how it is written, such as loan/ln_…; what was done a moment ago is there in a second.")
	}
	for _, e := range page {
		if err := w.Entry(e); err != nil {
			return nil, err
		}
	}
	c.Detail("entries", strconv.FormatInt(w.Entries()-before, 10))
	piece := &gate.Chunk{File: gate.File{Name: "trail-" + c.Tenant.Slug + "-" + c.Today.String() + ".trail", ContentType: "text/plain; charset=utf-8"}}
	if len(page) < entriesAPiece {
		err = w.Close(c.Tenant.Trail.Signers()...)
	} else {
		piece.Next, err = b.next(w)
	}
	piece.Body = out.Bytes()
	return piece, err
}

func (b *begun) next(w *bundle.Writer) (string, error) {
	var err error
	if b.State, err = w.State(); err != nil {
		return "", err
	}
	j, err := json.Marshal(b)
	return string(j), err
}

// resume begins a file, or goes on with it.
func resume(ctx context.Context, c *gate.Call, in *AuditExportIn, x *audit.Extract, b *begun, out *bytes.Buffer) (*bundle.Writer, error) {
	if in.cursor != "" {
		if err := json.Unmarshal([]byte(in.cursor), b); err != nil {
			return nil, err
		}
		x.Size = b.Size
		return bundle.Resume(out, b.Head, b.State)
	}
	since, err := sizes(in.Since)
	if err != nil {
		return nil, err
	}
	witnesses, err := witness.All(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	for _, w := range witnesses { // whoever asks a witness finds its newest checkpoint proven
		since = append(since, w.Taken.Size)
	}
	h, err := c.Tenant.Trail.Head(ctx, c.Tx, x, since)
	if errors.Is(err, audit.ErrNoCheckpoint) {
		return nil, fault.New(fault.Conflict, "no_checkpoint", "Nothing is signed yet; try again in a second.")
	}
	if err != nil {
		return nil, err
	}
	h.Lender, h.MadeBy, h.Class = c.Tenant.Name, c.Who.String(), "personal"
	if h.Extent == bundle.Part {
		if h.Selection = in.words(); in.Entry != "" {
			h.Selection = "entry " + string(in.Entry)
		}
	}
	b.Head, b.Size = h, x.Size
	return bundle.NewWriter(out, h)
}

// extract says what is asked for, if the caller may have it.
func extract(ctx context.Context, c *gate.Call, in *AuditExportIn) (*audit.Extract, error) {
	f, err := in.filter(c)
	if err != nil {
		return nil, err
	}
	x := &audit.Extract{Extent: bundle.Part, Filter: f}
	if in.Entry != "" {
		one := db.Where("id = ?", string(in.Entry))
		if f.Within != nil {
			one = db.And(one, *f.Within)
		}
		x.Filter.Within = &one
		c.Detail("entry", string(in.Entry))
		if in.words() != "" || in.Extent == "whole" || in.Extent == "object" {
			return nil, fault.Bad("entry", "One entry is not narrowed further; leave the filter and the extent out.")
		}
	}
	switch in.Extent {
	case "whole":
		x.Extent = bundle.Whole
		if !c.Scope.Everything() {
			return nil, fault.New(fault.Denied, "part_of_the_trail", "A search restriction shows you part of the trail; export an object or a selection.")
		}
		if in.words() != "" {
			return nil, fault.Bad("extent", "The whole trail cannot be narrowed; leave the filter out, or ask for part.")
		}
	case "object":
		x.Extent, x.Object = bundle.Object, in.Object
		if in.Object == "" || strings.Contains(in.words(), "; ") {
			return nil, fault.Bad("object", "Name one object, such as loan/ln_…, and no other filter.")
		}
		if err := readable(ctx, c, &audit.Entry{Object: in.Object}); err != nil {
			return nil, err
		}
	}
	in.note(c)
	c.Detail("extent", string(x.Extent))
	return x, nil
}

// mostSizes bounds how many earlier checkpoints one file proves.
const mostSizes = 20

func sizes(text string) (out []int64, err error) {
	if text == "" {
		return nil, nil
	}
	for _, word := range strings.Split(text, ",") {
		n, err := strconv.ParseInt(strings.TrimSpace(word), 10, 64)
		if err != nil || n < 1 || len(out) == mostSizes {
			return nil, fault.Bad("since", "Give at most 20 numbers, separated by commas: the second line of each checkpoint.")
		}
		out = append(out, n)
	}
	return out, nil
}

// CheckpointListIn asks for checkpoints.
type CheckpointListIn struct {
	Covering int64 `query:"covering" minimum:"0" required:"false" doc:"Only those that cover this entry: its sequence."`
	Limit    int   `query:"limit" minimum:"0" maximum:"200" required:"false"`
}

// Checkpoint is a checkpoint as the API shows it.
type Checkpoint struct {
	Size int64  `json:"size" class:"public" doc:"Entries that it covers."`
	Time string `json:"time" class:"public"`
	Note string `json:"note" class:"public" doc:"The signed checkpoint, C2SP tlog-checkpoint: keep it, or compare it with one that was kept."`
}

// CheckpointListOut is the newest checkpoints of the trail, newest first.
type CheckpointListOut struct {
	Items []Checkpoint `json:"items"`
	Key   string       `json:"key" class:"public" doc:"The trail's public key, as the program auditor takes it."`
	Keys  []string     `json:"keys" class:"public" doc:"Every key that the trail was ever signed with, newest first; each named the next before it ended."`
}

func checkpointOperation() *gate.Op[CheckpointListIn, CheckpointListOut] {
	return &gate.Op[CheckpointListIn, CheckpointListOut]{
		Name: "audit.checkpoint.list", Title: "List checkpoints of the audit trail", Area: "Audit", Screen: "Audit trail/Checkpoints", Method: "GET", Path: "/audit/checkpoints",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: checkpoints,
	}
}

func checkpoints(ctx context.Context, c *gate.Call, in *CheckpointListIn) (*CheckpointListOut, error) {
	limit := in.Limit
	if limit == 0 {
		limit = 50
	}
	keys, err := c.Tenant.Trail.Keys()
	if err != nil {
		return nil, err
	}
	list, err := c.Tenant.Trail.Checkpoints(ctx, c.Tx, in.Covering, limit)
	if err != nil {
		return nil, err
	}
	out := &CheckpointListOut{Items: make([]Checkpoint, 0, len(list)), Key: keys[0], Keys: keys}
	for _, s := range list {
		out.Items = append(out.Items, Checkpoint{Size: s.Size, Time: instant(s.At), Note: s.Note})
	}
	return out, nil
}

func instant(at int64) string {
	return time.UnixMicro(at).UTC().Format("2006-01-02T15:04:05.000000Z")
}
