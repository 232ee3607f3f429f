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

func presets() parts.Menu {
	return parts.Menu{Label: "Presets", Items: []parts.Item{
		{Label: "TurnKey", Detail: "Reject on proxy, Tor, threat level medium or high", Name: "preset", Value: decision.TurnkeyPreset},
		{Label: "Review first", Detail: "The same facts, but a person decides", Name: "preset", Value: decision.ReviewFirstPreset},
	}}
}

func presetTitle(name string) string {
	if name == decision.ReviewFirstPreset {
		return "Review first"
	}
	return "TurnKey"
}
