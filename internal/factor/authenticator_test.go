package factor

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"testing"
)

// device is an authenticator together with the browser around it, as honest as
// its fields let it be. It writes CBOR by hand, so that nothing of the library
// under test checks itself.
type device struct {
	t      testing.TB
	key    crypto.Signer
	cose   []byte
	id     []byte
	handle []byte // of the person for whom the passkey was made
	count  uint32 // 0: one that does not count

	origin string
	rpID   string
	flags  byte
	lie    lie
}

// lie is what a dishonest device or somebody in between changes.
type lie struct {
	challenge   string
	ceremony    string
	crossOrigin bool
	topOrigin   string
	id          []byte
	handle      []byte
	noHandle    bool
	signer      crypto.Signer
	authData    func([]byte) []byte // after signing
	clientData  func([]byte) []byte // after signing
	signature   func([]byte) []byte
	cose        []byte
}

// The flags of authenticator data.
const (
	present, verified, synced, backedUp, attested = 0x01, 0x04, 0x08, 0x10, 0x40
)

func newDevice(t testing.TB) *device {
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return deviceWith(t, k, ecCOSE(t, k, 1, -7))
}

func deviceWith(t testing.TB, key crypto.Signer, cose []byte) *device {
	id := make([]byte, 24)
	rand.Read(id)
	return &device{t: t, key: key, cose: cose, id: id, count: 1, origin: "https://lend.example:8443", rpID: "lend.example", flags: present | verified}
}

// head writes the head of a CBOR item.
func head(major byte, n int) []byte {
	switch {
	case n < 24:
		return []byte{major<<5 | byte(n)}
	case n < 256:
		return []byte{major<<5 | 24, byte(n)}
	default:
		return []byte{major<<5 | 25, byte(n >> 8), byte(n)}
	}
}

func cborBytes(b []byte) []byte { return append(head(2, len(b)), b...) }
func cborText(s string) []byte  { return append(head(3, len(s)), s...) }
func cborInt(n int) []byte {
	if n < 0 {
		return head(1, -n-1)
	}
	return head(0, n)
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// ecCOSE writes an EC2 key: kind, algorithm, curve, x, y.
func ecCOSE(t testing.TB, k *ecdsa.PrivateKey, curve, alg int) []byte {
	point, err := k.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	x, y := point[1:len(point)/2+1], point[len(point)/2+1:]
	return join(head(5, 5), cborInt(1), cborInt(2), cborInt(3), cborInt(alg), cborInt(-1), cborInt(curve),
		cborInt(-2), cborBytes(x), cborInt(-3), cborBytes(y))
}

func edDevice(t testing.TB) *device {
	pub, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return deviceWith(t, key, join(head(5, 4), cborInt(1), cborInt(1), cborInt(3), cborInt(-8), cborInt(-1), cborInt(6), cborInt(-2), cborBytes(pub)))
}

func rsaDevice(t testing.TB) *device {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return deviceWith(t, k, join(head(5, 4), cborInt(1), cborInt(3), cborInt(3), cborInt(-257), cborInt(-1), cborBytes(k.N.Bytes()),
		cborInt(-2), cborBytes([]byte{1, 0, 1})))
}

// p384Device has a key of a kind that is not offered.
func p384Device(t testing.TB) *device {
	k, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return deviceWith(t, k, ecCOSE(t, k, 2, -35))
}

func (d *device) sign(message []byte) []byte {
	key := d.key
	if d.lie.signer != nil {
		key = d.lie.signer
	}
	var opts crypto.SignerOpts = crypto.SHA256
	digest := sha256.Sum256(message)
	toSign := digest[:]
	switch k := key.(type) {
	case ed25519.PrivateKey:
		opts, toSign = crypto.Hash(0), message
	case *ecdsa.PrivateKey:
		if k.Curve == elliptic.P384() {
			long := sha512.Sum384(message)
			opts, toSign = crypto.SHA384, long[:]
		}
	}
	sig, err := key.Sign(rand.Reader, toSign, opts)
	if err != nil {
		d.t.Fatal(err)
	}
	return sig
}

func (d *device) authData(flags byte, attestation []byte) []byte {
	hash := sha256.Sum256([]byte(d.rpID))
	return join(hash[:], []byte{flags}, binary.BigEndian.AppendUint32(nil, d.count), attestation)
}

func (d *device) clientData(ceremony, challenge string) []byte {
	if d.lie.ceremony != "" {
		ceremony = d.lie.ceremony
	}
	if d.lie.challenge != "" {
		challenge = d.lie.challenge
	}
	fields := map[string]any{"type": ceremony, "challenge": challenge, "origin": d.origin, "crossOrigin": d.lie.crossOrigin}
	if d.lie.topOrigin != "" {
		fields["topOrigin"] = d.lie.topOrigin
	}
	return encode(d.t, fields)
}

func encode(t testing.TB, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func changed(b []byte, by func([]byte) []byte) []byte {
	if by == nil {
		return b
	}
	return by(append([]byte(nil), b...))
}

var url64 = base64.RawURLEncoding.EncodeToString

func (d *device) credentialID() []byte {
	if d.lie.id != nil {
		return d.lie.id
	}
	return d.id
}

func (d *device) answer(response map[string]any) []byte {
	id := url64(d.credentialID())
	return encode(d.t, map[string]any{"id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
		"clientExtensionResults": map[string]any{"credProps": map[string]any{"rk": true}}, "response": response})
}

// register answers the options of a registration.
func (d *device) register(options []byte) []byte {
	var o struct {
		Challenge string
		User      struct{ ID string }
	}
	d.read(options, &o)
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		d.t.Fatal(err)
	}
	d.handle = handle
	cose := d.cose
	if d.lie.cose != nil {
		cose = d.lie.cose
	}
	id := d.credentialID()
	data := d.authData(d.flags|attested, join(make([]byte, 16), []byte{byte(len(id) >> 8), byte(len(id))}, id, cose))
	client := d.clientData("webauthn.create", o.Challenge)
	object := join(head(5, 3), cborText("fmt"), cborText("none"), cborText("attStmt"), head(5, 0), cborText("authData"), cborBytes(changed(data, d.lie.authData)))
	return d.answer(map[string]any{"clientDataJSON": url64(changed(client, d.lie.clientData)), "attestationObject": url64(object),
		"transports": []string{"internal", "hybrid", "carrier-pigeon", "internal"}})
}

// login answers the options of a sign-in.
func (d *device) login(options []byte) []byte {
	var o struct{ Challenge string }
	d.read(options, &o)
	if d.count > 0 {
		d.count++
	}
	data, client := d.authData(d.flags, nil), d.clientData("webauthn.get", o.Challenge)
	digest := sha256.Sum256(client)
	response := map[string]any{"clientDataJSON": url64(changed(client, d.lie.clientData)), "authenticatorData": url64(changed(data, d.lie.authData)),
		"signature": url64(changed(d.sign(join(data, digest[:])), d.lie.signature)), "userHandle": url64(d.handle)}
	if d.lie.handle != nil {
		response["userHandle"] = url64(d.lie.handle)
	}
	if d.lie.noHandle {
		delete(response, "userHandle")
	}
	return d.answer(response)
}

func (d *device) read(options []byte, into any) {
	if err := json.Unmarshal(options, into); err != nil {
		d.t.Fatal(fmt.Errorf("the options cannot be read: %w", err))
	}
}
