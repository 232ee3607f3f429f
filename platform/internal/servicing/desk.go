package servicing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/shelf"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/sight"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Config is what the roof hands in.
type Config struct {
	// AccessChanged wakes whoever runs BuildVisibleSets for a tenant; it must
	// not block. Nil: nobody.
	AccessChanged func(*tenant.Tenant)
}

// Desk is the servicing desk with its operations.
type Desk struct {
	config Config
	keeper sight.Keeper
	few    int // of LoanQuery; 0 = its own standard

	*shelf.Desk // portfolios, source companies, custom fields

	LoanList       *gate.Op[LoanListIn, LoanListOut]
	LoanExport     *gate.Op[LoanExportIn, gate.Chunk]
	LoanView       *gate.Op[LoanRef, LoanOut]
	LoanCreate     *gate.Op[LoanCreateIn, LoanMade]
	ScheduleView   *gate.Op[LoanRef, ScheduleOut]
	PaymentList    *gate.Op[EntryListIn, EntryListOut]
	PaymentLog     *gate.Op[PaymentLogIn, PostedOut]
	FeeCharge      *gate.Op[FeeChargeIn, PostedOut]
	AdjustmentPost *gate.Op[AdjustmentPostIn, PostedOut]
	WriteOff       *gate.Op[WriteOffIn, PostedOut]
	EntryReverse   *gate.Op[EntryReverseIn, PostedOut]
	PayoffView     *gate.Op[PayoffIn, PayoffOut]
	NoteList       *gate.Op[NoteListIn, NoteListOut]
	NoteAdd        *gate.Op[NoteAddIn, NoteOut]
	StatusSet      *gate.Op[StatusSetIn, StatusOut]
	CustomSet      *gate.Op[CustomSetIn, CustomSetOut]
	BorrowerList   *gate.Op[BorrowerListIn, BorrowerListOut]
	BorrowerView   *gate.Op[BorrowerRef, BorrowerOut]
	BorrowerCreate *gate.Op[BorrowerCreateIn, BorrowerMade]
	BorrowerUpdate *gate.Op[BorrowerUpdateIn, BorrowerOut]
	SearchSSN      *gate.Op[SSNIn, BorrowerListOut]
	SearchContact  *gate.Op[ContactIn, BorrowerListOut]
	BorrowerReveal *gate.Op[BorrowerRevealIn, RevealOut]
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.loanOperations()
	d.exportOperations()
	d.moneyOperations()
	d.paperOperations()
	d.borrowerOperations()
	d.SearchSSN = exact(d, "borrower.search.ssn", "Find borrower by social security number", "/borrowers/search/ssn", "manager", func(in *SSNIn) (string, string) { return "ssn", in.SSN })
	d.SearchContact = exact(d, "borrower.search.contact", "Find borrower by e-mail or phone", "/borrowers/search/contact", "manager agent", (*ContactIn).field)
	d.Desk = shelf.New(shelf.Config{List: d.filtered, Keep: d.keep, Changed: d.accessChanged})
	return d
}

// Operations lists the desk's operations for the gate.
func (d *Desk) Operations() []gate.Entry {
	return append(d.Desk.Operations(),
		d.LoanList, d.LoanExport, d.LoanView, d.LoanCreate, d.ScheduleView, d.PaymentList, d.PaymentLog, d.FeeCharge, d.AdjustmentPost, d.WriteOff,
		d.EntryReverse, d.PayoffView, d.NoteList, d.NoteAdd, d.StatusSet, d.CustomSet,
		d.BorrowerList, d.BorrowerView, d.BorrowerCreate, d.BorrowerUpdate, d.BorrowerReveal, d.SearchSSN, d.SearchContact,
	)
}

// Vocabulary gives what search restrictions may speak of.
func (d *Desk) Vocabulary(ctx context.Context, tx *db.Tx) (policy.Vocabulary, error) {
	return book.Vocabulary(ctx, tx)
}

