package people

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Session is an open session of somebody.
type Session struct {
	ID        id.Session `json:"id" class:"public"`
	StartedAt string     `json:"started_at" class:"public"`
	SeenAt    string     `json:"last_seen_at" class:"public"`
	Address   string     `json:"address" class:"public"`
	Browser   string     `json:"browser" class:"public"`
	Factor    bool       `json:"second_factor" class:"public"`
}

// SessionListOut is the open sessions, the newest first.
type SessionListOut struct {
	Items []Session `json:"items"`
	Total int       `json:"total" class:"public"`
	Next  string    `json:"next" class:"public"`
}

func (d *Desk) sessions() *gate.Op[UserRef, SessionListOut] {
	o := look("user.sessions", "List sessions", "Users/Sessions", "/users/{id}/sessions", func(ctx context.Context, c *gate.Call, in *UserRef) (*SessionListOut, error) {
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		list, err := identity.SessionsOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &SessionListOut{Items: make([]Session, 0, len(list)), Total: len(list)}
		for _, s := range list {
			out.Items = append(out.Items, Session{ID: s.ID, StartedAt: instant(s.CreatedAt), SeenAt: instant(s.SeenAt), Address: s.Address, Browser: s.Agent, Factor: s.FactorAt != 0})
		}
		return out, nil
	})
	o.Object = object
	return o
}

// signOut ends every session of somebody. It asks for no fresh proof: whoever
// must stop somebody must not be held up.
func (d *Desk) signOut() *gate.Op[UserRef, Done] {
	o := edit("user.sign_out", "Sign somebody out everywhere", "Users/Sessions", "POST", "/users/{id}/sign-out", func(ctx context.Context, c *gate.Call, in *UserRef) (*Done, error) {
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		list, err := identity.SessionsOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		for _, s := range list {
			c.Change("session", string(s.ID), "")
		}
		return &Done{Done: true}, identity.EndSessions(ctx, c.Tx, in.ID)
	})
	o.Object, o.StepUp = object, false
	return o
}
