package loans

import (
	"context"
	"net/url"
	"slices"
	"strings"

	"github.com/a-h/templ"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// act is something that is done to one loan, on a page of its own.
type act struct {
	path string // behind "/loans/{id}"
	by   string // the operation's name
	// title names the act; effect says what it will do to this loan.
	title  string
	effect func(*actView) string
	verb   string
	kind   parts.ButtonKind
	fields func(*visit.Sheet, *actView) templ.Component
	// read reads what the fields need beside the loan; nil: nothing.
	read func(context.Context, *gate.Page, *visit.Visit, *actView) error
	post func(*visit.Visit)
	need func(*visit.Visit, *gate.Page) (denied visit.View, lacks bool)

	room *Room
}

// needs has an act ask for its operation on the loan before it shows its form.
func needs[In, Out any](o *gate.Op[In, Out]) func(*visit.Visit, *gate.Page) (visit.View, bool) {
	return func(v *visit.Visit, p *gate.Page) (visit.View, bool) {
		return visit.Need(v, p, o, "loan/"+v.R.PathValue("id"))
	}
}

// actView is an act's page: the loan, and what its fields are made from.
type actView struct {
	*folder
	act    *act
	action string
	payoff *servicing.PayoffOut
	plan   *servicing.ScheduleOut
	entry  *servicing.EntryItem
	places []servicing.NamedOut
}

func (a *act) route() string { return "/loans/{id}" + a.path }

// screen is the page of the act: opened, or come back with what is wrong.
func (a *act) screen(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := a.room.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		if denied, lacks := a.need(v, p); lacks {
			return denied, nil
		}
		w := &actView{folder: f, act: a, action: v.R.URL.Path}
		if f.may["loan.payoff.view"] {
			if w.payoff, err = gate.Look(ctx, p, a.room.desk.PayoffView, &servicing.PayoffIn{ID: string(f.ID)}); err != nil {
				return visit.View{}, err
			}
		}
		if a.read != nil {
			if err := a.read(ctx, p, v, w); err != nil {
				return visit.View{}, err
			}
		}
		page := f.page("")
		page.Crumbs = append(page.Crumbs, parts.Link{Text: "Loan " + f.Number, Href: f.home})
		page.Title, page.Actions, page.More, page.Tabs = a.title, nil, nil, nil
		page.Subtitle, page.State = strings.TrimSuffix("loan "+f.Number+", "+f.Borrower.Name, ", "), nil
		return view(page, actPage(v.Sheet("act"), w))
	}
}

// acts are all that can be done to a loan on a page of its own.
func (r *Room) acts() []*act {
	list := append(r.postings(), r.settings()...)
	for _, a := range list {
		a.room = r
	}
	return list
}

// done sends the person back to a page of the loan.
func done[Out any](v *visit.Visit, tab, said string) func(*Out) visit.Answer {
	return func(*Out) visit.Answer { return visit.Go("/loans/"+v.R.PathValue("id")+tab, said) }
}

