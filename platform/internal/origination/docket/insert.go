package docket

import (
	"context"
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/pii"
)

const nextSeq = `UPDATE application_counter SET last = last + 1 WHERE id = 1`

const insertApplication = `INSERT INTO application (id, seq, first_name, last_name, name_key, surname_key, city, region, postal_code, country,
 email, phone, date_of_birth, ssn, line1, email_index, phone_index, address_index, amount, term_months, purpose, source_company_id, channel, status, outcome,
 verdict_id, machine_id, check_id, asked_id, check_state, created_at, notice_due, decided_at, decided_by, decided_by_name, loan_id, revision)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// Take gives a new application its number. Numbers follow one another without
// gaps, so an application waits here for the one before it to commit.
func (a *Application) Take(ctx context.Context, tx *db.Tx) error {
	if _, err := tx.Exec(ctx, nextSeq); err != nil {
		return err
	}
	return tx.One(ctx, `SELECT last FROM application_counter WHERE id = 1`, nil, &a.Seq)
}

// Seal takes in the applicant's personal fields and the client's address, under
// the key named by the application.
func (a *Application) Seal(ring *keys.Ring, key *keys.PersonKey, p Personal, client netip.Addr) (err error) {
	for i, f := range p.fields() {
		if a.sealed[i], err = seal(key, "application", string(a.ID), sealedColumns[i], []byte(*f)); err != nil {
			return err
		}
	}
	a.emailIndex, a.phoneIndex, a.addressIndex = blind(ring, emailField, emailKey(p.Email)), blind(ring, phoneField, phoneKey(p.Phone)), []byte{}
	where := ""
	if client.IsValid() {
		where = addressKey(client.String())
		a.addressIndex = blind(ring, addressField, where)
	}
	a.sought = sought{email: indexes(ring, emailField, emailKey(p.Email)), phone: indexes(ring, phoneField, phoneKey(p.Phone)), address: indexes(ring, addressField, where)}
	return nil
}

// Insert stores a new application that has been sealed and decided.
func Insert(ctx context.Context, tx *db.Tx, a *Application) error {
	_, err := tx.Exec(ctx, insertApplication, a.ID, a.Seq, a.First, a.Last, Fold(a.First, a.Last), Fold(a.Last, a.First), a.City, a.Region, a.PostalCode, a.Country,
		a.sealed[0], a.sealed[1], a.sealed[2], a.sealed[3], a.sealed[4], a.emailIndex, a.phoneIndex, a.addressIndex, a.Amount, a.Term, pii.Mask(a.Purpose), a.Company, a.Channel, a.Status, a.Outcome,
		a.Verdict, a.Machine, a.Check, a.Asked, a.CheckState, a.CreatedAt, a.stored(), a.DecidedAt, a.DecidedBy, a.DecidedByName, a.Loan, a.Revision)
	return err
}

// Fold brings a name into the form in which names are sorted and searched.
func Fold(parts ...string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
}
