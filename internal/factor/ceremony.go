package factor

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// answerMax bounds what a browser may answer; a real answer has about 1 KiB.
const answerMax = 64 << 10

// BeginRegistration begins the making of a passkey for a person who is signed
// in. Those that the person has are named, so that no device makes a second.
func (rp *RelyingParty) BeginRegistration(h Holder, at int64) (Ceremony, error) {
	var have []protocol.CredentialDescriptor
	for _, c := range (user{h}).WebAuthnCredentials() {
		have = append(have, c.Descriptor())
	}
	creation, session, err := rp.w.BeginRegistration(user{h}, webauthn.WithExclusions(have),
		webauthn.WithCredentialParameters(webauthn.CredentialParametersRecommendedL3()))
	if err != nil {
		return Ceremony{}, fmt.Errorf("a passkey registration cannot begin: %w", err)
	}
	return begin(actRegister, at, creation.Response, session)
}

// FinishRegistration checks the browser's answer and gives the new passkey,
// which the caller stores. Another person's passkey of the same id must be kept
// out by the caller's own unique column; one of this person's is refused here.
func (rp *RelyingParty) FinishRegistration(h Holder, state, answer []byte, at int64) (Passkey, error) {
	session, err := resume(actRegister, state, at)
	if err != nil {
		return Passkey{}, err
	}
	if err := readable(answer); err != nil {
		return Passkey{}, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(answer)
	if err != nil {
		return Passkey{}, unreadable(err)
	}
	c, err := rp.w.CreateCredential(user{h}, session, parsed)
	if err != nil {
		return Passkey{}, fault.Wrap(fault.Invalid, "passkey_refused", "The new passkey could not be verified. Begin again, or use another device.", err)
	}
	k := record(c)
	if err := k.check(); err != nil {
		return Passkey{}, unreadable(err)
	}
	if slices.ContainsFunc(h.Passkeys, func(o Passkey) bool { return bytes.Equal(o.ID, k.ID) }) {
		return Passkey{}, fault.New(fault.Conflict, "passkey_known", "This passkey is yours already.")
	}
	return k, nil
}

// BeginLogin begins the use of a passkey by a person who is known already, by a
// password or by a session. The options name the person's passkeys, so they are
// for that person's eyes.
func (rp *RelyingParty) BeginLogin(h Holder, at int64) (Ceremony, error) {
	if len(h.Passkeys) == 0 {
		return Ceremony{}, fault.New(fault.Conflict, "no_passkey", "There is no passkey to use. Use another second factor.")
	}
	assertion, session, err := rp.w.BeginLogin(user{h})
	if err != nil {
		return Ceremony{}, fmt.Errorf("a passkey sign-in cannot begin: %w", err)
	}
	return begin(actLogin, at, assertion.Response, session)
}

// FinishLogin checks the answer of a known person and gives the passkey that
// was used, with its new count and flags, which the caller stores in the
// transaction that lets the person in.
func (rp *RelyingParty) FinishLogin(h Holder, state, answer []byte, at int64) (Passkey, error) {
	session, err := resume(actLogin, state, at)
	if err != nil {
		return Passkey{}, err
	}
	parsed, err := parseAssertion(answer)
	if err != nil {
		return Passkey{}, err
	}
	c, err := rp.w.ValidateLogin(user{h}, session, parsed)
	if err != nil {
		return Passkey{}, refused(err)
	}
	return used(c)
}

// BeginDiscoverableLogin begins a sign-in by a passkey alone: nobody has said
// who is there, and the options name nobody.
func (rp *RelyingParty) BeginDiscoverableLogin(at int64) (Ceremony, error) {
	assertion, session, err := rp.w.BeginDiscoverableLogin()
	if err != nil {
		return Ceremony{}, fmt.Errorf("a passkey sign-in cannot begin: %w", err)
	}
	return begin(actDiscover, at, assertion.Response, session)
}

// FinishDiscoverableLogin checks the answer of whoever it is. find looks the
// person up by the handle that the passkey carries; a fault of kind NotFound
// from it is answered like a wrong signature, and any other error is handed on.
func (rp *RelyingParty) FinishDiscoverableLogin(find func(handle []byte) (Holder, error), state, answer []byte, at int64) (Holder, Passkey, error) {
	session, err := resume(actDiscover, state, at)
	if err != nil {
		return Holder{}, Passkey{}, err
	}
	parsed, err := parseAssertion(answer)
	if err != nil {
		return Holder{}, Passkey{}, err
	}
	var found Holder
	var trouble error
	c, err := rp.w.ValidateDiscoverableLogin(func(_, handle []byte) (webauthn.User, error) {
		found, trouble = find(handle)
		return user{found}, trouble // that it is this handle's person is checked behind
	}, session, parsed)
	switch {
	case trouble != nil && !fault.Is(trouble, fault.NotFound):
		return Holder{}, Passkey{}, trouble
	case err != nil:
		return Holder{}, Passkey{}, refused(err)
	}
	k, err := used(c)
	if err != nil {
		return Holder{}, Passkey{}, err
	}
	return found, k, nil
}

func parseAssertion(answer []byte) (*protocol.ParsedCredentialAssertionData, error) {
	if err := readable(answer); err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(answer)
	if err != nil {
		return nil, unreadable(err)
	}
	return parsed, nil
}

// used refuses a passkey whose count did not grow: two copies of its key may be
// in use. The stored count stays, so that it goes on being refused.
func used(c *webauthn.Credential) (Passkey, error) {
	if c.Authenticator.CloneWarning {
		return Passkey{}, fault.New(fault.Denied, "passkey_copied",
			"This passkey may have been copied and is not accepted. Use another second factor, then remove it.")
	}
	return record(c), nil
}

// refused is the one answer to every passkey that does not prove what it
// should: which check failed is for the log.
func refused(cause error) error {
	return fault.Wrap(fault.Unauthenticated, "passkey_refused", "The passkey was not accepted. Try again, or use another way to sign in.", cause)
}

func unreadable(cause error) error {
	return fault.Wrap(fault.Malformed, "passkey_unreadable", "The browser's answer about the passkey cannot be read. Begin again.", cause)
}

func readable(answer []byte) error {
	if len(answer) > answerMax {
		return unreadable(errors.New("the answer is too long"))
	}
	return nil
}
