package policy

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Role is a set of operations in two trees and a ceiling of what is seen.
type Role struct {
	ID          id.Role
	Name        string
	Description string
	Shipped     string   // the shipped set that it is, "" for the tenant's own
	Customized  bool     // a shipped role whose content is the tenant's own
	UI, API     []string // operation names, sorted
	Visibility  secret.Visibility
	ChangedAt   int64 // last change, unix microseconds; 0: as it was shipped
	ChangedBy   string
	From        id.Role     // of a lent role: the role that it adds to; "" for every other
	More        Addition    // of a lent role: what it adds
	Rights      access.Role // compiled
}

// Addition is what a lent role holds beyond the one that it adds to.
type Addition struct{ UI, API []string }

// lean has a lent role hold what the role that it adds to holds now, and what was
// lent. Without that role it holds what was lent and shows least of personal data.
func (r *Role) lean(on *Role) {
	if on == nil {
		on = &Role{Visibility: secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}}
	}
	r.UI, r.API = with(on.UI, r.More.UI), with(on.API, r.More.API)
	r.Visibility = on.Visibility
}

func with(held, more []string) []string {
	out := slices.Concat(held, more)
	slices.Sort(out)
	return slices.Compact(out)
}

// follows reports whether the role holds what the product ships under its name.
func (r *Role) follows() bool { return r.Shipped != "" && !r.Customized }

// The shipped roles.
const (
	Admin       = "admin"
	Manager     = "manager"
	Agent       = "agent"
	Underwriter = "underwriter"
	Investor    = "investor"
	Intake      = "intake" // of the machine user behind server keys
)

// Shipped gives the roles that every tenant starts with, without ids.
func Shipped() []Role {
	full := secret.Visibility{SSN: "full", BankAccount: "last4", BirthDate: "full"}
	last := secret.Visibility{SSN: "last4", BankAccount: "last4", BirthDate: "year_hidden"}
	none := secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}
	return []Role{
		{Name: "Admin", Shipped: Admin, Description: "Everything, access and keys included.", Visibility: full},
		{Name: "Loan Servicing Manager", Shipped: Manager, Description: "Loans, borrowers and money, with write-offs and reversals.", Visibility: full},
		{Name: "Agent", Shipped: Agent, Description: "Loans and borrowers day by day: payments and notes.", Visibility: last},
		{Name: "Underwriter", Shipped: Underwriter, Description: "Applications, risk score and decisions.", Visibility: full},
		{Name: "Investor", Shipped: Investor, Description: "Looks at loans, within a search restriction.", Visibility: none},
		{Name: "Application intake", Shipped: Intake, Description: "A lender's server that hands in applications.", Visibility: none},
	}
}

// compileRoles compiles the roles, those that lean on others last.
func compileRoles(roles map[id.Role]*Role, ops []Operation) {
	for _, r := range roles {
		if r.From == "" {
			r.compile(ops)
		}
	}
	for _, r := range roles {
		if r.From != "" {
			r.lean(roles[r.From])
			r.compile(ops)
		}
	}
}

// compile fills the rights from the list of operations.
func (r *Role) compile(ops []Operation) {
	if r.follows() {
		r.UI, r.API = nil, nil
	}
	for _, o := range ops {
		if o.Every {
			r.Rights.UI.Set(o.Number)
			r.Rights.API.Set(o.Number)
		}
		if !o.ByRole {
			continue
		}
		if r.follows() && (r.Shipped == Admin || slices.Contains(o.Roles, r.Shipped)) {
			if o.UI {
				r.UI = append(r.UI, o.Name)
			}
			if o.API {
				r.API = append(r.API, o.Name)
			}
		}
		if o.UI && slices.Contains(r.UI, o.Name) {
			r.Rights.UI.Set(o.Number)
		}
		if o.API && slices.Contains(r.API, o.Name) {
			r.Rights.API.Set(o.Number)
		}
	}
}

// Roles lists the roles as stored; shipped ones have no operations until a
// policy is compiled.
func Roles(ctx context.Context, tx *db.Tx) ([]Role, error) {
	return db.All(ctx, tx, func(rows *db.Rows) (Role, error) {
		var r Role
		var ui, api, visibility string
		var customized int64
		err := rows.Scan(&r.ID, &r.Name, &r.Description, &r.Shipped, &customized, &ui, &api, &visibility, &r.ChangedAt, &r.ChangedBy, &r.From)
		if err != nil {
			return r, err
		}
		r.Customized = customized == 1
		if r.UI, err = decode[[]string](ui); err != nil {
			return r, err
		}
		if r.API, err = decode[[]string](api); err != nil {
			return r, err
		}
		if r.From != "" {
			r.More = Addition{UI: r.UI, API: r.API}
		}
		r.Visibility, err = decode[secret.Visibility](visibility)
		return r, err
	}, `SELECT id, name, description, shipped, customized, ui, api, visibility, changed_at, changed_by, lent_from FROM role ORDER BY name`)
}

