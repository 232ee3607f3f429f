package policy

import (
	"context"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Draft is what a view looks through when the role is not saved yet.
const Draft = "draft"

// Through gives a person as they look through somebody else's eyes: "user/us_…",
// "role/ro_…", or Draft with the JSON of a role. Addresses, password and factors
// stay those of the person; operations, rows, limits and what is seen of personal
// data are what both may: nobody sees more through other eyes than with their own.
// What is not there any more shows nothing but the way out.
func (p *Compiled) Through(ctx context.Context, tx *db.Tx, s *Subject, as, draft string) (*Subject, error) {
	role, restrictions, err := p.eyes(ctx, tx, as, draft)
	if fault.Is(err, fault.NotFound) {
		role, err = &Role{Name: "nobody"}, nil
		role.compile(p.config.Operations)
	}
	if err != nil {
		return nil, err
	}
	seen := *role
	seen.Rights = access.Role{UI: role.Rights.UI.And(s.Role.Rights.UI)}
	seen.UI, seen.API = both(role.UI, s.Role.UI), nil
	seen.Visibility = secret.Narrower(role.Visibility, s.Role.Visibility)
	out := *s
	out.Role, out.Subject.Role = &seen, &seen.Rights
	out.Grants, out.Lent = nil, nil
	out.Restrictions = slices.Clone(s.Restrictions)
	for _, r := range restrictions {
		if !slices.ContainsFunc(out.Restrictions, func(o *Restriction) bool { return o.ID == r.ID && slices.Equal(o.Lent, r.Lent) }) {
			out.Restrictions = append(out.Restrictions, r)
		}
	}
	return &out, nil
}

func (p *Compiled) eyes(ctx context.Context, tx *db.Tx, as, draft string) (*Role, []*Restriction, error) {
	sort, ref, _ := strings.Cut(as, "/")
	switch sort {
	case Draft:
		r, err := decode[Role](draft)
		if err != nil {
			return nil, nil, err
		}
		r.Shipped = ""
		r.compile(p.config.Operations)
		return &r, nil, nil
	case "role":
		if r := p.roles[id.Role(ref)]; r != nil {
			return r, nil, nil
		}
		return nil, nil, fault.Missing("role")
	}
	other, err := p.Subject(ctx, tx, id.User(ref), "")
	if err != nil {
		return nil, nil, err
	}
	if !other.Active {
		return nil, nil, fault.Missing("user")
	}
	return other.Role, other.Restrictions, nil
}

func both(a, b []string) []string {
	var out []string
	for _, x := range a {
		if slices.Contains(b, x) {
			out = append(out, x)
		}
	}
	return out
}
