package origination

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/job"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
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
	n, err := d.connect(t, begin.connection)
	if err != nil {
		return err
	}
	result := n.lookup(ctx, begin.address, begin.connection.TimeoutMS)
	if ctx.Err() != nil {
		return ctx.Err() // the runner is stopping: another one asks again
	}
	if _, err := gate.Run(ctx, g, d.CheckRecord, house(t), given(CheckRecordIn{CheckRef: ref, result: result}), nil); err != nil {
		return err
	}
	return d.report(ctx, g, t, n)
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

// connected is a tenant's provider client with the alerts that it raised. It
// lives as long as the connection's version, so that a pause outlives a call.
type connected struct {
	version int64
	source  *ipstack.Client

	mu     sync.Mutex // guards alerts
	alerts []TroubleIn
}

// connect gives the client of a tenant's connection as it is stored.
func (d *Desk) connect(t *tenant.Tenant, n docket.Connection) (*connected, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if old := d.clients[t.ID]; old != nil && old.version == n.Version {
		return old, nil
	}
	if d.config.Outbound == nil || d.config.Now == nil {
		return nil, fault.New(fault.Unavailable, "no_way_out", "Outgoing calls are not set up.")
	}
	made := &connected{version: n.Version}
	var err error
	made.source, err = ipstack.New(ipstack.Config{BaseURL: n.BaseURL, Key: n.Key.Reveal, Timeout: time.Duration(n.TimeoutMS) * time.Millisecond, Use: useOf(n),
		Out: d.config.Outbound, Now: func() int64 { return d.config.Now().UnixMicro() }, Public: func(a netip.Addr) bool { return ipset.Public(a, d.config.AlsoPublic) },
		QuotaPerAddress: d.config.QuotaPerAddress, Alert: func(failure, words string, until int64) {
			made.mu.Lock()
			defer made.mu.Unlock()
			made.alerts = append(made.alerts, TroubleIn{Version: n.Version, Failure: failure, Words: words, until: until})
		}})
	if err != nil {
		return nil, err
	}
	d.clients[t.ID] = made
	return made, nil
}

// useOf says what the facts may be used for: nothing grave until somebody has
// confirmed that the contract allows it.
func useOf(n docket.Connection) geo.Use {
	if n.Confirmed {
		return geo.UseAllowed
	}
	return geo.UseUnknown
}

func (n *connected) lookup(ctx context.Context, a netip.Addr, ms int64) geo.Result {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(ms)*time.Millisecond)
	defer cancel()
	return n.source.Lookup(ctx, a)
}

// report records the alerts that a look-up has raised.
func (d *Desk) report(ctx context.Context, g *gate.Gate, t *tenant.Tenant, n *connected) error {
	n.mu.Lock()
	alerts := n.alerts
	n.alerts = nil
	n.mu.Unlock()
	for _, a := range alerts {
		if _, err := gate.Run(ctx, g, d.TroubleRecord, house(t), given(a), nil); err != nil {
			return err
		}
		if d.config.Alert != nil {
			d.config.Alert(t, a.Failure, a.Words, a.until)
		}
	}
	return nil
}
