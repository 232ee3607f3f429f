package engine

import (
	"strconv"

	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// editor is the page of the decision engine.
type editor struct {
	Version             int64
	MayPreview, MaySave bool
	Notice              string
	NoticeMeaning       parts.Meaning
	Since               []parts.DiffRow // what others changed since the person read the rules
	Sections            []section
}

func (e editor) saveLabel() string { return "Save as v" + strconv.FormatInt(e.Version+1, 10) }

// section is one list of rules with its form.
type section struct {
	Which       decision.Section
	Title, Note string
	Rows        []parts.Rule
	Outlook     *parts.Outlook
	Problems    []parts.Problem
	Hidden      []parts.Hidden
	SaveKind    parts.ButtonKind
	Presets     bool
}

func (s section) formID() string      { return "rules-" + s.Which.String() }
func (s section) savePath() string    { return home + "/" + s.Which.String() }
func (s section) previewPath() string { return s.savePath() + "/preview" }

// version is one entry of the history.
type version struct {
	Title, Note, About string
	First              bool
	Changes            []parts.DiffRow
}

func presets() parts.Menu {
	return parts.Menu{Label: "Presets", Items: []parts.Item{
		{Label: "TurnKey", Detail: "Reject on proxy, Tor, threat level medium or high", Href: home + "?preset=" + decision.TurnkeyPreset},
		{Label: "Review first", Detail: "The same facts, but a person decides", Href: home + "?preset=" + decision.ReviewFirstPreset},
	}}
}

func presetTitle(name string) string {
	if name == decision.ReviewFirstPreset {
		return "Review first"
	}
	return "TurnKey"
}

// differences says field by field what differs between two versions.
func differences(from, to decision.RuleSet) []parts.DiffRow {
	var out []parts.DiffRow
	a, b := from.Normalize(), to.Normalize()
	for _, which := range []decision.Section{decision.Applicant, decision.Network} {
		was := map[string]decision.Rule{}
		for _, r := range a.Section(which).Rules {
			was[r.Rule] = r
		}
		for _, r := range b.Section(which).Rules {
			before := was[r.Rule]
			row := func(what, x, y string) {
				if x != y {
					out = append(out, parts.DiffRow{Field: decision.Title(r.Rule) + ": " + what, Before: x, After: y})
				}
			}
			row("switch", onOff(before), onOff(r))
			row("action", effect(before), effect(r))
			row("if unknown", sentence(before.OnUnknown.Title()), sentence(r.OnUnknown.Title()))
			row("reason", before.ReasonCode, r.ReasonCode)
		}
	}
	return out
}

func onOff(r decision.Rule) string {
	switch {
	case r.Rule == "":
		return ""
	case r.Enabled:
		return "on"
	}
	return "off"
}

// effect says in words what a rule does.
func effect(r decision.Rule) string {
	if r.Action != nil {
		return sentence(r.Action.Title())
	}
	text := ""
	for _, t := range r.Thresholds {
		if text != "" {
			text += "; "
		}
		switch {
		case t.Below != "":
			text += "below " + t.Below
		case t.Above != "":
			text += "above " + t.Above
		default:
			text += "from " + t.AtLeast
		}
		text += ": " + sentence(t.Action.Title())
	}
	return text
}
