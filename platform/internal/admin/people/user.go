package people

import (
	"context"
	"net/mail"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// User is a member of staff as the API shows one.
type User struct {
	ID                 id.User          `json:"id" class:"public"`
	Email              string           `json:"email" class:"public"`
	Name               string           `json:"name" class:"public"`
	Active             bool             `json:"active" class:"public"`
	Machine            bool             `json:"machine" class:"public" doc:"has keys and no sign-in"`
	Role               string           `json:"role" class:"public" doc:"the role's name"`
	Teams              []id.Team        `json:"teams" class:"public"`
	SearchRestrictions []id.Restriction `json:"search_restrictions" class:"public"`
	IPRules            []id.IPRule      `json:"ip_rules" class:"public"`

	RuleNames         map[id.IPRule]string `json:"-"` // of the address rules
	ThroughTeams      int                  `json:"-"` // restrictions that bind by a team alone; in lists
	WalkthroughGroups []string             `json:"walkthrough_groups" class:"public"`
	SecondFactor      string               `json:"second_factor" class:"public" doc:"set_up, exception, missing, or not_needed"`
	ExceptUntil       string               `json:"exception_until,omitempty" class:"public"`
	InvitedUntil      string               `json:"invited_until,omitempty" class:"public" doc:"an invitation waits to be followed"`
	NoPassword        bool                 `json:"no_password" class:"public" doc:"a person who has not set a password yet"`
	LockedUntil       string               `json:"locked_until,omitempty" class:"public"`
	LentUntil         string               `json:"role_until,omitempty" class:"public" doc:"the role is lent until then"`
	RoleAfter         string               `json:"role_after,omitempty" class:"public" doc:"the role that comes back then"`
	Version           int64                `json:"version" class:"public" doc:"changes with name, role, activity, teams and restrictions; send it back with an edit"`
}

// UserRef names a user in a path.
type UserRef struct {
	ID id.User `path:"id"`
}

// UserListOut is all users by name.
type UserListOut struct {
	Items []User `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

// UserCreateIn is a new user. Without a password a person is invited by mail; a
// password that is given here must be changed at the first sign-in, and is refused
// where a second person must approve: whoever proposes would know it.
type UserCreateIn struct {
	Email              string           `json:"email" minLength:"3" maxLength:"320"`
	Name               string           `json:"name" minLength:"1" maxLength:"200"`
	Role               string           `json:"role" minLength:"1" maxLength:"200" doc:"a role's name or id"`
	Machine            bool             `json:"machine,omitempty"`
	Password           secret.Text      `json:"password,omitempty"`
	Teams              []id.Team        `json:"teams,omitempty" maxItems:"50"`
	SearchRestrictions []id.Restriction `json:"search_restrictions,omitempty" maxItems:"50"`
}

// UserUpdateIn changes a user; fields that are left out stay as they are.
type UserUpdateIn struct {
	ID                 id.User           `path:"id" json:"-"`
	Name               *string           `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Role               *string           `json:"role,omitempty" doc:"a role's name or id"`
	Active             *bool             `json:"active,omitempty"`
	Teams              *[]id.Team        `json:"teams,omitempty"`
	SearchRestrictions *[]id.Restriction `json:"search_restrictions,omitempty"`
	Version            *int64            `json:"version,omitempty" doc:"the version that was read: if anything of the user was changed since, the answer is 409 and says how it stands"`
}

func object(u *UserRef) string { return "user/" + string(u.ID) }

func (d *Desk) userList() *gate.Op[Nothing, UserListOut] {
	return look("user.list", "List users", "Users", "/users", func(ctx context.Context, c *gate.Call, _ *Nothing) (*UserListOut, error) {
		staff, err := identity.AllStaff(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		bonds, err := policy.Bonds(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &UserListOut{Items: make([]User, 0, len(staff)), Total: len(staff)}
		for _, s := range staff {
			u, err := shown(ctx, c, s)
			if err != nil {
				return nil, err
			}
			u.ThroughTeams = len(minus(texts(bonds[u.ID].Restrictions), texts(u.SearchRestrictions)))
			out.Items = append(out.Items, u)
		}
		return out, nil
	})
}

func (d *Desk) userView() *gate.Op[UserRef, User] {
	o := look("user.view", "View user", "Users", "/users/{id}", func(ctx context.Context, c *gate.Call, in *UserRef) (*User, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		u, err := shown(ctx, c, s)
		return &u, err
	})
	o.Object = object
	return o
}

func shown(ctx context.Context, c *gate.Call, s identity.Staff) (User, error) {
	u := User{ID: s.ID, Email: s.Email, Name: s.Name, Active: s.Active, Machine: s.Machine, WalkthroughGroups: []string{},
		IPRules: []id.IPRule{}, RuleNames: map[id.IPRule]string{}, NoPassword: !s.Machine && s.PasswordHash == ""}
	if s.LockedUntil > c.At {
		u.LockedUntil = instant(s.LockedUntil)
	}
	role := s.Role
	if s.RoleUntil > c.At {
		u.LentUntil, u.RoleAfter = instant(s.RoleUntil), roleName(c, s.RoleAfter)
	} else if s.RoleUntil != 0 {
		role = s.RoleAfter
	}
	u.Role = roleName(c, role)
	for _, r := range c.Policy.IPRules() {
		for _, h := range r.Holders {
			if h.Kind == "user" && h.ID == string(s.ID) {
				u.IPRules = append(u.IPRules, r.ID)
				u.RuleNames[r.ID] = r.Name
			}
		}
	}
	var err error
	if u.SearchRestrictions, err = policy.Assigned(ctx, c.Tx, s.ID); err != nil {
		return u, err
	}
	if u.SearchRestrictions == nil {
		u.SearchRestrictions = []id.Restriction{}
	}
	if u.Teams, err = policy.TeamsOf(ctx, c.Tx, s.ID); err != nil {
		return u, err
	}
	if u.Teams == nil {
		u.Teams = []id.Team{}
	}
	u.Version = admin.VersionOf(s.Name, role, u.LentUntil, u.RoleAfter, s.Active, u.Teams, u.SearchRestrictions)
	return u, door(ctx, c, s, &u)
}

// door fills in how the user comes in: invitation, second factors, exception.
func door(ctx context.Context, c *gate.Call, s identity.Staff, u *User) error {
	u.SecondFactor = "not_needed"
	if s.Machine {
		return nil
	}
	until, err := identity.InvitedUntil(ctx, c.Tx, s.ID)
	if err != nil {
		return err
	}
	u.InvitedUntil = instant(until)
	list, err := identity.FactorsOf(ctx, c.Tx, s.ID)
	if err != nil {
		return err
	}
	exceptions, err := identity.ExceptionsOf(ctx, c.Tx, s.ID)
	if err != nil {
		return err
	}
	for _, x := range exceptions {
		if x.EndedAt == 0 && x.Until > c.At {
			u.ExceptUntil = max(u.ExceptUntil, instant(x.Until))
		}
	}
	switch {
	case u.ExceptUntil != "":
		u.SecondFactor = "exception"
	case slices.ContainsFunc(list, func(f identity.Factor) bool { return f.Active }):
		u.SecondFactor = "set_up"
	case c.Policy.Setting().FactorsRequired:
		u.SecondFactor = "missing"
	}
	return nil
}

func (d *Desk) userCreate() *gate.Op[UserCreateIn, User] {
	o := edit("user.create", "Add user", "Users", "POST", "/users", d.addUser)
	o.Status, o.Pairing, o.Hands = 201, gate.MayPair, "email"
	o.Outside = func(ctx context.Context, in *UserCreateIn, _ any) (any, error) {
		if in.Password.Empty() || in.Machine {
			return "", nil
		}
		if err := d.config.Passwords.Choose(in.Password, factor.About{Email: in.Email, Name: in.Name}); err != nil {
			return nil, err
		}
		return d.config.Passwords.Hash(ctx, in.Password)
	}
	return o
}

func (d *Desk) addUser(ctx context.Context, c *gate.Call, in *UserCreateIn) (*User, error) {
	var f fault.Collector
	address, err := mail.ParseAddress(in.Email)
	f.Check(err == nil && address.Address == strings.TrimSpace(in.Email), "email", "Give an e-mail address such as ann@example.com.")
	f.Check(personName(in.Name), "name", "Give the person's name, without control characters.")
	role := findRole(c, in.Role)
	f.Check(role != nil, "role", "Name a role that exists, for example Agent.")
	hash, alone := c.Outside.(string) // nothing is there where two people do it
	f.Check(alone || in.Password.Empty(), "password", "Where a second person must approve, nobody chooses a password for another: leave it out, and the person is invited by mail.")
	if err := f.Err(); err != nil {
		return nil, err
	}
	if err := refuseGiving(c, nil, role); err != nil {
		return nil, err
	}
	if err := d.refuseFromConsole(c, role); err != nil {
		return nil, err
	}
	s := identity.Staff{ID: id.New[id.User](c.At), Email: in.Email, Name: strings.TrimSpace(in.Name), Role: role.ID, Active: true,
		Machine: in.Machine, PasswordHash: hash, PasswordAt: c.At, CreatedAt: c.At}
	s.MustChange = s.PasswordHash != "" && c.Channel != operation.Job // somebody else knows it
	if err := insert(ctx, c, s, in); err != nil {
		return nil, err
	}
	if !s.Machine && s.PasswordHash == "" {
		if err := d.sendInvitation(ctx, c, s.ID); err != nil {
			return nil, err
		}
	}
	c.Object("user/" + string(s.ID))
	c.Change("name", "", s.Name)
	c.Change("email", "", identity.NormalEmail(s.Email))
	c.Change("role", "", role.Name)
	c.Change("teams", "", join(in.Teams))
	c.Change("search_restrictions", "", join(in.SearchRestrictions))
	d.built(c, len(in.SearchRestrictions)+len(in.Teams) > 0)
	return d.asStored(ctx, c, s.ID)
}

// asStored gives a user as the API shows one, read anew.
func (d *Desk) asStored(ctx context.Context, c *gate.Call, u id.User) (*User, error) {
	s, err := identity.StaffByID(ctx, c.Tx, u)
	if err != nil {
		return nil, err
	}
	out, err := shown(ctx, c, s)
	return &out, err
}

func (d *Desk) userUpdate() *gate.Op[UserUpdateIn, User] {
	o := edit("user.update", "Change user", "Users", "PATCH", "/users/{id}", d.changeUser)
	o.Object, o.Pairing, o.Hands = func(in *UserUpdateIn) string { return "user/" + string(in.ID) }, gate.MayPair, "active"
	return o
}

func (d *Desk) changeUser(ctx context.Context, c *gate.Call, in *UserUpdateIn) (*User, error) {
	s, err := identity.StaffByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Role != nil || in.Active != nil || in.SearchRestrictions != nil || in.Teams != nil {
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
	}
	if err := unmovedUser(ctx, c, in, s); err != nil {
		return nil, err
	}
	before := s
	if in.Name != nil {
		if !personName(*in.Name) {
			return nil, fault.Bad("name", "Give the person's name, without control characters.")
		}
		s.Name = strings.TrimSpace(*in.Name)
	}
	if err := changeRole(c, in, &s); err != nil {
		return nil, err
	}
	c.Change("active", yes(before.Active), yes(s.Active))
	c.Change("name", before.Name, s.Name)
	rows, err := admin.WatchRows(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := identity.UpdateStaff(ctx, c.Tx, s); err != nil {
		return nil, err
	}
	if !s.Active {
		if err := identity.EndSessions(ctx, c.Tx, s.ID); err != nil {
			return nil, err
		}
	}
	if err := d.reassign(ctx, c, in); err != nil {
		return nil, err
	}
	if err := rows.Refuse(ctx, c, gaining(c, before, s)...); err != nil {
		return nil, err
	}
	if err := keepAnAdministrator(ctx, c, &before); err != nil {
		return nil, err
	}
	u, err := shown(ctx, c, s)
	return &u, err
}

func (d *Desk) built(c *gate.Call, changed bool) {
	if changed && d.config.Built != nil {
		c.After(func() { d.config.Built(c) })
	}
}

func findRole(c *gate.Call, nameOrID string) *policy.Role {
	for _, r := range c.Policy.Roles() {
		if r.Name == nameOrID || string(r.ID) == nameOrID {
			return r
		}
	}
	return nil
}

func roleName(c *gate.Call, r id.Role) string {
	if role := c.Policy.Role(r); role != nil {
		return role.Name
	}
	return ""
}

func personName(s string) bool { return identity.PersonName(s) }

func join[T ~string](list []T) string { return strings.Join(texts(list), ", ") }

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
