package decision

import (
	"strings"
)

// Change is one difference between two rule sets, in words.
type Change struct {
	Section Section `json:"section"`
	Rule    string  `json:"rule"`
	Words   string  `json:"words"` // "Proxy: switched off (was on)"
}

// Diff lists what differs from one set to another, in the order of the editor.
// Order and writing of bounds are no difference.
func Diff(from, to RuleSet) []Change {
	from, to = from.Normalize(), to.Normalize()
	var out []Change
	for k := kind(0); k < kinds; k++ {
		which := catalogue[k].Section
		a, had := find(from.Section(which).Rules, k)
		b, has := find(to.Section(which).Rules, k)
		note := func(words string) {
			out = append(out, Change{which, catalogue[k].Rule, catalogue[k].Title + ": " + words})
		}
		switch {
		case !had && !has:
		case !had:
			note("added, " + onOff(b.Enabled) + ", " + effect(k, b))
		case !has:
			note("removed (was " + onOff(a.Enabled) + ", " + effect(k, a) + ")")
		default:
			compare(k, a, b, note)
		}
	}
	return out
}

func compare(k kind, a, b Rule, note func(string)) {
	if a.Enabled != b.Enabled {
		note("switched " + onOff(b.Enabled) + " (was " + onOff(a.Enabled) + ")")
	}
	if was, is := effect(k, a), effect(k, b); was != is {
		note(is + " (was " + was + ")")
	}
	if a.OnUnknown != b.OnUnknown {
		note("when unknown " + b.OnUnknown.Title() + " (was " + a.OnUnknown.Title() + ")")
	}
	if a.ReasonCode != b.ReasonCode {
		note("reason code " + b.ReasonCode + " (was " + a.ReasonCode + ")")
	}
}

func find(list []Rule, k kind) (Rule, bool) {
	for _, r := range list {
		if r.Rule == catalogue[k].Rule {
			return r, true
		}
	}
	return Rule{}, false
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// effect says in words what a rule does on a hit.
func effect(k kind, r Rule) string {
	if r.Action != nil {
		return r.Action.Title()
	}
	parts := make([]string, 0, len(r.Thresholds))
	for _, t := range r.Thresholds {
		text, _ := t.bound(catalogue[k].bound)
		w := strings.ReplaceAll(boundNames[catalogue[k].bound], "_", " ") + " " + text
		if u := catalogue[k].Unit; u == "km" || u == "years" || u == "applications" {
			w += " " + u
		}
		parts = append(parts, w+": "+t.Action.Title())
	}
	return strings.Join(parts, "; ")
}
