package decision

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/money"
)

// maxSteps is how many thresholds one rule may have.
const maxSteps = 8

// Validate checks both lists. The error is a fault.Invalid that names every
// faulty field ("network_rules.rules[2].action").
func (s RuleSet) Validate() error {
	var c fault.Collector
	c.Check(s.Version >= 0, "version", "send the version that was read")
	for _, which := range []Section{Applicant, Network} {
		c.Merge(which.String()+"_rules", s.Section(which).Validate(which))
	}
	return c.Err()
}

// Validate checks one list: every rule of the section once, each complete and
// free of contradictions. The error is a fault.Invalid that names every faulty
// field ("rules[2].thresholds[0].at_least").
func (l Rules) Validate(which Section) error {
	var c fault.Collector
	var seen [kinds]bool
	for i, r := range l.Rules {
		path := fmt.Sprintf("rules[%d]", i)
		k, ok := kindOf(which, r.Rule)
		if !ok {
			c.Add(path+".rule", "use one of: "+strings.Join(names(which, nil), ", "))
			continue
		}
		c.Check(!seen[k], path+".rule", "name each rule once")
		seen[k] = true
		check(&c, path, k, r)
	}
	if missing := names(which, &seen); len(missing) > 0 {
		c.Add("rules", "list every rule, switched off if it is not wanted; missing: "+strings.Join(missing, ", "))
	}
	return c.Err()
}

// names lists the rules of a section, without those already seen.
func names(which Section, seen *[kinds]bool) []string {
	var out []string
	for k := range catalogue {
		if catalogue[k].Section == which && (seen == nil || !seen[k]) {
			out = append(out, catalogue[k].Rule)
		}
	}
	return out
}

func check(c *fault.Collector, path string, k kind, r Rule) {
	c.Check(r.OnUnknown == ManualReview || r.OnUnknown == InformationOnly, path+".on_unknown",
		"use manual_review or information_only; what is unknown can never reject")
	c.Check(codeOK(r.ReasonCode), path+".reason_code", "use 1 to 16 capital letters, digits and hyphens")
	if catalogue[k].bound == noBound {
		c.Check(r.Action != nil && *r.Action <= AutomaticRejection, path+".action",
			"use information_only, manual_review or automatic_rejection")
		c.Check(len(r.Thresholds) == 0, path+".thresholds", "leave it out: this rule has one action")
		return
	}
	c.Check(r.Action == nil, path+".action", "leave it out: this rule has an action for each threshold")
	if len(r.Thresholds) == 0 || len(r.Thresholds) > maxSteps {
		c.Addf(path+".thresholds", "give 1 to %d thresholds", maxSteps)
		return
	}
	checkSteps(c, path, k, r.Thresholds)
}

func checkSteps(c *fault.Collector, path string, k kind, list []Threshold) {
	var steps []step
	sound := true
	key := boundNames[catalogue[k].bound]
	for j, t := range list {
		at := fmt.Sprintf("%s.thresholds[%d]", path, j)
		if t.Action > AutomaticRejection {
			c.Add(at+".action", "use information_only, manual_review or automatic_rejection")
			sound = false
		}
		text, only := t.bound(catalogue[k].bound)
		if !only {
			c.Addf(at, "use %s and no other bound", key)
			sound = false
			continue
		}
		v, ok := limit(k, text)
		if !ok {
			c.Add(at+"."+key, limitMend(k))
			sound = false
			continue
		}
		for _, s := range steps {
			if s.at == v {
				c.Add(at+"."+key, "name each bound once")
				sound = false
			}
		}
		steps = append(steps, step{v, t.Action})
	}
	if !sound {
		return
	}
	order(k, steps)
	for j := 1; j < len(steps); j++ {
		if steps[j].act < steps[j-1].act {
			c.Add(path+".thresholds", "a further threshold may not have a milder action than a nearer one")
			return
		}
	}
}

// bound gives the text of the bound that the rule uses, and whether it is the
// only one that is set.
func (t Threshold) bound(b bound) (text string, only bool) {
	set := 0
	for _, s := range []string{t.AtLeast, t.Below, t.Above} {
		if s != "" {
			set++
		}
	}
	switch b {
	case atLeast:
		text = t.AtLeast
	case below:
		text = t.Below
	case above:
		text = t.Above
	}
	return text, set == 1 && text != ""
}

