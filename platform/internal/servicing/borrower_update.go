package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// AddressPatch changes parts of an address.
type AddressPatch struct {
	Line1      *string `json:"line1,omitempty" maxLength:"200"`
	City       *string `json:"city,omitempty" maxLength:"100"`
	Region     *string `json:"region,omitempty" maxLength:"100"`
	PostalCode *string `json:"postal_code,omitempty" maxLength:"20"`
	Country    *string `json:"country,omitempty" maxLength:"2"`
}

// BorrowerUpdateIn changes the fields that are given; "" empties a field.
type BorrowerUpdateIn struct {
	ID          string        `path:"id" json:"-" doc:"The borrower's id."`
	Reference   *string       `json:"reference,omitempty" maxLength:"64"`
	FirstName   *string       `json:"first_name,omitempty" maxLength:"100"`
	LastName    *string       `json:"last_name,omitempty" maxLength:"100"`
	Email       *string       `json:"email,omitempty" maxLength:"254"`
	Phone       *string       `json:"phone,omitempty" maxLength:"40"`
	DateOfBirth *civil.Date   `json:"date_of_birth,omitempty" format:"date"`
	SSN         *string       `json:"ssn,omitempty" maxLength:"11"`
	Address     *AddressPatch `json:"address,omitempty"`
}

func (d *Desk) borrowerUpdate(ctx context.Context, c *gate.Call, in *BorrowerUpdateIn) (*BorrowerOut, error) {
	b, err := book.LockBorrower(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	was, err := b.Opened(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	now := was
	in.apply(&now)
	if err := now.Check(c.Today); err != nil {
		return nil, err
	}
	loans, err := book.UpdateBorrower(ctx, c.Tx, c.Tenant, b, now)
	if err != nil {
		return nil, err
	}
	notePerson(c, b.ID, was, now)
	if err := d.keep(ctx, c, loans...); err != nil {
		return nil, err
	}
	// By id alone: a new state may have moved the borrower out of the caller's
	// own restriction, and the answer is what was just written.
	a := now.Address
	b.Reference, b.First, b.Last, b.City, b.Region, b.Postal, b.Country = now.Reference, now.First, now.Last, a.City, a.Region, a.PostalCode, a.Country
	out := borrowerOut(b, now)
	return &out, nil
}

func (in *BorrowerUpdateIn) apply(p *book.Person) {
	set := func(to *string, from *string) {
		if from != nil {
			*to = *from
		}
	}
	set(&p.Reference, in.Reference)
	set(&p.First, in.FirstName)
	set(&p.Last, in.LastName)
	set(&p.Email, in.Email)
	set(&p.Phone, in.Phone)
	set(&p.SSN, in.SSN)
	if in.DateOfBirth != nil {
		p.Birth = *in.DateOfBirth
	}
	if a := in.Address; a != nil {
		set(&p.Address.Line1, a.Line1)
		set(&p.Address.City, a.City)
		set(&p.Address.Region, a.Region)
		set(&p.Address.PostalCode, a.PostalCode)
		set(&p.Address.Country, a.Country)
	}
}

// BorrowerRevealIn asks for one personal field in full.
type BorrowerRevealIn struct {
	ID     string `path:"id" json:"-" doc:"The borrower's id."`
	Field  string `json:"field" enum:"email,phone,date_of_birth,ssn,address.line1"`
	Reason string `json:"reason" minLength:"1" maxLength:"200"`
}

// RevealOut is one personal field in full. It is the one output that carries
// personal data unsealed: the role's ceiling is asked here, and each answer has
// an audit entry of its own, written before it leaves.
type RevealOut struct {
	Field string `json:"field" class:"public"`
	Value string `json:"value" class:"public"`
}

func (d *Desk) borrowerReveal(ctx context.Context, c *gate.Call, in *BorrowerRevealIn) (*RevealOut, error) {
	var bad fault.Collector
	reason := text(&bad, "reason", in.Reason, 1, 200)
	kind, known := map[string]secret.Kinded{"email": secret.Email{}, "phone": secret.Phone{}, "date_of_birth": secret.BirthDate{}, "ssn": secret.SSN{}, "address.line1": secret.AddressLine{}}[in.Field]
	bad.Check(known, "field", "Choose email, phone, date_of_birth, ssn or address.line1.")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	c.Given(reason)
	c.Detail("field", in.Field)
	b, err := book.BorrowerByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	if !kind.Reveals(c.Visibility()) {
		f := fault.New(fault.Denied, "role_hides_field", "Your role does not show this field in full.")
		c.Refuse(f)
		return &RevealOut{Field: in.Field}, nil
	}
	p, err := b.Opened(ctx, c.Persons())
	if err != nil {
		return nil, err
	}
	value := map[string]string{"email": p.Email, "phone": p.Phone, "date_of_birth": p.Birth.String(), "ssn": p.SSN, "address.line1": p.Address.Line1}[in.Field]
	return &RevealOut{in.Field, value}, nil
}
