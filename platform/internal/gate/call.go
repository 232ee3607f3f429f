package gate

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Call is one call of one operation, as its desk sees it.
type Call struct {
	Tx      *db.Tx     // the call's one transaction
	At      int64      // the call's one instant, unix microseconds
	Today   civil.Date // the tenant's date at that instant
	Tenant  *tenant.Tenant
	Who     Principal
	Scope   Scope
	Channel operation.Channel
	Request *Request
	Outside any // what the operation's Outside gave
	Policy  *policy.Compiled

	meta    *Meta
	subject *policy.Subject
	entry   *audit.Entry
	after   []func()
	touched []func(context.Context, *db.Tx) error
	refused *fault.Error
	counted bool // against the caller's rates
	cred    identity.Credential
	pending bool // a second person must approve it: it becomes a proposal
	can     func(name, object string) bool
}

// Persons gives the tenant's store of personal keys.
func (c *Call) Persons() *keys.Store { return c.Tenant.Persons }

// Object names what the call is about where path parameters could not: the id
// of what it has just made, for example.
func (c *Call) Object(ref string) { c.entry.Object = ref }

// Change notes a changed field for the audit entry.
func (c *Call) Change(field, before, after string) {
	if before != after {
		c.entry.Changes = append(c.entry.Changes, audit.Change{Field: field, Before: before, After: after})
	}
}

// ChangePersonal notes a changed personal field: its values are sealed under
// the person's key and committed by a salted hash.
func (c *Call) ChangePersonal(person, field, before, after string) {
	if before != after {
		c.entry.Changes = append(c.entry.Changes, audit.Change{Field: field, Before: before, After: after, Sealed: true, Person: person})
	}
}

// Given notes the reason that the caller gave for what is done.
func (c *Call) Given(reason string) { c.entry.Given = reason }

// Detail notes one more fact for the audit entry, for example a list's filter.
func (c *Call) Detail(key, value string) {
	if value == "" {
		return
	}
	if c.entry.Detail == nil {
		c.entry.Detail = map[string]string{}
	}
	c.entry.Detail[key] = value
}

// SealedDetail notes a fact that is sealed in the trail: an attempted log-in
// name, an applicant's address.
func (c *Call) SealedDetail(key, value string) {
	if value == "" {
		return
	}
	if c.entry.SealedDetail == nil {
		c.entry.SealedDetail = map[string]string{}
	}
	c.entry.SealedDetail[key] = value
}

// After has f run once the transaction has committed: to wake a job runner or
// forget a cache. f must not block and must not fail.
func (c *Call) After(f func()) { c.after = append(c.after, f) }

// Refuse commits what the operation has written and yet answers with a fault:
// a wrong password is counted and refused. The entry's outcome is denied.
func (c *Call) Refuse(f *fault.Error) { c.refused = f }

// Visibility is the ceiling of what the caller may see of personal data.
func (c *Call) Visibility() secret.Visibility {
	if c.subject == nil {
		return secret.Visibility{}
	}
	v := c.subject.Role.Visibility
	for _, g := range c.subject.Lent {
		if g.Session == c.Who.Session && g.Object == c.entry.Object && c.At < g.Until && g.Object != "" && c.Channel != operation.API {
			v = lend(v, g.Fields)
		}
	}
	return v
}

// lend raises the ceiling by the fields that a grant names.
func lend(v secret.Visibility, fields []string) secret.Visibility {
	for _, f := range fields {
		switch f {
		case "ssn":
			v.SSN = secret.Full
		case "date_of_birth":
			v.BirthDate = secret.Full
		}
	}
	return v
}

// Subject gives the caller under the policy of this call; nil for the house
// and for the public.
func (c *Call) Subject() *policy.Subject { return c.subject }

// Can reports whether the caller could call another operation in this channel,
// on this object; screens show or leave out a button by it. It is not audited
// and promises nothing: the gate decides again when the button is pressed.
func (c *Call) Can(name, object string) bool { return c.can != nil && c.can(name, object) }

// decide asks access about an operation for this caller.
func decideFor(p *policy.Compiled, s *policy.Subject, q *access.Query) access.Decision {
	return access.Decide(p.Access, &s.Subject, q)
}
