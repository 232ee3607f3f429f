package decision

import (
	"slices"
	"strings"
)

// Counts is what the foot of a tile says: "1 of 3 rules met · 1 unknown".
type Counts struct {
	Used    int `json:"rules_used"`    // switched on
	Met     int `json:"rules_met"`     // hits among the used
	Unknown int `json:"rules_unknown"` // unknown among the used
}

// RuleResult is what one rule found and did.
type RuleResult struct {
	Rule    string  `json:"rule"`
	Section Section `json:"section"`
	Enabled bool    `json:"enabled"`
	Result  Result  `json:"result"`
	// Action is what the rule sets for a hit: of the threshold that was
	// crossed, or the strongest one when nothing was.
	Action Action `json:"action"`
	// Taken is the effect it had: none for a rule that is off or did not hit, a
	// review at most where the evidence may not decide, on_unknown for unknown.
	Taken      Action `json:"taken"`
	ReasonCode string `json:"reason_code"`
	Inputs     string `json:"inputs,omitempty"`  // what it looked at, in words
	Skipped    bool   `json:"skipped,omitempty"` // not applied: the network check does not apply

	kind kind
}

// Findings says in a few words what the rules made of an application, for a
// list: "proxy", "threat high", "security facts missing". What had no effect is
// left out, and so is every personal value.
func Findings(results []RuleResult) []string {
	out := []string{}
	add := func(words string) {
		if !slices.Contains(out, words) {
			out = append(out, words)
		}
	}
	for _, r := range results {
		if !r.Enabled || r.Skipped || r.Taken == InformationOnly || r.Result == NoHit {
			continue
		}
		hit := r.Result == Hit
		switch r.Rule {
		case "proxy", "tor", "crawler":
			add(either(hit, strings.ToLower(Title(r.Rule)), "security facts missing"))
		case "threat_level":
			level, _, _ := strings.Cut(r.Inputs, " ")
			add(either(hit, "threat "+level, "security facts missing"))
		case "country", "region", "city", "postal_code":
			add(either(hit, "other "+strings.ToLower(Title(r.Rule)), "location unknown"))
		case "distance":
			add(either(hit, "far away", "location unknown"))
		default:
			add(strings.ToLower(Title(r.Rule)) + either(hit, "", " unknown"))
		}
	}
	return out
}

func either(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// Reason is one reason for the outcome.
type Reason struct {
	Code    string `json:"code"`
	Rule    string `json:"rule,omitempty"`
	Words   string `json:"words"`             // for a hit, fit for the applicant's notice
	Unknown bool   `json:"unknown,omitempty"` // the review was asked because it is unknown
}

// Decision is the engine's record of one application. Its Reasons are a draft:
// for a rejection they are the principal reasons of the notice.
type Decision struct {
	Version   int64        `json:"version"` // of the rule set
	Check     Check        `json:"check"`
	Outcome   Outcome      `json:"outcome"`
	Network   Counts       `json:"network"`
	Applicant Counts       `json:"applicant"`
	Rules     []RuleResult `json:"rules"`
	Reasons   []Reason     `json:"reasons"`
}

// Describe fills in, for every rule, what it looked at.
func (d *Decision) Describe(in *Input) {
	for i := range d.Rules {
		r := &d.Rules[i]
		if r.Skipped {
			r.Inputs = "not checked: entered by an officer"
			continue
		}
		r.Inputs = in.seen(r.kind)
	}
}

// ReasonWords gives the reasons as plain sentences.
func (d *Decision) ReasonWords() []string {
	out := make([]string, 0, len(d.Reasons))
	for _, r := range d.Reasons {
		out = append(out, r.Words)
	}
	return out
}

// Section gives the results of one list of rules, in the order of the editor.
func (d *Decision) Section(which Section) []RuleResult {
	var out []RuleResult
	for _, r := range d.Rules {
		if r.Section == which {
			out = append(out, r)
		}
	}
	return out
}

// Tally is how many applications would go where.
type Tally struct {
	Reject  int `json:"reject"`
	Review  int `json:"manual_review"`
	Proceed int `json:"proceed"`
}

// Backtest decides pinned inputs under other rules and counts the outcomes. The
// error is that of Validate.
func Backtest(rs *RuleSet, inputs []Input) (Tally, error) {
	e, err := Compile(rs)
	if err != nil {
		return Tally{}, err
	}
	var t Tally
	var d Decision
	for i := range inputs {
		switch e.Decide(&inputs[i], &d).Outcome {
		case Reject:
			t.Reject++
		case Review:
			t.Review++
		default:
			t.Proceed++
		}
	}
	return t, nil
}
