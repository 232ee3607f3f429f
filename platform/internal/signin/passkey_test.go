package signin_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/signin"
)

// device is an authenticator with a browser around it, as honest as its fields
// let it be. It writes what it says by hand, so that no library checks itself.
type device struct {
	t          *testing.T
	key        ed25519.PrivateKey
	id, handle []byte
	count      uint32 // of its signatures
	origin     string // where the browser stands
	host       string // whom the key was made for
}

func newDevice(t *testing.T) *device {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	d := &device{t: t, key: key, id: make([]byte, 20), origin: "https://acme.test", host: "acme.test"}
	rand.Read(d.id)
	return d
}

var url64 = base64.RawURLEncoding.EncodeToString

func text(b []byte) secret.Text { return secret.NewText(string(b)) }

func (d *device) write(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	return b
}

// data is what the authenticator vouches for: present and verified, counted.
func (d *device) data(flags byte, more ...byte) []byte {
	d.count++
	whom := sha256.Sum256([]byte(d.host))
	out := binary.BigEndian.AppendUint32(append(whom[:], 0x05|flags), d.count)
	return append(out, more...)
}

func (d *device) answer(response map[string]string) secret.Text {
	return text(d.write(map[string]any{"id": url64(d.id), "rawId": url64(d.id), "type": "public-key", "clientExtensionResults": map[string]any{}, "response": response}))
}

type options struct {
	Challenge string
	User      struct{ ID string }
}

func (d *device) read(asked *signin.AskOut) (o options) {
	if err := json.Unmarshal([]byte(asked.Options.Reveal()), &o); err != nil {
		d.t.Fatal(err)
	}
	return o
}

func (d *device) client(ceremony, challenge string) []byte {
	return d.write(map[string]any{"type": ceremony, "challenge": challenge, "origin": d.origin, "crossOrigin": false})
}

