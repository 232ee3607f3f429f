package people_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// A user's form stands open. Meanwhile another administrator switches them off, makes
// them Investor and binds them; the open form, sent for a new name, takes none of it
// back, and its sender is told how the user stands.
func TestAnOpenFormTakesNoRevocationBack(t *testing.T) {
	each(t, func(o *office) {
		agent := o.People[policy.Agent].ID
		r := o.Restrict(o.t, policy.Investor, policy.Restriction{Name: "Nothing", Visible: "false"})
		read := func() *people.User {
			u, err := gatetest.Do(o.House, o.people.UserView, o.Screen(policy.Admin), people.UserRef{ID: agent})
			o.must(err)
			return u
		}
		old := read()
		late := func(version *int64) error {
			_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Name: ptr("Agent P."), Role: ptr(old.Role), Active: ptr(true),
				Teams: &[]id.Team{}, SearchRestrictions: &[]id.Restriction{}, Version: version})
			return err
		}
		_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Active: ptr(false), Role: ptr("Investor"), SearchRestrictions: &[]id.Restriction{r}, Version: &old.Version})
		o.must(err)
		f := fault.As(late(&old.Version))
		if f == nil || f.Kind != fault.Conflict || f.Reason != admin.ChangedMeanwhile || !strings.Contains(f.Message, "Admin Person was the last to save it, at ") {
			o.t.Fatalf("the open form: %v", f)
		}
		told := map[string]string{}
		for _, x := range f.Fields {
			told[x.Path] = x.Mend
		}
		if !strings.Contains(told["role"], "“Investor” now") || !strings.Contains(told["active"], "off now") || !strings.Contains(told["search_restrictions"], "one search restriction now") || told["teams"] != "" {
			o.t.Errorf("how the user stands: %v", told)
		}
		now := read()
		if now.Active || now.Role != "Investor" || len(now.SearchRestrictions) != 1 || now.Version == old.Version {
			o.t.Errorf("taken back: %+v", now)
		}
		o.must(late(&now.Version)) // seen, it is meant
		o.must(late(nil))
	})
}

// What is lent when a form is opened and over when it is sent does not become theirs
// for good; a team that took somebody in has changed them too.
func TestAFormOpenedOverALentRoleDoesNotMakeItLasting(t *testing.T) {
	each(t, func(o *office) {
		agent := o.People[policy.Agent].ID
		o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
			s, err := identity.StaffByID(ctx, tx, agent)
			if err != nil {
				return err
			}
			s.Role, s.RoleUntil, s.RoleAfter = o.Roles[policy.Manager], tx.At+int64(2*time.Minute/time.Microsecond), o.Roles[policy.Agent]
			if err := identity.UpdateStaff(ctx, tx, s); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		read := func() *people.User {
			u, err := gatetest.Do(o.House, o.people.UserView, o.Screen(policy.Admin), people.UserRef{ID: agent})
			o.must(err)
			return u
		}
		save := func(u *people.User) error {
			_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Name: ptr("Agent P."), Role: ptr(u.Role), Version: &u.Version})
			return err
		}
		lent := read()
		o.Advance(2 * time.Minute)
		o.refused(save(lent), admin.ChangedMeanwhile)
		now := read()
		team, err := gatetest.Do(o.House, o.people.TeamCreate, o.Screen(policy.Admin), people.TeamIn{Name: "Denver", Members: []id.User{agent}})
		o.must(err)
		o.refused(save(now), admin.ChangedMeanwhile)
		if now = read(); now.Role != "Agent" {
			o.t.Errorf("the role is %s", now.Role)
		}
		o.must(save(now))

		// A team's own form likewise.
		edit := func(version int64, name string, members ...id.User) error {
			_, err := gatetest.Do(o.House, o.people.TeamUpdate, o.Screen(policy.Admin), people.TeamUpdateIn{ID: team.ID, Name: &name, Members: &members, Version: &version})
			return err
		}
		o.must(edit(team.Version, "Denver"))
		err = edit(team.Version, "Boulder", agent)
		o.refused(err, admin.ChangedMeanwhile)
		if f := fault.As(err); len(f.Fields) != 2 || !strings.Contains(f.Fields[1].Mend, "no member now") {
			o.t.Errorf("how the team stands: %+v", f.Fields)
		}
	})
}
