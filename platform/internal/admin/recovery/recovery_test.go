package recovery_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/mail"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin/people"
	"github.com/lendkeep/lendkeep/platform/internal/admin/recovery"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// lender is a house with the desk of recovery beside that of people.
type lender struct {
	*gatetest.House
	t        *testing.T
	people   *people.Desk
	recovery *recovery.Desk
}

func each(t *testing.T, fn func(l *lender)) {
	l := lender{}
	var list []gate.Entry
	gatetest.Each(t, func() gatetest.Config {
		catalogue := func() []*gate.Meta { return gate.Catalogue(list) }
		l.people = people.New(people.Config{Passwords: identity.NewPasswords(), Catalogue: catalogue, Kick: func(*gate.Call) {}})
		l.recovery = recovery.New(recovery.Config{Catalogue: catalogue, Invite: l.people.SendInvitation})
		list = append(l.people.Operations(), l.recovery.Operations()...)
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) {
		here := l
		here.House, here.t = h, t
		fn(&here)
	})
}

// letters is a mailbox for everybody.
type letters []mail.Message

func (l *letters) Send(_ context.Context, m mail.Message) error {
	*l = append(*l, m)
	return nil
}

// work does every job of this desk that is due.
func (l *lender) work() (sent letters) {
	l.t.Helper()
	handlers := l.recovery.Handlers(l.Gate, l.Tenant, &sent, "https://acme.test")
	var due []job.Job
	l.must(l.Tenant.DB.Read(context.Background(), l.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) (err error) {
		due, err = db.All(ctx, tx, func(r *db.Rows) (j job.Job, err error) { return j, r.Scan(&j.ID, &j.Kind, &j.Payload) },
			`SELECT id, kind, payload FROM job WHERE kind LIKE 'admin_recovery.%' AND run_at <= ? ORDER BY id`, l.Now().UnixMicro())
		return err
	}))
	for _, j := range due {
		l.must(handlers[j.Kind](context.Background(), j))
		l.must(l.Write(func(ctx context.Context, tx *db.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM job WHERE id = ?`, j.ID)
			return err
		}))
	}
	return sent
}

func (l *lender) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lender) refused(err error, reason string) {
	l.t.Helper()
	if err == nil || fault.As(err).Reason != reason {
		l.t.Errorf("got %v, want a refusal for %s", err, reason)
	}
}

func (l *lender) console() *gate.Request {
	return &gate.Request{Tenant: l.Tenant, Channel: operation.Console, Job: "console"}
}

func (l *lender) ask(in recovery.AskIn) (*recovery.Recovery, error) {
	return gatetest.Do(l.House, l.recovery.Ask, l.console(), in)
}

func (l *lender) staff(u id.User) (s identity.Staff) {
	l.t.Helper()
	l.must(l.Tenant.DB.Read(context.Background(), l.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) (err error) {
		s, err = identity.StaffByID(ctx, tx, u)
		return err
	}))
	return s
}

func to(sent letters) (all []string) {
	for _, m := range sent {
		all = append(all, m.To+": "+m.Subject)
	}
	return all
}

// Everybody who may change access hears of it at once; a day later the person comes
// in by an invitation, as an administrator whom nothing restricts.
func TestATenantWithoutAnAdministratorHasOneADayLater(t *testing.T) {
	each(t, func(l *lender) {
		r, err := l.ask(recovery.AskIn{Email: "nia@acme.test", Name: "Nia Okafor", Reason: "The last administrator has left."})
		l.must(err)
		if want := l.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339); r.EffectiveAt != want || r.State != recovery.Waiting {
			t.Errorf("%+v, want it to wait until %s", r, want)
		}
		if s := l.staff(r.User); s.Active {
			t.Error("the person is switched on before the day is over")
		}
		sent := l.work()
		if len(sent) != 1 || sent[0].To != "admin@acme.test" || !strings.Contains(sent[0].Text, "Nia Okafor (nia@acme.test)") || !strings.Contains(sent[0].Text, r.EffectiveAt) || !strings.Contains(sent[0].Text, "The last administrator has left.") {
			t.Errorf("told: %+v", sent)
		}
		_, err = l.ask(recovery.AskIn{Email: "eve@acme.test", Name: "Eve", Reason: "me too"})
		l.refused(err, "recovery_waits")

		l.Advance(24*time.Hour - time.Second)
		_, err = gatetest.Do(l.House, l.recovery.Settle, &gate.Request{Tenant: l.Tenant, Channel: operation.Job, Job: "recovery"}, recovery.Ref{ID: r.ID})
		l.must(err)
		if s := l.staff(r.User); s.Active {
			t.Error("a job that ran early brought it into force")
		}
		l.Advance(time.Second)
		l.work()
		sent = l.work()
		s := l.staff(r.User)
		if !s.Active || s.Role != l.Roles[policy.Admin] {
			t.Errorf("a day later: %+v", s)
		}
		if list := to(sent); len(list) != 2 || !strings.Contains(strings.Join(list, "\n"), "admin@acme.test: Acme Lending has a new administrator") {
			t.Errorf("told at the end: %v", list)
		}
		if u, err := gatetest.Do(l.House, l.people.UserView, l.Key(policy.Admin), people.UserRef{ID: r.User}); err != nil || u.InvitedUntil == "" {
			t.Errorf("nobody was invited: %+v, %v", u, err)
		}
		_, err = gatetest.Do(l.House, l.recovery.Refuse, l.Key(policy.Admin), recovery.RefuseIn{ID: r.ID, Reason: "too late"})
		l.refused(err, "recovery_closed")
	})
}

// Who comes back has the role for good, no restriction, and a second factor to make.
func TestAPersonWhoComesBackIsHeldByNothingOfBefore(t *testing.T) {
	each(t, func(l *lender) {
		agent := l.People[policy.Agent].ID
		l.must(l.Write(func(ctx context.Context, tx *db.Tx) error {
			if err := identity.InsertFactor(ctx, tx, identity.Factor{ID: id.New[id.Factor](tx.At), User: agent, Kind: "totp", Label: "lost", Sealed: []byte{1}, Active: true, MadeAt: tx.At}); err != nil {
				return err
			}
			return identity.SetFailures(ctx, tx, agent, 0, tx.At+72*time.Hour.Microseconds())
		}))
		_, err := l.ask(recovery.AskIn{Email: "agent@acme.test", Reason: "The telephone is gone."})
		l.must(err)
		l.Advance(25 * time.Hour)
		l.work()
		s := l.staff(agent)
		var factors []identity.Factor
		l.must(l.Tenant.DB.Read(context.Background(), l.Now().UnixMicro(), func(ctx context.Context, tx *db.Tx) (err error) {
			factors, err = identity.FactorsOf(ctx, tx, agent)
			return err
		}))
		if s.Role != l.Roles[policy.Admin] || s.LockedUntil != 0 || s.PasswordHash == "" || len(factors) != 0 {
			t.Errorf("%+v with %d factors", s, len(factors))
		}
	})
}

// A recovery is an attack when the operator is not who they say; it can be stopped.
func TestWhoeverMayChangeAccessRefusesARecovery(t *testing.T) {
	each(t, func(l *lender) {
		r, err := l.ask(recovery.AskIn{Email: "eve@acme.test", Name: "Eve", Reason: "trust me"})
		l.must(err)
		l.work()
		_, err = gatetest.Do(l.House, l.recovery.Refuse, l.Screen(policy.Agent), recovery.RefuseIn{ID: r.ID, Reason: "no"})
		l.refused(err, "role_lacks_operation")
		out, err := gatetest.Do(l.House, l.recovery.Refuse, l.Screen(policy.Admin), recovery.RefuseIn{ID: r.ID, Reason: "we are here"})
		l.must(err)
		if out.State != recovery.Refused || out.DecidedBy == "" || out.Remark != "we are here" {
			t.Errorf("%+v", out)
		}
		l.Advance(25 * time.Hour)
		l.work()
		if l.staff(r.User).Active {
			t.Error("what was refused came into force")
		}
		list, err := gatetest.Do(l.House, l.recovery.List, l.Key(policy.Admin), recovery.Nothing{})
		l.must(err)
		if len(list.Items) != 1 || list.Items[0].State != recovery.Refused {
			t.Errorf("%+v", list)
		}
		_, err = l.ask(recovery.AskIn{Email: "ann@acme.test", Name: "Ann", Reason: "anew"})
		l.must(err)
	})
}

func TestARecoveryIsAskedForByTheOperatorAlone(t *testing.T) {
	each(t, func(l *lender) {
		for _, request := range []*gate.Request{l.Screen(policy.Admin), l.Key(policy.Admin)} {
			_, err := gatetest.Do(l.House, l.recovery.Ask, request, recovery.AskIn{Email: "eve@acme.test", Name: "Eve", Reason: "me"})
			if err == nil {
				t.Error("a person asked for a recovery")
			}
		}
		for _, in := range []recovery.AskIn{{Email: "nobody", Name: "N", Reason: "x"}, {Email: "new@acme.test", Reason: "x"}, {Email: "intake@acme.test", Reason: "x"}} {
			if _, err := l.ask(in); err == nil || len(fault.As(err).Fields) == 0 {
				t.Errorf("%+v: %v, want a field with its mend", in, err)
			}
		}
		_, err := gatetest.Do(l.House, l.people.UserCreate, l.console(), people.UserCreateIn{Email: "eve@acme.test", Name: "Eve", Role: "Admin"})
		l.refused(err, "no_access_from_console")
		_, err = gatetest.Do(l.House, l.people.UserCreate, l.console(), people.UserCreateIn{Email: "ann@acme.test", Name: "Ann", Role: "Agent"})
		l.must(err)
	})
}
