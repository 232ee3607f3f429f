package privacy

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/privacy/register"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// subject is a person whom an erasure or an export is about.
type subject struct {
	register.Person
	object   string
	erasedAt int64
	loans    []loanRow
	apps     []applicationRow
	same     []id.Borrower // records of the same person as a borrower, beside this one
	values   []string      // what tells who it is: empty once erased
}

type loanRow struct {
	id          id.Loan
	number      string
	status      string
	application id.Application
	createdAt   int64
	lastEntry   int64 // when something was last posted; 0: never
}

type applicationRow struct {
	id        id.Application
	seq       int64
	status    string
	loan      id.Loan
	notice    civil.Date
	decidedAt int64 // by a person; 0: not
	verdictAt int64
}

// landed leaves out a borrower whose import has not landed.
const landed = `(b.import_id = '' OR NOT EXISTS (SELECT 1 FROM import_run ir WHERE ir.id = b.import_id AND ir.landed_at = 0))`

// find gives the person that an object stands for, within the scope; NotFound for
// one that it does not show. Whoever sees only part of the book may not act on the
// whole of a person.
func (d *Desk) find(ctx context.Context, c *gate.Call, object string) (*subject, error) {
	s := &subject{object: object}
	noun, ref, _ := strings.Cut(object, "/")
	query, seen := `SELECT b.erased_at FROM borrower b WHERE b.id = ? AND `+landed+` AND `, c.Scope.Borrowers()
	if noun == "application" {
		query, seen = `SELECT a.erased_at FROM application a WHERE a.id = ? AND `, c.Scope.Applications()
	}
	err := c.Tx.One(ctx, query+seen.SQL(), append([]any{ref}, seen.Args()...), &s.erasedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing(noun)
	}
	if err != nil {
		return nil, err
	}
	if !c.Scope.Everything() {
		return nil, fault.New(fault.Denied, "part_of_a_person", "A search restriction hides part of the book from you, and this is about everything that is held of a person. Ask somebody whom none restricts.")
	}
	if noun == "borrower" {
		s.Borrower = id.Borrower(ref)
	} else {
		s.Applications = []id.Application{id.Application(ref)}
	}
	return s, d.gather(ctx, c.Tx, c.Tenant, s)
}

// gather completes a person: loans, and every application of theirs.
func (d *Desk) gather(ctx context.Context, tx *db.Tx, t *tenant.Tenant, s *subject) (err error) {
	if s.Borrower != "" {
		s.loans, err = db.All(ctx, tx, func(r *db.Rows) (l loanRow, err error) {
			return l, r.Scan(&l.id, &l.number, &l.status, &l.application, &l.createdAt, &l.lastEntry)
		}, `SELECT l.id, l.number, l.status, l.application_id, l.created_at, COALESCE((SELECT MAX(e.posted_at) FROM ledger_entry e WHERE e.loan_id = l.id), 0)
			FROM loan l WHERE l.borrower_id = ? ORDER BY l.created_at, l.id`, s.Borrower)
		if err != nil {
			return err
		}
	}
	s.Loans = s.Loans[:0]
	for _, l := range s.loans {
		s.Loans = append(s.Loans, l.id)
		if l.application != "" && !slices.Contains(s.Applications, l.application) {
			s.Applications = append(s.Applications, l.application)
		}
	}
	if err := d.recognize(ctx, tx, t, s); err != nil || len(s.Applications) == 0 {
		return err
	}
	in := db.In("a.id", s.Applications)
	s.apps, err = db.All(ctx, tx, func(r *db.Rows) (a applicationRow, err error) {
		return a, r.Scan(&a.id, &a.seq, &a.status, &a.loan, &a.notice, &a.decidedAt, &a.verdictAt)
	}, `SELECT a.id, a.seq, a.status, a.loan_id, a.notice_due, a.decided_at, COALESCE((SELECT v.at FROM verdict v WHERE v.id = a.verdict_id), a.created_at)
		FROM application a WHERE `+in.SQL()+` ORDER BY a.seq`, in.Args()...)
	return err
}

// recognize reads what tells who the person is, and finds borrowers who are the same
// person and, for a borrower, the applications beside those that became loans.
func (d *Desk) recognize(ctx context.Context, tx *db.Tx, t *tenant.Tenant, s *subject) error {
	if s.erasedAt != 0 {
		return nil
	}
	who, values, err := d.telling(ctx, tx, t, &s.Person)
	if s.values = values; err != nil || who.SSN == "" {
		return err
	}
	if s.same, err = d.config.Same(ctx, tx, t, who); err != nil || s.Borrower == "" {
		return err
	}
	s.same = slices.DeleteFunc(s.same, func(b id.Borrower) bool { return b == s.Borrower })
	kin, err := d.config.Kin(ctx, tx, t, who)
	for _, a := range kin {
		if !slices.Contains(s.Applications, a) {
			s.Applications = append(s.Applications, a)
		}
	}
	return err
}

// telling reads what tells who a person is, as far as it is still there.
func (d *Desk) telling(ctx context.Context, tx *db.Tx, t *tenant.Tenant, p *register.Person) (who Known, values []string, err error) {
	held, err := register.Held(ctx, tx, t.Persons, d.identities(), p)
	for _, section := range held {
		for _, row := range section.Rows {
			for _, v := range row {
				switch {
				case v.Text == "", v.Text == secret.ErasedText: // under a key that is gone
					continue
				case v.Name == "email":
					who.Email = v.Text
				case v.Name == "phone":
					who.Phone = v.Text
				case v.Name == "ssn":
					who.SSN = v.Text
				}
				values = append(values, v.Text)
			}
		}
	}
	return who, values, err
}

// identities are the tables and columns that tell who somebody is.
func (d *Desk) identities() []register.Table {
	var out []register.Table
	for _, t := range d.config.Register {
		if t.Name == "borrower" || t.Name == "application" {
			t.Words, t.Kept, t.Lists = strings.ReplaceAll(t.Words, "purpose", ""), "", ""
			out = append(out, t)
		}
	}
	return out
}

// lock holds other writers off the person's own rows, and off holds on the trail, until
// the transaction ends.
func (s *subject) lock(ctx context.Context, tx *db.Tx) error {
	if err := lockTrail(ctx, tx); err != nil {
		return err
	}
	in := db.In("id", append([]id.Borrower{s.Borrower}, s.same...))
	if _, err := tx.Exec(ctx, `UPDATE borrower SET updated_at = updated_at WHERE `+in.SQL(), in.Args()...); err != nil || len(s.Applications) == 0 {
		return err
	}
	in = db.In("id", s.Applications)
	_, err := tx.Exec(ctx, `UPDATE application SET revision = revision WHERE `+in.SQL(), in.Args()...)
	return err
}

// lockTrail holds erasures and holds on the trail off each other.
func lockTrail(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE privacy_setting SET changed_at = changed_at WHERE id = 1`)
	return err
}
