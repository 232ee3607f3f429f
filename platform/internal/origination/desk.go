package origination

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
	"github.com/lendkeep/lendkeep/platform/internal/origination/provider"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
)

// Config is what the desk is wired with at the roof.
type Config struct {
	// Board makes the loan of an approved application in the transaction of the
	// call that approves it. Nil: approval is refused as unavailable.
	Board func(ctx context.Context, c *gate.Call, in BoardIn) (id.Loan, error)
	// Kick wakes the tenant's job runner after a commit; it must not block.
	Kick func(*gate.Call)
	// Gazetteer finds points for declared places; nil knows none.
	Gazetteer network.Places
	// Provider says how the provider of network facts is reached.
	Provider provider.Config
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
	config Config

	*rulebook.Book
	*provider.Provider

	Submit       *gate.Op[SubmitIn, SubmitOut]
	List         *gate.Op[ListIn, ListOut]
	View         *gate.Op[Ref, ApplicationOut]
	CheckView    *gate.Op[Ref, NetworkCheckOut]
	DecisionView *gate.Op[Ref, DecisionOut]
	RelatedList  *gate.Op[Ref, RelatedOut]
	History      *gate.Op[Ref, HistoryOut]
	Evidence     *gate.Op[EvidenceIn, gate.File]
	Reveal       *gate.Op[RevealIn, RevealOut]
	Approve      *gate.Op[ApproveIn, ActedOut]
	Reject       *gate.Op[RejectIn, ActedOut]
	Reprocess    *gate.Op[ReprocessIn, ActedOut]
	CheckBegin   *gate.Op[CheckRef, CheckBeginOut]
	CheckRecord  *gate.Op[CheckRecordIn, CheckRecordOut]
	CheckExpire  *gate.Op[CheckRef, CheckRecordOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c, Book: rulebook.New(), Provider: provider.New(c.Provider)}
	d.applicationOperations()
	d.underwritingOperations()
	d.checkOperations()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	own := []gate.Entry{d.Submit, d.List, d.View, d.CheckView, d.DecisionView, d.RelatedList, d.History, d.Evidence, d.Reveal, d.Approve, d.Reject, d.Reprocess,
		d.CheckBegin, d.CheckRecord, d.CheckExpire}
	return slices.Concat(own, d.Book.Entries(), d.Provider.Entries())
}

// Ref names an application in a path.
type Ref struct {
	ID id.Application `path:"id" json:"-"`
}

func (r *Ref) object() string { return "application/" + string(r.ID) }

// look describes a read of one application.
func look[Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *Ref) (*Out, error)) *gate.Op[Ref, Out] {
	return &gate.Op[Ref, Out]{Name: name, Title: title, Area: "Applications", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "underwriter manager", Part: docket.Area, Object: (*Ref).object, Do: do}
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
	d.Reveal = d.revealOperation()
	d.History = look("application.history", "View transitions", "Application/Transitions", "/applications/{id}/history", d.history)
	d.Evidence = &gate.Op[EvidenceIn, gate.File]{Name: "application.evidence", Title: "Evidence of a decision", Area: "Applications", Screen: "Application/Documents",
		Method: "GET", Path: "/applications/{id}/evidence", Kind: operation.Read, Audit: operation.Looked, Sensitivity: operation.Personal,
		Permit: gate.ByRole, Roles: "underwriter manager", Part: docket.Area, Object: func(in *EvidenceIn) string { return "application/" + string(in.ID) }, Do: d.evidence}
}

// engine is the actor of automatic decisions.
func engine() docket.Actor { return docket.Actor{ID: "house/decision-engine", Name: "Decision engine"} }
