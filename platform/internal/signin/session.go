package signin

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Session is one of the caller's open sessions.
type Session struct {
	ID        id.Session `json:"id" class:"public"`
	This      bool       `json:"this" class:"public" doc:"the session of this very call"`
	StartedAt string     `json:"started_at" class:"public"`
	SeenAt    string     `json:"last_seen_at" class:"public"`
	EndsAt    string     `json:"ends_at" class:"public"`
	Address   string     `json:"address" class:"public"`
	Browser   string     `json:"browser" class:"public"`
	Factor    bool       `json:"second_factor" class:"public" doc:"it has given one"`
}

// SessionListOut is the open sessions, the newest first.
type SessionListOut struct {
	Items []Session `json:"items"`
	Total int       `json:"total" class:"public"`
	Next  string    `json:"next" class:"public"`
}

// SessionRef names a session in a path.
type SessionRef struct {
	ID id.Session `path:"id" json:"-"`
}

func (d *Desk) sessions() *gate.Op[Nothing, SessionListOut] {
	return &gate.Op[Nothing, SessionListOut]{
		Name: "session.list", Title: "List my sessions", Area: "Sign-in", Screen: "My sign-in", Method: "GET", Path: "/me/sessions",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn,
		Do: func(ctx context.Context, c *gate.Call, _ *Nothing) (*SessionListOut, error) {
			list, err := identity.SessionsOf(ctx, c.Tx, c.Who.User)
			if err != nil {
				return nil, err
			}
			out := &SessionListOut{Items: make([]Session, 0, len(list)), Total: len(list)}
			for _, s := range list {
				out.Items = append(out.Items, Session{ID: s.ID, This: s.ID == c.Who.Session, StartedAt: instant(s.CreatedAt), SeenAt: instant(s.SeenAt),
					EndsAt: instant(s.EndsAt), Address: s.Address, Browser: s.Agent, Factor: s.FactorAt != 0})
			}
			return out, nil
		},
	}
}

// ending describes an operation that ends sessions of one's own: nothing stands
// in the way of leaving.
func ending[In any](name, title, method, path string, do func(context.Context, *gate.Call, *In) error) *gate.Op[In, Done] {
	return &gate.Op[In, Done]{Name: name, Title: title, Area: "Sign-in", Screen: "My sign-in", Method: method, Path: path, Mends: true, Leaves: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *In) (*Done, error) {
			c.Object("user/" + string(c.Who.User))
			return &Done{Done: true}, do(ctx, c, in)
		}}
}

func (d *Desk) endOne() *gate.Op[SessionRef, Done] {
	return ending("session.end_one", "End one of my sessions", "DELETE", "/me/sessions/{id}", func(ctx context.Context, c *gate.Call, in *SessionRef) error {
		c.Detail("session", string(in.ID))
		return identity.EndSessionOf(ctx, c.Tx, c.Who.User, in.ID)
	})
}

func (d *Desk) endEvery() *gate.Op[Nothing, Done] {
	return ending("session.end_all", "Sign out everywhere", "POST", "/me/sessions/end", func(ctx context.Context, c *gate.Call, _ *Nothing) error {
		return identity.EndSessions(ctx, c.Tx, c.Who.User)
	})
}

func (d *Desk) endOthers() *gate.Op[Nothing, Done] {
	return ending("session.end_others", "Sign out everywhere else", "", "", func(ctx context.Context, c *gate.Call, _ *Nothing) error {
		_, err := identity.EndOtherSessions(ctx, c.Tx, c.Who.User, c.Who.Session)
		return err
	})
}
