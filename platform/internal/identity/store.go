package identity

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Staff is a member of staff or a machine user.
type Staff struct {
	ID           id.User
	Email        string // lower case
	Name         string
	Role         id.Role
	Active       bool
	Machine      bool // has keys and no sign-in
	PasswordHash string
	PasswordAt   int64
	Failures     int64
	LockedUntil  int64
	CreatedAt    int64
	Grantable    string  // JSON list of the operations that the person may give away; "" follows the role
	RoleUntil    int64   // until when Role is lent; 0: for good
	RoleAfter    id.Role // the role that comes back then
	MustChange   bool    // the password must be changed before anything else
}

// NormalEmail is the form in which log-in names are stored and compared.
func NormalEmail(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// PersonName reports whether a text can be a person's name: 1 to 200 characters, none
// of them a control character.
func PersonName(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && utf8.RuneCountInString(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

const staffColumns = `id, email, name, role_id, active, machine, password_hash, password_at, failures, locked_until, created_at,
	grantable, role_until, role_after, password_must_change`

func scanStaff(scan func(...any) error) (Staff, error) {
	var s Staff
	var active, machine, must int64
	err := scan(&s.ID, &s.Email, &s.Name, &s.Role, &active, &machine, &s.PasswordHash, &s.PasswordAt, &s.Failures, &s.LockedUntil, &s.CreatedAt,
		&s.Grantable, &s.RoleUntil, &s.RoleAfter, &must)
	s.Active, s.Machine, s.MustChange = active == 1, machine == 1, must == 1
	return s, err
}

// StaffByID reads one member of staff; NotFound if there is none.
func StaffByID(ctx context.Context, tx *db.Tx, u id.User) (Staff, error) {
	return oneStaff(ctx, tx, `SELECT `+staffColumns+` FROM staff WHERE id = ?`, u)
}

// StaffByEmail reads one member of staff by log-in name; NotFound if there is none.
func StaffByEmail(ctx context.Context, tx *db.Tx, email string) (Staff, error) {
	return oneStaff(ctx, tx, `SELECT `+staffColumns+` FROM staff WHERE email = ?`, NormalEmail(email))
}

func oneStaff(ctx context.Context, tx *db.Tx, query string, arg any) (Staff, error) {
	s, err := scanStaff(func(dest ...any) error { return tx.One(ctx, query, []any{arg}, dest...) })
	if errors.Is(err, sql.ErrNoRows) {
		return s, fault.Missing("user")
	}
	return s, err
}

// AllStaff lists the members of staff by name.
func AllStaff(ctx context.Context, tx *db.Tx) ([]Staff, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Staff, error) { return scanStaff(r.Scan) },
		`SELECT `+staffColumns+` FROM staff ORDER BY name, id`)
}

// InsertStaff adds a member of staff; Conflict if the log-in name is taken.
func InsertStaff(ctx context.Context, tx *db.Tx, s Staff) error {
	_, err := tx.Exec(ctx, `INSERT INTO staff (`+staffColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		s.ID, NormalEmail(s.Email), s.Name, s.Role, bit(s.Active), bit(s.Machine), s.PasswordHash, s.PasswordAt, s.Failures, s.LockedUntil, s.CreatedAt,
		s.Grantable, s.RoleUntil, s.RoleAfter, bit(s.MustChange))
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "email_taken", "Another user has this e-mail address.")
	}
	return err
}

// UpdateStaff changes name, role (lent or for good), grantable set and whether
// the user is active.
func UpdateStaff(ctx context.Context, tx *db.Tx, s Staff) error {
	_, err := tx.Exec(ctx, `UPDATE staff SET name = ?, role_id = ?, active = ?, grantable = ?, role_until = ?, role_after = ? WHERE id = ?`,
		s.Name, s.Role, bit(s.Active), s.Grantable, s.RoleUntil, s.RoleAfter, s.ID)
	return err
}

