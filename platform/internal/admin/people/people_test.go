package people_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/admin/approval"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// office is a house with the two desks by which people come in, and the inbox of
// four eyes.
type office struct {
	*gatetest.House
	t      *testing.T
	people *people.Desk
	door   *signin.Desk
	inbox  *approval.Desk
}

func each(t *testing.T, fn func(o *office)) { eachAgainst(t, nil, fn) }

// eachAgainst is each in a house that knows a list of breached passwords.
func eachAgainst(t *testing.T, known *factor.Breached, fn func(o *office)) {
	o := office{}
	var list []gate.Entry
	gatetest.Each(t, func() gatetest.Config {
		passwords := identity.NewPasswords()
		if known != nil {
			passwords = passwords.Against(known)
		}
		o.people = people.New(people.Config{Passwords: passwords, Catalogue: func() []*gate.Meta { return gate.Catalogue(list) }, Kick: func(*gate.Call) {}})
		o.door = signin.New(signin.Config{Passwords: passwords, Kick: func(*gate.Call) {}, Origin: func(*tenant.Tenant) string { return "https://acme.test" }})
		o.inbox = approval.New(approval.Config{Gate: func() *gate.Gate { return o.Gate }})
		list = append(append(o.people.Operations(), o.door.Operations()...), o.inbox.Operations()...)
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) {
		o.House = h
		here := o
		here.t = t
		fn(&here)
	})
}

func ptr[T any](v T) *T { return &v }

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// refused checks the reason of a refusal.
func (o *office) refused(err error, reason string) {
	o.t.Helper()
	if err == nil || fault.As(err).Reason != reason {
		o.t.Errorf("got %v, want a refusal for %s", err, reason)
	}
}

// in is a call with a session.
func (o *office) in(token secret.Text) *gate.Request {
	r := o.Screen(policy.Agent)
	r.Session = token
	return r
}

// code is what an authenticator shows (RFC 6238).
func (o *office) code(key string) secret.Text {
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(strings.ReplaceAll(key, " ", "")))
	o.must(err)
	var step [8]byte
	binary.BigEndian.PutUint64(step[:], uint64(o.Now().Unix()/30))
	h := hmac.New(sha1.New, raw)
	h.Write(step[:])
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 15
	return secret.NewText(fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000))
}

// invited gives the token of the newest invitation.
func (o *office) invited() secret.Text { return o.mailed(people.InvitationMailKind) }

// mailed gives the token of the newest link of a kind.
func (o *office) mailed(kind string) secret.Text {
	o.t.Helper()
	var sealed string
	o.must(o.Tenant.DB.Read(context.Background(), o.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) error {
		var payload string
		if err := tx.One(ctx, `SELECT payload FROM job WHERE kind = ? ORDER BY id DESC LIMIT 1`, []any{kind}, &payload); err != nil {
			return err
		}
		var p signin.ResetMail
		err := json.Unmarshal([]byte(payload), &p)
		sealed = p.Sealed
		return err
	}))
	plain, err := o.Tenant.Ring.OpenToken(kind, sealed)
	o.must(err)
	return secret.NewText(string(plain))
}

func (o *office) enter(email, password string) (*signin.EnterOut, error) {
	return gatetest.Do(o.House, o.door.Enter, o.Stranger(operation.UI), signin.EnterIn{Email: email, Password: secret.NewText(password)})
}

const chosen = "umbrella locomotive saffron"

// newcomer invites somebody, who chooses a password and enrols an authenticator.
func (o *office) newcomer() (u *people.User, session secret.Text, key string, codes []secret.Text) {
	o.t.Helper()
	u, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Admin), people.UserCreateIn{Email: "Nia@acme.test", Name: "Nia Okafor", Role: "Agent"})
	o.must(err)
	if u.InvitedUntil == "" || !u.NoPassword || u.SecondFactor != "missing" {
		o.t.Errorf("nobody was invited: %+v", u)
	}
	_, err = gatetest.Do(o.House, o.door.Reset, o.Stranger(operation.UI), signin.ResetIn{Token: o.invited(), Password: secret.NewText(chosen)})
	o.must(err)
	out, err := o.enter("nia@acme.test", chosen)
	o.must(err)
	if !out.Asked {
		o.t.Error("no second factor is asked for")
	}
	_, err = gatetest.Do(o.House, o.people.UserList, o.in(out.Token), people.Nothing{})
	o.refused(err, "factor_stale")
	_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
	o.refused(err, "factor_stale")
	_, err = gatetest.Do(o.House, o.door.BeginCode, o.in(out.Token), signin.Nothing{})
	o.must(err)
	mine, err := gatetest.Do(o.House, o.door.Mine, o.in(out.Token), signin.Nothing{})
	o.must(err)
	key = mine.Pending.Typed.Reveal()
	_, err = gatetest.Do(o.House, o.door.ConfirmCode, o.in(out.Token), signin.ConfirmIn{Code: secret.NewText("000000")})
	o.refused(err, "invalid")
	enrolled, err := gatetest.Do(o.House, o.door.ConfirmCode, o.in(out.Token), signin.ConfirmIn{Code: o.code(key)})
	o.must(err)
	if len(enrolled.Codes) != 10 {
		o.t.Errorf("%d recovery codes", len(enrolled.Codes))
	}
	return u, out.Token, key, enrolled.Codes
}