// postings are the acts that move money.
func (r *Room) postings() []*act {
	pay := &act{path: "/payments/new", by: "loan.payment.log", need: needs(r.desk.PaymentLog), title: "Log payment", verb: "Log payment", kind: parts.Primary, fields: paymentFields, read: r.readPlan,
		effect: func(w *actView) string {
			return "The payment goes to fees first, then to interest, then to principal."
		}}
	pay.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.PaymentLog, done[servicing.PostedOut](v, "/payments", "Payment logged."), pay.screen(v))
	}
	fee := &act{path: "/fees/new", by: "loan.fee.charge", need: needs(r.desk.FeeCharge), title: "Charge fee", verb: "Charge fee", kind: parts.Primary, fields: feeFields,
		effect: func(w *actView) string {
			return "The fee is due on its date and is paid before interest and principal."
		}}
	fee.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.FeeCharge, done[servicing.PostedOut](v, "/payments", "Fee charged."), fee.screen(v))
	}
	adjust := &act{path: "/adjustments/new", by: "loan.adjustment.post", need: needs(r.desk.AdjustmentPost), title: "Adjust principal", verb: "Adjust principal", kind: parts.Primary, fields: adjustFields,
		effect: func(w *actView) string {
			return "The principal balance is " + w.PrincipalBalance.Grouped() + " " + currency + ". An amount above zero raises it, one below zero lowers it."
		}}
	adjust.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.AdjustmentPost, done[servicing.PostedOut](v, "/payments", "Principal adjusted."), adjust.screen(v))
	}
	off := &act{path: "/write-off", by: "loan.write_off", need: needs(r.desk.WriteOff), title: "Write off", verb: "Write off", kind: parts.Destructive, fields: writeOffFields, effect: writeOffEffect}
	off.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.WriteOff, done[servicing.PostedOut](v, "/payments", "Written off."), off.screen(v), allUnlessTold)
	}
	back := &act{path: "/entries/{entry}/reverse", by: "loan.entry.reverse", need: needs(r.desk.EntryReverse), title: "Reverse entry", verb: "Reverse entry", kind: parts.Destructive,
		fields: reverseFields, effect: reverseEffect, read: r.readEntry}
	back.post = func(v *visit.Visit) {
		visit.Act(v, r.desk.EntryReverse, done[servicing.PostedOut](v, "/payments", "Entry reversed."), back.screen(v))
	}
	return []*act{pay, fee, adjust, off, back}
}

func writeOffEffect(w *actView) string {
	owed := "What is owed on loan " + w.Number
	if w.payoff != nil {
		owed = "Loan " + w.Number + " owes " + w.payoff.Payoff.Grouped() + " " + currency + " today: " + w.payoff.Principal.Grouped() + " principal, " +
			w.payoff.Interest.Grouped() + " interest, " + w.payoff.Fees.Grouped() + " fees. What you write off"
	}
	return owed + " will no longer be asked of " + owing(w) + "; written off whole, the loan is charged off. Reversing the entry takes it back."
}

// owing names who owes the loan, unless a limit withholds it.
func owing(w *actView) string {
	if w.Borrower.Name == "" {
		return "the borrower"
	}
	return w.Borrower.Name
}

// allUnlessTold leaves an empty amount out: everything that is owed.
func allUnlessTold(form url.Values, in *servicing.WriteOffIn) error {
	if strings.TrimSpace(form.Get("amount")) == "" {
		form = set(form)
		form.Del("amount")
	}
	return visit.Decode(form, in)
}

func reverseEffect(w *actView) string {
	return "The " + strings.ToLower(kind(w.entry.Kind)) + " of " + w.entry.Amount.Grouped() + " " + currency + ", effective " + w.entry.EffectiveDate.String() +
		", is undone as if it had never been; balances and days past due of loan " + w.Number + " are worked out anew. Both entries stay in the ledger."
}

// readPlan reads what is overdue, for those who may see the schedule.
func (r *Room) readPlan(ctx context.Context, p *gate.Page, _ *visit.Visit, w *actView) (err error) {
	if w.may["loan.schedule.view"] {
		w.plan, err = gate.Look(ctx, p, r.desk.ScheduleView, &servicing.LoanRef{ID: string(w.ID)})
	}
	return err
}

// readEntry finds the entry of the address in the ledger.
func (r *Room) readEntry(ctx context.Context, p *gate.Page, v *visit.Visit, w *actView) error {
	in := servicing.EntryListIn{ID: string(w.ID), Paging: servicing.Paging{Limit: 200}}
	for {
		out, err := gate.Look(ctx, p, r.desk.PaymentList, &in)
		if err != nil {
			return err
		}
		at := slices.IndexFunc(out.Items, func(e servicing.EntryItem) bool { return string(e.ID) == v.R.PathValue("entry") })
		if at >= 0 {
			w.entry = &out.Items[at]
			return nil
		}
		if in.Cursor = out.Next; in.Cursor == "" {
			return missingEntry()
		}
	}
}
