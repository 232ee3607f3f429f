package factor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncose"
	"github.com/go-webauthn/webauthn/webauthn"
)

// Passkey is the record of one credential, as the caller keeps it, sealed, in
// its JSON form. FinishLogin gives it back changed: store it each time, since
// the count is what gives a copied authenticator away.
type Passkey struct {
	ID         []byte   `json:"id"`
	PublicKey  []byte   `json:"public_key"`           // COSE
	SignCount  uint32   `json:"sign_count"`           // 0 for those that do not count
	Transports []string `json:"transports,omitempty"` // how the browser may reach it
	Flags      uint8    `json:"flags"`                // of the authenticator data, as last seen
	AAGUID     []byte   `json:"aaguid"`               // the model, 16 bytes; zeros where it is not told
}

// Limits of a record: the standard's for the id, generous ones for the rest.
const (
	passkeyIDMax  = 1023
	passkeyKeyMax = 4096
	aaguidBytes   = 16
)

// Synced reports whether the passkey can live on several devices of its owner.
// Such a passkey is as safe as the account that it is synced through.
func (k Passkey) Synced() bool { return protocol.AuthenticatorFlags(k.Flags).HasBackupEligible() }

// ParsePasskey reads the JSON form back and refuses what no authenticator could
// have made.
func ParsePasskey(b []byte) (Passkey, error) {
	var k Passkey
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(&k)
	if err != nil {
		return Passkey{}, fmt.Errorf("the record of a passkey cannot be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return Passkey{}, errors.New("the record of a passkey is followed by something else")
	}
	return k, k.check()
}

func (k Passkey) check() error {
	switch {
	case len(k.ID) == 0 || len(k.ID) > passkeyIDMax:
		return errors.New("the record of a passkey has no usable id")
	case len(k.AAGUID) != aaguidBytes:
		return errors.New("the record of a passkey does not name its model in 16 bytes")
	case len(k.PublicKey) > passkeyKeyMax || slices.ContainsFunc(k.Transports, unknownTransport) || len(k.Transports) > len(transports):
		return errors.New("the record of a passkey holds more than any authenticator says")
	}
	if _, err := webauthncose.ParsePublicKey(k.PublicKey); err != nil {
		return fmt.Errorf("the record of a passkey has no usable public key: %w", err)
	}
	return nil
}

// transports are the words of the standard. A browser may send others, which
// are dropped: they go back to a browser one day.
var transports = []string{"usb", "nfc", "ble", "smart-card", "hybrid", "internal"}

func unknownTransport(s string) bool { return !slices.Contains(transports, s) }

// record makes our record of the library's credential.
func record(c *webauthn.Credential) Passkey {
	k := Passkey{ID: c.ID, PublicKey: c.PublicKey, SignCount: c.Authenticator.SignCount,
		Flags: uint8(c.Flags.ProtocolValue()), AAGUID: c.Authenticator.AAGUID}
	for _, t := range c.Transport {
		if s := string(t); !unknownTransport(s) && !slices.Contains(k.Transports, s) {
			k.Transports = append(k.Transports, s)
		}
	}
	return k
}

// credential makes the library's credential of our record.
func (k Passkey) credential() webauthn.Credential {
	c := webauthn.Credential{ID: k.ID, PublicKey: k.PublicKey, AttestationType: "none", AttestationFormat: "none",
		Flags:         webauthn.NewCredentialFlags(protocol.AuthenticatorFlags(k.Flags)),
		Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID, SignCount: k.SignCount}}
	for _, t := range k.Transports {
		c.Transport = append(c.Transport, protocol.AuthenticatorTransport(t))
	}
	return c
}

// Holder is a person to whom passkeys belong.
type Holder struct {
	Handle   []byte    // the person's id, at most 64 bytes; a passkey carries it, so nothing personal
	Account  string    // what the person signs in with, shown by the browser
	Name     string    // the person's name, shown by the browser
	Passkeys []Passkey // all that the person has
}

// user is a Holder as the library wants to ask it.
type user struct{ Holder }

// WebAuthnID gives the handle.
func (u user) WebAuthnID() []byte { return u.Handle }

// WebAuthnName gives the account.
func (u user) WebAuthnName() string { return u.Account }

// WebAuthnDisplayName gives the person's name.
func (u user) WebAuthnDisplayName() string { return u.Name }

// WebAuthnCredentials gives the person's passkeys.
func (u user) WebAuthnCredentials() []webauthn.Credential {
	out := make([]webauthn.Credential, len(u.Passkeys))
	for i, k := range u.Passkeys {
		out[i] = k.credential()
	}
	return out
}
