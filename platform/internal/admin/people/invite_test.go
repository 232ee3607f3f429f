package people_test

import (
	"context"
	"crypto/sha1"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

// add makes a user as the administrator would.
func (o *office) add(in people.UserCreateIn) *people.User {
	o.t.Helper()
	u, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), in)
	o.must(err)
	return u
}

// follow sets a password through a link.
func (o *office) follow(token secret.Text, password string) error {
	_, err := gatetest.Do(o.House, o.door.Reset, o.Stranger(operation.UI), signin.ResetIn{Token: token, Password: secret.NewText(password)})
	return err
}

func (o *office) inviteAgain(r *gate.Request, u id.User) error {
	_, err := gatetest.Do(o.House, o.people.Invite, r, people.UserRef{ID: u})
	return err
}

// comeBack signs the administrator in again, after time has gone by.
func (o *office) comeBack() secret.Text {
	o.t.Helper()
	out, err := o.enter("admin@acme.test", gatetest.Password)
	o.must(err)
	return out.Token
}

// An invitation can be followed for seven days, to the second, and a new one ends
// the one before.
func TestAnInvitationEndsAfterSevenDays(t *testing.T) {
	const week = 7 * 24 * time.Hour
	each(t, func(o *office) {
		u := o.add(people.UserCreateIn{Email: "nia@acme.test", Name: "Nia Okafor", Role: "Agent"})
		if want := o.Now().Add(week).UTC().Format(time.RFC3339); u.InvitedUntil != want {
			o.t.Errorf("the invitation ends at %s, want %s", u.InvitedUntil, want)
		}
		first := o.invited()
		o.Advance(week)
		o.refused(o.follow(first, chosen), "reset_link")
		_, err := o.enter("nia@acme.test", chosen)
		o.refused(err, "wrong_credentials")

		admin := o.comeBack()
		o.must(o.inviteAgain(o.in(admin), u.ID))
		second := o.invited()
		o.Advance(time.Second)
		o.must(o.inviteAgain(o.in(admin), u.ID))
		third := o.invited()
		o.refused(o.follow(second, chosen), "reset_link") // the newer one took its place
		o.Advance(week - time.Second)
		o.must(o.follow(third, chosen))
		o.refused(o.follow(third, "granite parade ninety owls"), "reset_link") // good once
		_, err = o.enter("nia@acme.test", chosen)
		o.must(err)
	})
}

// Who is not to be invited is not, and nothing is sent: a program, somebody who is
// switched off, somebody who has a password. Nor is a lock ended that is not there,
// or by the person whom it keeps out.
func TestInvitationsAndLocksAreRefusedForAReason(t *testing.T) {
	each(t, func(o *office) {
		machine := o.add(people.UserCreateIn{Email: "export@acme.test", Name: "Nightly export", Role: "Agent", Machine: true})
		o.refused(o.inviteAgain(o.Screen(policy.Admin), machine.ID), "machine_user")
		u := o.add(people.UserCreateIn{Email: "nia@acme.test", Name: "Nia Okafor", Role: "Agent"})
		_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: u.ID, Active: ptr(false)})
		o.must(err)
		o.refused(o.inviteAgain(o.Screen(policy.Admin), u.ID), "user_inactive")
		o.refused(o.inviteAgain(o.Screen(policy.Admin), o.People[policy.Agent].ID), "password_set")
		o.refused(o.inviteAgain(o.Screen(policy.Admin), "us_nobody"), "not_found")
		_, err = gatetest.Do(o.House, o.people.Invite, o.Screen(policy.Manager), people.UserRef{ID: u.ID})
		o.refused(err, "role_lacks_operation")
		if list := o.Trail(o.t, audit.Filter{Operation: "user.invite", Outcome: "allowed"}); len(list) != 0 {
			o.t.Errorf("somebody was invited: %+v", list)
		}

		unlock := func(r *gate.Request, who id.User) error {
			_, err := gatetest.Do(o.House, o.people.Unlock, r, people.UserRef{ID: who})
			return err
		}
		o.refused(unlock(o.Screen(policy.Admin), o.People[policy.Agent].ID), "not_locked")
		o.refused(unlock(o.Screen(policy.Admin), o.People[policy.Admin].ID), "own_access")
		for range 10 {
			_, err := o.enter("agent@acme.test", "not the password")
			o.refused(err, "wrong_credentials")
		}
		o.refused(unlock(o.Screen(policy.Manager), o.People[policy.Agent].ID), "role_lacks_operation")
		_, err = o.enter("agent@acme.test", gatetest.Password)
		o.refused(err, "wrong_credentials")
		o.must(unlock(o.Screen(policy.Admin), o.People[policy.Agent].ID))
		_, err = o.enter("agent@acme.test", gatetest.Password)
		o.must(err)
	})
}

