package factor

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lendkeep/lendkeep/internal/fault"
)

const noon = int64(1_795_000_000) * second

func site(t testing.TB) *RelyingParty {
	t.Helper()
	rp, err := NewRelyingParty("lend.example", "Lendkeep", []string{"https://lend.example:8443", "https://staff.lend.example"})
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func anna() Holder {
	return Holder{Handle: []byte("usr_anna"), Account: "anna@lend.example", Name: "Anna Smith"}
}

func bob() Holder {
	return Holder{Handle: []byte("usr_bob"), Account: "bob@lend.example", Name: "Bob Jones"}
}

// enrol registers a device and gives its owner with the new passkey, read back
// from the form in which it is kept.
func enrol(t testing.TB, rp *RelyingParty, d *device, h Holder) Holder {
	t.Helper()
	c, err := rp.BeginRegistration(h, noon)
	if err != nil {
		t.Fatal(err)
	}
	k, err := rp.FinishRegistration(h, c.State, d.register(c.Options), noon+second)
	if err != nil {
		t.Fatalf("registration: %v", err)
	}
	h.Passkeys = append(h.Passkeys, kept(t, k))
	return h
}

func kept(t testing.TB, k Passkey) Passkey {
	t.Helper()
	form := string(encode(t, k))
	back, err := ParsePasskey([]byte(form))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(form, string(encode(t, back))); diff != "" {
		t.Fatalf("the record changed while it was kept: %s", diff)
	}
	return back
}

func signIn(t testing.TB, rp *RelyingParty, d *device, h Holder) (Passkey, error) {
	t.Helper()
	c, err := rp.BeginLogin(h, noon)
	if err != nil {
		t.Fatal(err)
	}
	return rp.FinishLogin(h, c.State, d.login(c.Options), noon+second)
}

// Every kind of key that is offered can be made and used, again and again, and
// the count is carried on.
func TestAPasskeyIsMadeAndUsed(t *testing.T) {
	rp := site(t)
	for name, make := range map[string]func(testing.TB) *device{"ES256": newDevice, "EdDSA": edDevice, "RS256": rsaDevice} {
		t.Run(name, func(t *testing.T) {
			d := make(t)
			h := enrol(t, rp, d, anna())
			first := h.Passkeys[0]
			if first.SignCount != 1 || first.Synced() || !cmp.Equal(first.Transports, []string{"internal", "hybrid"}) {
				t.Errorf("%+v", first)
			}
			for range 3 {
				k, err := signIn(t, rp, d, h)
				if err != nil {
					t.Fatal(err)
				}
				if k.SignCount != d.count || !cmp.Equal(k.ID, first.ID) || !cmp.Equal(k.PublicKey, first.PublicKey) {
					t.Errorf("%+v after %+v", k, first)
				}
				h.Passkeys[0] = kept(t, k)
			}
		})
	}
}

// Nobody types an address: the passkey says whose it is.
func TestAPasskeyAloneSignsIn(t *testing.T) {
	rp, d := site(t), newDevice(t)
	d.flags |= synced | backedUp
	d.count = 0
	h := enrol(t, rp, d, anna())
	if !h.Passkeys[0].Synced() {
		t.Error("the passkey is not known as synced")
	}
	c, err := rp.BeginDiscoverableLogin(noon)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(c.Options), "allowCredentials") {
		t.Errorf("the options name somebody: %s", c.Options)
	}
	who, k, err := rp.FinishDiscoverableLogin(people(h, bob()), c.State, d.login(c.Options), noon)
	if err != nil {
		t.Fatal(err)
	}
	if who.Account != h.Account || k.SignCount != 0 || !cmp.Equal(k.ID, d.id) {
		t.Errorf("%s signed in with %+v", who.Account, k)
	}
}

// people finds persons as a table of them would.
func people(all ...Holder) func([]byte) (Holder, error) {
	return func(handle []byte) (Holder, error) {
		for _, h := range all {
			if string(h.Handle) == string(handle) {
				return h, nil
			}
		}
		return Holder{}, fault.Missing("person")
	}
}

