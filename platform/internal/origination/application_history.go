package origination

import (
	"context"

	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// MoveOut is one change of status.
type MoveOut struct {
	At     string `json:"at" class:"public"`
	From   string `json:"from" class:"public"`
	To     string `json:"to" class:"public"`
	By     string `json:"by" class:"public"`
	Actor  string `json:"actor" class:"public"`
	Reason string `json:"reason" class:"public"`
}

// HistoryOut is what happened to an application, oldest first.
type HistoryOut struct {
	Transitions []MoveOut     `json:"transitions"`
	Decisions   []DecisionOut `json:"decisions" doc:"Empty for whoever may not view decisions."`
}

func (d *Desk) history(ctx context.Context, c *gate.Call, in *Ref) (*HistoryOut, error) {
	a, err := docket.ByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	out, err := historyOf(ctx, c, a)
	if err == nil && !c.Can(d.DecisionView.Name, in.object()) {
		out.Decisions = []DecisionOut{}
	}
	return out, err
}

func historyOf(ctx context.Context, c *gate.Call, a *docket.Application) (*HistoryOut, error) {
	moves, err := docket.Moves(ctx, c.Tx, a.ID)
	if err != nil {
		return nil, err
	}
	verdicts, err := docket.Verdicts(ctx, c.Tx, a.ID)
	if err != nil {
		return nil, err
	}
	out := &HistoryOut{Transitions: make([]MoveOut, len(moves)), Decisions: make([]DecisionOut, 0, len(verdicts))}
	for i, m := range moves {
		out.Transitions[i] = MoveOut{docket.Instant(m.At), m.From, m.To, m.By.Name, m.By.ID, m.Reason}
	}
	for _, v := range verdicts {
		out.Decisions = append(out.Decisions, *decisionOut(v))
	}
	return out, nil
}
