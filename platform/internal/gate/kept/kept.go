// Package kept keeps what a call under an Idempotency-Key was answered, so that
// the same call again has one effect and gets one answer.
//
// A key belongs to one principal and one operation, and stands for one input,
// path included. Whether the answer may be given again is the gate's to say.
package kept

import (
	"bytes"
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
)

// longest bounds a key.
const longest = 200

// Key is an Idempotency-Key as one principal uses it for one call.
type Key struct {
	principal, operation, given string
	hash                        []byte // of what was asked for: keyed, for an input may hold a social security number
}

// Of makes the key of a call; nil where none was given.
func Of(ring *keys.Ring, principal, operation, given, object string, in any) (*Key, error) {
	if given == "" {
		return nil, nil
	}
	if len(given) > longest {
		return nil, fault.Bad("Idempotency-Key", "Use at most 200 characters.")
	}
	b, err := shape.Pack(in)
	if err != nil {
		return nil, err
	}
	return &Key{principal, operation, given, ring.MAC("idempotency", append([]byte(object+"\x00"), b...))}, nil
}

// Answer is what a call was answered.
type Answer struct {
	Object string // what it has made, or the proposal that it became; "" for neither
	Body   []byte // JSON; "null" for a proposal
}

// Find gives the answer of an earlier call; nil where there was none. The key of
// another request is a Conflict; one from before hashes were keyed is believed, for
// its hash is gone.
func (k *Key) Find(ctx context.Context, tx *db.Tx) (*Answer, error) {
	var was, answer []byte
	err := tx.One(ctx, `SELECT request_hash, answer FROM idempotency WHERE principal = ? AND operation = ? AND given_key = ?`,
		[]any{k.principal, k.operation, k.given}, &was, &answer)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case len(was) > 0 && subtle.ConstantTimeCompare(was, k.hash) != 1:
		return nil, fault.New(fault.Conflict, "idempotency_key_reused", "This Idempotency-Key was used for another request; take a new one.")
	}
	object, body, named := bytes.Cut(answer, []byte{'\n'}) // JSON holds no bare end of line
	if !named {
		return &Answer{Body: answer}, nil
	}
	return &Answer{Object: string(object), Body: body}, nil
}

// Keep stores the answer of a call in the call's own transaction.
func (k *Key) Keep(ctx context.Context, tx *db.Tx, a Answer) error {
	answer := a.Body
	if a.Object != "" {
		answer = append([]byte(a.Object+"\n"), a.Body...)
	}
	_, err := tx.Exec(ctx, `INSERT INTO idempotency (principal, operation, given_key, request_hash, answer, at) VALUES (?, ?, ?, ?, ?, ?)`,
		k.principal, k.operation, k.given, k.hash, answer, tx.At)
	return err
}