// What the browser is asked for: a passkey that is found without an address,
// with the person verified, on no device that has one already.
func TestTheOptionsAskForWhatCountsAsTwoFactors(t *testing.T) {
	rp := site(t)
	h := enrol(t, rp, newDevice(t), anna())
	c, err := rp.BeginRegistration(h, noon)
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		RP                     struct{ ID, Name string }
		User                   struct{ ID, Name, DisplayName string }
		Timeout                int
		Attestation            string
		ExcludeCredentials     []struct{ ID string }
		PubKeyCredParams       []struct{ Alg int }
		AuthenticatorSelection struct{ ResidentKey, UserVerification string }
	}
	if err := json.Unmarshal(c.Options, &o); err != nil {
		t.Fatal(err)
	}
	if o.RP.ID != "lend.example" || o.RP.Name != "Lendkeep" || o.User.ID != url64(h.Handle) || o.User.Name != h.Account || o.User.DisplayName != h.Name ||
		o.Timeout != 300_000 || o.Attestation != "none" || o.AuthenticatorSelection.ResidentKey != "required" ||
		o.AuthenticatorSelection.UserVerification != "required" || len(o.PubKeyCredParams) != 3 ||
		len(o.ExcludeCredentials) != 1 || o.ExcludeCredentials[0].ID != url64(h.Passkeys[0].ID) {
		t.Errorf("%s", c.Options)
	}
	c, err = rp.BeginLogin(h, noon)
	if err != nil || !strings.Contains(string(c.Options), `"userVerification":"required"`) || !strings.Contains(string(c.Options), url64(h.Passkeys[0].ID)) {
		t.Errorf("%s, %v", c.Options, err)
	}
}

// refusal checks that an error is the fault that is wanted and that its words
// say nothing of what was expected.
func refusal(t testing.TB, err error, kind fault.Kind, reason string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Reason != reason {
		t.Fatalf("got %v, want %s %s", err, kind, reason)
	}
	for _, inner := range []string{"lend.example", "challenge", "origin", "RP", "rp", "hash", "signature", "counter", "usr_", "CBOR"} {
		if strings.Contains(f.Message, inner) {
			t.Errorf("the answer speaks of %q: %s", inner, f.Message)
		}
	}
}

func otherKey(t testing.TB) *ecdsa.PrivateKey {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Whatever is not as it should be, the answer is the same.
func TestAFalsePasskeyDoesNotSignIn(t *testing.T) {
	rp := site(t)
	lies := map[string]func(*device){
		"a page of another site":             func(d *device) { d.origin = "https://lend.example.evil.test" },
		"the same name on another port":      func(d *device) { d.origin = "https://lend.example" },
		"a page without encryption":          func(d *device) { d.origin = "http://lend.example:8443" },
		"a passkey of another site":          func(d *device) { d.rpID = "evil.test" },
		"a challenge that was not set":       func(d *device) { d.lie.challenge = url64([]byte("0123456789abcdef0123456789abcdef")) },
		"no challenge":                       func(d *device) { d.lie.challenge = "=" },
		"an answer to a registration":        func(d *device) { d.lie.ceremony = "webauthn.create" },
		"a page within a page":               func(d *device) { d.lie.crossOrigin = true },
		"a page within a stranger's page":    func(d *device) { d.lie.crossOrigin, d.lie.topOrigin = true, "https://evil.test" },
		"the person not verified":            func(d *device) { d.flags = present },
		"nobody present":                     func(d *device) { d.flags = verified },
		"another key":                        func(d *device) { d.lie.signer = otherKey(d.t) },
		"a passkey that became a synced one": func(d *device) { d.flags |= synced },
		"backed up but never to be":          func(d *device) { d.flags |= backedUp },
		"another passkey's id":               func(d *device) { d.lie.id = []byte("another passkey's id") },
		"another person's handle":            func(d *device) { d.lie.handle = bob().Handle },
		"no signature":                       func(d *device) { d.lie.signature = func([]byte) []byte { return nil } },
		"verified set afterwards": func(d *device) {
			d.flags = present
			d.lie.authData = func(b []byte) []byte { b[32] |= verified; return b }
		},
		"an origin set afterwards": func(d *device) {
			d.origin = "https://evil.test"
			d.lie.clientData = func(b []byte) []byte {
				return []byte(strings.Replace(string(b), "https://evil.test", "https://lend.example:8443", 1))
			}
		},
		"a count set afterwards": func(d *device) { d.lie.authData = func(b []byte) []byte { b[36]++; return b } },
	}
	for name, tell := range lies {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t)
			h := enrol(t, rp, d, anna())
			tell(d)
			k, err := signIn(t, rp, d, h)
			refusal(t, err, fault.Unauthenticated, "passkey_refused")
			if k.ID != nil {
				t.Error("a refused passkey is handed out")
			}
			c, err := rp.BeginDiscoverableLogin(noon)
			if err != nil {
				t.Fatal(err)
			}
			who, _, err := rp.FinishDiscoverableLogin(people(h, bob()), c.State, d.login(c.Options), noon)
			refusal(t, err, fault.Unauthenticated, "passkey_refused")
			if who.Handle != nil {
				t.Error("a person is handed out with a refused passkey")
			}
		})
	}
}

