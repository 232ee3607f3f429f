package origination

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/form"
)

// ApproveIn approves an application on terms; what is left out is as applied for.
type ApproveIn struct {
	ID         id.Application `path:"id" json:"-"`
	Amount     string         `json:"amount,omitempty" maxLength:"40" example:"5000.00"`
	AnnualRate string         `json:"annual_rate" maxLength:"20" doc:"Per cent a year." example:"12.5"`
	TermMonths int            `json:"term_months,omitempty" minimum:"1" maximum:"120"`
	Convention string         `json:"convention,omitempty" enum:"30/360,actual/365" doc:"30/360 unless told."`
	Reason     string         `json:"reason" maxLength:"1000"`
}

// RejectIn rejects an application.
type RejectIn struct {
	ID      id.Application `path:"id" json:"-"`
	Reason  string         `json:"reason" maxLength:"1000" doc:"For the record."`
	Adverse []string       `json:"adverse_reasons,omitempty" maxItems:"4" doc:"The principal reasons for the applicant's notice, in their words; left out, those that the rules found."`
}

// ReprocessIn sends an application for reprocessing.
type ReprocessIn struct {
	ID      id.Application `path:"id" json:"-"`
	Reason  string         `json:"reason" maxLength:"1000"`
	Recheck bool           `json:"recheck,omitempty" doc:"Ask the provider again; otherwise the facts at hand are decided anew."`
}

// ActedOut says where an application stands after a person has acted.
type ActedOut struct {
	ID        id.Application `json:"id" class:"public"`
	Status    string         `json:"status" class:"public" enum:"waiting_for_approval,manual_review,approved,rejected"`
	Loan      id.Loan        `json:"loan_id,omitempty" class:"public"`
	NoticeDue civil.Date     `json:"notice_due" class:"public"`
	Reasons   []string       `json:"reasons" class:"public" doc:"Empty for whoever may not view decisions."`
}

// act describes what an underwriter does to an application.
func act[In any](name, title, verb string, s operation.Sensitivity, object func(*In) string, do func(context.Context, *gate.Call, *In) (*ActedOut, error)) *gate.Op[In, ActedOut] {
	return &gate.Op[In, ActedOut]{Name: name, Title: title, Area: "Applications", Screen: "Application/" + title, Method: "POST", Path: "/applications/{id}/" + verb,
		Kind: operation.Write, Audit: operation.Decided, Sensitivity: s, Permit: gate.ByRole, Roles: "underwriter", Idempotent: true, Part: docket.Area, Object: object, Do: do}
}

func (d *Desk) underwritingOperations() {
	of := func(a id.Application) string { return "application/" + string(a) }
	d.Approve = act("application.approve", "Approve", "approve", operation.Money, func(in *ApproveIn) string { return of(in.ID) }, d.approve)
	d.Reject = act("application.reject", "Reject", "reject", operation.Ordinary, func(in *RejectIn) string { return of(in.ID) }, d.reject)
	d.Reprocess = act("application.reprocess", "Send for reprocessing", "reprocess", operation.Ordinary, func(in *ReprocessIn) string { return of(in.ID) }, d.reprocess)
	d.Approve.Pairing, d.Reject.Pairing = gate.MayPair, gate.MayPair // a decision that may override the rules
}

var rateForm = regexp.MustCompile(`^(0|[1-9][0-9]{0,2})(\.[0-9]{1,6})?$`)

func reason(f *fault.Collector, text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		if strings.TrimSpace(lines[i]) != "" {
			lines[i] = form.Plain(f, "reason", lines[i], 1000, false)
		}
	}
	out := strings.Join(lines, "\n")
	f.Check(out != "" && len(out) <= 1000, "reason", "Say why, in at most 1000 bytes.")
	return out
}

