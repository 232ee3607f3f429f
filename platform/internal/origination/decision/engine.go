package decision

import (
	"slices"

	"github.com/lendkeep/lendkeep/internal/geo"
)

// step is one compiled threshold.
type step struct {
	at  int64
	act Action
}

// compiled is one rule, ready to be decided.
type compiled struct {
	kind      kind
	enabled   bool
	onUnknown Action
	act       Action // of a rule without steps
	gravest   Action // the strongest action the rule can take
	steps     []step // mild to grave
	hit       Reason
	unsure    Reason
	blank     RuleResult // what does not depend on the input
}

// Engine is a compiled rule set. It never changes and may be shared.
type Engine struct {
	version int64
	rules   []compiled
}

// MaxReasons is how many principal reasons a notice gives, as the commentary to
// Regulation B advises.
const MaxReasons = 4

// CheckReasonCode marks the reason that the network check did not come to an end.
const CheckReasonCode = "N-00"

var (
	checkFailed  = Reason{Code: CheckReasonCode, Words: "The network check could not be completed."}
	checkPending = Reason{Code: CheckReasonCode, Words: "The network check has not been completed yet."}
)

// Compile makes an Engine of a rule set. The error is that of Validate.
func Compile(rs *RuleSet) (*Engine, error) {
	if err := rs.Validate(); err != nil {
		return nil, err
	}
	n := rs.Normalize()
	e := &Engine{version: n.Version, rules: make([]compiled, 0, kinds)}
	for _, which := range []Section{Applicant, Network} {
		for _, r := range n.Section(which).Rules {
			k, _ := kindOf(which, r.Rule)
			e.rules = append(e.rules, compile(k, r))
		}
	}
	return e, nil
}

func compile(k kind, r Rule) compiled {
	c := compiled{kind: k, enabled: r.Enabled, onUnknown: min(r.OnUnknown, ManualReview),
		hit:    Reason{Code: r.ReasonCode, Rule: catalogue[k].Rule, Words: catalogue[k].Reason},
		unsure: Reason{Code: r.ReasonCode, Rule: catalogue[k].Rule, Words: catalogue[k].unsure, Unknown: true},
	}
	if r.Action != nil {
		c.act = *r.Action
	}
	c.steps, _ = read(k, r.Thresholds)
	order(k, c.steps)
	c.gravest = c.act
	for _, s := range c.steps {
		c.gravest = max(c.gravest, s.act)
	}
	c.blank = RuleResult{kind: k, Rule: catalogue[k].Rule, Section: catalogue[k].Section, Enabled: r.Enabled,
		Action: c.gravest, ReasonCode: r.ReasonCode}
	return c
}

// Version is the version of the rule set behind the engine.
func (e *Engine) Version() int64 { return e.version }

// Decide decides one application into reuse, whose slices are used again, and
// gives it back; a nil reuse makes a new one. It does not allocate when reuse
// has been through the same engine before. The words on what each rule looked
// at are left empty: Describe adds them.
func (e *Engine) Decide(in *Input, reuse *Decision) *Decision {
	d := reuse
	if d == nil {
		d = &Decision{}
	}
	*d = Decision{Version: e.version, Check: in.Check, Rules: slices.Grow(d.Rules[:0], len(e.rules))[:len(e.rules)], Reasons: d.Reasons[:0]}
	for i := range e.rules {
		e.rules[i].decide(in, &d.Rules[i])
		d.count(&d.Rules[i])
	}
	if d.Network.Used > 0 && d.Outcome == Proceed && (in.Check == CheckFailed || in.Check == CheckPending) {
		d.Outcome = Review
	}
	e.reasons(in, d)
	return d
}

// Decide compiles the rules and decides one application, words included. The
// error is that of Validate. Whoever decides often keeps an Engine.
func Decide(rs *RuleSet, in *Input) (*Decision, error) {
	e, err := Compile(rs)
	if err != nil {
		return nil, err
	}
	d := e.Decide(in, nil)
	d.Describe(in)
	return d, nil
}

