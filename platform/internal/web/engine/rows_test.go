package engine

import (
	"bytes"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// sent gives what a browser would send of the editor's rows.
func sent(t *testing.T, list []parts.Rule) url.Values {
	t.Helper()
	var b bytes.Buffer
	if err := parts.RuleRows("rules", list).Render(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	doc, err := html.Parse(&b)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{}
	for n := range doc.Descendants() {
		at := map[string]string{}
		for _, a := range n.Attr {
			at[a.Key] = a.Val
		}
		inTemplate := false
		for p := range n.Ancestors() {
			inTemplate = inTemplate || p.Data == "template"
		}
		_, checked := at["checked"]
		switch {
		case at["name"] == "" || inTemplate:
		case n.Data == "input" && (at["type"] != "checkbox" || checked):
			form.Add(at["name"], at["value"])
		case n.Data == "select":
			for o := range n.Descendants() {
				for _, a := range o.Attr {
					if a.Key == "selected" {
						for _, v := range o.Attr {
							if v.Key == "value" {
								form.Add(at["name"], v.Val)
							}
						}
					}
				}
			}
		}
	}
	return form
}

// Whatever rules are stored come back from the page unchanged when nobody has
// touched them: saving without a change must change nothing.
func TestRulesGoThroughThePageUnchanged(t *testing.T) {
	odd := decision.Turnkey()
	odd.Network[3].Thresholds = []decision.Threshold{{AtLeast: "medium", Action: decision.ManualReview}, {AtLeast: "high", Action: decision.AutomaticRejection}}
	odd.Applicant[0].Thresholds = []decision.Threshold{{Below: "21", Action: decision.ManualReview}, {Below: "18", Action: decision.AutomaticRejection}}
	odd.Applicant[1].Enabled = true
	for name, set := range map[string]decision.RuleSet{"turnkey": decision.Turnkey(), "review first": decision.ReviewFirst(), "several steps": odd} {
		for _, which := range []decision.Section{decision.Applicant, decision.Network} {
			stored := written(set.Section(which).Rules)
			got := read(which, sent(t, rows(which, stored, false, false, nil)))
			if d := cmp.Diff(stored, got); d != "" {
				t.Errorf("%s, %s: %s", name, which, d)
			}
			if fingerprint(got) != fingerprint(stored) {
				t.Errorf("%s, %s: the page thinks that somebody has edited it", name, which)
			}
		}
	}
}

func TestAThresholdIsAddedAndRemovedWithoutScript(t *testing.T) {
	list := written(decision.Turnkey().Network)
	steps := func() int {
		for _, r := range list {
			if r.Rule == "threat_level" {
				return len(r.Thresholds)
			}
		}
		return -1
	}
	for _, press := range []struct {
		form    url.Values
		pressed bool
		steps   int
	}{
		{url.Values{}, false, 1}, {url.Values{"add_threshold": {"threat_level"}}, true, 2}, {url.Values{"remove_threshold": {"threat_level.0"}}, true, 1},
		{url.Values{"remove_threshold": {"threat_level.7"}}, true, 1}, {url.Values{"remove_threshold": {"threat_level.new"}}, true, 1}, {url.Values{"add_threshold": {"nothing"}}, true, 1},
	} {
		if got := reshape(list, press.form); got != press.pressed || steps() != press.steps {
			t.Errorf("%v: %v, %d steps", press.form, got, steps())
		}
	}
}

func TestWhatIsWrongIsSaidWhereItIs(t *testing.T) {
	list := written(decision.Turnkey().Network)
	list[0].ReasonCode, list[3].Thresholds[0].AtLeast = "no good", "extreme"
	set := decision.Turnkey().Network
	set[0].ReasonCode, set[3].Thresholds[0].AtLeast = "no good", "extreme"
	err := decision.Rules{Rules: set}.Validate(decision.Network)
	m, lines := sortOut(err, "", list)
	shown := rows(decision.Network, list, false, false, m)
	if len(lines) != 2 || shown[0].Errors["reason_code"] == "" || shown[3].Thresholds[0].Error == "" || shown[3].Thresholds[0].AtLeast != "extreme" {
		t.Errorf("%v, %v, %+v", lines, shown[0].Errors, shown[3].Thresholds)
	}
	if lines[0].Field != "proxy.reason_code" {
		t.Errorf("the summary leads to %q", lines[0].Field)
	}
}

func TestADifferenceHasBeforeAndAfter(t *testing.T) {
	from, to := decision.Turnkey(), decision.ReviewFirst()
	var words []string
	for _, c := range decision.Diff(from, to) {
		words = append(words, c.Words)
	}
	want := parts.DiffRow{Field: "Proxy", Before: "Automatic Rejection", After: "Manual Review"}
	if got := differences(words); len(got) != 3 || got[0] != want {
		t.Errorf("%+v", got)
	}
}

func TestARuleThatWasRefusedForACardNumberComesBackWithoutIt(t *testing.T) {
	typed := []rulebook.RuleRow{{Rule: "distance", ReasonCode: "4111111111111111", OnUnknown: "manual_review",
		Thresholds: []rulebook.ThresholdRow{{AtLeast: "4111 1111 1111 1111", Action: "manual_review"}, {AtLeast: "50", Action: "manual_review"}}}}
	want := []rulebook.RuleRow{{Rule: "distance", OnUnknown: "manual_review",
		Thresholds: []rulebook.ThresholdRow{{Action: "manual_review"}, {AtLeast: "50", Action: "manual_review"}}}}
	if diff := cmp.Diff(want, shown(typed)); diff != "" {
		t.Error(diff)
	}
	if typed[0].ReasonCode == "" || typed[0].Thresholds[0].AtLeast == "" {
		t.Error("what goes to the gate must stay as it was typed, or nothing would refuse it")
	}
}
