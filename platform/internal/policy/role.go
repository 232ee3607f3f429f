package policy

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
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
	UI, API     []string // operation names, sorted
	Visibility  secret.Visibility
	Rights      access.Role // compiled
}

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

// compile fills the rights from the list of operations.
func (r *Role) compile(ops []Operation) {
	if r.Shipped != "" {
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
		held := r.Shipped == Admin || slices.Contains(o.Roles, r.Shipped)
		if r.Shipped != "" && held {
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
		err := rows.Scan(&r.ID, &r.Name, &r.Description, &r.Shipped, &ui, &api, &visibility)
		if err != nil {
			return r, err
		}
		if r.UI, err = decode[[]string](ui); err != nil {
			return r, err
		}
		if r.API, err = decode[[]string](api); err != nil {
			return r, err
		}
		r.Visibility, err = decode[secret.Visibility](visibility)
		return r, err
	}, `SELECT id, name, description, shipped, ui, api, visibility FROM role ORDER BY name`)
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

// InsertRole stores a role; Conflict if the name is taken.
func InsertRole(ctx context.Context, tx *db.Tx, r Role) error {
	list := func(v []string) string {
		if v == nil {
			v = []string{}
		}
		return encode(v)
	}
	_, err := tx.Exec(ctx, `INSERT INTO role (id, name, description, shipped, ui, api, visibility) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		r.ID, r.Name, r.Description, r.Shipped, list(r.UI), list(r.API), encode(r.Visibility))
	if db.IsDuplicate(err) {
		return fault.New(fault.Conflict, "name_taken", "Another role has this name.")
	}
	return err
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
