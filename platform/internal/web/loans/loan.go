package loans

import (
	"context"
	"net/url"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing"
	"github.com/lendkeep/lendkeep/platform/internal/web/papers"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// folder is one loan on its way to a page, with what the person may do to it.
type folder struct {
	*servicing.LoanOut
	ref   string // "loan/ln_…", as operations name it
	home  string // "/loans/ln_…"
	may   map[string]bool
	tabs  map[string]bool // what the role looks at, also where a limit keeps it
	today civil.Date
	zone  *time.Location
}

// asked are the operations whose buttons and tabs stand on a loan's pages.
func asked() []string {
	return []string{"loan.schedule.view", "loan.payment.list", "loan.payoff.view", "loan.note.list", "loan.note.add", "loan.payment.log", "loan.fee.charge",
		"loan.adjustment.post", "loan.write_off", "loan.entry.reverse", "loan.status.set", "loan.portfolio.set", "loan.custom_field.set"}
}

// folder reads the loan of the address.
func (r *Room) folder(ctx context.Context, v *visit.Visit, p *gate.Page) (*folder, error) {
	return r.folderOf(ctx, v, p, v.R.PathValue("id"))
}

func (r *Room) folderOf(ctx context.Context, v *visit.Visit, p *gate.Page, loan string) (*folder, error) {
	out, err := visit.Look(ctx, v, p, r.desk.LoanView, func(in *servicing.LoanRef) { in.ID = loan })
	if err != nil {
		return nil, err
	}
	f := &folder{LoanOut: out, ref: "loan/" + string(out.ID), home: "/loans/" + string(out.ID), may: map[string]bool{}, tabs: map[string]bool{},
		today: p.Call().Today, zone: v.Zone()}
	for _, name := range asked() {
		f.may[name], f.tabs[name] = p.Can(name, f.ref), p.Can(name, "")
	}
	f.tabs["borrower.view"], f.tabs["loan.document.list"] = p.Can("borrower.view", ""), p.Can("loan.document.list", "")
	f.may["borrower.view"] = out.Borrower.ID != "" && p.Can("borrower.view", "borrower/"+string(out.Borrower.ID))
	f.may["audit.list"] = p.Can("audit.list", "")
	f.may["application.view"] = out.Application != "" && p.Can("application.view", "application/"+string(out.Application))
	return f, nil
}

// kept is a tab that cannot be read: where a limit keeps it from the person, the
// loan stands around what the limit says.
func (f *folder) kept(v *visit.Visit, tab string, err error) (visit.View, error) {
	if body, ok := v.Withheld(err); ok {
		return view(f.page(tab), body)
	}
	return visit.View{}, err
}

// page is the frame of a loan's pages; tab says which one is open.
func (f *folder) page(tab string) parts.Page {
	badge := status(f.Status)
	p := parts.Page{Title: "Loan " + f.Number, Subtitle: f.Borrower.Name, State: &badge, Crumbs: []parts.Link{{Text: "Loans", Href: "/loans"}}}
	for _, t := range []struct{ label, path, by string }{
		{"Summary", "", ""}, {"Schedule", "/schedule", "loan.schedule.view"}, {"Payments", "/payments", "loan.payment.list"},
		{"Payoff", "/payoff", "loan.payoff.view"}, {"Borrower", "/borrower", "borrower.view"}, {"Notes", "/notes", "loan.note.list"},
		{"Documents", "/documents", "loan.document.list"}, {"History", "/history", "audit.list"},
	} {
		if t.by == "" || f.may[t.by] || f.tabs[t.by] {
			p.Tabs = append(p.Tabs, parts.Tab{Label: t.label, Href: f.home + t.path, Current: t.label == tab})
		}
	}
	f.buttons(&p)
	return p
}

// buttons puts what the person may do to the loan into the head: what is done
// every day as buttons, the rest in a menu.
func (f *folder) buttons(p *parts.Page) {
	closed := f.Status == "closed"
	if f.may["loan.payment.log"] && !closed {
		p.Actions = append(p.Actions, parts.Button{Label: "Log payment", Kind: parts.Primary, Href: f.home + "/payments/new"})
	}
	if f.may["loan.fee.charge"] && !closed {
		p.Actions = append(p.Actions, parts.Button{Label: "Charge fee", Href: f.home + "/fees/new"})
	}
	m := parts.Menu{Label: "⋯", AriaLabel: "More that can be done to this loan"}
	add := func(by, label, path string, meaning parts.Meaning, ok bool) {
		if f.may[by] && ok {
			m.Items = append(m.Items, parts.Item{Label: label, Href: f.home + path, Meaning: meaning})
		}
	}
	add("loan.adjustment.post", "Adjust principal", "/adjustments/new", parts.Neutral, !closed)
	add("loan.status.set", "Set status", "/status", parts.Neutral, true)
	add("loan.portfolio.set", "Set portfolios", "/portfolios", parts.Neutral, true)
	add("loan.custom_field.set", "Set custom fields", "/custom-fields", parts.Neutral, len(f.CustomFields) > 0)
	add("loan.write_off", "Write off…", "/write-off", parts.Danger, !closed)
	if len(m.Items) > 0 {
		p.More = parts.MenuButton(m)
	}
}

// facts stand at the right of every page of the loan.
func (f *folder) facts() []parts.Fact {
	borrower := who(f.Borrower.Name)
	if f.may["borrower.view"] {
		borrower = parts.Anchor(parts.Link{Text: f.Borrower.Name, Href: "/borrowers/" + string(f.Borrower.ID)})
	}
	out := []parts.Fact{
		{Term: "Borrower", Value: borrower},
		{Term: "State", Value: words(f.State)},
		{Term: "Principal balance", Value: parts.MoneyText(f.PrincipalBalance.Grouped(), currency)},
		{Term: "Fees due", Value: parts.MoneyText(f.FeesDue.Grouped(), currency)},
		{Term: "Past due", Value: behind(f.DaysPastDue, f.OldestUnpaidDue)},
		{Term: "Next payment", Value: next(f.NextDue, f.NextAmount)},
		{Term: "Portfolios", Value: names(f.Portfolios)},
		{Term: "Source company", Value: words(f.SourceCompany)},
		{Term: "Opened", Value: parts.DateText(f.OpenedOn.String())},
	}
	if f.may["application.view"] {
		out = append(out, parts.Fact{Term: "Application", Value: parts.Anchor(parts.Link{Text: "The application it came from", Href: "/applications/" + string(f.Application)})})
	}
	return out
}

func (f *folder) terms() []parts.Fact {
	return []parts.Fact{
		{Term: "Principal", Value: parts.MoneyText(f.Principal.Grouped(), currency)},
		{Term: "Annual rate", Value: parts.Words(f.AnnualRate + " %")},
		{Term: "Term", Value: parts.Words(months(f.TermMonths))},
		{Term: "Level payment", Value: parts.MoneyText(f.Payment.Grouped(), currency), Note: "monthly"},
		{Term: "Day count", Value: parts.Words(f.Convention)},
		{Term: "Contract date", Value: parts.DateText(f.ContractDate.String())},
		{Term: "First due", Value: parts.DateText(f.FirstDue.String())},
	}
}

// summaryView is what the summary shows beside the loan itself; parts that the
// person may not read are nil.
type summaryView struct {
	*folder
	payoff *servicing.PayoffOut
	latest []servicing.EntryItem
}

func (r *Room) summary(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		s := &summaryView{folder: f}
		if f.may["loan.payoff.view"] {
			if s.payoff, err = gate.Look(ctx, p, r.desk.PayoffView, &servicing.PayoffIn{ID: string(f.ID)}); err != nil {
				return visit.View{}, err
			}
		}
		if f.may["loan.payment.list"] {
			out, err := gate.Look(ctx, p, r.desk.PaymentList, &servicing.EntryListIn{ID: string(f.ID), Paging: servicing.Paging{Limit: 5}})
			if err != nil {
				return visit.View{}, err
			}
			s.latest = out.Items
		}
		return view(f.page("Summary"), summaryPage(s))
	}
}

