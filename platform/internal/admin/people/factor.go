package people

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// exceptionMost is how long an exception may last at most.
const exceptionMost = 366 * day

// Factor is a second factor of somebody: that it is there, and no more.
type Factor struct {
	ID     id.Factor `json:"id" class:"public"`
	Kind   string    `json:"kind" class:"public" doc:"totp or passkey"`
	Label  string    `json:"label" class:"public"`
	MadeAt string    `json:"made_at" class:"public"`
	UsedAt string    `json:"used_at,omitempty" class:"public"`
}

// Exception is a recorded approval that somebody needs no second factor.
type Exception struct {
	ID         id.Exception `json:"id" class:"public"`
	Reason     string       `json:"reason" class:"public"`
	ApprovedBy string       `json:"approved_by" class:"public"`
	MadeAt     string       `json:"made_at" class:"public"`
	Until      string       `json:"until" class:"public"`
	EndedAt    string       `json:"ended_at,omitempty" class:"public"`
	Live       bool         `json:"live" class:"public"`
}

// FactorsOut is how somebody proves who they are.
type FactorsOut struct {
	Factors    []Factor    `json:"factors"`
	CodesLeft  int         `json:"recovery_codes_left" class:"public"`
	Exceptions []Exception `json:"exceptions" doc:"newest first, ended ones included"`
}

func (d *Desk) factors() *gate.Op[UserRef, FactorsOut] {
	o := look("user.factors", "View second factors", "Users/Second factors", "/users/{id}/factors", func(ctx context.Context, c *gate.Call, in *UserRef) (*FactorsOut, error) {
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		out := &FactorsOut{Factors: []Factor{}, Exceptions: []Exception{}}
		list, err := identity.FactorsOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		for _, f := range list {
			if f.Active {
				out.Factors = append(out.Factors, Factor{ID: f.ID, Kind: f.Kind, Label: f.Label, MadeAt: instant(f.MadeAt), UsedAt: instant(f.UsedAt)})
			}
		}
		codes, err := identity.RecoveryCodesOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		out.CodesLeft = len(codes)
		return out, out.exceptions(ctx, c, in.ID)
	})
	o.Object = object
	return o
}

func (out *FactorsOut) exceptions(ctx context.Context, c *gate.Call, u id.User) error {
	list, err := identity.ExceptionsOf(ctx, c.Tx, u)
	if err != nil {
		return err
	}
	actors := make([]string, len(list))
	for i, x := range list {
		actors[i] = x.ApprovedBy
	}
	names, err := identity.NamesOf(ctx, c.Tx, actors)
	for _, x := range list {
		by := names[x.ApprovedBy]
		if by == "" {
			by = x.ApprovedBy
		}
		out.Exceptions = append(out.Exceptions, exception(c, x, by))
	}
	return err
}

func exception(c *gate.Call, x identity.Exception, by string) Exception {
	return Exception{ID: x.ID, Reason: x.Reason, ApprovedBy: by, MadeAt: instant(x.MadeAt), Until: instant(x.Until), EndedAt: instant(x.EndedAt),
		Live: x.EndedAt == 0 && c.At < x.Until}
}

// resetFactors takes away what somebody has lost; they enrol anew when they sign
// in next. Their sessions end, for whoever holds what was lost may be in one.
func (d *Desk) resetFactors() *gate.Op[UserRef, Done] {
	o := edit("user.factors.reset", "Reset second factors", "Users/Second factors", "POST", "/users/{id}/factors/reset", func(ctx context.Context, c *gate.Call, in *UserRef) (*Done, error) {
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
		list, err := identity.FactorsOf(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if len(list) == 0 {
			return nil, fault.New(fault.Conflict, "no_factor", "There is no second factor to reset.")
		}
		for _, f := range list {
			c.Change("second_factor", string(f.ID)+" "+f.Label, "")
		}
		if err := identity.DeleteFactors(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		return &Done{Done: true}, identity.EndSessions(ctx, c.Tx, in.ID)
	})
	o.Object, o.Pairing, o.Hands = object, gate.MayPair, "second_factor"
	return o
}

// ExceptIn approves that somebody needs no second factor for a while.
type ExceptIn struct {
	ID     id.User `path:"id" json:"-"`
	Reason string  `json:"reason" minLength:"1" maxLength:"500"`
	Until  string  `json:"until" minLength:"1" format:"date-time" doc:"at most a year from now"`
}

func (d *Desk) except() *gate.Op[ExceptIn, Exception] {
	o := edit("factor_exception.grant", "Grant an exception from second factors", "Users/Second factors", "POST", "/users/{id}/factor-exceptions", func(ctx context.Context, c *gate.Call, in *ExceptIn) (*Exception, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
		if s.Machine {
			return nil, fault.New(fault.Conflict, "machine_user", "A program never signs in and needs no exception.")
		}
		var f fault.Collector
		reason := strings.TrimSpace(in.Reason)
		f.Check(utf8.RuneCountInString(reason) >= 10, "reason", "Say why, in at least ten characters: it stays in the record.")
		until, err := time.Parse(time.RFC3339, in.Until)
		f.Check(err == nil && until.UnixMicro() > c.At && until.UnixMicro() <= c.At+exceptionMost, "until", "Give an instant within a year from now, such as 2027-01-31T00:00:00Z.")
		if err := f.Err(); err != nil {
			return nil, err
		}
		x := identity.Exception{ID: id.New[id.Exception](c.At), User: s.ID, Reason: reason, ApprovedBy: c.Who.String(), MadeAt: c.At, Until: until.UnixMicro()}
		c.Given(reason)
		c.Change("factor_exception", "", string(x.ID)+" until "+instant(x.Until))
		out := exception(c, x, c.Who.Name)
		return &out, identity.InsertException(ctx, c.Tx, x)
	})
	o.Status, o.Object, o.Pairing, o.Hands = 201, func(in *ExceptIn) string { return "user/" + string(in.ID) }, gate.MayPair, "factor_exception"
	return o
}

// ExceptionRef names an exception of somebody.
type ExceptionRef struct {
	ID        id.User      `path:"id" json:"-"`
	Exception id.Exception `path:"exception" json:"-"`
}

func (d *Desk) endExcept() *gate.Op[ExceptionRef, Done] {
	o := edit("factor_exception.end", "End an exception from second factors", "Users/Second factors", "DELETE", "/users/{id}/factor-exceptions/{exception}", func(ctx context.Context, c *gate.Call, in *ExceptionRef) (*Done, error) {
		if err := identity.EndException(ctx, c.Tx, in.ID, in.Exception); err != nil {
			return nil, err
		}
		c.Change("factor_exception", string(in.Exception), "")
		return &Done{Done: true}, nil
	})
	o.Object = func(in *ExceptionRef) string { return "user/" + string(in.ID) }
	return o
}
