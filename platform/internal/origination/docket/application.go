package docket

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// The statuses of an application.
const (
	Waiting  = "waiting_for_approval"
	Review   = "manual_review"
	Approved = "approved"
	Rejected = "rejected"
)

// The states of a network check.
const (
	Done          = "done"
	Pending       = "pending"
	Unavailable   = "unavailable"
	NotApplicable = "not_applicable"
)

// The channels that applications come by.
const (
	BySite    = "site"    // a hosted form
	ByServer  = "server"  // a lender's server, on behalf of its applicant
	ByOfficer = "officer" // by hand
)

// noNotice stands in notice_due once no adverse notice can become due, so that
// such applications sort last.
func noNotice() civil.Date { return civil.Must(civil.MaxYear, 12, 31) }

// Application is one application as its row holds it; personal fields stay
// sealed until Open.
type Application struct {
	ID            id.Application
	Seq           int64
	First, Last   string
	City, Region  string
	PostalCode    string
	Country       string
	Amount        money.Amount
	Term          int
	Purpose       string
	Company       id.SourceCompany
	CompanyName   string
	Channel       string
	Status        string
	Outcome       string
	Verdict       id.Verdict // the one that stands
	Machine       id.Verdict // the newest automatic one
	Check         id.Check   // the one that is shown
	Asked         id.Check   // the newest request for a check
	CheckState    string
	CreatedAt     int64
	Notice        civil.Date // zero once no adverse notice can become due
	DecidedAt     int64      // 0 while no person has acted
	DecidedBy     string
	DecidedByName string
	Loan          id.Loan
	Revision      int64
	ErasedAt      int64 // since when nothing is written about the applicant any more; 0: not erased

	sealed                               [len(personal)][]byte
	emailIndex, phoneIndex, addressIndex []byte
	sought                               sought
}

// Number is the number that people use.
func (a *Application) Number() string { return "A-" + strconv.FormatInt(a.Seq, 10) }

// Name is the applicant's name as screens print it.
func (a *Application) Name() string { return strings.TrimSpace(a.First + " " + a.Last) }

// Person names the key that seals the applicant's personal fields.
func (a *Application) Person() string { return string(a.ID) }

// Personal is what is sealed about an applicant, opened; empty once erased.
type Personal struct {
	Email, Phone, Birth, SSN, Line1 string // Birth is an ISO date
}

const personal = "epdsl" // one letter a sealed column: email, phone, date of birth, ssn, line 1

var sealedColumns = [len(personal)]string{"email", "phone", "date_of_birth", "ssn", "line1"}

func (p *Personal) fields() [len(personal)]*string {
	return [len(personal)]*string{&p.Email, &p.Phone, &p.Birth, &p.SSN, &p.Line1}
}

const applicationColumns = `a.id, a.seq, a.first_name, a.last_name, a.city, a.region, a.postal_code, a.country, a.amount, a.term_months, a.purpose, a.source_company_id, COALESCE(s.name, ''),
 a.channel, a.status, a.outcome, a.verdict_id, a.machine_id, a.check_id, a.asked_id, a.check_state, a.created_at, a.notice_due, a.decided_at, a.decided_by, a.decided_by_name, a.loan_id, a.revision, a.erased_at,
 a.email, a.phone, a.date_of_birth, a.ssn, a.line1, a.email_index, a.phone_index, a.address_index`

const fromApplication = ` FROM application a LEFT JOIN source_company s ON s.id = a.source_company_id `

func scanApplication(scan func(...any) error) (*Application, error) {
	a := &Application{}
	err := scan(&a.ID, &a.Seq, &a.First, &a.Last, &a.City, &a.Region, &a.PostalCode, &a.Country, &a.Amount, &a.Term, &a.Purpose, &a.Company, &a.CompanyName,
		&a.Channel, &a.Status, &a.Outcome, &a.Verdict, &a.Machine, &a.Check, &a.Asked, &a.CheckState, &a.CreatedAt, &a.Notice, &a.DecidedAt, &a.DecidedBy, &a.DecidedByName, &a.Loan, &a.Revision, &a.ErasedAt,
		&a.sealed[0], &a.sealed[1], &a.sealed[2], &a.sealed[3], &a.sealed[4], &a.emailIndex, &a.phoneIndex, &a.addressIndex)
	if a.Notice == noNotice() {
		a.Notice = 0
	}
	return a, err
}

