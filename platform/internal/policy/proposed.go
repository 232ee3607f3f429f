package policy

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Proposed is a change of access that is not stored: roles, restrictions and
// address rules as they would be (by id; an id that is not stored is new), and
// who would hold them. A nil Proposed changes nothing.
type Proposed struct {
	Roles        []*Role
	Restrictions []*Restriction
	IPRules      []*IPRule
	RoleOf       map[id.User]id.Role
	Held         map[id.User][]id.Restriction // the whole set of a user, own and through teams
	Loans        map[id.User][]id.Loan        // lent to a user beside those that are stored
}

func (x *Proposed) loansOf(u id.User) []id.Loan {
	if x == nil {
		return nil
	}
	return x.Loans[u]
}

func (x *Proposed) roleOf(u id.User) (id.Role, bool) {
	if x == nil {
		return "", false
	}
	r, ok := x.RoleOf[u]
	return r, ok
}

// restrictionsOf puts the proposed restrictions into the place of the stored.
func (x *Proposed) restrictionsOf(ctx context.Context, tx *db.Tx, u id.User, stored []*Restriction) ([]*Restriction, error) {
	if x == nil {
		return stored, nil
	}
	if held, given := x.Held[u]; given {
		stored = nil
		for _, rid := range held {
			if slices.ContainsFunc(x.Restrictions, func(r *Restriction) bool { return r.ID == rid }) {
				stored = append(stored, &Restriction{ID: rid}) // replaced below
				continue
			}
			r, err := RestrictionByID(ctx, tx, rid)
			if err != nil {
				return nil, err
			}
			stored = append(stored, r)
		}
	}
	for i, r := range stored {
		for _, p := range x.Restrictions {
			if p.ID == r.ID {
				as := *p
				as.Limits = slices.Clone(p.Limits)
				stored[i] = &as
			}
		}
	}
	return stored, nil
}

// With gives the policy as it would be with a change that is not stored: for
// telling what the change would do. Nothing is cached, and the version stays.
// Proposed address rules are compiled here; restrictions when a subject meets
// them.
func (p *Compiled) With(x Proposed) (*Compiled, error) {
	out := &Compiled{Version: p.Version, config: p.config, vocab: p.vocab, setting: p.setting, proposed: &x,
		subjects: map[subjectKey]*Subject{}, roles: map[id.Role]*Role{}, rules: slices.Clone(p.rules)}
	for k, r := range p.roles {
		out.roles[k] = r
	}
	for _, r := range x.Roles {
		out.anew(r, nil)
		for _, lent := range p.roles {
			if lent.From == r.ID {
				out.anew(lent, out.roles[r.ID])
			}
		}
	}
	for _, r := range x.IPRules {
		as := *r
		if err := as.Compile(); err != nil {
			return nil, err
		}
		if i := slices.IndexFunc(out.rules, func(o *IPRule) bool { return o.ID == r.ID }); i >= 0 {
			out.rules[i] = &as
		} else {
			out.rules = append(out.rules, &as)
		}
	}
	out.Access = &access.Policy{Version: p.Version, TenantActive: p.Access.TenantActive, TenantIP: out.rulesOf("tenant", ""), FourEyes: p.Access.FourEyes}
	return out, nil
}

// anew puts a role as it would be into an overlay; on is what a lent one adds to.
func (p *Compiled) anew(r, on *Role) {
	as := *r
	as.Rights = access.Role{}
	if on != nil {
		as.lean(on)
	}
	as.compile(p.config.Operations)
	p.roles[r.ID] = &as
}
