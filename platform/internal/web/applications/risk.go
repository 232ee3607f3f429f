package applications

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
)

// riskTile is the Network security tile of an application; without the right to
// view decisions it shows the facts and nothing of the rules.
func (f *folder) riskTile() parts.RiskTile {
	app, check, dec := f.ApplicationOut, f.NetworkCheck, f.Decision
	t := parts.RiskTile{ID: "network", Checked: moment(check.CheckedAt, f.v.Zone()), Met: dec.Network.Met, Used: dec.Network.Used, Unknown: dec.Network.Unknown}
	if f.mayDecision {
		t.Rules, t.RulesHref, t.HistoryHref = "rules v"+strconv.FormatInt(dec.RulesVersion, 10), f.rules(), f.rulesHistory()
	}
	var names []string
	for _, s := range check.Sources {
		names = append(names, s.Name)
	}
	t.Source = strings.Join(names, ", ")
	t.State, t.Note = checkState(check)
	if t.Checked.Text == "" {
		t.Source = ""
	}
	rule := byName(dec.Rules)
	t.Rows = []parts.RiskRow{
		finding("Proxy", check.Facts.Proxy, check.Facts.ProxyType, rule["proxy"]),
		finding("Tor", check.Facts.Tor, "", rule["tor"]),
		finding("Crawler", check.Facts.Crawler, check.Facts.CrawlerName, rule["crawler"]),
		location(app, rule),
		threat(check.Facts.ThreatLevel, rule["threat_level"]),
	}
	if r, ok := rule["velocity"]; ok {
		t.Rows = append(t.Rows, counted("Same address", r))
	}
	if check.State == "pending" {
		for i := range t.Rows {
			t.Rows[i].Verdict, t.Rows[i].Detail, t.Rows[i].Levels = parts.Unknown, "waiting for the answer", nil
		}
	}
	if check.State == "not_applicable" {
		for i := range t.Rows {
			t.Rows[i] = parts.RiskRow{Label: t.Rows[i].Label, Verdict: parts.Unknown, Detail: "not checked", Used: true}
		}
	}
	for i := range t.Rows {
		t.Rows[i].Used = t.Rows[i].Used || !f.mayDecision // which rules are used is the decision's
	}
	return t
}

// checkState says in words why there are no facts, if there are none.
func checkState(c *origination.NetworkCheckOut) (*parts.Badge, string) {
	switch c.State {
	case "pending":
		return &parts.Badge{Meaning: parts.Unknown, Word: "pending"}, "The answer is not here yet. Until it is, nothing below is known, and the application stays in manual review. Reload the page to look again."
	case "unavailable":
		words := "The check could not be completed."
		if c.Failure != nil {
			words = c.Failure.Words
		}
		return &parts.Badge{Meaning: parts.Unknown, Word: "unavailable"}, words + " What is not known neither passes nor rejects anybody."
	case "not_applicable":
		return &parts.Badge{Meaning: parts.Unknown, Word: "not applicable"}, "Entered by an officer: their connection says nothing about the applicant, so the network rules are left out."
	}
	if c.Failure != nil {
		return &parts.Badge{Meaning: parts.Unknown, Word: "incomplete"}, c.Failure.Words
	}
	return nil, ""
}

func byName(list []origination.RuleOut) map[string]origination.RuleOut {
	out := map[string]origination.RuleOut{}
	for _, r := range list {
		out[r.Rule] = r
	}
	return out
}

// finding is a line for what is there or not.
func finding(label, found, kind string, r origination.RuleOut) parts.RiskRow {
	row := parts.RiskRow{Label: label, Used: r.Enabled, Verdict: parts.Unknown, Detail: "unknown"}
	switch found {
	case "detected":
		row.Verdict, row.Detail = parts.Danger, "detected"
		if kind != "" {
			row.Detail += " (" + kind + ")"
		}
		row.Detail += uncleared(r)
	case "not_detected":
		row.Verdict, row.Detail = parts.OK, "not detected"
	}
	return row
}

// uncleared says that what was found may not reject, if that is so.
func uncleared(r origination.RuleOut) string {
	if strings.Contains(r.Inputs, "may not decide") {
		return ", from a source that may not decide"
	}
	return ""
}

func threat(level string, r origination.RuleOut) parts.RiskRow {
	row := parts.RiskRow{Label: "Threat level", Used: r.Enabled, Verdict: parts.Unknown, Detail: "unknown"}
	switch level {
	case "low":
		row.Verdict, row.Detail = parts.OK, "low"
	case "medium":
		row.Verdict, row.Detail = parts.Warn, "medium"+uncleared(r)
	case "high":
		row.Verdict, row.Detail = parts.Danger, "high"+uncleared(r)
	}
	if r.Result == "hit" && row.Verdict == parts.Warn {
		row.Verdict = parts.Danger
	}
	return row
}

// counted is a line for a rule that counts.
func counted(label string, r origination.RuleOut) parts.RiskRow {
	row := parts.RiskRow{Label: label, Used: r.Enabled, Detail: r.Inputs, Verdict: parts.Unknown}
	switch r.Result {
	case "hit":
		row.Verdict = parts.Warn
	case "no_hit":
		row.Verdict = parts.OK
	}
	if row.Detail == "" {
		row.Detail = "unknown"
	}
	if r.Rule == "velocity" && r.Result != "unknown" {
		row.Detail += " within 24 hours"
	}
	return row
}

