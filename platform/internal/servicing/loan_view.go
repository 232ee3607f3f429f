package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// LoanRef names a loan in a path.
type LoanRef struct {
	ID string `path:"id" doc:"The loan's id."`
}

func (r *LoanRef) object() string { return "loan/" + r.ID }

// CustomOut is a custom field of a loan. Value is empty for fields that are not
// public; those stand in Hidden, masked.
type CustomOut struct {
	Name   string                           `json:"name" class:"public"`
	Kind   string                           `json:"kind" class:"public" enum:"text,int,money,date,bool"`
	Class  string                           `json:"class" class:"public" enum:"public,personal,sensitive"`
	Value  string                           `json:"value" class:"public"`
	Hidden secret.Field[secret.AddressLine] `json:"hidden"`
}

// LoanOut is one loan: the terms as signed, where it stands today, its borrower.
type LoanOut struct {
	ID               id.Loan        `json:"id" class:"public"`
	Number           string         `json:"number" class:"public"`
	Status           string         `json:"status" class:"public" enum:"active,on_hold,bankruptcy,paid_off,charged_off,closed"`
	Portfolios       []string       `json:"portfolios" class:"public"`
	SourceCompany    string         `json:"source_company" class:"public"`
	Application      id.Application `json:"application,omitempty" class:"public"`
	Borrower         BorrowerOut    `json:"borrower"`
	Principal        money.Amount   `json:"principal" class:"public"`
	AnnualRate       string         `json:"annual_rate" class:"public" doc:"Per cent a year." example:"7.35"`
	TermMonths       int            `json:"term_months" class:"public"`
	Convention       string         `json:"convention" class:"public" enum:"30/360,actual/365"`
	ContractDate     civil.Date     `json:"contract_date" class:"public"`
	FirstDue         civil.Date     `json:"first_due" class:"public"`
	OpenedOn         civil.Date     `json:"opened_on" class:"public"`
	Payment          money.Amount   `json:"payment" class:"public" doc:"The level payment."`
	PrincipalBalance money.Amount   `json:"principal_balance" class:"public"`
	FeesDue          money.Amount   `json:"fees_due" class:"public"`
	DaysPastDue      int            `json:"days_past_due" class:"public"`
	OldestUnpaidDue  civil.Date     `json:"oldest_unpaid_due" class:"public"`
	NextDue          civil.Date     `json:"next_due" class:"public"`
	NextAmount       money.Amount   `json:"next_amount" class:"public"`
	State            string         `json:"state" class:"public" doc:"The borrower's state or region."`
	CustomFields     []CustomOut    `json:"custom_fields"`
	BorrowerWithheld string         `json:"borrower_withheld,omitempty" class:"public" doc:"Why the borrower is not shown: what the limit says."`
}

func (d *Desk) loanView(ctx context.Context, c *gate.Call, in *LoanRef) (*LoanOut, error) {
	l, b, company, err := book.LoanWithBorrower(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	names, err := book.PortfoliosOf(ctx, c.Tx, []id.Loan{l.ID})
	if err != nil {
		return nil, err
	}
	custom, err := book.CustomValues(ctx, c.Tx, c.Persons(), l)
	if err != nil {
		return nil, err
	}
	if l.Cached.NextDue < c.Today && !l.Cached.NextDue.IsZero() {
		if err := refreshNext(ctx, c, l); err != nil {
			return nil, err
		}
	}
	out := loanOut(l, company, c.Today)
	out.Portfolios = listed(names[l.ID])
	for _, v := range custom {
		out.CustomFields = append(out.CustomFields, customOut(v))
	}
	if secret := unnamed(c); secret != nil {
		withheld, err := c.Shows(ctx, c.Scope, in.object(), *secret)
		if err != nil || withheld {
			out.State, out.BorrowerWithheld = "", borrowerLimit(c).Message
			return out, err
		}
	}
	out.Borrower = BorrowerOut{ID: b.ID, FirstName: b.First, LastName: b.Last, Name: b.Name()}
	if c.Can("borrower.view", "borrower/"+string(b.ID)) || c.Who.Sort == gate.System {
		p, err := b.Opened(ctx, c.Persons())
		if err != nil {
			return nil, err
		}
		out.Borrower = borrowerOut(b, p)
	}
	return out, nil
}

// refreshNext computes the next instalment anew: the cache ends with its date.
func refreshNext(ctx context.Context, c *gate.Call, l *book.Loan) error {
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return err
	}
	s, err := g.Replay(l, c.Today)
	if err != nil {
		return err
	}
	l.Cached.NextDue, l.Cached.NextAmount = s.NextDue, s.NextAmount
	return nil
}

