package policy

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// Subject is one user (and, through the API, one key) under a policy version.
type Subject struct {
	access.Subject
	User         id.User
	Name, Email  string
	Machine      bool
	Role         *Role
	Teams        []id.Team
	Restrictions []*Restriction // that bind now, own and through teams
	Lent         []Grant
	Grantable    string // JSON list of the operations that the person may give away; "" follows the role
	// Until is the instant from which the subject must be compiled anew, because
	// a lent role returns or a pause ends; 0 for never.
	Until int64
}

// Restricted reports whether any search restriction binds the subject.
func (s *Subject) Restricted() bool { return len(s.Restrictions) > 0 }

// Limits gives the limits on an area that bind the subject.
func (s *Subject) Limits(area string) []*Limit {
	var out []*Limit
	for _, r := range s.Restrictions {
		for i := range r.Limits {
			if r.Limits[i].Area == area {
				out = append(out, &r.Limits[i])
			}
		}
	}
	return out
}

// MayGive reports whether the person may give an operation to somebody. Without
// a set of their own, holders of the shipped Admin role may give everything and
// everybody else nothing.
func (s *Subject) MayGive(operation string) bool {
	if s.Grantable == "" {
		return s.Role.Shipped == Admin
	}
	set, err := decode[[]string](s.Grantable)
	return err == nil && (slices.Contains(set, operation) || slices.Contains(set, "*"))
}

// day is a day in microseconds.
const day = 24 * 60 * 60 * 1_000_000

// Subject gives a user under this policy, with the rules and the scope of the
// key if there is one. NotFound if there is no such user.
func (p *Compiled) Subject(ctx context.Context, tx *db.Tx, user id.User, key id.APIKey) (*Subject, error) {
	if s := p.Known(user, key, tx.At); s != nil {
		return s, nil
	}
	s, err := p.subject(ctx, tx, user, key)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	p.subjects[subjectKey{user, key}] = s
	p.mu.Unlock()
	return s, nil
}

// Known gives a subject that was compiled before and still holds at an instant,
// or nil.
func (p *Compiled) Known(user id.User, key id.APIKey, at int64) *Subject {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.subjects[subjectKey{user, key}]
	if s != nil && s.Until != 0 && at >= s.Until {
		return nil
	}
	return s
}

func (p *Compiled) subject(ctx context.Context, tx *db.Tx, user id.User, key id.APIKey) (*Subject, error) {
	s := &Subject{User: user}
	if err := p.person(ctx, tx, s); err != nil {
		return nil, err
	}
	var err error
	if s.Teams, err = TeamsOf(ctx, tx, user); err != nil {
		return nil, err
	}
	s.Subject.Role = &s.Role.Rights
	s.RoleIP = p.rulesOf("role", string(s.Role.ID))
	if s.Role.From != "" { // what is lent widens no address
		s.RoleIP = append(s.RoleIP, p.rulesOf("role", string(s.Role.From))...)
	}
	s.UserIP = p.rulesOf("user", string(user))
	for _, t := range s.Teams {
		s.UserIP = append(s.UserIP, p.rulesOf("team", string(t))...)
	}
	if key != "" {
		s.KeyIP = p.rulesOf("key", string(key))
		if s.KeyScope, err = p.scopeOf(ctx, tx, key); err != nil {
			return nil, err
		}
	}
	s.Join(p.Access)
	if s.Lent, err = GrantsOf(ctx, tx, user); err != nil {
		return nil, err
	}
	s.Grants = p.lent(s.Lent)
	return s, p.restrict(ctx, tx, s)
}

// person reads the user's own row, with the role that holds at this instant.
func (p *Compiled) person(ctx context.Context, tx *db.Tx, s *Subject) error {
	var active, machine, until, passwordAt, must, factors int64
	var role, after id.Role
	err := tx.One(ctx, `SELECT name, email, active, machine, role_id, role_until, role_after, password_at, password_must_change, grantable,
		COALESCE((SELECT MAX(x.until) FROM factor_exception x WHERE x.user_id = staff.id AND x.ended_at = 0), 0), (SELECT COUNT(*) FROM second_factor f WHERE f.user_id = staff.id AND f.active = 1)
		FROM staff WHERE id = ?`, []any{s.User}, &s.Name, &s.Email, &active, &machine, &role, &until, &after, &passwordAt, &must, &s.Grantable, &s.ExceptUntil, &factors)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Missing("user")
	}
	if err != nil {
		return err
	}
	if until != 0 && tx.At >= until {
		role = after
	} else {
		s.Until = until
	}
	if r, proposed := p.proposed.roleOf(s.User); proposed {
		role = r
	}
	if s.Role = p.roles[role]; s.Role == nil {
		return fmt.Errorf("user %s has role %s, which is not stored", s.User, role)
	}
	s.Active, s.Machine = active == 1, machine == 1
	// Who has a second factor is asked for it, also where the tenant asks nobody to
	// have one: a factor that is not asked for protects nothing.
	s.FactorNeeded = !s.Machine && (p.setting.FactorsRequired || factors > 0)
	switch {
	case must == 1:
		s.PasswordEnds = 1
	case p.setting.PasswordDays > 0:
		s.PasswordEnds = passwordAt + p.setting.PasswordDays*day
	}
	return nil
}

// scopeOf compiles the scope of a key: nil without one. A scope that cannot be
// read permits nothing.
func (p *Compiled) scopeOf(ctx context.Context, tx *db.Tx, key id.APIKey) (access.Bits, error) {
	var text string
	err := tx.One(ctx, `SELECT scope FROM api_key WHERE id = ?`, []any{key}, &text)
	if errors.Is(err, sql.ErrNoRows) {
		return access.NewBits(), nil
	}
	if err != nil || text == "" {
		return nil, err
	}
	names, err := decode[[]string](text)
	if err != nil {
		return nil, err
	}
	b := access.NewBits()
	for _, o := range p.config.Operations {
		if slices.Contains(names, o.Name) {
			b.Set(o.Number)
		}
	}
	return b, nil
}

// restrict compiles the restrictions that bind the subject.
func (p *Compiled) restrict(ctx context.Context, tx *db.Tx, s *Subject) error {
	stored, until, err := restrictionsOf(ctx, tx, s.User)
	if err != nil {
		return err
	}
	s.Until = sooner(s.Until, until)
	if stored, err = p.proposed.restrictionsOf(ctx, tx, s.User, stored); err != nil {
		return err
	}
	if len(stored) == 0 {
		return nil
	}
	loans, until, err := loansLent(ctx, tx, s.User)
	if err != nil {
		return err
	}
	s.Until = sooner(s.Until, until)
	loans = append(loans, p.proposed.loansOf(s.User)...)
	for _, r := range stored {
		r.compileFor(p.vocab, loans)
		s.Restrictions = append(s.Restrictions, r)
	}
	return nil
}

// sooner gives the earlier of two instants, where 0 is never.
func sooner(a, b int64) int64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
