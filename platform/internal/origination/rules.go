package origination

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

// RulesOut is one list of rules in force, with who made this version.
type RulesOut struct {
	Version   int64     `json:"version" class:"public"`
	Rules     []RuleRow `json:"rules"`
	ChangedBy string    `json:"changed_by" class:"public" doc:"Empty as shipped."`
	ChangedAt string    `json:"changed_at" class:"public"`
}

const rulesPath = "/settings/decision-engine/"

// rulesRead and rulesWrite describe the operations on the rules.
func rulesRead[In, Out any](name, title, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Settings", Screen: "Decision engine", Method: method, Path: rulesPath + path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "underwriter", Do: do}
}

func rulesWrite(name, title, path string, do func(context.Context, *gate.Call, *RulesIn) (*RulesOut, error)) *gate.Op[RulesIn, RulesOut] {
	return &gate.Op[RulesIn, RulesOut]{Name: name, Title: title, Area: "Settings", Screen: "Decision engine", Method: "PUT", Path: rulesPath + path,
		Kind: operation.Write, Audit: operation.Changed, Sensitivity: operation.Security, Permit: gate.ByRole,
		Object: func(*RulesIn) string { return "rule_set/" + path }, Do: do}
}

func (d *Desk) ruleOperations() {
	d.NetworkRules = rulesRead("decision_engine.view", "View network security rules", "GET", "network-rules", viewRules(decision.Network))
	d.ApplicantRules = rulesRead("decision_engine.applicant.view", "View applicant rules", "GET", "applicant-rules", viewRules(decision.Applicant))
	d.NetworkRules.Roles, d.ApplicantRules.Roles = "underwriter manager", "underwriter manager"
	d.NetworkUpdate = rulesWrite("decision_engine.update", "Change network security rules", "network-rules", updateRules(decision.Network))
	d.ApplicantUpdate = rulesWrite("decision_engine.applicant.update", "Change applicant rules", "applicant-rules", updateRules(decision.Applicant))
	d.Preview = rulesRead("decision_engine.preview", "Preview rules on past applications", "POST", "preview", d.preview)
	d.Preview.Prepare, d.Preview.Outside = d.pinned, d.tally
	d.RulesHistory = rulesRead("decision_engine.history", "History of the rules", "GET", "history", d.rulesHistory)
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
		after := docket.RuleSet{RuleSet: before.With(which, list).Normalize(), By: actor(c), At: c.At}
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
	out := &RulesOut{Version: s.Version, Rules: []RuleRow{}, ChangedBy: s.By.Name}
	if s.By.ID != "" {
		out.ChangedAt = instant(s.At)
	}
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

// PreviewIn asks what rules would have done; a list left out is the one in force.
type PreviewIn struct {
	NetworkRules   []RuleRow `json:"network_rules,omitempty" maxItems:"100"`
	ApplicantRules []RuleRow `json:"applicant_rules,omitempty" maxItems:"100"`
	Days           int       `json:"days,omitempty" minimum:"1" maximum:"365" doc:"How far back, 90 unless told."`
}

// TallyOut is how many applications go where.
type TallyOut struct {
	Rejected int64 `json:"rejected" class:"public"`
	Review   int64 `json:"manual_review" class:"public"`
	Proceed  int64 `json:"proceed" class:"public"`
}

// PreviewOut is what rules would have done, beside what the engine did.
type PreviewOut struct {
	Days         int   `json:"days" class:"public"`
	Applications int64 `json:"applications" class:"public"`
	TallyOut
	Was TallyOut `json:"was"`
}

// pastFacts are what a preview decides again.
type pastFacts struct {
	groups []docket.Group
	rules  decision.RuleSet
	days   int
}

func (d *Desk) pinned(ctx context.Context, c *gate.Call, in *PreviewIn) (any, error) {
	s, err := docket.CurrentRules(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	p := pastFacts{rules: s.RuleSet, days: 90}
	var f fault.Collector
	for _, l := range []struct {
		which decision.Section
		field string
		rows  []RuleRow
	}{{decision.Network, "network_", in.NetworkRules}, {decision.Applicant, "applicant_", in.ApplicantRules}} {
		if l.rows == nil {
			continue
		}
		list, err := (&RulesIn{Rules: l.rows}).rules(l.which)
		if err != nil {
			for _, x := range fault.As(err).Fields {
				f.Add(l.field+x.Path, x.Mend)
			}
		}
		p.rules = p.rules.With(l.which, list)
	}
	f.Check(in.Days >= 0 && in.Days <= 365, "days", "Give a number of days between 1 and 365.")
	if err := f.Err(); err != nil {
		return nil, err
	}
	if in.Days > 0 {
		p.days = in.Days
	}
	p.groups, err = docket.Pinned(ctx, c.Tx, c.Scope, c.At-int64(p.days)*24*3600*1_000_000)
	return p, err
}

// tally decides the pinned facts again, with no transaction open.
func (d *Desk) tally(_ context.Context, _ *PreviewIn, prepared any) (any, error) {
	p := prepared.(pastFacts)
	e, err := decision.Compile(&p.rules)
	if err != nil {
		return nil, err
	}
	out := &PreviewOut{Days: p.days}
	var dec decision.Decision
	for _, g := range p.groups {
		var in decision.Input
		if err := json.Unmarshal([]byte(g.Input), &in); err != nil {
			return nil, err
		}
		out.Applications += g.N
		out.TallyOut.add(e.Decide(&in, &dec).Outcome.String(), g.N)
		out.Was.add(g.Outcome, g.N)
	}
	return out, nil
}

func (t *TallyOut) add(outcome string, n int64) {
	switch outcome {
	case decision.Reject.String():
		t.Rejected += n
	case decision.Review.String():
		t.Review += n
	default:
		t.Proceed += n
	}
}

func (d *Desk) preview(_ context.Context, c *gate.Call, _ *PreviewIn) (*PreviewOut, error) {
	return c.Outside.(*PreviewOut), nil
}

// RulesHistoryIn asks for versions of the rules, newest first.
type RulesHistoryIn struct{ Paging }

// VersionOut is one version of the rules and what it changed.
type VersionOut struct {
	Version int64    `json:"version" class:"public"`
	At      string   `json:"at" class:"public"`
	By      string   `json:"by" class:"public" doc:"Empty as shipped."`
	Changes []string `json:"changes" class:"public" doc:"Against the version before, in words."`
}

// RulesHistoryOut is a page of versions.
type RulesHistoryOut struct {
	Items   []VersionOut `json:"items"`
	Total   int64        `json:"total" class:"public"`
	TotalIs string       `json:"total_is" class:"public" enum:"exact"`
	Next    string       `json:"next,omitempty" class:"public"`
}

func (d *Desk) rulesHistory(ctx context.Context, c *gate.Call, in *RulesHistoryIn) (*RulesHistoryOut, error) {
	var f fault.Collector
	limit := in.limit(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	var before int64
	if _, err := openCursor(c, "decision_engine.history", nil, in.Cursor, &before); err != nil {
		return nil, err
	}
	list, err := docket.RuleSets(ctx, c.Tx, before, limit+1)
	if err != nil {
		return nil, err
	}
	now, err := docket.CurrentRules(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &RulesHistoryOut{Items: []VersionOut{}, Total: now.Version, TotalIs: "exact"}
	for i, s := range list[:min(limit, len(list))] {
		v := VersionOut{Version: s.Version, At: instant(s.At), By: s.By.Name, Changes: []string{}}
		if i+1 < len(list) {
			for _, ch := range decision.Diff(list[i+1].RuleSet, s.RuleSet) {
				v.Changes = append(v.Changes, ch.Words)
			}
		}
		out.Items = append(out.Items, v)
	}
	if len(list) > limit {
		out.Next = sealCursor(c, "decision_engine.history", nil, list[limit-1].Version)
	}
	return out, nil
}
