package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/signature"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/lendkeep/lendkeep/internal/id"
)

// Purpose is one use of a key; each has a keyset of its own.
type Purpose string

// The purposes of a ring.
const (
	Fields     Purpose = "fields"      // personal fields that belong to no borrower's key; secrets of settings
	BlindIndex Purpose = "blind_index" // exact search over sealed fields
	Page       Purpose = "page"        // the page key of the tenant's SQLite file
	AuditSeal  Purpose = "audit_seal"  // sealed parts of audit entries
	Sign       Purpose = "sign"        // Ed25519 over checkpoints
	Token      Purpose = "token"       // cursors and the like: sealed, handed out, read back
	Digest     Purpose = "digest"      // MACs of high-entropy tokens that are stored hashed
	Persons    Purpose = "persons"     // wraps the key of every person
)

// Purposes lists every purpose, in the order of an inventory.
func Purposes() []Purpose {
	return []Purpose{Fields, BlindIndex, Page, AuditSeal, Sign, Token, Digest, Persons}
}

func (p Purpose) template() *tinkpb.KeyTemplate {
	switch p {
	case BlindIndex, Page, Digest:
		return prf.HMACSHA256PRFKeyTemplate()
	case Sign:
		return signature.ED25519KeyWithoutPrefixTemplate()
	default:
		return aead.AES256GCMKeyTemplate()
	}
}

// envelope is a ring at rest: the ring key under the KMS, the keysets under the
// ring key. Each part is bound to the tenant, the keysets to their purpose too.
type envelope struct {
	Version int                `json:"version"`
	KMS     string             `json:"kms"`
	Key     []byte             `json:"key"`
	Keysets map[Purpose][]byte `json:"keysets"`
}

const envelopeVersion = 1

// Ring is one tenant's keysets, unwrapped, with their primitives built. It is
// safe for concurrent use and never changes after OpenRing.
type Ring struct {
	tenant  id.Tenant
	aeads   map[Purpose]sealer
	prfs    map[Purpose]*prf.Set
	signer  tink.Signer
	public  []byte
	pageKey []byte
}

type sealer struct {
	tink.AEAD
	primary string // version of the key that seals
}

// NewRing makes a fresh ring for a tenant and gives it wrapped, ready to store.
// It calls the KMS once.
func NewRing(ctx context.Context, kms KMS, tenant id.Tenant) (wrapped []byte, err error) {
	ringKey := make([]byte, 32)
	rand.Read(ringKey)
	box, err := subtle.NewAESGCM(ringKey)
	if err != nil {
		return nil, fmt.Errorf("ring key: %w", err)
	}
	e := envelope{Version: envelopeVersion, KMS: kms.Name(), Keysets: map[Purpose][]byte{}}
	e.Key, err = kms.Wrap(ctx, ringKey, ringPlace(tenant))
	if err != nil {
		return nil, fmt.Errorf("wrap ring key: %w", err)
	}
	for _, p := range Purposes() {
		h, err := keyset.NewHandle(p.template())
		if err != nil {
			return nil, fmt.Errorf("make keyset %s: %w", p, err)
		}
		var b bytes.Buffer
		err = h.WriteWithAssociatedData(keyset.NewBinaryWriter(&b), box, keysetPlace(tenant, p))
		if err != nil {
			return nil, fmt.Errorf("wrap keyset %s: %w", p, err)
		}
		e.Keysets[p] = b.Bytes()
	}
	return json.Marshal(e)
}

func ringPlace(t id.Tenant) []byte { return place("lendkeep ring", string(t)) }

func keysetPlace(t id.Tenant, p Purpose) []byte {
	return place("lendkeep keyset", string(t), string(p))
}

// OpenRing unwraps what NewRing made. It calls the KMS once; a ring of another
// tenant is ErrRefused.
func OpenRing(ctx context.Context, kms KMS, tenant id.Tenant, wrapped []byte) (*Ring, error) {
	var e envelope
	if err := json.Unmarshal(wrapped, &e); err != nil || e.Version != envelopeVersion {
		return nil, errors.New("the stored ring is not of a known form")
	}
	ringKey, err := kms.Unwrap(ctx, e.Key, ringPlace(tenant))
	if err != nil {
		return nil, fmt.Errorf("unwrap ring key with %s: %w", kms.Name(), err)
	}
	box, err := subtle.NewAESGCM(ringKey)
	if err != nil {
		return nil, fmt.Errorf("ring key: %w", err)
	}
	r := &Ring{tenant: tenant, aeads: map[Purpose]sealer{}, prfs: map[Purpose]*prf.Set{}}
	for _, p := range Purposes() {
		h, err := keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(e.Keysets[p])), box, keysetPlace(tenant, p))
		if err != nil {
			return nil, fmt.Errorf("unwrap keyset %s: %w", p, ErrRefused)
		}
		if err := r.use(p, h); err != nil {
			return nil, fmt.Errorf("keyset %s: %w", p, err)
		}
	}
	r.pageKey = r.derive(Page, place("sqlite page key"), 32)
	return r, nil
}

// use builds the primitive of one purpose.
func (r *Ring) use(p Purpose, h *keyset.Handle) (err error) {
	switch p {
	case BlindIndex, Page, Digest:
		r.prfs[p], err = prf.NewPRFSet(h)
		if err == nil {
			_, err = r.prfs[p].ComputePrimaryPRF(nil, 32)
		}
	case Sign:
		r.signer, err = signature.NewSigner(h)
		if err == nil {
			r.public, err = publicKey(h)
		}
	default:
		var a tink.AEAD
		a, err = aead.New(h)
		r.aeads[p] = sealer{AEAD: a, primary: versionOf(h.KeysetInfo().GetPrimaryKeyId())}
	}
	return err
}

// Tenant says whose ring it is.
func (r *Ring) Tenant() id.Tenant { return r.tenant }

// String names the ring and nothing of its keys.
func (r *Ring) String() string { return "ring of " + string(r.tenant) }

// GoString is String.
func (r *Ring) GoString() string { return r.String() }
