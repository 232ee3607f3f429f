package book

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

// The statuses of a loan. PaidOff and ChargedOff follow from the ledger; the
// others are set by people.
const (
	Active     = "active"
	OnHold     = "on_hold"
	Bankruptcy = "bankruptcy"
	PaidOff    = "paid_off"
	ChargedOff = "charged_off"
	Closed     = "closed"
)

// Statuses lists every status.
func Statuses() []string { return []string{Active, OnHold, Bankruptcy, PaidOff, ChargedOff, Closed} }

// Loan is a loan's row: the terms as signed, and the caches of its replay.
type Loan struct {
	ID          id.Loan
	Number      string
	Borrower    id.Borrower
	Company     id.SourceCompany // "" for none
	Application id.Application   // "" unless boarded from an application
	Status      string
	Terms       schedule.Terms
	OpenedOn    civil.Date
	Cached      schedule.Cached // AsOf and Interest are not kept
	Payment     money.Amount    // the level payment

	BorrowerKey, Region, Country string // copies of the borrower's
	Import                       string
	CreatedAt                    int64
}

const loanColumns = `l.id, l.number, l.borrower_id, l.source_company_id, l.application_id, l.status,
	l.principal, l.annual_rate, l.term_months, l.convention, l.contract_date, l.first_due, l.opened_on,
	l.principal_balance, l.fees_due, l.oldest_unpaid_due, l.next_due, l.next_amount, l.level_payment,
	l.borrower_key, l.borrower_region, l.borrower_country, l.import_id, l.created_at`

func (l *Loan) dest() []any {
	t, c := &l.Terms, &l.Cached
	return []any{&l.ID, &l.Number, &l.Borrower, &l.Company, &l.Application, &l.Status,
		&t.Principal, &t.Rate, &t.Months, &t.Convention, &t.Contract, &t.FirstDue, &l.OpenedOn,
		&c.PrincipalBalance, &c.FeesDue, &c.OldestUnpaidDue, &c.NextDue, &c.NextAmount, &l.Payment,
		&l.BorrowerKey, &l.Region, &l.Country, &l.Import, &l.CreatedAt}
}

// Number limits, and the due_key of loans that owe nothing.
const (
	MaxNumber = 40
	noDue     = 9_999_999
)

func dueKey(d civil.Date) int64 {
	if d.IsZero() {
		return noDue
	}
	return int64(d)
}

// InsertLoanSQL stores one loan; Row gives its values.
const InsertLoanSQL = `INSERT INTO loan (id, number, borrower_id, source_company_id, application_id, status,
	principal, annual_rate, term_months, convention, contract_date, first_due, opened_on,
	principal_balance, fees_due, oldest_unpaid_due, next_due, next_amount, level_payment,
	borrower_key, borrower_region, borrower_country, import_id, created_at, due_key, revision)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 1)`

// Row gives the values of InsertLoanSQL.
func (l *Loan) Row() []any {
	t, c := &l.Terms, &l.Cached
	return []any{l.ID, l.Number, l.Borrower, l.Company, l.Application, l.Status,
		t.Principal, int64(t.Rate), t.Months, string(t.Convention), t.Contract, t.FirstDue, l.OpenedOn,
		c.PrincipalBalance, c.FeesDue, c.OldestUnpaidDue, c.NextDue, c.NextAmount, l.Payment,
		l.BorrowerKey, l.Region, l.Country, l.Import, l.CreatedAt, dueKey(c.OldestUnpaidDue)}
}

// thisLoan is the condition that the scope shows this loan. To somebody who is
// restricted a hidden one takes as long as a missing one.
func thisLoan(sc gate.Scope, l id.Loan) db.Cond {
	seen := db.And(sc.Loans(), db.Where(landedLoan))
	if sc.Everything() {
		return db.And(db.Where("l.id = ?", l), seen)
	}
	return db.This("loan", "l", l, seen)
}

// LoanByID reads a loan that the scope shows; NotFound otherwise.
func LoanByID(ctx context.Context, tx *db.Tx, sc gate.Scope, text string) (*Loan, error) {
	lid, err := id.Parse[id.Loan](text)
	if err != nil {
		return nil, fault.Missing("loan")
	}
	cond := thisLoan(sc, lid)
	l := new(Loan)
	err = tx.One(ctx, `SELECT `+loanColumns+` FROM loan l WHERE `+cond.SQL(), cond.Args(), l.dest()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("loan")
	}
	return l, err
}

// LoanWithBorrower reads a loan that the scope shows, its borrower and the name
// of its source company in one statement; NotFound otherwise.
func LoanWithBorrower(ctx context.Context, tx *db.Tx, sc gate.Scope, text string) (*Loan, *Borrower, string, error) {
	lid, err := id.Parse[id.Loan](text)
	if err != nil {
		return nil, nil, "", fault.Missing("loan")
	}
	l, b, company := new(Loan), new(Borrower), ""
	dest := append(append(l.dest(), b.dest()...), &company)
	s := withBorrower(sc, lid)
	err = tx.One(ctx, s.Query, s.Args, dest...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil, "", fault.Missing("loan")
	}
	return l, b, company, err
}

func withBorrower(sc gate.Scope, l id.Loan) db.Statement {
	cond := thisLoan(sc, l)
	return db.Statement{Query: `SELECT ` + loanColumns + `, ` + borrowerColumns + `, COALESCE(sc.name, '')
		FROM loan l JOIN borrower b ON b.id = l.borrower_id LEFT JOIN source_company sc ON sc.id = l.source_company_id WHERE ` + cond.SQL(), Args: cond.Args()}
}

