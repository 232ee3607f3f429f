package signin

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/lendkeep/lendkeep/internal/factor"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// What a passkey is asked for. A challenge is good for one of them.
const (
	toEnter = "enter"
	toGive  = "give"
	toEnrol = "enrol"
)

// AskIn says what a passkey is asked for.
type AskIn struct {
	Purpose string `json:"purpose" enum:"give,enrol"`
}

// AskOut is what the browser hands to its passkeys. Token is the browser's half
// of the challenge where nobody is signed in.
type AskOut struct {
	Options secret.Text `json:"-"`
	Token   secret.Text `json:"-"`
}

// relyingParty is the tenant as passkeys know it: bound to its host.
func (d *Desk) relyingParty(t *tenant.Tenant) (*factor.RelyingParty, error) {
	origin := d.config.Origin(t)
	u, err := url.Parse(origin)
	if err != nil {
		return nil, err
	}
	rp, err := factor.NewRelyingParty(u.Hostname(), t.Name, []string{origin})
	if err != nil {
		return nil, fault.Wrap(fault.Conflict, "no_passkeys_here", "Passkeys need a host name; this house is reached by an address. Use another way.", err)
	}
	return rp, nil
}

// bound names the challenge of a session: there is one for each purpose.
func bound(c *gate.Call, purpose string) []byte {
	return identity.TokenHash(secret.NewText(purpose + "/" + string(c.Who.Session)))
}

func (d *Desk) ask() *gate.Op[AskIn, AskOut] {
	return mend("passkey.ask", "Ask for a passkey", "", func(ctx context.Context, c *gate.Call, in *AskIn) (*AskOut, error) {
		rp, err := d.relyingParty(c.Tenant)
		if err != nil {
			return nil, err
		}
		h, err := at(ctx, c)
		if err != nil {
			return nil, err
		}
		holder, err := holderOf(c, c.Who.User, c.Who.Email, c.Who.Name, h.factors)
		if err != nil {
			return nil, err
		}
		begin := rp.BeginLogin
		if in.Purpose == toEnrol {
			if _, err := mayEnrol(ctx, c); err != nil {
				return nil, err
			}
			begin = rp.BeginRegistration
		}
		asked, err := begin(holder, c.At)
		if err != nil {
			return nil, err
		}
		return &AskOut{Options: secret.NewText(string(asked.Options))}, identity.InsertChallenge(ctx, c.Tx, identity.Challenge{
			TokenHash: bound(c, in.Purpose), User: c.Who.User, Purpose: in.Purpose, State: asked.State, Until: c.At + factor.CeremonyLimit})
	})
}

func (d *Desk) askEntry() *gate.Op[Nothing, AskOut] {
	return &gate.Op[Nothing, AskOut]{
		Name: "session.ask_passkey", Title: "Ask for a passkey to sign in", Area: "Sign-in",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, _ *Nothing) (*AskOut, error) {
			rp, err := d.relyingParty(c.Tenant)
			if err != nil {
				return nil, err
			}
			asked, err := rp.BeginDiscoverableLogin(c.At)
			if err != nil {
				return nil, err
			}
			token, hash := identity.NewToken()
			return &AskOut{Options: secret.NewText(string(asked.Options)), Token: token}, identity.InsertChallenge(ctx, c.Tx, identity.Challenge{
				TokenHash: hash, Purpose: toEnter, State: asked.State, Until: c.At + factor.CeremonyLimit})
		},
	}
}

// take reads a challenge and takes it away: it is answered once, whatever comes
// of the answer. state is nil where there is none.
func take(ctx context.Context, c *gate.Call, hash []byte, u id.User, purpose string) (state []byte, err error) {
	state, err = identity.ReadChallenge(ctx, c.Tx, hash, u, purpose)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	mine, err := identity.EndChallenge(ctx, c.Tx, hash)
	if !mine {
		state = nil
	}
	return state, err
}