func (s *summaryView) tiles() []parts.Figure {
	out := []parts.Figure{{Label: "Principal balance", Value: s.PrincipalBalance.Grouped(), Unit: currency}}
	if s.payoff != nil {
		out = append(out, parts.Figure{Label: "Payoff today", Value: s.payoff.Payoff.Grouped(), Unit: currency, Href: s.home + "/payoff", Note: "rises by " + s.payoff.PerDay.Grouped() + " a day"})
	}
	if s.NextDue.IsZero() {
		out = append(out, parts.Figure{Label: "Next payment", Value: "None", Note: "nothing more is planned"})
	} else {
		out = append(out, parts.Figure{Label: "Next payment", Value: s.NextAmount.Grouped(), Unit: currency, Note: "on " + s.NextDue.String()})
	}
	late := parts.Figure{Label: "Days past due", Value: parts.Count(s.DaysPastDue), Meaning: parts.OK, Note: "nothing is overdue"}
	if s.DaysPastDue > 0 {
		late.Meaning, late.Note = parts.Danger, "oldest unpaid: "+s.OldestUnpaidDue.String()
	}
	return append(out, late)
}

// events are the latest entries of the ledger as a timeline.
func (s *summaryView) events() []parts.Event {
	var out []parts.Event
	for _, e := range s.latest {
		ev := parts.Event{At: moment(e.PostedAt, s.zone), What: kind(e.Kind) + " " + e.Amount.Grouped() + " " + currency, Href: s.home + "/payments",
			Detail: joined("effective "+e.EffectiveDate.String(), method(e.Method), e.Memo)}
		switch {
		case e.ReversedBy != "":
			ev.Detail = joined("reversed", ev.Detail)
		case e.Kind == "payment":
			ev.Meaning = parts.OK
		case e.Kind == "write_off":
			ev.Meaning = parts.Danger
		}
		out = append(out, ev)
	}
	return out
}