// terms checks the terms of an approval and fills in what is as applied for.
func (in *ApproveIn) terms(f *fault.Collector, a *docket.Application) BoardIn {
	b := BoardIn{Amount: a.Amount, TermMonths: a.Term, AnnualRate: strings.TrimSpace(in.AnnualRate), Convention: in.Convention}
	if in.Amount != "" {
		b.Amount = form.Amount(f, "amount", in.Amount)
	}
	if in.TermMonths != 0 {
		b.TermMonths = in.TermMonths
	}
	f.Check(b.TermMonths >= 1 && b.TermMonths <= 120, "term_months", "Give a number of months between 1 and 120.")
	f.Check(rateForm.MatchString(b.AnnualRate), "annual_rate", "Write per cent a year with at most six places, for example 12.5.")
	if b.Convention == "" {
		b.Convention = "30/360"
	}
	f.Check(slices.Contains([]string{"30/360", "actual/365"}, b.Convention), "convention", `Choose "30/360" or "actual/365".`)
	return b
}

func (d *Desk) approve(ctx context.Context, c *gate.Call, in *ApproveIn) (*ActedOut, error) {
	a, err := docket.Lock(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	var f fault.Collector
	b, why := in.terms(&f, a), reason(&f, in.Reason)
	if err := f.Err(); err != nil {
		return nil, err
	}
	if a.Status == docket.Approved {
		return nil, fault.New(fault.Conflict, "already_approved", "This application is approved already.")
	}
	if d.config.Board == nil {
		return nil, fault.New(fault.Unavailable, "no_servicing", "Loans cannot be made at the moment.")
	}
	p, err := a.Open(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	birth, err := civil.Parse(p.Birth)
	if err != nil {
		return nil, fault.New(fault.Conflict, "erased", "This applicant's data have been erased.")
	}
	b.Application, b.FirstName, b.LastName, b.Email, b.Phone, b.DateOfBirth, b.SSN, b.Line1 = a.ID, a.First, a.Last, p.Email, p.Phone, birth, p.SSN, p.Line1
	b.City, b.Region, b.PostalCode, b.Country, b.SourceCompany = a.City, a.Region, a.PostalCode, a.Country, a.Company
	loan, err := d.config.Board(ctx, c, b)
	if err != nil {
		return nil, err
	}
	a.Loan, a.Notice = loan, 0
	c.Change("loan", "", string(loan))
	c.Change("terms", "", fmt.Sprintf("%s over %d months at %s %%, %s", b.Amount, b.TermMonths, b.AnnualRate, b.Convention))
	return d.decided(ctx, c, a, docket.Approved, decision.Proceed, nil, why)
}

func (d *Desk) reject(ctx context.Context, c *gate.Call, in *RejectIn) (*ActedOut, error) {
	a, err := docket.Lock(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	var f fault.Collector
	why := reason(&f, in.Reason)
	var adverse []decision.Reason
	f.Check(len(in.Adverse) <= decision.MaxReasons, "adverse_reasons", "Give at most four.")
	for i, text := range in.Adverse {
		adverse = append(adverse, decision.Reason{Code: "U-01", Words: form.Plain(&f, fmt.Sprintf("adverse_reasons[%d]", i), text, 300, false)})
	}
	if err := f.Err(); err != nil {
		return nil, err
	}
	switch {
	case a.Status == docket.Approved:
		return nil, fault.New(fault.Conflict, "already_approved", "This application is approved, and its loan is made.")
	case a.Status == docket.Rejected && a.DecidedAt != 0:
		return nil, fault.New(fault.Conflict, "already_rejected", "This application is rejected already.")
	}
	if adverse == nil {
		if adverse, err = found(ctx, c, a); err != nil {
			return nil, err
		}
	}
	return d.decided(ctx, c, a, docket.Rejected, decision.Reject, adverse, why)
}

// found gives the principal reasons that the rules have for a rejection: rules
// in use that hit. There must be one: a notice needs specific reasons.
func found(ctx context.Context, c *gate.Call, a *docket.Application) ([]decision.Reason, error) {
	v, err := docket.VerdictByID(ctx, c.Tx, a.Machine)
	if err != nil {
		return nil, err
	}
	var out []decision.Reason
	for _, r := range v.Reasons {
		if !r.Unknown && r.Code != decision.CheckReasonCode {
			out = append(out, r)
		}
	}
	if out == nil {
		return nil, fault.Bad("adverse_reasons", "The rules have found none: give one to four specific reasons for the applicant's notice.")
	}
	return out, nil
}

// decided stores a person's decision as the verdict that stands; what the rules
// found stays beside it.
func (d *Desk) decided(ctx context.Context, c *gate.Call, a *docket.Application, status string, outcome decision.Outcome, reasons []decision.Reason, why string) (*ActedOut, error) {
	last, err := docket.VerdictByID(ctx, c.Tx, a.Machine)
	if err != nil {
		return nil, err
	}
	v := *last
	v.ID, v.Check, v.Outcome, v.Reasons, v.Automatic, v.By, v.Note, v.At = id.New[id.Verdict](c.At), a.Check, outcome, reasons, false, docket.ActorOf(c), why, c.At
	if err := docket.AddVerdict(ctx, c.Tx, &v); err != nil {
		return nil, err
	}
	c.Given(why)
	c.Change("outcome", a.Outcome, outcome.String())
	for i, r := range reasons {
		c.Detail(fmt.Sprintf("adverse_reason.%d", i+1), r.Words)
	}
	a.Verdict, a.Outcome = v.ID, outcome.String()
	a.DecidedAt, a.DecidedBy, a.DecidedByName = c.At, docket.ActorOf(c).ID, c.Who.Name
	if err := move(ctx, c, a, status, docket.ActorOf(c), why); err != nil {
		return nil, err
	}
	return d.acted(c, a, reasons), docket.Save(ctx, c.Tx, a)
}

func (d *Desk) acted(c *gate.Call, a *docket.Application, reasons []decision.Reason) *ActedOut {
	out := &ActedOut{ID: a.ID, Status: a.Status, Loan: a.Loan, NoticeDue: a.Notice, Reasons: []string{}}
	if !c.Can(d.DecisionView.Name, "application/"+string(a.ID)) {
		return out
	}
	for _, r := range reasons {
		out.Reasons = append(out.Reasons, r.Words)
	}
	return out
}

// reprocess lets the rules in force decide again; from then on no person has
// acted, so that a new check may decide.
func (d *Desk) reprocess(ctx context.Context, c *gate.Call, in *ReprocessIn) (*ActedOut, error) {
	a, err := docket.Lock(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	var f fault.Collector
	why := reason(&f, in.Reason)
	f.Check(!in.Recheck || a.Asked != "", "recheck", "Leave it out: this application was entered by an officer and has no network check.")
	if err := f.Err(); err != nil {
		return nil, err
	}
	if a.Status == docket.Approved {
		return nil, fault.New(fault.Conflict, "already_approved", "This application is approved, and its loan is made.")
	}
	before, err := docket.VerdictByID(ctx, c.Tx, a.Machine)
	if err != nil {
		return nil, err
	}
	input := before.Input
	if in.Recheck {
		if err := d.recheck(ctx, c, a); err != nil {
			return nil, err
		}
		input = decision.Input{Age: input.Age, Amount: input.Amount, OpenApplications: input.OpenApplications, Velocity: input.Velocity}
	}
	a.DecidedAt, a.DecidedBy, a.DecidedByName = 0, "", ""
	c.Given(why)
	v, err := d.redecide(ctx, c, a, input, docket.ActorOf(c), "sent for reprocessing: "+why)
	if err != nil {
		return nil, err
	}
	noteVerdict(c, v)
	return d.acted(c, a, v.Reasons), docket.Save(ctx, c.Tx, a)
}

// recheck asks for a new check from the same address.
func (d *Desk) recheck(ctx context.Context, c *gate.Call, a *docket.Application) error {
	old, err := docket.CheckByID(ctx, c.Tx, c.Persons(), a.Asked)
	if err != nil {
		return err
	}
	key, err := c.Persons().Open(ctx, a.Person())
	if err != nil {
		return err
	}
	k := &docket.Check{ID: id.New[id.Check](c.At), Application: a.ID, State: docket.Pending, Client: old.Client, At: c.At}
	k.Asked = k.ID
	c.Change("network_check", a.CheckState, docket.Pending)
	a.Asked, a.Check, a.CheckState = k.ID, k.ID, docket.Pending
	if err := docket.AddCheck(ctx, c.Tx, key, k); err != nil {
		return err
	}
	return d.ask(ctx, c, a)
}
