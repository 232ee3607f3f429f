package people_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// demands switches a second person on.
func (o *office) demands(operations ...string) {
	o.t.Helper()
	_, err := gatetest.Do(o.House, o.inbox.Demand, o.Screen(policy.Admin), approval.PairIn{Operations: operations})
	o.must(err)
}

// waits gives the proposal that a call has become.
func (o *office) waits(err error) id.Proposal {
	o.t.Helper()
	f := fault.As(err)
	if err == nil || f.Kind != fault.Proposed {
		o.t.Fatalf("not proposed but %v", err)
	}
	return id.Proposal(f.Proposal)
}

func (o *office) approves(r *gate.Request, p id.Proposal) error {
	_, err := gatetest.Do(o.House, o.inbox.Approve, r, approval.DecideIn{ID: p})
	return err
}

// locks proposes another lock of accounts.
func (o *office) locks(r *gate.Request, minutes int64) id.Proposal {
	o.t.Helper()
	_, err := gatetest.Do(o.House, o.people.SaveSetting, r, people.SettingIn{LockMinutes: &minutes})
	return o.waits(err)
}

// administrator gives the office another administrator, who has been there always;
// one who is late has not followed the invitation yet.
func (o *office) administrator(email string) id.User {
	o.t.Helper()
	hash := "chosen long ago"
	if strings.HasPrefix(email, "late") {
		hash = ""
	}
	s := identity.Staff{ID: id.New[id.User](o.Now().UnixMicro()), Email: email, Name: email, Role: o.Roles[policy.Admin], Active: true, PasswordHash: hash}
	o.must(o.Write(func(ctx context.Context, tx *db.Tx) error { return identity.InsertStaff(ctx, tx, s) }))
	o.Advance(time.Millisecond)
	return s.ID
}

// session opens the screens to somebody, with every proof.
func (o *office) session(u id.User) secret.Text {
	o.t.Helper()
	token, hash := identity.NewToken()
	o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
		return identity.InsertSession(ctx, tx, identity.Opening{ID: id.New[id.Session](tx.At), TokenHash: hash, User: u, Address: "198.51.100.7", Agent: "test", FactorAt: tx.At, ProvedAt: tx.At})
	}))
	return token
}

// puppet makes a person as somebody, takes the invitation out of the mail and
// chooses the password.
func (o *office) puppet(r *gate.Request, email string) id.User {
	o.t.Helper()
	u, err := gatetest.Do(o.House, o.people.UserCreate, r, people.UserCreateIn{Email: email, Name: "Second Person", Role: "Admin"})
	o.must(err)
	o.must(o.follow(o.invited(), chosen))
	return u.ID
}

// count counts rows.
func (o *office) count(query string, args ...any) (n int64) {
	o.t.Helper()
	o.must(o.Tenant.DB.Read(context.Background(), o.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) error {
		return tx.One(ctx, query, args, &n)
	}))
	return n
}

// An administrator makes a person, takes their invitation and signs in as them: that
// is no second person, neither to approve nor to propose, nor at one remove. An old
// colleague is one.
func TestWhoeverIsMadeIsNoSecondPerson(t *testing.T) {
	each(t, func(o *office) {
		colleague := o.administrator("colleague@acme.test")
		o.demands("access_setting.update")
		waiting := o.locks(o.Screen(policy.Admin), 31)
		puppet := o.puppet(o.Screen(policy.Admin), "puppet@acme.test")
		o.refused(o.approves(o.in(o.session(puppet)), waiting), "same_hands")
		o.refused(o.approves(o.in(o.session(puppet)), o.locks(o.Screen(policy.Admin), 31)), "same_hands")
		o.refused(o.approves(o.Screen(policy.Admin), o.locks(o.in(o.session(puppet)), 31)), "same_hands")

		third := o.puppet(o.in(o.session(puppet)), "third@acme.test")
		o.refused(o.approves(o.in(o.session(third)), waiting), "same_hands")
		if n := o.count(`SELECT lock_minutes FROM access_setting WHERE id = 1`); n == 31 {
			o.t.Fatal("one person has changed what two must")
		}
		o.must(o.approves(o.in(o.session(colleague)), waiting))

		o.Advance(25 * time.Hour) // the puppet has stayed, and everybody can have seen it
		o.must(o.approves(o.in(o.session(third)), o.locks(o.in(o.session(colleague)), 32)))
		o.must(o.approves(o.in(o.session(puppet)), o.locks(o.in(o.session(o.People[policy.Admin].ID)), 33)))
	})
}

