package records

import (
	"context"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// mostWitnesses bounds how many places one trail's checkpoints go to.
const mostWitnesses = 100

// Witness is a place outside to which checkpoints go, as the API shows it.
type Witness struct {
	ID      id.Witness `json:"id" class:"public"`
	Kind    string     `json:"kind" class:"public" enum:"file,https,mail"`
	Target  string     `json:"target" class:"public" doc:"The address or mailbox; of the operator's folder nothing but that it is one."`
	Key     string     `json:"key,omitempty" class:"public" doc:"By which an https witness signs what it took."`
	Active  bool       `json:"active" class:"public"`
	Since   string     `json:"since" class:"public"`
	Size    int64      `json:"size" class:"public" doc:"Entries covered by the checkpoint that it took last."`
	TakenAt string     `json:"taken_at" class:"public" doc:"Empty: it has taken none."`
	Trouble string     `json:"trouble,omitempty" class:"public" doc:"Why the last try failed."`
	Parted  string     `json:"parted_at,omitempty" class:"public" doc:"Since when it holds something that is not the beginning of this trail: the trail was rewritten, or restored from a backup."`
	Apart   *bool      `json:"apart,omitempty" class:"public" doc:"Of the operator's folder: whether it lies on another volume than the data."`
}

// WitnessListOut is every witness of the trail.
type WitnessListOut struct {
	Items []Witness `json:"items"`
}

// WitnessAddIn names a witness.
type WitnessAddIn struct {
	Kind   string `json:"kind" enum:"https,mail"`
	Target string `json:"target" minLength:"1" maxLength:"300" doc:"https: the submission prefix of a witness that speaks C2SP tlog-witness; mail: a mailbox outside."`
	Key    string `json:"key,omitempty" maxLength:"300" doc:"https: the witness's public key, name+hash+key, as its keeper publishes it. Without one its signature is kept and not checked."`
}

// WitnessRef names a witness in a path.
type WitnessRef struct {
	ID id.Witness `path:"id" json:"-"`
}

// Nothing is an input without fields.
type Nothing struct{}

func (d *Desk) witnessOperations() {
	d.WitnessList = &gate.Op[Nothing, WitnessListOut]{
		Name: "audit.witness.list", Title: "List witnesses of the audit trail", Area: "Audit", Screen: "Audit trail/Checkpoints", Method: "GET", Path: "/audit/witnesses",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: d.witnesses,
	}
	d.WitnessAdd = &gate.Op[WitnessAddIn, Witness]{
		Name: "audit.witness.add", Title: "Name a witness of the audit trail", Area: "Audit", Screen: "Audit trail/Checkpoints", Method: "POST", Path: "/audit/witnesses", Status: 201,
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Pairing: gate.MayPair,
		Object: func(*WitnessAddIn) string { return "settings/witnesses" }, Do: d.witnessAdd,
	}
	d.WitnessEnd = &gate.Op[WitnessRef, Witness]{
		Name: "audit.witness.end", Title: "End a witness of the audit trail", Area: "Audit", Screen: "Audit trail/Checkpoints", Method: "POST", Path: "/audit/witnesses/{id}/end",
		Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Pairing: gate.MayPair,
		Object: func(in *WitnessRef) string { return "witness/" + string(in.ID) }, Do: d.witnessEnd,
	}
}

func (d *Desk) witnesses(ctx context.Context, c *gate.Call, _ *Nothing) (*WitnessListOut, error) {
	rows, err := witness.All(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &WitnessListOut{Items: make([]Witness, 0, len(rows))}
	for i := range rows {
		out.Items = append(out.Items, d.witness(&rows[i]))
	}
	return out, nil
}

func (d *Desk) witness(w *witness.Row) Witness {
	out := Witness{ID: w.ID, Kind: w.Kind, Target: w.Target, Key: w.Key, Active: w.Active, Since: instant(w.CreatedAt), Size: w.Taken.Size, Trouble: w.Trouble}
	if w.TakenAt != 0 {
		out.TakenAt = instant(w.TakenAt)
	}
	if w.PartedAt != 0 {
		out.Parted = instant(w.PartedAt)
	}
	if w.Kind == witness.File {
		out.Target, out.Apart = "the operator's folder", &d.config.FolderApart
		if w.Trouble != "" && w.PartedAt == 0 {
			out.Trouble = "The folder cannot be written; the operator's log says why."
		}
	}
	return out
}

func (d *Desk) witnessAdd(ctx context.Context, c *gate.Call, in *WitnessAddIn) (*Witness, error) {
	in.Target = strings.TrimSpace(in.Target)
	if err := in.check(); err != nil {
		return nil, err
	}
	rows, err := witness.All(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	active := 0
	for _, r := range rows {
		if !r.Active {
			continue
		}
		if active++; r.Kind == in.Kind && r.Target == in.Target {
			return nil, fault.New(fault.Conflict, "witness_there", "This witness takes the checkpoints already.")
		}
	}
	if active >= mostWitnesses {
		return nil, fault.New(fault.Conflict, "too_many_witnesses", "A hundred witnesses take the checkpoints already; end one first.")
	}
	w := &witness.Row{ID: id.New[id.Witness](c.At), Kind: in.Kind, Target: in.Target, Key: in.Key, Active: true, CreatedAt: c.At, CreatedBy: c.Who.String()}
	c.Detail("witness", string(w.ID))
	c.Change("witness", "", w.Kind+" "+w.Target)
	if err := witness.Insert(ctx, c.Tx, w); err != nil {
		return nil, err
	}
	out := d.witness(w)
	return &out, nil
}

func (in *WitnessAddIn) check() error {
	var bad fault.Collector
	switch in.Kind {
	case witness.HTTPS:
		u, err := url.Parse(in.Target)
		bad.Check(err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "", "target", "Give an address such as https://witness.example/lendkeep, without a name, a query or a fragment.")
		bad.Check(in.Key == "" || checkpoint.IsCosigner(in.Key) == nil, "key", "Give the witness's key as its keeper publishes it: name+hash+key.")
	case witness.Mail:
		bad.Check(mail.IsAddress(in.Target), "target", "Give one address like auditor@example.com.")
		bad.Check(in.Key == "", "key", "A mailbox has no key; leave it out.")
	}
	return bad.Err()
}

func (d *Desk) witnessEnd(ctx context.Context, c *gate.Call, in *WitnessRef) (*Witness, error) {
	rows, err := witness.All(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		w := &rows[i]
		if w.ID != in.ID {
			continue
		}
		if w.Kind == witness.File {
			return nil, fault.New(fault.Conflict, "operators_witness", "The folder is the operator's; it ends when the server is started without it.")
		}
		if _, err := witness.Switch(ctx, c.Tx, w.ID, false); err != nil {
			return nil, err
		}
		c.Change("witness", w.Kind+" "+w.Target, "")
		w.Active = false
		out := d.witness(w)
		return &out, nil
	}
	return nil, fault.Missing("witness")
}
