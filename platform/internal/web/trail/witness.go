package trail

import (
	"context"
	"strings"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const witnessPath = home + "/witnesses"

// evidence is what the page of proofs shows.
type evidence struct {
	v         *visit.Visit
	out       *records.CheckpointListOut
	witnesses []records.Witness
	told      bool // the person may see the witnesses
	add, end  bool

	interruptions []records.Entry
	opens         bool // the person may open an entry
}

func (p *evidence) active() (out []records.Witness) {
	for _, w := range p.witnesses {
		if w.Active {
			out = append(out, w)
		}
	}
	return out
}

// missing says plainly what it means that nobody outside keeps checkpoints; empty when
// somebody does.
func (p *evidence) missing() string {
	list := p.active()
	if len(list) == 0 {
		return "No witness is named. Nobody outside keeps checkpoints, so somebody who holds both the database and the signing key could rewrite the trail and sign it anew, and nothing would show it."
	}
	for _, w := range list {
		if w.Size > 0 && (w.Apart == nil || *w.Apart) {
			return ""
		}
	}
	return "No witness outside has taken a checkpoint yet. Until one has, somebody who holds both the database and the signing key could rewrite the trail, and nothing would show it."
}

// parted says that a witness contradicts the trail; empty when none does.
func (p *evidence) parted() string {
	for _, w := range p.witnesses {
		if w.Parted != "" {
			return "A witness (" + kind(w.Kind) + ") holds a checkpoint that is not the beginning of this trail. Either the trail was rewritten, or the database was restored from a backup. Treat it as a break-in until it is explained; the runbook of the audit trail says how."
		}
	}
	return ""
}

func kind(k string) string {
	switch k {
	case "file":
		return "Folder"
	case "https":
		return "Witness over https"
	}
	return "Mailbox"
}

func state(w *records.Witness) parts.Badge {
	switch {
	case w.Parted != "":
		return parts.Badge{Meaning: parts.Danger, Word: "Contradicts the trail"}
	case !w.Active:
		return parts.Badge{Meaning: parts.Neutral, Word: "Ended"}
	case w.Trouble != "":
		return parts.Badge{Meaning: parts.Warn, Word: "Not taken"}
	case w.Size == 0:
		return parts.Badge{Meaning: parts.Neutral, Word: "Waiting"}
	case w.Apart != nil && !*w.Apart:
		return parts.Badge{Meaning: parts.Warn, Word: "Same volume"}
	}
	return parts.Badge{Meaning: parts.OK, Word: "Keeps them"}
}

// about is the quiet second line of a witness's state.
func about(w *records.Witness) string {
	switch {
	case w.Trouble != "":
		return w.Trouble
	case w.Active && w.Apart != nil && !*w.Apart:
		return "It lies on the data’s own volume: whoever can change the one can change the other."
	}
	return ""
}

func (p *evidence) table() parts.Table {
	t := parts.Table{ID: "witnesses", Caption: "Witnesses", Columns: []parts.Column{{Head: "Kind", Narrow: true}, {Head: "Where"}, {Head: "State"}, {Head: "Entries", Align: parts.Right, Narrow: true}, {Head: "Taken", Narrow: true}, {Head: "Act", Narrow: true}},
		Empty: parts.Empty{Title: "No witness", Text: "A folder is named by the operator; a witness over https or a mailbox by you."}}
	for i := range p.witnesses {
		w := &p.witnesses[i]
		row := parts.Row{Label: w.Target, Quiet: !w.Active, Cells: []templ.Component{parts.Words(kind(w.Kind)), parts.Words(w.Target), parts.TwoOf(parts.Verdict(state(w)), about(w)),
			parts.Figures(parts.Count(int(w.Size))), parts.Time(moment(w.TakenAt, p.v.Zone())), parts.Dash()}}
		if p.ends(w) {
			row.Cells[5] = parts.Press(parts.Button{Label: "End…", Opens: endID(w)})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// ends: what the operator has set, the operator ends.
func (p *evidence) ends(w *records.Witness) bool { return p.end && w.Active && w.Kind != "file" }

func endID(w *records.Witness) string { return "end-" + string(w.ID) }

func moment(text string, zone *time.Location) parts.Moment {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return exact(at.UnixMicro(), zone)
}

// blank is the form that names a witness.
func (r *Room) blank(v *visit.Visit) visit.Screen {
	return func(_ context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.WitnessAdd, ""); lacks {
			return denied, nil
		}
		return visit.View{Page: parts.Page{Title: r.desk.WitnessAdd.Title, Crumbs: []parts.Link{{Text: "Audit", Href: home}, {Text: "Proof", Href: proofPage}}}, Body: witnessForm(v)}, nil
	}
}

func (r *Room) add(v *visit.Visit) {
	visit.Act(v, r.desk.WitnessAdd, func(*records.Witness) visit.Answer {
		return visit.Told(proofPage, parts.Toast{Meaning: parts.OK, Text: "Named. It is given the newest checkpoint within moments."})
	}, r.blank(v))
}

func (r *Room) finish(v *visit.Visit) {
	visit.Act(v, r.desk.WitnessEnd, func(w *records.Witness) visit.Answer {
		return visit.Told(proofPage, parts.Toast{Meaning: parts.OK, Text: strings.TrimSpace(kind(w.Kind)) + " ended. What it keeps stays where it is."})
	}, r.proof(v))
}
