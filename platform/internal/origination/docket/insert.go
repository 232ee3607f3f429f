package docket

import (
	"context"
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/keys"
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
	a.emailIndex, a.phoneIndex = EmailIndex(ring, p.Email), PhoneIndex(ring, p.Phone)
	a.addressIndex = []byte{}
	if client.IsValid() {
		a.addressIndex = ring.BlindIndex("application.address", httpserve.PrefixKey(client.Unmap()))
	}
	return nil
}

// Insert stores a new application that has been sealed and decided.
func Insert(ctx context.Context, tx *db.Tx, a *Application) error {
	_, err := tx.Exec(ctx, insertApplication, a.ID, a.Seq, a.First, a.Last, Fold(a.First, a.Last), Fold(a.Last, a.First), a.City, a.Region, a.PostalCode, a.Country,
		a.sealed[0], a.sealed[1], a.sealed[2], a.sealed[3], a.sealed[4], a.emailIndex, a.phoneIndex, a.addressIndex, a.Amount, a.Term, a.Purpose, a.Company, a.Channel, a.Status, a.Outcome,
		a.Verdict, a.Machine, a.Check, a.Asked, a.CheckState, a.CreatedAt, a.stored(), a.DecidedAt, a.DecidedBy, a.DecidedByName, a.Loan, a.Revision)
	return err
}

const (
	countFromAddress = `SELECT COUNT(*) FROM application WHERE address_index = ? AND created_at > ? AND created_at <= ? AND id <> ?`
	countOpen        = `SELECT COUNT(*) FROM application WHERE id IN (SELECT id FROM application WHERE email_index = ? AND email_index <> ?
 UNION SELECT id FROM application WHERE phone_index = ? AND phone_index <> ?) AND status IN ('` + Waiting + `', '` + Review + `') AND id <> ?`
	day = 24 * 3600 * 1_000_000
)

// FromAddress counts the applications from the same internet address in the 24
// hours up to this one, this one included; 0 if it has no address.
func FromAddress(ctx context.Context, tx *db.Tx, a *Application) (n int64, err error) {
	if len(a.addressIndex) == 0 {
		return 0, nil
	}
	err = tx.One(ctx, countFromAddress, []any{a.addressIndex, a.CreatedAt - day, a.CreatedAt, a.ID}, &n)
	return n + 1, err
}

// OpenElsewhere counts the other applications of the same person, known by
// e-mail or telephone, that are not yet decided.
func OpenElsewhere(ctx context.Context, tx *db.Tx, a *Application) (n int64, err error) {
	err = tx.One(ctx, countOpen, []any{a.emailIndex, []byte{}, a.phoneIndex, []byte{}, a.ID}, &n)
	return n, err
}

// Fold brings a name into the form in which names are sorted and searched.
func Fold(parts ...string) string {
	return strings.ToLower(strings.Join(strings.Fields(strings.Join(parts, " ")), " "))
}

// EmailIndex gives the blind index of an e-mail address.
func EmailIndex(ring *keys.Ring, email string) []byte {
	if email = strings.ToLower(strings.TrimSpace(email)); email == "" {
		return []byte{}
	}
	return ring.BlindIndex("application.email", email)
}

// PhoneIndex gives the blind index of a telephone number: its digits, without
// the leading 1 of a North American one.
func PhoneIndex(ring *keys.Ring, phone string) []byte {
	digits := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, phone)
	if len(digits) == 11 {
		digits = strings.TrimPrefix(digits, "1")
	}
	if digits == "" {
		return []byte{}
	}
	return ring.BlindIndex("application.phone", digits)
}
