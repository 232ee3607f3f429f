package decision

// The names of the presets.
const (
	TurnkeyPreset     = "turnkey"
	ReviewFirstPreset = "review_first"
)

// Turnkey is the rule set out of the box: proxy, Tor and a threat level of
// medium or high reject; every other rule is there, off.
func Turnkey() RuleSet { return preset(AutomaticRejection) }

// ReviewFirst uses the same rules but leaves every hit to a person.
func ReviewFirst() RuleSet { return preset(ManualReview) }

// Preset gives a preset by its name.
func Preset(name string) (RuleSet, bool) {
	switch name {
	case TurnkeyPreset:
		return Turnkey(), true
	case ReviewFirstPreset:
		return ReviewFirst(), true
	}
	return RuleSet{}, false
}

func preset(act Action) RuleSet {
	var s RuleSet
	for k := kind(0); k < kinds; k++ {
		r := off(k)
		switch k {
		case proxy, tor:
			r.Enabled, r.Action = true, &act
		case threatLevel:
			r.Enabled, r.Thresholds = true, []Threshold{{AtLeast: "medium", Action: act}}
		}
		if catalogue[k].Section == Network {
			s.Network = append(s.Network, r)
		} else {
			s.Applicant = append(s.Applicant, r)
		}
	}
	return s
}

// off is a rule as it lies ready: switched off, with sensible steps.
func off(k kind) Rule {
	e := entry(k)
	r := Rule{Rule: e.Rule, OnUnknown: ManualReview, ReasonCode: e.Code}
	step := func(t Threshold) { t.Action = ManualReview; r.Thresholds = append(r.Thresholds, t) }
	switch k {
	case minimumAge:
		step(Threshold{Below: "18"})
	case minimumAmount:
		step(Threshold{Below: "500.00"})
	case maximumAmount:
		step(Threshold{Above: "50000.00"})
	case openApplications:
		step(Threshold{AtLeast: "1"})
	case threatLevel:
		step(Threshold{AtLeast: "medium"})
	case distance:
		step(Threshold{AtLeast: "100"})
	case velocity:
		step(Threshold{AtLeast: "3"})
	default:
		act := ManualReview
		r.Action = &act
	}
	return r
}
