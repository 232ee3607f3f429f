package approvals

import (
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// currency is that of all amounts.
const currency = "USD"

// plain writes a name of the desks as words: "first_due" is "first due".
func plain(name string) string {
	switch name {
	case "ssn":
		return "social security number"
	case "ip_rules":
		return "address rules"
	case "api_key":
		return "API key"
	}
	return strings.ReplaceAll(name, "_", " ")
}

// field writes the name of a changed field for people: "api role.update" is "API:
// Change role" where that is what the operation is called.
func field(titles map[string]string, name string) string {
	for _, group := range []struct{ prefix, words string }{
		{"ui ", "Screens: "}, {"api ", "API: "}, {"visibility.", "Visibility of the "}, {"may_give_away.", "May give away: "}, {"custom.", "Custom field: "}, {"address.", "Address, "},
	} {
		rest, ok := strings.CutPrefix(name, group.prefix)
		switch {
		case ok && titles[rest] != "":
			return group.words + titles[rest]
		case ok:
			return group.words + plain(rest)
		}
	}
	words := plain(name)
	if first, n := utf8.DecodeRuneInString(words); n > 0 {
		words = strings.ToUpper(string(first)) + words[n:]
	}
	return words
}

// value writes what stands, or will stand, in a field.
func value(name, text string) string {
	switch name {
	case "payment", "fee", "adjustment", "write_off", "reversal", "principal", "principal_balance", "fees_due":
		if a, err := money.Parse(text); err == nil {
			return a.Grouped() + " " + currency
		}
	case "status", "state", "outcome":
		return plain(text)
	}
	return text
}

func changes(titles map[string]string, list []approval.Change) []parts.DiffRow {
	out := make([]parts.DiffRow, len(list))
	for i, c := range list {
		out[i] = parts.DiffRow{Field: field(titles, c.Field), Before: value(c.Field, c.Before), After: value(c.Field, c.After)}
	}
	return out
}