func (o *office) give(token secret.Text, in signin.GiveIn) error {
	_, err := gatetest.Do(o.House, o.door.Give, o.in(token), in)
	return err
}

func TestAnInvitedPersonComesInByPasswordAndCode(t *testing.T) {
	each(t, func(o *office) {
		u, session, key, codes := o.newcomer()
		_, err := gatetest.Do(o.House, o.door.Me, o.in(session), signin.Nothing{})
		o.must(err)
		o.Advance(31 * time.Second)
		out, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		first := o.code(key)
		o.must(o.give(out.Token, signin.GiveIn{Code: first}))
		_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
		o.must(err)
		again, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		o.refused(o.give(again.Token, signin.GiveIn{Code: first}), "wrong_factor") // a code is good once
		o.must(o.give(again.Token, signin.GiveIn{Recovery: codes[0]}))
		third, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		o.refused(o.give(third.Token, signin.GiveIn{Recovery: codes[0]}), "wrong_factor")
		view, err := gatetest.Do(o.House, o.people.UserView, o.Screen(policy.Admin), people.UserRef{ID: u.ID})
		if err != nil || view.SecondFactor != "set_up" || view.NoPassword {
			o.t.Errorf("%+v, %v", view, err)
		}
		if text, _ := json.Marshal(o.Trail(o.t, audit.Filter{Limit: 200})); strings.Contains(string(text), strings.ReplaceAll(key, " ", "")) || strings.Contains(string(text), codes[1].Reveal()) {
			o.t.Error("the trail holds a secret")
		}
	})
}

func TestAStolenPasswordChangesNothing(t *testing.T) {
	each(t, func(o *office) {
		_, _, _, _ = o.newcomer()
		o.Advance(time.Minute)
		thief, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.BeginCode, o.in(thief.Token), signin.Nothing{})
		o.refused(err, "factor_stale")
		_, err = gatetest.Do(o.House, o.door.Ask, o.in(thief.Token), signin.AskIn{Purpose: "enrol"})
		o.refused(err, "factor_stale")
		_, err = gatetest.Do(o.House, o.door.RenewCodes, o.in(thief.Token), signin.Nothing{})
		o.refused(err, "factor_stale")
		_, err = gatetest.Do(o.House, o.door.ChangePassword, o.in(thief.Token), signin.PasswordIn{Current: secret.NewText(chosen), Password: secret.NewText("zebra kitchen magnet lamp")})
		o.refused(err, "factor_stale")
		_, err = gatetest.Do(o.House, o.door.Prove, o.in(thief.Token), signin.ProveIn{Password: secret.NewText(chosen)})
		o.refused(err, "factor_asked")
		mine, err := gatetest.Do(o.House, o.door.Mine, o.in(thief.Token), signin.Nothing{})
		o.must(err)
		if len(mine.Factors) != 0 || mine.CodesLeft != 0 {
			o.t.Errorf("the thief learns of %+v", mine)
		}
	})
}

func TestWrongCodesLockLikeWrongPasswords(t *testing.T) {
	each(t, func(o *office) {
		u, _, key, _ := o.newcomer()
		_, err := gatetest.Do(o.House, o.people.SaveSetting, o.Screen(policy.Admin), people.SettingIn{LockAfter: ptr(int64(4)), LockMinutes: ptr(int64(10))})
		o.must(err)
		for range 3 {
			out, err := o.enter("nia@acme.test", chosen) // a right password does not begin the count anew
			o.must(err)
			o.refused(o.give(out.Token, signin.GiveIn{Code: secret.NewText("000000")}), "wrong_factor")
		}
		out, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		o.refused(o.give(out.Token, signin.GiveIn{Code: secret.NewText("000000")}), "not_signed_in")
		o.Advance(time.Minute)
		_, err = o.enter("nia@acme.test", chosen)
		o.refused(err, "wrong_credentials")
		_, err = gatetest.Do(o.House, o.people.Unlock, o.Screen(policy.Admin), people.UserRef{ID: u.ID})
		o.must(err)
		out, err = o.enter("nia@acme.test", chosen)
		o.must(err)
		o.must(o.give(out.Token, signin.GiveIn{Code: o.code(key)}))
	})
}