// enrol answers the options of a new passkey: an Ed25519 key, without a voucher of
// the maker.
func (d *device) enrol(asked *signin.AskOut) secret.Text {
	o := d.read(asked)
	var err error
	if d.handle, err = base64.RawURLEncoding.DecodeString(o.User.ID); err != nil {
		d.t.Fatal(err)
	}
	key := append([]byte{0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21, 0x58, 0x20}, d.key.Public().(ed25519.PublicKey)...)
	made := append(append(make([]byte, 16), 0, byte(len(d.id))), d.id...)
	data := d.data(0x40, append(made, key...)...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	return d.answer(map[string]string{"clientDataJSON": url64(d.client("webauthn.create", o.Challenge)), "attestationObject": url64(append(object, data...))})
}

// use answers the options of a sign-in.
func (d *device) use(asked *signin.AskOut) secret.Text {
	client, data := d.client("webauthn.get", d.read(asked).Challenge), d.data(0)
	digest := sha256.Sum256(client)
	return d.answer(map[string]string{"clientDataJSON": url64(client), "authenticatorData": url64(data),
		"signature": url64(ed25519.Sign(d.key, append(data, digest[:]...))), "userHandle": url64(d.handle)})
}

// desk is the door of a house, and an agent who has a passkey there.
type desk struct {
	*gatetest.House
	*signin.Desk
	t *testing.T
}

func eachWithPasskey(t *testing.T, fn func(o *desk, d *device)) {
	each(t, func(t *testing.T, h *gatetest.House, door *signin.Desk) {
		o, d := &desk{h, door, t}, newDevice(t)
		asked, err := gatetest.Do(h, door.Ask, h.Screen(policy.Agent), signin.AskIn{Purpose: "enrol"})
		o.must(err)
		_, err = gatetest.Do(h, door.AddPasskey, h.Screen(policy.Agent), signin.PasskeyAddIn{Passkey: d.enrol(asked), Label: "Work laptop"})
		o.must(err)
		fn(o, d)
	})
}

func (o *desk) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

func (o *desk) asked() *signin.AskOut {
	o.t.Helper()
	out, err := gatetest.Do(o.House, o.AskEntry, o.Stranger(operation.UI), signin.Nothing{})
	o.must(err)
	return out
}

// enter comes in by an answer, with the browser's half of the challenge.
func (o *desk) enter(asked *signin.AskOut, answer secret.Text) (*signin.EnterOut, error) {
	return gatetest.Do(o.House, o.EnterByPK, o.Stranger(operation.UI), signin.PasskeyEnterIn{Token: asked.Token, Passkey: answer})
}

// shut holds an attempt to the one answer of the door, and to what the trail says
// was wrong with it.
func (o *desk) shut(story string, err error, why string) {
	o.t.Helper()
	if f := fault.As(err); err == nil || f.Kind != fault.Unauthenticated || f.Reason != "wrong_passkey" {
		o.t.Errorf("%s: %v, want the one answer", story, err)
	}
	e := o.Trail(o.t, audit.Filter{Operation: "session.begin_passkey", Limit: 1})[0]
	if e.Outcome != operation.Denied || e.Detail["passkey"] != why {
		o.t.Errorf("%s: the trail says %s %q, want %q", story, e.Outcome, e.Detail["passkey"], why)
	}
}

func (o *desk) me(token secret.Text) error {
	r := o.Screen(policy.Agent)
	r.Session = token
	_, err := gatetest.Do(o.House, o.Me, r, signin.Nothing{})
	return err
}

// A passkey alone opens the door, and its answer opens it once: neither the same
// answer nor another one to the same challenge comes in again, nor does one that
// took too long or belongs to another browser.
func TestAChallengeIsAnsweredOnce(t *testing.T) {
	eachWithPasskey(t, func(o *desk, d *device) {
		asked := o.asked()
		answer := d.use(asked)
		in, err := o.enter(asked, answer)
		o.must(err)
		o.must(o.me(in.Token))
		_, err = o.enter(asked, answer)
		o.shut("the same answer again", err, "")
		_, err = o.enter(asked, d.use(asked))
		o.shut("a second answer to one challenge", err, "")

		mine, theirs := o.asked(), o.asked()
		_, err = o.enter(theirs, d.use(mine))
		o.shut("an answer to another browser’s challenge", err, "passkey_refused")
		_, err = o.enter(theirs, d.use(theirs))
		o.shut("a challenge that was answered wrongly once", err, "")
		_, err = o.enter(&signin.AskOut{Token: secret.NewText("made up")}, d.use(mine))
		o.shut("a challenge that nobody gave", err, "")
		o.Advance(6 * time.Minute)
		_, err = o.enter(mine, d.use(mine))
		o.shut("an answer after six minutes", err, "")
	})
}

// A page elsewhere that gets somebody to use their passkey gets nothing from it.
func TestAnAnswerFromElsewhereIsRefused(t *testing.T) {
	eachWithPasskey(t, func(o *desk, d *device) {
		for _, origin := range []string{"https://acme.test.evil.example", "http://acme.test", "https://acme.test:8443"} {
			d.origin = origin
			asked := o.asked()
			_, err := o.enter(asked, d.use(asked))
			o.shut(origin, err, "passkey_refused")
		}
		d.origin, d.host = "https://acme.test", "evil.example"
		asked := o.asked()
		_, err := o.enter(asked, d.use(asked))
		o.shut("a key made for another site", err, "passkey_refused")
	})
}

// A copy of a passkey is noticed as soon as the original has been used: its
// counter goes back. The copy opens nothing, at the door or as a second factor,
// and the original goes on.
func TestACopyOfAPasskeyIsNoticed(t *testing.T) {
	eachWithPasskey(t, func(o *desk, d *device) {
		copied := *d
		for range 2 {
			asked := o.asked()
			_, err := o.enter(asked, d.use(asked))
			o.must(err)
		}
		asked := o.asked()
		_, err := o.enter(asked, copied.use(asked))
		o.shut("the copy", err, "passkey_copied")

		give := func(d *device) error {
			asked, err := gatetest.Do(o.House, o.Ask, o.Screen(policy.Agent), signin.AskIn{Purpose: "give"})
			o.must(err)
			_, err = gatetest.Do(o.House, o.Give, o.Screen(policy.Agent), signin.GiveIn{Passkey: d.use(asked)})
			return err
		}
		copied.count = 1
		if err := give(&copied); fault.As(err) == nil || fault.As(err).Reason != "wrong_factor" {
			o.t.Errorf("the copy as a second factor: %v", err)
		}
		o.must(give(d))
	})
}

// Whoever is locked or switched off does not come in by a passkey either, and is
// answered like anybody else.
func TestAPasskeyOpensNothingThatIsShut(t *testing.T) {
	eachWithPasskey(t, func(o *desk, d *device) {
		for range 10 {
			_, err := enter(o.House, o.Desk, "agent@acme.test", "not the password")
			wrong(o.t, err)
		}
		asked := o.asked()
		_, err := o.enter(asked, d.use(asked))
		o.shut("a locked account", err, "passkey_refused")
		o.Advance(31 * time.Minute)
		asked = o.asked()
		_, err = o.enter(asked, d.use(asked))
		o.must(err)
		o.must(o.Write(func(ctx context.Context, tx *db.Tx) error {
			s, err := identity.StaffByID(ctx, tx, o.People[policy.Agent].ID)
			if err != nil {
				return err
			}
			s.Active = false
			if err := identity.UpdateStaff(ctx, tx, s); err != nil {
				return err
			}
			return policy.Bump(ctx, tx)
		}))
		asked = o.asked()
		_, err = o.enter(asked, d.use(asked))
		o.shut("somebody who is switched off", err, "passkey_refused")
	})
}
