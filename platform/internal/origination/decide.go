package origination

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// noticeDays is how long after a completed application the notice of an adverse
// action is due (12 CFR 1002.9); a review does not stop the days.
const noticeDays = 30

// automatic lets the engine decide an application on an input, as the verdict
// that stands.
func automatic(a *docket.Application, rules *decision.RuleSet, in decision.Input, at int64) (*docket.Verdict, error) {
	dec, err := decision.Decide(rules, &in)
	if err != nil {
		return nil, err
	}
	v := &docket.Verdict{ID: id.New[id.Verdict](at), Application: a.ID, Check: a.Check, Rules: rules.Version, Input: in, Results: dec.Rules,
		Outcome: dec.Outcome, Reasons: dec.Reasons, Automatic: true, By: engine(), At: at}
	a.Verdict, a.Machine, a.Outcome = v.ID, v.ID, v.Outcome.String()
	return v, nil
}

// statusOf says where an automatic verdict puts an application. While a check is
// under way nothing waits for mere approval, even if no rule needs the check.
func statusOf(a *docket.Application, v *docket.Verdict) string {
	switch {
	case v.Outcome == decision.Reject:
		return docket.Rejected
	case v.Outcome == decision.Review || a.CheckState == docket.Pending:
		return docket.Review
	}
	return docket.Waiting
}

// redecide decides a locked application anew by the rules in force, and stores
// verdict and move. Whoever calls it saves the application.
func (d *Desk) redecide(ctx context.Context, c *gate.Call, a *docket.Application, in decision.Input, by docket.Actor, why string) (*docket.Verdict, error) {
	rules, err := docket.PinRules(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	v, err := automatic(a, &rules.RuleSet, in, c.At)
	if err != nil {
		return nil, err
	}
	if err := docket.AddVerdict(ctx, c.Tx, v); err != nil {
		return nil, err
	}
	return v, move(ctx, c, a, statusOf(a, v), by, why)
}

// move changes the status of a locked application and notes it; a status that
// stays is noted too, because somebody decided it anew.
func move(ctx context.Context, c *gate.Call, a *docket.Application, to string, by docket.Actor, why string) error {
	c.Change("status", a.Status, to)
	m := docket.Move{N: a.Revision, From: a.Status, To: to, By: by, Reason: why, At: c.At}
	a.Status = to
	return docket.AddMove(ctx, c.Tx, a.ID, m)
}