// A reset by mail proves a mailbox, and the second factor is there for the day on
// which the mailbox is read by somebody else.
func TestANewPasswordByMailDoesNotForgiveWrongCodes(t *testing.T) {
	each(t, func(o *office) {
		o.newcomer()
		_, err := gatetest.Do(o.House, o.people.SaveSetting, o.Screen(policy.Admin), people.SettingIn{LockAfter: ptr(int64(4)), LockMinutes: ptr(int64(10))})
		o.must(err)
		reset := func(password string) {
			o.t.Helper()
			_, err := gatetest.Do(o.House, o.door.RequestReset, o.Stranger(operation.UI), signin.RequestResetIn{Email: "nia@acme.test"})
			o.must(err)
			_, err = gatetest.Do(o.House, o.door.Reset, o.Stranger(operation.UI), signin.ResetIn{Token: o.mailed(signin.ResetMailKind), Password: secret.NewText(password)})
			o.must(err)
		}
		password, guessed := chosen, 0
		for i := range 12 {
			if i%3 == 0 {
				password = fmt.Sprintf("a thief's own words %d", i)
				reset(password)
			}
			out, err := o.enter("nia@acme.test", password)
			if err != nil {
				break
			}
			if guessed++; fault.As(o.give(out.Token, signin.GiveIn{Code: secret.NewText("000000")})).Reason == "not_signed_in" {
				break
			}
		}
		if guessed != 4 {
			o.t.Errorf("%d wrong codes were taken before the account locked, want 4", guessed)
		}
		reset("one more of the thief's words")
		_, err = o.enter("nia@acme.test", "one more of the thief's words")
		o.refused(err, "wrong_credentials")
		o.Advance(11 * time.Minute)
		_, err = o.enter("nia@acme.test", "one more of the thief's words")
		o.must(err)
	})
}

func TestAFreshProofIsAskedForAndGiven(t *testing.T) {
	each(t, func(o *office) {
		create := func() error {
			_, err := gatetest.Do(o.House, o.people.TeamCreate, o.Screen(policy.Admin), people.TeamIn{Name: "Team " + o.Now().String()})
			return err
		}
		o.must(create())
		o.Advance(6 * time.Minute)
		o.refused(create(), "step_up_needed")
		prove := func(password string) error {
			_, err := gatetest.Do(o.House, o.door.Prove, o.Screen(policy.Admin), signin.ProveIn{Password: secret.NewText(password)})
			return err
		}
		o.refused(prove("not the password"), "wrong_password")
		o.refused(create(), "step_up_needed")
		o.must(prove(gatetest.Password)) // there is a recorded exception
		o.must(create())
	})
}

func TestPasswordsExpireAndDoNotComeBack(t *testing.T) {
	each(t, func(o *office) {
		_, err := gatetest.Do(o.House, o.people.SaveSetting, o.Screen(policy.Admin), people.SettingIn{PasswordDays: ptr(int64(30))})
		o.must(err)
		o.Advance(31 * 24 * time.Hour)
		out, err := o.enter("agent@acme.test", gatetest.Password)
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
		o.refused(err, "password_expired")
		_, err = gatetest.Do(o.House, o.door.Me, o.Key(policy.Agent), signin.Nothing{})
		o.must(err) // a person's expired password stops no key
		change := func(from, to string) error {
			_, err := gatetest.Do(o.House, o.door.ChangePassword, o.in(out.Token), signin.PasswordIn{Current: secret.NewText(from), Password: secret.NewText(to)})
			return err
		}
		o.refused(change("not the password", chosen), "wrong_password")
		o.refused(change(gatetest.Password, gatetest.Password), "password_used")
		o.refused(change(gatetest.Password, "short"), "invalid")
		o.refused(change(gatetest.Password, "passwordpassword"), "password_common")
		list := []string{gatetest.Password, "violet harbour seven stones", "granite parade ninety owls", "copper meadow thirty drums", "silent orchard eleven kites"}
		for i := 1; i < len(list); i++ {
			o.Advance(time.Second)
			o.must(change(list[i-1], list[i]))
		}
		o.refused(change(list[4], list[1]), "password_used")
		o.must(change(list[4], list[0])) // five back
		_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
		o.must(err)
	})
}

