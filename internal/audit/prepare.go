package audit

import (
	"context"
	"encoding/hex"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// prepare cleans, seals and encodes an entry outside any lock. It fills ID and
// At; everything else of e stays as it is.
func (t *Trail) prepare(ctx context.Context, e *Entry, at int64) (*row, error) {
	if e.Actor == "" || e.Operation == "" || e.Outcome == 0 || e.Channel == 0 {
		return nil, fault.New(fault.Internal, "audit_incomplete", "An audit entry needs actor, operation, outcome and channel.")
	}
	if e.At == 0 {
		e.At = at
	}
	e.ID = id.New[id.Audit](e.At)
	s := &sealing{entry: e.ID}
	b := newBody(e, s)
	stored, err := b.Encode()
	if err != nil {
		return nil, err
	}
	sealed, err := s.close(ctx, t.c.Ring, t.c.Persons)
	if err != nil {
		return nil, err
	}
	return &row{
		id: e.ID, at: e.At, count: max(e.Count, 1),
		actor: b.Actor, operation: b.Operation, object: b.Object,
		outcome: b.Outcome, channel: b.Channel, address: b.Address,
		body: stored, sealed: sealed,
	}, nil
}

// burstKey names one burst; hex keeps sealed addresses (raw bytes) printable.
func burstKey(where, reason string, minute int64) string {
	return hex.EncodeToString([]byte(where)) + "|" + reason + "|" + strconv.FormatInt(minute, 10)
}
