package vantage

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Factors is how somebody proves who they are beside the password.
type Factors struct {
	Needed      bool   `json:"needed" class:"public"`
	Apps        int    `json:"authenticators" class:"public"`
	Passkeys    int    `json:"passkeys" class:"public"`
	Codes       int    `json:"recovery_codes_left" class:"public"`
	ExceptUntil string `json:"exception_until,omitempty" class:"public" doc:"a recorded exception stands until then"`
	ExceptFor   string `json:"exception_reason,omitempty" class:"public"`
}

// Key is an API key of one's own.
type Key struct {
	ID        id.APIKey `json:"id" class:"public"`
	Label     string    `json:"label" class:"public"`
	Begins    string    `json:"begins" class:"public"`
	ExpiresAt string    `json:"expires_at,omitempty" class:"public"`
	UsedAt    string    `json:"last_used_at,omitempty" class:"public"`
}

// Lent is a right that somebody has for a time.
type Lent struct {
	What   string `json:"what" class:"public"`
	Object string `json:"object,omitempty" class:"public"`
	Until  string `json:"until" class:"public"`
}

// Request is a request for access that still waits.
type Request struct {
	ID        id.AccessRequest `json:"id" class:"public"`
	Operation string           `json:"operation" class:"public"`
	Object    string           `json:"object,omitempty" class:"public"`
	MadeAt    string           `json:"made_at" class:"public"`
	Until     string           `json:"until" class:"public"`
}

// own reads what is the person's own: factors, sessions, keys.
func (out *AccessOut) own(ctx context.Context, c *gate.Call, s *policy.Subject) error {
	u := c.Who.User
	out.Factors.Needed = c.Policy.Setting().FactorsRequired && !s.Machine
	factors, err := identity.FactorsOf(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	for _, f := range factors {
		switch {
		case !f.Active:
		case f.Kind == "passkey":
			out.Factors.Passkeys++
		default:
			out.Factors.Apps++
		}
	}
	codes, err := identity.RecoveryCodesOf(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	out.Factors.Codes = len(codes)
	exceptions, err := identity.ExceptionsOf(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	for _, x := range exceptions {
		if x.EndedAt == 0 && c.At < x.Until {
			out.Factors.ExceptUntil, out.Factors.ExceptFor = instant(x.Until), x.Reason
		}
	}
	sessions, err := identity.SessionsOf(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	out.Sessions = len(sessions)
	return out.keys(ctx, c)
}

func (out *AccessOut) keys(ctx context.Context, c *gate.Call) error {
	keys, err := identity.KeysOf(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	out.Keys = []Key{}
	for _, k := range keys {
		if k.RevokedAt == 0 && (k.ExpiresAt == 0 || k.ExpiresAt > c.At) {
			out.Keys = append(out.Keys, Key{ID: k.ID, Label: k.Label, Begins: "lk_" + k.Locator[:4] + "…", ExpiresAt: instant(k.ExpiresAt), UsedAt: instant(k.UsedAt)})
		}
	}
	return nil
}

// lent reads what holds for a time: the role, grants, pauses; and what is asked.
func (out *AccessOut) lent(ctx context.Context, c *gate.Call, s *policy.Subject) error {
	staff, err := identity.StaffByID(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	out.Role = Held{Name: s.Role.Name, Description: s.Role.Description}
	if staff.RoleUntil > c.At {
		out.Role.Until = instant(staff.RoleUntil)
		if r := c.Policy.Role(staff.RoleAfter); r != nil {
			out.Role.After = r.Name
		}
	}
	out.Lent = []Lent{}
	for _, g := range s.Lent {
		for _, name := range g.Operations {
			out.Lent = append(out.Lent, Lent{What: name, Object: g.Object, Until: instant(g.Until)})
		}
	}
	pauses, err := db.All(ctx, c.Tx, func(r *db.Rows) (l Lent, err error) {
		var until int64
		err = r.Scan(&l.What, &until)
		l.What, l.Until = "The search restriction “"+l.What+"” is paused", instant(until)
		return l, err
	}, `SELECT r.name, p.until FROM restriction_pause p JOIN search_restriction r ON r.id = p.restriction_id WHERE p.user_id = ? AND p.until > ? ORDER BY r.name`, c.Who.User, c.At)
	if err != nil {
		return err
	}
	out.Lent = append(out.Lent, pauses...)
	loans, err := policy.LentLoans(ctx, c.Tx, c.Who.User)
	if err != nil {
		return err
	}
	for _, l := range loans {
		out.Lent = append(out.Lent, Lent{What: "One loan, whatever the search restrictions hide", Object: "loan/" + string(l.Loan), Until: instant(l.Until)})
	}
	out.Requests, err = db.All(ctx, c.Tx, func(r *db.Rows) (q Request, err error) {
		var made, until int64
		err = r.Scan(&q.ID, &q.Operation, &q.Object, &made, &until)
		q.MadeAt, q.Until = instant(made), instant(until)
		return q, err
	}, `SELECT id, operation, object, made_at, until FROM access_request WHERE user_id = ? AND state = 'open' ORDER BY made_at, id`, c.Who.User)
	if out.Requests == nil {
		out.Requests = []Request{}
	}
	return err
}