// ByID gives an application within the scope, or fault.Missing.
func ByID(ctx context.Context, tx *db.Tx, sc gate.Scope, aid id.Application) (*Application, error) {
	if _, err := id.Parse[id.Application](string(aid)); err != nil {
		return nil, fault.Missing("application")
	}
	seen := db.This("application", "a", aid, sc.Applications())
	var a *Application
	err := tx.One(ctx, `SELECT `+applicationColumns+fromApplication+`WHERE `+seen.SQL(), seen.Args(), scanInto(&a)...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("application")
	}
	if err != nil {
		return nil, err
	}
	if a.Notice == noNotice() {
		a.Notice = 0
	}
	return a, nil
}

// scanInto gives the destinations of applicationColumns in a new Application.
func scanInto(to **Application) (dest []any) {
	a, _ := scanApplication(func(d ...any) error { dest = d; return nil })
	*to = a
	return dest
}

// Lock takes an application within the scope for a change, and gives it as it
// stands then; that of somebody who was erased is a Conflict, and nobody else can change it until the transaction ends.
func Lock(ctx context.Context, tx *db.Tx, sc gate.Scope, aid id.Application) (*Application, error) {
	seen := sc.Applications()
	n, err := tx.Exec(ctx, `UPDATE application AS a SET revision = revision + 1 WHERE `+seen.SQL()+` AND a.id = ?`, append(seen.Args(), aid)...)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fault.Missing("application")
	}
	a, err := ByID(ctx, tx, sc, aid)
	if err == nil && a.ErasedAt != 0 {
		return nil, fault.New(fault.Conflict, "erased", "This applicant was erased; nothing can be written about the person any more.")
	}
	return a, err
}

const saveApplication = `UPDATE application SET status = ?, outcome = ?, verdict_id = ?, machine_id = ?, check_id = ?, asked_id = ?, check_state = ?,
 notice_due = ?, decided_at = ?, decided_by = ?, decided_by_name = ?, loan_id = ?, revision = ? WHERE id = ?`

// Save writes what may change about a locked application.
func Save(ctx context.Context, tx *db.Tx, a *Application) error {
	_, err := tx.Exec(ctx, saveApplication, a.Status, a.Outcome, a.Verdict, a.Machine, a.Check, a.Asked, a.CheckState,
		a.stored(), a.DecidedAt, a.DecidedBy, a.DecidedByName, a.Loan, a.Revision, a.ID)
	return err
}

// stored is notice_due as the row holds it.
func (a *Application) stored() civil.Date {
	if a.Notice.IsZero() {
		return noNotice()
	}
	return a.Notice
}

// Open gives the applicant's personal fields; nothing once they are erased.
func (a *Application) Open(ctx context.Context, store *keys.Store) (Personal, error) {
	var p Personal
	key, err := store.Open(ctx, a.Person())
	if errors.Is(err, keys.ErrDestroyed) {
		return p, nil
	}
	if err != nil {
		return p, err
	}
	for i, f := range p.fields() {
		plain, err := unseal(key, "application", string(a.ID), sealedColumns[i], a.sealed[i])
		if err != nil {
			return Personal{}, err
		}
		*f = string(plain)
	}
	return p, nil
}

// seal seals a value that is there; an empty one stays empty.
func seal(key *keys.PersonKey, table, row, column string, plain []byte) ([]byte, error) {
	if len(plain) == 0 {
		return []byte{}, nil
	}
	return key.Seal(table, row, column, plain)
}

func unseal(key *keys.PersonKey, table, row, column string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	return key.Unseal(table, row, column, sealed)
}

// Sealed lists the ciphertext of these tables, for rotation.
func Sealed() []keys.Rewrap {
	return []keys.Rewrap{
		{Table: "application", Row: "id", Columns: sealedColumns[:], Under: keys.Persons, Person: "id"},
		{Table: "network_check", Row: "id", Columns: checkColumns[:], Under: keys.Persons, Person: "application_id"},
		{Table: "ipstack_connection", Row: "CAST(id AS TEXT)", Columns: []string{"access_key"}, Under: keys.Fields},
	}
}
