package audit

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/audit/clean"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// commit is a salted SHA-256 of a sealed value.
type commit = entry.Commit

// newBody cleans an entry into its body; sealed values go to s instead.
func newBody(e *Entry, s *sealing) *entry.Body {
	b := &entry.Body{
		ID: e.ID, At: e.At,
		Actor: clean.Text(e.Actor, clean.Name), ActorName: clean.Text(e.ActorName, clean.Name), For: clean.Text(e.For, clean.Name),
		Channel: e.Channel.String(), Credential: clean.Text(e.Credential, clean.Name),
		UserAgent: clean.Said(e.UserAgent, clean.Agent),
		Operation: clean.Text(e.Operation, clean.Name), Object: clean.Said(e.Object, clean.Name),
		Outcome: e.Outcome.String(), Layer: clean.Text(e.Layer, clean.Name), Reason: clean.Text(e.Reason, clean.Name), Rule: clean.Text(e.Rule, clean.Value),
		DecisionID: id.Decision(clean.Text(string(e.DecisionID), clean.Name)), PolicyVersion: e.PolicyVersion,
		Grant: clean.Text(e.Grant, clean.Name), Given: clean.Said(e.Given, clean.Value),
		Detail: clean.Open(e.Detail), Count: e.Count,
	}
	for i, o := range e.Operations {
		if i == clean.List {
			note(b, "operations_left_out", len(e.Operations)-clean.List)
			break
		}
		b.Operations = append(b.Operations, clean.Text(o, clean.Name))
	}
	for i, c := range e.Changes {
		if i == clean.List {
			note(b, "changes_left_out", len(e.Changes)-clean.List)
			break
		}
		b.Changes = append(b.Changes, newChange(i, c, s))
	}
	sealDetail(b, e, s)
	return b
}

func note(b *entry.Body, what string, n int) {
	if b.Detail == nil {
		b.Detail = map[string]string{}
	}
	b.Detail[what] = strconv.Itoa(n)
}

func newChange(i int, c Change, s *sealing) entry.Change {
	out := entry.Change{Field: clean.Text(c.Field, clean.Name), Sealed: c.Sealed}
	before, after := clean.Text(c.Before, clean.Value), clean.Text(c.After, clean.Value)
	if !c.Sealed {
		out.Before, out.After = before, after
		return out
	}
	out.Person = clean.Text(c.Person, clean.Name)
	out.BeforeCommit = s.add(out.Person, entry.ChangeLabel(i, "before"), before)
	out.AfterCommit = s.add(out.Person, entry.ChangeLabel(i, "after"), after)
	return out
}

// addressKey is the key of SealedDetail under which a borrower's address lies.
const addressKey = "address"

// sealDetail seals the sealed details and, for borrowers' pages, the address.
func sealDetail(b *entry.Body, e *Entry, s *sealing) {
	hidden := clean.Map(e.SealedDetail)
	if e.Address.IsValid() && e.Channel == operation.Portal {
		if hidden == nil {
			hidden = map[string]string{}
		}
		hidden[addressKey] = e.Address.String()
	} else if e.Address.IsValid() {
		b.Address = clean.Text(e.Address.String(), clean.Name) // a zone is text from outside
	}
	for _, k := range sortedKeys(hidden) {
		if b.SealedDetail == nil {
			b.SealedDetail = map[string]commit{}
		}
		b.SealedDetail[k] = s.add("", entry.DetailLabel(k), hidden[k])
	}
}

// Sealed is what stands where a sealed value was not read.
const Sealed = "[sealed]"

// Erased is what stands where a value was sealed under a destroyed key.
const Erased = "[erased]"

// shown gives a body as readers see it, sealed values unread.
func shown(b *entry.Body) Entry {
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
