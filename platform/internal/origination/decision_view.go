package origination

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// RuleOut is what one rule found and did.
type RuleOut struct {
	Rule       string `json:"rule" class:"public"`
	Title      string `json:"title" class:"public"`
	Section    string `json:"section" class:"public" enum:"applicant,network"`
	Enabled    bool   `json:"enabled" class:"public"`
	Result     string `json:"result" class:"public" enum:"hit,no_hit,unknown"`
	Action     string `json:"action" class:"public" enum:"automatic_rejection,manual_review,information_only" doc:"What the rule sets for a hit."`
	Taken      string `json:"taken" class:"public" enum:"automatic_rejection,manual_review,information_only" doc:"The effect that it had."`
	ReasonCode string `json:"reason_code" class:"public"`
	Inputs     string `json:"inputs" class:"public" doc:"What it looked at."`
	Skipped    bool   `json:"skipped" class:"public" doc:"The rule does not apply to this application."`
}

// CountsOut is what the foot of a tile says of one section.
type CountsOut struct {
	Met     int `json:"rules_met" class:"public"`
	Used    int `json:"rules_used" class:"public"`
	Unknown int `json:"rules_unknown" class:"public"`
}

// DecisionOut is the decision that stands.
type DecisionOut struct {
	Outcome      string     `json:"outcome" class:"public" enum:"proceed,manual_review,reject"`
	Automatic    bool       `json:"automatic" class:"public"`
	RulesMet     int        `json:"rules_met" class:"public" doc:"Hits among the rules that are used."`
	RulesUsed    int        `json:"rules_used" class:"public"`
	RulesUnknown int        `json:"rules_unknown" class:"public"`
	Network      CountsOut  `json:"network"`
	Applicant    CountsOut  `json:"applicant"`
	RulesVersion int64      `json:"rules_version" class:"public"`
	Rules        []RuleOut  `json:"rules"`
	Reasons      []string   `json:"reasons" class:"public" doc:"In words fit for the applicant's notice where the outcome is reject."`
	ReasonCodes  []string   `json:"reason_codes" class:"public"`
	NoticeDue    civil.Date `json:"notice_due" class:"public" doc:"Date by which notice of an adverse action is due; null where none can be."`
	By           string     `json:"decided_by" class:"public"`
	Note         string     `json:"note,omitempty" class:"public" doc:"The reason that a person gave."`
	At           string     `json:"decided_at" class:"public"`
}

func decisionOf(ctx context.Context, c *gate.Call, a *docket.Application) (*DecisionOut, error) {
	v, err := docket.VerdictByID(ctx, c.Tx, a.Verdict)
	if err != nil {
		return nil, err
	}
	out := decisionOut(v)
	if v.Outcome != decision.Proceed {
		out.NoticeDue = a.Notice
	}
	return out, nil
}

func decisionOut(v *docket.Verdict) *DecisionOut {
	out := &DecisionOut{Outcome: v.Outcome.String(), Automatic: v.Automatic, RulesVersion: v.Rules, Rules: make([]RuleOut, len(v.Results)),
		Reasons: make([]string, 0, len(v.Reasons)), ReasonCodes: make([]string, 0, len(v.Reasons)), By: v.By.Name, Note: v.Note, At: docket.Instant(v.At)}
	for i, r := range v.Results {
		out.Rules[i] = RuleOut{Rule: r.Rule, Title: decision.Title(r.Rule), Section: r.Section.String(), Enabled: r.Enabled, Result: r.Result.String(),
			Action: r.Action.String(), Taken: r.Taken.String(), ReasonCode: r.ReasonCode, Inputs: r.Inputs, Skipped: r.Skipped}
		if r.Section == decision.Network {
			out.Network.count(r)
		} else {
			out.Applicant.count(r)
		}
	}
	out.RulesMet = out.Network.Met + out.Applicant.Met
	out.RulesUsed = out.Network.Used + out.Applicant.Used
	out.RulesUnknown = out.Network.Unknown + out.Applicant.Unknown
	for _, r := range v.Reasons {
		out.Reasons, out.ReasonCodes = append(out.Reasons, r.Words), append(out.ReasonCodes, r.Code)
	}
	return out
}

func (n *CountsOut) count(r decision.RuleResult) {
	if !r.Enabled || r.Skipped {
		return
	}
	n.Used++
	switch r.Result {
	case decision.Hit:
		n.Met++
	case decision.Unknown:
		n.Unknown++
	}
}
