package gate

import (
	"sync"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// callers remembers what the credentials seen last were good for, so that the
// statements of a read can be guessed before its caller is known. Nothing is
// decided by it: the credential is read in the snapshot of the data, and the
// statements are made again under what it says then.
type callers struct {
	mu   sync.Mutex // guards seen
	seen map[callerKey]identity.Credential
}

type callerKey struct {
	tenant id.Tenant
	mark   [32]byte
}

// mostCallers bounds the memory of callers; beyond it all are forgotten.
const mostCallers = 4096

// foresee gives the statements that a read will make after the caller's
// credential, if the caller is who it was last time. It leaves the call as it
// was.
func (g *Gate) foresee(c *Call, w *work, q identity.Query) []db.Statement {
	if w.ahead == nil || w.pathErr != nil || c.Tenant.DB.Engine() != db.PostgreSQL {
		return nil
	}
	g.callers.mu.Lock()
	cred, ok := g.callers.seen[callerKey{c.Tenant.ID, q.Mark}]
	g.callers.mu.Unlock()
	if !ok {
		return nil
	}
	guess := *c
	guess.Policy = c.Tenant.Policies.Kept(cred.Version)
	if guess.Policy == nil {
		return nil
	}
	guess.subject = guess.Policy.Known(cred.User, cred.APIKey, c.At)
	if guess.subject == nil || cred.ViewAs != "" || len(guess.subject.Limits(w.meta.Part)) > 0 {
		return nil // other statements come first
	}
	guess.cred = cred
	guess.Who = Principal{Sort: Person, User: cred.User, Session: cred.Session, APIKey: cred.APIKey}
	if !g.decide(&guess, w.meta, c.entry.Object).Allowed || w.input() != nil {
		return nil // the answer is found in the proper order
	}
	guess.setScope()
	return w.ahead(&guess)
}

// remember keeps whom a credential was good for.
func (g *Gate) remember(c *Call, w *work, q identity.Query, cred identity.Credential) {
	if w.ahead == nil || c.subject == nil || q.Mark == [32]byte{} || c.Tenant.DB.Engine() != db.PostgreSQL {
		return
	}
	k := callerKey{c.Tenant.ID, q.Mark}
	g.callers.mu.Lock()
	defer g.callers.mu.Unlock()
	if g.callers.seen == nil || len(g.callers.seen) >= mostCallers {
		g.callers.seen = map[callerKey]identity.Credential{}
	}
	g.callers.seen[k] = cred
}
