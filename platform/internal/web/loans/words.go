package loans

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// currency stands beside every amount: a lender of this house lends in one
// currency, and so far in this one.
const currency = "USD"

// status gives a loan's status as a badge. The words are the trade's; whether a
// loan is behind stands in days, not here.
func status(s string) parts.Badge {
	switch s {
	case "active":
		return parts.Badge{Meaning: parts.OK, Word: "Active"}
	case "on_hold":
		return parts.Badge{Meaning: parts.Warn, Word: "On hold"}
	case "bankruptcy":
		return parts.Badge{Meaning: parts.Warn, Word: "Bankruptcy"}
	case "paid_off":
		return parts.Badge{Word: "Paid off"}
	case "charged_off":
		return parts.Badge{Meaning: parts.Danger, Word: "Charged off"}
	case "closed":
		return parts.Badge{Word: "Closed"}
	}
	return parts.Badge{Meaning: parts.Unknown, Word: sentence(s)}
}

func statusOptions(values ...string) []parts.Option {
	out := make([]parts.Option, len(values))
	for i, s := range values {
		out[i] = parts.Option{Value: s, Label: status(s).Word}
	}
	return out
}

// progress says where an instalment stands.
func progress(s string) parts.Badge {
	switch s {
	case "paid":
		return parts.Badge{Meaning: parts.OK, Word: "Paid"}
	case "late":
		return parts.Badge{Meaning: parts.Danger, Word: "Late"}
	case "due":
		return parts.Badge{Meaning: parts.Warn, Word: "Due"}
	}
	return parts.Badge{Word: sentence(s)}
}

// kind is the word for a ledger entry.
func kind(s string) string {
	if s == "write_off" {
		return "Write-off"
	}
	return sentence(s)
}

func methods() []parts.Option {
	return []parts.Option{{Value: "", Label: "Not given"}, {Value: "ach", Label: "ACH"}, {Value: "cash", Label: "Cash"}, {Value: "check", Label: "Check"},
		{Value: "money_order", Label: "Money order"}, {Value: "wire", Label: "Wire"}, {Value: "other", Label: "Other"}}
}

func method(s string) string {
	for _, o := range methods() {
		if o.Value == s && s != "" {
			return o.Label
		}
	}
	return ""
}

// sentence makes "collateral_type" into "Collateral type".
func sentence(name string) string {
	name = strings.ReplaceAll(name, "_", " ")
	first, n := utf8.DecodeRuneInString(name)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + name[n:]
}

// joined puts what is there between dots.
func joined(texts ...string) string {
	var kept []string
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return strings.Join(kept, " · ")
}

// moment shows an instant that an operation gave as text.
func moment(text string, zone *time.Location) parts.Moment {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return parts.Moment{Machine: text, Text: text, Full: text}
	}
	return parts.At(t.UnixMicro(), zone)
}

// days says how far behind a loan is.
func days(n int) string {
	if n == 1 {
		return "1 day"
	}
	return parts.Count(n) + " days"
}

func months(n int) string { return parts.Things(n, "month") }