func TestAnExceptionIsRecordedAndEnds(t *testing.T) {
	each(t, func(o *office) {
		u, _, _, _ := o.newcomer()
		until := o.Now().Add(48 * time.Hour).UTC().Format(time.RFC3339)
		grant := func(r *gate.Request, who id.User, reason string) (*people.Exception, error) {
			return gatetest.Do(o.House, o.people.Except, r, people.ExceptIn{ID: who, Reason: reason, Until: until})
		}
		_, err := grant(o.Screen(policy.Admin), o.People[policy.Admin].ID, "I have lost my telephone")
		o.refused(err, "own_access")
		_, err = grant(o.Screen(policy.Admin), u.ID, "because")
		o.refused(err, "invalid")
		x, err := grant(o.Screen(policy.Admin), u.ID, "Waits for a new telephone until Tuesday")
		o.must(err)
		out, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		if out.Asked {
			o.t.Error("a factor is asked for in spite of the exception")
		}
		_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
		o.must(err)
		_, err = gatetest.Do(o.House, o.people.EndExcept, o.Screen(policy.Admin), people.ExceptionRef{ID: u.ID, Exception: x.ID})
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.Me, o.in(out.Token), signin.Nothing{})
		o.refused(err, "factor_stale") // the very next call
		if e := o.Trail(o.t, audit.Filter{Operation: "factor_exception.grant", Outcome: "allowed"}); len(e) != 1 || e[0].Given == "" {
			o.t.Errorf("the trail does not say why: %+v", e)
		}
	})
}

func TestLostFactorsAreResetBySomebodyElse(t *testing.T) {
	each(t, func(o *office) {
		u, session, _, _ := o.newcomer()
		_, err := gatetest.Do(o.House, o.people.ResetFactors, o.Screen(policy.Admin), people.UserRef{ID: o.People[policy.Admin].ID})
		o.refused(err, "own_access")
		_, err = gatetest.Do(o.House, o.people.ResetFactors, o.Screen(policy.Admin), people.UserRef{ID: u.ID})
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.Me, o.in(session), signin.Nothing{})
		o.refused(err, "not_signed_in")
		out, err := o.enter("nia@acme.test", chosen)
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.BeginCode, o.in(out.Token), signin.Nothing{})
		o.must(err)
	})
}

func TestNobodyGivesWhatTheyMayNotGive(t *testing.T) {
	each(t, func(o *office) {
		set := func(who id.User, names *[]string) error {
			_, err := gatetest.Do(o.House, o.people.Grantable, o.Screen(policy.Admin), people.GrantableIn{ID: who, Operations: names})
			return err
		}
		o.refused(set(o.People[policy.Admin].ID, nil), "own_access")
		o.refused(set(o.People[policy.Agent].ID, &[]string{"no.such"}), "invalid")
		manager := o.People[policy.Manager].ID
		o.must(set(manager, &[]string{"user.list", "user.view"}))
		o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
			s, err := identity.StaffByID(ctx, tx, manager)
			if err != nil {
				return err
			}
			s.Role = o.Roles[policy.Admin]
			if err := identity.UpdateStaff(ctx, tx, s); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		_, err := gatetest.Do(o.House, o.people.UserCreate, o.Screen(policy.Manager), people.UserCreateIn{Email: "eve@acme.test", Name: "Eve", Role: "Admin"})
		o.refused(err, "not_grantable")
		if !strings.Contains(fault.As(err).Message, "factor_exception.grant") {
			o.t.Errorf("the refusal names nothing: %v", err)
		}
		agent := o.People[policy.Agent].ID
		_, err = gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Manager), people.UserUpdateIn{ID: agent, Role: ptr("Admin")})
		o.refused(err, "not_grantable")
		_, err = gatetest.Do(o.House, o.people.Grantable, o.Screen(policy.Manager), people.GrantableIn{ID: agent, Operations: &[]string{"*"}})
		o.refused(err, "not_grantable")
		_, err = gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Admin), people.UserUpdateIn{ID: agent, Role: ptr("Admin")})
		o.must(err)
	})
}

