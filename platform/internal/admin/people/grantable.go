package people

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// reveal is the operation behind the visibility of personal data: to widen what
// a role shows is to give it.
const reveal = "borrower.reveal"

// refuseGiving refuses what the caller may not give away: the operations, in
// either channel, that somebody would gain by a role, and a wider view of
// personal data. before is nil for somebody who has nothing yet.
func refuseGiving(c *gate.Call, before, after *policy.Role) error {
	s := c.Subject()
	if s == nil {
		return nil // the house itself
	}
	if before == nil {
		before = &policy.Role{Visibility: secret.Visibility{SSN: "last4", BankAccount: "hidden", BirthDate: "hidden"}}
	}
	var not []string
	for _, name := range slices.Concat(minus(after.UI, before.UI), minus(after.API, before.API)) {
		if !s.MayGive(name) && !slices.Contains(not, name) {
			not = append(not, name)
		}
	}
	if secret.Narrower(before.Visibility, after.Visibility) != after.Visibility && !s.MayGive(reveal) && !slices.Contains(not, reveal) {
		not = append(not, reveal)
	}
	return notGrantable(not)
}

func notGrantable(not []string) error {
	if len(not) == 0 {
		return nil
	}
	slices.Sort(not)
	words := strings.Join(not[:min(len(not), 10)], ", ")
	if len(not) > 10 {
		words += " and others"
	}
	return fault.New(fault.Denied, "not_grantable", "You may not give this to anybody: "+words+". Ask somebody who may, or have your grantable set made larger.")
}

func minus(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(s string) bool { return slices.Contains(b, s) })
}

// GrantableIn is what a person may give away; null follows the role: a holder
// of the shipped Admin role may give everything, everybody else nothing.
type GrantableIn struct {
	ID         id.User   `path:"id" json:"-"`
	Operations *[]string `json:"operations" maxItems:"2000" doc:"names of operations, or * for all; null follows the role"`
}

// GrantableOut is what a person may give away.
type GrantableOut struct {
	Follows    bool     `json:"follows_role" class:"public" doc:"there is no set of their own"`
	Everything bool     `json:"everything" class:"public"`
	Operations []string `json:"operations" class:"public" doc:"of a set of their own"`
}

func (d *Desk) giveAway() *gate.Op[UserRef, GrantableOut] {
	o := look("user.grantable.view", "View grantable set", "Users/Grantable set", "/users/{id}/grantable", func(ctx context.Context, c *gate.Call, in *UserRef) (*GrantableOut, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		out := &GrantableOut{Follows: s.Grantable == "", Operations: []string{}}
		if out.Follows {
			role := c.Policy.Role(s.Role)
			out.Everything = role != nil && role.Shipped == policy.Admin
			return out, nil
		}
		if err := json.Unmarshal([]byte(s.Grantable), &out.Operations); err != nil {
			return nil, err
		}
		out.Everything = slices.Contains(out.Operations, everything)
		return out, nil
	})
	o.Object = object
	return o
}

func (d *Desk) setGrantable() *gate.Op[GrantableIn, User] {
	o := edit("user.grantable", "Change grantable set", "Users/Grantable set", "PUT", "/users/{id}/grantable", func(ctx context.Context, c *gate.Call, in *GrantableIn) (*User, error) {
		s, err := identity.StaffByID(ctx, c.Tx, in.ID)
		if err != nil {
			return nil, err
		}
		if err := refuseSelf(c, in.ID); err != nil {
			return nil, err
		}
		next, err := d.grantable(c, s, in.Operations)
		if err != nil {
			return nil, err
		}
		if err := noteGiving(c, s.Grantable, next); err != nil {
			return nil, err
		}
		s.Grantable = next
		if err := identity.UpdateStaff(ctx, c.Tx, s); err != nil {
			return nil, err
		}
		return d.asStored(ctx, c, s.ID)
	})
	o.Object, o.Pairing = func(in *GrantableIn) string { return "user/" + string(in.ID) }, gate.MayPair
	return o
}

// everything stands in a set for all operations.
const everything = "*"

// giving is a stored set as it is told: by the role, everything, or by name.
type giving struct {
	byRole, all bool
	names       []string
}

func readGiving(stored string) (g giving, err error) {
	if stored == "" {
		return giving{byRole: true}, nil
	}
	if err := json.Unmarshal([]byte(stored), &g.names); err != nil {
		return g, err
	}
	if slices.Contains(g.names, everything) {
		g = giving{all: true}
	}
	return g, nil
}

func (g giving) String() string {
	switch {
	case g.byRole:
		return "what the role says"
	case g.all:
		return "every operation"
	case len(g.names) == 0:
		return "nothing"
	case len(g.names) == 1:
		return "1 operation"
	}
	return strconv.Itoa(len(g.names)) + " operations"
}

// noteGiving tells in the trail, and to whoever must approve it, what somebody
// may give away before and after: in short, and each operation that comes or goes.
func noteGiving(c *gate.Call, before, after string) error {
	was, err := readGiving(before)
	if err != nil {
		return err
	}
	is, err := readGiving(after)
	if err != nil {
		return err
	}
	c.Change("may_give_away", was.String(), is.String())
	for _, name := range minus(is.names, was.names) {
		c.Change("may_give_away."+name, "", "yes")
	}
	for _, name := range minus(was.names, is.names) {
		c.Change("may_give_away."+name, "yes", "")
	}
	return nil
}

// grantable checks a set and writes it down. Whoever lets somebody give an
// operation away must be able to give it away themselves.
func (d *Desk) grantable(c *gate.Call, s identity.Staff, names *[]string) (string, error) {
	var asked []string
	switch role := c.Policy.Role(s.Role); {
	case names != nil:
		asked = slices.Compact(slices.Sorted(slices.Values(*names)))
	case role != nil && role.Shipped == policy.Admin:
		asked = []string{everything} // following that role means everything
	}
	var not []string
	var f fault.Collector
	known := d.config.Catalogue()
	for _, name := range asked {
		if name != everything && !slices.ContainsFunc(known, func(m *gate.Meta) bool { return m.Name == name && m.Permit == gate.ByRole }) {
			f.Add("operations", "Name operations that a role can hold, as the catalogue does, or * for all.")
			break
		}
		if g := c.Subject(); g != nil && !g.MayGive(name) {
			not = append(not, name)
		}
	}
	if err := f.Err(); err != nil {
		return "", err
	}
	if err := notGrantable(not); err != nil || names == nil {
		return "", err
	}
	if asked == nil {
		asked = []string{}
	}
	b, err := json.Marshal(asked)
	return string(b), err
}
