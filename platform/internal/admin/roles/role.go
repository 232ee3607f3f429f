package roles

import (
	"context"
	"slices"
	"time"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Visibility is a role's ceiling of what is seen of personal data.
type Visibility struct {
	SSN         string `json:"ssn" class:"public" enum:"full,last4"`
	BankAccount string `json:"bank_account" class:"public" enum:"last4,hidden"`
	DateOfBirth string `json:"date_of_birth" class:"public" enum:"full,hidden,year_hidden,day_year_hidden,month_year_hidden"`
}

// Role is a role as the API shows one.
type Role struct {
	ID          id.Role    `json:"id" class:"public"`
	Name        string     `json:"name" class:"public"`
	Description string     `json:"description" class:"public"`
	Shipped     bool       `json:"shipped" class:"public" doc:"it is one of the roles that the product ships"`
	Customized  bool       `json:"customized" class:"public" doc:"a shipped role whose content was changed here"`
	UI          []string   `json:"ui" class:"public" doc:"operations in the screens"`
	API         []string   `json:"api" class:"public" doc:"operations in the API"`
	Visibility  Visibility `json:"visibility"`
	Holders     int        `json:"holders" class:"public" doc:"users who hold it now"`
	ChangedAt   string     `json:"changed_at" class:"public" doc:"last change; empty: as it was shipped"`
	ChangedBy   string     `json:"changed_by" class:"public"`
	Version     int64      `json:"version" class:"public" doc:"changes with every change; send it back with an edit"`
	LentFrom    id.Role    `json:"lent_from,omitempty" class:"public" doc:"lent by a granted request: what this role holds, and more; it is not edited"`
}

// Ref names a role in a path.
type Ref struct {
	ID id.Role `path:"id"`
}

// ListOut is all roles by name.
type ListOut struct {
	Items []Role `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

func (d *Desk) list() *gate.Op[admin.Nothing, ListOut] {
	return look("role.list", "List roles", "Roles", "/roles", func(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*ListOut, error) {
		counts, err := policy.BearerCounts(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &ListOut{Items: []Role{}}
		for _, r := range c.Policy.Roles() {
			out.Items = append(out.Items, *shown(r, counts[r.ID]))
		}
		out.Total = len(out.Items)
		return out, nil
	})
}

func (d *Desk) view() *gate.Op[Ref, Role] {
	o := look("role.view", "View role", "Roles", "/roles/{id}", func(ctx context.Context, c *gate.Call, in *Ref) (*Role, error) {
		r, err := held(c, in.ID)
		if err != nil {
			return nil, err
		}
		counts, err := policy.BearerCounts(ctx, c.Tx)
		return shown(r, counts[r.ID]), err
	})
	o.Object = func(in *Ref) string { return object(in.ID) }
	return o
}

func shown(r *policy.Role, holders int) *Role {
	return &Role{ID: r.ID, Name: r.Name, Description: r.Description, Shipped: r.Shipped != "", Customized: r.Customized, UI: sorted(r.UI), API: sorted(r.API),
		Visibility: shownVisibility(r.Visibility), Holders: holders, ChangedAt: instant(r.ChangedAt), ChangedBy: r.ChangedBy,
		Version: r.ChangedAt, LentFrom: r.From}
}

func shownVisibility(v secret.Visibility) Visibility {
	return Visibility{SSN: v.SSN, BankAccount: v.BankAccount, DateOfBirth: v.BirthDate}
}

func (v Visibility) stored() secret.Visibility {
	return secret.Visibility{SSN: v.SSN, BankAccount: v.BankAccount, BirthDate: v.DateOfBirth}
}

// sorted gives a list without doubles, in order, never nil.
func sorted(list []string) []string {
	out := slices.Clone(list)
	slices.Sort(out)
	if out = slices.Compact(out); out == nil {
		return []string{}
	}
	return out
}

// minus gives what is in a and not in b; both are sorted.
func minus(a, b []string) []string {
	out := []string{}
	for _, x := range a {
		if _, both := slices.BinarySearch(b, x); !both {
			out = append(out, x)
		}
	}
	return out
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
