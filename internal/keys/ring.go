package keys

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

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

// Turns reports whether a purpose can be turned to a new version while the
// tenant works. Nobody who holds a digest could make it again.
func (p Purpose) Turns() bool { return p != Digest && p.known() }

func (p Purpose) known() bool { return slices.Contains(Purposes(), p) }

// Algorithm names what the keys of a purpose are, for an inventory.
func (p Purpose) Algorithm() string {
	switch p {
	case BlindIndex, Page, Digest:
		return "HMAC-SHA-256"
	case Sign:
		return "Ed25519"
	}
	return "AES-256-GCM"
}

// Bits is the length of a key of the purpose.
func (p Purpose) Bits() int { return 256 }

// envelope is a ring at rest: the ring key under the KMS, the keysets and their
// book under the ring key. Each part is bound to the tenant, the keysets to
// their purpose too; the book tells which version each keyset must be of, so
// that a part of an older ring cannot be put back alone.
type envelope struct {
	Version int                `json:"version"`
	KMS     string             `json:"kms"`
	Key     []byte             `json:"key"`
	Keysets map[Purpose][]byte `json:"keysets"`
	Book    []byte             `json:"book,omitempty"` // none in a ring of the first form
}

// The forms of an envelope: the first had no book.
const (
	bookless        = 1
	envelopeVersion = 2
)

// Ring is one tenant's keysets, unwrapped, with their primitives built. It is
// safe for concurrent use. What it holds is replaced as a whole, by Refresh and
// by a turn; whoever uses it sees the one or the other.
type Ring struct {
	tenant id.Tenant
	kms    KMS
	now    atomic.Pointer[opened]

	mu        sync.Mutex // guards replacing: one load or turn at a time
	shelf     *Shelf     // where the ring lies; nil: nowhere, it never changes
	confirmed atomic.Int64
	asked     atomic.Int64
}

// opened is a ring as it was at one moment; it never changes.
type opened struct {
	stored  []byte // as it lies wrapped
	at      envelope
	box     *subtle.AESGCM // the ring key
	sets    map[Purpose]*keyset.Handle
	book    book
	aeads   map[Purpose]sealer
	prfs    map[Purpose]*prf.Set
	signers []Signer
	pageKey []byte
}

type sealer struct {
	tink.AEAD
	primary string          // version of the key that seals
	known   map[string]bool // versions that can be opened
}

// NewRing makes a fresh ring for a tenant and gives it wrapped, ready to store.
// It calls the KMS once.
func NewRing(ctx context.Context, kms KMS, tenant id.Tenant) (wrapped []byte, err error) {
	ringKey := make([]byte, 32)
	rand.Read(ringKey)
	o := &opened{at: envelope{Version: envelopeVersion, KMS: kms.Name()}, sets: map[Purpose]*keyset.Handle{}}
	if o.box, err = subtle.NewAESGCM(ringKey); err != nil {
		return nil, fmt.Errorf("ring key: %w", err)
	}
	if o.at.Key, err = kms.Wrap(ctx, ringKey, ringPlace(tenant)); err != nil {
		return nil, fmt.Errorf("wrap ring key: %w", err)
	}
	for _, p := range Purposes() {
		if o.sets[p], err = keyset.NewHandle(p.template()); err != nil {
			return nil, fmt.Errorf("make keyset %s: %w", p, err)
		}
	}
	if o.book, err = firstBook(o.sets, id.Instant(tenant)); err != nil {
		return nil, err
	}
	return o.wrap(tenant)
}

// wrap writes the keysets and the book under the ring key that is there.
func (o *opened) wrap(tenant id.Tenant) ([]byte, error) {
	e := envelope{Version: envelopeVersion, KMS: o.at.KMS, Key: o.at.Key, Keysets: map[Purpose][]byte{}}
	for _, p := range Purposes() {
		var b bytes.Buffer
		err := o.sets[p].WriteWithAssociatedData(keyset.NewBinaryWriter(&b), o.box, keysetPlace(tenant, p, e.Version))
		if err != nil {
			return nil, fmt.Errorf("wrap keyset %s: %w", p, err)
		}
		e.Keysets[p] = b.Bytes()
	}
	plain, err := json.Marshal(o.book)
	if err != nil {
		return nil, fmt.Errorf("write the book of the ring: %w", err)
	}
	if e.Book, err = o.box.Encrypt(plain, bookPlace(tenant)); err != nil {
		return nil, fmt.Errorf("wrap the book of the ring: %w", err)
	}
	return json.Marshal(e)
}