// ViewAhead gives the statements of LoanWithBorrower, PortfoliosOf and
// CustomValues of one loan, in this order.
func ViewAhead(sc gate.Scope, text string) []db.Statement {
	l, err := id.Parse[id.Loan](text)
	if err != nil {
		return nil
	}
	return []db.Statement{withBorrower(sc, l), portfoliosOf([]id.Loan{l}), customValues(l)}
}

// LockLoan reads a loan that the scope shows for a change of it: until the
// transaction ends nobody else changes it.
func LockLoan(ctx context.Context, tx *db.Tx, sc gate.Scope, text string) (*Loan, error) {
	lid, err := id.Parse[id.Loan](text)
	if err != nil {
		return nil, fault.Missing("loan")
	}
	if _, err := LoanByID(ctx, tx, sc, text); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `UPDATE loan SET revision = revision + 1 WHERE id = ?`, lid); err != nil {
		return nil, err
	}
	return LoanByID(ctx, tx, sc, text) // as it stands now that it is ours
}

// SetStatus changes the status of a locked loan.
func SetStatus(ctx context.Context, tx *db.Tx, lid id.Loan, status string) error {
	_, err := tx.Exec(ctx, `UPDATE loan SET status = ? WHERE id = ?`, status, lid)
	return err
}

// AddLoan stores a loan whose caches are filled, in its portfolios. An empty
// number takes the next one of the house.
func AddLoan(ctx context.Context, tx *db.Tx, l *Loan, portfolios []id.Portfolio) error {
	if _, err := tx.Exec(ctx, `UPDATE loan_tally SET loans = loans + 1 WHERE id = 1`); err != nil {
		return err
	}
	if l.Number == "" {
		if err := giveNumber(ctx, tx, l); err != nil {
			return err
		}
	} else if taken, err := numberTaken(ctx, tx, l.Number); err != nil || taken {
		if taken {
			return errNumber()
		}
		return err
	}
	if _, err := tx.Exec(ctx, InsertLoanSQL, l.Row()...); err != nil {
		if db.IsDuplicate(err) {
			return errNumber()
		}
		return err
	}
	return placeIn(ctx, tx, l, portfolios)
}

// Claim gives a new loan its number. Who is restricted must not learn by a refusal
// that a hidden loan has it, so a taken one is stood for by what no number can be
// until Placed has judged the loan by its place.
func Claim(ctx context.Context, tx *db.Tx, sc gate.Scope, l *Loan, number string) (taken bool, err error) {
	if l.Number = number; number == "" || sc.Everything() {
		return false, nil
	}
	if taken, err = numberTaken(ctx, tx, number); taken {
		l.Number += "\n"
	}
	return taken, err
}

// Placed refuses a new loan that its maker would not see, and only then one whose
// number was taken.
func Placed(ctx context.Context, tx *db.Tx, sc gate.Scope, l *Loan, taken bool) error {
	if !sc.Everything() {
		if _, err := LoanByID(ctx, tx, sc, string(l.ID)); err != nil {
			return fault.New(fault.Denied, "outside_restriction", "Your search restriction would not show this loan; nobody makes what they may not see.")
		}
	}
	if taken {
		return errNumber()
	}
	return nil
}

// errNumber refuses a number that another loan has.
func errNumber() error {
	return fault.New(fault.Conflict, "number_taken", "Another loan has this number.")
}

// numberTaken reports whether any loan of the house has the number, seen or not.
func numberTaken(ctx context.Context, tx *db.Tx, number string) (bool, error) {
	var n int64
	err := tx.One(ctx, `SELECT COUNT(*) FROM loan WHERE number = ?`, []any{number}, &n)
	return n > 0, err
}

// giveNumber counts on until a number is free: imported loans may have taken
// some. The tally row is locked by this transaction already.
func giveNumber(ctx context.Context, tx *db.Tx, l *Loan) error {
	var n int64
	if err := tx.One(ctx, `SELECT numbered FROM loan_tally WHERE id = 1`, nil, &n); err != nil {
		return err
	}
	for {
		n++
		l.Number = houseNumber(n)
		taken, err := numberTaken(ctx, tx, l.Number)
		if err != nil {
			return err
		}
		if !taken {
			break
		}
	}
	_, err := tx.Exec(ctx, `UPDATE loan_tally SET numbered = ? WHERE id = 1`, n)
	return err
}

// Fresh makes a loan from its terms as signed, with caches as of today and the
// fields of faults in the words of inputs. Ids, number and borrower are left to
// the caller.
func Fresh(t schedule.Terms, openedOn, today civil.Date) (*Loan, error) {
	plan, err := t.Plan()
	if err != nil {
		return nil, inWords(err)
	}
	s, err := schedule.Replay(t, nil, nil, max(today, t.Contract))
	if err != nil {
		return nil, inWords(err)
	}
	if openedOn.IsZero() {
		openedOn = t.Contract
	}
	l := &Loan{Status: Active, Terms: t, OpenedOn: openedOn, Payment: plan.Payment}
	l.Take(s)
	return l, nil
}

var termWords = map[string]string{"rate": "annual_rate", "months": "term_months", "contract": "contract_date"}

func inWords(err error) error {
	f := fault.As(err)
	if f.Kind != fault.Invalid {
		return err
	}
	out := *f
	out.Fields = make([]fault.Field, len(f.Fields))
	for i, x := range f.Fields {
		if w := termWords[x.Path]; w != "" {
			x.Path = w
		}
		out.Fields[i] = x
	}
	return &out
}

// CheckNumber gives a cleaned loan number ("" stays "") or the fault.
func CheckNumber(number string) (string, error) {
	number = strings.TrimSpace(number)
	if !Plain(number, MaxNumber) {
		return "", fault.Bad("number", "Use at most 40 bytes without control characters.")
	}
	return number, nil
}
