package privacy

import (
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/privacy"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

func pagerOf(n int) parts.Pager {
	if n == 0 {
		return parts.Pager{}
	}
	return parts.Pager{From: 1, To: n, Total: n}
}

// holdTable lists holds as they are; the page of the settings adds what ends them.
func holdTable(v *visit.Visit, list []privacy.Hold) parts.Table {
	return (&everything{v: v, holds: &privacy.HoldListOut{Items: list}}).holdTable()
}

func (e *everything) holdTable() parts.Table {
	t := parts.Table{ID: "holds", Caption: "Legal holds", Columns: []parts.Column{{Head: "On"}, {Head: "Reason"}, {Head: "Placed", Narrow: true}, {Head: "Released"}}, Pager: pagerOf(len(e.holds.Items)),
		Empty: parts.Empty{Title: "No holds", Text: "A hold keeps everything about a person, a loan or the audit trail while a lawsuit or an inquiry needs it."}}
	for _, h := range e.holds.Items {
		t.Rows = append(t.Rows, parts.Row{Quiet: !h.InForce, Label: about(h.Subject), Cells: []templ.Component{subject(h.Subject), parts.TwoOf(parts.Words(h.Reason), h.Matter),
			parts.TwoOf(parts.Time(moment(e.v, h.PlacedAt)), h.PlacedBy), e.ended(h)}})
	}
	return t
}

func erasureTable(v *visit.Visit, list []privacy.Erasure) parts.Table {
	t := parts.Table{ID: "erasures", Caption: "Erasures", Columns: []parts.Column{{Head: "Of"}, {Head: "State"}, {Head: "Reason"}, {Head: "Approved", Narrow: true}, {Head: "Ended", Narrow: true}}, Pager: pagerOf(len(list)),
		Empty: parts.Empty{Title: "No erasures", Text: "An erasure is proposed on the page of its borrower or applicant, and stands here once a second person has approved it."}}
	for _, e := range list {
		t.Rows = append(t.Rows, parts.Row{Label: about(e.Object), Cells: []templ.Component{subject(e.Object), parts.TwoOf(parts.Status(stateOf(e)), e.Trouble), parts.Words(e.Reason),
			parts.TwoOf(parts.Time(moment(v, e.AskedAt)), e.ApprovedBy), parts.Time(moment(v, e.EndedAt))}})
	}
	return t
}

// stateOf words how far an erasure has come.
func stateOf(e privacy.Erasure) parts.Badge {
	switch e.State {
	case "done":
		return parts.Badge{Meaning: parts.OK, Word: "Done"}
	case "stopped":
		return parts.Badge{Meaning: parts.Danger, Word: "Stopped"}
	case "destroyed":
		return parts.Badge{Word: "Keys destroyed"}
	}
	return parts.Badge{Word: "Under way"}
}

func exportTable(v *visit.Visit, list []privacy.Export) parts.Table {
	t := parts.Table{ID: "exports", Caption: "Exports of personal data", Columns: []parts.Column{{Head: "Of"}, {Head: "As", Narrow: true}, {Head: "Reason"}, {Head: "Made", Narrow: true}}, Pager: pagerOf(len(list)),
		Empty: parts.Empty{Title: "No exports", Text: "Whoever is given everything that is held about a person stands here, with the reason."}}
	for _, e := range list {
		t.Rows = append(t.Rows, parts.Row{Label: about(e.Object), Cells: []templ.Component{subject(e.Object), parts.Words(strings.ToUpper(e.Format)), parts.Words(e.Reason), parts.TwoOf(parts.Time(moment(v, e.MadeAt)), e.MadeBy)}})
	}
	return t
}

// about names a subject in words: "borrower bo_…", "the audit trail".
func about(object string) string {
	noun, ref, found := strings.Cut(object, "/")
	switch {
	case noun != "audit":
		return noun + " " + ref
	case found:
		return "entries of the audit trail: " + ref
	}
	return "the whole audit trail"
}

// subject leads to what a hold, an erasure or an export is about.
func subject(object string) templ.Component {
	noun, ref, _ := strings.Cut(object, "/")
	switch noun {
	case "borrower", "loan", "application":
		return parts.Anchor(parts.Link{Text: about(object), Href: "/" + noun + "s/" + ref})
	}
	return parts.Words(about(object))
}

// toSettings leads to all holds, erasures and exports, for whoever may open them.
func (w *whole) toSettings() templ.Component {
	if !w.settings {
		return nil
	}
	return parts.Anchor(parts.Link{Text: "All holds, erasures and exports", Href: home})
}
