// Package entry is the form in which an entry of the audit trail is stored, hashed
// and proven: its body, its leaf in the tree, and the commitments to its sealed
// values.
//
// A body is a version byte and one JSON object, its keys in the order of Body, empty
// ones left out, maps sorted by key. It is written once and hashed as it lies; no
// later version rewrites it. The server and the auditor's program share this package,
// so that both mean the same by "as it was written".
package entry

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/proof"
)

// Versions of stored bodies. The first binds an entry to its tenant and sequence; the
// second also to its place in its object's chain and to all that stands there before.
const (
	Unlinked = 1
	Linked   = 2
)

// Body is an entry as it is stored and proven.
type Body struct {
	ID            id.Audit          `json:"id"`
	At            int64             `json:"at"` // unix microseconds
	Actor         string            `json:"actor"`
	ActorName     string            `json:"actor_name,omitempty"`
	For           string            `json:"for,omitempty"`
	Channel       string            `json:"channel"`
	Credential    string            `json:"credential,omitempty"`
	Address       string            `json:"address,omitempty"`
	UserAgent     string            `json:"user_agent,omitempty"`
	Operation     string            `json:"operation"`
	Operations    []string          `json:"operations,omitempty"`
	Object        string            `json:"object,omitempty"`
	Outcome       string            `json:"outcome"`
	Layer         string            `json:"layer,omitempty"`
	Reason        string            `json:"reason,omitempty"`
	Rule          string            `json:"rule,omitempty"`
	DecisionID    id.Decision       `json:"decision_id,omitempty"`
	PolicyVersion int64             `json:"policy_version,omitempty"`
	Grant         string            `json:"grant,omitempty"`
	Given         string            `json:"given,omitempty"`
	Changes       []Change          `json:"changes,omitempty"`
	Detail        map[string]string `json:"detail,omitempty"`
	SealedDetail  map[string]Commit `json:"sealed_detail,omitempty"`
	Count         int64             `json:"count,omitempty"` // 0 = 1
}

// Change holds either the values of one field or the commitments to them.
type Change struct {
	Field        string `json:"field"`
	Before       string `json:"before,omitempty"`
	After        string `json:"after,omitempty"`
	Sealed       bool   `json:"sealed,omitempty"`
	Person       string `json:"person,omitempty"`
	BeforeCommit Commit `json:"before_commitment,omitempty"`
	AfterCommit  Commit `json:"after_commitment,omitempty"`
}

// Commit is a salted SHA-256; see Commitment.
type Commit []byte

// Encode gives the stored form of a new body.
func (b *Body) Encode() ([]byte, error) { return b.encode(Linked) }

func (b *Body) encode(version byte) ([]byte, error) {
	j, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode audit entry: %w", err)
	}
	return append([]byte{version}, j...), nil
}

// Decode reads a stored body. The error never quotes it.
func Decode(stored []byte) (*Body, error) {
	if len(stored) < 2 || stored[0] < Unlinked || stored[0] > Linked {
		return nil, errors.New("the body is not of a known version")
	}
	var b Body
	if err := json.Unmarshal(stored[1:], &b); err != nil {
		return nil, errors.New("the body cannot be read") // the cause may quote it
	}
	return &b, nil
}

// WithCount gives a stored body the final count of its burst; a body with that count
// stays as it lies.
func WithCount(stored []byte, count int64) ([]byte, error) {
	b, err := Decode(stored)
	if err != nil {
		return nil, err
	}
	if max(b.Count, 1) == count {
		return stored, nil
	}
	b.Count = count
	return b.encode(stored[0])
}

// Place is where an entry stands.
type Place struct {
	Sequence       int64      // in the tenant's trail, from 1
	ObjectSequence int64      // in its object's chain, from 1; 0 without an object
	Before         proof.Hash // the link of that chain before it; zeros at its beginning
}

// Leaf is the leaf of an entry in the tenant's tree: over the body's version byte, the
// tenant behind its length, the place, the rest of the body.
func Leaf(tenant string, at Place, stored []byte) proof.Hash {
	b := make([]byte, 0, len(stored)+len(tenant)+52)
	version, rest := byte(0), stored // an altered row may hold no body
	if len(stored) > 0 {
		version, rest = stored[0], stored[1:]
	}
	b = append(b, version)
	b = binary.BigEndian.AppendUint16(b, uint16(len(tenant)))
	b = append(b, tenant...)
	b = binary.BigEndian.AppendUint64(b, uint64(at.Sequence))
	if version != Unlinked {
		b = binary.BigEndian.AppendUint64(b, uint64(at.ObjectSequence))
		b = append(b, at.Before[:]...)
	}
	return proof.LeafHash(append(b, rest...))
}

// Commitment is SHA-256 over a domain, the entry, the label, the salt and the value,
// each but the last behind its length. Without the salt nobody can try values.
func Commitment(of id.Audit, label string, salt []byte, value string) Commit {
	b := []byte("lendkeep audit commitment 1")
	for _, part := range []string{string(of), label, string(salt)} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	sum := sha256.Sum256(append(b, value...))
	return sum[:]
}

// ChangeLabel names one side, "before" or "after", of one change; DetailLabel a sealed
// detail.
func ChangeLabel(i int, side string) string { return "change/" + strconv.Itoa(i) + "/" + side }

// DetailLabel names a sealed detail by its key.
func DetailLabel(key string) string { return "detail/" + key }

// Commitments lists the commitments of a body by person ("" = nobody's) and label.
func (b *Body) Commitments() map[string]map[string]Commit {
	out := map[string]map[string]Commit{}
	add := func(person, label string, c Commit) {
		if out[person] == nil {
			out[person] = map[string]Commit{}
		}
		out[person][label] = c
	}
	for i, c := range b.Changes {
		if c.Sealed {
			add(c.Person, ChangeLabel(i, "before"), c.BeforeCommit)
			add(c.Person, ChangeLabel(i, "after"), c.AfterCommit)
		}
	}
	for k, c := range b.SealedDetail {
		add("", DetailLabel(k), c)
	}
	return out
}