// Roles lists the compiled roles by name.
func (p *Compiled) Roles() []*Role {
	out := make([]*Role, 0, len(p.roles))
	for _, r := range p.roles {
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b *Role) int { return cmpText(a.Name, b.Name) })
	return out
}

func cmpText(a, b string) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

// AsShipped gives what the product ships under a name: "agent"; nil if it ships
// no such role.
func (p *Compiled) AsShipped(name string) *Role {
	for _, r := range Shipped() {
		if r.Shipped == name {
			r.compile(p.config.Operations)
			return &r
		}
	}
	return nil
}

// InsertRole stores a role; Conflict if the name is taken. Of a lent role it stores
// what it adds.
func InsertRole(ctx context.Context, tx *db.Tx, r Role) error {
	if r.From != "" {
		r.UI, r.API = r.More.UI, r.More.API
	}
	_, err := tx.Exec(ctx, `INSERT INTO role (id, name, description, shipped, ui, api, visibility, changed_at, changed_by, lent_from) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Name, r.Description, r.Shipped, encodeNames(r.UI), encodeNames(r.API), encode(r.Visibility), r.ChangedAt, r.ChangedBy, r.From)
	return nameTaken(err, "role")
}

// UpdateRole replaces a role's name and content; Conflict if the name is taken.
// What a role that follows the product holds is not stored.
func UpdateRole(ctx context.Context, tx *db.Tx, r Role) error {
	customized := int64(0)
	if r.Customized {
		customized = 1
	}
	if r.follows() {
		r.UI, r.API = nil, nil
	}
	_, err := tx.Exec(ctx, `UPDATE role SET name = ?, description = ?, customized = ?, ui = ?, api = ?, visibility = ?, changed_at = ?, changed_by = ? WHERE id = ?`,
		r.Name, r.Description, customized, encodeNames(r.UI), encodeNames(r.API), encode(r.Visibility), r.ChangedAt, r.ChangedBy, r.ID)
	return nameTaken(err, "role")
}

// DeleteRole removes a role that nobody holds, and what address rules say of it.
// Whom it was lent to until a time that is over gets the own role for good.
func DeleteRole(ctx context.Context, tx *db.Tx, rid id.Role) error {
	if _, err := tx.Exec(ctx, `UPDATE staff SET role_id = role_after, role_until = 0, role_after = '' WHERE role_id = ? AND role_until <> 0 AND role_until <= ?`, rid, tx.At); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ip_rule_holder WHERE kind = 'role' AND holder = ?`, rid); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM role WHERE id = ?`, rid)
	return err
}

// Bearer is somebody who holds a role. Later marks those who get it back only
// when the role that they are lent ends.
type Bearer struct {
	User    id.User
	Name    string
	Active  bool
	Machine bool
	Later   bool
}

// Bearers gives who holds a role at the transaction's instant, or gets it back
// later, by name.
func Bearers(ctx context.Context, tx *db.Tx, rid id.Role) ([]Bearer, error) {
	return db.All(ctx, tx, func(rows *db.Rows) (b Bearer, err error) {
		var active, machine, until int64
		var role, after id.Role
		err = rows.Scan(&b.User, &b.Name, &active, &machine, &role, &until, &after)
		if until != 0 && tx.At >= until {
			role = after
		}
		b.Active, b.Machine, b.Later = active == 1, machine == 1, role != rid
		return b, err
	}, `SELECT id, name, active, machine, role_id, role_until, role_after FROM staff
		WHERE role_id = ? AND (role_until = 0 OR role_until > ?) OR role_after = ? ORDER BY name, id`, rid, tx.At, rid)
}

// BearerCounts gives how many users hold each role at the transaction's instant.
func BearerCounts(ctx context.Context, tx *db.Tx) (map[id.Role]int, error) {
	type row struct {
		role id.Role
		n    int
	}
	rows, err := db.All(ctx, tx, func(rows *db.Rows) (x row, err error) { return x, rows.Scan(&x.role, &x.n) },
		`SELECT held.role_id, COUNT(*) FROM (SELECT CASE WHEN role_until <> 0 AND role_until <= ? THEN role_after ELSE role_id END AS role_id FROM staff) AS held
			GROUP BY held.role_id`, tx.At)
	out := make(map[id.Role]int, len(rows))
	for _, x := range rows {
		out[x.role] = x.n
	}
	return out, err
}

func encodeNames(list []string) string {
	if list == nil {
		return "[]"
	}
	return encode(list)
}

// EstablishRoles stores the shipped roles of a new tenant and gives their ids
// by shipped name.
func EstablishRoles(ctx context.Context, tx *db.Tx) (map[string]id.Role, error) {
	out := map[string]id.Role{}
	for _, r := range Shipped() {
		r.ID = id.New[id.Role](tx.At)
		if err := InsertRole(ctx, tx, r); err != nil {
			return nil, err
		}
		out[r.Shipped] = r.ID
	}
	return out, nil
}
