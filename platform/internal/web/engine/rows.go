package engine

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/pan"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// maxThresholds is how many thresholds of one rule a form is read for; the desk
// says how many it takes.
const maxThresholds = 50

// entries are the catalogue's rules of one section, in the editor's order.
func entries(which decision.Section) []decision.Entry {
	return slices.DeleteFunc(decision.Catalogue(), func(e decision.Entry) bool { return e.Section != which })
}

// limited reports a rule that is edited as one figure and one action: it hits
// below or above its bound, which the steps' word "from" would say wrongly.
func limited(e decision.Entry, r rulebook.RuleRow) bool {
	return (e.Bound == "below" || e.Bound == "above") && len(r.Thresholds) == 1
}

// rows gives the editor's rows for a list of rules.
func rows(which decision.Section, list []rulebook.RuleRow, readOnly, scripted bool, errs mistakes) []parts.Rule {
	var out []parts.Rule
	for _, e := range entries(which) {
		i := slices.IndexFunc(list, func(r rulebook.RuleRow) bool { return r.Rule == e.Rule })
		if i >= 0 {
			shown := row(e, list[i], readOnly, errs[i])
			shown.Scripted = scripted
			out = append(out, shown)
		}
	}
	return out
}

func row(e decision.Entry, r rulebook.RuleRow, readOnly bool, m mistake) parts.Rule {
	p := parts.Rule{Prefix: e.Rule, Title: e.Title, About: e.Help, Enabled: r.Enabled, Action: r.Action, Actions: actions(), OnUnknown: r.OnUnknown,
		Unknowns: unknowns(), ReasonCode: r.ReasonCode, Errors: m.fields, ReadOnly: readOnly}
	switch {
	case limited(e, r):
		p.Action = r.Thresholds[0].Action
		p.Limit = &parts.Field{Name: e.Rule + ".limit", Label: capital(e.Bound), Kind: parts.Money, Unit: unit(e), Value: bound(r.Thresholds[0]), Error: m.steps[0]}
	case e.Bound != "":
		p.Steps = true
		if e.Unit == "level" {
			p.Levels = levels()
		}
		for i, t := range r.Thresholds {
			p.Thresholds = append(p.Thresholds, parts.Threshold{AtLeast: bound(t), Action: t.Action, Error: m.steps[i]})
		}
	}
	return p
}

func actions() []parts.Option {
	return []parts.Option{option(decision.AutomaticRejection), option(decision.ManualReview), option(decision.InformationOnly)}
}

// unknowns leaves rejection out: what is not known can reject nobody.
func unknowns() []parts.Option { return actions()[1:] }

func option(a decision.Action) parts.Option {
	return parts.Option{Value: a.String(), Label: sentence(a.Title())}
}

func levels() []parts.Option {
	return []parts.Option{{Value: "low", Label: "low"}, {Value: "medium", Label: "medium"}, {Value: "high", Label: "high"}}
}

func unit(e decision.Entry) string {
	if e.Unit == "amount" {
		return "USD"
	}
	return e.Unit
}

// bound is the one bound of a threshold that is set.
func bound(t rulebook.ThresholdRow) string { return t.AtLeast + t.Below + t.Above }

func threshold(e decision.Entry, text, action string) rulebook.ThresholdRow {
	t := rulebook.ThresholdRow{Action: action}
	switch text = strings.TrimSpace(text); e.Bound {
	case "at_least":
		t.AtLeast = text
	case "below":
		t.Below = text
	case "above":
		t.Above = text
	}
	return t
}

// written gives a rule as the desk writes it.
func written(list []decision.Rule) []rulebook.RuleRow {
	var out []rulebook.RuleRow
	for _, r := range list {
		row := rulebook.RuleRow{Rule: r.Rule, Enabled: r.Enabled, OnUnknown: r.OnUnknown.String(), ReasonCode: r.ReasonCode}
		if r.Action != nil {
			row.Action = r.Action.String()
		}
		for _, t := range r.Thresholds {
			row.Thresholds = append(row.Thresholds, rulebook.ThresholdRow{AtLeast: t.AtLeast, Below: t.Below, Above: t.Above, Action: t.Action.String()})
		}
		out = append(out, row)
	}
	return out
}

// read takes the rules of one section out of a form. Whatever was typed is kept
// as it is: the desk says what is wrong with it.
func read(which decision.Section, form url.Values) []rulebook.RuleRow {
	var out []rulebook.RuleRow
	for _, e := range entries(which) {
		r := rulebook.RuleRow{Rule: e.Rule, Enabled: form.Get(e.Rule+".enabled") == "on", OnUnknown: form.Get(e.Rule + ".on_unknown"),
			ReasonCode: strings.TrimSpace(form.Get(e.Rule + ".reason_code"))}
		switch {
		case form.Has(e.Rule + ".limit"):
			r.Thresholds = []rulebook.ThresholdRow{threshold(e, form.Get(e.Rule+".limit"), form.Get(e.Rule+".action"))}
		case e.Bound != "":
			r.Thresholds = steps(e, form)
		default:
			r.Action = form.Get(e.Rule + ".action")
		}
		out = append(out, r)
	}
	return out
}

