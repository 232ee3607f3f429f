package origination

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/tenant"
)

// The kinds of this desk's jobs.
const (
	CheckJob   = "origination.network_check"
	OverdueJob = "origination.network_check_overdue"
)

// overdueMS is how long after its deadline a check is given up.
const overdueMS = 60_000

// Handlers gives the handlers of this desk's jobs for one tenant; the roof
// registers them with the tenant's runner.
func (d *Desk) Handlers(g *gate.Gate, t *tenant.Tenant) map[string]job.Handler {
	return map[string]job.Handler{
		CheckJob:   func(ctx context.Context, j job.Job) error { return d.runCheck(ctx, g, t, j) },
		OverdueJob: func(ctx context.Context, j job.Job) error { return d.runOverdue(ctx, g, t, j) },
	}
}

func house(t *tenant.Tenant) *gate.Request {
	return &gate.Request{Tenant: t, Channel: operation.Job, Job: "network-check"}
}

func given[In any](v In) func(*In) error {
	return func(in *In) error { *in = v; return nil }
}

// runCheck asks the provider with no transaction open and records the answer. A
// failure of the provider is an answer too; only a failure of the house makes
// the job come again.
func (d *Desk) runCheck(ctx context.Context, g *gate.Gate, t *tenant.Tenant, j job.Job) error {
	var ref CheckRef
	if err := json.Unmarshal(j.Payload, &ref); err != nil {
		return fmt.Errorf("payload of a network check: %w", err)
	}
	begin, err := gate.Run(ctx, g, d.CheckBegin, house(t), given(ref), nil)
	if err != nil || !begin.Wanted {
		return err
	}
	result, err := d.Provider.Lookup(ctx, t, begin.connection, begin.address)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err() // the runner is stopping: another one asks again
	}
	if _, err := gate.Run(ctx, g, d.CheckRecord, house(t), given(CheckRecordIn{CheckRef: ref, result: result}), nil); err != nil {
		return err
	}
	return d.Provider.Report(ctx, g, house(t), begin.connection.Version)
}

// runOverdue gives up a check that has not come.
func (d *Desk) runOverdue(ctx context.Context, g *gate.Gate, t *tenant.Tenant, j job.Job) error {
	var ref CheckRef
	if err := json.Unmarshal(j.Payload, &ref); err != nil {
		return fmt.Errorf("payload of an overdue check: %w", err)
	}
	_, err := gate.Run(ctx, g, d.CheckExpire, house(t), given(ref), nil)
	return err
}
