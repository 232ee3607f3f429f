package engine

import (
	"strconv"

	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// formID is the one form of the page.
const formID = "rules"

// editor is the page of the decision engine.
type editor struct {
	Version             int64
	MayPreview, MaySave bool
	Notice              string
	NoticeMeaning       parts.Meaning
	Since               []parts.DiffRow // what others changed since the person read the rules
	Problems            []parts.Problem
	Outlook             *parts.Outlook
	Sections            []section
}

func (e editor) saveLabel() string { return "Save as v" + strconv.FormatInt(e.Version+1, 10) }

// section is one list of rules.
type section struct {
	Which       decision.Section
	Title, Note string
	Kept        string // fingerprint of what is stored
	Rows        []parts.Rule
	Problems    []parts.Problem
	MaySave     bool
	SaveKind    parts.ButtonKind
	Presets     bool
}

func (s section) savePath() string { return home + "/" + s.Which.String() }

// version is one entry of the history.
type version struct {
	Title, Note string
	First       bool
	Changes     []parts.DiffRow
}

// action is where the form goes by itself: the preview, which keeps what was typed,
// or for want of it the first section that may be saved.
func (e editor) action() string {
	for _, s := range e.Sections {
		if s.MaySave && !e.MayPreview {
			return s.savePath()
		}
	}
	return home + "/preview"
}

// presets fill in the rules by way of the preview; whoever may not preview opens the
// page anew with them.
func presets(mayPreview bool) parts.Menu {
	m := parts.Menu{Label: "Presets", Items: []parts.Item{
		{Label: "TurnKey", Detail: "Reject on proxy, Tor, threat level medium or high", Name: "preset", Value: decision.TurnkeyPreset},
		{Label: "Review first", Detail: "The same facts, but a person decides", Name: "preset", Value: decision.ReviewFirstPreset},
	}}
	for i, item := range m.Items {
		if !mayPreview {
			m.Items[i] = parts.Item{Label: item.Label, Detail: item.Detail, Href: home + "?preset=" + item.Value}
		}
	}
	return m
}

func presetTitle(name string) string {
	if name == decision.ReviewFirstPreset {
		return "Review first"
	}
	return "TurnKey"
}
