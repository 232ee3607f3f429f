package origination

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/evidence"
)

// EvidenceIn asks for the evidence of one decision.
type EvidenceIn struct {
	ID     id.Application `path:"id" json:"-"`
	Format string         `query:"format" json:"-" enum:"json,pdf" required:"false" doc:"json unless told."`
}

func (d *Desk) evidence(ctx context.Context, c *gate.Call, in *EvidenceIn) (*gate.File, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Format != "" && in.Format != "json" && in.Format != "pdf" {
		return nil, fault.Bad("format", "Choose json or pdf.")
	}
	// Half a document would be evidence of something else.
	if at := "application/" + string(in.ID); !c.Can(d.CheckView.Name, at) || !c.Can(d.DecisionView.Name, at) {
		return nil, untold("Evidence tells the network check and the decision, and your role does not view both.")
	}
	doc, err := d.gather(ctx, c, a)
	if err != nil {
		return nil, err
	}
	c.Detail("format", in.Format)
	if in.Format == "pdf" {
		body, err := doc.PDF(time.UnixMicro(c.At).UTC())
		return &gate.File{Name: "evidence-" + a.Number() + ".pdf", ContentType: "application/pdf", Body: body}, err
	}
	body, err := json.MarshalIndent(doc, "", "  ")
	return &gate.File{Name: "evidence-" + a.Number() + ".json", ContentType: "application/json", Body: append(body, '\n')}, err
}

// gather puts together the evidence of the decision that stands. Of what is
// sealed about the applicant it holds nothing but a shortened address.
func (d *Desk) gather(ctx context.Context, c *gate.Call, a *docket.Application) (*evidence.Document, error) {
	check, err := d.checkOf(ctx, c, a)
	if err != nil {
		return nil, err
	}
	v, err := docket.VerdictByID(ctx, c.Tx, a.Verdict)
	if err != nil {
		return nil, err
	}
	rules, err := docket.RulesOf(ctx, c.Tx, v.Rules)
	if err != nil {
		return nil, err
	}
	past, err := historyOf(ctx, c, a)
	if err != nil {
		return nil, err
	}
	doc := &evidence.Document{Made: docket.Instant(c.At), MadeFor: c.Who.Name, Lender: c.Tenant.Name, Class: evidence.Class,
		Application: evidence.Application{ID: string(a.ID), Number: a.Number(), Applicant: a.Name(), Place: fmt.Sprintf("%s, %s %s, %s", a.City, a.Region, a.PostalCode, a.Country),
			Amount: a.Amount.String(), TermMonths: a.Term, Received: docket.Instant(a.CreatedAt), Channel: a.Channel, Status: a.Status},
		Rules: evidence.Rules{Version: v.Rules, By: rules.By.Name, At: docket.Instant(rules.At)}}
	if v.Outcome != decision.Proceed {
		doc.NoticeDue = a.Notice.String()
	}
	doc.Check = checkEvidence(check)
	doc.Decision = decisionEvidence(decisionOut(v))
	for _, p := range past.Decisions {
		doc.Decisions = append(doc.Decisions, decisionEvidence(&p))
	}
	for _, m := range past.Transitions {
		doc.Transitions = append(doc.Transitions, evidence.Transition{At: m.At, From: m.From, To: m.To, By: m.By, Reason: m.Reason})
	}
	return doc, nil
}

func checkEvidence(k *NetworkCheckOut) evidence.Check {
	out := evidence.Check{State: k.State, Address: shortened(k.ClientAddress), ChosenBy: k.ChosenBy, At: k.CheckedAt, RawHash: k.RawHash,
		Facts: []evidence.Fact{{Name: "Proxy", Value: k.Facts.Proxy}, {Name: "Tor", Value: k.Facts.Tor}, {Name: "Crawler", Value: k.Facts.Crawler}, {Name: "Network threat level", Value: k.Facts.ThreatLevel}}}
	for _, l := range k.Comparison {
		out.Facts = append(out.Facts, evidence.Fact{Name: "Location: " + l.Level, Value: l.Verdict, Declared: l.Declared, Found: l.Found, How: l.How})
	}
	if km := k.Facts.Location.DistanceKM; km != nil {
		out.Facts = append(out.Facts, evidence.Fact{Name: "Distance", Value: fmt.Sprintf("%.1f km", *km), How: k.DistanceHow})
	}
	for _, s := range k.Sources {
		out.Sources = append(out.Sources, evidence.Source{Name: s.Name, Version: s.Version, AgeSeconds: s.AgeSeconds, DecisionUse: s.DecisionUse})
	}
	if k.Failure != nil {
		out.Failure = k.Failure.Words
	}
	return out
}

func decisionEvidence(o *DecisionOut) evidence.Decision {
	out := evidence.Decision{At: o.At, By: o.By, Automatic: o.Automatic, Outcome: o.Outcome, Note: o.Note, RulesVersion: o.RulesVersion, Met: o.RulesMet, Used: o.RulesUsed, Unknown: o.RulesUnknown, Reasons: o.Reasons}
	for _, r := range o.Rules {
		out.Rules = append(out.Rules, evidence.Rule{Title: r.Title, Code: r.ReasonCode, Enabled: r.Enabled, Result: r.Result, Action: r.Action, Taken: r.Taken, Inputs: r.Inputs})
	}
	return out
}

// shortened leaves the network of an address, not the one who used it.
func shortened(text string) string {
	a, err := netip.ParseAddr(text)
	if err != nil {
		return ""
	}
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return ""
	}
	return p.String()
}
