package people

import (
	"context"
	"net/mail"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
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
	Teams              []string         `json:"teams" class:"public"`
	SearchRestrictions []id.Restriction `json:"search_restrictions" class:"public"`
	IPRules            []id.IPRule      `json:"ip_rules" class:"public"`
	WalkthroughGroups  []string         `json:"walkthrough_groups" class:"public"`
	SecondFactor       string           `json:"second_factor,omitempty" class:"public" doc:"a recorded exception"`
	LockedUntil        string           `json:"locked_until,omitempty" class:"public"`
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

// UserCreateIn is a new user. Without a password the user asks for a reset link.
type UserCreateIn struct {
	Email              string           `json:"email" minLength:"3" maxLength:"320"`
	Name               string           `json:"name" minLength:"1" maxLength:"200"`
	Role               string           `json:"role" minLength:"1" maxLength:"200" doc:"a role's name or id"`
	Machine            bool             `json:"machine,omitempty"`
	Password           secret.Text      `json:"password,omitempty"`
	SearchRestrictions []id.Restriction `json:"search_restrictions,omitempty" maxItems:"50"`
}

// UserUpdateIn changes a user; fields that are left out stay as they are.
type UserUpdateIn struct {
	ID                 id.User           `path:"id" json:"-"`
	Name               *string           `json:"name,omitempty" minLength:"1" maxLength:"200"`
	Role               *string           `json:"role,omitempty" doc:"a role's name or id"`
	Active             *bool             `json:"active,omitempty"`
	SearchRestrictions *[]id.Restriction `json:"search_restrictions,omitempty"`
}

func object(u *UserRef) string { return "user/" + string(u.ID) }

func (d *Desk) userList() *gate.Op[Nothing, UserListOut] {
	return look("user.list", "List users", "Users", "/users", func(ctx context.Context, c *gate.Call, _ *Nothing) (*UserListOut, error) {
		staff, err := identity.AllStaff(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &UserListOut{Items: make([]User, 0, len(staff)), Total: len(staff)}
		for _, s := range staff {
			u, err := shown(ctx, c, s)
			if err != nil {
				return nil, err
			}
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
	u := User{ID: s.ID, Email: s.Email, Name: s.Name, Active: s.Active, Machine: s.Machine, Teams: []string{}, WalkthroughGroups: []string{},
		IPRules: []id.IPRule{}}
	if s.LockedUntil > c.At {
		u.LockedUntil = instant(s.LockedUntil)
	}
	if r := c.Policy.Role(s.Role); r != nil {
		u.Role = r.Name
	}
	for _, r := range c.Policy.IPRules() {
		for _, h := range r.Holders {
			if h.Kind == "user" && h.ID == string(s.ID) {
				u.IPRules = append(u.IPRules, r.ID)
			}
		}
	}
	var err error
	u.SearchRestrictions, err = policy.Assigned(ctx, c.Tx, s.ID)
	if u.SearchRestrictions == nil {
		u.SearchRestrictions = []id.Restriction{}
	}
	return u, err
}

func (d *Desk) userCreate() *gate.Op[UserCreateIn, User] {
	o := edit("user.create", "Add user", "Users", "POST", "/users", d.addUser)
	o.Status = 201
	o.Outside = func(ctx context.Context, in *UserCreateIn, _ any) (any, error) {
		if in.Password.Empty() || in.Machine {
			return "", nil
		}
		if err := identity.CheckPolicy(in.Password); err != nil {
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
	if err := f.Err(); err != nil {
		return nil, err
	}
	s := identity.Staff{ID: id.New[id.User](c.At), Email: in.Email, Name: strings.TrimSpace(in.Name), Role: role.ID, Active: true,
		Machine: in.Machine, PasswordHash: c.Outside.(string), PasswordAt: c.At, CreatedAt: c.At}
	if err := identity.InsertStaff(ctx, c.Tx, s); err != nil {
		return nil, err
	}
	if err := policy.Assign(ctx, c.Tx, s.ID, in.SearchRestrictions); err != nil {
		return nil, err
	}
	c.Object("user/" + string(s.ID))
	c.Change("name", "", s.Name)
	c.Change("email", "", identity.NormalEmail(s.Email))
	c.Change("role", "", role.Name)
	c.Change("search_restrictions", "", join(in.SearchRestrictions))
	d.built(c, in.SearchRestrictions)
	stored, err := identity.StaffByID(ctx, c.Tx, s.ID)
	if err != nil {
		return nil, err
	}
	u, err := shown(ctx, c, stored)
	return &u, err
}

func (d *Desk) userUpdate() *gate.Op[UserUpdateIn, User] {
	o := edit("user.update", "Change user", "Users", "PATCH", "/users/{id}", d.changeUser)
	o.Object = func(in *UserUpdateIn) string { return "user/" + string(in.ID) }
	return o
}

func (d *Desk) changeUser(ctx context.Context, c *gate.Call, in *UserUpdateIn) (*User, error) {
	s, err := identity.StaffByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Role != nil || in.Active != nil || in.SearchRestrictions != nil {
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
	}
	before := s
	if in.Name != nil {
		if !personName(*in.Name) {
			return nil, fault.Bad("name", "Give the person's name, without control characters.")
		}
		s.Name = strings.TrimSpace(*in.Name)
	}
	if in.Role != nil {
		role := findRole(c, *in.Role)
		if role == nil {
			return nil, fault.Bad("role", "Name a role that exists, for example Agent.")
		}
		c.Change("role", roleName(c, s.Role), role.Name)
		s.Role = role.ID
	}
	if in.Active != nil {
		s.Active = *in.Active
		c.Change("active", yes(before.Active), yes(s.Active))
	}
	c.Change("name", before.Name, s.Name)
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
	if err := keepAnAdministrator(ctx, c.Tx); err != nil {
		return nil, err
	}
	u, err := shown(ctx, c, s)
	return &u, err
}

// reassign replaces the user's search restrictions, if they were given.
func (d *Desk) reassign(ctx context.Context, c *gate.Call, in *UserUpdateIn) error {
	if in.SearchRestrictions == nil {
		return nil
	}
	was, err := policy.Assigned(ctx, c.Tx, in.ID)
	if err != nil {
		return err
	}
	c.Change("search_restrictions", join(was), join(*in.SearchRestrictions))
	d.built(c, *in.SearchRestrictions)
	return policy.Assign(ctx, c.Tx, in.ID, *in.SearchRestrictions)
}

func (d *Desk) built(c *gate.Call, rs []id.Restriction) {
	if len(rs) > 0 && d.config.Built != nil {
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

func personName(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && utf8.RuneCountInString(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func join[T ~string](list []T) string {
	parts := make([]string, len(list))
	for i, v := range list {
		parts[i] = string(v)
	}
	return strings.Join(parts, ", ")
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
