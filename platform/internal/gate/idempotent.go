package gate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate/kept"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

func newDecision(at int64) id.Decision        { return id.New[id.Decision](at) }
func bump(ctx context.Context, c *Call) error { return policy.Bump(ctx, c.Tx) }

func decodeAs[Out any](stored []byte) (any, error) {
	out := new(Out)
	return out, json.Unmarshal(stored, out)
}

const proposalNoun = "proposal/"

// key gives the Idempotency-Key of a call whose operation honours one, or nil.
func (c *Call) key(w *work) (*kept.Key, error) {
	if !w.meta.Idempotent {
		return nil, nil
	}
	return kept.Of(c.Tenant.Ring, c.Who.String(), w.meta.Name, c.Request.IdempotencyKey, c.Request.object, w.in)
}

// repeated gives the answer of an earlier call with the same key by the same
// principal, and writes the entry: a *proposed if that call waits, or has waited,
// for a second person. What the caller does not see any more is missing.
func (g *Gate) repeated(ctx context.Context, c *Call, w *work) (stored any, found bool, err error) {
	k, err := c.key(w)
	if k == nil || err != nil {
		return nil, false, err
	}
	a, err := k.Find(ctx, c.Tx)
	if a == nil || err != nil {
		return nil, false, err
	}
	for _, object := range []string{c.Request.object, a.Object} {
		if c.subject != nil && !c.subject.Restricted() {
			break // nothing is hidden from them
		}
		seen, err := c.Sees(ctx, c.Scope, object)
		if err == nil && !seen {
			err = fault.Missing(nounOf(object))
		}
		if err != nil {
			return nil, false, err
		}
	}
	c.Detail("repeated", "true")
	if p, waits := strings.CutPrefix(a.Object, proposalNoun); waits {
		stored = awaits(c, id.Proposal(p))
	} else if stored, err = w.decode(a.Body); err != nil {
		return nil, false, fmt.Errorf("reading back a kept answer: %w", err)
	} else {
		c.entry.Outcome = operation.Allowed
	}
	return stored, true, c.Tenant.Trail.Record(ctx, c.Tx, c.entry)
}

// keep stores what a call is answered in its own transaction, with what it has
// made if the caller sees it: a hosted form does not, and may ask again.
func (g *Gate) keep(ctx context.Context, c *Call, w *work, object string, out any) error {
	k, err := c.key(w)
	if k == nil || err != nil {
		return err
	}
	seen, err := c.Sees(ctx, c.Scope, object)
	if err != nil {
		return err
	}
	if !seen || object == c.Request.object {
		object = ""
	}
	body, err := json.Marshal(out)
	if err != nil {
		return err
	}
	return k.Keep(ctx, c.Tx, kept.Answer{Object: object, Body: body})
}
