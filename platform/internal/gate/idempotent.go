package gate

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

func newDecision(at int64) id.Decision        { return id.New[id.Decision](at) }
func bump(ctx context.Context, c *Call) error { return policy.Bump(ctx, c.Tx) }

func decodeAs[Out any](stored []byte) (any, error) {
	out := new(Out)
	return out, json.Unmarshal(stored, out)
}

// requestHash binds an idempotency key to what was asked for: the object in the
// path and every field of the input. It is keyed: an input may hold a social
// security number, and nine digits are soon guessed by whoever has a bare hash.
func requestHash(c *Call, w *work) ([]byte, error) {
	b, err := json.Marshal(w.in)
	return c.Tenant.Ring.MAC("idempotency", append([]byte(c.Request.object+"\x00"), b...)), err
}

// idempotent looks for the answer of an earlier call with the same key by the
// same principal. fresh means that the operation must run.
func (g *Gate) idempotent(ctx context.Context, c *Call, w *work) (stored any, fresh bool, err error) {
	key := c.Request.IdempotencyKey
	if !w.meta.Idempotent || key == "" {
		return nil, true, nil
	}
	if len(key) > 200 {
		return nil, false, fault.Bad("Idempotency-Key", "Use at most 200 characters.")
	}
	var was, answer []byte
	err = c.Tx.One(ctx, `SELECT request_hash, answer FROM idempotency WHERE principal = ? AND operation = ? AND given_key = ?`,
		[]any{c.Who.String(), w.meta.Name, key}, &was, &answer)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	now, err := requestHash(c, w)
	if err != nil {
		return nil, false, err
	}
	// Whoever comes with a key from before hashes were keyed is believed: theirs is gone.
	if len(was) > 0 && subtle.ConstantTimeCompare(was, now) != 1 {
		return nil, false, fault.New(fault.Conflict, "idempotency_key_reused", "This Idempotency-Key was used for another request; take a new one.")
	}
	stored, err = w.decode(answer)
	if err != nil {
		return nil, false, fmt.Errorf("reading back a kept answer: %w", err)
	}
	c.Detail("repeated", "true")
	c.entry.Outcome = 1
	return stored, false, c.Tenant.Trail.Record(ctx, c.Tx, c.entry)
}

// keep stores the answer of an idempotent call in its own transaction.
func (g *Gate) keep(ctx context.Context, c *Call, w *work, out any) error {
	key := c.Request.IdempotencyKey
	if !w.meta.Idempotent || key == "" {
		return nil
	}
	h, err := requestHash(c, w)
	if err != nil {
		return err
	}
	answer, err := json.Marshal(out)
	if err != nil {
		return err
	}
	_, err = c.Tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES (?, ?, ?, ?, ?, ?)`,
		c.Who.String(), w.meta.Name, key, h, answer, c.At)
	return err
}
