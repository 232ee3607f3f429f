package origination

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what the desk is wired with at the roof.
type Config struct {
	// Board makes the loan of an approved application in the transaction of the
	// call that approves it. Nil: approval is refused as unavailable.
	Board func(ctx context.Context, c *gate.Call, in BoardIn) (id.Loan, error)
	// Kick wakes the tenant's job runner after a commit; it must not block.
	Kick func(*gate.Call)
	// Outbound is the only way out, an *outbound.Client.
	Outbound ipstack.Getter
	// AlsoPublic are ranges that count as public beside the public ones (demo).
	AlsoPublic *ipset.Set
	// PlainLoopback lets an administrator name a plain-http stand-in on loopback
	// (demo).
	PlainLoopback bool
	// QuotaPerAddress pauses only the address that met the quota (demo).
	QuotaPerAddress bool
	// Gazetteer finds points for declared places; nil knows none.
	Gazetteer network.Places
	// Alert is told when the provider has stopped answering; it must not block.
	Alert func(t *tenant.Tenant, failure, words string, until int64)
	// Now is the provider client's clock, for its circuit and the age of answers.
	Now func() time.Time
}

// BoardIn is an approved application on its way to becoming a loan.
type BoardIn struct {
	Application   id.Application
	FirstName     string
	LastName      string
	Email, Phone  string
	DateOfBirth   civil.Date
	SSN           string
	Line1         string
	City, Region  string
	PostalCode    string
	Country       string
	SourceCompany id.SourceCompany // "" for none
	Amount        money.Amount
	AnnualRate    string // per cent, decimal
	TermMonths    int
	Convention    string // "30/360" or "actual/365"
}

// Desk holds the operations.
type Desk struct {
	config  Config
	mu      sync.Mutex               // guards clients
	clients map[id.Tenant]*connected // one a tenant, of its newest connection

	Submit          *gate.Op[SubmitIn, SubmitOut]
	List            *gate.Op[ListIn, ListOut]
	View            *gate.Op[Ref, ApplicationOut]
	CheckView       *gate.Op[Ref, NetworkCheckOut]
	DecisionView    *gate.Op[Ref, DecisionOut]
	RelatedList     *gate.Op[Ref, RelatedOut]
	History         *gate.Op[Ref, HistoryOut]
	Evidence        *gate.Op[EvidenceIn, gate.File]
	Approve         *gate.Op[ApproveIn, ActedOut]
	Reject          *gate.Op[RejectIn, ActedOut]
	Reprocess       *gate.Op[ReprocessIn, ActedOut]
	CheckBegin      *gate.Op[CheckRef, CheckBeginOut]
	CheckRecord     *gate.Op[CheckRecordIn, CheckRecordOut]
	CheckExpire     *gate.Op[CheckRef, CheckRecordOut]
	TroubleRecord   *gate.Op[TroubleIn, Done]
	NetworkRules    *gate.Op[Nothing, RulesOut]
	NetworkUpdate   *gate.Op[RulesIn, RulesOut]
	ApplicantRules  *gate.Op[Nothing, RulesOut]
	ApplicantUpdate *gate.Op[RulesIn, RulesOut]
	Preview         *gate.Op[PreviewIn, PreviewOut]
	RulesHistory    *gate.Op[RulesHistoryIn, RulesHistoryOut]
	ConnectionView  *gate.Op[Nothing, ConnectionOut]
	ConnectionSet   *gate.Op[ConnectionIn, ConnectionOut]
	ConnectionTest  *gate.Op[Nothing, TestOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c, clients: map[id.Tenant]*connected{}}
	d.applicationOperations()
	d.underwritingOperations()
	d.checkOperations()
	d.ruleOperations()
	d.connectionOperations()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.Submit, d.List, d.View, d.CheckView, d.DecisionView, d.RelatedList, d.History, d.Evidence, d.Approve, d.Reject, d.Reprocess,
		d.CheckBegin, d.CheckRecord, d.CheckExpire, d.TroubleRecord, d.NetworkRules, d.NetworkUpdate, d.ApplicantRules, d.ApplicantUpdate, d.Preview, d.RulesHistory,
		d.ConnectionView, d.ConnectionSet, d.ConnectionTest}
}

// Ref names an application in a path.
type Ref struct {
	ID id.Application `path:"id" json:"-" maxLength:"40"`
}

