package decision_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
)

// What a list says of an application: only what had an effect, each thing once,
// and nothing personal.
func TestFindingsSayWhatMadeItSo(t *testing.T) {
	r := func(rule string, result decision.Result, taken decision.Action, inputs string) decision.RuleResult {
		return decision.RuleResult{Rule: rule, Enabled: true, Result: result, Taken: taken, Inputs: inputs}
	}
	off := r("crawler", decision.Hit, decision.InformationOnly, "detected")
	off.Enabled = false
	skipped := r("tor", decision.Unknown, decision.ManualReview, "not checked: entered by an officer")
	skipped.Skipped = true
	for _, c := range []struct {
		name    string
		results []decision.RuleResult
		want    []string
	}{
		{"hits", []decision.RuleResult{r("proxy", decision.Hit, decision.AutomaticRejection, "detected"), r("threat_level", decision.Hit, decision.AutomaticRejection, "high (from a source that may not decide)"), off}, []string{"proxy", "threat high"}},
		{"no facts", []decision.RuleResult{r("proxy", decision.Unknown, decision.ManualReview, "unknown"), r("tor", decision.Unknown, decision.ManualReview, "unknown"), r("city", decision.Unknown, decision.ManualReview, "unknown")}, []string{"security facts missing", "location unknown"}},
		{"place", []decision.RuleResult{r("country", decision.Hit, decision.ManualReview, "mismatch"), r("distance", decision.Hit, decision.ManualReview, "212 km")}, []string{"other country", "far away"}},
		{"applicant", []decision.RuleResult{r("minimum_age", decision.Hit, decision.ManualReview, "17 years"), r("open_applications", decision.Unknown, decision.ManualReview, "")}, []string{"minimum age", "open applications unknown"}},
		{"nothing", []decision.RuleResult{r("proxy", decision.NoHit, decision.InformationOnly, "not detected"), r("tor", decision.Hit, decision.InformationOnly, "detected"), skipped}, []string{}},
	} {
		if diff := cmp.Diff(c.want, decision.Findings(c.results)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
