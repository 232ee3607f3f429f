package book

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Borrower is a borrower's row with the personal fields still sealed.
type Borrower struct {
	ID        id.Borrower
	Reference string
	First     string
	Last      string
	City      string
	Region    string
	Postal    string
	Country   string
	CreatedAt int64
	UpdatedAt int64
	ErasedAt  int64 // since when nothing is written about the person any more; 0: not erased

	sealed [5][]byte // in the order of personal
}

// personal lists the sealed columns.
var personal = [5]string{"email", "phone", "date_of_birth", "ssn", "line1"}

const borrowerColumns = `b.id, b.reference, b.first_name, b.last_name, b.city, b.region, b.postal_code, b.country, b.created_at, b.updated_at, b.email, b.phone, b.date_of_birth, b.ssn, b.line1, b.erased_at`

func (b *Borrower) dest() []any {
	return []any{&b.ID, &b.Reference, &b.First, &b.Last, &b.City, &b.Region, &b.Postal, &b.Country, &b.CreatedAt, &b.UpdatedAt,
		&b.sealed[0], &b.sealed[1], &b.sealed[2], &b.sealed[3], &b.sealed[4], &b.ErasedAt}
}

// Name gives the name as screens print it.
func (b *Borrower) Name() string { return Person{First: b.First, Last: b.Last}.Name() }

// BorrowerByID reads a borrower that the scope shows; NotFound otherwise.
func BorrowerByID(ctx context.Context, tx *db.Tx, sc gate.Scope, text string) (*Borrower, error) {
	bid, err := id.Parse[id.Borrower](text)
	if err != nil {
		return nil, fault.Missing("borrower")
	}
	cond := db.And(sc.Borrowers(), db.Where(landedBorrower))
	if sc.Everything() {
		cond = db.And(db.Where("b.id = ?", bid), cond)
	} else {
		cond = db.This("borrower", "b", bid, cond)
	}
	b := new(Borrower)
	err = tx.One(ctx, `SELECT `+borrowerColumns+` FROM borrower b WHERE `+cond.SQL(), cond.Args(), b.dest()...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("borrower")
	}
	return b, err
}

// Opened opens the personal fields. A destroyed key leaves them empty: the
// person was erased.
func (b *Borrower) Opened(ctx context.Context, store *keys.Store) (Person, error) {
	p := b.plain()
	if b.bare() {
		return p, nil
	}
	key, err := store.Open(ctx, string(b.ID))
	if errors.Is(err, keys.ErrDestroyed) {
		return p, nil
	}
	if err != nil {
		return p, fmt.Errorf("opening the key of %s: %w", b.ID, err)
	}
	return b.openedWith(key)
}

func (b *Borrower) plain() Person {
	return Person{Reference: b.Reference, First: b.First, Last: b.Last, Address: Address{City: b.City, Region: b.Region, PostalCode: b.Postal, Country: b.Country}}
}

func (b *Borrower) bare() bool {
	for _, s := range b.sealed {
		if len(s) > 0 {
			return false
		}
	}
	return true
}

func (b *Borrower) openedWith(key *keys.PersonKey) (Person, error) {
	p := b.plain()
	var text [5]string
	for i, column := range personal {
		if len(b.sealed[i]) == 0 {
			continue
		}
		plain, err := key.Unseal("borrower", string(b.ID), column, b.sealed[i])
		if err != nil {
			return p, fmt.Errorf("borrower %s, %s: %w", b.ID, column, err)
		}
		text[i] = string(plain)
	}
	p.Email, p.Phone, p.SSN, p.Address.Line1 = text[0], text[1], text[3], text[4]
	if text[2] != "" {
		d, err := civil.Parse(text[2])
		if err != nil {
			return p, fmt.Errorf("borrower %s, date_of_birth: %w", b.ID, err)
		}
		p.Birth = d
	}
	return p, nil
}

