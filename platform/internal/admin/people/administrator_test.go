package people_test

import (
	"context"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

// TestOneAdministratorStaysForGood: Admin for an hour is no administrator to be left
// with, and one to whom another role is lent is one again when that ends.
func TestOneAdministratorStaysForGood(t *testing.T) {
	each(t, func(o *office) {
		admin, manager := o.People[policy.Admin].ID, o.People[policy.Manager].ID
		// hold gives the manager a role for an hour over another one.
		hold := func(now, after string) {
			o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
				roles, err := policy.Roles(ctx, tx)
				if err != nil {
					return err
				}
				s, err := identity.StaffByID(ctx, tx, manager)
				if err != nil {
					return err
				}
				for _, r := range roles {
					if r.Name == now {
						s.Role = r.ID
					}
					if r.Name == after {
						s.RoleAfter = r.ID
					}
				}
				s.RoleUntil = tx.At + int64(time.Hour/time.Microsecond)
				if err := identity.UpdateStaff(ctx, tx, s); err != nil {
					return err
				}
				return policy.Bump(ctx, tx)
			}))
		}
		off := false
		leave := func() error {
			_, err := gatetest.Do(o.House, o.people.UserUpdate, o.System(), people.UserUpdateIn{ID: admin, Active: &off})
			return err
		}
		hold("Admin", "Manager")
		if f := fault.As(leave()); f == nil || f.Reason != "last_administrator" {
			t.Errorf("left with an administrator for an hour: %v", f)
		}
		hold("Manager", "Admin")
		if err := leave(); err != nil {
			t.Errorf("whoever is Admin again in an hour does not count: %v", err)
		}
	})
}

// Somebody who was invited may never come: they are no administrator to be left with.
func TestAnInvitationIsNoAdministrator(t *testing.T) {
	each(t, func(o *office) {
		_, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), people.UserCreateIn{Email: "nia@acme.test", Name: "Nia Okafor", Role: "Admin"})
		o.must(err)
		off := false
		leave := func() error {
			_, err := gatetest.Do(o.House, o.people.UserUpdate, o.System(), people.UserUpdateIn{ID: o.People[policy.Admin].ID, Active: &off})
			return err
		}
		o.refused(leave(), "last_administrator")
		_, err = gatetest.Do(o.House, o.door.Reset, o.Stranger(operation.UI), signin.ResetIn{Token: o.invited(), Password: secret.NewText(chosen)})
		o.must(err)
		o.must(leave())
	})
}
