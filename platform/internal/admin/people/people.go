// Package people is the desk of whoever decides who works here: users and their
// invitations, teams, recorded exceptions from second factors, other people's
// sessions, what somebody may give away, and the tenant's settings of its doors.
//
// Invariants. Nobody changes the access that they themselves hold, and nobody
// grants anything to themselves. Whatever would give somebody an operation is
// refused unless the giver may give that operation; whoever is restricted lets nobody
// see rows that they do not see themselves. A tenant is never left
// without an active administrator. Machine users have keys and never a way to
// sign in. The desk knows no page: links are made by whoever sends the mail.
package people

import (
	"context"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Config is what the desk is wired with.
type Config struct {
	Passwords *identity.Passwords
	Built     func(c *gate.Call)  // told after a change of restrictions: sets of visible loans may need building
	Catalogue func() []*gate.Meta // the gate's list, once it is made
	Kick      func(c *gate.Call)  // wakes the tenant's job runner after a commit
}

// Desk holds the operations.
type Desk struct {
	config     Config
	UserList   *gate.Op[Nothing, UserListOut]
	UserView   *gate.Op[UserRef, User]
	UserCreate *gate.Op[UserCreateIn, User]
	UserUpdate *gate.Op[UserUpdateIn, User]
	Invite     *gate.Op[UserRef, User]
	Unlock     *gate.Op[UserRef, User]

	Grantable    *gate.Op[GrantableIn, User]
	GiveAway     *gate.Op[UserRef, GrantableOut]
	Sessions     *gate.Op[UserRef, SessionListOut]
	SignOut      *gate.Op[UserRef, Done]
	Factors      *gate.Op[UserRef, FactorsOut]
	ResetFactors *gate.Op[UserRef, Done]
	Except       *gate.Op[ExceptIn, Exception]
	EndExcept    *gate.Op[ExceptionRef, Done]

	TeamList   *gate.Op[Nothing, TeamListOut]
	TeamView   *gate.Op[TeamRef, Team]
	TeamCreate *gate.Op[TeamIn, Team]
	TeamUpdate *gate.Op[TeamUpdateIn, Team]
	TeamDelete *gate.Op[TeamRef, Done]

	Setting     *gate.Op[Nothing, Setting]
	SaveSetting *gate.Op[SettingIn, Setting]
}

// Nothing is the input of operations that need none.
type Nothing struct{}

// Done is the output of operations that say no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

// New makes the desk.
func New(c Config) *Desk {
	d := &Desk{config: c}
	d.UserList, d.UserView = d.userList(), d.userView()
	d.UserCreate, d.UserUpdate = d.userCreate(), d.userUpdate()
	d.Invite, d.Unlock = d.invite(), d.unlock()
	d.Grantable, d.GiveAway = d.setGrantable(), d.giveAway()
	d.Sessions, d.SignOut = d.sessions(), d.signOut()
	d.Factors, d.ResetFactors, d.Except, d.EndExcept = d.factors(), d.resetFactors(), d.except(), d.endExcept()
	d.TeamList, d.TeamView = d.teamList(), d.teamView()
	d.TeamCreate, d.TeamUpdate, d.TeamDelete = d.teamCreate(), d.teamUpdate(), d.teamDelete()
	d.Setting, d.SaveSetting = d.setting(), d.saveSetting()
	return d
}

// Operations lists what the desk does.
func (d *Desk) Operations() []gate.Entry {
	return []gate.Entry{d.UserList, d.UserView, d.UserCreate, d.UserUpdate, d.Invite, d.Unlock, d.Grantable, d.GiveAway, d.Sessions, d.SignOut,
		d.Factors, d.ResetFactors, d.Except, d.EndExcept, d.TeamList, d.TeamView, d.TeamCreate, d.TeamUpdate, d.TeamDelete, d.Setting, d.SaveSetting}
}

// look describes a read of this desk; edit an access change.
func look[In, Out any](name, title, screen, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: "GET", Path: path,
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security, Do: do}
}

func edit[In, Out any](name, title, screen, method, path string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Access", Screen: screen, Method: method, Path: path,
		Kind: operation.Write, Audit: operation.Access, Permit: gate.ByRole, Sensitivity: operation.Security, StepUp: true, Do: do}
}

// refuseSelf keeps people from changing the access that they hold.
func refuseSelf(c *gate.Call, u id.User) error {
	if c.Who.Sort != gate.System && c.Who.User == u {
		return fault.New(fault.Denied, "own_access", "Nobody changes their own access; ask another administrator.")
	}
	return nil
}

// administers reports somebody who can sign in and holds the shipped Admin role for
// good: a role that is lent ends, and then the one before it comes back.
func administers(c *gate.Call, s *identity.Staff) bool {
	holds := s.Role
	if s.RoleUntil != 0 {
		holds = s.RoleAfter
	}
	r := c.Policy.Role(holds)
	return s.Active && !s.Machine && s.PasswordHash != "" && r != nil && r.Shipped == policy.Admin
}

// keepAnAdministrator refuses a change that takes the last person who administers
// away, and one after which nobody holds that role who may still come: somebody who
// was invited may never do so.
func keepAnAdministrator(ctx context.Context, c *gate.Call, before *identity.Staff) error {
	var invited, n int64
	err := c.Tx.One(ctx, `SELECT COUNT(*), COALESCE(SUM(CASE WHEN s.password_hash <> '' THEN 1 ELSE 0 END), 0) FROM staff s JOIN role r ON r.id = CASE WHEN s.role_until <> 0 THEN s.role_after ELSE s.role_id END
		WHERE s.active = 1 AND s.machine = 0 AND r.shipped = ?`, []any{policy.Admin}, &invited, &n)
	if err == nil && (invited == 0 || n == 0 && administers(c, before)) {
		return fault.New(fault.Conflict, "last_administrator", "This would leave nobody who can administer access.")
	}
	return err
}

// instant prints an instant as the API writes it; empty for never.
func instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
