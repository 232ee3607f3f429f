package pan

import (
	"maps"
	"slices"
	"testing"
)

// bounds of what is promised, over the whole corpus.
const (
	leastRecall  = 0.99
	mostAlarms   = 0.01
	perKind      = 2500 // texts of every kind
	corpusSeed   = 20261122
	leastOfAKind = 0.93 // no disguise may be a hole
)

// count says how often something is found, kind by kind.
func count[T string | [][2]string](t *testing.T, what string, kinds map[string]func(dice) T, found func(T) bool) (rate float64, each map[string]float64) {
	t.Helper()
	all, hits := 0, 0
	each = map[string]float64{}
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		r, n, shown := throw(corpusSeed), 0, 0
		for range perKind {
			text := kinds[kind](r)
			yes := found(text)
			if yes {
				n++
			}
			if odd := yes == (what == "false alarms"); odd && shown < 6 && testing.Verbose() {
				shown++
				t.Logf("  %s: %+q", kind, any(text))
			}
		}
		all, hits = all+perKind, hits+n
		each[kind] = float64(n) / perKind
		t.Logf("%-12s %-20s %.4f", what, kind, each[kind])
	}
	rate = float64(hits) / float64(all)
	t.Logf("%s: %d of %d = %.5f", what, hits, all, rate)
	return rate, each
}

// A card number is found in whatever disguise it comes.
func TestRecallOverTheCorpus(t *testing.T) {
	rate, each := count(t, "recall", positives(), Contains)
	if rate < leastRecall {
		t.Errorf("recall %.5f is below %.2f", rate, leastRecall)
	}
	for kind, n := range each {
		if n < leastOfAKind {
			t.Errorf("recall of %q is %.4f, a hole", kind, n)
		}
	}
}

// What a lender's house is full of is not taken for a card number.
func TestFalseAlarmsOverTheCorpus(t *testing.T) {
	if rate, _ := count(t, "false alarms", negatives(), Contains); rate > mostAlarms {
		t.Errorf("false alarms %.5f are above %.2f", rate, mostAlarms)
	}
}

// A number that is split over the fields of a form is found, and forms that are
// filled in as they are meant to be are not refused.
func TestRecallAndFalseAlarmsOverForms(t *testing.T) {
	across := func(form [][2]string) bool {
		var fields []Field
		for _, f := range form {
			if Contains(f[1]) {
				return true
			}
			fields = append(fields, Field{f[0], f[1]})
		}
		_, _, ok := Across(fields)
		return ok
	}
	rate, each := count(t, "recall", forms(), across)
	if rate < leastRecall {
		t.Errorf("recall %.5f is below %.2f", rate, leastRecall)
	}
	for kind, n := range each {
		if n < leastOfAKind {
			t.Errorf("recall of %q is %.4f, a hole", kind, n)
		}
	}
	if rate, _ = count(t, "false alarms", quietForms(), across); rate > mostAlarms {
		t.Errorf("false alarms %.5f are above %.2f", rate, mostAlarms)
	}
}