func loanOut(l *book.Loan, company string, today civil.Date) *LoanOut {
	t := l.Terms
	first := t.FirstDue
	if first.IsZero() {
		first = t.Contract.AddMonths(1)
	}
	return &LoanOut{ID: l.ID, Number: l.Number, Status: l.Status, SourceCompany: company, Application: l.Application,
		Principal: t.Principal, AnnualRate: t.Rate.String(), TermMonths: t.Months, Convention: string(t.Convention), ContractDate: t.Contract, FirstDue: first,
		OpenedOn: l.OpenedOn, Payment: l.Payment, PrincipalBalance: l.Cached.PrincipalBalance, FeesDue: l.Cached.FeesDue,
		DaysPastDue: pastDue(l.Cached.OldestUnpaidDue, today), OldestUnpaidDue: l.Cached.OldestUnpaidDue, NextDue: l.Cached.NextDue, NextAmount: l.Cached.NextAmount,
		State: l.Region, CustomFields: []CustomOut{}}
}

func customOut(v book.CustomValue) CustomOut {
	out := CustomOut{Name: v.Field.Name, Kind: v.Field.Kind, Class: v.Field.Class}
	if v.Field.Class == "public" {
		out.Value = v.Value
	} else {
		out.Hidden = secret.Seal[secret.AddressLine](v.Value)
	}
	return out
}

// ScheduleLine is one planned instalment and where it stands.
type ScheduleLine struct {
	Number    int          `json:"number" class:"public"`
	Due       civil.Date   `json:"due" class:"public"`
	Payment   money.Amount `json:"payment" class:"public"`
	Interest  money.Amount `json:"interest" class:"public"`
	Principal money.Amount `json:"principal" class:"public"`
	Balance   money.Amount `json:"balance" class:"public"`
	Covered   money.Amount `json:"covered" class:"public"`
	Progress  string       `json:"progress" class:"public" enum:"paid,late,due,upcoming"`
}

// ScheduleOut is a loan's plan as it stands today.
type ScheduleOut struct {
	Payment       money.Amount   `json:"payment" class:"public"`
	TotalInterest money.Amount   `json:"total_interest" class:"public"`
	TotalPayments money.Amount   `json:"total_payments" class:"public"`
	PastDue       money.Amount   `json:"past_due" class:"public"`
	DaysPastDue   int            `json:"days_past_due" class:"public"`
	Items         []ScheduleLine `json:"items"`
}

func (d *Desk) scheduleView(ctx context.Context, c *gate.Call, in *LoanRef) (*ScheduleOut, error) {
	l, err := book.LoanByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return nil, err
	}
	lines, s, err := g.View(l, c.Today)
	if err != nil {
		return nil, err
	}
	out := &ScheduleOut{Payment: l.Payment, PastDue: s.PastDue, DaysPastDue: s.DaysPastDue, Items: make([]ScheduleLine, len(lines))}
	for i, x := range lines {
		out.Items[i] = ScheduleLine{x.Number, x.Due, x.Payment, x.Interest, x.Principal, x.Balance, x.Covered, string(x.Progress)}
		out.TotalInterest += x.Interest
		out.TotalPayments += x.Payment
	}
	return out, nil
}

// PayoffIn asks what pays a loan off on a day.
type PayoffIn struct {
	ID string `path:"id" doc:"The loan's id."`
	On string `query:"on" format:"date" required:"false" doc:"The day, today unless told."`
}

// PayoffOut is what pays a loan off on a day, entries effective by then included.
type PayoffOut struct {
	On        civil.Date   `json:"on" class:"public"`
	Principal money.Amount `json:"principal" class:"public"`
	Interest  money.Amount `json:"interest" class:"public"`
	Fees      money.Amount `json:"fees" class:"public"`
	Payoff    money.Amount `json:"payoff" class:"public"`
	PerDay    money.Amount `json:"per_day" class:"public" doc:"What the payoff rises by on the next day."`
}

func (d *Desk) payoffView(ctx context.Context, c *gate.Call, in *PayoffIn) (*PayoffOut, error) {
	l, err := book.LoanByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	on := max(c.Today, l.Terms.Contract)
	if in.On != "" {
		if on, err = civil.Parse(in.On); err != nil {
			return nil, fault.Bad("on", civil.Mend(in.On))
		}
	}
	if on < l.Terms.Contract || on > c.Today.AddDays(3660) {
		return nil, fault.Bad("on", "Give a day on or after the contract date and at most ten years ahead.")
	}
	c.Detail("on", on.String())
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return nil, err
	}
	s, err := g.Replay(l, on)
	if err != nil {
		return nil, err
	}
	next, err := g.Replay(l, on.AddDays(1))
	if err != nil {
		return nil, err
	}
	return &PayoffOut{on, s.Principal, s.AccruedInterest, s.FeesDue, s.Payoff, next.Payoff - s.Payoff}, nil
}
