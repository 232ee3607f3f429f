// Package decision is the decision engine of origination: rules that the lender
// sets, facts about one application, and the outcome with its reasons.
//
// It is pure: no I/O, no clock, no knowledge of where facts come from. Compile
// turns a rule set into an Engine; the same engine and the same input give the
// same decision for ever, so a pinned input can be decided again under other
// rules (Backtest) without asking anybody.
//
// Invariants:
//   - Nothing is approved here: the best outcome is Proceed, which waits for an
//     underwriter.
//   - Unknown is never a hit and never clean: it follows the rule's on_unknown,
//     which can ask for a review but can never reject.
//   - Only evidence whose source is cleared for credit decisions can reject; a
//     hit that rests on other evidence asks for a review instead.
//   - A rule that is switched off is evaluated and shown, and has no effect.
//   - A network check that failed or is late never lets an application proceed
//     while any network rule is in use, and never rejects it.
package decision

import "errors"

// Action is what a rule does to an application, mildest first. The zero value
// has no effect.
type Action uint8

// The three actions.
const (
	InformationOnly Action = iota
	ManualReview
	AutomaticRejection
)

// Result is what a rule found. The zero value is Unknown.
type Result uint8

// The three results.
const (
	Unknown Result = iota
	NoHit
	Hit
)

// Outcome is where the application goes, mildest first.
type Outcome uint8

// The outcomes. There is no automatic approval.
const (
	Proceed Outcome = iota // waits for an underwriter in the ordinary way
	Review                 // "manual_review": an underwriter must look at what was found
	Reject                 // rejected automatically
)

// Section is one of the two lists of rules.
type Section uint8

// The sections, in the order of the page that edits them.
const (
	Applicant Section = iota
	Network
)

var (
	actionNames  = [...]string{"information_only", "manual_review", "automatic_rejection"}
	actionTitles = [...]string{"Information Only", "Manual Review", "Automatic Rejection"}
	resultNames  = [...]string{"unknown", "no_hit", "hit"}
	outcomeNames = [...]string{"proceed", "manual_review", "reject"}
	sectionNames = [...]string{"applicant", "network"}
)

// ErrWord is returned when a text is not one of the words of a closed list.
var ErrWord = errors.New("not a word of this list")

func word(names []string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return names[0]
}

func value(names []string, b []byte) (uint8, error) {
	for i, n := range names {
		if n == string(b) {
			return uint8(i), nil
		}
	}
	return 0, ErrWord
}

// String gives "information_only", "manual_review" or "automatic_rejection".
func (a Action) String() string { return word(actionNames[:], uint8(a)) }

// Title gives the action's name as the screens write it.
func (a Action) Title() string { return word(actionTitles[:], uint8(a)) }

// MarshalText gives the word of String.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the word of String. Any other text becomes an action that
// validation refuses, so that all faulty fields of an input are named at once.
func (a *Action) UnmarshalText(b []byte) error {
	v, err := value(actionNames[:], b)
	if err != nil {
		v = uint8(badAction)
	}
	*a = Action(v)
	return nil
}

// badAction marks a text that is no action; it never passes validation.
const badAction Action = 255

// String gives "unknown", "no_hit" or "hit".
func (r Result) String() string { return word(resultNames[:], uint8(r)) }

// MarshalText gives the word of String.
func (r Result) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (r *Result) UnmarshalText(b []byte) error {
	v, err := value(resultNames[:], b)
	*r = Result(v)
	return err
}

// String gives "proceed", "manual_review" or "reject".
func (o Outcome) String() string { return word(outcomeNames[:], uint8(o)) }

// MarshalText gives the word of String.
func (o Outcome) MarshalText() ([]byte, error) { return []byte(o.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (o *Outcome) UnmarshalText(b []byte) error {
	v, err := value(outcomeNames[:], b)
	*o = Outcome(v)
	return err
}

// String gives "applicant" or "network".
func (s Section) String() string { return word(sectionNames[:], uint8(s)) }

// MarshalText gives the word of String.
func (s Section) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (s *Section) UnmarshalText(b []byte) error {
	v, err := value(sectionNames[:], b)
	*s = Section(v)
	return err
}

// Threshold is one step of a rule that measures something: from there on, this
// action. Exactly one of the three bounds is set; which one, the rule says.
type Threshold struct {
	AtLeast string `json:"at_least,omitempty"` // "medium", "100" (km), "3" (applications)
	Below   string `json:"below,omitempty"`    // "18" (years), "500.00" (money)
	Above   string `json:"above,omitempty"`    // "50000.00" (money)
	Action  Action `json:"action"`
}

// Rule is one row of the editor. A rule has either an Action or Thresholds,
// never both; which, its name says (see Catalogue).
type Rule struct {
	Rule       string      `json:"rule"`
	Enabled    bool        `json:"enabled"`
	Action     *Action     `json:"action,omitempty"`
	Thresholds []Threshold `json:"thresholds,omitempty"`
	OnUnknown  Action      `json:"on_unknown"` // ManualReview or InformationOnly
	ReasonCode string      `json:"reason_code"`
}

// RuleSet is both lists under one version; it is what is stored and pinned.
type RuleSet struct {
	Version   int64  `json:"version"`
	Applicant []Rule `json:"applicant_rules"`
	Network   []Rule `json:"network_rules"`
}

// Rules is one list as its own page and endpoint read and write it.
type Rules struct {
	Version int64  `json:"version"`
	Rules   []Rule `json:"rules"`
}

// Section gives one list of the set.
func (s RuleSet) Section(which Section) Rules {
	if which == Network {
		return Rules{s.Version, s.Network}
	}
	return Rules{s.Version, s.Applicant}
}

// With gives the set with one list exchanged; the version stays the set's own.
func (s RuleSet) With(which Section, rules []Rule) RuleSet {
	if which == Network {
		s.Network = rules
	} else {
		s.Applicant = rules
	}
	return s
}
