package roles

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// CompareIn names two roles.
type CompareIn struct {
	A string `query:"a" minLength:"1" doc:"id of a role"`
	B string `query:"b" minLength:"1" doc:"id of another role, or “shipped”: what the product ships in the place of the first"`
}

// AsShipped is the other side of a comparison with what the product ships.
const AsShipped = "shipped"

// Side is one of two roles.
type Side struct {
	ID   id.Role `json:"id" class:"public" doc:"empty for what the product ships"`
	Name string  `json:"name" class:"public"`
}

// Lists is how two lists of operations differ.
type Lists struct {
	OnlyA []string `json:"only_a" class:"public"`
	OnlyB []string `json:"only_b" class:"public"`
	Both  []string `json:"both" class:"public"`
}

// Differs is one field of personal data that two roles show differently.
type Differs struct {
	Field  string `json:"field" class:"public"`
	Before string `json:"a" class:"public"`
	After  string `json:"b" class:"public"`
}

// CompareOut is how two roles differ.
type CompareOut struct {
	A          Side      `json:"a"`
	B          Side      `json:"b"`
	UI         Lists     `json:"ui"`
	API        Lists     `json:"api"`
	Visibility []Differs `json:"visibility" doc:"only what differs"`
}

func (d *Desk) compare() *gate.Op[CompareIn, CompareOut] {
	return look("role.compare", "Compare roles", "Roles", "/roles/compare", func(_ context.Context, c *gate.Call, in *CompareIn) (*CompareOut, error) {
		var f fault.Collector
		f.Check(in.A != "", "a", "Name a role by its id.")
		f.Check(in.B != "", "b", "Name another role by its id, or say shipped.")
		if err := f.Err(); err != nil {
			return nil, err
		}
		a, err := held(c, id.Role(in.A))
		if err != nil {
			return nil, err
		}
		b, err := other(c, a, in.B)
		if err != nil {
			return nil, err
		}
		c.Object(object(a.ID))
		return &CompareOut{A: Side{a.ID, a.Name}, B: Side{b.ID, b.Name}, UI: between(a.UI, b.UI), API: between(a.API, b.API),
			Visibility: visibilities(a.Visibility, b.Visibility)}, nil
	})
}

func other(c *gate.Call, a *policy.Role, b string) (*policy.Role, error) {
	if b != AsShipped {
		return held(c, id.Role(b))
	}
	if a.Shipped == "" {
		return nil, fault.Bad("b", "This role was made here; name another role by its id.")
	}
	r := *c.Policy.AsShipped(a.Shipped)
	r.Name += ", as shipped"
	return &r, nil
}

func between(a, b []string) Lists {
	a, b = sorted(a), sorted(b)
	only := minus(a, b)
	return Lists{OnlyA: only, OnlyB: minus(b, a), Both: minus(a, only)}
}

func visibilities(a, b secret.Visibility) []Differs {
	out := []Differs{}
	for _, d := range []Differs{{"ssn", a.SSN, b.SSN}, {"bank_account", a.BankAccount, b.BankAccount}, {"date_of_birth", a.BirthDate, b.BirthDate}} {
		if d.Before != d.After {
			out = append(out, d)
		}
	}
	return out
}
