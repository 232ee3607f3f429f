package admin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
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
	Shipped     bool       `json:"shipped" class:"public"`
	UI          []string   `json:"ui" class:"public" doc:"operations in the screens"`
	API         []string   `json:"api" class:"public" doc:"operations in the API"`
	Visibility  Visibility `json:"visibility"`
}

// RoleRef names a role in a path.
type RoleRef struct {
	ID id.Role `path:"id"`
}

// RoleListOut is all roles by name.
type RoleListOut struct {
	Items []Role `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

func (d *Desk) roleList() *gate.Op[Nothing, RoleListOut] {
	return look("role.list", "List roles", "Roles", "/roles", func(_ context.Context, c *gate.Call, _ *Nothing) (*RoleListOut, error) {
		out := &RoleListOut{Items: []Role{}}
		for _, r := range c.Policy.Roles() {
			out.Items = append(out.Items, shownRole(r))
		}
		out.Total = len(out.Items)
		return out, nil
	})
}

func (d *Desk) roleView() *gate.Op[RoleRef, Role] {
	o := look("role.view", "View role", "Roles", "/roles/{id}", func(_ context.Context, c *gate.Call, in *RoleRef) (*Role, error) {
		r := c.Policy.Role(in.ID)
		if r == nil {
			return nil, fault.Missing("role")
		}
		out := shownRole(r)
		return &out, nil
	})
	o.Object = func(in *RoleRef) string { return "role/" + string(in.ID) }
	return o
}

func shownRole(r *policy.Role) Role {
	return Role{ID: r.ID, Name: r.Name, Description: r.Description, Shipped: r.Shipped != "", UI: orEmpty(r.UI), API: orEmpty(r.API),
		Visibility: Visibility{SSN: r.Visibility.SSN, BankAccount: r.Visibility.BankAccount, DateOfBirth: r.Visibility.BirthDate}}
}

func orEmpty(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// Operation is one entry of the catalogue.
type Operation struct {
	Name        string `json:"name" class:"public"`
	Title       string `json:"title" class:"public"`
	Area        string `json:"area" class:"public"`
	Screen      string `json:"screen" class:"public" doc:"place in the screen tree; empty if no screen has it"`
	Method      string `json:"method" class:"public"`
	Path        string `json:"path" class:"public"`
	UI          bool   `json:"ui" class:"public"`
	API         bool   `json:"api" class:"public"`
	Kind        string `json:"kind" class:"public" enum:"read,write"`
	Sensitivity string `json:"sensitivity" class:"public" enum:"ordinary,personal,money,security"`
	Audit       string `json:"audit" class:"public"`
}

// OperationListOut is the whole catalogue.
type OperationListOut struct {
	Items []Operation `json:"items"`
	Total int         `json:"total" class:"public"`
	Next  string      `json:"next" class:"public"`
}

func (d *Desk) operationList() *gate.Op[Nothing, OperationListOut] {
	o := look("operation.list", "List operations", "Roles", "/operations", func(_ context.Context, _ *gate.Call, _ *Nothing) (*OperationListOut, error) {
		out := &OperationListOut{Items: []Operation{}}
		for _, m := range d.config.Catalogue() {
			out.Items = append(out.Items, Operation{Name: m.Name, Title: m.Title, Area: m.Area, Screen: m.Screen, Method: m.Method, Path: m.Path,
				UI: m.Screen != "", API: m.Path != "", Kind: m.Kind.String(), Sensitivity: m.Sensitivity.String(), Audit: m.Audit.String()})
		}
		out.Total = len(out.Items)
		return out, nil
	})
	o.Permit, o.Sensitivity = gate.SignedIn, operation.Ordinary
	return o
}
