package signin_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d *signin.Desk)) {
	var d *signin.Desk
	gatetest.Each(t, func() gatetest.Config {
		d = signin.New(signin.Config{Passwords: identity.NewPasswords(), Kick: func(*gate.Call) {}, Origin: func(*tenant.Tenant) string { return "https://acme.test" }})
		return gatetest.Config{Operations: d.Operations()}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d) })
}

func enter(h *gatetest.House, d *signin.Desk, email, password string) (*signin.EnterOut, error) {
	return gatetest.Do(h, d.Enter, h.Stranger(operation.UI), signin.EnterIn{Email: email, Password: secret.NewText(password)})
}

func wrong(t *testing.T, err error) {
	t.Helper()
	if !fault.Is(err, fault.Unauthenticated) || fault.As(err).Reason != "wrong_credentials" {
		t.Fatalf("got %v, want the one answer for all that is wrong", err)
	}
}

func TestTheAgentSignsInAndOut(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		out, err := enter(h, d, " Agent@Acme.test ", gatetest.Password)
		if err != nil {
			t.Fatal(err)
		}
		r := h.Screen(policy.Agent)
		r.Session = out.Token
		me, err := gatetest.Do(h, d.Me, r, signin.Nothing{})
		if err != nil || me.Email != "agent@acme.test" || me.Channel != "ui" {
			t.Fatalf("me %+v, %v", me, err)
		}
		leave := *r
		if _, err := gatetest.Do(h, d.Leave, &leave, signin.Nothing{}); err != nil {
			t.Fatal(err)
		}
		again := *r
		if _, err := gatetest.Do(h, d.Me, &again, signin.Nothing{}); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("the session outlives signing out: %v", err)
		}
		for _, e := range h.Trail(t, audit.Filter{Operation: "session.begin"}) {
			if text, _ := json.Marshal(e); strings.Contains(string(text), "Acme.test") || strings.Contains(string(text), out.Token.Reveal()) {
				t.Fatalf("the trail shows a log-in name or a token: %s", text)
			}
		}
	})
}

func TestTenWrongPasswordsLockForThirtyMinutes(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		for range 10 {
			_, err := enter(h, d, "agent@acme.test", "not the password")
			wrong(t, err)
		}
		_, err := enter(h, d, "agent@acme.test", gatetest.Password)
		wrong(t, err)
		h.Advance(30 * time.Minute)
		if _, err := enter(h, d, "agent@acme.test", gatetest.Password); err != nil {
			t.Fatalf("still locked after half an hour: %v", err)
		}
		if _, err := enter(h, d, "manager@acme.test", gatetest.Password); err != nil {
			t.Fatalf("one account's lock binds another: %v", err)
		}
	})
}

func TestWhateverIsWrongAnswersAlike(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE staff SET active = 0 WHERE email = 'investor@acme.test'`); err != nil {
				return err
			}
			err := policy.SaveIPRule(ctx, tx, &policy.IPRule{ID: "ip_x", Name: "elsewhere", Entries: []string{"203.0.113.0/24"}, Active: true,
				Holders: []policy.Holder{{Kind: "user", ID: string(h.People[policy.Manager].ID)}}}, true)
			if err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		for name, email := range map[string]string{"nobody": "nobody@acme.test", "switched off": "investor@acme.test", "a machine": "intake@acme.test",
			"an address that is not allowed": "manager@acme.test", "no address at all": "'; --"} {
			_, err := enter(h, d, email, gatetest.Password)
			if !fault.Is(err, fault.Unauthenticated) || fault.As(err).Reason != "wrong_credentials" {
				t.Errorf("%s: %v", name, err)
			}
		}
		var failures int64
		if err := h.Tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			s, err := identity.StaffByID(ctx, tx, h.People[policy.Manager].ID)
			failures = s.Failures
			return err
		}); err != nil || failures != 0 {
			t.Fatalf("a refused address counts towards the lock: %d, %v", failures, err)
		}
	})
}

func TestAForgottenPasswordIsSetAnewOnce(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		for _, email := range []string{"agent@acme.test", "nobody@acme.test"} {
			if _, err := gatetest.Do(h, d.RequestReset, h.Stranger(operation.UI), signin.RequestResetIn{Email: email}); err != nil {
				t.Fatalf("asking for %s: %v", email, err)
			}
		}
		var token secret.Text
		if err := h.Tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			list, err := db.All(ctx, tx, func(r *db.Rows) (p signin.ResetMail, err error) {
				var text string
				if err := r.Scan(&text); err != nil {
					return p, err
				}
				return p, json.Unmarshal([]byte(text), &p)
			}, `SELECT payload FROM job WHERE kind = ?`, signin.ResetMailKind)
			if len(list) != 2 {
				t.Errorf("%d jobs, want one for each that asked", len(list))
			}
			for _, p := range list {
				plain, err := h.Tenant.Ring.OpenToken(signin.ResetMailKind, p.Sealed)
				if err != nil {
					return err
				}
				if p.User != "" {
					token = secret.NewText(string(plain))
				}
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
		reset := func(tok secret.Text, password string) error {
			_, err := gatetest.Do(h, d.Reset, h.Stranger(operation.UI), signin.ResetIn{Token: tok, Password: secret.NewText(password)})
			return err
		}
		if err := reset(token, "short"); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a short password: %v", err)
		}
		if err := reset(secret.NewText("guess"), "a long enough password"); !fault.Is(err, fault.Invalid) {
			t.Fatalf("a guessed token: %v", err)
		}
		if err := reset(token, "a long enough password"); err != nil {
			t.Fatal(err)
		}
		if err := reset(token, "another long password"); !fault.Is(err, fault.Invalid) {
			t.Fatalf("the link works twice: %v", err)
		}
		if _, err := gatetest.Do(h, d.Me, h.Screen(policy.Agent), signin.Nothing{}); !fault.Is(err, fault.Unauthenticated) {
			t.Fatalf("an old session outlives the reset: %v", err)
		}
		if _, err := enter(h, d, "agent@acme.test", "a long enough password"); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAskingAgainAndAgainFillsNobodysMailbox(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		for range 10 {
			if _, err := gatetest.Do(h, d.RequestReset, h.Stranger(operation.UI), signin.RequestResetIn{Email: "agent@acme.test"}); err != nil {
				t.Fatalf("the answer must stay the same: %v", err)
			}
		}
		if err := h.Tenant.DB.Read(t.Context(), 0, func(ctx context.Context, tx *db.Tx) error {
			var links, mails int64
			if err := tx.One(ctx, `SELECT count(*) FROM password_reset`, nil, &links); err != nil {
				return err
			}
			err := tx.One(ctx, `SELECT count(*) FROM job WHERE kind = ? AND payload NOT LIKE '%"user":""%'`, []any{signin.ResetMailKind}, &mails)
			if links != 3 || mails != 3 {
				t.Errorf("%d links in %d mails, want 3", links, mails)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}