// takePasskey holds a passkey's answer against those of somebody who is signed in.
func (d *Desk) takePasskey(ctx context.Context, c *gate.Call, h *here, s identity.Staff, answer secret.Text) (bool, error) {
	rp, err := d.relyingParty(c.Tenant)
	if err != nil {
		return false, err
	}
	state, err := take(ctx, c, bound(c, toGive), s.ID, toGive)
	if err != nil || state == nil {
		return false, err
	}
	holder, err := holderOf(c, s.ID, s.Email, s.Name, h.factors)
	if err != nil {
		return false, err
	}
	key, err := rp.FinishLogin(holder, state, []byte(answer.Reveal()), c.At)
	if err != nil {
		return false, excused(c, err)
	}
	return true, keep(ctx, c, h.factors, key)
}

// excused turns a refused passkey into a "no" that is counted; what is a defect
// of ours stays an error.
func excused(c *gate.Call, err error) error {
	f := fault.As(err)
	if f.Kind == fault.Internal {
		return err
	}
	c.Detail("passkey", f.Reason)
	return nil
}

// keep stores how a passkey is after it was used.
func keep(ctx context.Context, c *gate.Call, list []identity.Factor, key factor.Passkey) error {
	for _, f := range list {
		if string(f.Credential) == string(key.ID) {
			b, err := json.Marshal(key)
			if err != nil {
				return err
			}
			record, err := sealed(c, f.ID, b)
			if err != nil {
				return err
			}
			return identity.UsePasskey(ctx, c.Tx, f.ID, record)
		}
	}
	return fault.Missing("passkey")
}

func passkeyOf(c *gate.Call, f identity.Factor) (factor.Passkey, error) {
	b, err := unsealed(c, f)
	if err != nil {
		return factor.Passkey{}, err
	}
	return factor.ParsePasskey(b)
}

func holderOf(c *gate.Call, u id.User, email, name string, list []identity.Factor) (factor.Holder, error) {
	h := factor.Holder{Handle: []byte(u), Account: email, Name: name}
	for _, f := range list {
		if f.Kind != identity.Passkey || !f.Active {
			continue
		}
		k, err := passkeyOf(c, f)
		if err != nil {
			return h, err
		}
		h.Passkeys = append(h.Passkeys, k)
	}
	return h, nil
}

// PasskeyAddIn is a new passkey, as the browser made it.
type PasskeyAddIn struct {
	Passkey secret.Text `json:"passkey"`
	Label   string      `json:"label,omitempty" maxLength:"100" example:"Work laptop"`
}

func (d *Desk) addPasskey() *gate.Op[PasskeyAddIn, EnrolledOut] {
	return mendCounted("passkey.add", "Add a passkey", "My sign-in", func(ctx context.Context, c *gate.Call, in *PasskeyAddIn) (*EnrolledOut, error) {
		rp, err := d.relyingParty(c.Tenant)
		if err != nil {
			return nil, err
		}
		h, err := at(ctx, c)
		if err != nil {
			return nil, err
		}
		name, err := label(in.Label, "Passkey")
		if err != nil {
			return nil, err
		}
		state, err := take(ctx, c, bound(c, toEnrol), c.Who.User, toEnrol)
		if err != nil {
			return nil, err
		}
		again := func(f *fault.Error) (*EnrolledOut, error) { c.Refuse(f); return &EnrolledOut{}, nil }
		if state == nil {
			return again(fault.New(fault.Conflict, "passkey_expired", "Asking for the passkey took too long; begin again."))
		}
		holder, err := holderOf(c, c.Who.User, c.Who.Email, c.Who.Name, h.factors)
		if err != nil {
			return nil, err
		}
		key, err := rp.FinishRegistration(holder, state, []byte(in.Passkey.Reveal()), c.At)
		if f := fault.As(err); err != nil && f.Kind != fault.Internal {
			return again(f)
		}
		if err != nil {
			return nil, err
		}
		return d.storePasskey(ctx, c, h, key, name)
	})
}

