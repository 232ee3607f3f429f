// Package pending is what is kept of a call that waits for a second person: its
// input, what it would change, and the version of the object that it was made on.
// Input and change are sealed, each bound to its proposal.
package pending

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Effect is what a proposal would change, and on which version of the object.
type Effect struct {
	Revision int64 // of a loan; 0 for what the changes alone tell
	Changes  []audit.Change
}

// Seal puts the input of a call and its effect into the proposal.
func Seal(ring *keys.Ring, p *policy.Proposal, in any, e *Effect) error {
	input, err := shape.Pack(in)
	if err != nil {
		return err
	}
	changes, err := json.Marshal(e)
	if err != nil {
		return err
	}
	if p.Input, err = ring.Seal("proposal", string(p.ID), "input", input); err != nil {
		return err
	}
	p.Difference, err = ring.Seal("proposal", string(p.ID), "difference", changes)
	return err
}

// Open gives the effect that a proposal was made for.
func Open(ring *keys.Ring, p *policy.Proposal) (e Effect, err error) {
	b, err := ring.Unseal("proposal", string(p.ID), "difference", p.Difference)
	if err != nil {
		return e, err
	}
	return e, json.Unmarshal(b, &e)
}

// Input gives the input of the call, packed.
func Input(ring *keys.Ring, p *policy.Proposal) ([]byte, error) {
	return ring.Unseal("proposal", string(p.ID), "input", p.Input)
}

// Meets reports whether a change still meets what the effect was foreseen on: the
// same version, and the same fields with the same values before.
func (e Effect) Meets(now Effect) bool {
	return e.Revision == now.Revision && slices.EqualFunc(e.Changes, now.Changes, func(a, b audit.Change) bool { return a.Field == b.Field && a.Before == b.Before })
}

// Revision is the number that moves with every change of a loan; 0 for all else.
func Revision(ctx context.Context, tx *db.Tx, object string) (n int64, err error) {
	loan, isLoan := strings.CutPrefix(object, "loan/")
	if !isLoan {
		return 0, nil
	}
	err = tx.One(ctx, `SELECT revision FROM loan WHERE id = ?`, []any{loan}, &n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil // the operation says that it is not there
	}
	return n, err
}