// SetPassword stores a new hash, remembers the one before and ends every session but
// keep. Failures and a lock stay: whoever reads a person's mail could otherwise guess
// the second factor without end. The caller's operation must bump the policy
// version: how old the password is stands in the compiled policy.
func SetPassword(ctx context.Context, tx *db.Tx, u id.User, phc string, keep id.Session) error {
	if err := remember(ctx, tx, u); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE staff SET password_hash = ?, password_at = ?, password_must_change = 0 WHERE id = ?`, phc, tx.At, u); err != nil {
		return err
	}
	_, err := EndOtherSessions(ctx, tx, u, keep)
	return err
}

// SetFailures stores the count of wrong passwords and the end of a lock.
func SetFailures(ctx context.Context, tx *db.Tx, u id.User, failures, lockedUntil int64) error {
	_, err := tx.Exec(ctx, `UPDATE staff SET failures = ?, locked_until = ? WHERE id = ?`, failures, lockedUntil, u)
	return err
}

// Opening is a session that begins. FactorAt and ProvedAt are zero until the
// person has given a second factor, or proved themselves under an exception.
type Opening struct {
	ID                 id.Session
	TokenHash          []byte
	User               id.User
	Address, Agent     string
	FactorAt, ProvedAt int64
}

// InsertSession opens a session.
func InsertSession(ctx context.Context, tx *db.Tx, o Opening) error {
	_, err := tx.Exec(ctx, `INSERT INTO session (id, token_hash, user_id, created_at, seen_at, ends_at, ended_at, address, user_agent, factor_at, proved_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?)`, o.ID, o.TokenHash, o.User, tx.At, tx.At, tx.At+SessionAbsolute, o.Address, o.Agent, o.FactorAt, o.ProvedAt)
	return err
}

// EndSession ends one session.
func EndSession(ctx context.Context, tx *db.Tx, s id.Session) error {
	_, err := tx.Exec(ctx, `UPDATE session SET ended_at = ? WHERE id = ? AND ended_at = 0`, tx.At, s)
	return err
}

// EndSessions ends every session of a user.
func EndSessions(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `UPDATE session SET ended_at = ? WHERE user_id = ? AND ended_at = 0`, tx.At, u)
	return err
}

// Touch notes when a session was last seen or a key last used.
func Touch(ctx context.Context, tx *db.Tx, s id.Session, k id.APIKey, at int64, address string) error {
	if k != "" {
		_, err := tx.Exec(ctx, `UPDATE api_key SET used_at = ?, used_address = ? WHERE id = ? AND used_at < ?`, at, address, k, at)
		return err
	}
	_, err := tx.Exec(ctx, `UPDATE session SET seen_at = ? WHERE id = ? AND seen_at < ?`, at, s, at)
	return err
}

// Reset is a password reset that was asked for.
type Reset struct {
	User   id.User
	EndsAt int64
	UsedAt int64
}

// InsertReset stores the hash of a reset link, or of an invitation.
func InsertReset(ctx context.Context, tx *db.Tx, tokenHash []byte, u id.User, endsAt int64, invitation bool) error {
	_, err := tx.Exec(ctx, `INSERT INTO password_reset (token_hash, user_id, created_at, ends_at, used_at, invitation) VALUES (?, ?, ?, ?, 0, ?)`,
		tokenHash, u, tx.At, endsAt, bit(invitation))
	return err
}

// EndInvitations makes the invitations that a user was sent before good for
// nothing.
func EndInvitations(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `UPDATE password_reset SET used_at = ? WHERE user_id = ? AND invitation = 1 AND used_at = 0`, tx.At, u)
	return err
}

// InvitedUntil tells until when a user can follow an invitation; 0 if there is
// none to follow.
func InvitedUntil(ctx context.Context, tx *db.Tx, u id.User) (until int64, err error) {
	err = tx.One(ctx, `SELECT COALESCE(MAX(ends_at), 0) FROM password_reset WHERE user_id = ? AND invitation = 1 AND used_at = 0 AND ends_at > ?`, []any{u, tx.At}, &until)
	return until, err
}

// LiveResets counts the reset links of a user that could still be used.
func LiveResets(ctx context.Context, tx *db.Tx, u id.User) (n int64, err error) {
	err = tx.One(ctx, `SELECT count(*) FROM password_reset WHERE user_id = ? AND used_at = 0 AND invitation = 0 AND ends_at > ?`, []any{u, tx.At}, &n)
	return n, err
}

// FindReset reads a reset by its token's hash; NotFound if there is none.
func FindReset(ctx context.Context, tx *db.Tx, tokenHash []byte) (Reset, error) {
	var r Reset
	err := tx.One(ctx, `SELECT user_id, ends_at, used_at FROM password_reset WHERE token_hash = ?`, []any{tokenHash}, &r.User, &r.EndsAt, &r.UsedAt)
	if errors.Is(err, sql.ErrNoRows) {
		return r, fault.Missing("reset link")
	}
	return r, err
}

// UseReset marks every open reset of a user as used.
func UseReset(ctx context.Context, tx *db.Tx, u id.User) error {
	_, err := tx.Exec(ctx, `UPDATE password_reset SET used_at = ? WHERE user_id = ? AND used_at = 0`, tx.At, u)
	return err
}

func bit(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// NamesOf names the people among actors ("user/us_…"), as they are called now;
// who is no person of the staff is left out.
func NamesOf(ctx context.Context, tx *db.Tx, actors []string) (map[string]string, error) {
	out := map[string]string{}
	var people []string
	for _, a := range actors {
		if u, person := strings.CutPrefix(a, "user/"); person && !slices.Contains(people, u) {
			people = append(people, u)
		}
	}
	cond := db.In("id", people)
	_, err := db.All(ctx, tx, func(r *db.Rows) (u string, err error) {
		var name string
		err = r.Scan(&u, &name)
		out["user/"+u] = name
		return u, err
	}, `SELECT id, name FROM staff WHERE `+cond.SQL(), cond.Args()...)
	return out, err
}