// Whoever takes away what a colleague's sign-in asks for, or switches them on, counts
// with them, with a key or without; who renames them does not.
func TestWhoeverOpensASignInCountsWithItsUser(t *testing.T) {
	each(t, func(o *office) {
		o.demands("access_setting.update")
		for _, story := range []struct {
			name   string
			act    func(r *gate.Request, u id.User) error
			refuse bool
		}{
			{"renames", o.renames, false},
			{"late-invited", o.inviteAgain, true},
			{"excepts", o.excepts, true},
			{"resets", o.resets, true},
			{"switches", o.switches, true},
			{"late-key", func(_ *gate.Request, u id.User) error { return o.inviteAgain(o.Key(policy.Admin), u) }, true},
		} {
			u := o.administrator(story.name + "@acme.test")
			p := o.locks(o.Screen(policy.Admin), 40)
			if err := story.act(o.Screen(policy.Admin), u); err != nil {
				o.t.Fatalf("%s: %v", story.name, err)
			}
			if err := o.approves(o.in(o.session(u)), p); !story.refuse {
				o.must(err)
				o.must(o.approves(o.in(o.session(u)), o.locks(o.Screen(policy.Admin), 15)))
			} else if err == nil || fault.As(err).Reason != "same_hands" {
				o.t.Errorf("%s: whoever did it has them approve: %v", story.name, err)
			}
		}
	})
}

func (o *office) renames(r *gate.Request, u id.User) error {
	_, err := gatetest.Do(o.House, o.people.UserUpdate, r, people.UserUpdateIn{ID: u, Name: ptr("Ann Lee")})
	return err
}

func (o *office) excepts(r *gate.Request, u id.User) error {
	_, err := gatetest.Do(o.House, o.people.Except, r, people.ExceptIn{ID: u, Reason: "lost the telephone", Until: o.Now().Add(time.Hour).UTC().Format(time.RFC3339)})
	return err
}

func (o *office) resets(r *gate.Request, u id.User) error {
	o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
		return identity.InsertFactor(ctx, tx, identity.Factor{ID: id.New[id.Factor](tx.At), User: u, Kind: "totp", Label: "Phone", Sealed: []byte{1}, Active: true, MadeAt: tx.At})
	}))
	_, err := gatetest.Do(o.House, o.people.ResetFactors, r, people.UserRef{ID: u})
	return err
}

func (o *office) switches(r *gate.Request, u id.User) error {
	o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE id = ?`, u)
		return err
	}))
	_, err := gatetest.Do(o.House, o.people.UserUpdate, r, people.UserUpdateIn{ID: u, Active: ptr(true)})
	return err
}

// Where two people add a user, nobody is there before the second has approved, no
// mail goes out, and nobody chooses a password for another. Whoever two people have
// added is a second person at once.
func TestTwoPeopleAddAUser(t *testing.T) {
	each(t, func(o *office) {
		_, err := gatetest.Do(o.House, o.inbox.Demand, o.Screen(policy.Admin), approval.PairIn{Operations: []string{"user.create"}})
		o.refused(err, "no_second_person") // nobody could ever be added
		colleague := o.administrator("colleague@acme.test")
		o.demands("user.create", "user.invite", "access_setting.update")
		in := people.UserCreateIn{Email: "nia@acme.test", Name: "Nia Okafor", Role: "Admin"}
		with := in
		with.Password = secret.NewText("granite parade ninety owls")
		_, err = gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), with)
		o.refused(err, "invalid")
		_, err = gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), in)
		p := o.waits(err)
		mails := `SELECT COUNT(*) FROM job WHERE kind = ?`
		if o.count(`SELECT COUNT(*) FROM staff WHERE email = ?`, in.Email) != 0 || o.count(mails, people.InvitationMailKind) != 0 || o.count(`SELECT COUNT(*) FROM password_reset`) != 0 {
			o.t.Fatal("a proposal has made a person, an invitation or a mail")
		}
		o.refused(o.approves(o.Screen(policy.Admin), p), "own_proposal")
		o.must(o.approves(o.in(o.session(colleague)), p))
		if o.count(`SELECT COUNT(*) FROM staff WHERE email = ?`, in.Email) != 1 || o.count(mails, people.InvitationMailKind) != 1 {
			o.t.Fatal("an approval has made no person or no mail")
		}
		o.must(o.follow(o.invited(), chosen))
		e := o.Trail(o.t, audit.Filter{Operation: "user.create", Outcome: "allowed", Limit: 1})[0]
		nia := id.User(e.Object[len("user/"):])
		if e.Actor != "user/"+string(colleague) || e.For != "user/"+string(o.People[policy.Admin].ID) {
			o.t.Errorf("the entry names %s for %s", e.Actor, e.For)
		}
		o.must(o.approves(o.in(o.session(nia)), o.locks(o.Screen(policy.Admin), 31)))

		late := o.administrator("late@acme.test")
		again := o.waits(o.inviteAgain(o.Screen(policy.Admin), late))
		if n := o.count(mails, people.InvitationMailKind); n != 1 {
			o.t.Errorf("%d mails while an invitation waits, want the first alone", n)
		}
		o.must(o.approves(o.in(o.session(colleague)), again))
		if n := o.count(mails, people.InvitationMailKind); n != 2 {
			o.t.Errorf("%d mails after the approval, want 2", n)
		}
	})
}
