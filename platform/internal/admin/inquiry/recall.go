package inquiry

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// around is how far from the instant in a decision's id its entry can lie, in
// microseconds: the id holds milliseconds.
const around = 1000

// Recall finds a recorded denial and gives the call as a question for now, with
// the facts of its session or key as they are now.
func (d *Desk) Recall(ctx context.Context, c *gate.Call, want id.Decision) (Question, *Recorded, error) {
	q := Question{At: c.At}
	e, err := entryOfDecision(ctx, c, want)
	if err != nil {
		return q, nil, err
	}
	user, person := strings.CutPrefix(e.Actor, "user/")
	if !person {
		return q, nil, fault.New(fault.Conflict, "no_person", "Nobody who is known made this call, so there is nobody to explain it for.")
	}
	name := e.Operation
	if n := len(e.Operations); n > 0 {
		name = e.Operations[n-1] // of a page, the read that was refused
	}
	if q.Meta = d.Meta(name); q.Meta == nil {
		return q, nil, fault.New(fault.Conflict, "no_operation", "This was not a call of an operation, or of one that is gone by now.")
	}
	q.User, q.Object, q.Channel, q.Address = id.User(user), e.Object, e.Channel, e.Address
	r := &Recorded{Decision: want, At: instant(e.At), Outcome: e.Outcome.String(), Layer: e.Layer, Reason: e.Reason, Rule: e.Rule,
		PolicyVersion: e.PolicyVersion, ViewAs: e.For, Entry: e.ID}
	if e.Reason == access.NotVisible.String() {
		r.Layer = access.Row.String()
	}
	if e.Channel == operation.API {
		q.Key = id.APIKey(e.Credential)
		return q, r, nil
	}
	return q, r, q.session(ctx, c.Tx, id.Session(e.Credential))
}

// session takes the facts of a session as they are now. One that has ended would
// be a new one, whose person had just signed in.
func (q *Question) session(ctx context.Context, tx *db.Tx, s id.Session) error {
	var ended int64
	err := tx.One(ctx, `SELECT factor_at, proved_at, ended_at, view_as, view_draft FROM session WHERE id = ?`, []any{s}, &q.FactorAt, &q.ProvedAt, &ended, &q.ViewAs, &q.Draft)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err != nil || ended != 0 {
		q.FactorAt, q.ProvedAt, q.ViewAs, q.Draft = q.At, q.At, "", ""
		return nil
	}
	q.Session = s
	return nil
}

// entryOfDecision finds the entry of a decision by the instant in its id.
func entryOfDecision(ctx context.Context, c *gate.Call, want id.Decision) (*audit.Entry, error) {
	missing := fault.New(fault.NotFound, "not_found", "There is no such decision, or you may not see it.")
	if _, err := id.Parse[id.Decision](string(want)); err != nil {
		return nil, missing
	}
	at := id.Instant(want)
	for _, outcome := range []string{"denied", "failed"} {
		f := audit.Filter{Outcome: outcome, From: at, To: at + around, Limit: 500}
		for {
			page, err := c.Tenant.Trail.List(ctx, c.Tx, f)
			if err != nil {
				return nil, err
			}
			for i := range page.Entries {
				e := &page.Entries[i]
				if e.DecisionID == want {
					return e, nil
				}
				f.BeforeAt, f.BeforeID = e.At, e.ID
			}
			if !page.More {
				break
			}
		}
	}
	return nil, missing
}