func (r *Ref) object() string { return "application/" + string(r.ID) }

// look describes a read of one application.
func look[Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *Ref) (*Out, error)) *gate.Op[Ref, Out] {
	return &gate.Op[Ref, Out]{Name: name, Title: title, Area: "Applications", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "underwriter manager", Object: (*Ref).object, Do: do}
}

func (d *Desk) applicationOperations() {
	d.Submit = &gate.Op[SubmitIn, SubmitOut]{Name: "application.submit", Title: "Enter application", Area: "Applications", Screen: "Applications/New",
		Method: "POST", Path: "/applications", Status: 201, Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Personal,
		Permit: gate.ByRole, Roles: "intake underwriter manager", Sites: true, Idempotent: true, Prepare: d.receive, Outside: d.giveKey, Do: d.submit}
	d.List = &gate.Op[ListIn, ListOut]{Name: "application.list", Title: "List applications", Area: "Applications", Screen: "Applications",
		Method: "GET", Path: "/applications", Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "underwriter manager", Do: d.list}
	d.View = look("application.view", "View application", "Application/Summary", "/applications/{id}", d.view)
	d.CheckView = look("application.network_check.view", "View network check", "Application/Risk Score", "/applications/{id}/network-check", d.checkView)
	d.DecisionView = look("application.decision.view", "View decision", "Application/Risk Score", "/applications/{id}/decision", d.decisionView)
	d.RelatedList = look("application.related.list", "Related applications", "Application/Summary", "/applications/{id}/related", d.related)
	d.History = look("application.history", "View transitions", "Application/Transitions", "/applications/{id}/history", d.history)
	d.Evidence = &gate.Op[EvidenceIn, gate.File]{Name: "application.evidence", Title: "Evidence of a decision", Area: "Applications", Screen: "Application/Documents",
		Method: "GET", Path: "/applications/{id}/evidence", Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal,
		Permit: gate.ByRole, Roles: "underwriter manager", Object: func(in *EvidenceIn) string { return "application/" + string(in.ID) }, Do: d.evidence}
}

// actor is the caller as records name who acted.
func actor(c *gate.Call) docket.Actor { return docket.Actor{ID: c.Who.String(), Name: c.Who.Name} }

// engine is the actor of automatic decisions.
func engine() docket.Actor { return docket.Actor{ID: "house/decision-engine", Name: "Decision engine"} }

// Paging is the part of every list's input that says which page is meant.
type Paging struct {
	Cursor string `query:"cursor" json:"-" maxLength:"2000" required:"false" doc:"The next of the page before; bound to the caller and to the same filters."`
	Limit  int    `query:"limit" json:"-" minimum:"1" maximum:"200" required:"false" doc:"Items a page, 50 unless told."`
	Total  string `query:"total" json:"-" enum:"exact" required:"false" doc:"exact: count all, also with filters."`
}

func (p Paging) limit(f *fault.Collector) int {
	f.Check(p.Limit >= 0 && p.Limit <= 200, "limit", "Give a number between 1 and 200.")
	f.Check(p.Total == "" || p.Total == "exact", "total", `Leave it out or write "exact".`)
	if p.Limit == 0 {
		return 50
	}
	return p.Limit
}

// cursorPurpose binds a cursor to the caller, the list and its filters.
func cursorPurpose(c *gate.Call, list string, filter any) string {
	b, err := json.Marshal(filter)
	if err != nil {
		panic(err) // filters are structs of texts
	}
	h := sha256.Sum256(b)
	return "cursor " + list + " " + c.Who.String() + " " + hex.EncodeToString(h[:])
}

func sealCursor(c *gate.Call, list string, filter, mark any) string {
	b, err := json.Marshal(mark)
	if err != nil {
		panic(err) // marks are structs of texts and numbers
	}
	return c.Tenant.Ring.SealToken(cursorPurpose(c, list, filter), b)
}

// openCursor reads a cursor into mark; false if none was given.
func openCursor(c *gate.Call, list string, filter any, cursor string, mark any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	b, err := c.Tenant.Ring.OpenToken(cursorPurpose(c, list, filter), cursor)
	if err != nil || json.Unmarshal(b, mark) != nil {
		return false, fault.Bad("cursor", "Take the cursor from the page before, with the same filters and the same caller, or begin without one.")
	}
	return true, nil
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
