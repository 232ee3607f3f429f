package people_test

import (
	"context"
	"slices"
	"testing"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// An administrator sees the loans of one portfolio. They make nobody who sees more,
// and let nobody go from what binds them both: through those eyes they would see the
// whole book. What narrows, and what has nothing to do with rows, they may.
func TestARestrictedAdministratorLetsNobodySeeMore(t *testing.T) {
	each(t, func(o *office) {
		r := o.Restrict(o.t, policy.Admin, policy.Restriction{Name: "Acme only", Visible: "false"})
		agent, manager := o.People[policy.Agent].ID, o.People[policy.Manager].ID
		add := func(email string, in people.UserCreateIn) error {
			in.Email, in.Name, in.Role = email, "Nia Okafor", "Agent"
			_, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), in)
			return err
		}
		change := func(in people.UserUpdateIn) error {
			_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), in)
			return err
		}
		o.refused(add("one@acme.test", people.UserCreateIn{Password: secret.NewText(chosen)}), "not_grantable")
		o.must(add("one@acme.test", people.UserCreateIn{SearchRestrictions: []id.Restriction{r}}))

		// The agent sees more already; that they are called otherwise, see less, or are
		// switched off is no matter, but that they come back is.
		o.must(change(people.UserUpdateIn{ID: agent, Name: ptr("Agent P.")}))
		o.refused(change(people.UserUpdateIn{ID: agent, Role: ptr("Loan Servicing Manager")}), "not_grantable")
		o.must(change(people.UserUpdateIn{ID: agent, Active: ptr(false)}))
		o.refused(change(people.UserUpdateIn{ID: agent, Active: ptr(true)}), "not_grantable")
		o.must(change(people.UserUpdateIn{ID: agent, Active: ptr(true), SearchRestrictions: &[]id.Restriction{r}}))
		o.must(change(people.UserUpdateIn{ID: agent, Role: ptr("Loan Servicing Manager")}))
		o.refused(change(people.UserUpdateIn{ID: agent, SearchRestrictions: &[]id.Restriction{}}), "not_grantable")

		// A team binds as well, and lets go as little.
		team, err := gatetest.Do(o.House, o.people.TeamCreate, o.Screen(policy.Admin), people.TeamIn{Name: "Acme", Members: []id.User{manager, agent}, SearchRestrictions: []id.Restriction{r}})
		o.must(err)
		edit := func(in people.TeamUpdateIn) error {
			in.ID = team.ID
			_, err := gatetest.Do(o.House, o.people.TeamUpdate, o.Screen(policy.Admin), in)
			return err
		}
		o.must(change(people.UserUpdateIn{ID: agent, SearchRestrictions: &[]id.Restriction{}})) // the team binds them
		o.refused(edit(people.TeamUpdateIn{Members: &[]id.User{agent}}), "not_grantable")
		o.refused(edit(people.TeamUpdateIn{SearchRestrictions: &[]id.Restriction{}}), "not_grantable")
		o.refused(change(people.UserUpdateIn{ID: manager, Teams: &[]id.Team{}}), "not_grantable")
		o.must(add("two@acme.test", people.UserCreateIn{Teams: []id.Team{team.ID}}))

		// The list counts what comes by a team.
		out, err := gatetest.Do(o.House, o.people.UserList, o.Screen(policy.Admin), people.Nothing{})
		o.must(err)
		at := slices.IndexFunc(out.Items, func(u people.User) bool { return u.ID == manager })
		if u := out.Items[at]; u.ThroughTeams != 1 || len(u.SearchRestrictions) != 0 {
			o.t.Errorf("the manager is bound by a team: %+v", u)
		}

		// Whoever is lent a loan that the administrator does not see, sees more.
		o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := policy.LendLoan(ctx, tx, policy.LentLoan{User: agent, Loan: "ln_1", Until: tx.At + 60_000_000, MadeBy: "test"}); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		o.must(change(people.UserUpdateIn{ID: agent, Active: ptr(false)}))
		o.refused(change(people.UserUpdateIn{ID: agent, Active: ptr(true)}), "not_grantable")
	})
}

// A restriction that is named twice is a mistake of the caller, and named as such.
func TestARestrictionThatIsNamedTwiceIsRefusedByName(t *testing.T) {
	each(t, func(o *office) {
		r := o.Restrict(o.t, policy.Investor, policy.Restriction{Name: "Nothing", Visible: "false"})
		twice := []id.Restriction{r, r}
		_, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), people.UserCreateIn{Email: "one@acme.test", Name: "Nia Okafor", Role: "Agent", SearchRestrictions: twice})
		_, changed := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: o.People[policy.Agent].ID, SearchRestrictions: &twice})
		for _, err := range []error{err, changed} {
			if f := fault.As(err); err == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != "search_restrictions" {
				o.t.Errorf("named twice: %+v", f)
			}
		}
	})
}
