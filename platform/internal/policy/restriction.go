package policy

import (
	"context"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/rule"
)

// Restriction is a search restriction: what its holders may find. A borrower
// is visible through a visible loan or by Borrowers; an application only by
// Applications; empty text there means none.
type Restriction struct {
	ID           id.Restriction
	Name         string
	Visible      string // expressions as written
	Borrowers    string
	Applications string
	CreatedAt    int64

	Broken      bool // stored text that no longer compiles: hides everything
	Loan        *rule.Expr
	Borrower    *rule.Expr // nil: only through loans
	Application *rule.Expr // nil: none
}

// Compile checks the expressions against the vocabulary; the fault names the
// field, the position and the meaning.
func (r *Restriction) Compile(v Vocabulary) error {
	var c fault.Collector
	compile := func(field, text string, words *rule.Vocabulary) *rule.Expr {
		if text == "" {
			return nil
		}
		e, err := words.Compile(text)
		if err != nil {
			c.Merge(field, err)
		}
		return e
	}
	if r.Visible == "" {
		c.Add("visible", `Say which loans may be seen, for example loan.portfolios.overlaps(["Acme"]).`)
	}
	r.Loan = compile("visible", r.Visible, v.Loans)
	r.Borrower = compile("borrowers", r.Borrowers, v.Borrowers)
	r.Application = compile("applications", r.Applications, v.Applications)
	return c.Err()
}

const restrictionColumns = `r.id, r.name, r.visible, r.borrowers, r.applications, r.created_at`

func scanRestriction(scan func(...any) error) (*Restriction, error) {
	r := new(Restriction)
	return r, scan(&r.ID, &r.Name, &r.Visible, &r.Borrowers, &r.Applications, &r.CreatedAt)
}

func restrictionsOf(ctx context.Context, tx *db.Tx, user id.User) ([]*Restriction, error) {
	return db.All(ctx, tx, func(rows *db.Rows) (*Restriction, error) { return scanRestriction(rows.Scan) },
		`SELECT `+restrictionColumns+` FROM search_restriction r JOIN staff_restriction s ON s.restriction_id = r.id WHERE s.user_id = ? ORDER BY r.id`, user)
}

// Restrictions lists all search restrictions by name.
func Restrictions(ctx context.Context, tx *db.Tx) ([]*Restriction, error) {
	return db.All(ctx, tx, func(rows *db.Rows) (*Restriction, error) { return scanRestriction(rows.Scan) },
		`SELECT `+restrictionColumns+` FROM search_restriction r ORDER BY r.name`)
}

// RestrictionByID reads one; NotFound if there is none.
func RestrictionByID(ctx context.Context, tx *db.Tx, rid id.Restriction) (*Restriction, error) {
	r, err := scanRestriction(func(dest ...any) error {
		return tx.One(ctx, `SELECT `+restrictionColumns+` FROM search_restriction r WHERE r.id = ?`, []any{rid}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fault.Missing("search restriction")
	}
	return r, err
}

// InsertRestriction stores a restriction that has been compiled.
func InsertRestriction(ctx context.Context, tx *db.Tx, r *Restriction) error {
	_, err := tx.Exec(ctx, `INSERT INTO search_restriction (id, name, visible, borrowers, applications, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		r.ID, r.Name, r.Visible, r.Borrowers, r.Applications, tx.At)
	return nameTaken(err, "search restriction")
}

// UpdateRestriction replaces a restriction's name and expressions.
func UpdateRestriction(ctx context.Context, tx *db.Tx, r *Restriction) error {
	_, err := tx.Exec(ctx, `UPDATE search_restriction SET name = ?, visible = ?, borrowers = ?, applications = ? WHERE id = ?`,
		r.Name, r.Visible, r.Borrowers, r.Applications, r.ID)
	return nameTaken(err, "search restriction")
}

// DeleteRestriction removes one that nobody holds; Conflict otherwise.
func DeleteRestriction(ctx context.Context, tx *db.Tx, rid id.Restriction) error {
	_, err := tx.Exec(ctx, `DELETE FROM search_restriction WHERE id = ?`, rid)
	if db.IsReference(err) {
		return fault.New(fault.Conflict, "in_use", "This search restriction is assigned to users; take it from them first.")
	}
	return err
}

// Assign replaces the restrictions of a user.
func Assign(ctx context.Context, tx *db.Tx, user id.User, rs []id.Restriction) error {
	if _, err := tx.Exec(ctx, `DELETE FROM staff_restriction WHERE user_id = ?`, user); err != nil {
		return err
	}
	for _, r := range rs {
		if _, err := tx.Exec(ctx, `INSERT INTO staff_restriction (user_id, restriction_id) VALUES (?, ?)`, user, r); err != nil {
			if db.IsReference(err) {
				return fault.Bad("search_restrictions", "Name search restrictions that exist.")
			}
			return err
		}
	}
	return nil
}

// Assigned gives the restriction ids of a user.
func Assigned(ctx context.Context, tx *db.Tx, user id.User) ([]id.Restriction, error) {
	return db.All(ctx, tx, func(rows *db.Rows) (r id.Restriction, err error) { return r, rows.Scan(&r) },
		`SELECT restriction_id FROM staff_restriction WHERE user_id = ? ORDER BY restriction_id`, user)
}

func nameTaken(err error, what string) error {
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "name_taken", "Another "+what+" has this name.")
	}
	return err
}
