package gate

import (
	"context"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// refusal is a denial on its way to the audit trail and to the caller.
type refusal struct {
	fault *fault.Error
	known bool // the caller is known: an entry of its own; else one a minute
}

func (r *refusal) Error() string { return r.fault.Error() }
func (r *refusal) Unwrap() error { return r.fault }

// query gives the statement that finds the caller's credential.
func (r *Request) query() identity.Query {
	switch {
	case r.Channel == operation.UI && !r.Session.Empty():
		return identity.BySession(r.Session, r.At)
	case r.Channel == operation.API && !r.Key.Empty():
		return identity.ByKey(r.Key, r.At)
	case r.Channel == operation.Portal && r.Site != "":
		return identity.BySite(r.Site, r.Origin)
	}
	return identity.Anonymous()
}

// newCall fixes the instant and begins the entry; the outcome is set when the
// call ends.
func (g *Gate) newCall(r *Request, m *Meta) *Call {
	if r.At == 0 {
		r.At = g.now().UnixMicro()
	}
	c := &Call{At: r.At, Tenant: r.Tenant, Channel: r.Channel, Request: r, meta: m, entry: newEntry(r, m)}
	if r.Tenant != nil {
		c.Today = r.Tenant.Today(r.At)
	}
	return c
}

func newEntry(r *Request, m *Meta) *audit.Entry {
	return &audit.Entry{At: r.At, Channel: r.Channel, Address: r.Address.Chosen, UserAgent: r.UserAgent, Operation: m.Name}
}

// know finds out who calls, from a credential read in this very snapshot.
func (g *Gate) know(ctx context.Context, tx *db.Tx, c *Call, cred identity.Credential) error {
	p, err := c.Tenant.Policies.At(ctx, tx, cred.Version, cred.TenantActive)
	if err != nil {
		return err
	}
	c.Policy, c.subject, c.Who, c.cred = p, nil, Principal{}, cred
	c.entry.PolicyVersion = cred.Version
	r := c.Request
	switch {
	case r.Channel == operation.Job || r.Channel == operation.Console:
		c.Who = Principal{Sort: System, Job: r.Job, Name: r.Job}
	case cred.Found && cred.SiteKey != "":
		c.Who = Principal{Sort: Site, SiteKey: cred.SiteKey, SourceCompany: cred.SourceCompany, Name: "Applicant"}
	case cred.Found:
		if c.subject, err = p.Subject(ctx, tx, cred.User, cred.APIKey); err != nil {
			return err
		}
		s := c.subject
		c.Who = Principal{Sort: Person, User: s.User, Name: s.Name, Email: s.Email, Role: s.Role.ID, RoleName: s.Role.Name,
			Session: cred.Session, APIKey: cred.APIKey}
		if cred.Server {
			c.Who.Sort = Server
		}
		if cred.ViewAs != "" {
			if c.subject, err = p.Through(ctx, tx, s, cred.ViewAs, cred.ViewDraft); err != nil {
				return err
			}
			c.Who.ViewAs, c.entry.For = cred.ViewAs, cred.ViewAs
		}
	}
	c.entry.Actor, c.entry.ActorName, c.entry.Credential = c.Who.String(), c.Who.Name, c.Who.credential()
	c.can = func(name, object string) bool {
		e := g.byName[name]
		if e == nil {
			return false
		}
		if d := g.decide(c, e.Meta(), object); !d.Allowed && d.Reason != access.StepUpNeeded {
			return false // a fresh proof is asked for when the button is pressed
		}
		l, err := c.LimitOf(ctx, c.subject, c.Scope, e.Meta(), object)
		return err == nil && l == nil
	}
	return nil
}

func (g *Gate) decide(c *Call, m *Meta, object string) access.Decision {
	switch {
	case c.Who.Sort == System:
		return access.Decision{Allowed: true, FourEyes: c.Policy.Access.FourEyes.Has(m.Number), Channel: c.Channel, Op: m.Number, Version: c.Policy.Version}
	case m.Permit == Public || (c.Who.Sort == Site && m.Sites):
		return access.Decision{Allowed: c.Policy.Access.TenantActive, Reason: tenantReason(c), Layer: access.Tenant, Channel: c.Channel, Op: m.Number, Version: c.Policy.Version}
	case c.subject == nil || m.Permit == House:
		return access.Decision{Reason: access.RoleLacksOperation, Layer: access.Permission, Channel: c.Channel, Op: m.Number, Version: c.Policy.Version}
	}
	q := access.Query{Op: m.Number, Channel: c.Channel, Address: c.Request.Address.Chosen, Object: object, Session: c.Who.Session, At: c.At,
		FactorAt: c.cred.FactorAt, ProvedAt: c.cred.ProvedAt, Mends: m.Mends || m.Leaves, StepUp: m.StepUp, ViewOnly: c.Who.ViewAs != "" && m.Kind == operation.Write && !m.Leaves}
	return decideFor(c.Policy, c.subject, &q)
}

func tenantReason(c *Call) access.Reason {
	if c.Policy.Access.TenantActive {
		return access.OK
	}
	return access.TenantInactive
}

// admit decides. On a refusal the error is a *refusal.
func (g *Gate) admit(c *Call, m *Meta, object string) error {
	anonymous := c.Who.Sort == Nobody
	if anonymous && m.Permit != Public {
		return &refusal{fault: unknownCaller(c.Request)}
	}
	if !anonymous && !c.counted {
		c.counted = true
		if err := g.throttle(c); err != nil {
			return &refusal{fault: err, known: true}
		}
	}
	d := g.decide(c, m, object)
	if c.pending = d.FourEyes; d.Allowed && d.FourEyes && c.Who.Sort == System {
		d = access.Decision{Layer: access.FourEyes, Reason: access.FourEyesNeeded}
	}
	if c.entry.Grant = c.lender(d, m, object); d.Allowed {
		return nil
	}
	return &refusal{fault: g.denial(c, d), known: !anonymous}
}

// lender names the grant by which a call is allowed; empty where the role holds it.
func (c *Call) lender(d access.Decision, m *Meta, object string) string {
	for i := 0; d.Granted && i < len(c.subject.Lent); i++ {
		if g := &c.subject.Lent[i]; g.Object == object && g.Session == c.Who.Session && c.At < g.Until && slices.Contains(g.Operations, m.Name) {
			return string(g.ID)
		}
	}
	return ""
}

// denial puts a decision into the entry and into words.
func (g *Gate) denial(c *Call, d access.Decision) *fault.Error {
	c.entry.Layer, c.entry.Reason = d.Layer.String(), d.Reason.String()
	if d.Layer == access.Address {
		c.entry.Rule = c.Policy.RuleName(d.Rule)
	}
	return fault.New(fault.Denied, d.Reason.String(), d.Reason.Words())
}

func unknownCaller(r *Request) *fault.Error {
	switch {
	case r.Channel == operation.API:
		return fault.New(fault.Unauthenticated, "unknown_key", "Send a valid API key as Authorization: Bearer lk_….")
	case r.Channel == operation.Portal:
		return fault.New(fault.Unauthenticated, "unknown_site", "This site key is not known for this origin.")
	}
	return fault.New(fault.Unauthenticated, "not_signed_in", "Sign in first.")
}

// throttle holds keys, users and tenants to their rates.
func (g *Gate) throttle(c *Call) *fault.Error {
	if c.Who.Sort == System {
		return nil
	}
	return g.rates.Caller(string(c.Tenant.ID), string(c.Who.APIKey), string(c.Who.SiteKey), string(c.Who.User))
}

// throttleAddress holds an address to its rate, before anything is looked up.
func (g *Gate) throttleAddress(r *Request) *fault.Error {
	if r.Channel == operation.Job || r.Channel == operation.Console {
		return nil
	}
	return g.rates.Address(r.Address.Chosen, r.Channel == operation.Portal)
}

// refuse writes the entry of a denial and gives the fault with its decision
// id. Without an entry there is no answer but 503.
func (g *Gate) refuse(ctx context.Context, c *Call, r *refusal) error {
	e := c.entry
	e.Outcome, e.DecisionID = operation.Denied, id.New[id.Decision](c.At)
	if e.Reason == "" {
		e.Reason = r.fault.Reason
	}
	if e.Actor == "" {
		e.Actor = "anonymous"
	}
	r.fault.DecisionID = string(e.DecisionID)
	if c.Tenant == nil {
		g.log.Warn("call for an unknown tenant refused", "operation", e.Operation, "address", e.Address.String())
		return r.fault
	}
	var err error
	if r.known {
		err = c.Tenant.Trail.Join(ctx, e)
	} else {
		err = c.Tenant.Trail.Unauthenticated(ctx, e)
	}
	if err != nil {
		return fmt.Errorf("recording a denial: %w", err)
	}
	return r.fault
}

// toTouch notes that a session or a key was used, at most once a minute; it
// rides in the transaction of the call's entry.
func (c *Call) toTouch(cred identity.Credential) []func(context.Context, *db.Tx) error {
	if !cred.Found || cred.SiteKey != "" || c.At < cred.Touched+identity.TouchEvery {
		return nil
	}
	address := c.Request.Address.Chosen.String()
	return []func(context.Context, *db.Tx) error{func(ctx context.Context, tx *db.Tx) error {
		return identity.Touch(ctx, tx, cred.Session, cred.APIKey, c.At, address)
	}}
}

// setScope sets the rows that the call may see.
func (c *Call) setScope() {
	switch {
	case c.subject != nil:
		c.Scope = scopeOf(c.subject, c.Today)
	case c.Who.Sort == System:
		c.Scope = everything(c.Today)
	}
}

// AddressAllowed reports whether the address rules let a subject call from the
// address of this call; signing in asks it before there is a session.
func (c *Call) AddressAllowed(s *policy.Subject) bool {
	d := decideFor(c.Policy, s, &access.Query{Channel: operation.UI, Address: c.Request.Address.Chosen, At: c.At})
	return d.Allowed || (d.Layer != access.Address && d.Layer != access.Tenant)
}