// sealedRow gives the values of the sealed columns and of the blind indexes.
func sealedRow(ring *keys.Ring, key *keys.PersonKey, bid id.Borrower, p Person) ([]any, error) {
	out := make([]any, 0, 8)
	for i, text := range [5]string{p.Email, p.Phone, p.Birth.String(), p.SSN, p.Address.Line1} {
		if text == "" {
			out = append(out, []byte{})
			continue
		}
		s, err := key.Seal("borrower", string(bid), personal[i], []byte(text))
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	blind := func(field, normalized string) []byte {
		if normalized == "" {
			return []byte{}
		}
		return ring.BlindIndex(field, normalized)
	}
	return append(out, blind("borrower.email", emailKey(p.Email)), blind("borrower.phone", phoneKey(p.Phone)), blind("borrower.ssn", p.SSN)), nil
}

// InsertBorrowerSQL stores one borrower; BorrowerRow gives its values.
const InsertBorrowerSQL = `INSERT INTO borrower (id, reference, first_name, last_name, name_key, surname_key, city, region, postal_code, country,
	email, phone, date_of_birth, ssn, line1, email_index, phone_index, ssn_index, import_id, created_at, updated_at)
	VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// BorrowerRow gives the values of InsertBorrowerSQL for a checked person.
func BorrowerRow(ring *keys.Ring, key *keys.PersonKey, bid id.Borrower, p Person, run string, at int64) ([]any, error) {
	sealed, err := sealedRow(ring, key, bid, p)
	if err != nil {
		return nil, err
	}
	row := append([]any{bid, p.Reference, p.First, p.Last, Fold(p.First, p.Last), Fold(p.Last, p.First), p.Address.City, p.Address.Region, p.Address.PostalCode, p.Address.Country}, sealed...)
	return append(row, run, at, at), nil
}

// AddBorrower stores a checked person with a key of their own.
func AddBorrower(ctx context.Context, tx *db.Tx, t *tenant.Tenant, p Person) (id.Borrower, error) {
	if p.Reference != "" {
		var n int64
		if err := tx.One(ctx, `SELECT COUNT(*) FROM borrower WHERE reference = ?`, []any{p.Reference}, &n); err != nil {
			return "", err
		}
		if n > 0 {
			return "", errReference()
		}
	}
	bid := id.New[id.Borrower](tx.At)
	made, err := t.Persons.Create(ctx, string(bid))
	if err != nil {
		return "", err
	}
	row, err := BorrowerRow(t.Ring, made[string(bid)], bid, p, "", tx.At)
	if err != nil {
		return "", err
	}
	if _, err := tx.Exec(ctx, InsertBorrowerSQL, row...); err != nil {
		if db.IsDuplicate(err) {
			return "", errReference()
		}
		return "", err
	}
	_, err = tx.Exec(ctx, `UPDATE loan_tally SET borrowers = borrowers + 1 WHERE id = 1`)
	return bid, err
}

func errReference() error {
	return fault.New(fault.Conflict, "reference_taken", "Another borrower has this reference.")
}

// UpdateBorrower replaces a borrower's fields and the copies on their loans. It
// gives the loans whose copies moved, for the sets that show them.
func UpdateBorrower(ctx context.Context, tx *db.Tx, t *tenant.Tenant, before *Borrower, p Person) ([]id.Loan, error) {
	key, err := t.Persons.Open(ctx, string(before.ID))
	if errors.Is(err, keys.ErrDestroyed) {
		return nil, ErrErased()
	}
	if err != nil {
		return nil, err
	}
	sealed, err := sealedRow(t.Ring, key, before.ID, p)
	if err != nil {
		return nil, err
	}
	args := append([]any{p.Reference, p.First, p.Last, Fold(p.First, p.Last), Fold(p.Last, p.First), p.Address.City, p.Address.Region, p.Address.PostalCode, p.Address.Country}, sealed...)
	args = append(args, tx.At, before.ID)
	_, err = tx.Exec(ctx, `UPDATE borrower SET reference = ?, first_name = ?, last_name = ?, name_key = ?, surname_key = ?, city = ?, region = ?, postal_code = ?, country = ?,
		email = ?, phone = ?, date_of_birth = ?, ssn = ?, line1 = ?, email_index = ?, phone_index = ?, ssn_index = ?, updated_at = ? WHERE id = ?`, args...)
	if db.IsDuplicate(err) {
		return nil, errReference()
	}
	if err != nil {
		return nil, err
	}
	if before.First == p.First && before.Last == p.Last && before.Region == p.Address.Region && before.Country == p.Address.Country {
		return nil, nil
	}
	if _, err := tx.Exec(ctx, `UPDATE loan SET borrower_key = ?, borrower_region = ?, borrower_country = ?, revision = revision + 1 WHERE borrower_id = ?`,
		Fold(p.Last, p.First), p.Address.Region, p.Address.Country, before.ID); err != nil {
		return nil, err
	}
	return db.All(ctx, tx, func(r *db.Rows) (l id.Loan, err error) { return l, r.Scan(&l) }, `SELECT id FROM loan WHERE borrower_id = ?`, before.ID)
}

// ErrErased refuses to write about somebody who was erased.
func ErrErased() error {
	return fault.New(fault.Conflict, "erased", "This borrower was erased; nothing can be written about the person any more.")
}

// LockBorrower reads a borrower that the scope shows for a change: until the
// transaction ends nobody else changes it. One who was erased is a Conflict.
func LockBorrower(ctx context.Context, tx *db.Tx, sc gate.Scope, text string) (*Borrower, error) {
	b, err := BorrowerByID(ctx, tx, sc, text)
	if err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `UPDATE borrower SET updated_at = ? WHERE id = ?`, tx.At, b.ID); err != nil {
		return nil, err
	}
	if b, err = BorrowerByID(ctx, tx, sc, text); err == nil && b.ErasedAt != 0 {
		return nil, ErrErased()
	}
	return b, err
}