// A role that is lent until a day is no start from which to give the same for good.
func TestWhatIsLentIsNotMadeLastingByWhoMayNotGiveIt(t *testing.T) {
	each(t, func(o *office) {
		agent := o.People[policy.Agent].ID
		o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
			list := []string{"user.list", "user.update"}
			wide := policy.Role{ID: id.New[id.Role](tx.At), Name: "Wide", UI: list}
			same := policy.Role{ID: id.New[id.Role](tx.At + 1000), Name: "As wide", UI: list}
			for _, r := range []policy.Role{wide, same} {
				if err := policy.InsertRole(ctx, tx, r); err != nil {
					return err
				}
			}
			s, err := identity.StaffByID(ctx, tx, agent)
			if err != nil {
				return err
			}
			s.RoleAfter, s.RoleUntil, s.Role = s.Role, tx.At+int64(time.Hour/time.Microsecond), wide.ID
			if err := identity.UpdateStaff(ctx, tx, s); err != nil {
				return err
			}
			m, err := identity.StaffByID(ctx, tx, o.People[policy.Manager].ID)
			if err != nil {
				return err
			}
			m.Role = same.ID
			if err := identity.UpdateStaff(ctx, tx, m); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		to := "As wide"
		_, err := gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Manager), people.UserUpdateIn{ID: agent, Role: &to})
		if f := fault.As(err); f == nil || f.Reason != "not_grantable" {
			o.t.Errorf("made lasting: %v", err)
		}
		name := "Another Name"
		_, err = gatetest.Do(o.House, o.people.UserUpdate, o.Screen(policy.Manager), people.UserUpdateIn{ID: agent, Name: &name})
		o.must(err)
	})
}

func TestTeamsHoldTheirMembersAndAreNotDeletedInUse(t *testing.T) {
	each(t, func(o *office) {
		agent, admin := o.People[policy.Agent].ID, o.People[policy.Admin].ID
		_, err := gatetest.Do(o.House, o.people.TeamCreate, o.Screen(policy.Admin), people.TeamIn{Name: "Mine", Members: []id.User{admin}})
		o.refused(err, "own_access")
		team, err := gatetest.Do(o.House, o.people.TeamCreate, o.Screen(policy.Admin), people.TeamIn{Name: "Denver", Members: []id.User{agent}})
		o.must(err)
		u, err := gatetest.Do(o.House, o.people.UserView, o.Key(policy.Admin), people.UserRef{ID: agent})
		if err != nil || len(u.Teams) != 1 || u.Teams[0] != team.ID {
			o.t.Errorf("%+v, %v", u, err)
		}
		_, err = gatetest.Do(o.House, o.people.TeamDelete, o.Screen(policy.Admin), people.TeamRef{ID: team.ID})
		o.refused(err, "in_use")
		if !strings.Contains(fault.As(err).Message, "Agent Person") {
			o.t.Errorf("the refusal names nobody: %v", err)
		}
		_, err = gatetest.Do(o.House, o.people.TeamUpdate, o.Screen(policy.Admin), people.TeamUpdateIn{ID: team.ID, Members: &[]id.User{}})
		o.must(err)
		_, err = gatetest.Do(o.House, o.people.TeamDelete, o.Screen(policy.Admin), people.TeamRef{ID: team.ID})
		o.must(err)
	})
}

func TestSessionsEndEverywhere(t *testing.T) {
	each(t, func(o *office) {
		one, err := o.enter("agent@acme.test", gatetest.Password)
		o.must(err)
		two, err := o.enter("agent@acme.test", gatetest.Password)
		o.must(err)
		list, err := gatetest.Do(o.House, o.door.Sessions, o.in(one.Token), signin.Nothing{})
		if err != nil || list.Total != 3 {
			o.t.Fatalf("%+v, %v", list, err)
		}
		_, err = gatetest.Do(o.House, o.door.EndTheOther, o.in(one.Token), signin.Nothing{})
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.Me, o.in(two.Token), signin.Nothing{})
		o.refused(err, "not_signed_in")
		_, err = gatetest.Do(o.House, o.people.SignOut, o.Screen(policy.Admin), people.UserRef{ID: o.People[policy.Agent].ID})
		o.must(err)
		_, err = gatetest.Do(o.House, o.door.Me, o.in(one.Token), signin.Nothing{})
		o.refused(err, "not_signed_in")
		_, err = gatetest.Do(o.House, o.door.Me, o.Key(policy.Agent), signin.Nothing{})
		o.must(err) // keys go on
	})
}
