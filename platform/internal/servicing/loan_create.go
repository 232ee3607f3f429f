package servicing

import (
	"context"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// LoanCreateIn is a new loan for a borrower who exists.
type LoanCreateIn struct {
	BorrowerID    string       `json:"borrower_id" doc:"The borrower's id."`
	Number        string       `json:"number,omitempty" maxLength:"40" doc:"The loan's number; the house gives one unless told."`
	SourceCompany string       `json:"source_company,omitempty" maxLength:"100" doc:"Name or id."`
	Portfolios    []string     `json:"portfolios,omitempty" maxItems:"100" doc:"Names or ids."`
	Principal     money.Amount `json:"principal" example:"5000.00"`
	AnnualRate    string       `json:"annual_rate" example:"7.35" doc:"Per cent a year."`
	TermMonths    int          `json:"term_months" minimum:"1" maximum:"600"`
	Convention    string       `json:"convention,omitempty" enum:"30/360,actual/365" doc:"30/360 unless told."`
	ContractDate  civil.Date   `json:"contract_date,omitempty" format:"date" doc:"Today unless told."`
	FirstDue      civil.Date   `json:"first_due,omitempty" format:"date" doc:"One month after the contract date unless told."`
}

// LoanMade is what came of it.
type LoanMade struct {
	ID      id.Loan      `json:"id" class:"public"`
	Number  string       `json:"number" class:"public"`
	Status  string       `json:"status" class:"public"`
	Payment money.Amount `json:"payment" class:"public"`
}

func (d *Desk) loanCreate(ctx context.Context, c *gate.Call, in *LoanCreateIn) (*LoanMade, error) {
	var bad fault.Collector
	rate, err := schedule.ParseRate(in.AnnualRate)
	bad.Check(err == nil, "annual_rate", "Give per cent a year between 0 and 100 with at most six decimals, as text.")
	number, err := book.CheckNumber(in.Number)
	bad.Merge("", err)
	convention := schedule.Convention(in.Convention)
	if convention == "" {
		convention = schedule.Thirty360
	}
	contract := in.ContractDate
	if contract.IsZero() {
		contract = c.Today
	}
	bad.Check(contract <= c.Today.AddDays(366), "contract_date", "Give a date at most one year ahead.")
	terms := schedule.Terms{Principal: in.Principal, Rate: rate, Months: in.TermMonths, Contract: contract, FirstDue: in.FirstDue, Convention: convention}
	l, err := book.Fresh(terms, contract, c.Today)
	bad.Merge("", err)
	if err := bad.Err(); err != nil {
		return nil, err
	}
	taken, err := book.Claim(ctx, c.Tx, c.Scope, l, number)
	if err != nil {
		return nil, err
	}
	b, err := book.BorrowerByID(ctx, c.Tx, c.Scope, in.BorrowerID)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, fault.Bad("borrower_id", "Give the id of a borrower who exists.")
		}
		return nil, err
	}
	if err := d.enter(ctx, c, l, b.ID, b.First, b.Last, b.Region, b.Country, in.SourceCompany, in.Portfolios); err != nil {
		return nil, err
	}
	if err := book.Placed(ctx, c.Tx, c.Scope, l, taken); err != nil {
		return nil, err
	}
	c.Object("loan/" + string(l.ID))
	return &LoanMade{l.ID, l.Number, l.Status, l.Payment}, nil
}

// enter stores a fresh loan for a borrower, notes it, and keeps the sets.
func (d *Desk) enter(ctx context.Context, c *gate.Call, l *book.Loan, b id.Borrower, first, last, region, country, company string, portfolios []string) error {
	var err error
	if l.Company, err = book.ResolveCompany(ctx, c.Tx, company); err != nil {
		return err
	}
	places, err := book.ResolvePortfolios(ctx, c.Tx, portfolios)
	if err != nil {
		return err
	}
	l.ID, l.CreatedAt = id.New[id.Loan](c.At), c.At
	l.Borrower, l.BorrowerKey, l.Region, l.Country = b, book.Fold(last, first), region, country
	if err := book.AddLoan(ctx, c.Tx, l, places); err != nil {
		return err
	}
	noteLoan(c, l, company, portfolios)
	return d.keep(ctx, c, l.ID)
}

func noteLoan(c *gate.Call, l *book.Loan, company string, portfolios []string) {
	t := l.Terms
	c.Change("loan", "", string(l.ID))
	c.Change("number", "", l.Number)
	c.Change("borrower", "", "borrower/"+string(l.Borrower))
	c.Change("principal", "", t.Principal.String())
	c.Change("annual_rate", "", t.Rate.String())
	c.Change("term_months", "", itoa(t.Months))
	c.Change("convention", "", string(t.Convention))
	c.Change("contract_date", "", t.Contract.String())
	c.Change("first_due", "", t.FirstDue.String())
	c.Change("source_company", "", company)
	c.Change("portfolios", "", strings.Join(portfolios, ", "))
}

// BoardIn is an approved application that becomes a loan.
type BoardIn struct {
	Application   id.Application
	Borrower      id.Borrower // "" makes one from Person
	Person        book.Person
	SourceCompany string // name or id, "" for none
	Portfolios    []string
	Terms         schedule.Terms
}

// Board makes a borrower and a loan from an approved application, in the
// transaction and under the audit entry of the call that approves it. An
// application makes one loan: a second time is a Conflict.
func (d *Desk) Board(ctx context.Context, c *gate.Call, in BoardIn) (id.Loan, error) {
	var n int64
	if err := c.Tx.One(ctx, `SELECT COUNT(*) FROM loan WHERE application_id = ?`, []any{in.Application}, &n); err != nil {
		return "", err
	}
	if n > 0 {
		return "", errBoarded()
	}
	l, err := book.Fresh(in.Terms, in.Terms.Contract, c.Today)
	if err != nil {
		return "", err
	}
	l.Application = in.Application
	p, b := in.Person, in.Borrower
	if b == "" {
		if err := p.Check(c.Today); err != nil {
			return "", err
		}
		if b, err = book.AddBorrower(ctx, c.Tx, c.Tenant, p); err != nil {
			return "", err
		}
		c.Change("borrower", "", "borrower/"+string(b))
	} else {
		row, err := book.BorrowerByID(ctx, c.Tx, c.Scope, string(b))
		if err != nil {
			return "", err
		}
		p = book.Person{First: row.First, Last: row.Last, Address: book.Address{Region: row.Region, Country: row.Country}}
	}
	err = d.enter(ctx, c, l, b, p.First, p.Last, p.Address.Region, p.Address.Country, in.SourceCompany, in.Portfolios)
	if db.IsDuplicate(err) {
		return "", errBoarded()
	}
	return l.ID, err
}

func errBoarded() error {
	return fault.New(fault.Conflict, "boarded_already", "This application has become a loan already.")
}
