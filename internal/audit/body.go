package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
)

// bodyVersion leads every stored body. A body is this byte and one JSON object
// with its keys in the order below, empty ones left out, maps sorted by key.
// It is written once and hashed as it lies; no later version rewrites it.
const bodyVersion = 1

// body is an entry as it is stored and proven.
type body struct {
	ID            id.Audit          `json:"id"`
	At            int64             `json:"at"`
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
	Changes       []bodyChange      `json:"changes,omitempty"`
	Detail        map[string]string `json:"detail,omitempty"`
	SealedDetail  map[string]commit `json:"sealed_detail,omitempty"`
	Count         int64             `json:"count,omitempty"` // 0 = 1
}

// bodyChange holds either the values or the commitments to them.
type bodyChange struct {
	Field        string `json:"field"`
	Before       string `json:"before,omitempty"`
	After        string `json:"after,omitempty"`
	Sealed       bool   `json:"sealed,omitempty"`
	Person       string `json:"person,omitempty"`
	BeforeCommit commit `json:"before_commitment,omitempty"`
	AfterCommit  commit `json:"after_commitment,omitempty"`
}

// commit is a salted SHA-256; see commitment.
type commit []byte

func (b *body) encode() ([]byte, error) {
	j, err := json.Marshal(b)
	if err != nil {
		return nil, fmt.Errorf("encode audit entry: %w", err)
	}
	return append([]byte{bodyVersion}, j...), nil
}

func decode(stored []byte) (*body, error) {
	if len(stored) < 2 || stored[0] != bodyVersion {
		return nil, errors.New("the body is not of a known version")
	}
	var b body
	if err := json.Unmarshal(stored[1:], &b); err != nil {
		return nil, errors.New("the body cannot be read") // the cause may quote it
	}
	return &b, nil
}

// withCount gives a body the final count of its burst; a body with that count
// stays as it lies.
func withCount(stored []byte, count int64) ([]byte, error) {
	b, err := decode(stored)
	if err != nil {
		return nil, err
	}
	if max(b.Count, 1) == count {
		return stored, nil
	}
	b.Count = count
	return b.encode()
}

// newBody cleans an entry into its body; sealed values go to s instead.
func newBody(e *Entry, s *sealing) *body {
	b := &body{
		ID: e.ID, At: e.At,
		Actor: clean(e.Actor, nameLimit), ActorName: clean(e.ActorName, nameLimit), For: clean(e.For, nameLimit),
		Channel: e.Channel.String(), Credential: clean(e.Credential, nameLimit),
		UserAgent: clean(e.UserAgent, agentLimit),
		Operation: clean(e.Operation, nameLimit), Object: clean(e.Object, nameLimit),
		Outcome: e.Outcome.String(), Layer: clean(e.Layer, nameLimit), Reason: clean(e.Reason, nameLimit), Rule: clean(e.Rule, textLimit),
		DecisionID: id.Decision(clean(string(e.DecisionID), nameLimit)), PolicyVersion: e.PolicyVersion,
		Grant: clean(e.Grant, nameLimit), Given: clean(e.Given, textLimit),
		Detail: cleanMap(e.Detail), Count: e.Count,
	}
	for i, o := range e.Operations {
		if i == listLimit {
			b.note("operations_left_out", len(e.Operations)-listLimit)
			break
		}
		b.Operations = append(b.Operations, clean(o, nameLimit))
	}
	for i, c := range e.Changes {
		if i == listLimit {
			b.note("changes_left_out", len(e.Changes)-listLimit)
			break
		}
		b.Changes = append(b.Changes, newChange(i, c, s))
	}
	b.sealDetail(e, s)
	return b
}

func (b *body) note(what string, n int) {
	if b.Detail == nil {
		b.Detail = map[string]string{}
	}
	b.Detail[what] = strconv.Itoa(n)
}

func newChange(i int, c Change, s *sealing) bodyChange {
	out := bodyChange{Field: clean(c.Field, nameLimit), Sealed: c.Sealed}
	before, after := clean(c.Before, textLimit), clean(c.After, textLimit)
	if !c.Sealed {
		out.Before, out.After = before, after
		return out
	}
	out.Person = clean(c.Person, nameLimit)
	out.BeforeCommit = s.add(out.Person, changeLabel(i, "before"), before)
	out.AfterCommit = s.add(out.Person, changeLabel(i, "after"), after)
	return out
}

// addressKey is the key of SealedDetail under which a borrower's address lies.
const addressKey = "address"

// sealDetail seals the sealed details and, for borrowers' pages, the address.
func (b *body) sealDetail(e *Entry, s *sealing) {
	hidden := cleanMap(e.SealedDetail)
	if e.Address.IsValid() && e.Channel == operation.Portal {
		if hidden == nil {
			hidden = map[string]string{}
		}
		hidden[addressKey] = e.Address.String()
	} else if e.Address.IsValid() {
		b.Address = clean(e.Address.String(), nameLimit) // a zone is text from outside
	}
	for _, k := range sortedKeys(hidden) {
		if b.SealedDetail == nil {
			b.SealedDetail = map[string]commit{}
		}
		b.SealedDetail[k] = s.add("", detailLabel(k), hidden[k])
	}
}

func changeLabel(i int, side string) string { return "change/" + strconv.Itoa(i) + "/" + side }
func detailLabel(key string) string         { return "detail/" + key }

// Sealed is what stands where a sealed value was not read.
const Sealed = "[sealed]"

// Erased is what stands where a value was sealed under a destroyed key.
const Erased = "[erased]"

// entry gives the body as readers see it, sealed values unread.
func (b *body) entry() Entry {
	e := Entry{
		ID: b.ID, At: b.At, Actor: b.Actor, ActorName: b.ActorName, For: b.For,
		Channel: operation.ParseChannel(b.Channel), Credential: b.Credential, UserAgent: b.UserAgent,
		Operation: b.Operation, Operations: b.Operations, Object: b.Object,
		Outcome: operation.ParseOutcome(b.Outcome), Layer: b.Layer, Reason: b.Reason, Rule: b.Rule,
		DecisionID: b.DecisionID, PolicyVersion: b.PolicyVersion, Grant: b.Grant, Given: b.Given,
		Detail: b.Detail, Count: max(b.Count, 1),
	}
	e.Address, _ = netip.ParseAddr(b.Address)
	for _, c := range b.Changes {
		out := Change{Field: c.Field, Before: c.Before, After: c.After, Sealed: c.Sealed, Person: c.Person}
		if c.Sealed {
			out.Before, out.After = Sealed, Sealed
		}
		e.Changes = append(e.Changes, out)
	}
	for k := range b.SealedDetail {
		if e.SealedDetail == nil {
			e.SealedDetail = map[string]string{}
		}
		e.SealedDetail[k] = Sealed
	}
	return e
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
