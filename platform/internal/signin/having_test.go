package signin_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

// codeOf is what an authenticator app shows at an instant (RFC 6238).
func codeOf(t *testing.T, key string, micros int64) secret.Text {
	t.Helper()
	raw, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	h := hmac.New(sha1.New, raw)
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(micros/30_000_000)))
	sum := h.Sum(nil)
	at := sum[len(sum)-1] & 15
	return secret.NewText(fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[at:])&0x7fffffff)%1_000_000))
}

// Where the tenant asks nobody to have a second factor, whoever has one is asked for
// it all the same, from the call after it was made; a recovery code opens the door
// once, and the person is told how many are left. Without one the password is enough,
// and it may be taken away again.
func TestWhoHasAFactorIsAskedForIt(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *signin.Desk) {
		agent := h.People[policy.Agent].ID
		if err := h.Write(func(ctx context.Context, tx *db.Tx) error {
			for _, q := range []string{`UPDATE access_setting SET factors_required = 0`, `UPDATE factor_exception SET ended_at = 1`} {
				if _, err := tx.Exec(ctx, q); err != nil {
					return err
				}
			}
			return policy.Bump(ctx, tx)
		}); err != nil {
			t.Fatal(err)
		}
		signIn := func() *gate.Request {
			t.Helper()
			out, err := enter(h, d, "agent@acme.test", gatetest.Password)
			if err != nil {
				t.Fatal(err)
			}
			r := h.Screen(policy.Agent)
			r.Session = out.Token
			return r
		}
		asked := func(r *gate.Request) string {
			again := *r
			again.At = h.Now().UnixMicro()
			_, err := gatetest.Do(h, d.Sessions, &again, signin.Nothing{})
			if err == nil {
				return "no"
			}
			return fault.As(err).Reason
		}
		at := func(r *gate.Request) *gate.Request { again := *r; again.At = h.Now().UnixMicro(); return &again }
		first, other := signIn(), signIn()
		if asked(first) != "no" {
			t.Fatalf("without a factor: %s", asked(first))
		}
		if _, err := gatetest.Do(h, d.BeginCode, at(first), signin.Nothing{}); err != nil {
			t.Fatal(err)
		}
		mine, err := gatetest.Do(h, d.Mine, at(first), signin.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		made, err := gatetest.Do(h, d.ConfirmCode, at(first), signin.ConfirmIn{Code: codeOf(t, mine.Pending.Typed.Reveal(), h.Now().UnixMicro())})
		if err != nil || len(made.Codes) != 10 {
			t.Fatalf("%+v, %v", made, err)
		}
		if asked(first) != "no" || asked(other) != "factor_stale" || asked(signIn()) != "factor_stale" {
			t.Errorf("with a factor: %s, %s", asked(first), asked(other))
		}
		given, err := gatetest.Do(h, d.Give, at(other), signin.GiveIn{Recovery: made.Codes[0]})
		if err != nil || !given.Recovery || given.CodesLeft != 9 || asked(other) != "no" {
			t.Errorf("by a recovery code: %+v, %v", given, err)
		}
		if e := h.Trail(t, audit.Filter{Operation: "factor.give"})[0]; e.Detail["factor"] != "recovery" || e.Detail["recovery_codes_left"] != "9" || e.Object != "user/"+string(agent) {
			t.Errorf("the trail says %+v", e.Detail)
		}
		if _, err := gatetest.Do(h, d.Give, at(other), signin.GiveIn{Recovery: made.Codes[0]}); fault.As(err).Reason != "wrong_factor" {
			t.Errorf("the same code twice: %v", err)
		}
		held, err := gatetest.Do(h, d.Mine, at(first), signin.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := gatetest.Do(h, d.RemoveFactor, at(first), signin.FactorRef{ID: held.Factors[0].ID}); err != nil {
			t.Errorf("nobody asks to have one, and yet it stays: %v", err)
		}
		if asked(signIn()) != "no" {
			t.Error("asked for a factor that is gone")
		}
	})
}