// schedule is the plan of instalments.
func (r *Room) schedule(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		out, err := visit.Look(ctx, v, p, r.desk.ScheduleView)
		if err != nil {
			return f.kept(v, "Schedule", err)
		}
		return view(f.page("Schedule"), schedulePage(f, out))
	}
}

// payoff says what pays the loan off on a day. A day that cannot be read keeps
// the page, with the field and its mend.
func (r *Room) payoff(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		on := v.R.URL.Query().Get("on")
		out, err := visit.Look(ctx, v, p, r.desk.PayoffView)
		wrong := parts.ErrorAt(err, "on")
		if wrong != "" {
			out, err = gate.Look(ctx, p, r.desk.PayoffView, &servicing.PayoffIn{ID: string(f.ID)})
		}
		if err != nil {
			return f.kept(v, "Payoff", err)
		}
		if on == "" {
			on = out.On.String()
		}
		return view(f.page("Payoff"), payoffPage(f, out, on, wrong))
	}
}

// notesView is a page of a loan's notes.
type notesView struct {
	*folder
	at  *url.URL
	out *servicing.NoteListOut
}

func (r *Room) notes(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		out, err := visit.Look(ctx, v, p, r.desk.NoteList)
		if to, stale := fresh(v.R.URL, err); stale {
			return visit.View{To: to}, nil
		}
		if err != nil {
			return f.kept(v, "Notes", err)
		}
		return view(f.page("Notes"), notesPage(v, &notesView{f, v.R.URL, out}))
	}
}

// documents is the tab of what was kept with a loan.
func (r *Room) documents(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		f, err := r.folder(ctx, v, p)
		if err != nil {
			return visit.View{}, err
		}
		tab, err := r.papers.Look(ctx, v, p, string(f.ID))
		if err != nil {
			return f.kept(v, "Documents", err)
		}
		return view(f.page("Documents"), documentsPage(f, papers.Body(tab)))
	}
}

func (n *notesView) events() []parts.Event {
	var out []parts.Event
	for _, x := range n.out.Items {
		out = append(out, parts.Event{At: moment(x.At, n.zone), Who: x.Author, What: x.Body})
	}
	return out
}

func (r *Room) addNote(v *visit.Visit) {
	visit.Act(v, r.desk.NoteAdd, func(*servicing.NoteOut) visit.Answer {
		return visit.Go("/loans/"+v.R.PathValue("id")+"/notes", "Note added.")
	}, r.notes(v))
}