// shown is what a page may show of rules as they were typed: a card number does
// not come back.
func shown(list []rulebook.RuleRow) []rulebook.RuleRow {
	out := slices.Clone(list)
	empty := func(texts ...*string) {
		for _, t := range texts {
			if pan.Contains(*t) {
				*t = ""
			}
		}
	}
	for i := range out {
		r := &out[i]
		r.Thresholds = slices.Clone(r.Thresholds)
		empty(&r.Action, &r.OnUnknown, &r.ReasonCode)
		for j := range r.Thresholds {
			t := &r.Thresholds[j]
			empty(&t.AtLeast, &t.Below, &t.Above, &t.Action)
		}
	}
	return out
}

// steps reads thresholds in the order of their numbers, which may have gaps.
func steps(e decision.Entry, form url.Values) []rulebook.ThresholdRow {
	head := e.Rule + ".thresholds."
	var numbers []int
	for name := range form {
		rest, ok := strings.CutPrefix(name, head)
		n, _, cut := strings.Cut(rest, ".")
		if at, err := strconv.Atoi(n); ok && cut && err == nil && at >= 0 && !slices.Contains(numbers, at) {
			numbers = append(numbers, at)
		}
	}
	slices.Sort(numbers)
	var out []rulebook.ThresholdRow
	for _, n := range numbers[:min(len(numbers), maxThresholds)] {
		at := head + strconv.Itoa(n)
		out = append(out, threshold(e, form.Get(at+".at_least"), form.Get(at+".action")))
	}
	return out
}

// reshape does what the threshold buttons ask for where there is no script: one
// step more, or one less. It reports whether one was pressed.
func reshape(list []rulebook.RuleRow, form url.Values) bool {
	if name := form.Get("add_threshold"); name != "" {
		for i := range list {
			if list[i].Rule == name && len(list[i].Thresholds) < maxThresholds {
				list[i].Thresholds = append(list[i].Thresholds, rulebook.ThresholdRow{Action: decision.ManualReview.String()})
			}
		}
		return true
	}
	if value := form.Get("remove_threshold"); value != "" {
		name, nth, _ := strings.Cut(value, ".")
		n, err := strconv.Atoi(nth)
		for i := range list {
			if list[i].Rule == name && err == nil && n >= 0 && n < len(list[i].Thresholds) {
				list[i].Thresholds = slices.Delete(list[i].Thresholds, n, n+1)
			}
		}
		return true
	}
	return false
}

// mistake is what is wrong with one rule: by the part of the field's name, and
// by threshold.
type mistake struct {
	fields map[string]string
	steps  map[int]string
}

// mistakes are those of a list of rules, by the rule's place.
type mistakes map[int]mistake

// sortOut takes a fault of a list of rules apart: what is wrong with which rule,
// and the lines of the summary. head stands before the paths of this list.
func sortOut(err error, head string, list []rulebook.RuleRow) (mistakes, []parts.Problem) {
	if err == nil {
		return nil, nil
	}
	out := mistakes{}
	var lines []parts.Problem
	for _, field := range fault.As(err).Fields {
		path, ours := strings.CutPrefix(field.Path, head)
		if !ours {
			continue
		}
		i, rest, ok := indexed(path, "rules")
		if !ok || i >= len(list) {
			lines = append(lines, parts.Problem{Text: finished(field.Mend)})
			continue
		}
		m := out[i]
		if m.fields == nil {
			m = mistake{fields: map[string]string{}, steps: map[int]string{}}
		}
		target := ".enabled"
		if step, _, ok := indexed(rest, "thresholds"); ok {
			m.steps[step] = finished(field.Mend)
		} else if rest == "thresholds" {
			m.steps[max(0, len(list[i].Thresholds)-1)] = finished(field.Mend)
		} else {
			m.fields[rest] = finished(field.Mend)
			target = "." + rest
		}
		out[i] = m
		lines = append(lines, parts.Problem{Field: list[i].Rule + target, Text: decision.Title(list[i].Rule) + ": " + strings.TrimSuffix(field.Mend, ".") + "."})
	}
	return out, lines
}

// indexed reads "rules[2].action" as 2 and "action".
func indexed(path, name string) (int, string, bool) {
	rest, ok := strings.CutPrefix(path, name+"[")
	number, rest, cut := strings.Cut(rest, "]")
	n, err := strconv.Atoi(number)
	if !ok || !cut || err != nil || n < 0 {
		return 0, "", false
	}
	return n, strings.TrimPrefix(rest, "."), true
}

// finished makes a sentence of a mend.
func finished(mend string) string { return capital(strings.TrimSuffix(mend, ".")) + "." }

func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(r)) + s[n:]
}

// sentence writes a title in sentence case: "Manual review".
func sentence(title string) string { return capital(strings.ToLower(title)) }
