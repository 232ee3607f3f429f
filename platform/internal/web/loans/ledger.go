package loans

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// ledgerView is a page of a loan's ledger.
type ledgerView struct {
	*folder
	at  *url.URL
	out *servicing.EntryListOut
}

func (r *Room) payments(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		out, err := visit.Look(ctx, v, p, r.desk.PaymentList)
		if to, stale := fresh(v.R.URL, err); stale {
			return visit.View{To: to}, nil
		}
		if err != nil {
			return f.kept(v, "Payments", err)
		}
		return view(f.page("Payments"), paymentsPage(&ledgerView{f, v.R.URL, out}))
	}
}

func (l *ledgerView) bar() parts.FilterBar {
	kinds := []parts.Option{{Value: "", Label: "any"}}
	for _, k := range []string{"payment", "fee", "adjustment", "write_off", "reversal"} {
		kinds = append(kinds, parts.Option{Value: k, Label: kind(k)})
	}
	return parts.FilterBar{Action: l.home + "/payments", Filters: []parts.Filter{{Name: "kind", Label: "Entry", Value: l.at.Query().Get("kind"), Options: kinds}}}
}

func (l *ledgerView) table() parts.Table {
	money := func(head string) parts.Column { return parts.Column{Head: head, Align: parts.Right} }
	t := parts.Table{ID: "ledger", Caption: "Ledger of loan " + l.Number, Columns: []parts.Column{
		{Head: "Effective", Narrow: true}, {Head: "Entry"}, {Head: "Amount", Unit: currency, Align: parts.Right},
		money("Fees"), money("Interest"), money("Principal"), money("Balance"), {Head: "Posted", Narrow: true},
	}}
	reverses := l.may["loan.entry.reverse"] && l.Status != "closed"
	if reverses {
		t.Columns = append(t.Columns, parts.Column{Head: "Act", Narrow: true})
	}
	for _, e := range l.out.Items {
		row := parts.Row{Quiet: e.ReversedBy != "", Cells: []templ.Component{
			parts.DateText(e.EffectiveDate.String()), entryWords(e), parts.Figures(e.Amount.Grouped()),
			part(e, e.ToFees.Grouped()), part(e, e.ToInterest.Grouped()), part(e, e.ToPrincipal.Grouped()), part(e, e.BalanceAfter.Grouped()),
			parts.TwoOf(parts.Time(moment(e.PostedAt, l.zone)), e.PostedByName),
		}}
		if reverses {
			row.Cells = append(row.Cells, l.reverse(e))
		}
		t.Rows = append(t.Rows, row)
	}
	t.Pager = pager(l.at, listed{len(l.out.Items), l.out.Total, true, l.out.Next})
	t.Empty = parts.Empty{Title: "No entries yet", Text: "Payments, fees, adjustments and write-offs appear here with where the money went."}
	if k := l.at.Query().Get("kind"); k != "" {
		t.Chips = parts.Chips{Lead: "Entries", List: []parts.Chip{{Text: "of the kind “" + kind(k) + "”", Remove: with(l.at, "kind", "")}}}
		t.Empty = parts.Empty{Title: "No such entry", Text: "This loan has no entry of this kind.", Step: &parts.Button{Label: "Show all", Href: with(l.at, "kind", "")}}
	} else if l.may["loan.payment.log"] && l.Status != "closed" {
		t.Empty.Step = &parts.Button{Label: "Log payment", Href: l.home + "/payments/new"}
	}
	return t
}

// part is where a part of an entry went; an entry that counts no more went nowhere.
func part(e servicing.EntryItem, amount string) templ.Component {
	if e.ReversedBy != "" || e.Kind == "reversal" {
		return parts.Dash()
	}
	return parts.Figures(amount)
}

func (l *ledgerView) reverse(e servicing.EntryItem) templ.Component {
	if e.Kind == "reversal" || e.ReversedBy != "" {
		return nil
	}
	return parts.Anchor(parts.Link{Text: "Reverse…", Href: l.home + "/entries/" + string(e.ID) + "/reverse"})
}

// historyView is what the audit trail says of a loan.
type historyView struct {
	*folder
	at     *url.URL
	out    *records.AuditListOut
	titles map[string]string
}

// history shows the audit trail of the loan to those who may look through it.
func (r *Room) history(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		out, err := visit.Look(ctx, v, p, r.trail.AuditList, func(in *records.AuditListIn) {
			*in = records.AuditListIn{Narrow: records.Narrow{Object: f.ref, Operation: in.Operation, Outcome: in.Outcome}, Cursor: in.Cursor, Limit: in.Limit}
		})
		if to, stale := fresh(v.R.URL, err); stale {
			return visit.View{To: to}, nil
		}
		if err != nil {
			return visit.View{}, err
		}
		return view(f.page("History"), historyPage(&historyView{f, v.R.URL, out, r.titles()}))
	}
}

// titles are the words for the desk's operations, as its buttons say them.
func (r *Room) titles() map[string]string {
	out := map[string]string{}
	for _, e := range r.desk.Operations() {
		if m := e.Meta(); m != nil {
			out[m.Name] = m.Title
		}
	}
	return out
}

func (h *historyView) bar() parts.FilterBar {
	q := h.at.Query()
	operations := []parts.Option{{Value: "", Label: "any"}}
	for name, title := range h.titles {
		if strings.HasPrefix(name, "loan.") && name != "loan.list" {
			operations = append(operations, parts.Option{Value: name, Label: title})
		}
	}
	slices.SortFunc(operations[1:], func(a, b parts.Option) int { return strings.Compare(a.Label, b.Label) })
	return parts.FilterBar{Action: h.home + "/history", Filters: []parts.Filter{
		{Name: "operation", Label: "Operation", Value: q.Get("operation"), Options: operations},
		{Name: "outcome", Label: "Outcome", Value: q.Get("outcome"), Options: []parts.Option{{Value: "", Label: "any"}, {Value: "allowed", Label: "Allowed"}, {Value: "denied", Label: "Denied"}, {Value: "failed", Label: "Failed"}}},
	}}
}

func (h *historyView) pager() parts.Pager {
	return pager(h.at, listed{len(h.out.Items), h.out.Total, h.out.TotalIs == "exact", h.out.Next})
}
