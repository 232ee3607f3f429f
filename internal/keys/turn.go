package keys

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tink-crypto/tink-go/v2/keyset"
)

// Shelf is where the wrapped ring of one tenant lies, for all nodes.
type Shelf struct {
	// Load gives the ring as it is stored now.
	Load func(ctx context.Context) ([]byte, error)
	// Swap stores a new ring if the old one is still there, and says whether it
	// was; nil is durable.
	Swap func(ctx context.Context, old, new []byte) (bool, error)
	Now  func() int64 // unix microseconds
}

// How a node keeps up with a ring that another one turns.
const (
	// RefreshEvery is how often a node looks at the stored ring.
	RefreshEvery = 5 * time.Second
	// Lease is how long a node may seal without having looked: then it looks
	// first, and seals nothing if it cannot. Whoever turns a ring waits longer.
	Lease = 30 * time.Second

	learnEvery  = time.Second     // how often a ciphertext of an unknown version may cause a look
	lookTimeout = 5 * time.Second // bounds a look that somebody waits for
)

// Errors of a turn.
var (
	// ErrStale: the stored ring could not be looked at for longer than the lease,
	// so nothing is sealed: the key may be an old one that is about to go.
	ErrStale = errors.New("the tenant's key ring could not be confirmed, so nothing is sealed")
	// ErrNoTurn: the version is not in the state that the step needs.
	ErrNoTurn = errors.New("this version of the key cannot take this step")
)

// Follow has the ring follow what is stored: Refresh then takes over what other
// nodes store there. It must be called before the ring is shared.
func (r *Ring) Follow(s Shelf) {
	r.shelf = &s
	r.confirmed.Store(s.Now())
}

// Refresh looks at the stored ring and takes it over if it is another. The KMS
// is asked only then, once.
func (r *Ring) Refresh(ctx context.Context) error {
	if r.shelf == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refresh(ctx)
}

func (r *Ring) refresh(ctx context.Context) error {
	at := r.shelf.Now() // before the look: what is stored meanwhile is for the next one
	stored, err := r.shelf.Load(ctx)
	if err != nil {
		return fmt.Errorf("look at the stored ring: %w", err)
	}
	if !bytes.Equal(stored, r.now.Load().stored) {
		o, err := r.open(ctx, stored)
		if err != nil {
			return err
		}
		r.now.Store(o)
	}
	r.confirmed.Store(at)
	return nil
}

// sealing gives the ring for sealing: looked at within the lease.
func (r *Ring) sealing() (*opened, error) {
	if r.shelf != nil && r.shelf.Now()-r.confirmed.Load() > Lease.Microseconds() {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		if err := r.Refresh(ctx); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrStale, err)
		}
	}
	return r.now.Load(), nil
}

// learn looks at the stored ring because a ciphertext names a version that this
// node does not know; now and then only, since anybody can make up a version.
func (r *Ring) learn() *opened {
	if r.shelf == nil {
		return r.now.Load()
	}
	now, last := r.shelf.Now(), r.asked.Load()
	if now-last >= learnEvery.Microseconds() && r.asked.CompareAndSwap(last, now) {
		ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
		defer cancel()
		_ = r.Refresh(ctx) // what cannot be learnt stays refused
	}
	return r.now.Load()
}

// Stage makes the next version of a purpose, which stands by: every node that
// has looked can read it, none uses it. One that stands by already is given
// again, so that a turn may be begun twice.
func (r *Ring) Stage(ctx context.Context, p Purpose) (Version, error) {
	return r.turn(ctx, p, func(o *opened, at int64) (*keyset.Handle, *Version, error) {
		if v := o.book.find(p, StandingBy); v != nil {
			return nil, v, nil
		}
		m := keyset.NewManagerFromHandle(o.sets[p])
		key, err := m.Add(p.template())
		if err != nil {
			return nil, nil, err
		}
		h, err := m.Handle()
		if err != nil {
			return nil, nil, err
		}
		v := Version{Number: o.book[p][len(o.book[p])-1].Number + 1, Key: key, Made: at}
		if v.Public, err = publicOf(p, h, key); err != nil {
			return nil, nil, err
		}
		o.book[p] = append(o.book[p], v)
		return h, &v, nil
	})
}

// Promote puts a version that stands by to use; the one before it only reads.
func (r *Ring) Promote(ctx context.Context, p Purpose, number int) (Version, error) {
	return r.turn(ctx, p, func(o *opened, at int64) (*keyset.Handle, *Version, error) {
		v, before := o.book.numbered(p, number), o.book.find(p, InUse)
		switch {
		case v == nil || v.State() != StandingBy && v.State() != InUse:
			return nil, nil, ErrNoTurn
		case v.State() == InUse:
			return nil, v, nil
		}
		h, err := only(o.sets[p], v.Key)
		v.Since, before.Until = at, at
		return h, v, err
	})
}

// Drop destroys the key of a version that only reads. What is still sealed under
// it is gone for good: the caller has proved that nothing is.
func (r *Ring) Drop(ctx context.Context, p Purpose, number int) (Version, error) {
	return r.turn(ctx, p, func(o *opened, at int64) (*keyset.Handle, *Version, error) {
		v := o.book.numbered(p, number)
		switch {
		case v == nil || v.State() != Reading && v.State() != Dropped:
			return nil, nil, ErrNoTurn
		case v.State() == Dropped:
			return nil, v, nil
		}
		m := keyset.NewManagerFromHandle(o.sets[p])
		if err := m.Delete(v.Key); err != nil {
			return nil, nil, err
		}
		h, err := m.Handle()
		v.Dropped = at
		return h, v, err
	})
}

// turn takes one step on the newest stored ring and stores it by compare and
// swap. step changes the book that it is given; no keyset means that the step
// was taken before.
func (r *Ring) turn(ctx context.Context, p Purpose, step func(o *opened, at int64) (*keyset.Handle, *Version, error)) (Version, error) {
	if r.shelf == nil || !p.Turns() {
		return Version{}, fmt.Errorf("turn %s: %w", p, ErrNoTurn)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for { // somebody else's step came between: look again, until ctx ends
		if err := r.refresh(ctx); err != nil {
			return Version{}, err
		}
		old := r.now.Load()
		next := &opened{at: old.at, box: old.box, sets: map[Purpose]*keyset.Handle{}, book: old.book.clone()}
		for q, h := range old.sets {
			next.sets[q] = h
		}
		h, v, err := step(next, r.shelf.Now())
		if err != nil {
			return Version{}, fmt.Errorf("turn %s: %w", p, err)
		}
		if h == nil {
			return *v, nil
		}
		next.sets[p] = h
		if swapped, err := r.store(ctx, old, next); err != nil || swapped {
			return *v, err
		}
	}
}

// store writes the next ring over the old one, if that is still there.
func (r *Ring) store(ctx context.Context, old, next *opened) (bool, error) {
	if err := next.build(); err != nil { // what could not be used is not stored
		return false, err
	}
	var err error
	if next.stored, err = next.wrap(r.tenant); err != nil {
		return false, err
	}
	next.at.Version = envelopeVersion
	swapped, err := r.shelf.Swap(ctx, old.stored, next.stored)
	if err != nil {
		return false, fmt.Errorf("store the ring: %w", err)
	}
	if swapped {
		r.now.Store(next)
	}
	return swapped, nil
}
