package decision

import (
	"testing"

	"github.com/lendkeep/lendkeep/internal/geo"
)

// setting is how one of the three yes-or-no rules is set and what is known.
type setting struct {
	e       Evidence
	enabled bool
	act     Action
	unknown Action
}

// settings is every consistent combination: what is known from all sources and
// from cleared ones, on or off, three actions, two ways with the unknown.
func settings() []setting {
	var out []setting
	u, n, d := geo.Unknown, geo.NotDetected, geo.Detected
	for _, e := range []Evidence{{u, u}, {n, u}, {n, n}, {d, u}, {d, n}, {d, d}} {
		for _, on := range []bool{true, false} {
			for act := InformationOnly; act <= AutomaticRejection; act++ {
				for unknown := InformationOnly; unknown <= ManualReview; unknown++ {
					out = append(out, setting{e, on, act, unknown})
				}
			}
		}
	}
	return out
}

// expected is the oracle: the rules of the trade, written as plainly as can be
// and without any of the engine's parts.
func expected(check Check, rules ...setting) (o Outcome, met, used, unknown int) {
	reject, review := false, false
	for _, s := range rules {
		if check == CheckNotApplicable || !s.enabled {
			continue
		}
		used++
		if s.e.Shown == geo.Detected {
			met++
			if s.act == AutomaticRejection && s.e.Allowed == geo.Detected {
				reject = true
			} else if s.act != InformationOnly {
				review = true
			}
		}
		if s.e.Shown == geo.Unknown {
			unknown++
			if s.unknown == ManualReview {
				review = true
			}
		}
	}
	if used > 0 && (check == CheckFailed || check == CheckPending) {
		review = true
	}
	switch {
	case reject:
		o = Reject
	case review:
		o = Review
	}
	return o, met, used, unknown
}

func rule(k kind, s setting) compiled {
	act := s.act
	return compile(k, Rule{Rule: catalogue[k].Rule, Enabled: s.enabled, Action: &act, OnUnknown: s.unknown, ReasonCode: catalogue[k].Code})
}

func TestEveryCombinationAgainstTheOracle(t *testing.T) {
	all := settings()
	e := &Engine{rules: make([]compiled, 3)}
	var d Decision
	n := 0
	compare := func(check Check, a, b, c setting) {
		in := Input{Check: check, Proxy: a.e, Tor: b.e, Crawler: c.e}
		e.Decide(&in, &d)
		o, met, used, unknown := expected(check, a, b, c)
		if d.Outcome != o || d.Network != (Counts{used, met, unknown}) || d.Applicant != (Counts{}) {
			t.Fatalf("%v %+v %+v %+v: %v %+v, want %v %d/%d/%d", check, a, b, c, d.Outcome, d.Network, o, used, met, unknown)
		}
		if (d.Outcome == Proceed) != (len(d.Reasons) == 0) {
			t.Fatalf("%v %+v %+v %+v: %v with reasons %v", check, a, b, c, d.Outcome, d.Reasons)
		}
		n++
	}
	for _, a := range all {
		e.rules[0] = rule(proxy, a)
		for _, b := range all {
			e.rules[1] = rule(tor, b)
			for i, c := range all {
				e.rules[2] = rule(crawler, c)
				compare(CheckDone, a, b, c)
				if i%7 == 0 { // the other states of the check, more thinly
					for _, check := range []Check{CheckPending, CheckFailed, CheckNotConfigured, CheckNotApplicable} {
						compare(check, a, b, c)
					}
				}
			}
		}
	}
	t.Logf("%d combinations", n)
}

