package rulebook

import (
	"context"
	"encoding/json"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

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

func pinned(ctx context.Context, c *gate.Call, in *PreviewIn) (any, error) {
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
func tally(_ context.Context, _ *PreviewIn, prepared any) (any, error) {
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

func preview(_ context.Context, c *gate.Call, _ *PreviewIn) (*PreviewOut, error) {
	return c.Outside.(*PreviewOut), nil
}

// RulesHistoryIn asks for versions of the rules, newest first.
type RulesHistoryIn struct{ docket.Paging }

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

func history(ctx context.Context, c *gate.Call, in *RulesHistoryIn) (*RulesHistoryOut, error) {
	var f fault.Collector
	limit := in.Check(&f)
	if err := f.Err(); err != nil {
		return nil, err
	}
	var before int64
	if _, err := docket.OpenCursor(c, "decision_engine.history", nil, in.Cursor, &before); err != nil {
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
		v := VersionOut{Version: s.Version, At: docket.Instant(s.At), By: s.By.Name, Changes: []string{}}
		if i+1 < len(list) {
			for _, ch := range decision.Diff(list[i+1].RuleSet, s.RuleSet) {
				v.Changes = append(v.Changes, ch.Words)
			}
		}
		out.Items = append(out.Items, v)
	}
	if len(list) > limit {
		out.Next = docket.SealCursor(c, "decision_engine.history", nil, list[limit-1].Version)
	}
	return out, nil
}
