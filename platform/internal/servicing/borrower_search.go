package servicing

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
)

// SSNIn is a whole social security number: in a body, never in an address.
type SSNIn struct {
	SSN string `json:"ssn" minLength:"9" maxLength:"11"`
}

// ContactIn is a whole e-mail address or telephone number to look for.
type ContactIn struct {
	Email string `json:"email,omitempty" maxLength:"254"`
	Phone string `json:"phone,omitempty" maxLength:"40"`
}

func (in *ContactIn) field() (name, value string) {
	if in.Email != "" {
		return "email", in.Email
	}
	return "phone", in.Phone
}

// exact describes a search for one whole value, which lies sealed in the trail.
func exact[In any](d *Desk, name, title, path, roles string, field func(*In) (name, value string)) *gate.Op[In, BorrowerListOut] {
	return &gate.Op[In, BorrowerListOut]{Name: name, Title: title, Area: "Borrowers", Screen: "Borrowers/Find", Method: "POST", Path: path, Kind: operation.Read, Audit: operation.Looked,
		Sensitivity: operation.Personal, Permit: gate.ByRole, Roles: roles, StepUp: true, Do: func(ctx context.Context, c *gate.Call, in *In) (*BorrowerListOut, error) {
			name, value := field(in)
			c.Detail("field", name)
			c.SealedDetail("q", value)
			m, err := book.Exactly(c.Tenant.Ring, name, value)
			if err != nil {
				return nil, err
			}
			return d.found(ctx, c, book.BorrowerQuery{Only: m, Limit: 50, Exact: true, Unnamed: unnamed(c)})
		}}
}
