package audit

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/audit/part"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/proof/entry"
)

// The sealed part of an entry lies beside its body, in a column that is not
// hashed: the body holds salted commitments to the values instead. So a value
// can be sealed again under a new key, or made unreadable by destroying a
// person's key, and every proof still holds.

// sealing gathers the values of one entry that must not lie in the clear.
type sealing struct {
	entry   id.Audit
	persons []string // in order of first use
	values  map[string][]part.Value
}

const saltBytes = 16

// add notes a value and gives the commitment to it.
func (s *sealing) add(person, label, value string) commit {
	if s.values == nil {
		s.values = map[string][]part.Value{}
	}
	if _, known := s.values[person]; !known {
		s.persons = append(s.persons, person)
	}
	v := part.Value{Label: label, Salt: make([]byte, saltBytes), Value: value}
	rand.Read(v.Salt)
	s.values[person] = append(s.values[person], v)
	return entry.Commitment(s.entry, v.Label, v.Salt, v.Value)
}

// close encrypts what was gathered; no values give no bytes.
func (s *sealing) close(ctx context.Context, ring *keys.Ring, store *keys.Store) ([]byte, error) {
	if len(s.persons) == 0 {
		return []byte{}, nil
	}
	var groups []part.Group
	for _, p := range s.persons {
		plain, err := json.Marshal(s.values[p])
		if err != nil {
			return nil, fmt.Errorf("seal audit entry: %w", err)
		}
		g := part.Group{Person: p}
		if p == "" {
			g.Cipher, err = ring.SealAudit(string(s.entry), part.Name, plain)
		} else {
			g.Cipher, err = sealPerson(ctx, store, p, s.entry, plain)
		}
		if err != nil {
			return nil, fmt.Errorf("seal audit entry: %w", err)
		}
		groups = append(groups, g)
	}
	return json.Marshal(groups)
}

var errNoStore = errors.New("this trail has no key store for persons")

func sealPerson(ctx context.Context, store *keys.Store, person string, entry id.Audit, plain []byte) ([]byte, error) {
	if store == nil {
		return nil, errNoStore
	}
	key, err := store.Open(ctx, person)
	if err != nil {
		return nil, err
	}
	return key.Seal("audit", string(entry), part.Name, plain)
}

// altered is the error of a sealed part that is not as it was written, as
// against a key store that cannot be reached.
type altered string

func (a altered) Error() string { return string(a) }

// opened are the values that could be read, by label; Erased for those whose
// key was destroyed.
type opened map[string]string

// unseal reads the sealed part of an entry and holds it against the body: every
// commitment must have its value. The errors name what is wrong.
func (t *Trail) unseal(ctx context.Context, b *entry.Body, sealed []byte) (opened, error) {
	want := b.Commitments()
	if len(want) == 0 {
		if len(sealed) != 0 {
			return nil, altered("there is a sealed part that the body does not know")
		}
		return nil, nil
	}
	var groups []part.Group
	if err := json.Unmarshal(sealed, &groups); err != nil || len(groups) != len(want) {
		return nil, altered("the sealed part does not fit the body")
	}
	out := opened{}
	for _, g := range groups {
		labels, known := want[g.Person]
		if !known {
			return nil, altered("the sealed part does not fit the body")
		}
		if err := t.unsealGroup(ctx, b.ID, g, labels, out); err != nil {
			return nil, err
		}
		delete(want, g.Person)
	}
	return out, nil
}

func (t *Trail) unsealGroup(ctx context.Context, of id.Audit, g part.Group, labels map[string]commit, out opened) error {
	plain, err := t.open(ctx, of, g)
	if errors.Is(err, keys.ErrDestroyed) {
		for l := range labels {
			out[l] = Erased
		}
		return nil
	}
	if errors.Is(err, keys.ErrRefused) {
		return altered("the sealed part was altered")
	}
	if errors.Is(err, keys.ErrNoKey) {
		return altered("the sealed part cannot be read: the person's key is missing from the key store")
	}
	if err != nil {
		return err
	}
	var values []part.Value
	if err := json.Unmarshal(plain, &values); err != nil || len(values) != len(labels) {
		return altered("the sealed part does not fit the body")
	}
	for _, v := range values {
		if _, known := labels[v.Label]; v.Gone && known {
			out[v.Label] = Erased // sealed by whoever holds the audit key: an erasure
			continue
		}
		if subtle.ConstantTimeCompare(labels[v.Label], entry.Commitment(of, v.Label, v.Salt, v.Value)) != 1 {
			return altered("a sealed value does not match its commitment")
		}
		out[v.Label] = v.Value
	}
	return nil
}

func (t *Trail) open(ctx context.Context, entry id.Audit, g part.Group) ([]byte, error) {
	if g.Person == "" {
		return t.c.Ring.UnsealAudit(string(entry), part.Name, g.Cipher)
	}
	if t.c.Persons == nil {
		return nil, errNoStore
	}
	key, err := t.c.Persons.Open(ctx, g.Person)
	if err != nil {
		return nil, err
	}
	return key.Unseal("audit", string(entry), part.Name, g.Cipher)
}