// order puts steps from the mildest circumstance to the gravest.
func order(k kind, steps []step) {
	slices.SortStableFunc(steps, func(a, b step) int {
		d := 0
		switch {
		case a.at < b.at:
			d = -1
		case a.at > b.at:
			d = 1
		}
		if catalogue[k].bound == below {
			return -d
		}
		return d
	})
}

// limit reads the text of a bound: a grade, an amount in minor units, or a
// whole number within what makes sense for the rule.
func limit(k kind, text string) (int64, bool) {
	switch catalogue[k].measure {
	case byThreat:
		var t geo.Threat
		err := t.UnmarshalText([]byte(text))
		return int64(t), err == nil && t != geo.ThreatUnknown
	case byMoney:
		a, err := money.Parse(text)
		return int64(a), err == nil && a > 0
	}
	if len(text) > 6 || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 1 && n <= greatest(k)
}

func greatest(k kind) int64 {
	switch k {
	case minimumAge:
		return 120
	case distance:
		return 20_000 // half the way round the earth
	}
	return 1000
}

func limitMend(k kind) string {
	switch catalogue[k].measure {
	case byThreat:
		return "use low, medium or high"
	case byMoney:
		return `write a positive amount as "500.00"`
	}
	return fmt.Sprintf("write a whole number of %s from 1 to %d in quotation marks", catalogue[k].Unit, greatest(k))
}

// limitText writes a bound in its one canonical form.
func limitText(k kind, v int64) string {
	switch catalogue[k].measure {
	case byThreat:
		return geo.Threat(v).String()
	case byMoney:
		return money.Amount(v).String()
	}
	return strconv.FormatInt(v, 10)
}

func codeOK(s string) bool {
	if s == "" || len(s) > 16 {
		return false
	}
	for _, r := range s {
		if !(r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-') {
			return false
		}
	}
	return true
}

// Normalize gives the set in its one canonical form: rules in the order of the
// catalogue, thresholds from mild to grave, bounds written in one way, missing
// reason codes filled in. It changes no meaning, adds no rule and leaves what
// Validate would refuse as it is.
func (s RuleSet) Normalize() RuleSet {
	s.Applicant = s.Section(Applicant).Normalize(Applicant).Rules
	s.Network = s.Section(Network).Normalize(Network).Rules
	return s
}

// Normalize does for one list what it does for a set.
func (l Rules) Normalize(which Section) Rules {
	out := make([]Rule, 0, len(l.Rules))
	for _, r := range l.Rules {
		if k, ok := kindOf(which, r.Rule); ok {
			r = tidy(k, r)
		}
		out = append(out, r)
	}
	slices.SortStableFunc(out, func(a, b Rule) int { return place(which, a) - place(which, b) })
	l.Rules = out
	return l
}

func place(which Section, r Rule) int {
	k, ok := kindOf(which, r.Rule)
	if !ok {
		return int(kinds)
	}
	return int(k)
}

func tidy(k kind, r Rule) Rule {
	if r.ReasonCode == "" {
		r.ReasonCode = catalogue[k].Code
	}
	if r.Action != nil {
		act := *r.Action
		r.Action = &act
	}
	steps, ok := read(k, r.Thresholds)
	if !ok || len(steps) == 0 {
		r.Thresholds = slices.Clone(r.Thresholds)
		return r
	}
	order(k, steps)
	r.Thresholds = make([]Threshold, len(steps))
	for i, s := range steps {
		r.Thresholds[i] = write(k, s)
	}
	return r
}

// read turns thresholds into steps; false if one of them cannot be read.
func read(k kind, list []Threshold) ([]step, bool) {
	steps := make([]step, 0, len(list))
	for _, t := range list {
		text, only := t.bound(catalogue[k].bound)
		v, ok := limit(k, text)
		if !only || !ok {
			return nil, false
		}
		steps = append(steps, step{v, t.Action})
	}
	return steps, true
}

func write(k kind, s step) Threshold {
	t := Threshold{Action: s.act}
	text := limitText(k, s.at)
	switch catalogue[k].bound {
	case atLeast:
		t.AtLeast = text
	case below:
		t.Below = text
	case above:
		t.Above = text
	}
	return t
}