func pagePlace() []byte { return place("sqlite page key") }

func ringPlace(t id.Tenant) []byte { return place("lendkeep ring", string(t)) }

func bookPlace(t id.Tenant) []byte { return place("lendkeep ring book", string(t)) }

// keysetPlace differs between the forms, so that a keyset cannot lose its book.
func keysetPlace(t id.Tenant, p Purpose, form int) []byte {
	if form == bookless {
		return place("lendkeep keyset", string(t), string(p))
	}
	return place("lendkeep keyset with a book", string(t), string(p))
}

// OpenRing unwraps what NewRing made. It calls the KMS once; a ring of another
// tenant is ErrRefused.
func OpenRing(ctx context.Context, kms KMS, tenant id.Tenant, wrapped []byte) (*Ring, error) {
	r := &Ring{tenant: tenant, kms: kms}
	o, err := r.open(ctx, wrapped)
	if err != nil {
		return nil, err
	}
	r.now.Store(o)
	return r, nil
}

// open unwraps a stored ring; the KMS is asked once.
func (r *Ring) open(ctx context.Context, wrapped []byte) (*opened, error) {
	o := &opened{stored: wrapped, sets: map[Purpose]*keyset.Handle{}}
	if err := json.Unmarshal(wrapped, &o.at); err != nil || o.at.Version != bookless && o.at.Version != envelopeVersion {
		return nil, errors.New("the stored ring is not of a known form")
	}
	ringKey, err := r.kms.Unwrap(ctx, o.at.Key, ringPlace(r.tenant))
	if err != nil && o.at.KMS != r.kms.Name() {
		return nil, fmt.Errorf("the ring is wrapped by %s, and this is %s: %w", o.at.KMS, r.kms.Name(), err)
	}
	if err != nil {
		return nil, fmt.Errorf("unwrap ring key with %s: %w", r.kms.Name(), err)
	}
	if o.box, err = subtle.NewAESGCM(ringKey); err != nil {
		return nil, fmt.Errorf("ring key: %w", err)
	}
	for _, p := range Purposes() {
		o.sets[p], err = keyset.ReadWithAssociatedData(keyset.NewBinaryReader(bytes.NewReader(o.at.Keysets[p])), o.box, keysetPlace(r.tenant, p, o.at.Version))
		if err != nil {
			return nil, fmt.Errorf("unwrap keyset %s: %w", p, ErrRefused)
		}
	}
	if o.book, err = o.readBook(r.tenant); err != nil {
		return nil, err
	}
	return o, o.build()
}

// build makes the primitives of every purpose.
func (o *opened) build() error {
	o.aeads, o.prfs = map[Purpose]sealer{}, map[Purpose]*prf.Set{}
	for _, p := range Purposes() {
		if err := o.use(p, o.sets[p]); err != nil {
			return fmt.Errorf("keyset %s: %w", p, err)
		}
	}
	o.pageKey = o.derive(Page, pagePlace(), 32)
	return nil
}

// use builds the primitive of one purpose.
func (o *opened) use(p Purpose, h *keyset.Handle) (err error) {
	switch p {
	case BlindIndex, Page, Digest:
		o.prfs[p], err = prf.NewPRFSet(h)
		if err == nil {
			_, err = o.prfs[p].ComputePrimaryPRF(nil, 32)
		}
	case Sign:
		o.signers, err = signers(h, o.book[Sign])
	default:
		s := sealer{known: map[string]bool{}}
		s.AEAD, err = aead.New(h)
		info := h.KeysetInfo()
		s.primary = versionOf(info.GetPrimaryKeyId())
		for _, k := range info.GetKeyInfo() {
			s.known[versionOf(k.GetKeyId())] = true
		}
		o.aeads[p] = s
	}
	return err
}

// Tenant says whose ring it is.
func (r *Ring) Tenant() id.Tenant { return r.tenant }

// Stored is the ring as it lies on its shelf, wrapped: as it was looked at last.
func (r *Ring) Stored() []byte { return bytes.Clone(r.now.Load().stored) }

// KMS names the key that wraps the ring.
func (r *Ring) KMS() string { return r.now.Load().at.KMS }

// String names the ring and nothing of its keys.
func (r *Ring) String() string { return "ring of " + string(r.tenant) }

// GoString is String.
func (r *Ring) GoString() string { return r.String() }