// decide writes one rule's result.
func (c *compiled) decide(in *Input, r *RuleResult) {
	*r = c.blank
	if r.Section == Network && in.Check == CheckNotApplicable {
		r.Skipped = true
		return
	}
	var taken Action
	r.Result, r.Action, taken = c.evaluate(in)
	switch {
	case !c.enabled:
	case r.Result == Hit:
		r.Taken = taken
	case r.Result == Unknown:
		r.Taken = c.onUnknown
	}
}

// evaluate gives what was found, the action that the rule sets for it, and the
// action that the evidence supports.
func (c *compiled) evaluate(in *Input) (Result, Action, Action) {
	switch catalogue[c.kind].measure {
	case byFinding:
		return c.finding(in.evidence(c.kind))
	case byThreat:
		return c.threat(in.Threat)
	}
	n, cleared := in.number(c.kind)
	if !n.Known {
		return Unknown, c.gravest, InformationOnly
	}
	act, hit := c.crossed(n.N)
	if !hit {
		return NoHit, c.gravest, InformationOnly
	}
	if !cleared {
		return Hit, act, min(act, ManualReview)
	}
	return Hit, act, act
}

func (c *compiled) finding(e Evidence) (Result, Action, Action) {
	switch {
	case e.Allowed == geo.Detected:
		return Hit, c.act, c.act
	case e.Shown == geo.Detected:
		return Hit, c.act, min(c.act, ManualReview)
	case e.Shown == geo.NotDetected || e.Allowed == geo.NotDetected:
		return NoHit, c.gravest, InformationOnly
	}
	return Unknown, c.gravest, InformationOnly
}

func (c *compiled) threat(g Grade) (Result, Action, Action) {
	shown := max(g.Shown, g.Allowed)
	if shown == geo.ThreatUnknown || shown > geo.ThreatHigh {
		return Unknown, c.gravest, InformationOnly
	}
	act, hit := c.crossed(int64(shown))
	if !hit {
		return NoHit, c.gravest, InformationOnly
	}
	taken := min(act, ManualReview)
	if g.Allowed != geo.ThreatUnknown {
		if sure, there := c.crossed(int64(g.Allowed)); there {
			taken = max(taken, sure)
		}
	}
	return Hit, act, taken
}

// crossed gives the action of the gravest threshold that a value crosses.
func (c *compiled) crossed(v int64) (act Action, hit bool) {
	b := catalogue[c.kind].bound
	for i := len(c.steps) - 1; i >= 0; i-- {
		at := c.steps[i].at
		if b == atLeast && v >= at || b == below && v < at || b == above && v > at {
			return c.steps[i].act, true
		}
	}
	return InformationOnly, false
}

// count takes one rule's result into the counts and the outcome.
func (d *Decision) count(r *RuleResult) {
	if !r.Enabled || r.Skipped {
		return
	}
	n := &d.Network
	if r.Section == Applicant {
		n = &d.Applicant
	}
	n.Used++
	switch r.Result {
	case Hit:
		n.Met++
	case Unknown:
		n.Unknown++
	}
	d.Outcome = max(d.Outcome, Outcome(r.Taken))
}

// reasons notes up to MaxReasons reasons: those of the rules whose action is
// the outcome, what was found before what could not be found out.
func (e *Engine) reasons(in *Input, d *Decision) {
	if d.Outcome == Proceed {
		return
	}
	for _, want := range [...]Result{Hit, Unknown} {
		for i := range d.Rules {
			r := &d.Rules[i]
			if r.Result != want || Outcome(r.Taken) != d.Outcome || len(d.Reasons) >= MaxReasons {
				continue
			}
			if want == Hit {
				d.Reasons = append(d.Reasons, e.rules[i].hit)
			} else if in.Check != CheckFailed && in.Check != CheckPending || r.Section == Applicant {
				d.Reasons = append(d.Reasons, e.rules[i].unsure)
			}
		}
	}
	if d.Outcome == Review && d.Network.Used > 0 && len(d.Reasons) < MaxReasons {
		switch in.Check {
		case CheckFailed:
			d.Reasons = append(d.Reasons, checkFailed)
		case CheckPending:
			d.Reasons = append(d.Reasons, checkPending)
		}
	}
}
