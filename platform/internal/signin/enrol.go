package signin

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// EnrolledOut is what follows a new factor: the first one brings recovery codes,
// which are shown this once.
type EnrolledOut struct {
	Done  bool          `json:"done" class:"public"`
	Codes []secret.Text `json:"-"`
}

// mend describes an operation by which people mend their own way in: no factor
// is needed to reach it, and it asks for its own proof.
func mend[In, Out any](name, title, screen string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	return &gate.Op[In, Out]{Name: name, Title: title, Area: "Sign-in", Screen: screen, Mends: true,
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.SignedIn, Sensitivity: operation.Security, Do: do}
}

// mendCounted is mend for what changes whether the person is asked for a factor at
// all: it holds for all their sessions from the next call on.
func mendCounted[In, Out any](name, title, screen string, do func(context.Context, *gate.Call, *In) (*Out, error)) *gate.Op[In, Out] {
	o := mend(name, title, screen, do)
	o.Bumps = true
	return o
}

// mayEnrol refuses whoever has not proved who they are lately, and a person with
// too many factors.
func mayEnrol(ctx context.Context, c *gate.Call) (*here, error) {
	h, err := at(ctx, c)
	if err != nil {
		return nil, err
	}
	within := int64(access.StepUpWithin)
	if !h.armed() {
		within = enrolMicros
	}
	if err := h.fresh(c.At, within); err != nil {
		return nil, err
	}
	if len(h.factors) >= maxFactors {
		return nil, fault.New(fault.Conflict, "too_many_factors", "You have twenty second factors; take one away first.")
	}
	return h, nil
}

// beginCode makes the secret of an authenticator, which counts as a factor only
// after its first right code.
func (d *Desk) beginCode() *gate.Op[Nothing, Done] {
	return mend("factor.code.begin", "Set up an authenticator", "My sign-in", func(ctx context.Context, c *gate.Call, _ *Nothing) (*Done, error) {
		if _, err := mayEnrol(ctx, c); err != nil {
			return nil, err
		}
		if err := identity.DeletePending(ctx, c.Tx, c.Who.User); err != nil {
			return nil, err
		}
		f := identity.Factor{ID: id.New[id.Factor](c.At), User: c.Who.User, Kind: identity.TOTP, Label: "Authenticator app"}
		var err error
		if f.Sealed, err = sealed(c, f.ID, []byte(factor.NewTOTPSecret().Reveal())); err != nil {
			return nil, err
		}
		return &Done{Done: true}, identity.InsertFactor(ctx, c.Tx, f)
	})
}

// ConfirmIn is the first code of a new authenticator.
type ConfirmIn struct {
	Code secret.Text `json:"code"`
}

func (d *Desk) confirmCode() *gate.Op[ConfirmIn, EnrolledOut] {
	return mendCounted("factor.code.confirm", "Confirm the authenticator", "My sign-in", func(ctx context.Context, c *gate.Call, in *ConfirmIn) (*EnrolledOut, error) {
		h, err := at(ctx, c)
		if err != nil {
			return nil, err
		}
		switch {
		case h.armed() && h.asked && h.session.FactorAt == 0:
			return nil, stale()
		case h.pending == nil || c.At-h.pending.MadeAt > enrolMicros:
			return nil, fault.New(fault.Conflict, "nothing_begun", "Begin again: this set-up took too long, or was taken back.")
		}
		plain, err := unsealed(c, *h.pending)
		if err != nil {
			return nil, err
		}
		step, ok := factor.VerifyTOTP(secret.NewText(string(plain)), in.Code, c.At, h.pending.LastStep)
		if !ok {
			return nil, fault.Bad("code", "This is not the code of this moment. Look at the app again; the clock of the phone must be right.")
		}
		if ok, err = identity.UseCode(ctx, c.Tx, *h.pending, step); err != nil || !ok {
			return nil, err
		}
		return enrolled(ctx, c, h, h.pending.ID, h.pending.Label)
	})
}

// enrolled notes a new factor, which was proved by being made; the first one
// brings recovery codes.
func enrolled(ctx context.Context, c *gate.Call, h *here, f id.Factor, label string) (*EnrolledOut, error) {
	c.Object("user/" + string(c.Who.User))
	c.Change("second_factor", "", string(f)+" "+label)
	out := &EnrolledOut{Done: true}
	if !h.armed() {
		var err error
		if out.Codes, err = newCodes(ctx, c); err != nil {
			return nil, err
		}
	}
	return out, identity.GaveFactor(ctx, c.Tx, c.Who.Session)
}

func newCodes(ctx context.Context, c *gate.Call) ([]secret.Text, error) {
	codes, hashes := factor.NewRecoveryCodes(string(c.Who.User))
	c.Change("recovery_codes", "", "ten new ones")
	return codes, identity.ReplaceRecoveryCodes(ctx, c.Tx, c.Who.User, hashes)
}

func (d *Desk) renewCodes() *gate.Op[Nothing, EnrolledOut] {
	return mend("factor.recovery.renew", "Make new recovery codes", "My sign-in", func(ctx context.Context, c *gate.Call, _ *Nothing) (*EnrolledOut, error) {
		h, err := at(ctx, c)
		if err != nil {
			return nil, err
		}
		if !h.armed() {
			return nil, fault.New(fault.Conflict, "no_factor", "Recovery codes stand in for a second factor; add one first.")
		}
		if err := h.fresh(c.At, access.StepUpWithin); err != nil {
			return nil, err
		}
		c.Object("user/" + string(c.Who.User))
		codes, err := newCodes(ctx, c)
		return &EnrolledOut{Done: true, Codes: codes}, err
	})
}

// FactorRef names one of one's own factors.
type FactorRef struct {
	ID id.Factor `path:"id" json:"-"`
}

func (d *Desk) removeFactor() *gate.Op[FactorRef, Done] {
	return mendCounted("factor.remove", "Take a second factor away", "My sign-in", func(ctx context.Context, c *gate.Call, in *FactorRef) (*Done, error) {
		h, err := at(ctx, c)
		if err != nil {
			return nil, err
		}
		if err := h.fresh(c.At, access.StepUpWithin); err != nil {
			return nil, err
		}
		f, err := identity.FactorByID(ctx, c.Tx, c.Who.User, in.ID)
		if err != nil {
			return nil, err
		}
		if f.Active && h.must && len(h.factors) == 1 {
			return nil, fault.New(fault.Conflict, "last_factor", "This is your only second factor, and you need one; add another first.")
		}
		c.Object("user/" + string(c.Who.User))
		c.Change("second_factor", string(f.ID)+" "+f.Label, "")
		if err := identity.DeleteFactor(ctx, c.Tx, c.Who.User, f.ID); err != nil {
			return nil, err
		}
		if f.Active && len(h.factors) == 1 {
			return &Done{Done: true}, identity.ReplaceRecoveryCodes(ctx, c.Tx, c.Who.User, nil)
		}
		return &Done{Done: true}, nil
	})
}

// label makes a factor's name from what was typed.
func label(typed, otherwise string) (string, error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return otherwise, nil
	}
	if utf8.RuneCountInString(typed) > 100 || strings.ContainsFunc(typed, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return "", fault.Bad("label", "Give it a name of at most 100 characters, without control characters.")
	}
	return typed, nil
}