func (d *Desk) storePasskey(ctx context.Context, c *gate.Call, h *here, key factor.Passkey, name string) (*EnrolledOut, error) {
	known, err := identity.PasskeyKnown(ctx, c.Tx, key.ID)
	if err != nil {
		return nil, err
	}
	if known {
		return nil, fault.New(fault.Conflict, "passkey_known", "This passkey is known already.")
	}
	f := identity.Factor{ID: id.New[id.Factor](c.At), User: c.Who.User, Kind: identity.Passkey, Label: name, Credential: key.ID, Active: true, UsedAt: c.At}
	b, err := json.Marshal(key)
	if err != nil {
		return nil, err
	}
	if f.Sealed, err = sealed(c, f.ID, b); err != nil {
		return nil, err
	}
	if err := identity.InsertFactor(ctx, c.Tx, f); err != nil {
		return nil, err
	}
	return enrolled(ctx, c, h, f.ID, f.Label)
}

// PasskeyEnterIn is a passkey's answer to the sign-in page, with the browser's
// half of the challenge.
type PasskeyEnterIn struct {
	Token   secret.Text `json:"-"`
	Passkey secret.Text `json:"passkey"`
}

// enterByPasskey signs in by a passkey alone. It is two factors at once: the
// device holds the key, and asks who uses it.
func (d *Desk) enterByPasskey() *gate.Op[PasskeyEnterIn, EnterOut] {
	return &gate.Op[PasskeyEnterIn, EnterOut]{
		Name: "session.begin_passkey", Title: "Sign in with a passkey", Area: "Sign-in",
		Kind: operation.Write, Audit: operation.Entered, Permit: gate.Public, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *PasskeyEnterIn) (*EnterOut, error) {
			refuse := func() (*EnterOut, error) {
				c.Refuse(fault.New(fault.Unauthenticated, "wrong_passkey", "The passkey was not accepted. Try again, or sign in with your password."))
				return &EnterOut{}, nil
			}
			rp, err := d.relyingParty(c.Tenant)
			if err != nil {
				return nil, err
			}
			if len(in.Token.Reveal()) > maxPublicAsk {
				return refuse()
			}
			state, err := take(ctx, c, identity.TokenHash(in.Token), "", toEnter)
			if err != nil {
				return nil, err
			}
			if state == nil {
				return refuse()
			}
			var who known
			_, key, err := rp.FinishDiscoverableLogin(func(handle []byte) (factor.Holder, error) { return who.find(ctx, c, id.User(handle)) },
				state, []byte(in.Passkey.Reveal()), c.At)
			if err != nil {
				if err := excused(c, err); err != nil {
					return nil, err
				}
				return refuse()
			}
			c.Object("user/" + string(who.staff.ID))
			c.Detail("factor", "passkey")
			if err := keep(ctx, c, who.factors, key); err != nil {
				return nil, err
			}
			if err := forgive(ctx, c, who.staff); err != nil {
				return nil, err
			}
			return open(ctx, c, who.staff, false, c.At)
		},
	}
}

// known is the person whom a passkey names.
type known struct {
	staff   identity.Staff
	factors []identity.Factor
}

// find gives a person who may sign in from this address now; NotFound for
// everybody else, as for a person who is not there.
func (k *known) find(ctx context.Context, c *gate.Call, u id.User) (factor.Holder, error) {
	missing := fault.Missing("passkey")
	s, err := identity.StaffByID(ctx, c.Tx, u)
	if err != nil {
		return factor.Holder{}, err
	}
	subject, err := c.Policy.Subject(ctx, c.Tx, u, "")
	if err != nil {
		return factor.Holder{}, err
	}
	if !s.Active || s.Machine || c.At < s.LockedUntil || !c.AddressAllowed(subject) {
		return factor.Holder{}, missing
	}
	k.staff = s
	if k.factors, err = identity.FactorsOf(ctx, c.Tx, u); err != nil {
		return factor.Holder{}, err
	}
	return holderOf(c, u, s.Email, s.Name, k.factors)
}
