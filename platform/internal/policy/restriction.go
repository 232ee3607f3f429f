package policy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

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
	Limits       []Limit // how much of what is visible may be seen and done
	CreatedAt    int64
	ChangedAt    int64 // last change; 0: as it was made
	ChangedBy    string
	Lent         []id.Loan // loans that it does not hide from the subject that it was compiled for

	Broken      bool // stored text that no longer compiles: hides everything
	Loan        *rule.Expr
	Borrower    *rule.Expr // nil: only through loans
	Application *rule.Expr // nil: none
}

// Compile checks the expressions against the vocabulary; the fault names the
// field, the position and the meaning.
func (r *Restriction) Compile(v Vocabulary) error {
	var c fault.Collector
	var err error
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
	for i := range r.Limits {
		c.Merge(fmt.Sprintf("limits[%d]", i), r.Limits[i].compile(v))
	}
	if r.Visible == "" {
		c.Add("visible", `Say which loans may be seen, for example loan.portfolios.overlaps(["Acme"]).`)
	}
	if r.Loan = compile("visible", r.Visible, v.Loans); r.Loan != nil && c.Err() == nil {
		if r.Loan, err = r.narrowed(v); err != nil {
			c.Add("visible", "This and the limits that hide the summary are too long or too deep together; make them shorter.")
		}
	}
	r.Borrower = compile("borrowers", r.Borrowers, v.Borrowers)
	r.Application = compile("applications", r.Applications, v.Applications)
	return c.Err()
}

const restrictionColumns = `r.id, r.name, r.visible, r.borrowers, r.applications, r.limits, r.created_at, r.changed_at, r.changed_by`

func scanRestriction(scan func(...any) error) (*Restriction, error) {
	r := new(Restriction)
	var limits string
	if err := scan(&r.ID, &r.Name, &r.Visible, &r.Borrowers, &r.Applications, &limits, &r.CreatedAt, &r.ChangedAt, &r.ChangedBy); err != nil {
		return nil, err
	}
	var err error
	r.Limits, err = decode[[]Limit](limits)
	return r, err
}

// held finds the restrictions that bind a user, own and through teams.
const held = `(SELECT s.restriction_id FROM staff_restriction s WHERE s.user_id = ?
	UNION SELECT t.restriction_id FROM team_restriction t JOIN team_member m ON m.team_id = t.team_id WHERE m.user_id = ?)`

// restrictionsOf gives the restrictions that bind a user now, and the instant
// at which one that is paused binds again; 0 for never.
func restrictionsOf(ctx context.Context, tx *db.Tx, user id.User) (list []*Restriction, until int64, err error) {
	type row struct {
		*Restriction
		paused int64
	}
	rows, err := db.All(ctx, tx, func(rows *db.Rows) (x row, err error) {
		x.Restriction, err = scanRestriction(func(dest ...any) error { return rows.Scan(append(dest, &x.paused)...) })
		return x, err
	}, `SELECT `+restrictionColumns+`, COALESCE((SELECT p.until FROM restriction_pause p WHERE p.user_id = ? AND p.restriction_id = r.id), 0)
		FROM search_restriction r WHERE r.id IN `+held+` ORDER BY r.id`, user, user, user)
	for _, x := range rows {
		if x.paused > tx.At {
			until = sooner(until, x.paused)
			continue
		}
		list = append(list, x.Restriction)
	}
	return list, until, err
}

// RestrictedUsers gives the active users whom any restriction binds, own or
// through a team.
func RestrictedUsers(ctx context.Context, tx *db.Tx) ([]id.User, error) {
	return db.All(ctx, tx, func(r *db.Rows) (u id.User, err error) { return u, r.Scan(&u) }, `SELECT u.id FROM staff u WHERE u.active = 1 AND u.id IN
		(SELECT user_id FROM staff_restriction UNION SELECT m.user_id FROM team_member m JOIN team_restriction t ON t.team_id = m.team_id) ORDER BY u.id`)
}

// Pause lets a restriction not bind a person before an instant.
func Pause(ctx context.Context, tx *db.Tx, u id.User, r id.Restriction, until int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO restriction_pause (user_id, restriction_id, until) VALUES (?, ?, ?)
		ON CONFLICT (user_id, restriction_id) DO UPDATE SET until = excluded.until`, u, r, until)
	return err
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
	_, err := tx.Exec(ctx, `INSERT INTO search_restriction (id, name, visible, borrowers, applications, limits, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Name, r.Visible, r.Borrowers, r.Applications, encodeLimits(r.Limits), tx.At)
	return nameTaken(err, "search restriction")
}

// UpdateRestriction replaces a restriction's name, expressions and limits.
func UpdateRestriction(ctx context.Context, tx *db.Tx, r *Restriction) error {
	_, err := tx.Exec(ctx, `UPDATE search_restriction SET name = ?, visible = ?, borrowers = ?, applications = ?, limits = ?, changed_at = ?, changed_by = ? WHERE id = ?`,
		r.Name, r.Visible, r.Borrowers, r.Applications, encodeLimits(r.Limits), r.ChangedAt, r.ChangedBy, r.ID)
	return nameTaken(err, "search restriction")
}

// DeleteRestriction removes one that nobody holds; Conflict otherwise.
func DeleteRestriction(ctx context.Context, tx *db.Tx, rid id.Restriction) error {
	if _, err := tx.Exec(ctx, `DELETE FROM restriction_pause WHERE restriction_id = ?`, rid); err != nil {
		return err
	}
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
			return named(err, "search_restrictions", "Name search restrictions that exist, each once.")
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
