package inquiry

import (
	"context"
	"database/sql"
	"errors"
	"net/netip"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Question is one call that somebody might make.
type Question struct {
	User     id.User
	Meta     *gate.Meta
	Object   string
	Channel  operation.Channel
	Address  netip.Addr
	Key      id.APIKey // of a call through the API; "" for none
	At       int64     // its instant
	Session  id.Session
	FactorAt int64 // when the session gave a second factor, and proved the person
	ProvedAt int64
	ViewAs   string // through whose eyes the session looks
	Draft    string
	Count    bool // count the loans that the person would find by the change beside those that they find now
}

// Obstacle is one layer that says no, and the smallest change that lifts it.
type Obstacle struct {
	Layer  access.Layer
	Reason access.Reason
	Words  string
	Change *Change  // nil where no operation of the list lifts it
	Others []Change // that would lift it as well
	Hiding []id.Restriction
	Loan   id.Loan // that is hidden, and can be lent alone
	By     string  // who can lift it; empty: an administrator
}

// by says who can lift the obstacle.
func (o *Obstacle) by() string {
	if o.By == "" {
		return ByAdministrator
	}
	return o.By
}

// Found is how many rows a person finds, of those that the asker sees.
type Found struct{ Loans, Applications int64 }

// Answer is what the gate says to a question, and what stands in the way.
type Answer struct {
	Allowed   bool
	Layers    []Layer
	Obstacles []Obstacle // in the order of the layers; every one must be lifted
	Subject   *policy.Subject
	Reason    access.Reason // of the first obstacle
	Seen      bool          // the asker sees the object, or none is named, or none that scopes speak of
	Now, Then Found         // what the person finds, as it is and with every obstacle lifted; where it was to be counted
}

// trial decides a question again and again, each time with one obstacle lifted.
type trial struct {
	d *Desk
	c *gate.Call // of the asker, at the question's instant
	q Question
	// now is the instant of the call in which it is asked.
	now int64
	x   policy.Proposed
	// What is lifted beside policy.
	tenant, active, key, password, factor, scope, view, given bool
}

// rounds bounds how many obstacles are looked for.
const rounds = 16

// Ask decides a question within the asker's own scope. c is the asker's call.
func (d *Desk) Ask(ctx context.Context, c *gate.Call, q Question) (*Answer, error) {
	as, back := at(c, q.At)
	defer back()
	t := &trial{d: d, c: as, q: q, now: c.At}
	a := &Answer{Seen: true}
	for range rounds {
		o, err := t.round(ctx, a)
		if err != nil {
			return nil, err
		}
		if o == nil {
			break
		}
		a.Obstacles = append(a.Obstacles, *o)
	}
	if q.Count {
		if err := t.count(ctx, a); err != nil {
			return nil, err
		}
	}
	if a.Allowed = len(a.Obstacles) == 0; !a.Allowed {
		a.Reason = a.Obstacles[0].Reason
	}
	return a, nil
}

// at gives the call as it would be at another instant; back ends it. Subjects are
// compiled in an overlay of the policy, so that nothing of that instant is kept.
func at(c *gate.Call, instant int64) (as *gate.Call, back func()) {
	was, copied := c.Tx.At, *c
	c.Tx.At = instant
	copied.At, copied.Today = instant, c.Tenant.Today(instant)
	return &copied, func() { c.Tx.At = was }
}

// round decides once and gives what stands in the way first; nil for nothing.
func (t *trial) round(ctx context.Context, a *Answer) (*Obstacle, error) {
	p, s, err := t.compile(ctx)
	if err != nil {
		return nil, err
	}
	q := t.query()
	steps := access.Explain(p.Access, &s.Subject, &q)
	r, err := t.row(ctx, s)
	if err != nil {
		return nil, err
	}
	if a.Layers == nil {
		a.Subject, a.Seen = s, r.mine
		a.Layers = t.layers(p, s, steps, r)
	}
	for _, step := range steps {
		if step.State == access.Refused {
			return t.lift(ctx, p, s, step)
		}
	}
	return t.liftRow(ctx, s, r)
}

// compile gives policy and person with everything lifted so far.
func (t *trial) compile(ctx context.Context) (*policy.Compiled, *policy.Subject, error) {
	p, err := t.c.Policy.With(t.x)
	if err != nil {
		return nil, nil, err
	}
	pol := *p.Access
	pol.TenantActive = pol.TenantActive || t.tenant
	p.Access = &pol
	found, err := p.Subject(ctx, t.c.Tx, t.q.User, t.q.Key)
	if err != nil {
		return nil, nil, err
	}
	s := *found
	if t.q.ViewAs != "" && !t.view {
		seen, err := p.Through(ctx, t.c.Tx, &s, t.q.ViewAs, t.q.Draft)
		if err != nil {
			return nil, nil, err
		}
		s = *seen
	}
	if s.KeyExpired, err = t.keyEnded(ctx); err != nil {
		return nil, nil, err
	}
	s.Active = s.Active || t.active
	if t.password {
		s.PasswordEnds = 0
	}
	if t.scope {
		s.KeyScope = nil
	}
	if t.q.Meta.Permit == gate.Public || t.given {
		anybody(&s, t.q.Meta)
	}
	return p, &s, nil
}

// anybody makes the subject of an operation that asks for nobody: only the tenant
// must be active.
func anybody(s *policy.Subject, m *gate.Meta) {
	all := access.Role{}
	all.UI.Set(m.Number)
	all.API.Set(m.Number)
	s.Subject = access.Subject{Active: true, Role: &all}
}

// count tells what the person finds before and after everything is lifted.
func (t *trial) count(ctx context.Context, a *Answer) error {
	_, s, err := t.compile(ctx)
	if err != nil {
		return err
	}
	if a.Now, err = t.finds(ctx, a.Subject); err == nil {
		a.Then, err = t.finds(ctx, s)
	}
	return err
}

func (t *trial) finds(ctx context.Context, s *policy.Subject) (f Found, err error) {
	theirs := gate.ScopeFor(t.c, s)
	loans, applications := db.And(t.c.Scope.Loans(), theirs.Loans()), db.And(t.c.Scope.Applications(), theirs.Applications())
	if err := t.c.Tx.One(ctx, "SELECT COUNT(*) FROM loan l WHERE "+gate.Landed+" AND "+loans.SQL(), loans.Args(), &f.Loans); err != nil {
		return f, err
	}
	return f, t.c.Tx.One(ctx, "SELECT COUNT(*) FROM application a WHERE "+applications.SQL(), applications.Args(), &f.Applications)
}

func (t *trial) keyEnded(ctx context.Context) (bool, error) {
	if t.q.Key == "" || t.key {
		return false, nil
	}
	k, err := identity.KeyByID(ctx, t.c.Tx, t.q.Key)
	return k.RevokedAt != 0 || k.ExpiresAt != 0 && k.ExpiresAt <= t.q.At, err
}

func (t *trial) query() access.Query {
	m := t.q.Meta
	q := access.Query{Op: m.Number, Channel: t.q.Channel, Address: t.q.Address, Object: t.q.Object, Session: t.q.Session, At: t.q.At,
		FactorAt: t.q.FactorAt, ProvedAt: t.q.ProvedAt, Mends: m.Mends || m.Leaves || m.Permit == gate.Public, StepUp: m.StepUp,
		ViewOnly: t.q.ViewAs != "" && !t.view && m.Kind == operation.Write && !m.Leaves}
	if t.factor {
		q.FactorAt, q.ProvedAt = t.q.At, t.q.At
	}
	return q
}

// sight is what the asker and the person see of the object.
type sight struct {
	noun   string // "" where scopes do not speak of the object
	mine   bool
	theirs bool
	hides  *policy.Restriction // the first that hides it from the person
	limit  *policy.Limit       // that narrows it too much
	of     *policy.Restriction // the restriction of that limit
	lent   string              // until when the loan is lent to the person; "" where it is not
}

// row looks at the object with both pairs of eyes.
func (t *trial) row(ctx context.Context, s *policy.Subject) (sight, error) {
	noun, ref, _ := strings.Cut(t.q.Object, "/")
	r := sight{noun: noun, mine: true, theirs: true}
	if !scoped(noun) {
		r.noun = ""
		return r, nil
	}
	var err error
	if r.mine, err = shows(ctx, t.c.Tx, noun, ref, t.c.Scope); err != nil || !r.mine {
		return r, err
	}
	theirs := gate.ScopeFor(t.c, s)
	if r.theirs, err = shows(ctx, t.c.Tx, noun, ref, theirs); err != nil {
		return r, err
	}
	if !r.theirs {
		r.hides, err = t.hiding(ctx, s, noun, ref)
		return r, err
	}
	if r.lent, err = t.lentUntil(ctx, s, noun, ref); err != nil {
		return r, err
	}
	if r.limit, err = t.c.LimitOf(ctx, s, theirs, t.q.Meta, t.q.Object); r.limit != nil {
		r.of = restrictionOf(s, r.limit)
	}
	return r, err
}

// lentUntil tells until when a loan is lent to the person.
func (t *trial) lentUntil(ctx context.Context, s *policy.Subject, noun, ref string) (string, error) {
	if noun != "loan" || !s.Restricted() {
		return "", nil
	}
	list, err := policy.LentLoans(ctx, t.c.Tx, t.q.User)
	for _, l := range list {
		if string(l.Loan) == ref {
			return instant(l.Until), err
		}
	}
	return "", err
}

// hiding gives the first restriction under which alone the object is hidden.
func (t *trial) hiding(ctx context.Context, s *policy.Subject, noun, ref string) (*policy.Restriction, error) {
	for _, x := range s.Restrictions {
		seen, err := shows(ctx, t.c.Tx, noun, ref, gate.ScopeFor(t.c, &policy.Subject{Restrictions: []*policy.Restriction{x}}))
		if err != nil || !seen {
			return x, err
		}
	}
	return s.Restrictions[0], nil // a borrower whose loans are hidden one by this and one by that
}

func restrictionOf(s *policy.Subject, l *policy.Limit) *policy.Restriction {
	for _, x := range s.Restrictions {
		for i := range x.Limits {
			if &x.Limits[i] == l {
				return x
			}
		}
	}
	return nil
}

func scoped(noun string) bool { return noun == "loan" || noun == "borrower" || noun == "application" }

// shows reports whether a scope shows a loan, borrower or application.
func shows(ctx context.Context, tx *db.Tx, noun, ref string, sc gate.Scope) (bool, error) {
	query, cond := "", db.Cond{}
	switch noun {
	case "loan":
		query, cond = "SELECT 1 FROM loan l WHERE l.id = ? AND "+gate.Landed+" AND ", sc.Loans()
	case "borrower":
		query, cond = "SELECT 1 FROM borrower b WHERE b.id = ? AND ", sc.Borrowers()
	default:
		query, cond = "SELECT 1 FROM application a WHERE a.id = ? AND ", sc.Applications()
	}
	var one int64
	err := tx.One(ctx, query+cond.SQL(), append([]any{ref}, cond.Args()...), &one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}
