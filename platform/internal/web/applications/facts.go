package applications

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/sealed"
)

func intText(n int) string { return strconv.Itoa(n) }

// decisionFacts say what was decided, by whom, and by when notice is due.
func (f *folder) decisionFacts() []parts.Fact {
	d := f.Decision
	by := d.By
	if d.Automatic {
		by = "automatically, by rules v" + strconv.FormatInt(d.RulesVersion, 10)
	}
	out := []parts.Fact{{Term: "Status", Value: parts.Status(statusBadge(f.Status))}}
	if f.mayDecision {
		out = append(out, parts.Fact{Term: "Outcome", Value: parts.Verdict(outcomeBadge(d.Outcome)), Note: by},
			parts.Fact{Term: "Decided", Value: parts.Time(moment(d.At, f.v.Zone()))},
			parts.Fact{Term: "Rules", Value: parts.Words(met(d)), Note: "network " + counts(d.Network) + ", applicant " + counts(d.Applicant)})
	}
	if len(d.Reasons) > 0 {
		term := "Why review"
		if d.Outcome == "reject" {
			term = "Reasons for the notice"
		}
		out = append(out, parts.Fact{Term: term, Value: reasonLines(d.Reasons)})
	}
	if d.Note != "" {
		out = append(out, parts.Fact{Term: "Reason given", Value: parts.Words(d.Note)})
	}
	if f.daysLeft != nil {
		due := parts.Fact{Term: "Notice due", Value: parts.DateText(f.NoticeDue.String()), Note: strings.TrimPrefix(dueWord(f.daysLeft), "notice ")}
		if m := dueMeaning(f.daysLeft); m != parts.Neutral {
			due.Value = parts.Verdict(parts.Badge{Meaning: m, Word: f.NoticeDue.String()})
		}
		out = append(out, due)
	}
	if f.Loan != "" && f.mayOpenUp {
		out = append(out, parts.Fact{Term: "Loan", Value: parts.Anchor(parts.Link{Text: "Open the loan", Href: "/loans/" + string(f.Loan)})})
	}
	return out
}

func met(d *origination.DecisionOut) string {
	text := strconv.Itoa(d.RulesMet) + " of " + strconv.Itoa(d.RulesUsed) + " met"
	if d.RulesUnknown > 0 {
		text += " · " + strconv.Itoa(d.RulesUnknown) + " unknown"
	}
	return text
}

func counts(n origination.CountsOut) string { return strconv.Itoa(n.Met) + "/" + strconv.Itoa(n.Used) }

// foundReasons are those for a notice that the rules have drafted.
func (f *folder) foundReasons() []string {
	if f.Decision.Outcome != "reject" {
		return nil
	}
	return f.Decision.Reasons
}

func (f *folder) requestFacts() []parts.Fact {
	out := []parts.Fact{
		{Term: "Asked for", Value: parts.MoneyText(f.Requested.Amount.Grouped(), currency), Note: "over " + months(f.Requested.TermMonths)},
		{Term: "Received", Value: parts.Time(moment(f.CreatedAt, f.v.Zone())), Note: channelWord(f.Channel)},
	}
	if f.Requested.Purpose != "" {
		out = slices.Insert(out, 1, parts.Fact{Term: "Purpose", Value: parts.Words(f.Requested.Purpose)})
	}
	if f.SourceCompany != "" {
		out = append(out, parts.Fact{Term: "Source company", Value: parts.Words(f.SourceCompany)})
	}
	return out
}

func (f *folder) customerFacts() []parts.Fact {
	a := &f.Applicant.Address
	return append(append([]parts.Fact{{Term: "Name", Value: parts.Words(f.name())}}, f.fields.Facts()...),
		parts.Fact{Term: "City", Value: parts.Words(join(a.City, strings.TrimSpace(a.Region+" "+a.PostalCode)))}, parts.Fact{Term: "Country", Value: parts.Words(a.Country)})
}

// sealedFields are the applicant's personal fields, one of them shown in full if it
// was just asked for.
func (f *folder) sealedFields(p *gate.Page, shown *origination.RevealOut) sealed.Person {
	a := &f.Applicant
	out := sealed.Person{Name: f.name(), Action: address(home+"/"+string(f.ID)+"/reveal", url.Values{"tab": {tabCustomer}}), Lines: []sealed.Line{
		{Field: "email", Label: "E-mail", Masked: a.Email.String()}, {Field: "phone", Label: "Phone", Masked: a.Phone.String()}, {Field: "date_of_birth", Label: "Date of birth", Masked: a.DateOfBirth.String()},
		{Field: "ssn", Label: "Social Security number", Masked: a.SSN.String()}, {Field: "address.line1", Label: "Street", Masked: a.Address.Line1.String()},
	}}
	if shown != nil {
		out.Shown = sealed.Shown(*shown)
	}
	out.May(p, "application.reveal", f.object())
	return out
}

