// Package records is the desk of the audit trail: looking through it and at
// one entry, handing it to auditors, and naming the witnesses that keep its
// checkpoints. Looking is itself an entry.
package records

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/audit/facet"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Desk holds the operations.
type Desk struct {
	AuditList *gate.Op[AuditListIn, AuditListOut]
	AuditView *gate.Op[AuditRef, Entry]

	AuditExport    *gate.Op[AuditExportIn, gate.Chunk]
	CheckpointList *gate.Op[CheckpointListIn, CheckpointListOut]
	WitnessList    *gate.Op[Nothing, WitnessListOut]
	WitnessAdd     *gate.Op[WitnessAddIn, Witness]
	WitnessEnd     *gate.Op[WitnessRef, Witness]

	config Config
}

// Config is what the operator has set.
type Config struct {
	FolderApart bool // the folder of checkpoints lies on another volume than the data
}

// New makes the desk.
func New(config Config) *Desk {
	d := &Desk{config: config,
		AuditList: &gate.Op[AuditListIn, AuditListOut]{
			Name: "audit.list", Title: "Look through the audit trail", Area: "Audit", Screen: "Audit trail", Method: "GET", Path: "/audit",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: list,
		},
		AuditView: &gate.Op[AuditRef, Entry]{
			Name: "audit.view", Title: "View audit entry", Area: "Audit", Screen: "Audit trail/Entry", Method: "GET", Path: "/audit/{id}",
			Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security,
			Object: func(in *AuditRef) string { return "audit/" + string(in.ID) }, Do: view,
		},
		AuditExport: exportOperation(), CheckpointList: checkpointOperation(),
	}
	d.witnessOperations()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.AuditList, d.AuditView, d.AuditExport, d.CheckpointList, d.WitnessList, d.WitnessAdd, d.WitnessEnd}
}

// Interruption is the operation of entries that say that for a time no entry could
// be written.
const Interruption = "audit.interruption"

// Narrow says which entries; empty fields do not narrow.
type Narrow struct {
	Actor     string `query:"actor" maxLength:"100" required:"false" doc:"user/us_…"`
	Operation string `query:"operation" maxLength:"100" required:"false"`
	Object    string `query:"object" maxLength:"100" required:"false" doc:"loan/ln_…"`
	Outcome   string `query:"outcome" enum:",allowed,denied,failed" required:"false"`
	Channel   string `query:"channel" enum:",ui,api,walkthrough,job,portal,console" required:"false"`
	Address   string `query:"address" maxLength:"60" required:"false"`
	From      string `query:"from" maxLength:"40" required:"false" doc:"instant or date, inclusive"`
	To        string `query:"to" maxLength:"40" required:"false" doc:"instant or date, exclusive"`
}

// AuditListIn asks for a page of the trail.
type AuditListIn struct {
	Narrow
	Cursor  string `query:"cursor" maxLength:"400" required:"false"`
	Limit   int    `query:"limit" minimum:"0" maximum:"200" required:"false"`
	Numbers string `query:"numbers" enum:",yes" required:"false" doc:"yes: say also of what the selection consists."`
}

// Entry is one audit entry as the API shows it.
type Entry struct {
	ID            id.Audit          `json:"id" class:"public"`
	Sequence      *int64            `json:"sequence" class:"public" doc:"null until the sequencer has placed it, within a second"`
	Time          string            `json:"time" class:"public"`
	At            int64             `json:"-"`
	Actor         string            `json:"actor" class:"public"`
	ActorName     string            `json:"actor_name" class:"public"`
	For           string            `json:"for,omitempty" class:"public" doc:"on whose behalf: who proposed what another person approved"`
	Channel       string            `json:"channel" class:"public"`
	Credential    string            `json:"credential,omitempty" class:"public"`
	Address       string            `json:"address" class:"public"`
	UserAgent     string            `json:"user_agent,omitempty" class:"public"`
	Operation     string            `json:"operation" class:"public"`
	Operations    []string          `json:"operations,omitempty" class:"public" doc:"the reads of one page"`
	Object        string            `json:"object" class:"public"`
	Outcome       string            `json:"outcome" class:"public" enum:"allowed,denied,failed"`
	Layer         string            `json:"layer,omitempty" class:"public"`
	Reason        string            `json:"reason" class:"public"`
	Rule          string            `json:"rule,omitempty" class:"public"`
	DecisionID    id.Decision       `json:"decision_id" class:"public"`
	PolicyVersion int64             `json:"policy_version,omitempty" class:"public"`
	Grant         string            `json:"grant,omitempty" class:"public" doc:"the lent right by which it was allowed, where the role does not hold it"`
	Given         string            `json:"given,omitempty" class:"public" doc:"the reason that the person gave"`
	Before        map[string]string `json:"before" class:"public"`
	After         map[string]string `json:"after" class:"public"`
	Detail        map[string]string `json:"detail,omitempty" class:"public"`
	Count         int64             `json:"count" class:"public"`
	Disposal      string            `json:"disposal,omitempty" class:"public" doc:"What it said was disposed of when its time of retention had ended; the entry of audit.dispose that carries this name in its detail says so."`
	Older         id.Audit          `json:"older,omitempty" class:"public" doc:"the entry before it in the history of its object; told of a single entry"`
	Newer         id.Audit          `json:"newer,omitempty" class:"public" doc:"the entry after it in the history of its object; told of a single entry"`
}

