package gate

import (
	"github.com/lendkeep/lendkeep/internal/httpserve"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// Request is a call as a front hands it in: who it claims to be and from
// where. The front chooses the channel by the sort of credential that it
// found, and by nothing else.
type Request struct {
	Tenant         *tenant.Tenant // nil: no such tenant, which looks like a bad credential
	Channel        operation.Channel
	Session        secret.Text // UI: the cookie's token
	Key            secret.Text // API: "lk_…"
	Site           string      // portal: the public site key
	Origin         string      // portal: the Origin header
	Job            string      // job: its name, set by the house only
	Address        httpserve.Address
	UserAgent      string
	IdempotencyKey string
	At             int64  // the call's instant in unix microseconds; set by the gate when zero
	Unread         bool   // page furniture: counted in the page's entry, no last-seen update
	object         string // from the path, before the operation names what it made
	Route          string // for the log and for unmapped routes: method and pattern, never the query
}

// Sort says what sort of caller a principal is.
type Sort uint8

// The sorts of principals.
const (
	Nobody Sort = iota // no credential
	Person             // a member of staff, by session or key
	Server             // a lender's server, by a server key
	Site               // a hosted form, by a site key bound to its origin
	System             // the house itself: a job or the console
)

// Principal is who makes a call, once the credential has been checked.
type Principal struct {
	Sort          Sort
	User          id.User
	Name          string
	Email         string
	Role          id.Role
	RoleName      string
	Session       id.Session
	APIKey        id.APIKey
	SiteKey       id.SiteKey
	SourceCompany id.SourceCompany // of a site key
	Job           string
	ViewAs        string // through whose eyes a session looks; "" for its own
}

// String gives the principal as audit entries name it: "user/us_…".
func (p *Principal) String() string {
	switch p.Sort {
	case Person, Server:
		return "user/" + string(p.User)
	case Site:
		return "site/" + string(p.SiteKey)
	case System:
		return "house/" + p.Job
	}
	return "anonymous"
}

// credential gives the id of what was shown: a session, a key, or nothing.
func (p *Principal) credential() string {
	if p.APIKey != "" {
		return string(p.APIKey)
	}
	return string(p.Session)
}
