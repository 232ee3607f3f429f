package trail

import (
	"context"
	"encoding/hex"
	"net/url"
	"strconv"
	"time"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/internal/proof/checkpoint"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

const (
	proofPage  = home + "/checkpoints"
	exportFile = home + "/export"
)

// shownCheckpoints is how many of the newest the page shows.
const shownCheckpoints = 10

// selection is what the list shows, as the file's own address asks for it.
func (l *look) selection() url.Values {
	q := url.Values{}
	for _, name := range filters() {
		if value := l.q.Get(name); value != "" {
			q.Set(name, value)
		}
	}
	if to := l.q.Get("to"); to != "" {
		q.Set("to", wholeDay(to))
	}
	return q
}

// exports are the buttons of the list: what it shows, as a signed file, and how the
// trail is proven.
func (r *Room) exports(p *gate.Page, l *look) (out []parts.Button) {
	if p.Can(r.desk.AuditExport.Name, "") && len(l.out.Items) > 0 {
		q := l.selection()
		b := parts.Button{Label: "Export signed", Href: exportFile + "?" + q.Encode()}
		if len(q) == 1 && q.Get("object") != "" {
			q.Set("extent", "object")
			b = parts.Button{Label: "Export all about it, signed", Href: exportFile + "?" + q.Encode()}
		}
		out = append(out, b)
	}
	if p.Can(r.desk.CheckpointList.Name, "") {
		out = append(out, parts.Button{Label: "Proof", Href: proofPage})
	}
	if p.Can(r.keeps.View.Name, "") {
		out = append(out, parts.Button{Label: "Retention", Href: retentionPage})
	}
	return out
}

// otherForms are the files that prove nothing and that other programs read.
func (r *Room) otherForms(p *gate.Page, l *look) templ.Component {
	if !p.Can(r.desk.AuditExport.Name, "") || len(l.out.Items) == 0 {
		return nil
	}
	as := func(format, label, detail string) parts.Item {
		q := l.selection()
		q.Set("format", format)
		return parts.Item{Label: label, Detail: detail, Href: exportFile + "?" + q.Encode()}
	}
	return parts.MenuButton(parts.Menu{Label: "Other files", Items: []parts.Item{
		as("csv", "Table (CSV)", "For a spreadsheet; proves nothing"), as("ocsf", "Events (OCSF 1.6, JSON lines)", "For a security monitor; proves nothing")}})
}

// proof shows what the trail is proven by.
func (r *Room) proof(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		var err error
		shows := &evidence{v: v, told: p.Can(r.desk.WitnessList.Name, ""), add: p.Can(r.desk.WitnessAdd.Name, ""), end: p.Can(r.desk.WitnessEnd.Name, "")}
		if shows.out, err = visit.Look(ctx, v, p, r.desk.CheckpointList, func(in *records.CheckpointListIn) { in.Limit = shownCheckpoints }); err != nil {
			return visit.View{}, err
		}
		if shows.told {
			list, err := gate.Look(ctx, p, r.desk.WitnessList, &records.Nothing{})
			if err != nil {
				return visit.View{}, err
			}
			shows.witnesses = list.Items
		}
		shows.opens = p.Can(r.desk.AuditView.Name, "")
		if shows.interruptions, err = r.interrupted(ctx, p); err != nil {
			return visit.View{}, err
		}
		page := parts.Page{Title: "Proof", Crumbs: []parts.Link{{Text: "Audit", Href: home}}}
		if p.Can(r.desk.AuditExport.Name, "") && p.Call().Scope.Everything() && len(shows.out.Items) > 0 {
			page.Actions = []parts.Button{{Label: "Export the whole trail", Href: exportFile + "?extent=whole"}}
		}
		return visit.View{Page: page, Body: proofBody(shows)}, nil
	}
}

// interrupted are the newest times in which no entry could be written, for whoever
// may look through the trail.
func (r *Room) interrupted(ctx context.Context, p *gate.Page) ([]records.Entry, error) {
	if !p.Can(r.desk.AuditList.Name, "") {
		return nil, nil
	}
	out, err := gate.Look(ctx, p, r.desk.AuditList, &records.AuditListIn{Narrow: records.Narrow{Operation: records.Interruption}, Limit: 5})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

func interruptionTable(list []records.Entry, zone *time.Location, opens bool) parts.Table {
	t := parts.Table{ID: "interruptions", Caption: "Interruptions", Columns: []parts.Column{{Head: "From", Narrow: true}, {Head: "Until", Narrow: true}, {Head: "Calls refused", Align: parts.Right}}}
	for _, e := range list {
		to := ""
		if opens {
			to = home + "/" + string(e.ID)
		}
		t.Rows = append(t.Rows, parts.Row{Href: to, Cells: []templ.Component{parts.Words(clock(e.Detail["since"], zone)), parts.Words(clock(e.Detail["until"], zone)), parts.Figures(e.Detail["calls"])}})
	}
	return t
}

// clock shows an instant of an entry's detail.
func clock(text string, zone *time.Location) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return parts.At(at.UnixMicro(), zone).Text
}

func checkpointTable(out *records.CheckpointListOut, zone *time.Location) parts.Table {
	t := parts.Table{ID: "checkpoints", Caption: "Newest checkpoints", Columns: []parts.Column{{Head: "Entries", Align: parts.Right, Narrow: true}, {Head: "Signed", Narrow: true}, {Head: "Root"}},
		Empty: parts.Empty{Title: "Nothing is signed yet", Text: "A checkpoint follows the first entry within a second."}}
	for _, s := range out.Items {
		c, err := checkpoint.Unchecked(s.Note)
		if err != nil {
			continue // verifying names it; a page of proofs need not fail over it
		}
		t.Rows = append(t.Rows, parts.Row{Label: strconv.FormatInt(s.Size, 10), Cells: []templ.Component{parts.Figures(parts.Count(int(s.Size))), parts.Time(exact(c.At, zone)), parts.Code(hex.EncodeToString(c.Root[:]))}})
	}
	return t
}
