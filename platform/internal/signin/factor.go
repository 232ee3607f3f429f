package signin

import (
	"context"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// here is the session of a call and what its person can prove themselves by.
type here struct {
	session identity.Session
	factors []identity.Factor // active ones
	pending *identity.Factor  // an authenticator that waits for its first code
	asked   bool              // a second factor is asked of this person now
	must    bool              // and the tenant wants the person to have one
}

func (h *here) armed() bool { return len(h.factors) > 0 }

func (h *here) has(kind string) bool {
	for _, f := range h.factors {
		if f.Kind == kind {
			return true
		}
	}
	return false
}

// at reads where a call stands.
func at(ctx context.Context, c *gate.Call) (*here, error) {
	h := new(here)
	var err error
	if h.session, err = identity.SessionByID(ctx, c.Tx, c.Who.Session); err != nil {
		if fault.Is(err, fault.NotFound) {
			return nil, fault.New(fault.Conflict, "no_session", "This needs a session; sign in on the screens.")
		}
		return nil, err
	}
	list, err := identity.FactorsOf(ctx, c.Tx, c.Who.User)
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Active {
			h.factors = append(h.factors, list[i])
		} else {
			h.pending = &list[i]
		}
	}
	h.asked, err = asksFactor(ctx, c, c.Who.User)
	h.must = h.asked && c.Policy.Setting().FactorsRequired
	return h, err
}

// stale and stepUp answer as the gate does, so that the screens lead on.
func stale() *fault.Error {
	return fault.New(fault.Denied, access.FactorStale.String(), access.FactorStale.Words())
}

func stepUp() *fault.Error {
	return fault.New(fault.Denied, access.StepUpNeeded.String(), access.StepUpNeeded.Words())
}

// fresh refuses to change factors without a fresh proof: of a factor where there
// is one, else of the password.
func (h *here) fresh(now, within int64) error {
	proof := h.session.ProvedAt
	if h.armed() && h.asked {
		if proof = h.session.FactorAt; proof == 0 {
			return stale()
		}
	}
	if now-proof > within {
		return stepUp()
	}
	return nil
}

// GiveIn is a second factor: one of the three.
type GiveIn struct {
	Code     secret.Text `json:"code,omitempty" doc:"of an authenticator"`
	Recovery secret.Text `json:"recovery,omitempty" doc:"a recovery code"`
	Passkey  secret.Text `json:"passkey,omitempty" doc:"a passkey's answer, as JSON"`
}

func (in *GiveIn) field() string {
	switch {
	case !in.Passkey.Empty():
		return "passkey"
	case !in.Recovery.Empty():
		return "recovery"
	}
	return "code"
}

// Given says that a second factor was right, and after a recovery code how many are
// left.
type Given struct {
	Done      bool `json:"done" class:"public"`
	Recovery  bool `json:"recovery" class:"public"`
	CodesLeft int  `json:"recovery_codes_left" class:"public"`
}

func (d *Desk) give() *gate.Op[GiveIn, Given] {
	return &gate.Op[GiveIn, Given]{
		Name: "factor.give", Title: "Give a second factor", Area: "Sign-in", Mends: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *GiveIn) (*Given, error) {
			h, err := at(ctx, c)
			if err != nil {
				return nil, err
			}
			s, err := identity.StaffByID(ctx, c.Tx, c.Who.User)
			if err != nil {
				return nil, err
			}
			c.Object("user/" + string(s.ID))
			kind := in.field()
			right := false
			if c.At >= s.LockedUntil {
				switch kind {
				case "passkey":
					right, err = d.takePasskey(ctx, c, h, s, in.Passkey)
				case "recovery":
					right, err = takeRecovery(ctx, c, in.Recovery)
				default:
					right, err = takeCode(ctx, c, h, in.Code)
				}
			}
			if err != nil {
				return nil, err
			}
			if !right {
				return &Given{}, missed(ctx, c, s, notRight(kind))
			}
			c.Detail("factor", kind)
			if err := forgive(ctx, c, s); err != nil {
				return nil, err
			}
			out, err := given(ctx, c, kind)
			if err != nil {
				return nil, err
			}
			return out, identity.GaveFactor(ctx, c.Tx, c.Who.Session)
		},
	}
}

func given(ctx context.Context, c *gate.Call, kind string) (*Given, error) {
	out := &Given{Done: true, Recovery: kind == "recovery"}
	if !out.Recovery {
		return out, nil
	}
	left, err := identity.RecoveryCodesOf(ctx, c.Tx, c.Who.User)
	out.CodesLeft = len(left)
	c.Detail("recovery_codes_left", strconv.Itoa(len(left)))
	return out, err
}

// notRight is the one answer to a wrong, used, stale or barred factor.
func notRight(field string) *fault.Error {
	words := map[string]string{"code": "This code is not right, or has been used. Wait for the next one.",
		"recovery": "This recovery code is not right, or has been used.", "passkey": "The passkey was not accepted. Try again, or use another way."}
	f := fault.Bad(field, words[field])
	f.Reason = "wrong_factor"
	return f
}

// takeCode holds a code against the person's authenticators.
func takeCode(ctx context.Context, c *gate.Call, h *here, code secret.Text) (bool, error) {
	for _, f := range h.factors {
		if f.Kind != identity.TOTP {
			continue
		}
		s, err := unsealed(c, f)
		if err != nil {
			return false, err
		}
		if step, ok := factor.VerifyTOTP(secret.NewText(string(s)), code, c.At, f.LastStep); ok {
			return identity.UseCode(ctx, c.Tx, f, step)
		}
	}
	return false, nil
}

func takeRecovery(ctx context.Context, c *gate.Call, code secret.Text) (bool, error) {
	hashes, err := identity.RecoveryCodesOf(ctx, c.Tx, c.Who.User)
	if err != nil {
		return false, err
	}
	i, ok := factor.MatchRecoveryCode(string(c.Who.User), code, hashes)
	if !ok {
		return false, nil
	}
	return identity.UseRecoveryCode(ctx, c.Tx, c.Who.User, hashes[i])
}

const sealedTable, sealedColumn = "second_factor", "sealed"

// Sealed lists the ciphertext of second factors, for rotation.
func Sealed() keys.Rewrap {
	return keys.Rewrap{Table: sealedTable, Row: "id", Columns: []string{sealedColumn}, Under: keys.Fields}
}

func unsealed(c *gate.Call, f identity.Factor) ([]byte, error) {
	return c.Tenant.Ring.Unseal(sealedTable, string(f.ID), sealedColumn, f.Sealed)
}

func sealed(c *gate.Call, f id.Factor, plain []byte) ([]byte, error) {
	return c.Tenant.Ring.Seal(sealedTable, string(f), sealedColumn, plain)
}