// BuildVisibleSets makes the rows behind quick restricted pages; the roof runs
// it in the background at start and after access has changed.
func (d *Desk) BuildVisibleSets(ctx context.Context, t *tenant.Tenant) error {
	return sight.Build(ctx, t)
}

// keep brings visible sets up to date after a change of loans.
func (d *Desk) keep(ctx context.Context, c *gate.Call, loans ...id.Loan) error {
	return d.keeper.Keep(ctx, c.Tx, c.Policy.Vocabulary().Loans, c.Today, loans...)
}

// Moved is keep after an erasure has taken the borrower's name from loans.
func (d *Desk) Moved(ctx context.Context, c *gate.Call, loans []id.Loan) error {
	return d.keep(ctx, c, loans...)
}

// keepPosted is keep after an entry of the loan's ledger.
func (d *Desk) keepPosted(ctx context.Context, c *gate.Call, loan id.Loan) error {
	return d.keeper.Posted(ctx, c.Tx, c.Policy.Vocabulary().Loans, c.Today, loan)
}

func (d *Desk) accessChanged(c *gate.Call) {
	if f := d.config.AccessChanged; f != nil {
		t := c.Tenant
		c.After(func() { f(t) })
	}
}

// Paging is the part of every list's input that says which page is meant.
type Paging struct {
	Cursor string `query:"cursor" json:"-" maxLength:"2000" required:"false" doc:"The next of the page before; bound to the caller and to the same filters."`
	Limit  int    `query:"limit" json:"-" minimum:"1" maximum:"200" required:"false" doc:"Items a page, 50 unless told."`
	Total  string `query:"total" json:"-" enum:"exact" required:"false" doc:"exact: count all, also with filters."`
}

func (p Paging) limit() (int, error) {
	switch {
	case p.Limit == 0:
		return 50, nil
	case p.Limit < 1 || p.Limit > 200:
		return 0, fault.Bad("limit", "Give a number between 1 and 200.")
	}
	return p.Limit, nil
}

func (p Paging) exact() (bool, error) {
	if p.Total != "" && p.Total != "exact" {
		return false, fault.Bad("total", `Leave it out or write "exact".`)
	}
	return p.Total == "exact", nil
}

// cursorPurpose binds a cursor to the caller, the operation and the filters.
func cursorPurpose(c *gate.Call, list string, filter any) string {
	b, err := json.Marshal(filter)
	if err != nil {
		panic(err) // filters are structs of texts
	}
	h := sha256.Sum256(b)
	return "cursor " + list + " " + c.Who.String() + " " + hex.EncodeToString(h[:])
}

func sealCursor(c *gate.Call, list string, filter, mark any) string {
	b, err := json.Marshal(mark)
	if err != nil {
		panic(err) // marks are structs of texts and numbers
	}
	return c.Tenant.Ring.SealToken(cursorPurpose(c, list, filter), b)
}

// openCursor reads a cursor into mark; false if none was given.
func openCursor(c *gate.Call, list string, filter any, cursor string, mark any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	b, err := c.Tenant.Ring.OpenToken(cursorPurpose(c, list, filter), cursor)
	if err != nil || json.Unmarshal(b, mark) != nil {
		return false, fault.Bad("cursor", "Take the cursor from the page before, with the same filters and the same caller, or begin without one.")
	}
	return true, nil
}

func totalIs(exact bool) string {
	if exact {
		return "exact"
	}
	return "at_least"
}

func instant(at int64) string { return time.UnixMicro(at).UTC().Format(time.RFC3339) }

// text checks a free text of an input.
func text(c *fault.Collector, field, value string, atLeast, atMost int) string {
	value = strings.TrimSpace(value)
	clean := strings.NewReplacer("\n", "", "\t", "", "\r", "").Replace(value)
	switch {
	case len(value) > atMost || !book.Plain(clean, atMost):
		c.Add(field, fmt.Sprintf("Use at most %d bytes without control characters.", atMost))
	case len(value) < atLeast:
		c.Add(field, "This cannot be left empty.")
	}
	return value
}