func TestEveryThreatLevelAgainstTheOracle(t *testing.T) {
	levels := []geo.Threat{geo.ThreatUnknown, geo.ThreatLow, geo.ThreatMedium, geo.ThreatHigh}
	var d Decision
	// Every monotone choice of actions for low, medium and high; InformationOnly
	// before the first other action stands for "no threshold" as well.
	for low := InformationOnly; low <= AutomaticRejection; low++ {
		for mid := low; mid <= AutomaticRejection; mid++ {
			for high := mid; high <= AutomaticRejection; high++ {
				acts := [4]Action{geo.ThreatLow: low, geo.ThreatMedium: mid, geo.ThreatHigh: high}
				r := Rule{Rule: "threat_level", Enabled: true, OnUnknown: ManualReview, ReasonCode: "N-04", Thresholds: []Threshold{
					{AtLeast: "high", Action: high}, {AtLeast: "low", Action: low}, {AtLeast: "medium", Action: mid}}}
				e := &Engine{rules: []compiled{compile(threatLevel, r)}}
				for _, shown := range levels {
					for _, allowed := range levels {
						if allowed > shown {
							continue // all sources include the cleared ones
						}
						in := Input{Check: CheckDone, Threat: Grade{shown, allowed}}
						want := Outcome(max(min(acts[shown], ManualReview), acts[allowed]))
						if shown == geo.ThreatUnknown {
							want = Review
						}
						if e.Decide(&in, &d); d.Outcome != want {
							t.Fatalf("%v shown %v allowed %v: %v, want %v", acts, shown, allowed, d.Outcome, want)
						}
					}
				}
			}
		}
	}
}

func TestMeasuredRulesHitFromTheirBoundOn(t *testing.T) {
	two := func(k kind, near, far Threshold) Rule {
		near.Action, far.Action = ManualReview, AutomaticRejection
		return Rule{Rule: catalogue[k].Rule, Enabled: true, OnUnknown: InformationOnly, ReasonCode: "X", Thresholds: []Threshold{near, far}}
	}
	for _, c := range []struct {
		k    kind
		r    Rule
		set  func(*Input, int64)
		want map[int64]Outcome
	}{
		{minimumAge, two(minimumAge, Threshold{Below: "21"}, Threshold{Below: "18"}), func(in *Input, n int64) { in.Age = Known(n) },
			map[int64]Outcome{21: Proceed, 20: Review, 18: Review, 17: Reject, 0: Reject, -3: Reject}},
		{minimumAmount, two(minimumAmount, Threshold{Below: "1000.00"}, Threshold{Below: "500.00"}), func(in *Input, n int64) { in.Amount = Known(n) },
			map[int64]Outcome{100_000: Proceed, 99_999: Review, 50_000: Review, 49_999: Reject}},
		{maximumAmount, two(maximumAmount, Threshold{Above: "1000.00"}, Threshold{Above: "5000.00"}), func(in *Input, n int64) { in.Amount = Known(n) },
			map[int64]Outcome{100_000: Proceed, 100_001: Review, 500_000: Review, 500_001: Reject}},
		{openApplications, two(openApplications, Threshold{AtLeast: "1"}, Threshold{AtLeast: "3"}), func(in *Input, n int64) { in.OpenApplications = Known(n) },
			map[int64]Outcome{0: Proceed, 1: Review, 2: Review, 3: Reject}},
		{velocity, two(velocity, Threshold{AtLeast: "3"}, Threshold{AtLeast: "10"}), func(in *Input, n int64) { in.Velocity = Known(n) },
			map[int64]Outcome{1: Proceed, 2: Proceed, 3: Review, 9: Review, 10: Reject}},
		{distance, two(distance, Threshold{AtLeast: "100"}, Threshold{AtLeast: "1000"}), func(in *Input, n int64) { in.DistanceKM, in.LocationAllowed = Known(n), true },
			map[int64]Outcome{0: Proceed, 99: Proceed, 100: Review, 1000: Reject}},
		{distance, two(distance, Threshold{AtLeast: "100"}, Threshold{AtLeast: "1000"}), func(in *Input, n int64) { in.DistanceKM = Known(n) },
			map[int64]Outcome{99: Proceed, 100: Review, 1000: Review}}, // not cleared
	} {
		e := &Engine{rules: []compiled{compile(c.k, c.r)}}
		for n, want := range c.want {
			in := Input{Check: CheckDone}
			c.set(&in, n)
			if d := e.Decide(&in, nil); d.Outcome != want || (d.Outcome != Proceed) != (d.Rules[0].Result == Hit) {
				t.Errorf("%s at %d: %v (%v), want %v", c.r.Rule, n, d.Outcome, d.Rules[0].Result, want)
			}
		}
		if d := e.Decide(&Input{Check: CheckDone}, nil); d.Rules[0].Result != Unknown || d.Outcome != Proceed {
			t.Errorf("%s when unknown: %+v", c.r.Rule, d)
		}
	}
}