// A program has keys and never comes in by the door, whatever is tried: no first
// password, no link, no password that somebody stored for it.
func TestAMachineUserHasKeysAndNoSignIn(t *testing.T) {
	each(t, func(o *office) {
		u := o.add(people.UserCreateIn{Email: "export@acme.test", Name: "Nightly export", Role: "Agent", Machine: true, Password: secret.NewText(chosen)})
		if !u.Machine || u.InvitedUntil != "" {
			o.t.Errorf("a program was invited: %+v", u)
		}
		_, err := o.enter("export@acme.test", chosen)
		o.refused(err, "wrong_credentials")
		_, err = gatetest.Do(o.House, o.door.RequestReset, o.Stranger(operation.UI), signin.RequestResetIn{Email: "export@acme.test"})
		o.must(err) // answered as for anybody
		if o.links(u.ID) != 0 {
			o.t.Error("a program was sent a link")
		}
		// The shipped intake is a program too; its key works, and its password, which
		// the test's house has stored, opens nothing.
		_, err = gatetest.Do(o.House, o.door.Me, o.Key(policy.Intake), signin.Nothing{})
		o.must(err)
		_, err = o.enter("intake@acme.test", gatetest.Password)
		o.refused(err, "wrong_credentials")
	})
}

// links counts the links by which somebody could set a password now.
func (o *office) links(u id.User) (n int64) {
	o.t.Helper()
	o.must(o.Tenant.DB.Read(context.Background(), o.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) (err error) {
		n, err = identity.LiveResets(ctx, tx, u)
		return err
	}))
	return n
}

// leaked writes a list of passwords that have become known, as it is distributed.
func leaked(t *testing.T, passwords ...string) *factor.Breached {
	t.Helper()
	var lines []string
	for _, p := range passwords {
		lines = append(lines, fmt.Sprintf("%X:3\n", sha1.Sum([]byte(p))))
	}
	slices.Sort(lines)
	file := filepath.Join(t.TempDir(), "leaked.txt")
	if err := os.WriteFile(file, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	list, err := factor.OpenBreached(file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { list.Close() })
	return list
}

// A password of the operator's list is refused wherever one is chosen: at the
// first use of an invitation, by a change, by a link, and for a colleague. A
// refusal uses up no link, and the trail never holds what was tried.
func TestAKnownPasswordIsRefusedWhereverOneIsChosen(t *testing.T) {
	const known = "marigold tractor felt umbrella"
	eachAgainst(t, leaked(t, known, "another one that is known"), func(o *office) {
		o.add(people.UserCreateIn{Email: "nia@acme.test", Name: "Nia Okafor", Role: "Agent"})
		link := o.invited()
		o.refused(o.follow(link, known), "password_breached")
		o.must(o.follow(link, chosen)) // the invitation is still good
		change := func(to string) error {
			_, err := gatetest.Do(o.House, o.door.ChangePassword, o.Screen(policy.Agent), signin.PasswordIn{Current: secret.NewText(gatetest.Password), Password: secret.NewText(to)})
			return err
		}
		o.refused(change(known), "password_breached")
		o.must(change("granite parade ninety owls"))
		_, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), people.UserCreateIn{Email: "li@acme.test", Name: "Li Wei", Role: "Agent", Password: secret.NewText(known)})
		o.refused(err, "password_breached")
		for _, e := range o.Trail(o.t, audit.Filter{Limit: 200}) {
			if strings.Contains(fmt.Sprintf("%+v", e), "marigold") {
				o.t.Errorf("the trail holds what was tried: %+v", e)
			}
		}
	})
}
