package applications

import (
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// statusBadge says how an application stands.
func statusBadge(status string) parts.Badge {
	switch status {
	case "waiting_for_approval":
		return parts.Badge{Meaning: parts.Neutral, Word: "waiting for approval"}
	case "manual_review":
		return parts.Badge{Meaning: parts.Unknown, Word: "manual review"}
	case "approved":
		return parts.Badge{Meaning: parts.OK, Word: "approved"}
	case "rejected":
		return parts.Badge{Meaning: parts.Danger, Word: "rejected"}
	}
	return parts.Badge{Meaning: parts.Neutral, Word: status}
}

// shortBadge is statusBadge where there is little room.
func shortBadge(status string) parts.Badge {
	b := statusBadge(status)
	b.Title = b.Word
	switch status {
	case "waiting_for_approval":
		b.Word = "waiting"
	case "manual_review":
		b.Word = "review"
	}
	return b
}

// outcomeBadge says what was decided.
func outcomeBadge(outcome string) parts.Badge {
	switch outcome {
	case "proceed":
		return parts.Badge{Meaning: parts.OK, Word: "proceed"}
	case "manual_review":
		return parts.Badge{Meaning: parts.Unknown, Word: "review"}
	case "reject":
		return parts.Badge{Meaning: parts.Danger, Word: "reject"}
	}
	return parts.Badge{Meaning: parts.Unknown, Word: outcome}
}

func statusWord(status string) string {
	if status == "received" {
		return "received"
	}
	return statusBadge(status).Word
}

// channelWord says how an application came in.
func channelWord(channel string) string {
	switch channel {
	case "site":
		return "web form"
	case "server":
		return "lender’s server"
	case "officer":
		return "entered by hand"
	}
	return channel
}

// checkWord says how the network check stands, for a list.
func checkWord(state string) string {
	switch state {
	case "pending":
		return "check pending"
	case "unavailable":
		return "check unavailable"
	case "not_applicable":
		return "by hand, no check"
	}
	return ""
}

// dueWord says how long there is until notice is due.
func dueWord(left *int) string {
	if left == nil {
		return ""
	}
	switch n := *left; {
	case n < -1:
		return "notice " + strconv.Itoa(-n) + " days late"
	case n == -1:
		return "notice 1 day late"
	case n == 0:
		return "notice due today"
	case n == 1:
		return "notice due in 1 day"
	default:
		return "notice due in " + strconv.Itoa(n) + " days"
	}
}

// dueMeaning warns when the days run out.
func dueMeaning(left *int) parts.Meaning {
	switch {
	case left == nil:
		return parts.Neutral
	case *left < 0:
		return parts.Danger
	case *left <= 7:
		return parts.Warn
	}
	return parts.Neutral
}

// micros reads an instant as the desk writes it; false for none.
func micros(at string) (int64, bool) {
	t, err := time.Parse(time.RFC3339, at)
	return t.UnixMicro(), err == nil
}

// moment prints an instant; an empty one prints nothing.
func moment(at string, zone *time.Location) parts.Moment {
	if n, ok := micros(at); ok {
		return parts.At(n, zone)
	}
	return parts.Moment{}
}

// age says how old an answer is.
func age(seconds int64) string {
	switch {
	case seconds < 60:
		return "just now"
	case seconds < 3600:
		return strconv.FormatInt(seconds/60, 10) + " min old"
	case seconds < 48*3600:
		return strconv.FormatInt(seconds/3600, 10) + " h old"
	}
	return strconv.FormatInt(seconds/86400, 10) + " d old"
}

// useWord says whether a source may reject.
func useWord(use string) string {
	switch use {
	case "allowed":
		return "may be used in decisions"
	case "display_only":
		return "shown only, may not reject"
	}
	return "use in decisions not confirmed: may not reject"
}

func months(n int) string { return parts.Things(n, "month") }
