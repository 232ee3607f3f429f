// Package rulebook is the part of the origination desk where the lender sets the
// rules of the decision engine: two lists under one version, who changed what,
// and what a change would have done to past applications.
//
// Invariants: a version is never changed, only followed by another; a change made
// on a version that is no longer in force is refused; a preview decides pinned
// facts again and writes nothing. It must not know providers or jobs.
package rulebook

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// ThresholdRow is one step of a rule that measures something; it has the one
// bound that the rule uses.
type ThresholdRow struct {
	AtLeast string `json:"at_least,omitempty" class:"public" maxLength:"40" example:"medium"`
	Below   string `json:"below,omitempty" class:"public" maxLength:"40" example:"18"`
	Above   string `json:"above,omitempty" class:"public" maxLength:"40" example:"50000.00"`
	Action  string `json:"action" class:"public" enum:"automatic_rejection,manual_review,information_only"`
}

// RuleRow is one rule as the editor writes and reads it: with an action, or with
// thresholds that have one each.
type RuleRow struct {
	Rule       string         `json:"rule" class:"public" maxLength:"40" example:"proxy"`
	Enabled    bool           `json:"enabled" class:"public"`
	Action     string         `json:"action,omitempty" class:"public" enum:"automatic_rejection,manual_review,information_only"`
	Thresholds []ThresholdRow `json:"thresholds,omitempty" maxItems:"8"`
	OnUnknown  string         `json:"on_unknown" class:"public" enum:"manual_review,information_only"`
	ReasonCode string         `json:"reason_code" class:"public" maxLength:"40" example:"N-01"`
}

// RulesIn replaces one list of rules; version is the one that was read.
type RulesIn struct {
	Version int64     `json:"version" minimum:"0" doc:"The version that you read; if somebody has changed the rules since, nothing is saved."`
	Rules   []RuleRow `json:"rules" maxItems:"100"`
}

// RulesOut is one list of rules in force, in the very form in which it is sent
// back to be changed; who made it, its history says.
type RulesOut struct {
	Version int64     `json:"version" class:"public"`
	Rules   []RuleRow `json:"rules"`
}

const (
	rulesPath = "/settings/decision-engine/"
	page      = "settings/decision-engine" // what the entries are about
)

// rulesRead and rulesWrite describe the operations on the rules.
func rulesRead[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Settings", Screen: "Decision engine", Method: method, Path: rulesPath + path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "underwriter",
		Object: func(*In) string { return page }, Do: do}
}

func rulesWrite(name, title, path string, do func(context.Context, *gate.Call, *RulesIn) (*RulesOut, error)) *gate.Op[RulesIn, RulesOut] {
	return &gate.Op[RulesIn, RulesOut]{Name: name, Title: title, Area: "Settings", Screen: "Decision engine", Method: "PUT", Path: rulesPath + path,
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Security, Permit: gate.ByRole,
		Object: func(*RulesIn) string { return page }, Do: do}
}

