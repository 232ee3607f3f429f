package decision_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
)

func decide(t testing.TB, rs decision.RuleSet, in decision.Input) *decision.Decision {
	t.Helper()
	d, err := decision.Decide(&rs, &in)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func result(t testing.TB, d *decision.Decision, name string) decision.RuleResult {
	t.Helper()
	for _, r := range d.Rules {
		if r.Rule == name {
			return r
		}
	}
	t.Fatalf("no result of rule %s", name)
	return decision.RuleResult{}
}

// change gives a set with one network rule changed.
func change(rs decision.RuleSet, name string, f func(*decision.Rule)) decision.RuleSet {
	list := append([]decision.Rule(nil), rs.Network...)
	for i := range list {
		if list[i].Rule == name {
			f(&list[i])
		}
	}
	return rs.With(decision.Network, list)
}

var both = decision.Evidence{Shown: geo.Detected, Allowed: geo.Detected}

func TestTheNetworkRulesHaveTheirPublishedShape(t *testing.T) {
	s := decision.Turnkey()
	s.Version = 3
	b, err := json.Marshal(s.Section(decision.Network))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"version":3,"rules":[` +
		`{"rule":"proxy","enabled":true,"action":"automatic_rejection","on_unknown":"manual_review","reason_code":"N-01"},` +
		`{"rule":"tor","enabled":true,"action":"automatic_rejection","on_unknown":"manual_review","reason_code":"N-02"},` +
		`{"rule":"crawler","enabled":false,"action":"manual_review","on_unknown":"manual_review","reason_code":"N-03"},` +
		`{"rule":"threat_level","enabled":true,"thresholds":[{"at_least":"medium","action":"automatic_rejection"}],"on_unknown":"manual_review","reason_code":"N-04"},` +
		`{"rule":"country","enabled":false,"action":"manual_review","on_unknown":"manual_review","reason_code":"N-05"},` +
		`{"rule":"region","enabled":false,"action":"manual_review","on_unknown":"manual_review","reason_code":"N-06"},` +
		`{"rule":"city","enabled":false,"action":"manual_review","on_unknown":"manual_review","reason_code":"N-07"},` +
		`{"rule":"postal_code","enabled":false,"action":"manual_review","on_unknown":"manual_review","reason_code":"N-08"},` +
		`{"rule":"distance","enabled":false,"thresholds":[{"at_least":"100","action":"manual_review"}],"on_unknown":"manual_review","reason_code":"N-09"},` +
		`{"rule":"velocity","enabled":false,"thresholds":[{"at_least":"3","action":"manual_review"}],"on_unknown":"manual_review","reason_code":"N-10"}]}`
	if string(b) != want {
		t.Errorf("%s\nwant\n%s", b, want)
	}
	var back decision.Rules
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(s.Network, back.Rules); d != "" {
		t.Errorf("round trip:\n%s", d)
	}
}

func TestPresetsAreSoundAndCanonical(t *testing.T) {
	for _, name := range []string{decision.TurnkeyPreset, decision.ReviewFirstPreset} {
		s, ok := decision.Preset(name)
		if !ok {
			t.Fatalf("no preset %s", name)
		}
		if err := s.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if d := cmp.Diff(s, s.Normalize()); d != "" {
			t.Errorf("%s is not canonical:\n%s", name, d)
		}
		used := 0
		for _, r := range append(s.Applicant, s.Network...) {
			if r.Enabled {
				used++
			}
		}
		if used != 3 {
			t.Errorf("%s uses %d rules", name, used)
		}
	}
	if _, ok := decision.Preset("strict"); ok {
		t.Error("an unknown preset was found")
	}
	if got := decide(t, decision.ReviewFirst(), decision.Input{Check: decision.CheckDone, Proxy: both, Tor: both, Threat: decision.Grade{Shown: geo.ThreatHigh, Allowed: geo.ThreatHigh}}); got.Outcome != decision.Review {
		t.Errorf("review first: %v", got.Outcome)
	}
}

func TestARuleThatIsOffIsShownAndHasNoEffect(t *testing.T) {
	clean := decision.Evidence{Shown: geo.NotDetected, Allowed: geo.NotDetected}
	in := decision.Input{Check: decision.CheckDone, Proxy: clean, Tor: clean, Crawler: both, Threat: decision.Grade{Shown: geo.ThreatLow, Allowed: geo.ThreatLow}, Country: both}
	rs := change(decision.Turnkey(), "crawler", func(r *decision.Rule) { a := decision.AutomaticRejection; r.Action = &a })
	d := decide(t, rs, in)
	r := result(t, d, "crawler")
	if d.Outcome != decision.Proceed || r.Enabled || r.Result != decision.Hit || r.Taken != decision.InformationOnly || r.Action != decision.AutomaticRejection {
		t.Errorf("%v %+v", d.Outcome, r)
	}
	if d.Network != (decision.Counts{Used: 3}) || len(d.Section(decision.Network)) != 10 || len(d.Section(decision.Applicant)) != 4 {
		t.Errorf("counts %+v, %d results", d.Network, len(d.Rules))
	}
}

func TestOnlyAClearedSourceCanReject(t *testing.T) {
	shown := decision.Evidence{Shown: geo.Detected, Allowed: geo.NotDetected}
	low := decision.Grade{Shown: geo.ThreatLow, Allowed: geo.ThreatLow}
	d := decide(t, decision.Turnkey(), decision.Input{Check: decision.CheckDone, Proxy: shown, Tor: decision.Evidence{Shown: geo.NotDetected}, Threat: low})
	r := result(t, d, "proxy")
	if d.Outcome != decision.Review || r.Taken != decision.ManualReview || r.Action != decision.AutomaticRejection || !strings.Contains(r.Inputs, "may not decide") {
		t.Errorf("%v %+v", d.Outcome, r)
	}
	// The same through the merge of sources, for each use that is not allowed.
	for _, use := range []geo.Use{geo.UseDisplayOnly, geo.UseUnknown} {
		m := geo.Merge(geo.Result{State: geo.Answered, Use: use, Facts: geo.Facts{Proxy: geo.Detected, Tor: geo.Detected, Crawler: geo.Detected, Threat: geo.ThreatHigh}})
		var in decision.Input
		in.SetFacts(m)
		in.SetLocation(geo.Detected, geo.Detected, geo.Detected, geo.Detected, 9000, true, use)
		rs := decision.Turnkey()
		for _, name := range []string{"crawler", "country", "region", "city", "postal_code", "distance"} {
			rs = change(rs, name, func(r *decision.Rule) {
				r.Enabled = true
				a := decision.AutomaticRejection
				if r.Action != nil {
					r.Action = &a
				} else {
					r.Thresholds = []decision.Threshold{{AtLeast: "100", Action: a}}
				}
			})
		}
		if d := decide(t, rs, in); d.Outcome != decision.Review || d.Network.Met != 9 {
			t.Errorf("%v: %v, met %d", use, d.Outcome, d.Network.Met)
		}
	}
}

func TestABrokenOrLateCheckNeitherProceedsNorRejects(t *testing.T) {
	lenient := decision.Turnkey()
	for _, name := range []string{"proxy", "tor", "threat_level"} {
		lenient = change(lenient, name, func(r *decision.Rule) { r.OnUnknown = decision.InformationOnly })
	}
	for _, check := range []decision.Check{decision.CheckFailed, decision.CheckPending} {
		for _, rs := range []decision.RuleSet{decision.Turnkey(), lenient} {
			d := decide(t, rs, decision.Input{Check: check})
			if d.Outcome != decision.Review || d.Network.Unknown != 3 || len(d.Reasons) != 1 || d.Reasons[0].Code != decision.CheckReasonCode {
				t.Errorf("%v: %+v", check, d)
			}
		}
	}
	if d := decide(t, lenient, decision.Input{Check: decision.CheckDone}); d.Outcome != decision.Proceed {
		t.Errorf("unknown facts of a sound answer, set to information only: %v", d.Outcome)
	}
	if d := decide(t, decision.Turnkey(), decision.Input{Check: decision.CheckNotConfigured}); d.Outcome != decision.Review {
		t.Errorf("no source at all: %v", d.Outcome)
	}
	if d := decide(t, decision.Turnkey(), decision.Input{}); d.Outcome != decision.Review {
		t.Errorf("an empty input: %v", d.Outcome)
	}
}

func TestAnApplicationEnteredByAnOfficerHasNoNetworkRules(t *testing.T) {
	d := decide(t, decision.Turnkey(), decision.Input{Check: decision.CheckNotApplicable, Proxy: both})
	if d.Outcome != decision.Proceed || d.Network != (decision.Counts{}) || len(d.Reasons) != 0 {
		t.Errorf("%+v", d)
	}
	if r := result(t, d, "proxy"); !r.Skipped || r.Taken != decision.InformationOnly || r.Inputs == "" {
		t.Errorf("%+v", r)
	}
}

func TestEveryFaultyFieldIsNamedAndNoValueRepeated(t *testing.T) {
	review := decision.ManualReview
	faulty := func(name string, f func(*decision.Rule)) decision.Rules {
		return change(decision.Turnkey(), name, f).Section(decision.Network)
	}
	steps := func(list ...decision.Threshold) func(*decision.Rule) {
		return func(r *decision.Rule) { r.Thresholds = list }
	}
	for name, c := range map[string]struct {
		l      decision.Rules
		fields string
	}{
		"unknown name":          {faulty("tor", func(r *decision.Rule) { r.Rule = "SECRETVALUE" }), "rules[1].rule rules"},
		"a rule twice":          {faulty("tor", func(r *decision.Rule) { *r = decision.Turnkey().Network[0] }), "rules[1].rule rules"},
		"nothing":               {decision.Rules{}, "rules"},
		"no action":             {faulty("proxy", func(r *decision.Rule) { r.Action = nil }), "rules[0].action"},
		"unknown rejects":       {faulty("proxy", func(r *decision.Rule) { r.OnUnknown = decision.AutomaticRejection }), "rules[0].on_unknown"},
		"no code, two faults":   {faulty("proxy", func(r *decision.Rule) { r.ReasonCode = ""; r.Action = nil }), "rules[0].reason_code rules[0].action"},
		"code with odd letters": {faulty("proxy", func(r *decision.Rule) { r.ReasonCode = "n 01" }), "rules[0].reason_code"},
		"thresholds on proxy":   {faulty("proxy", steps(decision.Threshold{AtLeast: "1"})), "rules[0].thresholds"},
		"action on threat":      {faulty("threat_level", func(r *decision.Rule) { r.Action = &review }), "rules[3].action"},
		"no thresholds":         {faulty("threat_level", steps()), "rules[3].thresholds"},
		"too many":              {faulty("distance", steps(make([]decision.Threshold, 9)...)), "rules[8].thresholds"},
		"odd grade":             {faulty("threat_level", steps(decision.Threshold{AtLeast: "SECRETVALUE"})), "rules[3].thresholds[0].at_least"},
		"unknown as a grade":    {faulty("threat_level", steps(decision.Threshold{AtLeast: "unknown"})), "rules[3].thresholds[0].at_least"},
		"wrong bound":           {faulty("distance", steps(decision.Threshold{Above: "100"})), "rules[8].thresholds[0]"},
		"two bounds":            {faulty("distance", steps(decision.Threshold{AtLeast: "100", Above: "100"})), "rules[8].thresholds[0]"},
		"zero":                  {faulty("distance", steps(decision.Threshold{AtLeast: "0"})), "rules[8].thresholds[0].at_least"},
		"sign, point, huge":     {faulty("velocity", steps(decision.Threshold{AtLeast: "+3"}, decision.Threshold{AtLeast: "3.5"}, decision.Threshold{AtLeast: "99999999999999999999"})), "rules[9].thresholds[0].at_least rules[9].thresholds[1].at_least rules[9].thresholds[2].at_least"},
		"a bound twice":         {faulty("velocity", steps(decision.Threshold{AtLeast: "3"}, decision.Threshold{AtLeast: "03"})), "rules[9].thresholds[1].at_least"},
		"milder when graver":    {faulty("threat_level", steps(decision.Threshold{AtLeast: "medium", Action: decision.AutomaticRejection}, decision.Threshold{AtLeast: "high", Action: review})), "rules[3].thresholds"},
	} {
		err := c.l.Validate(decision.Network)
		f := fault.As(err)
		if err == nil || f.Kind != fault.Invalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got []string
		for _, x := range f.Fields {
			got = append(got, x.Path)
		}
		if s := strings.Join(got, " "); s != c.fields {
			t.Errorf("%s: fields %q, want %q", name, s, c.fields)
		}
		if strings.Contains(err.Error(), "SECRETVALUE") {
			t.Errorf("%s: the value is repeated: %v", name, err)
		}
		rs := decision.Turnkey().With(decision.Network, c.l.Rules)
		if _, err := decision.Compile(&rs); err == nil || !strings.Contains(err.Error(), "network_rules.rules") {
			t.Errorf("%s was compiled: %v", name, err)
		}
	}
	var l decision.Rules
	if err := json.Unmarshal([]byte(`{"version":1,"rules":[{"rule":"proxy","enabled":true,"action":"explode","on_unknown":"","reason_code":"N-01"}]}`), &l); err != nil {
		t.Fatalf("an odd word must reach validation, so that all fields are named: %v", err)
	}
	if err := l.Validate(decision.Network); err == nil || !strings.Contains(err.Error(), "rules[0].action") || !strings.Contains(err.Error(), "rules[0].on_unknown") {
		t.Errorf("%v", err)
	}
}

func TestNormalizeWritesOneFormAndChangesNoMeaning(t *testing.T) {
	s := decision.Turnkey()
	loose := s.With(decision.Network, append([]decision.Rule(nil), s.Network...))
	for i, j := 0, len(loose.Network)-1; i < j; i, j = i+1, j-1 {
		loose.Network[i], loose.Network[j] = loose.Network[j], loose.Network[i]
	}
	loose = change(loose, "distance", func(r *decision.Rule) {
		r.ReasonCode = ""
		r.Thresholds = []decision.Threshold{{AtLeast: "0500", Action: decision.AutomaticRejection}, {AtLeast: "100", Action: decision.ManualReview}}
	})
	n := loose.Normalize()
	got := n.Network[8]
	want := decision.Rule{Rule: "distance", OnUnknown: decision.ManualReview, ReasonCode: "N-09",
		Thresholds: []decision.Threshold{{AtLeast: "100", Action: decision.ManualReview}, {AtLeast: "500", Action: decision.AutomaticRejection}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("distance:\n%s", d)
	}
	if d := cmp.Diff(n, n.Normalize()); d != "" {
		t.Errorf("a second time changes more:\n%s", d)
	}
	if n.Network[0].Rule != "proxy" {
		t.Errorf("order: %s first", n.Network[0].Rule)
	}
}

func TestADifferenceIsToldInWords(t *testing.T) {
	from := decision.Turnkey()
	to := change(from, "proxy", func(r *decision.Rule) {
		a := decision.ManualReview
		r.Action, r.OnUnknown = &a, decision.InformationOnly
	})
	to = change(to, "crawler", func(r *decision.Rule) { r.Enabled = true })
	to = change(to, "threat_level", func(r *decision.Rule) {
		r.Thresholds = []decision.Threshold{{AtLeast: "high", Action: decision.AutomaticRejection}, {AtLeast: "medium", Action: decision.ManualReview}}
	})
	to = change(to, "distance", func(r *decision.Rule) { r.ReasonCode = "N-99" })
	var got []string
	for _, c := range decision.Diff(from, to) {
		got = append(got, c.Words)
	}
	want := []string{
		"Proxy: Manual Review (was Automatic Rejection)",
		"Proxy: when unknown Information Only (was Manual Review)",
		"Crawler: switched on (was off)",
		"Network threat level: at least medium: Manual Review; at least high: Automatic Rejection (was at least medium: Automatic Rejection)",
		"Distance: reason code N-99 (was N-09)",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := decision.Diff(from, from); len(d) != 0 {
		t.Errorf("a set differs from itself: %v", d)
	}
	if d := decision.Diff(decision.RuleSet{}, from); len(d) != 14 || !strings.Contains(d[4].Words, "added, on") {
		t.Errorf("from nothing: %v", d)
	}
}

func TestUnderOtherRulesThePastDecidesDifferently(t *testing.T) {
	no := decision.Evidence{Shown: geo.NotDetected, Allowed: geo.NotDetected}
	low := decision.Grade{Shown: geo.ThreatLow, Allowed: geo.ThreatLow}
	past := []decision.Input{
		{Check: decision.CheckDone, Proxy: both, Tor: no, Threat: low},
		{Check: decision.CheckDone, Proxy: no, Tor: no, Threat: low},
		{Check: decision.CheckDone, Proxy: no, Tor: no, Threat: decision.Grade{Shown: geo.ThreatMedium, Allowed: geo.ThreatMedium}},
		{Check: decision.CheckFailed},
	}
	for _, c := range []struct {
		rs   decision.RuleSet
		want decision.Tally
	}{{decision.Turnkey(), decision.Tally{Reject: 2, Review: 1, Proceed: 1}}, {decision.ReviewFirst(), decision.Tally{Review: 3, Proceed: 1}}} {
		got, err := decision.Backtest(&c.rs, past)
		if err != nil || got != c.want {
			t.Errorf("%+v %v, want %+v", got, err, c.want)
		}
	}
	if _, err := decision.Backtest(&decision.RuleSet{}, past); err == nil {
		t.Error("an empty set was tried")
	}
}

func TestAnInputIsPinnedAsJSONAndDecidesTheSameAgain(t *testing.T) {
	in := decision.Input{Check: decision.CheckDone, Proxy: both, Age: decision.Known(44), DistanceKM: decision.Known(0), LocationAllowed: true}
	in.SetAmount(money.Must("5000.00"))
	b, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back decision.Input
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(in, back); d != "" {
		t.Error(d)
	}
	one, two := decide(t, decision.Turnkey(), in), decide(t, decision.Turnkey(), back)
	x, _ := json.Marshal(one)
	y, _ := json.Marshal(two)
	if string(x) != string(y) {
		t.Errorf("%s\n%s", x, y)
	}
	for _, want := range []string{`"outcome":"reject"`, `"rules_met":1`, `"result":"hit"`, `"taken":"automatic_rejection"`, `"inputs":"5000.00"`, `"inputs":"44 years"`} {
		if !strings.Contains(string(x), want) {
			t.Errorf("no %s in %s", want, x)
		}
	}
}

func TestEveryRuleHasWordsForEverything(t *testing.T) {
	codes := map[string]bool{}
	for _, e := range decision.Catalogue() {
		if e.Rule == "" || e.Title == "" || e.Help == "" || e.Reason == "" || codes[e.Code] || decision.Title(e.Rule) != e.Title {
			t.Errorf("%+v", e)
		}
		codes[e.Code] = true
		if !strings.Contains(strings.ToLower(e.Reason), "you") || !strings.HasSuffix(e.Reason, ".") || strings.Contains(e.Reason, "applicant") {
			t.Errorf("%s does not speak to the applicant: %s", e.Rule, e.Reason)
		}
	}
	if len(codes) != 14 {
		t.Errorf("%d rules", len(codes))
	}
}
