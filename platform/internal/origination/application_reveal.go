package origination

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// RevealIn asks for one personal field of an applicant in full.
type RevealIn struct {
	ID     id.Application `path:"id" json:"-"`
	Field  string         `json:"field" enum:"email,phone,date_of_birth,ssn,address.line1"`
	Reason string         `json:"reason" minLength:"1" maxLength:"200"`
}

// RevealOut is one personal field in full: the one output of this desk that carries
// personal data unsealed. The role's ceiling is asked, and each answer has an entry
// of its own, written before it leaves.
type RevealOut struct {
	Field string `json:"field" class:"public"`
	Value string `json:"value" class:"public"`
}

func (d *Desk) revealOperation() *gate.Op[RevealIn, RevealOut] {
	return &gate.Op[RevealIn, RevealOut]{Name: "application.reveal", Title: "Reveal field of an applicant", Area: "Applications", Screen: "Application/Customer", Method: "POST", Path: "/applications/{id}/reveal",
		Kind: operation.Write, Audit: operation.Looked, Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: "underwriter manager", StepUp: true, Part: docket.Area,
		Object: func(in *RevealIn) string { return "application/" + string(in.ID) }, Do: d.reveal}
}

func (d *Desk) reveal(ctx context.Context, c *gate.Call, in *RevealIn) (*RevealOut, error) {
	var f fault.Collector
	why := reason(&f, in.Reason)
	kind, known := map[string]secret.Kinded{"email": secret.Email{}, "phone": secret.Phone{}, "date_of_birth": secret.BirthDate{}, "ssn": secret.SSN{}, "address.line1": secret.AddressLine{}}[in.Field]
	f.Check(known, "field", "Choose email, phone, date_of_birth, ssn or address.line1.")
	if err := f.Err(); err != nil {
		return nil, err
	}
	c.Given(why)
	c.Detail("field", in.Field)
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	if !kind.Reveals(c.Visibility()) {
		c.Refuse(fault.New(fault.Denied, "role_hides_field", "Your role does not show this field in full."))
		return &RevealOut{Field: in.Field}, nil
	}
	p, err := a.Open(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	return &RevealOut{in.Field, map[string]string{"email": p.Email, "phone": p.Phone, "date_of_birth": p.Birth, "ssn": p.SSN, "address.line1": p.Line1}[in.Field]}, nil
}
