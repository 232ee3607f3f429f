package shelf

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// New portfolios, companies and custom fields are words of search restrictions,
// and policies are compiled by version: making one is a change of access.
func (d *Desk) settingOperations() {
	d.PortfolioList = &gate.Op[NamedListIn, NamedListOut]{
		Name: "portfolio.list", Title: "List portfolios", Area: "Portfolios", Screen: "Settings/Portfolios", Method: "GET", Path: "/portfolios",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
		Do: func(ctx context.Context, c *gate.Call, _ *NamedListIn) (*NamedListOut, error) {
			return named(book.Portfolios(ctx, c.Tx))
		},
	}
	d.PortfolioCreate = &gate.Op[NamedCreateIn, NamedOut]{
		Name: "portfolio.create", Title: "New portfolio", Area: "Portfolios", Screen: "Settings/Portfolios", Method: "POST", Path: "/portfolios", Status: 201,
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Do: d.portfolioCreate,
	}
	d.CompanyList = &gate.Op[NamedListIn, NamedListOut]{
		Name: "source_company.list", Title: "List source companies", Area: "Portfolios", Screen: "Settings/Source companies", Method: "GET", Path: "/source-companies",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent underwriter",
		Do: func(ctx context.Context, c *gate.Call, _ *NamedListIn) (*NamedListOut, error) {
			return named(book.Companies(ctx, c.Tx))
		},
	}
	d.CompanyCreate = &gate.Op[NamedCreateIn, NamedOut]{
		Name: "source_company.create", Title: "New source company", Area: "Portfolios", Screen: "Settings/Source companies", Method: "POST", Path: "/source-companies", Status: 201,
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Do: d.companyCreate,
	}
	d.CustomFieldList = &gate.Op[NamedListIn, CustomFieldListOut]{
		Name: "custom_field.list", Title: "List custom fields", Area: "Custom fields", Screen: "Settings/Custom fields", Method: "GET", Path: "/custom-fields",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent",
		Do: d.customFieldList,
	}
	d.CustomFieldMake = &gate.Op[CustomFieldCreateIn, CustomFieldOut]{
		Name: "custom_field.create", Title: "New custom field", Area: "Custom fields", Screen: "Settings/Custom fields", Method: "POST", Path: "/custom-fields", Status: 201,
		Kind: operation.Write, Audit: operation.Access, Sensitivity: operation.Security, Permit: gate.ByRole, Roles: "manager",
		Do: d.customFieldCreate,
	}
}

// NamedListIn asks for a short list that comes whole.
type NamedListIn struct{}

// NamedOut is a portfolio or a source company.
type NamedOut struct {
	ID        string `json:"id" class:"public"`
	Name      string `json:"name" class:"public"`
	CreatedAt string `json:"created_at" class:"public"`
}

// instant writes a moment as the API does.
func instant(micros int64) string { return time.UnixMicro(micros).UTC().Format(time.RFC3339) }

// NamedListOut is all of them, by name.
type NamedListOut struct {
	Items   []NamedOut `json:"items"`
	Total   int64      `json:"total" class:"public"`
	TotalIs string     `json:"total_is" class:"public" enum:"exact,at_least"`
}

func named(list []book.Named, err error) (*NamedListOut, error) {
	if err != nil {
		return nil, err
	}
	out := &NamedListOut{Items: make([]NamedOut, len(list)), Total: int64(len(list)), TotalIs: "exact"}
	for i, n := range list {
		out.Items[i] = NamedOut{n.ID, n.Name, instant(n.CreatedAt)}
	}
	return out, nil
}

// NamedCreateIn is a new portfolio or source company.
type NamedCreateIn struct {
	Name string `json:"name" minLength:"1" maxLength:"100"`
}

func (d *Desk) portfolioCreate(ctx context.Context, c *gate.Call, in *NamedCreateIn) (*NamedOut, error) {
	name, err := book.CheckName(in.Name)
	if err != nil {
		return nil, err
	}
	p, err := book.AddPortfolio(ctx, c.Tx, name)
	if err != nil {
		return nil, err
	}
	c.Object("portfolio/" + string(p))
	c.Change("name", "", name)
	d.config.Changed(c)
	return &NamedOut{string(p), name, instant(c.At)}, nil
}

func (d *Desk) companyCreate(ctx context.Context, c *gate.Call, in *NamedCreateIn) (*NamedOut, error) {
	name, err := book.CheckName(in.Name)
	if err != nil {
		return nil, err
	}
	s, err := book.AddCompany(ctx, c.Tx, name)
	if err != nil {
		return nil, err
	}
	c.Object("source_company/" + string(s))
	c.Change("name", "", name)
	d.config.Changed(c)
	return &NamedOut{string(s), name, instant(c.At)}, nil
}

// CustomFieldOut is a custom field of loans.
type CustomFieldOut struct {
	ID        string `json:"id" class:"public"`
	Name      string `json:"name" class:"public"`
	Kind      string `json:"kind" class:"public" enum:"text,int,money,date,bool"`
	Class     string `json:"class" class:"public" enum:"public,personal,sensitive"`
	Default   string `json:"default" class:"public" doc:"What loans without a value of their own have."`
	CreatedAt string `json:"created_at" class:"public"`
}

// CustomFieldListOut is all custom fields, by name.
type CustomFieldListOut struct {
	Items   []CustomFieldOut `json:"items"`
	Total   int64            `json:"total" class:"public"`
	TotalIs string           `json:"total_is" class:"public" enum:"exact,at_least"`
}

func customFieldOut(f book.CustomField) CustomFieldOut {
	return CustomFieldOut{string(f.ID), f.Name, f.Kind, f.Class, f.Write(f.DefaultText, f.DefaultNumber), instant(f.CreatedAt)}
}

func (d *Desk) customFieldList(ctx context.Context, c *gate.Call, _ *NamedListIn) (*CustomFieldListOut, error) {
	list, err := book.CustomFields(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &CustomFieldListOut{Items: []CustomFieldOut{}, Total: int64(len(list)), TotalIs: "exact"}
	for _, f := range list {
		out.Items = append(out.Items, customFieldOut(f))
	}
	return out, nil
}

// CustomFieldCreateIn is a new custom field. Only public ones can stand in a
// search restriction; the values of others are sealed.
type CustomFieldCreateIn struct {
	Name    string `json:"name" minLength:"1" maxLength:"40" example:"collateral_type"`
	Kind    string `json:"kind" enum:"text,int,money,date,bool"`
	Class   string `json:"class" enum:"public,personal,sensitive"`
	Default string `json:"default,omitempty" maxLength:"500" doc:"For loans without a value: empty, 0, no date or false unless told."`
}

func (d *Desk) customFieldCreate(ctx context.Context, c *gate.Call, in *CustomFieldCreateIn) (*CustomFieldOut, error) {
	f, err := book.CheckCustomField(in.Name, in.Kind, in.Class, in.Default)
	if err != nil {
		return nil, err
	}
	f.CreatedAt = c.At
	if f.ID, err = book.AddCustomField(ctx, c.Tx, f); err != nil {
		return nil, err
	}
	c.Object("custom_field/" + string(f.ID))
	c.Change("name", "", f.Name)
	c.Change("kind", "", f.Kind)
	c.Change("class", "", f.Class)
	c.Change("default", "", in.Default)
	d.config.Changed(c)
	out := customFieldOut(f)
	return &out, nil
}