func TestAFalsePasskeyIsNotRegistered(t *testing.T) {
	rp := site(t)
	lies := map[string]func(*device){
		"a page of another site":       func(d *device) { d.origin = "https://evil.test" },
		"a passkey of another site":    func(d *device) { d.rpID = "evil.test" },
		"a challenge that was not set": func(d *device) { d.lie.challenge = url64([]byte("0123456789abcdef0123456789abcdef")) },
		"an answer to a sign-in":       func(d *device) { d.lie.ceremony = "webauthn.get" },
		"a page within a page":         func(d *device) { d.lie.crossOrigin = true },
		"the person not verified":      func(d *device) { d.flags = present },
		"nobody present":               func(d *device) { d.flags = verified },
		"backed up but never to be":    func(d *device) { d.flags |= backedUp },
		"a key that was not asked for": func(d *device) { *d = *p384Device(d.t) },
		"another id than it signs for": func(d *device) { d.lie.authData = func(b []byte) []byte { b[60] ^= 1; return b } },
	}
	for name, tell := range lies {
		t.Run(name, func(t *testing.T) {
			d := newDevice(t)
			tell(d)
			c, err := rp.BeginRegistration(anna(), noon)
			if err != nil {
				t.Fatal(err)
			}
			_, err = rp.FinishRegistration(anna(), c.State, d.register(c.Options), noon)
			refusal(t, err, fault.Invalid, "passkey_refused")
		})
	}
	d := newDevice(t)
	h := enrol(t, rp, d, anna())
	c, err := rp.BeginRegistration(h, noon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rp.FinishRegistration(h, c.State, d.register(c.Options), noon)
	refusal(t, err, fault.Conflict, "passkey_known")
	c, err = rp.BeginRegistration(h, noon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rp.FinishRegistration(bob(), c.State, newDevice(t).register(c.Options), noon)
	refusal(t, err, fault.Invalid, "passkey_refused") // begun by Anna, finished by Bob
}

// An answer belongs to the ceremony for which it was given.
func TestAnAnswerIsGoodForItsOwnCeremony(t *testing.T) {
	rp, d := site(t), newDevice(t)
	h := enrol(t, rp, d, anna())
	one, err1 := rp.BeginLogin(h, noon)
	two, err2 := rp.BeginLogin(h, noon)
	free, err3 := rp.BeginDiscoverableLogin(noon)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	answer := d.login(one.Options)
	_, err := rp.FinishLogin(h, two.State, answer, noon)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")
	_, err = rp.FinishLogin(h, free.State, answer, noon)
	refusal(t, err, fault.Conflict, "passkey_expired")
	_, _, err = rp.FinishDiscoverableLogin(people(h), one.State, answer, noon)
	refusal(t, err, fault.Conflict, "passkey_expired")
	_, err = rp.FinishRegistration(h, one.State, answer, noon)
	refusal(t, err, fault.Conflict, "passkey_expired")
	_, err = rp.FinishLogin(h, one.State, answer, noon+CeremonyLimit+1)
	refusal(t, err, fault.Conflict, "passkey_expired")

	k, err := rp.FinishLogin(h, one.State, answer, noon+CeremonyLimit)
	if err != nil {
		t.Fatal("five minutes are too long:", err)
	}
	// The caller should have thrown the state away; the count refuses too.
	h.Passkeys[0] = k
	_, err = rp.FinishLogin(h, one.State, answer, noon)
	refusal(t, err, fault.Denied, "passkey_copied")
}

// Two devices with one key: the one that is behind gives it away.
func TestACopiedPasskeyIsRefused(t *testing.T) {
	rp, d := site(t), newDevice(t)
	h := enrol(t, rp, d, anna())
	copied := *d
	for range 2 {
		k, err := signIn(t, rp, d, h)
		if err != nil {
			t.Fatal(err)
		}
		h.Passkeys[0] = k
	}
	k, err := signIn(t, rp, &copied, h)
	refusal(t, err, fault.Denied, "passkey_copied")
	if k.ID != nil {
		t.Error("a copied passkey is handed out, and its count might be stored")
	}
	copied.count = 0 // it stopped counting
	_, err = signIn(t, rp, &copied, h)
	refusal(t, err, fault.Denied, "passkey_copied")
}

func TestAnothersPasskeyIsRefused(t *testing.T) {
	rp, hers, his := site(t), newDevice(t), newDevice(t)
	a, b := enrol(t, rp, hers, anna()), enrol(t, rp, his, bob())

	_, err := signIn(t, rp, his, a)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")
	his.lie.noHandle = true // a security key may leave the handle out
	_, err = signIn(t, rp, his, a)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")

	c, err := rp.BeginLogin(a, noon)
	if err != nil {
		t.Fatal(err)
	}
	_, err = rp.FinishLogin(b, c.State, his.login(c.Options), noon)
	refusal(t, err, fault.Unauthenticated, "passkey_refused") // begun by Anna, finished by Bob

	his.lie = lie{handle: a.Handle} // his key, and her name on it
	c, err = rp.BeginDiscoverableLogin(noon)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = rp.FinishDiscoverableLogin(people(a, b), c.State, his.login(c.Options), noon)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")

	wrongTable := func([]byte) (Holder, error) { return b, nil } // an owner that was not asked for
	hers.lie.noHandle = false
	_, _, err = rp.FinishDiscoverableLogin(wrongTable, c.State, hers.login(c.Options), noon)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")
}

// Unknown people look like wrong passkeys; a database that is away does not.
func TestWhoIsNotFoundIsRefusedAndTroubleIsHandedOn(t *testing.T) {
	rp, d := site(t), newDevice(t)
	enrol(t, rp, d, anna())
	c, err := rp.BeginDiscoverableLogin(noon)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = rp.FinishDiscoverableLogin(people(bob()), c.State, d.login(c.Options), noon)
	refusal(t, err, fault.Unauthenticated, "passkey_refused")
	away := fault.New(fault.Unavailable, "database", "The database is away.")
	_, _, err = rp.FinishDiscoverableLogin(func([]byte) (Holder, error) { return Holder{}, away }, c.State, d.login(c.Options), noon)
	refusal(t, err, fault.Unavailable, "database")
	_, err = rp.BeginLogin(bob(), noon)
	refusal(t, err, fault.Conflict, "no_passkey")
}

// Every single bit of what is signed counts.
func TestEveryBitOfASignInIsSigned(t *testing.T) {
	rp, d := site(t), newDevice(t)
	h := enrol(t, rp, d, anna())
	if k, err := signIn(t, rp, d, h); err != nil {
		t.Fatal(err)
	} else {
		h.Passkeys[0] = k
	}
	flip := func(bit int) func([]byte) []byte {
		return func(b []byte) []byte {
			if bit/8 < len(b) {
				b[bit/8] ^= 1 << (bit % 8)
			} else {
				b = append(b, 0)
			}
			return b
		}
	}
	refuse := func(what string, bit int) {
		if _, err := signIn(t, rp, d, h); !fault.Is(err, fault.Unauthenticated) && !fault.Is(err, fault.Malformed) && !fault.Is(err, fault.Denied) {
			t.Fatalf("bit %d of the %s: %v", bit, what, err)
		}
	}
	for bit := range (37 + 1) * 8 {
		d.lie = lie{authData: flip(bit)}
		refuse("authenticator data", bit)
	}
	for bit := range 72 * 8 {
		d.lie = lie{signature: flip(bit)}
		refuse("signature", bit)
	}
	for bit := 0; bit < 160*8; bit += 3 {
		d.lie = lie{clientData: flip(bit)}
		refuse("client data", bit)
	}
	d.lie = lie{}
	if _, err := signIn(t, rp, d, h); err != nil {
		t.Error("after all that the honest one is refused:", err)
	}
}

func TestASiteOfPasskeysIsSetUpRightlyOrNotAtAll(t *testing.T) {
	for id, origins := range map[string][]string{
		"lend.example": {"https://lend.example", "https://staff.lend.example:8443"},
		"localhost":    {"https://localhost:9443"},
	} {
		if _, err := NewRelyingParty(id, "Lendkeep", origins); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	for _, bad := range []struct{ id, name, origin string }{
		{"127.0.0.1", "Lendkeep", "https://127.0.0.1:9443"},
		{"[::1]", "Lendkeep", "https://[::1]:9443"},
		{"", "Lendkeep", "https://lend.example"},
		{"lend.example:8443", "Lendkeep", "https://lend.example:8443"},
		{"https://lend.example", "Lendkeep", "https://lend.example"},
		{"lend.example", "Lendkeep", "http://lend.example"},
		{"lend.example", "Lendkeep", "https://lend.example/"},
		{"lend.example", "Lendkeep", "https://lend.example/path"},
		{"lend.example", "Lendkeep", "https://somebody@lend.example"},
		{"lend.example", "Lendkeep", "https://lend.example.evil.test"},
		{"lend.example", "Lendkeep", "https://evillend.example"},
		{"lend.example", "Lendkeep", "lend.example"},
		{"lend.example", "", "https://lend.example"},
	} {
		if _, err := NewRelyingParty(bad.id, bad.name, []string{bad.origin}); err == nil {
			t.Errorf("%+v is taken", bad)
		}
	}
	if _, err := NewRelyingParty("lend.example", "Lendkeep", nil); err == nil {
		t.Error("a site without an origin is taken")
	}
}

// A record that no authenticator could have made was not kept by us.
func TestADamagedRecordIsRefused(t *testing.T) {
	good := enrol(t, site(t), newDevice(t), anna()).Passkeys[0]
	for name, damage := range map[string]func(*Passkey){
		"no id":             func(k *Passkey) { k.ID = nil },
		"a long id":         func(k *Passkey) { k.ID = make([]byte, 1024) },
		"no key":            func(k *Passkey) { k.PublicKey = nil },
		"half a key":        func(k *Passkey) { k.PublicKey = k.PublicKey[:40] },
		"a key with a tail": func(k *Passkey) { k.PublicKey = append(bytes.Clone(k.PublicKey), make([]byte, 5000)...) },
		"a point off curve": func(k *Passkey) { k.PublicKey = bytes.Clone(k.PublicKey); k.PublicKey[20] ^= 1 },
		"a vast key": func(k *Passkey) {
			modulus := bytes.Repeat([]byte{0xff}, 5000) // would take seconds to use
			k.PublicKey = join(head(5, 4), cborInt(1), cborInt(3), cborInt(3), cborInt(-257), cborInt(-1), cborBytes(modulus), cborInt(-2), cborBytes([]byte{1, 0, 1}))
		},
		"no model":      func(k *Passkey) { k.AAGUID = nil },
		"a strange way": func(k *Passkey) { k.Transports = []string{"carrier-pigeon"} },
	} {
		k := good
		damage(&k)
		if _, err := ParsePasskey(encode(t, k)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	whole := string(encode(t, good))
	for name, text := range map[string]string{"nothing": "", "two records": whole + whole, "a strange field": `{"owner":"anna",` + whole[1:], "no record": "[]"} {
		if _, err := ParsePasskey([]byte(text)); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// Browsers do not write novels; nor do we read them.
func TestAnAnswerThatCannotBeReadIsMalformed(t *testing.T) {
	rp, d := site(t), newDevice(t)
	h := enrol(t, rp, d, anna())
	login, err1 := rp.BeginLogin(h, noon)
	register, err2 := rp.BeginRegistration(h, noon)
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	tail := strings.Repeat(" ", answerMax)
	for _, answer := range []string{"", "null", "{}", "[]", `{"id":"AA"}`, string(d.login(login.Options)) + tail} {
		_, err := rp.FinishLogin(h, login.State, []byte(answer), noon)
		refusal(t, err, fault.Malformed, "passkey_unreadable")
	}
	_, err := rp.FinishRegistration(h, register.State, []byte(string(newDevice(t).register(register.Options))+tail), noon)
	refusal(t, err, fault.Malformed, "passkey_unreadable")
	if _, err := rp.FinishLogin(h, []byte("no state"), nil, noon); !fault.Is(err, fault.Internal) {
		t.Errorf("a state that we did not write: %v", err)
	}
}
