package factor

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// CeremonyLimit is how long a ceremony may take, in microseconds: the caller
// keeps its state no longer, and Finish refuses an older one.
const CeremonyLimit = 5 * 60 * second

// RelyingParty is a site at which passkeys are made and used. It does not
// change and may be shared.
type RelyingParty struct{ w *webauthn.WebAuthn }

// NewRelyingParty makes the site of a domain ("lend.example"), with the name
// that browsers show and the origins that its pages come from
// ("https://lend.example:8443"). An address is no domain: browsers make no
// passkeys for it, with the one exception of the name localhost.
func NewRelyingParty(id, displayName string, origins []string) (*RelyingParty, error) {
	if _, err := netip.ParseAddr(strings.Trim(id, "[]")); err == nil {
		return nil, fmt.Errorf("passkeys need a domain name, and %q is an address: give the site a name", id)
	}
	if id == "" || displayName == "" {
		return nil, errors.New("passkeys need the domain of a site and its name")
	}
	for _, o := range origins {
		u, err := url.Parse(o)
		if err != nil || u.Scheme != "https" || u.Host == "" || u.Scheme+"://"+u.Host != o {
			return nil, fmt.Errorf("the origin %q of passkeys is not of the form https://name or https://name:port", o)
		}
		if h := u.Hostname(); h != id && !strings.HasSuffix(h, "."+id) {
			return nil, fmt.Errorf("the origin %q of passkeys does not belong to the domain %q", o, id)
		}
	}
	limit := webauthn.TimeoutConfig{Timeout: time.Duration(CeremonyLimit) * time.Microsecond} // a hint to the browser; we enforce it ourselves
	w, err := webauthn.New(&webauthn.Config{
		RPID: id, RPDisplayName: displayName, RPOrigins: origins,
		AttestationPreference: protocol.PreferNoAttestation, // the make of a person's phone is not our business
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			RequireResidentKey: protocol.ResidentKeyRequired(),
			ResidentKey:        protocol.ResidentKeyRequirementRequired,
			UserVerification:   protocol.VerificationRequired, // so that a passkey alone is two factors
		},
		Timeouts: webauthn.TimeoutsConfig{Login: limit, Registration: limit},
		// Some browsers and password stores answer with extensions that nobody
		// asked for. We use none, so they are ignored instead of locking people out.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil {
		return nil, fmt.Errorf("the site of passkeys is not set up rightly: %w", err)
	}
	return &RelyingParty{w: w}, nil
}

// Ceremony is one beginning of a registration or sign-in.
type Ceremony struct {
	// Options is the JSON that the page hands to parseCreationOptionsFromJSON
	// or parseRequestOptionsFromJSON.
	Options []byte
	// State stays on the server, at most CeremonyLimit, bound to the browser's
	// session. The caller deletes it before it calls Finish, whatever comes of
	// it: an answer is good once because its state is.
	State []byte
}

// The acts: a state is good for the act that it was begun for.
const (
	actRegister = "register"
	actLogin    = "login"
	actDiscover = "discover"
)

// state is the content of Ceremony.State.
type state struct {
	Act     string               `json:"act"`
	Begun   int64                `json:"begun"`
	Session webauthn.SessionData `json:"session"`
}

func begin(act string, at int64, options any, session *webauthn.SessionData) (Ceremony, error) {
	o, err := json.Marshal(options)
	if err != nil {
		return Ceremony{}, fmt.Errorf("passkey options: %w", err)
	}
	s, err := json.Marshal(state{Act: act, Begun: at, Session: *session})
	if err != nil {
		return Ceremony{}, fmt.Errorf("passkey state: %w", err)
	}
	return Ceremony{Options: o, State: s}, nil
}

// resume reads a state back. One that was begun for another act, in another
// window of the same browser perhaps, is like one that is too old.
func resume(act string, b []byte, at int64) (webauthn.SessionData, error) {
	var s state
	if err := json.Unmarshal(b, &s); err != nil {
		return webauthn.SessionData{}, fmt.Errorf("the state of a passkey ceremony cannot be read: %w", err)
	}
	if s.Act != act || at-s.Begun > CeremonyLimit {
		return webauthn.SessionData{}, fault.New(fault.Conflict, "passkey_expired", "This was begun too long ago, or something else was begun since. Begin again.")
	}
	return s.Session, nil
}
