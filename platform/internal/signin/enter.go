package signin

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// EnterIn is a log-in name and a password.
type EnterIn struct {
	Email    string      `json:"email" maxLength:"320"`
	Password secret.Text `json:"password"`
}

// EnterOut is a new session. The token goes into a cookie and nowhere else.
type EnterOut struct {
	Token secret.Text `json:"-"`
	User  id.User     `json:"user" class:"public"`
	Name  string      `json:"name" class:"public"`
	Asked bool        `json:"factor_asked" class:"public" doc:"a second factor must be given, or made, before anything else"`
}

// attempt is what is known of a sign-in before its transaction.
type attempt struct {
	staff  identity.Staff
	known  bool // there is such a user, who may sign in from this address
	right  bool // the password fits
	barred bool // the address is refused: does not count towards a lock
}

var wrong = fault.Error{Kind: fault.Unauthenticated, Reason: "wrong_credentials", Message: "The e-mail address or the password is not right."}

func (d *Desk) enter() *gate.Op[EnterIn, EnterOut] {
	return &gate.Op[EnterIn, EnterOut]{
		Name: "session.begin", Title: "Sign in", Area: "Sign-in",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Prepare: func(ctx context.Context, c *gate.Call, in *EnterIn) (any, error) { return lookUp(ctx, c, in.Email) },
		Outside: func(ctx context.Context, in *EnterIn, prepared any) (any, error) {
			a := prepared.(*attempt)
			right, err := d.config.Passwords.Verify(ctx, in.Password, a.staff.PasswordHash)
			a.right = right
			return a, err
		},
		Do: func(ctx context.Context, c *gate.Call, in *EnterIn) (*EnterOut, error) {
			c.SealedDetail("attempted", identity.NormalEmail(in.Email))
			return settle(ctx, c, c.Outside.(*attempt))
		},
	}
}

func lookUp(ctx context.Context, c *gate.Call, email string) (*attempt, error) {
	a := new(attempt)
	s, err := identity.StaffByEmail(ctx, c.Tx, email)
	if fault.Is(err, fault.NotFound) {
		return a, nil
	}
	if err != nil {
		return nil, err
	}
	a.staff, a.known = s, s.Active && !s.Machine
	subject, err := c.Policy.Subject(ctx, c.Tx, s.ID, "")
	if err != nil {
		return nil, err
	}
	if !c.AddressAllowed(subject) {
		a.barred, a.known = true, false
	}
	return a, nil
}

// settle counts a failure or opens a session; the count is read again in this
// transaction, so that many guesses at once are counted one by one.
func settle(ctx context.Context, c *gate.Call, a *attempt) (*EnterOut, error) {
	refuse := func() (*EnterOut, error) {
		f := wrong
		c.Refuse(&f)
		return &EnterOut{}, nil
	}
	if a.staff.ID == "" {
		return refuse()
	}
	c.Object("user/" + string(a.staff.ID))
	now, err := identity.StaffByID(ctx, c.Tx, a.staff.ID)
	if err != nil {
		return nil, err
	}
	locked := c.At < now.LockedUntil
	changed := now.PasswordHash != a.staff.PasswordHash
	if a.barred || locked || changed || !now.Active {
		c.Detail("cause", cause(a.barred, locked))
		return refuse()
	}
	if !a.known || !a.right {
		if _, err := miss(ctx, c, now); err != nil {
			return nil, err
		}
		return refuse()
	}
	asked, err := asksFactor(ctx, c, now.ID)
	if err != nil {
		return nil, err
	}
	if !asked {
		if err := forgive(ctx, c, now); err != nil {
			return nil, err
		}
	}
	return open(ctx, c, now, asked, 0)
}

// open opens a session. factorAt is zero where a password was the way in.
func open(ctx context.Context, c *gate.Call, s identity.Staff, asked bool, factorAt int64) (*EnterOut, error) {
	token, hash := identity.NewToken()
	o := identity.Opening{ID: id.New[id.Session](c.At), TokenHash: hash, User: s.ID, Address: c.Request.Address.Chosen.String(),
		Agent: clip(c.Request.UserAgent, 300), FactorAt: factorAt, ProvedAt: c.At}
	c.Detail("session", string(o.ID))
	return &EnterOut{Token: token, User: s.ID, Name: s.Name, Asked: asked}, identity.InsertSession(ctx, c.Tx, o)
}

// miss counts a wrong password or code, and locks the account where the tenant
// says so. It reports whether it did.
func miss(ctx context.Context, c *gate.Call, s identity.Staff) (locked bool, err error) {
	setting := c.Policy.Setting()
	failures, until := s.Failures+1, int64(0)
	if failures >= setting.LockAfter {
		failures, until = 0, c.At+setting.LockMinutes*minute
		c.Detail("locked", strconv.FormatInt(setting.LockMinutes, 10)+" minutes")
	}
	return until != 0, identity.SetFailures(ctx, c.Tx, s.ID, failures, until)
}

// forgive begins the count of wrong passwords and codes anew.
func forgive(ctx context.Context, c *gate.Call, s identity.Staff) error {
	if s.Failures == 0 {
		return nil
	}
	return identity.SetFailures(ctx, c.Tx, s.ID, 0, 0)
}

// asksFactor reports whether a person's sessions must give a second factor now.
func asksFactor(ctx context.Context, c *gate.Call, u id.User) (bool, error) {
	s, err := c.Policy.Subject(ctx, c.Tx, u, "")
	if err != nil {
		return false, err
	}
	return s.FactorNeeded && c.At >= s.ExceptUntil, nil
}

func cause(barred, locked bool) string {
	switch {
	case barred:
		return "address not allowed"
	case locked:
		return "account locked"
	}
	return "account changed meanwhile or switched off"
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

func (d *Desk) leave() *gate.Op[Nothing, Done] {
	return &gate.Op[Nothing, Done]{
		Name: "session.end", Title: "Sign out", Area: "Sign-in", Screen: "Sign out",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Mends: true, Leaves: true,
		Do: func(ctx context.Context, c *gate.Call, _ *Nothing) (*Done, error) {
			return &Done{Done: true}, identity.EndSession(ctx, c.Tx, c.Who.Session)
		},
	}
}