// location is the line of the place, with every level behind it.
func location(app *origination.ApplicationOut, rule map[string]origination.RuleOut) parts.RiskRow {
	check := app.NetworkCheck
	row := parts.RiskRow{Label: "Location", Verdict: parts.Unknown}
	for _, name := range []string{"country", "region", "city", "postal_code", "distance"} {
		row.Used = row.Used || rule[name].Enabled
	}
	place := check.Facts.Location
	found, declared := join(place.City, place.Country), join(app.Applicant.Address.City, app.Applicant.Address.Country)
	same, blurred := false, ""
	for _, l := range check.Comparison {
		same = same || l.Verdict == "match" && l.Level != "country"
		if l.Verdict == "not_assessed" {
			blurred = l.How
		}
	}
	switch {
	case found == "":
		row.Detail = "unknown"
	case check.Warning:
		row.Verdict, row.Detail = parts.Warn, found+" ≠ declared "+declared
	case check.LocationMatch.Country == "match" && same && blurred == "":
		row.Verdict, row.Detail = parts.OK, found+", as declared"
	case check.LocationMatch.Country == "match" && blurred != "":
		row.Detail = place.Country + " as declared; nothing finer: " + blurred
	case check.LocationMatch.Country == "match":
		row.Detail = place.Country + " as declared; nothing finer could be compared"
	default:
		row.Detail = found + "; could not be compared with " + declared
	}
	if found != "" {
		row.Levels = levels(check)
	}
	return row
}

func levels(check *origination.NetworkCheckOut) []parts.Level {
	names := map[string]string{"country": "Country", "region": "Region", "city": "City", "postal_code": "Postal code"}
	var out []parts.Level
	for _, l := range check.Comparison {
		out = append(out, parts.Level{Name: names[l.Level], Declared: l.Declared, Found: l.Found, Verdict: verdict(l.Verdict), Word: strings.ReplaceAll(l.Verdict, "_", " ")})
	}
	distance := parts.Level{Name: "Distance", Verdict: parts.Unknown, Word: "unknown"}
	if km := check.Facts.Location.DistanceKM; km != nil {
		distance.Verdict, distance.Word, distance.Distance = parts.Neutral, "measured", fmt.Sprintf("%.0f", *km)
		if strings.Contains(check.DistanceHow, "not assessed") {
			distance.Verdict, distance.Word = parts.Unknown, "not assessed"
		}
	}
	return append(out, distance)
}

func verdict(word string) parts.Meaning {
	switch word {
	case "match":
		return parts.OK
	case "mismatch":
		return parts.Warn
	}
	return parts.Unknown
}

func join(list ...string) string {
	var out []string
	for _, s := range list {
		if s != "" {
			out = append(out, s)
		}
	}
	return strings.Join(out, ", ")
}

// applicantTile is the same for what the applicant told.
func applicantTile(app *origination.ApplicationOut, rules string) parts.RiskTile {
	dec := app.Decision
	t := parts.RiskTile{ID: "applicant", Title: "Applicant", Met: dec.Applicant.Met, Used: dec.Applicant.Used, Unknown: dec.Applicant.Unknown,
		Rules: "rules v" + strconv.FormatInt(dec.RulesVersion, 10), RulesHref: rules}
	for _, r := range dec.Rules {
		if r.Section != "applicant" {
			continue
		}
		row := counted(r.Title, r)
		if r.Result == "hit" {
			row.Verdict = parts.Danger
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// sources are the facts about where the facts come from.
func sources(app *origination.ApplicationOut) []parts.Fact {
	check := app.NetworkCheck
	var out []parts.Fact
	if check.ClientAddress != "" {
		out = append(out, parts.Fact{Term: "Applicant’s address", Value: parts.Code(check.ClientAddress), Note: chosen(check.ChosenBy)})
	}
	if check.Peer != "" && check.Peer != check.ClientAddress {
		out = append(out, parts.Fact{Term: "Received from", Value: parts.Code(check.Peer)})
	}
	for _, s := range check.Sources {
		name := s.Name
		if s.Version != "" {
			name += " " + s.Version
		}
		out = append(out, parts.Fact{Term: "Source", Value: parts.Words(name + ", " + age(s.AgeSeconds)), Note: useWord(s.DecisionUse)})
	}
	for _, f := range []struct{ term, text string }{{"Connection", check.Facts.ConnectionType}, {"Provider", check.Facts.ISP}, {"Distance", check.DistanceHow}} {
		if f.text != "" {
			out = append(out, parts.Fact{Term: f.term, Value: parts.Words(f.text)})
		}
	}
	if check.RawHash != "" {
		out = append(out, parts.Fact{Term: "Raw answer", Value: parts.Code("SHA-256 " + check.RawHash)})
	}
	return out
}

// chosen says why an address was taken for the applicant's.
func chosen(why string) string {
	switch why {
	case "no_header", "peer_not_trusted":
		return "the other end of the connection"
	case "first_untrusted":
		return "as seen by the last trusted proxy"
	case "all_trusted":
		return "every hop is a trusted proxy: the first of them"
	case "unreadable_hop", "too_many_hops":
		return "the last hop that could be read"
	case "given_by_server":
		return "as the lender’s server gave it"
	case "chosen_in_demo":
		return "chosen in the demo’s form"
	}
	return why
}