// Book holds the operations on the rules.
type Book struct {
	NetworkRules    *gate.Op[Nothing, RulesOut]
	NetworkUpdate   *gate.Op[RulesIn, RulesOut]
	ApplicantRules  *gate.Op[Nothing, RulesOut]
	ApplicantUpdate *gate.Op[RulesIn, RulesOut]
	Preview         *gate.Op[PreviewIn, PreviewOut]
	RulesHistory    *gate.Op[RulesHistoryIn, RulesHistoryOut]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// New makes the book.
func New() *Book {
	b := &Book{
		NetworkRules:    rulesRead("decision_engine.view", "View network security rules", "GET", "network-rules", viewRules(decision.Network)),
		ApplicantRules:  rulesRead("decision_engine.applicant.view", "View applicant rules", "GET", "applicant-rules", viewRules(decision.Applicant)),
		NetworkUpdate:   rulesWrite("decision_engine.update", "Change network security rules", "network-rules", updateRules(decision.Network)),
		ApplicantUpdate: rulesWrite("decision_engine.applicant.update", "Change applicant rules", "applicant-rules", updateRules(decision.Applicant)),
		Preview:         rulesRead("decision_engine.preview", "Preview rules on past applications", "POST", "preview", preview),
		RulesHistory:    rulesRead("decision_engine.history", "History of the rules", "GET", "history", history),
	}
	b.NetworkRules.Roles, b.ApplicantRules.Roles = "underwriter manager", "underwriter manager"
	b.Preview.Prepare, b.Preview.Outside = pinned, tally
	return b
}

// Entries lists the operations.
func (b *Book) Entries() []gate.Entry {
	return []gate.Entry{b.NetworkRules, b.NetworkUpdate, b.ApplicantRules, b.ApplicantUpdate, b.Preview, b.RulesHistory}
}

func viewRules(which decision.Section) func(context.Context, *gate.Call, *Nothing) (*RulesOut, error) {
	return func(ctx context.Context, c *gate.Call, _ *Nothing) (*RulesOut, error) {
		s, err := docket.CurrentRules(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		return rulesOut(s, which), nil
	}
}

func updateRules(which decision.Section) func(context.Context, *gate.Call, *RulesIn) (*RulesOut, error) {
	return func(ctx context.Context, c *gate.Call, in *RulesIn) (*RulesOut, error) {
		before, err := docket.PinRules(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		list, err := in.rules(which)
		if err != nil {
			return nil, err
		}
		if in.Version != before.Version {
			return nil, docket.StaleRules()
		}
		after := docket.RuleSet{RuleSet: before.With(which, list).Normalize(), By: docket.ActorOf(c), At: c.At}
		changes := decision.Diff(before.RuleSet, after.RuleSet)
		if len(changes) == 0 {
			return rulesOut(before, which), nil
		}
		after.Version = before.Version + 1
		if err := docket.AddRules(ctx, c.Tx, after); err != nil {
			return nil, err
		}
		c.Change("version", strconv.FormatInt(before.Version, 10), strconv.FormatInt(after.Version, 10))
		c.Change("rules", written(before.Section(which).Rules), written(after.Section(which).Rules))
		for i, ch := range changes {
			c.Detail("change."+strconv.Itoa(i+1), ch.Words)
		}
		return rulesOut(after, which), nil
	}
}

func written(list []decision.Rule) string {
	b, err := json.Marshal(list)
	if err != nil {
		panic(err) // rules are texts and closed words
	}
	return string(b)
}

// rules checks a list of rules and gives it as the engine takes it.
func (in *RulesIn) rules(which decision.Section) ([]decision.Rule, error) {
	l := decision.Rules{Version: in.Version, Rules: make([]decision.Rule, len(in.Rules))}
	for i, r := range in.Rules {
		l.Rules[i] = decision.Rule{Rule: r.Rule, Enabled: r.Enabled, OnUnknown: action(r.OnUnknown), ReasonCode: r.ReasonCode}
		if r.Action != "" {
			act := action(r.Action)
			l.Rules[i].Action = &act
		}
		for _, t := range r.Thresholds {
			l.Rules[i].Thresholds = append(l.Rules[i].Thresholds, decision.Threshold{AtLeast: t.AtLeast, Below: t.Below, Above: t.Above, Action: action(t.Action)})
		}
	}
	var f fault.Collector
	f.Merge("", l.Validate(which))
	return l.Rules, f.Err()
}

func action(word string) (a decision.Action) {
	// An unknown word becomes an action that validation names.
	_ = a.UnmarshalText([]byte(word))
	return a
}

func rulesOut(s docket.RuleSet, which decision.Section) *RulesOut {
	out := &RulesOut{Version: s.Version, Rules: []RuleRow{}}
	for _, r := range s.Section(which).Rules {
		row := RuleRow{Rule: r.Rule, Enabled: r.Enabled, OnUnknown: r.OnUnknown.String(), ReasonCode: r.ReasonCode}
		if r.Action != nil {
			row.Action = r.Action.String()
		}
		for _, t := range r.Thresholds {
			row.Thresholds = append(row.Thresholds, ThresholdRow{t.AtLeast, t.Below, t.Above, t.Action.String()})
		}
		out.Rules = append(out.Rules, row)
	}
	return out
}