// AuditListOut is a page of the trail, newest first.
type AuditListOut struct {
	Items   []Entry `json:"items"`
	Total   int64   `json:"total" class:"public"`
	TotalIs string  `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string  `json:"next" class:"public"`
	// A page that ends for want of time, and not of entries, says how far it came.
	LookedBackTo string   `json:"looked_back_to,omitempty" class:"public" doc:"Everything since then was looked at; next goes on with what is older. The page may hold fewer entries than asked for, even none."`
	Numbers      *Numbers `json:"numbers,omitempty"`
}

// AuditRef names an entry in a path.
type AuditRef struct {
	ID id.Audit `path:"id"`
}

const cursorPurpose = "audit.list cursor"

type cursor struct {
	Who string   `json:"w"`
	At  int64    `json:"a"`
	ID  id.Audit `json:"i"`
}

func list(ctx context.Context, c *gate.Call, in *AuditListIn) (*AuditListOut, error) {
	f, err := in.filter(c)
	if err != nil {
		return nil, err
	}
	if f.Limit = in.Limit; f.Limit == 0 {
		f.Limit = 50
	}
	var bad fault.Collector
	if in.Cursor != "" {
		var at cursor
		plain, err := c.Tenant.Ring.OpenToken(cursorPurpose, in.Cursor)
		if err == nil {
			err = json.Unmarshal(plain, &at)
		}
		bad.Check(err == nil && at.Who == c.Who.String(), "cursor", "Take the cursor from the answer before, as it is.")
		f.BeforeAt, f.BeforeID = at.At, at.ID
	}
	if err := bad.Err(); err != nil {
		return nil, err
	}
	in.note(c)
	f.Patience = patience
	page, err := c.Tenant.Trail.List(ctx, c.Tx, f)
	if err == nil {
		err = sayErased(ctx, c, page.Entries)
	}
	if err != nil {
		return nil, err
	}
	out := &AuditListOut{Items: make([]Entry, 0, len(page.Entries)), Total: page.Total, TotalIs: "exact"}
	if page.AtLeast {
		out.TotalIs = "at_least"
	}
	for i := range page.Entries {
		out.Items = append(out.Items, shown(&page.Entries[i]))
	}
	if page.More {
		last := cursor{Who: c.Who.String(), At: page.Reached}
		if page.Reached == 0 {
			e := page.Entries[len(page.Entries)-1]
			last.At, last.ID = e.At, e.ID
		} else {
			out.LookedBackTo = instant(page.Reached)
		}
		b, err := json.Marshal(last)
		if err != nil {
			return nil, err
		}
		out.Next = c.Tenant.Ring.SealToken(cursorPurpose, b)
	}
	if in.Numbers != "" {
		f.BeforeAt, f.BeforeID = 0, ""
		out.Numbers, err = numbers(ctx, c, f)
	}
	return out, err
}

func when(bad *fault.Collector, c *gate.Call, field, text string) int64 {
	if text == "" {
		return 0
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.UnixMicro()
	}
	t, err := time.ParseInLocation(time.DateOnly, text, c.Tenant.Zone)
	bad.Check(err == nil, field, "Give a date such as 2026-11-22 or an instant such as 2026-11-22T14:00:00Z.")
	return t.UnixMicro()
}

func view(ctx context.Context, c *gate.Call, in *AuditRef) (*Entry, error) {
	e, err := c.Tenant.Trail.Get(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if err := readable(ctx, c, e); err != nil {
		return nil, err
	}
	one := []audit.Entry{*e}
	if err := sayErased(ctx, c, one); err != nil {
		return nil, err
	}
	out := shown(&one[0])
	older, newer, err := facet.Beside(ctx, c.Tx, e.Object, e.At, string(e.ID), within(c))
	out.Older, out.Newer = id.Audit(older), id.Audit(newer)
	return &out, err
}

func shown(e *audit.Entry) Entry {
	out := Entry{ID: e.ID, At: e.At, Time: instant(e.At), Actor: e.Actor, ActorName: e.ActorName, For: e.For,
		Channel: e.Channel.String(), Credential: e.Credential, UserAgent: e.UserAgent, Operation: e.Operation, Operations: e.Operations,
		Object: e.Object, Outcome: e.Outcome.String(), Layer: e.Layer, Reason: e.Reason, Rule: e.Rule, DecisionID: e.DecisionID,
		PolicyVersion: e.PolicyVersion, Grant: e.Grant, Given: e.Given, Detail: e.Detail, Count: max(1, e.Count), Before: map[string]string{}, After: map[string]string{}}
	if e.Sequence != 0 {
		out.Sequence = &e.Sequence
	}
	if out.Disposal = e.Disposal; out.Disposal != "" {
		out.Channel, out.Outcome = "", ""
	}
	if e.Address.IsValid() && e.Channel != operation.Portal {
		out.Address = e.Address.String()
	} else if e.Channel == operation.Portal {
		out.Address = "[sealed]"
	}
	for i, ch := range e.Changes {
		field := ch.Field
		if _, twice := out.After[field]; twice {
			field += " (" + strconv.Itoa(i+1) + ")"
		}
		out.Before[field], out.After[field] = ch.Before, ch.After
		if ch.Sealed && ch.Before != audit.Erased {
			out.Before[field], out.After[field] = "[sealed]", "[sealed]"
		}
	}
	return out
}
