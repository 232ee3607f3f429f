// Package id gives every noun of the trade an identifier type of its own, so
// that a borrower's id cannot stand for a loan's.
//
// An id is a short prefix that names the noun, an underscore, and 26 base32
// characters (Crockford's alphabet, lower case): 48 bits of the instant it was
// made in milliseconds, then 80 random bits. Ids sort by creation, compare
// bytewise on both engines, and tell nothing but their age. They are no secrets.
package id

import (
	"crypto/rand"
	"encoding/base32"
	"errors"
	"strings"
)

// One type a noun.
type (
	Tenant        string
	User          string
	Role          string
	Session       string
	APIKey        string
	Borrower      string
	Loan          string
	Entry         string // a ledger entry
	Note          string
	Portfolio     string
	SourceCompany string
	CustomField   string
	Application   string
	Check         string // a network check
	Verdict       string // a decision of the decision engine
	RuleSet       string
	Restriction   string // a search restriction
	IPRule        string
	Grant         string
	SiteKey       string
	Decision      string // a decision of the gate
	Audit         string // an audit entry
	Job           string
	Team          string
	Factor        string // a second factor of a person
	Exception     string // a recorded exception from second factors
	Proposal      string // of an operation that needs four eyes
	AccessRequest string
	Witness       string // of the audit trail
	Rotation      string // of the key of one purpose
	Document      string // a stored file
	Backup        string
	Hold          string // a legal hold
	Erasure       string // of a person
	DataExport    string // of what is held about a person
	Recovery      string // of a tenant that has no administrator
)

// Noun is any id type of this package.
type Noun interface {
	~string
	prefix() string
}

func (Tenant) prefix() string        { return "tn" }
func (User) prefix() string          { return "us" }
func (Role) prefix() string          { return "ro" }
func (Session) prefix() string       { return "se" }
func (APIKey) prefix() string        { return "ak" }
func (Borrower) prefix() string      { return "bo" }
func (Loan) prefix() string          { return "ln" }
func (Entry) prefix() string         { return "le" }
func (Note) prefix() string          { return "no" }
func (Portfolio) prefix() string     { return "pf" }
func (SourceCompany) prefix() string { return "sc" }
func (CustomField) prefix() string   { return "cf" }
func (Application) prefix() string   { return "ap" }
func (Check) prefix() string         { return "ck" }
func (Verdict) prefix() string       { return "vd" }
func (RuleSet) prefix() string       { return "rs" }
func (Restriction) prefix() string   { return "sr" }
func (IPRule) prefix() string        { return "ip" }
func (Grant) prefix() string         { return "gr" }
func (SiteKey) prefix() string       { return "sk" }
func (Decision) prefix() string      { return "dc" }
func (Audit) prefix() string         { return "au" }
func (Job) prefix() string           { return "jb" }
func (Team) prefix() string          { return "tm" }
func (Factor) prefix() string        { return "fa" }
func (Exception) prefix() string     { return "fx" }
func (Witness) prefix() string       { return "wi" }
func (Proposal) prefix() string      { return "pp" }
func (AccessRequest) prefix() string { return "rq" }
func (Rotation) prefix() string      { return "kr" }
func (Document) prefix() string      { return "do" }
func (Backup) prefix() string        { return "bk" }
func (Hold) prefix() string          { return "lh" }
func (Erasure) prefix() string       { return "er" }
func (DataExport) prefix() string    { return "dx" }
func (Recovery) prefix() string      { return "rv" }

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

var encoding = base32.NewEncoding(alphabet).WithPadding(base32.NoPadding)

// ErrID is what Parse gives for text that is no id of the noun.
var ErrID = errors.New("not an id of this kind")

// New makes an id at an instant (unix microseconds).
func New[N Noun](micros int64) N {
	var b [16]byte
	ms := uint64(micros / 1000)
	for i := range 6 {
		b[i] = byte(ms >> (40 - 8*i))
	}
	rand.Read(b[6:]) // never fails: crypto/rand aborts the program instead
	var zero N
	return N(zero.prefix() + "_" + encoding.EncodeToString(b[:]))
}

// Parse accepts only text that New could have made for the noun.
func Parse[N Noun](s string) (N, error) {
	var zero N
	rest, ok := strings.CutPrefix(s, zero.prefix()+"_")
	if !ok || len(rest) != 26 {
		return zero, ErrID
	}
	b, err := encoding.DecodeString(rest)
	if err != nil || encoding.EncodeToString(b) != rest {
		return zero, ErrID
	}
	return N(s), nil
}

// Instant gives when an id was made, in unix microseconds, to the millisecond; 0
// for text that is no id of the noun.
func Instant[N Noun](n N) int64 {
	if _, err := Parse[N](string(n)); err != nil {
		return 0
	}
	return MadeAt(string(n))
}

// MadeAt is Instant for the id of whatever noun; 0 for text that is none.
func MadeAt(text string) int64 {
	noun, rest, _ := strings.Cut(text, "_")
	b, err := encoding.DecodeString(rest)
	if err != nil || len(noun) != 2 || len(b) != 16 {
		return 0
	}
	ms := int64(0)
	for _, part := range b[:6] {
		ms = ms<<8 | int64(part)
	}
	return ms * 1000
}