func (f *folder) approveEffect() string {
	text := "Makes a loan of " + f.name() + " on these terms."
	switch f.Decision.Outcome {
	case "reject":
		text += " The rules rejected this application: " + strings.Join(f.Decision.Reasons, " ")
	case "manual_review":
		if len(f.Decision.Reasons) > 0 {
			text += " It is in review: " + strings.Join(f.Decision.Reasons, " ")
		}
	}
	return text
}

func (f *folder) rejectEffect() string {
	if f.NoticeDue.IsZero() {
		return f.name() + " does not get this loan."
	}
	return f.name() + " must be told by " + f.NoticeDue.String() + "."
}

// relatedTable lists applications that share something with this one.
func (f *folder) relatedTable() parts.Table {
	t := parts.Table{ID: "related", Caption: "Related applications", Columns: []parts.Column{{Head: "Application"}, {Head: "Same"}, {Head: "Asked", Unit: currency, Align: parts.Right, Narrow: true}, {Head: "Status"}, {Head: "Age", Align: parts.Right, Narrow: true}}}
	for _, i := range f.related.Items {
		age := parts.Moment{}
		if at, ok := micros(i.CreatedAt); ok {
			age = parts.Ago(at, f.queue.now, f.v.Zone())
		}
		t.Rows = append(t.Rows, parts.Row{Href: home + "/" + string(i.ID), Cells: []templ.Component{parts.Words(i.Number + "  " + i.Name), parts.Words(sameWords(i.Same)),
			parts.Figures(i.Amount.Grouped()), parts.Status(statusBadge(i.Status)), parts.Time(age)}})
	}
	if n := len(f.related.Items); int(f.related.Total) > n {
		t.Pager = parts.Pager{From: 1, To: n, Total: int(f.related.Total)}
	}
	return t
}

func sameWords(same []string) string {
	names := map[string]string{"address": "network address", "email": "e-mail", "phone": "phone"}
	var out []string
	for _, s := range same {
		out = append(out, names[s])
	}
	return join(out...)
}

// ruleCells are what a rule looked at, found and did.
func ruleCells(r origination.RuleOut) []templ.Component {
	result := parts.Badge{Meaning: parts.Unknown, Word: "unknown"}
	switch {
	case r.Skipped:
		result.Word = "left out"
	case r.Result == "hit":
		result = parts.Badge{Meaning: parts.Danger, Word: "met"}
	case r.Result == "no_hit":
		result = parts.Badge{Meaning: parts.OK, Word: "not met"}
	}
	effect := "not used"
	if r.Enabled {
		effect = map[string]string{"automatic_rejection": "rejects", "manual_review": "asks for review", "information_only": "none"}[r.Taken]
	}
	return []templ.Component{parts.Words(r.Title), parts.Words(r.Inputs), parts.Verdict(result), parts.Words(effect), parts.Code(r.ReasonCode)}
}

// moves are what happened, newest first.
func (f *folder) moves() []parts.Event {
	var out []parts.Event
	for _, m := range slices.Backward(f.history.Transitions) {
		e := parts.Event{At: moment(m.At, f.v.Zone()), Who: m.By, Detail: m.Reason, Meaning: statusBadge(m.To).Meaning, What: "From " + statusWord(m.From) + " to " + statusWord(m.To)}
		if m.From == m.To {
			e.What = "Stays at " + statusWord(m.To)
		}
		out = append(out, e)
	}
	return out
}

// decisionTable lists every decision, newest first.
func (f *folder) decisionTable() parts.Table {
	t := parts.Table{ID: "decisions", Caption: "Decisions", Columns: []parts.Column{{Head: "Time", Narrow: true}, {Head: "Outcome", Narrow: true}, {Head: "By"}, {Head: "Rules"}, {Head: "Reasons"}}}
	for i, d := range slices.Backward(f.history.Decisions) {
		text := strings.Join(d.Reasons, " ")
		if d.Note != "" {
			text = d.Note
		}
		t.Rows = append(t.Rows, parts.Row{Current: i == len(f.history.Decisions)-1, Cells: []templ.Component{parts.Time(moment(d.At, f.v.Zone())), parts.Verdict(outcomeBadge(d.Outcome)),
			parts.Words(d.By), parts.Two("v"+strconv.FormatInt(d.RulesVersion, 10), met(&d)), parts.Words(text)}})
	}
	return t
}