func TestNoMoreThanFourPrincipalReasonsAndOnlyThoseThatDecided(t *testing.T) {
	s := Turnkey()
	for i := range s.Network {
		s.Network[i].Enabled = true
	}
	e, err := Compile(&s)
	if err != nil {
		t.Fatal(err)
	}
	in := Input{Check: CheckDone, Proxy: Evidence{geo.Detected, geo.Detected}, Tor: Evidence{geo.Detected, geo.Detected},
		Threat: Grade{geo.ThreatHigh, geo.ThreatHigh}, Crawler: Evidence{geo.Detected, geo.Detected}, Country: Evidence{geo.Detected, geo.Detected}}
	d := e.Decide(&in, nil)
	var codes []string
	for _, r := range d.Reasons {
		codes = append(codes, r.Code)
	}
	if d.Outcome != Reject || len(codes) != 3 || codes[0] != "N-01" || codes[1] != "N-02" || codes[2] != "N-04" {
		t.Errorf("%v with reasons %v; the crawler and the country asked for a review only", d.Outcome, codes)
	}
	for i := range e.rules {
		e.rules[i].act = AutomaticRejection
	}
	if d := e.Decide(&in, nil); len(d.Reasons) != MaxReasons {
		t.Errorf("%d reasons", len(d.Reasons))
	}
}

func twenty(b testing.TB) *Engine {
	b.Helper()
	s := Turnkey()
	e := &Engine{}
	for len(e.rules) < 20 {
		for _, which := range []Section{Applicant, Network} {
			for _, r := range s.Section(which).Rules {
				k, ok := kindOf(which, r.Rule)
				if !ok {
					b.Fatal(r.Rule)
				}
				r.Enabled = true
				e.rules = append(e.rules, compile(k, r))
			}
		}
	}
	e.rules = e.rules[:20]
	return e
}

func worst() *Input {
	yes := Evidence{geo.Detected, geo.Detected}
	return &Input{Check: CheckDone, Proxy: yes, Tor: yes, Crawler: yes, Threat: Grade{geo.ThreatHigh, geo.ThreatHigh}, Country: yes, Region: yes, City: yes,
		PostalCode: yes, DistanceKM: Known(900), LocationAllowed: true, Velocity: Known(4), Age: Known(17), Amount: Known(9_000_000), OpenApplications: Known(2)}
}

func TestDecidingDoesNotAllocate(t *testing.T) {
	e, in := twenty(t), worst()
	d := e.Decide(in, nil)
	if n := testing.AllocsPerRun(100, func() { e.Decide(in, d) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecideTwentyRules(b *testing.B) {
	e, in := twenty(b), worst()
	d := e.Decide(in, nil)
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(in, d)
	}
}

func BenchmarkDecideOutOfTheBox(b *testing.B) {
	s := Turnkey()
	e, err := Compile(&s)
	if err != nil {
		b.Fatal(err)
	}
	in := &Input{Check: CheckDone, Proxy: Evidence{geo.Detected, geo.Detected}}
	d := e.Decide(in, nil)
	b.ReportAllocs()
	for b.Loop() {
		e.Decide(in, d)
	}
}
